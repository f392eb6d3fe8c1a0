// The header fields that talky knows by number: all of RFC 3261 20 and those of the extensions that
// softphones use. Any other is `other` and keeps its name.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace talky::sip {

// In alphabetical order, as in the table of header_id.cpp.
enum class HeaderId : std::uint8_t {
  accept,
  accept_contact, // RFC 3841, a
  accept_encoding,
  accept_language,
  alert_info,
  allow,
  allow_events, // RFC 6665, u
  authentication_info,
  authorization,
  call_id, // i
  call_info,
  contact, // m
  content_disposition,
  content_encoding, // e
  content_language,
  content_length, // l
  content_type,   // c
  cseq,
  date,
  diversion, // RFC 5806
  error_info,
  event, // RFC 6665, o
  expires,
  flow_timer, // RFC 5626
  from,       // f
  history_info,
  identity, // RFC 8224, y
  in_reply_to,
  max_forwards,
  mime_version,
  min_expires,
  min_se, // RFC 4028
  organization,
  p_asserted_identity,  // RFC 3325
  p_preferred_identity, // RFC 3325
  path,                 // RFC 3327
  priority,
  privacy, // RFC 3323
  proxy_authenticate,
  proxy_authorization,
  proxy_require,
  rack,   // RFC 3262
  reason, // RFC 3326
  record_route,
  refer_sub,      // RFC 4488
  refer_to,       // RFC 3515, r
  referred_by,    // RFC 3892, b
  reject_contact, // RFC 3841, j
  replaces,       // RFC 3891
  reply_to,
  request_disposition, // RFC 3841, d
  require,
  retry_after,
  route,
  rseq, // RFC 3262
  server,
  service_route,      // RFC 3608
  session_expires,    // RFC 4028, x
  sip_etag,           // RFC 3903
  sip_if_match,       // RFC 3903
  subject,            // s
  subscription_state, // RFC 6665
  supported,          // k
  target_dialog,      // RFC 4538
  timestamp,
  to, // t
  unsupported,
  user_agent,
  via, // v
  warning,
  www_authenticate,
  other
};
inline constexpr std::size_t kHeaderCount = static_cast<std::size_t>(HeaderId::other) + 1;

// The usual spelling, "Call-ID"; "" for `other`.
std::string_view to_string(HeaderId id);
// Any case, long or compact form.
HeaderId to_header_id(std::string_view name);

} // namespace talky::sip
