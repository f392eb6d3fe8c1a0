// Speech synthesis with flite's statistical voices, at 16 kHz, streamed while it is being made: the first
// audio of a sentence is there after 15-20 ms of one core, the whole after 2 % of its length.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "audio/frame.hpp"
#include "core/error.hpp"

namespace talky::engine {

// A voice that a flow or --voice can name. The variants of one flite voice differ in pitch, tempo and timbre.
struct Voice {
  std::string_view name;        // "Sophia"
  std::string_view description; // for `talky-agent voices`
  std::string_view base;        // flite's name of the voice, "slt"
  float pitch;                  // mean of the fundamental, Hz
  float spread;                 // standard deviation of it, Hz
  float tempo;                  // 1: as recorded; 1.1: a tenth slower
  float timbre;                 // formants and pitch are raised by this factor (a shorter vocal tract)
  float gain;                   // linear, so that all voices are equally loud
};

std::span<const Voice> voices();
const Voice* find_voice(std::string_view name); // in any case; nullptr: none of that name

class Flite {
 public:
  static constexpr int kSampleRate = audio::kBridgeRate;
  static constexpr std::size_t kMaxText = 1000; // bytes of one call; longer text is `too_large`

  Flite();
  ~Flite();
  Flite(const Flite&) = delete;
  Flite& operator=(const Flite&) = delete;

  // Speaks `text` and hands the audio to `sink` piece by piece, on the calling thread; no piece is empty.
  // Text without anything to pronounce gives no audio. Errc::closed if `stop` was requested. Several threads
  // may call it, but flite is not re-entrant (its reference counts are not atomic), so they take turns.
  using Sink = std::function<void(std::span<const std::int16_t>)>;
  Result<> speak(std::string_view text, const Voice& voice, const Sink& sink,
                 const std::stop_token& stop = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace talky::engine
