// The figures that a call ends with.
#include <algorithm>
#include <cmath>

#include "media/media_impl.hpp"
#include "rtp/emodel.hpp"

namespace talky::media {

namespace {

constexpr double kSilenceDbov = -96;

double dbov(double amplitude) {
  return amplitude <= 0 ? kSilenceDbov : std::max(kSilenceDbov, 20 * std::log10(amplitude / 32768));
}

double to_double_ms(Duration duration) {
  return static_cast<double>(duration.count()) / 1000;
}

} // namespace

void MediaLevel::add(std::span<const std::int16_t, kFrameSamples> pcm) {
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

void MediaLevel::report(StreamQuality& quality) const {
  quality.level_dbov = samples == 0 ? kSilenceDbov : dbov(std::sqrt(squares / static_cast<double>(samples)));
  quality.peak_dbov = dbov(peak);
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
  q.pace = pace;
  q.unsent_ticks = unsent_ticks;
  q.underruns = playout.counters().underruns;
  q.underrun_samples = playout.counters().underrun_samples;
  q.pauses = playout.counters().pauses;
  q.jitter_buffer_ms = to_double_ms(receiver.buffer().delay());
  q.jitter_buffer_max_ms = to_double_ms(receiver.counters().delay_max);
  if (rtcp.rtt()) q.rtt_ms = to_double_ms(*rtcp.rtt());

  // Mouth to ear: half the way there and back, what a packet holds, and what the buffer keeps.
  const auto codec = rtp::impairment_of(session.formats.front().name);
  const double way = q.rtt_ms.value_or(0) / 2 + session.ptime_ms;
  if (seen.expected > 0) {
    const auto unheard = static_cast<double>(seen.lost + buffer.late + buffer.discarded);
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

} // namespace talky::media
