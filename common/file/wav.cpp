#include "file/wav.hpp"

#include <algorithm>
#include <array>

namespace talky::file {

namespace {

constexpr std::size_t kChunkHeader = 8;
constexpr std::uint16_t kTagPcm = 1;
constexpr std::uint16_t kTagFloat = 3;
constexpr std::uint16_t kTagAlaw = 6;
constexpr std::uint16_t kTagMulaw = 7;
constexpr std::uint16_t kTagExtensible = 0xfffe;
// Behind the two bytes of the tag, the sub-format of WAVE_FORMAT_EXTENSIBLE is this GUID.
constexpr std::array<std::uint8_t, 14> kGuidTail{0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                                 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71};

// RIFF is little-endian, so core/bytes does not serve. The caller has checked the bounds.
std::uint64_t little(Bytes bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = width; i > 0; --i)
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i - 1]);
  return value;
}
std::uint16_t u16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(little(bytes, at, 2));
}
std::uint32_t u32(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(little(bytes, at, 4));
}
std::string_view id(Bytes bytes, std::size_t at) {
  return as_text(bytes.subspan(at, 4));
}

// The sizes that writers leave which do not know the length or died before they did: 0; 0x7ffff000 (sox,
// talky) and what else lies around 2^31 (arecord, VLC); 0xffffffff (ffmpeg) and a little less.
bool is_unknown(std::uint32_t size) {
  return size == 0 || (size >= kWavUnknownSize && size <= 0x80000100) || size >= 0xffff0000;
}

std::optional<SampleFormat> format_of(std::uint16_t tag, unsigned bytes) {
  switch (tag) {
    case kTagPcm:
      if (bytes == 1) return SampleFormat::u8;
      if (bytes == 2) return SampleFormat::s16le;
      if (bytes == 3) return SampleFormat::s24le;
      if (bytes == 4) return SampleFormat::s32le;
      return std::nullopt;
    case kTagFloat:
      if (bytes == 4) return SampleFormat::f32le;
      if (bytes == 8) return SampleFormat::f64le;
      return std::nullopt;
    case kTagAlaw: return bytes == 1 ? std::optional(SampleFormat::alaw) : std::nullopt;
    case kTagMulaw: return bytes == 1 ? std::optional(SampleFormat::mulaw) : std::nullopt;
    default: return std::nullopt;
  }
}

// The body of "fmt ", which starts at `at` and is `size` long.
Result<> read_fmt(Bytes file, std::size_t at, std::size_t size, WavHeader& header) {
  std::uint16_t tag = u16(file, at);
  header.channels = u16(file, at + 2);
  header.rate = u32(file, at + 4);
  const unsigned block = u16(file, at + 12);
  const unsigned bits = u16(file, at + 14);
  if (header.channels == 0 || header.channels > 64) return fail(Errc::malformed, at + 2, "1 to 64 channels");
  if (header.rate == 0 || header.rate > 1000000)
    return fail(Errc::malformed, at + 4, "a rate of 1 to 1,000,000 Hz");
  if (tag == kTagExtensible) {
    if (size < 40) return fail(Errc::malformed, at, "40 bytes of WAVE_FORMAT_EXTENSIBLE");
    const auto tail = file.subspan(at + 26, kGuidTail.size());
    if (!std::equal(tail.begin(), tail.end(), kGuidTail.begin(),
                    [](std::byte a, std::uint8_t b) { return std::to_integer<std::uint8_t>(a) == b; })) {
      return fail(Errc::unsupported, at + 24, "PCM, float, A-law or mu-law");
    }
    tag = u16(file, at + 24);
  }
  const bool law = tag == kTagAlaw || tag == kTagMulaw;
  const unsigned bytes = law ? 1 : (bits + 7) / 8; // for the laws some writers say 16 bits, meaning the PCM
  const auto format = format_of(tag, bytes);
  if (!format) return fail(Errc::unsupported, at, "PCM, float, A-law or mu-law");
  if (block != bytes * header.channels)
    return fail(Errc::malformed, at + 12, "a block of channels times sample bytes");
  header.format = *format;
  return {};
}

} // namespace

