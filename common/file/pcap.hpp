// Captures of network traffic: pcap (micro- and nanoseconds, both byte orders) and pcapng are read, both are
// written. The frames are taken apart down to UDP and TCP by link.hpp.
//
// Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "file/io.hpp"

namespace talky::file {

// Numbers of https://www.tcpdump.org/linktypes.html; a capture may hold others, which are kept as they are.
enum class LinkType : std::uint16_t {
  null = 0,     // BSD loopback: the address family in the byte order of the capturing machine
  ethernet = 1, // with any number of VLAN tags
  raw_bsd = 12, // raw IP as some BSDs number it
  raw_openbsd = 14,
  raw = 101,  // raw IPv4 or IPv6
  loop = 108, // OpenBSD loopback: the address family big-endian
  linux_sll = 113,
  ipv4 = 228,
  ipv6 = 229,
  linux_sll2 = 276
};

// One captured frame. `data` borrows from the reader until its next call.
struct CapturedFrame {
  std::int64_t time_ns = 0; // since 1970, UTC
  LinkType link = LinkType::ethernet;
  Bytes data;                    // what was captured
  std::uint32_t wire_length = 0; // what was on the wire: more than data.size() if the capture cut it
};

// Reads pcap and pcapng, from files and pipes, in one pass and constant memory. Limits: 256 interfaces of a
// pcapng, frames of 256 KiB and blocks of 16 MiB; what is beyond is an error.
class PcapReader {
 public:
  static constexpr std::size_t kMaxFrame = std::size_t{256} * 1024;
  static constexpr std::uint32_t kMaxBlock = 16 * 1024 * 1024;
  static constexpr std::size_t kMaxInterfaces = 256;

  // True if these first bytes (four suffice) begin a pcap or pcapng.
  static bool recognises(Bytes start);

  // Reads the file header. Errors: truncated, malformed (not a capture), unsupported (version).
  static Result<PcapReader> open(Input input);

  // The next frame, or nullopt at the end. A capture that ends inside a record gives nullopt as well, and
  // truncated() is true from then on. Errors: malformed, too_large, io; after one there is nothing more.
  Result<std::optional<CapturedFrame>> next() {
    CapturedFrame frame;
    const auto got = read(frame);
    if (!got) return tl::unexpected(got.error());
    return *got ? std::optional(frame) : std::nullopt;
  }
  // The same into `frame`, which at the end (false) is left as it was.
  Result<bool> read(CapturedFrame& frame);
  // After an end that was not an error: goes on where the file has grown since, as one that is being written.
  void resume();
  // Whether the input itself has ended, and not only given nothing more for now (a pipe that does not wait).
  bool at_end() const { return input_.at_end(); }

  bool truncated() const { return truncated_; }
  // Where the next record starts, in bytes from the start of the file.
  std::uint64_t offset() const { return input_.offset(); }

 private:
  struct Interface {
    LinkType link = LinkType::ethernet;
    std::uint32_t snap_length = 0;
    std::uint64_t ticks_per_second = 1'000'000;
    std::int64_t offset_seconds = 0;
  };

  explicit PcapReader(Input input) : input_(std::move(input)) {}
  Result<> read_pcap_header(Bytes start);
  Result<bool> read_pcap(CapturedFrame& frame);
  Result<bool> read_pcapng(CapturedFrame& frame);
  Result<> section_header(Bytes block);
  Result<> interface_description(Bytes body);
  Result<> enhanced_packet(Bytes body, bool obsolete, CapturedFrame& frame) const;
  Result<> simple_packet(Bytes body, CapturedFrame& frame) const;
  std::uint16_t u16(const std::byte* p) const;
  std::uint32_t u32(const std::byte* p) const { // one load, and a swap if it is the other byte order
    std::uint32_t value = 0;
    std::memcpy(&value, p, 4);
    return big_endian_ == (std::endian::native == std::endian::big) ? value : __builtin_bswap32(value);
  }
  bool cut();

  Input input_;
  bool pcapng_ = false;
  bool big_endian_ = false;
  bool nanoseconds_ = false;
  bool truncated_ = false;
  bool ended_ = false;
  bool failed_ = false;
  LinkType link_ = LinkType::ethernet;
  std::size_t pending_skip_ = 0;      // the frame last given, passed at the next call
  std::uint64_t pending_discard_ = 0; // of a block that is passed over
  std::vector<Interface> interfaces_;
};

// Writes a pcap or pcapng with nanosecond time stamps that Wireshark opens. The packets are given as what UDP
// or TCP carried; the headers below are made up, with right lengths and checksums. Sends longer than one IP
// packet holds are cut into TCP segments; a UDP payload above 65,507 bytes is refused with too_large.
class PcapWriter {
 public:
  enum class Format : std::uint8_t { pcap, pcapng };
  struct Options {
    Output::Mode mode = Output::Mode::live;
    Format format = Format::pcap;
    LinkType link = LinkType::raw; // raw or ethernet: of the packets whose headers are made up
    std::uint32_t snap_length = 262'144;
  };

  static Result<PcapWriter> create(const std::string& path, const Options& options);
  static Result<PcapWriter> create(const std::string& path) { return create(path, Options{}); }

  // Both addresses must be of one family; where they are not (a dual-stack socket), IPv6 headers are written
  // with the IPv4 address mapped.
  Result<> udp(std::int64_t time_ns, const Endpoint& from, const Endpoint& to, Bytes payload);
  // The next bytes of a TCP stream. The first call for a pair of endpoints writes a handshake before it.
  Result<> tcp(std::int64_t time_ns, const Endpoint& from, const Endpoint& to, Bytes payload);
  // A frame as it was captured. A pcap has one link type, the writer's: unsupported otherwise. A pcapng has
  // an interface for each.
  Result<> frame(const CapturedFrame& frame);
  bool takes(LinkType link) const { return options_.format == Format::pcapng || link == options_.link; }

  Result<> flush() { return output_.flush(); }
  Result<> close() { return output_.close(); }
  std::uint64_t bytes() const { return output_.offset(); }

 private:
  struct Pair {
    Endpoint from, to;
    bool operator==(const Pair&) const = default;
  };
  struct PairHash {
    std::size_t operator()(const Pair& pair) const noexcept {
      return std::hash<Endpoint>{}(pair.from) * 31 + std::hash<Endpoint>{}(pair.to);
    }
  };

  PcapWriter(Output output, const Options& options) : output_(std::move(output)), options_(options) {}
  Result<> begin();
  Result<std::uint32_t> interface_of(LinkType link);
  // The head of a record, and where its frame is to be filled in at once.
  Result<std::byte*> record(std::int64_t time_ns, LinkType link, std::size_t length, std::size_t wire_length);
  Result<> packet(std::int64_t time_ns, const Endpoint& from, const Endpoint& to, std::uint8_t protocol,
                  Bytes transport_header, Bytes payload);
  Result<> segment(std::int64_t time_ns, const Endpoint& from, const Endpoint& to, std::uint8_t flags,
                   Bytes payload);

  Output output_;
  Options options_;
  std::vector<LinkType> interfaces_; // of a pcapng
  std::uint16_t ip_id_ = 0;
  std::unordered_map<Pair, std::uint32_t, PairHash> tcp_next_; // next sequence number of each direction
};

} // namespace talky::file
