#include "sdp/session.hpp"

#include <array>
#include <charconv>

#include "core/ascii.hpp"

namespace talky::sdp {
namespace {

// Takes the next word (up to a space or tab) off the front of `rest`.
std::string_view next_word(std::string_view& rest) {
  while (!rest.empty() && ascii::is_space(rest.front()))
    rest.remove_prefix(1);
  std::size_t length = 0;
  while (length < rest.size() && !ascii::is_space(rest[length]))
    ++length;
  const std::string_view word = rest.substr(0, length);
  rest.remove_prefix(length);
  return word;
}

// What stands before the first `separator` of `text`, and `text` shortened to what stands behind it.
std::string_view split_off(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return head;
}

const Attribute* find_in(const std::vector<Attribute>& attributes, std::string_view name) {
  for (const Attribute& attribute : attributes) {
    if (ascii::iequals(attribute.name, name)) return &attribute;
  }
  return nullptr;
}

std::optional<Direction> direction_in(const std::vector<Attribute>& attributes) {
  for (const Attribute& attribute : attributes) {
    if (const auto direction = direction_from(attribute.name)) return direction;
  }
  return std::nullopt;
}

// The value of a=rtpmap:PT ... or a=fmtp:PT ... for this payload type.
std::optional<std::string_view> value_for(const std::vector<Attribute>& attributes, std::string_view name,
                                          std::uint8_t payload_type) {
  for (const Attribute& attribute : attributes) {
    if (!ascii::iequals(attribute.name, name)) continue;
    std::string_view rest = attribute.value;
    if (ascii::to_number<std::uint8_t>(next_word(rest)) == payload_type) return ascii::trim(rest);
  }
  return std::nullopt;
}

Connection parse_connection(std::string_view value) {
  Connection connection;
  next_word(value); // IN
  next_word(value); // IP4 or IP6; the address itself tells
  std::string_view address = next_word(value);
  connection.address = split_off(address, '/'); // /TTL or /count
  connection.ip = IpAddress::parse(connection.address);
  return connection;
}

Origin parse_origin(std::string_view value) {
  Origin origin;
  origin.user = next_word(value);
  origin.session_id = next_word(value);
  origin.version = next_word(value);
  next_word(value);
  next_word(value);
  origin.address = next_word(value);
  return origin;
}

Result<Media> parse_media(std::string_view value, std::size_t offset) {
  Media media;
  media.type = next_word(value);
  std::string_view ports = next_word(value);
  const auto port = ascii::to_number<std::uint16_t>(split_off(ports, '/'));
  media.protocol = next_word(value);
  if (media.type.empty() || !port || media.protocol.empty()) {
    return fail(Errc::malformed, offset, "m=TYPE PORT PROTOCOL FORMAT...");
  }
  media.port = *port;
  for (std::string_view format = next_word(value); !format.empty(); format = next_word(value)) {
    if (media.formats.size() == kMaxFormats)
      return fail(Errc::too_large, offset, "at most 64 formats in an m= line");
    media.formats.push_back(format);
  }
  return media;
}

Attribute parse_attribute(std::string_view value) {
  Attribute attribute;
  attribute.name = ascii::trim(split_off(value, ':'));
  attribute.value = ascii::trim(value);
  return attribute;
}

} // namespace

std::string_view to_string(Direction direction) {
  static constexpr std::array<std::string_view, 4> kNames = {"inactive", "sendonly", "recvonly", "sendrecv"};
  return kNames[static_cast<std::size_t>(direction) & 3U];
}

std::optional<Direction> direction_from(std::string_view attribute_name) {
  for (const auto direction :
       {Direction::sendrecv, Direction::sendonly, Direction::recvonly, Direction::inactive}) {
    if (ascii::iequals(attribute_name, to_string(direction))) return direction;
  }
  return std::nullopt;
}

bool Connection::is_hold() const {
  if (ip) return ip->is_unspecified() || *ip == IpAddress::v4(0, 0, 0, 0);
  constexpr std::string_view kInvalid = ".invalid"; // RFC 2606: a name that resolves to nothing, on purpose
  return address.size() >= kInvalid.size() &&
         ascii::iequals(address.substr(address.size() - kInvalid.size()), kInvalid);
}

const Attribute* Media::find(std::string_view name) const {
  return find_in(attributes, name);
}

std::optional<RtpMap> Media::rtpmap(std::uint8_t payload_type) const {
  const auto value = value_for(attributes, "rtpmap", payload_type);
  if (!value) return static_rtpmap(payload_type);
  std::string_view rest = *value;
  RtpMap map;
  map.name = ascii::trim(split_off(rest, '/'));
  const auto rate = ascii::to_number<std::uint32_t>(ascii::trim(split_off(rest, '/')));
  if (map.name.empty() || !rate || *rate == 0) return std::nullopt;
  map.clock_rate = *rate;
  if (const auto channels = ascii::to_number<std::uint8_t>(ascii::trim(rest)); channels && *channels > 0) {
    map.channels = *channels;
  }
  return map;
}

std::string_view Media::fmtp(std::uint8_t payload_type) const {
  return value_for(attributes, "fmtp", payload_type).value_or(std::string_view{});
}

std::optional<std::uint16_t> Media::milliseconds(std::string_view name) const {
  const Attribute* attribute = find(name);
  if (attribute == nullptr) return std::nullopt;
  std::string_view value = attribute->value;
  return ascii::to_number<std::uint16_t>(ascii::trim(split_off(value, '.')));
}

std::optional<RtcpAddress> Media::rtcp() const {
  const Attribute* attribute = find("rtcp");
  if (attribute == nullptr) return std::nullopt;
  std::string_view rest = attribute->value;
  const auto number = ascii::to_number<std::uint16_t>(next_word(rest));
  if (!number || *number == 0) return std::nullopt;
  RtcpAddress rtcp{*number, std::nullopt};
  if (!ascii::trim(rest).empty()) rtcp.ip = parse_connection(rest).ip;
  return rtcp;
}

Result<Session> Session::parse(std::string_view text) {
  if (text.size() > kMaxText) return fail(Errc::too_large, kMaxText, "at most 64 KiB of SDP");
  Session session;
  std::size_t attributes = 0;
  bool version_seen = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const std::size_t end = std::min(text.find_first_of("\r\n", at), text.size());
    at = end + 1;
    const std::string_view line = ascii::trim(text.substr(start, end - start));
    if (line.empty()) continue; // blank, or between CR and LF
    if (line.find('\0') != std::string_view::npos) return fail(Errc::malformed, start, "a line without NUL");
    if (line.size() < 2 || line[1] != '=') return fail(Errc::malformed, start, "a line TYPE=VALUE");
    const std::string_view value = ascii::trim(line.substr(2));
    Media* const media = session.media.empty() ? nullptr : &session.media.back();
    if (!version_seen) {
      if (line[0] != 'v' || value != "0") return fail(Errc::malformed, start, "v=0 first");
      version_seen = true;
      continue;
    }
    switch (line[0]) {
      case 'o': session.origin = parse_origin(value); break;
      case 's': session.name = value; break;
      case 'c':
        // Of several c= lines (layered multicast) the first counts.
        if (auto& slot = media != nullptr ? media->connection : session.connection; !slot) {
          slot = parse_connection(value);
        }
        break;
      case 'a':
        if (++attributes > kMaxAttributes) return fail(Errc::too_large, start, "at most 512 attributes");
        (media != nullptr ? media->attributes : session.attributes).push_back(parse_attribute(value));
        break;
      case 'm': {
        if (session.media.size() == kMaxMedia) return fail(Errc::too_large, start, "at most 32 media");
        auto parsed = parse_media(value, start);
        if (!parsed) return tl::unexpected(parsed.error());
        session.media.push_back(std::move(*parsed));
        break;
      }
      default: break; // i= u= e= p= b= t= r= z= k= and what is yet to come say nothing that we need
    }
  }
  if (!version_seen) return fail(Errc::truncated, text.size(), "v=0 first");
  return session;
}

