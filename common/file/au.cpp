#include "file/au.hpp"

#include <algorithm>
#include <array>

namespace talky::file {

namespace {

constexpr std::size_t kHeaderBytes = 24;
constexpr std::size_t kAnnotationBytes = 4; // that many at least, says the format, and sox
constexpr std::uint32_t kUnknownSize = 0xffffffff;

struct Encoding {
  std::uint32_t number;
  SampleFormat format;
};
constexpr std::array kEncodings{Encoding{1, SampleFormat::mulaw}, Encoding{2, SampleFormat::s8},
                                Encoding{3, SampleFormat::s16be}, Encoding{4, SampleFormat::s24be},
                                Encoding{5, SampleFormat::s32be}, Encoding{6, SampleFormat::f32be},
                                Encoding{7, SampleFormat::f64be}, Encoding{27, SampleFormat::alaw}};

const Encoding* encoding_of(SampleFormat format) {
  const auto* found = std::find_if(kEncodings.begin(), kEncodings.end(),
                                   [&](const Encoding& e) { return e.format == format; });
  return found == kEncodings.end() ? nullptr : found;
}

} // namespace

bool au_holds(SampleFormat format) {
  return encoding_of(format) != nullptr;
}

Result<std::optional<SampleHeader>> parse_au_header(Bytes start) {
  const auto magic = as_text(start.first(std::min<std::size_t>(start.size(), 4)));
  if (!std::string_view(".snd").starts_with(magic)) return fail(Errc::malformed, 0, ".snd");
  if (start.size() < kHeaderBytes) return std::nullopt;
  Reader reader(start.subspan(4));
  const std::uint32_t offset = *reader.u32();
  const std::uint32_t size = *reader.u32();
  const std::uint32_t number = *reader.u32();
  const std::uint32_t rate = *reader.u32();
  const std::uint32_t channels = *reader.u32();
  if (offset < kHeaderBytes) return fail(Errc::malformed, 4, "an offset of at least 24");
  if (offset > kAuHeaderLimit) return fail(Errc::too_large, 4, "a header of at most 64 KiB");
  if (rate == 0 || rate > 1000000) return fail(Errc::malformed, 16, "a rate of 1 to 1,000,000 Hz");
  if (channels == 0 || channels > 64) return fail(Errc::malformed, 20, "1 to 64 channels");
  const auto encoding = std::find_if(kEncodings.begin(), kEncodings.end(),
                                     [&](const Encoding& e) { return e.number == number; });
  if (encoding == kEncodings.end()) return fail(Errc::unsupported, 12, "PCM, float, A-law or mu-law");
  if (start.size() < offset) return std::nullopt;
  SampleHeader header;
  header.format = encoding->format;
  header.rate = rate;
  header.channels = static_cast<std::uint16_t>(channels);
  header.data_offset = offset;
  if (size != kUnknownSize) header.data_size = size;
  return header;
}

std::vector<std::byte> make_au_header(SampleFormat format, std::uint32_t rate, std::uint16_t channels,
                                      std::optional<std::uint64_t> data_size) {
  std::vector<std::byte> out;
  Writer writer(out);
  writer.u32(0x2e736e64); // ".snd"
  writer.u32(kHeaderBytes + kAnnotationBytes);
  // A size beyond 32 bits is as good as unknown: readers go on to the end of the file.
  writer.u32(
      static_cast<std::uint32_t>(std::min<std::uint64_t>(data_size.value_or(kUnknownSize), kUnknownSize)));
  const Encoding* encoding = encoding_of(format);
  writer.u32(encoding != nullptr ? encoding->number : 0);
  writer.u32(rate);
  writer.u32(channels);
  writer.u32(0);
  return out;
}

Result<AuReader> AuReader::create(Input&& input) {
  std::size_t wanted = kHeaderBytes;
  for (;;) {
    const auto bytes = input.peek(wanted);
    if (!bytes) return tl::unexpected(bytes.error());
    const auto header = parse_au_header(*bytes);
    if (!header) return tl::unexpected(header.error());
    if (*header) {
      input.skip(static_cast<std::size_t>((*header)->data_offset));
      return AuReader(std::move(input), **header);
    }
    if (bytes->size() < wanted) return fail(Errc::truncated, bytes->size(), "the rest of an AU header");
    wanted = bytes->size() + 1;
  }
}

} // namespace talky::file
