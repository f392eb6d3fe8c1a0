// Blind transfer: REFER, and the NOTIFYs that tell what became of it (RFC 3515).
#include <fmt/format.h>

#include "call/call.hpp"
#include "call/protocol.hpp"
#include "core/ascii.hpp"
#include "sip/refer.hpp"
#include "sip/status.hpp"

namespace talky::call {
namespace {

constexpr Duration transfer_timeout = std::chrono::seconds(60); // for the target to be reached

} // namespace

Result<> Call::transfer(std::string_view target, Time now) {
  if (state_ != State::confirmed || transferring_ || referral_)
    return fail(Errc::closed, 0, "an answered call, not in transfer");
  const auto uri = sip::Uri::parse(target);
  if (!uri || (!uri->is_sip() && uri->scheme != sip::Uri::Scheme::tel)) {
    return fail(Errc::malformed, 0, "a target such as sip:200@127.0.0.1");
  }
  sip::Builder refer = dialog_->request(sip::Method::refer);
  refer.header(sip::HeaderId::refer_to, fmt::format("<{}>", target))
      .header(sip::HeaderId::referred_by, dialog_->contact());
  transferring_ = true;
  transfer_until_ = now + transfer_timeout;
  client_refer_ = send_request(std::move(refer), sip::Method::refer, "", "", now);
  return {};
}

void Call::refer_response(const sip::MessageView& response, Time now) {
  const int status = response.status();
  if (over() || sip::is_success(status)) return; // the NOTIFYs tell the rest
  transfer_ended(status, now);
}

void Call::receive_notify(sip::TransactionId id, const sip::Incoming& request, Time now) {
  const sip::MessageView& view = request.view();
  const auto event = sip::TokenParams::parse(view.value(sip::HeaderId::event));
  if (!transferring_ || !event || !ascii::iequals(event->token, "refer")) {
    sip::Builder refusal = reply(request, 489);
    refusal.header(sip::HeaderId::allow_events, allowed_events);
    return services_.layer.respond(id, refusal.build(), now);
  }
  respond(id, request, 200, now);
  const int status = sip::sipfrag_status(view.body());
  const auto state = sip::TokenParams::parse(view.value(sip::HeaderId::subscription_state));
  const bool last = state && ascii::iequals(state->token, "terminated");
  if (sip::is_final(status) || last) transfer_ended(status, now);
}

void Call::transfer_ended(int status, Time now) {
  if (!transferring_ || over()) return;
  transfer_until_.reset();
  if (sip::is_success(status)) return send_bye(EndCause::transferred, "transferred", now);
  transferring_ = false;
  emit(TransferFailed{key_, status});
}

} // namespace talky::call
