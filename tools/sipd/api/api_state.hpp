// What the API knows: the calls that are up, who is registered, and the last events. It lives on the API's
// loop and is fed with what the workers post.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "call/events.hpp"
#include "core/time.hpp"
#include "sipd/messages/call_command.hpp"
#include "sipd/messages/call_event.hpp"
#include "telemetry/turn_meter.hpp"

namespace talky::sipd {

class ApiState {
 public:
  struct Event {
    std::uint64_t id;
    std::string type; // "call.start"
    std::string call; // uuid; "" where it is of no call
    std::string json; // one object, one line
  };
  // Microseconds since 1970 where a time is an integer.
  struct Answer {
    std::string codec;
    std::int64_t at_us = 0;
  };
  struct Call {
    CallFacts facts;
    std::int64_t began_us = 0;
    std::optional<Answer> answered;
    std::optional<std::int64_t> first_audio_us; // from the answer to the first sample of the agent
    bool rings = false;                         // the party that we call says so
    CallSnapshot now;
    std::deque<telemetry::TurnMeasure> turns; // the last ones, and the greeting as turn 0
  };
  struct Registration {
    call::RegistrationChanged change;
    std::int64_t at_us = 0;
  };

  explicit ApiState(std::function<void(const Event&)> on_event) : on_event_(std::move(on_event)) {}

  void happened(const CallFacts& call, const CallEvent& event, const Moment& now);
  void registered(const call::RegistrationChanged& change, std::int64_t at_us);
  void forget_registrations(); // the SIP side has been stopped
  void snapshot(CallSnapshot now);
  void tell(std::string_view type, std::string_view details, std::int64_t at_us); // an event of no call

  const Call* find(std::string_view uuid) const;
  const std::map<std::string, Call, std::less<>>& calls() const { return calls_; }
  std::size_t registrations(std::int64_t now_us);
  // The last ones after the event `id`, the oldest first; nullopt if some of them have been forgotten.
  std::optional<std::vector<Event>> since(std::uint64_t id) const;

  std::string call_json(const Call& call, std::int64_t now_us) const;
  std::string calls_json(std::int64_t now_us) const;
  std::string registrations_json(std::int64_t now_us);

 private:
  void began(const CallFacts& call, std::int64_t at_us);
  void answered(const std::string& uuid, Answer answer);
  void turned(const std::string& uuid, const telemetry::TurnMeasure& measure, std::int64_t at_us);
  void ended(const std::string& uuid, const event::Ended& ended, std::int64_t at_us);
  void tell(std::string_view type, std::string_view uuid, std::string_view details, std::int64_t at_us);

  std::function<void(const Event&)> on_event_;
  std::map<std::string, Call, std::less<>> calls_;
  std::map<std::string, Registration> registrations_; // by contact
  std::deque<Event> events_;
  std::uint64_t last_id_ = 0;
};

// "2026-01-02T03:04:05.678Z"
std::string rfc3339(std::int64_t us);

} // namespace talky::sipd
