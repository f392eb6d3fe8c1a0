// What else talky-rtpdump takes from strangers. The first byte chooses: a session announcement (SAP); packets
// under a key of SRTP that is known; a file of any kind and compression as the program opens it, through the
// whole analysis.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "capture/analysis.hpp"
#include "capture/announcement.hpp"
#include "capture/decoder.hpp"
#include "capture/source.hpp"
#include "capture/srtp.hpp"

using namespace talky;
using namespace talky::capture;

namespace {

void announcement(Bytes message) {
  Announcements announcements;
  file::Segment segment;
  segment.from = {IpAddress::v4(192, 0, 2, 1), 9875};
  segment.to = {IpAddress::v4(224, 2, 127, 254), 9875};
  segment.payload = message;
  segment.payload_length = static_cast<std::uint32_t>(message.size());
  for (int again = 0; again < 2; ++again) // it is repeated every few minutes
    (void)read_announcement(segment, announcements);
  if (announcements.receivers() > 32) std::abort();
}

// Packets behind a byte of length each.
void srtp(Bytes bytes) {
  constexpr std::string_view kEys =
      "AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\n"
      "AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==\n";
  const auto parsed = parse_srtp_keys(kEys);
  if (!parsed) std::abort();
  const Announcements announcements;
  SrtpDecryptor decryptor(*parsed, announcements);
  while (!bytes.empty()) {
    const std::size_t length = std::min(std::to_integer<std::size_t>(bytes[0]), bytes.size() - 1);
    file::Segment segment;
    segment.from = {IpAddress::v4(192, 0, 2, 1), 4000};
    segment.to = {IpAddress::v4(192, 0, 2, 2), 5004};
    segment.payload = bytes.subspan(1, length);
    segment.payload_length = static_cast<std::uint32_t>(length);
    segment.time_ns += 20'000'000;
    if (decryptor.open(segment).value_or(false) && segment.payload.size() > length)
      std::abort(); // plaintext is not longer
    bytes = bytes.subspan(1 + length);
  }
  (void)decryptor.flows();
}

// The sound of the first stream, as both decoders give it.
void hear(Bytes bytes, const Analysis& analysis) {
  const auto streams = analysis.streams.streams();
  const auto usable =
      std::find_if(streams.begin(), streams.end(), [](const Stream* s) { return s->codec() != nullptr; });
  auto source = Source::create(file::Input::memory(bytes));
  if (usable == streams.end() || !source) return;
  const std::unique_ptr<StreamDecoder> decoders[] = {make_exact_decoder(**usable, {}),
                                                     make_phone_decoder(**usable)};
  std::size_t packets = 500, stretches = 2'000; // a gap may last for years
  std::vector<std::int16_t> heard;
  const auto drain = [&](StreamDecoder& decoder) {
    const std::size_t most = std::size_t{decoder.format().rate} * decoder.format().channels;
    for (; stretches > 0 && decoder.produce(heard); --stretches, heard.clear()) {
      if (heard.size() > 2 * most) std::abort();
    }
  };
  std::int64_t start_ns = 0;
  for (file::Segment segment; packets-- > 0;) {
    const auto more = source->next(segment);
    if (!more || !*more) break;
    rtp::Header header;
    Bytes payload;
    if (analysis.streams.find(segment, header, payload) != *usable) continue;
    if (start_ns == 0) start_ns = segment.time_ns;
    decoders[0]->receive(segment);
    drain(*decoders[0]);
    // The jitter buffer runs by the clock of arrival.
    if (segment.time_ns < start_ns || segment.time_ns - start_ns > 20'000'000'000) continue;
    decoders[1]->receive(segment);
    drain(*decoders[1]);
  }
  for (const auto& decoder : decoders) {
    decoder->end();
    drain(*decoder);
  }
}

void whole_file(Bytes bytes) {
  auto source = Source::create(file::Input::memory(bytes));
  if (!source) return;
  Analysis analysis(AnalysisOptions{true, true});
  std::size_t enough = 100'000; // packets: a few compressed bytes may stand for very many
  for (file::Segment segment; enough-- > 0;) {
    const auto more = source->next(segment);
    if (!more || !*more) break;
    if (segment.payload.size() > segment.payload_length) std::abort();
    analysis.add(segment);
  }
  for (const Stream* stream : analysis.streams.streams()) {
    if (analysis.number_of(*stream) == 0) std::abort();
  }
  hear(bytes, analysis);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] % 3) {
    case 0: announcement(bytes); break;
    case 1: srtp(bytes); break;
    default: whole_file(bytes);
  }
  return 0;
}
