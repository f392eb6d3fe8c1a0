#include "rtpdump/filter.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "capture/analysis.hpp"
#include "core/random.hpp"

namespace talky::rtpdump {

namespace {

// A call of one stream, 10.0.0.1:4000 -> 10.0.0.2:5000, PCMU, one packet in ten lost; its last packet is
// asked.
struct Case {
  capture::Analysis analysis;
  file::Segment segment;
  rtp::Header header;
  Bytes payload;
  const capture::Stream* stream = nullptr;
  std::vector<std::byte> bytes = std::vector<std::byte>(172);

  Case() {
    const std::string invite =
        "INVITE sip:bob@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:alice@a>;tag=1\r\n"
        "To: <sip:bob@b>\r\nCall-ID: Call 7@host\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\r\n"
        "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
    segment.from = *Endpoint::parse("10.0.0.1:5060");
    segment.to = *Endpoint::parse("10.0.0.2:5060");
    segment.time_ns = 1'000'000'000;
    segment.payload = as_bytes(invite);
    analysis.add(segment);
    segment.from = *Endpoint::parse("10.0.0.1:4000");
    segment.to = *Endpoint::parse("10.0.0.2:5000");
    for (std::uint32_t i = 0; i < 100; ++i) {
      if (i % 10 == 5) continue;
      bytes[0] = std::byte{0x80};
      bytes[1] = std::byte(i == 99 ? 0x80 : 0);
      bytes[3] = std::byte(i);
      for (unsigned b = 0; b < 4; ++b)
        bytes[4 + b] = std::byte(i * 160 >> (24 - 8 * b) & 0xff);
      bytes[10] = std::byte{0x12};
      bytes[11] = std::byte{0x34};
      segment.time_ns = 1'000'000'000 + std::int64_t{i} * 20'000'000;
      segment.payload = bytes;
      segment.payload_length = 172;
      const auto seen = analysis.add(segment);
      stream = seen.stream;
      header = seen.header;
      payload = seen.payload;
    }
  }
  bool operator()(const std::string& text) const {
    const auto filter = Filter::parse(text);
    REQUIRE_MESSAGE(filter, text);
    return (*filter)(segment, header, payload, *stream, analysis);
  }
};

} // namespace

TEST_CASE("filter: every field, true and false") {
  const Case holds;
  struct Row {
    const char *field, *yes, *no;
  };
  const std::vector<Row> rows{{"ssrc", "ssrc==0x1234", "ssrc!=4660"},
                              {"pt", "pt==0", "pt>0"},
                              {"seq", "seq>=99", "seq<99"},
                              {"ts", "ts==15840", "ts<=15839"},
                              {"len", "len==160", "len<160"},
                              {"size", "size==172", "size!=172"},
                              {"marker", "marker", "marker==0"},
                              {"event", "event==0", "event"},
                              {"time", "time>1.9s", "time>2"},
                              {"src", "src==10.0.0.1", "src==10.0.0.1:4001"},
                              {"dst", "dst!=[::1]:5000", "dst!=10.0.0.2:5000"},
                              {"addr", "addr==10.0.0.2", "addr==10.0.0.3"},
                              {"sport", "sport==4000", "sport==5000"},
                              {"dport", "dport==5000", "dport==4000"},
                              {"port", "port==4000", "port!=5000"},
                              {"codec", "codec==pcmu", "codec~722"},
                              {"stream", "stream==1", "stream==2"},
                              {"packets", "packets==90", "packets<90"},
                              {"lost", "lost==10", "lost>10"},
                              {"loss", "loss>=10%", "loss>10.5"},
                              {"late", "late==0", "late>0"},
                              {"dup", "dup==0", "dup!=0"},
                              {"reordered", "reordered==0", "reordered>0"},
                              {"jitter", "jitter<1ms", "jitter>=5"},
                              {"mos", "mos<4", "mos>4.2"},
                              {"call", "call==1", "call==0"},
                              {"call-id", "call-id==\"Call 7@host\"", "call-id~8@"},
                              {"from", "from~alice", "from~bob"},
                              {"to", "to==sip:bob@b", "to!=sip:bob@b"},
                              {"leg", "leg==caller", "leg==callee"}};
  std::set<std::string_view> tested;
  for (const Row& row : rows) {
    CHECK_MESSAGE(holds(row.yes), row.yes);
    CHECK_FALSE_MESSAGE(holds(row.no), row.no);
    tested.insert(row.field);
  }
  for (const std::string_view field : Filter::fields())
    CHECK_MESSAGE(tested.contains(field), field);
}

TEST_CASE("filter: grammar") {
  const Case holds;
  CHECK(holds(""));
  CHECK(holds("  "));
  CHECK(holds("pt==0 && seq==99 || pt==8"));
  CHECK(holds("pt==8 || pt==0 && seq==99"));
  CHECK_FALSE(holds("(pt==0 || pt==8) && seq==98"));
  CHECK(holds("!(seq==98)&&!event"));
  CHECK(holds("! ! marker"));
  CHECK(holds("SSRC == 0x1234"));
  CHECK(holds("time<2m && time>1500ms"));
  // The same in words, as in flows, of either case and mixed.
  CHECK(holds("pt==0 and seq==99 or pt==8"));
  CHECK(holds("pt==8 OR pt==0 And seq==99"));
  CHECK_FALSE(holds("(pt==0 or pt==8)and seq==98"));
  CHECK(holds("not (seq==98) && not event"));
  CHECK(holds("not not marker==1 || not(pt==0)"));
}

TEST_CASE("filter: a mistake is pointed at") {
  const std::vector<std::pair<std::string, std::size_t>> rows{{"pt==0 && ssrc=0x12", 13},
                                                              {"nonsense==1", 0},
                                                              {"pt==0 &&", 8},
                                                              {"pt==0 and", 9},
                                                              {"pt==0 andpt==0", 6},
                                                              {"nothing==0", 0},
                                                              {"not", 3},
                                                              {"(pt==0", 6},
                                                              {"pt==", 4},
                                                              {"pt==x", 4},
                                                              {"pt==0 seq==1", 6},
                                                              {"time<5parsecs", 5},
                                                              {"codec<5", 5},
                                                              {"src<10.0.0.1", 3},
                                                              {"src==10.0.0", 5},
                                                              {"call-id==\"x", 9},
                                                              {"pt~5", 2},
                                                              {"loss>much", 5},
                                                              {"pt==0 & seq==1", 6},
                                                              {"pt==99999999999", 4},
                                                              {"time", 4},
                                                              {"&& pt==0", 0},
                                                              {"pt==0)", 5},
                                                              {"from==", 6}};
  for (const auto& row : rows) {
    const auto filter = Filter::parse(row.first);
    REQUIRE_MESSAGE(!filter, row.first);
    CHECK_MESSAGE(filter.error().offset == row.second, row.first);
  }
  CHECK(!Filter::parse(std::string(100, '(')));
  CHECK(!Filter::parse(std::string(10'000, ' ') + "x"));
}

TEST_CASE("filter: any text is understood or refused, never more") {
  Random random(4);
  const std::vector<std::string> words{"pt",  "==",  "&&",  "||",   "and ", "or ",     "not ", "!",
                                       "(",   ")",   "0x1", "time", "<",    "30s",     "\"",   "~",
                                       "src", "1.2", " ",   "loss", "%",    "call-id", "&"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::uint64_t n = random.below(12); n > 0; --n)
      text += words[random.below(words.size())];
    const auto filter = Filter::parse(text);
    if (!filter) CHECK(filter.error().offset <= text.size());
  }
}

} // namespace talky::rtpdump
