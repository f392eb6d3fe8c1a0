// The audio of streams and calls as WAV files: laid out exactly by the RTP timestamps, or as a listener
// behind talky's jitter buffer would have heard it.
//
// For every stream NN-SSRC.wav; for every call call-NN.wav, and for every two streams that run opposite ways
// and belong to no call pair-NN.wav: stereo, the caller (or who began) left, aligned in time. Streams of one
// side that overlap are added up; a jitter buffer plays one of them at a time, as a telephone does.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "capture/analysis.hpp"
#include "file/io.hpp"

namespace talky::rtpdump {

struct ExtractOptions {
  std::filesystem::path folder;
  bool overwrite = false;
  bool payload = false; // the payload bytes of each stream too
  bool streams = true;  // a WAV of each stream
  bool calls = true;    // a stereo WAV of each call or pair
  bool jitter_buffer = false;
};

// Second pass: add() each selected packet in the order of the capture, then finish(). Throws cli::Failure if
// a file cannot be written; files have their names only after finish(). Constant memory: a second or so of
// each file.
class Extractor {
 public:
  Extractor(const capture::Analysis& analysis, const ExtractOptions& options);
  ~Extractor();
  Extractor(const Extractor&) = delete;
  Extractor& operator=(const Extractor&) = delete;

  void add(const file::Segment& segment, const rtp::Header& header, Bytes payload,
           const capture::Stream& stream);
  // The names of the files made, without the folder, in order.
  std::vector<std::string> finish();
  // What could not be made, one line each.
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  struct Audio; // of one stream
  struct Mix;   // of one call or pair

  Audio& audio_of(const capture::Stream& stream);
  void find_pairs();
  static void stack(Mix& mix);
  void open_mix(Mix& mix);
  void open_stream(Audio& audio);
  std::string fresh_path(const std::string& name) const;
  file::Output::Mode mode() const;
  std::int64_t place(std::int64_t time_ns) const { return analysis_.timeline.place(time_ns); }
  std::int64_t begin_of(const capture::Stream& stream) const;
  void by_timestamp(Audio& audio, std::int64_t time_ns, const rtp::Header& header, Bytes payload);
  static void lay(Audio& audio, std::int64_t position, std::span<const std::int16_t> samples);
  void by_playout(Audio& audio, file::Segment segment);

  const capture::Analysis& analysis_;
  ExtractOptions options_;
  std::unordered_map<const capture::Stream*, std::unique_ptr<Audio>> streams_;
  std::vector<std::unique_ptr<Mix>> mixes_;
  std::unordered_map<const capture::Stream*, Mix*> mix_of_;
  struct Recent {
    const capture::Stream* stream = nullptr;
    Audio* audio = nullptr;
  };
  std::array<Recent, 2> recent_;
  std::vector<std::string> remarks_;
};

} // namespace talky::rtpdump
