// The embedded engines for a program that holds many calls: models loaded once, one voice::Engine a call.
//
//   Speech speech(config);                                      // throws onnx::LoadError
//   auto vad = speech.make_detector();                          // one a call, used on the call's thread
//   auto engine = speech.make_engine([&] { loop.post(...); });  // woken: poll() has something
//   engine->request(...);  while (auto answer = engine->poll()) session.answer(*answer);
//
// Recognition runs on `threads` workers, synthesis on one more (flite takes turns anyway, and a greeting must
// not wait behind recognition). What a call asks beyond its bounds fails at once with the reason
// "overloaded".
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/moonshine.hpp"
#include "voice/engine.hpp"

namespace talky::engine {

struct SpeechConfig {
  std::string models; // folder from find_models()
  MoonshineSize stt = MoonshineSize::base;
  std::size_t threads = 0; // for recognition; 0: as many as the machine has cores
  // Synthesised sentences that are kept for the next call, in bytes of audio; least recently used go first.
  std::size_t cache_bytes = 32U << 20;
};

class Speech {
 public:
  explicit Speech(const SpeechConfig& config);
  ~Speech(); // every engine and detector must be gone
  Speech(const Speech&) = delete;
  Speech& operator=(const Speech&) = delete;

  std::unique_ptr<voice::VoiceActivity> make_detector() const;

  // `wake` is called from a worker's thread (or within request()) after answers came where there were none;
  // it must not block. It is never called again once the engine is destroyed, which waits for a running job
  // to notice. Unknown voices speak as the first one; language model requests fail with "no language model".
  std::unique_ptr<voice::Engine> make_engine(std::function<void()> wake);

  // Synthesises the sentence into the cache now, on this thread, so that it is answered without delay.
  void prepare(std::string_view voice, const std::string& sentence);

  std::string runtime_version() const; // of the ONNX runtime
  std::size_t threads() const;

  struct Shared;

 private:
  std::unique_ptr<Shared> shared_;
};

} // namespace talky::engine
