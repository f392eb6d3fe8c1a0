#include "speech_kit.hpp"

#include <algorithm>
#include <cstdlib>

#include "audio/half_rate.hpp"
#include "codec/codec.hpp"
#include "core/ascii.hpp"
#include "core/random.hpp"
#include "engine/models.hpp"

namespace talky::engine::test {

std::optional<std::string> models() {
  const char* chosen = std::getenv("TALKY_MODELS");
  auto folder = find_models(chosen != nullptr ? chosen : "");
  if (!folder) MESSAGE("SKIPPED: ", how_to_install_models(chosen != nullptr ? chosen : ""));
  return folder;
}

onnx::LibraryPtr library() {
  static const onnx::LibraryPtr kLoaded = onnx::Library::load(*models() + "/libonnxruntime.so");
  return kLoaded;
}

voice::Pcm say(std::string_view text, std::string_view voice) {
  static Flite flite;
  voice::Pcm out;
  const auto done = flite.speak(text, *find_voice(voice), [&](std::span<const std::int16_t> pcm) {
    out.insert(out.end(), pcm.begin(), pcm.end());
  });
  REQUIRE(done);
  return out;
}

voice::Pcm through_telephone(const voice::Pcm& pcm) {
  audio::Downsampler2 down;
  audio::Upsampler2 up;
  voice::Pcm low, decoded, out;
  down.process(pcm, low);
  const auto pcmu = codec::find("PCMU", 8000)->make();
  std::vector<std::byte> bytes;
  pcmu->encode(low, bytes);
  REQUIRE(pcmu->decode(bytes, decoded));
  up.process(decoded, out);
  return out;
}

voice::Pcm quiet(voice::Samples length, unsigned seed, int peak) {
  Random random(seed);
  voice::Pcm out(static_cast<std::size_t>(length));
  for (std::int16_t& sample : out)
    sample = static_cast<std::int16_t>(
        static_cast<int>(random.below(2 * static_cast<std::uint64_t>(peak) + 1)) - peak);
  return out;
}

voice::Pcm joined(std::initializer_list<voice::Pcm> parts) {
  voice::Pcm out;
  for (const voice::Pcm& part : parts)
    out.insert(out.end(), part.begin(), part.end());
  return out;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (ascii::is_alnum(c) || c == '\'') {
      out.back() += ascii::to_lower(c);
    } else if (c != '-' && !out.back().empty()) { // good-bye, goodbye
      out.emplace_back();
    }
  }
  if (out.back().empty()) out.pop_back();
  return out;
}

std::size_t word_errors(std::string_view said, std::string_view heard) {
  const auto a = words(said), b = words(heard);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

} // namespace talky::engine::test
