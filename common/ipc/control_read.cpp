// JSON as control messages.
#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <limits>
#include <optional>

#include "core/ascii.hpp"
#include "ipc/control.hpp"
#include "ipc/control_fields.hpp"

namespace talky::ipc {
namespace {

namespace json = boost::json;

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

  bool flag(const char* key, const char* what, std::optional<bool> standard = std::nullopt) {
    const json::value* value = object_.if_contains(key);
    if (!value && standard) return *standard;
    const bool* found = value ? value->if_bool() : nullptr;
    if (!found) note(Errc::malformed, what);
    return found && *found;
  }

  // Whether the list of texts `key` holds `text`.
  bool lists(const char* key, std::string_view text, const char* what) {
    const json::value* value = object_.if_contains(key);
    const json::array* list = value ? value->if_array() : nullptr;
    if (!list) note(Errc::malformed, what);
    return list && std::any_of(list->begin(), list->end(), [text](const json::value& one) {
             return one.is_string() && std::string_view(one.get_string()) == text;
           });
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

} // namespace

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
  if (type == "hold") {
    const Hold m{fields.text("by", "\"by\" as a text", false) == "program"};
    return fields.finish<ToAgent>(m);
  }
  if (type == "resume") return ToAgent(Resume{});
  if (type == "say") {
    Say m;
    m.text = fields.text("text", "\"text\" as a text");
    m.voice = fields.text("voice", "\"voice\" as a text", false);
    m.interruptible = fields.flag("interruptible", "\"interruptible\" as true or false", true);
    m.clear = fields.flag("clear", "\"clear\" as true or false", false);
    return fields.finish<ToAgent>(std::move(m));
  }
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
  if (type == "accepts") {
    return fields.finish<FromAgent>(
        Accepts{fields.lists("messages", "say", "\"messages\" as a list of texts")});
  }
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

} // namespace talky::ipc
