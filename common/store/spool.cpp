#include "store/spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <system_error>

#include "core/error.hpp"

namespace talky::store {
namespace fs = std::filesystem;
namespace {

constexpr off_t kReserve = 1 << 20; // bytes of a log that are taken from the disk in advance
constexpr std::string_view kEnding = ".spool";

// `reason` is errno.
tl::unexpected<Error> system_error(const std::string& path, int reason) {
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  return fail(full ? Fault::full : Fault::away, fmt::format("{}: {}", path, system_text(reason)));
}

// 0, or errno.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return done < 0 ? errno : ENOSPC;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return 0;
}

Outcome<std::string> read_all(int fd, const std::string& path) {
  std::string out;
  struct stat status {};
  if (::fstat(fd, &status) != 0) return system_error(path, errno);
  out.resize(static_cast<std::size_t>(status.st_size));
  std::size_t got = 0;
  while (got < out.size()) {
    const ssize_t done = ::pread(fd, out.data() + got, out.size() - got, static_cast<off_t>(got));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return system_error(path, errno);
    if (done == 0) break;
    got += static_cast<std::size_t>(done);
  }
  out.resize(got);
  return out;
}

void sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd); // where the file system cannot, the name is as safe as it gets
  ::close(fd);
}

// An empty file that we hold the lock of.
Outcome<int> make_log(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return system_error(path, errno);
  struct stat status {};
  // Another process may have adopted it, empty as it is, and removed it again, before it was locked.
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 || ::fstat(fd, &status) != 0 || status.st_nlink == 0) {
    ::close(fd);
    return system_error(path, EAGAIN);
  }
  // Not every file system can; then a full disk is felt sooner.
  (void)::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, kReserve);
  return fd;
}

} // namespace

Outcome<std::unique_ptr<Spool>> Spool::open(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(Fault::away, fmt::format("{}: {}", folder, error.message()));
  ::chmod(folder.c_str(), S_IRWXU); // another's folder, which we may still write: so be it
  for (int attempt = 0;; ++attempt) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::string path =
        fmt::format("{}/{}-{}{}", folder, std::chrono::duration_cast<std::chrono::microseconds>(now).count(),
                    ::getpid(), kEnding);
    const auto fd = make_log(path);
    if (fd) {
      sync_folder(folder);
      return std::unique_ptr<Spool>(new Spool(folder, path, *fd));
    }
    if (attempt == 3) return tl::unexpected(fd.error());
  }
}

Spool::~Spool() {
  for (const auto& [path, fd] : adopted_)
    ::close(fd);
  if (size_ == 0) ::unlink(path_.c_str());
  ::close(fd_);
}

SpoolText Spool::adopt() {
  SpoolText all;
  std::error_code ignored;
  std::vector<std::string> paths;
  for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
    const std::string path = entry.path().string();
    const bool log = path.ends_with(kEnding) || path.ends_with(std::string(kEnding) + ".new");
    if (log && path != path_) paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end()); // the oldest first
  for (const std::string& path : paths) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) continue;
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) { // its process lives
      ::close(fd);
      continue;
    }
    const auto text = read_all(fd, path);
    if (!text) { // it stays for the next start
      ::close(fd);
      continue;
    }
    SpoolText one = parse_spool(*text);
    all.damaged += one.damaged;
    std::move(one.entries.begin(), one.entries.end(), std::back_inserter(all.entries));
    adopted_.emplace_back(path, fd);
    if (one.damaged > 0) { // for whoever wants to look what it was
      std::error_code failed;
      fs::copy_file(path, path + ".damaged", fs::copy_options::overwrite_existing, failed);
    }
  }
  return all;
}

void Spool::drop_adopted() {
  for (const auto& [path, fd] : adopted_) {
    ::unlink(path.c_str());
    ::close(fd);
  }
  adopted_.clear();
}

Outcome<> Spool::append(std::span<const SpoolEntry> entries) {
  std::string text = torn_ ? "\n" : "";
  for (const SpoolEntry& entry : entries)
    text += to_line(entry);
  int reason = write_all(fd_, text);
  if (reason == 0 && ::fdatasync(fd_) != 0) reason = errno;
  if (reason != 0) {
    torn_ = ::ftruncate(fd_, static_cast<off_t>(size_)) != 0;
    return system_error(path_, reason);
  }
  torn_ = false;
  size_ += text.size();
  return {};
}

Outcome<SpoolText> Spool::read() const {
  const auto text = read_all(fd_, path_);
  if (!text) return tl::unexpected(text.error());
  return parse_spool(*text);
}

Outcome<> Spool::compact(const std::set<std::string>& uuids) {
  if (uuids.empty()) {
    if (::ftruncate(fd_, 0) != 0) return system_error(path_, errno);
    size_ = 0;
    (void)::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, kReserve);
    return {};
  }
  const auto old = read();
  if (!old) return tl::unexpected(old.error());
  std::map<std::string, const SpoolEntry*> last;
  for (const SpoolEntry& entry : old->entries) {
    const std::string uuid = uuid_of(entry);
    if (uuids.contains(uuid) && entry.kind != SpoolEntry::Kind::stored) last[uuid] = &entry;
  }
  std::string text;
  for (const auto& [uuid, entry] : last)
    text += to_line(*entry);
  const std::string path = path_ + ".new";
  ::unlink(path.c_str());
  const auto fd = make_log(path);
  if (!fd) return tl::unexpected(fd.error());
  int reason = write_all(*fd, text);
  if (reason == 0 && (::fsync(*fd) != 0 || ::rename(path.c_str(), path_.c_str()) != 0)) reason = errno;
  if (reason != 0) {
    ::unlink(path.c_str());
    ::close(*fd);
    return system_error(path, reason);
  }
  sync_folder(folder_);
  ::close(fd_);
  fd_ = *fd;
  size_ = text.size();
  return {};
}

Outcome<> Spool::set_aside(std::string_view json) {
  const std::string path = folder_ + "/refused.jsonl";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return system_error(path, errno);
  int reason = write_all(fd, std::string(json) + '\n');
  if (reason == 0 && ::fdatasync(fd) != 0) reason = errno;
  ::close(fd);
  if (reason != 0) return system_error(path, reason);
  return {};
}

} // namespace talky::store
