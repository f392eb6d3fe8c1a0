#include "http/gzip.hpp"

#include <zlib.h>

#include <array>
#include <limits>
#include <new>

namespace talky::http {

std::string gzip(std::string_view body) {
  constexpr int kGzipWindow = MAX_WBITS + 16; // zlib.h: 16 more for a gzip header
  constexpr int kMemory = 8;                  // zlib's default
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    throw std::bad_alloc();
  std::string out;
  std::array<Bytef, 16 << 10> piece{};
  std::string input(body); // zlib's pointer is not to const
  stream.next_in = static_cast<Bytef*>(static_cast<void*>(input.data()));
  int state = Z_OK;
  for (std::size_t left = input.size(); state != Z_STREAM_END;) {
    if (stream.avail_in == 0 && left > 0) {
      const std::size_t most = std::numeric_limits<uInt>::max();
      stream.avail_in = static_cast<uInt>(left < most ? left : most);
      left -= stream.avail_in;
    }
    stream.next_out = piece.data();
    stream.avail_out = static_cast<uInt>(piece.size());
    state = deflate(&stream, left == 0 ? Z_FINISH : Z_NO_FLUSH);
    out.append(static_cast<const char*>(static_cast<const void*>(piece.data())),
               piece.size() - stream.avail_out);
  }
  deflateEnd(&stream);
  return out;
}

} // namespace talky::http
