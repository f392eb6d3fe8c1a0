#include "cli/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace talky::cli {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// The longest beginning of at most `columns` characters; UTF-8 sequences stay whole.
std::string_view cut(std::string_view text, std::size_t columns) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xc0u) != 0x80u;
    if (begins && characters++ == columns) return text.substr(0, i);
  }
  return text;
}

constexpr std::string_view kWipe = "\r\x1b[K";

} // namespace

bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) != 0;
}

bool wants_colour(int fd) {
  return ::isatty(fd) != 0 && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
}

Progress::Progress() : enabled_(stderr_is_terminal() && environment("TERM") != "dumb") {}

Progress::~Progress() {
  if (shown_) std::fwrite(kWipe.data(), 1, kWipe.size(), stderr);
}

void Progress::update(std::string_view text) {
  if (!enabled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  std::string line(kWipe);
  line += cut(text, known ? size.ws_col - 1u : 79u);
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
  shown_ = true;
}

} // namespace talky::cli
