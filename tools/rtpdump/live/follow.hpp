// How a live capture looks while it goes on: a table that is drawn over again on a terminal, lines elsewhere.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "capture/analysis.hpp"

namespace talky::rtpdump {

// The terminal's other screen, while this lives; what was on the terminal before comes back at the end. Does
// nothing where standard output is no terminal, or one that cannot.
class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  bool shown() const { return shown_; }
  // Draws from the top. What is wider or higher than the terminal has become is cut, and how many lines are
  // missing is said.
  void draw(std::string_view title, std::string_view text);

 private:
  bool shown_ = false;
  bool colour_ = false;
};

// `text` as it fits into so many columns and rows: the pure part of Screen::draw, without its colours.
std::string fitted(std::string_view text, std::size_t columns, std::size_t rows);

// One line for each stream that got packets since the call before: seconds since the start, from, to, SSRC,
// codec, and the figures so far.
class ProgressLines {
 public:
  std::string next(const capture::Analysis& analysis);

 private:
  std::unordered_map<const capture::Stream*, std::uint64_t> told_;
};

} // namespace talky::rtpdump
