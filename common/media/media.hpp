// The real-time media of one call: RTP in, 20 ms caller frames out; agent audio in, RTP out. RFC 3550, 3551,
// 4733, 5761.
//
//   receive() -> source check -> rtp::JitterBuffer -> codec -> resampler -> CallerFrame
//   play() -> bounded queue -> resampler -> codec -> rtp::Sender -> SendRtp
//
// A core: it knows no socket and no clock. The rim gives it datagrams and the time, wakes it at deadline(),
// and drains poll() after every call of another member.
//
// The media clock. start() fixes an absolute grid of 20 ms ticks. Every tick makes, in this order,
//   1. one CallerFrame (unless held back, see attach_bridge()),
//   2. what the agent gets to say: nothing or one SendRtp (a packet in every tick at 20 ms packet time),
//   3. one RecordingFrame, if asked for, 4. the marks that this packet fulfilled.
// Ticks are carried out lazily, inside poll(): audio that is given to play() while its CallerFrame is handled
// still leaves in the same tick, so an echo has no queueing delay. A rim that wakes late gets all missed
// ticks at once: the running sample counts and the RTP timestamps never drift against the grid. Packets that
// would be more than `max_send_lateness` late are not sent: agent audio waits, the timestamp moves on, and
// the next packet has the marker.
//
// Samples are s16, mono, 16 kHz everywhere in this interface. No allocation in a steady state.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audio/ducking.hpp"
#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "core/time.hpp"
#include "media/media_playout.hpp"
#include "media/media_receiver.hpp"
#include "media/media_source.hpp"
#include "media/media_transmitter.hpp"
#include "media/media_types.hpp"
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

class Media {
 public:
  // Fails with `unsupported` if no codec bears the name of a format. `random` gives SSRC, sequence number,
  // timestamp.
  static Result<Media> create(const MediaConfig& config, Random& random);

  // Fixes the grid: the first tick is at `now`. Before it, receive() and play() keep what they are given.
  void start(Time now);
  bool started() const;
  // Whose media is taken (media_source.hpp). `peer`: where SIP comes from now.
  void set_peer(const IpAddress& peer);
  bool trusts(const Endpoint& from) const;
  // Is there an address to send to that has to send first?
  bool awaits_media() const;

  // From here on caller frames are delivered; those made since start() come first, at once, with their own
  // sample counts (at most max_held; the oldest go first). Without this call there are no CallerFrames.
  void attach_bridge();

  // A datagram from the RTP or the RTCP port. RTCP on the RTP port is told apart by RFC 5761 when rtcp_mux is
  // on.
  // True: poll() has something to say at once, and not only when the next tick is due.
  bool receive(Bytes datagram, const Endpoint& source, bool is_rtcp, Time now);

  // Carries out what is due; then poll().
  void expire(Time now);
  std::optional<Time> deadline() const; // nullopt before start() and after stop()
  std::optional<MediaOutput> poll();

  // Appends agent audio and returns how much of it was taken; what goes beyond max_playout is refused (the
  // queue keeps its oldest, because marks and what was heard refer to it).
  std::size_t play(std::span<const std::int16_t> samples);
  // Plays what is queued and what comes 12 dB more quietly, by a ramp of 10 ms, or again as it is.
  void duck(bool on) { ducking_.set(on); }
  Cleared clear(); // ends ducking, discards the queue; pending marks are reported as discarded
  // What is queued, marks and all, is played by another one instead. Gives how many samples have been played
  // here, for whoever counts on.
  std::uint64_t hand_over(Media& to);
  // Somebody talks in: heard together with what the agent plays, and part of the recording, but of no queue,
  // mark or count of the agent's. Live (talk_in.hpp): gives how many of the oldest samples were thrown away.
  std::size_t talk_in(std::span<const std::int16_t> samples);
  std::uint64_t samples_talked_in() const; // that have left the socket
  void mark(std::string name);             // MarkReached when all that was played before has left as RTP
  // Nothing is queued, nothing is inside the resampler or an unfinished packet, no DTMF is left. Stays false
  // for as long as the direction does not send: who waits for it needs a time-out.
  bool playout_idle() const;
  std::uint64_t samples_queued() const;
  std::uint64_t samples_played()
      const; // agent samples that have left the socket; fill silence does not count

