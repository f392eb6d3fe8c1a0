// A table for people: columns as wide as their widest cell, numbers to the right.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace talky::rtpdump {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string str() const {
    const std::size_t columns = rows_.front().size();
    std::vector<std::size_t> widths(columns);
    std::vector<bool> numeric(columns, true);
    for (const auto& row : rows_) {
      for (std::size_t i = 0; i < columns; ++i) {
        widths[i] = std::max(widths[i], row[i].size());
        if (&row != &rows_.front() && row[i].find_first_not_of("-0123456789.%") != std::string::npos)
          numeric[i] = false;
      }
    }
    std::string out;
    for (const auto& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < columns; ++i)
        line += numeric[i] ? fmt::format("{:>{}}  ", row[i], widths[i])
                           : fmt::format("{:<{}}  ", row[i], widths[i]);
      line.erase(line.find_last_not_of(' ') + 1);
      out += line + "\n";
    }
    return out;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

} // namespace talky::rtpdump
