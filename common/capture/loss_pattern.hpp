// How the losses of a stream lie: in bursts or alone (RFC 3611 4.7.2, Gmin = 16), and in runs (G.107).
//
// A burst begins and ends with a lost packet and holds no 16 packets in a row that came; all else is gap, a
// loss that stands alone included. Lost is what a listener did not hear: what came too late as well.
#pragma once
#include <cstdint>

namespace talky::capture {

class LossPattern {
 public:
  static constexpr std::uint64_t kGmin = 16;

  struct Summary {
    std::uint64_t lost = 0;
    std::uint64_t bursts = 0;
    double burst_density = 0; // share of the packets in bursts that were lost, 0 to 1
    double gap_density = 0;   // and outside of them
    double burst_packets = 0; // mean length of a burst, in packets
    double gap_packets = 0;   // and of a gap
    double burst_ratio = 1;   // 1: as if by chance; above: losses follow each other (G.107 8.4)
  };

  // `position` counts packets as sent and only grows.
  void lose(std::uint64_t position) {
    if (lost_ == 0 || position - last_ > kGmin) {
      close();
      first_ = position;
      cluster_ = 0;
    }
    if (lost_ == 0 || position != last_ + 1) ++runs_;
    ++lost_;
    ++cluster_;
    last_ = position;
  }

  // Of a stream of so many packets.
  Summary summary(std::uint64_t packets) const {
    LossPattern all = *this;
    all.close();
    Summary out;
    out.lost = lost_;
    out.bursts = all.bursts_;
    const auto number = [](std::uint64_t n) { return static_cast<double>(n); };
    const std::uint64_t outside = packets > all.in_bursts_ ? packets - all.in_bursts_ : 0;
    if (all.in_bursts_ > 0) out.burst_density = number(all.lost_in_bursts_) / number(all.in_bursts_);
    if (outside > 0) out.gap_density = number(lost_ - all.lost_in_bursts_) / number(outside);
    if (all.bursts_ > 0) out.burst_packets = number(all.in_bursts_) / number(all.bursts_);
    out.gap_packets = number(outside) / number(all.bursts_ + 1);
    if (runs_ > 0 && packets > lost_) {
      const double ratio = number(lost_) / number(runs_) * (1 - number(lost_) / number(packets));
      if (ratio > 1) out.burst_ratio = ratio;
    }
    return out;
  }

 private:
  void close() {
    if (cluster_ < 2) return;
    ++bursts_;
    in_bursts_ += last_ - first_ + 1;
    lost_in_bursts_ += cluster_;
  }

  std::uint64_t lost_ = 0, runs_ = 0;
  std::uint64_t first_ = 0, last_ = 0, cluster_ = 0; // of losses less than Gmin apart
  std::uint64_t bursts_ = 0, in_bursts_ = 0, lost_in_bursts_ = 0;
};

} // namespace talky::capture
