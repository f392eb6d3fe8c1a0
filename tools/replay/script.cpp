#include "script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "audio/level.hpp"
#include "cli/exit_code.hpp"
#include "file/resampler.hpp"
#include "file/wav.hpp"

namespace talky::replay {

namespace {

constexpr std::uint64_t kMaxFrames = std::uint64_t{4} * 3600 * 48'000; // four hours

std::vector<std::int16_t> load(const std::string& path, int channel) {
  auto pcm = file::load_audio(path, kMaxFrames);
  if (!pcm) {
    const Error& error = pcm.error();
    if (error.code == Errc::io) {
      throw cli::Failure(cli::ExitCode::no_input, fmt::format("{}: {}", path, error.reason()));
    }
    throw cli::Failure(cli::ExitCode::data,
                       fmt::format("{}: at byte {}: expected {}", path, error.offset, error.what));
  }
  const std::size_t channels = pcm->format.channels;
  if (channel < 0 || static_cast<std::size_t>(channel) >= channels) {
    throw cli::Failure(cli::ExitCode::data,
                       fmt::format("{}: has {} channels, and not channel {}", path, channels, channel));
  }
  std::vector<std::int16_t> mono;
  mono.reserve(pcm->samples.size() / channels);
  for (auto i = static_cast<std::size_t>(channel); i < pcm->samples.size(); i += channels)
    mono.push_back(pcm->samples[i]);
  if (pcm->format.rate == kRate) return mono;
  auto resampler =
      file::Resampler<std::int16_t>::create(pcm->format.rate, kRate, 1, file::Quality::very_high);
  if (!resampler)
    throw cli::Failure(cli::ExitCode::data,
                       fmt::format("{}: a sample rate of {} Hz", path, pcm->format.rate));
  std::vector<std::int16_t> out;
  if (!resampler->process(mono, out) || !resampler->flush(out)) {
    throw cli::Failure(cli::ExitCode::os_error, fmt::format("{}: cannot be resampled", path));
  }
  return out;
}

} // namespace

bool is_loud(std::span<const std::int16_t> frame) {
  return audio::rms_dbfs(frame) > kSpeechDbfs;
}

std::vector<Stretch> find_speech(std::span<const std::int16_t> pcm, std::uint32_t split_ms) {
  std::vector<Stretch> found;
  const std::size_t gap = std::size_t{split_ms} * kRate / 1000;
  for (std::size_t at = 0; at < pcm.size(); at += kFrame) {
    const auto frame = pcm.subspan(at, std::min(kFrame, pcm.size() - at));
    if (!is_loud(frame)) continue;
    // To the sample: the first and the last that stand out of the silence around them.
    constexpr int kFloor = 100;
    const auto loud = [](std::int16_t sample) { return sample > kFloor || sample < -kFloor; };
    const auto first = std::find_if(frame.begin(), frame.end(), loud);
    const auto last = std::find_if(frame.rbegin(), frame.rend(), loud);
    const std::size_t begin = at + static_cast<std::size_t>(first - frame.begin());
    const std::size_t end = at + static_cast<std::size_t>(frame.rend() - last);
    if (!found.empty() && (split_ms == 0 || begin - found.back().end < gap)) {
      found.back().end = end;
    } else {
      found.push_back({begin, end});
    }
  }
  return found;
}

std::vector<Step> make_script(const std::vector<std::string>& items, const ScriptOptions& options) {
  std::vector<Step> script;
  for (const std::string& item : items) {
    if (item.starts_with("dtmf:")) {
      Step step;
      step.kind = Step::Kind::dtmf;
      step.name = item;
      step.digits = item.substr(5);
      if (step.digits.empty() ||
          step.digits.find_first_not_of("0123456789*#ABCDabcd,") != std::string::npos) {
        throw cli::Failure(cli::ExitCode::usage,
                           fmt::format("{}: expected digits 0-9 * # A-D and , for a pause", item));
      }
      script.push_back(std::move(step));
      continue;
    }
    if (item.starts_with("pause:")) {
      double seconds = 0;
      const auto [end, error] = std::from_chars(item.data() + 6, item.data() + item.size(), seconds);
      if (error != std::errc{} || end != item.data() + item.size() || !(seconds >= 0) || seconds > 3600) {
        throw cli::Failure(cli::ExitCode::usage,
                           fmt::format("{}: expected seconds, such as pause:1.5", item));
      }
      Step step;
      step.kind = Step::Kind::pause;
      step.name = item;
      step.pcm.resize(static_cast<std::size_t>(seconds * kRate));
      script.push_back(std::move(step));
      continue;
    }
    // "tomorrow.wav+at.wav+noon.wav" is one utterance out of several files, unless a file bears such a name.
    std::vector<std::int16_t> pcm;
    const bool joined = item.find('+') != std::string::npos && !std::filesystem::exists(item);
    for (std::size_t from = 0; from <= item.size();) {
      const std::size_t to = joined ? std::min(item.find('+', from), item.size()) : item.size();
      const auto part = load(item.substr(from, to - from), options.channel);
      pcm.insert(pcm.end(), part.begin(), part.end());
      from = to + 1;
    }
    const auto stretches = find_speech(pcm, joined ? 0 : options.split_ms);
    if (stretches.empty())
      throw cli::Failure(cli::ExitCode::data, fmt::format("{}: there is no sound in it", item));
    constexpr std::size_t kMargin =
        kRate / 10; // of the silence around an utterance, which carries breath and room
    std::string base = std::filesystem::path(item.substr(0, item.find('+'))).filename().string();
    if (joined) base += "+";
    for (std::size_t i = 0; i < stretches.size(); ++i) {
      std::size_t begin = stretches[i].begin - std::min(stretches[i].begin, kMargin);
      std::size_t end = std::min(pcm.size(), stretches[i].end + kMargin);
      if (options.as_recorded) {
        begin =
            i == 0 ? 0 : stretches[i].begin - std::min(stretches[i].begin - stretches[i - 1].end, kMargin);
        end = i + 1 == stretches.size()
                  ? pcm.size()
                  : stretches[i + 1].begin - std::min(stretches[i + 1].begin - stretches[i].end, kMargin);
      }
      Step step;
      step.name = stretches.size() == 1 ? base : fmt::format("{}#{}", base, i + 1);
      step.pcm.assign(pcm.begin() + static_cast<std::ptrdiff_t>(begin),
                      pcm.begin() + static_cast<std::ptrdiff_t>(end));
      step.speech_begin = stretches[i].begin - begin;
      step.speech_end = stretches[i].end - begin;
      script.push_back(std::move(step));
    }
  }
  return script;
}

} // namespace talky::replay
