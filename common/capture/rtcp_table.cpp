#include "capture/rtcp_table.hpp"

#include <algorithm>
#include <variant>

namespace talky::capture {

bool RtcpTable::add(const file::Segment& segment) {
  const auto packets = rtp::parse_rtcp(segment.payload);
  if (!packets) {
    ++broken_;
    return false;
  }
  for (const rtp::RtcpPacket& packet : *packets) {
    if (const auto* said = std::get_if<rtp::Report>(&packet)) {
      report(segment, *said);
    } else if (const auto* name = std::get_if<rtp::Cname>(&packet)) {
      Source* known = source({segment.from.ip, name->ssrc});
      if (known != nullptr && known->said.cname.empty()) known->said.cname = printable(name->name);
    } else if (const auto* bye = std::get_if<rtp::Bye>(&packet)) {
      for (const std::uint32_t ssrc : bye->ssrcs) {
        Source* known = source({segment.from.ip, ssrc});
        if (known == nullptr || known->said.bye_ns) continue;
        known->said.bye_ns = segment.time_ns;
        known->said.bye_reason = printable(bye->reason);
      }
    }
  }
  return true;
}

RtcpTable::Source* RtcpTable::source(const Key& key) {
  if (const auto known = sources_.find(key); known != sources_.end()) return &known->second;
  return sources_.size() < kMaxSources ? &sources_[key] : nullptr;
}

void RtcpTable::report(const file::Segment& segment, const rtp::Report& report) {
  if (report.sender) {
    if (Source* sender = source({segment.from.ip, report.ssrc})) {
      ++sender->said.reports;
      sender->said.packets = report.sender->packets;
      sender->said.octets = report.sender->octets;
      sender->passed[sender->next] = {rtp::ntp_middle(report.sender->ntp), segment.time_ns};
      sender->next = (sender->next + 1) % sender->passed.size();
    }
  }
  for (const rtp::ReportBlock& said : report.blocks)
    block(segment, said);
}

void RtcpTable::block(const file::Segment& segment, const rtp::ReportBlock& said) {
  const Key key{segment.from.ip, said.ssrc};
  if (!receptions_.contains(key) && receptions_.size() >= kMaxSources) return;
  Reception& all = receptions_[key];
  if (all.reports++ == 0) all.first_ns = segment.time_ns;
  all.last_ns = segment.time_ns;
  all.lost = said.cumulative_lost;
  all.worst_fraction = std::max(all.worst_fraction, said.fraction_lost / 256.0);
  all.jitter = said.jitter;
  all.highest_jitter = std::max(all.highest_jitter, said.jitter);
  if (said.last_sr == 0) return;
  const auto sender = sources_.find({segment.to.ip, said.ssrc});
  if (sender == sources_.end()) return;
  for (const Source::Passed& passed : sender->second.passed) {
    if (passed.time_ns == 0 || passed.middle != said.last_sr) continue;
    const double waited = said.delay_since_sr * 1000.0 / 65'536;
    const double round_trip = static_cast<double>(segment.time_ns - passed.time_ns) * 1e-6 - waited;
    if (round_trip < -1) return; // a receiver that counts wrongly
    const double ms = std::max(0.0, round_trip);
    all.least_ms = all.round_trips == 0 ? ms : std::min(all.least_ms, ms);
    all.greatest_ms = std::max(all.greatest_ms, ms);
    ++all.round_trips;
    all.round_trip_ms += (ms - all.round_trip_ms) / static_cast<double>(all.round_trips);
    return;
  }
}

const Reception* RtcpTable::reception_of(const Stream& stream) const {
  const auto known = receptions_.find({stream.to.ip, stream.ssrc});
  return known != receptions_.end() ? &known->second : nullptr;
}

const Sending* RtcpTable::sending_of(const Stream& stream) const {
  const auto known = sources_.find({stream.from.ip, stream.ssrc});
  return known != sources_.end() ? &known->second.said : nullptr;
}

} // namespace talky::capture
