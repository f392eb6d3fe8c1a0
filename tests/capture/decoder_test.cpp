#include "capture/decoder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "capture/analysis.hpp"
#include "rtp/packet.hpp"

namespace talky::capture {

namespace {

constexpr std::int64_t kMs = 1'000'000;

// Packets of 20 ms of L16 at 8 kHz, each sample of which is the number of its packet.
struct Sender {
  Analysis analysis;
  const Stream* stream = nullptr;
  std::vector<std::byte> datagram;
  std::vector<std::unique_ptr<StreamDecoder>> decoders;
  std::vector<std::int16_t> heard;

  Sender() {
    analysis.streams.expect_only_rtp();
    analysis.announcements.say(96, make_format("L16", 8'000, 1));
  }
  file::Segment packet(std::int64_t at_ms, int number, std::uint32_t timestamp) {
    std::vector<std::byte> payload;
    for (int i = 0; i < 160; ++i) {
      payload.push_back(std::byte(number >> 8));
      payload.push_back(std::byte(number & 0xff));
    }
    const rtp::Header header{96, false, static_cast<std::uint16_t>(number), timestamp, 0x1234};
    rtp::build(header, payload, datagram);
    file::Segment segment;
    segment.time_ns = 1'700'000'000'000'000'000 + at_ms * kMs;
    segment.from = {IpAddress::v4(10, 0, 0, 1), 4000};
    segment.to = {IpAddress::v4(10, 0, 0, 2), 5000};
    segment.payload = datagram;
    segment.payload_length = static_cast<std::uint32_t>(datagram.size());
    return segment;
  }
  void send(std::int64_t at_ms, int number, std::uint32_t timestamp) {
    const auto segment = packet(at_ms, number, timestamp);
    const auto seen = analysis.add(segment);
    REQUIRE(seen.stream != nullptr);
    if (decoders.empty()) decoders.push_back(make_exact_decoder(*seen.stream, {}));
    decoders[0]->receive(segment);
    drain();
  }
  void drain() {
    while (decoders[0]->produce(heard)) {
    }
  }
  void end() {
    decoders[0]->end();
    drain();
  }
  // The number of the packet that is heard at a time.
  int at_ms(std::int64_t ms) const { return heard[static_cast<std::size_t>(ms * 8)]; }
};

} // namespace

TEST_CASE(
    "decoder: packets in any order stand where their timestamps say; what is missing is made up for a "
    "moment") {
  Sender s;
  for (const int n : {1, 2, 4, 3, 5, 5, 6})
    s.send(n * 20, n, static_cast<std::uint32_t>(n) * 160);
  for (int n = 27; n < 60; ++n) // 400 ms are lost
    s.send(n * 20, n, static_cast<std::uint32_t>(n) * 160);
  s.end();
  REQUIRE(s.heard.size() == 59 * 160);
  for (const int n : {1, 2, 3, 4, 5, 6})
    CHECK(s.at_ms((n - 1) * 20 + 5) == n);
  CHECK(s.at_ms(300) == 0);
  CHECK(s.at_ms(26 * 20 + 10) == 27);
  CHECK(s.at_ms(58 * 20 + 10) == 59);
  CHECK(s.decoders[0]->left_out() == 0);
}

TEST_CASE("decoder: behind a pause in which the timestamp stood still all is heard, in its place") {
  for (const int before_next_pause :
       {100, 10, 4, 1}) { // also where a pause comes before it is known what the first was
    Sender s;
    std::int64_t at = 0;
    for (int n = 1; n <= 200; ++n) {
      s.send(at, n, static_cast<std::uint32_t>(n) * 160);
      at += n % before_next_pause == 0 && n < std::min(200, 3 * before_next_pause) ? 2'020 : 20;
    }
    s.end();
    CHECK(s.heard.size() == static_cast<std::size_t>(at) * 8);
    CHECK(s.at_ms(at - 10) == 200);
    CHECK(std::count(s.heard.begin(), s.heard.end(), 200) == 160);
    for (int n = 1; n <= 200; ++n)
      CHECK_MESSAGE(std::count(s.heard.begin(), s.heard.end(), n) == 160, n);
  }
}

TEST_CASE("decoder: behind a stall of the network packets stand where they were spoken") {
  Sender s;
  for (int n = 1; n <= 100; ++n)
    s.send(std::max(n * 20, n > 50 ? 51 * 20 + 600 + n / 10 : 0), n, static_cast<std::uint32_t>(n) * 160);
  s.end();
  REQUIRE(s.heard.size() == 100 * 160);
  for (int n = 1; n <= 100; ++n)
    CHECK(s.at_ms((n - 1) * 20 + 10) == n);
}

TEST_CASE("decoder: a clock that begins afresh loses nothing, though its packets come unevenly") {
  Sender s;
  for (int n = 1; n <= 100; ++n) {
    const int jitter = n % 3 * 7;
    s.send(n * 20 + jitter, n, static_cast<std::uint32_t>(n) * 160 + (n > 50 ? 2'000'000'000U : 0U));
  }
  s.end();
  for (int n = 1; n <= 100; ++n)
    CHECK_MESSAGE(std::count(s.heard.begin(), s.heard.end(), n) == 160, n);
  CHECK(s.heard.size() >= 100 * 160);
  CHECK(s.heard.size() <= 101 * 160);
}

TEST_CASE("decoder: through the jitter buffer a long pause comes in stretches of a second at most") {
  Sender sender;
  const auto first = sender.packet(0, 1, 0);
  const auto seen = sender.analysis.add(first);
  REQUIRE(seen.stream != nullptr);
  const auto decoder = make_phone_decoder(*seen.stream);
  decoder->receive(first);
  constexpr std::int64_t kPauseMs = 600'000;
  decoder->receive(sender.packet(kPauseMs, 2, 160 + kPauseMs * 8));
  decoder->end();
  std::size_t whole = 0;
  std::vector<std::int16_t> stretch;
  while (decoder->produce(stretch)) {
    CHECK(stretch.size() <= 16'000);
    whole += stretch.size();
    stretch.clear();
  }
  CHECK(whole / 16 >= kPauseMs);
  CHECK(whole / 16 <= kPauseMs + 1'000);
}

TEST_CASE("decoder: who waits for a packet need wait no longer than the others' time allows") {
  Sender s;
  s.send(20, 1, 160);
  s.send(60, 3, 480); // 2 may still come
  CHECK(s.heard.size() == 160);
  s.decoders[0]->advance(1'700'000'000'000'000'000 + 1'100 * kMs);
  s.drain();
  CHECK(s.heard.size() == 480);
}

TEST_CASE("formats: no control character of a name reaches the terminal, and letters stay") {
  CHECK(printable("a\x1b[2J\xc2\x9b"
                  "1m\x7f\xc3\xa9") == "a?[2J?1m?\xc3\xa9");
}

TEST_CASE("formats: whose word it is") {
  Analysis analysis;
  auto& said = analysis.announcements;
  const Endpoint a{IpAddress::v4(10, 0, 0, 1), 4000}, b{IpAddress::v4(10, 0, 0, 2), 5000},
      c{IpAddress::v4(10, 0, 0, 3), 6000};
  CHECK(said.format(a, b, 97).name.empty());
  CHECK(said.format(a, b, 8).name == "PCMA"); // RFC 3551
  said.expect(c, 1);
  said.add(c, 97, make_format("G722", 16'000, 1));
  CHECK(said.format(a, b, 97) == Format{"G722", 8'000, false, 1}); // nobody says otherwise
  said.expect(a, 2);
  said.add(a, 97, make_format("opus", 48'000, 2));
  CHECK(said.format(a, b, 97).text() == "opus/48000/2"); // the sender's
  CHECK(said.format(c, c, 97).name == "G722");
  CHECK(said.format(b, b, 97).name.empty()); // they do not agree
  said.expect(b, 2);
  said.add(b, 97, make_format("PCMU", 8'000, 1));
  CHECK(said.format(a, b, 97).name == "PCMU"); // the receiver's
  said.expect(b, 3);                           // another call has the address
  said.add(b, 98, make_format("PCMU", 8'000, 1));
  CHECK(said.format(b, b, 97).name.empty());
  said.say(97, make_format("telephone-event", 8'000, 1));
  CHECK(said.format(a, b, 97).telephone_event); // the user's
  CHECK(codec_of(said.format(a, b, 97)) == nullptr);
}

} // namespace talky::capture
