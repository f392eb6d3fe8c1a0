#include "engine/moonshine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>

namespace talky::engine {
namespace {

constexpr std::int64_t kBegin = 1, kEnd = 2;
constexpr std::size_t kVocabulary = 32'000; // the logits are wider, padded to 32,768
// What a second of speech can hold; a decoder that wants more has run into a loop.
constexpr double kTokensPerSecond = 6.5;
constexpr std::size_t kLeastTokens = 6;
// The encoder's convolutions need this much; shorter audio holds no word.
constexpr std::size_t kLeastSamples = 1'600;
// Quieter than this throughout (peak, of 32,768) is a silent line: comfort noise, or nothing.
constexpr int kSilentPeak = 64;

std::vector<std::string> load_vocabulary(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> pieces;
  for (std::string line; std::getline(file, line);)
    pieces.push_back(line);
  if (pieces.size() != kVocabulary) {
    throw onnx::LoadError(fmt::format("{}: {} tokens, expected {}", path, pieces.size(), kVocabulary));
  }
  return pieces;
}

std::string folder(const std::string& models, MoonshineSize size) {
  return models + (size == MoonshineSize::base ? "/moonshine-base" : "/moonshine-tiny");
}

// Greedy choice, and the logarithm of its probability.
std::pair<std::int64_t, double> choose(std::span<const float> logits) {
  const auto best = std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits)
    sum += std::exp(logit - *best);
  return {best - logits.begin(), -std::log(sum)};
}

} // namespace

Moonshine::Moonshine(const onnx::LibraryPtr& library, const std::string& models, MoonshineSize size)
    : shape_(size == MoonshineSize::base ? Shape{8, 8, 52} : Shape{6, 8, 36}),
      encoder_(library, folder(models, size) + "/encoder.onnx", {.arena = false}),
      decoder_(library, folder(models, size) + "/decoder.onnx", {.arena = false}),
      vocabulary_(load_vocabulary(models + "/tokens.txt")) {
  input_names_ = {"input_ids", "encoder_hidden_states"};
  output_names_ = {"logits"};
  for (std::int64_t layer = 0; layer < shape_.layers; ++layer) {
    for (const char* part : {"decoder.key", "decoder.value", "encoder.key", "encoder.value"}) {
      input_names_.push_back(fmt::format("past_key_values.{}.{}", layer, part));
      output_names_.push_back(fmt::format("present.{}.{}", layer, part));
    }
  }
  input_names_.emplace_back("use_cache_branch");
}

Result<Transcript> Moonshine::transcribe(std::span<const std::int16_t> pcm,
                                         const std::stop_token& stop) const {
  if (pcm.size() > static_cast<std::size_t>(kMaxSeconds) * kSampleRate) {
    return fail(Errc::too_large, 0, "at most 300 s of audio");
  }
  Transcript whole;
  double weight = 0;
  std::size_t begin = 0;
  for (const std::size_t end : cut_at_pauses(pcm, static_cast<std::size_t>(kMaxPartSeconds) * kSampleRate)) {
    auto part = transcribe_part(pcm.subspan(begin, end - begin), stop);
    if (!part) return part;
    begin = end;
    if (part->text.empty()) continue;
    if (!whole.text.empty()) whole.text += ' ';
    const auto length = static_cast<double>(part->text.size());
    whole.text += part->text;
    whole.confidence =
        static_cast<float>((whole.confidence * weight + part->confidence * length) / (weight + length));
    weight += length;
  }
  return whole;
}

Result<Transcript> Moonshine::transcribe_part(std::span<const std::int16_t> pcm,
                                              const std::stop_token& stop) const {
  if (pcm.size() < kLeastSamples) return Transcript{};
  int peak = 0;
  std::vector<float> audio(pcm.size());
  for (std::size_t i = 0; i < pcm.size(); ++i) {
    peak = std::max(peak, std::abs(int{pcm[i]}));
    audio[i] = static_cast<float>(pcm[i]) / 32768.0F;
  }
  if (peak < kSilentPeak) return Transcript{};
  if (stop.stop_requested()) return fail(Errc::closed, 0, "cancelled");

  const std::array<std::int64_t, 2> shape = {1, static_cast<std::int64_t>(audio.size())};
  const onnx::Tensor input = onnx::Tensor::borrow(encoder_.library(), std::span(audio), shape);
  static constexpr std::array<const char*, 1> kInput = {"input_values"};
  static constexpr std::array<const char*, 1> kOutput = {"last_hidden_state"};
  const std::array<const onnx::OrtValue*, 1> inputs = {input.get()};
  std::array<onnx::Tensor, 1> encoded;
  if (auto done = encoder_.run(kInput, inputs, kOutput, encoded); !done) return tl::unexpected(done.error());

  const double seconds = static_cast<double>(pcm.size()) / kSampleRate;
  const auto most = std::max(kLeastTokens, static_cast<std::size_t>(seconds * kTokensPerSecond));
  double log_probability = 0;
  auto tokens = decode(std::move(encoded[0]), most, stop, log_probability);
  if (!tokens) return tl::unexpected(tokens.error());
  if (tokens->empty()) return Transcript{};

  Transcript out;
  out.confidence = static_cast<float>(std::exp(log_probability / static_cast<double>(tokens->size())));
  out.text = text_of(without_loops(*tokens));
  // Whole utterances end in a comma as often as unfinished ones do: it says nothing, and would mislead.
  while (out.text.ends_with(','))
    out.text.pop_back();
  if (is_hallucination(out.text, out.confidence)) return Transcript{};
  return out;
}

