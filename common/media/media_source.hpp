// Who may send media to us, and where ours goes: symmetric RTP with latching (RFC 4961), then strict.
//
// Before anything has come, ours goes to the address of the SDP. The first source that sends is listened to
// at once, so that nothing is clipped; after three of its packets it is confirmed, ours goes there too, and
// everyone else is foreign, except the very address that the SDP names, which always wins. A source that has
// been silent for `relatch_after` loses its place. A new SSRC from the confirmed source is believed when the
// old one has fallen silent, or after three packets in sequence.
#pragma once
#include <cstdint>
#include <optional>

#include "core/endpoint.hpp"
#include "core/time.hpp"

namespace talky::media {

class MediaSource {
 public:
  enum class Verdict : std::uint8_t { accept, confirmed, foreign }; // confirmed: accepted, and now latched

  MediaSource(const Endpoint& signalled, Duration relatch_after)
      : signalled_(signalled), relatch_after_(relatch_after) {}

  Verdict check(const Endpoint& from, std::uint32_t ssrc, std::uint16_t sequence, Time now);

  // A re-INVITE or UPDATE: whoever sends has to be confirmed again, while ours goes on as before; with
  // another address everything begins anew.
  void signal(const Endpoint& signalled);

  // Where RTP goes; port 0 if nobody knows.
  const Endpoint& target() const;
  bool confirmed() const { return source_ && packets_ >= kConfirm; }
  const std::optional<Endpoint>& source() const { return source_; }
  std::uint32_t ssrc() const { return ssrc_; }

 private:
  static constexpr std::uint32_t kConfirm = 3;

  Verdict adopt(const Endpoint& from, std::uint32_t ssrc, Time now);
  bool believe(std::uint32_t ssrc, std::uint16_t sequence, Time now);

  Endpoint signalled_;
  Duration relatch_after_;
  std::optional<Endpoint> source_;
  std::optional<Endpoint> latched_; // the last one confirmed: ours goes there until another is
  std::uint32_t ssrc_ = 0;
  std::uint32_t packets_ = 0; // of the source, up to kConfirm
  Time last_;
  std::uint32_t candidate_ = 0; // an SSRC not yet believed
  std::uint16_t candidate_next_ = 0;
  std::uint32_t candidate_packets_ = 0;
};

} // namespace talky::media
