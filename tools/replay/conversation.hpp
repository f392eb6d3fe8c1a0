// Who speaks when: the caller's side of a replayed call, in media time. Fed with what the agent says, 20 ms
// at a time, and drained of what the caller does. Knows no network and no clock.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "script.hpp"

namespace talky::replay {

struct ConversationOptions {
  bool wait_greeting = true;    // let the agent speak first, and finish
  bool wait_answers = true;     // let it finish before the next utterance
  std::uint32_t quiet_ms = 900; // silence after which the agent has finished
  std::uint32_t greeting_timeout_ms = 8'000;
  std::uint32_t answer_timeout_ms = 15'000;
  std::uint32_t linger_ms = 0; // after the last answer, before hanging up
};

// All samples are of the media clock at 16 kHz, as in the recording.
struct Turn {
  std::string name;
  bool speech = true; // else keys
  std::uint64_t speech_begin = 0;
  std::uint64_t speech_end = 0;
  std::optional<std::uint64_t> answer_begin, answer_end;
  bool overlap = false; // the agent was speaking when the caller ended
};
struct Spurt {
  std::uint64_t begin = 0, end = 0;
};

class Conversation {
 public:
  struct Speak {
    std::size_t step;
  };
  struct Press {
    std::size_t step;
  };
  struct HangUp {};
  using Action = std::variant<Speak, Press, HangUp>;

  // The script must outlive this.
  Conversation(const std::vector<Step>& script, const ConversationOptions& options)
      : script_(script), options_(options) {}

  // The agent's audio of the next 20 ms. What poll() gives then takes effect in the same 20 ms.
  void receive(std::uint64_t first_sample, std::span<const std::int16_t> agent);
  std::optional<Action> poll();

  // The turns so far, with their answers; at the end all of them.
  std::vector<Turn> turns() const;
  std::optional<Spurt> greeting() const; // what the agent said before the first turn
  bool finished() const { return state_ == State::finished; }
  std::size_t steps_done() const { return next_; }

 private:
  enum class State : std::uint8_t { greeting, ready, speaking, answer, lingering, finished };
  void listen(std::uint64_t first_sample, bool loud);
  void begin_step(std::uint64_t now);
  std::uint64_t ms(std::uint32_t milliseconds) const { return std::uint64_t{milliseconds} * kRate / 1000; }
  bool spoke_since(std::uint64_t sample) const;

  const std::vector<Step>& script_;
  ConversationOptions options_;
  State state_ = State::greeting;
  std::size_t next_ = 0;
  std::uint64_t until_ = 0; // end of what is being played, or of the lingering
  std::uint64_t since_ = 0; // where waiting began
  std::vector<Turn> turns_;

  std::vector<Spurt> spurts_;
  bool talking_ = false; // the last spurt is still open
  std::uint64_t loud_begin_ = 0, last_loud_ = 0;
  unsigned loud_frames_ = 0;
  std::deque<Action> actions_;
};

} // namespace talky::replay
