// What talky says about itself in its messages.
#pragma once
#include <string_view>

#include "sip/method.hpp"

namespace talky::call {

inline constexpr sip::MethodSet methods = {
    sip::Method::invite,  sip::Method::ack,       sip::Method::bye,    sip::Method::cancel,
    sip::Method::options, sip::Method::register_, sip::Method::prack,  sip::Method::update,
    sip::Method::info,    sip::Method::subscribe, sip::Method::notify, sip::Method::message,
    sip::Method::refer};

// Allow inside calls. REFER is left out: it is refused, and a phone that knows it hides its transfer key.
inline constexpr std::string_view allow =
    "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, SUBSCRIBE, NOTIFY, MESSAGE";
inline constexpr std::string_view supported = "timer, 100rel";
inline constexpr std::string_view sdp_type = "application/sdp";
inline constexpr std::string_view accepted_types =
    "application/sdp, application/dtmf-relay, application/dtmf";
inline constexpr std::string_view allowed_events = "presence, message-summary";

} // namespace talky::call
