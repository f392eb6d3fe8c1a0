#include "cli/main.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

#include "cli/options.hpp"
#include "filter.hpp"
#include "passes.hpp"
#include "settings.hpp"

namespace talky::rtpdump {

namespace {

Filter parse_filter(const std::string& text) {
  auto filter = Filter::parse(text);
  if (filter) return std::move(*filter);
  // Of a long one, what is around the fault.
  constexpr std::size_t kBefore = 60;
  constexpr std::size_t kMost = 100;
  const std::size_t at = filter.error().offset;
  const std::size_t start = text.size() <= kMost || at <= kBefore ? 0 : at - kBefore;
  std::fprintf(stderr, "talky-rtpdump: %s\n",
               fmt::format("in the expression, at character {}: expected {}\n    {}\n    {}^", at + 1,
                           filter.error().what, text.substr(start, kMost), std::string(at - start, ' '))
                   .c_str());
  std::error_code none;
  if (std::filesystem::exists(text, none))
    std::fprintf(stderr, "talky-rtpdump: to read that file, say -r %s\n", text.c_str());
  throw cli::Failure(cli::ExitCode::usage,
                     "the expression is not understood (talky-rtpdump(1) tells the grammar)");
}

void add_inputs(cli::Options& options, Settings& settings) {
  options.group("What is read");
  options.add("read", settings.read, "FILE", "pcap, pcapng or rtpdump file, or - for stdin")
      .alias('r')
      .files();
  options.add("listen", settings.listen, "HOST:PORT",
              "receive UDP here until Ctrl-C, and RTCP on the next port; may be given several times");
  options
      .add("interface", settings.interfaces, "NAME",
           "listen in on a network interface; may be given several times")
      .alias('i');
  options.add("capture-filter", settings.capture_filter, "BPF",
              "with --interface: a pcap-filter(7) instead of UDP and SIP");
  options.flag("follow", settings.follow, "show what comes as it comes; with --read of a capture that grows");
  options.add("duration", settings.duration, "SECONDS", "with a live source: stop by itself");
  options.add(
      "payload-type", settings.payload_types, "TYPE=NAME/RATE",
      "what a payload type means, whatever SDP says, as 111=opus/48000/2; may be given several times");
  options.add("srtp-key-file", settings.srtp_key_file, "FILE", "keys of SRTP beside those of captured SDP")
      .files();
  options.add("srtp-key", settings.srtp_keys, "KEY", "the same, in the environment").secret();
}

void add_reports(cli::Options& options, Settings& settings) {
  options.group("What comes out");
  options.flag("list", settings.list, "the RTP streams (the default)");
  options.flag("calls", settings.calls, "the SIP calls");
  options.flag("dtmf", settings.dtmf,
               "the keys pressed: telephone-event, SIP INFO, and with --tones in the audio");
  options.flag("rtcp", settings.rtcp, "what the receivers reported, beside what was measured");
  options.add("ladder", settings.ladder, "CALL-ID", "the SIP messages of one call");
  options.flag("packets", settings.packets, "one line for each RTP packet");
  options.add("print", settings.print, "FORMAT", "packets as rtpdump -F prints them")
      .alias('F')
      .choices({"line", "ascii", "hex", "rtcp", "short", "payload"});
  options.flag("wide", settings.wide, "with --list: every figure");
  options.flag("level", settings.level, "decode the audio: level and talk time (ITU-T P.56)");
  options.flag("tones", settings.tones, "decode the audio: DTMF tones in it");
  options.flag("json", settings.json, "streams and calls as JSON");
  options.flag("csv", settings.csv, "with --list, --calls, --dtmf or --rtcp: comma-separated values");
}

void add_outputs(cli::Options& options, Settings& settings) {
  options
      .add("extract", settings.extract, "DIR", "a WAV file for each stream, and a stereo one for each call")
      .directories();
  options.add("parts", settings.parts, "LIST",
              "with --extract: streams, calls or streams,calls (the default)");
  options
      .add("playout", settings.playout, "timestamps|jitter-buffer",
           "with --extract: exactly by the timestamps, or as a listener would have heard it")
      .choices({"timestamps", "jitter-buffer"});
  options.flag("payload", settings.payload, "with --extract: the payload bytes too");
  options.add("write", settings.write, "FILE", "the selected packets, as pcap, pcapng or rtpdump by its name")
      .alias('w')
      .files();
  options.add("format", settings.format, "pcap|pcapng|rtpdump", "with --write: whatever the name says")
      .choices({"pcap", "pcapng", "rtpdump"});
  options.add("play", settings.play, "udp:HOST:PORT", "send the packets there, in the recorded time");
  options.add("speed", settings.speed, "FACTOR|max", "with --play: faster or slower");
  options.add("timing", settings.timing, "capture|rtp", "with --play: as captured, or by RTP timestamps")
      .choices({"capture", "rtp"});
  options.add("loop", settings.loop, "TIMES", "with --play: so many times, 0 for ever");
  options.flag("force", settings.force, "overwrite files").alias('f');
  options.positional("EXPR", settings.expression, "which packets, e.g. ssrc==0x1234 && pt==0 && time<30s");
}

void add_help(cli::Options& options) {
  options.rare({"capture-filter", "duration", "payload-type", "srtp-key-file", "srtp-key", "rtcp", "print",
                "wide", "tones", "csv", "parts", "payload", "format", "timing", "loop"});
  options.example("talky-rtpdump -r call.pcap", "the streams of a capture, with loss, jitter and MOS");
  options.example("talky-rtpdump -r call.pcap --extract out 'codec==PCMU'", "their audio");
  options.example("talky-rtpdump -r - --json <call.pcap | jq '.streams[].mos'", "in a pipe");
}

bool listens(const Settings& settings) {
  return !settings.listen.empty() || !settings.interfaces.empty();
}

// The ways to report of which there can be one.
int reports(const Settings& settings) {
  return int{settings.list} + int{settings.calls} + int{settings.dtmf} + int{settings.rtcp} +
         int{!settings.ladder.empty()} + int{!settings.print.empty()};
}

void refuse_unless(bool fits, const std::string& text) {
  if (!fits) throw cli::Failure(cli::ExitCode::usage, text);
}

// What excludes each other.
void check(const Settings& settings) {
  refuse_unless(reports(settings) <= 1,
                "only one of --list, --calls, --dtmf, --rtcp, --ladder, --packets and --print");
  const std::string& parts = settings.parts;
  refuse_unless(
      parts == "streams" || parts == "calls" || parts == "streams,calls" || parts == "calls,streams",
      "--parts takes streams, calls or streams,calls");
  refuse_unless(settings.read.empty() || !listens(settings), "either --read, or --listen and --interface");
  refuse_unless(settings.write != "-" || (settings.print.empty() && !settings.json && !settings.follow),
                "--write - takes standard output for itself");
}

// With the expression understood: which of the passes it is, and what that excludes.
void check_pass(const Settings& settings) {
  const bool live = listens(settings) || settings.follow;
  const bool alone = !live && reports(settings) == 0 && !settings.json && !settings.csv &&
                     settings.extract.empty() && settings.write.empty();
  refuse_unless(settings.play.empty() || alone, "--play sends a recording (-r) and does nothing else");
  refuse_unless(!live || settings.extract.empty(), "--extract reads a capture: write one first (-w)");
  refuse_unless(live || !settings.read.empty() || ::isatty(STDIN_FILENO) != 1,
                "nothing to read: give -r FILE, --listen HOST:PORT or --interface NAME (--help)");
}

int run(Settings& settings, const Filter& filter) {
  if (settings.read.empty() && !listens(settings))
    settings.read.assign(1, '-'); // g++ 12 warns in vain of an assignment of "-"
  if (listens(settings) || settings.follow) return live(settings, filter);
  if (!settings.play.empty()) return play(settings, filter);
  const bool second_pass = !settings.print.empty() || !settings.extract.empty() || !settings.write.empty();
  return second_pass ? process(settings, filter) : list(settings, filter);
}

int body(int argc, char** argv) {
  Settings settings;
  cli::Options options("rtpdump",
                       "lists, measures, selects and extracts the RTP of captures and of the network");
  add_inputs(options, settings);
  add_reports(options, settings);
  add_outputs(options, settings);
  add_help(options);
  if (const auto code = options.parse(argc, argv)) return *code;
  if (settings.packets && settings.print.empty()) settings.print = "line";
  check(settings);
  const Filter filter = parse_filter(settings.expression);
  check_pass(settings);
  return run(settings, filter);
}

} // namespace

} // namespace talky::rtpdump

int main(int argc, char** argv) {
  return talky::cli::run("talky-rtpdump", argc, argv, talky::rtpdump::body);
}
