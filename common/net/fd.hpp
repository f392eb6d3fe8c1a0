// A file descriptor that closes itself, and what the system said when it refused.
#pragma once
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace talky::net {

// errno and the operation that it stopped; `what` is a string literal.
struct SystemError {
  int code = 0;
  const char* what = "";

  std::string message() const; // "bind: Address already in use"
};

template <class T = void>
using SysResult = tl::expected<T, SystemError>;

// return last_error("bind");
tl::unexpected<SystemError> last_error(const char* what);

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

// Raises the soft limit of open files to the hard one; gives the limit that holds now.
std::size_t raise_fd_limit();

} // namespace talky::net
