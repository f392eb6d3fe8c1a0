#include "echo/echo_guard.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace talky::echo {
namespace {

// What was sent comes to the canceller so much ahead of its echo: more than the delay is ever overestimated
// by (the loudest peak may be a reflection), and little enough that the filter of 128 ms has room for the
// room.
constexpr std::size_t kHead = 256;

// Scores of unrelated speech on both sides stay below 10 when confirmed three times (tests/bench/echo).
constexpr std::size_t kConfirmations = 3;
constexpr double kQuickScore = 10.5;
constexpr double kSteadyScore = 13;
// To change what works more is needed.
constexpr std::size_t kJumpConfirmations = 5;
constexpr double kJumpScore = 11;
constexpr double kStillThere = 7;        // score at the delay that is used
constexpr std::size_t kEarlier = 128;    // the echo may come so much before
constexpr std::size_t kLater = 400;      // or after what is measured, and the filter still has it
constexpr std::size_t kSame = 16;        // samples within which two delays are one
constexpr std::size_t kLookFrames = 150; // 3 s of the agent's speech without an echo: there is none
constexpr std::size_t kGoneFrames = 750; // 15 s: it has gone
// What was found is on trial for 2 s of the agent's speech: an echo has been confirmed beyond doubt by then.
constexpr std::size_t kTrialFrames = 100;
constexpr double kProven = 22; // steady score

constexpr double kSpeech = 100.0 * 100.0; // -50 dBFS
constexpr double kSound = 6.0 * 6.0;
constexpr std::size_t kReach = 31;      // frames within which an echo comes
constexpr std::size_t kBlock = 10;      // frames
constexpr double kLouder = 4;           // 6 dB above the noise of the line
constexpr double kEchoOnly = 0.25;      // where the canceller leaves less than that, nobody spoke
constexpr double kKeepStrength = 0.995; // a frame
constexpr Duration kNews = std::chrono::milliseconds(20);

double to_db(double power) {
  return 10 * std::log10(std::max(power, 1e-12));
}

Duration to_duration(std::size_t samples) {
  return Duration(static_cast<Duration::rep>(samples) * 1'000'000 / audio::kBridgeRate);
}

} // namespace

// ---- What is worth looking at

