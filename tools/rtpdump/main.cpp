#include "cli/main.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analysis.hpp"
#include "cli/json.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "extract.hpp"
#include "live.hpp"
#include "net/stream.hpp"
#include "report.hpp"
#include "selection.hpp"

namespace talky::rtpdump {

namespace {

struct Settings {
  std::string read, listen, extract, write, format, ladder, expression;
  double duration = 0;
  bool list = false, calls = false, json = false, csv = false, packets = false, payload = false,
       force = false;
  bool quiet = false;
};

[[noreturn]] void refuse(const std::string& path, const Error& error) {
  const std::string name = path == "-" ? "standard input" : path;
  if (error.code == Errc::io || (error.code == Errc::unsupported && errno == EISDIR)) {
    throw cli::Failure(
        error.code == Errc::io && error.offset > 0 ? cli::ExitCode::io : cli::ExitCode::no_input,
        fmt::format("{}: {}", name, std::strerror(errno)));
  }
  throw cli::Failure(cli::ExitCode::data,
                     fmt::format("{}: at byte {}: expected {}", name, error.offset, error.what));
}

Source open_source(const std::string& path) {
  auto source = Source::open(path);
  if (!source) refuse(path, source.error());
  return std::move(*source);
}

// Standard input is read twice by copying it into a file that has no name.
class Reread {
 public:
  explicit Reread(const std::string& path) : path_(path) {
    if (path != "-") return;
    spool_ = std::tmpfile();
    if (spool_ == nullptr) throw cli::Failure(cli::ExitCode::cannot_create, "no room for a temporary file");
    char block[65536];
    while (const std::size_t count = std::fread(block, 1, sizeof block, stdin)) {
      if (std::fwrite(block, 1, count, spool_) != count)
        throw cli::Failure(cli::ExitCode::io, "no room for a temporary file");
    }
    std::fflush(spool_);
  }
  ~Reread() {
    if (spool_ != nullptr) std::fclose(spool_);
  }
  Reread(const Reread&) = delete;
  Reread& operator=(const Reread&) = delete;

  Source open() const {
    return open_source(spool_ == nullptr ? path_ : fmt::format("/dev/fd/{}", ::fileno(spool_)));
  }

