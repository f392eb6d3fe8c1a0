// Where packets come from: a capture, an rtpdump file, or standard input holding either of them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "core/error.hpp"
#include "file/link.hpp"
#include "file/pcap.hpp"
#include "file/rtpdump.hpp"

namespace talky::rtpdump {

class Source {
 public:
  enum class Kind : std::uint8_t { pcap, rtpdump };

  // By the first bytes, whatever the name says. Errors: those of the readers; malformed for neither format.
  static Result<Source> open(const std::string& path);
  static Result<Source> create(file::Input input);

  // The next packet that carries UDP or TCP; nullopt at the end. Borrowed until the next call.
  Result<std::optional<file::Segment>> next();
  // The frame that the packet came in, for writing it out unchanged; nullptr for rtpdump.
  const file::CapturedFrame* frame() const { return frame_ ? &*frame_ : nullptr; }

  Kind kind() const { return std::holds_alternative<Pcap>(reader_) ? Kind::pcap : Kind::rtpdump; }
  bool truncated() const;
  std::uint64_t offset() const;
  const file::Dissector::Counts* counts() const;

 private:
  struct Pcap {
    file::PcapReader reader;
    file::Dissector dissector;
  };
  explicit Source(std::variant<Pcap, file::RtpdumpReader> reader) : reader_(std::move(reader)) {}

  std::variant<Pcap, file::RtpdumpReader> reader_;
  std::optional<file::CapturedFrame> frame_;
};

} // namespace talky::rtpdump
