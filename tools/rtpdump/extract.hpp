// The audio of streams and calls as WAV files, laid out in time by the RTP timestamps.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "analysis.hpp"
#include "codec/codec.hpp"
#include "file/io.hpp"
#include "file/wav_recorder.hpp"

namespace talky::rtpdump {

// A stretch of samples that is still open: what is placed in it may come in any order and overlap; what was
// never placed is silence.
class Timeline {
 public:
  void place(std::int64_t position, std::span<const std::int16_t> samples);
  std::int64_t base() const { return base_; }
  std::int64_t end() const { return base_ + static_cast<std::int64_t>(samples_.size()); }
  // Appends the samples from base() to `position` and closes them.
  void take(std::int64_t position, std::vector<std::int16_t>& out);
  std::uint64_t late() const { return late_; } // samples that came after their place was closed

 private:
  std::vector<std::int16_t> samples_;
  std::int64_t base_ = 0;
  std::uint64_t late_ = 0;
};

struct ExtractOptions {
  std::filesystem::path folder;
  bool overwrite = false;
  bool payload = false; // the payload bytes beside each WAV
};

// Second pass: add() each selected packet, then finish(). Throws cli::Failure if a file cannot be written;
// files have their names only after finish().
class Extractor {
 public:
  Extractor(const Analysis& analysis, const ExtractOptions& options);
  ~Extractor();

  void add(const file::Segment& segment, const rtp::Header& header, Bytes payload, const Stream& stream);
  // The names of the files made, without the folder, in order.
  std::vector<std::string> finish();
  // What could not be made, one line each.
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  struct Audio; // of one stream
  struct CallAudio;

  Audio& audio_of(const Stream& stream);
  void place(Audio& audio, std::int64_t time_ns, std::uint32_t timestamp);
  void write(file::WavRecorder& recorder, std::span<const std::int16_t> samples);

  const Analysis& analysis_;
  ExtractOptions options_;
  std::unordered_map<const Stream*, std::unique_ptr<Audio>> streams_;
  std::unordered_map<const Call*, std::unique_ptr<CallAudio>> calls_;
  std::unordered_map<const Stream*, std::size_t> numbers_;
  std::unordered_map<const Call*, std::size_t> call_numbers_;
  std::vector<std::int16_t> pcm_, stereo_left_, stereo_right_, chunk_;
  std::vector<std::string> remarks_;
};

} // namespace talky::rtpdump
