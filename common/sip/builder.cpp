#include "sip/builder.hpp"

#include <utility>

#include "core/ascii.hpp"
#include "sip/status.hpp"

namespace talky::sip {

namespace {

bool makes_dialog(Method method) {
  return method == Method::invite || method == Method::subscribe || method == Method::notify ||
         method == Method::refer;
}

bool is_breaking(char c) {
  return c == '\r' || c == '\n' || c == '\0';
}

// The top Via as it goes back: `received` and `rport` say where the request came from (RFC 3261 18.2.1, RFC
// 3581 4).
std::string answered_via(std::string_view value, const Endpoint& source) {
  const auto via = Via::parse(value);
  if (!via) return std::string(value);
  std::string out(
      ascii::trim(value.substr(0, static_cast<std::size_t>(via->params.text().data() - value.data()))));
  for (const Param& param : via->params) {
    if (ascii::iequals(param.name, "received") || ascii::iequals(param.name, "rport")) continue;
    out.append(";").append(param.name);
    if (param.has_value) out.append("=").append(param.value);
  }
  if (via->wants_rport() || IpAddress::parse(via->host) != source.ip) {
    out.append(";received=").append(source.ip.to_string());
  }
  if (via->wants_rport()) out.append(";rport=").append(std::to_string(source.port));
  return out;
}

} // namespace

Builder Builder::request(Method method, std::string_view uri) {
  return request(to_string(method), uri);
}

Builder Builder::request(std::string_view method, std::string_view uri) {
  Builder builder(1024);
  builder.text(method);
  builder.out_.push_back(' ');
  builder.text(uri);
  builder.out_.append(" SIP/2.0\r\n");
  return builder;
}

Builder Builder::response(int status, std::string_view reason) {
  Builder builder(1024);
  builder.out_.append("SIP/2.0 ").append(std::to_string(status)).append(" ");
  builder.text(reason.empty() ? reason_phrase(status) : reason);
  builder.out_.append("\r\n");
  return builder;
}

Builder Builder::reply(const MessageView& request, const Endpoint& source, int status, ReplyOptions options) {
  Builder builder = response(status, options.reason);
  bool top = true;
  for (const std::string_view via : request.values(HeaderId::via)) {
    if (top) {
      builder.header(HeaderId::via, answered_via(via, source));
    } else {
      builder.header(HeaderId::via, via);
    }
    top = false;
  }
  if (status > 100 && status < 300 && makes_dialog(request.method())) {
    builder.copy(request, HeaderId::record_route);
  }
  if (const auto from = request.find(HeaderId::from)) builder.header(HeaderId::from, *from);
  if (const auto text = request.find(HeaderId::to)) {
    const auto to = request.to();
    builder.name(HeaderId::to, {});
    builder.text(*text);
    if (to && to->tag().empty() && !options.to_tag.empty()) {
      builder.out_.append(";tag=");
      builder.text(options.to_tag);
    }
    builder.out_.append("\r\n");
  }
  for (const HeaderId id : {HeaderId::call_id, HeaderId::cseq}) {
    if (const auto value = request.find(id)) builder.header(id, *value);
  }
  if (status == 100) builder.copy(request, HeaderId::timestamp);
  return builder;
}

void Builder::name(HeaderId id, std::string_view other) {
  out_.append(id == HeaderId::other ? other : to_string(id)).append(": ");
}

void Builder::text(std::string_view value) {
  const std::size_t start = out_.size();
  out_.append(value);
  for (std::size_t i = start; i < out_.size(); ++i) {
    if (is_breaking(out_[i])) out_[i] = ' ';
  }
}

Builder& Builder::header(HeaderId id, std::string_view value) {
  return header(to_string(id), value);
}

Builder& Builder::header(std::string_view name, std::string_view value) {
  if (!is_token(name)) return *this; // nothing that could be sent
  this->name(HeaderId::other, name);
  text(value);
  out_.append("\r\n");
  return *this;
}

Builder& Builder::copy(const MessageView& from, HeaderId id) {
  if (!from.has(id)) return *this;
  for (const Header& field : from.headers()) {
    if (field.id == id) header(to_string(id), field.value);
  }
  return *this;
}

Message Builder::body(std::string_view content_type, std::string_view content) {
  header(HeaderId::content_type, content_type);
  out_.append("Content-Length: ").append(std::to_string(content.size())).append("\r\n\r\n").append(content);
  return Message{std::exchange(out_, {})};
}

Message Builder::build() {
  out_.append("Content-Length: 0\r\n\r\n");
  return Message{std::exchange(out_, {})};
}

Message with_top_header(const Message& message, HeaderId id, std::string_view value) {
  const std::size_t line_end = message.bytes.find("\r\n");
  if (line_end == std::string::npos) return message;
  const std::string_view name = to_string(id);
  Message out;
  out.bytes.reserve(message.bytes.size() + name.size() + value.size() + 4);
  out.bytes.append(message.bytes, 0, line_end + 2);
  out.bytes.append(name).append(": ").append(value);
  out.bytes.append(message.bytes, line_end, std::string::npos);
  return out;
}

std::string to_string(MethodSet methods) {
  std::string out;
  for (std::size_t i = 0; i + 1 < kMethodCount; ++i) {
    const auto method = static_cast<Method>(i);
    if (!methods.contains(method)) continue;
    if (!out.empty()) out.append(", ");
    out.append(to_string(method));
  }
  return out;
}

std::string contact_for(const Flow& flow, std::string_view user) {
  std::string out = "<sip:";
  if (!user.empty()) out.append(escape_user(user)).append("@");
  out.append(flow.local.to_string());
  if (flow.transport == Transport::tcp) out.append(";transport=tcp");
  return out + ">";
}

} // namespace talky::sip
