#include "sipd/sinks/hep_sender.hpp"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "ipc/control.hpp"
#include "rtp/rtcp.hpp"

namespace talky::sipd {
namespace {

constexpr std::uint8_t udp = 17;
constexpr std::uint8_t tcp = 6;
constexpr std::uint64_t ntp_fraction = std::uint64_t{1} << 32;
constexpr unsigned sender_report = 200;
constexpr unsigned receiver_report = 201;
constexpr unsigned cname_item = 1;

std::string sender_json(const rtp::SenderInfo& info) {
  const std::uint64_t us = (info.ntp & (ntp_fraction - 1)) * 1'000'000 / ntp_fraction;
  return fmt::format(
      R"("sender_information":{{"ntp_timestamp_sec":{},"ntp_timestamp_usec":{},"octets":{},"rtp_timestamp":{},)"
      R"("packets":{}}},)",
      info.ntp >> 32, us, info.octets, info.rtp_timestamp, info.packets);
}

std::string block_json(const rtp::ReportBlock& block) {
  return fmt::format(
      R"({{"source_ssrc":{},"highest_seq_no":{},"fraction_lost":{},"ia_jitter":{},"packets_lost":{},"lsr":{},)"
      R"("dlsr":{}}})",
      block.ssrc, block.highest_sequence, block.fraction_lost, block.jitter, block.cumulative_lost,
      block.last_sr, block.delay_since_sr);
}

} // namespace

bool is_muxed_rtcp(Bytes datagram) {
  if (datagram.size() < 2) return false;
  const auto type = std::to_integer<unsigned>(datagram[1]);
  return type >= 192 && type <= 223;
}

std::string rtcp_json(Bytes datagram) {
  const auto packets = rtp::parse_rtcp(datagram);
  if (!packets) return {};
  std::string report;
  std::string description;
  for (const rtp::RtcpPacket& packet : *packets) {
    if (const auto* r = std::get_if<rtp::Report>(&packet); r && report.empty()) {
      if (r->sender) report = sender_json(*r->sender);
      report += fmt::format(R"("ssrc":{},"type":{},"report_count":{},"report_blocks":[)", r->ssrc,
                            r->sender ? sender_report : receiver_report, r->blocks.size());
      for (std::size_t i = 0; i < r->blocks.size(); ++i)
        report.append(i == 0 ? "" : ",").append(block_json(r->blocks[i]));
      report += "]";
    } else if (const auto* c = std::get_if<rtp::Cname>(&packet); c && description.empty()) {
      description =
          fmt::format(R"(,"sdes_ssrc":{},"sdes_report_count":1,"sdes_information":[{{"type":{},"text":{}}}])",
                      c->ssrc, cname_item, ipc::json_string(c->name));
    }
  }
  return report.empty() ? report : fmt::format("{{{}{}}}", report, description);
}

net::SysResult<HepSender> HepSender::open(net::Loop& loop, HepOptions options) {
  const IpAddress any = options.collector.ip.is_v4() ? IpAddress::v4(0, 0, 0, 0) : IpAddress{};
  const IpAddress local =
      net::source_address_for(options.collector).value_or(any); // so that it is no wider than it must be
  auto socket = net::UdpSocket::open(loop, {local, 0}, {});
  if (!socket) return tl::unexpected(socket.error());
  return HepSender(std::move(*socket), std::move(options));
}

void HepSender::sip(const sip::Flow& flow, std::string_view bytes, bool incoming, std::int64_t time_us) {
  if (!scratch_.assign(bytes)) return;
  telemetry::HepPacket packet;
  packet.transport = flow.transport == sip::Transport::tcp ? tcp : udp;
  packet.from = incoming ? flow.remote : flow.local;
  packet.to = incoming ? flow.local : flow.remote;
  packet.time_us = time_us;
  packet.correlation = scratch_.call_id();
  packet.payload = bytes;
  send(packet);
}

void HepSender::rtcp(std::string_view call_id, const Endpoint& from, const Endpoint& to, Bytes datagram,
                     std::int64_t time_us) {
  const std::string json = rtcp_json(datagram);
  if (json.empty()) return;
  telemetry::HepPacket packet;
  packet.type = telemetry::HepPacket::Type::rtcp_json;
  packet.from = from;
  packet.to = to;
  packet.time_us = time_us;
  packet.correlation = call_id;
  packet.payload = json;
  send(packet);
}

void HepSender::send(telemetry::HepPacket& packet) {
  packet.capture_id = options_.capture_id;
  packet.key = options_.key;
  constexpr std::size_t longest_id = 255;
  if (packet.correlation.size() > longest_id) packet.correlation = packet.correlation.substr(0, longest_id);
  if (telemetry::encode_hep(packet, out_) && socket_.send(out_, options_.collector)) {
    ++sent_;
  } else {
    ++dropped_;
  }
}

} // namespace talky::sipd
