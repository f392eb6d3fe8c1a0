// What the media of a call is given and what it gives: formats, configuration, outputs, figures. Samples are
// s16, mono, 16 kHz everywhere.
#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "audio/frame.hpp"
#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "core/time.hpp"
#include "rtp/jitter_buffer.hpp"
#include "sdp/offer_answer.hpp"

namespace talky::media {

inline constexpr std::uint32_t kSampleRate = audio::kBridgeRate;
inline constexpr std::size_t kFrameSamples = 320;
inline constexpr Duration kTick = std::chrono::milliseconds(20);

using sdp::Direction; // as seen from this side

// One negotiated payload format. Names as in SDP's rtpmap, any case: "PCMU", "PCMA", "L16".
struct MediaFormat {
  std::string name = "PCMU";
  std::uint8_t payload_type = 0; // both ways; RFC 3264 5.1: see MediaSession::send_payload_type
  std::uint32_t clock_rate = 8000;
  bool operator==(const MediaFormat&) const = default;
};

// What SDP negotiates, and a re-INVITE may change.
struct MediaSession {
  std::vector<MediaFormat> formats = {MediaFormat{}}; // the first is sent; all are understood (at most 8)
  std::optional<std::uint8_t> send_payload_type;      // if the peer numbers formats[0] differently
  std::optional<std::uint8_t> telephone_event_in;     // payload type in packets to us
  std::optional<std::uint8_t>
      telephone_event_out;             // payload type in packets from us; unset: DTMF cannot be sent
  Endpoint remote;                     // RTP address from the peer's SDP; port 0: unknown yet
  std::optional<Endpoint> remote_rtcp; // a=rtcp (RFC 3605); unset: RTP port + 1, or the same with rtcp_mux
  bool rtcp_mux = false;               // RFC 5761
  Direction direction = Direction::sendrecv; // of our side, i.e. after the answer
  // Milliseconds of audio in a packet that we send, from a=ptime: a multiple of 10 from 10 to 100. Packets
  // leave on the ticks: at 10 ms two in each, at 30 ms after 40 and 20 ms in turn.
  std::uint32_t ptime_ms = 20;

