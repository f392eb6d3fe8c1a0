#include "cli/main.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "audio/level.hpp"
#include "call/config.hpp"
#include "cli/options.hpp"
#include "conversation.hpp"
#include "core/ascii.hpp"
#include "file/io.hpp"
#include "file/wav_recorder.hpp"
#include "json/json.hpp"
#include "phone.hpp"
#include "report.hpp"
#include "script.hpp"
#include "sip/uri.hpp"
#include "transcript.hpp"

namespace talky::replay {

namespace {

struct Settings {
  std::vector<std::string> items;
  std::string sip, user, password_file, from, dtmf, output, agent = "talky-agent";
  std::vector<std::string> headers, codecs{"PCMU", "PCMA"};
  double answer_timeout = 60, greeting_timeout = 8, reply_timeout = 15, hangup_after = 0, linger = 0;
  std::uint32_t quiet = 900, split = 700;
  int channel = 0;
  bool tcp = false, no_greeting = false, as_recorded = false, text = false, json = false, transcribe = false,
       force = false, verbose = false, no_record = false;
};

std::string read_password(const std::string& path) {
  auto input = file::Input::open(path);
  if (!input && input.error().code == Errc::io)
    throw cli::Failure(cli::ExitCode::no_input, fmt::format("{}: {}", path, input.error().reason()));
  std::string line;
  while (input && line.find('\n') == std::string::npos) {
    const auto bytes = input->peek(1);
    if (!bytes || bytes->empty()) break;
    line += as_text(*bytes);
    input->skip(bytes->size());
  }
  line.resize(std::min(line.find('\n'), line.size()));
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n'))
    line.pop_back();
  if (line.empty())
    throw cli::Failure(cli::ExitCode::data, fmt::format("{}: the first line holds no password", path));
  return line;
}

class Recording {
 public:
  explicit Recording(const Settings& settings) {
    if (settings.no_record) return;
    path_ = settings.output;
    if (path_.empty()) {
      const std::string& first = settings.items.empty() ? "call" : settings.items.front();
      const bool sound = first.find(':') == std::string::npos;
      path_ = (sound ? std::filesystem::path(first).stem().string() : "call") + ".replay.wav";
    }
    std::error_code ignored;
    if (settings.force) std::filesystem::remove(path_, ignored);
    auto recorder = file::WavRecorder::create(path_, {kRate, 2});
    if (!recorder) {
      throw cli::Failure(
          cli::ExitCode::cannot_create,
          fmt::format("{}: {}", path_,
                      recorder.error().system == EEXIST ? "exists (-f overwrites, -o names another)"
                                                        : recorder.error().reason()));
    }
    recorder_.emplace(std::move(*recorder));
  }
  // `frame` is the peer on the left and us on the right: the recording of a caller is the other way round.
  void add(const media::RecordingFrame& frame) {
    if (!recorder_ || broken_) return;
    std::array<std::int16_t, 2 * kFrame> swapped{};
    for (std::size_t i = 0; i < kFrame; ++i) {
      swapped[2 * i] = frame.samples[2 * i + 1];
      swapped[2 * i + 1] = frame.samples[2 * i];
    }
    if (const auto written = recorder_->write(swapped); !written) broken_ = written.error();
  }
  void finish() {
    if (!recorder_) return;
    if (!broken_) {
      if (const auto closed = recorder_->close(); !closed) broken_ = closed.error();
    }
    if (broken_) throw cli::Failure(cli::ExitCode::io, fmt::format("{}: {}", path_, broken_->reason()));
    // A call that was not answered leaves no empty file behind.
    if (recorder_->frames() == 0) {
      std::error_code ignored;
      std::filesystem::remove(path_, ignored);
      path_.clear();
    }
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::optional<file::WavRecorder> recorder_;
  std::optional<Error> broken_;
};

// The codes by which a script can tell what went wrong with the call; see talky-replay(1).
cli::ExitCode exit_code_of(const Outcome& outcome) {
  if (outcome.faults().empty()) return cli::ExitCode::ok;
  if (outcome.answered) return cli::ExitCode::failed;
  const int status = outcome.ended ? outcome.ended->status : 0;
  if (!outcome.anything_came) return cli::ExitCode::unavailable;
  if (status == 401 || status == 403 || status == 407) return cli::ExitCode::no_permission;
  if (status == 480 || status == 486 || status == 503 || status == 600) return cli::ExitCode::temporary;
  return cli::ExitCode::failed;
}

class Call {
 public:
  Call(const Settings& settings, const std::vector<Step>& script, Recording& recording)
      : settings_(settings),
        script_(script),
        recording_(recording),
        conversation_(script, options_of(settings)),
        phone_(loop_, phone_options(settings), handlers()),
        limit_(loop_, [this] {
          outcome_.limit = true;
          phone_.hang_up("", false);
        }) {}

