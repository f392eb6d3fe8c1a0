#include "file/ogg_opus.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <optional>

#include "codec/codec.hpp"
#include "codec/opus.hpp"
#include "file/ogg_opus_parts.hpp"

namespace talky::file {

using namespace ogg;

namespace {

constexpr std::size_t kReadSize = 4096; // small, so that a live stream is not held up
constexpr std::size_t kMaxTags = std::size_t{16} * 1024 * 1024;

class Sync {
 public:
  Sync() { ogg_sync_init(&state_); }
  ~Sync() { ogg_sync_clear(&state_); }
  Sync(const Sync&) = delete;
  Sync& operator=(const Sync&) = delete;
  ogg_sync_state* get() { return &state_; }

 private:
  ogg_sync_state state_{};
};

} // namespace

Result<OpusHead> parse_opus_head(Bytes packet) {
  if (!begins(packet, "OpusHead")) return fail(Errc::malformed, 0, "OpusHead");
  if (packet.size() < 19) return fail(Errc::truncated, packet.size(), "an OpusHead of 19 bytes");
  if ((std::to_integer<unsigned>(packet[8]) & 0xf0) != 0)
    return fail(Errc::unsupported, 8, "version 0.x or 1");
  OpusHead head;
  head.channels = std::to_integer<std::uint8_t>(packet[9]);
  head.pre_skip = static_cast<std::uint16_t>(little(packet, 10, 2));
  head.input_rate = little(packet, 12, 4);
  head.gain = static_cast<std::int16_t>(little(packet, 16, 2));
  if (head.channels == 0) return fail(Errc::malformed, 9, "at least one channel");
  if (std::to_integer<unsigned>(packet[18]) != 0 || head.channels > 2)
    return fail(Errc::unsupported, 18, "one or two channels (mapping family 0)");
  return head;
}

std::vector<std::byte> make_opus_head(const OpusHead& head) {
  std::vector<std::byte> out;
  put_text(out, "OpusHead");
  put_little(out, 1, 1);
  put_little(out, head.channels, 1);
  put_little(out, head.pre_skip, 2);
  put_little(out, head.input_rate, 4);
  put_little(out, static_cast<std::uint16_t>(head.gain), 2);
  put_little(out, 0, 1);
  return out;
}

struct OggOpusReader::Impl {
  Impl(Input from, std::uint32_t wanted) : input(std::move(from)), rate(wanted) {}

  Input input;
  std::uint32_t rate;
  Sync sync;
  std::optional<Stream> stream;
  int serial = 0;
  bool have_tags = false;
  OpusHead head;
  float gain = 1;
  std::unique_ptr<codec::Codec> decoder;
  std::vector<std::int16_t> queue; // decoded
  std::size_t used = 0;
  // Positions at 48 kHz, those of the pages, of which the first is 0.
  std::int64_t position = 0;          // of what is decoded next, with the pre-skip
  std::optional<std::int64_t> origin; // the granule position of position 0
  std::int64_t skip = 0;              // frames at `rate` still to be dropped
  std::uint64_t holes = 0;
  bool torn = false, last_page = false, input_ended = false;

  // The next page, or nullptr at the end of the input.
  Result<ogg_page*> next_page(ogg_page& page) {
    for (;;) {
      const int got = ogg_sync_pageout(sync.get(), &page);
      if (got > 0) return &page;
      if (got < 0) {
        if (stream) ++holes;
        // An input that is no Ogg is not searched for ever.
        if (!stream && input.offset() > kMaxTags) return nullptr;
        continue;
      }
      const auto bytes = input.peek(1);
      if (!bytes) return tl::unexpected(bytes.error());
      if (bytes->empty()) return nullptr;
      const std::size_t count = std::min(bytes->size(), kReadSize);
      char* room = ogg_sync_buffer(sync.get(), static_cast<long>(count));
      if (room == nullptr) return fail(Errc::io, 0, "memory", ENOMEM);
      std::memcpy(room, bytes->data(), count);
      ogg_sync_wrote(sync.get(), static_cast<long>(count));
      input.skip(count);
    }
  }