Result<std::optional<WavHeader>> parse_wav_header(Bytes start) {
  const auto more = [&]() -> Result<std::optional<WavHeader>> {
    if (start.size() > kWavHeaderLimit)
      return fail(Errc::too_large, start.size(), "a header of at most 1 MiB");
    return std::nullopt;
  };
  // What is there must be right, even if it is too little.
  constexpr std::array<std::string_view, 3> kMagics{"RIFF", "RF64", "BW64"};
  const auto magic = as_text(start.first(std::min<std::size_t>(start.size(), 4)));
  if (std::none_of(kMagics.begin(), kMagics.end(), [&](auto m) { return m.starts_with(magic); })) {
    return fail(magic == "RIFX" ? Errc::unsupported : Errc::malformed, 0, "RIFF");
  }
  const auto kind =
      start.size() > 8 ? as_text(start.subspan(8, std::min<std::size_t>(start.size() - 8, 4))) : "";
  if (!std::string_view("WAVE").starts_with(kind)) return fail(Errc::malformed, 8, "WAVE");
  if (start.size() < 12) return more();

  WavHeader header;
  bool have_format = false;
  std::optional<std::uint64_t> size_of_rf64;
  std::uint64_t at = 12;
  while (at + kChunkHeader <= start.size()) {
    const auto here = static_cast<std::size_t>(at);
    const std::uint32_t size = u32(start, here + 4);
    const std::size_t body = here + kChunkHeader;
    const auto name = id(start, here);
    if (name == "data") {
      if (!have_format) return fail(Errc::malformed, here, "a fmt chunk in front of the data");
      header.data_offset = body;
      if (size == 0xffffffff && size_of_rf64) {
        header.data_size = size_of_rf64;
      } else if (!is_unknown(size)) {
        header.data_size = size;
      }
      return header;
    }
    if (name == "fmt ") {
      if (size < 16 || size > 4096)
        return fail(Errc::malformed, here + 4, "a fmt chunk of 16 to 4,096 bytes");
      if (start.size() - body < size) return more();
      if (const auto read = read_fmt(start, body, size, header); !read) return tl::unexpected(read.error());
      have_format = true;
    } else if (name == "ds64" && size >= 16) {
      if (start.size() - body < 16) return more();
      size_of_rf64 = little(start, body + 8, 8);
    }
    at = body + std::uint64_t{size} + size % 2;
    if (at > kWavHeaderLimit) return fail(Errc::too_large, here, "a header of at most 1 MiB");
  }
  return more();
}

bool wav_holds(SampleFormat format) {
  switch (format) {
    case SampleFormat::s16le:
    case SampleFormat::mulaw:
    case SampleFormat::alaw:
    case SampleFormat::u8:
    case SampleFormat::s24le:
    case SampleFormat::s32le:
    case SampleFormat::f32le:
    case SampleFormat::f64le: return true;
    default: return false;
  }
}

std::vector<std::byte> make_wav_header(SampleFormat format, std::uint32_t rate, std::uint16_t channels,
                                       std::optional<std::uint64_t> data_size) {
  std::vector<std::byte> out;
  const auto put = [&out](std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i)
      out.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
  };
  const auto text = [&out](std::string_view t) {
    const auto bytes = as_bytes(t);
    out.insert(out.end(), bytes.begin(), bytes.end());
  };
  std::uint16_t tag = kTagPcm;
  if (format == SampleFormat::f32le || format == SampleFormat::f64le) tag = kTagFloat;
  if (format == SampleFormat::alaw) tag = kTagAlaw;
  if (format == SampleFormat::mulaw) tag = kTagMulaw;
  const bool plain = tag == kTagPcm;
  const std::uint64_t front = plain ? 36 : 50; // of the header, behind the RIFF size
  const unsigned bytes = info(format).bytes;
  const unsigned block = bytes * channels;
  // Sizes beyond 32 bits are left to the readers, who go on to the end of the file.
  constexpr std::uint64_t kLargest = 0xfffffffe;
  const std::uint64_t data = std::min(data_size.value_or(kWavUnknownSize), kLargest);

  text("RIFF");
  put(std::min(data + data % 2 + front, kLargest), 4);
  text("WAVEfmt ");
  put(plain ? 16 : 18, 4);
  put(tag, 2);
  put(channels, 2);
  put(rate, 4);
  put(std::uint64_t{rate} * block, 4);
  put(block, 2);
  put(std::uint64_t{bytes} * 8, 2);
  if (!plain) {
    put(0, 2);
    text("fact");
    put(4, 4);
    put(data / block, 4);
  }
  text("data");
  put(data, 4);
  return out;
}

Result<WavReader> WavReader::open(const std::string& path) {
  auto input = Input::open(path);
  if (!input) return tl::unexpected(input.error());
  return create(std::move(*input));
}

Result<WavReader> WavReader::create(Input&& input) {
  std::size_t wanted = 12;
  for (;;) {
    const auto bytes = input.peek(wanted);
    if (!bytes) return tl::unexpected(bytes.error());
    const auto header = parse_wav_header(*bytes);
    if (!header) return tl::unexpected(header.error());
    if (*header) {
      input.skip(static_cast<std::size_t>((*header)->data_offset));
      return WavReader(std::move(input), **header);
    }
    if (bytes->size() < wanted) {
      return fail(Errc::truncated, static_cast<std::size_t>(input.offset()) + bytes->size(),
                  "the rest of a WAV header");
    }
    wanted = bytes->size() + 1;
  }
}

Result<> save_wav(const std::string& path, audio::Format format, std::span<const std::int16_t> interleaved) {
  auto output = Output::create(path, Output::Mode::replace);
  if (!output) return tl::unexpected(output.error());
  const auto header =
      make_wav_header(SampleFormat::s16le, format.rate, format.channels, interleaved.size_bytes());
  if (const auto written = output->write(header); !written) return written;
  if (const auto written = output->write(std::as_bytes(interleaved)); !written) return written;
  return output->close();
}

} // namespace talky::file
