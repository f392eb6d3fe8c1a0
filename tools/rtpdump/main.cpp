#include "cli/main.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "cli/options.hpp"
#include "filter.hpp"
#include "passes.hpp"
#include "settings.hpp"

namespace talky::rtpdump {

namespace {

Filter parse_filter(const std::string& text) {
  auto filter = Filter::parse(text);
  if (filter) return std::move(*filter);
  std::string message = fmt::format("in the expression, at character {}: expected {}\n    {}\n    {}^",
                                    filter.error().offset + 1, filter.error().what, text,
                                    std::string(filter.error().offset, ' '));
  std::fprintf(stderr, "talky-rtpdump: %s\n", message.c_str());
  if (std::filesystem::exists(text))
    std::fprintf(stderr, "talky-rtpdump: to read that file, say -r %s\n", text.c_str());
  throw cli::Failure(cli::ExitCode::usage,
                     "the expression is not understood (talky-rtpdump(1) tells the grammar)");
}

int body(int argc, char** argv) {
  Settings settings;
  cli::Options options("rtpdump",
                       "lists, measures, selects and extracts the RTP of captures and of the network");
  options.group("What is read");
  options.add("read", settings.read, "FILE", "pcap, pcapng or rtpdump file, or - for stdin")
      .alias('r')
      .files();
  options.add("listen", settings.listen, "HOST:PORT", "receive UDP here until Ctrl-C");
  options.add("duration", settings.duration, "SECONDS", "with --listen: stop by itself");
  options.group("What comes out");
  options.flag("list", settings.list, "the RTP streams (the default)");
  options.flag("calls", settings.calls, "the SIP calls");
  options.add("ladder", settings.ladder, "CALL-ID", "the SIP messages of one call");
  options.flag("packets", settings.packets, "one line for each RTP packet");
  options.flag("json", settings.json, "streams and calls as JSON");
  options.flag("csv", settings.csv, "with --list or --calls: comma-separated values");
  options
      .add("extract", settings.extract, "DIR", "a WAV file for each stream, and a stereo one for each call")
      .directories();
  options.flag("payload", settings.payload, "with --extract: the payload bytes too");
  options.add("write", settings.write, "FILE", "the selected packets, as pcap or rtpdump by its name")
      .alias('w')
      .files();
  options.add("format", settings.format, "pcap|rtpdump", "with --write: whatever the name says")
      .choices({"pcap", "rtpdump"});
  options.flag("force", settings.force, "overwrite files").alias('f');
  options.positional("EXPR", settings.expression, "which packets, e.g. ssrc==0x1234 && pt==0 && time<30s");
  options.example("talky-rtpdump -r call.pcap", "the streams of a capture, with loss, jitter and MOS");
  options.example("talky-rtpdump -r call.pcap --extract out 'codec==PCMU'", "their audio");
  options.example("talky-rtpdump -r - --json <call.pcap | jq '.streams[].mos'", "in a pipe");
  if (const auto code = options.parse(argc, argv)) return *code;

  const int outputs =
      int{settings.list} + int{settings.calls} + int{!settings.ladder.empty()} + int{settings.packets};
  if (outputs > 1)
    throw cli::Failure(cli::ExitCode::usage, "only one of --list, --calls, --ladder and --packets");
  if (!settings.read.empty() && !settings.listen.empty())
    throw cli::Failure(cli::ExitCode::usage, "either --read or --listen");
  if (settings.write == "-" && (settings.packets || settings.json)) {
    throw cli::Failure(cli::ExitCode::usage, "--write - takes standard output for itself");
  }
  const Filter filter = parse_filter(settings.expression);
  if (!settings.listen.empty()) {
    if (!settings.extract.empty())
      throw cli::Failure(cli::ExitCode::usage, "--extract reads a capture: write one first (-w)");
    return live(settings, filter);
  }
  if (settings.read.empty()) {
    if (::isatty(STDIN_FILENO) == 1)
      throw cli::Failure(cli::ExitCode::usage,
                         "nothing to read: give -r FILE or --listen HOST:PORT (--help)");
    settings.read.assign(1, '-'); // g++ 12 warns in vain of an assignment of "-"
  }
  const bool second_pass = settings.packets || !settings.extract.empty() || !settings.write.empty();
  return second_pass ? process(settings, filter) : list(settings, filter);
}

} // namespace

} // namespace talky::rtpdump

int main(int argc, char** argv) {
  return talky::cli::run("talky-rtpdump", argc, argv, talky::rtpdump::body);
}
