#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <optional>
#include <string>

#include "capture/analysis.hpp"
#include "cli/main.hpp"
#include "cli/progress.hpp"
#include "net/loop.hpp"
#include "rtpdump/input.hpp"
#include "rtpdump/live/follow.hpp"
#include "rtpdump/live/live.hpp"
#include "rtpdump/passes.hpp"
#include "rtpdump/report/print.hpp"
#include "rtpdump/report/report.hpp"
#include "rtpdump/report/show.hpp"
#include "rtpdump/selection.hpp"

namespace talky::rtpdump {

int live(const Settings& settings, const Filter& filter) {
  LiveOptions options;
  options.listen = settings.listen;
  options.interfaces = settings.interfaces;
  options.capture_filter = settings.capture_filter;
  options.growing = settings.read;
  options.limit = Duration(std::llround(settings.duration * 1e6));
  const capture::AnalysisOptions decode{settings.level, settings.tones};
  capture::Analysis analysis(decode);
  capture::Analysis selected(decode); // with an expression: what it lets through, and all that is not RTP
  say_payload_types(settings, analysis);
  say_payload_types(settings, selected);
  const capture::Analysis& shown = filter.empty() ? analysis : selected;
  std::optional<SelectionWriter> writer;
  if (!settings.write.empty())
    writer.emplace(settings.write, settings.format, settings.force, SelectionWriter::Kind::live);

  std::optional<PacketPrinter> printer;
  // As rtpdump does: what comes from the network has the time of day.
  if (!settings.print.empty())
    printer.emplace(settings.print,
                    settings.read.empty() ? PacketPrinter::Time::of_day : PacketPrinter::Time::since_start);
  capture::SrtpDecryptor srtp(given_keys(settings), analysis.announcements);

  const bool table = settings.follow && !printer && !settings.json && !settings.csv;
  std::optional<Screen> screen;
  ProgressLines lines;
  cli::Progress progress;
  const Time started = net::now();
  LiveHandlers handlers;
  handlers.ready = [](const std::string& what) { std::fprintf(stderr, "talky-rtpdump: %s\n", what.c_str()); };
  handlers.receive = [&](const file::Segment& received, const file::CapturedFrame* frame) {
    file::Segment segment = received;
    if (!srtp.idle() && !cli::check_input(srtp.open(segment), settings.read)) return;
    const auto seen = analysis.add(segment);
    const bool rtcp = seen.stream == nullptr && capture::is_rtcp(segment.payload);
    if (seen.stream != nullptr && !filter(segment, seen.header, seen.payload, *seen.stream, analysis)) return;
    if (!filter.empty()) selected.add(segment);
    if (printer && seen.stream != nullptr)
      printer->rtp(segment, seen.header, seen.payload, *seen.stream, *analysis.start_ns);
    if (printer && rtcp && filter.empty()) printer->rtcp(segment, *analysis.start_ns);
    if (writer && (seen.stream != nullptr || filter.empty())) writer->add(segment, frame, rtcp);
  };
  handlers.tick = [&] {
    if (writer) writer->flush();
    const auto& counts = analysis.streams.counts();
    const std::string summary = fmt::format("{} streams, {} RTP packets, {} RTCP",
                                            shown.streams.streams().size(), counts.rtp, counts.rtcp);
    if (table && screen && screen->shown()) {
      screen->draw(fmt::format("{:.0f} s: {} (Ctrl-C ends)",
                               static_cast<double>(to_ms(net::now() - started)) / 1000, summary),
                   settings.calls ? call_table(shown) : stream_table(shown));
    } else if (table) {
      print(lines.next(shown));
    } else {
      progress.update(summary);
    }
    std::fflush(stdout);
  };
  if (table) screen.emplace();
  const LiveLosses losses = run_live(options, handlers);
  screen.reset();
  progress.update("");
  if (writer) writer->finish();
  if (losses.dropped > 0) {
    cli::complain("talky-rtpdump",
                  fmt::format("{} packets came faster than they could be read and were dropped by the system",
                              losses.dropped));
  }
  tell_crowd(analysis.streams);
  for (const std::string& line : capture::srtp_summary(srtp.flows()))
    cli::complain("talky-rtpdump", line);
  if (!printer && (settings.write.empty() || settings.follow)) {
    const std::string name = !settings.listen.empty()       ? settings.listen.front()
                             : !settings.interfaces.empty() ? settings.interfaces.front()
                                                            : settings.read;
    show(settings, shown, {name, false, srtp.flows()});
  }
  return 0;
}

} // namespace talky::rtpdump
