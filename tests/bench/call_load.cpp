// Places many calls at once on a SIP server over loopback UDP, sends a tone packet in each every 20 ms, and
// measures what comes back: set-up time, lost packets, and how far each packet is off the 20 ms grid of its
// stream, all by the kernel's own receive time stamps. Written without talky's libraries, so that it judges
// talky and its peers alike.
//
//   call_load --to 127.0.0.1:5060 --calls 200 --seconds 20 [--pid SERVER] [--user 100] [--each yes] [--rate
//   CALLS_PER_SECOND] [--first CALLS]
//
// It wakes up 500 times a second and no more, sends a tenth of the streams their packet and reads what has
// come: so a thousand calls take about a third of a core, and what it is late by itself is a figure of its
// own (load_late_ms): when that is high, the machine had no room for it, and the server is not to blame.
//
// With --first so many calls are placed first and left alone for 3 s, then the rest: what the server's memory
// has grown by between the two is what a call takes, without what the server takes for itself (rss_slope_kb).
//
// Prints one JSON object. Exit status 0 if every call was answered and ended, 1 if not, 2 for a usage or
// system error.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "load_tools.hpp"

using namespace load;

namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kTickNs = 20'000'000;
constexpr std::int64_t kStepNs = kTickNs / 10;
constexpr std::int64_t kRetryNs = kSecondNs / 2;
constexpr std::int64_t kSettleNs = 3 * kSecondNs;      // between the first calls and the rest
constexpr std::int64_t kSetupLimitNs = 60 * kSecondNs; // beyond what the rate of the calls asks for
constexpr std::int64_t kByeLimitNs = 10 * kSecondNs;   // likewise
constexpr int kByesAStep = 2;                          // 1,000 a second

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5060;
  std::string user = "100";
  bool each = false; // a number for each call: user, user + 1, ...
  std::size_t calls = 200;
  std::size_t first = 0; // of them before the others
  int seconds = 20;
  int rate = 100;
  int pid = 0;
};

Options parse(std::span<char*> args) {
  Options o;
  for (std::size_t i = 1; i + 1 < args.size(); i += 2) {
    const std::string_view key = args[i];
    const std::string value = args[i + 1];
    if (key == "--to") {
      const std::size_t colon = value.rfind(':');
      if (colon == std::string::npos) {
        errno = EINVAL;
        die("--to wants HOST:PORT");
      }
      o.host = value.substr(0, colon);
      o.port = static_cast<std::uint16_t>(std::stoi(value.substr(colon + 1)));
    } else if (key == "--calls") {
      o.calls = std::stoul(value);
    } else if (key == "--first") {
      o.first = std::stoul(value);
    } else if (key == "--seconds") {
      o.seconds = std::stoi(value);
    } else if (key == "--rate") {
      o.rate = std::stoi(value);
    } else if (key == "--pid") {
      o.pid = std::stoi(value);
    } else if (key == "--user") {
      o.user = value;
    } else if (key == "--each") {
      o.each = value == "yes";
    } else {
      errno = EINVAL;
      die(key);
    }
  }
  o.first = std::min(o.first, o.calls);
  return o;
}

struct Call {
  int fd = -1;
  std::uint16_t rtp_port = 0;
  std::string user, id, to_tag, contact;
  sockaddr_in remote{};
  std::int64_t invited = 0, answered = 0; // CLOCK_REALTIME, ns; the answer by the kernel's time stamp
  std::int64_t last_try = 0;              // CLOCK_MONOTONIC, ns: of INVITE, then of BYE
  bool up = false, failed = false, bye_sent = false, ended = false;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint64_t sent = 0, received = 0, lost = 0, reordered = 0;
  std::optional<std::uint16_t> first, highest;
  std::int64_t first_at = 0;         // CLOCK_REALTIME, ns
  std::vector<std::int64_t> offsets; // arrival minus its place on the 20 ms grid of the first packet, ns
};

