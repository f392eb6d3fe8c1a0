// When this side reports, and what the peer's reports say: RFC 3550 6.2 to 6.4 for a session of two, over
// unicast, with the reduced minimum interval of 6.2 (360 s / bandwidth in kbit/s).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "core/time.hpp"
#include "rtp/rtcp.hpp"
#include "rtp/sender.hpp"
#include "rtp/statistics.hpp"

namespace talky::rtp {

class RtcpSession {
 public:
  struct Config {
    std::string cname = "talky";
    std::uint64_t ntp_at_epoch = 0;    // NTP time of Time{}
    std::uint32_t bandwidth_kbps = 80; // of the RTP session: 5 % of it are RTCP's
  };
  struct PeerReport {         // on what we send
    double fraction_lost = 0; // since the report before, 0 to 1
    std::int32_t cumulative_lost = 0;
    std::uint32_t highest_sequence = 0;
    std::uint32_t jitter = 0; // units of our RTP clock
    std::optional<Duration> rtt;
    Time at;
  };
  struct Received {
    bool bye = false; // for the peer's SSRC, or all that it named
    bool report = false;
  };

  RtcpSession(const Config& config, Random& random);

  void start(Time now);
  // Of the sender's present state: `timestamp` is what an RTP packet made at `now` would bear.
  Result<Received> receive(Bytes datagram, std::uint32_t our_ssrc, std::uint32_t peer_ssrc, Time now);
  // Makes a report if it is due; then poll(). `timestamp` is the RTP time of `now`.
  void expire(const Sender& sender, std::uint32_t timestamp, Statistics& reception, Time now);
  std::optional<Time> deadline() const { return next_; }
  // A last report, with a BYE (6.3.7: at once, the session is small). No deadlines after it.
  void bye(const Sender& sender, std::uint32_t timestamp, Statistics& reception, std::string_view reason,
           Time now);
  // One compound packet; valid until the next call of a non-const member.
  std::optional<Bytes> poll();

  const std::optional<PeerReport>& peer_report() const { return peer_report_; }
  const std::optional<Duration>& rtt() const { return rtt_; }
  const std::string& peer_cname() const { return peer_cname_; }

 private:
  void report(const Sender& sender, std::uint32_t timestamp, Statistics& reception, Time now);
  Duration interval(bool initial);

  Config config_;
  Random random_;
  std::optional<Time> next_;
  std::vector<std::byte> out_;
  bool pending_ = false;
  double average_size_ = 100;      // bytes with UDP and IP headers
  std::uint64_t sent_packets_ = 0; // by RTP, at the report before the last: a sender is who sent since then
  std::uint64_t sent_before_ = 0;

  std::uint32_t last_sr_ = 0; // middle of its NTP time
  Time last_sr_at_;
  std::uint32_t last_sr_ssrc_ = 0;
  std::optional<PeerReport> peer_report_;
  std::optional<Duration> rtt_;
  std::string peer_cname_;
};

} // namespace talky::rtp
