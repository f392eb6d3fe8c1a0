#include "ipc/control.hpp"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <limits>
#include <optional>

#include "core/ascii.hpp"
#include "core/utf8.hpp"

namespace talky::ipc {
namespace {

namespace json = boost::json;

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

// JSON is UTF-8, but what a SIP header holds may not be: a byte that begins no valid sequence becomes U+FFFD.
// At most max_text bytes come out.
std::string utf8(std::string_view text) {
  return ::talky::utf8::repaired(text, max_text);
}

json::object of_type(const char* type) {
  json::object object;
  object["type"] = type;
  return object;
}

json::object headers_object(const Start& start) {
  json::object headers;
  std::size_t budget =
      max_json / 4; // escaping may make six bytes of one; the rest stays far below the frame's limit
  for (const auto& [name, value] : start.headers) {
    const std::string key = utf8(name);
    const std::string text = utf8(value);
    if (key.size() + text.size() > budget) break;
    budget -= key.size() + text.size();
    if (json::value* present = headers.if_contains(key)) {
      json::string& joined = present->as_string(); // RFC 3261 7.3.1: several headers of a name are one list
      joined.append(", ").append(text);
    } else if (headers.size() < max_headers) {
      headers[key] = text;
    }
  }
  return headers;
}

bool is_digit(char c) {
  return ascii::is_digit(c) || c == '*' || c == '#' || (c >= 'A' && c <= 'D') || (c >= 'a' && c <= 'd');
}

// Reads fields of one object and remembers the first thing that was wrong with one.
class Fields {
 public:
  explicit Fields(const json::object& object) : object_(object) {}

  std::string text(const char* key, const char* what, bool required = true) {
    const json::value* value = object_.if_contains(key);
    if (!value) {
      if (required) note(Errc::malformed, what);
      return {};
    }
    const json::string* string = value->if_string();
    if (!string) {
      note(Errc::malformed, what);
      return {};
    }
    if (string->size() > max_text) {
      note(Errc::too_large, what);
      return {};
    }
    return std::string(*string);
  }

  std::uint64_t number(const char* key, const char* what, std::uint64_t limit,
                       std::optional<std::uint64_t> standard = std::nullopt) {
    const json::value* value = object_.if_contains(key);
    if (!value && standard) return *standard;
    std::optional<std::uint64_t> found;
    if (value && value->is_uint64()) {
      found = value->get_uint64();
    } else if (value && value->is_int64() && value->get_int64() >= 0) {
      found = static_cast<std::uint64_t>(value->get_int64());
    }
    if (!found || *found > limit) {
      note(Errc::malformed, what);
      return 0;
    }
    return *found;
  }

  bool flag(const char* key, const char* what) {
    const json::value* value = object_.if_contains(key);
    const bool* found = value ? value->if_bool() : nullptr;
    if (!found) note(Errc::malformed, what);
    return found && *found;
  }

  std::vector<std::pair<std::string, std::string>> headers() {
    std::vector<std::pair<std::string, std::string>> out;
    const json::value* value = object_.if_contains("headers");
    if (!value) return out;
    const json::object* object = value->if_object();
    if (!object) {
      note(Errc::malformed, "\"headers\" as an object");
      return out;
    }
    if (object->size() > max_headers) {
      note(Errc::too_large, "at most 24 headers");
      return out;
    }
    for (const auto& [name, text] : *object) {
      if (!text.is_string()) {
        note(Errc::malformed, "a header as a text");
        return out;
      }
      out.emplace_back(std::string(name), std::string(text.get_string()));
    }
    return out;
  }

  std::string digits(const char* key, const char* what, std::size_t limit) {
    std::string text = this->text(key, what);
    if (text.empty() || text.size() > limit || !std::all_of(text.begin(), text.end(), is_digit)) {
      note(Errc::malformed, what);
      return "0";
    }
    for (char& c : text) {
      if (c >= 'a' && c <= 'd') c = static_cast<char>(c - 'a' + 'A');
    }
    return text;
  }

  template <class Variant, class Message>
  Result<Variant> finish(Message message) const {
    if (error_) return Unexpected(*error_);
    return Variant(std::move(message));
  }

  void note(Errc code, const char* what) {
    if (!error_) error_ = Error{code, 0, what};
  }

