// What a browser has played of the agent's voice, as far as it says so.
#include "sipd/call/web_leg.hpp"

#include <algorithm>
#include <utility>

#include "sipd/call/session.hpp"

namespace talky::sipd {
namespace {

using namespace std::chrono_literals;

constexpr auto clear_limit = 1s; // for the browser's last word

} // namespace

std::optional<ipc::Cleared> WebLeg::clear() {
  if (over_) return ipc::Cleared{};
  if (clearing_) settle_clear(played_); // two at once: the first makes do with what is known
  const auto cleared = media_->clear();
  later(); // the marks passed over are told after the answer
  // Of somebody who talks in, the fraction of a second that waits in the browser goes with the rest.
  call_.to_browser->send(WebClear{});
  ++clears_asked_;
  if (!call_.reports) return ipc::Cleared{cleared.discarded, cleared.played};
  stream_.clearing();
  if (streamed_ > played_) {
    clearing_ = Clearing{cleared.discarded, media_->samples_played(), streamed_};
    clear_limit_->at(host_.now() + clear_limit);
    return std::nullopt;
  }
  (void)stream_.cleared({0, played_}); // it has played all that it has
  const std::uint64_t left_out = take_left_out();
  return ipc::Cleared{cleared.discarded + left_out, heard()};
}

void WebLeg::note_skipped(std::uint64_t skipped) {
  if (skipped > skipped_) left_out_ += skipped - std::exchange(skipped_, skipped);
}

// What was left out of a sentence that is interrupted counts as thrown away.
std::uint64_t WebLeg::take_left_out() {
  const std::uint64_t left_out = std::min(std::exchange(left_out_, 0), heard());
  settled_ += left_out;
  unheard_ += left_out;
  return left_out;
}

void WebLeg::heard_so_far(std::uint64_t samples) {
  if (!call_.reports) return;
  const std::uint64_t before = played_;
  const std::uint64_t most = clearing_ ? clearing_->streamed : streamed_;
  played_ = std::max(played_, std::min(samples, most));
  if (played_ != before) last_report_ = host_.now();
  pass_marks();
  check_goodbye();
}

void WebLeg::cleared_there(std::uint64_t samples) {
  if (!call_.reports || clears_answered_ == clears_asked_) return;
  ++clears_answered_;
  if (clearing_ && clears_answered_ == clears_asked_) {
    settle_clear(samples);
  } else {
    heard_so_far(samples);
  }
  pass_marks();
  check_goodbye();
}

void WebLeg::no_answer_to_clear() {
  // Since its last report it has played on, if there was something to be played.
  const auto since =
      static_cast<std::uint64_t>(std::max<Duration::rep>((host_.now() - last_report_).count(), 0));
  settle_clear(played_ + since * media::kSampleRate / 1'000'000);
  later();
}

void WebLeg::settle_clear(std::uint64_t samples) {
  if (!clearing_) return;
  clear_limit_->cancel();
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
  session_->cleared({clearing.discarded + lost.discarded + left_out, lost.played - settled_});
}

void WebLeg::pass_marks() {
  if (clearing_) return;
  while (!marks_.empty() && !over_) {
    const Mark& mark = marks_.front();
    const std::uint64_t position = mark.position - std::min(mark.position, unheard_);
    if (call_.reports && position > heard() && host_.now() < mark.limit) return;
    call::MarkPassed passed;
    passed.call = key;
    passed.name = mark.name;
    passed.samples_played = call_.reports ? std::min(position, heard()) : position;
    if (position <= heard())
      left_out_ = std::min(left_out_, heard() - position); // at most what came after it
    marks_.pop_front();
    session_->mark(passed);
  }
}

} // namespace talky::sipd
