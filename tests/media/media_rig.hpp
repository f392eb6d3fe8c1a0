// Two ends of a call's media in virtual time, with a network of chance between them, and a known signal to
// look for.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/random.hpp"
#include "media/media.hpp"
#include "rtp/network.hpp"
#include "rtp/packet.hpp"

namespace talky::test {

using namespace talky::media;
using namespace std::chrono_literals;

inline Endpoint address(std::uint8_t host, std::uint16_t port) {
  return {IpAddress::v4(192, 0, 2, host), port};
}

struct Datagram {
  Endpoint from, to;
  std::vector<std::byte> bytes;
  bool rtcp = false;
};

// Forty sines between 300 and 3300 Hz: like nothing but itself, at any place. Peak below 20000.
inline std::vector<std::int16_t> signal(std::size_t samples, std::uint64_t seed = 7) {
  Random random(seed);
  std::vector<double> sum(samples);
  for (int k = 0; k < 40; ++k) {
    const double step = 2 * std::numbers::pi * (300 + 3000 * random.uniform()) / kSampleRate;
    const double phase = 2 * std::numbers::pi * random.uniform();
    for (std::size_t i = 0; i < samples; ++i)
      sum[i] += std::sin(step * static_cast<double>(i) + phase);
  }
  std::vector<std::int16_t> out(samples);
  for (std::size_t i = 0; i < samples; ++i)
    out[i] = static_cast<std::int16_t>(std::clamp(sum[i] * 900, -20'000.0, 20'000.0));
  return out;
}

// Normalised correlation of `what` with `in` at `offset`, -1 to 1; what lies outside of `in` is silence.
inline double correlation(std::span<const std::int16_t> what, std::span<const std::int16_t> in,
                          std::int64_t offset) {
  double product = 0;
  double energy_a = 1;
  double energy_b = 1;
  for (std::size_t i = 0; i < what.size(); ++i) {
    const std::int64_t at = offset + static_cast<std::int64_t>(i);
    if (at < 0 || at >= static_cast<std::int64_t>(in.size())) continue;
    const double a = what[i];
    const double b = in[static_cast<std::size_t>(at)];
    product += a * b;
    energy_b += b * b;
  }
  for (const std::int16_t sample : what)
    energy_a += static_cast<double>(sample) * sample;
  return product / std::sqrt(energy_a * energy_b);
}

struct Match {
  std::int64_t offset = 0;
  double score = -1;
};

// Where `what` is best found in `in`, from offset `from` to `to`.
inline Match find(std::span<const std::int16_t> what, std::span<const std::int16_t> in, std::int64_t from,
                  std::int64_t to) {
  Match best;
  for (std::int64_t offset = from; offset <= to; ++offset) {
    const double score = correlation(what, in, offset);
    if (score > best.score) best = {offset, score};
  }
  return best;
}

// One end: a Media and everything that it has put out.
struct End {
  explicit End(Media m, Endpoint rtp_address) : media(std::move(m)), rtp(rtp_address) {}

  Media media;
  Endpoint rtp; // its RTCP port is the next one
  bool echo = false;
  std::vector<std::int16_t> heard;       // caller frames in a row
  std::vector<std::int16_t> left, right; // the recording
  std::uint64_t concealed_frames = 0, silent_frames = 0;
  bool contiguous = true;
  bool sent_is_known = true; // sent_before of each frame is what the recording has of the tick before
  std::size_t frames_with_sent = 0;
  std::string digits;
  std::vector<DtmfReceived> presses;
  std::vector<MarkReached> marks;
  std::vector<Latched> latched;
  std::vector<Time> timeouts;
  std::vector<Time> overflows;
  std::vector<rtp::Header> sent; // of every RTP packet
  std::vector<Time> sent_at;
  std::size_t reports = 0, byes = 0, dtmf_sent = 0;

