// Log lines on stderr, in logfmt, written by a thread of its own, so that a slow terminal never holds up a
// media loop. When more than 8,192 lines wait, the oldest are dropped and counted.
//
//     ts=2026-11-22T13:30:00.123Z level=info event=call.start call=... from=...
//
//     cli::Logger logger(log::Level::info);
//     logger(log::Level::info, log::Line("call.start").add("call", id));
//     const log::Sink sink = logger.sink(); // for whoever wants a talky::log::Sink
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "core/log.hpp"

namespace talky::cli {

// "trace", "debug", "info", "warn", "error", for --log-level.
std::optional<log::Level> parse_level(std::string_view text);

class Logger {
 public:
  explicit Logger(log::Level level);
  ~Logger(); // writes what is queued

  bool wants(log::Level level) const;
  void operator()(log::Level level, const log::Line& line) const { write(level, line.str()); }
  void write(log::Level level, std::string_view line) const; // any thread; the line is already escaped
  void level(log::Level level);                              // from now on
  // Holds on to the logger: may outlive it.
  log::Sink sink() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

} // namespace talky::cli
