// The rtpdump format of rtptools ("#!rtpplay1.0"), read and written, from files and pipes:
//
//   #!rtpplay1.0 192.0.2.1/5004\n       address and port that the packets were sent from or to
//   u32 s, u32 us, u32 source, u16 port, u16 padding                the start of the recording
//   then for each packet: u16 length (with these 8 bytes), u16 original length (0: RTCP), u32 ms since the
//   start, and length - 8 bytes of the packet. All big-endian.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/bytes.hpp"
#include "core/endpoint.hpp"
#include "file/io.hpp"

namespace talky::file {

// One packet. `data` borrows from the reader until its next call.
struct RtpdumpPacket {
  std::int64_t offset_ns = 0; // since the start of the recording; the file keeps milliseconds
  bool rtcp = false;
  Bytes data;
  std::uint16_t wire_length = 0; // more than data.size() if the recorder cut it
};

class RtpdumpReader {
 public:
  static constexpr std::size_t kMaxLine = 256;

  static bool recognises(Bytes start); // ten bytes suffice
  // Errors: malformed, truncated, io.
  static Result<RtpdumpReader> open(Input input);

  // The next packet, or nullopt at the end. A file that ends inside a packet gives nullopt and truncated().
  // Errors: malformed (a length below 8), io.
  Result<std::optional<RtpdumpPacket>> next();

  // See PcapReader.
  void resume();
  bool at_end() const { return input_.at_end(); }

  const Endpoint& source() const { return source_; }
  std::int64_t start_ns() const { return start_ns_; } // since 1970
  bool truncated() const { return truncated_; }
  std::uint64_t offset() const { return input_.offset(); }

 private:
  explicit RtpdumpReader(Input input) : input_(std::move(input)) {}

  Input input_;
  Endpoint source_;
  std::int64_t start_ns_ = 0;
  std::size_t pending_skip_ = 0;
  bool truncated_ = false;
  bool ended_ = false;
  bool failed_ = false;
};

class RtpdumpWriter {
 public:
  // IPv6 sources are written in the text line, and as 0 in the binary header, which has four bytes for them.
  static Result<RtpdumpWriter> create(const std::string& path, Output::Mode mode, const Endpoint& source,
                                      std::int64_t start_ns);
  // Packets longer than 65,527 bytes are refused with too_large, a time before the start counts as the start.
  Result<> packet(std::int64_t time_ns, bool rtcp, Bytes data);
  Result<> flush() { return output_.flush(); }
  Result<> close() { return output_.close(); }

 private:
  RtpdumpWriter(Output output, std::int64_t start_ns) : output_(std::move(output)), start_ns_(start_ns) {}

  Output output_;
  std::int64_t start_ns_;
};

} // namespace talky::file
