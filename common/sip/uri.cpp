#include "sip/uri.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.hpp"

namespace talky::sip {

namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

int hex_value(char c) {
  if (ascii::is_digit(c)) return c - '0';
  const char l = ascii::to_lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// The byte that the escape at `at` stands for, or -1.
int escape_at(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size() || text[at] != '%') return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool is_unreserved(char c) {
  return ascii::is_alnum(c) || std::string_view("-_.!~*'()").find(c) != std::string_view::npos;
}

// Escapes of unreserved characters resolved, the others in upper case: equal exactly if RFC 3261 19.1.4 says
// so.
std::string normalise(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = escape_at(text, i);
    if (byte < 0) {
      out.push_back(text[i]);
      continue;
    }
    i += 2;
    const char c = static_cast<char>(byte);
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHexDigits[static_cast<std::size_t>(byte) / 16]);
      out.push_back(kHexDigits[static_cast<std::size_t>(byte) % 16]);
    }
  }
  return out;
}

Result<> parse_sip(Uri& uri, std::size_t base) {
  std::string_view rest = uri.opaque;
  const auto offset = [&] { return base + uri.opaque.size() - rest.size(); };

  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    std::string_view userinfo = rest.substr(0, at);
    const std::size_t colon = userinfo.find(':');
    uri.user = userinfo.substr(0, colon);
    if (colon != std::string_view::npos) uri.password = userinfo.substr(colon + 1);
    if (uri.user.empty()) return fail(Errc::malformed, offset(), "a user before @");
    rest.remove_prefix(at + 1);
  }

  if (!rest.empty() && rest.front() == '[') {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos) return fail(Errc::malformed, offset(), "a closing bracket");
    uri.host = rest.substr(0, close + 1);
    if (!IpAddress::parse(uri.host)) return fail(Errc::malformed, offset(), "an IPv6 address");
  } else {
    uri.host = rest.substr(0, rest.find_first_of(":;?"));
    const bool good = !uri.host.empty() && std::all_of(uri.host.begin(), uri.host.end(), [](char c) {
      return ascii::is_alnum(c) || c == '.' || c == '-' || c == '_';
    });
    if (!good) return fail(Errc::malformed, offset(), "a host");
  }
  rest.remove_prefix(uri.host.size());

  if (!rest.empty() && rest.front() == ':') {
    rest.remove_prefix(1);
    const std::string_view digits = rest.substr(0, rest.find_first_of(";?"));
    const auto port = ascii::to_number<std::uint16_t>(digits);
    if (!port || *port == 0) return fail(Errc::malformed, offset(), "a port, 1 to 65535");
    uri.port = *port;
    rest.remove_prefix(digits.size());
  }
  if (!rest.empty() && rest.front() == ';') {
    uri.params = Params(rest.substr(0, rest.find('?')));
    rest.remove_prefix(uri.params.text().size());
  }
  if (!rest.empty() && rest.front() == '?') {
    rest.remove_prefix(1);
    uri.headers = rest;
    if (uri.headers.empty()) return fail(Errc::malformed, offset(), "headers behind the question mark");
    rest = {};
  }
  if (!rest.empty()) return fail(Errc::malformed, offset(), "a port, parameters or the end of the URI");
  return {};
}

Result<> parse_tel(Uri& uri, std::size_t base) {
  uri.user = uri.opaque.substr(0, uri.opaque.find(';'));
  uri.params = Params(uri.opaque.substr(uri.user.size()));
  const std::string_view number = uri.user.starts_with('+') ? uri.user.substr(1) : uri.user;
  const bool global = number.size() != uri.user.size();
  bool digit = false;
  for (const char c : number) {
    const bool own = global ? ascii::is_digit(c) : hex_value(c) >= 0 || c == '*' || c == '#';
    if (!own && c != '-' && c != '.' && c != '(' && c != ')') {
      return fail(Errc::malformed, base, "a telephone number");
    }
    digit = digit || own;
  }
  if (!digit) return fail(Errc::malformed, base, "a telephone number");
  return {};
}

bool same_param(const Uri& a, const Uri& b, std::string_view name) {
  const auto x = a.params.get(name);
  const auto y = b.params.get(name);
  if (x.has_value() != y.has_value()) return false;
  return !x || ascii::iequals(normalise(*x), normalise(*y));
}

