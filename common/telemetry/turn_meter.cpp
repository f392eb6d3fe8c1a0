#include "telemetry/turn_meter.hpp"

#include <algorithm>

namespace talky::telemetry {
namespace {

constexpr std::size_t kMaxRuns = 16;
constexpr std::size_t kMaxTurns = 8;
constexpr std::uint64_t kMaxSamples = std::uint64_t{16'000} * 3600; // of one stage
// The media clock steps over a stall of this length, and is then behind for good.
constexpr Duration kMaxStep = std::chrono::seconds(4);

Duration to_duration(std::uint64_t samples) {
  return Duration(static_cast<std::int64_t>(samples) * 125 / 2); // 62.5 us at 16 kHz
}

} // namespace

// The least delay that was ever seen is that of a frame handed over in time; frames that were late, because
// the loop was, do not count.
void TurnMeter::heard(std::uint64_t samples, Time now) {
  heard_ = samples;
  const Time origin = now - to_duration(samples);
  if (!origin_ || origin < *origin_ || origin - *origin_ > kMaxStep) origin_ = origin;
}

void TurnMeter::given(std::uint64_t samples, bool idle) {
  if (samples == 0) return;
  if (idle) {
    runs_.push_back({given_, std::nullopt});
    if (runs_.size() > kMaxRuns) runs_.pop_front();
    lost_ = false;
  }
  given_ += samples;
}

void TurnMeter::left(Time now) {
  if (!runs_.empty() && !runs_.back().left) runs_.back().left = now;
  settle(now);
}

void TurnMeter::cleared() {
  if (!runs_.empty() && !runs_.back().left) runs_.pop_back();
  turns_.clear();
}

void TurnMeter::restart() {
  heard_from_ = heard_;
  origin_.reset();
  runs_.clear();
  turns_.clear();
  lost_ = true;
}

bool TurnMeter::taken(const AgentTurn& turn, Time now) {
  const bool sane = std::all_of(turn.stages.begin(), turn.stages.end(),
                                [](std::uint64_t samples) { return samples <= kMaxSamples; });
  if (!sane || turn.end > heard_ || turn.end < heard_from_ || !origin_ || lost_) return false;
  if (turns_.size() >= kMaxTurns) return false;
  turns_.push_back({turn, *origin_ + to_duration(turn.end)});
  settle(now);
  return true;
}

std::optional<Time> TurnMeter::time_of(std::uint64_t sample) const {
  const auto run =
      std::find_if(runs_.rbegin(), runs_.rend(), [&](const Run& r) { return r.first <= sample; });
  if (run == runs_.rend() || !run->left) return std::nullopt;
  return *run->left + to_duration(sample - run->first);
}

void TurnMeter::settle(Time now) {
  while (!turns_.empty()) {
    const Waiting& waiting = turns_.front();
    const auto at = time_of(waiting.turn.sent);
    if (!at || *at > now) return;
    TurnMeasure measure;
    measure.turn = waiting.turn.turn;
    measure.speech_end = waiting.speech_end;
    Duration reported{0};
    for (std::size_t i = 0; i < waiting.turn.stages.size(); ++i) {
      measure.stages[i] = to_duration(waiting.turn.stages[i]);
      reported += measure.stages[i];
    }
    measure.stages[kStageCount - 1] = std::max(Duration{0}, *at - waiting.speech_end - reported);
    measure.response = reported + measure.stages[kStageCount - 1];
    done_.push_back(measure);
    turns_.pop_front();
  }
}

std::optional<TurnMeasure> TurnMeter::poll() {
  if (done_.empty()) return std::nullopt;
  const TurnMeasure measure = done_.front();
  done_.pop_front();
  return measure;
}

} // namespace talky::telemetry
