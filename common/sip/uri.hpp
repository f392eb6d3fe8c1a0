// SIP, SIPS and tel URIs (RFC 3261 19.1, RFC 3966).
//
//   sip:alice:secret@example.com:5070;transport=tcp?Subject=hi
//   ^   ^     ^      ^           ^    ^             ^
//   |   user  |      host        port params        headers
//   scheme    password
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/endpoint.hpp"
#include "core/error.hpp"
#include "sip/text.hpp"

namespace talky::sip {

// Borrows the text it was parsed from. Parts are as written: escaped (%41), case kept.
struct Uri {
  enum class Scheme : std::uint8_t { sip, sips, tel, other };

  Scheme scheme = Scheme::other;
  std::string_view text;        // the whole URI
  std::string_view scheme_text; // "sip"
  std::string_view user;        // "" if absent; the number of a tel URI
  std::string_view password;
  std::string_view host;    // an IPv6 address keeps its brackets; "" for tel and others
  std::uint16_t port = 0;   // 0: not given
  Params params;            // ";lr;transport=udp"
  std::string_view headers; // "a=b&c=d" without the question mark
  std::string_view opaque;  // what follows "scheme:"

  // Fails with `unsupported` never: a scheme that we do not know gives Scheme::other and only `opaque`.
  // `malformed`: white space, controls, a broken escape, host, port or parameter.
  static Result<Uri> parse(std::string_view text);

  bool is_sip() const { return scheme == Scheme::sip || scheme == Scheme::sips; }
  // The host as an address, if it is one (brackets allowed); no name is looked up.
  std::optional<IpAddress> host_ip() const { return IpAddress::parse(host); }
  std::uint16_t port_or_default() const { return port != 0 ? port : scheme == Scheme::sips ? 5061 : 5060; }
};

// RFC 3261 19.1.4 for sip and sips; RFC 3966 5 for tel (visual separators ignored); octet by octet for
// others.
bool equivalent(const Uri& a, const Uri& b);

// %41 -> A. A broken escape is left as it stands.
std::string unescape(std::string_view text);
// Escapes what may not stand in the user part of a SIP URI.
std::string escape_user(std::string_view text);

// The key of RFC 3261 10.3 (5): "sip:alice@example.com", scheme and host in lower case, user unescaped, no
// parameters, password or headers; the port only if it is given and not the scheme's own.
std::string canonical_aor(const Uri& uri);

} // namespace talky::sip
