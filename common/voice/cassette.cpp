#include "voice/cassette.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/ascii.hpp"
#include "core/base64.hpp"
#include "core/fnv.hpp"
#include "core/utf8.hpp"
#include "json/fields.hpp"
#include "json/line.hpp"

namespace talky::voice {
namespace {

constexpr std::size_t kActivityLine = 64; // windows on a line: two seconds
constexpr std::size_t kMaxDepth = 8;      // of the JSON on a line

class Hash : public Fnv1a {
 public:
  void word(std::string_view word) {
    text(word);
    byte(0);
  }
  void pcm(const Pcm& pcm) {
    for (const std::int16_t sample : pcm) {
      const auto bits = static_cast<std::uint16_t>(sample);
      byte(bits);
      byte(static_cast<unsigned>(bits) >> 8U);
    }
  }
  std::string hex() const { return fmt::format("{:016x}", value()); }
};

struct Asked {
  std::string kind;
  std::string key;
  Samples at = 0;
};

Asked asked(const Request& request) {
  return std::visit(
      [](const auto& r) -> Asked {
        using T = std::decay_t<decltype(r)>;
        Hash hash;
        if constexpr (std::is_same_v<T, SttRequest>) {
          if (r.pcm) hash.pcm(*r.pcm);
          if (r.expected != Expectation{}) {
            hash.word(name_of(r.expected.kind));
            hash.word(std::to_string(r.expected.digits));
            for (const std::string& phrase : r.expected.phrases)
              hash.word(phrase);
          }
          return {"stt", hash.hex(), r.at};
        } else if constexpr (std::is_same_v<T, TtsRequest>) {
          return {"tts", r.voice + '|' + r.text, r.at};
        } else if constexpr (std::is_same_v<T, LlmRequest>) {
          for (const LlmMessage& message : r.context) {
            hash.byte(static_cast<unsigned>(message.role));
            hash.word(message.text);
          }
          return {"llm", hash.hex(), r.at};
        } else {
          return {};
        }
      },
      request);
}

// PCM as base64 of its little-endian bytes.
std::string encode(const Pcm& pcm) {
  std::vector<std::byte> bytes;
  bytes.reserve(2 * pcm.size());
  for (const std::int16_t sample : pcm) {
    const auto bits = static_cast<std::uint16_t>(sample);
    bytes.push_back(static_cast<std::byte>(bits & 0xffU));
    bytes.push_back(static_cast<std::byte>(bits >> 8U));
  }
  std::string out;
  base64::encode(bytes, out);
  return out;
}

bool decode(std::string_view text, Pcm& pcm) {
  std::vector<std::byte> bytes;
  if (!base64::decode_loosely(text, bytes) || bytes.size() % 2 != 0) return false;
  pcm.reserve(bytes.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const auto bits = std::to_integer<unsigned>(bytes[i]) | std::to_integer<unsigned>(bytes[i + 1]) << 8U;
    pcm.push_back(static_cast<std::int16_t>(static_cast<std::uint16_t>(bits)));
  }
  return true;
}

} // namespace

struct CassetteWriter::Impl {
  std::deque<std::string> lines;
  std::map<RequestId, Samples> open; // when they were asked
  Samples window = 512;
  std::vector<float> activity;
  std::uint64_t windows = 0;

