// Control messages as JSON, and JSON as control messages.
#include "ipc/control.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include "core/ascii.hpp"
#include "core/utf8.hpp"
#include "json/fields.hpp"

namespace talky::ipc {
namespace {

constexpr std::uint64_t kMaxSamples = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kMaxDurationMs = 60'000;
constexpr std::uint64_t kMaxRate = 192'000;
constexpr std::size_t kMaxDigits = 64;
constexpr std::size_t kMaxDepth = 8;
// Bytes of all headers: escaping may make six of one, and the rest stays far below the frame's limit.
constexpr std::size_t kHeaderBytes = kMaxJson / 4;

constexpr const char* kSide = R"("side" as "caller" or "agent")";
constexpr const char* kTurnFields = "a turn's fields in samples";

enum class Presence : std::uint8_t {
  required,     // always written; where it is missing, that is a fault
  optional,     // always written; where it is missing, the variable keeps its value
  unless_empty, // written where there is something to say, and optional
};

bool is_key(char c) {
  return ascii::is_digit(c) || c == '*' || c == '#' || (c >= 'A' && c <= 'D') || (c >= 'a' && c <= 'd');
}

// Fields into an object. What a SIP header holds may not be UTF-8, and a text is cut at kMaxText bytes.
class Write {
 public:
  template <class M>
  using Ref = const M&;

  explicit Write(json::object& to) : to_(to) {}

  void text(const char* key, std::string_view value, const char* /*expected*/,
            Presence presence = Presence::required) {
    if (presence != Presence::unless_empty || !value.empty()) put(key, utf8::repaired(value, kMaxText));
  }
  template <class T>
  void number(const char* key, T value, const char* /*expected*/, std::uint64_t /*limit*/,
              Presence /*presence*/ = Presence::required) {
    to_[key] = value;
  }
  void flag(const char* key, bool value, const char* /*expected*/,
            Presence /*presence*/ = Presence::required) {
    to_[key] = value;
  }
  void word(const char* key, bool value, const char* word, const char* /*expected*/) {
    if (value) to_[key] = word;
  }
  void listed(const char* key, bool value, const char* word, const char* /*expected*/) {
    json::array& list = to_[key].emplace_array();
    if (value) list.emplace_back(word);
  }
  void side(const char* key, Caption::Side value) {
    to_[key] = value == Caption::Side::agent ? "agent" : "caller";
  }
  void digit(const char* key, char value, const char* /*expected*/) { put(key, std::string(1, value)); }
  void digits(const char* key, const std::string& value, const char* expected) { text(key, value, expected); }

  void headers(const char* key, const json::Texts& value) {
    json::object headers;
    std::size_t budget = kHeaderBytes;
    for (const auto& [header, content] : value) {
      const std::string name = utf8::repaired(header, kMaxText);
      const std::string text = utf8::repaired(content, kMaxText);
      if (name.size() + text.size() > budget) break;
      budget -= name.size() + text.size();
      if (json::value* present = headers.if_contains(name)) {
        json::string& joined = present->as_string(); // RFC 3261 7.3.1: several headers of a name are one list
        joined.append(", ").append(text);
      } else if (headers.size() < kMaxHeaders) {
        headers[name] = text;
      }
    }
    to_[key] = std::move(headers);
  }

 private:
  void put(const char* key, const std::string& value) { to_[key] = value; }

  json::object& to_;
};

// Fields out of an object.
class Read {
 public:
  template <class M>
  using Ref = M&;

  explicit Read(const json::object& from) : from_(from) {}

