#include "capture/srtp_key.hpp"

#include <array>

#include "core/ascii.hpp"
#include "core/base64.hpp"

namespace talky::capture {

namespace {

constexpr std::size_t kMaxKeys = 1'000;
constexpr std::size_t kMaxMki = 128;

constexpr std::array<SrtpSuiteInfo, 8> kSuites{{
    {SrtpSuite::aes_cm_128_hmac_sha1_80, "AES_CM_128_HMAC_SHA1_80", 16, 14},
    {SrtpSuite::aes_cm_128_hmac_sha1_32, "AES_CM_128_HMAC_SHA1_32", 16, 14},
    {SrtpSuite::aes_192_cm_hmac_sha1_80, "AES_192_CM_HMAC_SHA1_80", 24, 14},
    {SrtpSuite::aes_192_cm_hmac_sha1_32, "AES_192_CM_HMAC_SHA1_32", 24, 14},
    {SrtpSuite::aes_256_cm_hmac_sha1_80, "AES_256_CM_HMAC_SHA1_80", 32, 14},
    {SrtpSuite::aes_256_cm_hmac_sha1_32, "AES_256_CM_HMAC_SHA1_32", 32, 14},
    {SrtpSuite::aead_aes_128_gcm, "AEAD_AES_128_GCM", 16, 12},
    {SrtpSuite::aead_aes_256_gcm, "AEAD_AES_256_GCM", 32, 12},
}};

struct Alias {
  std::string_view name;
  SrtpSuite suite;
};
constexpr std::array<Alias, 4> kAliases{{
    {"AES_CM_192_HMAC_SHA1_80", SrtpSuite::aes_192_cm_hmac_sha1_80},
    {"AES_CM_192_HMAC_SHA1_32", SrtpSuite::aes_192_cm_hmac_sha1_32},
    {"AES_CM_256_HMAC_SHA1_80", SrtpSuite::aes_256_cm_hmac_sha1_80},
    {"AES_CM_256_HMAC_SHA1_32", SrtpSuite::aes_256_cm_hmac_sha1_32},
}};

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
  std::vector<std::byte> out;
  if (!base64::decode_loosely(text, out)) return std::nullopt;
  return out;
}

std::optional<std::vector<std::byte>> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<std::byte> out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto value = ascii::to_number<std::uint8_t>(text.substr(i, 2), 16);
    if (!value) return std::nullopt;
    out.push_back(std::byte{*value});
  }
  return out;
}

