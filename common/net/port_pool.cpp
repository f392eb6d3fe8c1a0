#include "net/port_pool.hpp"

#include <algorithm>

#include "core/ascii.hpp"

namespace talky::net {

std::optional<PortPool::Range> PortPool::Range::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto low = ascii::to_number<std::uint16_t>(ascii::trim(text.substr(0, dash)));
  const auto high = ascii::to_number<std::uint16_t>(ascii::trim(text.substr(dash + 1)));
  if (!low || !high || *low == 0) return std::nullopt;
  const Range range{*low, *high};
  return range.pairs() > 0 ? std::optional(range) : std::nullopt;
}

std::size_t PortPool::Range::pairs() const {
  const unsigned first = (low + 1u) / 2 * 2;
  return high < first + 1 ? 0 : (high - first + 1u) / 2;
}

PortPool::PortPool(Range range, Duration rest, Random& random, std::size_t share, std::size_t shares)
    : rest_(rest) {
  const unsigned first = (range.low + 1u) / 2 * 2;
  for (std::size_t i = share; i < range.pairs(); i += shares)
    free_.push_back({static_cast<std::uint16_t>(first + 2 * i), Time::min()});
  total_ = free_.size();
  for (std::size_t i = free_.size(); i > 1; --i)
    std::swap(free_[i - 1], free_[static_cast<std::size_t>(random.below(i))]);
}

std::optional<std::uint16_t> PortPool::take(Time now) {
  if (free_.empty() || free_.front().rested > now) return std::nullopt;
  const std::uint16_t port = free_.front().port;
  free_.pop_front();
  return port;
}

void PortPool::give_back(std::uint16_t even_port, Time now) {
  free_.push_back({even_port, now + rest_});
}

} // namespace talky::net