  Outcome run() {
    loop_.on_signal({SIGINT, SIGTERM}, [this](int) {
      if (interrupted_) loop_.stop();
      interrupted_ = true;
      phone_.hang_up("", false);
    });
    outcome_.target = settings_.sip;
    outcome_.transport = settings_.tcp ? "tcp" : "udp";
    outcome_.steps = script_.size();
    outcome_.dialled = net::now();
    phone_.dial();
    // A CANCEL may only follow a provisional answer (RFC 3261 9.1): where nothing comes at all there is none
    // to send.
    net::Timer silence(loop_, [this] {
      if (phone_.response_count() == 0) loop_.stop();
    });
    if (settings_.answer_timeout > 0)
      silence.at(net::now() + Duration(std::llround(settings_.answer_timeout * 1e6)));
    if (!outcome_.ended) loop_.run();
    outcome_.anything_came = phone_.response_count() > 0;
    outcome_.turns = conversation_.turns();
    outcome_.greeting = conversation_.greeting();
    outcome_.steps_done = conversation_.steps_done();
    const auto loud = [](const Packet& packet) { return packet.dbfs > kSpeechDbfs; };
    outcome_.heard_us = std::any_of(phone_.sent().begin(), phone_.sent().end(), loud);
    outcome_.heard_them = std::any_of(phone_.received().begin(), phone_.received().end(), loud);
    return outcome_;
  }
  const Phone& phone() const { return phone_; }

 private:
  static ConversationOptions options_of(const Settings& settings) {
    ConversationOptions options;
    options.wait_greeting = !settings.no_greeting;
    options.wait_answers = !settings.as_recorded;
    options.quiet_ms = settings.quiet;
    options.greeting_timeout_ms = static_cast<std::uint32_t>(settings.greeting_timeout * 1000);
    options.answer_timeout_ms = static_cast<std::uint32_t>(settings.reply_timeout * 1000);
    options.linger_ms = static_cast<std::uint32_t>(settings.linger * 1000);
    return options;
  }
  static PhoneOptions phone_options(const Settings& settings) {
    PhoneOptions options;
    options.target = settings.sip;
    options.from = settings.from;
    options.tcp = settings.tcp;
    auto offered = call::make_capabilities(settings.codecs);
    if (!offered)
      throw cli::Failure(cli::ExitCode::usage, fmt::format("--codec: expected {}", offered.error().what));
    options.capabilities = std::move(*offered);
    options.answer_timeout = Duration(std::llround(settings.answer_timeout * 1e6));
    if (!settings.user.empty()) {
      // Who has a name calls by it: servers hold From against the credentials.
      if (const auto target = sip::Uri::parse(settings.sip); target && options.from.empty())
        options.from = fmt::format("sip:{}@{}", sip::escape_user(settings.user), target->host);
      options.credentials = call::Credentials{
          settings.user, settings.password_file.empty() ? "" : read_password(settings.password_file)};
    }
    for (const std::string& header : settings.headers) {
      const std::size_t colon = header.find(':');
      if (colon == std::string::npos || colon == 0) {
        throw cli::Failure(cli::ExitCode::usage, fmt::format("--header {}: expected 'Name: value'", header));
      }
      options.headers.emplace_back(header.substr(0, colon),
                                   std::string(ascii::trim(std::string_view(header).substr(colon + 1))));
    }
    return options;
  }
  Phone::Handlers handlers() {
    Phone::Handlers handlers;
    handlers.ringing = [this](const call::CallRinging&) {
      if (!outcome_.ringing) outcome_.ringing = net::now();
    };
    handlers.answered = [this](const call::CallAnswered& event) {
      outcome_.answered = net::now();
      outcome_.plan = event.plan;
      if (settings_.hangup_after > 0)
        limit_.at(net::now() + Duration(std::llround(settings_.hangup_after * 1e6)));
    };
    handlers.heard = [this](const media::CallerFrame& frame) { hear(frame); };
    handlers.both = [this](const media::RecordingFrame& frame) { recording_.add(frame); };
    handlers.digit = [this](char digit) { outcome_.digits += digit; };
    handlers.ended = [this](const call::CallEnded& event) {
      outcome_.ended = event;
      loop_.stop();
    };
    handlers.log = [this](log::Level level, const std::string& line) {
      if (settings_.verbose || level >= log::Level::warn) cli::complain("talky-replay", line);
    };
    return handlers;
  }
  void hear(const media::CallerFrame& frame) {
    if (!outcome_.answered) return; // early media is recorded and not answered
    conversation_.receive(frame.first_sample, frame.samples);
    while (const auto action = conversation_.poll()) {
      if (const auto* speak = std::get_if<Conversation::Speak>(&*action)) {
        phone_.play(script_[speak->step].pcm);
      } else if (const auto* press = std::get_if<Conversation::Press>(&*action)) {
        phone_.press(script_[press->step].digits);
      } else {
        phone_.hang_up("", true);
      }
    }
  }

