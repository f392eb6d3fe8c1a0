// What may be asked about a call and done to it from outside of its loop: plain data that is posted to the
// worker that owns the call, and back.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "audio/samples.hpp"
#include "echo/echo_guard.hpp"
#include "ipc/control.hpp"
#include "media/media_types.hpp"

namespace talky::sipd {

struct HangUp {};
struct HoldCall {};
struct ResumeCall {};
struct SendDigits {
  std::string digits; // 0-9 * # A-D and ','
  std::chrono::milliseconds duration{100};
};
struct PlayAudio {                               // after what the bridge has queued
  std::shared_ptr<const audio::Samples> samples; // mono, 16 kHz
  bool clear = false;                            // instead of it
};
struct SayText { // by the bridge; `unsupported`: it does not know how
  ipc::Say say;
};
struct TransferTo {
  std::string uri;
};
using CallCommand = std::variant<HangUp, HoldCall, ResumeCall, SendDigits, PlayAudio, SayText, TransferTo>;

// One call as it stands.
struct CallSnapshot {
  std::string uuid;
  bool held = false;        // by the caller
  bool on_hold = false;     // by us
  std::uint64_t queued = 0; // samples that wait to be sent
  std::optional<media::MediaQuality> quality;
  std::optional<echo::EchoMeasure> echo{}; // of the agent, on the caller's side; nullopt: there is none
};

} // namespace talky::sipd
