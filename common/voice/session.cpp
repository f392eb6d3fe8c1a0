#include "voice/session.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <variant>

#include "voice/agent_turn.hpp"
#include "voice/answer_queue.hpp"
#include "voice/barge_in.hpp"
#include "voice/listener.hpp"
#include "voice/output_queue.hpp"

namespace talky::voice {
namespace {

// Speech that long without a word understood deserves an answer; shorter is taken for a noise.
constexpr Samples kWordlessSpeech = from_ms(700);
// A bridge that was asked to transfer and is still here after this long has not done it.
constexpr Samples kTransferLimit = from_ms(30'000);
constexpr std::size_t kMostDigits = 32;
constexpr std::size_t kMostPrompts = 16; // that wait

} // namespace

// Brings the parts together: what comes in is handed to them, what they decide becomes a turn. Everything
// that can be waited for has a time-out in deadline(); what none of them covers is the silence timer.
class Session::Impl {
 public:
  Impl(Config config, std::unique_ptr<Dialogue> dialogue, VoiceActivity& vad, Random random)
      : config_(std::move(config)),
        dialogue_(std::move(dialogue)),
        random_(random),
        listener_(config_, vad, out_),
        agent_(config_, out_),
        barge_in_(config_) {}

  void receive(std::span<const std::int16_t> frame);
  void control(const Control& control);
  void answer(const Answer& answer);
  std::optional<Output> poll();
  Samples now() const { return out_.now; }
  std::optional<Samples> deadline() const;
  bool ended() const { return ended_; }

 private:
  // Keys that were pressed and are not yet taken for an entry.
  struct Keys {
    std::string digits;
    Samples due = 0; // when they are; 0: there are none
  };

  void act(const SttResult& result);
  void act(const TtsChunk& chunk) { agent_.player().chunk(chunk); }
  void act(const LlmDelta& delta);
  void act(const Failure& failure);
  void on(const in::Start& start);
  void on(const in::Dtmf& dtmf);
  void on(const in::Mark& mark);
  void on(const in::Cleared& cleared);
  void on(const in::Hold& hold);
  void on(const in::Resume& resume);
  void on(const in::Say& say);
  void on(const in::Stop& stop);
  void expire();
  void expire_silence();

  void turn_opened();
  void check_end_of_turn();
  void decide(const CallerTurn& turn);
  void decide_nothing(const CallerTurn& turn);
  void decide_joined(const CallerTurn& turn);
  void take_back();
  void watch_caller();
  void interrupt(const char* by, Samples begin);

  void take_turn(const CallerTurn& turn, const Utterance& words);
  void take_digits();
  void silence_prompt();
  void note_slots();
  void say_prompt();
  void trouble();
  void drop_answer();
  void finish();
  void hang_up(const std::string& reason);
  void end();
  // When nobody has said anything for too long, if neither speaks.
  Samples silence_due() const { return listening_since_ + agent_.reply().silence.value_or(config_.silence); }

  Config config_;
  std::unique_ptr<Dialogue> dialogue_;
  Random random_;
  OutputQueue out_;
  Listener listener_;
  AgentTurn agent_;
  BargeIn barge_in_;
  AnswerQueue answers_;

  Keys keys_;
  std::deque<in::Say> prompts_;          // that wait until nobody speaks
  std::unique_ptr<CallerTurn> deferred_; // to be answered after an answer that may not be interrupted