  static MediaSession from(const sdp::MediaPlan& plan);
  bool operator==(const MediaSession&) const = default;
};

// What one tick is made in: nothing in it outlives the tick. Media that are polled in turn, each until it
// gives nothing more, may share one: a thousand calls then work in memory that the processor has at hand.
struct MediaScratch {
  std::array<std::int16_t, kFrameSamples> caller{}; // the caller's frame
  std::array<std::int16_t, kFrameSamples> agent{};  // of the playout queue
  std::array<std::int16_t, kFrameSamples> sent{};   // agent and whoever talks in
  std::array<std::int16_t, 2 * kFrameSamples> stereo{};
  std::vector<std::int16_t> resampled;
  std::vector<std::byte> payload, datagram;
};

struct MediaConfig {
  MediaSession session;
  std::string cname = "talky"; // RFC 3550 6.5.1
  bool rtcp = true;
  std::uint64_t ntp_at_epoch = 0;   // NTP time (32.32) of Time{}, for sender reports
  rtp::JitterBuffer::Config jitter; // its clock rate is set from the format
  Duration rtp_timeout =
      std::chrono::seconds(0); // RtpTimeout after this long without an accepted packet; 0: never
  Duration max_playout = std::chrono::seconds(120);
  Duration max_held = std::chrono::seconds(5); // caller audio kept until attach_bridge()
  // Who may send, and where ours may go before anything has come: MediaSource (media_source.hpp).
  IpAddress peer = {};
  bool vouched = true;
  Duration max_send_lateness = std::chrono::milliseconds(200);
  Duration max_catch_up = std::chrono::seconds(5); // a longer stall moves the grid: its ticks never happen
  bool recording = false;
  std::shared_ptr<MediaScratch> scratch; // null: one of its own
};

// Outputs. Spans borrow from the Media and are valid until the next call of a non-const member function,
// except that play() leaves them valid.
struct SendRtp {
  Endpoint to;
  Bytes bytes;
};
struct SendRtcp {
  Endpoint to;
  Bytes bytes;
};
inline constexpr std::array<std::int16_t, kFrameSamples> kSilentFrame{};

struct CallerFrame {
  std::uint64_t first_sample; // since start(); frames are contiguous
  std::span<const std::int16_t, kFrameSamples> samples;
  bool concealed; // at least in part made up because a packet was lost or late
  bool silent;    // nothing was received: before the first packet, on hold, or while the peer sends nothing
  // What had left the socket in the tick before, whose echo can be in this frame at the earliest.
  std::span<const std::int16_t, kFrameSamples> sent_before;
};
struct RecordingFrame {
  std::uint64_t first_sample; // the same count as the CallerFrame of this tick
  std::span<const std::int16_t, 2 * kFrameSamples>
      samples;                                        // interleaved: caller left, what left the socket right
  std::span<const std::int16_t, kFrameSamples> agent; // the right one without whoever talked in
};
struct DtmfReceived { // RFC 4733; once for each key press, when it ends
  char digit;         // 0-9 * # A-D
  std::uint32_t duration_ms;
  std::uint64_t at_sample; // of the media clock, when reported
};
struct DtmfSent {}; // all digits of all send_dtmf() have left
struct MarkReached {
  std::string name;
  std::uint64_t samples_played; // agent samples that had left when the mark was reached: every one before it
  bool discarded;               // the audio before it was cleared, so it will never be reached
};
struct PlayoutOverflow { // once for each time that the queue fills up
  std::uint64_t samples; // refused in the call of play() that hit the limit
};
struct RtpTimeout { // once, until packets come again
  Duration silence;
};
struct Latched { // the peer sends from here: ours go there from now on
  Endpoint source;
  std::uint32_t ssrc;
};
struct PeerBye { // RTCP BYE for the peer's SSRC
};
using MediaOutput = std::variant<SendRtp, SendRtcp, CallerFrame, RecordingFrame, DtmfReceived, DtmfSent,
                                 MarkReached, PlayoutOverflow, RtpTimeout, Latched, PeerBye>;

struct Cleared {
  std::uint64_t discarded; // samples that will never be heard
  std::uint64_t played; // samples accepted minus all discarded so far: they have left, or (5 ms) leave with
                        // the next packet
};

// One direction of a call. Times in ms, levels in dBov (0 is full scale, -96 is nothing).
struct StreamQuality {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0; // of payload
  std::uint64_t lost = 0;
  double loss_percent = 0;
  double burst_ratio = 1; // 1: losses fall at random; above: in bursts (G.107)
  double jitter_ms = 0;   // RFC 3550 A.8
  double mos = 0;         // 1 to 4.5; 0: nothing to judge
  double r_factor = 0;
  double level_dbov = -96;
  double peak_dbov = -96;
};
// How late the ticks were carried out, counted by upper bounds; the last count is of what is later than all.
struct PaceCounts {
  static constexpr std::array<std::int64_t, 10> kBoundsUs{500,    1'000,  2'000,   5'000,   10'000,
                                                          20'000, 50'000, 100'000, 200'000, 500'000};
  std::array<std::uint64_t, kBoundsUs.size() + 1> counts{};
  std::uint64_t sum_us = 0;

  void add(Duration late) {
    const std::int64_t us = std::max<std::int64_t>(late.count(), 0);
    std::size_t i = 0;
    while (i < kBoundsUs.size() && us > kBoundsUs[i])
      ++i;
    ++counts[i];
    sum_us += static_cast<std::uint64_t>(us);
  }
};

struct MediaQuality {
  StreamQuality in; // what we received
  StreamQuality
      out; // what we sent, as the peer's reception reports say; loss, jitter and MOS are 0 without RTCP
  bool out_reported = false;
  std::uint64_t late = 0, duplicates = 0, reordered = 0, discarded = 0;
  std::uint64_t foreign = 0;           // from another source than the latched one, or an SSRC not accepted
  std::uint64_t malformed = 0;         // not RTP or RTCP at all
  std::uint64_t unexpected = 0;        // a payload type that was not negotiated, or on hold
  std::uint64_t concealed_samples = 0; // 16 kHz
  std::uint64_t stretched_samples = 0, shrunk_samples = 0; // by adaptation of the jitter buffer, 16 kHz
  std::uint64_t late_ticks = 0;                            // carried out more than 10 ms after their time
  PaceCounts pace;                                         // of all ticks
  std::uint64_t unsent_ticks = 0;                          // no packet, because it would have been too late
  std::uint64_t underruns = 0;        // holes in what the agent said: its audio was not there in time
  std::uint64_t underrun_samples = 0; // 16 kHz, of silence in their place
  std::uint64_t pauses = 0;           // holes of more than half a second: it had nothing to say
  double jitter_buffer_ms = 0;        // present delay from arrival to frame
  double jitter_buffer_max_ms = 0;
  std::optional<double> rtt_ms;
};

} // namespace talky::media
