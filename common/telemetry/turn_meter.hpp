// How long a caller waits for an answer, from the end of their speech to the packet that carries the answer's
// first sample, and where that time goes. The agent reports its own parts in samples of the audio that it was
// given (ipc::TurnTaken); what the bridge adds is found here, by two clocks that are both ours: when the
// caller's samples were handed over, and when packets left.
//
//   heard(n, now)      n samples of the caller have been handed over so far: every 20 ms
//   given(n, idle)     n samples of the agent come; idle: nothing of its audio was waiting
//   if (waiting()) left(now)      a packet with agent audio has left
//   taken(turn)        what the agent says; poll() gives the measure, as soon as the sample has left
//
// A core. Costs a comparison for each frame and nothing for a packet that nobody waits for.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/fifo.hpp"
#include "core/time.hpp"

namespace talky::telemetry {

// The stages of a turn, in their order. `send` is the bridge's: the way of the audio there and back, and
// waiting for the next packet.
enum class Stage : std::uint8_t { endpoint, stt, dialogue, tts, out, send };
inline constexpr std::size_t kStageCount = 6;
inline constexpr std::array<const char*, kStageCount> kStageNames{"endpoint", "stt", "dialogue",
                                                                  "tts",      "out", "send"};

struct TurnMeasure {
  std::uint64_t turn = 0;                     // of the caller; 0: the greeting
  Time speech_end{};                          // when their last sample had been handed over
  std::array<Duration, kStageCount> stages{}; // none is negative
  Duration response{0};                       // their sum: to the packet
};

// As the agent reports it; samples at 16 kHz.
struct AgentTurn {
  std::uint64_t turn = 0, end = 0;
  std::array<std::uint64_t, kStageCount - 1> stages{};
  std::uint64_t sent = 0;
};

class TurnMeter {
 public:
  void heard(std::uint64_t samples, Time now);
  void given(std::uint64_t samples, bool idle);
  bool waiting() const { return !runs_.empty() && (!runs_.back().left || !turns_.empty()); }
  void left(Time now);
  // What was given and has not left never will.
  void cleared();
  // The two sides of the call have lost touch: another party took its place, or other audio was played
  // between. What cannot be measured any more is forgotten.
  void restart();
  // False: the figures cannot be (they come from the peer), or nothing is known of the time they are about.
  bool taken(const AgentTurn& turn, Time now);
  std::optional<TurnMeasure> poll();

 private:
  // Agent audio without a hole.
  struct Run {
    std::uint64_t first = 0; // sample
    std::optional<Time> left;
  };
  struct Waiting {
    AgentTurn turn;
    Time speech_end{};
  };
  std::optional<Time> time_of(std::uint64_t sample) const; // when it leaves, or has left
  void settle(Time now);

  std::uint64_t heard_ = 0;      // samples of the caller
  std::uint64_t heard_from_ = 0; // those before it are of another time
  std::optional<Time> origin_;   // when sample 0 would have been handed over
  std::uint64_t given_ = 0;      // samples of the agent
  Fifo<Run> runs_;               // the oldest are forgotten
  Fifo<Waiting> turns_;
  Fifo<TurnMeasure> done_;
  bool lost_ = false; // whether the audio goes on without a hole is not known
};

} // namespace talky::telemetry
