// Who is told of a call: the interface between the session, which reports, and what becomes of it.
#pragma once
#include <cstdint>
#include <memory>
#include <span>

#include "core/log.hpp"
#include "sipd/messages/call_event.hpp"

namespace talky::sipd {

// Of one call, used on its loop. It never waits.
class CallSink {
 public:
  virtual ~CallSink() = default;
  virtual void happened(const CallEvent& event, const Moment& now) = 0;
  virtual void log(log::Level level, log::Line line) = 0; // a bridge's own words; `call=` is added
  virtual bool wants_packets() const { return false; }
  virtual void packet(const CallPacket& /*packet*/) {}
  virtual bool wants_audio() const { return false; }
  // 20 ms of both sides, interleaved, the caller left; `first_sample` of the recording.
  virtual void audio(std::uint64_t /*first_sample*/, std::span<const std::int16_t> /*stereo*/) {}
};

// Who watches all calls (the HTTP API). Any thread.
class CallWatcher {
 public:
  virtual ~CallWatcher() = default;
  virtual void happened(const std::shared_ptr<const CallFacts>& call, const CallEvent& event,
                        const Moment& now) = 0;
  virtual void registered(const call::RegistrationChanged& change) = 0;
};

} // namespace talky::sipd
