// Every codec's decoder on foreign payloads, with losses between them: no crash, and as many samples as
// frames_in() says, or an error that leaves what was there alone. The first byte chooses the codec, then come
// payloads behind their lengths; a length of 0 is a loss.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "codec/codec.hpp"

using namespace talky;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes rest = std::as_bytes(std::span(data, size));
  if (rest.empty()) return 0;
  const auto codecs = codec::all();
  const auto codec = codecs[std::to_integer<std::size_t>(rest[0]) % codecs.size()].make();
  const std::size_t channels = codec->info().channels;
  const std::size_t frames = codec->info().sample_rate / 50;
  rest = rest.subspan(1);
  std::vector<std::int16_t> pcm;
  bool lost = false;
  while (!rest.empty()) {
    const std::size_t length = std::min(std::to_integer<std::size_t>(rest[0]), rest.size() - 1);
    const Bytes payload = rest.subspan(1, length);
    rest = rest.subspan(1 + length);
    if (pcm.size() > 1'000'000) pcm.clear();
    if (payload.empty()) {
      lost = true;
      continue;
    }
    std::size_t before = pcm.size();
    if (lost && (codec->recover(payload, frames, pcm) || codec->conceal(frames, pcm)) &&
        pcm.size() != before + frames * channels)
      std::abort();
    lost = false;
    before = pcm.size();
    const auto promised = codec->frames_in(payload);
    const auto done = codec->decode(payload, pcm);
    if (done && (!promised || pcm.size() != before + *promised * channels)) std::abort();
    if (!done && pcm.size() != before) std::abort();
  }
  return 0;
}