 private:
  std::string path_;
  std::FILE* spool_ = nullptr;
};

// Reads to the end; a fault in the middle is told, and what came before it counts.
template <class Receive>
bool read_all(Source& source, const Settings& settings, Receive&& receive) {
  for (;;) {
    auto segment = source.next();
    if (!segment) refuse(settings.read, segment.error());
    if (!*segment) break;
    receive(**segment);
  }
  if (source.truncated() && !settings.quiet) {
    cli::complain("talky-rtpdump",
                  fmt::format("{}: the capture is cut off at byte {}; what came before it is used",
                              settings.read, source.offset()));
  }
  return source.truncated();
}

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

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void report(const Settings& settings, const Analysis& analysis, bool truncated) {
  if (settings.json) {
    print(cli::json_text(
        to_json(analysis, {settings.read.empty() ? settings.listen : settings.read, truncated})));
  } else if (!settings.ladder.empty()) {
    const std::string text = call_ladder(analysis, settings.ladder);
    if (text.empty())
      throw cli::Failure(cli::ExitCode::failed, fmt::format("no call has the Call-ID {}", settings.ladder));
    print(text);
  } else if (settings.calls) {
    print(settings.csv ? call_csv(analysis) : call_table(analysis));
  } else {
    print(settings.csv ? stream_csv(analysis) : stream_table(analysis));
  }
}

std::string packet_line(const file::Segment& segment, const rtp::Header& header, Bytes payload,
                        const Stream& stream, std::int64_t start_ns) {
  return fmt::format("{:.6f} {} {} 0x{:08x} {} seq={} ts={} len={}{}\n",
                     static_cast<double>(segment.time_ns - start_ns) * 1e-9, segment.from.to_string(),
                     segment.to.to_string(), header.ssrc,
                     header.payload_type == stream.payload_type() && !stream.format().name.empty()
                         ? stream.format().name
                         : fmt::format("pt{}", header.payload_type),
                     header.sequence, header.timestamp, payload.size(), header.marker ? " M" : "");
}

// One pass where nothing is selected; with an expression a second table counts only what it lets through.
int list(const Settings& settings, const Filter& filter) {
  if (filter.empty()) {
    Analysis analysis;
    Source source = open_source(settings.read);
    const bool truncated =
        read_all(source, settings, [&](const file::Segment& segment) { analysis.add(segment); });
    report(settings, analysis, truncated);
    return 0;
  }
  const Reread input(settings.read);
  Analysis all;
  Source first = input.open();
  read_all(first, settings, [&](const file::Segment& segment) { all.add(segment); });
  Analysis selected;
  Source second = input.open();
  Settings silent = settings;
  silent.quiet = true;
  const bool truncated = read_all(second, silent, [&](const file::Segment& segment) {
    rtp::Header header;
    Bytes payload;
    const Stream* stream = all.streams.find(segment, header, payload);
    if (stream != nullptr && !filter(segment, header, payload, *stream, *all.start_ns)) return;
    selected.add(segment);
  });
  report(settings, selected, truncated);
  return 0;
}

// The second pass over what a first one has understood: packets printed, extracted or written.
int process(const Settings& settings, const Filter& filter) {
  const Reread input(settings.read);
  Analysis analysis;
  Source first = input.open();
  read_all(first, settings, [&](const file::Segment& segment) { analysis.add(segment); });

  std::optional<Extractor> extractor;
  std::optional<SelectionWriter> writer;
  if (!settings.extract.empty())
    extractor.emplace(analysis, ExtractOptions{settings.extract, settings.force, settings.payload});
  if (!settings.write.empty()) writer.emplace(settings.write, settings.format, settings.force);

  Settings silent = settings;
  silent.quiet = true;
  Source source = input.open();
  CallTable sip(analysis.announcements); // tells SIP from the rest once more, to write it along
  read_all(source, silent, [&](const file::Segment& segment) {
    rtp::Header header;
    Bytes payload;
    const Stream* stream = analysis.streams.find(segment, header, payload);
    if (stream == nullptr) {
      // Without an expression the whole call is wanted: its signalling and its RTCP as well.
      if (!writer || !filter.empty()) return;
      const bool rtcp = segment.transport == file::Transport::udp && is_rtcp(segment.payload);
      if (rtcp || sip.add(segment)) writer->add(segment, source.frame(), rtcp);
      return;
    }
    if (!filter(segment, header, payload, *stream, *analysis.start_ns)) return;
    if (settings.packets) print(packet_line(segment, header, payload, *stream, *analysis.start_ns));
    if (extractor) extractor->add(segment, header, payload, *stream);
    if (writer) writer->add(segment, source.frame(), false);
  });
  if (writer) writer->finish();
  if (extractor) {
    const auto names = extractor->finish();
    for (const std::string& remark : extractor->remarks())
      cli::complain("talky-rtpdump", remark);
    for (const std::string& name : names)
      print((std::filesystem::path(settings.extract) / name).string() + "\n");
    if (names.empty()) throw cli::Failure(cli::ExitCode::failed, "no stream was selected");
  }
  return 0;
}

int live(const Settings& settings, const Filter& filter) {
  const auto local = net::resolve(settings.listen, std::nullopt);
  if (!local)
    throw cli::Failure(cli::ExitCode::usage, fmt::format("--listen {}: expected HOST:PORT", settings.listen));
  Analysis analysis;
  Analysis selected; // with an expression: what it lets through, and all that is not RTP
  std::optional<SelectionWriter> writer;
  if (!settings.write.empty()) writer.emplace(settings.write, settings.format, settings.force);
  cli::Progress progress;
  listen(
      *local, Duration(std::llround(settings.duration * 1e6)),
      [](const Endpoint& bound) {
        std::fprintf(stderr, "talky-rtpdump: listening on %s\n", bound.to_string().c_str());
      },
      [&](const file::Segment& segment) {
        const auto seen = analysis.add(segment);
        if (seen.stream != nullptr &&
            !filter(segment, seen.header, seen.payload, *seen.stream, *analysis.start_ns))
          return;
        if (!filter.empty()) selected.add(segment);
        if (settings.packets && seen.stream != nullptr) {
          print(packet_line(segment, seen.header, seen.payload, *seen.stream, *analysis.start_ns));
        }
        if (writer && (seen.stream != nullptr || filter.empty())) {
          writer->add(segment, nullptr, is_rtcp(segment.payload));
        }
      },
      [&] {
        std::fflush(stdout);
        progress.update(fmt::format("{} streams, {} RTP packets, {} RTCP", analysis.streams.streams().size(),
                                    analysis.streams.counts().rtp, analysis.streams.counts().rtcp));
      });
  progress.update("");
  if (writer) writer->finish();
  if (!settings.packets && settings.write.empty())
    report(settings, filter.empty() ? analysis : selected, false);
  return 0;
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
