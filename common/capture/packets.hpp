// One pass over the packets of a capture, decrypted where there is a key: what every program that reads
// captures begins with.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capture/analysis.hpp"
#include "capture/source.hpp"
#include "capture/srtp.hpp"

namespace talky::capture {

class Packets {
 public:
  // `keys`: those given, or what an earlier pass over the same packets knew in the end. `analysis` is what
  // the packets are given to, or were in that pass: the keys of captured SDP come from there, and it is told
  // where the source holds nothing but RTP.
  Packets(Source source, std::vector<SrtpKey> keys, Analysis& analysis)
      : source_(std::move(source)), srtp_(std::move(keys), analysis.announcements) {
    if (source_.kind() == Source::Kind::rtpdump) analysis.streams.expect_only_rtp();
  }

  // The next packet that carries UDP or TCP; false at the end. What belongs to a decrypted flow and is not
  // authentic is left out. Borrowed until the next call. Errors: those of Source and of SrtpDecryptor;
  // truncated where the capture is cut off before the first packet, and so holds nothing. A record that is
  // damaged ends the reading, and is no error where a packet came before it (but in a compressed file, where
  // nothing can be trusted then): damage() has it.
  Result<bool> next(file::Segment& segment) {
    for (;;) {
      const auto more = source_.next(segment);
      if (!more) return damaged(more.error());
      if (!*more) return end();
      any_ = true;
      if (srtp_.idle()) return true;
      const auto opened = srtp_.open(segment);
      if (!opened || *opened) return opened;
    }
  }

  const Source& source() const { return source_; }
  const std::optional<Error>& damage() const { return damage_; }
  const SrtpDecryptor& srtp() const { return srtp_; }

 private:
  Result<bool> damaged(const Error& error) {
    const bool of_a_record = error.code == Errc::malformed || error.code == Errc::too_large;
    if (!any_ || !of_a_record || source_.compressed()) return tl::unexpected(error);
    damage_ = error;
    return false;
  }
  Result<bool> end() const {
    if (!any_ && source_.truncated()) return fail(Errc::truncated, source_.offset(), "a whole packet");
    return false;
  }

  Source source_;
  SrtpDecryptor srtp_;
  bool any_ = false;
  std::optional<Error> damage_;
};

// What to report of a pass at its end, one line each: that the capture was cut off, what of it was not read,
// and what became of the encrypted packets; nothing where all is well. `name` is the capture's. (The damage,
// if there is one, is for the caller: it is a failure, but only once all that came before has been dealt
// with.)
std::vector<std::string> remarks(const Packets& packets, const Analysis& analysis, const std::string& name);

// One line for what was decrypted in all, and one for each flow with packets that were not authentic; none
// where there was nothing to decrypt.
std::vector<std::string> srtp_summary(const std::vector<SrtpFlow>& flows);

} // namespace talky::capture
