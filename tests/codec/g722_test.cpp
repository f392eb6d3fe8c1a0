// G.722 against the vectors of ITU-T's software tool library (G.191).
#include "codec/g722.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

using namespace talky;

namespace {

// Little-endian 16-bit words of a vector file; empty where there is no corpus.
std::vector<std::int16_t> words(const std::string& name) {
  const char* corpus = std::getenv("TALKY_CORPUS");
  if (corpus == nullptr) return {};
  std::ifstream in(std::string(corpus) + "/g722/" + name, std::ios::binary);
  const std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
  std::vector<std::int16_t> out;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    out.push_back(static_cast<std::int16_t>(static_cast<unsigned char>(bytes[i]) |
                                            static_cast<unsigned char>(bytes[i + 1]) << 8));
  }
  return out;
}

const codec::Info& info() {
  return codec::find("G722")->info;
}

std::size_t differences(std::span<const std::int16_t> a, std::span<const std::int16_t> b) {
  std::size_t count = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    count += a[i] != b[i] ? 1U : 0U;
  return count;
}

} // namespace

TEST_CASE("G.722 is bit-exact with the vectors of ITU-T: the encoder, and the decoder in its three modes") {
  const auto speech = words("inpsp.bin");
  const auto codes = words("codspw.cod");
  if (speech.empty() || codes.empty()) {
    MESSAGE("skipped: TALKY_CORPUS/g722 is not there");
    return;
  }
  std::vector<std::byte> expected;
  expected.reserve(codes.size());
  for (const std::int16_t code : codes)
    expected.push_back(static_cast<std::byte>(code & 0xff));

  // In packets of 20 ms, as a call sends them.
  const auto encoder = codec::find("G722")->make();
  std::vector<std::byte> bits;
  for (std::size_t at = 0; at < speech.size(); at += 320) {
    const auto packet = std::span(speech).subspan(at, std::min<std::size_t>(320, speech.size() - at));
    REQUIRE(encoder->encode(packet, bits));
  }
  CHECK(bits == expected);

  using codec::g722::Mode;
  const std::array modes{Mode::k64, Mode::k56, Mode::k48};
  for (std::size_t i = 0; i < modes.size(); ++i) {
    CAPTURE(i + 1);
    const auto reference = words("outsp" + std::to_string(i + 1) + ".bin");
    codec::g722::Decoder decoder(modes.at(i));
    std::vector<std::int16_t> pcm(2 * expected.size());
    for (std::size_t at = 0; at < expected.size(); at += 160) {
      const auto packet = std::span(expected).subspan(at, std::min<std::size_t>(160, expected.size() - at));
      decoder.decode(packet, std::span(pcm).subspan(2 * at, 2 * packet.size()));
    }
    REQUIRE(reference.size() == codes.size() * 2);
    CHECK(differences(pcm, reference) == 0);
  }
}

TEST_CASE("G.722: the RTP clock has 8 kHz, the sound 16; an odd number of samples is refused") {
  CHECK(info().clock_rate == 8000);
  CHECK(info().sample_rate == 16000);
  const auto g722 = codec::find("G722")->make();
  const std::vector<std::int16_t> odd(3);
  std::vector<std::byte> payload;
  const auto refused = g722->encode(odd, payload);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::unsupported);
  CHECK(payload.empty());
  CHECK_FALSE(g722->packs(3));
  CHECK(g722->packs(320));
}