// The words of a line with their places.
struct Word {
  std::string_view text;
  std::size_t at = 0;
};
std::vector<Word> words_of(std::string_view line, std::size_t at) {
  std::vector<Word> words;
  for (std::size_t i = 0; i < line.size();) {
    if (ascii::is_space(line[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < line.size() && !ascii::is_space(line[i]))
      ++i;
    words.push_back({line.substr(begin, i - begin), at + begin});
  }
  return words;
}

// KEY-AND-SALT ["|" lifetime] ["|" MKI ":" length]
Result<SrtpKey> parse_key(const SrtpSuiteInfo& suite, std::string_view text, std::size_t at) {
  constexpr std::string_view kInline = "inline:";
  constexpr std::string_view kHex = "hex:";
  const bool base64 = text.starts_with(kInline);
  if (!base64 && !text.starts_with(kHex)) return fail(Errc::malformed, at, "inline:KEY");
  const std::size_t prefix = (base64 ? kInline : kHex).size();
  text.remove_prefix(prefix);
  at += prefix;
  const std::size_t bar = text.find('|');
  const std::string_view encoded = text.substr(0, bar);
  const auto key = base64 ? from_base64(encoded) : from_hex(encoded);
  if (!key)
    return fail(Errc::malformed, at, base64 ? "a key in base64" : "a key of pairs of hexadecimal digits");
  if (key->size() != suite.key_bytes + suite.salt_bytes)
    return fail(Errc::malformed, at, "a master key and salt of the suite's length");
  SrtpKey out;
  out.suite = suite.suite;
  out.key = *key;
  std::string_view rest = bar == std::string_view::npos ? "" : text.substr(bar + 1);
  for (std::size_t place = at + encoded.size() + 1; !rest.empty();) {
    const std::size_t end = std::min(rest.find('|'), rest.size());
    const std::string_view part = rest.substr(0, end);
    const std::size_t colon = part.find(':');
    if (colon != std::string_view::npos) { // the lifetime, "2^20" or a number, does not matter here
      const auto value = ascii::to_number<std::uint64_t>(part.substr(0, colon));
      const auto length = ascii::to_number<std::size_t>(part.substr(colon + 1));
      if (!value || !length || *length == 0 || *length > kMaxMki)
        return fail(Errc::malformed, place, "MKI:LENGTH, of at most 128 bytes");
      out.mki.resize(*length);
      for (std::size_t i = 0; i < *length && i < 8; ++i)
        out.mki[*length - 1 - i] = static_cast<std::byte>(*value >> (8 * i) & 0xff);
    }
    place += end + 1;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

// SUITE KEYS [session parameters]
Result<std::vector<SrtpKey>> parse_suite(const std::vector<Word>& words, std::size_t first,
                                         std::size_t end_at) {
  if (words.size() < first + 2) return fail(Errc::malformed, end_at, "a suite and inline:KEY");
  const SrtpSuiteInfo* suite = find_srtp_suite(words[first].text);
  if (suite == nullptr)
    return fail(Errc::unsupported, words[first].at,
                "a suite of AES_CM, AES_192_CM, AES_256_CM or AEAD_AES_GCM");
  for (std::size_t i = first + 2; i < words.size(); ++i) {
    if (words[i].text.starts_with("UNENCRYPTED_") || words[i].text.starts_with("UNAUTHENTICATED_"))
      return fail(Errc::unsupported, words[i].at, "encrypted and authenticated sessions");
  }
  std::vector<SrtpKey> keys;
  std::string_view list = words[first + 1].text;
  for (std::size_t at = words[first + 1].at; !list.empty();) {
    const std::size_t end = std::min(list.find(';'), list.size());
    auto key = parse_key(*suite, list.substr(0, end), at);
    if (!key) return tl::unexpected(key.error());
    keys.push_back(std::move(*key));
    at += end + 1;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return keys;
}

} // namespace

const SrtpSuiteInfo& info(SrtpSuite suite) {
  return kSuites[static_cast<std::size_t>(suite)];
}

const SrtpSuiteInfo* find_srtp_suite(std::string_view name) {
  for (const SrtpSuiteInfo& suite : kSuites) {
    if (ascii::iequals(suite.name, name)) return &suite;
  }
  for (const Alias& alias : kAliases) {
    if (ascii::iequals(alias.name, name)) return &info(alias.suite);
  }
  return nullptr;
}

Result<std::vector<SrtpKey>> parse_crypto(std::string_view value) {
  const auto words = words_of(value, 0);
  if (words.empty() || !ascii::to_number<std::uint32_t>(words[0].text))
    return fail(Errc::malformed, 0, "the tag of a crypto attribute");
  return parse_suite(words, 1, value.size());
}

Result<std::vector<SrtpKey>> parse_srtp_keys(std::string_view text) {
  std::vector<SrtpKey> keys;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    auto words = words_of(line, at);
    const std::size_t begin = at;
    at = end + 1;
    if (words.empty() || words[0].text.starts_with('#')) continue;
    constexpr std::string_view kAttribute = "a=crypto:";
    std::optional<Endpoint> sender;
    std::optional<std::uint32_t> ssrc;
    std::size_t first = 0;
    if (words[0].text.starts_with(kAttribute)) {
      first = 1;
    } else if (find_srtp_suite(words[0].text) == nullptr && words.size() > 2) {
      const std::string_view who = words[0].text;
      sender = Endpoint::parse(who);
      if (!sender)
        ssrc = who.starts_with("0x") ? ascii::to_number<std::uint32_t>(who.substr(2), 16)
                                     : ascii::to_number<std::uint32_t>(who);
      if (!sender && !ssrc)
        return fail(Errc::malformed, words[0].at, "an SSRC, ADDRESS:PORT, or the name of a suite");
      first = 1;
    }
    auto found = parse_suite(words, first, begin + line.size());
    if (!found) return tl::unexpected(found.error());
    for (SrtpKey& key : *found) {
      if (keys.size() >= kMaxKeys) return fail(Errc::too_large, begin, "at most 1,000 keys");
      key.sender = sender;
      key.ssrc = ssrc;
      keys.push_back(std::move(key));
    }
  }
  return keys;
}

} // namespace talky::capture
