#include "file/pcap.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "capture_bytes.hpp"
#include "file/link.hpp"

using namespace talky;
using namespace talky::file;
using namespace talky::file::test;

namespace {

std::string scratch(const char* name) {
  std::string path = "/tmp/talky-file-test." + std::to_string(::getpid()) + "." + name;
  ::unlink(path.c_str());
  return path;
}

} // namespace

TEST_CASE("pcap: both byte orders, micro- and nanoseconds") {
  for (const bool big : {false, true}) {
    for (const bool nanoseconds : {false, true}) {
      CAPTURE(big);
      CAPTURE(nanoseconds);
      const Buffer file = pcap_header(big, nanoseconds, 101) +
                          pcap_record(big, 1'700'000'000, 123'456, text("abc")) +
                          pcap_record(big, 1'700'000'001, 5, text("defg"), 1000);
      auto reader = PcapReader::open(Input::memory(file));
      REQUIRE(reader);
      auto frame = reader->next();
      REQUIRE(frame);
      REQUIRE(*frame);
      CHECK((*frame)->time_ns == 1'700'000'000'000'000'000 + (nanoseconds ? 123'456 : 123'456'000));
      CHECK((*frame)->link == LinkType::raw);
      CHECK(as_text((*frame)->data) == "abc");
      frame = reader->next();
      REQUIRE(*frame);
      CHECK(as_text((*frame)->data) == "defg");
      CHECK((*frame)->wire_length == 1000);
      frame = reader->next();
      REQUIRE(frame);
      CHECK(!*frame);
      CHECK(!reader->truncated());
    }
  }
}

TEST_CASE("pcap: a capture that ends inside a record is read to the cut") {
  const Buffer file = pcap_header(false, false, 101) + pcap_record(false, 1, 2, text("abc")) +
                      pcap_record(false, 1, 2, text("defg"));
  for (std::size_t cut = 1; cut < 20; ++cut) {
    CAPTURE(cut);
    auto reader = PcapReader::open(Input::memory(Bytes(file).first(file.size() - cut)));
    REQUIRE(reader);
    REQUIRE(*reader->next());
    const auto rest = reader->next();
    REQUIRE(rest);
    CHECK(!*rest);
    CHECK(reader->truncated());
  }
}

TEST_CASE("pcap: what is not a capture, or not one of ours, is refused with its place") {
  CHECK(PcapReader::open(Input::memory(text("GIF89a and so on, and on"))).error().code == Errc::malformed);
  CHECK(PcapReader::open(Input::memory({})).error().code == Errc::malformed);
  const Buffer header = pcap_header(false, false, 1);
  CHECK(PcapReader::open(Input::memory(Bytes(header).first(20))).error().code == Errc::truncated);
  Buffer other_version = header;
  other_version[4] = std::byte{3};
  CHECK(PcapReader::open(Input::memory(other_version)).error() == Error{Errc::unsupported, 4, ""});

  const Buffer huge = header + integer(0, 4, false) + integer(0, 4, false) + integer(0xffffffff, 4, false) +
                      integer(0xffffffff, 4, false);
  auto reader = PcapReader::open(Input::memory(huge));
  REQUIRE(reader);
  CHECK(reader->next().error() == Error{Errc::too_large, 32, ""});
  CHECK(!*reader->next()); // and nothing more
}

TEST_CASE("pcapng: interfaces with time resolutions of their own, other blocks passed, both byte orders") {
  for (const bool big : {false, true}) {
    CAPTURE(big);
    const auto u32 = [big](std::uint32_t value) { return integer(value, 4, big); };
    const auto u16 = [big](std::uint32_t value) { return integer(value, 2, big); };
    const Buffer nanoseconds = u16(9) + u16(1) + bytes({9, 0, 0, 0}) + u16(0) + u16(0);
    const Buffer binary = u16(9) + u16(1) + bytes({0x80 | 10, 0, 0, 0}) + u16(14) + u16(8) +
                          (big ? u32(0) + u32(100) : u32(100) + u32(0)) + u16(0) + u16(0);
    const auto packet = [&](std::uint32_t interface, std::uint32_t high, std::uint32_t low,
                            const Buffer& data) {
      return block(big, 6,
                   u32(interface) + u32(high) + u32(low) + u32(static_cast<std::uint32_t>(data.size())) +
                       u32(60) + data);
    };
    const Buffer file = section(big) + block(big, 1, u16(101) + u16(0) + u32(0)) +
                        block(big, 1, u16(1) + u16(0) + u32(0) + nanoseconds) +
                        block(big, 1, u16(113) + u16(0) + u32(0) + binary) +
                        packet(0, 0, 1'500'000, text("micro")) + block(big, 4, text("names")) +
                        packet(1, 1, 7, text("nano")) + packet(2, 0, 2048 + 512, text("binary")) +
                        block(big, 3, u32(6) + text("simple"));
    auto reader = PcapReader::open(Input::memory(file));
    REQUIRE(reader);
    auto frame = *reader->next();
    REQUIRE(frame);
    CHECK(frame->time_ns == 1'500'000'000);
    CHECK(frame->link == LinkType::raw);
    CHECK(frame->wire_length == 60);
    CHECK(as_text(frame->data) == "micro");
    frame = *reader->next();
    REQUIRE(frame);
    CHECK(frame->time_ns == (std::int64_t{1} << 32) + 7);
    CHECK(frame->link == LinkType::ethernet);
    frame = *reader->next();
    REQUIRE(frame);
    CHECK(frame->time_ns == 102'500'000'000);
    CHECK(frame->link == LinkType::linux_sll);
    frame = *reader->next();
    REQUIRE(frame);
    CHECK(as_text(frame->data) == "simple");
    CHECK(!*reader->next());
    CHECK(!reader->truncated());
  }
}

TEST_CASE("pcapng: broken blocks are errors with their place") {
  const Buffer start = section(false);
  const auto error_of = [&](const Buffer& blocks) {
    const Buffer file = start + blocks;
    auto reader = PcapReader::open(Input::memory(file));
    REQUIRE(reader);
    for (;;) {
      const auto frame = reader->next();
      if (!frame) return frame.error();
      REQUIRE(*frame);
    }
  };
  const auto u32 = [](std::uint32_t value) { return integer(value, 4, false); };
  CHECK(error_of(u32(6) + u32(13) + u32(0)) == Error{Errc::malformed, 32, ""});
  CHECK(error_of(u32(6) + u32(0x7ffffff0) + u32(0)) == Error{Errc::too_large, 32, ""});
  CHECK(error_of(block(false, 6, Buffer(20))) == Error{Errc::malformed, 36, ""}); // no such interface
  const Buffer interface = block(false, 1, integer(1, 2, false) + integer(0, 2, false) + u32(0));
  CHECK(
      error_of(interface + block(false, 6, u32(0) + u32(0) + u32(0) + u32(5) + u32(5) + text("abc"))).code ==
      Errc::malformed);
}

TEST_CASE("pcap writer: what is written is read back, with right checksums") {
  const auto checksum_is_right = [](Bytes ip) {
    std::uint32_t total = 0;
    for (std::size_t i = 0; i < 20; i += 2)
      total += std::to_integer<std::uint32_t>(ip[i]) << 8 | std::to_integer<std::uint32_t>(ip[i + 1]);
    return (total & 0xffff) + (total >> 16) == 0xffff;
  };
  using Format = PcapWriter::Format;
  for (const auto& [link, format] :
       {std::pair(LinkType::raw, Format::pcap), std::pair(LinkType::ethernet, Format::pcap),
        std::pair(LinkType::raw, Format::pcapng), std::pair(LinkType::ethernet, Format::pcapng)}) {
    const std::string path = scratch("writer.pcap");
    PcapWriter::Options options;
    options.link = link;
    options.format = format;
    auto writer = PcapWriter::create(path, options);
    REQUIRE(writer);
    const auto a = *Endpoint::parse("127.0.0.1:5060");
    const auto b = *Endpoint::parse("192.0.2.9:40000");
    const auto c = *Endpoint::parse("[2001:db8::1]:5004");
    REQUIRE(writer->udp(1'000'000'001, a, b, as_bytes("hello")));
    REQUIRE(writer->udp(2'000'000'002, c, a, as_bytes("mapped")));
    REQUIRE(writer->tcp(3'000'000'000, a, b, as_bytes(std::string(3000, 'x'))));
    REQUIRE(writer->tcp(4'000'000'000, b, a, as_bytes("y")));
    CHECK(writer->udp(5, a, b, as_bytes(std::string(65'508, 'x'))).error().code == Errc::too_large);
    REQUIRE(writer->close());
    CHECK(PcapWriter::create(path).error().code == Errc::io); // nothing is overwritten

    auto input = Input::open(path);
    REQUIRE(input);
    auto reader = PcapReader::open(std::move(*input));
    REQUIRE(reader);
    Dissector dissector;
    auto frame = *reader->next();
    REQUIRE(frame);
    CHECK(checksum_is_right(frame->data.subspan(link == LinkType::ethernet ? 14 : 0)));
    auto segment = dissector.dissect(*frame);
    REQUIRE(segment);
    CHECK(segment->time_ns == 1'000'000'001);
    CHECK(segment->from == a);
    CHECK(segment->to == b);
    CHECK(as_text(segment->payload) == "hello");
    segment = dissector.dissect(**reader->next());
    REQUIRE(segment);
    CHECK(segment->from == c);
    CHECK(segment->to == a);
    std::string streamed;
    std::uint32_t expected = 1;
    std::size_t handshake = 0;
    while (const auto next = *reader->next()) {
      segment = dissector.dissect(*next);
      REQUIRE(segment);
      CHECK(segment->transport == Transport::tcp);
      if (segment->payload.empty()) {
        ++handshake;
      } else if (segment->from == a) {
        CHECK(segment->tcp_sequence == expected);
        expected += segment->payload_length;
        streamed += as_text(segment->payload);
      } else {
        CHECK(segment->tcp_sequence == 1);
        CHECK(as_text(segment->payload) == "y");
      }
    }
    CHECK(streamed == std::string(3000, 'x'));
    CHECK(handshake == 3);
    ::unlink(path.c_str());
  }
}

TEST_CASE("pcap writer: frames as they were, of one link type in a pcap and of any in a pcapng") {
  const std::string path = scratch("frames.pcapng");
  PcapWriter::Options options;
  options.format = PcapWriter::Format::pcapng;
  auto writer = PcapWriter::create(path, options);
  REQUIRE(writer);
  const LinkType links[] = {LinkType::linux_sll, LinkType::ethernet, LinkType::raw, LinkType::linux_sll};
  const std::int64_t times[] = {0, 1'700'000'000'123'456'789, 4'294'967'296'000'000'001, 1};
  for (std::size_t i = 0; i < 4; ++i) { // lengths of every remainder by four
    const std::string bytes(5 + i, static_cast<char>('a' + i));
    REQUIRE(writer->frame({times[i], links[i], as_bytes(bytes), 1000}));
  }
  REQUIRE(writer->close());
  auto input = Input::open(path);
  REQUIRE(input);
  auto reader = PcapReader::open(std::move(*input));
  REQUIRE(reader);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto frame = *reader->next();
    REQUIRE(frame);
    CHECK(frame->time_ns == times[i]);
    CHECK(frame->link == links[i]);
    CHECK(as_text(frame->data) == std::string(5 + i, static_cast<char>('a' + i)));
    CHECK(frame->wire_length == 1000);
  }
  CHECK(!*reader->next());
  CHECK(!reader->truncated());
  ::unlink(path.c_str());

  options.format = PcapWriter::Format::pcap;
  auto plain = PcapWriter::create(path, options);
  REQUIRE(plain);
  CHECK(plain->frame({0, LinkType::ethernet, as_bytes("x"), 1}).error().code == Errc::unsupported);
  REQUIRE(plain->close());
  ::unlink(path.c_str());
}

TEST_CASE("output: a fresh file appears only when it is whole") {
  const std::string path = scratch("fresh");
  {
    auto output = Output::create(path, Output::Mode::fresh);
    REQUIRE(output);
    REQUIRE(output->write(as_bytes("half")));
    REQUIRE(output->flush());
    CHECK(::access(path.c_str(), F_OK) != 0);
  } // given up
  CHECK(::access(path.c_str(), F_OK) != 0);
  auto output = Output::create(path, Output::Mode::fresh);
  REQUIRE(output);
  REQUIRE(output->write(as_bytes("whole")));
  REQUIRE(output->close());
  auto input = Input::open(path);
  REQUIRE(input);
  CHECK(as_text(*input->peek(1)) == "whole");
  ::unlink(path.c_str());
}

TEST_CASE("output: a full disk is an error") {
  auto output = Output::create("/dev/full", Output::Mode::replace);
  REQUIRE(output);
  REQUIRE(output->write(as_bytes("x")));
  CHECK(output->close().error().code == Errc::io);
}

TEST_CASE("input: a folder is refused, bytes are passed in any steps") {
  CHECK(Input::open("/tmp").error().code == Errc::unsupported);
  CHECK(Input::open("/nonexistent/x").error().code == Errc::io);
  Input input = Input::memory(as_bytes("0123456789"));
  CHECK(*input.discard(3) == 3);
  CHECK(as_text(*input.peek(2)).starts_with("34"));
  input.skip(1);
  CHECK(input.offset() == 4);
  CHECK(*input.discard(100) == 6);
  CHECK(input.peek(1)->empty());
}
