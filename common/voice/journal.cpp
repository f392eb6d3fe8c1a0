#include "voice/journal.hpp"

#include <type_traits>
#include <utility>

#include "core/ascii.hpp"
#include "json/fields.hpp"
#include "json/line.hpp"

namespace talky::voice::journal {
namespace {

constexpr std::size_t kMaxDepth = 8;

// Name and fields of each kind of entry, said once for both directions: `io` is a writer or a reader.
template <class Io, class E>
void fields(Io& io, E& e) {
  using T = std::remove_const_t<E>;
  if constexpr (std::is_same_v<T, Started>) {
    io("version", e.version);
    io("call", e.start.call_id);
    io("from", e.start.from);
    io("to", e.start.to);
    io("headers", e.start.headers);
    io("year", e.start.moment.year);
    io("month", e.start.moment.month);
    io("day", e.start.moment.day);
    io("hour", e.start.moment.hour);
    io("minute", e.start.moment.minute);
    io.unless_empty("voice", e.start.voice);
  } else if constexpr (std::is_same_v<T, SpeechStart>) {
    io("begin", e.begin);
    io("over_agent", e.over_agent);
  } else if constexpr (std::is_same_v<T, SpeechEnd>) {
    io("end", e.end);
    io.unless_empty("voice", e.voice);
  } else if constexpr (std::is_same_v<T, Requested>) {
    io("id", e.id);
    io("kind", e.kind);
    io("text", e.text);
    io("speculative", e.speculative);
    io("length", e.length);
    io.unless_empty("expected", e.expected);
  } else if constexpr (std::is_same_v<T, Answered>) {
    io("id", e.id);
    io("kind", e.kind);
    io("text", e.text);
    io("confidence", e.confidence);
    io("service", e.service);
    io("length", e.length);
  } else if constexpr (std::is_same_v<T, Failed>) {
    io("id", e.id);
    io("kind", e.kind);
    io("reason", e.reason);
  } else if constexpr (std::is_same_v<T, Cancelled>) {
    io("id", e.id);
    io("kind", e.kind);
  } else if constexpr (std::is_same_v<T, Turn>) {
    io("turn", e.turn);
    io("begin", e.begin);
    io("end", e.end);
    io("text", e.text);
    io("confidence", e.confidence);
  } else if constexpr (std::is_same_v<T, TurnReopened>) {
    io("turn", e.turn);
  } else if constexpr (std::is_same_v<T, Digits>) {
    io("digits", e.digits);
  } else if constexpr (std::is_same_v<T, DtmfIn>) {
    io("digit", e.digit);
  } else if constexpr (std::is_same_v<T, NoInput>) {
    io("count", e.count);
    io("last", e.last);
  } else if constexpr (std::is_same_v<T, Answer>) {
    io("turn", e.turn);
    io("text", e.text);
    io("state", e.state);
    io("intent", e.intent);
  } else if constexpr (std::is_same_v<T, Prompt>) {
    io("text", e.text);
    io("voice", e.voice);
    io("interruptible", e.interruptible);
  } else if constexpr (std::is_same_v<T, SentenceStart>) {
    io("sentence", e.sentence);
    io("text", e.text);
    io("voice", e.voice);
    io("sent", e.sent);
  } else if constexpr (std::is_same_v<T, SentenceEnd>) {
    io("sentence", e.sentence);
    io("length", e.length);
    io("heard", e.heard);
    io("whole", e.whole);
  } else if constexpr (std::is_same_v<T, BargeIn>) {
    io("begin", e.begin);
    io("by", e.by);
  } else if constexpr (std::is_same_v<T, FalseInterruption>) {
    io("sentence", e.sentence);
  } else if constexpr (std::is_same_v<T, Ducked>) {
    io("on", e.on);
  } else if constexpr (std::is_same_v<T, Latency>) {
    io("turn", e.turn);
    io("endpoint", e.endpoint);
    io("stt", e.stt);
    io("dialogue", e.dialogue);
    io("tts", e.tts);
    io("out", e.out);
    io("total", e.total);
  } else if constexpr (std::is_same_v<T, Mark>) {
    io("name", e.name);
    io("played", e.played);
  } else if constexpr (std::is_same_v<T, Cleared>) {
    io("discarded", e.discarded);
    io("played", e.played);
  } else if constexpr (std::is_same_v<T, Held>) {
    io.unless_empty("by", e.by);
  } else if constexpr (std::is_same_v<T, Transferred>) {
    io("target", e.target);
  } else if constexpr (std::is_same_v<T, SentDigits>) {
    io("digits", e.digits);
  } else if constexpr (std::is_same_v<T, HungUp> || std::is_same_v<T, Stopped>) {
    io("reason", e.reason);
  } else if constexpr (std::is_same_v<T, Slots>) {
    io("slots", e.values);
  }
}

// In the order of the variant.
constexpr std::string_view kTypes[] = {
    "start",    "speech_start", "speech_end",     "request",      "answer",   "failure",
    "cancel",   "turn",         "turn_reopened",  "digits",       "dtmf",     "no_input",
    "say",      "prompt",       "sentence_start", "sentence_end", "barge_in", "false_interruption",
    "duck",     "latency",      "mark",           "cleared",      "hold",     "resume",
    "transfer", "send_dtmf",    "hangup",         "stop",         "slots"};
static_assert(std::size(kTypes) == std::variant_size_v<What>);

template <std::size_t I = 0>
bool read_as(std::string_view type, json::Fields& line, What& what) {
  if constexpr (I == std::variant_size_v<What>) {
    return false;
  } else {
    if (type != kTypes[I]) return read_as<I + 1>(type, line, what);
    auto& entry = what.emplace<I>();
    json::ReadFields read{line};
    fields(read, entry);
    return true;
  }
}

} // namespace

std::string to_line(const Entry& entry) {
  json::Line line;
  line.add("at", entry.at);
  line.add("type", kTypes[entry.what.index()]);
  std::visit(
      [&](const auto& what) {
        json::WriteFields write{line};
        fields(write, what);
      },
      entry.what);
  return line.take();
}

Result<Entry> parse_line(std::string_view text) {
  const auto object = json::parse_object(text, {.depth = kMaxDepth});
  if (!object) return fail(Errc::malformed, 0, "a JSON object");
  json::Fields line(*object);
  Entry entry;
  std::string type;
  line.get("at", entry.at);
  line.get("type", type);
  if (!line.ok()) return fail(Errc::malformed, 0, R"(a journal entry with "at" and "type")");
  if (!read_as(type, line, entry.what)) return fail(Errc::unsupported, 0, "a known type of journal entry");
  if (!line.ok()) return fail(Errc::malformed, 0, "all fields of this type of journal entry");
  return entry;
}

Result<std::vector<Entry>> parse(std::string_view text) {
  std::vector<Entry> entries;
  std::size_t offset = 0;
  while (offset < text.size()) {
    const std::size_t end = std::min(text.find('\n', offset), text.size());
    const std::string_view line = ascii::trim(text.substr(offset, end - offset));
    if (!line.empty()) {
      auto entry = parse_line(line);
      if (!entry) return fail(entry.error().code, offset, entry.error().what);
      entries.push_back(std::move(*entry));
    }
    offset = end + 1;
  }
  return entries;
}

} // namespace talky::voice::journal
