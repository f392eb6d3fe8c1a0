#include "store/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <system_error>

#include "core/error.hpp"

namespace talky::store {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kBlock = 262'144; // bytes read at a time
constexpr std::int64_t kMsOfDay = 86'400'000;

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  explicit operator bool() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  // Bytes at `offset`; fewer at the end. -1: an error.
  ssize_t read(void* room, std::size_t size, off_t offset) const {
    for (;;) {
      const ssize_t got = ::pread(fd_, room, size, offset);
      if (got >= 0 || errno != EINTR) return got;
    }
  }
  off_t size() const {
    struct stat status {};
    return ::fstat(fd_, &status) == 0 ? status.st_size : -1;
  }
  bool cut(off_t size) const { return ::ftruncate(fd_, size) == 0 && ::fsync(fd_) == 0; }

 private:
  int fd_;
};

// `reason` is errno.
tl::unexpected<Error> system_error(const std::string& path, int reason) {
  return fail(Fault::away, fmt::format("{}: {}", path, system_text(reason)));
}

std::uint32_t little_endian(const unsigned char* bytes) {
  return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
         static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24;
}

// What belongs together in the folder of recordings.
struct Recording {
  std::vector<std::string> paths;
  std::uint64_t bytes = 0;
  std::int64_t changed_ms = 0; // the latest of its files
};

std::map<std::string, Recording> recordings_in(const std::string& folder) {
  std::map<std::string, Recording> all;
  std::error_code ignored; // a folder that is not there has no recordings
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string uuid = entry.path().stem().string();
    const std::string ending = entry.path().extension().string();
    if (!is_uuid(uuid) || (ending != ".wav" && ending != ".pcap" && ending != ".jsonl")) continue;
    struct stat status {};
    if (::lstat(entry.path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    Recording& recording = all[uuid];
    recording.paths.push_back(entry.path().string());
    recording.bytes += static_cast<std::uint64_t>(status.st_size);
    recording.changed_ms = std::max<std::int64_t>(
        recording.changed_ms, status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1'000'000);
  }
  return all;
}

// Another process holds the lock of a recording that it writes.
bool in_use(const Recording& recording) {
  return std::any_of(recording.paths.begin(), recording.paths.end(), [](const std::string& path) {
    const File file(path, O_RDONLY);
    return file && ::flock(file.fd(), LOCK_EX | LOCK_NB) != 0;
  });
}

void remove(const Recording& recording, Removed& out) {
  for (const std::string& path : recording.paths) {
    struct stat status {};
    const bool known = ::lstat(path.c_str(), &status) == 0;
    if (::unlink(path.c_str()) != 0) {
      if (errno != ENOENT) out.failed.push_back(path);
      continue;
    }
    ++out.files;
    if (known) out.bytes += static_cast<std::uint64_t>(status.st_size);
  }
}

} // namespace

Outcome<RecordedFile> describe_file(std::string_view kind, const std::string& path) {
  const File file(path, O_RDONLY);
  if (!file) return system_error(path, errno);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!hash || EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) != 1)
    return fail(Fault::away, "SHA-256 is not to be had");
  RecordedFile out;
  out.kind = kind;
  out.path = path;
  std::vector<unsigned char> buffer(kBlock);
  for (;;) {
    const ssize_t got = file.read(buffer.data(), buffer.size(), out.bytes);
    if (got < 0) return system_error(path, errno);
    if (got == 0) break;
    EVP_DigestUpdate(hash.get(), buffer.data(), static_cast<std::size_t>(got));
    out.bytes += got;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(hash.get(), raw.data(), &size);
  for (unsigned int i = 0; i < size; ++i)
    out.sha256 += fmt::format("{:02x}", raw[i]);
  return out;
}

Outcome<bool> mend_lines(const std::string& path) {
  const File file(path, O_RDWR);
  if (!file) return system_error(path, errno);
  const off_t size = file.size();
  std::vector<char> buffer(kBlock);
  off_t end = size; // of what is known to hold no line end behind it
  while (end > 0) {
    const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(buffer.size()));
    const ssize_t got = file.read(buffer.data(), static_cast<std::size_t>(end - begin), begin);
    if (got != end - begin) return system_error(path, errno);
    const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
    const std::size_t at = text.rfind('\n');
    if (at == std::string_view::npos) {
      end = begin;
      continue;
    }
    end = begin + static_cast<off_t>(at) + 1;
    break;
  }
  if (end == size) return false;
  if (!file.cut(end)) return system_error(path, errno);
  return true;
}

