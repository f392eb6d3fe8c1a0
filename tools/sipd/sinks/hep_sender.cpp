#include "sipd/sinks/hep_sender.hpp"

#include <utility>
#include <variant>

#include "core/utf8.hpp"
#include "json/json.hpp"
#include "rtp/rtcp.hpp"

namespace talky::sipd {
namespace {

constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint64_t kNtpFraction = std::uint64_t{1} << 32;
constexpr unsigned kSenderReport = 200;
constexpr unsigned kReceiverReport = 201;
constexpr unsigned kCnameItem = 1;

json::object sender_json(const rtp::SenderInfo& info) {
  const std::uint64_t us = (info.ntp & (kNtpFraction - 1)) * 1'000'000 / kNtpFraction;
  return {{"ntp_timestamp_sec", info.ntp >> 32},
          {"ntp_timestamp_usec", us},
          {"octets", info.octets},
          {"rtp_timestamp", info.rtp_timestamp},
          {"packets", info.packets}};
}

json::object block_json(const rtp::ReportBlock& block) {
  return {{"source_ssrc", block.ssrc},
          {"highest_seq_no", block.highest_sequence},
          {"fraction_lost", block.fraction_lost},
          {"ia_jitter", block.jitter},
          {"packets_lost", block.cumulative_lost},
          {"lsr", block.last_sr},
          {"dlsr", block.delay_since_sr}};
}

json::object report_json(const rtp::Report& report) {
  json::object out;
  if (report.sender) out["sender_information"] = sender_json(*report.sender);
  out["ssrc"] = report.ssrc;
  out["type"] = report.sender ? kSenderReport : kReceiverReport;
  out["report_count"] = report.blocks.size();
  json::array& blocks = out["report_blocks"].emplace_array();
  for (const rtp::ReportBlock& block : report.blocks)
    blocks.push_back(block_json(block));
  return out;
}

} // namespace

std::string rtcp_json(Bytes datagram) {
  const auto packets = rtp::parse_rtcp(datagram);
  if (!packets) return {};
  json::object out;
  const rtp::Cname* cname = nullptr;
  for (const rtp::RtcpPacket& packet : *packets) {
    if (const auto* report = std::get_if<rtp::Report>(&packet); report != nullptr && out.empty())
      out = report_json(*report);
    if (cname == nullptr) cname = std::get_if<rtp::Cname>(&packet);
  }
  if (out.empty()) return {};
  if (cname != nullptr) {
    const std::string name = utf8::repaired(cname->name);
    out["sdes_ssrc"] = cname->ssrc;
    out["sdes_report_count"] = 1;
    out["sdes_information"] = json::array{json::object{{"type", kCnameItem}, {"text", name}}};
  }
  return json::compact(out);
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
  packet.transport = flow.transport == sip::Transport::tcp ? kTcp : kUdp;
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
  constexpr std::size_t kLongestId = 255;
  if (packet.correlation.size() > kLongestId) packet.correlation = packet.correlation.substr(0, kLongestId);
  if (telemetry::encode_hep(packet, out_) && socket_.send(out_, options_.collector)) {
    ++sent_;
  } else {
    ++dropped_;
  }
}

} // namespace talky::sipd
