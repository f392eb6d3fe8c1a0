// What talky-rtpdump makes of foreign bytes besides captures: packets printed, keys of SRTP, tables cut to a
// terminal. The first byte chooses.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "capture/srtp_key.hpp"
#include "rtpdump/live/follow.hpp"
#include "rtpdump/report/print.hpp"

using namespace talky;
using namespace talky::rtpdump;

namespace {

void keys(std::string_view text) {
  const auto parsed = capture::parse_srtp_keys(text);
  if (!parsed) {
    if (parsed.error().offset > text.size()) std::abort();
    return;
  }
  for (const capture::SrtpKey& key : *parsed) {
    const capture::SrtpSuiteInfo& suite = capture::info(key.suite);
    if (key.key.size() != suite.key_bytes + suite.salt_bytes || key.mki.size() > 128) std::abort();
  }
}

void crypto(std::string_view text) {
  const auto parsed = capture::parse_crypto(text);
  if (!parsed && parsed.error().offset > text.size()) std::abort();
}

void print(Bytes packet, bool rtcp) {
  const Endpoint from;
  for (const PrintFormat format :
       {PrintFormat::ascii, PrintFormat::hex, PrintFormat::rtcp, PrintFormat::brief}) {
    std::string out;
    if (rtcp) {
      print_rtcp(format, 1, from, packet, out);
    } else if (packet.size() >= 12) {
      print_rtp(format, 1, from, packet, {}, out);
    }
    for (const char c : out) { // nothing of the network reaches a terminal as it is
      if ((c >= 0 && c < 0x20 && c != '\n') || c == 0x7f) std::abort();
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] % 5) {
    case 0: keys(as_text(bytes)); break;
    case 1: crypto(as_text(bytes)); break;
    case 2: print(bytes, false); break;
    case 3: print(bytes, true); break;
    default:
      if (bytes.size() > 2) {
        const std::size_t rows = std::to_integer<std::size_t>(bytes[1]) + 1;
        const std::string out =
            fitted(as_text(bytes.subspan(2)), std::to_integer<std::size_t>(bytes[0]), rows);
        std::size_t lines = 0;
        for (const char c : out)
          lines += c == '\n' ? 1 : 0;
        if (lines > rows) std::abort();
      }
  }
  return 0;
}