const Attribute* Session::find(std::string_view attribute) const {
  return find_in(attributes, attribute);
}

std::optional<Connection> Session::connection_of(const Media& of) const {
  return of.connection ? of.connection : connection;
}

Direction Session::direction_of(const Media& of) const {
  if (const auto own = direction_in(of.attributes)) return *own;
  return direction_in(attributes).value_or(Direction::sendrecv);
}

std::optional<RtpMap> static_rtpmap(std::uint8_t payload_type) {
  switch (payload_type) {
    case 0: return RtpMap{"PCMU", 8000, 1};
    case 3: return RtpMap{"GSM", 8000, 1};
    case 4: return RtpMap{"G723", 8000, 1};
    case 5: return RtpMap{"DVI4", 8000, 1};
    case 6: return RtpMap{"DVI4", 16000, 1};
    case 7: return RtpMap{"LPC", 8000, 1};
    case 8: return RtpMap{"PCMA", 8000, 1};
    case 9: return RtpMap{"G722", 8000, 1}; // 16 kHz audio, but the RTP clock runs at 8 kHz (RFC 3551 4.5.2)
    case 10: return RtpMap{"L16", 44100, 2};
    case 11: return RtpMap{"L16", 44100, 1};
    case 12: return RtpMap{"QCELP", 8000, 1};
    case 13: return RtpMap{"CN", 8000, 1};
    case 14: return RtpMap{"MPA", 90000, 1};
    case 15: return RtpMap{"G728", 8000, 1};
    case 16: return RtpMap{"DVI4", 11025, 1};
    case 17: return RtpMap{"DVI4", 22050, 1};
    case 18: return RtpMap{"G729", 8000, 1};
    case 25: return RtpMap{"CelB", 90000, 1};
    case 26: return RtpMap{"JPEG", 90000, 1};
    case 28: return RtpMap{"nv", 90000, 1};
    case 31: return RtpMap{"H261", 90000, 1};
    case 32: return RtpMap{"MPV", 90000, 1};
    case 33: return RtpMap{"MP2T", 90000, 1};
    case 34: return RtpMap{"H263", 90000, 1};
    default: return std::nullopt;
  }
}

Writer& Writer::line(char type, std::string_view value) {
  out_.push_back(type);
  out_.push_back('=');
  out_.append(value);
  out_.append("\r\n");
  return *this;
}

Writer& Writer::origin(std::string_view user, std::uint64_t session_id, std::uint64_t version,
                       const IpAddress& address) {
  std::string value(user);
  value.append(" ").append(std::to_string(session_id)).append(" ").append(std::to_string(version));
  value.append(address.is_v4() ? " IN IP4 " : " IN IP6 ").append(address.to_string());
  return line('o', value);
}

Writer& Writer::connection(const IpAddress& address) {
  return line('c', (address.is_v4() ? "IN IP4 " : "IN IP6 ") + address.to_string());
}

Writer& Writer::media(std::string_view type, std::uint16_t port, std::string_view protocol,
                      std::string_view formats) {
  std::string value(type);
  value.append(" ").append(std::to_string(port)).append(" ").append(protocol).append(" ").append(formats);
  return line('m', value);
}

Writer& Writer::attribute(std::string_view name) {
  return line('a', name);
}

Writer& Writer::attribute(std::string_view name, std::string_view value) {
  std::string text(name);
  text.append(":").append(value);
  return line('a', text);
}

} // namespace talky::sdp