// A parameter in both must be equal; one that only one URI has does not count.
bool same_common_params(const Uri& a, const Uri& b) {
  for (const Param& param : a.params) {
    const auto own = a.params.get(param.name); // the first, should a name stand twice
    const auto other = b.params.get(param.name);
    if (other && !ascii::iequals(normalise(*own), normalise(*other))) return false;
  }
  return true;
}

std::vector<std::string> sorted_headers(std::string_view headers) {
  std::vector<std::string> out;
  for (const Param& param : Params(headers, '&')) {
    out.push_back(ascii::lower(normalise(param.name)) + "=" + normalise(param.value));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string digits_of(std::string_view number) {
  std::string out;
  for (const char c : number) {
    if (c != '-' && c != '.' && c != '(' && c != ')') out.push_back(ascii::to_lower(c));
  }
  return out;
}

bool equivalent_sip(const Uri& a, const Uri& b) {
  if (normalise(a.user) != normalise(b.user) || normalise(a.password) != normalise(b.password)) return false;
  const auto ip = a.host_ip();
  const bool same_host = ip ? ip == b.host_ip() : ascii::iequals(a.host, b.host);
  if (!same_host || a.port != b.port) return false;
  for (const std::string_view name : {"user", "ttl", "method", "maddr", "transport"}) {
    if (!same_param(a, b, name)) return false;
  }
  return same_common_params(a, b) && sorted_headers(a.headers) == sorted_headers(b.headers);
}

} // namespace

Result<Uri> Uri::parse(std::string_view text) {
  Uri uri;
  uri.text = text;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c <= 0x20 || c == 0x7f || c == '<' || c == '>' || c == '"') {
      return fail(Errc::malformed, i, "a character that may stand in a URI");
    }
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || !ascii::is_alpha(text.front())) {
    return fail(Errc::malformed, 0, "a URI scheme");
  }
  uri.scheme_text = text.substr(0, colon);
  for (const char c : uri.scheme_text) {
    if (!ascii::is_alnum(c) && c != '+' && c != '-' && c != '.') {
      return fail(Errc::malformed, 0, "a URI scheme");
    }
  }
  uri.opaque = text.substr(colon + 1);

  if (ascii::iequals(uri.scheme_text, "sip")) {
    uri.scheme = Scheme::sip;
  } else if (ascii::iequals(uri.scheme_text, "sips")) {
    uri.scheme = Scheme::sips;
  } else if (ascii::iequals(uri.scheme_text, "tel")) {
    uri.scheme = Scheme::tel;
  } else {
    return uri;
  }
  for (std::size_t i = text.find('%'); i != std::string_view::npos; i = text.find('%', i + 1)) {
    if (escape_at(text, i) < 0) return fail(Errc::malformed, i, "two hexadecimal digits behind %");
  }
  const Result<> parts = uri.scheme == Scheme::tel ? parse_tel(uri, colon + 1) : parse_sip(uri, colon + 1);
  if (!parts) return Unexpected(parts.error());
  return uri;
}

bool equivalent(const Uri& a, const Uri& b) {
  if (a.scheme != b.scheme) return false;
  if (a.is_sip()) return equivalent_sip(a, b);
  if (a.scheme == Uri::Scheme::tel) {
    return digits_of(a.user) == digits_of(b.user) && same_common_params(a, b) && same_common_params(b, a);
  }
  return a.text == b.text;
}

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int byte = escape_at(text, i);
    out.push_back(byte < 0 ? text[i] : static_cast<char>(byte));
    if (byte >= 0) i += 2;
  }
  return out;
}

std::string escape_user(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || std::string_view("&=+$,;?/").find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHexDigits[byte / 16]);
      out.push_back(kHexDigits[byte % 16]);
    }
  }
  return out;
}

std::string canonical_aor(const Uri& uri) {
  std::string out = ascii::lower(uri.scheme_text) + ":";
  if (uri.scheme == Uri::Scheme::tel) return out + digits_of(uri.user);
  if (!uri.is_sip()) return out + std::string(uri.opaque);
  if (!uri.user.empty()) out += unescape(uri.user) + "@";
  const auto ip = uri.host_ip();
  out += ip && !ip->is_v4() ? "[" + ip->to_string() + "]" : ascii::lower(uri.host);
  const std::uint16_t own = uri.scheme == Uri::Scheme::sips ? 5061 : 5060;
  if (uri.port != 0 && uri.port != own) out += ":" + std::to_string(uri.port);
  return out;
}

} // namespace talky::sip