  void text(const char* key, std::string& variable, const char* expected,
            Presence presence = Presence::required) {
    std::string_view text;
    if (!get(key, text, expected, presence)) return;
    if (text.size() > kMaxText) return from_.fault(Errc::too_large, expected);
    variable = text;
  }
  template <class T>
  void number(const char* key, T& variable, const char* expected, std::uint64_t limit,
              Presence presence = Presence::required) {
    std::uint64_t number = 0;
    if (!get(key, number, expected, presence)) return;
    if (number > limit) return from_.fault(Errc::malformed, expected);
    variable = static_cast<T>(number);
  }
  void flag(const char* key, bool& variable, const char* expected, Presence presence = Presence::required) {
    get(key, variable, expected, presence);
  }
  // A text that means something where it is `word`.
  void word(const char* key, bool& variable, std::string_view word, const char* expected) {
    std::string text;
    this->text(key, text, expected, Presence::optional);
    variable = text == word;
  }
  // Whether a list of texts holds `word`.
  void listed(const char* key, bool& variable, std::string_view word, const char* expected) {
    const json::value* value = from_.find(key);
    const json::array* list = value != nullptr ? value->if_array() : nullptr;
    if (list == nullptr) return from_.fault(Errc::malformed, expected);
    variable = std::any_of(list->begin(), list->end(), [word](const json::value& one) {
      std::string_view text;
      return json::read(one, text) && text == word;
    });
  }
  void side(const char* key, Caption::Side& variable) {
    std::string text;
    this->text(key, text, kSide);
    if (text != "caller" && text != "agent") from_.fault(Errc::malformed, kSide);
    variable = text == "agent" ? Caption::Side::agent : Caption::Side::caller;
  }
  void digit(const char* key, char& variable, const char* expected) {
    std::string text;
    digits(key, text, expected, 1);
    if (!text.empty()) variable = text.front();
  }
  void digits(const char* key, std::string& variable, const char* expected, std::size_t most = kMaxDigits) {
    std::string text;
    this->text(key, text, expected);
    if (text.empty() || text.size() > most || !std::all_of(text.begin(), text.end(), is_key))
      return from_.fault(Errc::malformed, expected);
    for (char& c : text) {
      if (c >= 'a' && c <= 'd') c = static_cast<char>(c - 'a' + 'A');
    }
    variable = std::move(text);
  }
  void headers(const char* key, json::Texts& variable) {
    const json::value* value = from_.find(key);
    if (value == nullptr) return;
    const json::object* object = value->if_object();
    if (object == nullptr) return from_.fault(Errc::malformed, "\"headers\" as an object");
    if (object->size() > kMaxHeaders) return from_.fault(Errc::too_large, "at most 24 headers");
    if (!json::read(*value, variable)) from_.fault(Errc::malformed, "a header as a text");
  }

  const std::optional<Error>& error() const { return from_.error(); }

 private:
  template <class T>
  bool get(const char* key, T& variable, const char* expected, Presence presence) {
    return presence == Presence::required ? from_.get(key, variable, expected)
                                          : from_.optional(key, variable, expected);
  }