struct Received {
  std::size_t size = 0;
  std::int64_t at = 0; // CLOCK_REALTIME, ns: when the kernel had it
};

// Nothing if nothing waits.
std::optional<Received> receive(int fd, std::span<char> buffer) {
  std::array<char, 256> control{};
  iovec io{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_iov = &io;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t size = recvmsg(fd, &header, 0);
  if (size <= 0) return std::nullopt;
  Received out{.size = static_cast<std::size_t>(size)};
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec t{};
    std::memcpy(&t, CMSG_DATA(c), sizeof t);
    out.at = static_cast<std::int64_t>(t.tv_sec) * kSecondNs + t.tv_nsec;
  }
  return out;
}

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options), server_(address(options.host, options.port)), calls_(options.calls) {
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
      files.rlim_cur = files.rlim_max;
      (void)setrlimit(RLIMIT_NOFILE, &files); // where that is too few, socket() says so
    }
    sip_ = udp_socket(sip_port_);
    media_ = epoll_create1(EPOLL_CLOEXEC);
    if (media_ < 0) die("epoll_create1");
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      Call& call = calls_[i];
      call.fd = udp_socket(call.rtp_port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = i;
      if (epoll_ctl(media_, EPOLL_CTL_ADD, call.fd, &event) != 0) die("epoll_ctl");
      call.user = options.each ? fmt::format("{}", std::stoul(options.user) + i) : options.user;
      call.id = fmt::format("load-{}-{}", getpid(), i);
      by_id_[call.id] = i;
      call.sequence = static_cast<std::uint16_t>(i * 7);
      call.offsets.reserve(static_cast<std::size_t>(options.seconds + 30) * 50);
    }
    for (std::size_t i = 0; i < tone_.size(); ++i)
      tone_[i] = static_cast<std::uint8_t>(0x80 + (i % 16) * 3);
  }

  int run() {
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    itimerspec every{};
    every.it_interval.tv_nsec = kStepNs;
    every.it_value.tv_nsec = kStepNs;
    timerfd_settime(timer, 0, &every, nullptr);
    std::array<pollfd, 2> fds{{{sip_, POLLIN, 0}, {timer, POLLIN, 0}}};

    idle_ = usage(options_.pid);
    const std::int64_t start = now_ns(CLOCK_MONOTONIC);
    std::int64_t step = 0;
    while (!over_) {
      if (poll(fds.data(), fds.size(), 100) < 0 && errno != EINTR) die("poll");
      if ((fds[0].revents & POLLIN) != 0) receive_sip();
      std::uint64_t expirations = 0;
      if (read(timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN) die("timerfd");
      const std::int64_t now = now_ns(CLOCK_MONOTONIC);
      // The calls' packets are spread over the 20 ms, a tenth of them in each step.
      for (; start + step * kStepNs <= now; ++step) {
        late_ms_.push_back(static_cast<double>(now - start - step * kStepNs) / 1e6);
        if (bye_at_ != 0) continue;
        for (auto i = static_cast<std::size_t>(step % 10); i < invited_; i += 10)
          send_rtp(calls_[i]);
      }
      read_media();
      place(now);
      if (bye_at_ != 0) end(now);
    }
    return report();
  }

 private:
  // Who is to be invited next, and again; and the measurements that lie between the phases.
  void place(std::int64_t now) {
    if (bye_at_ != 0) return;
    if (phase_at_ == 0) phase_at_ = now;
    const std::size_t until = first_over_ ? calls_.size() : options_.first;
    while (invited_ < until &&
           now - phase_at_ >= static_cast<std::int64_t>(invited_ - phase_from_) * kSecondNs / options_.rate)
      invite(calls_[invited_++], now);
    if (invited_ > up_) {
      for (std::size_t i = phase_from_; i < invited_; ++i)
        retry(calls_[i], now);
    }
    const auto asked = static_cast<std::int64_t>(until - phase_from_) * kSecondNs / options_.rate;
    if (up_ < until) {
      over_ = now - phase_at_ > asked + kSetupLimitNs;
      return;
    }
    if (all_up_ == 0) {
      all_up_ = now;
      if (first_over_) before_ = usage(options_.pid);
    }
    if (!first_over_) {
      if (until > 0 && now - all_up_ < kSettleNs) return;
      first_ = usage(options_.pid);
      first_over_ = true;
      phase_at_ = all_up_ = 0;
      phase_from_ = invited_;
    } else if (now - all_up_ > options_.seconds * kSecondNs) {
      after_ = usage(options_.pid);
      bye_at_ = now;
    }
  }

  void end(std::int64_t now) {
    int byes = 0;
    for (Call& call : calls_) {
      if (call.failed || call.ended || (call.bye_sent && now - call.last_try < kRetryNs)) continue;
      if (++byes > kByesAStep) break;
      call.bye_sent = true;
      call.last_try = now;
      send_sip(request("BYE", call, "BYE", 2, call.contact, "bye") + "Content-Length: 0\r\n\r\n");
    }
    const auto asked = static_cast<std::int64_t>(calls_.size()) * kStepNs / kByesAStep;
    over_ = ended_ == calls_.size() || now - bye_at_ > asked + kByeLimitNs;
  }

  void send_sip(const std::string& text) const {
    (void)sendto(sip_, text.data(), text.size(), 0, generic(server_), sizeof server_);
  }

  std::string request(std::string_view method, const Call& call, std::string_view cseq_method, int cseq,
                      std::string_view uri, std::string_view branch) const {
    return fmt::format(
        "{} {} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{};branch=z9hG4bK-{}-{};rport\r\nMax-Forwards: 70\r\n"
        "From: <sip:load@127.0.0.1>;tag=t{}\r\nTo: <sip:{}@{}:{}>{}{}\r\nCall-ID: {}\r\nCSeq: {} {}\r\n"
        "Contact: <sip:load@127.0.0.1:{}>\r\n",
        method, uri, sip_port_, call.id, branch, call.id, call.user, options_.host, options_.port,
        call.to_tag.empty() ? "" : ";tag=", call.to_tag, call.id, cseq, cseq_method, sip_port_);
  }

  void invite(Call& call, std::int64_t now) {
    if (call.invited == 0) call.invited = now_ns(CLOCK_REALTIME);
    call.last_try = now;
    const std::string sdp = fmt::format(
        "v=0\r\no=load 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\n"
        "a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n",
        call.rtp_port);
    send_sip(request("INVITE", call, "INVITE", 1, uri(call), "inv") +
             fmt::format("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{}", sdp.size(), sdp));
  }

  void retry(Call& call, std::int64_t now) {
    if (!call.up && now - call.last_try > kRetryNs) invite(call, now);
  }

  std::string uri(const Call& call) const {
    return fmt::format("sip:{}@{}:{}", call.user, options_.host, options_.port);
  }

  void receive_sip() {
    while (const auto received = receive(sip_, sip_buffer_)) {
      const std::string_view text(sip_buffer_.data(), received->size);
      const auto found = by_id_.find(std::string(between(text, "Call-ID: ", "\r\n")));
      if (found == by_id_.end() || !text.starts_with("SIP/2.0 ")) continue;
      Call& call = calls_[found->second];
      const int status = number(text.substr(8, 3));
      const std::string_view cseq = between(text, "CSeq: ", "\r\n");
      if (cseq.ends_with("BYE")) {
        if (!std::exchange(call.ended, true)) ++ended_;
      } else if (status >= 200) {
        if (!std::exchange(call.up, true)) ++up_;
        if (status >= 300) {
          if (!std::exchange(call.failed, true)) ++ended_;
          continue;
        }
        const std::string_view to = between(text, "\r\nTo: ", "\r\n");
        call.to_tag = between(to, ";tag=", ";");
        call.contact = between(between(text, "\r\nContact: ", "\r\n"), "<", ">");
        if (call.contact.empty()) call.contact = uri(call);
        const std::string_view media = between(text, "\r\nm=audio ", " ");
        const std::string_view host = between(text, "\r\nc=IN IP4 ", "\r\n");
        call.remote = address(std::string(host), static_cast<std::uint16_t>(number(media)));
        if (call.answered == 0) call.answered = received->at;
        send_sip(request("ACK", call, "ACK", 1, call.contact, "ack") + "Content-Length: 0\r\n\r\n");
      }
    }
  }

  void send_rtp(Call& call) {
    if (call.answered == 0) return;
    std::array<std::uint8_t, 172> packet{};
    packet[0] = 0x80;
    packet[1] = call.sent == 0 ? 0x80 : 0;
    packet[2] = static_cast<std::uint8_t>(call.sequence >> 8);
    packet[3] = static_cast<std::uint8_t>(call.sequence & 0xff);
    for (std::size_t i = 0; i < 4; ++i)
      packet[4 + i] = static_cast<std::uint8_t>(call.timestamp >> (24 - 8 * i) & 0xff);
    packet[11] = static_cast<std::uint8_t>(call.rtp_port & 0xff);
    packet[10] = static_cast<std::uint8_t>(call.rtp_port >> 8);
    std::copy(tone_.begin(), tone_.end(), packet.begin() + 12);
    (void)sendto(call.fd, packet.data(), packet.size(), 0, generic(call.remote), sizeof call.remote);
    ++call.sequence;
    call.timestamp += 160;
    ++call.sent;
  }

  // One datagram of each socket in turn, until none has any: the kernel says which have, so that none is
  // asked for nothing.
  void read_media() {
    std::array<epoll_event, 256> events{};
    while (true) {
      const int count = epoll_wait(media_, events.data(), static_cast<int>(events.size()), 0);
      if (count <= 0) return;
      for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(count)))
        receive_rtp(calls_[event.data.u64]);
    }
  }

  static void receive_rtp(Call& call) {
    std::array<char, 2048> buffer{};
    const auto received = receive(call.fd, buffer);
    if (!received || received->size < 12) return;
    const auto octet = [&buffer](std::size_t i) {
      return static_cast<unsigned>(static_cast<std::uint8_t>(buffer[i]));
    };
    if ((octet(1) & 0x7f) >= 72 && (octet(1) & 0x7f) <= 76) return; // RTCP
    const auto sequence = static_cast<std::uint16_t>(octet(2) << 8 | octet(3));
    ++call.received;
    if (!call.first) {
      call.first = call.highest = sequence;
      call.first_at = received->at;
      return;
    }
    const auto step = static_cast<std::int16_t>(sequence - *call.highest);
    if (step <= 0) {
      ++call.reordered;
      return;
    }
    call.lost += static_cast<std::uint64_t>(step - 1);
    call.highest = sequence;
    const auto index = static_cast<std::uint16_t>(sequence - *call.first);
    call.offsets.push_back(received->at - call.first_at - index * kTickNs);
  }

  int report() {
    std::vector<double> pacing;
    std::vector<double> setup;
    std::vector<double> first;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t lost = 0;
    std::uint64_t late = 0;
    std::size_t answered = 0;
    std::size_t ended = 0;
    for (Call& call : calls_) {
      answered += call.answered != 0 ? 1u : 0u;
      ended += call.ended ? 1u : 0u;
      sent += call.sent;
      received += call.received;
      lost += call.lost;
      if (call.answered != 0) setup.push_back(static_cast<double>(call.answered - call.invited) / 1e6);
      if (call.first_at != 0) first.push_back(static_cast<double>(call.first_at - call.answered) / 1e6);
      if (call.offsets.empty()) continue;
      // The grid of a stream is where most of its packets are, not where the first one happened to fall.
      std::vector<std::int64_t> sorted = call.offsets;
      std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2),
                       sorted.end());
      const std::int64_t middle = sorted[sorted.size() / 2];
      for (const std::int64_t offset : call.offsets) {
        const double off = std::abs(static_cast<double>(offset - middle)) / 1e6;
        pacing.push_back(off);
        late += off > 20 ? 1u : 0u;
      }
    }
    const double seconds = bye_at_ != 0 ? static_cast<double>(bye_at_ - all_up_) / 1e9 : 0;
    const double cpu = seconds > 0 && options_.pid != 0 ? (after_.cpu_s - before_.cpu_s) / seconds * 100 : 0;
    const double user =
        seconds > 0 && options_.pid != 0 ? (after_.user_s - before_.user_s) / seconds * 100 : 0;
    const auto n = static_cast<double>(calls_.size());
    const double between = n - static_cast<double>(options_.first);
    const double slope = between > 0 ? (after_.rss_kb - first_.rss_kb) / between : 0;
    fmt::print(
        "{{\"calls\":{},\"answered\":{},\"ended\":{},\"seconds\":{:.1f},\"packets_sent\":{},\"packets_"
        "received\":{},"
        "\"lost\":{},\"late_over_20ms\":{},\"pacing_ms\":{{\"p50\":{:.3f},\"p99\":{:.3f},\"max\":{:.3f}}},"
        "\"setup_ms\":{{\"p50\":{:.2f},\"p95\":{:.2f}}},\"first_packet_ms\":{{\"p50\":{:.2f},\"p95\":{:.2f}}}"
        ",\"load_late_ms\":{{\"p50\":{:.3f},\"p99\":{:.3f},\"max\":{:.3f}}},"
        "\"cpu_percent_of_a_core\":{:.2f},\"cpu_percent_a_call\":{:.4f},\"user_percent_a_call\":{:.4f},"
        "\"rss_idle_kb\":{:.0f},\"rss_first_kb\":{:.0f},\"rss_kb\":{:.0f},\"rss_slope_kb\":{:.1f}}}\n",
        calls_.size(), answered, ended, seconds, sent, received, lost, late, percentile(pacing, 0.5),
        percentile(pacing, 0.99), percentile(pacing, 1.0), percentile(setup, 0.5), percentile(setup, 0.95),
        percentile(first, 0.5), percentile(first, 0.95), percentile(late_ms_, 0.5),
        percentile(late_ms_, 0.99), percentile(late_ms_, 1.0), cpu, cpu / n, user / n, idle_.rss_kb,
        first_.rss_kb, after_.rss_kb, slope);
    return answered == calls_.size() && ended == calls_.size() ? 0 : 1;
  }

  Options options_;
  sockaddr_in server_;
  std::vector<Call> calls_;
  std::map<std::string, std::size_t> by_id_;
  int sip_ = -1;
  int media_ = -1; // the epoll set of the calls' sockets
  std::uint16_t sip_port_ = 0;
  std::array<char, 65536> sip_buffer_{};
  std::array<std::uint8_t, 160> tone_{};

  std::size_t invited_ = 0, up_ = 0, ended_ = 0; // calls; up: answered or refused
  bool first_over_ = false;                      // the calls of --first stand, and were measured
  std::size_t phase_from_ = 0;                   // the first call of the phase
  std::int64_t phase_at_ = 0;                    // CLOCK_MONOTONIC, ns: when its first call was placed
  std::int64_t all_up_ = 0, bye_at_ = 0;         // likewise: all calls of the phase stood, the end began
  bool over_ = false;
  Usage idle_, first_, before_, after_;
  std::vector<double> late_ms_; // of each step
};

} // namespace

int main(int argc, char** argv) {
  try {
    return Load(parse({argv, static_cast<std::size_t>(argc)})).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "call_load: %s\n", error.what());
    return 2;
  }
}
