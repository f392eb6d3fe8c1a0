// A network of chance: what is sent arrives later, out of order, twice or never, and always the same way for
// the same seed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "core/random.hpp"
#include "core/time.hpp"

namespace talky::sim {

struct Packet {
  Endpoint from, to;
  std::vector<std::byte> bytes;

  std::string_view text() const { return as_text(bytes); }
};

struct Impairment {
  double loss = 0; // shares of packets, 0 to 1
  double duplicate = 0;
  double reorder = 0; // held back by `hold`, so that later ones overtake
  Duration delay = std::chrono::milliseconds(10);
  Duration jitter{0}; // added to the delay, evenly from 0 to this
  Duration hold = std::chrono::milliseconds(25);
};

class Network {
 public:
  struct Counters {
    std::uint64_t sent = 0, lost = 0, duplicated = 0, reordered = 0, blocked = 0, delivered = 0;
  };
  // True: the packet disappears, whatever the impairment says.
  using Filter = std::function<bool(const Packet&)>;

  Network(const Impairment& impairment, std::uint64_t seed) : impairment_(impairment), random_(seed) {}

  void set(const Impairment& impairment) { impairment_ = impairment; }
  void block(Filter filter) { filter_ = std::move(filter); }

  void send(Packet packet, Time now) {
    ++counters_.sent;
    if (filter_ && filter_(packet)) {
      ++counters_.blocked;
      return;
    }
    // Chance is drawn in the same order for every packet, so that one setting does not shift the others.
    const double loss = random_.uniform();
    const double duplicate = random_.uniform();
    const double reorder = random_.uniform();
    const Time first = arrival(now);
    const Time second = arrival(now);
    if (loss < impairment_.loss) {
      ++counters_.lost;
      return;
    }
    if (duplicate < impairment_.duplicate) {
      ++counters_.duplicated;
      queue_.push({second, sequence_++, packet});
    }
    const bool held = reorder < impairment_.reorder;
    counters_.reordered += held ? 1U : 0U;
    queue_.push({held ? first + impairment_.hold : first, sequence_++, std::move(packet)});
  }

  std::optional<Time> deadline() const {
    return queue_.empty() ? std::nullopt : std::optional(queue_.top().arrival);
  }
  // The next packet that has arrived by now; those of the same time in the order of sending.
  std::optional<Packet> receive(Time now) {
    if (queue_.empty() || queue_.top().arrival > now) return std::nullopt;
    Packet packet = queue_.top().packet;
    queue_.pop();
    ++counters_.delivered;
    return packet;
  }
  const Counters& counters() const { return counters_; }

 private:
  struct Flying {
    Time arrival;
    std::uint64_t sequence;
    Packet packet;
    bool operator>(const Flying& other) const {
      return std::pair(arrival, sequence) > std::pair(other.arrival, other.sequence);
    }
  };

  Time arrival(Time now) {
    const double share = random_.uniform();
    const auto jitter = static_cast<Duration::rep>(share * static_cast<double>(impairment_.jitter.count()));
    return now + impairment_.delay + Duration(jitter);
  }

  Impairment impairment_;
  Random random_;
  Filter filter_;
  std::priority_queue<Flying, std::vector<Flying>, std::greater<>> queue_;
  std::uint64_t sequence_ = 0;
  Counters counters_;
};

} // namespace talky::sim
