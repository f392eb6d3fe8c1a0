#include "capture/requests.hpp"

#include "capture/format.hpp"

namespace talky::capture {

void RequestTable::add(const sip::MessageView& message, const file::Segment& segment, const std::string& from,
                       const std::string& to) {
  const auto cseq = message.cseq();
  if (!cseq || message.method() == sip::Method::invite || message.method() == sip::Method::ack ||
      message.method() == sip::Method::cancel)
    return; // of a call that is not known, or not kept
  const std::string method = printable(message.is_request() ? message.method_text() : cseq->method_text);
  const std::string id = printable(message.call_id());
  const std::string key = method + " " + id;
  auto known = by_id_.find(key);
  if (known == by_id_.end()) {
    if (message.is_response() || requests_.size() >= kMaxRequests) return;
    known = by_id_.emplace(key, requests_.size()).first;
    Request& made = requests_.emplace_back();
    made.method = method;
    made.call_id = id;
    made.from = from;
    made.to = to;
    made.source = segment.from;
    made.target = segment.to;
    made.first_ns = segment.time_ns;
  }
  Request& request = requests_[known->second];
  if (message.is_request()) {
    request.last_ns = segment.time_ns;
    if (request.requests > 0 && cseq->number == request.cseq) {
      ++request.retransmissions;
      return;
    }
    ++request.requests;
    request.cseq = cseq->number;
    request.asked_ns = segment.time_ns;
    return;
  }
  const int status = message.status();
  const bool again = request.answered_ns && *request.answered_ns >= request.asked_ns;
  if (status < 200 || cseq->number != request.cseq || again) return;
  request.answered_ns = segment.time_ns;
  request.final_code = status;
  request.final_reason = printable(message.reason());
  if (status == 401 || status == 407) ++request.challenges;
}

} // namespace talky::capture
