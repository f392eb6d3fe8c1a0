// What the tests of the engines share: the models, telephone speech made by the synthesiser, word error
// rates.
#pragma once
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/flite.hpp"
#include "engine/onnx.hpp"
#include "voice/engine.hpp"

namespace talky::engine::test {

// The folder of the models, or a message that the test skips.
std::optional<std::string> models();
// The runtime, loaded once; only if models() gave a folder.
onnx::LibraryPtr library();

voice::Pcm say(std::string_view text, std::string_view voice = "Alex");
// Down to 8 kHz, through mu-law, and up again.
voice::Pcm through_telephone(const voice::Pcm& pcm);
// Faint noise, as of a quiet line: digital zeros are nothing that a telephone sends.
voice::Pcm quiet(voice::Samples length, unsigned seed = 1, int peak = 12);
voice::Pcm joined(std::initializer_list<voice::Pcm> parts);

// Lower-case words without punctuation, and the edit distance between two texts in words.
std::vector<std::string> words(std::string_view text);
std::size_t word_errors(std::string_view said, std::string_view heard);

} // namespace talky::engine::test
