// A bad line on demand: what a network does to the packets of one stream, drawn from a seed, so that it does
// the same every time. It holds no packets; it says of each, in the order of sending, when it arrives.
//
//   loss     Gilbert's model: in the bad state everything is lost, in the good one nothing. The two
//            transitions follow from the share of lost packets and the mean length of a burst; without a
//            length the losses are independent of each other
//   jitter   a delay of its own for each packet, exponentially distributed with this mean, which is then the
//            interarrival jitter of RFC 3550 6.4.1, as long as it is short against the packets' spacing;
//            packets wait in one queue and do not overtake each other
//   reorder  this share of the packets is held up until the next one has passed
//   dup      this share arrives twice
//   ppm      the sender's clock is slow by this much (fast, where it is negative)
//
// Each of them has chance of its own: more jitter does not change which packets are lost.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/random.hpp"
#include "core/time.hpp"

namespace talky::rtp {

struct Impairment {
  double loss = 0;             // share of the packets, 0 to 1
  std::optional<double> burst; // mean length of a run of lost packets, 1 or more
  Duration jitter{0};          // up to 10 s
  double reorder = 0;
  double duplicate = 0;
  double ppm = 0; // -100,000 to 100,000
  std::uint64_t seed = 1;

  bool operator==(const Impairment&) const = default;
  // "loss=2%,burst=3,jitter=30ms,reorder=1%,dup=1%,ppm=50,seed=7", in any order, each at most once. Errors:
  // malformed, with the offset of what is wrong.
  static Result<Impairment> parse(std::string_view text);
};

class NetworkImpairer {
 public:
  // Loss and burst must fit each other, as parse() sees to: burst >= loss / (1 - loss).
  explicit NetworkImpairer(const Impairment& impairment);

  // When the packet's copies arrive: none if it is lost, two if it is duplicated, in order of time. `sent`
  // never goes back.
  struct Delivery {
    std::size_t copies = 0;
    std::array<Time, 2> arrival{};
  };
  Delivery send(Time sent);
  // Nothing that is sent at `sent` or later arrives before this.
  Time earliest(Time sent) const;

 private:
  Time drifted(Time sent) const;
  Time queue(Time from, Duration delay);

  Impairment impairment_;
  double enter_bad_ = 0, leave_bad_ = 1;
  bool bad_ = false;
  Random loss_, jitter_, reorder_, duplicate_;
  std::optional<Time> first_, last_sent_;
  Duration spacing_ = std::chrono::milliseconds(20); // between the last two packets sent
  std::optional<Time> last_arrival_;                 // of what stays in order
};

// The network with the packets in it, for whoever has no queue of their own. Packets must be copyable.
template <class Packet>
class ImpairedQueue {
 public:
  explicit ImpairedQueue(const Impairment& impairment) : network_(impairment) {}

  void send(const Packet& packet, Time sent) {
    horizon_ = network_.earliest(sent);
    const NetworkImpairer::Delivery delivery = network_.send(sent);
    for (std::size_t i = 0; i < delivery.copies; ++i)
      insert(packet, delivery.arrival.at(i));
  }
  void wait(Time now) {
    horizon_ = network_.earliest(now);
  }                             // nothing is sent before `now`, which never goes back
  void end() { ended_ = true; } // nothing more is sent: poll() gives all that is left
  // What is still to be sent arrives no earlier.
  Time horizon() const { return horizon_; }
  // The next that has arrived for certain, whatever is still to be sent.
  std::optional<std::pair<Time, Packet>> poll() {
    if (waiting_.empty() || (!ended_ && waiting_.front().first > horizon_)) return std::nullopt;
    auto first = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    return first;
  }

 private:
  void insert(const Packet& packet, Time arrival) {
    const auto place = std::upper_bound(waiting_.begin(), waiting_.end(), arrival,
                                        [](Time at, const auto& other) { return at < other.first; });
    waiting_.emplace(place, arrival, packet);
  }

  NetworkImpairer network_;
  std::vector<std::pair<Time, Packet>> waiting_; // by arrival
  Time horizon_{};
  bool ended_ = false;
};

} // namespace talky::rtp
