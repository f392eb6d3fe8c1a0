// One party of a call as its session sees it: a telephone (SipLeg) or a browser (WebLeg). A session has one,
// and while a telephone transfers the call, for a while two.
//
// What a leg is asked is here; what happens on it reaches the session as the events of call/events.hpp, for a
// telephone by way of the worker's UserAgent.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "call/events.hpp"
#include "core/error.hpp"
#include "core/time.hpp"
#include "ipc/control.hpp"
#include "sipd/messages/call_event.hpp"
#include "sipd/messages/web_line.hpp"

namespace talky::sipd {

class SipLeg;

class Leg {
 public:
  virtual ~Leg() = default;
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;

  // ---- The way to the answer
  virtual bool ring(Time now) = 0; // false: it cannot be told, or knows already
  // Answers, with `recording` such that Session::recorded() gets both sides. What was played before is heard
  // first.
  virtual Result<> accept(Duration ring_time, bool recording, Time now) = 0;
  virtual Result<> reject(int status, Time now) = 0;

  // ---- Sound; mono s16 at 16 kHz
  virtual void attach_bridge() = 0;
  virtual Result<std::size_t> play(std::span<const std::int16_t> samples) = 0; // how many were taken
  virtual std::uint64_t queued() const = 0;
  // Somebody talks in beside the agent, live: how many of the oldest samples were thrown away.
  virtual std::size_t talk_in(std::span<const std::int16_t> samples) = 0;
  // Throws away what nobody has heard. nullopt: how much that was is known later (Session::cleared).
  virtual std::optional<ipc::Cleared> clear(Time now) = 0;
  virtual void duck(bool on) = 0; // what is played is softened by 12 dB, or not; clear() ends it
  virtual void mark(const std::string& name) = 0;
  virtual std::optional<media::MediaQuality> quality() const = 0;

  // ---- What is done to it. `unsupported`: not to a party of this kind.
  virtual Result<> dtmf(std::string_view digits, Duration length, Time now) = 0;
  virtual Result<> hold(Time now) = 0;
  virtual Result<> resume(Time now) = 0;
  virtual Result<> transfer(std::string_view target, Time now) = 0;
  virtual Result<> hangup(std::string_view reason, bool after_playout, Time now) = 0;

  virtual void shut_down(Time /*now*/) {}  // at once; the UserAgent sees to telephones
  virtual void show(WebEvent /*event*/) {} // for a party that shows the call

  virtual std::string_view transport() const = 0; // "UDP", "ws" ...
  virtual LegDetails details(const call::CallAnswered& event) const = 0;
  virtual SipLeg* sip() { return nullptr; }
  virtual bool cancels_echo() const { return false; } // as it says: ours would be the second
  virtual bool is_called() const { return false; }    // we call this party: accept() does

  call::CallKey key = 0;
  std::string peer;                // URI of the other party, for the log
  std::string sip_call_id;         // of its dialog; "" without
  std::uint64_t played_before = 0; // agent samples that earlier legs of the session have played

 protected:
  Leg() = default;
};

} // namespace talky::sipd
