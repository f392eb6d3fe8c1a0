#include "transcript.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "file/wav.hpp"
#include "net/loop.hpp"
#include "net/process.hpp"

namespace talky::replay {

namespace {

namespace fs = std::filesystem;

// Clips of the recording in a folder that goes away.
class Clips {
 public:
  Clips() {
    std::string pattern = (fs::temp_directory_path() / "talky-replay.XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
  }
  ~Clips() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  Clips(const Clips&) = delete;
  Clips& operator=(const Clips&) = delete;

  // A stretch of one channel with some of what is around it.
  std::optional<std::string> cut(const file::Pcm& stereo, std::size_t channel, std::uint64_t begin,
                                 std::uint64_t end) {
    constexpr std::uint64_t kMargin = kRate / 5;
    const std::uint64_t frames = stereo.samples.size() / 2;
    begin -= std::min(begin, kMargin);
    end = std::min(frames, end + kMargin);
    if (folder_.empty() || begin >= end) return std::nullopt;
    std::vector<std::int16_t> mono;
    for (std::uint64_t i = begin; i < end; ++i)
      mono.push_back(stereo.samples[static_cast<std::size_t>(i) * 2 + channel]);
    const std::string path = fmt::format("{}/{:04}.wav", folder_, count_++);
    if (!file::save_wav(path, {stereo.format.rate, 1}, mono)) return std::nullopt;
    return path;
  }

 private:
  std::string folder_;
  int count_ = 0;
};

std::string find_agent(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  std::error_code error;
  const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path() / name;
  return !error && fs::exists(beside) ? beside.string() : name;
}

} // namespace

void transcribe(Outcome& outcome, const std::string& agent) {
  const auto stereo = file::load_audio(outcome.recording);
  if (!stereo || stereo->format.channels != 2 || stereo->format.rate != kRate) {
    outcome.transcription_fault = "the recording cannot be read";
    return;
  }
  Clips clips;
  std::vector<std::string> paths;
  std::vector<std::string*> targets;
  outcome.said.resize(outcome.turns.size());
  outcome.answers.resize(outcome.turns.size());
  const auto add = [&](std::size_t channel, std::uint64_t begin, std::uint64_t end, std::string& target) {
    if (auto path = clips.cut(*stereo, channel, begin, end)) {
      paths.push_back(std::move(*path));
      targets.push_back(&target);
    }
  };
  if (outcome.greeting) add(1, outcome.greeting->begin, outcome.greeting->end, outcome.greeting_text);
  for (std::size_t i = 0; i < outcome.turns.size(); ++i) {
    const Turn& turn = outcome.turns[i];
    if (turn.speech) add(0, turn.speech_begin, turn.speech_end, outcome.said[i]);
    if (turn.answer_begin && turn.answer_end)
      add(1, *turn.answer_begin, *turn.answer_end, outcome.answers[i]);
  }
  if (paths.empty()) return;

  net::Loop loop;
  net::Process::Options options;
  options.argv = {find_agent(agent), "hear", "--json"};
  options.argv.insert(options.argv.end(), paths.begin(), paths.end());
  options.pipe_stdio = true;
  options.pipe_stderr = true;
  std::string output, errors, fault;
  int open = 3; // the two streams and the process
  const auto done = [&] {
    if (--open == 0) loop.stop();
  };
  auto process = net::Process::spawn(loop, options, [&](net::Process::Exit exit) {
    if (exit.signalled || exit.code != 0) fault = exit.to_string();
    done();
  });
  if (!process) {
    outcome.transcription_fault = fmt::format("{}: {}", options.argv.front(), process.error().message());
    return;
  }
  const auto collect = [&](std::string& into) {
    net::Connection::Handlers handlers;
    handlers.data = [&into](Bytes bytes) { into += as_text(bytes); };
    handlers.closed = [&done](int) { done(); };
    return handlers;
  };
  (*process)->in()->close();
  (*process)->out()->start(collect(output));
  (*process)->err()->start(collect(errors));
  net::Timer limit(loop, [&] {
    fault = "it took more than five minutes";
    loop.stop();
  });
  limit.at(net::now() + std::chrono::minutes(5));
  loop.run();

  std::size_t index = 0;
  for (std::size_t at = 0; at < output.size() && index < targets.size();) {
    const std::size_t end = std::min(output.find('\n', at), output.size());
    boost::json::error_code error;
    const auto line = boost::json::parse(std::string_view(output).substr(at, end - at), error);
    at = end + 1;
    if (error || !line.is_object()) continue;
    if (const auto* text = line.get_object().if_contains("text"); text != nullptr && text->is_string()) {
      *targets[index++] = std::string(text->get_string());
    }
  }
  if (fault.empty() && index == targets.size()) return;
  const std::size_t line_end = errors.find('\n');
  outcome.transcription_fault =
      fmt::format("talky-agent hear: {}", errors.empty() ? fault : errors.substr(0, line_end));
}

} // namespace talky::replay
