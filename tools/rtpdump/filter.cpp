#include "filter.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "capture/analysis.hpp"
#include "core/ascii.hpp"
#include "rtpdump/report/report.hpp"

namespace talky::rtpdump {

struct Filter::Packet {
  const file::Segment& segment;
  rtp::Header header;
  Bytes payload;
  const capture::Stream* stream = nullptr; // nullptr: a message of `call`
  const capture::Analysis& analysis;
  const capture::Call* call = nullptr; // nullptr: that of the stream

  const capture::Call* its_call() const {
    return call != nullptr || stream == nullptr ? call : analysis.calls.call_of(*stream);
  }
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
  // The same in letters, of either case, as the flows of talky-agent have it.
  bool take_word(std::string_view word) {
    blanks();
    const auto is_part = [](char c) { return ascii::is_alnum(c) || c == '-'; };
    const std::size_t end = at + word.size();
    if (!ascii::iequals(text.substr(at, word.size()), word) || (end < text.size() && is_part(text[end])))
      return false;
    at = end;
    return true;
  }
  std::size_t add(Node node) {
    nodes.push_back(std::move(node));
    return nodes.size() - 1;
  }

  Result<std::size_t> any() { return chain("||", "or", Node::Kind::any, &Parser::all); }
  Result<std::size_t> all() { return chain("&&", "and", Node::Kind::all, &Parser::unary); }

