// What a call is connected to, seen from the call: the far end of its audio.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audio/samples.hpp"
#include "core/log.hpp"
#include "core/time.hpp"
#include "ipc/control.hpp"

namespace talky::sipd {

// What a bridge may do with its call. Mono s16 at 16 kHz everywhere. `now` is when it does so: the call has
// no clock of its own.
class BridgeHost {
 public:
  virtual ~BridgeHost() = default;
  virtual const ipc::Start& about() const = 0; // the call, as `start` tells it
  // Answer the call: the bridge stands.
  virtual void ready(Time now) = 0;
  // There is nobody at the other end. Before the answer the caller gets `status`; after it an apology and a
  // goodbye.
  virtual void failed(std::string_view why, int status, Time now) = 0;
  virtual std::size_t play(std::span<const std::int16_t> samples, Time now) = 0; // gives how many were taken
  virtual std::uint64_t queued() const = 0; // samples given and not yet sent
  virtual void clear(Time now) = 0;         // answered by Bridge::cleared, at once or later
  virtual void duck(bool /*on*/) {} // what was played and not yet sent, and what comes, is softened, or not
  virtual void mark(const std::string& name) = 0;
  virtual void send_dtmf(const ipc::SendDtmf& dtmf, Time now) = 0;
  virtual void hangup(std::string_view reason, Time now) = 0; // after all that was played
  virtual void transfer(const std::string& to,
                        Time now) = 0;    // the caller's phone is asked to call there (REFER)
  virtual void redialled(Time /*now*/) {} // the way to a program is tried anew
  virtual void turn(const ipc::TurnTaken& /*turn*/, Time /*now*/) {} // where the time to an answer went
  virtual void shown(const ipc::Shown& /*shown*/, Time /*now*/) {}   // for whoever watches the conversation
  virtual void log(log::Level level, log::Line line) = 0;            // `call=` is added
};

// Each function is called on the call's loop. A bridge that has failed or hung up is still told the rest.
class Bridge {
 public:
  virtual ~Bridge() = default;
  virtual void start(Time now) = 0; // answers with host.ready() or host.failed(), now or later
  // 20 ms, from the answer on, without a gap. What is played meanwhile leaves in the same 20 ms.
  virtual void caller_audio(std::span<const std::int16_t> samples, Time now) = 0;
  virtual void dtmf(const ipc::DtmfReceived& /*key*/) {}
  virtual void mark_played(const ipc::MarkPlayed& /*mark*/) {}
  virtual void cleared(const ipc::Cleared& /*cleared*/) {}
  virtual void hold(bool /*held*/) {}
  // A program has taken its part, and the caller is out of its reach; until hold(false).
  virtual void displaced() {}
  virtual bool say(const ipc::Say& /*say*/) { return false; } // false: it does not know how
  virtual void stop(std::string_view /*reason*/) {}           // the call has ended: the last word
};

} // namespace talky::sipd
