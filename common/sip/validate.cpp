#include "sip/validate.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "core/ascii.hpp"
#include "sip/builder.hpp"
#include "sip/status.hpp"

namespace talky::sip {

namespace {

using Check = std::optional<Verdict>; // nullopt: nothing wrong

Verdict reject(int status, std::string_view reason = {}) {
  Verdict verdict;
  verdict.action = Verdict::Action::reject;
  verdict.status = status;
  verdict.reason = reason.empty() ? reason_phrase(status) : reason;
  return verdict;
}

Verdict drop(std::string_view reason, int status = 0) {
  Verdict verdict;
  verdict.action = Verdict::Action::drop;
  verdict.status = status;
  verdict.reason = reason;
  return verdict;
}

constexpr std::array kSingletons = {
    HeaderId::from,         HeaderId::to,           HeaderId::call_id, HeaderId::cseq,
    HeaderId::max_forwards, HeaderId::content_type, HeaderId::expires, HeaderId::session_expires,
    HeaderId::min_se,       HeaderId::rack,         HeaderId::event,   HeaderId::date,
    HeaderId::refer_to,     HeaderId::replaces,
};

Check check_frame(const MessageView& message, const UasPolicy& policy) {
  if (!message.defect()) return std::nullopt;
  switch (message.defect()->kind) {
    case Defect::Kind::version: return reject(505);
    case Defect::Kind::start_line: return reject(400, "Bad Request Line");
    case Defect::Kind::header: return reject(400, "Bad Header Field");
    case Defect::Kind::too_many: return reject(400, "Too Many Header Fields");
    case Defect::Kind::bare_line: return reject(400, "Header Fields Not Ended");
    case Defect::Kind::content_length: break;
  }
  const auto size = ascii::to_number<std::size_t>(message.value(HeaderId::content_length));
  if (message.count(HeaderId::content_length) > 1) return reject(400, "More Than One Content-Length");
  if (size && *size > policy.max_body) return reject(413);
  return reject(400, size ? "Body Shorter Than Content-Length" : "Bad Content-Length");
}

// The fields that every request has (RFC 3261 8.1.1), and each but once.
Check check_mandatory(const MessageView& message) {
  for (const HeaderId id : kSingletons) {
    if (message.count(id) > 1) return reject(400, "Header Field Given Twice");
  }
  if (!message.top_via()) return reject(400, "Bad Via");
  const auto from = message.from();
  if (!from || from->wildcard) return reject(400, message.has(HeaderId::from) ? "Bad From" : "Missing From");
  const auto to = message.to();
  if (!to || to->wildcard) return reject(400, message.has(HeaderId::to) ? "Bad To" : "Missing To");
  const std::string_view call_id = message.call_id();
  if (call_id.empty()) return reject(400, "Missing Call-ID");
  if (std::any_of(call_id.begin(), call_id.end(), is_lws)) return reject(400, "Bad Call-ID");
  const auto cseq = message.cseq();
  if (!cseq) return reject(400, message.has(HeaderId::cseq) ? "Bad CSeq" : "Missing CSeq");
  if (cseq->method_text != message.method_text()) return reject(400, "CSeq Method Differs");
  if (const auto hops = message.find(HeaderId::max_forwards)) {
    if (!ascii::to_number<std::uint8_t>(*hops)) return reject(400, "Bad Max-Forwards");
  }
  return std::nullopt;
}

Check check_method(const MessageView& message, const UasPolicy& policy) {
  if (message.method() != Method::other && policy.methods.contains(message.method())) return std::nullopt;
  Verdict verdict = reject(message.method() == Method::other ? 501 : 405);
  MethodSet listed;
  for (std::size_t i = 0; i < kMethodCount; ++i) {
    const auto method = static_cast<Method>(i);
    if (policy.methods.contains(method) && !policy.unlisted.contains(method)) listed.insert(method);
  }
  verdict.headers.emplace_back(HeaderId::allow, to_string(listed));
  return verdict;
}

Check check_request_uri(const MessageView& message, const UasPolicy& policy) {
  const auto uri = Uri::parse(message.request_uri());
  if (!uri) return reject(400, "Bad Request-URI");
  const std::string scheme = ascii::lower(uri->scheme_text);
  if (std::find(policy.schemes.begin(), policy.schemes.end(), scheme) == policy.schemes.end())
    return reject(416);
  if (!uri->headers.empty()) return reject(400, "Header Fields in the Request-URI");
  return std::nullopt;
}

Check check_contact(const MessageView& message) {
  std::size_t contacts = 0;
  for (const std::string_view value : message.values(HeaderId::contact)) {
    const auto contact = NameAddr::parse(value);
    if (!contact || (contact->wildcard && message.method() != Method::register_))
      return reject(400, "Bad Contact");
    ++contacts;
  }
  if (message.method() != Method::invite) return std::nullopt;
  // RFC 2543 did not ask for a Contact.
  if (contacts == 0 && message.top_via()->is_rfc3261()) return reject(400, "Missing Contact");
  if (contacts > 1) return reject(400, "More Than One Contact");
  return std::nullopt;
}

// Fields that decide what becomes of the request, so that they must be readable if they are there.
Check check_details(const MessageView& message) {
  const Method method = message.method();
  if (method == Method::register_ && !message.to()->uri.is_sip()) {
    return reject(400, "To of a REGISTER Must Be a SIP Address");
  }
  for (const std::string_view value : message.values(HeaderId::record_route)) {
    const auto route = NameAddr::parse(value);
    if (!route || route->wildcard) return reject(400, "Bad Record-Route");
  }
  if (message.has(HeaderId::replaces)) {
    if (method != Method::invite) return reject(400, "Replaces Outside an INVITE"); // RFC 3891 3
    if (!Replaces::parse(message.value(HeaderId::replaces))) return reject(400, "Bad Replaces");
  }
  if (method == Method::prack && !RAck::parse(message.value(HeaderId::rack))) return reject(400, "Bad RAck");
  if (method == Method::invite || method == Method::update) {
    const auto timer = message.find(HeaderId::session_expires);
    if (timer && !SessionExpires::parse(*timer)) return reject(400, "Bad Session-Expires");
    const auto least = message.find(HeaderId::min_se);
    if (least && !SessionExpires::parse(*least)) return reject(400, "Bad Min-SE");
  }
  return std::nullopt;
}

Check check_require(const MessageView& message, const UasPolicy& policy) {
  if (message.method() == Method::ack || message.method() == Method::cancel) return std::nullopt;
  std::string unsupported;
  for (const std::string_view tag : message.values(HeaderId::require)) {
    const bool known = std::any_of(policy.extensions.begin(), policy.extensions.end(),
                                   [tag](const std::string& ours) { return ascii::iequals(ours, tag); });
    if (known) continue;
    if (!unsupported.empty()) unsupported.append(", ");
    unsupported.append(tag);
  }
  if (unsupported.empty()) return std::nullopt;
  Verdict verdict = reject(420);
  verdict.headers.emplace_back(HeaderId::unsupported, std::move(unsupported));
  return verdict;
}

bool is_optional(const MessageView& message) {
  const auto disposition = TokenParams::parse(message.value(HeaderId::content_disposition));
  if (!disposition) return false;
  const auto handling = disposition->params.get("handling");
  return handling && ascii::iequals(*handling, "optional");
}

Check check_body(const MessageView& message, const UasPolicy& policy, bool stream) {
  if (stream && !message.has(HeaderId::content_length) && message.has(HeaderId::content_type)) {
    return reject(400, "Missing Content-Length");
  }
  if (message.body().empty()) return std::nullopt;
  if (message.body().size() > policy.max_body) return reject(413);
  const auto text = message.find(HeaderId::content_type);
  if (!text) return reject(400, "Missing Content-Type");
  const auto type = MediaType::parse(*text);
  if (!type) return reject(400, "Bad Content-Type");
  if (is_optional(message)) return std::nullopt;

  for (const std::string_view coding : message.values(HeaderId::content_encoding)) {
    if (ascii::iequals(coding, "identity")) continue;
    Verdict verdict = reject(415);
    verdict.headers.emplace_back(HeaderId::accept_encoding, "identity");
    return verdict;
  }
  std::string understood;
  for (const auto& [method, name] : policy.bodies) {
    if (method != message.method()) continue;
    if (type->matches(name)) return std::nullopt;
    if (!understood.empty()) understood.append(", ");
    understood.append(name);
  }
  if (understood.empty()) return std::nullopt; // this method takes any body
  Verdict verdict = reject(415);
  verdict.headers.emplace_back(HeaderId::accept, std::move(understood));
  return verdict;
}

Check check_accept(const MessageView& message, const UasPolicy& policy) {
  if (message.method() != Method::invite && message.method() != Method::options) return std::nullopt;
  if (accepts(message, policy.produces)) return std::nullopt;
  return reject(406);
}

Verdict validate_response(const MessageView& message) {
  if (message.defect()) return drop("Broken Response");
  std::size_t vias = 0;
  for ([[maybe_unused]] const std::string_view via : message.values(HeaderId::via))
    ++vias;
  // More than one: the response has gone astray (RFC 3261 8.1.3.3).
  if (vias != 1 || !message.top_via()) return drop("Response Without Exactly One Via");
  for (const HeaderId id : {HeaderId::from, HeaderId::to, HeaderId::call_id, HeaderId::cseq}) {
    if (message.count(id) != 1) return drop("Response Without the Mandatory Fields");
  }
  if (!message.from() || !message.to() || !message.cseq()) return drop("Broken Response");
  return {};
}

Check check_request(const MessageView& message, const UasPolicy& policy, bool stream) {
  if (auto v = check_frame(message, policy)) return v;
  if (auto v = check_mandatory(message)) return v;
  if (auto v = check_method(message, policy)) return v;
  if (auto v = check_request_uri(message, policy)) return v;
  if (auto v = check_contact(message)) return v;
  if (auto v = check_details(message)) return v;
  if (auto v = check_require(message, policy)) return v;
  if (auto v = check_body(message, policy, stream)) return v;
  return check_accept(message, policy);
}

} // namespace

Verdict validate(const MessageView& message, const UasPolicy& policy, bool stream) {
  if (message.is_response()) return validate_response(message);
  if (message.values(HeaderId::via).empty()) return drop("Missing Via", 400);
  const Check wrong = check_request(message, policy, stream);
  if (!wrong) return {};
  if (message.method() == Method::ack) return drop(wrong->reason, wrong->status);
  return *wrong;
}

Message reply_to(const Incoming& request, const Verdict& verdict, std::string_view to_tag) {
  Builder reply = Builder::reply(request, verdict.status, {.to_tag = to_tag, .reason = verdict.reason});
  for (const auto& [id, value] : verdict.headers)
    reply.header(id, value);
  return reply.build();
}

bool accepts(const MessageView& message, std::string_view media_type) {
  if (!message.has(HeaderId::accept)) return ascii::iequals(media_type, "application/sdp");
  int best = 0; // of the matching values the most precise decides
  bool allowed = false;
  for (const std::string_view value : message.values(HeaderId::accept)) {
    const auto range = MediaType::parse(value);
    if (!range || !range->matches(media_type)) continue;
    const int precision = range->type == "*" ? 1 : range->subtype == "*" ? 2 : 3;
    if (precision <= best) continue;
    best = precision;
    const auto q = range->params.get("q");
    allowed = !q || q->find_first_of("123456789") != std::string_view::npos;
  }
  return allowed;
}

} // namespace talky::sip
