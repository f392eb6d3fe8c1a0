// Header fields with a grammar of their own, parsed on demand. Each type borrows the text it was parsed from
// and says `malformed` with the offset in that text. Numbers have the range their RFC gives them.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/error.hpp"
#include "sip/method.hpp"
#include "sip/text.hpp"
#include "sip/uri.hpp"

namespace talky::sip {

inline constexpr std::string_view kBranchCookie = "z9hG4bK"; // RFC 3261 8.1.1.7

// One value of Via (RFC 3261 20.42): SIP/2.0/UDP host:port;branch=...
struct Via {
  std::string_view version;   // "2.0"
  std::string_view transport; // "UDP"
  std::string_view host;      // an IPv6 address keeps its brackets
  std::uint16_t port = 0;     // 0: not given
  Params params;

  static Result<Via> parse(std::string_view value); // one value, not a list

  std::string_view branch() const { return params.get("branch").value_or(std::string_view{}); }
  // The branch starts with the cookie and has something behind it.
  bool is_rfc3261() const;
  bool wants_rport() const { return params.has("rport"); } // RFC 3581
};

// From, To, Contact, Route, Record-Route, Refer-To, ...: "Display" <uri>;params, or uri;params.
struct NameAddr {
  std::string_view display; // as written, quotes kept; "" if none
  Uri uri;
  Params params;         // of the field, not of the URI
  bool wildcard = false; // Contact: *

  // A URI without <> may hold no comma, semicolon or question mark (RFC 3261 20): its parameters are the
  // field's.
  static Result<NameAddr> parse(std::string_view value); // one value, not a list

  std::string_view tag() const { return params.get("tag").value_or(std::string_view{}); }
  std::string display_name() const { return unquote(display); }
};

// "314159 INVITE"; the number is below 2^31 (RFC 3261 8.1.1.5).
struct CSeq {
  std::uint32_t number = 0;
  Method method = Method::other;
  std::string_view method_text;

  static Result<CSeq> parse(std::string_view value);
};

// "776656 1 INVITE" (RFC 3262 7.2).
struct RAck {
  std::uint32_t rseq = 0;
  CSeq cseq;

  static Result<RAck> parse(std::string_view value);
};

// "1800;refresher=uac" (RFC 4028 4).
struct SessionExpires {
  enum class Refresher : std::uint8_t { none, uac, uas };
  std::chrono::seconds interval{0};
  Refresher refresher = Refresher::none;

  static Result<SessionExpires> parse(std::string_view value);
};

// Content-Type and one value of Accept: type "/" subtype, then parameters.
struct MediaType {
  std::string_view type, subtype;
  Params params;

  static Result<MediaType> parse(std::string_view value);
  // `name` is "application/sdp"; "*" in this one matches anything, as in Accept.
  bool matches(std::string_view name) const;
};

// "Digest realm=\"x\", nonce=\"y\"": a scheme and comma-separated parameters (RFC 7235). Quotes are kept in
// get().
struct AuthParams {
  std::string_view scheme;
  Params params;

  static Result<AuthParams> parse(std::string_view value);
  std::string get(std::string_view name) const; // unquoted; "" if absent
};

// "call-id;to-tag=a;from-tag=b;early-only" (RFC 3891 6.1).
struct Replaces {
  std::string_view call_id, to_tag, from_tag;
  bool early_only = false;

  static Result<Replaces> parse(std::string_view value);
};

// "presence;id=1" (RFC 6665 8.2.1), "terminated;reason=timeout", "SIP;cause=200": a token with parameters.
struct TokenParams {
  std::string_view token;
  Params params;

  static Result<TokenParams> parse(std::string_view value);
};

// "0.33" -> 330, a q parameter in thousandths; what is no qvalue (RFC 3261 25.1) counts as 1.
std::uint16_t parse_qvalue(std::string_view text);

// delta-seconds of Expires, Min-Expires, Retry-After, expires=...: digits; more than 2^32-1 counts as 2^32-1
// (RFC 3261 20.19). nullopt if it is not a number.
std::optional<std::uint32_t> parse_delta_seconds(std::string_view value);

} // namespace talky::sip
