// The text of the spool's logs.
#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <optional>

#include "core/ascii.hpp"
#include "store/record.hpp"
#include "store/spool.hpp"

namespace talky::store {
namespace {

constexpr std::string_view kMagic = "talky1 ";
constexpr std::size_t kMaxEntry = kMaxJson + 64;
constexpr std::array<std::pair<SpoolEntry::Kind, std::string_view>, 4> kKinds{{
    {SpoolEntry::Kind::began, "began"},
    {SpoolEntry::Kind::ended, "ended"},
    {SpoolEntry::Kind::complete, "complete"},
    {SpoolEntry::Kind::stored, "stored"},
}};

std::uint32_t checksum(std::string_view text) {
  return static_cast<std::uint32_t>(
      crc32_z(0, static_cast<const unsigned char*>(static_cast<const void*>(text.data())), text.size()));
}

// The word up to the next space, which is passed too.
std::optional<std::string_view> word(std::string_view& text, std::size_t max) {
  const std::size_t end = text.substr(0, max + 1).find(' ');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view out = text.substr(0, end);
  text.remove_prefix(end + 1);
  return out;
}

struct Parsed {
  SpoolEntry entry;
  std::size_t size; // in the text, without its line end
};
std::optional<Parsed> parse_one(std::string_view text) {
  if (!text.starts_with(kMagic)) return std::nullopt;
  std::string_view rest = text.substr(kMagic.size());
  const auto sum_text = word(rest, 8);
  const auto length_text = word(rest, 8);
  if (!sum_text || !length_text || sum_text->size() != 8) return std::nullopt;
  const auto sum = ascii::to_number<std::uint32_t>(*sum_text, 16);
  const auto length = ascii::to_number<std::size_t>(*length_text);
  if (!sum || !length || *length > kMaxEntry || *length > rest.size()) return std::nullopt;
  std::string_view content = rest.substr(0, *length);
  if (checksum(content) != *sum) return std::nullopt;
  const std::size_t size = text.size() - rest.size() + *length;
  const auto name = word(content, 8);
  if (!name) return std::nullopt;
  for (const auto& [kind, text_of_kind] : kKinds) {
    if (*name == text_of_kind) return Parsed{{kind, std::string(content)}, size};
  }
  return std::nullopt;
}

} // namespace

std::string to_line(const SpoolEntry& entry) {
  std::string content;
  for (const auto& [kind, name] : kKinds) {
    if (kind == entry.kind) content = fmt::format("{} {}", name, entry.body);
  }
  return fmt::format("{}{:08x} {} {}\n", kMagic, checksum(content), content.size(), content);
}

SpoolText parse_spool(std::string_view text) {
  SpoolText out;
  while (!text.empty()) {
    if (auto parsed = parse_one(text)) {
      out.entries.push_back(std::move(parsed->entry));
      text.remove_prefix(parsed->size);
      if (text.starts_with('\n')) {
        text.remove_prefix(1);
        continue;
      }
      // Torn behind its last byte, or its line end is broken; the next entry may stand right behind.
      if (text.empty()) continue;
      ++out.damaged;
      if (text.substr(1).starts_with(kMagic)) {
        text.remove_prefix(1);
        continue;
      }
    } else {
      ++out.damaged;
    }
    // Only at the start of a line: no record can pretend to hold one, its JSON has no line ends.
    std::size_t next = text.find('\n');
    while (next != std::string_view::npos && !text.substr(next + 1).starts_with(kMagic))
      next = text.find('\n', next + 1);
    if (next == std::string_view::npos) break;
    text.remove_prefix(next + 1);
  }
  return out;
}

std::string uuid_of(const SpoolEntry& entry) {
  if (entry.kind == SpoolEntry::Kind::stored) return is_uuid(entry.body) ? entry.body : std::string();
  // As to_json writes it: the first member.
  constexpr std::string_view kBefore = R"({"uuid":")";
  const std::string_view body = entry.body;
  if (!body.starts_with(kBefore)) return {};
  const std::string_view uuid = body.substr(kBefore.size(), 36);
  return is_uuid(uuid) ? std::string(uuid) : std::string();
}

} // namespace talky::store
