#include "sipd/bridge/target.hpp"

#include <charconv>

#include "core/ascii.hpp"

namespace talky::sipd {
namespace {

// Takes `prefix` off the front.
bool eat(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<SocketTarget> parse_socket(std::string_view text) {
  SocketTarget out;
  constexpr std::string_view option = ",talky";
  if (text.ends_with(option)) {
    text.remove_suffix(option.size());
    out.talky = true;
  }
  const auto address = net::parse_stream_address(text);
  if (!address) return std::nullopt;
  out.address = *address;
  return out;
}

} // namespace

const char* const target_forms =
    "agent, echo, tone:HZ, play:FILE, exec:CMD, unix:PATH[,talky], tcp:HOST:PORT[,talky], "
    "ws://HOST[:PORT]/PATH, "
    "wss://HOST[:PORT]/PATH or reject:CODE";

std::optional<Target> Target::parse(std::string_view text) {
  text = ascii::trim(text);
  Target out{std::string(text), EchoTarget{}};
  if (text == "echo") return out;
  if (text == "agent") {
    out.what = AgentTarget{};
    return out;
  }
  if (text.starts_with("unix:") || text.starts_with("tcp:")) {
    const auto socket = parse_socket(text);
    if (!socket) return std::nullopt;
    out.what = *socket;
    return out;
  }
  if (text.starts_with("ws://") || text.starts_with("wss://")) {
    auto url = http::WebSocketUrl::parse(text);
    if (!url) return std::nullopt;
    out.what = MediaStreamsTarget{std::move(*url)};
    return out;
  }
  if (eat(text, "tone:")) {
    double hertz = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hertz);
    if (error != std::errc{} || end != text.data() + text.size() || hertz < 1 || hertz > 8000)
      return std::nullopt;
    out.what = ToneTarget{hertz};
    return out;
  }
  if (eat(text, "reject:")) {
    const auto status = ascii::to_number<int>(text);
    if (!status || *status < 300 || *status > 699) return std::nullopt;
    out.what = RejectTarget{*status};
    return out;
  }
  if (eat(text, "play:") && !text.empty()) {
    out.what = PlayTarget{std::string(text)};
    return out;
  }
  if (eat(text, "exec:") && !text.empty()) {
    out.what = ExecTarget{std::string(text)};
    return out;
  }
  return std::nullopt;
}

} // namespace talky::sipd
