#include "voice/session.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "voice/session_impl.hpp"

namespace talky::voice {
namespace {

constexpr Samples kLongestService = from_ms(std::int64_t{24} * 3600 * 1'000);
constexpr std::size_t kMaxPending =
    4096; // answers waiting for their time; an engine that floods loses the rest

SpeechDetector::Config detector_config(const Config& config, const VoiceActivity& vad) {
  return {config.vad_on, config.vad_off, config.min_speech, vad.window()};
}

} // namespace

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

Session::Impl::Impl(Config config, std::unique_ptr<Dialogue> dialogue, VoiceActivity& vad, Random random)
    : config_(std::move(config)),
      dialogue_(std::move(dialogue)),
      vad_(vad),
      random_(random),
      speaker_(config_, out_),
      detector_(detector_config(config_, vad)) {}

std::optional<Output> Session::Impl::poll() {
  if (out_.outputs.empty()) return std::nullopt;
  Output output = std::move(out_.outputs.front());
  out_.outputs.pop_front();
  return output;
}

void Session::Impl::receive(std::span<const std::int16_t> frame) {
  if (started_ && !ended_) act_on_answers();
  out_.now += kFrame;
  if (!started_ || ended_) {
    if (config_.lockstep) out_.put(out::Audio{Pcm(kFrameSamples)});
    return;
  }
  listen(frame);
  expire();
  // The end may come in here; in lockstep this frame still goes out.
  speaker_.send();
  note_latency();
  if (ended_) return;
  if (answering_ && !stopped_ && !held_since_ && !thinking_ && !speaker_.busy()) finish();
  trim_history();
}

void Session::Impl::answer(const Answer& answer) {
  if (!started_ || ended_ || pending_.size() >= kMaxPending) return;
  const RequestId id = id_of(answer);
  const bool stt = ear_ != Ear::idle && heard_.recognition && heard_.recognition->id == id;
  const bool llm = thinking_ && thinking_->id == id;
  std::optional<Samples> asked = speaker_.asked(id);
  if (stt) asked = heard_.recognition->asked;
  if (llm) asked = thinking_->asked;
  if (!asked) return; // nobody waits for it
  const Samples service = std::clamp<Samples>(service_of(answer), 0, kLongestService);
  const Samples effect = std::max(out_.now, *asked + service);
  Pending pending{effect, id, arrivals_++, answer};
  const auto before = [](const Pending& a, const Pending& b) {
    return std::tie(a.effect, a.id, a.order) < std::tie(b.effect, b.id, b.order);
  };
  pending_.insert(std::upper_bound(pending_.begin(), pending_.end(), pending, before), std::move(pending));
}

void Session::Impl::act_on_answers() {
  while (!ended_ && !pending_.empty() && pending_.front().effect <= out_.now) {
    const Answer answer = std::move(pending_.front().answer);
    pending_.erase(pending_.begin());
    std::visit([this](const auto& a) { act(a); }, answer);
  }
}

void Session::Impl::act(const SttResult& result) {
  if (ear_ == Ear::idle || !heard_.recognition || heard_.recognition->id != result.id) return;
  Recognition& recognition = *heard_.recognition;
  if (recognition.result || recognition.failed) return;
  recognition.result = result;
  out_.note(journal::Answered{result.id, "stt", result.text, result.confidence, result.service, 0});
  failures_ = 0;
  check_pause();
}

void Session::Impl::act(const TtsChunk& chunk) {
  speaker_.chunk(chunk);
}

void Session::Impl::act(const LlmDelta& delta) {
  if (!thinking_ || thinking_->id != delta.id) return;
  thinking_->text += delta.text;
  thinking_->due = out_.now + config_.llm_timeout;
  if (delta.last) out_.note(journal::Answered{delta.id, "llm", "", 1.0F, delta.service, 0});
  llm_text(delta.last);
}

void Session::Impl::act(const Failure& failure) {
  if (ear_ != Ear::idle && heard_.recognition && heard_.recognition->id == failure.id) {
    if (heard_.recognition->result || heard_.recognition->failed) return;
    out_.note(journal::Failed{failure.id, "stt", failure.reason});
    heard_.recognition->failed = true;
    check_pause();
  } else if (thinking_ && thinking_->id == failure.id) {
    out_.note(journal::Failed{failure.id, "llm", failure.reason});
    thinking_.reset();
    trouble();
  } else {
    speaker_.failed(failure);
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
  vad_.reset();
  waterfall_ = Waterfall{0, out_.now, out_.now, out_.now, std::nullopt};
  perform(dialogue_->start(start, random_), 0);
  greeting_ = true;
}

void Session::Impl::on(const in::Dtmf& dtmf) {
  constexpr std::size_t kMaxDigits = 32;
  constexpr std::string_view kKeys = "0123456789*#ABCD";
  if (kKeys.find(dtmf.digit) == std::string_view::npos) return;
  out_.note(journal::DtmfIn{dtmf.digit});
  if (held_since_ || transfer_due_ || guarded()) return;
  close_utterance(); // the tone itself may have been taken for speech
  if (speaker_.audible()) barge_in("dtmf", out_.now);
  if (answering_) drop_answer();
  if (dtmf.digit == '#' && !digits_.empty()) {
    take_digits();
    return;
  }
  digits_ += dtmf.digit;
  digits_due_ = out_.now + config_.dtmf_pause;
  if (digits_.size() >= kMaxDigits ||
      dialogue_->completeness(Digits{digits_}) == language::Completeness::complete)
    take_digits();
}

void Session::Impl::on(const in::Mark& mark) {
  out_.note(journal::Mark{mark.name, mark.played});
  speaker_.mark(mark);
}

void Session::Impl::on(const in::Cleared& cleared) {
  out_.note(journal::Cleared{cleared.discarded, cleared.played});
  speaker_.cleared(cleared);
}

void Session::Impl::on(const in::Hold& hold) {
  if (held_since_ && !hold.by_program) return;
  out_.note(journal::Held{hold.by_program ? "program" : ""});
  held_since_ = held_since_.value_or(out_.now);
  if (ear_ != Ear::deciding || hold.by_program) close_utterance();
  speaker_.pause(true);
  if (hold.by_program) { // the conversation goes on without us: nothing of ours is still to the point
    prompts_.clear();
    deferred_.reset();
    digits_.clear();
    digits_due_ = 0;
    if (answering_) drop_answer();
    return;
  }
  if (speaker_.audible()) unsaid_ = speaker_.stop();
  if (!unsaid_.empty()) stopped_ = true;
}

void Session::Impl::on(const in::Resume& /*resume*/) {
  if (!held_since_) return;
  out_.note(journal::Resumed{});
  held_since_.reset();
  detector_.reset();
  speaker_.pause(false);
  listening_since_ = out_.now;
  if (digits_due_ != 0) digits_due_ = out_.now + config_.dtmf_pause;
  if (stopped_) resume_answer();
}

void Session::Impl::on(const in::Say& say) {
  constexpr std::size_t kMostPrompts = 16;
  if (say.clear) {
    prompts_.clear();
    deferred_.reset();
    if (answering_) drop_answer();
  }
  if (prompts_.size() < kMostPrompts) prompts_.push_back(say);
}

void Session::Impl::on(const in::Stop& stop) {
  out_.note(journal::Stopped{stop.reason});
  end();
}

void Session::Impl::expire() {
  if (ended_) return;
  speaker_.expire();
  if (speaker_.broken()) {
    hang_up("speech synthesis failed");
    return;
  }
  if (heard_.recognition && ear_ != Ear::idle) {
    Recognition& recognition = *heard_.recognition;
    if (!recognition.result && !recognition.failed && recognition.due <= out_.now) {
      out_.put(Cancel{recognition.id});
      out_.note(journal::Failed{recognition.id, "stt", "time-out"});
      recognition.failed = true;
    }
  }
  if (thinking_ && thinking_->due <= out_.now) {
    out_.put(Cancel{thinking_->id});
    out_.note(journal::Failed{thinking_->id, "llm", "time-out"});
    thinking_.reset();
    trouble();
  }
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
  check_pause();
  check_barge_in();
  if (ended_ || ear_ != Ear::idle || answering_) return;
  if (!prompts_.empty() && digits_.empty()) {
    say_prompt();
  } else if (!digits_.empty()) {
    if (digits_due_ <= out_.now) take_digits();
  } else if (deferred_) {
    const auto [text, confidence] = *std::exchange(deferred_, std::nullopt);
    take_turn(text, confidence, deferred_heard_);
  } else if (out_.now - listening_since_ >= reply_.silence.value_or(config_.silence)) {
    silence_prompt();
  }
}

std::optional<Samples> Session::Impl::deadline() const {
  if (!started_ || ended_) return std::nullopt;
  std::optional<Samples> at = speaker_.deadline();
  const auto sooner = [&](Samples candidate) {
    candidate = std::max(candidate, out_.now + kFrame);
    at = std::min(at.value_or(candidate), candidate);
  };
  if (at) sooner(*at);
  if (!pending_.empty()) sooner(pending_.front().effect + kFrame);
  if (thinking_) sooner(thinking_->due);
  if (held_since_) {
    sooner(*held_since_ + config_.hold_limit);
    return at;
  }
  if (transfer_due_) sooner(*transfer_due_);
  switch (ear_) {
    case Ear::talking: sooner(heard_.begin + config_.max_utterance); break;
    case Ear::pausing:
      sooner(heard_.end + (heard_.recognition ? pause_needed() : config_.speculate_after));
      break;
    case Ear::deciding:
      if (heard_.recognition) sooner(heard_.recognition->due);
      break;
    case Ear::idle:
      if (answering_ || transfer_due_) break;
      if (!prompts_.empty() && digits_.empty()) sooner(out_.now + kFrame);
      sooner(digits_.empty() ? listening_since_ + reply_.silence.value_or(config_.silence) : digits_due_);
  }
  if (answering_ && !stopped_ && !speaker_.busy() && !thinking_) sooner(out_.now + kFrame);
  return at;
}

// Enough of the caller's past is kept to begin an utterance with its pre-roll, or to take back a turn.
void Session::Impl::trim_history() {
  Samples from = detector_.rising() || detector_.speaking() ? detector_.begin() : heard_until_;
  if (ear_ != Ear::idle) from = std::min(from, heard_.begin);
  if (undo_ && undo_->begin) from = std::min(from, *undo_->begin);
  from -= config_.pre_roll;
  // In steps of a second, so that a frame costs no moving of memory.
  if (from - history_begin_ < kSampleRate) return;
  history_.erase(history_.begin(), history_.begin() + static_cast<std::ptrdiff_t>(from - history_begin_));
  history_begin_ = from;
}

} // namespace talky::voice
