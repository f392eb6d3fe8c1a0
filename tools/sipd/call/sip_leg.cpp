#include "sipd/call/sip_leg.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "sipd/worker/worker.hpp"

namespace talky::sipd {
namespace {

constexpr int port_attempts = 50; // ports of the range that another program may hold
constexpr std::uint8_t expedited_forwarding = 46;

} // namespace

tl::expected<void, std::string> SipLeg::open(Receive receive) {
  const net::UdpSocket::Options options{.dscp = expedited_forwarding};
  const IpAddress& ip = flow_.local.ip;
  net::PortPool& ports = worker_.ports();
  net::SystemError last{EADDRINUSE, "bind"};
  for (int attempt = 0; attempt < port_attempts; ++attempt) {
    const auto port = ports.take(net::now());
    if (!port) {
      return tl::unexpected(
          fmt::format("no RTP port is free: {} in use, the rest rest a while", ports.in_use()));
    }
    auto rtp = net::UdpSocket::open(worker_.loop(), {ip, *port}, options);
    auto rtcp =
        rtp ? net::UdpSocket::open(worker_.loop(), {ip, static_cast<std::uint16_t>(*port + 1)}, options)
            : tl::unexpected(rtp.error());
    if (rtcp) {
      port_ = *port;
      rtp_.emplace(std::move(*rtp));
      rtcp_.emplace(std::move(*rtcp));
      rtp_->on_receive([this, receive](const net::UdpSocket::Datagram& d) { receive(*this, d, false); });
      rtcp_->on_receive([this, receive = std::move(receive)](const net::UdpSocket::Datagram& d) {
        receive(*this, d, true);
      });
      return {};
    }
    last = rtcp.error();
    ports.give_back(*port, net::now());
    if (last.code != EADDRINUSE) break;
  }
  return tl::unexpected("RTP socket: " + last.message());
}

SipLeg::~SipLeg() {
  if (port_ != 0) worker_.ports().give_back(port_, net::now());
}

sdp::LocalMedia SipLeg::media() const {
  return {worker_.options().advertise.value_or(flow_.local.ip), port_, 0};
}

void SipLeg::send(const call::SendMedia& media) {
  // A loopback socket cannot reach the LAN address that a phone on this machine writes into its SDP. Its
  // packets show where it is, and from then on that is where ours go.
  if (port_ != 0) (void)(media.is_rtcp ? rtcp_ : rtp_)->send(media.bytes, media.to);
}

bool SipLeg::ring() {
  return worker_.agent().ring(key, net::now()).has_value();
}

void SipLeg::dial(call::InviteOptions invite, OutSlot slot) {
  invite_ = std::move(invite);
  slot_ = std::move(slot);
}

Result<> SipLeg::accept(Duration ring_time, bool recording) {
  if (invite_) {
    call::InviteOptions invite = *std::exchange(invite_, std::nullopt);
    invite.media = media();
    invite.recording = recording;
    const auto placed = worker_.agent().invite(invite, net::now());
    if (!placed) {
      invite_ = std::move(invite); // reject() may follow
      return tl::unexpected(placed.error());
    }
    worker_.rename(std::exchange(key, *placed), *placed);
    attach_bridge();
    return {};
  }
  call::AcceptOptions options;
  options.media = media();
  options.ring_time = ring_time;
  options.recording = recording;
  return worker_.agent().accept(key, options, net::now());
}

Result<> SipLeg::reject(int status) {
  if (invite_) { // the UserAgent knows nothing of it
    invite_.reset();
    const Time now = net::now();
    const auto over =
        call::call_ended(key, call::EndCause::cancelled, false, status, "", now, std::nullopt, now);
    worker_.loop().post([&worker = worker_, over] { worker.leg_ended(over); });
    return {};
  }
  return worker_.agent().reject(key, status, "", net::now());
}

void SipLeg::attach_bridge() {
  (void)worker_.agent().attach_bridge(key); // a call that has ended meanwhile needs none
}

Result<std::size_t> SipLeg::play(std::span<const std::int16_t> samples) {
  return worker_.agent().play(key, samples);
}

std::uint64_t SipLeg::queued() const {
  return worker_.agent().queued(key);
}

std::size_t SipLeg::talk_in(std::span<const std::int16_t> samples) {
  return worker_.agent().talk_in(key, samples).value_or(samples.size());
}

std::optional<ipc::Cleared> SipLeg::clear() {
  const auto cleared = worker_.agent().clear(key);
  if (!cleared) return ipc::Cleared{0, played_before};
  return ipc::Cleared{cleared->discarded, played_before + cleared->played};
}

void SipLeg::mark(const std::string& name) {
  (void)worker_.agent().mark(key, name);
}

std::optional<media::MediaQuality> SipLeg::quality() const {
  return worker_.agent().quality(key);
}

Result<> SipLeg::dtmf(std::string_view digits, Duration length) {
  return worker_.agent().dtmf(key, digits, length, net::now());
}

Result<> SipLeg::hold() {
  return worker_.agent().hold(key, net::now());
}

Result<> SipLeg::resume() {
  return worker_.agent().resume(key, net::now());
}

Result<> SipLeg::transfer(std::string_view target) {
  return worker_.agent().transfer(key, target, net::now());
}

Result<> SipLeg::hangup(std::string_view reason, bool after_playout) {
  return worker_.agent().hangup(key, reason, after_playout, net::now());
}

void SipLeg::describe(const call::CallAnswered& event, log::Line& line) const {
  line.add("rtp", event.plan.remote_rtp.to_string()).add("rtp_port", port_);
}

} // namespace talky::sipd
