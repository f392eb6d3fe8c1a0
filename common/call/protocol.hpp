// What talky says about itself in its messages.
#pragma once
#include <string_view>

#include "call/config.hpp"
#include "sip/method.hpp"

namespace talky::call {

inline constexpr sip::MethodSet kMethods = {
    sip::Method::invite,  sip::Method::ack,       sip::Method::bye,    sip::Method::cancel,
    sip::Method::options, sip::Method::register_, sip::Method::prack,  sip::Method::update,
    sip::Method::info,    sip::Method::subscribe, sip::Method::notify, sip::Method::message,
    sip::Method::refer};

// Allow inside calls. REFER stands in it only where it is followed: a phone that misses it hides its transfer
// key.
constexpr std::string_view allow(const Config& config) {
  return config.follow_refer
             ? "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, SUBSCRIBE, NOTIFY, MESSAGE, REFER"
             : "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, SUBSCRIBE, NOTIFY, MESSAGE";
}
constexpr std::string_view supported(const Config& config) {
  return config.follow_refer ? "timer, 100rel, replaces, norefersub" : "timer, 100rel, replaces";
}
inline constexpr std::string_view kSdpType = "application/sdp";
inline constexpr std::string_view kAcceptedTypes =
    "application/sdp, application/dtmf-relay, application/dtmf";
inline constexpr std::string_view kAllowedEvents = "presence, message-summary";

} // namespace talky::call