// Step 0 runs over an empty cache and fills both halves; the encoder's half stays as it is from then on.
Result<std::vector<std::int64_t>> Moonshine::decode(onnx::Tensor encoded, std::size_t max_tokens,
                                                    const std::stop_token& stop,
                                                    double& log_probability) const {
  const onnx::LibraryPtr& library = decoder_.library();
  std::int64_t token = kBegin;
  bool use_cache = false;
  float nothing = 0;
  static constexpr std::array<std::int64_t, 2> kTokenShape = {1, 1};
  static constexpr std::array<std::int64_t, 1> kFlagShape = {1};
  const std::array<std::int64_t, 4> empty_shape = {0, shape_.heads, 1, shape_.width};
  const onnx::Tensor token_tensor = onnx::Tensor::borrow(library, std::span(&token, 1), kTokenShape);
  const onnx::Tensor flag_tensor = onnx::Tensor::borrow(library, std::span(&use_cache, 1), kFlagShape);

  const std::size_t entries = 4 * static_cast<std::size_t>(shape_.layers);
  std::vector<onnx::Tensor> cache(entries);
  for (onnx::Tensor& entry : cache)
    entry = onnx::Tensor::borrow(library, std::span(&nothing, 0), empty_shape);

  std::vector<const char*> input_names, output_names;
  for (const std::string& name : input_names_)
    input_names.push_back(name.c_str());
  for (const std::string& name : output_names_)
    output_names.push_back(name.c_str());

  std::vector<std::int64_t> tokens;
  std::vector<const onnx::OrtValue*> inputs(input_names.size());
  while (tokens.size() < max_tokens) {
    if (stop.stop_requested()) return fail(Errc::closed, 0, "cancelled");
    inputs[0] = token_tensor.get();
    inputs[1] = encoded.get();
    for (std::size_t i = 0; i < entries; ++i)
      inputs[2 + i] = cache[i].get();
    inputs[2 + entries] = flag_tensor.get();
    std::vector<onnx::Tensor> outputs(output_names.size());
    if (auto done = decoder_.run(input_names, inputs, output_names, outputs); !done) {
      return tl::unexpected(done.error());
    }
    const std::span<const float> logits = outputs[0].floats();
    if (logits.size() < kVocabulary) return fail(Errc::malformed, 0, "logits as wide as the vocabulary");
    const auto [best, log_p] = choose(logits.last(logits.size() >= 32'768 ? 32'768 : logits.size()));
    log_probability += log_p;
    if (best == kEnd) break;
    tokens.push_back(best);
    token = best;
    for (std::size_t i = 0; i < entries; ++i) {
      const bool decoder_half = i % 4 < 2;
      if (!use_cache || decoder_half) cache[i] = std::move(outputs[1 + i]);
    }
    use_cache = true;
  }
  return tokens;
}

// SentencePiece: U+2581 stands for a space, <0xNN> for a byte.
std::string Moonshine::text_of(std::span<const std::int64_t> tokens) const {
  static constexpr std::string_view kSpace = "\xE2\x96\x81";
  std::string text;
  for (const std::int64_t token : tokens) {
    if (token <= kEnd || token >= static_cast<std::int64_t>(vocabulary_.size())) continue;
    std::string_view piece = vocabulary_[static_cast<std::size_t>(token)];
    if (piece.size() == 6 && piece.starts_with("<0x") && piece.ends_with('>')) {
      text += static_cast<char>(std::stoi(std::string(piece.substr(3, 2)), nullptr, 16));
      continue;
    }
    while (!piece.empty()) {
      const bool space = piece.starts_with(kSpace);
      text += space ? ' ' : piece.front();
      piece.remove_prefix(space ? kSpace.size() : 1);
    }
  }
  const auto first = text.find_first_not_of(' ');
  const auto last = text.find_last_not_of(' ');
  return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
}

} // namespace talky::engine
