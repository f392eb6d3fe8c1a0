#include "sipd/api/api_json.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "audio/frame.hpp"
#include "file/wav.hpp"
#include "json/json.hpp"
#include "net/fd.hpp"
#include "sip/uri.hpp"

namespace talky::sipd {
namespace {

constexpr std::uint64_t kMaxSamples = std::uint64_t{audio::kBridgeRate} * 120;
constexpr std::size_t kMaxDepth = 4;
constexpr std::size_t kMaxDigits = 256;
constexpr std::size_t kMaxUri = 512;
constexpr std::size_t kMaxSaid = 1'000;
constexpr std::size_t kMaxQuoted = 40; // bytes of what a client sent, in what it is told
constexpr std::int64_t kMinDuration = 40, kMaxDuration = 5'000; // ms

// The members of an object, none of them unknown.
Parsed<json::object> parse_members(std::string_view body, std::initializer_list<std::string_view> known) {
  auto object = json::parse_object(body, {.depth = kMaxDepth});
  if (!object) return tl::unexpected(std::string("the body must be a JSON object"));
  for (const auto& member : *object) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::find(known.begin(), known.end(), key) == known.end())
      return tl::unexpected(fmt::format("\"{}\" is not known here", key.substr(0, kMaxQuoted)));
  }
  return std::move(*object);
}

} // namespace

Parsed<SendDigits> parse_digits(std::string_view body) {
  const auto object = parse_members(body, {"digits", "duration_ms"});
  if (!object) return tl::unexpected(object.error());
  const json::value* digits = object->if_contains("digits");
  if (!digits || !digits->is_string() || digits->get_string().empty() ||
      digits->get_string().size() > kMaxDigits)
    return tl::unexpected(
        fmt::format("\"digits\" must be a string of 1 to {} of 0-9 * # A-D and ,", kMaxDigits));
  SendDigits out;
  out.digits = std::string(digits->get_string().data(), digits->get_string().size());
  if (out.digits.find_first_not_of("0123456789*#ABCD,") != std::string::npos)
    return tl::unexpected(std::string("\"digits\" may hold 0-9 * # A-D and ,"));
  if (const json::value* duration = object->if_contains("duration_ms")) {
    json::error_code error;
    const auto ms = duration->is_number() ? duration->to_number<std::int64_t>(error) : -1;
    if (error || ms < kMinDuration || ms > kMaxDuration)
      return tl::unexpected(
          fmt::format("\"duration_ms\" must be a number from {} to {}", kMinDuration, kMaxDuration));
    out.duration = std::chrono::milliseconds(ms);
  }
  return out;
}

Parsed<CallOut> parse_call_out(std::string_view body, const Endpoint& ours) {
  const auto object = parse_members(body, {"to", "connect", "voice", "ring_seconds"});
  if (!object) return tl::unexpected(object.error());
  CallOut out;
  for (const auto& [key, text] : {std::pair<const char*, std::string*>{"to", &out.to},
                                  {"connect", &out.connect},
                                  {"voice", &out.voice}}) {
    const json::value* value = object->if_contains(key);
    if (!value) continue;
    if (!value->is_string() || value->get_string().size() > kMaxUri)
      return tl::unexpected(fmt::format("\"{}\" must be a text of at most {} bytes", key, kMaxUri));
    *text = std::string(value->get_string());
    const bool printable = std::none_of(text->begin(), text->end(), [](char c) {
      return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f;
    });
    if (!printable) return tl::unexpected(fmt::format("\"{}\" may hold no spaces and controls", key));
  }
  if (out.to.empty()) return tl::unexpected(std::string(R"("to" must be a SIP URI or a name)"));
  if (out.to.find(':') == std::string::npos && out.to.find('@') == std::string::npos) {
    out.to = fmt::format("sip:{}@{}", sip::escape_user(out.to), ours.to_string());
  } else if (out.to.find(':') == std::string::npos) {
    out.to.insert(0, "sip:");
  }
  if (const json::value* ring = object->if_contains("ring_seconds")) {
    json::error_code error;
    const auto seconds = ring->is_number() ? ring->to_number<std::int64_t>(error) : -1;
    if (error || seconds < 1 || seconds > CallOut::kMaxRing.count())
      return tl::unexpected(
          fmt::format("\"ring_seconds\" must be a number from 1 to {}", CallOut::kMaxRing.count()));
    out.ring = std::chrono::seconds(seconds);
  }
  return out;
}

