#include "sip/headers.hpp"

#include <algorithm>

#include "core/ascii.hpp"

namespace talky::sip {

namespace {

// Reads a value from left to right. White space may be folded.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  std::size_t offset() const { return at_; }
  bool done() const { return at_ == text_.size(); }
  std::string_view rest() const { return text_.substr(at_); }
  char peek() const { return done() ? '\0' : text_[at_]; }

  bool skip_lws() { // whether there was any
    const std::size_t start = at_;
    while (!done() && is_lws(text_[at_]))
      ++at_;
    return at_ != start;
  }
  bool skip(char c) {
    if (done() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view token() {
    const std::size_t start = at_;
    while (!done() && is_token_char(text_[at_]))
      ++at_;
    return text_.substr(start, at_ - start);
  }
  std::string_view until(std::string_view stops) {
    const std::size_t end = std::min(text_.find_first_of(stops, at_), text_.size());
    const std::string_view part = text_.substr(at_, end - at_);
    at_ = end;
    return part;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

constexpr std::uint32_t kMaxCseq = 0x7fff'ffff;

// A run of digits as a number of at most `max`.
std::optional<std::uint32_t> number_up_to(std::string_view digits, std::uint32_t max) {
  const auto value = ascii::to_number<std::uint32_t>(digits);
  return value && *value <= max ? value : std::nullopt;
}

Result<Params> params_of(std::string_view text, std::size_t offset) {
  const Params params(text);
  if (const auto ok = params.check(); !ok) {
    return fail(ok.error().code, offset + ok.error().offset, ok.error().what);
  }
  return params;
}

bool is_host(std::string_view host) {
  if (host.starts_with('[')) return IpAddress::parse(host).has_value();
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return ascii::is_alnum(c) || c == '.' || c == '-' || c == '_';
  });
}

} // namespace

Result<Via> Via::parse(std::string_view value) {
  Via via;
  Cursor in(value);
  in.skip_lws();
  if (!ascii::iequals(in.token(), "SIP")) return fail(Errc::malformed, in.offset(), "SIP in Via");
  in.skip_lws();
  if (!in.skip('/')) return fail(Errc::malformed, in.offset(), "a slash behind SIP");
  in.skip_lws();
  via.version = in.token();
  in.skip_lws();
  if (via.version.empty() || !in.skip('/'))
    return fail(Errc::malformed, in.offset(), "a version and a slash");
  in.skip_lws();
  via.transport = in.token();
  if (via.transport.empty() || !in.skip_lws()) return fail(Errc::malformed, in.offset(), "a transport");

  const std::size_t host_at = in.offset();
  if (in.peek() == '[') {
    const std::string_view inside = in.until("]");
    if (!in.skip(']')) return fail(Errc::malformed, host_at, "a closing bracket");
    via.host = value.substr(host_at, inside.size() + 1);
  } else {
    via.host = in.until(" \t\r\n:;");
  }
  if (!is_host(via.host)) return fail(Errc::malformed, host_at, "a host");
  in.skip_lws();
  if (in.skip(':')) {
    in.skip_lws();
    const auto port = ascii::to_number<std::uint16_t>(in.until(" \t\r\n;"));
    if (!port || *port == 0) return fail(Errc::malformed, in.offset(), "a port, 1 to 65535");
    via.port = *port;
    in.skip_lws();
  }
  const auto params = params_of(in.rest(), in.offset());
  if (!params) return Unexpected(params.error());
  via.params = *params;
  return via;
}

bool Via::is_rfc3261() const {
  const std::string_view text = branch();
  return text.size() > kBranchCookie.size() &&
         ascii::iequals(text.substr(0, kBranchCookie.size()), kBranchCookie);
}

Result<NameAddr> NameAddr::parse(std::string_view value) {
  NameAddr out;
  const std::string_view text = ascii::trim(value);
  if (text == "*") {
    out.wildcard = true;
    return out;
  }
  std::size_t open = 0;
  if (text.starts_with('"')) {
    std::size_t end = 1;
    while (end < text.size() && text[end] != '"')
      end += text[end] == '\\' ? 2u : 1u;
    if (end >= text.size()) return fail(Errc::malformed, 0, "the end of a quoted display name");
    out.display = text.substr(0, end + 1);
    open = end + 1;
    while (open < text.size() && is_lws(text[open]))
      ++open;
    if (open == text.size() || text[open] != '<')
      return fail(Errc::malformed, open, "< behind a display name");
  } else {
    open = text.find('<');
  }

  std::string_view uri;
  std::string_view rest;
  std::size_t rest_at = 0;
  if (open == std::string_view::npos) { // addr-spec: what follows a semicolon belongs to the field
    const std::size_t end = std::min(text.find(';'), text.size());
    uri = ascii::trim(text.substr(0, end));
    if (uri.find_first_of(",?") != std::string_view::npos) {
      return fail(Errc::malformed, 0, "<> round a URI with a comma or a question mark");
    }
    rest = text.substr(end);
    rest_at = end;
  } else {
    if (out.display.empty()) {
      out.display = ascii::trim(text.substr(0, open));
      for (const char c : out.display) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == ',' || c == ';' || c == '"' || c == '>' || (byte < 0x20 && !is_lws(c)) || byte == 0x7f) {
          return fail(Errc::malformed, 0, "quotes round a display name");
        }
      }
    }
    const std::size_t close = text.find('>', open);
    if (close == std::string_view::npos) return fail(Errc::malformed, open, "> behind a URI");
    uri = text.substr(open + 1, close - open - 1);
    rest = text.substr(close + 1);
    rest_at = close + 1;
  }
  const auto parsed = Uri::parse(uri);
  if (!parsed) return Unexpected(parsed.error());
  out.uri = *parsed;
  const auto params = params_of(rest, rest_at);
  if (!params) return Unexpected(params.error());
  out.params = *params;
  return out;
}