  Unexpected failure(Errc code, const char* what) const {
    return fail(code, static_cast<std::size_t>(input.offset()), what);
  }

  // Begins the stream of a first page if it is Opus.
  Result<bool> begin(ogg_page& page) {
    Stream candidate(ogg_page_serialno(&page));
    ogg_packet packet{};
    if (ogg_stream_pagein(candidate.get(), &page) != 0 || ogg_stream_packetout(candidate.get(), &packet) != 1)
      return false;
    const auto bytes = bytes_of(packet.packet, packet.bytes);
    if (!begins(bytes, "OpusHead")) return false;
    auto parsed = parse_opus_head(bytes);
    if (!parsed) return tl::unexpected(parsed.error());
    if (decoder && parsed->channels != head.channels)
      return failure(Errc::unsupported, "as many channels in every chained stream");
    codec::Options options;
    options.sample_rate = rate;
    options.channels = parsed->channels;
    decoder = codec::find("opus")->make(options);
    if (!decoder) return failure(Errc::unsupported, "8, 12, 16, 24 or 48 kHz");
    head = *parsed;
    gain = head.gain == 0 ? 1.0F : static_cast<float>(std::pow(10.0, head.gain / 256.0 / 20.0));
    serial = ogg_page_serialno(&page);
    stream.emplace(serial);
    ogg_stream_pagein(stream->get(), &page);
    ogg_stream_packetout(stream->get(), &packet);
    have_tags = last_page = false;
    position = 0;
    origin.reset();
    skip = std::int64_t{head.pre_skip} * rate / kRate;
    return true;
  }

  void decode(Bytes packet) {
    const auto inside = codec::opus::inspect(packet);
    const std::size_t start = queue.size();
    if (!inside || !decoder->decode(packet, queue)) {
      ++holes;
      if (!decoder->conceal(rate / 50, queue)) return;
    }
    const auto frames = static_cast<std::int64_t>((queue.size() - start) / head.channels);
    position += frames * kRate / rate;
    if (gain == 1) return;
    for (std::size_t i = start; i < queue.size(); ++i)
      queue[i] = static_cast<std::int16_t>(
          std::clamp(std::lrint(static_cast<float>(queue[i]) * gain), -32768L, 32767L));
  }

  // What a lost page held, as far as the granule position of this one shows.
  void fill(std::int64_t missing) {
    constexpr std::int64_t kMost = std::int64_t{kRate} * 60;
    const auto frames = static_cast<std::size_t>(std::clamp<std::int64_t>(missing, 0, kMost) * rate / kRate);
    const std::size_t made = std::min<std::size_t>(frames, rate / 8);
    decoder->conceal(made, queue);
    queue.resize(queue.size() + (frames - made) * head.channels);
    position += missing;
  }