 private:
  const json::object& object_;
  std::optional<Error> error_;
};

struct Parsed {
  json::value value;
  std::string type;
};

Result<Parsed> parse_object(std::string_view text) {
  if (text.size() > max_json) return fail(Errc::too_large, max_json, "at most 65,535 bytes of JSON");
  json::parse_options options;
  options.max_depth = 8;
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return fail(Errc::malformed, 0, "JSON");
  if (!value.is_object()) return fail(Errc::malformed, 0, "a JSON object");
  const json::value* type = value.get_object().if_contains("type");
  if (!type || !type->is_string()) return fail(Errc::malformed, 0, "\"type\" as a text");
  std::string name(type->get_string());
  return Parsed{std::move(value), std::move(name)};
}

constexpr std::uint64_t max_samples = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t max_duration_ms = 60'000;
constexpr std::size_t max_digits = 64;

json::object caption_object(const Caption& m) {
  const bool of_agent = m.side == Caption::Side::agent;
  json::object o = of_type("caption");
  o["side"] = of_agent ? "agent" : "caller";
  o["turn"] = m.turn;
  if (of_agent) o["sentence"] = m.sentence;
  o["text"] = utf8(m.text);
  o["final"] = m.final;
  return o;
}

Caption read_caption(Fields& fields) {
  Caption m;
  const std::string side = fields.text("side", R"("side" as "caller" or "agent")");
  if (side != "caller" && side != "agent") fields.note(Errc::malformed, R"("side" as "caller" or "agent")");
  m.side = side == "agent" ? Caption::Side::agent : Caption::Side::caller;
  m.turn = fields.number("turn", "\"turn\" as a number", max_samples);
  if (m.side == Caption::Side::agent)
    m.sentence = fields.number("sentence", "\"sentence\" as a number", max_samples);
  m.text = fields.text("text", "\"text\" as a text");
  m.final = fields.flag("final", "\"final\" as true or false");
  return m;
}

struct TurnField {
  const char* name;
  std::uint64_t TurnTaken::*member;
};
constexpr std::array<TurnField, 8> turn_fields{{{"turn", &TurnTaken::turn},
                                                {"end", &TurnTaken::end},
                                                {"endpoint", &TurnTaken::endpoint},
                                                {"stt", &TurnTaken::stt},
                                                {"dialogue", &TurnTaken::dialogue},
                                                {"tts", &TurnTaken::tts},
                                                {"out", &TurnTaken::out},
                                                {"sent", &TurnTaken::sent}}};

} // namespace

std::string json_string(std::string_view text) {
  return json::serialize(json::string(utf8(text)));
}

std::string to_json(const ToAgent& message) {
  const json::object object = std::visit(
      Overloaded{[](const Start& m) {
                   json::object o = of_type("start");
                   o["call"] = utf8(m.call);
                   o["from"] = utf8(m.from);
                   o["to"] = utf8(m.to);
                   o["headers"] = headers_object(m);
                   o["rate"] = m.rate;
                   if (!m.voice.empty()) o["voice"] = utf8(m.voice);
                   return o;
                 },
                 [](const DtmfReceived& m) {
                   json::object o = of_type("dtmf");
                   o["digit"] = std::string(1, m.digit);
                   o["duration_ms"] = m.duration_ms;
                   return o;
                 },
                 [](const MarkPlayed& m) {
                   json::object o = of_type("mark");
                   o["name"] = utf8(m.name);
                   o["played"] = m.played;
                   return o;
                 },
                 [](const Cleared& m) {
                   json::object o = of_type("cleared");
                   o["discarded"] = m.discarded;
                   o["played"] = m.played;
                   return o;
                 },
                 [](const Hold&) { return of_type("hold"); }, [](const Resume&) { return of_type("resume"); },
                 [](const Stop& m) {
                   json::object o = of_type("stop");
                   o["reason"] = utf8(m.reason);
                   return o;
                 }},
      message);
  return json::serialize(object);
}

std::string to_json(const FromAgent& message) {
  const json::object object = std::visit(Overloaded{[](const Clear&) { return of_type("clear"); },
                                                    [](const Mark& m) {
                                                      json::object o = of_type("mark");
                                                      o["name"] = utf8(m.name);
                                                      return o;
                                                    },
                                                    [](const Hangup& m) {
                                                      json::object o = of_type("hangup");
                                                      o["reason"] = utf8(m.reason);
                                                      return o;
                                                    },
                                                    [](const Transfer& m) {
                                                      json::object o = of_type("transfer");
                                                      o["to"] = utf8(m.to);
                                                      return o;
                                                    },
                                                    [](const SendDtmf& m) {
                                                      json::object o = of_type("dtmf");
                                                      o["digits"] = utf8(m.digits);
                                                      o["duration_ms"] = m.duration_ms;
                                                      return o;
                                                    },
                                                    [](const TurnTaken& m) {
                                                      json::object o = of_type("turn");
                                                      for (const auto& [name, member] : turn_fields)
                                                        o[name] = m.*member;
                                                      return o;
                                                    },
                                                    [](const SpeechActive& m) {
                                                      json::object o = of_type("speech");
                                                      o["active"] = m.active;
                                                      return o;
                                                    },
                                                    [](const Caption& m) { return caption_object(m); },
                                                    [](const HeardPart& m) {
                                                      json::object o = of_type("heard");
                                                      o["turn"] = m.turn;
                                                      o["sentence"] = m.sentence;
                                                      o["text"] = utf8(m.text);
                                                      o["whole"] = m.whole;
                                                      return o;
                                                    }},
                                         message);
  return json::serialize(object);
}

Result<ToAgent> parse_to_agent(std::string_view json) {
  const auto parsed = parse_object(json);
  if (!parsed) return Unexpected(parsed.error());
  const std::string& type = parsed->type;
  Fields fields(parsed->value.get_object());
  if (type == "start") {
    Start m;
    m.call = fields.text("call", "\"call\" as a text");
    m.from = fields.text("from", "\"from\" as a text");
    m.to = fields.text("to", "\"to\" as a text");
    m.headers = fields.headers();
    m.rate = static_cast<std::uint32_t>(fields.number("rate", "\"rate\" in Hz", 192'000, 16'000));
    m.voice = fields.text("voice", "\"voice\" as a text", false);
    return fields.finish<ToAgent>(std::move(m));
  }
  if (type == "dtmf") {
    DtmfReceived m;
    m.digit = fields.digits("digit", "\"digit\" as one of 0-9 * # A-D", 1).front();
    m.duration_ms = static_cast<std::uint32_t>(
        fields.number("duration_ms", "\"duration_ms\" up to 60000", max_duration_ms, 0));
    return fields.finish<ToAgent>(m);
  }
  if (type == "mark") {
    MarkPlayed m;
    m.name = fields.text("name", "\"name\" as a text");
    m.played = fields.number("played", "\"played\" in samples", max_samples);
    return fields.finish<ToAgent>(std::move(m));
  }
  if (type == "cleared") {
    Cleared m;
    m.discarded = fields.number("discarded", "\"discarded\" in samples", max_samples);
    m.played = fields.number("played", "\"played\" in samples", max_samples);
    return fields.finish<ToAgent>(m);
  }
  if (type == "hold") return ToAgent(Hold{});
  if (type == "resume") return ToAgent(Resume{});
  if (type == "stop") {
    Stop m{fields.text("reason", "\"reason\" as a text", false)};
    return fields.finish<ToAgent>(std::move(m));
  }
  return fail(Errc::unsupported, 0, "a \"type\" from sipd to an agent");
}

Result<FromAgent> parse_from_agent(std::string_view json) {
  const auto parsed = parse_object(json);
  if (!parsed) return Unexpected(parsed.error());
  const std::string& type = parsed->type;
  Fields fields(parsed->value.get_object());
  if (type == "clear") return FromAgent(Clear{});
  if (type == "mark") {
    Mark m{fields.text("name", "\"name\" as a text")};
    return fields.finish<FromAgent>(std::move(m));
  }
  if (type == "hangup") {
    Hangup m{fields.text("reason", "\"reason\" as a text", false)};
    return fields.finish<FromAgent>(std::move(m));
  }
  if (type == "transfer") {
    Transfer m{fields.text("to", "\"to\" as a SIP URI")};
    return fields.finish<FromAgent>(std::move(m));
  }
  if (type == "dtmf") {
    SendDtmf m;
    m.digits = fields.digits("digits", "\"digits\" as up to 64 of 0-9 * # A-D", max_digits);
    m.duration_ms = static_cast<std::uint32_t>(
        fields.number("duration_ms", "\"duration_ms\" up to 60000", max_duration_ms, 100));
    return fields.finish<FromAgent>(std::move(m));
  }
  if (type == "turn") {
    TurnTaken m;
    for (const auto& [name, member] : turn_fields)
      m.*member = fields.number(name, "a turn's fields in samples", max_samples);
    return fields.finish<FromAgent>(m);
  }
  if (type == "speech")
    return fields.finish<FromAgent>(SpeechActive{fields.flag("active", "\"active\" as true or false")});
  if (type == "caption") return fields.finish<FromAgent>(read_caption(fields));
  if (type == "heard") {
    HeardPart m;
    m.turn = fields.number("turn", "\"turn\" as a number", max_samples);
    m.sentence = fields.number("sentence", "\"sentence\" as a number", max_samples);
    m.text = fields.text("text", "\"text\" as a text");
    m.whole = fields.flag("whole", "\"whole\" as true or false");
    return fields.finish<FromAgent>(std::move(m));
  }
  return fail(Errc::unsupported, 0, "a \"type\" from an agent to sipd");
}

void LineDecoder::feed(std::string_view bytes) {
  if (skipping_) { // nothing is kept of a line that was too long
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    skipping_ = false;
  }
  buffer_.append(bytes);
}

Result<bool> LineDecoder::next(std::string& line) {
  for (;;) {
    const std::size_t end = buffer_.find('\n', scanned_);
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      if (buffer_.size() <= max_json) return false;
      buffer_.clear();
      scanned_ = 0;
      skipping_ = true;
      return fail(Errc::too_large, max_json, "a line of at most 65,535 bytes");
    }
    line.assign(buffer_, 0, end);
    buffer_.erase(0, end + 1);
    scanned_ = 0;
    if (line.size() > max_json) return fail(Errc::too_large, max_json, "a line of at most 65,535 bytes");
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.empty()) return true;
  }
}

} // namespace talky::ipc
