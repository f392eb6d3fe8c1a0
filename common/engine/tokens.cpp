#include "engine/tokens.hpp"

#include <fmt/format.h>

#include <fstream>
#include <utility>

#include "engine/onnx.hpp"

namespace talky::engine {
namespace {

constexpr std::string_view kSpace = "\xE2\x96\x81";

bool is_byte(std::string_view piece) {
  return piece.size() == 6 && piece.starts_with("<0x") && piece.ends_with('>');
}

} // namespace

Tokens Tokens::load(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> pieces;
  for (std::string line; std::getline(file, line);)
    pieces.push_back(line);
  if (pieces.size() != kSize) {
    throw onnx::LoadError(fmt::format("{}: {} tokens, expected {}", path, pieces.size(), kSize));
  }
  return Tokens(std::move(pieces));
}

Tokens::Tokens(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {
  for (std::size_t i = 0; i < pieces_.size(); ++i)
    ranks_.emplace(pieces_[i], static_cast<Token>(i));
}

std::vector<Token> Tokens::encode(std::string_view text) const {
  // Characters first; then the pair whose piece has the lowest number becomes one, until there is none.
  std::vector<std::string> parts;
  bool space = true;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == ' ') {
      space = true;
      ++i;
      continue;
    }
    if (std::exchange(space, false)) parts.emplace_back(kSpace);
    std::size_t end = i + 1;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
      ++end;
    parts.emplace_back(text.substr(i, end - i));
    i = end;
  }
  while (parts.size() > 1) {
    std::size_t best = parts.size();
    Token rank = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks_.find(parts[i] + parts[i + 1]);
      if (found == ranks_.end() || (best != parts.size() && found->second >= rank)) continue;
      best = i;
      rank = found->second;
    }
    if (best == parts.size()) break;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best + 1));
  }
  std::vector<Token> out;
  for (const std::string& part : parts) {
    if (const auto found = ranks_.find(part); found != ranks_.end()) {
      out.push_back(found->second);
      continue;
    }
    for (const char c : part) {
      const auto byte = ranks_.find(fmt::format("<0x{:02X}>", static_cast<unsigned char>(c)));
      if (byte != ranks_.end()) out.push_back(byte->second);
    }
  }
  return out;
}

std::optional<Token> Tokens::find(std::string_view piece) const {
  const auto found = ranks_.find(piece);
  return found == ranks_.end() ? std::nullopt : std::optional(found->second);
}

std::string Tokens::decode(std::span<const Token> tokens) const {
  std::string text;
  for (const Token token : tokens) {
    if (token <= kEnd || token >= static_cast<Token>(pieces_.size())) continue;
    std::string_view piece = pieces_[static_cast<std::size_t>(token)];
    if (is_byte(piece)) {
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