  Result<> page(ogg_page& from) {
    if (ogg_stream_pagein(stream->get(), &from) != 0) return {};
    std::vector<std::vector<std::byte>> packets;
    std::int64_t units = 0;
    ogg_packet packet{};
    for (int got = 0; (got = ogg_stream_packetout(stream->get(), &packet)) != 0;) {
      if (got < 0) {
        torn = true;
        continue;
      }
      const auto bytes = bytes_of(packet.packet, packet.bytes);
      if (!have_tags) {
        if (!begins(bytes, "OpusTags")) return failure(Errc::malformed, "OpusTags");
        have_tags = true;
        continue;
      }
      const auto inside = codec::opus::inspect(bytes);
      units += inside ? inside->samples : 0;
      packets.emplace_back(bytes.begin(), bytes.end());
    }
    const std::int64_t granule = ogg_page_granulepos(&from);
    const bool known = granule >= 0 && !packets.empty();
    last_page = ogg_page_eos(&from) != 0;
    // Position 0 is granule position 0, but for a stream that was cut out of a longer one.
    if (known && !origin) origin = last_page ? 0 : std::max<std::int64_t>(0, granule - units - position);
    if (known && torn) {
      fill(std::max<std::int64_t>(0, granule - *origin - position - units));
      ++holes;
    }
    torn = false;
    const std::size_t start = queue.size();
    for (const auto& bytes : packets)
      decode(bytes);
    // Of the last page only that much is sound.
    if (known && last_page) {
      const std::int64_t surplus = (position - (granule - *origin)) * rate / kRate;
      const auto frames = static_cast<std::int64_t>((queue.size() - start) / head.channels);
      queue.resize(queue.size() -
                   static_cast<std::size_t>(std::clamp<std::int64_t>(surplus, 0, frames)) * head.channels);
    }
    const auto dropped = std::min(skip, static_cast<std::int64_t>((queue.size() - start) / head.channels));
    skip -= dropped;
    const auto at = queue.begin() + static_cast<std::ptrdiff_t>(start);
    queue.erase(at, at + static_cast<std::ptrdiff_t>(dropped * head.channels));
    return {};
  }

  // Takes in pages until there is sound or the end.
  Result<> fetch() {
    while (used == queue.size() && !input_ended) {
      queue.clear();
      used = 0;
      ogg_page current{};
      const auto next = next_page(current);
      if (!next) return tl::unexpected(next.error());
      if (*next == nullptr) {
        input_ended = true;
        break;
      }
      if (ogg_page_bos(&current) != 0 && (!stream || last_page)) {
        const auto begun = begin(current);
        if (!begun) return tl::unexpected(begun.error());
        continue;
      }
      if (!stream || ogg_page_serialno(&current) != serial) continue;
      if (const auto done = page(current); !done) return done;
    }
    return {};
  }
};

OggOpusReader::OggOpusReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OggOpusReader::OggOpusReader(OggOpusReader&&) noexcept = default;
OggOpusReader& OggOpusReader::operator=(OggOpusReader&&) noexcept = default;
OggOpusReader::~OggOpusReader() = default;

Result<OggOpusReader> OggOpusReader::create(Input input, std::uint32_t rate) {
  if (!codec::opus::has_rate(rate)) return fail(Errc::unsupported, 0, "8, 12, 16, 24 or 48 kHz");
  auto impl = std::make_unique<Impl>(std::move(input), rate);
  // The head says what the format is; sound is not waited for.
  while (!impl->stream) {
    ogg_page page{};
    const auto next = impl->next_page(page);
    if (!next) return tl::unexpected(next.error());
    if (*next == nullptr) return fail(Errc::malformed, 0, "an Ogg stream with Opus in it");
    if (ogg_page_bos(&page) == 0) return fail(Errc::unsupported, 0, "an Ogg stream with Opus in it");
    const auto begun = impl->begin(page);
    if (!begun) return tl::unexpected(begun.error());
  }
  return OggOpusReader(std::move(impl));
}

const OpusHead& OggOpusReader::head() const {
  return impl_->head;
}

audio::Format OggOpusReader::format() const {
  return {impl_->rate, impl_->head.channels};
}

std::uint64_t OggOpusReader::holes() const {
  return impl_->holes;
}

bool OggOpusReader::cut_off() const {
  return !impl_->last_page;
}

Result<> OggOpusReader::read(std::size_t max_frames, std::vector<std::int16_t>& out) {
  out.clear();
  if (const auto done = impl_->fetch(); !done) return done;
  const std::size_t samples = std::min(impl_->queue.size() - impl_->used, max_frames * impl_->head.channels);
  const auto from = impl_->queue.begin() + static_cast<std::ptrdiff_t>(impl_->used);
  out.assign(from, from + static_cast<std::ptrdiff_t>(samples));
  impl_->used += samples;
  return {};
}

} // namespace talky::file
