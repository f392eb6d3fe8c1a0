#include "cli/main.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "chat.hpp"
#include "cli/options.hpp"
#include "commands.hpp"
#include "core/ascii.hpp"
#include "engine/flite.hpp"
#include "serve.hpp"

namespace talky::agent {
namespace {

// What the command line adds to the settings of a serving agent.
struct Settings : ServeSettings {
  std::string stt_name = "base", seed_text, output = "-";
  bool json = false, raw = false;
  std::string checked, text;         // arguments of check and say
  std::vector<std::string> sounds;   // of hear
  std::string expected = "anything"; // hear
  ChatSettings chat;                 // of chat
  std::string tested, cases;         // of test
  std::uint64_t seeds = 4;
};

void check(Settings& settings) {
  if (settings.record && settings.play)
    throw cli::Failure(cli::ExitCode::usage, "--record or --play, not both");
  if ((settings.record || settings.play) == settings.cassette.empty()) {
    throw cli::Failure(cli::ExitCode::usage, "--cassette FILE goes with --record or --play");
  }
  if (!settings.voice.empty() && engine::find_voice(settings.voice) == nullptr) {
    throw cli::Failure(cli::ExitCode::usage,
                       fmt::format("no voice is called '{}' (see talky-agent voices)", settings.voice));
  }
  if (!settings.seed_text.empty()) {
    settings.seed = ascii::to_number<std::uint64_t>(settings.seed_text);
    if (!settings.seed)
      throw cli::Failure(cli::ExitCode::usage, "--seed: expected a number from 0 to 2^64 - 1");
  }
  settings.stt = settings.stt_name == "tiny" ? engine::MoonshineSize::tiny : engine::MoonshineSize::base;
  if (settings.models.empty()) {
    if (const char* folder = std::getenv("TALKY_MODELS"); folder != nullptr) settings.models = folder;
  }
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
      .add("stt", settings.stt_name, "MODEL",
           "speech recognition: base, or tiny (faster, a third more errors)")
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
  options.add("seed", settings.seed_text, "N",
              "choose the variants of prompts by this number instead of by chance");
  options.flag("force", settings.force, "overwrite files").alias('f');
  options.group("Output");
  options.add("output", settings.output, "FILE", "say: where to write, - for stdout").alias('o').files();
  options.flag("raw", settings.raw, "say: bare s16le samples instead of WAV");
  options.flag("json", settings.json, "check, hear, voices, chat, test: JSON, an object a line");
  options.add("log-level", settings.log_level, "LEVEL", "of the log on stderr")
      .choices({"trace", "debug", "info", "warn", "error"});
  options.command("check", "look for mistakes in a flow");
  options.positional("FLOW", settings.checked, "the file", true);
  options.command("say", "speak a text: talky-agent say TEXT >FILE.wav");
  options.positional("TEXT", settings.text, "one or more sentences; - for stdin", true);
  options.command("hear", "transcribe sound files");
  options.positional("FILE", settings.sounds, "WAV, FLAC and whatever libsndfile reads", true);
  options
      .add("expect", settings.expected, "WHAT",
           "what was asked for: digits, number, yes-no, date, time, or phrases with commas")
      .of_command();
  options.command("voices", "list the voices");
  options.command("chat", "type instead of speaking: a line is what the caller says");
  options.positional("FLOW", settings.chat.flow, "the file; default: the appointment desk");
  options.add("date", settings.chat.date, "DATE", "day of the call, e.g. 2026-11-30; default: today")
      .of_command();
  options.add("time", settings.chat.time, "TIME", "time of the call, e.g. 10:15; default: now").of_command();
  options.add("from", settings.chat.from, "URI", "who calls").of_command();
  options.add("to", settings.chat.to, "URI", "who is called").of_command();
  options.example_of("chat", "talky-agent chat --date 2026-11-30 --time 10:15 front-desk.yaml",
                     "a dialogue by hand");
  options.example_of("chat", "printf 'A haircut tomorrow.\\n' | talky-agent chat --json", "one for a script");
  options.command("test", "compare dialogues with what a file of cases expects");
  options.positional("FLOW", settings.tested, "the file", true);
  options.positional("CASES", settings.cases, "what is said and what is expected, talky-flow(5)", true);
  options
      .add("seeds", settings.seeds, "N",
           "how often each dialogue is held, with other variants of the prompts")
      .of_command();
  options.example_of("test", "talky-agent test front-desk.yaml cases.yaml", "prints what differs");
  options.config_file();
  options.rare({"drain-seconds", "max-calls", "models", "threads", "seed", "output", "raw", "json",
                "log-level", "force", "record", "play"});
  options.example("talky-agent --listen unix:agent.sock",
                  "serve talky-sipd, or an Asterisk with tcp:127.0.0.1:9092");
  options.example("talky-agent --lockstep <caller.raw >agent.raw", "one call from files, as fast as it goes");
  options.example("talky-agent say 'Good morning.' | aplay", "hear a voice");
  options.validate([&settings] { check(settings); });
  if (const auto code = options.parse(argc, argv)) return *code;
  const std::string& command = options.command();
  const std::string voice =
      settings.voice.empty() ? std::string(engine::voices().front().name) : settings.voice;
  if (command == "check") return check_flow(settings.checked, settings.json);
  if (command == "say") return say(settings.text, voice, settings.output, settings.raw, settings.force);
  if (command == "hear") {
    const auto expected = parse_expectation(settings.expected);
    if (!expected) {
      throw cli::Failure(cli::ExitCode::usage,
                         "--expect: digits, number, yes-no, date, time, anything, or phrases with commas");
    }
    return hear(settings.sounds, settings.models, settings.stt, *expected, settings.json);
  }
  if (command == "voices") return list_voices(settings.json);
  if (command == "chat") {
    settings.chat.json = settings.json;
    settings.chat.seed = settings.seed.value_or(1);
    return chat(settings.chat);
  }
  if (command == "test")
    return test_flow(settings.tested, settings.cases, settings.seed.value_or(1), settings.seeds,
                     settings.json);
  return serve(settings);
}

} // namespace
} // namespace talky::agent

int main(int argc, char** argv) {
  return talky::cli::run("talky-agent", argc, argv, talky::agent::body);
}
