// The ticks of a call's media: what comes in, and what poll() makes of the time.
#include <algorithm>
#include <utility>

#include "media/media_impl.hpp"
#include "rtp/packet.hpp"

namespace talky::media {

namespace {
constexpr Duration kLateTick = std::chrono::milliseconds(10);
constexpr std::uint8_t kComfortNoise = 13; // RFC 3389
} // namespace

Result<> Media::Impl::configure(const MediaSession& to) {
  // Each of the two changes nothing when it fails, and both look for the same codecs.
  if (const auto done = receiver.configure(to.formats); !done) return done;
  if (const auto done = transmitter.configure(to); !done) return done;
  if (to.formats.front().clock_rate != statistics_clock()) {
    statistics.set_clock_rate(to.formats.front().clock_rate);
    events = rtp::EventReceiver(to.formats.front().clock_rate);
  }
  session = to;
  return {};
}

void Media::Impl::receive_rtp(Bytes datagram, const Endpoint& from, Time at) {
  const auto packet = rtp::PacketView::parse(datagram);
  if (!packet) {
    ++malformed;
    return;
  }
  const bool is_event = session.telephone_event_in == packet->payload_type();
  const bool is_noise = packet->payload_type() == kComfortNoise;
  const bool is_audio = std::any_of(
      session.formats.begin(), session.formats.end(),
      [&packet](const MediaFormat& format) { return format.payload_type == packet->payload_type(); });
  if (!is_event && !is_noise && !is_audio) {
    ++unexpected;
    return;
  }
  const auto verdict = source.check(from, packet->ssrc(), packet->sequence(), at);
  if (verdict == MediaSource::Verdict::foreign) {
    ++foreign;
    return;
  }
  if (verdict == MediaSource::Verdict::confirmed) outputs.emplace_back(Latched{from, packet->ssrc()});
  last_received = at;
  timed_out = false;
  if (!receives(session.direction)) {
    ++unexpected;
    return;
  }
  statistics.received(*packet, at, is_audio);
  if (is_audio) {
    receiver.push(*packet, at);
    return;
  }
  receiver.push_other(*packet, at);
  if (is_event && !events.receive(packet->payload(), packet->timestamp(), packet->marker(), at)) ++malformed;
}

Endpoint Media::Impl::rtcp_target() const {
  if (rtcp_source) return *rtcp_source;
  Endpoint target = source.target();
  if (session.rtcp_mux) return target;
  // Behind a NAT the SDP's address says nothing: then the neighbour of the port that we have learned is the
  // best guess.
  if (session.remote_rtcp && target == session.remote) return *session.remote_rtcp;
  if (target.port != 0) ++target.port;
  return target;
}

void Media::Impl::receive_rtcp(Bytes datagram, const Endpoint& from, Time at) {
  const Endpoint& peer = source.target();
  const bool known = from.ip == peer.ip || from.ip == session.remote.ip ||
                     (session.remote_rtcp && from.ip == session.remote_rtcp->ip) ||
                     (source.source() && from.ip == source.source()->ip);
  if (!known) {
    ++foreign;
    return;
  }
  const auto received = rtcp.receive(datagram, transmitter.sender().ssrc(), source.ssrc(), at);
  if (!received) {
    ++malformed;
    return;
  }
  rtcp_source = from;
  if (received->bye && source.source()) outputs.emplace_back(PeerBye{});
}

void Media::Impl::expire(Time at) {
  now = std::max(now, at);
  if (!started || stopped || now < tick_time(ticks_done)) return;
  if (now - tick_time(ticks_done) > config.max_catch_up) {
    const auto skipped = (now - tick_time(ticks_done)) / kTick;
    grid += skipped * kTick;
    for (Duration::rep i = 0; i < skipped; ++i)
      transmitter.nothing();
  }
  ticks_due = static_cast<std::uint64_t>((now - grid) / kTick) + 1;
}

// Once stopped, ticks go on for as long as there is something left to be heard.
bool Media::Impl::tick_is_due() const {
  if (!stopped) return ticks_done < ticks_due;
  return last_ticks > 0 && receives(session.direction) && receiver.holds_audio();
}

// The caller's frame, and whatever else the time brings.
void Media::Impl::begin_tick() {
  const Time at = tick_time(ticks_done);
  if (now - at > kLateTick) ++late_ticks;
  pace.add(now - at);
  if (stopped) --last_ticks;
  first_sample = ticks_done * kFrameSamples;
  MediaReceiver::Frame frame;
  if (receives(session.direction)) {
    frame = receiver.frame(at, caller);
  } else {
    caller.fill(0);
  }
  level_in.add(caller);

  events.expire(at);
  while (const auto press = events.poll()) {
    outputs.emplace_back(
        DtmfReceived{press->digit, static_cast<std::uint32_t>(to_ms(press->duration)), first_sample});
  }
  if (config.rtp_timeout > Duration{0} && receives(session.direction) && !timed_out && !stopped &&
      at - last_received >= config.rtp_timeout) {
    timed_out = true;
    outputs.emplace_back(RtpTimeout{at - last_received});
  }
  if (config.rtcp && !stopped) rtcp.expire(transmitter.sender(), timestamp_now(at), statistics, at);

  delivered.first_sample = first_sample;
  delivered.samples = caller;
  delivered.frame = frame;
  if (attached) return;
  held.push_back(delivered);
  if (static_cast<Duration::rep>(held.size()) * kTick > config.max_held) held.pop_front();
}

std::optional<MediaOutput> Media::Impl::deliver_held() {
  if (!attached || held.empty()) return std::nullopt;
  delivered = held.front();
  held.pop_front();
  return CallerFrame{delivered.first_sample, delivered.samples, delivered.frame.concealed,
                     delivered.frame.silent};
}

// What this tick sends. Runs after the bridge has seen the caller's frame.
void Media::Impl::fill_packet() {
  agent.fill(0);
  sent.fill(0);
  if (stopped) return;
  const bool too_late = now - tick_time(ticks_done) > config.max_send_lateness;
  if (sending() && too_late) ++unsent_ticks;
  if (!sending() || too_late) {
    transmitter.nothing();
    talk_in.pass(kFrameSamples);
  } else if (transmitter.dtmf_active()) {
    dtmf_running = true;
    transmitter.dtmf();
    talk_in.pass(kFrameSamples);
  } else {
    playout.take(agent);
    sent = agent;
    talk_in.mix(sent);
    if (playout.queued() < static_cast<std::size_t>(config.max_playout.count() * kSampleRate / 2'000'000)) {
      overflow = false;
    }
    transmitter.audio(sent);
  }
  level_out.add(sent);
  if (dtmf_running && transmitter.dtmf_idle()) {
    dtmf_running = false;
    outputs.emplace_back(DtmfSent{});
  }
}

std::optional<MediaOutput> Media::Impl::next_packet() {
  const auto packet = transmitter.packet();
  if (!packet) return std::nullopt;
  if (transmitter.complete()) playout.sent(transmitter.delay());
  return SendRtp{source.target(), *packet};
}

std::optional<MediaOutput> Media::Impl::end_tick() {
  stage = Stage::idle;
  ++ticks_done;
  while (auto mark = playout.poll())
    outputs.emplace_back(MarkReached{std::move(mark->name), mark->position, mark->discarded});
  if (!config.recording) return std::nullopt;
  for (std::size_t i = 0; i < kFrameSamples; ++i) {
    stereo[2 * i] = caller[i];
    stereo[2 * i + 1] = sent[i];
  }
  return RecordingFrame{first_sample, stereo, agent};
}

std::optional<MediaOutput> Media::Impl::poll() {
  while (true) {
    if (stage == Stage::send) {
      fill_packet();
      stage = Stage::record;
    }
    if (stage == Stage::record) {
      if (auto packet = next_packet()) return packet;
      if (auto recording = end_tick()) return recording;
    }
    if (!outputs.empty()) {
      MediaOutput output = std::move(outputs.front());
      outputs.pop_front();
      return output;
    }
    if (const auto report = rtcp.poll()) {
      const Endpoint target = rtcp_target();
      if (target.port != 0 && !target.ip.is_unspecified()) return SendRtcp{target, *report};
    }
    if (auto frame = deliver_held()) return frame;
    if (!tick_is_due()) return std::nullopt;
    begin_tick();
    stage = Stage::send;
    if (attached) {
      return CallerFrame{first_sample, caller, delivered.frame.concealed, delivered.frame.silent};
    }
  }
}

} // namespace talky::media
