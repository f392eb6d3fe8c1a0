#include "passes.hpp"

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
#include "cli/main.hpp"
#include "cli/progress.hpp"
#include "extract.hpp"
#include "live.hpp"
#include "net/stream.hpp"
#include "print.hpp"
#include "report.hpp"
#include "selection.hpp"

namespace talky::rtpdump {

namespace {

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
  for (file::Segment segment;;) {
    const auto more = source.next(segment);
    if (!more) refuse(settings.read, more.error());
    if (!*more) break;
    receive(segment);
  }
  if (source.truncated() && !settings.quiet) {
    cli::complain("talky-rtpdump",
                  fmt::format("{}: the capture is cut off at byte {}; what came before it is used",
                              settings.read, source.offset()));
  }
  return source.truncated();
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

} // namespace

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

} // namespace talky::rtpdump
