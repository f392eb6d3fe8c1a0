#include "call/call_dtmf.hpp"

#include <utility>

#include "call/dtmf_info.hpp"

namespace talky::call {
namespace {

constexpr Duration kPairDistance = std::chrono::milliseconds(800);
constexpr std::size_t kMaxWaiting = 256;

} // namespace

void CallDtmf::pressed(const DtmfPressed& key, Time now) {
  if (last_ && last_->digit == key.digit && last_->via != key.via && now - last_at_ < kPairDistance) {
    last_.reset();
    return;
  }
  last_ = key;
  last_at_ = now;
  signalling_.emit(key);
}

void CallDtmf::receive_info(sip::TransactionId id, const sip::Incoming& request, std::uint64_t at_sample,
                            Time now) {
  const sip::MessageView& view = request.view();
  if (view.has(sip::HeaderId::content_type) && !view.body().empty()) {
    const auto type = sip::MediaType::parse(view.value(sip::HeaderId::content_type));
    std::optional<InfoDigit> digit;
    if (type && type->matches("application/dtmf-relay")) {
      digit = parse_dtmf_relay(view.body());
    } else if (type && type->matches("application/dtmf")) {
      digit = parse_dtmf(view.body());
    } else {
      sip::Builder refusal = signalling_.reply(request, 415);
      refusal.header(sip::HeaderId::accept, "application/dtmf-relay, application/dtmf");
      return signalling_.layer().respond(id, refusal.build(), now);
    }
    if (!digit) return signalling_.respond(id, request, 400, now, "Bad DTMF Body");
    pressed({signalling_.key(), digit->digit, digit->duration_ms, at_sample, DtmfPressed::Via::info}, now);
  }
  signalling_.respond(id, request, 200, now);
}

Result<> CallDtmf::send(std::string_view digits, Duration length, Time now) {
  constexpr std::string_view kEys = "0123456789*#ABCDabcd";
  const std::size_t bad = digits.find_first_not_of(kEys);
  if (bad != std::string_view::npos && digits[bad] != ',') return fail(Errc::malformed, bad, "0-9 * # A-D");
  if (digits_.size() + digits.size() > kMaxWaiting)
    return fail(Errc::too_large, 0, "at most 256 digits waiting");
  for (const char c : digits) {
    if (c != ',') digits_.push_back(c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  length_ = length;
  send_next(now);
  return {};
}

// One at a time: INFOs that overtake each other would change the order of the digits.
void CallDtmf::send_next(Time now) {
  if (info_ != 0 || over_) return;
  if (digits_.empty()) return signalling_.emit(DtmfFinished{signalling_.key()});
  info_ = signalling_.request(signalling_.dialog()->request(sip::Method::info), sip::Method::info,
                              "application/dtmf-relay", build_dtmf_relay(digits_.front(), length_), now);
}

std::optional<Bye> CallDtmf::receive(const sip::MessageView& response, Time now) {
  const int status = response.status();
  info_ = 0;
  const bool again = (status == 401 || status == 407) && signalling_.learn_challenge(response);
  if (!again) {
    if (status == 481 || status == 408) return Bye{EndCause::lost, "the peer has lost the call"};
    if (!digits_.empty()) digits_.erase(0, 1);
  }
  send_next(now);
  return std::nullopt;
}

} // namespace talky::call
