#include "ipc/media_streams.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base64.hpp"
#include "ipc/control.hpp"
#include "json/fields.hpp"

namespace talky::ipc::media_streams {
namespace {

// Thirty-two hexadecimal digits of a uuid.
std::string digits_of(std::string_view uuid) {
  std::string out(uuid);
  std::erase(out, '-');
  return out;
}

} // namespace

Writer::Writer(std::string_view call) : stream_("MZ" + digits_of(call)), call_("CA" + digits_of(call)) {}

std::string Writer::connected() {
  return R"({"event":"connected","protocol":"Call","version":"1.0.0"})";
}

std::string Writer::open(std::string_view event) {
  return fmt::format(R"({{"event":"{}","sequenceNumber":"{}","streamSid":"{}","{}":)", event, ++sequence_,
                     stream_, event);
}

std::string Writer::start(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string custom;
  for (const auto& [name, value] : parameters)
    custom += fmt::format("{}{}:{}", custom.empty() ? "" : ",", json_string(name), json_string(value));
  std::string out = open("start");
  out += fmt::format(
      R"({{"accountSid":"AC{:032}","streamSid":"{}","callSid":"{}","tracks":["inbound"],)"
      R"("mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},"customParameters":{{{}}}}}}})",
      0, stream_, call_, custom);
  return out;
}

std::string Writer::media(Bytes mulaw, std::uint64_t timestamp_ms) {
  std::string out = open("media");
  out +=
      fmt::format(R"({{"track":"inbound","chunk":"{}","timestamp":"{}","payload":")", ++chunk_, timestamp_ms);
  base64::encode(mulaw, out);
  out += R"("}})";
  return out;
}

std::string Writer::dtmf(char digit) {
  return open("dtmf") + fmt::format(R"({{"track":"inbound_track","digit":"{}"}}}})", digit);
}

std::string Writer::mark(std::string_view name) {
  return open("mark") + fmt::format(R"({{"name":{}}}}})", json_string(name));
}

std::string Writer::stop() {
  return open("stop") + fmt::format(R"({{"accountSid":"AC{:032}","callSid":"{}"}}}})", 0, call_);
}

Result<FromAgent> parse(std::string_view text) {
  const auto object = json::parse_object(text, {.bytes = kMaxMessage});
  if (!object) return Unexpected(object.error());
  const auto event = json::find<std::string_view>(*object, "event");
  if (!event) return fail(Errc::malformed, 0, "\"event\" as a text");
  if (*event == "clear") return FromAgent(Clear{});
  if (*event == "media") {
    const auto* media = json::find_object(*object, "media");
    const auto payload = media ? json::find<std::string_view>(*media, "payload") : std::nullopt;
    Media out;
    if (!payload || !base64::decode(*payload, out.mulaw))
      return fail(Errc::malformed, 0, "\"media\" with a \"payload\" in base64");
    return FromAgent(std::move(out));
  }
  if (*event == "mark") {
    const auto* mark = json::find_object(*object, "mark");
    const auto name = mark ? json::find<std::string_view>(*mark, "name") : std::nullopt;
    if (!name) return fail(Errc::malformed, 0, "\"mark\" with a \"name\"");
    if (name->size() > kMaxName)
      return fail(Errc::too_large, kMaxName, "a mark's name of at most 2,048 bytes");
    return FromAgent(Mark{std::string(*name)});
  }
  return fail(Errc::unsupported, 0, "an \"event\" of an agent's");
}

} // namespace talky::ipc::media_streams
