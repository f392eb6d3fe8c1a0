#include "voice/barge_in.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "language/backchannel.hpp"
#include "language/words.hpp"

namespace talky::voice {
namespace {

// "Hello?" while the greeting begins does not cut it off.
constexpr Samples kGreetingGuard = from_ms(400);
constexpr std::size_t kGreetingWords = 3;
// After so many false interruptions of one answer only words interrupt it.
constexpr int kFalseInterruptions = 3;
// A word or two over the agent's speech that were understood less well than this are taken for a noise.
constexpr float kUnderstood = 0.5F;
// What a turn goes on with must last so long to be more than a noise, if it brings no more words.
constexpr Samples kMoreSpeech = from_ms(300);

// Was it hardly understood?
bool is_unsure(const SttResult& said) {
  return said.confidence < kUnderstood && language::words(said.text).size() <= 2;
}

// Was that said to show that one listens, while the agent speaks? What answers the question that has been
// asked was not, nor was a plain "yes" to one that is being asked.
bool is_listening_sign(const SttResult& said, const Dialogue& dialogue, const AgentTurn& agent) {
  const bool sign = language::only_backchannel(said.text);
  if (!sign && !language::says_yes(said.text)) return false;
  const bool answers =
      dialogue.completeness(Utterance{said.text, said.confidence}) == language::Completeness::complete;
  return !answers || (sign && !agent.question_asked());
}

// Is it what the agent has been saying meanwhile? Of a turn that goes on from another the last stretch
// counts.
bool is_own_voice(const CallerTurn& turn, std::string_view text, const AgentTurn& agent) {
  return agent.player().own_voice().comes_back(turn.joined ? turn.stretch : turn.begin, turn.end, text);
}

std::size_t different_words(std::string_view text) {
  auto list = language::words(text);
  std::sort(list.begin(), list.end());
  return static_cast<std::size_t>(std::unique(list.begin(), list.end()) - list.begin());
}

} // namespace

BargeIn::Effect BargeIn::effect(const Listener& caller, const Dialogue& dialogue,
                                const AgentTurn& agent) const {
  if (caller.idle() || !agent.audible() || agent.guarded() || caller.turn().early) return Effect::none;
  const auto speaking = caller.speaking_for();
  const SttResult* said = caller.words();
  const bool sign = said != nullptr && !language::words(said->text).empty() &&
                    (!language::has_words(said->text) || is_listening_sign(*said, dialogue, agent) ||
                     is_own_voice(caller.turn(), said->text, agent) ||
                     (speaking && language::begins_backchannel(said->text)));
  // Of speech that goes on nothing, a single word, one again and again, or what was hardly understood is too
  // often misheard: it says neither that it is a sign of listening nor that it is none.
  if (said != nullptr && !sign && (different_words(said->text) < (speaking ? 2 : 1) || is_unsure(*said)))
    said = nullptr;
  if (said != nullptr && !sign) return Effect::stop_words;
  if (!speaking) return caller.turn().joined ? Effect::none : Effect::duck;
  const bool soon = said == nullptr && false_interruptions_ == 0;
  if (false_interruptions_ < kFalseInterruptions &&
      *speaking >= (soon ? config_.barge_in : config_.barge_in_long))
    return Effect::stop_speech;
  return *speaking >= config_.duck ? Effect::duck : Effect::none;
}

bool BargeIn::adds_nothing(const CallerTurn& turn, const Undo& before, const AgentTurn& agent) {
  const std::string& text = turn.recognition->result->text;
  const auto now = language::words(text);
  const auto then = language::words(before.text);
  const auto end = std::mismatch(now.begin(), now.end(), then.begin(), then.end()).first;
  if (end == now.begin() + static_cast<std::ptrdiff_t>(std::min(now.size(), then.size()))) {
    const std::string more = language::joined({end, now.end()});
    return language::only_backchannel(more) || is_own_voice(turn, more, agent) ||
           (agent.hangs_up() && language::takes_leave(more));
  }
  // Heard otherwise this time: a noise behind it may have done that.
  return now.size() <= then.size() && turn.spoken - before.spoken < kMoreSpeech;
}

BargeIn::Verdict BargeIn::by_words(const CallerTurn& turn, const Dialogue& dialogue,
                                   const AgentTurn& agent) const {
  const SttResult& said = *turn.recognition->result;
  if (!language::has_words(said.text)) return Verdict::nothing;
  if (is_own_voice(turn, said.text, agent)) return Verdict::nothing;
  if (agent.answering() && (is_unsure(said) || is_listening_sign(said, dialogue, agent)))
    return Verdict::nothing;
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
