#include "voice/agent_turn.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "language/clauses.hpp"
#include "language/sentences.hpp"

namespace talky::voice {
namespace {

// From the first sample of speech to the moment at which it counts as speech.
constexpr Samples kFound = from_ms(160);
// A question of which so little is still to be heard can be answered.
constexpr Samples kLastSyllables = from_ms(400);

} // namespace

void AgentTurn::answer(Reply reply, std::uint64_t turn) {
  out_.note(journal::Answer{turn, reply.text, reply.state, reply.intent});
  if (reply.voice.empty()) reply.voice = config_.voice;
  voice_ = reply.voice;
  begin(std::move(reply));
}

void AgentTurn::prompt(const in::Say& say) {
  Reply reply;
  reply.text = say.text;
  reply.voice = say.voice.empty() ? voice_ : say.voice;
  reply.interruptible = say.interruptible;
  reply.silence = reply_.silence;
  out_.note(journal::Prompt{reply.text, reply.voice, reply.interruptible});
  begin(std::move(reply));
}

void AgentTurn::begin(Reply reply) {
  reply_ = std::move(reply);
  answering_ = true;
  stopped_ = false;
  greeting_ = false;
  unsaid_.clear();
  undo_.reset();
  begun_at_.reset();
  player_.begin_answer();
  const auto sentences = language::sentences(reply_.text);
  if (waterfall_ && !sentences.empty()) waterfall_->dialogue = out_.now;
  player_.say(sentences, reply_.voice);
  if (reply_.ask_llm) ask_llm();
}

// --- Interrupted, said again, given up, over

void AgentTurn::interrupt() {
  stop_thinking();
  unsaid_ = player_.stop();
  stopped_ = true;
}

void AgentTurn::hold() {
  if (audible()) unsaid_ = player_.stop();
  if (!unsaid_.empty()) stopped_ = true;
}

void AgentTurn::resume(bool whole_sentence) {
  stopped_ = false;
  auto unsaid = std::exchange(unsaid_, {});
  while (!unsaid.empty() && player_.nearly_heard(unsaid.front().number))
    unsaid.erase(unsaid.begin());
  if (!unsaid.empty() && !whole_sentence) {
    auto& [number, text] = unsaid.front();
    text = language::rest_from_clause(text, player_.heard_share(number));
  }
  std::vector<std::string> texts;
  texts.reserve(unsaid.size());
  for (SpeechPlayer::Unsaid& sentence : unsaid)
    texts.push_back(std::move(sentence.text));
  player_.begin_answer();
  player_.say(texts, reply_.voice);
}

void AgentTurn::drop() {
  stop_thinking();
  if (player_.busy()) player_.stop();
  answering_ = false;
  stopped_ = false;
  greeting_ = false;
  unsaid_.clear();
  undo_.reset();
  waterfall_.reset();
}

// Until when going on takes the answer back; nothing: as long as it has not begun. A prompt into silence is
// taken back by nobody once it is heard.
std::optional<Samples> AgentTurn::undo_until() const {
  const auto begun = begun_at_;
  if (!begun && !spoken()) return std::nullopt;
  if (!undo_->begin) return begun.value_or(out_.now) - 1;
  return std::max(undo_->end + config_.take_back_pause, begun ? *begun + config_.take_back : 0);
}

void AgentTurn::settle() {
  if (!undo_) return;
  // Speech is found a little after it has begun.
  const auto until = undo_until();
  if (until && out_.now > *until + (undo_->begin ? kFound : 0)) undo_.reset();
}

bool AgentTurn::question_asked() const {
  const auto left = player_.remaining();
  return !answering_ || (left && *left <= kLastSyllables);
}

Undo AgentTurn::take_back() {
  Undo undo = std::move(*undo_);
  drop();
  out_.note(journal::TurnReopened{undo.turn});
  reply_ = std::move(undo.reply);
  return undo;
}

Reply::Action AgentTurn::finish() {
  answering_ = false;
  greeting_ = false;
  undo_.reset();
  waterfall_.reset();
  return std::exchange(reply_.action, {});
}

void AgentTurn::close() {
  stop_thinking();
  player_.close();
}

// --- The language model

void AgentTurn::ask_llm() {
  thinking_ = Thinking{};
  thinking_->id = out_.next_request();
  thinking_->asked = out_.now;
  thinking_->due = out_.now + config_.llm_timeout;
  player_.expect_more(true);
  out_.note(journal::Requested{thinking_->id, "llm", "", false, 0});
  out_.put(LlmRequest{thinking_->id, out_.now, journal::context(out_.conversation, reply_.system)});
}

void AgentTurn::stop_thinking() {
  if (thinking_) out_.cancel(thinking_->id, "llm");
  thinking_.reset();
}

// Whole sentences of what has come; the last one waits for its end.
std::vector<std::string> AgentTurn::whole_sentences(bool last) {
  auto sentences = language::sentences(thinking_->text);
  std::string rest;
  if (!last && !sentences.empty()) {
    rest = std::move(sentences.back());
    sentences.pop_back();
    const char end = thinking_->text.back();
    if (end == ' ' || end == '\n') rest += end;
  }
  if (last || !sentences.empty()) thinking_->text = std::move(rest);
  return sentences;
}

bool AgentTurn::llm_answered(const LlmDelta& delta) {
  if (!thinking_ || thinking_->id != delta.id) return false;
  thinking_->text += delta.text;
  thinking_->due = out_.now + config_.llm_timeout;
  if (delta.last) out_.note(journal::Answered{delta.id, "llm", "", 1.0F, delta.service, 0});
  const auto sentences = whole_sentences(delta.last);
  if (!sentences.empty()) {
    if (waterfall_ && !waterfall_->dialogue) waterfall_->dialogue = out_.now;
    thinking_->said = true;
    player_.say(sentences, reply_.voice);
  }
  if (!delta.last) return false;
  const bool said = thinking_->said || !reply_.text.empty();
  thinking_.reset();
  player_.expect_more(false);
  return !said;
}

bool AgentTurn::llm_failed(const Failure& failure) {
  if (!thinking_ || thinking_->id != failure.id) return false;
  out_.note(journal::Failed{failure.id, "llm", failure.reason});
  thinking_.reset();
  return true;
}

bool AgentTurn::llm_expired() {
  if (!thinking_ || thinking_->due > out_.now) return false;
  out_.put(Cancel{thinking_->id});
  out_.note(journal::Failed{thinking_->id, "llm", "time-out"});
  thinking_.reset();
  return true;
}

std::optional<Samples> AgentTurn::asked(RequestId id) const {
  if (thinking_ && thinking_->id == id) return thinking_->asked;
  return player_.asked(id);
}

std::optional<Samples> AgentTurn::deadline() const {
  std::optional<Samples> at = player_.deadline();
  if (undo_ && spoken()) {
    const Samples safe = undo_until().value_or(out_.now) + kFound + kFrame;
    at = std::min(at.value_or(safe), safe);
  }
  if (thinking_) at = std::min(at.value_or(thinking_->due), thinking_->due);
  return at;
}

// --- Response time

void AgentTurn::measure(std::uint64_t turn, Samples speech_end, Samples endpoint) {
  waterfall_ = Waterfall{turn, speech_end, endpoint, out_.now, std::nullopt};
}

// Where the silence between the caller's last sound and our first went. The parts add up by construction.
void AgentTurn::note_latency() {
  const auto begun = player_.begun_at();
  if (!begun) return;
  if (!begun_at_) begun_at_ = begun;
  if (!waterfall_) return;
  const Waterfall w = *std::exchange(waterfall_, std::nullopt);
  const Samples dialogue = w.dialogue.value_or(w.stt);
  const Samples audio = player_.first_audio().value_or(*begun);
  const journal::Latency latency{
      w.turn,         w.endpoint - w.speech_end, w.stt - w.endpoint, dialogue - w.stt, audio - dialogue,
      *begun - audio, *begun - w.speech_end};
  out_.note(latency);
  out_.put(out::Turn{latency.turn, w.speech_end, latency.endpoint, latency.stt, latency.dialogue, latency.tts,
                     latency.out, player_.begun_sent()});
}

} // namespace talky::voice
