#include "voice/speech_player.hpp"

#include <algorithm>
#include <utility>

#include "core/ascii.hpp"

namespace talky::voice {
namespace {

// A cut sentence of which less than this was not heard need not be said again.
constexpr Samples kNearly = from_ms(300);
// No sentence lasts longer; an engine that sends more is cut off.
constexpr Samples kLongestSentence = from_ms(120'000);
// For a sentence whose audio is not all here: about 15 characters are spoken in a second.
constexpr Samples kSamplesPerCharacter = kSampleRate / 15;

std::string mark_name(std::uint64_t sentence) {
  return 's' + std::to_string(sentence);
}

} // namespace

void SpeechPlayer::begin_answer() {
  duck(false);
  begun_at_.reset();
  first_audio_.reset();
  more_ = false;
}

void SpeechPlayer::say(const std::vector<std::string>& sentences, const std::string& voice) {
  for (const std::string& text : sentences) {
    Sentence sentence;
    sentence.number = ++last_sentence_;
    sentence.text = text;
    sentence.voice = voice;
    queue_.push_back(std::move(sentence));
  }
  ask_ahead();
}

// The first sentence is asked for at once, the second as soon as the first begins to come in.
void SpeechPlayer::ask_ahead() {
  if (queue_.empty()) return;
  if (queue_[0].request == 0) ask(queue_[0]);
  if (queue_.size() > 1 && queue_[1].request == 0 && queue_[0].length > 0) ask(queue_[1]);
}

void SpeechPlayer::ask(Sentence& sentence) {
  sentence.request = out_.next_request();
  sentence.asked = out_.now;
  sentence.due = out_.now + config_.tts_timeout;
  sentence.service.reset();
  sentence.pcm.clear();
  sentence.length = 0;
  out_.note(journal::Requested{sentence.request, "tts", sentence.text, false, 0});
  out_.put(TtsRequest{sentence.request, out_.now, sentence.text, sentence.voice});
}

void SpeechPlayer::retry(Sentence& sentence, const std::string& reason) {
  out_.note(journal::Failed{sentence.request, "tts", reason});
  if (sentence.retried) {
    broken_ = true;
    return;
  }
  // What was sent of it already is not sent again: sending goes on when the new audio has grown past it.
  sentence.retried = true;
  ask(sentence);
}

void SpeechPlayer::complete(Sentence& sentence) {
  sentence.complete = true;
  out_.note(
      journal::Answered{sentence.request, "tts", "", 1.0F, sentence.service.value_or(0), sentence.length});
}

const SpeechPlayer::Sentence* SpeechPlayer::find(RequestId id) const {
  const auto found = std::find_if(queue_.begin(), queue_.end(),
                                  [id](const Sentence& s) { return s.request == id && !s.complete; });
  return found == queue_.end() ? nullptr : &*found;
}
SpeechPlayer::Sentence* SpeechPlayer::find(RequestId id) {
  return const_cast<Sentence*>(std::as_const(*this).find(id));
}

std::optional<Samples> SpeechPlayer::asked(RequestId id) const {
  const Sentence* sentence = find(id);
  return sentence == nullptr ? std::nullopt : std::optional(sentence->asked);
}

void SpeechPlayer::chunk(const TtsChunk& chunk) {
  Sentence* sentence = find(chunk.id);
  if (sentence == nullptr) return;
  if (!sentence->service) sentence->service = chunk.service;
  if (!chunk.pcm.empty() && !first_audio_) first_audio_ = out_.now;
  sentence->pcm.insert(sentence->pcm.end(), chunk.pcm.begin(), chunk.pcm.end());
  sentence->length = static_cast<Samples>(sentence->pcm.size());
  sentence->due = out_.now + config_.tts_timeout;
  if (chunk.last && sentence->length == 0) {
    retry(*sentence, "no audio");
    return;
  }
  if (chunk.last) complete(*sentence);
  if (!chunk.last && sentence->length > kLongestSentence) {
    out_.cancel(sentence->request, "tts");
    complete(*sentence);
  }
  ask_ahead();
}

void SpeechPlayer::failed(const Failure& failure) {
  if (Sentence* sentence = find(failure.id)) retry(*sentence, failure.reason);
}

// Is there a frame to send: a whole one, or the rest of a sentence?
bool SpeechPlayer::ready() const {
  if (paused_ || queue_.empty()) return false;
  const Sentence& front = queue_.front();
  const std::size_t there = front.pcm.size() > front.next ? front.pcm.size() - front.next : 0;
  return there >= kFrameSamples || front.complete;
}

void SpeechPlayer::send_frame() {
  Pcm frame;
  frame.reserve(kFrameSamples);
  std::vector<std::uint64_t> whole;
  while (frame.size() < kFrameSamples && ready()) {
    Sentence& front = queue_.front();
    if (!front.begin) {
      front.begin = sent_ + static_cast<Samples>(frame.size());
      own_voice_.begins(front.text, out_.now + backlog_);
      out_.note(journal::SentenceStart{front.number, front.text, front.voice, *front.begin});
    }
    const std::size_t there = front.pcm.size() > front.next ? front.pcm.size() - front.next : 0;
    const std::size_t count = std::min(kFrameSamples - frame.size(), there);
    const auto from = front.pcm.begin() + static_cast<std::ptrdiff_t>(front.next);
    frame.insert(frame.end(), from, from + static_cast<std::ptrdiff_t>(count));
    front.next += count;
    if (!front.complete || front.next < front.pcm.size()) continue;
    whole.push_back(front.number);
    sent_whole(front);
    queue_.pop_front();
    ask_ahead();
  }
  if (!frame.empty() && !begun_at_) {
    begun_at_ = out_.now;
    begun_sent_ = sent_;
  }
  if (!frame.empty()) own_voice_.goes_on(out_.now + backlog_ + kFrame);
  frame.resize(kFrameSamples);
  if (!config_.reports) ducking_.apply(frame); // else the bridge does, also to what it has queued
  sent_ += kFrame;
  if (!config_.lockstep) backlog_ += kFrame;
  out_.put(out::Audio{std::move(frame)});
  for (const std::uint64_t number : whole) {
    if (config_.reports) out_.put(out::Mark{mark_name(number)});
  }
}

void SpeechPlayer::duck(bool on) {
  if (ducking_.on() == on || closed_) return;
  ducking_.set(on);
  out_.note(journal::Ducked{on});
  if (config_.reports) out_.put(out::Duck{on});
}

void SpeechPlayer::sent_whole(Sentence& sentence) {
  Pcm().swap(sentence.pcm);
  sentence.due = out_.now + backlog_ + kFrame + config_.report_timeout;
  playing_.push_back(std::move(sentence));
}

void SpeechPlayer::send() {
  backlog_ = std::max<Samples>(0, backlog_ - kFrame);
  if (config_.lockstep) {
    send_frame();
  } else {
    while (backlog_ < config_.lead + kFrame && ready())
      send_frame();
  }
  if (!config_.reports) account_drained();
}

// Without reports a sentence is heard when, by our estimate, its last sample was played.
void SpeechPlayer::account_drained() {
  while (!playing_.empty() &&
         playing_.front().begin.value_or(0) + playing_.front().length <= heard_estimate()) {
    account(playing_.front(), playing_.front().length);
    playing_.pop_front();
  }
}

void SpeechPlayer::account(const Sentence& sentence, Samples heard) {
  Samples length = sentence.length;
  if (!sentence.complete) {
    length = std::max(length, static_cast<Samples>(sentence.text.size()) * kSamplesPerCharacter);
  }
  heard = std::clamp<Samples>(heard, 0, sentence.length);
  if (sentence.complete && length - heard <= kNearly)
    nearly_heard_ = std::max(nearly_heard_, sentence.number);
  if (heard < length) cut_ = {sentence.number, static_cast<double>(heard) / static_cast<double>(length)};
  out_.note(journal::SentenceEnd{sentence.number, length, heard, sentence.complete && heard == length});
}

std::vector<SpeechPlayer::Unsaid> SpeechPlayer::stop() {
  std::vector<Unsaid> unsaid;
  Cut cut;
  cut.estimate = heard_estimate();
  cut.due = out_.now + config_.report_timeout;
  own_voice_.stops(out_.now);
  for (Sentence& sentence : playing_) {
    unsaid.push_back({sentence.number, sentence.text});
    cut.sentences.push_back(std::move(sentence));
  }
  for (Sentence& sentence : queue_) {
    unsaid.push_back({sentence.number, sentence.text});
    if (sentence.request != 0 && !sentence.complete) out_.cancel(sentence.request, "tts");
    if (sentence.begin) cut.sentences.push_back(std::move(sentence));
  }
  playing_.clear();
  queue_.clear();
  begin_answer();
  if (cut.sentences.empty()) return unsaid;
  cuts_.push_back(std::move(cut));
  if (!closed_) out_.put(out::Clear{});
  if (!config_.reports) {
    account_cut();
    backlog_ = 0;
  }
  return unsaid;
}

double SpeechPlayer::heard_share(std::uint64_t sentence) const {
  return cut_.sentence == sentence ? cut_.share : 0;
}

std::optional<Samples> SpeechPlayer::remaining() const {
  if (more_) return std::nullopt;
  Samples left = backlog_;
  for (const Sentence& sentence : queue_) {
    if (!sentence.complete) return std::nullopt;
    left += sentence.length - static_cast<Samples>(sentence.next);
  }
  return left;
}

void SpeechPlayer::mark(const in::Mark& mark) {
  if (!mark.name.starts_with('s')) return;
  const auto number = ascii::to_number<std::uint64_t>(std::string_view(mark.name).substr(1));
  if (!number) return;
  while (!playing_.empty() && playing_.front().number <= *number) {
    account(playing_.front(), playing_.front().length);
    playing_.pop_front();
  }
}

void SpeechPlayer::cleared(const in::Cleared& cleared) {
  const Samples heard = cleared.played + discarded_; // as a position among all samples sent
  discarded_ += std::max<Samples>(0, cleared.discarded);
  if (cuts_.empty()) return;
  for (const Sentence& sentence : cuts_.front().sentences)
    account(sentence, heard - *sentence.begin);
  cuts_.pop_front();
}

void SpeechPlayer::expire() {
  for (std::size_t i = 0; i < std::min<std::size_t>(queue_.size(), 2); ++i) {
    Sentence& sentence = queue_[i];
    if (sentence.request == 0 || sentence.complete || sentence.due > out_.now) continue;
    out_.put(Cancel{sentence.request});
    retry(sentence, "time-out");
  }
  while (!playing_.empty() && playing_.front().due <= out_.now) {
    account(playing_.front(), playing_.front().length);
    playing_.pop_front();
  }
  while (!cuts_.empty() && cuts_.front().due <= out_.now)
    account_cut();
}

// The oldest cut, by estimate.
void SpeechPlayer::account_cut() {
  for (const Sentence& sentence : cuts_.front().sentences)
    account(sentence, cuts_.front().estimate - *sentence.begin);
  cuts_.pop_front();
}

void SpeechPlayer::close() {
  closed_ = true;
  stop();
  while (!cuts_.empty())
    account_cut();
}

std::optional<Samples> SpeechPlayer::deadline() const {
  std::optional<Samples> at;
  const auto sooner = [&at](Samples candidate) { at = std::min(at.value_or(candidate), candidate); };
  if (ready() || (!config_.reports && !playing_.empty())) sooner(out_.now + kFrame);
  for (std::size_t i = 0; i < std::min<std::size_t>(queue_.size(), 2); ++i) {
    if (queue_[i].request != 0 && !queue_[i].complete) sooner(queue_[i].due);
  }
  if (!playing_.empty()) sooner(playing_.front().due);
  if (!cuts_.empty()) sooner(cuts_.front().due);
  return at;
}

} // namespace talky::voice
