#include "passes.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

#include "capture/analysis.hpp"
#include "cli/exit_code.hpp"
#include "cli/main.hpp"
#include "extract.hpp"
#include "rtpdump/input.hpp"
#include "rtpdump/report/print.hpp"
#include "rtpdump/report/show.hpp"
#include "selection.hpp"
#include "signalling.hpp"

namespace talky::rtpdump {

int list(const Settings& settings, const Filter& filter) {
  if (filter.empty()) {
    capture::Analysis analysis(capture::AnalysisOptions{settings.level, settings.tones});
    say_payload_types(settings, analysis);
    capture::Packets packets(cli::check_input(capture::Source::open(settings.read), settings.read),
                             given_keys(settings), analysis);
    for_each(packets, settings.read, [&](const file::Segment& segment) { analysis.add(segment); });
    report_remarks(packets, analysis, settings.read);
    tell_crowd(analysis.streams);
    show(settings, analysis,
         {settings.read, packets.source().truncated() || packets.damage(), packets.srtp().flows()});
    return outcome_of(packets, settings.read);
  }
  const Reread input(settings.read);
  capture::Analysis all;
  say_payload_types(settings, all);
  capture::Packets first(input.open(), given_keys(settings), all);
  for_each(first, settings.read, [&](const file::Segment& segment) { all.add(segment); });
  report_remarks(first, all, settings.read);
  tell_crowd(all.streams);
  capture::Analysis selected(capture::AnalysisOptions{settings.level, settings.tones});
  say_payload_types(settings, selected);
  capture::Packets second(input.open(), first.srtp().keys(), selected);
  for_each(second, settings.read, [&](const file::Segment& segment) {
    rtp::Header header;
    Bytes payload;
    const capture::Stream* stream = all.streams.find(segment, header, payload);
    if (stream != nullptr && !filter(segment, header, payload, *stream, all)) return;
    selected.add(segment);
  });
  show(settings, selected,
       {settings.read, second.source().truncated() || second.damage(), second.srtp().flows()});
  return outcome_of(second, settings.read);
}

int process(const Settings& settings, const Filter& filter) {
  const Reread input(settings.read);
  capture::Analysis analysis;
  say_payload_types(settings, analysis);
  capture::Packets first(input.open(), given_keys(settings), analysis);
  for_each(first, settings.read, [&](const file::Segment& segment) { analysis.add(segment); });
  report_or_refuse(first, analysis, settings.read);
  tell_crowd(analysis.streams);

  std::optional<Extractor> extractor;
  std::optional<SelectionWriter> writer;
  std::optional<PacketPrinter> printer;
  if (!settings.extract.empty())
    extractor.emplace(analysis, ExtractOptions{settings.extract, settings.force, settings.payload,
                                               settings.parts.find("streams") != std::string::npos,
                                               settings.parts.find("calls") != std::string::npos,
                                               settings.playout == "jitter-buffer"});
  if (!settings.write.empty()) writer.emplace(settings.write, settings.format, settings.force);
  if (!settings.print.empty()) printer.emplace(settings.print, PacketPrinter::Time::since_start);

  // Where files are made beside, the reader of the lines may go, but not end us by SIGPIPE in the middle of
  // one.
  const bool ends_itself = printer && (writer || extractor);
  if (ends_itself) cli::ignore_sigpipe();
  capture::Packets packets(input.open(), first.srtp().keys(), analysis);
  Signalling signalling(analysis, filter); // to write it along
  for_each(packets, settings.read, [&](const file::Segment& segment) {
    rtp::Header header;
    Bytes payload;
    const capture::Stream* stream = analysis.streams.find(segment, header, payload);
    if (stream == nullptr) {
      if (!writer && !printer) return;
      const Signalling::Kind kind = signalling.kind_of(segment);
      if (kind == Signalling::Kind::none) return;
      const bool rtcp = kind == Signalling::Kind::rtcp;
      if (rtcp && printer) printer->rtcp(segment, *analysis.start_ns);
      if (writer) writer->add(segment, packets.source().frame(), rtcp);
      return;
    }
    if (!filter(segment, header, payload, *stream, analysis)) return;
    if (printer) printer->rtp(segment, header, payload, *stream, *analysis.start_ns);
    if (ends_itself && std::ferror(stdout) != 0)
      throw cli::Failure(cli::ExitCode::io, "cannot write to standard output; no file was made");
    if (extractor) extractor->add(segment, header, payload, *stream);
    if (writer) writer->add(segment, packets.source().frame(), false);
  });
  if (writer) writer->finish();
  if (extractor) {
    const auto names = extractor->finish();
    for (const std::string& remark : extractor->remarks())
      cli::complain("talky-rtpdump", remark);
    for (const std::string& name : names)
      print((std::filesystem::path(settings.extract) / name).string() + "\n");
    if (names.empty() && !packets.damage())
      throw cli::Failure(cli::ExitCode::failed, "no stream was selected");
  }
  return outcome_of(packets, settings.read);
}

} // namespace talky::rtpdump
