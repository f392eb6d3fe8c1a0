#include "format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "codec/opus.hpp"
#include "core/ascii.hpp"
#include "file/pcap.hpp"
#include "file/rtpdump.hpp"
#include "json/json.hpp"

namespace talky::transcode {

namespace {

using Container = Kind::Container;
using file::SampleFormat;

struct RawKind {
  SampleFormat format;
  std::uint32_t rate;
  std::vector<std::string_view> endings;
};

// Linear PCM without a header is what talky's programs speak among themselves: 16 kHz. The rest is the
// telephone's.
std::vector<RawKind> raw_kinds() {
  return {{SampleFormat::s16le, 16000, {".s16le", ".s16", ".sw", ".raw", ".pcm", ".sln16"}},
          {SampleFormat::s16be, 16000, {".s16be", ".l16"}},
          {SampleFormat::mulaw, 8000, {".mulaw", ".ulaw", ".ul", ".mu", ".pcmu"}},
          {SampleFormat::alaw, 8000, {".alaw", ".al", ".pcma"}},
          {SampleFormat::u8, 8000, {".u8", ".ub"}},
          {SampleFormat::s8, 8000, {".s8", ".sb"}},
          {SampleFormat::s24le, 16000, {".s24le", ".s24"}},
          {SampleFormat::s32le, 16000, {".s32le", ".s32"}},
          {SampleFormat::f32le, 16000, {".f32le", ".f32"}},
          {SampleFormat::f64le, 16000, {".f64le", ".f64"}},
          {SampleFormat::s24be, 16000, {".s24be"}},
          {SampleFormat::s32be, 16000, {".s32be"}},
          {SampleFormat::f32be, 16000, {".f32be"}},
          {SampleFormat::f64be, 16000, {".f64be"}}};
}

struct HeadedKind {
  std::string_view name;
  Container container;
  SampleFormat samples;
  std::string_view meaning; // "": as the samples
  std::vector<std::string_view> endings;
};

std::vector<HeadedKind> headed_kinds() {
  return {{"wav", Container::wav, SampleFormat::s16le, "", {".wav", ".wave"}},
          {"wav-mulaw", Container::wav, SampleFormat::mulaw, "", {}},
          {"wav-alaw", Container::wav, SampleFormat::alaw, "", {}},
          {"wav-u8", Container::wav, SampleFormat::u8, "", {}},
          {"wav-s24", Container::wav, SampleFormat::s24le, "", {}},
          {"wav-s32", Container::wav, SampleFormat::s32le, "", {}},
          {"wav-f32", Container::wav, SampleFormat::f32le, "", {}},
          {"wav-f64", Container::wav, SampleFormat::f64le, "", {}},
          {"au", Container::au, SampleFormat::s16be, "", {".au", ".snd"}},
          {"au-mulaw", Container::au, SampleFormat::mulaw, "", {}},
          {"au-alaw", Container::au, SampleFormat::alaw, "", {}},
          {"au-s8", Container::au, SampleFormat::s8, "", {}},
          {"au-s24", Container::au, SampleFormat::s24be, "", {}},
          {"au-s32", Container::au, SampleFormat::s32be, "", {}},
          {"au-f32", Container::au, SampleFormat::f32be, "", {}},
          {"au-f64", Container::au, SampleFormat::f64be, "", {}},
          {"flac", Container::flac, SampleFormat::s16le, "FLAC, 16 bits, lossless", {".flac"}},
          {"flac-s24", Container::flac, SampleFormat::s24le, "FLAC, 24 bits, lossless", {}},
          {"opus", Container::opus, SampleFormat::s16le, "Opus in Ogg; 8, 12, 16, 24 or 48 kHz", {".opus"}},
          {"rtpdump",
           Container::rtpdump,
           SampleFormat::s16le,
           "RTP packets as rtptools record them",
           {".rtpdump", ".rtp"}},
          {"pcap", Container::pcap, SampleFormat::s16le, "RTP packets in a capture", {".pcap", ".cap"}},
          {"pcapng", Container::pcapng, SampleFormat::s16le, "RTP packets in a pcapng", {".pcapng"}}};
}

struct SoundEnding {
  std::string_view kind, ending;
};
constexpr std::array kSoundEndings{SoundEnding{"aiff", ".aiff"}, SoundEnding{"aiff", ".aif"},
                                   SoundEnding{"ogg", ".ogg"}, SoundEnding{"ogg", ".oga"}};

std::vector<Kind> make_kinds() {
  std::vector<Kind> all;
  for (auto& raw : raw_kinds()) {
    const auto& f = file::info(raw.format);
    all.push_back({std::string(f.name), Container::raw, raw.format, nullptr, nullptr, raw.rate,
                   std::move(raw.endings), std::string(f.meaning)});
  }
  all.push_back({"g722",
                 Container::coded,
                 SampleFormat::s16le,
                 nullptr,
                 codec::find("G722"),
                 16000,
                 {".g722"},
                 "ITU-T G.722 at 64 kbit/s (16 kHz mono)"});
  all.push_back({"gsm",
                 Container::coded,
                 SampleFormat::s16le,
                 nullptr,
                 codec::find("GSM"),
                 8000,
                 {".gsm"},
                 "GSM 06.10, frames of 33 bytes (8 kHz mono)"});
  for (auto& headed : headed_kinds()) {
    const std::string_view before = headed.container == Container::wav ? "RIFF WAVE, " : "Sun AU, ";
    all.push_back({std::string(headed.name), headed.container, headed.samples, nullptr, nullptr, 0,
                   std::move(headed.endings),
                   headed.meaning.empty() ? fmt::format("{}{}", before, file::info(headed.samples).meaning)
                                          : std::string(headed.meaning)});
  }
  for (const auto& sound : file::sound_file_kinds()) {
    const bool ours =
        std::any_of(all.begin(), all.end(), [&](const Kind& k) { return k.name == sound.name; });
    if (ours) continue;
    Kind kind{std::string(sound.name),   Container::sound, SampleFormat::s16le, &sound, nullptr, 0, {},
              std::string(sound.meaning)};
    for (const auto& e : kSoundEndings) {
      if (e.kind == sound.name) kind.endings.push_back(e.ending);
    }
    all.push_back(std::move(kind));
  }
  return all;
}

const char* container_name(Container container) {
  switch (container) {
    case Container::raw:
    case Container::coded: return "raw";
    case Container::wav: return "wav";
    case Container::au: return "au";
    case Container::flac: return "flac";
    case Container::opus: return "ogg";
    case Container::sound: return "libsndfile";
    case Container::rtpdump: return "rtpdump";
    case Container::pcap: return "pcap";
    case Container::pcapng: return "pcapng";
  }
  return "";
}

} // namespace

bool Kind::wide() const {
  if (container == Container::sound) return name == "ogg";
  return file::info(samples).wide;
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> kAll = make_kinds();
  return kAll;
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
  if (begins("RIFF") || begins("RF64") || begins("BW64") || begins("RIFX"))
    return {find_kind("wav"), false, "WAV"};
  if (begins("fLaC")) return {find_kind("flac"), false, "FLAC"};
  if (begins(".snd")) return {find_kind("au"), false, "AU"};
  if (begins("OggS")) {
    constexpr std::size_t kFirstPacket = 28; // behind the header of a page with one segment
    if (text.size() >= kFirstPacket && text.substr(kFirstPacket).starts_with("OpusHead"))
      return {find_kind("opus"), false, "Ogg Opus"};
    return {nullptr, true, "Ogg"};
  }
  if (file::RtpdumpReader::recognises(start)) return {find_kind("rtpdump"), false, "rtpdump"};
  if (file::PcapReader::recognises(start)) return {find_kind("pcap"), false, "pcap"};
  if (begins("FORM")) return {nullptr, true, "AIFF"};
  if (begins("caff")) return {nullptr, true, "CAF"};
  if (begins("riff")) return {nullptr, true, "W64"};
  return {};
}

namespace {

audio::Format nearest_opus(audio::Format wanted) {
  for (const std::uint32_t rate : {8000U, 12000U, 16000U, 24000U}) {
    if (wanted.rate <= rate) return {rate, wanted.channels};
  }
  return {48000, wanted.channels};
}

} // namespace

audio::Format nearest_format(const Kind& kind, const codec::Entry& rtp_codec, audio::Format wanted) {
  if (kind.container == Container::opus) return nearest_opus(wanted);
  if (kind.container == Container::coded) return {kind.codec->info.sample_rate, kind.codec->info.channels};
  if (kind.name == "wav-gsm") return {8000, 1};
  if (!kind.is_rtp()) return wanted;
  if (rtp_codec.info.name == "opus") return nearest_opus(wanted);
  // Each channel has a stream of its own where the codec has only one.
  const std::uint16_t width = rtp_codec.info.channels;
  const auto channels = static_cast<std::uint16_t>((wanted.channels + width - 1) / width * width);
  return {rtp_codec.info.sample_rate, channels};
}

void list_formats(bool json) {
  if (!json) {
    for (const auto& kind : kinds()) {
      fmt::print("{:10} {:52} {}\n", kind.name, kind.meaning, fmt::join(kind.endings, " "));
    }
    return;
  }
  boost::json::array list;
  for (const auto& kind : kinds()) {
    boost::json::object entry{{"name", kind.name},
                              {"meaning", kind.meaning},
                              {"container", container_name(kind.container)},
                              {"endings", boost::json::array(kind.endings.begin(), kind.endings.end())},
                              {"streams", kind.streams()}};
    const bool plain = kind.container == Container::raw || kind.container == Container::wav ||
                       kind.container == Container::au;
    if (plain) {
      entry["samples"] = file::info(kind.samples).name;
      entry["bytes_per_sample"] = file::info(kind.samples).bytes;
    }
    const bool lossless = kind.container == Container::flac || kind.name == "aiff" ||
                          (plain && file::info(kind.samples).bytes > 1);
    entry["lossless"] = lossless; // of 16 bits
    if (kind.raw_rate != 0) entry["raw_rate"] = kind.raw_rate;
    if (kind.container == Container::coded || kind.name == "wav-gsm") {
      const audio::Format only = nearest_format(kind, *codec::find("PCMU"), {8000, 1});
      entry["rates"] = boost::json::array{only.rate};
      entry["channels"] = only.channels;
    }
    if (kind.container == Container::opus) {
      entry["rates"] = boost::json::array{8000, 12000, 16000, 24000, 48000};
      entry["channels"] = 2;
    }
    if (kind.is_rtp()) {
      boost::json::array codecs;
      for (const auto& codec : codec::all()) {
        boost::json::object one{{"name", codec.info.name},
                                {"clock_rate", codec.info.clock_rate},
                                {"sample_rate", codec.info.sample_rate},
                                {"channels", codec.info.channels}};
        if (codec.info.static_pt) one["payload_type"] = *codec.info.static_pt;
        codecs.push_back(std::move(one));
      }
      entry["codecs"] = std::move(codecs);
    }
    list.push_back(std::move(entry));
  }
  fmt::print("{}", json::pretty(list));
}

} // namespace talky::transcode
