#include "voice/listener.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "voice/end_of_turn.hpp"

namespace talky::voice {
namespace {

// What is listened to of a stretch of speech for its end: its last three seconds, and a little before it for
// the noise.
constexpr Samples kLongestEnd = from_ms(3'000);
constexpr Samples kBefore = from_ms(250);
// So much later than the voice the detector falls silent at most.
constexpr Samples kDetectorLate = from_ms(250);

std::string described(const std::optional<VoiceEnd>& end) {
  if (!end) return {};
  return fmt::format("{:.1f} {:.2f} {:.1f} {:.2f} {:.1f} {:.2f} {}", end->pitch, end->slope, end->energy,
                     end->decay, end->lengthening, end->length, end->voiced ? 1 : 0);
}

} // namespace

Listener::Listener(const Config& config, VoiceActivity& vad, OutputQueue& out)
    : config_(config),
      vad_(vad),
      out_(out),
      detector_({config.vad_on, config.vad_off, config.min_speech, vad.window()}) {}

// --- Speech and the turn it opens

void Listener::receive(std::span<const std::int16_t> frame) {
  const std::size_t count = std::min(frame.size(), kFrameSamples);
  history_.insert(history_.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(count));
  history_.resize(static_cast<std::size_t>(out_.now - history_begin_));
  probabilities_.clear();
  next_window_ = 0;
  vad_.process(std::span<const std::int16_t>(history_).last(kFrameSamples), probabilities_);
}

bool Listener::turn_opens(bool deaf, bool agent_audible) {
  while (next_window_ < probabilities_.size()) {
    const float probability = probabilities_[next_window_++];
    heard_until_ += vad_.window();
    if (deaf) continue;
    switch (detector_.push(probability, heard_until_)) {
      case SpeechDetector::Event::started:
        if (speech_started(agent_audible)) return true;
        break;
      case SpeechDetector::Event::ended: speech_ended(); break;
      case SpeechDetector::Event::none: break;
    }
  }
  return false;
}

bool Listener::speech_started(bool agent_audible) {
  const Samples begin = detector_.begin();
  out_.note(journal::SpeechStart{begin, agent_audible});
  if (state_ == State::idle) {
    turn_ = CallerTurn{};
    turn_.begin = turn_.end = turn_.stretch = begin;
    state_ = State::talking;
    return true;
  }
  if (!turn_.forced) {
    drop_recognition();
    drop_overheard();
    turn_.stretch = begin;
    state_ = State::talking;
  }
  return false;
}

// The detector falls silent a little after the voice: the last sample of speech is found in the sound.
std::optional<VoiceEnd> Listener::hear_end() const {
  const Samples begin = std::max({history_begin_, turn_.stretch - kBefore, heard_until_ - kLongestEnd});
  const auto at = [this](Samples sample) {
    return history_.begin() + static_cast<std::ptrdiff_t>(sample - history_begin_);
  };
  auto end = voice_end(std::span(at(begin), at(heard_until_)));
  if (end) end->end = std::clamp(begin + end->end, detector_.end() - kDetectorLate, heard_until_);
  return end;
}

void Listener::speech_ended() {
  noise_ = false;
  Samples end = detector_.end();
  if (state_ == State::talking) {
    turn_.voice = hear_end();
    if (turn_.voice) end = std::max(turn_.voice->end, turn_.stretch);
    turn_.end = end;
    turn_.spoken += turn_.end - turn_.stretch;
    state_ = State::pausing;
    out_.note(journal::SpeechEnd{end, described(turn_.voice)});
  } else {
    out_.note(journal::SpeechEnd{end, {}});
  }
}

void Listener::join(Samples begin, Samples spoken) {
  turn_.begin = begin;
  turn_.spoken = spoken;
  turn_.joined = true;
}

void Listener::reopen() {
  if (state_ != State::idle || !detector_.speaking()) return;
  turn_.begin = turn_.end = turn_.stretch = out_.now;
  state_ = State::talking;
}

void Listener::drop() {
  drop_recognition();
  drop_overheard();
  state_ = State::idle;
}

std::optional<Samples> Listener::speaking_for() const {
  if (state_ != State::talking || turn_.early || noise_ || !detector_.speaking()) return std::nullopt;
  return heard_until_ - turn_.stretch;
}

void Listener::trim(std::optional<Samples> keep) {
  Samples from = detector_.rising() || detector_.speaking() ? detector_.begin() : heard_until_;
  if (state_ != State::idle) from = std::min(from, turn_.begin);
  if (keep) from = std::min(from, *keep);
  from -= config_.pre_roll;
  // In steps of a second, so that a frame costs no moving of memory.
  if (from - history_begin_ < kSampleRate) return;
  history_.erase(history_.begin(), history_.begin() + static_cast<std::ptrdiff_t>(from - history_begin_));
  history_begin_ = from;
}

// --- The end of the turn

Samples Listener::pause_needed(const Dialogue& dialogue) const {
  if (!turn_.recognition || !turn_.recognition->result) return config_.pause_open;
  const SttResult& result = *turn_.recognition->result;
  return voice::pause_needed(config_, dialogue.completeness(Utterance{result.text, result.confidence}),
                             result.text, turn_.voice);
}

std::optional<CallerTurn> Listener::ended(const Dialogue& dialogue) {
  if (state_ == State::talking && out_.now - turn_.begin >= config_.max_utterance) {
    turn_.forced = noise_ = true;
    turn_.spoken += out_.now - turn_.stretch;
    turn_.end = turn_.endpoint = out_.now;
    recognise(dialogue, false);
    state_ = State::deciding;
  }
  const Samples silence = out_.now - turn_.end;
  if (state_ == State::pausing && !detector_.rising()) {
    if (!turn_.recognition && silence >= config_.speculate_after) recognise(dialogue, true);
    if (turn_.recognition && silence >= pause_needed(dialogue)) {
      turn_.endpoint = out_.now;
      state_ = State::deciding;
      // What failed on suspicion is asked once more in earnest.
      if (turn_.recognition->failed && turn_.recognition->speculative) recognise(dialogue, false);
    }
  }
  if (state_ != State::deciding) return std::nullopt;
  if (turn_.recognition->result && !turn_.forced && silence < pause_needed(dialogue)) {
    state_ = State::pausing; // the words that came say that there is more to come
    return std::nullopt;
  }
  if (turn_.recognition->open()) return std::nullopt;
  drop_overheard();
  state_ = State::idle;
  return std::exchange(turn_, CallerTurn{});
}

std::optional<Samples> Listener::deadline(const Dialogue& dialogue) const {
  switch (state_) {
    case State::idle: break;
    case State::talking: return turn_.begin + config_.max_utterance;
    case State::pausing:
      return turn_.end + (turn_.recognition ? pause_needed(dialogue) : config_.speculate_after);
    case State::deciding:
      if (turn_.recognition) return turn_.recognition->due;
  }
  return std::nullopt;
}

// --- The recogniser

Recognition Listener::ask(const Dialogue& dialogue, Samples from, bool speculative) {
  from = std::max(history_begin_, from - config_.pre_roll);
  auto pcm = std::make_shared<Pcm>(history_.begin() + static_cast<std::ptrdiff_t>(from - history_begin_),
                                   history_.end());
  Recognition recognition;
  recognition.id = out_.next_request();
  recognition.asked = out_.now;
  recognition.due = out_.now + config_.stt_timeout;
  recognition.speculative = speculative;
  Expectation expected = dialogue.expectation();
  out_.note(journal::Requested{recognition.id, "stt", "", speculative, static_cast<Samples>(pcm->size()),
                               std::string(name_of(expected.kind))});
  out_.put(SttRequest{recognition.id, out_.now, std::move(pcm), speculative, std::move(expected)});
  return recognition;
}

void Listener::recognise(const Dialogue& dialogue, bool speculative) {
  drop_overheard();
  turn_.recognition = ask(dialogue, turn_.begin, speculative);
}

void Listener::overhear(const Dialogue& dialogue, Samples every) {
  if (state_ != State::talking || (overheard_ && overheard_->open())) return;
  const Samples since = overheard_ ? std::max(overheard_->asked, turn_.stretch) : turn_.stretch;
  if (heard_until_ - since >= every) overheard_ = ask(dialogue, turn_.stretch, true);
}

const SttResult* Listener::words() const {
  if (state_ == State::idle) return nullptr;
  if (turn_.recognition && turn_.recognition->result) return &*turn_.recognition->result;
  return overheard_words_ ? &*overheard_words_ : nullptr;
}

void Listener::drop_recognition() {
  if (state_ == State::idle || !turn_.recognition) return;
  if (turn_.recognition->open()) out_.cancel(turn_.recognition->id, "stt");
  turn_.recognition.reset();
}

void Listener::drop_overheard() {
  if (overheard_ && overheard_->open()) out_.cancel(overheard_->id, "stt");
  overheard_.reset();
  overheard_words_.reset();
}

std::optional<Samples> Listener::asked(RequestId id) const {
  if (overheard_ && overheard_->id == id) return overheard_->asked;
  if (state_ == State::idle || !turn_.recognition || turn_.recognition->id != id) return std::nullopt;
  return turn_.recognition->asked;
}

Recognition* Listener::waiting(RequestId id) {
  if (!asked(id)) return nullptr;
  Recognition& recognition = overheard_ && overheard_->id == id ? *overheard_ : *turn_.recognition;
  return recognition.open() ? &recognition : nullptr;
}

bool Listener::answered(const SttResult& result) {
  Recognition* recognition = waiting(result.id);
  if (recognition == nullptr) return false;
  recognition->result = result;
  if (overheard_ && recognition == &*overheard_) overheard_words_ = result;
  out_.note(journal::Answered{result.id, "stt", result.text, result.confidence, result.service, 0});
  return true;
}

bool Listener::failed(const Failure& failure) {
  Recognition* recognition = waiting(failure.id);
  if (recognition == nullptr) return false;
  out_.note(journal::Failed{failure.id, "stt", failure.reason});
  recognition->failed = true;
  return true;
}

void Listener::give_up(Recognition& recognition) {
  if (!recognition.open() || recognition.due > out_.now) return;
  out_.put(Cancel{recognition.id});
  out_.note(journal::Failed{recognition.id, "stt", "time-out"});
  recognition.failed = true;
}

void Listener::expire() {
  if (overheard_) give_up(*overheard_);
  if (state_ != State::idle && turn_.recognition) give_up(*turn_.recognition);
}

} // namespace talky::voice
