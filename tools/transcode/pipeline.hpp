// From a source to the sinks: cut, choose channels, convert the rate, amplify. What is attenuated is
// attenuated before the rate is converted, and what is amplified afterwards, so that a filter clips nothing
// that the gain would have saved.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "audio/frame.hpp"
#include "file/resampler.hpp"
#include "listener.hpp"
#include "sink.hpp"
#include "source.hpp"
#include "trim.hpp"

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
  file::Quality quality = file::Quality::high; // of libsoxr
  std::optional<Trim> trim;                    // silence that shall not come out
};

// What comes out of a source so processed. Throws Failure where that cannot be.
audio::Format output_format(const Source& source, const Processing& processing);

struct Outcome {
  std::uint64_t frames_in = 0; // after --start and --duration
  std::uint64_t frames_out = 0;
  std::uint64_t clipped = 0; // samples that the gain drove beyond full scale
  double loudest = 0;        // of them; 1.0 = full scale
  bool all_silence = false;  // by `trim`
};

// One sink takes all channels, several take one each. `wide`: in float, where input and output hold more than
// s16. `live`: what has come is passed on at once. The listeners hear what comes out.
Outcome run(Source& source, std::vector<Sink*> sinks, const Processing& processing, bool wide, bool live,
            std::span<Listener* const> listeners);

// The same where both ends are bytes of samples and there is next to nothing to do: one format to another,
// one channel from a rate to twice or half of it by talky's own filter, --start and --duration. Samples go
// from the input's buffer to the output's without a copy between.
bool is_direct(const Source& source, const Sink& sink, const Processing& processing, bool wide);
Outcome run_direct(Source& source, Sink& sink, const Processing& processing, bool live);

} // namespace talky::transcode
