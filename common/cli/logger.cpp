#include "cli/logger.hpp"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <string>

namespace talky::cli {
namespace {

constexpr std::size_t kQueueLines = 8192;

spdlog::level::level_enum to_spdlog(log::Level level) {
  switch (level) {
    case log::Level::trace: return spdlog::level::trace;
    case log::Level::debug: return spdlog::level::debug;
    case log::Level::info: return spdlog::level::info;
    case log::Level::warn: return spdlog::level::warn;
    case log::Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

} // namespace

std::optional<log::Level> parse_level(std::string_view text) {
  for (const auto level :
       {log::Level::trace, log::Level::debug, log::Level::info, log::Level::warn, log::Level::error}) {
    if (log::to_string(level) == text) return level;
  }
  return std::nullopt;
}

struct Logger::Impl {
  explicit Impl(log::Level at)
      : level(at),
        pool(std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1)),
        sink(std::make_shared<spdlog::sinks::stderr_sink_mt>()),
        logger(std::make_shared<spdlog::async_logger>("talky", sink, pool,
                                                      spdlog::async_overflow_policy::overrun_oldest)) {
    logger->set_level(spdlog::level::trace);
    logger->set_formatter(std::make_unique<spdlog::pattern_formatter>("ts=%Y-%m-%dT%H:%M:%S.%eZ %v",
                                                                      spdlog::pattern_time_type::utc));
  }

  ~Impl() {
    const std::size_t lost = pool->overrun_counter();
    if (lost > 0) logger->log(spdlog::level::warn, "level=warn event=log.overrun lost={}", lost);
    logger.reset();
    pool.reset(); // its thread writes what is queued and ends
  }

  std::atomic<log::Level> level;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::sinks::sink> sink;
  std::shared_ptr<spdlog::async_logger> logger;
};

Logger::Logger(log::Level level) : impl_(std::make_shared<Impl>(level)) {}
Logger::~Logger() = default;

bool Logger::wants(log::Level level) const {
  return level >= impl_->level.load(std::memory_order_relaxed);
}

void Logger::write(log::Level level, std::string_view line) const {
  if (!wants(level)) return;
  std::string text;
  text.reserve(line.size() + 24);
  text.append("level=").append(log::to_string(level)).append(" event=").append(line);
  impl_->logger->log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
}

void Logger::level(log::Level level) {
  impl_->level.store(level, std::memory_order_relaxed);
}

log::Sink Logger::sink() const {
  return [logger = *this](log::Level level, std::string_view line) { logger.write(level, line); };
}

} // namespace talky::cli
