#include "commands.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include "audio/frame.hpp"
#include "cli/exit_code.hpp"
#include "cli/main.hpp"
#include "core/ascii.hpp"
#include "core/bytes.hpp"
#include "default_flow.hpp"
#include "engine/flite.hpp"
#include "engine/models.hpp"
#include "engine/recogniser.hpp"
#include "engine/silero.hpp"
#include "file/wav.hpp"
#include "flow/flow.hpp"
#include "json/json.hpp"
#include "language/sentences.hpp"
#include "voice/dialogue.hpp"

namespace talky::agent {
namespace {

constexpr std::size_t kMaxText = 1U << 20;
constexpr std::uint64_t kMaxHearSamples = std::uint64_t{audio::kBridgeRate} * 3600 * 4;

int code(cli::ExitCode exit_code) {
  return static_cast<int>(exit_code);
}

void print_line(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

[[noreturn]] void refuse_audio(const std::string& path, const Error& error) {
  const bool io = error.code == Errc::io || error.code == Errc::not_found;
  throw cli::Failure(io ? cli::ExitCode::no_input : cli::ExitCode::data,
                     fmt::format("{}: at byte {}: expected {}", path, error.offset, error.what));
}

// What the program is that speaks: another one, even of the same number, may sound otherwise.
std::string program_version() {
  std::error_code error;
  const auto written = std::filesystem::last_write_time("/proc/self/exe", error);
  return error ? std::string(TALKY_VERSION)
               : fmt::format("{}-{:x}", TALKY_VERSION,
                             static_cast<std::uint64_t>(written.time_since_epoch().count()));
}

} // namespace

std::string read_text(const std::string& path, std::size_t limit) {
  auto input = file::Input::open(path);
  if (!input) throw cli::Failure(cli::ExitCode::no_input, fmt::format("{}: cannot be read", path));
  std::string text;
  while (true) {
    const auto bytes = input->peek(1);
    if (!bytes) throw cli::Failure(cli::ExitCode::no_input, fmt::format("{}: cannot be read", path));
    if (bytes->empty()) return text;
    text += as_text(*bytes);
    input->skip(bytes->size());
    if (text.size() > limit) {
      throw cli::Failure(cli::ExitCode::data, fmt::format("{}: more than {} bytes", path, limit));
    }
  }
}

std::shared_ptr<const flow::Flow> load_flow(const std::string& path) {
  const std::string name = path.empty() ? "built-in flow" : path;
  const std::string text =
      path.empty() ? std::string(default_flow()) : read_text(path, flow::Flow::kMaxBytes + 1);
  auto parsed = flow::Flow::parse(text);
  for (const flow::Diagnostic& diagnostic : parsed.diagnostics)
    cli::complain("talky-agent", flow::to_string(diagnostic, name));
  if (!parsed.flow) throw cli::Failure(cli::ExitCode::data, fmt::format("{}: the flow cannot be used", name));
  return parsed.flow;
}

std::string models_folder(const std::string& chosen) {
  auto found = engine::find_models(chosen);
  if (!found) throw cli::Failure(cli::ExitCode::unavailable, engine::how_to_install_models(chosen));
  return *found;
}

int check_flow(const std::string& path, bool json) {
  const std::string text = read_text(path, flow::Flow::kMaxBytes + 1);
  const std::vector<flow::Diagnostic> diagnostics = flow::check(text);
  bool usable = true;
  boost::json::array list;
  for (const flow::Diagnostic& diagnostic : diagnostics) {
    const bool is_error = diagnostic.severity == flow::Diagnostic::Severity::error;
    usable = usable && !is_error;
    if (json) {
      list.push_back({{"line", diagnostic.line},
                      {"severity", is_error ? "error" : "warning"},
                      {"text", diagnostic.text}});
    } else {
      print_line(flow::to_string(diagnostic, path));
    }
  }
  if (json)
    print_line(json::compact(boost::json::object{{"file", path}, {"usable", usable}, {"diagnostics", list}}));
  return usable ? 0 : code(cli::ExitCode::data);
}

int say(const std::string& text, const std::string& voice_name, const std::string& path, bool raw,
        bool force) {
  const engine::Voice* voice = engine::find_voice(voice_name);
  if (voice == nullptr) {
    throw cli::Failure(cli::ExitCode::usage,
                       fmt::format("no voice is called '{}' (see talky-agent voices)", voice_name));
  }
  const std::string words = text == "-" ? read_text("-", kMaxText) : text;
  if (path == "-" && ::isatty(STDOUT_FILENO) != 0) {
    throw cli::Failure(cli::ExitCode::usage,
                       "audio is not written to a terminal: redirect it, or name a file with -o");
  }
  using Mode = file::Output::Mode;
  auto output = file::Output::create(path, force ? Mode::replace : Mode::fresh);
  if (!output) {
    throw cli::Failure(cli::ExitCode::cannot_create,
                       fmt::format("{}: cannot be created (does it exist? -f overwrites)", path));
  }
  const auto check = [&path](const Result<>& done) {
    if (!done) throw cli::Failure(cli::ExitCode::io, fmt::format("{}: writing failed", path));
  };
  engine::Flite flite;
  std::uint64_t samples = 0;
  const auto header = [&](std::optional<std::uint64_t> size) {
    return file::make_wav_header(file::SampleFormat::s16le, engine::Flite::kSampleRate, 1, size);
  };
  if (!raw) check(output->write(header(std::nullopt)));
  // A pause of 200 ms between sentences, as in a call.
  static constexpr std::array<std::int16_t, 3200> kPause{};
  for (const std::string& sentence : language::sentences(words)) {
    const auto sink = [&](std::span<const std::int16_t> pcm) {
      check(output->write(std::as_bytes(pcm)));
      samples += pcm.size();
      if (path == "-") check(output->flush());
    };
    if (samples > 0) sink(kPause);
    const auto done = flite.speak(sentence, *voice, sink);
    if (!done) throw cli::Failure(cli::ExitCode::data, fmt::format("expected {}", done.error().what));
  }
  if (!raw && output->patchable()) {
    const auto whole = header(samples * 2);
    check(output->patch(0, whole));
  }
  check(output->close());
  return 0;
}

std::optional<voice::Expectation> parse_expectation(const std::string& text) {
  using Kind = voice::Expectation::Kind;
  static constexpr std::array<std::pair<std::string_view, Kind>, 6> kKinds = {{{"anything", Kind::open},
                                                                               {"yes-no", Kind::yes_no},
                                                                               {"date", Kind::date},
                                                                               {"time", Kind::time},
                                                                               {"number", Kind::number},
                                                                               {"digits", Kind::digits}}};
  voice::Expectation expected;
  for (const auto& [name, kind] : kKinds) {
    expected.kind = kind;
    if (text == name) return expected;
  }
  if (text.find(',') == std::string::npos) return std::nullopt;
  expected.kind = Kind::choice;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view phrase = ascii::trim(std::string_view(text).substr(begin, end - begin));
    if (!phrase.empty()) expected.phrases.emplace_back(phrase);
    begin = end + 1;
  }
  return expected;
}

int hear(const std::vector<std::string>& paths, const std::string& models, engine::MoonshineSize size,
         const voice::Expectation& expected, bool json) {
  if (paths.empty()) throw cli::Failure(cli::ExitCode::usage, "hear: expected a sound file");
  const std::string folder = models_folder(models);
  std::unique_ptr<engine::Silero> silero;
  std::unique_ptr<engine::Recogniser> recogniser;
  try {
    const auto library = engine::onnx::Library::load(folder + "/libonnxruntime.so");
    silero = std::make_unique<engine::Silero>(library, folder);
    recogniser = std::make_unique<engine::Recogniser>(library, folder, size, *silero);
  } catch (const engine::onnx::LoadError& error) {
    throw cli::Failure(cli::ExitCode::unavailable, error.what());
  }
  for (const std::string& path : paths) {
    const auto pcm = file::load_mono(path, engine::Recogniser::kSampleRate, kMaxHearSamples);
    if (!pcm) refuse_audio(path, pcm.error());
    const auto begin = std::chrono::steady_clock::now();
    // In parts that the recogniser takes, cut where it is quiet.
    std::string text;
    double confidence = 0, words = 0;
    std::size_t from = 0;
    for (const std::size_t to :
         engine::cut_at_pauses(*pcm, std::size_t{engine::Recogniser::kSampleRate} * 200)) {
      const auto part =
          recogniser->transcribe(std::span(*pcm).subspan(from, to - from), {.expected = expected});
      if (!part) throw cli::Failure(cli::ExitCode::software, fmt::format("{}: {}", path, part.error().what));
      from = to;
      if (part->text.empty()) continue;
      text += (text.empty() ? "" : " ") + part->text;
      confidence += part->confidence * static_cast<double>(part->text.size());
      words += static_cast<double>(part->text.size());
    }
    if (json) {
      const auto took = std::chrono::steady_clock::now() - begin;
      print_line(json::compact(boost::json::object{
          {"file", path},
          {"text", text},
          {"confidence", words > 0 ? confidence / words : 0.0},
          {"seconds", static_cast<double>(pcm->size()) / engine::Recogniser::kSampleRate},
          {"took_ms", std::chrono::duration_cast<std::chrono::milliseconds>(took).count()}}));
    } else {
      print_line(paths.size() > 1 ? fmt::format("{}: {}", path, text) : text);
    }
    std::fflush(stdout);
  }
  return 0;
}

int list_voices(bool json) {
  for (const engine::Voice& voice : engine::voices()) {
    if (json) {
      print_line(json::compact(boost::json::object{{"name", voice.name},
                                                   {"description", voice.description},
                                                   {"engine", "flite"},
                                                   {"version", program_version()},
                                                   {"base", voice.base}}));
    } else {
      print_line(fmt::format("{:<8}{}", voice.name, voice.description));
    }
  }
  return 0;
}

} // namespace talky::agent
