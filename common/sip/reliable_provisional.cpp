#include "sip/reliable_provisional.hpp"

#include <utility>

#include "core/ascii.hpp"
#include "sip/status.hpp"

namespace talky::sip {

ReliableProvisional::ReliableProvisional(const Timers& timers, std::uint32_t first_rseq,
                                         std::uint32_t invite_cseq)
    : timers_(timers),
      next_rseq_(first_rseq == 0 ? 1 : first_rseq & 0x7fff'ffff),
      invite_cseq_(invite_cseq) {}

void ReliableProvisional::respond(Builder response, std::string_view content_type, std::string_view body,
                                  Time now) {
  response.header(HeaderId::require, "100rel").header(HeaderId::rseq, next_rseq_);
  Message message = body.empty() ? response.build() : response.body(content_type, body);
  queue_.push_back({std::move(message), next_rseq_});
  ++next_rseq_;
  if (queue_.size() == 1) start(now);
}

void ReliableProvisional::start(Time now) {
  due_ = true;
  interval_ = timers_.t1;
  resend_ = now + interval_;
  giving_up_ = now + timers_.timeout();
}

int ReliableProvisional::receive(const MessageView& prack, Time now) {
  const auto rack = RAck::parse(prack.value(HeaderId::rack));
  if (!rack) return 400;
  const bool match = !queue_.empty() && rack->rseq == queue_.front().rseq &&
                     rack->cseq.number == invite_cseq_ && rack->cseq.method == Method::invite;
  if (!match) return 481;
  queue_.pop_front();
  stop_timer();
  if (!queue_.empty()) start(now);
  return 200;
}

void ReliableProvisional::expire(Time now) {
  if (giving_up_ && now >= *giving_up_) {
    failed_ = true;
    stop();
  } else if (resend_ && now >= *resend_) {
    due_ = true;
    interval_ *= 2;
    resend_ = now + interval_;
  }
}

std::optional<Time> ReliableProvisional::deadline() const {
  return earlier(resend_, giving_up_);
}

std::optional<Message> ReliableProvisional::poll() {
  if (!std::exchange(due_, false) || queue_.empty()) return std::nullopt;
  return queue_.front().response;
}

void ReliableProvisional::stop_timer() {
  due_ = false;
  resend_.reset();
  giving_up_.reset();
}

void ReliableProvisional::stop() {
  queue_.clear();
  stop_timer();
}

ReliableProvisionalReceiver::Action ReliableProvisionalReceiver::receive(const MessageView& response) {
  const auto rseq = ascii::to_number<std::uint32_t>(response.value(HeaderId::rseq));
  const auto cseq = response.cseq();
  const bool reliable = response.status() > 100 && is_provisional(response.status()) && rseq && cseq &&
                        response.lists(HeaderId::require, "100rel");
  if (!reliable) return Action::unreliable;
  if (last_ && *rseq <= *last_) return Action::again;
  if (last_ && *rseq != *last_ + 1) return Action::ignore;
  last_ = *rseq;
  cseq_ = cseq->number;
  return Action::acknowledge;
}

std::string ReliableProvisionalReceiver::rack() const {
  return std::to_string(last_.value_or(0)) + " " + std::to_string(cseq_) + " INVITE";
}

} // namespace talky::sip
