// The formats that talky-transcode knows by name: raw samples, WAV with each of them, and libsndfile's files.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "file/sample_format.hpp"
#include "file/sound_file.hpp"

namespace talky::transcode {

struct Kind {
  enum class Container : std::uint8_t { raw, wav, sound };

  std::string name;
  Container container;
  file::SampleFormat samples = file::SampleFormat::s16le; // raw and wav
  const file::SoundFileKind* sound = nullptr;             // sound
  std::uint32_t raw_rate = 0;                             // what a raw input is taken for, unless told
  std::vector<std::string_view> endings;                  // of file names, with the dot
  std::string meaning;
};

// All of them, in the order of --list-formats.
const std::vector<Kind>& kinds();
// Any case; also the other names of sample formats ("ulaw", "pcma", "s16"). nullptr: none.
const Kind* find_kind(std::string_view name);
// By the ending of the file's name. nullptr: none.
const Kind* kind_of_name(std::string_view path);

// What the first bytes of a file say.
enum class Magic : std::uint8_t { none, wav, sound };
struct Sniffed {
  Magic magic = Magic::none;
  std::string_view name; // "FLAC"
};
Sniffed sniff(Bytes start);

void list_formats(bool json); // on stdout

} // namespace talky::transcode
