// One pass over the packets of a capture, decrypted where there is a key: what every program that reads
// captures begins with.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "capture/source.hpp"
#include "capture/srtp.hpp"

namespace talky::capture {

// `announcements` are those of the Analysis that the packets are given to: the keys of captured SDP come from
// there.
class Packets {
 public:
  // The keys: those given, or what an earlier pass over the same packets knew in the end.
  Packets(Source source, std::vector<SrtpKey> keys, const Announcements& announcements)
      : source_(std::move(source)), srtp_(std::move(keys), announcements) {}

  // The next packet that carries UDP or TCP; false at the end. What belongs to a decrypted flow and is not
  // authentic is left out. Borrowed until the next call. Errors: those of Source and of SrtpDecryptor.
  Result<bool> next(file::Segment& segment) {
    for (;;) {
      const auto more = source_.next(segment);
      if (!more || !*more || srtp_.idle()) return more;
      const auto opened = srtp_.open(segment);
      if (!opened || *opened) return opened;
    }
  }

  Source& source() { return source_; }
  const Source& source() const { return source_; }
  const SrtpDecryptor& srtp() const { return srtp_; }

 private:
  Source source_;
  SrtpDecryptor srtp_;
};

// What to report of a pass at its end, one line each: that the capture was cut off, and what became of the
// encrypted packets; nothing where all is well. `name` is the capture's.
std::vector<std::string> remarks(const Packets& packets, const std::string& name);

// One line for what was decrypted in all, and one for each flow with packets that were not authentic; none
// where there was nothing to decrypt.
std::vector<std::string> srtp_summary(const std::vector<SrtpFlow>& flows);

} // namespace talky::capture
