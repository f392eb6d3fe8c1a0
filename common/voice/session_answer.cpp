// The agent's turn: what the dialogue answers, and what comes of it.
#include <utility>

#include "language/sentences.hpp"
#include "voice/session_impl.hpp"

namespace talky::voice {

void Session::Impl::take_turn(const std::string& text, float confidence, const Heard& heard) {
  ++turn_;
  out_.note(journal::Turn{turn_, heard.begin, heard.end, text, confidence});
  Undo undo;
  undo.before = dialogue_->clone();
  undo.reply = reply_;
  undo.silences = silences_;
  undo.turn = turn_;
  undo.begin = heard.begin;
  undo.spoken = heard.spoken;
  silences_ = 0;
  false_interruptions_ = 0;
  waterfall_ = Waterfall{turn_, heard.end, heard.endpoint, out_.now, std::nullopt};
  perform(dialogue_->answer(Utterance{text, confidence}, random_), turn_);
  undo_ = std::move(undo);
}

void Session::Impl::take_digits() {
  const std::string digits = std::exchange(digits_, {});
  digits_due_ = 0;
  out_.note(journal::Digits{digits});
  silences_ = 0;
  false_interruptions_ = 0;
  perform(dialogue_->answer(Digits{digits}, random_), 0);
}

void Session::Impl::silence_prompt() {
  Undo undo;
  undo.before = dialogue_->clone();
  undo.reply = reply_;
  undo.silences = silences_;
  ++silences_;
  const bool last = silences_ > config_.silence_prompts;
  out_.note(journal::NoInput{silences_, last});
  Reply reply = dialogue_->answer(Silence{silences_, last}, random_);
  if (last && !std::holds_alternative<Reply::Transfer>(reply.action)) reply.action = Reply::Hangup{"silence"};
  perform(std::move(reply), 0);
  undo_ = std::move(undo);
}

void Session::Impl::trouble() {
  ++failures_;
  const bool last = failures_ >= config_.engine_failures;
  if (answering_) drop_answer();
  Reply reply = dialogue_->answer(Trouble{last}, random_);
  if (last && !std::holds_alternative<Reply::Transfer>(reply.action))
    reply.action = Reply::Hangup{"engine failure"};
  perform(std::move(reply), 0);
}

void Session::Impl::perform(Reply reply, std::uint64_t turn) {
  out_.note(journal::Answer{turn, reply.text, reply.state, reply.intent});
  if (reply.voice.empty()) reply.voice = config_.voice;
  voice_ = reply.voice;
  begin_answer(std::move(reply));
}

// Said like an answer of the dialogue, which knows nothing of it and stays where it is.
void Session::Impl::say_prompt() {
  const in::Say say = std::move(prompts_.front());
  prompts_.pop_front();
  Reply reply;
  reply.text = say.text;
  reply.voice = say.voice.empty() ? voice_ : say.voice;
  reply.interruptible = say.interruptible;
  reply.silence = reply_.silence;
  out_.note(journal::Prompt{reply.text, reply.voice, reply.interruptible});
  false_interruptions_ = 0;
  begin_answer(std::move(reply));
}

void Session::Impl::begin_answer(Reply reply) {
  reply_ = std::move(reply);
  answering_ = true;
  stopped_ = false;
  greeting_ = false;
  unsaid_.clear();
  undo_.reset();
  speaker_.begin_answer();
  const auto texts = language::sentences(reply_.text);
  if (waterfall_ && !texts.empty()) waterfall_->dialogue = out_.now;
  speaker_.say(texts, reply_.voice);
  if (reply_.ask_llm) ask_llm(reply_);
}

void Session::Impl::ask_llm(const Reply& reply) {
  thinking_ = Thinking{};
  thinking_->id = out_.next_request();
  thinking_->asked = out_.now;
  thinking_->due = out_.now + config_.llm_timeout;
  speaker_.expect_more(true);
  out_.note(journal::Requested{thinking_->id, "llm", "", false, 0});
  out_.put(LlmRequest{thinking_->id, out_.now, journal::context(out_.conversation, reply.system)});
}

// Whole sentences of what has come are said; the last one waits for its end.
void Session::Impl::llm_text(bool last) {
  auto texts = language::sentences(thinking_->text);
  std::string rest;
  if (!last && !texts.empty()) {
    rest = std::move(texts.back());
    texts.pop_back();
    const char end = thinking_->text.back();
    if (end == ' ' || end == '\n') rest += end;
  }
  if (last || !texts.empty()) thinking_->text = std::move(rest);
  if (!texts.empty()) {
    if (waterfall_ && !waterfall_->dialogue) waterfall_->dialogue = out_.now;
    thinking_->said = true;
    speaker_.say(texts, reply_.voice);
  }
  if (!last) return;
  const bool said = thinking_->said || !reply_.text.empty();
  thinking_.reset();
  speaker_.expect_more(false);
  if (!said) trouble();
}

// The present answer is given up, whether anything of it was sent or not.
void Session::Impl::drop_answer() {
  if (thinking_) out_.cancel(thinking_->id, "llm");
  thinking_.reset();
  if (speaker_.busy()) speaker_.stop();
  answering_ = false;
  stopped_ = false;
  greeting_ = false;
  unsaid_.clear();
  undo_.reset();
  waterfall_.reset();
  listening_since_ = out_.now;
}

// The last word was played.
void Session::Impl::finish() {
  answering_ = false;
  greeting_ = false;
  undo_.reset();
  waterfall_.reset();
  listening_since_ = out_.now;
  const Reply::Action action = std::exchange(reply_.action, {});
  if (const auto* hangup = std::get_if<Reply::Hangup>(&action)) {
    hang_up(hangup->reason);
  } else if (const auto* transfer = std::get_if<Reply::Transfer>(&action)) {
    out_.note(journal::Transferred{transfer->target});
    out_.put(out::Transfer{transfer->target});
    close_utterance();
    transfer_due_ = out_.now + kTransferLimit;
  } else if (const auto* digits = std::get_if<Reply::SendDigits>(&action)) {
    out_.note(journal::SentDigits{digits->digits});
    out_.put(out::Dtmf{digits->digits});
  }
}

// Where the silence between the caller's last sound and our first went. The parts add up by construction.
void Session::Impl::note_latency() {
  const auto begun = speaker_.begun_at();
  if (!begun) return;
  undo_.reset();
  if (!waterfall_) return;
  const Waterfall w = *std::exchange(waterfall_, std::nullopt);
  const Samples dialogue = w.dialogue.value_or(w.stt);
  const Samples audio = speaker_.first_audio().value_or(*begun);
  const journal::Latency latency{
      w.turn,         w.endpoint - w.speech_end, w.stt - w.endpoint, dialogue - w.stt, audio - dialogue,
      *begun - audio, *begun - w.speech_end};
  out_.note(latency);
  out_.put(out::Turn{latency.turn, w.speech_end, latency.endpoint, latency.stt, latency.dialogue, latency.tts,
                     latency.out, speaker_.begun_sent()});
}

void Session::Impl::hang_up(const std::string& reason) {
  end();
  out_.note(journal::HungUp{reason});
  out_.put(out::Hangup{reason});
}

void Session::Impl::end() {
  if (ended_) return;
  close_utterance();
  if (thinking_) out_.cancel(thinking_->id, "llm");
  thinking_.reset();
  speaker_.close();
  pending_.clear();
  ended_ = true;
}

} // namespace talky::voice
