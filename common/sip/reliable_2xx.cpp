#include "sip/reliable_2xx.hpp"

#include <algorithm>
#include <utility>

namespace talky::sip {

Reliable2xx::Reliable2xx(const Timers& timers, Message response, std::uint32_t cseq, Time now)
    : timers_(timers),
      response_(std::move(response)),
      cseq_(cseq),
      interval_(timers.t1),
      resend_(now + timers.t1),
      giving_up_(now + timers.timeout()) {}

bool Reliable2xx::receive(const MessageView& ack) {
  const auto cseq = ack.cseq();
  if (!cseq || cseq->method != Method::ack || cseq->number != cseq_) return false;
  acknowledged_ = true;
  due_ = false;
  return true;
}

void Reliable2xx::expire(Time now) {
  if (acknowledged_ || failed_) return;
  if (now >= giving_up_) {
    failed_ = true;
    due_ = false;
  } else if (now >= resend_) {
    due_ = true;
    interval_ = std::min(2 * interval_, timers_.t2);
    resend_ = now + interval_;
  }
}

std::optional<Time> Reliable2xx::deadline() const {
  if (acknowledged_ || failed_) return std::nullopt;
  return std::min(resend_, giving_up_);
}

std::optional<Message> Reliable2xx::poll() {
  if (!std::exchange(due_, false)) return std::nullopt;
  return response_;
}

} // namespace talky::sip
