#include "sipd/api/sample_cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include "core/bytes.hpp"
#include "core/fnv.hpp"
#include "http/message.hpp"
#include "net/fd.hpp"

namespace talky::sipd {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxVoice = 100; // bytes of a name; a longer one is not kept
constexpr std::uintmax_t kMaxFile = 4 << 20;
constexpr std::size_t kRiffHeader = 12;

std::string stem_of(std::string_view voice) {
  return fmt::format("{}.", http::percent_encoded(voice));
}

std::string name_of(std::string_view voice, std::string_view key) {
  return fmt::format("{}{:016x}.wav", stem_of(voice), fnv1a(key));
}

bool is_whole_wav(std::string_view bytes) {
  if (bytes.size() < kRiffHeader || !bytes.starts_with("RIFF") || bytes.substr(8, 4) != "WAVE") return false;
  std::uint32_t size = 0;
  for (std::size_t i = 0; i < 4; ++i)
    size |= std::uint32_t{static_cast<unsigned char>(bytes[4 + i])} << (8 * i);
  return size == bytes.size() - 8;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fdatasync(fd) == 0;
}

} // namespace

std::optional<std::string> SampleCache::find(std::string_view voice, std::string_view key) const {
  if (folder_.empty() || voice.size() > kMaxVoice) return std::nullopt;
  const fs::path path = fs::path(folder_) / name_of(voice, key);
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error || size > kMaxFile) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (!file || !is_whole_wav(bytes)) return std::nullopt;
  return bytes;
}

Result<> SampleCache::keep(std::string_view voice, std::string_view key, std::string_view wav) const {
  if (folder_.empty() || voice.size() > kMaxVoice || wav.size() > kMaxFile) return {};
  const fs::path folder(folder_);
  const std::string name = name_of(voice, key);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(Errc::io, 0, "a folder for the samples of voices");
  const fs::path part = folder / fmt::format(".{}.{}", name, ::getpid());
  {
    constexpr mode_t kMine = 0600;
    const net::Fd file(::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMine));
    if (!file || !write_all(file.get(), wav)) {
      fs::remove(part, error);
      return fail(Errc::io, 0, "room for the sample of a voice");
    }
  }
  fs::rename(part, folder / name, error);
  if (error) {
    fs::remove(part, error);
    return fail(Errc::io, 0, "a file for the sample of a voice");
  }
  const std::string stem = stem_of(voice);
  for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    const std::string other = entry->path().filename().string();
    const bool of_voice = other.size() == name.size() && other.starts_with(stem) && other.ends_with(".wav");
    if (other == name || !of_voice) continue;
    std::error_code gone; // by another daemon, perhaps
    fs::remove(entry->path(), gone);
  }
  return {};
}

} // namespace talky::sipd
