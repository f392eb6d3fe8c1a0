#include "media/media.hpp"

#include <algorithm>
#include <utility>

#include "media/media_impl.hpp"
#include "rtp/packet.hpp"

namespace talky::media {

namespace {
constexpr unsigned kLastTicks = 25; // more than the jitter buffer ever keeps
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
  // RFC 5761 tells the two apart on the port of RTP, agreed upon or not.
  const rtp::Traffic traffic = is_rtcp ? rtp::Traffic::rtcp : rtp::classify(datagram);
  if (traffic == rtp::Traffic::rtp) {
    impl_->receive_rtp(datagram, source, now);
  } else if (traffic != rtp::Traffic::rtcp) {
    ++impl_->malformed;
  } else if (impl_->config.rtcp) {
    impl_->receive_rtcp(datagram, source, now);
  }
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

std::size_t Media::talk_in(std::span<const std::int16_t> samples) {
  return impl_->stopped ? samples.size() : impl_->talk_in.push(samples);
}

std::uint64_t Media::samples_talked_in() const {
  return impl_->talk_in.mixed();
}

std::uint64_t Media::hand_over(Media& to) {
  impl_->playout.hand_over(to.impl_->playout);
  return impl_->playout.taken();
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
  if (impl_->started) impl_->last_ticks = kLastTicks;
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

} // namespace talky::media
