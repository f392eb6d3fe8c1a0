// What Homer reads of RTCP: the names and their order are its own.
#include "sipd/sinks/hep_sender.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "rtp/rtcp.hpp"

using namespace talky;

TEST_CASE("a sender report with its name, and a receiver report, as Homer reads them") {
  rtp::Report sent;
  sent.ssrc = 0x11223344;
  sent.sender = rtp::SenderInfo{(std::uint64_t{3'900'000'000} << 32) | 0x80000000U, 160, 50, 8000};
  sent.blocks.push_back({7, 64, -2, 70'000, 12, 5, 65'536});
  std::vector<std::byte> datagram;
  rtp::append_report(sent, datagram);
  rtp::append_cname(0x11223344, "a\"b\xff", datagram);
  CHECK(
      sipd::rtcp_json(datagram) ==
      R"({"sender_information":{"ntp_timestamp_sec":3900000000,"ntp_timestamp_usec":500000,"octets":8000,)"
      R"("rtp_timestamp":160,"packets":50},"ssrc":287454020,"type":200,"report_count":1,"report_blocks":[)"
      R"({"source_ssrc":7,"highest_seq_no":70000,"fraction_lost":64,"ia_jitter":12,"packets_lost":-2,"lsr":5,)"
      R"("dlsr":65536}],"sdes_ssrc":287454020,"sdes_report_count":1,"sdes_information":[{"type":1,)"
      "\"text\":\"a\\\"b\xef\xbf\xbd\"}]}");

  datagram.clear();
  rtp::append_report({5, std::nullopt, {}}, datagram);
  CHECK(sipd::rtcp_json(datagram) == R"({"ssrc":5,"type":201,"report_count":0,"report_blocks":[]})");

  datagram.clear();
  rtp::append_bye(5, "", datagram);
  CHECK(sipd::rtcp_json(datagram).empty());
}
