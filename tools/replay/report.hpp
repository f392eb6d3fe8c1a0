// What a replayed call came to, as JSON for programs and as text for people.
#pragma once
#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "call/events.hpp"
#include "conversation.hpp"
#include "core/time.hpp"
#include "phone.hpp"

namespace talky::replay {

struct Outcome {
  std::string target, from, transport, recording;
  Time dialled{};
  std::optional<Time> ringing, answered;
  sdp::MediaPlan plan;
  std::optional<call::CallEnded> ended;
  std::string digits; // that the agent sent
  std::vector<Turn> turns;
  std::optional<Spurt> greeting;
  std::size_t steps = 0; // of the script
  std::size_t steps_done = 0;
  bool anything_came = false; // of SIP
  bool heard_us = false;      // RTP with sound left
  bool heard_them = false;    // and came
  bool limit = false;         // --hangup-after ended it

  // Filled by transcription.
  std::vector<std::string> said, answers; // a turn each
  std::string greeting_text;
  std::string transcription_fault; // why there is none

  std::vector<std::string> faults() const; // why it is no success; empty if it is one
};

// From the packet with the caller's last speech to the agent's first one with sound; nullopt without an
// answer, or if the agent was speaking already.
std::optional<double> latency_ms(const Turn& turn, const Phone& phone);

boost::json::object to_json(const Outcome& outcome, const Phone& phone);
std::string to_text(const Outcome& outcome, const Phone& phone);

} // namespace talky::replay
