#include "engine/recogniser.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "engine/hints.hpp"

namespace talky::engine {
namespace {

constexpr std::size_t kMs = Recogniser::kSampleRate / 1000;
constexpr std::size_t kMargin = 150 * kMs;
// Pauses up to twice the margin stay as they are; longer ones are shortened to that.
constexpr std::size_t kBridged = 2 * kMargin;
// Behind so much silence something else is said.
constexpr std::size_t kApart = 2'000 * kMs;
constexpr std::size_t kShortAnswer = 2'000 * kMs;
constexpr std::size_t kSurelySpeech = 300 * kMs;
// Quieter than this throughout (peak, of 32,768) is a silent line: comfort noise, or nothing.
constexpr int kSilentPeak = 64;
// The model was trained on louder speech than a telephone gives: what is not understood as it is, often is
// so.
constexpr float kLouder = 3.0F;

constexpr float kSure = 0.7F;     // of a first answer: it stands
constexpr float kCertain = 0.85F; // no hint makes it better
constexpr float kCredible = 0.3F; // of an answer that had to be given

// How good is it? Nothing and loops are worse than anything else.
float worth(const Moonshine::Guess& guess) {
  if (guess.text.empty()) return -1.0F;
  return guess.looped ? guess.confidence - 0.5F : guess.confidence;
}
bool is_answer(const Moonshine::Guess& guess) {
  return !guess.text.empty() && !guess.looped;
}

} // namespace

Recogniser::Recogniser(const onnx::LibraryPtr& library, const std::string& models, MoonshineSize size,
                       const Silero& silero)
    : library_(library),
      models_(models),
      silero_(silero),
      model_(std::make_unique<const Moonshine>(library, models, size)),
      is_small_(size == MoonshineSize::tiny) {}

void Recogniser::expect_hurry() const {
  if (is_small_) return;
  const std::lock_guard lock(mutex_);
  if (small_.valid()) return;
  small_ = std::async(std::launch::async,
                      [library = library_, models = models_]() -> std::shared_ptr<const Moonshine> {
                        try {
                          return std::make_shared<const Moonshine>(library, models, MoonshineSize::tiny);
                        } catch (const onnx::LoadError&) {
                          return nullptr; // the other one answers alone
                        }
                      })
               .share();
}

const Moonshine* Recogniser::small() const {
  if (is_small_) return model_.get();
  expect_hurry();
  std::shared_future<std::shared_ptr<const Moonshine>> future;
  {
    const std::lock_guard lock(mutex_);
    future = small_;
  }
  return future.get().get(); // kept by small_
}

const Moonshine* Recogniser::small_if_there() const {
  if (is_small_) return model_.get();
  const std::lock_guard lock(mutex_);
  const bool there = small_.valid() && small_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  return there ? small_.get().get() : nullptr;
}

Recogniser::Inclined Recogniser::inclined(const voice::Expectation& expected) const {
  constexpr std::size_t kMostBiases = 64;
  Hint hint = hint_for(expected);
  if (hint.phrases.empty()) return {};
  std::string key = std::to_string(static_cast<int>(expected.kind));
  for (const std::string& phrase : expected.phrases)
    key += '\n' + phrase;
  const std::lock_guard lock(mutex_);
  if (biases_.size() >= kMostBiases) biases_.clear();
  auto& bias = biases_[key];
  if (!bias) bias = std::make_shared<const Bias>(model_->tokens(), hint.phrases, hint.bonus, hint.closed);
  return {bias, hint.patience, hint.patience_each};
}

std::size_t Recogniser::Part::length() const {
  std::size_t sum = 0;
  for (const Stretch& stretch : speech)
    sum += stretch.size();
  return sum;
}

std::vector<Recogniser::Part> Recogniser::parts(std::span<const std::int16_t> pcm) const {
  constexpr std::size_t kMost = std::size_t{kMaxPartSeconds} * kSampleRate;
  std::vector<Part> out;
  std::size_t length = 0; // of the last part, as it will be given to the model
  for (const Stretch& stretch : find_speech(pcm, *silero_.make_detector(), kBridged)) {
    std::size_t begin = stretch.begin;
    for (const std::size_t size : cut_at_pauses(pcm.subspan(stretch.begin, stretch.size()), kMost)) {
      const Stretch piece{begin, stretch.begin + size};
      const bool apart = out.empty() || piece.begin >= out.back().speech.back().end + kApart;
      if (apart || length + piece.size() + kBridged > kMost) {
        out.emplace_back();
        length = 0;
      }
      out.back().speech.push_back(piece);
      length += piece.size() + kBridged;
      begin = piece.end;
    }
  }
  const bool in_noise = noisy(pcm, out);
  for (Part& part : out)
    part.in_noise = in_noise;
  return out;
}

bool Recogniser::noisy(std::span<const std::int16_t> pcm, const std::vector<Part>& parts) {
  constexpr std::size_t kEnough = 50 * kMs; // of silence, to be judged
  constexpr double kRatio = 63;             // 18 dB
  double speech = 0, rest = 0;
  std::size_t spoken = 0, at = 0, quiet = 0;
  const auto energy = [pcm](std::size_t from, std::size_t to) {
    double sum = 0;
    for (std::size_t i = from; i < to; ++i)
      sum += double{1} * pcm[i] * pcm[i];
    return sum;
  };
  for (const Part& part : parts) {
    for (const Stretch& stretch : part.speech) {
      rest += energy(at, stretch.begin);
      quiet += stretch.begin - at;
      speech += energy(stretch.begin, stretch.end);
      spoken += stretch.size();
      at = stretch.end;
    }
  }
  rest += energy(at, pcm.size());
  quiet += pcm.size() - at;
  if (quiet < kEnough || spoken == 0) return false;
  return speech / static_cast<double>(spoken) < kRatio * rest / static_cast<double>(quiet);
}

Result<Transcript> Recogniser::transcribe(std::span<const std::int16_t> pcm,
                                          const Circumstances& circumstances,
                                          const std::stop_token& stop) const {
  if (pcm.size() > static_cast<std::size_t>(kMaxSeconds) * kSampleRate)
    return fail(Errc::too_large, 0, "at most 300 s of audio");
  if (stop.stop_requested()) return fail(Errc::closed, 0, "cancelled");
  Transcript whole;
  const bool silent = std::all_of(pcm.begin(), pcm.end(),
                                  [](std::int16_t sample) { return std::abs(int{sample}) < kSilentPeak; });
  if (silent) return whole;
  double weight = 0;
  for (const Part& part : parts(pcm)) {
    const auto guess = recognise(pcm, part, circumstances, stop);
    if (!guess) return tl::unexpected(guess.error());
    std::string text = guess->text;
    // Whole utterances end in a comma as often as unfinished ones do: it says nothing, and would mislead.
    while (text.ends_with(','))
      text.pop_back();
    if (text.empty() || is_hallucination(text, guess->confidence)) continue;
    if (!whole.text.empty()) whole.text += ' ';
    const auto length = static_cast<double>(text.size());
    whole.text += text;
    whole.confidence =
        static_cast<float>((whole.confidence * weight + guess->confidence * length) / (weight + length));
    weight += length;
  }
  return whole;
}

Result<Moonshine::Guess> Recogniser::recognise(std::span<const std::int16_t> pcm, const Part& part,
                                               const Circumstances& circumstances,
                                               const std::stop_token& stop) const {
  const Inclined hint = inclined(circumstances.expected);
  const Moonshine* model = model_.get();
  if (circumstances.hurried && part.length() <= kShortAnswer) {
    if (const Moonshine* quick = small_if_there()) model = quick;
  }
  const auto audio = [&](float gain, std::size_t margin = kMargin) {
    std::vector<float> out = cut_out(pcm, part.speech, margin, gain);
    if (out.size() < Moonshine::kLeastSamples) out.resize(Moonshine::kLeastSamples);
    return out;
  };
  auto best = attempt(*model, audio(1.0F), hint, stop);
  if (!best || (is_answer(*best) && (circumstances.hurried || best->confidence >= kSure))) return best;

  const auto consider = [&best](Result<Moonshine::Guess> other) {
    if (!other) {
      best = std::move(other);
    } else if (worth(*other) > worth(*best)) {
      *best = std::move(*other);
    }
    return best.has_value();
  };
  std::vector<float> again = part.in_noise ? audio(1.0F, 2 * kMargin) : audio(kLouder);
  if (!consider(attempt(*model_, std::move(again), hint, stop)) || is_answer(*best)) return best;
  const Moonshine* other = is_small_ ? nullptr : small();
  if (other != nullptr && (!consider(attempt(*other, audio(1.0F), hint, stop)) || is_answer(*best)))
    return best;
  if (!best->text.empty() || part.length() < kSurelySpeech) return best;

  std::vector<float> last = audio(kLouder);
  const auto encoded = model_->encode(last);
  if (!encoded) return tl::unexpected(encoded.error());
  auto forced = model_->decode(*encoded, {.bias = hint.bias.get(), .not_empty = true}, stop);
  if (!forced || forced->confidence >= kCredible) return forced;
  return best;
}

Result<Moonshine::Guess> Recogniser::attempt(const Moonshine& model, std::vector<float> audio,
                                             const Inclined& inclined, const std::stop_token& stop) const {
  const auto encoded = model.encode(audio);
  if (!encoded) return tl::unexpected(encoded.error());
  auto free = model.decode(*encoded, {}, stop);
  if (!free || (is_answer(*free) && free->confidence >= kCertain)) return free;
  Inclined hint = inclined;
  if (!hint.bias && sounds_like_digits(free->text)) {
    hint = this->inclined({.kind = voice::Expectation::Kind::digits});
    hint.patience /= 2; // nobody asked for them
    hint.patience_each /= 2;
  }
  if (!hint.bias) return free;
  auto hinted = model.decode(*encoded, {.bias = hint.bias.get()}, stop);
  if (!hinted || !is_answer(*hinted)) return hinted ? std::move(free) : std::move(hinted);
  const double patience = hint.patience + hint.patience_each * static_cast<double>(hinted->tokens);
  const bool taken = !is_answer(*free) || hinted->log_probability >= free->log_probability - patience;
  return taken ? std::move(hinted) : std::move(free);
}

} // namespace talky::engine
