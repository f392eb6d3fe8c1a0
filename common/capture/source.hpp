// Where packets come from: a capture or an rtpdump file, as it is or inside gzip or Zstandard, or standard
// input holding any of them.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "core/error.hpp"
#include "file/compressed.hpp"
#include "file/link.hpp"
#include "file/pcap.hpp"
#include "file/rtpdump.hpp"

namespace talky::capture {

class Source {
 public:
  enum class Kind : std::uint8_t { pcap, rtpdump };

  // By the first bytes, whatever the name says. Errors: those of the readers; malformed for neither format.
  static Result<Source> open(const std::string& path);
  static Result<Source> create(file::Input input);

  // The next packet that carries UDP or TCP; false at the end. Borrowed until the next call.
  Result<bool> next(file::Segment& segment);
  // The frame that the packet came in, for writing it out unchanged; nullptr for rtpdump.
  const file::CapturedFrame* frame() const { return kind() == Kind::pcap ? &frame_ : nullptr; }

  Kind kind() const { return std::holds_alternative<Pcap>(reader_) ? Kind::pcap : Kind::rtpdump; }
  // When an rtpdump was begun, by its header; of a pcap 0.
  std::int64_t start_ns() const;
  bool truncated() const; // the capture, or what it is compressed in
  // Where the reader stands in the capture; in the compressed file, where that is what was cut off.
  std::uint64_t offset() const;
  const file::Dissector::Counts* counts() const; // nullptr for rtpdump
  std::uint64_t incomplete_fragments() const;    // that wait for others of their datagrams
  bool compressed() const { return compressed_->kind != file::Compression::none; }

  // For a capture that is still being written: goes on after an end, and whether that end was one for good
  // (of a pipe), not just nothing more for now.
  void resume();
  bool at_end() const;

 private:
  struct Pcap {
    file::PcapReader reader;
    file::Dissector dissector;
  };
  using Compressed = std::shared_ptr<const file::CompressionState>;
  Source(std::variant<Pcap, file::RtpdumpReader> reader, Compressed compressed)
      : compressed_(std::move(compressed)), reader_(std::move(reader)) {}

  Compressed compressed_;
  std::variant<Pcap, file::RtpdumpReader> reader_;
  file::CapturedFrame frame_;
};

} // namespace talky::capture
