#include "capture/playout.hpp"

#include <algorithm>
#include <utility>

#include "codec/codec.hpp"

namespace talky::capture {

namespace {

constexpr std::size_t kMaxFormats = 8; // of media::MediaSession

} // namespace

Playout::Playout(media::Media media, std::int64_t start_ns, Play play)
    : media_(std::move(media)), start_ns_(start_ns), play_(std::move(play)) {}

Result<Playout> Playout::create(std::span<const Stream* const> streams, std::int64_t start_ns, Play play) {
  media::MediaConfig config;
  config.rtcp = false;
  config.session.formats.clear();
  config.session.direction = media::Direction::recvonly; // nobody gets what would be sent
  for (const Stream* stream : streams) {
    for (const PayloadUse& use : stream->payload_types()) {
      if (use.format.telephone_event) {
        config.session.telephone_event_in = use.type;
        continue;
      }
      const auto& formats = config.session.formats;
      const bool known = std::any_of(formats.begin(), formats.end(), [&](const media::MediaFormat& format) {
        return format.payload_type == use.type;
      });
      if (known || formats.size() >= kMaxFormats) continue;
      const codec::Entry* entry = codec_of(use.format);
      if (entry == nullptr) continue;
      config.session.formats.push_back({use.format.name, use.type, use.format.clock_rate});
    }
  }
  // The sender may change between the two laws of G.711, of which a live capture has only seen one so far.
  for (const std::uint8_t law : {std::uint8_t{0}, std::uint8_t{8}}) {
    auto& formats = config.session.formats;
    const bool known = std::any_of(formats.begin(), formats.end(), [law](const media::MediaFormat& format) {
      return format.payload_type == law;
    });
    if (!formats.empty() && !known && formats.size() < kMaxFormats)
      formats.push_back({law == 0 ? "PCMU" : "PCMA", law, 8'000});
  }
  if (config.session.formats.empty()) return fail(Errc::unsupported, 0, "a codec that can be decoded");
  Random random(1); // of what Media would send
  auto media = media::Media::create(config, random);
  if (!media) return tl::unexpected(media.error());
  media->start(Time{});
  media->attach_bridge();
  return Playout(std::move(*media), start_ns, std::move(play));
}

void Playout::play() {
  while (auto output = media_.poll()) {
    if (const auto* frame = std::get_if<media::CallerFrame>(&*output))
      play_(static_cast<std::int64_t>(frame->first_sample), frame->samples);
  }
}

void Playout::run(Time until) {
  for (auto next = media_.deadline(); next && *next <= until; next = media_.deadline()) {
    media_.expire(*next);
    play();
  }
}

void Playout::receive(const file::Segment& segment) {
  const Time now = std::max(at(segment.time_ns), last_);
  last_ = now;
  run(now);
  media_.receive(segment.payload, segment.from, false, now);
  while (media_.poll()) {
  }
}

void Playout::advance(std::int64_t time_ns) {
  last_ = std::max(at(time_ns), last_);
  run(last_);
}

void Playout::finish() {
  media_.stop(last_);
  play();
}

} // namespace talky::capture
