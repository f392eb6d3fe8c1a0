// The vocabulary of a recogniser, as SentencePiece stores it: pieces of words, where U+2581 stands for the
// space before a word and <0xNN> for a byte. A piece's number is its rank among the merges, so that text is
// cut into pieces as it was for the training (BPE).
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace talky::engine {

using Token = std::int64_t;

class Tokens {
 public:
  static constexpr std::size_t kSize = 32'000;
  static constexpr Token kBegin = 1, kEnd = 2;

  // One piece a line. Throws onnx::LoadError.
  static Tokens load(const std::string& path);
  explicit Tokens(std::vector<std::string> pieces);

  // "seven of clubs" -> "_seven", "_of", "_clubs"; bytes that no piece has become byte tokens.
  std::vector<Token> encode(std::string_view text) const;
  std::optional<Token> find(std::string_view piece) const;
  // Without spaces at the ends; tokens that are not in the vocabulary are left out.
  std::string decode(std::span<const Token> tokens) const;

 private:
  std::vector<std::string> pieces_;
  std::map<std::string, Token, std::less<>> ranks_;
};

} // namespace talky::engine
