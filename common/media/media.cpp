// The ticks of a call's media: what comes in, what poll() makes of the time, and the figures that it ends
// with.
#include "media/media.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "rtp/emodel.hpp"
#include "rtp/packet.hpp"

namespace talky::media {

namespace {

constexpr unsigned kLastTicks = 25; // more than the jitter buffer ever keeps
constexpr Duration kLateTick = std::chrono::milliseconds(10);
constexpr std::uint8_t kComfortNoise = 13; // RFC 3389
constexpr double kSilenceDbov = -96;

double dbov(double amplitude) {
  return amplitude <= 0 ? kSilenceDbov : std::max(kSilenceDbov, 20 * std::log10(amplitude / 32768));
}

double to_double_ms(Duration duration) {
  return static_cast<double>(duration.count()) / 1000;
}

} // namespace

// ---- Beginning, commands, end ----

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

Result<Media> Media::create(const MediaConfig& config, Random& random) {
  Media media(config, random);
  if (const auto done = media.configure(config.session); !done) return tl::make_unexpected(done.error());
  return media;
}

Media::Media(const MediaConfig& config, Random& random)
    : config_(config),
      session_(config.session),
      receiver_(config.jitter),
      transmitter_(random),
      source_(config.session.remote, config.peer, config.vouched),
      statistics_(statistics_clock()),
      rtcp_({config.cname, config.ntp_at_epoch, 80}, random),
      events_(statistics_clock()),
      playout_(static_cast<std::size_t>(config.max_playout.count() * kSampleRate / 1'000'000)),
      scratch_(config.scratch ? config.scratch : std::make_shared<MediaScratch>()) {}

void Media::start(Time now) {
  if (clock_.started) return;
  clock_.started = true;
  clock_.grid = clock_.now = last_received_ = now;
  if (config_.rtcp) rtcp_.start(now);
  expire(now);
}

bool Media::started() const {
  return clock_.started;
}

void Media::set_peer(const IpAddress& peer) {
  source_.set_peer(peer);
}

bool Media::awaits_media() const {
  return source_.awaits_media();
}

bool Media::trusts(const Endpoint& from) const {
  return source_.trusts(from);
}

void Media::attach_bridge() {
  attached_ = true;
}

bool Media::receive(Bytes datagram, const Endpoint& source, bool is_rtcp, Time now) {
  if (clock_.stopped) return false;
  // RFC 5761 tells the two apart on the port of RTP, agreed upon or not.
  const rtp::Traffic traffic = is_rtcp ? rtp::Traffic::rtcp : rtp::classify(datagram);
  if (traffic == rtp::Traffic::rtp) {
    receive_rtp(datagram, source, now);
  } else if (traffic != rtp::Traffic::rtcp) {
    ++counters_.malformed;
  } else if (config_.rtcp) {
    receive_rtcp(datagram, source, now);
  }
  return next_output_ < outputs_.size();
}

std::optional<Time> Media::deadline() const {
  if (!clock_.started || clock_.stopped) return std::nullopt;
  return clock_.tick_time(std::max(clock_.ticks_done, clock_.ticks_due));
}

std::size_t Media::play(std::span<const std::int16_t> samples) {
  if (clock_.stopped) return 0;
  const std::size_t taken = playout_.push(samples);
  if (taken < samples.size() && !overflow_) {
    overflow_ = true;
    outputs_.emplace_back(PlayoutOverflow{samples.size() - taken});
  }
  return taken;
}

Cleared Media::clear() {
  ducking_.set(false);
  const std::size_t discarded = playout_.clear();
  overflow_ = false;
  while (auto mark = playout_.poll())
    outputs_.emplace_back(MarkReached{std::move(mark->name), mark->position, mark->discarded});
  return {discarded, playout_.taken()};
}

std::size_t Media::talk_in(std::span<const std::int16_t> samples) {
  return clock_.stopped ? samples.size() : talk_in_.push(samples);
}

std::uint64_t Media::samples_talked_in() const {
  return talk_in_.mixed();
}

std::uint64_t Media::hand_over(Media& to) {
  playout_.hand_over(to.playout_);
  return playout_.taken();
}

void Media::mark(std::string name) {
  playout_.mark(std::move(name));
  while (auto mark = playout_.poll())
    outputs_.emplace_back(MarkReached{std::move(mark->name), mark->position, mark->discarded});
}

bool Media::playout_idle() const {
  return playout_.idle() && transmitter_.dtmf_idle();
}

std::uint64_t Media::samples_queued() const {
  return playout_.queued();
}

std::uint64_t Media::samples_played() const {
  return playout_.played();
}

Result<> Media::send_dtmf(std::string_view digits, Duration duration, Duration gap) {
  return transmitter_.send_dtmf(digits, duration, gap);
}

Result<> Media::update(const MediaSession& session, Time now) {
  const bool received = receives(session_.direction);
  if (const auto done = configure(session); !done) return done;
  source_.signal(session.remote);
  rtcp_source_.reset();
  if (received && !receives(session.direction)) receiver_.forget();
  last_received_ = now;
  timed_out_ = false;
  return {};
}

const MediaSession& Media::session() const {
  return session_;
}

void Media::stop(Time now) {
  if (clock_.stopped) return;
  clock_.stopped = true;
  clock_.now = std::max(clock_.now, now);
  if (clock_.started) clock_.last_ticks = kLastTicks;
  if (clock_.started && config_.rtcp) {
    rtcp_.bye(transmitter_.sender(), timestamp_now(now), statistics_, "", now);
  }
}

std::uint64_t Media::samples() const {
  return clock_.ticks_done * kFrameSamples;
}

Endpoint Media::remote() const {
  return source_.target();
}

// ---- What comes in, and the ticks ----

Result<> Media::configure(const MediaSession& to) {
  // Each of the two changes nothing when it fails, and both look for the same codecs.
  if (const auto done = receiver_.configure(to.formats); !done) return done;
  if (const auto done = transmitter_.configure(to); !done) return done;
  if (to.formats.front().clock_rate != statistics_clock()) {
    statistics_.set_clock_rate(to.formats.front().clock_rate);
    events_ = rtp::EventReceiver(to.formats.front().clock_rate);
  }
  session_ = to;
  return {};
}

void Media::receive_rtp(Bytes datagram, const Endpoint& from, Time at) {
  const auto packet = rtp::PacketView::parse(datagram);
  if (!packet) {
    ++counters_.malformed;
    return;
  }
  const bool is_event = session_.telephone_event_in == packet->payload_type();
  const bool is_noise = packet->payload_type() == kComfortNoise;
  const bool is_audio = std::any_of(
      session_.formats.begin(), session_.formats.end(),
      [&packet](const MediaFormat& format) { return format.payload_type == packet->payload_type(); });
  if (!is_event && !is_noise && !is_audio) {
    ++counters_.unexpected;
    return;
  }
  const auto verdict = source_.check(from, packet->ssrc(), packet->sequence(), at);
  if (verdict == MediaSource::Verdict::foreign) {
    ++counters_.foreign;
    return;
  }
  if (verdict == MediaSource::Verdict::confirmed) outputs_.emplace_back(Latched{from, packet->ssrc()});
  last_received_ = at;
  timed_out_ = false;
  if (!receives(session_.direction)) {
    ++counters_.unexpected;
    return;
  }
  statistics_.received(*packet, at, is_audio);
  if (is_audio) {
    receiver_.push(*packet, at);
    return;
  }
  receiver_.push_other(*packet, at);
  if (is_event && !events_.receive(packet->payload(), packet->timestamp(), packet->marker(), at))
    ++counters_.malformed;
}

Endpoint Media::rtcp_target() const {
  if (rtcp_source_) return *rtcp_source_;
  Endpoint target = source_.target();
  if (session_.rtcp_mux) return target;
  // Behind a NAT the SDP's address says nothing: then the neighbour of the port that we have learned is the
  // best guess.
  const auto& named = session_.remote_rtcp;
  if (named && named->ip == target.ip && target == session_.remote) return *named;
  if (target.port != 0) ++target.port;
  return target;
}

void Media::receive_rtcp(Bytes datagram, const Endpoint& from, Time at) {
  const Endpoint& peer = source_.target();
  const bool known = from.ip == peer.ip || from.ip == session_.remote.ip ||
                     (session_.remote_rtcp && from.ip == session_.remote_rtcp->ip) ||
                     (source_.source() && from.ip == source_.source()->ip);
  if (!known) {
    ++counters_.foreign;
    return;
  }
  const auto received = rtcp_.receive(datagram, transmitter_.sender().ssrc(), source_.ssrc(), at);
  if (!received) {
    ++counters_.malformed;
    return;
  }
  rtcp_source_ = from;
  if (received->bye) {
    if (source_.source()) outputs_.emplace_back(PeerBye{});
    return;
  }
  last_received_ = std::max(last_received_, at); // a sign of life of whoever is muted
  timed_out_ = false;
}

void Media::expire(Time at) {
  clock_.now = std::max(clock_.now, at);
  if (!clock_.started || clock_.stopped || clock_.now < clock_.tick_time(clock_.ticks_done)) return;
  if (clock_.now - clock_.tick_time(clock_.ticks_done) > config_.max_catch_up) {
    const auto skipped = (clock_.now - clock_.tick_time(clock_.ticks_done)) / kTick;
    clock_.grid += skipped * kTick;
    for (Duration::rep i = 0; i < skipped; ++i)
      transmitter_.nothing();
  }
  clock_.ticks_due = static_cast<std::uint64_t>((clock_.now - clock_.grid) / kTick) + 1;
}

// Once stopped, ticks go on for as long as there is something left to be heard.
bool Media::tick_is_due() const {
  if (!clock_.stopped) return clock_.ticks_done < clock_.ticks_due;
  return clock_.last_ticks > 0 && receives(session_.direction) && receiver_.holds_audio();
}

// The caller's frame, and whatever else the time brings.
void Media::begin_tick() {
  const Time at = clock_.tick_time(clock_.ticks_done);
  if (clock_.now - at > kLateTick) ++counters_.late_ticks;
  counters_.pace.add(clock_.now - at);
  if (clock_.stopped) --clock_.last_ticks;
  clock_.first_sample = clock_.ticks_done * kFrameSamples;
  frame_ = {};
  if (receives(session_.direction)) {
    frame_ = receiver_.frame(at, scratch_->caller, scratch_->resampled);
  } else {
    scratch_->caller.fill(0);
  }
  counters_.level_in.add(scratch_->caller);

  events_.expire(at);
  while (const auto press = events_.poll()) {
    outputs_.emplace_back(
        DtmfReceived{press->digit, static_cast<std::uint32_t>(to_ms(press->duration)), clock_.first_sample});
  }
  if (config_.rtp_timeout > Duration{0} && receives(session_.direction) && !timed_out_ && !clock_.stopped &&
      at - last_received_ >= config_.rtp_timeout) {
    timed_out_ = true;
    outputs_.emplace_back(RtpTimeout{at - last_received_});
  }
  if (config_.rtcp && !clock_.stopped)
    rtcp_.expire(transmitter_.sender(), timestamp_now(at), statistics_, at);
  if (attached_) return;
  held_.push_back({clock_.first_sample, scratch_->caller, frame_});
  if (static_cast<Duration::rep>(held_.size()) * kTick > config_.max_held) held_.pop_front();
}

std::optional<MediaOutput> Media::deliver_held() {
  delivered_.clear();
  if (!attached_ || held_.empty()) return std::nullopt;
  delivered_.splice(delivered_.begin(), held_, held_.begin());
  const Held& frame = delivered_.front();
  return CallerFrame{frame.first_sample, frame.samples, frame.frame.concealed, frame.frame.silent,
                     kSilentFrame};
}

// What this tick sends. Runs after the bridge has seen the caller's frame.
void Media::fill_packet() {
  auto& agent = scratch_->agent;
  auto& sent = scratch_->sent;
  agent.fill(0);
  sent.fill(0);
  if (clock_.stopped) return;
  const bool too_late = clock_.now - clock_.tick_time(clock_.ticks_done) > config_.max_send_lateness;
  if (sending() && too_late) ++counters_.unsent_ticks;
  if (!sending() || too_late) {
    transmitter_.nothing();
    talk_in_.pass(kFrameSamples);
  } else if (transmitter_.dtmf_active()) {
    dtmf_running_ = true;
    transmitter_.dtmf();
    talk_in_.pass(kFrameSamples);
  } else {
    playout_.take(agent);
    ducking_.apply(agent);
    sent = agent;
    talk_in_.mix(sent);
    if (playout_.queued() < static_cast<std::size_t>(config_.max_playout.count() * kSampleRate / 2'000'000)) {
      overflow_ = false;
    }
    transmitter_.audio(sent);
  }
  counters_.level_out.add(sent);
  if (dtmf_running_ && transmitter_.dtmf_idle()) {
    dtmf_running_ = false;
    outputs_.emplace_back(DtmfSent{});
  }
}

std::optional<MediaOutput> Media::next_packet() {
  const auto packet = transmitter_.packet(*scratch_);
  if (!packet) return std::nullopt;
  if (transmitter_.complete()) playout_.sent(transmitter_.delay());
  return SendRtp{source_.target(), *packet};
}

std::optional<MediaOutput> Media::end_tick() {
  stage_ = Stage::idle;
  ++clock_.ticks_done;
  sent_before_ = scratch_->sent;
  while (auto mark = playout_.poll())
    outputs_.emplace_back(MarkReached{std::move(mark->name), mark->position, mark->discarded});
  if (!config_.recording) return std::nullopt;
  auto& stereo = scratch_->stereo;
  for (std::size_t i = 0; i < kFrameSamples; ++i) {
    stereo[2 * i] = scratch_->caller[i];
    stereo[2 * i + 1] = scratch_->sent[i];
  }
  return RecordingFrame{clock_.first_sample, stereo, scratch_->agent};
}

std::optional<MediaOutput> Media::poll() {
  while (true) {
    if (stage_ == Stage::send) {
      fill_packet();
      stage_ = Stage::record;
    }
    if (stage_ == Stage::record) {
      if (auto packet = next_packet()) return packet;
      if (auto recording = end_tick()) return recording;
    }
    if (next_output_ < outputs_.size()) {
      MediaOutput output = std::move(outputs_[next_output_]);
      if (++next_output_ == outputs_.size()) {
        outputs_.clear();
        next_output_ = 0;
      }
      return output;
    }
    if (const auto report = rtcp_.poll()) {
      const Endpoint target = rtcp_target();
      if (target.port != 0 && !target.ip.is_unspecified()) return SendRtcp{target, *report};
    }
    if (auto frame = deliver_held()) return frame;
    if (!tick_is_due()) return std::nullopt;
    begin_tick();
    stage_ = Stage::send;
    if (attached_) {
      return CallerFrame{clock_.first_sample, scratch_->caller, frame_.concealed, frame_.silent,
                         sent_before_};
    }
  }
}

// ---- Figures ----

void MediaLevel::add(std::span<const std::int16_t, kFrameSamples> pcm) {
  // The sum of squares in two halves that 320 of them do not overflow: so that vectors of 32 bits do for it.
  std::uint32_t lower = 0;
  std::uint32_t upper = 0;
  std::int16_t low = 0;
  std::int16_t high = 0;
  for (const std::int16_t sample : pcm) {
    const auto square = static_cast<std::uint32_t>(std::int32_t{sample} * sample);
    lower += square & 0xffffU;
    upper += square >> 16;
  }
  for (const std::int16_t sample : pcm) {
    low = std::min(low, sample);
    high = std::max(high, sample);
  }
  samples += pcm.size();
  squares += static_cast<double>((std::uint64_t{upper} << 16) + lower);
  peak = std::max({peak, std::int32_t{high}, -std::int32_t{low}});
}

void MediaLevel::report(StreamQuality& quality) const {
  quality.level_dbov = samples == 0 ? kSilenceDbov : dbov(std::sqrt(squares / static_cast<double>(samples)));
  quality.peak_dbov = dbov(peak);
}

MediaQuality Media::quality() const {
  MediaQuality q;
  const auto seen = statistics_.snapshot();
  const auto buffer = receiver_.totals();
  q.in.packets = seen.received;
  q.in.bytes = seen.payload_bytes;
  q.in.lost = seen.lost;
  q.in.loss_percent = seen.loss * 100;
  q.in.burst_ratio = seen.burst_ratio;
  q.in.jitter_ms = to_double_ms(seen.jitter);
  counters_.level_in.report(q.in);
  counters_.level_out.report(q.out);
  q.late = buffer.late;
  q.duplicates = seen.duplicates;
  q.reordered = seen.reordered;
  q.discarded = buffer.discarded;
  q.foreign = counters_.foreign;
  q.malformed = counters_.malformed;
  q.unexpected = counters_.unexpected;
  q.concealed_samples = receiver_.counters().concealed_samples;
  q.stretched_samples = receiver_.counters().stretched_samples;
  q.shrunk_samples = receiver_.counters().shrunk_samples;
  q.late_ticks = counters_.late_ticks;
  q.pace = counters_.pace;
  q.unsent_ticks = counters_.unsent_ticks;
  q.underruns = playout_.counters().underruns;
  q.underrun_samples = playout_.counters().underrun_samples;
  q.pauses = playout_.counters().pauses;
  q.jitter_buffer_ms = to_double_ms(receiver_.buffer().delay());
  q.jitter_buffer_max_ms = to_double_ms(receiver_.counters().delay_max);
  if (rtcp_.rtt()) q.rtt_ms = to_double_ms(*rtcp_.rtt());

  // Mouth to ear: half the way there and back, what a packet holds, and what the buffer keeps.
  const auto codec = rtp::impairment_of(session_.formats.front().name);
  const double way = q.rtt_ms.value_or(0) / 2 + session_.ptime_ms;
  if (seen.expected > 0) {
    const auto unheard = static_cast<double>(seen.lost + buffer.late + buffer.discarded);
    const double loss = std::min(1.0, unheard / static_cast<double>(seen.expected));
    q.in.r_factor = rtp::r_factor({loss, seen.burst_ratio, way + q.jitter_buffer_ms}, codec);
    q.in.mos = rtp::mos(q.in.r_factor);
  }
  q.out.packets = transmitter_.sender().packets();
  q.out.bytes = transmitter_.sender().octets();
  if (const auto& peer = rtcp_.peer_report()) {
    q.out_reported = true;
    q.out.lost = static_cast<std::uint64_t>(std::max(0, peer->cumulative_lost));
    if (q.out.packets > 0) {
      q.out.loss_percent = 100.0 * static_cast<double>(q.out.lost) / static_cast<double>(q.out.packets);
    }
    q.out.jitter_ms = 1000.0 * peer->jitter / transmitter_.clock_rate();
    // The peer's buffer is not known: twice its jitter is what a fair one would keep.
    q.out.r_factor = rtp::r_factor({q.out.loss_percent / 100, 1, way + 2 * q.out.jitter_ms}, codec);
    q.out.mos = rtp::mos(q.out.r_factor);
  }
  return q;
}

} // namespace talky::media