  // Queues digits "0-9*#A-D" (`,` is a pause of one second). Agent audio pauses meanwhile. Fails with
  // `unsupported` without telephone_event_out, `malformed` at the first bad digit, `too_large` beyond 256
  // waiting. Durations are at least 40 ms, gaps at least 40 ms; both are rounded up to 20 ms.
  Result<> send_dtmf(std::string_view digits, Duration duration = std::chrono::milliseconds(100),
                     Duration gap = std::chrono::milliseconds(100));

  // After a re-INVITE or UPDATE. Timestamps and sequence numbers go on; a changed remote address allows
  // latching anew. While direction does not send, agent audio and DTMF wait; while it does not receive,
  // frames are silent and there is no RTP time-out.
  Result<> update(const MediaSession& session, Time now);
  const MediaSession& session() const;

  // Ends the media: a last RTCP report with BYE is polled, nothing more is played. What the jitter buffer
  // holds has been said before the end, so its frames (at most half a second) are polled at once, ahead of
  // their time.
  void stop(Time now);

  std::uint64_t samples() const; // of the media clock: ticks carried out x 320
  Endpoint remote() const;       // where RTP goes now
  MediaQuality quality() const;

 private:
  enum class Stage : std::uint8_t { idle, send, record };
  struct Clock {
    bool started = false, stopped = false;
    unsigned last_ticks = 0; // that may still be made once it is stopped
    Time grid;               // of tick 0; moves when a stall is skipped
    Time now;
    std::uint64_t ticks_done = 0, ticks_due = 0;
    std::uint64_t first_sample = 0; // of the tick that is being carried out

    Time tick_time(std::uint64_t tick) const { return grid + static_cast<Duration::rep>(tick) * kTick; }
  };
  struct Counters {
    std::uint64_t foreign = 0, malformed = 0, unexpected = 0, late_ticks = 0, unsent_ticks = 0;
    PaceCounts pace;
    MediaLevel level_in, level_out;
  };
  struct Held { // a caller frame made before the bridge was there
    std::uint64_t first_sample;
    std::array<std::int16_t, kFrameSamples> samples;
    MediaReceiver::Frame frame;
  };

  Media(const MediaConfig& config, Random& random);
  std::uint32_t statistics_clock() const {
    return session_.formats.empty() ? 8000 : session_.formats.front().clock_rate;
  }
  std::uint32_t timestamp_now(Time at) const {
    return transmitter_.timestamp_at(at - clock_.tick_time(clock_.ticks_done));
  }
  bool sending() const {
    return sends(session_.direction) && source_.target().port != 0 && !source_.target().ip.is_unspecified();
  }
  Result<> configure(const MediaSession& to);
  void receive_rtp(Bytes datagram, const Endpoint& from, Time at);
  void receive_rtcp(Bytes datagram, const Endpoint& from, Time at);
  Endpoint rtcp_target() const;
  bool tick_is_due() const;
  void begin_tick();
  std::optional<MediaOutput> deliver_held();
  void fill_packet();
  std::optional<MediaOutput> next_packet();
  std::optional<MediaOutput> end_tick();

  MediaConfig config_;
  MediaSession session_;
  MediaReceiver receiver_;
  MediaTransmitter transmitter_;
  MediaSource source_;
  rtp::Statistics statistics_;
  rtp::RtcpSession rtcp_;
  rtp::EventReceiver events_;
  MediaPlayout playout_;
  audio::Ducking ducking_; // of playout_
  TalkIn talk_in_;

  Clock clock_;
  Counters counters_;
  Stage stage_ = Stage::idle;
  std::shared_ptr<MediaScratch> scratch_;                 // what this tick has made so far
  MediaReceiver::Frame frame_;                            // what scratch_->caller is
  std::array<std::int16_t, kFrameSamples> sent_before_{}; // by the tick before

  bool attached_ = false;
  std::list<Held> held_;      // the oldest first
  std::list<Held> delivered_; // the one that the last output borrows

  std::vector<MediaOutput> outputs_; // those without spans
  std::size_t next_output_ = 0;      // of outputs_; the ones before it were polled
  bool overflow_ = false;
  bool dtmf_running_ = false;
  std::optional<Endpoint> rtcp_source_;

  Time last_received_; // or when waiting began
  bool timed_out_ = false;
};

} // namespace talky::media
