#include "stdio.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "control.hpp"
#include "core/bytes.hpp"
#include "net/entropy.hpp"
#include "net/stream.hpp"

namespace talky::agent {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxQueue = 4U << 20;
constexpr Duration kStartPatience =
    2s; // for `start` on descriptor 3, before audio begins the call without it
constexpr Duration kStopPatience = 10s; // for the bridge to end the call after our hangup

// A pipe or socket that can be used in that direction: then it was put there for us. Whatever a shell left
// open there (a file, a terminal) is not.
bool is_pipe(int fd, bool to_read) {
  struct stat info {};
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fstat(fd, &info) != 0) return false;
  if (!S_ISFIFO(info.st_mode) && !S_ISSOCK(info.st_mode)) return false;
  const int mode = flags & O_ACCMODE;
  return mode == O_RDWR || mode == (to_read ? O_RDONLY : O_WRONLY);
}

// epoll refuses files and devices such as /dev/null, which on the other hand never block.
bool is_pollable(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || ::isatty(fd) != 0);
}

std::shared_ptr<net::Connection> adopt(net::Loop& loop, int fd) {
  return net::Connection::adopt(loop, net::Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 5)), kMaxQueue);
}

} // namespace

class StdioCall::Impl final : public Peer {
 public:
  Impl(Context& context, std::function<void(bool)> done)
      : context_(context),
        done_(std::move(done)),
        timer_(context.loop, [this] { timed_out(); }),
        call_(context, *this, call_name_) {
    controlled_ = is_pipe(3, true) && is_pipe(4, false);
  }

  void begin() {
    if (is_pollable(1)) {
      out_ = adopt(context_.loop, 1);
      out_->start({{}, [this](int error) { output_closed(error); }, [this] { call_.drained(); }});
      out_->pause_reading(true); // nothing is read from there
    }
    if (controlled_) {
      control_out_ = adopt(context_.loop, 4);
      control_out_->start({{}, [](int) {}, {}});
      control_in_ = adopt(context_.loop, 3);
      control_in_->start({[this](Bytes bytes) { control_data(as_text(bytes)); }, [](int) {}, {}});
      timer_.at(net::now() + kStartPatience);
    } else {
      begin_call({call_name_, "", "", {}, {}, ""}, false);
    }
    if (is_pollable(0)) {
      in_ = adopt(context_.loop, 0);
      in_->start(
          {[this](Bytes bytes) { input(bytes); },
           [this](int error) { call_.end_of_input(error == 0 ? "end of input" : std::strerror(error)); },
           {}});
    } else {
      read_file();
    }
  }

  void shut_down() { call_.end("shut down"); }

  // Peer
  void audio(std::span<const std::int16_t> pcm) override {
    const auto bytes = std::as_bytes(pcm);
    if (out_) {
      // Only a full queue is news: an error is reported by output_closed().
      const bool full = out_->queued() + bytes.size() > kMaxQueue;
      if (out_->is_open() && !out_->write(bytes) && full) later("the peer does not read");
      return;
    }
    std::size_t written = 0;
    while (!failed_ && written < bytes.size()) {
      const ssize_t count = ::write(1, bytes.data() + written, bytes.size() - written);
      if (count > 0) {
        written += static_cast<std::size_t>(count);
      } else if (count == 0 || errno != EINTR) {
        failed_ = true;
        later(std::strerror(errno));
      }
    }
  }
  void control(const ipc::FromAgent& message) override {
    if (control_out_) control_out_->write(as_bytes(ipc::to_json(message) + "\n"));
    if (!std::holds_alternative<ipc::Hangup>(message)) return;
    // In lockstep there is a frame for each frame until the input ends. A bridge ends the call itself.
    if (context_.config.lockstep) return;
    hung_up_ = true;
    timer_.at(net::now() + (controlled_ ? kStopPatience : Duration::zero()));
  }
  std::size_t queued() const override { return out_ ? out_->queued() : 0; }
  void pause(bool pause) override {
    paused_ = pause;
    if (in_) {
      in_->pause_reading(pause);
    } else if (!pause) {
      read_file();
    }
  }
  void ended(std::string_view) override {
    timer_.cancel();
    ended_ = true;
    wait_for_output();
  }

