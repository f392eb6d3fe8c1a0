#include "voice/answer_queue.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace talky::voice {

void AnswerQueue::push(const Answer& answer, Samples asked, Samples now) {
  constexpr Samples kLongestService = from_ms(std::int64_t{24} * 3600 * 1'000);
  if (pending_.size() >= kMost) return;
  const Samples service = std::clamp<Samples>(service_of(answer), 0, kLongestService);
  Pending pending{std::max(now, asked + service), id_of(answer), arrivals_++, answer};
  const auto before = [](const Pending& a, const Pending& b) {
    return std::tie(a.effect, a.id, a.order) < std::tie(b.effect, b.id, b.order);
  };
  pending_.insert(std::upper_bound(pending_.begin(), pending_.end(), pending, before), std::move(pending));
}

std::optional<Answer> AnswerQueue::pop(Samples now) {
  if (pending_.empty() || pending_.front().effect > now) return std::nullopt;
  Answer answer = std::move(pending_.front().answer);
  pending_.erase(pending_.begin());
  return answer;
}

std::optional<Samples> AnswerQueue::next() const {
  if (pending_.empty()) return std::nullopt;
  return pending_.front().effect;
}

} // namespace talky::voice
