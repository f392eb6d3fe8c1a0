// Sources that can be read as bytes of samples: raw, WAV, AU, and what was kept of a pipe.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source.hpp"

namespace talky::transcode {

// read_raw() is to be made; the rest follows from it.
class ByteSource : public Source {
 public:
  ByteSource(std::string path, file::SampleFormat samples) : path_(std::move(path)), samples_(samples) {}

  bool wide() const override { return file::info(samples_).wide; }
  std::optional<file::SampleFormat> samples() const override { return samples_; }

  void read(std::size_t max_frames, std::vector<std::int16_t>& out) override {
    const Bytes bytes = read_raw(max_frames);
    out.resize(bytes.size() / file::info(samples_).bytes);
    file::to_s16(samples_, bytes, out);
  }
  void read(std::size_t max_frames, std::vector<float>& out) override {
    const Bytes bytes = read_raw(max_frames);
    out.resize(bytes.size() / file::info(samples_).bytes);
    file::to_float(samples_, bytes, out);
  }

 protected:
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  file::SampleFormat samples_;
};

} // namespace talky::transcode
