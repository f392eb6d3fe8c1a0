#include "sip/matching.hpp"

#include "core/ascii.hpp"

namespace talky::sip {

namespace {

constexpr char kGap = '\n'; // stands in no part of a key

} // namespace

std::string server_key(const MessageView& request, Method method) {
  const auto via = request.top_via();
  if (!via) return {};
  const std::string_view method_text = method == Method::ack     ? to_string(Method::invite)
                                       : method == Method::other ? request.method_text()
                                                                 : to_string(method);
  std::string key;
  key.reserve(160);
  if (via->is_rfc3261()) {
    key.append(via->branch()).push_back(kGap);
    for (const char c : via->host)
      key.push_back(ascii::to_lower(c));
    key.append(":").append(std::to_string(via->port == 0 ? 5060 : via->port)).push_back(kGap);
    return key.append(method_text);
  }
  const auto cseq = request.cseq();
  key.append(request.request_uri()).push_back(kGap);
  key.append(request.from_tag()).push_back(kGap);
  key.append(request.call_id()).push_back(kGap);
  key.append(std::to_string(cseq ? cseq->number : 0)).push_back(kGap);
  key.append(unfold(*request.values(HeaderId::via).begin())).push_back(kGap);
  return key.append(method_text);
}

std::string client_key(std::string_view branch, std::string_view method) {
  std::string key;
  key.reserve(branch.size() + method.size() + 1);
  key.append(branch).push_back(kGap);
  return key.append(method);
}

std::string merge_key(const MessageView& request) {
  std::string key;
  key.reserve(160);
  key.append(request.from_tag()).push_back(kGap);
  key.append(request.call_id()).push_back(kGap);
  const auto cseq = request.cseq();
  key.append(std::to_string(cseq ? cseq->number : 0)).push_back(kGap);
  return key.append(request.method_text());
}

std::string_view to_tag_of(std::string_view response_bytes) {
  constexpr std::string_view kName = "\r\nTo: ";
  const std::size_t at = response_bytes.find(kName);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = response_bytes.substr(at + kName.size());
  const auto to = NameAddr::parse(rest.substr(0, rest.find("\r\n")));
  return to ? to->tag() : std::string_view{};
}

std::string_view method_of(std::string_view message_bytes) {
  if (message_bytes.starts_with("SIP/")) return {};
  return message_bytes.substr(0, message_bytes.find(' '));
}

int status_of(std::string_view message_bytes) {
  constexpr std::string_view kVersion = "SIP/2.0 ";
  if (!message_bytes.starts_with(kVersion)) return 0;
  return ascii::to_number<int>(message_bytes.substr(kVersion.size(), 3)).value_or(0);
}

} // namespace talky::sip
