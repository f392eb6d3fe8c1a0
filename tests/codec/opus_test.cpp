// Opus as RTP needs it: lost packets, FEC, DTX, and streams that change their width and channels.
#include "codec/opus.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <cmath>
#include <numbers>

using namespace talky;

namespace {

using Pcm = std::vector<std::int16_t>;

std::unique_ptr<codec::Codec> make(const codec::Options& options) {
  return codec::find("opus")->make(options);
}

// Voiced sound: a pulse train of 120 Hz with a slow swell, for which SILK is made.
Pcm voice(std::size_t frames, std::uint32_t rate, std::size_t channels) {
  Pcm pcm;
  for (std::size_t i = 0; i < frames; ++i) {
    const double t = static_cast<double>(i) / rate;
    double x = 0;
    for (int h = 1; h < 20; ++h)
      x += std::sin(2 * std::numbers::pi * 120 * h * t) / h;
    const auto sample = static_cast<std::int16_t>(4000 * x * (0.6 + 0.4 * std::sin(7 * t)));
    for (std::size_t c = 0; c < channels; ++c)
      pcm.push_back(c == 0 ? sample : static_cast<std::int16_t>(-sample / 2));
  }
  return pcm;
}

std::vector<std::vector<std::byte>> packets_of(codec::Codec& encoder, const Pcm& pcm, std::size_t frames) {
  std::vector<std::vector<std::byte>> packets;
  const std::size_t step = frames * encoder.info().channels;
  for (std::size_t at = 0; at + step <= pcm.size(); at += step)
    REQUIRE(encoder.encode(std::span(pcm).subspan(at, step), packets.emplace_back()));
  return packets;
}

double power(std::span<const std::int16_t> pcm) {
  double sum = 0;
  for (const std::int16_t x : pcm)
    sum += static_cast<double>(x) * x;
  return sum / static_cast<double>(pcm.size());
}

double error_power(std::span<const std::int16_t> a, std::span<const std::int16_t> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
  return sum / static_cast<double>(a.size());
}

} // namespace

TEST_CASE("Opus: every rate, channel count and packet length gives as many frames as it took") {
  for (const std::uint32_t rate : {8000U, 12000U, 16000U, 24000U, 48000U}) {
    for (const std::uint8_t channels : {std::uint8_t{1}, std::uint8_t{2}}) {
      codec::Options options;
      options.sample_rate = rate;
      options.channels = channels;
      const auto encoder = make(options);
      const auto decoder = make(options);
      for (const unsigned tenths : {25U, 50U, 100U, 200U, 400U, 600U, 800U, 1000U, 1200U}) {
        CAPTURE(rate);
        CAPTURE(channels);
        CAPTURE(tenths);
        const std::size_t frames = std::size_t{rate} * tenths / 10000;
        REQUIRE(encoder->packs(frames));
        std::vector<std::byte> payload;
        REQUIRE(encoder->encode(voice(frames, rate, channels), payload));
        CHECK(decoder->frames_in(payload) == frames);
        CHECK(codec::opus::inspect(payload)->samples == 48 * tenths / 10);
        Pcm out;
        REQUIRE(decoder->decode(payload, out));
        CHECK(out.size() == frames * channels);
      }
      CHECK_FALSE(encoder->packs(rate / 50 + 1));
      std::vector<std::byte> none;
      CHECK_FALSE(encoder->encode(voice(rate / 50 + 1, rate, channels), none));
      CHECK(none.empty());
    }
  }
}

TEST_CASE(
    "Opus: what changes within a stream is followed, and comes out at the rate and channels asked for") {
  codec::Options out48;
  out48.sample_rate = 48000;
  out48.channels = 2;
  const auto decoder = make(out48);
  struct Part {
    std::uint32_t rate;
    std::uint8_t channels;
    std::uint32_t bandwidth;
  };
  for (const Part part :
       {Part{8000, 1, 4000}, Part{48000, 2, 20000}, Part{16000, 1, 8000}, Part{24000, 2, 12000}}) {
    CAPTURE(part.rate);
    codec::Options options;
    options.sample_rate = part.rate;
    options.channels = part.channels;
    options.bitrate = 64000 * part.channels;
    const auto encoder = make(options);
    Pcm heard;
    for (const auto& packet :
         packets_of(*encoder, voice(part.rate / 2, part.rate, part.channels), part.rate / 50)) {
      const auto seen = codec::opus::inspect(packet);
      REQUIRE(seen);
      CHECK(seen->bandwidth <= part.bandwidth);
      CHECK(seen->stereo == (part.channels == 2));
      REQUIRE(decoder->decode(packet, heard));
    }
    REQUIRE(heard.size() == 48000);
    double left = 0, right = 0;
    for (std::size_t i = 12000; i < heard.size(); i += 2) {
      left += static_cast<double>(heard[i]) * heard[i];
      right += static_cast<double>(heard[i + 1]) * heard[i + 1];
    }
    // The second channel has a quarter of the power of the first; of one channel both have the same.
    const double ratio = left / right;
    CHECK(ratio > (part.channels == 2 ? 2.5 : 0.9));
    CHECK(ratio < (part.channels == 2 ? 6.5 : 1.1));
  }
}

