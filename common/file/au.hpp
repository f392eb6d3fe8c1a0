// Sun's and NeXT's AU:
//
//    0  ".snd"   4 offset of the samples   8 their bytes, 0xffffffff: unknown   12 encoding   16 rate   20
//    channels
//   24  an annotation, up to the samples              all integers and samples big-endian
//
// Read and written: mu-law (encoding 1), 8 bits signed (2), 16, 24 and 32 bits (3, 4, 5), float (6), double
// (7), A-law (27). G.72x (23 to 26) and DSP data are not.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "file/sample_reader.hpp"

namespace talky::file {

// How much of a file its header and annotation may take.
inline constexpr std::size_t kAuHeaderLimit = std::size_t{1} << 16;

// nullopt: so far so good, but more bytes are needed. Errors: malformed (what was expected and where),
// unsupported (an encoding that is not read), too_large.
Result<std::optional<SampleHeader>> parse_au_header(Bytes start);

// 28 bytes, with an empty annotation. `format` is one that AU has: see au_holds. `data_size` nullopt:
// unknown.
std::vector<std::byte> make_au_header(SampleFormat format, std::uint32_t rate, std::uint16_t channels,
                                      std::optional<std::uint64_t> data_size);
bool au_holds(SampleFormat format);

class AuReader : public SampleReader {
 public:
  // As WavReader::create.
  static Result<AuReader> create(Input&& input);

 private:
  using SampleReader::SampleReader;
};

} // namespace talky::file
