// The embedded engines for a program that holds many calls: models loaded once, one voice::Engine a call.
//
//   Speech speech(config);                                      // throws onnx::LoadError
//   speech.wait_until_loaded();                                 // or let the first requests wait
//   auto vad = speech.make_detector();                          // one a call, used on the call's thread
//   auto engine = speech.make_engine([&] { loop.post(...); });  // woken: poll() has something
//   engine->request(...);  while (auto answer = engine->poll()) session.answer(*answer);
//
// Recognition runs on `threads` workers, synthesis on one more (flite takes turns anyway, and a greeting must
// not wait behind recognition). What a call asks beyond its bounds fails at once with the reason
// "overloaded".
#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/moonshine.hpp"
#include "voice/engine.hpp"

namespace talky::engine {

struct SpeechConfig {
  std::string models; // folder from find_models()
  MoonshineSize stt = MoonshineSize::base;
  std::size_t threads = 0; // for recognition; 0: as many as the machine has cores
  // Synthesised sentences that are kept for the next call, in bytes of audio; least recently used go first.
  std::size_t cache_bytes = 32U << 20;
  // Service times are the processor time of the work, not the time since the request: for calls in lockstep,
  // which then do not depend on what else the machine does.
  bool processor_time = false;
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

  // Synthesises sentences ahead of time into the cache, so that they are answered without delay: at once on
  // this thread, or one after the other when the synthesiser has nothing better to do.
  void prepare(std::string_view voice, const std::string& sentence);
  void prepare_later(std::string_view voice, const std::vector<std::string>& sentences);

  // The recogniser is loaded in the background (about a second); requests wait for it. This waits, and throws
  // onnx::LoadError if it cannot be loaded; otherwise requests fail.
  void wait_until_loaded() const;

  // Callers wait for their answers longer than they should: requests for recognition have lately waited
  // `kLate` and more before they were begun. Whoever has a choice sends no more of them for now. Any thread.
  static constexpr std::chrono::milliseconds kLate{400};
  bool busy() const;

  std::string runtime_version() const; // of the ONNX runtime
  std::size_t threads() const;

  struct Shared;

 private:
  std::unique_ptr<Shared> shared_;
};

} // namespace talky::engine
