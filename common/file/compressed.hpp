// Captures inside gzip (RFC 1952) and Zstandard (RFC 8878), read as a stream in constant memory: 64 KiB of
// input, the window of the format (32 KiB; of Zstandard at most 128 MiB, and 8 MiB up to level 19), and what
// Input buffers.
#pragma once
#include <cstdint>
#include <memory>

#include "core/bytes.hpp"
#include "file/io.hpp"

namespace talky::file {

enum class Compression : std::uint8_t { none, gzip, zstd };

// By the first bytes (four suffice).
Compression compression_of(Bytes start);

// How far a decompression has come; reported by the reader of the input while it goes on.
struct CompressionState {
  Compression kind = Compression::none;
  std::uint64_t compressed = 0; // bytes of the file that were used
  bool truncated = false;       // the file ended inside a member or a frame
};

struct Decompressed {
  Input input;
  std::shared_ptr<const CompressionState> state;
};

// The input itself if it is not compressed, else one that gives what is inside. Several members or frames in
// a row are one stream, as gzip and zstd have it; what follows the last one and is neither is ignored, as by
// gzip. Reading fails with malformed, and the offset in the compressed file, where it is damaged (a wrong
// checksum included), and with unsupported for a window above 128 MiB or a Zstandard dictionary. A file that
// is cut off just ends, with `truncated` set. Errors: io.
Result<Decompressed> decompress(Input input);

} // namespace talky::file
