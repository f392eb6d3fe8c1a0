// The caller's turn: when it begins, when it ends, and whether it interrupts.
#include <algorithm>
#include <utility>

#include "language/backchannel.hpp"
#include "language/words.hpp"
#include "voice/session_impl.hpp"

namespace talky::voice {
namespace {

// "Hello?" while the greeting begins does not cut it off.
constexpr Samples kGreetingGuard = from_ms(400);
constexpr std::size_t kGreetingWords = 3;
// Speech that long without a word understood deserves an answer; shorter is taken for a noise.
constexpr Samples kWordlessSpeech = from_ms(700);
// After so many false interruptions of one answer only words interrupt it.
constexpr int kFalseInterruptions = 3;

} // namespace

void Session::Impl::listen(std::span<const std::int16_t> frame) {
  const std::size_t count = std::min(frame.size(), kFrameSamples);
  history_.insert(history_.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(count));
  history_.resize(static_cast<std::size_t>(out_.now - history_begin_));
  probabilities_.clear();
  vad_.process(std::span<const std::int16_t>(history_).last(kFrameSamples), probabilities_);
  for (const float probability : probabilities_) {
    heard_until_ += vad_.window();
    if (held_since_ || transfer_due_) continue;
    switch (detector_.push(probability, heard_until_)) {
      case SpeechDetector::Event::started: speech_started(); break;
      case SpeechDetector::Event::ended: speech_ended(); break;
      case SpeechDetector::Event::none: break;
    }
  }
}

void Session::Impl::speech_started() {
  const Samples begin = detector_.begin();
  out_.note(journal::SpeechStart{begin, speaker_.audible()});
  if (ear_ == Ear::idle) {
    open_utterance(begin);
  } else if (!heard_.forced) {
    drop_recognition();
    heard_.stretch = begin;
    ear_ = Ear::talking;
  }
}

void Session::Impl::open_utterance(Samples begin) {
  heard_ = Heard{};
  heard_.begin = heard_.end = heard_.stretch = begin;
  ear_ = Ear::talking;
  if (!answering_) return;
  if (!speaker_.begun_at() && undo_) undo_answer();
  const bool young = !speaker_.begun_at() || begin < *speaker_.begun_at() + kGreetingGuard;
  heard_.early = greeting_ && young;
}

void Session::Impl::speech_ended() {
  out_.note(journal::SpeechEnd{detector_.end()});
  noise_ = false;
  if (ear_ != Ear::talking) return;
  heard_.end = detector_.end();
  heard_.spoken += heard_.end - heard_.stretch;
  ear_ = Ear::pausing;
}

void Session::Impl::close_utterance() {
  drop_recognition();
  ear_ = Ear::idle;
}

bool Session::Impl::guarded() const {
  return answering_ && !reply_.interruptible && speaker_.audible();
}

void Session::Impl::check_barge_in() {
  if (ended_ || ear_ != Ear::talking || heard_.early || noise_ || !speaker_.audible() || guarded()) return;
  if (!detector_.speaking() || false_interruptions_ >= kFalseInterruptions) return;
  const Samples needed = false_interruptions_ == 0 ? config_.barge_in : config_.barge_in_again;
  if (heard_until_ - heard_.stretch >= needed) barge_in("speech", heard_.begin);
}

void Session::Impl::barge_in(const char* by, Samples begin) {
  out_.note(journal::BargeIn{begin, by});
  if (thinking_) out_.cancel(thinking_->id, "llm");
  thinking_.reset();
  unsaid_ = speaker_.stop();
  stopped_ = true;
  heard_.interrupted = true;
}

void Session::Impl::recognise(bool speculative) {
  const Samples from = std::max(history_begin_, heard_.begin - config_.pre_roll);
  auto pcm = std::make_shared<Pcm>(history_.begin() + static_cast<std::ptrdiff_t>(from - history_begin_),
                                   history_.end());
  Recognition recognition;
  recognition.id = out_.next_request();
  recognition.asked = out_.now;
  recognition.due = out_.now + config_.stt_timeout;
  recognition.speculative = speculative;
  out_.note(journal::Requested{recognition.id, "stt", "", speculative, static_cast<Samples>(pcm->size())});
  out_.put(SttRequest{recognition.id, out_.now, std::move(pcm), speculative});
  heard_.recognition = std::move(recognition);
}

void Session::Impl::drop_recognition() {
  if (ear_ == Ear::idle || !heard_.recognition) return;
  const Recognition& recognition = *heard_.recognition;
  if (!recognition.result && !recognition.failed) out_.cancel(recognition.id, "stt");
  heard_.recognition.reset();
}

// The pause that ends the turn, for what is known of its words.
Samples Session::Impl::pause_needed() const {
  if (!heard_.recognition || !heard_.recognition->result) return config_.pause_open;
  const SttResult& result = *heard_.recognition->result;
  switch (dialogue_->completeness(Utterance{result.text, result.confidence})) {
    case language::Completeness::complete: return config_.pause_complete;
    case language::Completeness::unfinished: return config_.pause_unfinished;
    case language::Completeness::open: break;
  }
  return config_.pause_open;
}

void Session::Impl::check_pause() {
  if (ear_ == Ear::talking && out_.now - heard_.begin >= config_.max_utterance) {
    heard_.forced = noise_ = true;
    heard_.spoken += out_.now - heard_.stretch;
    heard_.end = heard_.endpoint = out_.now;
    recognise(false);
    ear_ = Ear::deciding;
  }
  const Samples silence = out_.now - heard_.end;
  if (ear_ == Ear::pausing && !detector_.rising()) {
    if (!heard_.recognition && silence >= config_.speculate_after) recognise(true);
    if (heard_.recognition && silence >= pause_needed()) {
      heard_.endpoint = out_.now;
      ear_ = Ear::deciding;
      // What failed on suspicion is asked once more in earnest.
      if (heard_.recognition->failed && heard_.recognition->speculative) recognise(false);
    }
  }
  if (ear_ != Ear::deciding) return;
  if (heard_.recognition->result && !heard_.forced && silence < pause_needed()) {
    ear_ = Ear::pausing; // the words that came say that there is more to come
    return;
  }
  if (heard_.recognition->result || heard_.recognition->failed) decide();
}

// The turn is over and its words are known: does it count, and what becomes of the agent's answer?
void Session::Impl::decide() {
  const Heard heard = std::exchange(heard_, Heard{});
  ear_ = Ear::idle;
  const Recognition& recognition = *heard.recognition;
  if (recognition.failed) {
    // Over the agent's speech nothing is lost by going on.
    if (heard.interrupted || !answering_) {
      trouble();
    }
  } else {
    const std::string& text = recognition.result->text;
    const bool listening_sign = answering_ && language::only_backchannel(text) &&
                                dialogue_->completeness(Utterance{text, recognition.result->confidence}) !=
                                    language::Completeness::complete;
    if (!language::has_words(text) || listening_sign) {
      decide_nothing(heard);
    } else {
      decide_words(heard, *recognition.result);
    }
  }
  // Whoever was cut off by the limit is still speaking: what follows is another utterance.
  if (heard.forced && detector_.speaking() && !ended_ && ear_ == Ear::idle) {
    heard_.begin = heard_.end = heard_.stretch = out_.now;
    ear_ = Ear::talking;
  }
}

void Session::Impl::decide_nothing(const Heard& heard) {
  if (heard.interrupted && stopped_) {
    ++false_interruptions_;
    out_.note(journal::FalseInterruption{unsaid_.empty() ? 0 : unsaid_.front().number});
    if (!held_since_) resume_answer();
  } else if (answering_ || held_since_) {
    return;
  } else if (heard.forced) {
    silence_prompt();
  } else if (heard.spoken >= kWordlessSpeech) {
    take_turn("", 0.0F, heard);
  }
}

void Session::Impl::decide_words(const Heard& heard, const SttResult& result) {
  if (answering_ && !stopped_ && speaker_.audible()) {
    if (guarded()) {
      if (std::holds_alternative<Reply::Hangup>(reply_.action)) return; // "bye" over our goodbye
      deferred_ = {result.text, result.confidence};
      deferred_heard_ = heard;
      return;
    }
    if (heard.early && language::words(result.text).size() < kGreetingWords) return;
    barge_in("words", heard.begin);
  }
  if (answering_) drop_answer();
  take_turn(result.text, result.confidence, heard);
}

// The interrupted sentence and those after it are said again.
void Session::Impl::resume_answer() {
  stopped_ = false;
  auto unsaid = std::exchange(unsaid_, {});
  while (!unsaid.empty() && speaker_.nearly_heard(unsaid.front().number))
    unsaid.erase(unsaid.begin());
  std::vector<std::string> texts;
  texts.reserve(unsaid.size());
  for (Speaker::Unsaid& sentence : unsaid)
    texts.push_back(std::move(sentence.text));
  speaker_.begin_answer();
  speaker_.say(texts, reply_.voice);
}

void Session::Impl::undo_answer() {
  Undo undo = std::move(*undo_);
  drop_answer();
  out_.note(journal::TurnReopened{undo.turn});
  dialogue_ = std::move(undo.before);
  reply_ = std::move(undo.reply);
  silences_ = undo.silences;
  if (undo.begin) {
    heard_.begin = *undo.begin;
    heard_.spoken = undo.spoken;
  }
}

} // namespace talky::voice
