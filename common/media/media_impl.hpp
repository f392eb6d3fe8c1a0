// What stands behind a Media: its parts, and the state of the tick that poll() is carrying out.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "media/media.hpp"
#include "media/media_playout.hpp"
#include "media/media_receiver.hpp"
#include "media/media_source.hpp"
#include "media/media_transmitter.hpp"
#include "media/talk_in.hpp"
#include "rtp/rtcp_session.hpp"
#include "rtp/statistics.hpp"
#include "rtp/telephone_event.hpp"

namespace talky::media {

// The level of a whole direction, in integers because every frame passes through it.
struct MediaLevel {
  std::uint64_t samples = 0;
  double squares = 0;
  std::int32_t peak = 0;

  void add(std::span<const std::int16_t, kFrameSamples> pcm);
  void report(StreamQuality& quality) const;
};

struct Media::Impl {
  struct Held { // a caller frame made before the bridge was there
    std::uint64_t first_sample;
    std::array<std::int16_t, kFrameSamples> samples;
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
  void receive_rtp(Bytes datagram, const Endpoint& from, Time at);
  void receive_rtcp(Bytes datagram, const Endpoint& from, Time at);
  Endpoint rtcp_target() const;
  void expire(Time at);
  bool tick_is_due() const;
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
  TalkIn talk_in;

  bool started = false, stopped = false;
  unsigned last_ticks = 0; // that may still be made once it is stopped
  Time grid;               // of tick 0; moves when a stall is skipped
  Time now;
  std::uint64_t ticks_done = 0, ticks_due = 0;
  Stage stage = Stage::idle;
  std::uint64_t first_sample = 0;
  std::array<std::int16_t, kFrameSamples> caller{}, agent{}, sent{}; // sent: agent and whoever talks in
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
  PaceCounts pace;
  MediaLevel level_in, level_out;
};

} // namespace talky::media
