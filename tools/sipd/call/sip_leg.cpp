#include "sipd/call/sip_leg.hpp"

#include <utility>

namespace talky::sipd {

tl::expected<void, std::string> SipLeg::open(MediaPort::Receive receive) {
  auto port = host_.open_media(flow_.local.ip, std::move(receive));
  if (!port) return tl::unexpected(port.error());
  port_ = std::move(*port);
  return {};
}

sdp::LocalMedia SipLeg::media() const {
  return {host_.options().advertise.value_or(flow_.local.ip), port(), 0};
}

void SipLeg::send(const call::SendMedia& media) {
  // A loopback socket cannot reach the LAN address that a phone on this machine writes into its SDP. Its
  // packets show where it is, and from then on that is where ours go.
  if (port_) port_->send(media.bytes, media.to, media.is_rtcp);
}

bool SipLeg::ring(Time now) {
  return host_.user_agent().ring(key, now).has_value();
}

void SipLeg::dial(call::InviteOptions invite, OutSlot slot) {
  invite_ = std::move(invite);
  slot_ = std::move(slot);
}

Result<> SipLeg::accept(Duration ring_time, bool recording, Time now) {
  if (invite_) {
    call::InviteOptions invite = *std::exchange(invite_, std::nullopt);
    invite.media = media();
    invite.recording = recording;
    const auto placed = host_.user_agent().invite(invite, now);
    if (!placed) {
      invite_ = std::move(invite); // reject() may follow
      return tl::unexpected(placed.error());
    }
    host_.rename(std::exchange(key, *placed), *placed);
    attach_bridge();
    return {};
  }
  call::AcceptOptions options;
  options.media = media();
  options.ring_time = ring_time;
  options.recording = recording;
  return host_.user_agent().accept(key, options, now);
}

Result<> SipLeg::reject(int status, Time now) {
  if (invite_) { // the UserAgent knows nothing of it
    invite_.reset();
    const auto over =
        call::call_ended(key, call::EndCause::cancelled, false, status, "", now, std::nullopt, now);
    host_.leg_ended(over);
    return {};
  }
  return host_.user_agent().reject(key, status, "", now);
}

void SipLeg::attach_bridge() {
  (void)host_.user_agent().attach_bridge(key); // a call that has ended meanwhile needs none
}

Result<std::size_t> SipLeg::play(std::span<const std::int16_t> samples) {
  return host_.user_agent().play(key, samples);
}

std::uint64_t SipLeg::queued() const {
  return host_.user_agent().queued(key);
}

std::size_t SipLeg::talk_in(std::span<const std::int16_t> samples) {
  return host_.user_agent().talk_in(key, samples).value_or(samples.size());
}

std::optional<ipc::Cleared> SipLeg::clear(Time /*now*/) {
  const auto cleared = host_.user_agent().clear(key);
  if (!cleared) return ipc::Cleared{0, played_before};
  return ipc::Cleared{cleared->discarded, played_before + cleared->played};
}

void SipLeg::duck(bool on) {
  (void)host_.user_agent().duck(key, on);
}

void SipLeg::mark(const std::string& name) {
  (void)host_.user_agent().mark(key, name);
}

std::optional<media::MediaQuality> SipLeg::quality() const {
  return host_.user_agent().quality(key);
}

Result<> SipLeg::dtmf(std::string_view digits, Duration length, Time now) {
  return host_.user_agent().dtmf(key, digits, length, now);
}

Result<> SipLeg::hold(Time now) {
  return host_.user_agent().hold(key, now);
}

Result<> SipLeg::resume(Time now) {
  return host_.user_agent().resume(key, now);
}

Result<> SipLeg::transfer(std::string_view target, Time now) {
  return host_.user_agent().transfer(key, target, now);
}

Result<> SipLeg::hangup(std::string_view reason, bool after_playout, Time now) {
  return host_.user_agent().hangup(key, reason, after_playout, now);
}

LegDetails SipLeg::details(const call::CallAnswered& event) const {
  return {event.plan.remote_rtp, port(), ""};
}

} // namespace talky::sipd
