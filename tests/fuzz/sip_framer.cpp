// A stream cut in two ways must give the same items. The first byte is the size of the second way's reads.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/bytes.hpp"
#include "sip/framer.hpp"

using namespace talky;
using namespace talky::sip;

namespace {

std::string run(std::string_view stream, std::size_t piece) {
  Framer framer({.head = 1000, .body = 1000});
  std::string log;
  while (!stream.empty()) {
    framer.feed(stream.substr(0, piece));
    stream.remove_prefix(std::min(piece, stream.size()));
    for (;;) {
      const auto item = framer.next();
      if (!item) return log + "!" + std::to_string(static_cast<int>(item.error().code));
      if (!*item) break;
      log += std::to_string(static_cast<int>((*item)->kind)) + std::string((*item)->bytes);
    }
  }
  return log;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const std::size_t piece = 1u + data[0] % 64u;
  if (run(text.substr(1), size) != run(text.substr(1), piece)) std::abort();
  return 0;
}
