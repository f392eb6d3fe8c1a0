#include "call/media.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>

#include "call/media_playout.hpp"
#include "call/media_receiver.hpp"
#include "call/media_source.hpp"
#include "call/media_transmitter.hpp"
#include "rtp/emodel.hpp"
#include "rtp/packet.hpp"
#include "rtp/rtcp_session.hpp"
#include "rtp/statistics.hpp"
#include "rtp/telephone_event.hpp"

namespace talky::call {

namespace {

constexpr Duration kLateTick = std::chrono::milliseconds(10);
constexpr std::uint8_t kComfortNoise = 13; // RFC 3389
constexpr double kSilenceDbov = -96;

using Samples = std::array<std::int16_t, kFrameSamples>;

// The level of a whole direction, in integers because every frame passes through it.
struct Level {
  std::uint64_t samples = 0;
  double squares = 0;
  std::int32_t peak = 0;

  void add(std::span<const std::int16_t, kFrameSamples> pcm) {
    std::uint64_t sum = 0;
    std::int32_t low = 0;
    std::int32_t high = 0;
    for (const std::int16_t sample : pcm) {
      const std::int32_t x = sample;
      sum += static_cast<std::uint32_t>(x * x);
      low = std::min(low, x);
      high = std::max(high, x);
    }
    samples += pcm.size();
    squares += static_cast<double>(sum);
    peak = std::max({peak, high, -low});
  }
  static double dbov(double amplitude) {
    return amplitude <= 0 ? kSilenceDbov : std::max(kSilenceDbov, 20 * std::log10(amplitude / 32768));
  }
  void report(StreamQuality& quality) const {
    quality.level_dbov =
        samples == 0 ? kSilenceDbov : dbov(std::sqrt(squares / static_cast<double>(samples)));
    quality.peak_dbov = dbov(peak);
  }
};

double to_double_ms(Duration duration) {
  return static_cast<double>(duration.count()) / 1000;
}

} // namespace

MediaSession MediaSession::from(const sdp::MediaPlan& plan) {
  MediaSession session;
  session.formats = {{plan.codec, plan.receive_payload_type, plan.clock_rate}};
  for (const sdp::Codec& codec : plan.also_receive)
    session.formats.push_back({codec.name, codec.payload_type, codec.clock_rate});
  session.send_payload_type = plan.send_payload_type;
  session.telephone_event_in = plan.dtmf_receive_payload_type;
  session.telephone_event_out = plan.dtmf_send_payload_type;
  session.remote = plan.remote_rtp;
  session.remote_rtcp = plan.remote_rtcp;
  session.rtcp_mux = plan.rtcp_mux;
  session.direction = plan.direction;
  session.ptime_ms = plan.ptime;
  return session;
}

struct Media::Impl {
  struct Held { // a caller frame made before the bridge was there
    std::uint64_t first_sample;
    Samples samples;
    MediaReceiver::Frame frame;
  };
  enum class Stage : std::uint8_t { idle, send, record };

  Impl(const MediaConfig& c, Random& random)
      : config(c),
        session(c.session),
        receiver(c.jitter),
        transmitter(random),
        source(c.session.remote, c.relatch_after),
        statistics(c.session.formats.empty() ? 8000 : c.session.formats.front().clock_rate),
        rtcp({c.cname, c.ntp_at_epoch, 80}, random),
        events(statistics_clock()),
        playout(static_cast<std::size_t>(c.max_playout.count() * kSampleRate / 1'000'000)) {}

  std::uint32_t statistics_clock() const {
    return session.formats.empty() ? 8000 : session.formats.front().clock_rate;
  }

  Time tick_time(std::uint64_t tick) const { return grid + static_cast<Duration::rep>(tick) * kTick; }
  std::uint32_t timestamp_now(Time at) const { return transmitter.timestamp_at(at - tick_time(ticks_done)); }
  bool sending() const {
    return sends(session.direction) && source.target().port != 0 && !source.target().ip.is_unspecified();
  }

  Result<> configure(const MediaSession& to);
  void receive_rtp(Bytes datagram, const Endpoint& from, Time now);
  void receive_rtcp(Bytes datagram, const Endpoint& from, Time now);
  Endpoint rtcp_target() const;
  void expire(Time now);
  void begin_tick();
  std::optional<MediaOutput> deliver_held();
  void fill_packet();
  std::optional<MediaOutput> next_packet();
  std::optional<MediaOutput> end_tick();
  std::optional<MediaOutput> poll();
  MediaQuality quality() const;

  MediaConfig config;
  MediaSession session;
  MediaReceiver receiver;
  MediaTransmitter transmitter;
  MediaSource source;
  rtp::Statistics statistics;
  rtp::RtcpSession rtcp;
  rtp::EventReceiver events;
  MediaPlayout playout;

