#include "filter.hpp"

#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "core/ascii.hpp"

namespace talky::rtpdump {

struct Filter::Packet {
  const file::Segment& segment;
  const rtp::Header& header;
  Bytes payload;
  const Stream& stream;
  std::int64_t start_ns;
};

struct Filter::Parser {
  std::string_view text;
  std::vector<Node>& nodes;
  std::size_t at = 0;
  int depth = 0;

  void blanks() {
    while (at < text.size() && ascii::is_space(text[at]))
      ++at;
  }
  bool take(std::string_view token) {
    blanks();
    if (text.substr(at, token.size()) != token) return false;
    at += token.size();
    return true;
  }
  std::size_t add(Node node) {
    nodes.push_back(std::move(node));
    return nodes.size() - 1;
  }

  Result<std::size_t> any() { return chain("||", Node::Kind::any, &Parser::all); }
  Result<std::size_t> all() { return chain("&&", Node::Kind::all, &Parser::unary); }

  Result<std::size_t> chain(std::string_view joint, Node::Kind kind, Result<std::size_t> (Parser::*part)()) {
    auto left = (this->*part)();
    while (left && take(joint)) {
      const auto right = (this->*part)();
      if (!right) return right;
      Node node;
      node.kind = kind;
      node.left = *left;
      node.right = *right;
      left = add(std::move(node));
    }
    return left;
  }

  Result<std::size_t> unary() {
    if (depth >= kMaxDepth) return fail(Errc::too_large, at, "at most 64 levels of parentheses");
    ++depth;
    blanks();
    Result<std::size_t> result = 0;
    if (text.substr(at, 1) == "!" && text.substr(at, 2) != "!=") {
      ++at;
      result = unary();
      if (result) {
        Node node;
        node.kind = Node::Kind::none;
        node.left = *result;
        result = add(std::move(node));
      }
    } else if (take("(")) {
      result = any();
      if (result && !take(")")) result = fail(Errc::malformed, at, "a closing parenthesis");
    } else {
      result = test();
    }
    --depth;
    return result;
  }

  Result<std::size_t> test() {
    static constexpr std::array<std::pair<std::string_view, Field>, 15> kFields{{{"ssrc", Field::ssrc},
                                                                                 {"pt", Field::pt},
                                                                                 {"seq", Field::seq},
                                                                                 {"ts", Field::ts},
                                                                                 {"len", Field::len},
                                                                                 {"size", Field::size},
                                                                                 {"marker", Field::marker},
                                                                                 {"time", Field::time},
                                                                                 {"src", Field::src},
                                                                                 {"dst", Field::dst},
                                                                                 {"addr", Field::addr},
                                                                                 {"sport", Field::sport},
                                                                                 {"dport", Field::dport},
                                                                                 {"port", Field::port},
                                                                                 {"codec", Field::codec}}};
    blanks();
    const std::size_t start = at;
    while (at < text.size() && ascii::is_alnum(text[at]))
      ++at;
    const std::string_view name = text.substr(start, at - start);
    Node node;
    bool known = false;
    for (const auto& [spelling, field] : kFields) {
      if (spelling == name) {
        node.field = field;
        known = true;
      }
    }
    if (!known) {
      return fail(Errc::malformed, start,
                  "a field: ssrc pt seq ts len size marker time src dst addr sport dport port codec");
    }
    blanks();
    static constexpr std::array<std::pair<std::string_view, Compare>, 6> kCompares{{{"==", Compare::eq},
                                                                                    {"!=", Compare::ne},
                                                                                    {"<=", Compare::le},
                                                                                    {">=", Compare::ge},
                                                                                    {"<", Compare::lt},
                                                                                    {">", Compare::gt}}};
    const std::size_t operator_at = at;
    bool compared = false;
    for (const auto& [spelling, compare] : kCompares) {
      if (!compared && take(spelling)) {
        node.compare = compare;
        compared = true;
      }
    }
    if (!compared) {
      if (node.field != Field::marker) return fail(Errc::malformed, at, "an operator: == != < <= > >=");
      node.compare = Compare::ne; // marker alone: is not 0
      return add(std::move(node));
    }
    const bool word = node.field == Field::src || node.field == Field::dst || node.field == Field::addr ||
                      node.field == Field::codec;
    if (word && node.compare != Compare::eq && node.compare != Compare::ne) {
      return fail(Errc::malformed, operator_at, "== or != before an address or a name");
    }
    blanks();
    const std::size_t value_at = at;
    while (at < text.size() && !ascii::is_space(text[at]) &&
           std::string_view("&|()!=<>").find(text[at]) == std::string_view::npos)
      ++at;
    const std::string_view value = text.substr(value_at, at - value_at);
    if (const auto read = operand(node, value, value_at); !read) return tl::unexpected(read.error());
    return add(std::move(node));
  }

