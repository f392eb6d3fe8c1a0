#include "sipd/agent/agent_program.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <utility>

#include "core/bytes.hpp"
#include "ipc/audiosocket.hpp"

namespace talky::sipd {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kGrace = std::chrono::seconds(2); // from SIGTERM to SIGKILL

} // namespace

std::vector<std::string> agent_argv(const std::string& command, std::vector<std::string> arguments) {
  std::error_code ignored;
  const bool plain = command.find_first_of(" \t\"'$\\") == std::string::npos;
  std::vector<std::string> argv{command};
  if (!plain && !std::filesystem::exists(command, ignored))
    argv = {"/bin/sh", "-c", "exec " + command + " \"$@\"", "sh"};
  argv.insert(argv.end(), std::make_move_iterator(arguments.begin()),
              std::make_move_iterator(arguments.end()));
  return argv;
}

audio::Samples pcm_of(std::string_view bytes) {
  if (bytes.starts_with("RIFF")) {
    const std::size_t data = bytes.find("data");
    bytes.remove_prefix(data == std::string_view::npos ? bytes.size() : std::min(bytes.size(), data + 8));
  }
  audio::Samples out;
  ipc::decode_audio(as_bytes(bytes), out);
  return out;
}

AgentRun::AgentRun(net::Loop& loop, const std::string& command, std::vector<std::string> arguments,
                   std::size_t max_output, std::function<void(Result)> done, std::string_view input)
    : loop_(loop), max_output_(max_output), done_(std::move(done)) {
  net::Process::Options options;
  options.argv = agent_argv(command, std::move(arguments));
  options.pipe_stdio = true;
  auto spawned = net::Process::spawn(loop, options, [this](const net::Process::Exit& exit) {
    exit_ = exit;
    finish();
  });
  if (!spawned) {
    loop_.post(lifetime_.guard([this, how = spawned.error().message()] {
      std::exchange(done_, nullptr)({false, how, {}});
    }));
    return;
  }
  process_ = std::move(*spawned);
  process_->stop_later(kPatience, kGrace);
  if (!input.empty()) process_->in()->write(as_bytes(input));
  process_->in()->close_when_drained(net::now() + kPatience);
  process_->out()->start({.data = lifetime_.guard([this](Bytes bytes) {
                            if (output_.size() >= max_output_) return;
                            output_ += as_text(bytes).substr(0, max_output_ - output_.size());
                          }),
                          .closed = lifetime_.guard([this](int /*error*/) { finish(); }),
                          .drained = {}});
}

void AgentRun::finish() {
  if (!exit_ || process_->out()->is_open() || !done_) return;
  Result result{!exit_->signalled && exit_->code == 0, exit_->to_string(), std::move(output_)};
  // From the loop: what calls us belongs to the process that `done` may destroy.
  loop_.post(lifetime_.guard([this, result = std::move(result)]() mutable {
    if (done_) std::exchange(done_, nullptr)(std::move(result));
  }));
}

} // namespace talky::sipd
