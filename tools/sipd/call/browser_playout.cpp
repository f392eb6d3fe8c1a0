#include "sipd/call/browser_playout.hpp"

#include <algorithm>
#include <utility>

namespace talky::sipd {
namespace {

using namespace std::chrono_literals;

constexpr auto kMarkLimit = 3s; // for the browser's reports

} // namespace

// ---- From the call

void BrowserPlayout::sent(std::uint64_t of_agent, std::uint64_t of_others) {
  stream_.given(media::PlayoutLedger::Owner::agent, of_agent);
  stream_.given(media::PlayoutLedger::Owner::others, of_others);
  streamed_ += of_agent + of_others;
}

void BrowserPlayout::mark(std::string name, std::uint64_t position, Time now) {
  marks_.push_back({std::move(name), position, reports_ ? now + kMarkLimit : now});
}

std::optional<ipc::Cleared> BrowserPlayout::clear(const media::Cleared& queue, std::uint64_t position) {
  ++clears_asked_;
  if (!reports_) return ipc::Cleared{queue.discarded, queue.played};
  stream_.clearing();
  if (streamed_ > played_) {
    clearing_ = Clearing{queue.discarded, position, streamed_};
    return std::nullopt;
  }
  (void)stream_.cleared({0, played_}); // it has played all that it has
  const std::uint64_t left_out = take_left_out();
  return ipc::Cleared{queue.discarded + left_out, heard()};
}

std::optional<ipc::Cleared> BrowserPlayout::settle_unanswered(Time now) {
  // Since its last report it has played on, if there was something to be played.
  const auto since = static_cast<std::uint64_t>(std::max<Duration::rep>((now - last_report_).count(), 0));
  return settle(played_ + since * media::kSampleRate / 1'000'000);
}

std::optional<ipc::Cleared> BrowserPlayout::settle(std::uint64_t samples) {
  if (!clearing_) return std::nullopt;
  const Clearing clearing = *std::exchange(clearing_, std::nullopt);
  played_ = std::clamp(samples, played_, std::max(played_, clearing.streamed));
  streamed_ -= clearing.streamed - played_;
  const auto agent = static_cast<std::size_t>(media::PlayoutLedger::Owner::agent);
  const media::Cleared lost = stream_.cleared({0, played_})[agent];
  unheard_ += lost.discarded;
  const std::uint64_t left_out = take_left_out();
  for (Mark& mark : marks_) { // of what was thrown away: behind the answer
    if (mark.position > clearing.position) break;
    mark.limit = Time{};
  }
  return ipc::Cleared{clearing.discarded + lost.discarded + left_out, lost.played - settled_};
}

// What was left out of a sentence that is interrupted counts as thrown away.
std::uint64_t BrowserPlayout::take_left_out() {
  const std::uint64_t left_out = std::min(std::exchange(left_out_, 0), heard());
  settled_ += left_out;
  unheard_ += left_out;
  return left_out;
}

// ---- From the browser

void BrowserPlayout::skipped(std::uint64_t in_all) {
  if (in_all > skipped_) left_out_ += in_all - std::exchange(skipped_, in_all);
}

void BrowserPlayout::played(std::uint64_t samples, Time now) {
  if (!reports_) return;
  const std::uint64_t before = played_;
  const std::uint64_t most = clearing_ ? clearing_->streamed : streamed_;
  played_ = std::max(played_, std::min(samples, most));
  if (played_ != before) last_report_ = now;
}

std::optional<ipc::Cleared> BrowserPlayout::cleared(std::uint64_t samples, Time now) {
  if (!reports_ || clears_answered_ == clears_asked_) return std::nullopt;
  ++clears_answered_;
  if (clearing_ && clears_answered_ == clears_asked_) return settle(samples);
  played(samples, now);
  return std::nullopt;
}

// ---- What came of it

std::optional<BrowserPlayout::Passed> BrowserPlayout::poll(Time now) {
  if (clearing_ || marks_.empty()) return std::nullopt;
  const Mark& mark = marks_.front();
  const std::uint64_t position = mark.position - std::min(mark.position, unheard_);
  if (reports_ && position > heard() && now < mark.limit) return std::nullopt;
  Passed passed{mark.name, reports_ ? std::min(position, heard()) : position};
  if (position <= heard()) left_out_ = std::min(left_out_, heard() - position); // at most what came after it
  marks_.pop_front();
  return passed;
}

} // namespace talky::sipd
