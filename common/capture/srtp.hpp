// SRTP and SRTCP (RFC 3711) turned into RTP and RTCP, through libsrtp2, which is loaded when there is a key.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "capture/srtp_key.hpp"
#include "capture/table.hpp"
#include "file/link.hpp"

namespace talky::capture {

// What became of the packets of one sender to one receiver.
struct SrtpFlow {
  Endpoint from, to;
  std::uint32_t ssrc = 0;
  bool rtcp = false;
  SrtpSuite suite = SrtpSuite::aes_cm_128_hmac_sha1_80;
  std::uint64_t decrypted = 0;
  std::uint64_t failed = 0; // the authentication did not fit
};

// Which of the keys a flow is encrypted with is found out by trying: a packet that authenticates shows it. So
// neither the outcome of offer and answer nor the addresses behind a NAT need be known. A capture that begins
// in the middle of a call has an unknown rollover counter, which is tried up to 31 (some 11 hours of 20 ms
// packets). A flow on whose first packets no key fits is taken for one that is not encrypted (or not with a
// key that we have) and is tried again only seldom. Limits: 4,096 flows, 2,000 keys.
class SrtpDecryptor {
 public:
  // `announcements` holds the keys of the SDP seen so far.
  SrtpDecryptor(std::vector<SrtpKey> given, const Announcements& announcements);
  ~SrtpDecryptor();
  SrtpDecryptor(const SrtpDecryptor&) = delete;
  SrtpDecryptor& operator=(const SrtpDecryptor&) = delete;

  // Whether there is no key so far, and open() has nothing to do.
  bool idle() const { return !given_ && announcements_.crypto().empty(); }
  // Points the segment's payload to its plaintext, which is good until the next call. False: the packet
  // belongs to a flow that is decrypted, and is not authentic. What is not SRTP, or has no key, is left as it
  // is. Errors: not_found (there is a key, and no libsrtp2 that works; `what` is a whole sentence).
  Result<bool> open(file::Segment& segment);

  // Flows that a key was found for, in the order of their first packets.
  std::vector<SrtpFlow> flows() const;
  // All keys, the ones from SDP too: for a second pass over the same packets.
  std::vector<SrtpKey> keys() const;

 private:
  struct Impl;
  const Announcements& announcements_;
  bool given_;
  std::unique_ptr<Impl> impl_;
};

} // namespace talky::capture