TEST_CASE("Opus: FEC brings a lost packet back, better than concealment does") {
  codec::Options options;
  options.fec = true;
  options.expected_loss = 20;
  options.bitrate = 32000;
  const auto encoder = make(options);
  const auto pcm = voice(64000, 16000, 1);
  const auto packets = packets_of(*encoder, pcm, 320);
  const auto reference = make({});
  const auto with = make({});
  const auto without = make({});
  double fec_error = 0, plc_error = 0, signal = 0;
  std::size_t recovered = 0, lost = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    Pcm clean;
    REQUIRE(reference->decode(packets[i], clean));
    Pcm a, b;
    if (i > 20 && i % 10 == 0 && i + 1 < packets.size()) {
      ++lost;
      REQUIRE(without->conceal(320, b));
      if (!with->recover(packets[i + 1], 320, a)) { // the encoder protects only what it finds active
        REQUIRE(with->conceal(320, a));
        continue;
      }
      ++recovered;
      REQUIRE(a.size() == 320);
      fec_error += error_power(clean, a);
      plc_error += error_power(clean, b);
      signal += power(clean);
    } else {
      REQUIRE(with->decode(packets[i], a));
      REQUIRE(without->decode(packets[i], b));
    }
  }
  MESSAGE(recovered, " of ", lost, " recovered; SNR with FEC ", 10 * std::log10(signal / fec_error),
          " dB, concealed ", 10 * std::log10(signal / plc_error), " dB");
  CHECK(recovered >= lost / 2);
  CHECK(fec_error < plc_error / 2);
}

TEST_CASE("Opus: a packet without FEC recovers nothing, a longer gap is made up before the copy") {
  const auto plain = make({});
  const auto packets = packets_of(*plain, voice(3200, 16000, 1), 320);
  const auto decoder = make({});
  Pcm out;
  REQUIRE(decoder->decode(packets[0], out));
  CHECK_FALSE(decoder->recover(packets[2], 320, out));
  CHECK(out.size() == 320);

  codec::Options fec;
  fec.fec = true;
  fec.expected_loss = 30;
  const auto protective = make(fec);
  const auto copies = packets_of(*protective, voice(16000, 16000, 1), 320);
  out.clear();
  const auto other = make({});
  for (std::size_t i = 0; i < 20; ++i)
    REQUIRE(other->decode(copies[i], out));
  out.clear();
  REQUIRE(other->recover(copies[23], 960, out)); // 20, 21 and 22 are lost
  CHECK(out.size() == 960);
}

TEST_CASE("Opus: concealment gives exactly what was asked for, and fades") {
  CHECK(rc::check("any number of frames", [] {
    const auto decoder = make({});
    const auto encoder = make({});
    Pcm out;
    for (const auto& packet : packets_of(*encoder, voice(3200, 16000, 1), 320))
      RC_ASSERT(decoder->decode(packet, out).has_value());
    std::size_t expected = out.size();
    for (const auto part :
         *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 5000))) {
      RC_ASSERT(decoder->conceal(part, out));
      expected += part;
      RC_ASSERT(out.size() == expected);
    }
  }));
  const auto decoder = make({});
  const auto encoder = make({});
  Pcm out;
  for (const auto& packet : packets_of(*encoder, voice(8000, 16000, 1), 320))
    REQUIRE(decoder->decode(packet, out));
  const double before = power(std::span(out).last(1600));
  out.clear();
  REQUIRE(decoder->conceal(16000, out));
  CHECK(power(std::span(out).first(320)) > before / 10);
  CHECK(power(std::span(out).last(1600)) < before / 100);
}

TEST_CASE("Opus: with DTX silence is not sent, and speech is") {
  codec::Options options;
  options.dtx = true;
  const auto encoder = make(options);
  std::size_t sent = 0;
  const Pcm silence(320);
  for (int i = 0; i < 200; ++i) {
    std::vector<std::byte> payload;
    REQUIRE(encoder->encode(silence, payload));
    sent += payload.empty() ? 0U : 1U;
  }
  CHECK(sent < 40);
  sent = 0;
  for (const auto& packet : packets_of(*encoder, voice(16000, 16000, 1), 320))
    sent += packet.empty() ? 0U : 1U;
  CHECK(sent >= 48);
}

TEST_CASE("Opus: constant bit rate is constant; what is no packet is refused") {
  codec::Options options;
  options.bitrate = 24000;
  options.constant_bitrate = true;
  const auto encoder = make(options);
  for (const auto& packet : packets_of(*encoder, voice(16000, 16000, 1), 320))
    CHECK(packet.size() == 60);
  const auto decoder = make({});
  Pcm out{5};
  const std::vector bad{std::byte{0xff}, std::byte{0xff}, std::byte{0x00}};
  const auto refused = decoder->decode(bad, out);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::malformed);
  CHECK(out == Pcm{5});
  CHECK_FALSE(decoder->frames_in(bad));
  CHECK_FALSE(codec::opus::inspect({}));
}
