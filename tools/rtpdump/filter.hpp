// The expressions that select packets: ssrc==0x1234 && pt==0 && time<30s
//
//   expr    = and *( "||" and )          and = unary *( "&&" unary )      unary = "!" unary | "(" expr ")" |
//   test test    = FIELD [ OP VALUE ]         OP  = "==" "!=" "<" "<=" ">" ">="
//
//   ssrc pt seq ts len size   numbers; decimal or 0x...     len: payload bytes, size: of the RTP packet
//   marker                    alone, or ==0 ==1
//   time                      since the first packet of the capture: 30, 1.5s, 200ms, 2m
//   src dst addr              an IP address, or with its port: 10.0.0.1, 10.0.0.1:5004, [::1]:5004; == and !=
//   only sport dport port          numbers; addr and port mean either side codec                     a name
//   in any case; == and != only
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "file/link.hpp"
#include "stream.hpp"

namespace talky::rtpdump {

class Filter {
 public:
  static constexpr std::size_t kMaxLength = 4'096;
  static constexpr int kMaxDepth = 64;

  Filter(); // selects everything
  // Errors: malformed, with the offset of the character that does not fit and what was expected there.
  static Result<Filter> parse(std::string_view text);

  bool empty() const { return nodes_.empty(); }
  bool operator()(const file::Segment& segment, const rtp::Header& header, Bytes payload,
                  const Stream& stream, std::int64_t start_ns) const;

 private:
  enum class Field : std::uint8_t {
    ssrc,
    pt,
    seq,
    ts,
    len,
    size,
    marker,
    time,
    src,
    dst,
    addr,
    sport,
    dport,
    port,
    codec
  };
  enum class Compare : std::uint8_t { eq, ne, lt, le, gt, ge };
  struct Node {
    enum class Kind : std::uint8_t { test, all, any, none } kind = Kind::test;
    Field field = Field::ssrc;
    Compare compare = Compare::eq;
    std::int64_t number = 0;
    Endpoint endpoint;
    std::string text;
    std::size_t left = 0, right = 0; // of all and any; `none` has only left
  };
  struct Parser;
  struct Packet;
  bool evaluate(std::size_t node, const Packet& packet) const;

  std::vector<Node> nodes_;
  std::size_t root_ = 0;
};

} // namespace talky::rtpdump
