#include "sipd/agent/agent.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include "audio/frame.hpp"
#include "audio/tone.hpp"
#include "sipd/agent/agent_program.hpp"

namespace talky::sipd {
namespace {

constexpr std::uint32_t kRate = audio::kBridgeRate;

constexpr auto kProbeLimit = std::chrono::seconds(1);
constexpr auto kProbeAgain = std::chrono::milliseconds(100);
constexpr auto kFirstBackoff = std::chrono::milliseconds(500);
constexpr auto kMaxBackoff = std::chrono::seconds(30);
constexpr auto kStopGrace = std::chrono::seconds(2); // from SIGTERM to SIGKILL
constexpr auto kLongLife = std::chrono::seconds(60); // after which a death is not the fault of the start
constexpr int kHopeless = 3;                         // failed starts in a row: calls no longer wait
constexpr std::string_view kApologyText =
    "I am sorry, something went wrong on our side. Please call again. Goodbye.";

// The special information tones of ITU-T E.180, twice: what a telephone network plays when a call fails.
audio::Samples information_tones() {
  audio::Samples out;
  for (int i = 0; i < 2; ++i) {
    for (const double hertz : {950.0, 1400.0, 1800.0}) {
      audio::Samples tone(kRate * 33 / 100);
      audio::Sine(hertz, kRate, -12.0).generate(tone);
      out.insert(out.end(), tone.begin(), tone.end());
    }
    out.insert(out.end(), kRate / 2, 0);
  }
  return out;
}

} // namespace

Agent::Agent(net::Loop& loop, Options options, log::Sink log)
    : loop_(loop),
      options_(std::move(options)),
      log_(std::move(log)),
      timer_(loop, [this] { look(); }),
      apology_(loop, options_.command, std::string(kApologyText), information_tones(), "agent.apology",
               log_) {}

Agent::~Agent() = default;

void Agent::start() {
  look();
  apology_.wanted();
}

void Agent::wanted() {
  loop_.post([this] {
    if (!looking_ && !timer_.armed() && !process_) look();
  });
}

// Is somebody there?
void Agent::look() {
  looking_ = true;
  probe_.emplace(loop_, options_.address, net::now() + kProbeLimit,
                 [this](net::SysResult<std::shared_ptr<net::Connection>> result) {
                   if (result) (*result)->close();
                   looked(result.has_value());
                 });
}

void Agent::looked(bool there) {
  looking_ = false;
  if (there) {
    may_come_ = true;
    if (!ready_) {
      log::Line line("agent.ready");
      line.add("address", net::to_string(options_.address));
      if (process_) line.add("pid", process_->pid()).add("start_ms", to_ms(net::now() - spawned_));
      log_(log::Level::info, line.str());
    }
    ready_ = true;
    return;
  }
  ready_ = false;
  if (process_) { // it is loading its models
    timer_.at(net::now() + kProbeAgain);
  } else {
    spawn();
  }
}

void Agent::spawn() {
  if (options_.command.empty()) {
    may_come_ = false;
    log_(log::Level::error, log::Line("agent.absent")
                                .add("address", net::to_string(options_.address))
                                .add("why", "nobody listens there, and no --agent-command is set")
                                .str());
    return;
  }
  if (const auto* path = std::get_if<net::UnixPath>(&options_.address); path && path->path.front() != '@') {
    std::error_code ignored; // the agent says what is wrong with the folder
    const auto folder = std::filesystem::path(path->path).parent_path();
    if (!folder.empty() && std::filesystem::create_directories(folder, ignored))
      ::chmod(folder.c_str(), S_IRWXU);
  }
  net::Process::Options options;
  std::vector<std::string> arguments{"--listen", net::to_string(options_.address)};
  if (!options_.journal.empty()) arguments.insert(arguments.end(), {"--journal", options_.journal});
  options.argv = agent_argv(options_.command, std::move(arguments));
  spawned_ = net::now();
  auto spawned =
      net::Process::spawn(loop_, options, [this](const net::Process::Exit& exit) { exited(exit); });
  if (!spawned) {
    may_come_ = false;
    log_(log::Level::error, log::Line("agent.start_failed")
                                .add("command", options_.command)
                                .add("error", spawned.error().message())
                                .str());
    timer_.at(net::now() + kMaxBackoff);
    return;
  }
  process_ = std::move(*spawned);
  log_(log::Level::info, log::Line("agent.start")
                             .add("command", options_.command)
                             .add("pid", process_->pid())
                             .add("address", net::to_string(options_.address))
                             .str());
  timer_.at(net::now() + kProbeAgain);
}

void Agent::exited(const net::Process::Exit& exit) {
  if (stopped_) {
    process_.reset();
    return std::exchange(stopped_, nullptr)();
  }
  failures_ = ready_ && net::now() - spawned_ > kLongLife ? 1 : failures_ + 1;
  const Duration backoff = std::min<Duration>(kFirstBackoff * (1 << std::min(failures_ - 1, 10)),
                                              std::chrono::duration_cast<Duration>(kMaxBackoff));
  // One that was up and died comes back quickly; one that never came up is not worth waiting for.
  may_come_ = ready_ || failures_ < kHopeless;
  ready_ = false;
  log_(log::Level::error, log::Line("agent.exit")
                              .add("how", exit.to_string())
                              .add("restart_ms", to_ms(backoff))
                              .add("starts", failures_)
                              .str());
  process_.reset();
  timer_.at(net::now() + backoff);
}

void Agent::stop(std::function<void()> done) {
  timer_.cancel();
  probe_.reset();
  stopped_ = std::move(done);
  if (process_) {
    process_->stop(kStopGrace);
  } else {
    loop_.post(std::exchange(stopped_, nullptr));
  }
}

} // namespace talky::sipd
