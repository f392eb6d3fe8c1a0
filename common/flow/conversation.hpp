// A conversation that is typed instead of spoken: one dialogue, line by line, without sound or time.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.hpp"
#include "flow/flow.hpp"
#include "voice/dialogue.hpp"

namespace talky::flow {

class Conversation {
 public:
  struct Setting {
    voice::Moment moment = {};
    std::string from = "sip:caller@localhost", to = "sip:desk@localhost";
    std::uint64_t seed = 1;  // of the variants of prompts
    int silence_prompts = 2; // after so many a silence ends the call
  };

  // Begins the call: reply() is the greeting.
  Conversation(std::shared_ptr<const Flow> flow, const Setting& setting);

  // What the caller does: "#12" presses keys, "..." is silence, "!" an engine that fails, all else is said.
  const voice::Reply& line(std::string_view text);

  const voice::Reply& reply() const { return reply_; }
  std::vector<voice::SlotValue> slots() const { return dialogue_->slots(); }
  bool ended() const; // the agent has hung up or transferred the call

 private:
  voice::Heard heard(std::string_view text);

  int silence_prompts_;
  int silences_ = 0; // in a row
  Random random_;
  std::unique_ptr<voice::Dialogue> dialogue_;
  voice::Reply reply_;
};

// "hangup goodbye", "transfer sip:12@host", "dtmf 12"; "" if nothing is to be done.
std::string action_text(const voice::Reply::Action& action);

} // namespace talky::flow