  Result<std::size_t> chain(std::string_view joint, std::string_view word, Node::Kind kind,
                            Result<std::size_t> (Parser::*part)()) {
    auto left = (this->*part)();
    while (left && (take(joint) || take_word(word))) {
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
    if ((text.substr(at, 2) != "!=" && take("!")) || take_word("not")) {
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
    blanks();
    const std::size_t start = at;
    while (at < text.size() && (ascii::is_alnum(text[at]) || text[at] == '-'))
      ++at;
    const std::string name = ascii::lower(text.substr(start, at - start));
    const auto& all_known = known();
    const auto field =
        std::find_if(all_known.begin(), all_known.end(), [&](const Known& k) { return k.name == name; });
    if (field == all_known.end()) {
      return fail(
          Errc::malformed, start,
          "a field: ssrc pt seq ts len size marker event time src dst addr sport dport port codec stream "
          "packets lost loss late dup reordered jitter mos call call-id from to leg");
    }
    Node node;
    node.field = field->field;
    node.type = field->type;
    blanks();
    static constexpr std::array<std::pair<std::string_view, Compare>, 7> kCompares{
        {{"==", Compare::eq},
         {"!=", Compare::ne},
         {"<=", Compare::le},
         {">=", Compare::ge},
         {"<", Compare::lt},
         {">", Compare::gt},
         {"~", Compare::contains}}};
    const std::size_t operator_at = at;
    bool compared = false;
    for (const auto& [spelling, compare] : kCompares) {
      if (!compared && take(spelling)) {
        node.compare = compare;
        compared = true;
      }
    }
    if (!compared) {
      if (node.type != Type::flag) return fail(Errc::malformed, at, "an operator: == != < <= > >= ~");
      node.compare = Compare::ne; // marker alone: is not 0
      return add(std::move(node));
    }
    const bool equality = node.compare == Compare::eq || node.compare == Compare::ne;
    if (node.type == Type::address && !equality)
      return fail(Errc::malformed, operator_at, "== or != before an address");
    if (node.type == Type::text && !equality && node.compare != Compare::contains)
      return fail(Errc::malformed, operator_at, "==, != or ~ before a text");
    if (node.type != Type::text && node.compare == Compare::contains)
      return fail(Errc::malformed, operator_at, "== != < <= > >= before a number (~ is for texts)");
    blanks();
    const auto value_at = at;
    const auto value = operand_text();
    if (!value) return tl::unexpected(value.error());
    if (const auto read = operand(node, *value, value_at); !read) return tl::unexpected(read.error());
    return add(std::move(node));
  }

  // Up to a blank or an operator, or what stands between double quotes.
  Result<std::string_view> operand_text() {
    if (at < text.size() && text[at] == '"') {
      const std::size_t end = text.find('"', at + 1);
      if (end == std::string_view::npos) return fail(Errc::malformed, at, "a closing quote to this one");
      const std::string_view value = text.substr(at + 1, end - at - 1);
      at = end + 1;
      return value;
    }
    const std::size_t start = at;
    while (at < text.size() && !ascii::is_space(text[at]) &&
           std::string_view("&|()!=<>\"").find(text[at]) == std::string_view::npos)
      ++at;
    return text.substr(start, at - start);
  }

  static Result<> operand(Node& node, std::string_view value, std::size_t where) {
    switch (node.type) {
      case Type::text:
        if (value.empty()) return fail(Errc::malformed, where, "a text, in double quotes if it has blanks");
        node.text = ascii::lower(value);
        return {};
      case Type::address:
        if (const auto ip = IpAddress::parse(value)) {
          node.endpoint.ip = *ip;
        } else if (const auto endpoint = Endpoint::parse(value)) {
          node.endpoint = *endpoint;
        } else {
          return fail(Errc::malformed, where, "an IP address, or one with its port");
        }
        return {};
      case Type::time: return duration(node, value, where);
      case Type::real: return real(node, value, where);
      case Type::number:
      case Type::flag: break;
    }
    const bool hex = value.starts_with("0x") || value.starts_with("0X");
    const auto number = ascii::to_number<std::uint32_t>(hex ? value.substr(2) : value, hex ? 16 : 10);
    if (!number) return fail(Errc::malformed, where, "a number from 0 to 0xffffffff");
    node.number = *number;
    node.real = *number;
    return {};
  }

  static Result<> real(Node& node, std::string_view value, std::size_t where) {
    if (node.field == Field::loss && value.ends_with('%')) value.remove_suffix(1);
    if (node.field == Field::jitter && value.ends_with("ms")) value.remove_suffix(2);
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), node.real);
    if (error != std::errc{} || end != value.data() + value.size() || !std::isfinite(node.real))
      return fail(Errc::malformed, where, "a number such as 1.5, 1.5% (loss) or 20ms (jitter)");
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
                        const capture::Stream& stream, const capture::Analysis& analysis) const {
  return nodes_.empty() || evaluate(root_, {segment, header, payload, &stream, analysis});
}

bool Filter::chooses_calls() const {
  const auto of_a_call = [](const Node& node) {
    return node.kind != Node::Kind::test || node.field == Field::call || node.field == Field::call_id ||
           node.field == Field::from || node.field == Field::to || node.field == Field::time;
  };
  const auto is_test = [](const Node& node) {
    return node.kind == Node::Kind::test && node.field != Field::time;
  };
  return std::all_of(nodes_.begin(), nodes_.end(), of_a_call) &&
         std::any_of(nodes_.begin(), nodes_.end(), is_test);
}

bool Filter::operator()(const file::Segment& segment, const capture::Call& call,
                        const capture::Analysis& analysis) const {
  return nodes_.empty() || evaluate(root_, {segment, {}, {}, nullptr, analysis, &call});
}

bool Filter::evaluate(std::size_t index, const Packet& packet) const {
  const Node& node = nodes_[index];
  switch (node.kind) {
    case Node::Kind::all: return evaluate(node.left, packet) && evaluate(node.right, packet);
    case Node::Kind::any: return evaluate(node.left, packet) || evaluate(node.right, packet);
    case Node::Kind::none: return !evaluate(node.left, packet);
    case Node::Kind::test: break;
  }
  return test(node, packet);
}

bool Filter::test(const Node& node, const Packet& packet) {
  const bool wanted = node.compare == Compare::eq;
  const auto is = [&](const Endpoint& side) {
    return side.ip == node.endpoint.ip && (node.endpoint.port == 0 || side.port == node.endpoint.port);
  };
  const auto ordered = [&](auto value, auto limit) {
    switch (node.compare) {
      case Compare::eq: return value <= limit && limit <= value; // false of what is not known (not a number)
      case Compare::ne: return value < limit || limit < value;
      case Compare::lt: return value < limit;
      case Compare::le: return value <= limit;
      case Compare::gt: return value > limit;
      case Compare::ge: return value >= limit;
      case Compare::contains: break;
    }
    return false;
  };
  const auto compare = [&](std::int64_t value) { return ordered(value, node.number); };
  const file::Segment& segment = packet.segment;
  switch (node.field) {
    case Field::ssrc: return compare(packet.header.ssrc);
    case Field::pt: return compare(packet.header.payload_type);
    case Field::seq: return compare(packet.header.sequence);
    case Field::ts: return compare(packet.header.timestamp);
    case Field::len: return compare(static_cast<std::int64_t>(packet.payload.size()));
    case Field::size: return compare(segment.payload_length);
    case Field::marker: return compare(packet.header.marker ? 1 : 0);
    case Field::event: {
      const capture::Format* format = packet.stream->format_of(packet.header.payload_type);
      return compare(format != nullptr && format->telephone_event ? 1 : 0);
    }
    case Field::time: return compare(segment.time_ns - packet.analysis.start_ns.value_or(segment.time_ns));
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
    case Field::codec:
    case Field::call_id:
    case Field::from:
    case Field::to:
    case Field::leg: {
      const std::string text = text_of(node.field, packet);
      if (node.compare == Compare::contains) return text.find(node.text) != std::string::npos;
      return (text == node.text) == wanted;
    }
    default: return ordered(figure_of(node.field, packet), node.real);
  }
}

// In lower case; "" where there is none.
std::string Filter::text_of(Field field, const Packet& packet) {
  if (field == Field::codec) {
    const capture::Format* format = packet.stream->format_of(packet.header.payload_type);
    return format != nullptr ? ascii::lower(format->name) : "";
  }
  const capture::Call* call = packet.its_call();
  if (call == nullptr) return "";
  switch (field) {
    case Field::call_id: return ascii::lower(call->call_id);
    case Field::from: return ascii::lower(call->from);
    case Field::to: return ascii::lower(call->to);
    default: break;
  }
  const capture::Call::Leg leg = call->leg_of(*packet.stream);
  return leg == capture::Call::Leg::from_caller   ? "caller"
         : leg == capture::Call::Leg::from_callee ? "callee"
                                                  : "";
}

// What is known of the whole stream: in a capture at its end, live so far.
double Filter::figure_of(Field field, const Packet& packet) {
  if (field == Field::call) {
    const capture::Call* call = packet.its_call();
    return call != nullptr ? static_cast<double>(call->number) : 0;
  }
  const capture::Stream& stream = *packet.stream;
  switch (field) {
    case Field::stream: return static_cast<double>(packet.analysis.number_of(stream));
    case Field::packets: return static_cast<double>(stream.packets());
    case Field::lost: return static_cast<double>(stream.missing());
    case Field::loss:
      return stream.expected() == 0
                 ? 0
                 : 100 * static_cast<double>(stream.missing()) / static_cast<double>(stream.expected());
    case Field::late: return static_cast<double>(stream.late());
    case Field::dup: return static_cast<double>(stream.duplicates());
    case Field::reordered: return static_cast<double>(stream.reordered());
    case Field::jitter: return stream.jitter_ms().mean;
    case Field::mos: return mos_of(stream).value_or(std::numeric_limits<double>::quiet_NaN());
    default: return 0;
  }
}

const std::vector<Filter::Known>& Filter::known() {
  static const std::vector<Known> kAll{{"ssrc", Field::ssrc, Type::number},
                                       {"pt", Field::pt, Type::number},
                                       {"seq", Field::seq, Type::number},
                                       {"ts", Field::ts, Type::number},
                                       {"len", Field::len, Type::number},
                                       {"size", Field::size, Type::number},
                                       {"marker", Field::marker, Type::flag},
                                       {"event", Field::event, Type::flag},
                                       {"time", Field::time, Type::time},
                                       {"src", Field::src, Type::address},
                                       {"dst", Field::dst, Type::address},
                                       {"addr", Field::addr, Type::address},
                                       {"sport", Field::sport, Type::number},
                                       {"dport", Field::dport, Type::number},
                                       {"port", Field::port, Type::number},
                                       {"codec", Field::codec, Type::text},
                                       {"stream", Field::stream, Type::number},
                                       {"packets", Field::packets, Type::number},
                                       {"lost", Field::lost, Type::number},
                                       {"loss", Field::loss, Type::real},
                                       {"late", Field::late, Type::number},
                                       {"dup", Field::dup, Type::number},
                                       {"reordered", Field::reordered, Type::number},
                                       {"jitter", Field::jitter, Type::real},
                                       {"mos", Field::mos, Type::real},
                                       {"call", Field::call, Type::number},
                                       {"call-id", Field::call_id, Type::text},
                                       {"from", Field::from, Type::text},
                                       {"to", Field::to, Type::text},
                                       {"leg", Field::leg, Type::text}};
  return kAll;
}

std::vector<std::string_view> Filter::fields() {
  std::vector<std::string_view> names;
  for (const Known& known : Filter::known())
    names.push_back(known.name);
  return names;
}

} // namespace talky::rtpdump