Outcome<bool> mend_pcap(const std::string& path) {
  constexpr off_t kHeader = 24;
  constexpr off_t kPacketHeader = 16;
  constexpr std::uint32_t kMicro = 0xA1B2C3D4;
  constexpr std::uint32_t kNano = 0xA1B23C4D;
  const File file(path, O_RDWR);
  if (!file) return system_error(path, errno);
  const off_t size = file.size();
  if (size == 0) return false; // it died before the first byte
  std::array<unsigned char, 16> bytes{};
  const ssize_t got = file.read(bytes.data(), 4, 0);
  const std::uint32_t magic = little_endian(bytes.data());
  if (size < kHeader || got != 4 || (magic != kMicro && magic != kNano))
    return fail(Fault::away, path + ": no pcap of talky's");
  off_t end = kHeader;
  while (end + kPacketHeader <= size) {
    if (file.read(bytes.data(), bytes.size(), end) != kPacketHeader) return system_error(path, errno);
    const off_t length = little_endian(bytes.data() + 8);
    if (end + kPacketHeader + length > size) break;
    end += kPacketHeader + length;
  }
  if (end == size) return false;
  if (!file.cut(end)) return system_error(path, errno);
  return true;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const std::string copy(text);
  char* rest = nullptr;
  if (copy.empty() || copy[0] < '0' || copy[0] > '9') return std::nullopt;
  double value = std::strtod(copy.c_str(), &rest);
  std::string_view unit = rest;
  if (unit.ends_with('B')) unit.remove_suffix(1);
  const double base = unit.ends_with('i') ? 1024 : 1000;
  if (unit.ends_with('i')) {
    unit.remove_suffix(1);
    if (unit.empty()) return std::nullopt;
  }
  if (!unit.empty()) {
    const std::size_t power = std::string_view("KMGT").find(unit[0]);
    if (unit.size() != 1 || power == std::string_view::npos) return std::nullopt;
    for (std::size_t i = 0; i <= power; ++i)
      value *= base;
  }
  if (!(value < 1e18)) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

Outcome<Removed> apply_retention(const Retention& retention, Database* database, std::int64_t now_ms,
                                 const std::function<bool(const std::string& uuid)>& busy) {
  Removed out;
  const std::int64_t oldest_ms =
      retention.days > 0 ? now_ms - static_cast<std::int64_t>(retention.days) * kMsOfDay : INT64_MIN;
  if (retention.days > 0 && database) {
    const auto rows = database->remove_before(oldest_ms);
    // On a full disk a database cannot even remove: the files below are what makes room.
    if (!rows && rows.error().fault != Fault::full) return tl::unexpected(rows.error());
    out.calls = rows.value_or(0);
  }
  if (retention.folder.empty()) return out;
  auto all = recordings_in(retention.folder);
  std::erase_if(all, [&](const auto& one) { return busy(one.first) || in_use(one.second); });
  std::uint64_t total = 0;
  for (const auto& [uuid, recording] : all)
    total += recording.bytes;

  std::vector<const std::pair<const std::string, Recording>*> by_age;
  by_age.reserve(all.size());
  for (const auto& one : all)
    by_age.push_back(&one);
  std::sort(by_age.begin(), by_age.end(),
            [](const auto* a, const auto* b) { return a->second.changed_ms < b->second.changed_ms; });
  std::vector<std::string> uuids;
  std::vector<const Recording*> going;
  for (const auto* one : by_age) {
    const bool too_old = one->second.changed_ms < oldest_ms;
    const bool too_much = retention.bytes > 0 && total > retention.bytes;
    if (!too_old && !too_much) break;
    uuids.push_back(one->first);
    going.push_back(&one->second);
    total -= one->second.bytes;
  }
  if (database) {
    const auto done = database->forget_files(uuids);
    if (!done && done.error().fault != Fault::full) return tl::unexpected(done.error());
  }
  for (const Recording* recording : going)
    remove(*recording, out);
  return out;
}

} // namespace talky::store