  static Result<> operand(Node& node, std::string_view value, std::size_t where) {
    switch (node.field) {
      case Field::codec:
        if (value.empty()) return fail(Errc::malformed, where, "the name of a codec");
        node.text = ascii::lower(value);
        return {};
      case Field::src:
      case Field::dst:
      case Field::addr:
        if (const auto ip = IpAddress::parse(value)) {
          node.endpoint.ip = *ip;
        } else if (const auto endpoint = Endpoint::parse(value)) {
          node.endpoint = *endpoint;
        } else {
          return fail(Errc::malformed, where, "an IP address, or one with its port");
        }
        return {};
      case Field::time: return duration(node, value, where);
      default: break;
    }
    const bool hex = value.starts_with("0x") || value.starts_with("0X");
    const auto number = ascii::to_number<std::uint32_t>(hex ? value.substr(2) : value, hex ? 16 : 10);
    if (!number) return fail(Errc::malformed, where, "a number from 0 to 0xffffffff");
    node.number = *number;
    return {};
  }

  static Result<> duration(Node& node, std::string_view value, std::size_t where) {
    double scale = 1e9;
    if (value.ends_with("ms")) {
      scale = 1e6;
      value.remove_suffix(2);
    } else if (value.ends_with('s')) {
      value.remove_suffix(1);
    } else if (value.ends_with('m')) {
      scale = 60e9;
      value.remove_suffix(1);
    }
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size() || !(number >= 0) || number > 1e9) {
      return fail(Errc::malformed, where, "a time such as 30s, 1.5s, 200ms or 2m");
    }
    node.number = std::llround(number * scale);
    return {};
  }
};

Filter::Filter() = default;

Result<Filter> Filter::parse(std::string_view text) {
  Filter filter;
  if (ascii::trim(text).empty()) return filter;
  if (text.size() > kMaxLength)
    return fail(Errc::too_large, kMaxLength, "an expression of at most 4096 characters");
  Parser parser{text, filter.nodes_};
  const auto root = parser.any();
  if (!root) return tl::unexpected(root.error());
  parser.blanks();
  if (parser.at != text.size()) return fail(Errc::malformed, parser.at, "&&, || or the end");
  filter.root_ = *root;
  return filter;
}

bool Filter::operator()(const file::Segment& segment, const rtp::Header& header, Bytes payload,
                        const Stream& stream, std::int64_t start_ns) const {
  return nodes_.empty() || evaluate(root_, {segment, header, payload, stream, start_ns});
}

bool Filter::evaluate(std::size_t index, const Packet& packet) const {
  const Node& node = nodes_[index];
  switch (node.kind) {
    case Node::Kind::all: return evaluate(node.left, packet) && evaluate(node.right, packet);
    case Node::Kind::any: return evaluate(node.left, packet) || evaluate(node.right, packet);
    case Node::Kind::none: return !evaluate(node.left, packet);
    case Node::Kind::test: break;
  }
  const bool wanted = node.compare == Compare::eq;
  const auto is = [&](const Endpoint& side) {
    return side.ip == node.endpoint.ip && (node.endpoint.port == 0 || side.port == node.endpoint.port);
  };
  const auto compare = [&](std::int64_t value) {
    switch (node.compare) {
      case Compare::eq: return value == node.number;
      case Compare::ne: return value != node.number;
      case Compare::lt: return value < node.number;
      case Compare::le: return value <= node.number;
      case Compare::gt: return value > node.number;
      case Compare::ge: return value >= node.number;
    }
    return false;
  };
  const file::Segment& segment = packet.segment;
  switch (node.field) {
    case Field::ssrc: return compare(packet.header.ssrc);
    case Field::pt: return compare(packet.header.payload_type);
    case Field::seq: return compare(packet.header.sequence);
    case Field::ts: return compare(packet.header.timestamp);
    case Field::len: return compare(static_cast<std::int64_t>(packet.payload.size()));
    case Field::size: return compare(segment.payload_length);
    case Field::marker: return compare(packet.header.marker ? 1 : 0);
    case Field::time: return compare(segment.time_ns - packet.start_ns);
    case Field::src: return is(segment.from) == wanted;
    case Field::dst: return is(segment.to) == wanted;
    case Field::addr: return (is(segment.from) || is(segment.to)) == wanted;
    case Field::sport: return compare(segment.from.port);
    case Field::dport: return compare(segment.to.port);
    case Field::port: {
      const bool negative = node.compare == Compare::ne; // port!=5004: neither side
      return negative ? compare(segment.from.port) && compare(segment.to.port)
                      : compare(segment.from.port) || compare(segment.to.port);
    }
    case Field::codec: return (ascii::lower(packet.stream.format().name) == node.text) == wanted;
  }
  return false;
}

} // namespace talky::rtpdump
