// ITU-T's vectors, and every implementation against the one-sample functions.
#include "codec/g711.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace g711 = talky::codec::g711;
using g711::Law;

namespace {

std::vector<std::int16_t> every_sample() {
  std::vector<std::int16_t> all;
  for (int x = -32768; x <= 32767; ++x)
    all.push_back(static_cast<std::int16_t>(x));
  return all;
}

std::vector<std::byte> every_code() {
  std::vector<std::byte> all;
  all.reserve(256);
  for (int code = 0; code < 256; ++code)
    all.push_back(static_cast<std::byte>(code));
  return all;
}

// Little-endian 16-bit words of a vector file; empty where there is no corpus.
std::vector<std::uint16_t> words(const std::string& name) {
  const char* corpus = std::getenv("TALKY_CORPUS");
  if (corpus == nullptr) return {};
  std::ifstream in(std::string(corpus) + "/g711/" + name, std::ios::binary);
  const std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
  std::vector<std::uint16_t> out;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    out.push_back(static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[i]) |
                                             static_cast<unsigned char>(bytes[i + 1]) << 8));
  }
  REQUIRE_MESSAGE(out.size() == 65536, "the vector file ", name, " has 65,536 words");
  return out;
}

struct Vectors {
  Law law;
  const char* codes;
  const char* decoded; // the codes, decoded again
};

} // namespace

TEST_CASE("ITU-T's vectors: no difference over all 65,536 inputs and all 256 codes of both laws") {
  if (std::getenv("TALKY_CORPUS") == nullptr) {
    MESSAGE("SKIPPED: TALKY_CORPUS is not set, so ITU-T's G.711 vectors are not compared");
    return;
  }
  const auto source = words("sweep.src");
  std::vector<std::int16_t> samples;
  samples.reserve(source.size());
  for (const std::uint16_t word : source)
    samples.push_back(static_cast<std::int16_t>(word));
  CHECK(samples == every_sample());

  for (const Vectors& v :
       {Vectors{Law::mu, "sweep-r.u", "sweep-r.u-u"}, Vectors{Law::a, "sweep-r.a", "sweep-r.a-a"}}) {
    const auto codes = words(v.codes);
    const auto decoded = words(v.decoded);
    for (const char* implementation : g711::implementations()) {
      CAPTURE(implementation);
      std::vector<std::byte> made(samples.size());
      REQUIRE(g711::encode_with(implementation, v.law, samples, made));
      std::size_t wrong_codes = 0;
      for (std::size_t i = 0; i < codes.size(); ++i)
        wrong_codes += std::to_integer<std::uint16_t>(made[i]) != codes[i] ? 1u : 0u;
      CHECK(wrong_codes == 0);

      std::vector<std::int16_t> back(made.size());
      REQUIRE(g711::decode_with(implementation, v.law, made, back));
      std::size_t wrong_samples = 0;
      std::vector<bool> seen(256);
      for (std::size_t i = 0; i < decoded.size(); ++i) {
        seen[codes[i]] = true;
        wrong_samples += back[i] != static_cast<std::int16_t>(decoded[i]) ? 1u : 0u;
      }
      CHECK(wrong_samples == 0);
      CHECK(std::count(seen.begin(), seen.end(), true) == 256);
    }
  }
}

TEST_CASE(
    "every implementation agrees with the one-sample functions on all inputs, at every length and "
    "alignment") {
  REQUIRE(std::string(g711::implementations()[0]) == "scalar");
#if defined(__x86_64__)
  REQUIRE(g711::implementations().size() >= 2);
#endif
  const auto samples = every_sample();
  const auto codes = every_code();
  for (const char* implementation : g711::implementations()) {
    for (const Law law : {Law::mu, Law::a}) {
      CAPTURE(implementation);
      std::vector<std::byte> encoded(samples.size());
      REQUIRE(g711::encode_with(implementation, law, samples, encoded));
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < samples.size(); ++i) {
        const auto expected = law == Law::mu ? g711::encode_mu(samples[i]) : g711::encode_a(samples[i]);
        wrong += std::to_integer<std::uint8_t>(encoded[i]) != expected ? 1u : 0u;
      }
      CHECK(wrong == 0);

      for (std::size_t start = 0; start < 40; ++start) {
        for (std::size_t length = 0; length < 80; ++length) {
          const auto in = std::span(codes).subspan(start, length);
          std::vector<std::int16_t> out(length + 1, 12345);
          REQUIRE(g711::decode_with(implementation, law, in, std::span(out).first(length)));
          for (std::size_t i = 0; i < length; ++i) {
            const auto code = std::to_integer<std::uint8_t>(in[i]);
            wrong += out[i] != (law == Law::mu ? g711::decode_mu(code) : g711::decode_a(code)) ? 1u : 0u;
          }
          wrong += out[length] != 12345 ? 1u : 0u; // nothing is written behind the end
        }
      }
      CHECK(wrong == 0);
    }
  }
  std::vector<std::byte> none;
  CHECK_FALSE(g711::encode_with("abacus", Law::mu, {}, none));
}

TEST_CASE("every code survives decode and encode, but for mu-law's second zero") {
  for (int code = 0; code < 256; ++code) {
    const auto byte = static_cast<std::uint8_t>(code);
    CHECK(g711::encode_a(g711::decode_a(byte)) == byte);
    CHECK(g711::encode_mu(g711::decode_mu(byte)) == (byte == 0x7f ? 0xff : byte));
  }
  CHECK(g711::encode_mu(0) == g711::kMuSilence);
  CHECK(g711::encode_a(0) == g711::kASilence);
}

TEST_CASE("decode(encode(x)) is within half an interval of x, whatever the block") {
  CHECK(rc::check("G.711 quantises", [](const std::vector<std::int16_t>& pcm) {
    for (const Law law : {Law::mu, Law::a}) {
      std::vector<std::byte> codes(pcm.size());
      std::vector<std::int16_t> back(pcm.size());
      g711::encode(law, pcm, codes);
      g711::decode(law, codes, back);
      for (std::size_t i = 0; i < pcm.size(); ++i) {
        const int x = pcm[i];
        // The interval is a 16th of the segment's lower end; the largest codes clip.
        const int allowed = std::max(16, std::abs(x) / 32 + 8);
        RC_ASSERT(std::abs(back[i] - x) <= (std::abs(x) > 32256 ? 1024 : allowed));
      }
    }
  }));
}