  const Settings& settings_;
  const std::vector<Step>& script_;
  Recording& recording_;
  Outcome outcome_;
  net::Loop loop_;
  Conversation conversation_;
  Phone phone_;
  net::Timer limit_;
  bool interrupted_ = false;
};

int body(int argc, char** argv) {
  Settings settings;
  cli::Options options("replay",
                       "calls an agent, plays recorded speech into the call and reports how it answered");
  options.group("The call");
  options.add("sip", settings.sip, "URI", "whom to call, e.g. sip:100@127.0.0.1:5060");
  options.flag("tcp", settings.tcp, "signalling over TCP");
  options.add("codec", settings.codecs, "NAME", "that is offered, the best first; PCMU and PCMA");
  options.add("from", settings.from, "URI", "the caller, e.g. sip:alice@example.com");
  options.add("user", settings.user, "NAME", "for digest authentication");
  options.add("password-file", settings.password_file, "FILE", "its first line is the password").files();
  options.add("header", settings.headers, "'NAME: VALUE'", "added to the INVITE; may be given several times");
  options.add("answer-timeout", settings.answer_timeout, "SECONDS", "give up ringing after this");
  options.group("Who speaks when");
  options.flag("no-greeting", settings.no_greeting, "speak at once, before the agent does");
  options.flag("as-recorded", settings.as_recorded, "keep the pauses of the files, wait for no answer");
  options.add("greeting-timeout", settings.greeting_timeout, "SECONDS", "wait no longer for the greeting");
  options.add("reply-timeout", settings.reply_timeout, "SECONDS", "wait no longer for an answer");
  options.add("quiet", settings.quiet, "MS", "silence after which the agent has finished");
  options.add("split", settings.split, "MS", "a pause this long parts two utterances of a file; 0 never");
  options.add("channel", settings.channel, "N", "of files with several channels; 0 is left");
  options.add("dtmf", settings.dtmf, "DIGITS", "press these keys after the files");
  options.add("linger", settings.linger, "SECONDS", "stay on the line after the last answer");
  options.add("hangup-after", settings.hangup_after, "SECONDS", "hang up then, whatever is going on");
  options.group("What comes out");
  options.add("output", settings.output, "FILE", "stereo WAV, caller left (default: CALL.replay.wav)")
      .alias('o')
      .files();
  options.flag("no-record", settings.no_record, "record nothing");
  options.flag("force", settings.force, "overwrite the recording").alias('f');
  options.flag("json", settings.json, "report as JSON (the default)");
  options.flag("text", settings.text, "report as text");
  options.flag("transcribe", settings.transcribe, "add what both sides said, by talky-agent hear");
  options.add("agent", settings.agent, "PROGRAM", "the talky-agent that transcribes").files();
  options.flag("verbose", settings.verbose, "tell of every message").alias('v');
  options.positional("CALL", settings.items, "sound files (A+B: in one breath), dtmf:DIGITS, pause:SECONDS");
  options.rare({"from", "user", "password-file", "header", "answer-timeout", "as-recorded",
                "greeting-timeout", "reply-timeout", "quiet", "split", "channel", "linger", "agent"});
  options.example("talky-replay call.wav --sip sip:100@127.0.0.1:5060",
                  "its utterances one by one, each after the answer");
  options.example("talky-replay hi.wav dtmf:42 bye.wav --sip sip:100@127.0.0.1 --text",
                  "a dialogue with keys");
  options.example("talky-replay call.wav --sip sip:100@127.0.0.1 | jq '.turns[].latency_ms'",
                  "the response times");
  if (const auto code = options.parse(argc, argv)) return *code;

  if (settings.sip.empty()) throw cli::Failure(cli::ExitCode::usage, "--sip URI is required (--help)");
  if (settings.transcribe && settings.no_record)
    throw cli::Failure(cli::ExitCode::usage, "--transcribe needs a recording");
  if (settings.text && settings.json) throw cli::Failure(cli::ExitCode::usage, "either --text or --json");
  for (const double seconds : {settings.answer_timeout, settings.greeting_timeout, settings.reply_timeout,
                               settings.hangup_after, settings.linger}) {
    if (!(seconds >= 0) || seconds > 86'400)
      throw cli::Failure(cli::ExitCode::usage, "times are from 0 to 86400 seconds");
  }
  if (!settings.dtmf.empty()) settings.items.push_back("dtmf:" + settings.dtmf);
  if (settings.items.empty() && settings.hangup_after <= 0 && settings.linger <= 0) {
    throw cli::Failure(cli::ExitCode::usage,
                       "nothing to do in the call: give sound files, --dtmf, --linger or --hangup-after");
  }
  const auto script = make_script(settings.items, {settings.split, settings.as_recorded, settings.channel});
  Recording recording(settings);
  Call call(settings, script, recording);
  Outcome outcome = call.run();
  recording.finish();
  outcome.recording = recording.path();
  if (settings.transcribe && outcome.answered) transcribe(outcome, settings.agent);

  const std::string report =
      settings.text ? to_text(outcome, call.phone()) : json::pretty(to_json(outcome, call.phone()));
  std::fwrite(report.data(), 1, report.size(), stdout);
  if (!settings.text) {
    for (const std::string& fault : outcome.faults())
      cli::complain("talky-replay", fault);
  }
  return static_cast<int>(exit_code_of(outcome));
}

} // namespace

} // namespace talky::replay

int main(int argc, char** argv) {
  return talky::cli::run("talky-replay", argc, argv, talky::replay::body);
}
