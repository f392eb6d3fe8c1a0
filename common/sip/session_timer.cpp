#include "sip/session_timer.hpp"

#include <algorithm>
#include <utility>

#include "sip/status.hpp"

namespace talky::sip {

namespace {

constexpr std::chrono::seconds kAbsoluteMinSe{90}; // RFC 4028 5: what a missing Min-SE means

} // namespace

SessionTimer::SessionTimer(const Config& config)
    : config_(config), wanted_(config.session_expires), min_se_(config.min_se) {}

bool SessionTimer::receive_request(const MessageView& request, Time now) {
  peer_supports_ = request.lists(HeaderId::supported, "timer") || request.lists(HeaderId::require, "timer");
  const auto asked = SessionExpires::parse(request.value(HeaderId::session_expires));
  const auto least = SessionExpires::parse(request.value(HeaderId::min_se));
  if (asked && asked->interval < config_.min_se && peer_supports_) return false;

  const std::chrono::seconds floor =
      std::max(config_.min_se, least ? least->interval : std::chrono::seconds{0});
  std::chrono::seconds interval = config_.session_expires;
  if (asked) interval = interval.count() == 0 ? asked->interval : std::min(asked->interval, interval);
  if (interval.count() == 0) {
    stop();
    return true;
  }
  // Table 2 of RFC 4028: who does not know of timers cannot refresh; otherwise the request decides, or else
  // its sender.
  const bool we_refresh = !peer_supports_ || (asked && asked->refresher == SessionExpires::Refresher::uas);
  start(std::max(interval, floor), we_refresh, now);
  return true;
}

void SessionTimer::reject_headers(Builder& reply) const {
  reply.header(HeaderId::min_se, config_.min_se.count());
}

void SessionTimer::answer_headers(Builder& reply) const {
  if (!running()) return;
  reply.header(HeaderId::session_expires,
               std::to_string(interval_.count()).append(we_refresh_ ? ";refresher=uas" : ";refresher=uac"));
  if (!we_refresh_) reply.header(HeaderId::require, "timer");
}

void SessionTimer::request_headers(Builder& request) const {
  if (wanted_.count() == 0 && !running()) return;
  const std::chrono::seconds interval = std::max(running() ? interval_ : wanted_, min_se_);
  std::string value = std::to_string(interval.count());
  if (running()) value.append(we_refresh_ ? ";refresher=uac" : ";refresher=uas");
  request.header(HeaderId::session_expires, value);
  if (min_se_ > kAbsoluteMinSe) request.header(HeaderId::min_se, min_se_.count());
}

bool SessionTimer::receive_response(const MessageView& response, Time now) {
  if (response.status() == 422) {
    const auto least = SessionExpires::parse(response.value(HeaderId::min_se));
    if (least) min_se_ = std::max(min_se_, least->interval);
    return false;
  }
  if (!is_success(response.status())) return true;
  const auto agreed = SessionExpires::parse(response.value(HeaderId::session_expires));
  if (agreed && agreed->interval.count() != 0) {
    start(agreed->interval, agreed->refresher != SessionExpires::Refresher::uas, now);
  } else {
    stop();
  }
  return true;
}

void SessionTimer::start(std::chrono::seconds interval, bool we_refresh, Time now) {
  interval_ = interval;
  we_refresh_ = we_refresh;
  action_.reset();
  refresh_.reset();
  if (we_refresh) refresh_ = now + Duration(interval) / 2;
  giving_up_ = now + interval - std::min<Duration>(std::chrono::seconds(32), Duration(interval) / 3);
}

void SessionTimer::stop() {
  interval_ = std::chrono::seconds{0};
  refresh_.reset();
  giving_up_.reset();
  action_.reset();
}

void SessionTimer::expire(Time now) {
  if (giving_up_ && now >= *giving_up_) {
    stop();
    action_ = Action::hang_up;
  } else if (refresh_ && now >= *refresh_) {
    refresh_.reset();
    action_ = Action::refresh;
  }
}

std::optional<Time> SessionTimer::deadline() const {
  return earlier(refresh_, giving_up_);
}

std::optional<SessionTimer::Action> SessionTimer::poll() {
  return std::exchange(action_, std::nullopt);
}

} // namespace talky::sip
