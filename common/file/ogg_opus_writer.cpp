#include <cerrno>
#include <cstring>

#include "codec/codec.hpp"
#include "codec/opus.hpp"
#include "file/ogg_opus.hpp"
#include "file/ogg_opus_parts.hpp"

namespace talky::file {

using namespace ogg;

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

  std::uint64_t granule(std::uint64_t at) const { return at * kRate / options.format.rate; }

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
    if (ogg_stream_packetin(stream.get(), &packet_in) != 0) return fail(Errc::io, 0, "memory", ENOMEM);
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
    constexpr std::string_view kVendor = "talky";
    put_text(tags, "OpusTags");
    put_little(tags, kVendor.size(), 4);
    put_text(tags, kVendor);
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
