// What call_load and idle_timer stand on: sockets, clocks, and what a process has used. None of talky's
// libraries.
#pragma once
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace load {

[[noreturn]] inline void die(std::string_view what) {
  std::fprintf(stderr, "call_load: %.*s: %s\n", static_cast<int>(what.size()), what.data(),
               std::strerror(errno));
  std::exit(2);
}

inline std::int64_t now_ns(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

inline sockaddr_in address(const std::string& host, std::uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &a.sin_addr) != 1) die(host);
  return a;
}

// Sockets take any address family behind a sockaddr pointer.
inline const sockaddr* generic(const sockaddr_in& a) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&a));
}
inline sockaddr* generic(sockaddr_in& a) {
  return static_cast<sockaddr*>(static_cast<void*>(&a));
}

inline int udp_socket(std::uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  sockaddr_in a = address("127.0.0.1", 0);
  socklen_t size = sizeof a;
  if (bind(fd, generic(a), size) != 0) die("bind");
  if (getsockname(fd, generic(a), &size) != 0) die("getsockname");
  port = ntohs(a.sin_port);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  const int room = 1 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  return fd;
}

inline std::string_view between(std::string_view text, std::string_view from, std::string_view to) {
  const std::size_t start = text.find(from);
  if (start == std::string_view::npos) return {};
  text.remove_prefix(start + from.size());
  return text.substr(0, text.find(to));
}

// 0 for what is none.
inline int number(std::string_view text) {
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

struct Usage {
  double cpu_s = 0;
  double user_s = 0; // of it outside the kernel
  double rss_kb = 0;
};

inline Usage usage(int pid) {
  Usage u;
  if (pid == 0) return u;
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const std::size_t paren = text.rfind(')');
  if (paren == std::string::npos) return u;
  std::vector<std::string> fields;
  std::string field;
  for (const char c : text.substr(paren + 2)) {
    if (c == ' ') {
      fields.push_back(field);
      field.clear();
    } else {
      field += c;
    }
  }
  if (fields.size() < 22) return u;
  u.user_s = std::stod(fields[11]) / static_cast<double>(sysconf(_SC_CLK_TCK));
  u.cpu_s = u.user_s + std::stod(fields[12]) / static_cast<double>(sysconf(_SC_CLK_TCK));
  u.rss_kb = std::stod(fields[21]) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
  // The figure of /proc/PID/stat is one of counters that are added up now and then; this one is counted.
  std::ifstream maps(fmt::format("/proc/{}/smaps_rollup", pid));
  for (std::string line; std::getline(maps, line);) {
    if (line.starts_with("Rss:")) u.rss_kb = std::stod(line.substr(4));
  }
  return u;
}

inline double percentile(std::vector<double>& values, double p) {
  if (values.empty()) return 0;
  const auto index = std::lround(p * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + index, values.end());
  return values[static_cast<std::size_t>(index)];
}

} // namespace load
