#include "engine/flite.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "audio/resampler.hpp"
#include "core/ascii.hpp"
#include "language/spoken.hpp"

extern "C" {
#include <flite/flite.h>
cst_voice* register_cmu_us_slt(const char* voxdir);
cst_voice* register_cmu_us_rms(const char* voxdir);
cst_voice* register_cmu_us_awb(const char* voxdir);
}

namespace talky::engine {
namespace {

// Tuned so that a round trip through mu-law and speech recognition loses few words, three people are heard,
// and all are equally loud (-19 dBFS while speaking).
constexpr std::array<Voice, 3> kVoices = {{
    {"Sophia", "woman, warm and clear", "slt", 175, 27, 1.03F, 1.0F, 0.53F},
    {"Emma", "younger woman, lively, a trace of Scotland", "awb", 195, 30, 1.05F, 1.15F, 0.79F},
    {"Alex", "man, calm and deep", "rms", 98, 24, 1.0F, 1.0F, 1.0F},
}};

// Takes the silence off both ends of a sentence: flite puts 120 to 250 ms before the first sound, which the
// caller would have to wait for, and a pause behind the last that the session makes better.
class Trimmer {
 public:
  explicit Trimmer(const Flite::Sink& sink) : sink_(sink) {}

  void add(std::span<const std::int16_t> pcm) {
    held_.insert(held_.end(), pcm.begin(), pcm.end());
    const auto loud = [](std::int16_t sample) { return std::abs(int{sample}) > kThreshold; };
    const auto last = std::find_if(held_.rbegin(), held_.rend(), loud);
    if (last == held_.rend()) { // silence: of the beginning only the attack is kept, later all of it
      if (!begun_ && held_.size() > kAttack) held_.erase(held_.begin(), held_.end() - kAttack);
      return;
    }
    auto first = held_.begin();
    if (!begun_) {
      const auto sound = std::find_if(held_.begin(), held_.end(), loud);
      first = sound - held_.begin() > kAttack ? sound - kAttack : held_.begin();
      begun_ = true;
    }
    sink_({first, last.base()});
    held_.erase(held_.begin(), last.base());
  }

  void finish() {
    if (begun_ && !held_.empty()) sink_(std::span(held_).first(std::min<std::size_t>(held_.size(), kTail)));
    held_.clear();
  }

 private:
  static constexpr int kThreshold = 160;                             // -46 dBFS
  static constexpr std::ptrdiff_t kAttack = std::ptrdiff_t{20} * 16; // 20 ms before the first sound
  static constexpr std::size_t kTail = std::size_t{150} * 16;

  const Flite::Sink& sink_;
  std::vector<std::int16_t> held_;
  bool begun_ = false;
};

// Where flite's streaming callback takes the audio.
struct Stream {
  audio::Resampler* resampler; // nullptr: the rate is right
  Trimmer* trimmer;
  const std::stop_token* stop;
  float gain;
  std::vector<std::int16_t> scaled, resampled;

  void add(std::span<const std::int16_t> pcm) {
    scaled.resize(pcm.size());
    std::transform(pcm.begin(), pcm.end(), scaled.begin(), [this](std::int16_t sample) {
      return static_cast<std::int16_t>(std::clamp(gain * static_cast<float>(sample), -32768.0F, 32767.0F));
    });
    if (resampler == nullptr) {
      trimmer->add(scaled);
      return;
    }
    resampled.clear();
    resampler->process(scaled, resampled);
    trimmer->add(resampled);
  }
};

extern "C" {
static int take_audio(const cst_wave* wave, int start, int size, int /*last*/,
                      cst_audio_streaming_info* info) {
  auto* stream = static_cast<Stream*>(info->userdata);
  if (stream->stop->stop_requested()) return CST_AUDIO_STREAM_STOP;
  if (size > 0) stream->add({wave->samples + start, static_cast<std::size_t>(size)});
  return CST_AUDIO_STREAM_CONT;
}
}

} // namespace

std::span<const Voice> voices() {
  return kVoices;
}

const Voice* find_voice(std::string_view name) {
  const auto* found = std::find_if(kVoices.begin(), kVoices.end(),
                                   [name](const Voice& voice) { return ascii::iequals(voice.name, name); });
  return found == kVoices.end() ? nullptr : found;
}

struct Flite::Impl {
  std::mutex mutex;
  cst_voice* slt = nullptr;
  cst_voice* rms = nullptr;
  cst_voice* awb = nullptr;

  cst_voice* base(std::string_view name) const { return name == "rms" ? rms : name == "awb" ? awb : slt; }
};

Flite::Flite() : impl_(std::make_unique<Impl>()) {
  flite_init();
  // flite keeps them for the life of the process; asking again gives the same ones.
  impl_->slt = register_cmu_us_slt(nullptr);
  impl_->rms = register_cmu_us_rms(nullptr);
  impl_->awb = register_cmu_us_awb(nullptr);
}

Flite::~Flite() = default;

Result<> Flite::speak(std::string_view text, const Voice& voice, const Sink& sink,
                      const std::stop_token& stop) {
  if (text.size() > kMaxText) return fail(Errc::too_large, kMaxText, "a sentence of at most 1000 bytes");
  const std::string words = language::spoken(text);
  if (words.empty()) return {};

  // A raised timbre is made by playing faster what was spoken lower and slower.
  const auto rate = static_cast<std::uint32_t>(static_cast<float>(kSampleRate) * voice.timbre);
  auto resampler = audio::Resampler::create(rate, kSampleRate);
  if (!resampler) return tl::unexpected(resampler.error());
  Trimmer trimmer(sink);
  Stream stream{rate == kSampleRate ? nullptr : &*resampler, &trimmer, &stop, voice.gain, {}, {}};
  {
    const std::lock_guard lock(impl_->mutex);
    if (stop.stop_requested()) return fail(Errc::closed, 0, "cancelled");
    // flite's noise comes from rand(): begun afresh, the same text gives the same samples.
    std::srand(1); // NOLINT(cert-msc32-c,cert-msc51-cpp): not for secrets
    cst_audio_streaming_info* info = new_audio_streaming_info();
    info->min_buffsize = 800;
    info->asc = take_audio;
    info->userdata = &stream;
    cst_utterance* utterance = new_utterance();
    utt_set_input_text(utterance, words.c_str());
    utt_init(utterance, impl_->base(voice.base));
    // The utterance owns the streaming info from here on.
    feat_set(utterance->features, "streaming_info", audio_streaming_info_val(info));
    feat_set_float(utterance->features, "int_f0_target_mean", voice.pitch / voice.timbre);
    feat_set_float(utterance->features, "int_f0_target_stddev", voice.spread / voice.timbre);
    feat_set_float(utterance->features, "duration_stretch", voice.tempo * voice.timbre);
    const bool done = utt_synth(utterance) != nullptr;
    delete_utterance(utterance);
    if (stop.stop_requested()) return fail(Errc::closed, 0, "cancelled");
    if (!done) return fail(Errc::io, 0, "flite to speak the text");
  }
  if (stream.resampler != nullptr) {
    stream.resampled.clear();
    resampler->flush(stream.resampled);
    trimmer.add(stream.resampled);
  }
  trimmer.finish();
  return {};
}

} // namespace talky::engine
