#include "cli/main.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>

#include "cli/options.hpp"
#include "commands.hpp"
#include "core/ascii.hpp"
#include "default_flow.hpp"
#include "engine/flite.hpp"
#include "engine/models.hpp"
#include "net/fd.hpp"
#include "server.hpp"
#include "stdio.hpp"

namespace talky::agent {
namespace {

using namespace std::chrono_literals;

struct Settings {
  std::string listen, flow, voice, stt = "base", models, cassette, journal, output = "-", log_level = "info";
  std::optional<std::string> seed;
  std::size_t threads = 0, max_calls = 200;
  std::uint32_t drain_s = 20;
  bool lockstep = false, record = false, play = false, force = false, json = false, raw = false;
  std::string checked, text;       // arguments of check and say
  std::vector<std::string> sounds; // of hear
};

engine::MoonshineSize size_of(const Settings& settings) {
  return settings.stt == "tiny" ? engine::MoonshineSize::tiny : engine::MoonshineSize::base;
}

std::shared_ptr<const voice::Flow> load_flow(const std::string& path) {
  const std::string name = path.empty() ? "built-in flow" : path;
  const std::string text =
      path.empty() ? std::string(default_flow()) : read_text(path, voice::Flow::kMaxBytes + 1);
  auto parsed = voice::Flow::parse(text);
  for (const voice::Diagnostic& diagnostic : parsed.diagnostics) {
    const bool fatal = diagnostic.severity == voice::Diagnostic::Severity::error;
    if (fatal || !path.empty()) cli::complain("talky-agent", voice::to_string(diagnostic, name));
  }
  if (!parsed.flow) throw cli::Failure(cli::ExitCode::data, fmt::format("{}: the flow cannot be used", name));
  return parsed.flow;
}

void make_folder(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return;
  if (::mkdir(path.c_str(), 0750) != 0) {
    throw cli::Failure(cli::ExitCode::cannot_create, fmt::format("{}: {}", path, std::strerror(errno)));
  }
}

// What the flow says first, for the engine to synthesise before anybody calls: a few starts show its
// variants.
std::set<std::string> greetings(const std::shared_ptr<const voice::Flow>& flow) {
  std::set<std::string> found;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    Random random(seed);
    const voice::Reply reply = voice::make_dialogue(flow)->start({}, random);
    for (std::string& sentence : voice::sentences(reply.text))
      found.insert(std::move(sentence));
  }
  return found;
}

void check(const Settings& settings) {
  if (settings.record && settings.play)
    throw cli::Failure(cli::ExitCode::usage, "--record or --play, not both");
  if ((settings.record || settings.play) == settings.cassette.empty()) {
    throw cli::Failure(cli::ExitCode::usage, "--cassette FILE goes with --record or --play");
  }
  if (!settings.voice.empty() && engine::find_voice(settings.voice) == nullptr) {
    throw cli::Failure(cli::ExitCode::usage,
                       fmt::format("no voice is called '{}' (see talky-agent voices)", settings.voice));
  }
  if (settings.seed && !ascii::to_number<std::uint64_t>(*settings.seed)) {
    throw cli::Failure(cli::ExitCode::usage, "--seed: expected a number");
  }
}

int serve(const Settings& settings) {
  cli::ignore_sigpipe();
  net::raise_fd_limit();
  const auto level = cli::parse_level(settings.log_level);
  cli::Logger log(level.value_or(log::Level::info));
  net::Loop loop;
  LineFiles files(log.sink());
  Context context{.loop = loop, .log = log, .files = files, .flow = load_flow(settings.flow)};
  context.config.lockstep = settings.lockstep;
  context.config.voice = !settings.voice.empty()          ? settings.voice
                         : !context.flow->voice().empty() ? context.flow->voice()
                                                          : std::string(engine::voices().front().name);
  if (settings.seed) context.seed = ascii::to_number<std::uint64_t>(*settings.seed);
  context.folders = !settings.listen.empty();
  context.force = settings.force;
  context.journal = settings.journal;
  if (settings.record) context.record = settings.cassette;
  if (context.folders) {
    for (const std::string& folder : {context.journal, context.record}) {
      if (!folder.empty()) make_folder(folder);
    }
  }

  std::unique_ptr<engine::Speech> speech;
  if (settings.play) {
    auto cassette = voice::Cassette::parse(read_text(settings.cassette, voice::Cassette::kMaxBytes));
    if (!cassette) {
      throw cli::Failure(cli::ExitCode::data, fmt::format("{}: line {}: expected {}", settings.cassette,
                                                          cassette.error().offset, cassette.error().what));
    }
    context.cassette = std::make_shared<const voice::Cassette>(std::move(*cassette));
  } else {
    try {
      speech = std::make_unique<engine::Speech>(engine::SpeechConfig{
          .models = models_folder(settings.models), .stt = size_of(settings), .threads = settings.threads});
      for (const std::string& sentence : greetings(context.flow))
        speech->prepare(context.config.voice, sentence);
      // Many calls: better ready a second later than slow in the first call. One call: the caller hears the
      // greeting while the recogniser is loaded.
      if (context.folders) {
        speech->prepare_later(context.config.voice, context.flow->fixed_sentences());
        speech->wait_until_loaded();
      }
    } catch (const engine::onnx::LoadError& error) {
      throw cli::Failure(cli::ExitCode::unavailable, error.what());
    }
    context.speech = speech.get();
  }

  int exit_code = 0;
  int signals = 0;
  if (context.folders) {
    Server server(context, settings.max_calls);
    server.listen(settings.listen);
    log::Line ready("ready");
    ready.add("listen", settings.listen).add("flow", context.flow->name()).add("voice", context.config.voice);
    if (speech)
      ready.add("stt", settings.stt)
          .add("threads", speech->threads())
          .add("onnxruntime", speech->runtime_version());
    log(log::Level::info, ready);
    loop.on_signal({SIGTERM, SIGINT, SIGHUP}, [&](int) {
      if (++signals > 1) return loop.stop();
      server.drain(std::chrono::seconds(settings.drain_s), [&loop] { loop.stop(); });
    });
    loop.run();
  } else {
    StdioCall call(context, [&](bool ok) {
      if (!ok) exit_code = static_cast<int>(cli::ExitCode::io);
      loop.stop();
    });
    loop.on_signal({SIGTERM, SIGINT, SIGHUP}, [&](int) {
      if (++signals > 1) return loop.stop();
      call.shut_down();
    });
    call.begin();
    loop.run();
  }
  return exit_code;
}

int body(int argc, char** argv) {
  Settings settings;
  cli::Options options("agent",
                       "a voice agent for telephone calls: hears, answers, and is interrupted like a person");
  options.group("Calls");
  options.add(
      "listen", settings.listen, "ADDRESS",
      "serve many calls over AudioSocket on unix:PATH or tcp:HOST:PORT; without it one call on stdin and "
      "stdout (s16le, 16 kHz)");
  options.add("max-calls", settings.max_calls, "N", "calls at once");
  options.add("drain-seconds", settings.drain_s, "S",
              "after SIGTERM: time for the calls to end by themselves");
  options.flag("lockstep", settings.lockstep, "one frame out for each frame in, in the time of the audio");
  options.group("What it says and hears");
  options.add("flow", settings.flow, "FILE", "the dialogue, talky-flow(5); default: an appointment desk")
      .files();
  options.add("voice", settings.voice, "NAME", "Sophia, Emma or Alex; default: the flow's");
  options
      .add("stt", settings.stt, "MODEL",
           "speech recognition: base, or tiny (twice as fast, a third more errors)")
      .choices({"base", "tiny"});
  options.add("models", settings.models, "DIR", "folder of the speech models").directories();
  options.add("threads", settings.threads, "N", "threads for speech recognition; 0: one a core");
  options.group("Records");
  options.add("journal", settings.journal, "PATH",
              "write the journal, talky-journal(5), to this file; with --listen to "
              "a folder, one file a call");
  options.add("cassette", settings.cassette, "PATH",
              "the engines' answers, to be recorded or played; with --listen "
              "and --record a folder");
  options.flag("record", settings.record, "record a cassette");
  options.flag("play", settings.play, "answer from a cassette: no models, the same journal every time");
  options.add("seed", settings.seed, "N",
              "choose the variants of prompts by this number instead of by chance");
  options.flag("force", settings.force, "overwrite files").alias('f');
  options.group("Output");
  options.add("output", settings.output, "FILE", "say: where to write, - for stdout").alias('o').files();
  options.flag("raw", settings.raw, "say: bare s16le samples instead of WAV");
  options.flag("json", settings.json, "check, hear, voices: JSON, an object a line");
  options.add("log-level", settings.log_level, "LEVEL", "of the log on stderr")
      .choices({"trace", "debug", "info", "warn", "error"});
  options.command("check", "look for mistakes in a flow");
  options.positional("FLOW", settings.checked, "the file", true);
  options.command("say", "speak a text: talky-agent say TEXT >FILE.wav");
  options.positional("TEXT", settings.text, "one or more sentences; - for stdin", true);
  options.command("hear", "transcribe sound files");
  options.positional("FILE", settings.sounds, "WAV, FLAC and whatever libsndfile reads", true);
  options.command("voices", "list the voices");
  options.config_file();
  options.example("talky-agent --listen unix:agent.sock",
                  "serve talky-sipd, or an Asterisk with tcp:127.0.0.1:9092");
  options.example("talky-agent --lockstep <caller.raw >agent.raw", "one call from files, as fast as it goes");
  options.example("talky-agent say 'Good morning.' | aplay", "hear a voice");
  options.validate([&settings] { check(settings); });
  if (const auto code = options.parse(argc, argv)) return *code;
  if (settings.models.empty()) {
    if (const char* folder = std::getenv("TALKY_MODELS"); folder != nullptr) settings.models = folder;
  }

  const std::string& command = options.command();
  const std::string voice =
      settings.voice.empty() ? std::string(engine::voices().front().name) : settings.voice;
  if (command == "check") return check_flow(settings.checked, settings.json);
  if (command == "say") return say(settings.text, voice, settings.output, settings.raw, settings.force);
  if (command == "hear") return hear(settings.sounds, settings.models, size_of(settings), settings.json);
  if (command == "voices") return list_voices(settings.json);
  return serve(settings);
}

} // namespace
} // namespace talky::agent

int main(int argc, char** argv) {
  return talky::cli::run("talky-agent", argc, argv, talky::agent::body);
}