  std::uint64_t turn_ = 0;       // the last one's number
  int silences_ = 0;             // in a row
  std::vector<SlotValue> slots_; // as the journal has them
  int failures_ = 0;             // of engines, in a row
  Samples listening_since_ = 0;
  std::optional<Samples> held_since_;
  std::optional<Samples> transfer_due_;
  bool started_ = false;
  bool ended_ = false;
};

// --- In and out

std::optional<Output> Session::Impl::poll() {
  if (out_.outputs.empty()) return std::nullopt;
  Output output = std::move(out_.outputs.front());
  out_.outputs.pop_front();
  return output;
}

void Session::Impl::receive(std::span<const std::int16_t> frame) {
  if (started_ && !ended_) {
    while (const auto answer = answers_.pop(out_.now))
      std::visit([this](const auto& a) { act(a); }, *answer);
  }
  out_.now += kFrame;
  if (!started_ || ended_) {
    if (config_.lockstep) out_.put(out::Audio{Pcm(kFrameSamples)});
    return;
  }
  listener_.receive(frame);
  while (listener_.turn_opens(held_since_ || transfer_due_, agent_.audible()))
    turn_opened();
  expire();
  // The end may come in here; in lockstep this frame still goes out.
  agent_.player().send();
  agent_.note_latency();
  if (ended_) return;
  if (listener_.idle() || !listener_.turn().joined) agent_.settle();
  if (agent_.finished() && !held_since_) finish();
  listener_.trim(agent_.undo() ? agent_.undo()->begin : std::nullopt);
}

void Session::Impl::answer(const Answer& answer) {
  if (!started_ || ended_) return;
  const RequestId id = id_of(answer);
  std::optional<Samples> asked = listener_.asked(id);
  if (!asked) asked = agent_.asked(id);
  if (asked) answers_.push(answer, *asked, out_.now); // else nobody waits for it
}

void Session::Impl::act(const SttResult& result) {
  if (!listener_.answered(result)) return;
  failures_ = 0;
  check_end_of_turn();
}

void Session::Impl::act(const LlmDelta& delta) {
  if (agent_.llm_answered(delta)) trouble();
}

void Session::Impl::act(const Failure& failure) {
  if (listener_.failed(failure)) {
    check_end_of_turn();
  } else if (agent_.llm_failed(failure)) {
    trouble();
  } else {
    agent_.player().failed(failure);
  }
}

void Session::Impl::control(const Control& control) {
  if (ended_) return;
  if (!started_ && !std::holds_alternative<in::Start>(control) && !std::holds_alternative<in::Stop>(control))
    return;
  std::visit([this](const auto& c) { on(c); }, control);
}

void Session::Impl::on(const in::Start& start) {
  if (started_) return;
  started_ = true;
  out_.note(journal::Started{start});
  listener_.start();
  agent_.measure(0, out_.now, out_.now);
  agent_.answer(dialogue_->start(start, random_), 0);
  agent_.mark_greeting();
}

void Session::Impl::on(const in::Dtmf& dtmf) {
  constexpr std::string_view kKeys = "0123456789*#ABCD";
  if (kKeys.find(dtmf.digit) == std::string_view::npos) return;
  out_.note(journal::DtmfIn{dtmf.digit});
  if (held_since_ || transfer_due_ || agent_.guarded()) return;
  listener_.drop(); // the tone itself may have been taken for speech
  if (agent_.audible()) interrupt("dtmf", out_.now);
  if (agent_.answering()) drop_answer();
  if (dtmf.digit == '#' && !keys_.digits.empty()) {
    take_digits();
    return;
  }
  keys_.digits += dtmf.digit;
  keys_.due = out_.now + config_.dtmf_pause;
  if (keys_.digits.size() >= kMostDigits ||
      dialogue_->completeness(Digits{keys_.digits}) == language::Completeness::complete)
    take_digits();
}

void Session::Impl::on(const in::Mark& mark) {
  out_.note(journal::Mark{mark.name, mark.played});
  agent_.player().mark(mark);
}

void Session::Impl::on(const in::Cleared& cleared) {
  out_.note(journal::Cleared{cleared.discarded, cleared.played});
  agent_.player().cleared(cleared);
}

void Session::Impl::on(const in::Hold& hold) {
  if (held_since_ && !hold.by_program) return;
  out_.note(journal::Held{hold.by_program ? "program" : ""});
  held_since_ = held_since_.value_or(out_.now);
  if (!listener_.deciding() || hold.by_program) listener_.drop();
  agent_.player().pause(true);
  if (!hold.by_program) {
    agent_.hold();
    return;
  }
  // The conversation goes on without us: nothing of ours is still to the point.
  prompts_.clear();
  deferred_.reset();
  keys_ = {};
  if (agent_.answering()) drop_answer();
}

void Session::Impl::on(const in::Resume& /*resume*/) {
  if (!held_since_) return;
  out_.note(journal::Resumed{});
  held_since_.reset();
  listener_.forget_run();
  agent_.player().pause(false);
  listening_since_ = out_.now;
  if (keys_.due != 0) keys_.due = out_.now + config_.dtmf_pause;
  if (agent_.stopped()) agent_.resume(true);
}

void Session::Impl::on(const in::Say& say) {
  if (say.clear) {
    prompts_.clear();
    deferred_.reset();
    if (agent_.answering()) drop_answer();
  }
  if (prompts_.size() < kMostPrompts) prompts_.push_back(say);
}

void Session::Impl::on(const in::Stop& stop) {
  out_.note(journal::Stopped{stop.reason});
  end();
}

// --- Time

void Session::Impl::expire() {
  if (ended_) return;
  agent_.player().expire();
  if (agent_.player().broken()) {
    hang_up("speech synthesis failed");
    return;
  }
  listener_.expire();
  if (agent_.llm_expired()) trouble();
  if (held_since_) {
    if (out_.now - *held_since_ >= config_.hold_limit) hang_up("held too long");
    return;
  }
  if (transfer_due_) {
    if (*transfer_due_ > out_.now) return;
    transfer_due_.reset();
    failures_ = config_.engine_failures;
    trouble();
    return;
  }
  check_end_of_turn();
  if (!ended_) watch_caller();
  if (!ended_ && listener_.idle() && !agent_.answering()) expire_silence();
}

// Nobody speaks: what has waited for that, and in the end a prompt.
void Session::Impl::expire_silence() {
  if (!prompts_.empty() && keys_.digits.empty()) {
    say_prompt();
  } else if (!keys_.digits.empty()) {
    if (keys_.due <= out_.now) take_digits();
  } else if (deferred_) {
    const auto turn = std::move(deferred_);
    take_turn(*turn, {turn->recognition->result->text, turn->recognition->result->confidence});
  } else if (out_.now >= silence_due()) {
    silence_prompt();
  }
}

std::optional<Samples> Session::Impl::deadline() const {
  if (!started_ || ended_) return std::nullopt;
  std::optional<Samples> at;
  const auto sooner = [&](std::optional<Samples> candidate) {
    if (!candidate) return;
    candidate = std::max(*candidate, out_.now + kFrame);
    at = std::min(at.value_or(*candidate), *candidate);
  };
  sooner(agent_.deadline());
  if (const auto next = answers_.next()) sooner(*next + kFrame);
  if (held_since_) {
    sooner(*held_since_ + config_.hold_limit);
    return at;
  }
  sooner(transfer_due_);
  sooner(listener_.deadline(*dialogue_));
  if (listener_.idle() && !agent_.answering() && !transfer_due_) {
    if (!prompts_.empty() && keys_.digits.empty()) sooner(out_.now + kFrame);
    sooner(keys_.digits.empty() ? silence_due() : keys_.due);
  }
  if (agent_.finished()) sooner(out_.now + kFrame);
  return at;
}

// --- The caller's turn

void Session::Impl::turn_opened() {
  if (!agent_.answering()) return;
  const Samples begin = listener_.turn().begin;
  if (agent_.taken_back_by(begin)) {
    // Whoever goes on has not finished: this turn joins the one before it. As long as nothing of the answer
    // was heard, that was none. Else the agent falls silent, and the words say whether it was one.
    const auto from = agent_.undo()->begin;
    const Samples spoken = agent_.undo()->spoken;
    if (!agent_.player().begun_at() && !agent_.stopped()) {
      take_back();
    } else if (!agent_.stopped()) {
      interrupt("continuation", begin);
    }
    if (from) listener_.join(*from, spoken);
  }
  listener_.mark_early(BargeIn::into_greeting(begin, agent_));
}

void Session::Impl::take_back() {
  Undo undo = agent_.take_back();
  listening_since_ = out_.now;
  dialogue_ = std::move(undo.before);
  silences_ = undo.silences;
  note_slots();
}

// The caller's turn under way and the agent's speech: who gives way?
void Session::Impl::watch_caller() {
  const auto effect = barge_in_.effect(listener_, *dialogue_, agent_);
  agent_.player().duck(effect == BargeIn::Effect::duck);
  if (effect == BargeIn::Effect::duck) listener_.overhear(*dialogue_, config_.overhear);
  if (effect == BargeIn::Effect::stop_speech) interrupt("speech", listener_.turn().begin);
  if (effect == BargeIn::Effect::stop_words) interrupt("words", listener_.turn().begin);
}

void Session::Impl::check_end_of_turn() {
  if (const auto turn = listener_.ended(*dialogue_)) decide(*turn);
}

// The turn is over and its words are known: does it count, and what becomes of the agent's answer?
void Session::Impl::decide(const CallerTurn& turn) {
  if (turn.joined && agent_.undo() && !turn.recognition->failed) {
    decide_joined(turn);
  } else if (turn.recognition->failed) {
    // Over the agent's speech nothing is lost by going on.
    if (turn.interrupted || !agent_.answering()) trouble();
  } else {
    const SttResult& said = *turn.recognition->result;
    const auto verdict = barge_in_.by_words(turn, *dialogue_, agent_);
    switch (verdict) {
      case BargeIn::Verdict::nothing: decide_nothing(turn); break;
      case BargeIn::Verdict::ignored: break;
      case BargeIn::Verdict::deferred: deferred_ = std::make_unique<CallerTurn>(turn); break;
      case BargeIn::Verdict::interrupts:
      case BargeIn::Verdict::answered:
        if (verdict == BargeIn::Verdict::interrupts) interrupt("words", turn.begin);
        if (agent_.answering()) drop_answer();
        take_turn(turn, {said.text, said.confidence});
    }
  }
  if (turn.forced && !ended_) listener_.reopen();
}

// The caller went on while they were answered already: with more words, or with a noise?
void Session::Impl::decide_joined(const CallerTurn& turn) {
  const SttResult& said = *turn.recognition->result;
  if (!BargeIn::adds_nothing(turn, *agent_.undo(), agent_)) {
    take_back();
    take_turn(turn, {said.text, said.confidence});
  } else if (agent_.stopped()) {
    out_.note(journal::FalseInterruption{agent_.interrupted_sentence()});
    if (!held_since_) agent_.resume();
  }
}

void Session::Impl::decide_nothing(const CallerTurn& turn) {
  if (turn.interrupted && agent_.stopped()) {
    barge_in_.was_false();
    out_.note(journal::FalseInterruption{agent_.interrupted_sentence()});
    if (!held_since_) agent_.resume();
  } else if (agent_.answering() || held_since_) {
    return;
  } else if (turn.forced) {
    silence_prompt();
  } else if (turn.spoken >= kWordlessSpeech) {
    take_turn(turn, {"", 0.0F});
  }
}

void Session::Impl::interrupt(const char* by, Samples begin) {
  out_.note(journal::BargeIn{begin, by});
  agent_.interrupt();
  listener_.mark_interrupting();
}

// --- The agent's turn

void Session::Impl::take_turn(const CallerTurn& turn, const Utterance& words) {
  ++turn_;
  out_.note(journal::Turn{turn_, turn.begin, turn.end, words.text, words.confidence});
  Undo undo{dialogue_->clone(), agent_.reply(), silences_, turn_,
            turn.begin,         turn.spoken,    turn.end,  words.text};
  silences_ = 0;
  barge_in_.reset();
  agent_.measure(turn_, turn.end, turn.endpoint);
  agent_.answer(dialogue_->answer(words, random_), turn_);
  agent_.set_undo(std::move(undo));
  note_slots();
}

// The slots, if they are not those that were noted last.
void Session::Impl::note_slots() {
  std::vector<SlotValue> now = dialogue_->slots();
  if (now == slots_) return;
  slots_ = std::move(now);
  journal::Slots entry;
  for (const SlotValue& slot : slots_)
    entry.values.emplace_back(slot.name, slot.value);
  out_.note(std::move(entry));
}

void Session::Impl::take_digits() {
  const std::string digits = std::exchange(keys_, {}).digits;
  out_.note(journal::Digits{digits});
  silences_ = 0;
  barge_in_.reset();
  agent_.answer(dialogue_->answer(Digits{digits}, random_), 0);
  note_slots();
}

void Session::Impl::silence_prompt() {
  Undo undo{dialogue_->clone(), agent_.reply(), silences_, 0, std::nullopt, 0, 0, {}};
  ++silences_;
  const bool last = silences_ > config_.silence_prompts;
  out_.note(journal::NoInput{silences_, last});
  Reply reply = dialogue_->answer(Silence{silences_, last}, random_);
  if (last && !std::holds_alternative<Reply::Transfer>(reply.action)) reply.action = Reply::Hangup{"silence"};
  agent_.answer(std::move(reply), 0);
  agent_.set_undo(std::move(undo));
}

void Session::Impl::say_prompt() {
  const in::Say say = std::move(prompts_.front());
  prompts_.pop_front();
  barge_in_.reset();
  agent_.prompt(say);
}

void Session::Impl::trouble() {
  ++failures_;
  const bool last = failures_ >= config_.engine_failures;
  if (agent_.answering()) drop_answer();
  Reply reply = dialogue_->answer(Trouble{last}, random_);
  if (last && !std::holds_alternative<Reply::Transfer>(reply.action))
    reply.action = Reply::Hangup{"engine failure"};
  agent_.answer(std::move(reply), 0);
}

void Session::Impl::drop_answer() {
  agent_.drop();
  listening_since_ = out_.now;
}

// The last word was played.
void Session::Impl::finish() {
  const Reply::Action action = agent_.finish();
  listening_since_ = out_.now;
  if (const auto* hangup = std::get_if<Reply::Hangup>(&action)) {
    hang_up(hangup->reason);
  } else if (const auto* transfer = std::get_if<Reply::Transfer>(&action)) {
    out_.note(journal::Transferred{transfer->target});
    out_.put(out::Transfer{transfer->target});
    listener_.drop();
    transfer_due_ = out_.now + kTransferLimit;
  } else if (const auto* digits = std::get_if<Reply::SendDigits>(&action)) {
    out_.note(journal::SentDigits{digits->digits});
    out_.put(out::Dtmf{digits->digits});
  }
}

void Session::Impl::hang_up(const std::string& reason) {
  end();
  out_.note(journal::HungUp{reason});
  out_.put(out::Hangup{reason});
}

void Session::Impl::end() {
  if (ended_) return;
  listener_.drop();
  agent_.close();
  answers_.clear();
  ended_ = true;
}

// --- Session

Session::Session(Config config, std::unique_ptr<Dialogue> dialogue, VoiceActivity& vad, Random random)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(dialogue), vad, random)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

void Session::receive(std::span<const std::int16_t> frame) {
  impl_->receive(frame);
}
void Session::control(const Control& control) {
  impl_->control(control);
}
void Session::answer(const Answer& answer) {
  impl_->answer(answer);
}
std::optional<Output> Session::poll() {
  return impl_->poll();
}
Samples Session::now() const {
  return impl_->now();
}
std::optional<Samples> Session::deadline() const {
  return impl_->deadline();
}
bool Session::ended() const {
  return impl_->ended();
}

} // namespace talky::voice
