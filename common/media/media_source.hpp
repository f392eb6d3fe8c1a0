// Who may send media to us, and where ours goes: symmetric RTP with latching (RFC 4961), then strict (RFC
// 7362 5).
//
// Trusted are the address of the SDP, the IP address that signals, and the IP address of the present source.
// Before anything has come, ours goes to the address of the SDP, if that is where the peer signals from or
// the peer was chosen by us (`vouched`); to anywhere else only once media has come from there, so that nobody
// can point us at a third party. The first source that sends is listened to at once, so that nothing is
// clipped; after three of its packets it is confirmed and ours goes there, too. From then on everyone else is
// foreign, however long the source is silent, except
//   - the very address of the SDP, and the first from the IP address that signals where a stranger had our
//   ear;
//   - the same IP address with another port (a NAT or a network that changed), if it goes on with the same
//   SSRC or
//     the old port has fallen silent.
// A stranger can have our ear only as long as nothing trusted has come. A new SSRC from the confirmed source
// is believed when the old one has fallen silent, or after three packets in sequence.
#pragma once
#include <cstdint>
#include <optional>

#include "core/endpoint.hpp"
#include "core/time.hpp"

namespace talky::media {

class MediaSource {
 public:
  enum class Verdict : std::uint8_t { accept, confirmed, foreign }; // confirmed: accepted, and now latched

  // `signalled`: where the SDP wants ours, port 0 if it does not say. `peer`: the address that SIP comes
  // from; unspecified: not known, and everybody may send. `vouched`: ours may go to the SDP's address
  // unheard.
  MediaSource(const Endpoint& signalled, const IpAddress& peer, bool vouched)
      : signalled_(signalled), peer_(peer), vouched_(vouched) {}

  Verdict check(const Endpoint& from, std::uint32_t ssrc, std::uint16_t sequence, Time now);

  // A re-INVITE or UPDATE: whoever sends has to be confirmed again, while ours goes on as before; with
  // another address everything begins anew.
  void signal(const Endpoint& signalled);
  // SIP comes from there now.
  void set_peer(const IpAddress& peer) { peer_ = peer; }

  // Where RTP goes; port 0 if nobody knows, or nobody there has asked for it.
  Endpoint target() const;
  // Is there somebody to send to, whom we do not know to want it?
  bool awaits_media() const;
  // Is this one of the addresses that may begin or take over the stream?
  bool trusts(const Endpoint& from) const;
  bool confirmed() const { return source_ && packets_ >= kConfirm; }
  const std::optional<Endpoint>& source() const { return source_; }
  std::uint32_t ssrc() const { return ssrc_; }

 private:
  static constexpr std::uint32_t kConfirm = 3;

  bool invited() const; // may ours go to the address of the SDP unheard?
  bool may_take_over(const Endpoint& from, std::uint32_t ssrc, Time now) const;
  Verdict adopt(const Endpoint& from, std::uint32_t ssrc, Time now);
  bool believe(std::uint32_t ssrc, std::uint16_t sequence, Time now);

  Endpoint signalled_;
  IpAddress peer_;
  bool vouched_;
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
