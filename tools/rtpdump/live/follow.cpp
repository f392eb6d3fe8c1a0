#include "rtpdump/live/follow.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "cli/progress.hpp"
#include "rtpdump/report/report.hpp"

namespace talky::rtpdump {

namespace {

constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[K";
constexpr std::string_view kClearBelow = "\x1b[J";

void put(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// The beginning of a line that takes at most so many columns; UTF-8 sequences stay whole.
std::string_view cut(std::string_view line, std::size_t columns) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(line[i]) & 0xc0U) != 0x80U;
    if (begins && used++ == columns) return line.substr(0, i);
  }
  return line;
}

} // namespace

std::string fitted(std::string_view text, std::size_t columns, std::size_t rows) {
  std::size_t lines = 0;
  for (const char c : text)
    lines += c == '\n' ? 1 : 0;
  std::string out;
  for (std::size_t row = 0; row < rows && !text.empty(); ++row) {
    if (row + 1 == rows && lines > rows) {
      out += cut(fmt::format("... and {} more", lines - rows + 1), columns);
      out += '\n';
      break;
    }
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += cut(text.substr(0, end), columns);
    out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Screen::Screen() {
  const char* terminal = std::getenv("TERM");
  shown_ = ::isatty(STDOUT_FILENO) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
  colour_ = cli::wants_colour(STDOUT_FILENO);
  if (shown_) put(kEnter);
}

Screen::~Screen() {
  if (!shown_) return;
  put(kLeave);
  std::fflush(stdout);
}

void Screen::draw(std::string_view title, std::string_view text) {
  if (!shown_) return;
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 2;
  const std::size_t columns = known ? size.ws_col : 80;
  const std::size_t rows = known ? size.ws_row : 24;
  std::string out(kHome);
  const auto line = [&](std::string_view content, bool strong) {
    if (strong && colour_) out += "\x1b[1m";
    out += content;
    if (strong && colour_) out += "\x1b[0m";
    out += kClearLine;
    out += "\n";
  };
  line(cut(title, columns), false);
  const std::string body = fitted(text, columns, rows - 2);
  bool heading = true;
  for (std::string_view rest = body; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    line(rest.substr(0, end), heading);
    heading = false;
    rest.remove_prefix(end + 1);
  }
  out += kClearBelow;
  put(out);
  std::fflush(stdout);
}

std::string ProgressLines::next(const capture::Analysis& analysis) {
  std::string out;
  for (const capture::Stream* stream : analysis.streams.streams()) {
    std::uint64_t& told = told_[stream];
    if (told == stream->packets()) continue;
    told = stream->packets();
    out += fmt::format(
        "{:.3f} {} {} 0x{:08x} {} packets={} lost={} jitter={:.3f} mos={}\n",
        static_cast<double>(stream->last_ns() - analysis.start_ns.value_or(0)) * 1e-9,
        stream->from.to_string(), stream->to.to_string(), stream->ssrc,
        stream->format().name.empty() ? fmt::format("pt{}", stream->payload_type()) : stream->format().name,
        stream->packets(), stream->missing(), stream->has_jitter() ? stream->jitter_ms().mean : 0.0,
        mos_of(*stream) ? fmt::format("{:.2f}", *mos_of(*stream)) : "-");
  }
  return out;
}

} // namespace talky::rtpdump
