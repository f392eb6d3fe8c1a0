#include "sipd/sinks/tracer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <iterator>
#include <utility>

#include "core/ascii.hpp"
#include "http/gzip.hpp"
#include "net/background_thread.hpp"
#include "net/entropy.hpp"

namespace talky::sipd {
namespace {

constexpr auto kGatherFor = std::chrono::seconds(1); // after the first span of a batch
constexpr auto kRequestLimit = std::chrono::seconds(10);
constexpr auto kStopLimit = std::chrono::seconds(2);
constexpr Duration kFirstPause = std::chrono::milliseconds(500);
constexpr Duration kLongestPause = std::chrono::seconds(30);
constexpr auto kLongestWish = std::chrono::minutes(5); // of a Retry-After
constexpr std::size_t kQuoted = 200;                   // bytes of an answer in the log

// Seconds, or a date (RFC 9110 10.2.3).
std::optional<Duration> retry_after(const http::Answer& answer) {
  const std::string_view field = answer.headers.get("Retry-After");
  std::optional<std::int64_t> seconds = ascii::to_number<std::uint32_t>(field);
  if (!seconds) {
    const auto date = http::parse_http_date(field);
    if (!date) return std::nullopt;
    seconds = *date - net::wall_clock_us() / 1'000'000;
  }
  return std::clamp<Duration>(std::chrono::seconds(*seconds), Duration{0}, kLongestWish);
}

// {"partialSuccess":{"rejectedSpans":"3","errorMessage":".."}}: some were not taken.
std::pair<std::uint64_t, std::string> partial_success(std::string_view body) {
  boost::system::error_code error;
  const auto value = boost::json::parse({body.data(), body.size()}, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* partial = object ? object->if_contains("partialSuccess") : nullptr;
  if (!partial || !partial->is_object()) return {};
  std::uint64_t count = 0;
  if (const auto* rejected = partial->get_object().if_contains("rejectedSpans")) {
    if (rejected->is_string()) {
      const auto& text = rejected->get_string();
      count = ascii::to_number<std::uint64_t>({text.data(), text.size()}).value_or(0);
    } else if (rejected->is_int64()) {
      count = static_cast<std::uint64_t>(std::max<std::int64_t>(rejected->get_int64(), 0));
    }
  }
  const auto* message = partial->get_object().if_contains("errorMessage");
  std::string why;
  if (message && message->is_string()) why.assign(message->get_string().data(), message->get_string().size());
  return {count, why};
}

bool worth_another_try(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

} // namespace

Tracer::Tracer(Options options, log::Sink log)
    : options_(std::move(options)),
      log_(std::move(log)),
      timer_(loop_, [this] { flush(); }),
      stop_limit_(loop_, [this] { loop_.stop(); }),
      random_(net::entropy_seed()),
      thread_([this] {
        net::begin_background_thread();
        loop_.run();
      }) {}

Tracer::~Tracer() {
  loop_.post([this] {
    stopping_ = true;
    stop_limit_.at(net::now() + kStopLimit);
    if (!request_) flush();
    stop_when_idle();
  });
  thread_.join();
  request_.reset();
  undelivered_ += batch_.size() + queue_.size();
  if (undelivered_ > 0) {
    log_(
        log::Level::warn,
        log::Line("otlp.undelivered").add("spans", undelivered_.load()).add("why", "the daemon ended").str());
  }
}

void Tracer::add(telemetry::Span span) {
  bool tell = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kMaxQueue) {
      ++no_room_;
      return;
    }
    queue_.push_back(std::move(span));
    tell = !std::exchange(told_, true);
  }
  if (!tell) return;
  loop_.post([this] {
    if (batch_.empty() && !timer_.armed()) timer_.at(net::now() + kGatherFor);
  });
}

Tracer::Counts Tracer::counts() const {
  const std::lock_guard lock(mutex_);
  return {sent_, no_room_, refused_, undelivered_, failures_, queue_.size() + in_batch_};
}

void Tracer::flush() {
  if (request_) return;
  if (batch_.empty()) {
    const std::lock_guard lock(mutex_);
    const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), kMaxBatch));
    batch_.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.begin() + count));
    queue_.erase(queue_.begin(), queue_.begin() + count);
    if (queue_.empty()) told_ = false;
    in_batch_ = batch_.size();
  }
  if (batch_.empty()) return;
  std::string body = telemetry::to_otlp_json(options_.resource, "talky-sipd", TALKY_VERSION, batch_);
  if (options_.gzip) body = http::gzip(body);
  request_.emplace(loop_, options_.url, options_.headers, std::move(body),
                   http::Requesting::Options{kRequestLimit, options_.ca_file}, [this](const auto& answer) {
                     // Not from within the request, which goes.
                     loop_.post([this, answer] { answered(answer); });
                   });
}

void Tracer::answered(const tl::expected<http::Answer, std::string>& answer) {
  request_.reset();
  if (!answer) return again(answer.error(), std::nullopt);
  if (answer->status >= 200 && answer->status < 300) {
    const auto [rejected, why] = partial_success(answer->body);
    return settled(std::min<std::uint64_t>(rejected, batch_.size()), why);
  }
  if (worth_another_try(answer->status))
    return again(fmt::format("status {}", answer->status), retry_after(*answer));
  settled(batch_.size(), fmt::format("status {}: {}", answer->status, answer->body.substr(0, kQuoted)));
}

// The batch stays, and is tried again after `pause`, or after one that grows from try to try and is not the
// same for all who were turned away together.
void Tracer::again(std::string_view why, std::optional<Duration> pause) {
  ++failures_;
  if (!std::exchange(troubled_, true)) {
    log_(log::Level::warn,
         log::Line("otlp.waits").add("url", options_.url.authority()).add("why", why).str());
  }
  if (stopping_) return loop_.stop();
  pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
  const Duration jitter(
      static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(pause_.count()) / 2)));
  timer_.at(net::now() + pause.value_or(pause_ / 2 + jitter));
}

void Tracer::settled(std::uint64_t refused, std::string_view why) {
  sent_ += batch_.size() - refused;
  refused_ += refused;
  if (refused > 0) {
    log_(log::Level::warn, log::Line("otlp.refused").add("spans", refused).add("why", why).str());
  }
  if (std::exchange(troubled_, false)) {
    log_(log::Level::info, log::Line("otlp.goes_on").add("url", options_.url.authority()).str());
  }
  pause_ = Duration{0};
  batch_.clear();
  in_batch_ = 0;
  bool more = false;
  bool whole = false;
  {
    const std::lock_guard lock(mutex_);
    more = !queue_.empty();
    whole = queue_.size() >= kMaxBatch;
  }
  if (more && (whole || stopping_)) return flush();
  if (more) timer_.at(net::now() + kGatherFor);
  stop_when_idle();
}

void Tracer::stop_when_idle() {
  if (stopping_ && !request_ && batch_.empty()) loop_.stop();
}

} // namespace talky::sipd