Parsed<ipc::Say> parse_say(std::string_view body) {
  const auto object = parse_members(body, {"text", "voice", "interruptible", "clear"});
  if (!object) return tl::unexpected(object.error());
  ipc::Say out;
  const json::value* text = object->if_contains("text");
  const auto size = text && text->is_string() ? text->get_string().size() : 0;
  if (size == 0 || size > kMaxSaid)
    return tl::unexpected(fmt::format("\"text\" must be a text of 1 to {} bytes", kMaxSaid));
  out.text = std::string(text->get_string());
  const bool sayable = std::any_of(out.text.begin(), out.text.end(), ascii::is_alnum) &&
                       out.text.find('\0') == std::string::npos;
  if (!sayable) return tl::unexpected(std::string(R"("text" holds nothing that can be said)"));
  if (const json::value* voice = object->if_contains("voice")) {
    out.voice = voice->is_string() ? std::string(voice->get_string()) : std::string("?");
    if (out.voice.size() > 32 || !std::all_of(out.voice.begin(), out.voice.end(), ascii::is_alnum))
      return tl::unexpected(std::string(R"("voice" must be the name of a voice, see /api/v1/web/voices)"));
  }
  for (const auto& [name, flag] : {std::pair("interruptible", &out.interruptible), {"clear", &out.clear}}) {
    const json::value* value = object->if_contains(name);
    if (value && !value->is_bool()) return tl::unexpected(fmt::format("\"{}\" must be true or false", name));
    if (value) *flag = value->get_bool();
  }
  return out;
}

Parsed<TransferTo> parse_transfer(std::string_view body) {
  const auto object = parse_members(body, {"to"});
  if (!object) return tl::unexpected(object.error());
  const json::value* to = object->if_contains("to");
  if (!to || !to->is_string() || to->get_string().empty())
    return tl::unexpected(std::string("\"to\" must be a SIP or tel URI"));
  return TransferTo{std::string(to->get_string().data(), to->get_string().size())};
}

Parsed<audio::Samples> decode_audio(std::string_view body) {
  if (body.empty()) return tl::unexpected(std::string("the body must be a sound file"));
  // Readers want a file: one without a name, in memory.
  const net::Fd file(::memfd_create("talky-play", MFD_CLOEXEC));
  for (std::string_view rest = body; !rest.empty();) {
    const ssize_t count = file ? ::write(file.get(), rest.data(), rest.size()) : -1;
    if (count <= 0) return tl::unexpected(std::string("there is no memory for the sound"));
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  auto samples =
      file::load_mono(fmt::format("/proc/self/fd/{}", file.get()), audio::kBridgeRate, kMaxSamples);
  if (!samples)
    return tl::unexpected(fmt::format("the body is no sound file of ours: {}", samples.error().what));
  if (samples->empty()) return tl::unexpected(std::string("the sound file is empty"));
  return std::move(*samples);
}

bool is_on(const std::optional<std::string>& query_value) {
  return query_value && (query_value->empty() || *query_value == "1" || *query_value == "true");
}

http::Response json_answer(int status, std::string body) {
  return http::Response::text(status, "application/json", std::move(body));
}

http::Response no_such_call() {
  return http::problem(404, "there is no such call, or it has ended");
}

http::Response refusal_of(const Error& error) {
  switch (error.code) {
    case Errc::not_found: return no_such_call();
    case Errc::malformed: return http::problem(422, fmt::format("expected {}", error.what));
    case Errc::too_large: return http::problem(409, fmt::format("expected {}", error.what));
    default: return http::problem(409, error.what);
  }
}

} // namespace talky::sipd
