#include "play.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <ctime>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>

#include "cli/exit_code.hpp"
#include "core/ascii.hpp"
#include "net/fd.hpp"
#include "net/loop.hpp"
#include "net/stream.hpp"
#include "net/udp.hpp"

namespace talky::rtpdump {

namespace {

constexpr std::int64_t kNs = 1'000'000'000;
constexpr int kFullTries = 1'000; // of a millisecond, for a socket that has no room
constexpr int kPairTries = 32;

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * kNs + now.tv_nsec;
}

// Counts of microseconds in bins that widen: within 1/16 of any value, in constant memory.
class Histogram {
 public:
  void add(std::int64_t us) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(us, 0));
    ++bins_[std::min(index(value), bins_.size() - 1)];
    ++count_;
    highest_ = std::max(highest_, value);
  }
  double quantile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < bins_.size(); ++i) {
      seen += bins_[i];
      if (seen >= wanted && seen > 0) return std::min(upper(i), static_cast<double>(highest_));
    }
    return 0;
  }
  double highest() const { return static_cast<double>(highest_); }

 private:
  static constexpr std::size_t kSteps = 16; // to a doubling
  static std::size_t index(std::uint64_t value) {
    if (value < kSteps) return static_cast<std::size_t>(value);
    const auto octave = static_cast<std::size_t>(std::ilogb(static_cast<double>(value))) - 4;
    return kSteps * (octave + 1) + static_cast<std::size_t>((value >> octave) - kSteps);
  }
  static double upper(std::size_t i) {
    if (i < kSteps) return static_cast<double>(i);
    return std::ldexp(static_cast<double>(kSteps + i % kSteps + 1), static_cast<int>(i / kSteps) - 1);
  }
  std::array<std::uint64_t, kSteps * 32> bins_{};
  std::uint64_t count_ = 0;
  std::uint64_t highest_ = 0;
};

} // namespace

Endpoint play_target(const std::string& text) {
  constexpr std::string_view kScheme = "udp:";
  const std::string where = text.starts_with(kScheme) ? text.substr(kScheme.size()) : text;
  const auto to = net::resolve(where, std::nullopt);
  if (!to || to->port == 0 || to->port == 65'535)
    throw cli::Failure(cli::ExitCode::usage, fmt::format("--play {}: expected udp:HOST:PORT", text));
  return *to;
}

double play_speed(const std::string& text) {
  if (text == "max" || text == "0") return 0;
  char* end = nullptr;
  const double speed = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(speed) || speed < 0.001 || speed > 1000)
    throw cli::Failure(cli::ExitCode::usage, fmt::format("--speed {}: expected 0.001 to 1000, or max", text));
  return speed;
}

struct Player::Impl {
  explicit Impl(const PlayOptions& wanted) : options(wanted) {
    const Endpoint any{options.to.ip.is_v4() ? IpAddress::v4(0, 0, 0, 0) : IpAddress{}, 0};
    // An even port and the next one, as a telephone sends from.
    for (int attempt = 0; attempt <= kPairTries; ++attempt) {
      auto first = net::UdpSocket::open(loop, any, {});
      if (!first) throw cli::Failure(cli::ExitCode::unavailable, first.error().message());
      const std::uint16_t port = first->local().port;
      auto second = net::UdpSocket::open(loop, {any.ip, static_cast<std::uint16_t>(port + 1)}, {});
      if ((port % 2 != 0 || !second) && attempt < kPairTries) continue;
      if (!second) second = net::UdpSocket::open(loop, any, {});
      if (!second) throw cli::Failure(cli::ExitCode::unavailable, second.error().message());
      rtp.emplace(std::move(*first));
      rtcp.emplace(std::move(*second));
      break;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals, &former);
    stop = net::Fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    // The system may otherwise round a wait up by 50 us to save power.
    ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  }
  ~Impl() { ::pthread_sigmask(SIG_SETMASK, &former, nullptr); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // False if a signal came.
  bool wait_until(std::int64_t when_ns) {
    pollfd signal{stop.get(), POLLIN, 0};
    for (;;) {
      const std::int64_t left = when_ns - monotonic_ns();
      // Look for signals even when late: a recording that is sent at full speed can be ended too.
      const timespec wait{static_cast<time_t>(std::max<std::int64_t>(left, 0) / kNs),
                          static_cast<long>(std::max<std::int64_t>(left, 0) % kNs)};
      const int ready = ::ppoll(&signal, 1, &wait, nullptr);
      if (ready > 0) return false;
      if (left <= 0 || monotonic_ns() >= when_ns) return true;
    }
  }

  PlayOptions options;
  net::Loop loop;
  std::optional<net::UdpSocket> rtp, rtcp;
  net::Fd stop;
  sigset_t former{};
  std::optional<std::int64_t> start_ns;
  std::int64_t last_ns = 0;
  Histogram late;
  Summary summary;
};

Player::Player(const PlayOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Player::~Player() = default;

bool Player::send(std::int64_t due_ns, bool rtcp, Bytes packet) {
  Impl& i = *impl_;
  const std::int64_t offset =
      i.options.speed > 0 ? std::llround(static_cast<double>(due_ns) / i.options.speed) : 0;
  if (!i.start_ns) i.start_ns = monotonic_ns() - offset;
  const std::int64_t when = *i.start_ns + offset;
  if (!i.wait_until(when)) {
    i.summary.stopped = true;
    return false;
  }
  Endpoint to = i.options.to;
  if (rtcp) ++to.port;
  net::UdpSocket& socket = rtcp ? *i.rtcp : *i.rtp;
  const std::int64_t now = monotonic_ns();
  bool sent = false;
  for (int attempt = 0; attempt < kFullTries; ++attempt) {
    const auto done = socket.send(packet, to);
    sent = done.has_value();
    // Nobody listening is nobody's mistake here: the packet went out.
    if (!sent && done.error().code == ECONNREFUSED) sent = true;
    if (sent || (done.error().code != EAGAIN && done.error().code != ENOBUFS)) break;
    if (!i.wait_until(monotonic_ns() + kNs / 1000)) {
      i.summary.stopped = true;
      return false;
    }
  }
  i.last_ns = now;
  if (!sent) {
    ++i.summary.failed;
    return true;
  }
  if (i.options.speed > 0) i.late.add((now - when) / 1000);
  ++(rtcp ? i.summary.rtcp : i.summary.rtp);
  i.summary.bytes += packet.size();
  return true;
}

Player::Summary Player::finish() {
  Impl& i = *impl_;
  if (i.start_ns) i.summary.seconds = static_cast<double>(i.last_ns - *i.start_ns) * 1e-9;
  i.summary.late_median_us = i.late.quantile(0.5);
  i.summary.late_p99_us = i.late.quantile(0.99);
  i.summary.late_max_us = i.late.highest();
  return i.summary;
}

} // namespace talky::rtpdump
