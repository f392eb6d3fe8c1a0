// A line on stderr that is written over again: only on a terminal, at most ten times a second, and gone at
// the end. Where stderr is a file or a pipe, nothing is written.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

namespace talky::cli {

bool stderr_is_terminal();
// Colours are wanted on `fd`: it is a terminal, NO_COLOR is unset or empty, and TERM is not "dumb".
bool wants_colour(int fd);

class Progress {
 public:
  Progress();
  ~Progress(); // wipes the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::string_view text); // cut to the terminal's width

 private:
  bool shown_ = false;
  bool enabled_;
  std::chrono::steady_clock::time_point next_{};
};

} // namespace talky::cli
