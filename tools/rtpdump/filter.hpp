// The expressions that select packets: ssrc==0x1234 && pt==0 && time<30s
//
//   expr  = and *( ( "||" / "or" ) and )           and  = unary *( ( "&&" / "and" ) unary )
//   unary = ( "!" / "not" ) unary / "(" expr ")" / test
//   test  = FIELD [ OP VALUE ]                     OP   = "==" "!=" "<" "<=" ">" ">=" "~"
//
// talky-rtpdump(1) tells the fields; a table in filter.cpp holds them.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capture/stream.hpp"
#include "core/error.hpp"
#include "file/link.hpp"

namespace talky::capture {
struct Analysis;
struct Call;
} // namespace talky::capture

namespace talky::rtpdump {

class Filter {
 public:
  static constexpr std::size_t kMaxLength = 4'096;
  static constexpr int kMaxDepth = 64;

  Filter(); // selects everything
  // Errors: malformed, with the offset of the character that does not fit and what was expected there.
  static Result<Filter> parse(std::string_view text);

  bool empty() const { return nodes_.empty(); }
  // `analysis`: what is known of the stream and its call, for the fields that are theirs.
  bool operator()(const file::Segment& segment, const rtp::Header& header, Bytes payload,
                  const capture::Stream& stream, const capture::Analysis& analysis) const;

  // Whether it only says which calls are meant (and when): then their signalling and RTCP are meant as well.
  bool chooses_calls() const;
  // Of such a filter: whether a message of this call is meant.
  bool operator()(const file::Segment& segment, const capture::Call& call,
                  const capture::Analysis& analysis) const;

  // The names of all fields, for messages, completion and tests.
  static std::vector<std::string_view> fields();

 private:
  enum class Field : std::uint8_t {
    ssrc,
    pt,
    seq,
    ts,
    len,
    size,
    marker,
    event,
    time,
    src,
    dst,
    addr,
    sport,
    dport,
    port,
    codec,
    stream,
    packets,
    lost,
    loss,
    late,
    dup,
    reordered,
    jitter,
    mos,
    call,
    call_id,
    from,
    to,
    leg
  };
  enum class Type : std::uint8_t { number, flag, time, address, text, real };
  enum class Compare : std::uint8_t { eq, ne, lt, le, gt, ge, contains };
  struct Known {
    std::string_view name;
    Field field;
    Type type;
  };
  struct Node {
    enum class Kind : std::uint8_t { test, all, any, none } kind = Kind::test;
    Field field = Field::ssrc;
    Type type = Type::number;
    Compare compare = Compare::eq;
    std::int64_t number = 0;
    double real = 0;
    Endpoint endpoint;
    std::string text;                // lower case
    std::size_t left = 0, right = 0; // of all and any; `none` has only left
  };
  struct Parser;
  struct Packet;
  static const std::vector<Known>& known();
  bool evaluate(std::size_t index, const Packet& packet) const;
  static bool test(const Node& node, const Packet& packet);
  static std::string text_of(Field field, const Packet& packet);
  static double figure_of(Field field, const Packet& packet);

  std::vector<Node> nodes_;
  std::size_t root_ = 0;
};

} // namespace talky::rtpdump
