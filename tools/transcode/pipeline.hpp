// From a source to the sinks: cut, choose channels, amplify, convert the rate.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audio/file_resampler.hpp"
#include "audio/frame.hpp"
#include "audio/level.hpp"
#include "sink.hpp"
#include "source.hpp"

namespace talky::transcode {

struct Processing {
  double start = 0;                      // seconds
  std::optional<double> duration;        // seconds
  std::optional<std::uint16_t> pick;     // one channel, counted from 0
  std::optional<std::uint16_t> channels; // mix down to 1, or double 1
  double gain_db = 0;
  std::optional<std::uint32_t> rate; // of the output
  enum class Resampling : std::uint8_t { automatic, live, file };
  Resampling resampling = Resampling::automatic;
  audio::Quality quality = audio::Quality::high; // of libsoxr
};

// What comes out of a source so processed. Throws Failure where that cannot be.
audio::Format output_format(const Source& source, const Processing& processing);

struct Outcome {
  std::uint64_t frames_in = 0; // after --start and --duration
  std::uint64_t frames_out = 0;
};

// One sink takes all channels, several take one each. `wide`: in float, where input and output hold more than
// s16. `live`: what has come is passed on at once. The meters, one a channel, see what comes out.
Outcome run(Source& source, std::vector<Sink*> sinks, const Processing& processing, bool wide, bool live,
            std::vector<audio::LevelMeter>* meters);
// The same where source and sink have the same samples and only --start and --duration are asked for: they
// are copied, whatever they hold.
Outcome run_copy(Source& source, Sink& sink, const Processing& processing, bool live);

} // namespace talky::transcode