 private:
  void begin_call(voice::in::Start start, bool reports) {
    timer_.cancel();
    call_.start(std::move(start), reports);
  }

  void later(std::string cause) {
    context_.loop.post([this, cause = std::move(cause)] { call_.end(cause); });
  }

  // What the last frames left in the queue goes out before the program ends.
  void wait_for_output() {
    if (out_ && out_->is_open() && out_->queued() > 0 && net::now() < output_deadline()) {
      timer_.at(net::now() + 20ms);
      return;
    }
    if (done_) context_.loop.post([done = std::exchange(done_, nullptr), ok = !failed_] { done(ok); });
  }
  Time output_deadline() {
    if (!deadline_) deadline_ = net::now() + 5s;
    return *deadline_;
  }

  void timed_out() {
    if (ended_) return wait_for_output();
    if (hung_up_) return call_.end("hung up");
    // No start came: the program was not started by a bridge after all.
    begin_call({call_name_, "", "", {}, {}, ""}, false);
  }

  // Samples may be cut in two by a read.
  void input(Bytes bytes) {
    pcm_.clear();
    for (const std::byte byte : bytes) {
      if (half_) {
        const auto low = std::to_integer<unsigned>(*half_), high = std::to_integer<unsigned>(byte);
        pcm_.push_back(static_cast<std::int16_t>(low | high << 8));
        half_.reset();
      } else {
        half_ = byte;
      }
    }
    call_.receive(pcm_);
  }

  void read_file() {
    if (reading_) return; // receive() below asks again
    reading_ = true;
    while (!paused_ && !ended_) {
      std::array<std::byte, 16384> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
      const ssize_t count = ::read(0, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        call_.end_of_input(count == 0 ? "end of input" : std::strerror(errno));
        break;
      }
      input(Bytes(buffer).first(static_cast<std::size_t>(count)));
    }
    reading_ = false;
  }

  void control_data(std::string_view text) {
    lines_.feed(text);
    std::string line;
    while (!ended_) {
      const auto there = lines_.next(line);
      if (there && !*there) return;
      if (there) {
        const auto message = ipc::parse_to_agent(line);
        if (message) {
          control_message(*message);
          continue;
        }
        if (message.error().code == Errc::unsupported) continue;
      }
      context_.log(log::Level::warn,
                   log::Line("control.refused").add("expected", "JSON lines of talky-bridge(7)"));
    }
  }

  void control_message(const ipc::ToAgent& message) {
    if (std::holds_alternative<ipc::Start>(message)) {
      begin_call(std::get<voice::in::Start>(to_voice(message, 1)), true);
    } else if (const auto* stop = std::get_if<ipc::Stop>(&message)) {
      call_.end_of_input(stop->reason.empty() ? "stop" : stop->reason);
    } else {
      call_.control(to_voice(message, 1));
    }
  }

  void output_closed(int error) {
    // A reader that went ends the call quietly, as SIGPIPE would.
    later(error == 0 || error == EPIPE ? "the output was closed" : std::strerror(error));
  }

  const std::string call_name_ = Random(net::entropy_seed()).uuid(); // until a start names it
  Context& context_;
  std::function<void(bool)> done_;
  net::Timer timer_;
  bool controlled_ = false;
  std::shared_ptr<net::Connection> in_, out_, control_in_, control_out_; // null: a regular file, or none
  ipc::LineDecoder lines_;
  std::optional<std::byte> half_;
  std::vector<std::int16_t> pcm_;
  std::optional<Time> deadline_;
  bool paused_ = false, reading_ = false, failed_ = false, hung_up_ = false, ended_ = false;
  Call call_; // last: it talks to the rest
};

StdioCall::StdioCall(Context& context, std::function<void(bool)> done)
    : impl_(std::make_unique<Impl>(context, std::move(done))) {}
StdioCall::~StdioCall() = default;
void StdioCall::begin() {
  impl_->begin();
}
void StdioCall::shut_down() {
  impl_->shut_down();
}

} // namespace talky::agent
