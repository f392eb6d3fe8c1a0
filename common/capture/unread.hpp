// What of a capture could not be read, so that nobody takes its silence for a quiet line.
#pragma once
#include <string>
#include <vector>

#include "file/link.hpp"

namespace talky::capture {

// False where there were frames, and neither UDP nor TCP in any of them.
bool any_read(const file::Dissector::Counts& counts);

// One line for each kind of frames that may hold speech or signalling and could not be read (an unknown link
// type, encryption, broken headers), one for packets that were cut by a snap length, one for fragments; where
// nothing at all could be read, one line that says what there was (ARP and ICMP, too). `incomplete`:
// fragments that still wait for others. `name` is the capture's.
std::vector<std::string> unread_lines(const file::Dissector::Counts& counts, std::uint64_t incomplete,
                                      const std::string& name);

} // namespace talky::capture
