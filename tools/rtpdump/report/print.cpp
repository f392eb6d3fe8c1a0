#include "rtpdump/report/print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

namespace talky::rtpdump {

namespace {

// Reads what has been checked to be there; 0 beyond.
class Fields {
 public:
  explicit Fields(Bytes bytes) : bytes_(bytes) {}
  std::uint32_t u8(std::size_t at) const {
    return at < bytes_.size() ? std::to_integer<std::uint32_t>(bytes_[at]) : 0;
  }
  std::uint32_t u16(std::size_t at) const { return u8(at) << 8 | u8(at + 1); }
  std::uint32_t u32(std::size_t at) const { return u16(at) << 16 | u16(at + 2); }

 private:
  Bytes bytes_;
};

template <class... Arguments>
void add(std::string& out, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Arguments>(arguments)...);
}

void hex(Bytes bytes, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out.reserve(out.size() + 2 * bytes.size());
  for (const std::byte byte : bytes) {
    out += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    out += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
}

// What came from the network holds no control characters, and no quote that would end the value.
void quoted(Bytes text, std::string& out) {
  out += '"';
  for (const std::byte byte : text) {
    const auto c = std::to_integer<unsigned char>(byte);
    if (c < 0x20 || c == 0x7f)
      add(out, "\\x{:02x}", c);
    else if (c == '"' || c == '\\')
      add(out, "\\{}", static_cast<char>(c));
    else
      out += static_cast<char>(c);
  }
  out += '"';
}

void time_of(std::int64_t time_ns, std::string& out) {
  const std::int64_t us = std::max<std::int64_t>(time_ns, 0) / 1000;
  add(out, "{}.{:06}", us / 1'000'000, us % 1'000'000);
}

void head(std::string_view kind, std::int64_t time_ns, const Endpoint& from, Bytes packet, std::string& out) {
  time_of(time_ns, out);
  add(out, " {} len={} from={} ", kind, packet.size(), from.to_string());
}

// Bytes of the RTP header with CSRC list and extension; more than the packet if it is cut.
std::size_t header_length(Bytes packet) {
  const Fields f(packet);
  std::size_t length = 12 + 4 * (f.u8(0) & 15);
  if ((f.u8(0) & 0x10) != 0) length += 4 + 4 * std::size_t{f.u16(length + 2)};
  return length;
}

void report_blocks(const Fields& f, std::size_t at, std::size_t count, std::string& out) {
  for (std::size_t i = 0; i < count; ++i, at += 24) {
    // 24 bits with a sign.
    const std::int32_t lost = static_cast<std::int32_t>(f.u32(at + 4) << 8) >> 8;
    add(out, "  (ssrc=0x{:x} fraction={} lost={} last_seq={} jit={} lsr={} dlsr={} )\n", f.u32(at),
        fmt::format("{:.6g}", f.u8(at + 4) / 256.0), lost, f.u32(at + 8), f.u32(at + 12), f.u32(at + 16),
        f.u32(at + 20));
  }
}

void source_description(Bytes packet, std::size_t chunks, std::string& out) {
  constexpr std::array<std::string_view, 9> kItems{"end", "CNAME", "NAME", "EMAIL", "PHONE",
                                                   "LOC", "TOOL",  "NOTE", "PRIV"};
  const Fields f(packet);
  std::size_t at = 4;
  for (std::size_t i = 0; i < chunks && at + 4 < packet.size(); ++i) {
    add(out, "  (src=0x{:x} ", f.u32(at));
    at += 4;
    while (at + 1 < packet.size() && f.u8(at) != 0) {
      const std::size_t length = std::min<std::size_t>(f.u8(at + 1), packet.size() - at - 2);
      if (f.u8(at) < kItems.size())
        out += kItems[f.u8(at)];
      else
        add(out, "{}", f.u8(at));
      out += '=';
      quoted(packet.subspan(at + 2, length), out);
      out += ' ';
      at += 2 + length;
    }
    at = (at / 4 + 1) * 4; // at least one zero, up to the next word
    out += ")\n";
  }
}

void goodbye(Bytes packet, std::size_t count, std::string& out) {
  const Fields f(packet);
  for (std::size_t i = 0; i < count; ++i)
    add(out, "  (ssrc[{}]=0x{:x} ", i, f.u32(4 + 4 * i));
  out += ")\n";
  const std::size_t at = 4 + 4 * count;
  if (at < packet.size()) {
    out += "reason=";
    quoted(packet.subspan(at + 1, std::min<std::size_t>(f.u8(at), packet.size() - at - 1)), out);
  }
}

} // namespace

std::optional<PrintFormat> print_format(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, PrintFormat>, 6> kNames{
      {{"line", PrintFormat::line},
       {"ascii", PrintFormat::ascii},
       {"hex", PrintFormat::hex},
       {"rtcp", PrintFormat::rtcp},
       {"short", PrintFormat::brief},
       {"payload", PrintFormat::payload}}};
  for (const auto& [known, format] : kNames) {
    if (name == known) return format;
  }
  return std::nullopt;
}

std::string packet_line(const file::Segment& segment, const rtp::Header& header, Bytes payload,
                        const capture::Stream& stream, std::int64_t start_ns) {
  return fmt::format("{:.6f} {} {} 0x{:08x} {} seq={} ts={} len={}{}\n",
                     static_cast<double>(segment.time_ns - start_ns) * 1e-9, segment.from.to_string(),
                     segment.to.to_string(), header.ssrc,
                     header.payload_type == stream.payload_type() && !stream.format().name.empty()
                         ? stream.format().name
                         : fmt::format("pt{}", header.payload_type),
                     header.sequence, header.timestamp, payload.size(), header.marker ? " M" : "");
}

void print_rtp(PrintFormat print, std::int64_t time_ns, const Endpoint& from, Bytes packet,
               const capture::Format& format, std::string& out) {
  const Fields f(packet);
  const std::size_t length = header_length(packet);
  switch (print) {
    case PrintFormat::line:
    case PrintFormat::rtcp: return;
    case PrintFormat::payload: {
      const auto view = rtp::PacketView::parse(packet);
      if (view) out.append(as_text(view->payload()));
      return;
    }
    case PrintFormat::brief:
      if ((f.u8(1) & 0x80) != 0) out += '-';
      time_of(time_ns, out);
      add(out, " {} {}\n", f.u32(4), f.u16(2));
      return;
    case PrintFormat::ascii:
    case PrintFormat::hex: break;
  }
  head("RTP", time_ns, from, packet, out);
  if (length > packet.size()) {
    add(out, "RTP header too short ({} bytes for {}).\n", packet.size(), length);
    return;
  }
  const std::uint32_t first = f.u8(0);
  const bool named = !format.name.empty();
  add(out, "v={} p={} x={} cc={} m={} pt={} ({},{},{}) seq={} ts={} ssrc=0x{:x} ", first >> 6, first >> 5 & 1,
      first >> 4 & 1, first & 15, f.u8(1) >> 7, f.u8(1) & 0x7f, named ? format.name : "unassigned",
      named ? unsigned{format.channels} : 0U, format.clock_rate, f.u16(2), f.u32(4), f.u32(8));
  const std::size_t csrcs = first & 15;
  for (std::size_t i = 0; i < csrcs; ++i)
    add(out, "csrc[{}]=0x{:x} ", i, f.u32(12 + 4 * i));
  if ((first & 0x10) != 0) {
    const std::size_t at = 12 + 4 * csrcs;
    add(out, "ext_type=0x{:x} ext_len={} ", f.u16(at), f.u16(at + 2));
    if (f.u16(at + 2) != 0) {
      out += "ext_data=";
      hex(packet.subspan(at + 4, 4 * std::size_t{f.u16(at + 2)}), out);
      out += ' ';
    }
  }
  if (print == PrintFormat::hex) {
    out += "data=";
    hex(packet.subspan(length), out);
  }
  out += '\n';
}

void print_rtcp(PrintFormat print, std::int64_t time_ns, const Endpoint& from, Bytes packet,
                std::string& out) {
  if (print == PrintFormat::line || print == PrintFormat::brief || print == PrintFormat::payload) return;
  head("RTCP", time_ns, from, packet, out);
  out += '\n';
  while (packet.size() >= 4) {
    const Fields f(packet);
    const std::uint32_t words = f.u16(2);
    const std::size_t size = (std::size_t{words} + 1) * 4;
    if (size > packet.size()) {
      add(out, "Illegal RTCP packet length {} words.\n", words);
      return;
    }
    const Bytes part = packet.first(size);
    packet = packet.subspan(size);
    const std::uint32_t type = f.u8(1);
    const std::size_t count = f.u8(0) & 31;
    const std::uint32_t padding = f.u8(0) >> 5 & 1;
    const std::size_t fixed = type == 200 ? 28 : type == 203 ? 4 : 8;
    const std::size_t needed = fixed + (type == 203 ? 4 : 24) * count;
    if ((type == 200 || type == 201 || type == 203) && size < needed) {
      add(out, "Illegal RTCP packet length {} words.\n", words);
      continue;
    }
    switch (type) {
      case 200:
        add(out, " (SR ssrc=0x{:x} p={} count={} len={}\n", f.u32(4), padding, count, words);
        add(out, "  ntp={}.{} ts={} psent={} osent={}\n", f.u32(8), f.u32(12), f.u32(16), f.u32(20),
            f.u32(24));
        report_blocks(f, 28, count, out);
        out += " )\n";
        break;
      case 201:
        add(out, " (RR ssrc=0x{:x} p={} count={} len={}\n", f.u32(4), padding, count, words);
        report_blocks(f, 8, count, out);
        out += " )\n";
        break;
      case 202:
        add(out, " (SDES p={} count={} len={}\n", padding, count, words);
        source_description(part, count, out);
        out += " )\n";
        break;
      case 203:
        add(out, " (BYE p={} count={} len={}\n", padding, count, words);
        goodbye(part, count, out);
        out += " )\n";
        break;
      default: add(out, "(? pt={} src=0x{:x})\n", type, f.u32(4)); break;
    }
  }
  if (!packet.empty()) add(out, "Illegal RTCP packet length: {} bytes too many.\n", packet.size());
}

PacketPrinter::PacketPrinter(std::string_view format, Time time)
    : format_(print_format(format).value_or(PrintFormat::line)), time_(time) {}

void PacketPrinter::rtp(const file::Segment& segment, const rtp::Header& header, Bytes payload,
                        const capture::Stream& stream, std::int64_t start_ns) {
  if (format_ == PrintFormat::line) {
    text_ = packet_line(segment, header, payload, stream, start_ns);
  } else {
    const capture::Format* known = stream.format_of(header.payload_type);
    print_rtp(format_, segment.time_ns - (time_ == Time::of_day ? 0 : start_ns), segment.from,
              segment.payload, known != nullptr ? *known : capture::Format{}, text_);
  }
  out();
}

void PacketPrinter::rtcp(const file::Segment& segment, std::int64_t start_ns) {
  print_rtcp(format_, segment.time_ns - (time_ == Time::of_day ? 0 : start_ns), segment.from, segment.payload,
             text_);
  out();
}

void PacketPrinter::out() {
  std::fwrite(text_.data(), 1, text_.size(), stdout);
  text_.clear();
}

} // namespace talky::rtpdump
