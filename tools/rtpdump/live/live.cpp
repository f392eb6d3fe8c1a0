#include "rtpdump/live/live.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <exception>
#include <optional>
#include <thread>

#include "capture/source.hpp"
#include "cli/exit_code.hpp"
#include "cli/failure.hpp"
#include "cli/main.hpp"
#include "net/loop.hpp"
#include "net/stream.hpp"
#include "net/udp.hpp"
#include "rtpdump/live/interface.hpp"

namespace talky::rtpdump {

namespace {

constexpr auto kSecond = std::chrono::seconds(1);
constexpr auto kGrowthPoll = std::chrono::milliseconds(200);
constexpr int kPairTries = 32;

class Capture {
 public:
  Capture(const LiveOptions& options, const LiveHandlers& handlers) : handlers_(handlers) {
    // Arrivals are told in monotonic time: the wall clock may be set while we listen.
    offset_us_ = net::wall_clock_us() - to_us(net::now());
    for (const std::string& where : options.listen)
      listen(where);
    for (const std::string& name : options.interfaces)
      watch(InterfaceCapture::open(name, options.capture_filter), name);
    if (!options.growing.empty()) follow(options.growing);
  }
  ~Capture() {
    if (restore_flags_ >= 0) ::fcntl(STDIN_FILENO, F_SETFL, restore_flags_);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  LiveLosses run(Duration limit) {
    loop_.on_signal({SIGINT, SIGTERM, SIGWINCH}, [this](int signal) {
      if (signal == SIGWINCH)
        guarded([this] { handlers_.tick(); });
      else
        loop_.stop();
    });
    for (const std::string& line : ready_)
      handlers_.ready(line);
    net::Timer end(loop_, [this] { loop_.stop(); });
    if (limit > Duration::zero()) end.at(net::now() + limit);
    Time next = net::now() + kSecond;
    net::Timer seconds(loop_, [&] {
      guarded([this] { handlers_.tick(); });
      next += kSecond;
      seconds.at(next);
    });
    seconds.at(next);
    loop_.run();
    if (!failure_) take_the_rest();
    if (failure_) std::rethrow_exception(failure_);
    LiveLosses losses;
    for (const net::UdpSocket& socket : sockets_)
      losses.dropped += socket.dropped();
    for (auto& [interface, dissector] : interfaces_)
      losses.dropped += interface->dropped();
    return losses;
  }

 private:
  // What came before the end is wanted, whichever of the two was noticed first; what comes after it is not
  // waited for.
  void take_the_rest() {
    const std::int64_t end_ns = (to_us(net::now()) + offset_us_) * 1000;
    if (!interfaces_.empty()) std::this_thread::sleep_for(InterfaceCapture::kHold);
    std::uint64_t before = 0;
    do {
      before = taken_;
      loop_.read_ready();
    } while (taken_ != before && newest_ns_ < end_ns && !failure_);
    if (growing_) guarded([this] { grow(); });
  }

  void came(std::int64_t time_ns) {
    ++taken_;
    newest_ns_ = time_ns;
  }

  // Exceptions do not pass through the loop, which knows none.
  template <class Work>
  void guarded(Work&& work) {
    try {
      work();
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
      loop_.stop();
    }
  }

  static net::UdpSocket::Options socket_options() {
    net::UdpSocket::Options options;
    options.receive_buffer = 4 << 20;
    options.packet_info = true;
    return options;
  }

  void listen(const std::string& where) {
    const auto local = net::resolve(where, std::nullopt);
    if (!local)
      throw cli::Failure(cli::ExitCode::usage, fmt::format("--listen {}: expected HOST:PORT", where));
    // A port that the system chooses is to be even too, with the next one free: RFC 3550 11.
    for (int attempt = 0;; ++attempt) {
      auto rtp = net::UdpSocket::open(loop_, *local, socket_options());
      if (!rtp)
        throw cli::Failure(cli::ExitCode::unavailable, fmt::format("{}: {}", where, rtp.error().message()));
      const Endpoint bound = rtp->local();
      const bool last_try = local->port != 0 || attempt == kPairTries;
      if (bound.port % 2 != 0) {
        if (!last_try) continue;
        ready_.push_back(fmt::format("listening on {}", bound.to_string()));
        take_from(std::move(*rtp));
        return;
      }
      const Endpoint control{bound.ip, static_cast<std::uint16_t>(bound.port + 1)};
      auto rtcp = net::UdpSocket::open(loop_, control, socket_options());
      if (!rtcp && !last_try) continue;
      if (rtcp) {
        ready_.push_back(fmt::format("listening on {}, and {} for RTCP", bound.to_string(), control.port));
        take_from(std::move(*rtcp));
      } else {
        ready_.push_back(fmt::format("listening on {} (without RTCP: port {}: {})", bound.to_string(),
                                     control.port, rtcp.error().message()));
      }
      take_from(std::move(*rtp));
      return;
    }
  }

  void take_from(net::UdpSocket socket) {
    const Endpoint bound = socket.local();
    sockets_.push_back(std::move(socket));
    sockets_.back().on_receive([this, bound](const net::UdpSocket::Datagram& datagram) {
      file::Segment segment;
      segment.time_ns = (to_us(datagram.arrival) + offset_us_) * 1000;
      segment.from = datagram.from;
      segment.to = {bound.ip.is_unspecified() ? datagram.to : bound.ip, bound.port};
      segment.payload = datagram.bytes;
      segment.payload_length = static_cast<std::uint32_t>(datagram.bytes.size());
      came(segment.time_ns);
      guarded([&] { handlers_.receive(segment, nullptr); });
    });
  }

  void watch(std::unique_ptr<InterfaceCapture> interface, const std::string& name) {
    auto dissector = std::make_unique<file::Dissector>();
    watches_.emplace_back(loop_, interface->fd(),
                          [this, i = interface.get(), d = dissector.get()](net::Watch::Ready) {
                            guarded([&] { take(*i, *d); });
                          });
    interfaces_.emplace_back(std::move(interface), std::move(dissector));
    ready_.push_back(fmt::format("listening in on {}", name));
  }

  void take(InterfaceCapture& interface, file::Dissector& dissector) {
    interface.read([&](const file::CapturedFrame& frame) {
      came(frame.time_ns);
      file::Segment segment;
      if (dissector.dissect(frame, segment)) handlers_.receive(segment, &frame);
    });
  }

  void follow(const std::string& path) {
    path_ = path;
    capture::Source source = cli::check_input(capture::Source::open(path), path);
    if (source.compressed())
      throw cli::Failure(cli::ExitCode::usage,
                         fmt::format("{}: is compressed: --follow reads captures as they are written, before "
                                     "that (without --follow it is read to its end)",
                                     cli::input_name(path)));
    growing_.emplace(std::move(source));
    if (path == "-") {
      // The header is read. From here on nothing waits: what is there is taken, and the loop tells of more.
      restore_flags_ = ::fcntl(STDIN_FILENO, F_GETFL);
      if (restore_flags_ >= 0) ::fcntl(STDIN_FILENO, F_SETFL, restore_flags_ | O_NONBLOCK);
    }
    poll_.emplace(loop_, [this] {
      guarded([this] { grow(); });
      if (!growing_ended_) poll_->at(net::now() + kGrowthPoll);
    });
    poll_->at(net::now());
    ready_.push_back(fmt::format("following {}", cli::input_name(path)));
  }

  void grow() {
    if (growing_ended_) return;
    growing_->resume();
    for (file::Segment segment;;) {
      const auto more = growing_->next(segment);
      if (!more) {
        growing_ended_ = true;
        cli::fail_input(path_, more.error());
      }
      if (!*more) break;
      handlers_.receive(segment, growing_->frame());
    }
    // A file may grow for ever; a pipe whose writer has gone does not.
    if (path_ == "-" && growing_->at_end()) {
      growing_ended_ = true;
      loop_.stop();
    }
  }

  const LiveHandlers& handlers_;
  net::Loop loop_;
  std::vector<std::string> ready_; // said when a signal ends it in good order
  std::int64_t offset_us_ = 0;
  std::uint64_t taken_ = 0;    // datagrams and frames
  std::int64_t newest_ns_ = 0; // of what was taken last
  std::vector<net::UdpSocket> sockets_;
  std::vector<std::pair<std::unique_ptr<InterfaceCapture>, std::unique_ptr<file::Dissector>>> interfaces_;
  std::vector<net::Watch> watches_; // go before what they watch
  std::string path_;
  std::optional<capture::Source> growing_;
  std::optional<net::Timer> poll_;
  bool growing_ended_ = false;
  int restore_flags_ = -1;
  std::exception_ptr failure_;
};

} // namespace

LiveLosses run_live(const LiveOptions& options, const LiveHandlers& handlers) {
  return Capture(options, handlers).run(options.limit);
}

} // namespace talky::rtpdump
