// Moonshine speech recognition (English, int8): an encoder run once over the utterance and a decoder run once
// a token with its key/value cache, greedily. Both block the calling thread, together for 50-65 ms a second
// of speech (base); several threads may call at once. What is given to it, and what of its answers is
// believed, is decided by the Recogniser.
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
#include "engine/bias.hpp"
#include "engine/onnx.hpp"
#include "engine/tokens.hpp"

namespace talky::engine {

enum class MoonshineSize : std::uint8_t { base, tiny };

struct Transcript {
  std::string text;        // "" if no words were said
  float confidence = 0.0F; // geometric mean of the probabilities of the tokens; 0 if there are none
};

class Moonshine {
 public:
  static constexpr int kSampleRate = audio::kBridgeRate;
  // The encoder's convolutions need this much; shorter audio holds no word.
  static constexpr std::size_t kLeastSamples = 1'600;

  // `models` as found by find_models(). Throws onnx::LoadError.
  Moonshine(const onnx::LibraryPtr& library, const std::string& models, MoonshineSize size);

  // What the encoder made of an utterance.
  struct Encoded {
    onnx::Tensor hidden;
    double seconds = 0;
  };
  // Amplitudes from -1 to 1 at 16 kHz, kLeastSamples or more, a few seconds.
  Result<Encoded> encode(std::span<float> audio) const;

  struct Guess {
    std::string text;
    float confidence = 0.0F;    // as in Transcript
    double log_probability = 0; // of the whole, without the bias
    std::size_t tokens = 0;
    bool looped = false; // it went round in circles, or did not end: `text` is what came before
  };
  struct Inclination {
    const Bias* bias = nullptr;
    bool not_empty = false; // there are words: it may not end before the first
  };
  // Errc::closed if `stop` was requested meanwhile (looked at between tokens).
  Result<Guess> decode(const Encoded& encoded, const Inclination& inclination,
                       const std::stop_token& stop = {}) const;

  const Tokens& tokens() const { return tokens_; }

 private:
  struct Shape {
    std::int64_t layers, heads, width;
  };

  Shape shape_;
  onnx::Model encoder_, decoder_;
  Tokens tokens_;
  // ONNX names of the decoder: the cache entries in the order layer x {decoder, encoder} x {key, value}.
  std::vector<std::string> input_names_, output_names_;
};

// The guards against what a recogniser invents where nothing was said; pure, for the tests.
//
// Cuts a loop ("the the the the ...", or a phrase again and again) down to its first round.
std::vector<Token> without_loops(std::span<const Token> tokens);
// Is it one of the phrases that come of noise ("you", "Thank you.", "Thanks for watching!") and not to be
// believed at that confidence?
bool is_hallucination(std::string_view text, float confidence);
// Where to cut, in samples: ends of parts no longer than `max_part` each, at the quietest 100 ms of each
// part's second half. The last is pcm.size().
std::vector<std::size_t> cut_at_pauses(std::span<const std::int16_t> pcm, std::size_t max_part);

} // namespace talky::engine
