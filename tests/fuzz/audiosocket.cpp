// The stream decoder fed in two chunkings that must agree, and the control messages, which must come back as
// they went.
#include "ipc/audiosocket.hpp"

#include <cstdlib>

#include "ipc/control.hpp"

using namespace talky;
using namespace talky::ipc;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

// Every frame once more as bytes, and whether the stream broke.
bool decode(Bytes stream, std::size_t chunk, std::vector<std::byte>& out) {
  Decoder decoder;
  for (std::size_t at = 0; at < stream.size(); at += chunk) {
    decoder.feed(stream.subspan(at, std::min(chunk, stream.size() - at)));
    for (;;) {
      const auto next = decoder.next();
      if (!next) return false;
      if (!*next) break;
      require(encode(**next, out).has_value());
      if ((*next)->kind != Kind::control) continue;
      const std::string_view json = as_text((*next)->payload);
      if (const auto message = parse_from_agent(json))
        require(parse_from_agent(to_json(*message)) == message);
      if (const auto message = parse_to_agent(json)) require(parse_to_agent(to_json(*message)).has_value());
    }
  }
  return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes stream = std::as_bytes(std::span(data, size));
  std::vector<std::byte> whole;
  std::vector<std::byte> pieces;
  const bool whole_ok = decode(stream, size + 1, whole);
  const bool pieces_ok = decode(stream, 3, pieces);
  require(whole_ok == pieces_ok && whole == pieces);
  require(whole.size() <= stream.size() && std::equal(whole.begin(), whole.end(), stream.begin()));

  LineDecoder lines;
  std::string line;
  lines.feed(as_text(stream));
  for (;;) {
    const auto more = lines.next(line);
    if (more && !*more) break;
    if (more) (void)parse_from_agent(line);
  }
  return 0;
}
