#include "rtp/rtcp_session.hpp"

#include <algorithm>
#include <variant>

namespace talky::rtp {

namespace {
constexpr double kCompensation = 1.21828; // e - 3/2, RFC 3550 6.3.1
constexpr double kHeaders = 28;           // IPv4 and UDP
constexpr std::size_t kMaxCname = 255;
} // namespace

RtcpSession::RtcpSession(const Config& config, Random& random)
    : config_(config), random_(Random::Seed{random(), random(), random(), random()}) {}

void RtcpSession::start(Time now) {
  next_ = now + interval(true);
}

// RFC 3550 6.3.1 with two members.
Duration RtcpSession::interval(bool initial) {
  const double rtcp_bytes_per_second = config_.bandwidth_kbps * 1000.0 / 8 * 0.05;
  const double minimum = std::min(5.0, 360.0 / config_.bandwidth_kbps);
  const double seconds = std::max(2 * average_size_ / rtcp_bytes_per_second, initial ? minimum / 2 : minimum);
  const double random = (random_.uniform() + 0.5) / kCompensation;
  return Duration{static_cast<std::int64_t>(seconds * random * 1e6)};
}

Result<RtcpSession::Received> RtcpSession::receive(Bytes datagram, std::uint32_t our_ssrc,
                                                   std::uint32_t peer_ssrc, Time now) {
  const auto packets = parse_rtcp(datagram);
  if (!packets) return tl::make_unexpected(packets.error());
  average_size_ += (static_cast<double>(datagram.size()) + kHeaders - average_size_) / 16;
  Received result;
  for (const RtcpPacket& packet : *packets) {
    if (const auto* report = std::get_if<Report>(&packet)) {
      result.report = true;
      if (report->sender) {
        last_sr_ = ntp_middle(report->sender->ntp);
        last_sr_at_ = now;
        last_sr_ssrc_ = report->ssrc;
      }
      for (const ReportBlock& block : report->blocks) {
        if (block.ssrc != our_ssrc) continue;
        PeerReport peer{block.fraction_lost / 256.0,
                        block.cumulative_lost,
                        block.highest_sequence,
                        block.jitter,
                        std::nullopt,
                        now};
        if (block.last_sr != 0) { // 6.4.1: A - LSR - DLSR
          const std::uint32_t arrived = ntp_middle(ntp_time(now, config_.ntp_at_epoch));
          const auto round = static_cast<std::int32_t>(arrived - block.last_sr - block.delay_since_sr);
          // Clocks are read in steps, so a short way may come out below zero.
          const std::int64_t us = std::max<std::int64_t>(0, std::int64_t{round} * 1'000'000 / 65'536);
          if (us < 60'000'000) peer.rtt = rtt_ = Duration{us};
        }
        peer_report_ = peer;
      }
    } else if (const auto* cname = std::get_if<Cname>(&packet)) {
      if (peer_cname_.empty()) peer_cname_ = cname->name.substr(0, kMaxCname);
    } else if (const auto* bye = std::get_if<Bye>(&packet)) {
      result.bye =
          result.bye || std::find(bye->ssrcs.begin(), bye->ssrcs.end(), peer_ssrc) != bye->ssrcs.end();
    }
  }
  return result;
}

void RtcpSession::report(const Sender& sender, std::uint32_t timestamp, Statistics& reception, Time now) {
  Report report;
  report.ssrc = sender.ssrc();
  if (sender.packets() > sent_before_) { // sent within the last two intervals
    report.sender =
        SenderInfo{ntp_time(now, config_.ntp_at_epoch), timestamp,
                   static_cast<std::uint32_t>(sender.packets()), static_cast<std::uint32_t>(sender.octets())};
  }
  sent_before_ = sent_packets_;
  sent_packets_ = sender.packets();
  if (reception.any()) {
    ReportBlock block;
    block.ssrc = reception.ssrc();
    block.fraction_lost = reception.fraction_lost();
    block.cumulative_lost = reception.cumulative_lost();
    block.highest_sequence = reception.extended_highest();
    block.jitter = reception.jitter_units();
    if (last_sr_ != 0 && last_sr_ssrc_ == block.ssrc) {
      block.last_sr = last_sr_;
      const std::int64_t us = (now - last_sr_at_).count();
      block.delay_since_sr = static_cast<std::uint32_t>(us * 65'536 / 1'000'000);
    }
    report.blocks.push_back(block);
  }
  out_.clear();
  append_report(report, out_);
  append_cname(sender.ssrc(), config_.cname, out_);
}

void RtcpSession::expire(const Sender& sender, std::uint32_t timestamp, Statistics& reception, Time now) {
  if (!next_ || now < *next_) return;
  report(sender, timestamp, reception, now);
  pending_ = true;
  average_size_ += (static_cast<double>(out_.size()) + kHeaders - average_size_) / 16;
  next_ = now + interval(false);
}

void RtcpSession::bye(const Sender& sender, std::uint32_t timestamp, Statistics& reception,
                      std::string_view reason, Time now) {
  if (!next_) return;
  next_.reset();
  if (sender.packets() == 0 && !reception.any()) return; // 6.3.7: who never sent anything must not say BYE
  report(sender, timestamp, reception, now);
  append_bye(sender.ssrc(), reason, out_);
  pending_ = true;
}

std::optional<Bytes> RtcpSession::poll() {
  if (!pending_) return std::nullopt;
  pending_ = false;
  return Bytes(out_);
}

} // namespace talky::rtp
