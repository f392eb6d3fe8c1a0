// The engines that a voice session needs, seen from the session: voice activity is a function that it calls,
// speech recognition, speech synthesis and language models are requests that leave it through poll() and
// answers that come back by Session::answer(). Who answers (a model in this process, a server, a cassette, a
// test) is not the session's affair. Nothing here blocks, waits, or knows a thread.
//
//   Session --poll()--> SttRequest, TtsRequest, LlmRequest, Cancel --> Engine
//   Session <--answer()-- SttResult, TtsChunk, LlmDelta, Failure  <-- Engine
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "audio/frame.hpp"
#include "voice/expectation.hpp"

namespace talky::voice {

// Media time: a position in, or a length of, the caller's audio, in samples at 16 kHz. The session knows no
// other time.
using Samples = std::int64_t;
inline constexpr Samples kSampleRate = audio::kBridgeRate;
inline constexpr std::size_t kFrameSamples = audio::kBridgeFrameSamples; // 20 ms
inline constexpr Samples kFrame = 320;

constexpr Samples from_ms(std::int64_t ms) {
  return ms * (kSampleRate / 1000);
}
constexpr std::int64_t to_ms(Samples samples) {
  return samples / (kSampleRate / 1000);
}

// Signed 16-bit mono at 16 kHz, shared between a session and the engines' threads because nobody changes it.
using Pcm = std::vector<std::int16_t>;
using SharedPcm = std::shared_ptr<const Pcm>;

// Speech or not, in windows of a fixed length. A pure function of the audio since reset(): the same audio
// gives the same probabilities. One object a call; called on the session's thread, about 32 times a second.
class VoiceActivity {
 public:
  virtual ~VoiceActivity() = default;
  // Length of a window in samples at 16 kHz: 512 for Silero at its native 8 kHz with 256 samples.
  virtual Samples window() const = 0;
  // Takes a frame (16 kHz; the session gives 320 samples at a time) and appends the probability of speech,
  // 0..1, of each window that ended in it. Window k covers the samples [k * window(), (k + 1) * window()).
  virtual void process(std::span<const std::int16_t> frame, std::vector<float>& probabilities) = 0;
  virtual void reset() = 0;
};

// Unique in a session, rising from 1, over all kinds of request.
using RequestId = std::uint64_t;

// The caller's utterance with its pre-roll. A speculative request is made inside a pause that may turn out to
// be the end of the turn; it is cancelled if the caller goes on. `at` is the media time of the request.
struct SttRequest {
  RequestId id = 0;
  Samples at = 0;
  SharedPcm pcm;
  bool speculative = false;
  Expectation expected = {}; // what the dialogue waits for: a hint
};

// One sentence of plain text for one voice. The session asks for the next sentence while one plays, so that
// at most two are open.
struct TtsRequest {
  RequestId id = 0;
  Samples at = 0;
  std::string text;
  std::string voice; // "Sophia", "Emma", "Alex": the engine maps names to its own voices
};

struct LlmMessage {
  enum class Role : std::uint8_t { system, user, assistant };
  Role role = Role::user;
  std::string text;
  bool operator==(const LlmMessage&) const = default;
};

// The context is the fold over the journal: what the caller did not hear is not in it.
struct LlmRequest {
  RequestId id = 0;
  Samples at = 0;
  std::vector<LlmMessage> context;
};

// The session no longer wants the answer. An answer that comes all the same is ignored.
struct Cancel {
  RequestId id = 0;
};

// `service` is the time from the request to this answer, measured by whoever answers (wall clock, model or
// cassette) and given in samples. The answer takes effect at the media time of its request plus `service`, or
// at once if that has passed already. Answers may come in any order, late, twice, or never.
struct SttResult {
  RequestId id = 0;
  std::string text;        // "" if there were no words
  float confidence = 1.0F; // 0..1
  Samples service = 0;
};

// PCM of a sentence in order; `last` closes it (its pcm may be empty).
struct TtsChunk {
  RequestId id = 0;
  Pcm pcm;
  bool last = false;
  Samples service = 0;
};

struct LlmDelta {
  RequestId id = 0;
  std::string text;
  bool last = false;
  Samples service = 0;
};

// The request has failed and nothing more will come. `reason` is for the journal, in a few words.
struct Failure {
  RequestId id = 0;
  std::string reason;
  Samples service = 0;
};

using Request = std::variant<SttRequest, TtsRequest, LlmRequest, Cancel>;
using Answer = std::variant<SttResult, TtsChunk, LlmDelta, Failure>;

RequestId id_of(const Request& request);
RequestId id_of(const Answer& answer);
Samples service_of(const Answer& answer);

// Whoever answers requests. request() never blocks. poll() gives the answers that are there, in order of
// arrival within one request; for an engine with threads, the rim is woken by means of its own and then
// polls.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual void request(const Request& request) = 0;
  virtual std::optional<Answer> poll() = 0;
};

} // namespace talky::voice
