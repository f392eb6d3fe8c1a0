#include "file/ogg_opus.hpp"

#include <ogg/ogg.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "codec/codec.hpp"
#include "codec/opus.hpp"

namespace talky::file {

namespace {

constexpr std::size_t kReadSize = 4096; // small, so that a live stream is not held up
constexpr std::size_t kMaxTags = std::size_t{16} * 1024 * 1024;
constexpr std::uint32_t kOggRate = 48000;

// The structures of libogg hold unsigned char.
Bytes bytes_of(const unsigned char* data, long size) {
  return std::as_bytes(std::span(data, static_cast<std::size_t>(std::max(size, 0L))));
}

std::uint32_t little(Bytes bytes, std::size_t at, std::size_t width) {
  std::uint32_t value = 0;
  for (std::size_t i = width; i > 0; --i)
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i - 1]);
  return value;
}

void put_little(std::vector<std::byte>& out, std::uint32_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i)
    out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
}

void put_text(std::vector<std::byte>& out, std::string_view text) {
  const auto bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

bool begins(Bytes packet, std::string_view magic) {
  return as_text(packet).starts_with(magic);
}

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

class Stream {
 public:
  explicit Stream(int serial) { ogg_stream_init(&state_, serial); }
  ~Stream() { ogg_stream_clear(&state_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ogg_stream_state* get() { return &state_; }

 private:
  ogg_stream_state state_{};
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

// ---------------------------------------------------------------------------------------------------------------

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
      if (room == nullptr) return fail(Errc::io, 0, "memory");
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
    skip = std::int64_t{head.pre_skip} * rate / kOggRate;
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
    position += frames * kOggRate / rate;
    if (gain == 1) return;
    for (std::size_t i = start; i < queue.size(); ++i)
      queue[i] = static_cast<std::int16_t>(
          std::clamp(std::lrint(static_cast<float>(queue[i]) * gain), -32768L, 32767L));
  }

  // What a lost page held, as far as the granule position of this one tells.
  void fill(std::int64_t missing) {
    constexpr std::int64_t most = std::int64_t{kOggRate} * 60;
    const auto frames =
        static_cast<std::size_t>(std::clamp<std::int64_t>(missing, 0, most) * rate / kOggRate);
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
      const std::int64_t surplus = (position - (granule - *origin)) * rate / kOggRate;
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

// ---------------------------------------------------------------------------------------------------------------

struct OggOpusWriter::Impl {
  Impl(Output to, const Options& o) : output(std::move(to)), options(o), stream(static_cast<int>(o.serial)) {}

  Output output;
  Options options;
  Stream stream;
  std::unique_ptr<codec::Codec> encoder;
  std::size_t packet = 0;                // samples of one, all channels
  std::vector<std::int16_t> waiting;     // not encoded yet
  std::vector<std::byte> held;           // the packet encoded last: the final one must be marked
  std::uint64_t frames = 0, encoded = 0; // at the rate of the PCM
  std::int64_t number = 0;
  std::size_t on_page = 0;

  std::uint64_t granule(std::uint64_t at) const { return at * kOggRate / options.format.rate; }

  Result<> put(const std::vector<std::byte>& bytes, std::uint64_t position, bool first, bool last) {
    // libogg copies the packet and leaves it as it is.
    std::vector<unsigned char> copy(bytes.size());
    if (!bytes.empty()) std::memcpy(copy.data(), bytes.data(), bytes.size());
    ogg_packet packet_in{};
    packet_in.packet = copy.data();
    packet_in.bytes = static_cast<long>(copy.size());
    packet_in.b_o_s = first ? 1 : 0;
    packet_in.e_o_s = last ? 1 : 0;
    packet_in.granulepos = static_cast<ogg_int64_t>(position);
    packet_in.packetno = number++;
    if (ogg_stream_packetin(stream.get(), &packet_in) != 0) return fail(Errc::io, 0, "memory");
    return {};
  }

  Result<> pages() {
    ogg_page page{};
    while (ogg_stream_flush(stream.get(), &page) != 0) {
      if (const auto done = output.write(bytes_of(page.header, page.header_len)); !done) return done;
      if (const auto done = output.write(bytes_of(page.body, page.body_len)); !done) return done;
    }
    on_page = 0;
    return {};
  }

  Result<> headers() {
    OpusHead head;
    head.channels = static_cast<std::uint8_t>(options.format.channels);
    head.pre_skip = static_cast<std::uint16_t>(granule(encoder->delay()));
    head.input_rate = options.format.rate;
    if (const auto done = put(make_opus_head(head), 0, true, false); !done) return done;
    if (const auto done = pages(); !done) return done;
    std::vector<std::byte> tags;
    constexpr std::string_view vendor = "talky";
    put_text(tags, "OpusTags");
    put_little(tags, vendor.size(), 4);
    put_text(tags, vendor);
    put_little(tags, 0, 4);
    if (const auto done = put(tags, 0, false, false); !done) return done;
    return pages();
  }

  Result<> encode(std::span<const std::int16_t> pcm) {
    if (!held.empty()) {
      if (const auto done = put(held, granule(encoded), false, false); !done) return done;
      if (++on_page == 50) {
        if (const auto done = pages(); !done) return done;
      }
    }
    held.clear();
    encoded += pcm.size() / options.format.channels;
    return encoder->encode(pcm, held);
  }
};

OggOpusWriter::OggOpusWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OggOpusWriter::OggOpusWriter(OggOpusWriter&&) noexcept = default;
OggOpusWriter& OggOpusWriter::operator=(OggOpusWriter&&) noexcept = default;
OggOpusWriter::~OggOpusWriter() = default;

Result<OggOpusWriter> OggOpusWriter::create(Output output, const Options& options) {
  if (!codec::opus::has_rate(options.format.rate) || options.format.channels < 1 ||
      options.format.channels > 2)
    return fail(Errc::unsupported, 0, "8, 12, 16, 24 or 48 kHz, one or two channels");
  auto impl = std::make_unique<Impl>(std::move(output), options);
  codec::Options codec;
  codec.sample_rate = options.format.rate;
  codec.channels = static_cast<std::uint8_t>(options.format.channels);
  codec.bitrate = options.bitrate;
  codec.music = options.format.rate > 16000;
  impl->encoder = codec::find("opus")->make(codec);
  if (!impl->encoder) return fail(Errc::unsupported, 0, "6,000 to 510,000 bit/s");
  impl->packet = std::size_t{options.format.rate} / 50 * options.format.channels;
  if (const auto done = impl->headers(); !done) return tl::unexpected(done.error());
  return OggOpusWriter(std::move(impl));
}

Result<> OggOpusWriter::write(std::span<const std::int16_t> interleaved) {
  Impl& impl = *impl_;
  impl.frames += interleaved.size() / impl.options.format.channels;
  impl.waiting.insert(impl.waiting.end(), interleaved.begin(), interleaved.end());
  std::size_t at = 0;
  for (; at + impl.packet <= impl.waiting.size(); at += impl.packet) {
    if (const auto done = impl.encode(std::span(impl.waiting).subspan(at, impl.packet)); !done) return done;
  }
  impl.waiting.erase(impl.waiting.begin(), impl.waiting.begin() + static_cast<std::ptrdiff_t>(at));
  return {};
}

Result<> OggOpusWriter::flush() {
  if (!impl_->held.empty()) {
    // Whether it is the last one is not known: then an empty page will say so.
    if (const auto done = impl_->put(impl_->held, impl_->granule(impl_->encoded), false, false); !done)
      return done;
    impl_->held.clear();
    ++impl_->on_page;
  }
  if (impl_->on_page > 0) {
    if (const auto done = impl_->pages(); !done) return done;
  }
  return impl_->output.flush();
}

Result<> OggOpusWriter::close() {
  Impl& impl = *impl_;
  // Silence pushes the last samples through the encoder; the granule position cuts it off again.
  const std::uint64_t needed = impl.frames + impl.encoder->delay();
  while (impl.encoded < needed || impl.held.empty()) {
    impl.waiting.resize(impl.packet);
    if (const auto done = impl.encode(impl.waiting); !done) return done;
    impl.waiting.clear();
  }
  const auto put = impl.put(impl.held, impl.granule(needed), false, true);
  if (!put) return put;
  if (const auto done = impl.pages(); !done) return done;
  return impl.output.close();
}

} // namespace talky::file
