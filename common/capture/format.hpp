// What an RTP payload type means: as in SDP's rtpmap (RFC 8866 6.6).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "codec/codec.hpp"
#include "core/error.hpp"

namespace talky::capture {

struct Format {
  std::string name; // "PCMU"; "" if unknown
  std::uint32_t clock_rate = 0;
  bool telephone_event = false;
  std::uint8_t channels = 1;

  std::string text() const; // "opus/48000/2"
  bool operator==(const Format&) const = default;
};

// From foreign text: what is not printable is replaced. The clock of G.722 is 8,000 Hz even where it is named
// after its 16,000 samples (RFC 3551 4.5.2), which some telephones do.
Format make_format(std::string_view name, std::uint32_t clock_rate, std::uint8_t channels);

// "opus/48000/2", "L16/16000", or a codec of ours by its name alone. Errors: malformed.
Result<Format> parse_format(std::string_view text);
// "111=opus/48000/2": what a payload type means. Errors: malformed.
Result<std::pair<std::uint8_t, Format>> parse_payload_type(std::string_view text);

// The codec that decodes it; nullptr if there is none here, or it holds no sound (telephone-event).
const codec::Entry* codec_of(const Format& format);
// Events and comfort noise: they take up sequence numbers, and are no sound that could be missed.
bool is_sound(const Format& format);

// Foreign text for a terminal or JSON: control characters become '?', what is no UTF-8 becomes U+FFFD.
std::string printable(std::string_view text);

} // namespace talky::capture
