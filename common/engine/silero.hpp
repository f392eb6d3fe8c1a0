// Silero VAD v6 at its native 8 kHz: windows of 256 samples (32 ms) behind 32 samples of context, and a
// recurrent state of 2 x 1 x 128. About 0.1 ms of one core a window, so a session calls it on its own thread.
#pragma once
#include <memory>
#include <string>

#include "engine/onnx.hpp"
#include "voice/engine.hpp"

namespace talky::engine {

// The weights, loaded once and shared by all calls.
class Silero {
 public:
  // Throws onnx::LoadError.
  Silero(const onnx::LibraryPtr& library, const std::string& models);

  // One call's detector. It borrows the weights: the Silero must outlive it. If a run of the model fails, the
  // window counts as silence.
  std::unique_ptr<voice::VoiceActivity> make_detector() const;

 private:
  onnx::Model model_;
};

} // namespace talky::engine