  // Drains the media; every datagram goes to `send`.
  template <class Send>
  void drain(Time now, Send send) {
    while (auto output = media.poll()) {
      if (const auto* rtp_out = std::get_if<SendRtp>(&*output)) {
        sent.push_back(rtp::PacketView::parse(rtp_out->bytes)->header());
        sent_at.push_back(now);
        send(Datagram{rtp, rtp_out->to, {rtp_out->bytes.begin(), rtp_out->bytes.end()}, false});
      } else if (const auto* rtcp_out = std::get_if<SendRtcp>(&*output)) {
        ++reports;
        send(Datagram{{rtp.ip, static_cast<std::uint16_t>(rtp.port + 1)},
                      rtcp_out->to,
                      {rtcp_out->bytes.begin(), rtcp_out->bytes.end()},
                      true});
      } else if (const auto* frame = std::get_if<CallerFrame>(&*output)) {
        contiguous = contiguous && frame->first_sample == heard.size();
        heard.insert(heard.end(), frame->samples.begin(), frame->samples.end());
        if (frame->first_sample == right.size()) { // made now, and recorded
          const std::vector<std::int16_t> silence(kFrameSamples);
          const auto& before = right.empty() ? silence : right;
          sent_is_known = sent_is_known && std::equal(frame->sent_before.begin(), frame->sent_before.end(),
                                                      before.end() - kFrameSamples);
          ++frames_with_sent;
        }
        concealed_frames += frame->concealed ? 1 : 0;
        silent_frames += frame->silent ? 1 : 0;
        if (echo) media.play(frame->samples);
      } else if (const auto* tape = std::get_if<RecordingFrame>(&*output)) {
        contiguous = contiguous && tape->first_sample == left.size();
        for (std::size_t i = 0; i < kFrameSamples; ++i) {
          left.push_back(tape->samples[2 * i]);
          right.push_back(tape->samples[2 * i + 1]);
        }
      } else if (const auto* press = std::get_if<DtmfReceived>(&*output)) {
        digits += press->digit;
        presses.push_back(*press);
      } else if (const auto* mark = std::get_if<MarkReached>(&*output)) {
        marks.push_back(*mark);
      } else if (const auto* latch = std::get_if<Latched>(&*output)) {
        latched.push_back(*latch);
      } else if (std::holds_alternative<RtpTimeout>(*output)) {
        timeouts.push_back(now);
      } else if (std::holds_alternative<PlayoutOverflow>(*output)) {
        overflows.push_back(now);
      } else if (std::holds_alternative<PeerBye>(*output)) {
        ++byes;
      } else if (std::holds_alternative<DtmfSent>(*output)) {
        ++dtmf_sent;
      }
    }
  }
};

inline MediaConfig media_config(const Endpoint& remote) {
  MediaConfig config;
  config.session.remote = remote;
  config.session.telephone_event_in = 101;
  config.session.telephone_event_out = 101;
  config.recording = true;
  return config;
}

// Two ends that know each other's address, each with a clock of its own.
struct Pair {
  using Net = Network<Datagram>;

  explicit Pair(Net::Config network, std::uint64_t seed = 1,
                const MediaConfig& a_config = media_config(address(2, 4000)),
                const MediaConfig& b_config = media_config(address(1, 3000)))
      : random(seed),
        a(*Media::create(a_config, random), address(1, 3000)),
        b(*Media::create(b_config, random), address(2, 4000)),
        to_a(network, seed + 1),
        to_b(network, seed + 2) {
    a.media.attach_bridge();
    b.media.attach_bridge();
  }

  Random random;
  End a, b;
  Net to_a, to_b;
  double b_drift = 0; // b's clock runs by this much faster
  Time now{0ms};
  Duration step{1ms};

  Time b_time(Time t) const {
    return Time{t.time_since_epoch() + Duration{static_cast<std::int64_t>(
                                           static_cast<double>(t.time_since_epoch().count()) * b_drift)}};
  }
  void start(Duration b_phase = 7ms) {
    a.media.start(now);
    b.media.start(b_time(now) + b_phase);
  }
  void run(Duration time) {
    for (const Time end = now + time; now < end; now += step)
      turn();
  }
  void turn() {
    while (auto arrived = to_a.receive(now))
      deliver(a, arrived->second, now);
    while (auto arrived = to_b.receive(now))
      deliver(b, arrived->second, b_time(now));
    a.media.expire(now);
    b.media.expire(b_time(now));
    a.drain(now, [this](Datagram d) { to_b.send(std::move(d), now); });
    b.drain(now, [this](Datagram d) { to_a.send(std::move(d), now); });
  }
  static void deliver(End& end, const Datagram& datagram, Time at) {
    const Endpoint rtcp{end.rtp.ip, static_cast<std::uint16_t>(end.rtp.port + 1)};
    if (datagram.to != end.rtp && datagram.to != rtcp) return;
    end.media.receive(datagram.bytes, datagram.from, datagram.to == rtcp, at);
  }
};

} // namespace talky::test
