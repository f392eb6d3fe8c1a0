#include "sipd/bridge/exec_bridge.hpp"

#include <fmt/format.h>

#include <optional>

#include "ipc/audiosocket.hpp"
#include "net/process.hpp"
#include "sipd/bridge/remote_bridge.hpp"

namespace talky::sipd {
namespace {

constexpr auto kGoodbyeLimit = std::chrono::milliseconds(500); // for what is queued when the call has ended
constexpr auto kStopGrace = std::chrono::seconds(2);           // from SIGTERM to SIGKILL
constexpr std::size_t kMaxQueue = 262'144;                     // eight seconds of the caller's audio
constexpr int kMaxStderrLines = 50;                            // of a call in the log

class ExecBridge : public RemoteBridge {
 public:
  ExecBridge(BridgeHost& host, net::Loop& loop, std::string command)
      : RemoteBridge(host), loop_(loop), command_(std::move(command)) {}

  ~ExecBridge() override {
    if (process_) process_->stop(kStopGrace);
  }

  void start(Time now) override {
    const ipc::Start& about = host_.about();
    net::Process::Options options;
    options.argv = {"/bin/sh", "-c", command_};
    options.environment = {"TALKY_CALL=" + about.call, "TALKY_FROM=" + about.from, "TALKY_TO=" + about.to};
    options.pipe_stdio = true;
    options.pipe_stderr = true;
    options.pipe_control = true;
    options.max_queue = kMaxQueue;
    auto spawned =
        net::Process::spawn(loop_, options, [this](net::Process::Exit exit) { exited(exit, net::now()); });
    if (!spawned) return lose(spawned.error().message(), now);
    process_ = std::move(*spawned);
    process_->in()->start({});
    process_->control_in()->start({});
    process_->out()->start({.data = [this](Bytes bytes) { received(bytes, net::now()); },
                            .closed = [this](int /*error*/) { output_ended(net::now()); },
                            .drained = {}});
    process_->control_out()->start(
        {.data = [this](Bytes bytes) { control(bytes, net::now()); }, .closed = {}, .drained = {}});
    process_->err()->start({.data = [this](Bytes bytes) { complaints(bytes); }, .closed = {}, .drained = {}});
    tell(about);
    host_.ready(now);
  }

  void stop(std::string_view reason) override {
    if (!process_) return;
    tell(ipc::Stop{std::string(reason)});
    over_ = true;
    // The end of its input is how a filter learns that the call is over; the signal is for those that do not
    // read.
    process_->in()->close_when_drained(net::now() + kGoodbyeLimit);
    process_->control_in()->close_when_drained(net::now() + kGoodbyeLimit);
    process_->stop_later(kGoodbyeLimit, kStopGrace);
    process_.reset();
  }

 protected:
  void tell(const ipc::ToAgent& message) override {
    if (!process_) return;
    const std::string line = ipc::to_json(message) + "\n";
    process_->control_in()->write(as_bytes(line)); // a program that does not read fd 3 does not want to know
  }

  bool send_audio(std::span<const std::int16_t> samples, Time /*now*/) override {
    if (!process_ || !process_->in()->is_open()) return true; // it has closed its input: it only speaks
    out_.clear();
    ipc::encode_audio(samples, ipc::Kind::slin16, out_);
    return process_->in()->write(Bytes(out_).subspan(ipc::kHeaderSize));
  }

  void pause(bool paused) override {
    if (process_) process_->out()->pause_reading(paused);
  }

  void break_off() override {
    if (process_) process_->stop(kStopGrace);
  }

 private:
  void received(Bytes bytes, Time now) {
    rest_.insert(rest_.end(), bytes.begin(), bytes.end());
    const std::size_t whole = rest_.size() / 2 * 2;
    samples_.clear();
    ipc::decode_audio(Bytes(rest_).first(whole), samples_);
    rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(whole));
    agent_audio(samples_, now);
  }

  void control(Bytes bytes, Time now) {
    lines_.feed(as_text(bytes));
    std::string line;
    while (!over_) {
      const auto more = lines_.next(line);
      if (!more) {
        host_.log(log::Level::warn, log::Line("bridge.message").add("expected", more.error().what));
      } else if (*more) {
        agent_control(line, now);
      } else {
        return;
      }
    }
  }

  void complaints(Bytes bytes) {
    complaints_.feed(as_text(bytes));
    std::string line;
    for (;;) {
      const auto more = complaints_.next(line);
      if (!more) continue; // a line that is too long is skipped
      if (!*more) return;
      if (++complaint_lines_ > kMaxStderrLines) continue;
      host_.log(log::Level::info, log::Line("exec.stderr").add("line", line));
    }
  }

  void output_ended(Time now) {
    ended_ = true;
    if (exit_) finish(now);
  }

  void exited(net::Process::Exit exit, Time now) {
    exit_ = exit;
    if (ended_) finish(now);
  }

  // Both the output and the process have ended: all that it said has been queued.
  void finish(Time now) {
    if (over_) return;
    const bool well = !exit_->signalled && exit_->code == 0;
    host_.log(well ? log::Level::info : log::Level::warn,
              log::Line("exec.exit").add("how", exit_->to_string()).add("command", command_));
    if (well || said_bye_) return leave("program ended", now);
    lose(fmt::format("the program failed: {}", exit_->to_string()), now);
  }

  net::Loop& loop_;
  std::string command_;
  std::unique_ptr<net::Process> process_;
  std::optional<net::Process::Exit> exit_;
  bool ended_ = false;
  ipc::LineDecoder lines_, complaints_;
  int complaint_lines_ = 0;
  std::vector<std::byte> rest_; // half a sample
  audio::Samples samples_;
  std::vector<std::byte> out_;
};

class ToProgram final : public Destination {
 public:
  explicit ToProgram(std::string_view command) : command_(command) {}
  tl::expected<std::unique_ptr<Bridge>, std::string> connect(BridgeHost& host,
                                                             const BridgeContext& context) const override {
    return std::make_unique<ExecBridge>(host, context.loop, command_);
  }

 private:
  std::string command_;
};

} // namespace

DestinationPtr exec_destination(std::string_view text) {
  const std::string_view command = behind_colon(text);
  return command.empty() ? nullptr : std::make_shared<ToProgram>(command);
}

} // namespace talky::sipd