  void flush_activity() {
    if (activity.empty()) return;
    std::string list = "[";
    for (const float p : activity) {
      if (list.size() > 1) list += ',';
      list += fmt::format("{}", std::lround(p * 1000.0F));
    }
    const auto first = static_cast<Samples>(windows - activity.size()) * window;
    lines.push_back(json::Line()
                        .add("type", "vad")
                        .add("at", first)
                        .add("window", window)
                        .raw("permille", list + ']')
                        .take());
    activity.clear();
  }
};

CassetteWriter::CassetteWriter() : impl_(std::make_unique<Impl>()) {}
CassetteWriter::~CassetteWriter() = default;

void CassetteWriter::start(const in::Start& start, std::uint64_t seed) {
  const Moment& m = start.moment;
  json::Line line;
  line.add("type", "cassette")
      .add("version", 1)
      .add("seed", fmt::format("{:016x}", seed))
      .add("call", start.call_id)
      .add("from", start.from)
      .add("to", start.to)
      .add("headers", start.headers)
      .add("year", m.year)
      .add("month", m.month)
      .add("day", m.day)
      .add("hour", m.hour)
      .add("minute", m.minute);
  if (!start.voice.empty()) line.add("voice", start.voice);
  impl_->lines.push_back(line.take());
}

void CassetteWriter::request(const Request& request) {
  if (std::holds_alternative<Cancel>(request)) return;
  const Asked a = asked(request);
  impl_->open[id_of(request)] = a.at;
  impl_->lines.push_back(json::Line()
                             .add("type", "request")
                             .add("at", a.at)
                             .add("id", id_of(request))
                             .add("kind", a.kind)
                             .add("key", a.key)
                             .take());
}

Answer CassetteWriter::answer(Answer answer, Samples now) {
  const RequestId id = id_of(answer);
  const auto found = impl_->open.find(id);
  if (found == impl_->open.end()) return answer;
  std::visit([&](auto& a) { a.service = std::max(a.service, now - found->second); }, answer);
  json::Line line;
  line.add("type", "answer").add("id", id).add("service", service_of(answer));
  bool last = true;
  std::visit(
      [&](auto& a) {
        using T = std::decay_t<decltype(a)>;
        if constexpr (std::is_same_v<T, SttResult>) {
          a.confidence = std::round(a.confidence * 1000.0F) / 1000.0F;
          a.text = utf8::repaired(a.text);
          line.add("kind", "stt").add("text", a.text).add("confidence", a.confidence);
        } else if constexpr (std::is_same_v<T, TtsChunk>) {
          line.add("kind", "tts").add("last", a.last).add("pcm", encode(a.pcm));
          last = a.last;
        } else if constexpr (std::is_same_v<T, LlmDelta>) {
          a.text = utf8::repaired(a.text);
          line.add("kind", "llm").add("last", a.last).add("text", a.text);
          last = a.last;
        } else {
          a.reason = utf8::repaired(a.reason);
          line.add("kind", "failure").add("reason", a.reason);
        }
      },
      answer);
  impl_->lines.push_back(line.take());
  if (last) impl_->open.erase(found);
  return answer;
}

void CassetteWriter::activity(Samples window, float probability) {
  impl_->window = window;
  impl_->activity.push_back(probability);
  ++impl_->windows;
  if (impl_->activity.size() >= kActivityLine) impl_->flush_activity();
}

void CassetteWriter::finish() {
  impl_->flush_activity();
}

std::optional<std::string> CassetteWriter::poll() {
  if (impl_->lines.empty()) return std::nullopt;
  std::string line = std::move(impl_->lines.front());
  impl_->lines.pop_front();
  return line;
}

void RecordingVad::process(std::span<const std::int16_t> frame, std::vector<float>& probabilities) {
  const std::size_t first = probabilities.size();
  vad_.process(frame, probabilities);
  for (std::size_t i = first; i < probabilities.size(); ++i) {
    probabilities[i] =
        static_cast<float>(std::lround(std::clamp(probabilities[i], 0.0F, 1.0F) * 1000.0F)) / 1000.0F;
    cassette_.activity(vad_.window(), probabilities[i]);
  }
}

namespace {

bool read_start(json::Fields& line, in::Start& start, std::uint64_t& seed) {
  int version = 0;
  std::string hex;
  line.get("version", version);
  line.get("seed", hex);
  line.get("call", start.call_id);
  line.get("from", start.from);
  line.get("to", start.to);
  line.get("headers", start.headers);
  line.get("year", start.moment.year);
  line.get("month", start.moment.month);
  line.get("day", start.moment.day);
  line.get("hour", start.moment.hour);
  line.get("minute", start.moment.minute);
  line.optional("voice", start.voice);
  const auto number = ascii::to_number<std::uint64_t>(hex, 16);
  seed = number.value_or(0);
  return line.ok() && number && version == 1;
}

bool read_activity(json::Fields& line, Samples& window, std::vector<float>& activity) {
  line.get("window", window);
  const auto* list = line.find("permille");
  if (!line.ok() || list == nullptr || !list->is_array() || window <= 0) return false;
  for (const auto& value : list->get_array()) {
    if (!value.is_int64()) return false;
    activity.push_back(static_cast<float>(std::clamp<std::int64_t>(value.get_int64(), 0, 1000)) / 1000.0F);
  }
  return true;
}

std::optional<Answer> read_answer(json::Fields& line) {
  RequestId id = 0;
  Samples service = 0;
  std::string kind;
  line.get("id", id);
  line.get("service", service);
  line.get("kind", kind);
  std::optional<Answer> answer;
  if (kind == "stt") {
    SttResult result{id, {}, 0.0F, service};
    line.get("text", result.text);
    line.get("confidence", result.confidence);
    answer = std::move(result);
  } else if (kind == "tts") {
    TtsChunk chunk{id, {}, false, service};
    std::string pcm;
    line.get("last", chunk.last);
    line.get("pcm", pcm);
    if (!decode(pcm, chunk.pcm)) return std::nullopt;
    answer = std::move(chunk);
  } else if (kind == "llm") {
    LlmDelta delta{id, {}, false, service};
    line.get("last", delta.last);
    line.get("text", delta.text);
    answer = std::move(delta);
  } else if (kind == "failure") {
    Failure failure{id, {}, service};
    line.get("reason", failure.reason);
    answer = std::move(failure);
  }
  if (!line.ok()) return std::nullopt;
  return answer;
}

} // namespace

Result<Cassette> Cassette::parse(std::string_view text) {
  if (text.size() > kMaxBytes) return fail(Errc::too_large, kMaxBytes, "a cassette of at most 1 GiB");
  Cassette cassette;
  std::map<RequestId, std::size_t> by_id;
  bool started = false;
  std::size_t offset = 0;
  while (offset < text.size()) {
    const std::size_t end = std::min(text.find('\n', offset), text.size());
    const std::string_view row = ascii::trim(text.substr(offset, end - offset));
    if (!row.empty()) {
      const auto object = json::parse_object(row, {.depth = kMaxDepth});
      if (!object) return fail(Errc::malformed, offset, "a JSON object on each line of a cassette");
      json::Fields line(*object);
      std::string type;
      line.get("type", type);
      if (type == "cassette") {
        if (!read_start(line, cassette.start_, cassette.seed_))
          return fail(Errc::malformed, offset, "the head of a cassette, version 1");
        started = true;
      } else if (type == "vad") {
        if (!read_activity(line, cassette.window_, cassette.activity_))
          return fail(Errc::malformed, offset, R"("window" and a list "permille")");
      } else if (type == "request") {
        Exchange exchange;
        RequestId id = 0;
        line.get("id", id);
        line.get("kind", exchange.kind);
        line.get("key", exchange.key);
        if (!line.ok()) return fail(Errc::malformed, offset, R"("id", "kind" and "key" of a request)");
        by_id[id] = cassette.exchanges_.size();
        cassette.exchanges_.push_back(std::move(exchange));
      } else if (type == "answer") {
        auto answer = read_answer(line);
        if (!answer) return fail(Errc::malformed, offset, "the fields of an answer");
        const auto found = by_id.find(id_of(*answer));
        if (found == by_id.end()) return fail(Errc::malformed, offset, "an answer to a request above it");
        cassette.exchanges_[found->second].answers.push_back(std::move(*answer));
      } else {
        return fail(Errc::unsupported, offset, "a line of type cassette, vad, request or answer");
      }
      if (!started) return fail(Errc::malformed, offset, "a cassette that begins with its head");
    }
    offset = end + 1;
  }
  if (!started) return fail(Errc::truncated, 0, "the head of a cassette");
  return cassette;
}

void PlayingVad::process(std::span<const std::int16_t> frame, std::vector<float>& probabilities) {
  position_ += static_cast<Samples>(frame.size());
  while (static_cast<Samples>(next_ + 1) * cassette_->window() <= position_) {
    const auto& activity = cassette_->activity();
    probabilities.push_back(next_ < activity.size() ? activity[next_] : 0.0F);
    ++next_;
  }
}

void PlayingVad::reset() {
  position_ = 0;
  next_ = 0;
}

CassetteEngine::CassetteEngine(std::shared_ptr<const Cassette> cassette) : cassette_(std::move(cassette)) {
  const auto& exchanges = cassette_->exchanges();
  for (std::size_t i = 0; i < exchanges.size(); ++i)
    by_key_[exchanges[i].kind + ' ' + exchanges[i].key].push_back(i);
}

void CassetteEngine::request(const Request& request) {
  if (std::holds_alternative<Cancel>(request)) return;
  const Asked a = asked(request);
  const std::string key = a.kind + ' ' + a.key;
  const RequestId id = id_of(request);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) {
    ++missing_;
    answers_.emplace_back(Failure{id, "not on the cassette", 0});
    return;
  }
  const std::size_t nth = std::min(asked_[key]++, found->second.size() - 1);
  for (Answer answer : cassette_->exchanges()[found->second[nth]].answers) {
    std::visit([id](auto& x) { x.id = id; }, answer);
    answers_.push_back(std::move(answer));
  }
}

std::optional<Answer> CassetteEngine::poll() {
  if (next_ == answers_.size()) {
    answers_.clear();
    next_ = 0;
    return std::nullopt;
  }
  return std::move(answers_[next_++]);
}

} // namespace talky::voice
