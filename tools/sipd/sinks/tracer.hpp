// Sends spans to an OpenTelemetry collector: OTLP over HTTP in JSON, in batches, from a thread of its own.
// Whoever adds a span never waits: what finds no room is dropped and counted. A collector that is away, slow
// or says 429 or 503 is tried again, with growing pauses or when its Retry-After says so; what it refuses
// otherwise is dropped.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/log.hpp"
#include "core/random.hpp"
#include "http/client.hpp"
#include "telemetry/otlp.hpp"

namespace talky::sipd {

class Tracer {
 public:
  static constexpr std::size_t kMaxQueue = 8'192; // spans
  static constexpr std::size_t kMaxBatch = 512;

  struct Options {
    http::Url url; // of the traces: ".../v1/traces"
    http::Headers headers;
    std::string ca_file; // of https; "": the system's authorities
    bool gzip = false;   // the bodies are sent with Content-Encoding: gzip
    telemetry::Attributes resource;
  };
  Tracer(Options options, log::Sink log);
  ~Tracer(); // tries once more to send what waits, for at most stop_limit
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  void add(telemetry::Span span); // any thread

  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t no_room = 0, refused = 0,
                  undelivered = 0; // dropped: the queue was full; by the collector; at the end
    std::uint64_t failures = 0;    // attempts that came to nothing, and were repeated
    std::size_t waiting = 0;
  };
  Counts counts() const; // any thread

 private:
  void flush();
  void answered(const tl::expected<http::Answer, std::string>& answer);
  void again(std::string_view why, std::optional<Duration> pause);
  void settled(std::uint64_t refused, std::string_view why);
  void stop_when_idle();

  Options options_;
  log::Sink log_;
  mutable std::mutex mutex_;
  std::deque<telemetry::Span> queue_;
  bool told_ = false; // the loop knows that there is something
  std::atomic<std::uint64_t> sent_{0}, no_room_{0}, refused_{0}, undelivered_{0}, failures_{0};
  std::atomic<std::size_t> in_batch_{0};

  // Of the thread alone.
  net::Loop loop_;
  net::Timer timer_, stop_limit_;
  Random random_;
  std::vector<telemetry::Span> batch_; // that is being sent, or waits to be sent again
  std::optional<http::Requesting> request_;
  Duration pause_{0};
  bool troubled_ = false; // the log has said so
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace talky::sipd