bool EchoGuard::Attention::needed(double caller, double sent) {
  since_speech_ = sent >= kSpeech ? 0 : std::min<std::size_t>(since_speech_ + 1, 1'000);
  if (since_speech_ > kReach) return false;
  if (!resting_) return true;
  return caller > std::max(kSound, kLouder * noise_.value_or(0));
}

void EchoGuard::Attention::listened(double caller) {
  block_ += caller;
  if (++block_frames_ < kBlock) return;
  const double mean = block_ / static_cast<double>(kBlock);
  noise_ = noise_ ? std::min(*noise_, mean) : mean;
  block_ = 0;
  block_frames_ = 0;
}

bool EchoGuard::Confirmation::add(const DelayEstimator& estimator) {
  const auto now = estimator.quick();
  if (!now || estimator.frames() == std::exchange(frames_, estimator.frames())) return false;
  const std::size_t apart = std::max(now->delay, last_) - std::min(now->delay, last_);
  times_ = apart <= kSame ? times_ + 1 : 1;
  last_ = now->delay;
  score_ = now->score;
  return true;
}

std::optional<std::size_t> EchoGuard::Confirmation::delay(std::size_t times, double score) const {
  if (times_ < times || score_ < score) return std::nullopt;
  return last_;
}

void EchoGuard::Strength::add(double caller, double held, double out) {
  if (held < kSpeech || out > kEchoOnly * caller) return;
  echo = echo * kKeepStrength + caller;
  sent = sent * kKeepStrength + held;
  left = left * kKeepStrength + out;
}

// ---- The frames

EchoGuard::EchoGuard(Mode mode) : mode_(mode) {
  if (mode != Mode::always) return;
  search_ = std::make_unique<Search>();
  delay_ = DelayEstimator::kShortest;
  canceller_.emplace(audio::kBridgeRate);
}

FrameView EchoGuard::process(FrameView caller, FrameView sent_before) {
  if (mode_ == Mode::off) return caller;
  const double heard = energy(caller);
  const bool needed = attention_.needed(heard, energy(sent_before));
  if (!search_) {
    if (!needed) return caller;
    search_ = std::make_unique<Search>();
  }
  search_->history.push(caller, sent_before);
  search_->estimator.receive(caller, sent_before);
  const bool compared = search_->quick.add(search_->estimator);
  if (canceller_) {
    follow(compared);
  } else {
    attention_.listened(heard);
    look();
  }
  if (!canceller_) return caller;
  const std::size_t hold = std::max(delay_, DelayEstimator::kShortest + kHead) - kHead;
  const FrameView held = search_->history.sent(0, hold);
  canceller_->process(held, caller, out_);
  strength_.add(heard, energy(held), energy(out_));
  return out_;
}

void EchoGuard::look() {
  auto found = search_->quick.delay(kConfirmations, kQuickScore);
  if (const auto steady = search_->estimator.steady(); !found && steady && steady->score >= kSteadyScore)
    found = steady->delay;
  if (found) return lock(*found);
  if (attention_.agent_spoke()) ++search_->frames;
  if (search_->frames < kLookFrames) return;
  search_.reset();
  attention_.rest();
}

void EchoGuard::follow(bool compared) {
  const bool heard = compared && search_->estimator.quick_score(delay_ - std::min(delay_, kEarlier),
                                                                delay_ + kLater) >= kStillThere;
  if (known_ && heard) search_->frames = 0;
  const auto confirmed = known_ ? search_->quick.delay(kJumpConfirmations, kJumpScore)
                                : search_->quick.delay(kConfirmations, kQuickScore);
  if (confirmed && (!known_ || *confirmed + kEarlier < delay_ || *confirmed > delay_ + kLater))
    return lock(*confirmed);
  const auto steady = search_->estimator.steady();
  proven_ = proven_ || (heard && steady && steady->score >= kProven);
  if (mode_ == Mode::always || !attention_.agent_spoke()) return;
  const bool failed = !proven_ && ++trial_frames_ > kTrialFrames;
  if (failed || ++search_->frames > kGoneFrames) let_go();
}

// A canceller for this delay, which has heard the last frames before this one already.
void EchoGuard::lock(std::size_t delay) {
  const bool first = !known_;
  delay_ = delay;
  known_ = true;
  canceller_.emplace(audio::kBridgeRate);
  const std::size_t hold = std::max(delay_, DelayEstimator::kShortest + kHead) - kHead;
  double heard = 0;
  double held = 0;
  for (std::size_t ago = SoundHistory::kWarmUp; ago > 0; --ago) {
    const FrameView caller = search_->history.caller(ago);
    const FrameView sent = search_->history.sent(ago, hold);
    heard += energy(caller);
    held += energy(sent);
    canceller_->process(sent, caller, out_);
  }
  if (first) first_level_db_ = to_db(heard / std::max(held, 1.0));
  search_->frames = 0;
  if (first || !proven_) trial_frames_ = 0;
  const Duration measured = to_duration(delay_);
  if (reported_ && std::chrono::abs(measured - *reported_) < kNews) return;
  reported_ = measured;
  change_ = this->measured();
}

void EchoGuard::let_go() {
  canceller_.reset();
  search_.reset();
  attention_.rest();
  reported_.reset();
  change_ = measured();
  known_ = std::exchange(proven_, false); // else it was none
  trial_frames_ = 0;
}

std::optional<EchoMeasure> EchoGuard::measured() const {
  if (!known_) return std::nullopt;
  EchoMeasure out;
  out.delay = to_duration(delay_);
  out.cancelled = canceller_.has_value();
  const bool told = strength_.sent > 0;
  out.level_db = told ? to_db(strength_.echo / strength_.sent) : first_level_db_;
  if (told) out.removed_db = to_db(strength_.echo / std::max(strength_.left, 1.0));
  return out;
}

std::optional<EchoMeasure> EchoGuard::poll() {
  return std::exchange(change_, std::nullopt);
}

} // namespace talky::echo
