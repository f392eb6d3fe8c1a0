#include "file/rtpdump.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

#include "capture_bytes.hpp"

using namespace talky;
using namespace talky::file;
using namespace talky::file::test;

namespace {

const Buffer kHeader = text("#!rtpplay1.0 192.0.2.7/5004\n") + integer(1'700'000'000, 4, true) +
                       integer(250'000, 4, true) + bytes({192, 0, 2, 7}) + integer(5004, 2, true) +
                       integer(0, 2, true);

Buffer record(std::uint32_t original, std::uint32_t offset_ms, const Buffer& data) {
  return integer(static_cast<std::uint32_t>(data.size() + 8), 2, true) + integer(original, 2, true) +
         integer(offset_ms, 4, true) + data;
}

} // namespace

TEST_CASE("rtpdump: header, RTP, RTCP and packets that were cut") {
  const Buffer file =
      kHeader + record(4, 0, text("abcd")) + record(0, 20, text("rtcp")) + record(172, 40, text("head"));
  auto reader = RtpdumpReader::open(Input::memory(file));
  REQUIRE(reader);
  CHECK(reader->source().to_string() == "192.0.2.7:5004");
  CHECK(reader->start_ns() == 1'700'000'000'250'000'000);
  auto packet = *reader->next();
  REQUIRE(packet);
  CHECK(!packet->rtcp);
  CHECK(packet->wire_length == 4);
  packet = *reader->next();
  REQUIRE(packet);
  CHECK(packet->rtcp);
  CHECK(packet->offset_ns == 20'000'000);
  CHECK(as_text(packet->data) == "rtcp");
  packet = *reader->next();
  REQUIRE(packet);
  CHECK(packet->wire_length == 172);
  CHECK(!*reader->next());
  CHECK(!reader->truncated());
}

TEST_CASE("rtpdump: cut files are read to the cut, broken ones refused") {
  const Buffer file = kHeader + record(4, 0, text("abcd")) + record(4, 20, text("efgh"));
  for (std::size_t cut = 1; cut < 12; ++cut) {
    auto reader = RtpdumpReader::open(Input::memory(Bytes(file).first(file.size() - cut)));
    REQUIRE(reader);
    REQUIRE(*reader->next());
    CHECK(!*reader->next());
    CHECK(reader->truncated());
  }
  CHECK(RtpdumpReader::open(Input::memory(text("#!rtpplay2.0 x\n"))).error().code == Errc::malformed);
  CHECK(RtpdumpReader::open(Input::memory(text("#!rtpplay1.0 " + std::string(300, 'x')))).error().code ==
        Errc::malformed);
  CHECK(RtpdumpReader::open(Input::memory(Bytes(kHeader).first(kHeader.size() - 1))).error().code ==
        Errc::truncated);
  const Buffer short_record = kHeader + integer(7, 2, true) + Buffer(6);
  auto reader = RtpdumpReader::open(Input::memory(short_record));
  REQUIRE(reader);
  CHECK(reader->next().error() == Error{Errc::malformed, kHeader.size(), ""});
  CHECK(!*reader->next());
}

TEST_CASE("rtpdump: what is written is read back") {
  const std::string path = "/tmp/talky-file-test." + std::to_string(::getpid()) + ".rtp";
  ::unlink(path.c_str());
  const std::int64_t start = 1'700'000'000'123'000'000;
  for (const char* source : {"127.0.0.1:40000", "[2001:db8::1]:5004"}) {
    auto writer = RtpdumpWriter::create(path, Output::Mode::replace, *Endpoint::parse(source), start);
    REQUIRE(writer);
    REQUIRE(writer->packet(start, false, as_bytes("one")));
    REQUIRE(writer->packet(start + 20'000'000, true, as_bytes("two")));
    CHECK(writer->packet(start, false, Buffer(65'528)).error().code == Errc::too_large);
    REQUIRE(writer->close());
    auto input = Input::open(path);
    REQUIRE(input);
    auto reader = RtpdumpReader::open(std::move(*input));
    REQUIRE(reader);
    CHECK(reader->source().to_string() == source);
    CHECK(reader->start_ns() == start);
    auto packet = *reader->next();
    REQUIRE(packet);
    CHECK(as_text(packet->data) == "one");
    packet = *reader->next();
    REQUIRE(packet);
    CHECK(packet->rtcp);
    CHECK(packet->offset_ns == 20'000'000);
    CHECK(!*reader->next());
  }
  ::unlink(path.c_str());
}