  bool started = false, stopped = false;
  Time grid; // of tick 0; moves when a stall is skipped
  Time now;
  std::uint64_t ticks_done = 0, ticks_due = 0;
  Stage stage = Stage::idle;
  std::uint64_t first_sample = 0;
  Samples caller{}, agent{};
  std::array<std::int16_t, 2 * kFrameSamples> stereo{};

  bool attached = false;
  std::deque<Held> held;
  Held delivered{};

  std::deque<MediaOutput> outputs; // those without spans
  bool overflow = false;
  bool dtmf_running = false;
  std::optional<Endpoint> rtcp_source;

  Time last_received; // or when waiting began
  bool timed_out = false;

  std::uint64_t foreign = 0, malformed = 0, unexpected = 0, late_ticks = 0, unsent_ticks = 0;
  Level level_in, level_out;
};

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

// The caller's frame, and whatever else the time brings.
void Media::Impl::begin_tick() {
  const Time at = tick_time(ticks_done);
  if (now - at > kLateTick) ++late_ticks;
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
  if (config.rtp_timeout > Duration{0} && receives(session.direction) && !timed_out &&
      at - last_received >= config.rtp_timeout) {
    timed_out = true;
    outputs.emplace_back(RtpTimeout{at - last_received});
  }
  if (config.rtcp) rtcp.expire(transmitter.sender(), timestamp_now(at), statistics, at);

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
  const bool too_late = now - tick_time(ticks_done) > config.max_send_lateness;
  if (sending() && too_late) ++unsent_ticks;
  if (!sending() || too_late) {
    transmitter.nothing();
  } else if (transmitter.dtmf_active()) {
    dtmf_running = true;
    transmitter.dtmf();
  } else {
    playout.take(agent);
    if (playout.queued() < static_cast<std::size_t>(config.max_playout.count() * kSampleRate / 2'000'000)) {
      overflow = false;
    }
    transmitter.audio(agent);
  }
  level_out.add(agent);
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
    stereo[2 * i + 1] = agent[i];
  }
  return RecordingFrame{first_sample, stereo};
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
    if (stopped || ticks_done >= ticks_due) return std::nullopt;
    begin_tick();
    stage = Stage::send;
    if (attached) {
      return CallerFrame{first_sample, caller, delivered.frame.concealed, delivered.frame.silent};
    }
  }
}

MediaQuality Media::Impl::quality() const {
  MediaQuality q;
  const auto seen = statistics.snapshot();
  const auto buffer = receiver.totals();
  q.in.packets = seen.received;
  q.in.bytes = seen.payload_bytes;
  q.in.lost = seen.lost;
  q.in.loss_percent = seen.loss * 100;
  q.in.burst_ratio = seen.burst_ratio;
  q.in.jitter_ms = to_double_ms(seen.jitter);
  level_in.report(q.in);
  level_out.report(q.out);
  q.late = buffer.late;
  q.duplicates = seen.duplicates;
  q.reordered = seen.reordered;
  q.discarded = buffer.discarded;
  q.foreign = foreign;
  q.malformed = malformed;
  q.unexpected = unexpected;
  q.concealed_samples = receiver.counters().concealed_samples;
  q.stretched_samples = receiver.counters().stretched_samples;
  q.shrunk_samples = receiver.counters().shrunk_samples;
  q.late_ticks = late_ticks;
  q.unsent_ticks = unsent_ticks;
  q.jitter_buffer_ms = to_double_ms(receiver.buffer().delay());
  q.jitter_buffer_max_ms = to_double_ms(receiver.counters().delay_max);
  if (rtcp.rtt()) q.rtt_ms = to_double_ms(*rtcp.rtt());

  // Mouth to ear: half the way there and back, what a packet holds, and what the buffer keeps.
  const auto codec = rtp::impairment_of(session.formats.front().name);
  const double way = q.rtt_ms.value_or(0) / 2 + session.ptime_ms;
  if (seen.expected > 0) {
    const double unheard = static_cast<double>(seen.lost + buffer.late + buffer.discarded);
    const double loss = std::min(1.0, unheard / static_cast<double>(seen.expected));
    q.in.r_factor = rtp::r_factor({loss, seen.burst_ratio, way + q.jitter_buffer_ms}, codec);
    q.in.mos = rtp::mos(q.in.r_factor);
  }
  q.out.packets = transmitter.sender().packets();
  q.out.bytes = transmitter.sender().octets();
  if (const auto& peer = rtcp.peer_report()) {
    q.out_reported = true;
    q.out.lost = static_cast<std::uint64_t>(std::max(0, peer->cumulative_lost));
    if (q.out.packets > 0) {
      q.out.loss_percent = 100.0 * static_cast<double>(q.out.lost) / static_cast<double>(q.out.packets);
    }
    q.out.jitter_ms = 1000.0 * peer->jitter / transmitter.clock_rate();
    // The peer's buffer is not known: twice its jitter is what a fair one would keep.
    q.out.r_factor = rtp::r_factor({q.out.loss_percent / 100, 1, way + 2 * q.out.jitter_ms}, codec);
    q.out.mos = rtp::mos(q.out.r_factor);
  }
  return q;
}

