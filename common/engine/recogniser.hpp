// Speech recognition, as callers need it: sessions, `talky-agent hear` and `talky-replay --transcribe` all
// hear through this. What goes to the model is cut by the voice activity (speech_cut.hpp), what comes out of
// it is judged, and an answer that cannot be believed is asked for again:
//
//   cut -> base, as it is --sure--> answer
//             |  what was expected, if anything: the same sounds with a bias, taken if it is about as
//             probable
//             '--unsure--> louder (in noise: wider) --nothing, or a loop--> tiny --> with a word at least, if
//             it is surely speech
//
// Several threads may call at once.
#pragma once
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/moonshine.hpp"
#include "engine/silero.hpp"
#include "engine/speech_cut.hpp"
#include "voice/expectation.hpp"

namespace talky::engine {

class Recogniser {
 public:
  static constexpr int kSampleRate = Moonshine::kSampleRate;
  static constexpr int kMaxSeconds = 300;    // more is refused with Errc::too_large
  static constexpr int kMaxPartSeconds = 20; // of speech at once; longer speech is cut at its quietest places

  // Loads the model of that size now, and the small one when it is first needed. Borrows `silero`. Throws
  // onnx::LoadError.
  Recogniser(const onnx::LibraryPtr& library, const std::string& models, MoonshineSize size,
             const Silero& silero);

  struct Circumstances {
    voice::Expectation expected = {};
    // Others wait: short answers by the small model, and a second time only where there was none.
    bool hurried = false;
  };
  // PCM at 16 kHz, with any amount of silence around and between the speech. Where no speech is there is "".
  // Errc::closed if `stop` was requested meanwhile.
  Result<Transcript> transcribe(std::span<const std::int16_t> pcm, const Circumstances& circumstances,
                                const std::stop_token& stop = {}) const;
  Result<Transcript> transcribe(std::span<const std::int16_t> pcm, const std::stop_token& stop = {}) const {
    return transcribe(pcm, {}, stop);
  }

  // Has the small model loaded, if it is not, beside whatever goes on: there will be many callers. Does not
  // wait.
  void expect_hurry() const;

 private:
  struct Inclined {
    std::shared_ptr<const Bias> bias; // none: nothing is expected
    double patience = 0, patience_each = 0;
  };
  struct Part {
    std::vector<Stretch> speech;
    bool in_noise = false;
    std::size_t length() const; // of the speech alone
  };

  // Is the silence around the speech nearly as loud as the speech?
  static bool noisy(std::span<const std::int16_t> pcm, const std::vector<Part>& parts);
  std::vector<Part> parts(std::span<const std::int16_t> pcm) const;
  Result<Moonshine::Guess> recognise(std::span<const std::int16_t> pcm, const Part& part,
                                     const Circumstances& circumstances, const std::stop_token& stop) const;
  // One way of listening: encoded once, decoded freely, and with the bias where that leaves doubt.
  Result<Moonshine::Guess> attempt(const Moonshine& model, std::vector<float> audio, const Inclined& inclined,
                                   const std::stop_token& stop) const;
  Inclined inclined(const voice::Expectation& expected) const;
  const Moonshine* small() const; // null if it cannot be loaded
  const Moonshine* small_if_there() const;

  onnx::LibraryPtr library_;
  std::string models_;
  const Silero& silero_;
  std::unique_ptr<const Moonshine> model_;
  bool is_small_;

  mutable std::mutex mutex_; // of what follows
  mutable std::shared_future<std::shared_ptr<const Moonshine>> small_;
  mutable std::map<std::string, std::shared_ptr<const Bias>> biases_;
};

} // namespace talky::engine
