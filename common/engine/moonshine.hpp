// Moonshine speech recognition (English, int8): an encoder run once over the utterance and a decoder run once
// a token with its key/value cache, greedily. transcribe() blocks for 50-65 ms a second of speech (base) on
// the calling thread; several threads may call it at once.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "audio/frame.hpp"
#include "core/error.hpp"
#include "engine/onnx.hpp"

namespace talky::engine {

enum class MoonshineSize : std::uint8_t { base, tiny };

struct Transcript {
  std::string text;        // "" if no words were said
  float confidence = 0.0F; // geometric mean of the probabilities of the tokens; 0 if there are none
};

class Moonshine {
 public:
  static constexpr int kSampleRate = audio::kBridgeRate;
  // Longer audio is cut at its quietest places into parts of at most this many seconds.
  static constexpr int kMaxPartSeconds = 20;
  static constexpr int kMaxSeconds = 300; // more is refused with `too_large`

  // `models` as found by find_models(). Throws onnx::LoadError.
  Moonshine(const onnx::LibraryPtr& library, const std::string& models, MoonshineSize size);

  // PCM at 16 kHz, an utterance with a little of the silence around it. Audio without anything in it gives ""
  // at once. Errc::closed if `stop` was requested meanwhile (looked at between tokens).
  Result<Transcript> transcribe(std::span<const std::int16_t> pcm, const std::stop_token& stop = {}) const;

 private:
  struct Shape {
    std::int64_t layers, heads, width;
  };
  Result<Transcript> transcribe_part(std::span<const std::int16_t> pcm, const std::stop_token& stop) const;
  Result<std::vector<std::int64_t>> decode(onnx::Tensor encoded, std::size_t max_tokens,
                                           const std::stop_token& stop, double& log_probability) const;
  std::string text_of(std::span<const std::int64_t> tokens) const;

  Shape shape_;
  onnx::Model encoder_, decoder_;
  std::vector<std::string> vocabulary_;
  // ONNX names of the decoder: the cache entries in the order layer x {decoder, encoder} x {key, value}.
  std::vector<std::string> input_names_, output_names_;
};

// The guards against what a recogniser invents where nothing was said; pure, for the tests.
//
// Cuts a loop ("the the the the ...", or a phrase again and again) down to its first round.
std::vector<std::int64_t> without_loops(std::span<const std::int64_t> tokens);
// Is it one of the phrases that come of noise ("you", "Thank you.", "Thanks for watching!") and not to be
// believed at that confidence?
bool is_hallucination(std::string_view text, float confidence);
// Where to cut, in samples: ends of parts no longer than `max_part` each, at the quietest 100 ms of each
// part's second half. The last is pcm.size().
std::vector<std::size_t> cut_at_pauses(std::span<const std::int16_t> pcm, std::size_t max_part);

} // namespace talky::engine
