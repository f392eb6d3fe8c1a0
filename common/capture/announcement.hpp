// SDP that does not come in SIP: sessions that are announced to whoever listens (SAP, RFC 2974), as
// talky-transcode puts one in front of the packets it makes, and what other protocols in letters carry (MGCP,
// Megaco).
#pragma once
#include "capture/table.hpp"
#include "file/link.hpp"

namespace talky::capture {

// True if the packet was one with an SDP that could be read. Encrypted and compressed ones are
// not, and none counts where 10,000 addresses are known already.
bool read_announcement(const file::Segment& segment, Announcements& announcements);

} // namespace talky::capture
