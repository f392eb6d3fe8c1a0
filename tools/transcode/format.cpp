#include "format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "cli/json.hpp"
#include "core/ascii.hpp"

namespace talky::transcode {

namespace {

using file::SampleFormat;

struct RawExtra {
  SampleFormat format;
  std::uint32_t rate;
  std::vector<std::string_view> endings;
};

// Linear PCM without a header is what talky's programs speak among themselves: 16 kHz. The rest is the
// telephone's.
std::vector<RawExtra> raw_extras() {
  return {{SampleFormat::s16le, 16000, {".s16le", ".s16", ".sw", ".raw", ".pcm", ".sln16"}},
          {SampleFormat::s16be, 16000, {".s16be", ".l16"}},
          {SampleFormat::mulaw, 8000, {".mulaw", ".ulaw", ".ul", ".mu", ".pcmu"}},
          {SampleFormat::alaw, 8000, {".alaw", ".al", ".pcma"}},
          {SampleFormat::u8, 8000, {".u8", ".ub"}},
          {SampleFormat::s8, 8000, {".s8", ".sb"}},
          {SampleFormat::s24le, 16000, {".s24le", ".s24"}},
          {SampleFormat::s32le, 16000, {".s32le", ".s32"}},
          {SampleFormat::f32le, 16000, {".f32le", ".f32"}},
          {SampleFormat::f64le, 16000, {".f64le", ".f64"}}};
}

struct WavName {
  std::string_view name;
  SampleFormat samples;
};
constexpr std::array wav_names{
    WavName{"wav", SampleFormat::s16le},     WavName{"wav-mulaw", SampleFormat::mulaw},
    WavName{"wav-alaw", SampleFormat::alaw}, WavName{"wav-u8", SampleFormat::u8},
    WavName{"wav-s24", SampleFormat::s24le}, WavName{"wav-s32", SampleFormat::s32le},
    WavName{"wav-f32", SampleFormat::f32le}, WavName{"wav-f64", SampleFormat::f64le}};

struct SoundEnding {
  std::string_view kind, ending;
};
constexpr std::array sound_endings{
    SoundEnding{"flac", ".flac"}, SoundEnding{"au", ".au"},     SoundEnding{"au", ".snd"},
    SoundEnding{"aiff", ".aiff"}, SoundEnding{"aiff", ".aif"},  SoundEnding{"ogg", ".ogg"},
    SoundEnding{"ogg", ".oga"},   SoundEnding{"opus", ".opus"}, SoundEnding{"gsm", ".gsm"}};

std::vector<Kind> make_kinds() {
  std::vector<Kind> all;
  for (auto& extra : raw_extras()) {
    const auto& f = file::info(extra.format);
    all.push_back({std::string(f.name), Kind::Container::raw, extra.format, nullptr, extra.rate,
                   std::move(extra.endings), std::string(f.meaning)});
  }
  for (const auto& wav : wav_names) {
    all.push_back({std::string(wav.name), Kind::Container::wav, wav.samples, nullptr, 0,
                   wav.samples == SampleFormat::s16le ? std::vector<std::string_view>{".wav", ".wave"}
                                                      : std::vector<std::string_view>{},
                   "RIFF WAVE, " + std::string(file::info(wav.samples).meaning)});
  }
  for (const auto& sound : file::sound_file_kinds()) {
    Kind kind{std::string(sound.name),   Kind::Container::sound, SampleFormat::s16le, &sound, 0, {},
              std::string(sound.meaning)};
    for (const auto& e : sound_endings) {
      if (e.kind == sound.name) kind.endings.push_back(e.ending);
    }
    if (sound.name == "gsm") kind.raw_rate = 8000;
    all.push_back(std::move(kind));
  }
  return all;
}

} // namespace

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = make_kinds();
  return all;
}

const Kind* find_kind(std::string_view name) {
  for (const auto& kind : kinds()) {
    if (ascii::iequals(kind.name, name)) return &kind;
  }
  const auto samples = file::sample_format(name);
  return samples ? find_kind(file::info(*samples).name) : nullptr;
}

const Kind* kind_of_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  for (const auto& kind : kinds()) {
    for (const auto ending : kind.endings) {
      if (name.size() > ending.size() && ascii::iequals(name.substr(name.size() - ending.size()), ending))
        return &kind;
    }
  }
  return nullptr;
}

Sniffed sniff(Bytes start) {
  const auto text = as_text(start);
  const auto begins = [&](std::string_view with) { return text.substr(0, with.size()) == with; };
  if (begins("RIFF") || begins("RF64") || begins("BW64") || begins("RIFX")) return {Magic::wav, "WAV"};
  if (begins("fLaC")) return {Magic::sound, "FLAC"};
  if (begins("OggS")) return {Magic::sound, "Ogg"};
  if (begins(".snd")) return {Magic::sound, "AU"};
  if (begins("FORM")) return {Magic::sound, "AIFF"};
  if (begins("caff")) return {Magic::sound, "CAF"};
  if (begins("riff")) return {Magic::sound, "W64"};
  return {};
}

void list_formats(bool json) {
  if (json) {
    boost::json::array list;
    for (const auto& kind : kinds()) {
      boost::json::array endings(kind.endings.begin(), kind.endings.end());
      boost::json::object entry{
          {"name", kind.name}, {"meaning", kind.meaning}, {"endings", std::move(endings)}};
      entry["pipe"] = kind.container != Kind::Container::sound;
      if (kind.raw_rate != 0) entry["raw_rate"] = kind.raw_rate;
      list.push_back(std::move(entry));
    }
    fmt::print("{}", cli::json_text(list));
    return;
  }
  for (const auto& kind : kinds()) {
    fmt::print("{:10} {:45} {}\n", kind.name, kind.meaning, fmt::join(kind.endings, " "));
  }
}

} // namespace talky::transcode
