// Spoken samples of voices on disk, so that a daemon that starts anew need not have them spoken again: one
// WAV file a voice, which is whole or not there. For one thread; it reads and writes as it is asked.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace talky::sipd {

class SampleCache {
 public:
  // The folder is made when the first sample is kept; "": nothing is.
  explicit SampleCache(std::string folder) : folder_(std::move(folder)) {}

  // `key`: all that decides how the sample sounds. What is damaged counts as not there.
  std::optional<std::string> find(std::string_view voice, std::string_view key) const;
  // In the place of what was kept of that voice before. Errors: io.
  Result<> keep(std::string_view voice, std::string_view key, std::string_view wav) const;

 private:
  std::string folder_;
};

} // namespace talky::sipd
