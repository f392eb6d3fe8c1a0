// Control messages as JSON.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "core/overloaded.hpp"
#include "core/utf8.hpp"
#include "ipc/control.hpp"
#include "ipc/control_fields.hpp"

namespace talky::ipc {
namespace {

namespace json = boost::json;

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

} // namespace

std::string json_string(std::string_view text) {
  return json::serialize(json::string(utf8(text)));
}

std::string to_json(const ToAgent& message) {
  const json::object object = std::visit(Overloaded{[](const Start& m) {
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
                                                    [](const Hold& m) {
                                                      json::object o = of_type("hold");
                                                      if (m.by_program) o["by"] = "program";
                                                      return o;
                                                    },
                                                    [](const Resume&) { return of_type("resume"); },
                                                    [](const Say& m) {
                                                      json::object o = of_type("say");
                                                      o["text"] = utf8(m.text);
                                                      if (!m.voice.empty()) o["voice"] = utf8(m.voice);
                                                      o["interruptible"] = m.interruptible;
                                                      o["clear"] = m.clear;
                                                      return o;
                                                    },
                                                    [](const Stop& m) {
                                                      json::object o = of_type("stop");
                                                      o["reason"] = utf8(m.reason);
                                                      return o;
                                                    }},
                                         message);
  return json::serialize(object);
}

std::string to_json(const FromAgent& message) {
  const json::object object = std::visit(Overloaded{[](const Accepts& m) {
                                                      json::object o = of_type("accepts");
                                                      json::array& types = o["messages"].emplace_array();
                                                      if (m.say) types.emplace_back("say");
                                                      return o;
                                                    },
                                                    [](const Clear&) { return of_type("clear"); },
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

} // namespace talky::ipc