Result<CSeq> CSeq::parse(std::string_view value) {
  CSeq out;
  Cursor in(ascii::trim(value));
  const auto number = number_up_to(in.until(" \t\r\n"), kMaxCseq);
  if (!number) return fail(Errc::malformed, 0, "a sequence number below 2^31");
  out.number = *number;
  in.skip_lws();
  const std::size_t at = in.offset();
  out.method_text = in.token();
  if (out.method_text.empty() || !in.done()) return fail(Errc::malformed, at, "a method");
  out.method = to_method(out.method_text);
  return out;
}

Result<RAck> RAck::parse(std::string_view value) {
  RAck out;
  Cursor in(ascii::trim(value));
  const auto rseq = number_up_to(in.until(" \t\r\n"), 0xffff'ffff);
  if (!rseq || *rseq == 0) return fail(Errc::malformed, 0, "a response number");
  out.rseq = *rseq;
  const auto cseq = CSeq::parse(in.rest());
  if (!cseq) return fail(Errc::malformed, in.offset(), "a CSeq number and a method");
  out.cseq = *cseq;
  return out;
}

Result<SessionExpires> SessionExpires::parse(std::string_view value) {
  SessionExpires out;
  Cursor in(ascii::trim(value));
  const auto seconds = parse_delta_seconds(ascii::trim(in.until(";")));
  if (!seconds) return fail(Errc::malformed, 0, "seconds");
  out.interval = std::chrono::seconds(*seconds);
  const auto params = params_of(in.rest(), in.offset());
  if (!params) return Unexpected(params.error());
  if (const auto who = params->get("refresher")) {
    if (ascii::iequals(*who, "uac")) {
      out.refresher = Refresher::uac;
    } else if (ascii::iequals(*who, "uas")) {
      out.refresher = Refresher::uas;
    } else {
      return fail(Errc::malformed, in.offset(), "refresher uac or uas");
    }
  }
  return out;
}

Result<MediaType> MediaType::parse(std::string_view value) {
  MediaType out;
  Cursor in(ascii::trim(value));
  out.type = in.token();
  in.skip_lws();
  if (out.type.empty() || !in.skip('/')) return fail(Errc::malformed, in.offset(), "a media type");
  in.skip_lws();
  out.subtype = in.token();
  if (out.subtype.empty()) return fail(Errc::malformed, in.offset(), "a media subtype");
  in.skip_lws();
  const auto params = params_of(in.rest(), in.offset());
  if (!params) return Unexpected(params.error());
  out.params = *params;
  return out;
}

bool MediaType::matches(std::string_view name) const {
  const std::size_t slash = std::min(name.find('/'), name.size());
  const std::string_view sub = slash < name.size() ? name.substr(slash + 1) : std::string_view{};
  return (type == "*" || ascii::iequals(type, name.substr(0, slash))) &&
         (subtype == "*" || ascii::iequals(subtype, sub));
}

Result<AuthParams> AuthParams::parse(std::string_view value) {
  AuthParams out;
  Cursor in(ascii::trim(value));
  out.scheme = in.token();
  if (out.scheme.empty() || !in.skip_lws() || in.done()) {
    return fail(Errc::malformed, in.offset(), "an authentication scheme and its parameters");
  }
  out.params = Params(in.rest(), ',');
  if (const auto ok = out.params.check(); !ok) {
    return fail(Errc::malformed, in.offset() + ok.error().offset, ok.error().what);
  }
  return out;
}

std::string AuthParams::get(std::string_view name) const {
  return unquote(params.get(name).value_or(std::string_view{}));
}

Result<Replaces> Replaces::parse(std::string_view value) {
  Replaces out;
  Cursor in(ascii::trim(value));
  out.call_id = ascii::trim(in.until(";"));
  const auto params = params_of(in.rest(), in.offset());
  if (!params) return Unexpected(params.error());
  out.to_tag = params->get("to-tag").value_or(std::string_view{});
  out.from_tag = params->get("from-tag").value_or(std::string_view{});
  out.early_only = params->has("early-only");
  if (out.call_id.empty() || out.to_tag.empty() || out.from_tag.empty()) {
    return fail(Errc::malformed, 0, "a Call-ID, to-tag and from-tag");
  }
  return out;
}

Result<TokenParams> TokenParams::parse(std::string_view value) {
  TokenParams out;
  Cursor in(ascii::trim(value));
  out.token = in.token();
  if (out.token.empty()) return fail(Errc::malformed, 0, "a token");
  in.skip_lws();
  const auto params = params_of(in.rest(), in.offset());
  if (!params) return Unexpected(params.error());
  out.params = *params;
  return out;
}

std::optional<std::uint32_t> parse_delta_seconds(std::string_view value) {
  if (value.empty() || !std::all_of(value.begin(), value.end(), ascii::is_digit)) return std::nullopt;
  return ascii::to_number<std::uint32_t>(value).value_or(0xffff'ffff); // digits alone fail only by range
}

std::uint16_t parse_qvalue(std::string_view text) {
  if (text.empty() || text.front() != '0') return 1000;
  std::uint16_t q = 0;
  std::uint16_t weight = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (!ascii::is_digit(c)) return 1000;
    q = static_cast<std::uint16_t>(q + weight * (c - '0'));
    weight /= 10;
  }
  return q;
}

} // namespace talky::sip