  json::Fields from_;
};

// The fields of each message, said once for both directions: `io` is a Write or a Read. Where several are at
// fault, the first in this order is named.
template <class Io, class M>
using Ref = typename Io::template Ref<M>;

template <class Io>
void fields(Io& io, Ref<Io, Start> m) {
  io.text("call", m.call, "\"call\" as a text");
  io.text("from", m.from, "\"from\" as a text");
  io.text("to", m.to, "\"to\" as a text");
  io.headers("headers", m.headers);
  io.number("rate", m.rate, "\"rate\" in Hz", kMaxRate, Presence::optional);
  io.text("voice", m.voice, "\"voice\" as a text", Presence::unless_empty);
}
template <class Io>
void fields(Io& io, Ref<Io, DtmfReceived> m) {
  io.digit("digit", m.digit, "\"digit\" as one of 0-9 * # A-D");
  io.number("duration_ms", m.duration_ms, "\"duration_ms\" up to 60000", kMaxDurationMs, Presence::optional);
}
template <class Io>
void fields(Io& io, Ref<Io, MarkPlayed> m) {
  io.text("name", m.name, "\"name\" as a text");
  io.number("played", m.played, "\"played\" in samples", kMaxSamples);
}
template <class Io>
void fields(Io& io, Ref<Io, Cleared> m) {
  io.number("discarded", m.discarded, "\"discarded\" in samples", kMaxSamples);
  io.number("played", m.played, "\"played\" in samples", kMaxSamples);
}
template <class Io>
void fields(Io& io, Ref<Io, Hold> m) {
  io.word("by", m.by_program, "program", "\"by\" as a text");
}
template <class Io>
void fields(Io& io, Ref<Io, Say> m) {
  io.text("text", m.text, "\"text\" as a text");
  io.text("voice", m.voice, "\"voice\" as a text", Presence::unless_empty);
  io.flag("interruptible", m.interruptible, "\"interruptible\" as true or false", Presence::optional);
  io.flag("clear", m.clear, "\"clear\" as true or false", Presence::optional);
}
template <class Io>
void fields(Io& io, Ref<Io, Stop> m) {
  io.text("reason", m.reason, "\"reason\" as a text", Presence::optional);
}
template <class Io>
void fields(Io& io, Ref<Io, Accepts> m) {
  io.listed("messages", m.say, "say", "\"messages\" as a list of texts");
}
template <class Io>
void fields(Io& io, Ref<Io, Mark> m) {
  io.text("name", m.name, "\"name\" as a text");
}
template <class Io>
void fields(Io& io, Ref<Io, Hangup> m) {
  io.text("reason", m.reason, "\"reason\" as a text", Presence::optional);
}
template <class Io>
void fields(Io& io, Ref<Io, Transfer> m) {
  io.text("to", m.to, "\"to\" as a SIP URI");
}
template <class Io>
void fields(Io& io, Ref<Io, SendDtmf> m) {
  io.digits("digits", m.digits, "\"digits\" as up to 64 of 0-9 * # A-D");
  io.number("duration_ms", m.duration_ms, "\"duration_ms\" up to 60000", kMaxDurationMs, Presence::optional);
}
template <class Io>
void fields(Io& io, Ref<Io, TurnTaken> m) {
  io.number("turn", m.turn, kTurnFields, kMaxSamples);
  io.number("end", m.end, kTurnFields, kMaxSamples);
  io.number("endpoint", m.endpoint, kTurnFields, kMaxSamples);
  io.number("stt", m.stt, kTurnFields, kMaxSamples);
  io.number("dialogue", m.dialogue, kTurnFields, kMaxSamples);
  io.number("tts", m.tts, kTurnFields, kMaxSamples);
  io.number("out", m.out, kTurnFields, kMaxSamples);
  io.number("sent", m.sent, kTurnFields, kMaxSamples);
}
template <class Io>
void fields(Io& io, Ref<Io, SpeechActive> m) {
  io.flag("active", m.active, "\"active\" as true or false");
}
template <class Io>
void fields(Io& io, Ref<Io, Caption> m) {
  io.side("side", m.side);
  io.number("turn", m.turn, "\"turn\" as a number", kMaxSamples);
  if (m.side == Caption::Side::agent)
    io.number("sentence", m.sentence, "\"sentence\" as a number", kMaxSamples);
  io.text("text", m.text, "\"text\" as a text");
  io.flag("final", m.final, "\"final\" as true or false");
}
template <class Io>
void fields(Io& io, Ref<Io, HeardPart> m) {
  io.number("turn", m.turn, "\"turn\" as a number", kMaxSamples);
  io.number("sentence", m.sentence, "\"sentence\" as a number", kMaxSamples);
  io.text("text", m.text, "\"text\" as a text");
  io.flag("whole", m.whole, "\"whole\" as true or false");
}
template <class Io>
void fields(Io& /*io*/, Ref<Io, Resume> /*m*/) {}
template <class Io>
void fields(Io& /*io*/, Ref<Io, Clear> /*m*/) {}
template <class Io>
void fields(Io& io, Ref<Io, Duck> m) {
  io.flag("on", m.on, "\"on\" as true or false");
}

// The "type" of each, in the order of the variants.
constexpr std::array kToAgent{"start", "dtmf", "mark", "cleared", "hold", "resume", "say", "stop"};
constexpr std::array kFromAgent{"accepts", "clear", "duck",   "mark",    "hangup", "transfer",
                                "dtmf",    "turn",  "speech", "caption", "heard"};
static_assert(kToAgent.size() == std::variant_size_v<ToAgent>);
static_assert(kFromAgent.size() == std::variant_size_v<FromAgent>);

template <class Message>
std::string written(const Message& message, std::span<const char* const> types) {
  json::object object;
  object["type"] = types[message.index()];
  Write io(object);
  std::visit([&io](const auto& m) { fields(io, m); }, message);
  return json::serialize(object);
}

// Of an unknown type, `expected` is the error.
template <class Message, std::size_t I = 0>
Result<Message> read_as(std::string_view type, const json::object& object, std::span<const char* const> types,
                        const char* expected) {
  if constexpr (I == std::variant_size_v<Message>) {
    return fail(Errc::unsupported, 0, expected);
  } else {
    if (type != types[I]) return read_as<Message, I + 1>(type, object, types, expected);
    std::variant_alternative_t<I, Message> message;
    Read io(object);
    fields(io, message);
    if (io.error()) return Unexpected(*io.error());
    return Message(std::move(message));
  }
}

template <class Message>
Result<Message> parsed(std::string_view text, std::span<const char* const> types, const char* expected) {
  const auto object = json::parse_object(text, {kMaxJson, kMaxDepth, "at most 65,535 bytes of JSON"});
  if (!object) return Unexpected(object.error());
  const auto type = json::find<std::string_view>(*object, "type");
  if (!type) return fail(Errc::malformed, 0, "\"type\" as a text");
  return read_as<Message>(*type, *object, types, expected);
}

} // namespace

std::string json_string(std::string_view text) {
  return json::quoted(text, kMaxText);
}

std::string to_json(const ToAgent& message) {
  return written(message, kToAgent);
}
std::string to_json(const FromAgent& message) {
  return written(message, kFromAgent);
}

Result<ToAgent> parse_to_agent(std::string_view json) {
  return parsed<ToAgent>(json, kToAgent, "a \"type\" from sipd to an agent");
}
Result<FromAgent> parse_from_agent(std::string_view json) {
  return parsed<FromAgent>(json, kFromAgent, "a \"type\" from an agent to sipd");
}

} // namespace talky::ipc
