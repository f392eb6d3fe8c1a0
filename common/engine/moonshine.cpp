#include "engine/moonshine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace talky::engine {
namespace {

constexpr std::size_t kWidest = 32'768; // the logits are wider than the vocabulary
// What a second of speech can hold, digits at their fastest; a decoder that wants more has run into a loop.
constexpr double kTokensPerSecond = 12;
constexpr std::size_t kLeastTokens = 8;

std::string folder(const std::string& models, MoonshineSize size) {
  return models + (size == MoonshineSize::base ? "/moonshine-base" : "/moonshine-tiny");
}

double log_sum(std::span<const float> logits) {
  const float most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits)
    sum += std::exp(logit - most);
  return most + std::log(sum);
}

} // namespace

Moonshine::Moonshine(const onnx::LibraryPtr& library, const std::string& models, MoonshineSize size)
    : shape_(size == MoonshineSize::base ? Shape{8, 8, 52} : Shape{6, 8, 36}),
      encoder_(library, folder(models, size) + "/encoder.onnx", {.arena = false}),
      decoder_(library, folder(models, size) + "/decoder.onnx", {.arena = false}),
      tokens_(Tokens::load(models + "/tokens.txt")) {
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

Result<Moonshine::Encoded> Moonshine::encode(std::span<float> audio) const {
  const std::array<std::int64_t, 2> shape = {1, static_cast<std::int64_t>(audio.size())};
  const onnx::Tensor input = onnx::Tensor::borrow(encoder_.library(), audio, shape);
  static constexpr std::array<const char*, 1> kInput = {"input_values"};
  static constexpr std::array<const char*, 1> kOutput = {"last_hidden_state"};
  const std::array<const onnx::OrtValue*, 1> inputs = {input.get()};
  std::array<onnx::Tensor, 1> encoded;
  if (auto done = encoder_.run(kInput, inputs, kOutput, encoded); !done) return tl::unexpected(done.error());
  return Encoded{std::move(encoded[0]), static_cast<double>(audio.size()) / kSampleRate};
}

// Step 0 runs over an empty cache and fills both halves; the encoder's half stays as it is from then on.
Result<Moonshine::Guess> Moonshine::decode(const Encoded& encoded, const Inclination& inclination,
                                           const std::stop_token& stop) const {
  const onnx::LibraryPtr& library = decoder_.library();
  Token token = Tokens::kBegin;
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

  const auto most = std::max(kLeastTokens, static_cast<std::size_t>(encoded.seconds * kTokensPerSecond));
  std::optional<Bias::Walk> walk;
  if (inclination.bias != nullptr) walk.emplace(*inclination.bias);
  std::vector<float> favoured;
  std::vector<Token> tokens;
  Guess guess;
  bool ended = false;
  std::vector<const onnx::OrtValue*> inputs(input_names.size());
  while (tokens.size() < most) {
    if (stop.stop_requested()) return fail(Errc::closed, 0, "cancelled");
    inputs[0] = token_tensor.get();
    inputs[1] = encoded.hidden.get();
    for (std::size_t i = 0; i < entries; ++i)
      inputs[2 + i] = cache[i].get();
    inputs[2 + entries] = flag_tensor.get();
    std::vector<onnx::Tensor> outputs(output_names.size());
    if (auto done = decoder_.run(input_names, inputs, output_names, outputs); !done) {
      return tl::unexpected(done.error());
    }
    std::span<const float> logits = outputs[0].floats();
    if (logits.size() < Tokens::kSize) return fail(Errc::malformed, 0, "logits as wide as the vocabulary");
    logits = logits.last(std::min(logits.size(), kWidest));
    std::span<const float> judged = logits;
    const bool first = tokens.empty() && inclination.not_empty;
    if (walk || first) {
      favoured.assign(logits.begin(), logits.end());
      if (walk) walk->favour(favoured);
      if (first) favoured[static_cast<std::size_t>(Tokens::kEnd)] = std::numeric_limits<float>::lowest();
      judged = favoured;
    }
    token = std::max_element(judged.begin(), judged.end()) - judged.begin();
    guess.log_probability += logits[static_cast<std::size_t>(token)] - log_sum(logits);
    if (token == Tokens::kEnd) {
      ended = true;
      break;
    }
    tokens.push_back(token);
    if (walk) walk->take(token);
    for (std::size_t i = 0; i < entries; ++i) {
      const bool decoder_half = i % 4 < 2;
      if (!use_cache || decoder_half) cache[i] = std::move(outputs[1 + i]);
    }
    use_cache = true;
  }
  const std::vector<Token> kept = without_loops(tokens);
  guess.looped = !ended || kept.size() < tokens.size();
  guess.tokens = tokens.size();
  guess.text = tokens_.decode(kept);
  if (!tokens.empty()) {
    guess.confidence =
        static_cast<float>(std::exp(guess.log_probability / static_cast<double>(tokens.size())));
  }
  return guess;
}

} // namespace talky::engine
