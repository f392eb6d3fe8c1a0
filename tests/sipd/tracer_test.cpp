// The sender of traces against an HTTP server of ours that answers as collectors do.
#include "sipd/sinks/tracer.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/server.hpp"

using namespace talky;
using namespace talky::sipd;
using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 60s;

class Collector {
 public:
  struct Seen {
    Time at;
    std::string coding, type;
    std::string body;
  };
  using Answer = std::function<http::Response(std::size_t number)>; // of the first request: 0

  explicit Collector(Answer answer) : answer_(std::move(answer)) {
    server_.emplace(
        loop_, http::ServerOptions{.max_body = 16 << 20},
        [this](const http::Request& request, const http::Reply& reply) {
          std::size_t number = 0;
          {
            const std::lock_guard lock(mutex_);
            number = seen_.size();
            seen_.push_back({net::now(), std::string(request.headers.get("Content-Encoding")),
                             std::string(request.headers.get("Content-Type")), request.body});
          }
          reply(answer_(number));
        },
        nullptr);
    endpoint_ = server_->listen(*Endpoint::parse("127.0.0.1:0")).value();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Collector() {
    loop_.post([this] { loop_.stop(); });
    thread_.join();
  }
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  http::Url url() const {
    return *http::Url::parse(fmt::format("http://{}/v1/traces", endpoint_.to_string()));
  }
  std::vector<Seen> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  Answer answer_;
  mutable std::mutex mutex_;
  std::vector<Seen> seen_;
  net::Loop loop_;
  std::optional<http::Server> server_;
  Endpoint endpoint_;
  std::thread thread_;
};

http::Response taken(std::string body = "{}") {
  return http::Response::text(200, "application/json", std::move(body));
}

Tracer::Options to(const Collector& collector) {
  Tracer::Options out;
  out.url = collector.url();
  out.headers.add("Content-Type", "application/json");
  return out;
}

telemetry::Span span(std::size_t number) {
  telemetry::Span out;
  out.trace[0] = 1;
  out.id[0] = 1;
  out.name = fmt::format("span {}", number);
  return out;
}

bool wait_for(const std::function<bool()>& condition) {
  const Time limit = net::now() + kPatience;
  while (!condition()) {
    if (net::now() > limit) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

void nothing(log::Level /*level*/, std::string_view /*line*/) {}

} // namespace

TEST_CASE("a collector that is away and comes back gets what there was room for; the rest is counted") {
  constexpr std::size_t kMore = 1'000;
  std::atomic<bool> away{true};
  Collector collector(
      [&](std::size_t) { return away ? http::Response::text(503, "text/plain", "busy") : taken(); });
  Tracer tracer(to(collector), nothing);
  for (std::size_t i = 0; i < Tracer::kMaxQueue + Tracer::kMaxBatch + kMore; ++i)
    tracer.add(span(i));
  const auto counts = tracer.counts();
  // Whether the first batch has left the queue by now is a matter of time.
  CHECK(counts.no_room >= kMore);
  CHECK(counts.no_room <= kMore + Tracer::kMaxBatch);
  CHECK(counts.waiting + counts.no_room == Tracer::kMaxQueue + Tracer::kMaxBatch + kMore);
  CHECK(counts.sent == 0);
  REQUIRE(wait_for([&] { return tracer.counts().failures >= 1; }));
  away = false;
  REQUIRE(wait_for([&] { return tracer.counts().waiting == 0; }));
  CHECK(tracer.counts().sent == counts.waiting);
  CHECK(tracer.counts().no_room == counts.no_room);
  CHECK(tracer.counts().refused == 0);
  for (const auto& request : collector.seen())
    CHECK(request.coding.empty());
}

TEST_CASE("Retry-After is waited for, with every status that asks for another try") {
  for (const int status : {429, 502, 503, 504}) {
    Collector collector([&](std::size_t number) {
      if (number > 0) return taken();
      auto answer = http::Response::text(status, "text/plain", "");
      answer.headers.add("Retry-After", "1");
      return answer;
    });
    Tracer tracer(to(collector), nothing);
    tracer.add(span(1));
    REQUIRE(wait_for([&] { return tracer.counts().sent == 1; }));
    const auto seen = collector.seen();
    REQUIRE(seen.size() == 2);
    CHECK(seen[1].at - seen[0].at >= 900ms); // without it: 250 to 500 ms
    CHECK(seen[1].body == seen[0].body);
    CHECK(tracer.counts().failures == 1);
  }
}

TEST_CASE("what a collector takes in part, or not at all, is counted and not sent again") {
  Collector collector([](std::size_t number) {
    if (number == 0) return taken(R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}})");
    if (number == 1) return http::Response::text(400, "text/plain", "no such field");
    return taken(R"({"partialSuccess":{"rejectedSpans":99}})"); // more than there were
  });
  Tracer tracer(to(collector), nothing);
  for (std::size_t i = 0; i < 10; ++i)
    tracer.add(span(i));
  REQUIRE(wait_for([&] { return tracer.counts().sent == 7; }));
  CHECK(tracer.counts().refused == 3);
  tracer.add(span(10));
  REQUIRE(wait_for([&] { return tracer.counts().refused == 4; }));
  tracer.add(span(11));
  REQUIRE(wait_for([&] { return tracer.counts().refused == 5; }));
  CHECK(tracer.counts().sent == 7);
  CHECK(tracer.counts().failures == 0);
  CHECK(tracer.counts().waiting == 0);
}

TEST_CASE("bodies are packed if that is wished") {
  Collector collector([](std::size_t) { return taken(); });
  auto options = to(collector);
  options.gzip = true;
  options.headers.add("Content-Encoding", "gzip");
  Tracer tracer(std::move(options), nothing);
  for (std::size_t i = 0; i < 100; ++i)
    tracer.add(span(i));
  REQUIRE(wait_for([&] { return tracer.counts().sent == 100; }));
  for (const auto& request : collector.seen()) {
    CHECK(request.coding == "gzip");
    CHECK(request.type == "application/json");
    CHECK(request.body.substr(0, 2) == "\x1f\x8b");
  }
}

TEST_CASE("what has not been sent at the end is told") {
  std::string said;
  {
    Collector collector([](std::size_t) { return http::Response::text(503, "text/plain", ""); });
    Tracer tracer(to(collector), [&](log::Level, std::string_view line) {
      if (line.find("otlp.undelivered") != std::string_view::npos) said = line;
    });
    for (std::size_t i = 0; i < 3; ++i)
      tracer.add(span(i));
  }
  CHECK(said.find("spans=3") != std::string::npos);
}
