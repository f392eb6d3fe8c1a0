// What the RTCP of a capture says about its streams, to be held beside what was measured: reception reports
// with the round trip that LSR and DLSR give, sender reports, CNAME, BYE (RFC 3550 6.4 to 6.6).
//
// The round trip is the one that the capture sees: from the SR's passing here to the receiver and back.
// Limit: 65,536 sources and as many reports on them; what is beyond is not kept.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "capture/stream.hpp"
#include "file/link.hpp"
#include "rtp/rtcp.hpp"

namespace talky::capture {

// The receiver of a stream says of it.
struct Reception {
  std::uint64_t reports = 0;
  std::int64_t first_ns = 0, last_ns = 0;
  std::int32_t lost = 0;            // cumulative, of the last report
  double worst_fraction = 0;        // of the packets between two reports, 0 to 1
  std::uint32_t jitter = 0;         // of the last report, timestamp units
  std::uint32_t highest_jitter = 0; // of all
  std::uint64_t round_trips = 0;
  double round_trip_ms = 0, least_ms = 0, greatest_ms = 0; // mean of all, least, greatest
};

// The sender of a stream says of itself.
struct Sending {
  std::uint64_t reports = 0;
  std::uint32_t packets = 0, octets = 0; // of the last SR
  std::string cname;                     // printable
  std::optional<std::int64_t> bye_ns;
  std::string bye_reason;
};

class RtcpTable {
 public:
  static constexpr std::size_t kMaxSources = 65'536;

  // False if the datagram is no RTCP that can be read.
  bool add(const file::Segment& segment);

  const Reception* reception_of(const Stream& stream) const; // nullptr: nobody reported
  const Sending* sending_of(const Stream& stream) const;
  std::uint64_t broken() const { return broken_; }

 private:
  // By the SSRC, and the host that speaks: of a call with several hops both are needed.
  struct Key {
    IpAddress host;
    std::uint32_t ssrc = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return std::hash<Endpoint>{}({key.host, 0}) * 31 + key.ssrc;
    }
  };
  struct Source {
    Sending said;
    struct Passed {
      std::uint32_t middle = 0; // of its NTP time
      std::int64_t time_ns = 0;
    };
    std::array<Passed, 8> passed; // sender reports, the last of them
    std::size_t next = 0;
  };
  Source* source(const Key& key);
  void report(const file::Segment& segment, const rtp::Report& report);
  void block(const file::Segment& segment, const rtp::ReportBlock& said);

  std::unordered_map<Key, Source, KeyHash> sources_;
  std::unordered_map<Key, Reception, KeyHash> receptions_; // host: who reports
  std::uint64_t broken_ = 0;
};

} // namespace talky::capture
