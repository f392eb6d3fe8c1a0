// The formats that talky-transcode knows by name: raw samples, coded streams, files with a header, and RTP.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audio/frame.hpp"
#include "codec/codec.hpp"
#include "core/bytes.hpp"
#include "file/sample_format.hpp"
#include "file/sound_file.hpp"

namespace talky::transcode {

struct Kind {
  enum class Container : std::uint8_t {
    raw,   // samples and nothing else
    coded, // the bytes of a codec and nothing else
    wav,   // with samples
    au,
    flac,
    opus,    // in Ogg
    sound,   // whatever libsndfile alone can do
    rtpdump, // RTP packets
    pcap,    // when read, pcapng too
    pcapng
  };

  std::string name;
  Container container;
  file::SampleFormat samples = file::SampleFormat::s16le; // raw, wav and au; of flac how wide it is
  const file::SoundFileKind* sound = nullptr;             // sound
  const codec::Entry* codec = nullptr;                    // coded
  std::uint32_t raw_rate = 0;                             // what a raw input is taken for, unless told
  std::vector<std::string_view> endings;                  // of file names, with the dot
  std::string meaning;

  bool is_rtp() const { return container >= Container::rtpdump; }
  // What goes in comes out at once; otherwise a pipe gets it when all is known.
  bool streams() const { return container != Container::sound; }
  // Holds more than s16 does, where it is written.
  bool wide() const;
};

// All of them, in the order of --list-formats.
const std::vector<Kind>& kinds();
// Any case; also the other names of sample formats ("ulaw", "pcma", "s16"). nullptr: none.
const Kind* find_kind(std::string_view name);
// By the ending of the file's name. nullptr: none.
const Kind* kind_of_name(std::string_view path);

// What the first bytes of a file say: the kind, or for `other` something that libsndfile reads. `name` is for
// messages. Sixteen bytes tell all but what is in an Ogg, which takes 36.
struct Sniffed {
  const Kind* kind = nullptr;
  bool other = false;
  std::string_view name; // "CAF"
};
Sniffed sniff(Bytes start);

// The rate and channels that a format of this kind can hold and that are nearest to what is wanted: a codec's
// own rate, for Opus the next above. `rtp_codec` is that of RTP.
audio::Format nearest_format(const Kind& kind, const codec::Entry& rtp_codec, audio::Format wanted);

void list_formats(bool json); // on stdout

} // namespace talky::transcode
