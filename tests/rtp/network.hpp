// A one-way network in virtual time: loses, delays, reorders and duplicates by a seeded chance.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/random.hpp"
#include "core/time.hpp"

namespace talky::test {

template <class Item>
class Network {
 public:
  struct Config {
    double loss = 0;  // share of packets
    double burst = 0; // chance that a lost packet takes the next one with it
    double duplicate = 0;
    Duration delay = std::chrono::milliseconds(20);
    Duration jitter{0}; // up to this much more, uniformly; packets overtake each other
    double spike = 0;   // chance of a further delay of `spike_delay`
    Duration spike_delay = std::chrono::milliseconds(80);
  };

  Network(const Config& config, std::uint64_t seed) : config_(config), random_(seed) {}

  void send(Item item, Time now) {
    const double chance = losing_ ? std::max(config_.loss, config_.burst) : config_.loss;
    losing_ = random_.uniform() < chance;
    if (losing_) {
      ++lost_;
      return;
    }
    const bool twice = random_.uniform() < config_.duplicate;
    if (twice) put(item, now);
    put(std::move(item), now);
  }

  // What has arrived by `now`, one at a time, in the order of arrival.
  std::optional<std::pair<Time, Item>> receive(Time now) {
    const auto first = std::min_element(in_flight_.begin(), in_flight_.end(), earlier);
    if (first == in_flight_.end() || first->at > now) return std::nullopt;
    std::pair<Time, Item> result{first->at, std::move(first->item)};
    in_flight_.erase(first);
    return result;
  }

  std::size_t lost() const { return lost_; }
  Config& config() { return config_; }

 private:
  struct Flight {
    Time at;
    std::uint64_t order;
    Item item;
  };
  static bool earlier(const Flight& a, const Flight& b) {
    return a.at != b.at ? a.at < b.at : a.order < b.order;
  }
  void put(Item item, Time now) {
    Duration delay = config_.delay;
    delay +=
        Duration{static_cast<std::int64_t>(random_.uniform() * static_cast<double>(config_.jitter.count()))};
    if (random_.uniform() < config_.spike) delay += config_.spike_delay;
    in_flight_.push_back({now + delay, order_++, std::move(item)});
  }

  Config config_;
  Random random_;
  std::vector<Flight> in_flight_;
  std::uint64_t order_ = 0;
  std::size_t lost_ = 0;
  bool losing_ = false;
};

} // namespace talky::test
