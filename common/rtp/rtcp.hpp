// RTCP packets: RFC 3550 6.4 to 6.7. Read: SR, RR, SDES (CNAME), BYE; the rest (APP, XR of RFC 3611, feedback
// of RFC 4585) is passed over by its length. Written: SR, RR, SDES with CNAME, BYE.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "core/bytes.hpp"
#include "core/error.hpp"
#include "core/time.hpp"

namespace talky::rtp {

struct SenderInfo {
  std::uint64_t ntp = 0; // 32.32 fixed point, seconds since 1900
  std::uint32_t rtp_timestamp = 0;
  std::uint32_t packets = 0;
  std::uint32_t octets = 0;
  bool operator==(const SenderInfo&) const = default;
};

struct ReportBlock {
  std::uint32_t ssrc = 0;             // whose reception is reported
  std::uint8_t fraction_lost = 0;     // of 256, since the last report
  std::int32_t cumulative_lost = 0;   // 24 bits, signed
  std::uint32_t highest_sequence = 0; // extended by its cycles
  std::uint32_t jitter = 0;           // timestamp units
  std::uint32_t last_sr = 0;          // middle 32 bits of the NTP time of the last SR; 0: none
  std::uint32_t delay_since_sr = 0;   // 1/65536 s
  bool operator==(const ReportBlock&) const = default;
};

struct Report { // SR if it has sender info, else RR
  std::uint32_t ssrc = 0;
  std::optional<SenderInfo> sender;
  std::vector<ReportBlock> blocks; // at most 31
};

struct Cname { // one SDES chunk that has one; other items are passed over
  std::uint32_t ssrc = 0;
  std::string_view name; // borrowed; any bytes: escape before printing
};

struct Bye {
  std::vector<std::uint32_t> ssrcs; // at most 31
  std::string_view reason;          // borrowed; any bytes
};

struct OtherRtcp {
  std::uint8_t packet_type = 0;
  std::uint8_t count = 0;
  std::uint32_t ssrc = 0; // of the sender; 0 if the packet is too short for one
};

using RtcpPacket = std::variant<Report, Cname, Bye, OtherRtcp>;

// A whole datagram, compound or reduced-size (RFC 5506). All or nothing: a broken packet spoils the datagram.
// Fails with `truncated`, `unsupported` (version), `malformed` (padding other than in the last packet, or too
// long; not RTCP).
Result<std::vector<RtcpPacket>> parse_rtcp(Bytes datagram);

// Each appends one packet to `out`.
void append_report(const Report& report, std::vector<std::byte>& out);
void append_cname(std::uint32_t ssrc, std::string_view cname,
                  std::vector<std::byte>& out); // at most 255 bytes of it
void append_bye(std::uint32_t ssrc, std::string_view reason,
                std::vector<std::byte>& out); // at most 255 bytes of it

// NTP time at `time` when Time{} is at `ntp_at_epoch`.
std::uint64_t ntp_time(Time time, std::uint64_t ntp_at_epoch);
constexpr std::uint32_t ntp_middle(std::uint64_t ntp) {
  return static_cast<std::uint32_t>(ntp >> 16);
}

} // namespace talky::rtp