Result<Media> Media::create(const MediaConfig& config, Random& random) {
  auto impl = std::make_unique<Impl>(config, random);
  if (const auto done = impl->configure(config.session); !done) return tl::make_unexpected(done.error());
  return Media(std::move(impl));
}

Media::Media(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Media::Media(Media&&) noexcept = default;
Media& Media::operator=(Media&&) noexcept = default;
Media::~Media() = default;

void Media::start(Time now) {
  if (impl_->started) return;
  impl_->started = true;
  impl_->grid = impl_->now = impl_->last_received = now;
  if (impl_->config.rtcp) impl_->rtcp.start(now);
  impl_->expire(now);
}

bool Media::started() const {
  return impl_->started;
}

void Media::attach_bridge() {
  impl_->attached = true;
}

void Media::receive(Bytes datagram, const Endpoint& source, bool is_rtcp, Time now) {
  if (impl_->stopped) return;
  if (!is_rtcp) {
    switch (rtp::classify(datagram)) {
      case rtp::Traffic::rtp: impl_->receive_rtp(datagram, source, now); return;
      case rtp::Traffic::rtcp: is_rtcp = true; break; // RFC 5761 tells them apart, agreed upon or not
      default: ++impl_->malformed; return;
    }
  }
  if (impl_->config.rtcp) impl_->receive_rtcp(datagram, source, now);
}

void Media::expire(Time now) {
  impl_->expire(now);
}

std::optional<Time> Media::deadline() const {
  if (!impl_->started || impl_->stopped) return std::nullopt;
  return impl_->tick_time(std::max(impl_->ticks_done, impl_->ticks_due));
}

std::optional<MediaOutput> Media::poll() {
  return impl_->poll();
}

std::size_t Media::play(std::span<const std::int16_t> samples) {
  if (impl_->stopped) return 0;
  const std::size_t taken = impl_->playout.push(samples);
  if (taken < samples.size() && !impl_->overflow) {
    impl_->overflow = true;
    impl_->outputs.emplace_back(PlayoutOverflow{samples.size() - taken});
  }
  return taken;
}

Cleared Media::clear() {
  const std::size_t discarded = impl_->playout.clear();
  impl_->overflow = false;
  while (auto mark = impl_->playout.poll())
    impl_->outputs.emplace_back(MarkReached{std::move(mark->name), mark->position, mark->discarded});
  return {discarded, impl_->playout.taken()};
}

void Media::mark(std::string name) {
  impl_->playout.mark(std::move(name));
  while (auto mark = impl_->playout.poll())
    impl_->outputs.emplace_back(MarkReached{std::move(mark->name), mark->position, mark->discarded});
}

bool Media::playout_idle() const {
  return impl_->playout.idle() && impl_->transmitter.dtmf_idle();
}

std::uint64_t Media::samples_queued() const {
  return impl_->playout.queued();
}

std::uint64_t Media::samples_played() const {
  return impl_->playout.played();
}

Result<> Media::send_dtmf(std::string_view digits, Duration duration, Duration gap) {
  return impl_->transmitter.send_dtmf(digits, duration, gap);
}

Result<> Media::update(const MediaSession& session, Time now) {
  const bool received = receives(impl_->session.direction);
  if (const auto done = impl_->configure(session); !done) return done;
  impl_->source.signal(session.remote);
  impl_->rtcp_source.reset();
  if (received && !receives(session.direction)) impl_->receiver.forget();
  impl_->last_received = now;
  impl_->timed_out = false;
  return {};
}

const MediaSession& Media::session() const {
  return impl_->session;
}

void Media::stop(Time now) {
  if (impl_->stopped) return;
  impl_->stopped = true;
  impl_->now = std::max(impl_->now, now);
  if (impl_->started && impl_->config.rtcp) {
    impl_->rtcp.bye(impl_->transmitter.sender(), impl_->timestamp_now(now), impl_->statistics, "", now);
  }
}

std::uint64_t Media::samples() const {
  return impl_->ticks_done * kFrameSamples;
}

Endpoint Media::remote() const {
  return impl_->source.target();
}

MediaQuality Media::quality() const {
  return impl_->quality();
}

} // namespace talky::call
