#include "voice/barge_in.hpp"

#include <cstddef>
#include <string>

#include "language/backchannel.hpp"
#include "language/words.hpp"

namespace talky::voice {
namespace {

// "Hello?" while the greeting begins does not cut it off.
constexpr Samples kGreetingGuard = from_ms(400);
constexpr std::size_t kGreetingWords = 3;
// After so many false interruptions of one answer only words interrupt it.
constexpr int kFalseInterruptions = 3;

// Was that said to show that one listens, while the agent speaks? What answers the question that was asked
// was not, whatever its words.
bool is_listening_sign(const SttResult& said, const Dialogue& dialogue) {
  return language::only_backchannel(said.text) &&
         dialogue.completeness(Utterance{said.text, said.confidence}) != language::Completeness::complete;
}

} // namespace

bool BargeIn::by_speech(const Listener& caller, const AgentTurn& agent) const {
  if (!agent.audible() || agent.guarded() || false_interruptions_ >= kFalseInterruptions) return false;
  const Samples needed = false_interruptions_ == 0 ? config_.barge_in : config_.barge_in_again;
  const auto speaking = caller.speaking_for();
  return speaking && *speaking >= needed;
}

BargeIn::Verdict BargeIn::by_words(const CallerTurn& turn, const Dialogue& dialogue,
                                   const AgentTurn& agent) const {
  const SttResult& said = *turn.recognition->result;
  if (!language::has_words(said.text)) return Verdict::nothing;
  if (agent.player().own_voice().comes_back(turn.begin, turn.end, said.text)) return Verdict::nothing;
  if (agent.answering() && is_listening_sign(said, dialogue)) return Verdict::nothing;
  if (!agent.answering() || agent.stopped() || !agent.audible()) return Verdict::answered;
  if (agent.guarded()) return agent.hangs_up() ? Verdict::ignored : Verdict::deferred;
  if (turn.early && language::words(said.text).size() < kGreetingWords) return Verdict::ignored;
  return Verdict::interrupts;
}

bool BargeIn::into_greeting(Samples begin, const AgentTurn& agent) {
  const auto begun = agent.player().begun_at();
  return agent.greeting() && (!begun || begin < *begun + kGreetingGuard);
}

} // namespace talky::voice
