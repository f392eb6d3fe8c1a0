// talky-transcode: a filter from any format, rate and number of channels to any other.
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "cli/failure.hpp"
#include "cli/main.hpp"
#include "flags.hpp"
#include "format.hpp"
#include "measures.hpp"
#include "pipeline.hpp"
#include "rtp_flags.hpp"
#include "rtp_sink.hpp"
#include "sink.hpp"
#include "source.hpp"
#include "spool.hpp"
#include "transcode/plot/plot.hpp"

namespace talky::transcode {
namespace {

Processing processing_of(const Flags& f) {
  Processing p;
  if (!f.start.empty()) p.start = seconds_of(f.start, "start");
  if (!f.duration.empty()) p.duration = seconds_of(f.duration, "duration");
  const int picks = (f.left ? 1 : 0) + (f.right ? 1 : 0) + (f.channel.empty() ? 0 : 1) + (f.split ? 1 : 0);
  if (picks > 1) cli::fail_usage("--left, --right, --channel and --split exclude each other");
  if (f.left) p.pick = std::uint16_t{0};
  if (f.right) p.pick = std::uint16_t{1};
  if (const auto channel = channels_of(f.channel, "--channel"))
    p.pick = static_cast<std::uint16_t>(channel - 1);
  if (const auto channels = channels_of(f.channels, "-c")) p.channels = channels;
  if (const auto rate = rate_of(f.rate, "-r")) p.rate = rate;
  if (!(std::abs(f.gain) <= 200)) cli::fail_usage("--gain goes from -200 to 200 dB");
  if (f.gain != 0 && f.normalizes()) cli::fail_usage("--gain and --normalize exclude each other");
  p.gain_db = f.gain;
  using Resampling = Processing::Resampling;
  if (f.quality == "live") p.resampling = Resampling::live;
  if (f.quality == "auto" || f.quality == "live") return p;
  p.resampling = Resampling::file;
  if (f.quality == "quick") p.quality = file::Quality::quick;
  if (f.quality == "low") p.quality = file::Quality::low;
  if (f.quality == "medium") p.quality = file::Quality::medium;
  if (f.quality == "very-high") p.quality = file::Quality::very_high;
  return p;
}

const Kind* named_kind(const std::string& name, const char* option) {
  if (name.empty()) return nullptr;
  const Kind* kind = find_kind(name);
  if (kind == nullptr)
    cli::fail_usage(fmt::format("{} {}: no such format; --list-formats names them", option, name));
  return kind;
}

const Kind& output_kind(const Flags& f, const std::string& path) {
  if (const Kind* kind = named_kind(f.to, "-t")) return *kind;
  if (path == "-") return *find_kind("wav");
  if (const Kind* kind = kind_of_name(path)) return *kind;
  cli::fail_usage(fmt::format("{}: its name does not say what it shall be; say it with -t FORMAT", path));
}

struct Paths {
  std::vector<std::string> in, out;
};

Paths paths_of(const Flags& f) {
  if (!f.tone.empty() && !f.dtmf.empty()) cli::fail_usage("--tone and --dtmf exclude each other");
  if (f.generates() && f.join) cli::fail_usage("--join wants inputs");
  if (f.split && f.join) cli::fail_usage("--split and --join exclude each other");
  if (f.split && f.measures()) cli::fail_usage("--split excludes --level and --plot");
  Paths paths;
  std::vector<std::string> rest = f.paths;
  const auto shift = [&rest]() {
    std::string first = rest.empty() ? "-" : rest.front();
    if (!rest.empty()) rest.erase(rest.begin());
    return first;
  };
  if (f.join) {
    if (rest.size() < (f.measures() ? 2u : 3u))
      cli::fail_usage("--join wants two inputs or more, and an output");
    if (!f.measures()) {
      paths.out.push_back(rest.back());
      rest.pop_back();
    }
    paths.in = std::move(rest);
    return paths;
  }
  if (!f.generates()) paths.in.push_back(shift());
  if (f.split) {
    if (rest.size() < 2) cli::fail_usage("--split wants an input and two outputs or more");
    paths.out = std::move(rest);
    return paths;
  }
  if (!f.measures()) paths.out.push_back(shift());
  if (!rest.empty()) cli::fail_usage(fmt::format("{}: one argument too many", rest.front()));
  return paths;
}

std::unique_ptr<Source> source_of(const Flags& f, const Paths& paths) {
  const std::uint32_t in_rate = rate_of(f.in_rate, "--in-rate");
  const std::uint32_t out_rate = rate_of(f.rate, "-r");
  const std::uint32_t rate = in_rate > 0 ? in_rate : out_rate > 0 ? out_rate : 8000;
  if (!f.tone.empty()) {
    return make_tone(f.tone, rate,
                     f.duration.empty() ? std::nullopt : std::optional(seconds_of(f.duration, "duration")));
  }
  if (!f.dtmf.empty()) return make_dtmf(f.dtmf, rate);
  SourceOptions options;
  options.kind = named_kind(f.from, "-f");
  if (in_rate > 0) options.rate = in_rate;
  if (const auto channels = channels_of(f.in_channels, "--in-channels")) options.channels = channels;
  options.rtp = rtp_options_of(f);
  std::vector<std::unique_ptr<Source>> sources;
  for (const auto& path : paths.in)
    sources.push_back(open_source(path, options));
  return sources.size() == 1 ? std::move(sources.front()) : join_sources(std::move(sources));
}

void say(const std::string& name, const std::string& what, audio::Format format) {
  cli::complain("talky-transcode", fmt::format("{}: {}, {} Hz, {} channel{}", name, what, format.rate,
                                               format.channels, format.channels == 1 ? "" : "s"));
}

void complain_all(const std::vector<std::string>& lines) {
  for (const std::string& line : lines)
    cli::complain("talky-transcode", line);
}

// A pipe, socket or terminal at either end: nothing is held back.
bool is_live(const std::vector<std::string>& in) {
  for (const auto& path : in) {
    struct stat status {};
    const int got = path == "-" ? ::fstat(STDIN_FILENO, &status) : ::stat(path.c_str(), &status);
    if (got == 0 && !S_ISREG(status.st_mode)) return true;
  }
  return false;
}

// What comes in can be read twice: a generator, or regular files.
bool can_reopen(const std::vector<std::string>& in) {
  return std::none_of(in.begin(), in.end(), [](const std::string& path) {
    struct stat status {};
    return path == "-" || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode);
  });
}

// The gain that --normalize comes to.
double normalizing_gain(const Flags& f, const Levels& levels) {
  if (f.peak && f.speech_level) cli::fail_usage("--peak and --speech-level exclude each other");
  if (f.speech_level) {
    const double wanted = decibels_of(*f.speech_level, "speech-level");
    const auto speech = levels.speech_level();
    return speech ? wanted - *speech : 0;
  }
  const double wanted = f.peak ? decibels_of(*f.peak, "peak") : -1.0;
  return levels.peak() > 0 ? wanted - audio::to_dbfs(levels.peak()) : 0;
}

// --normalize: all is heard once before anything is written.
void survey(const Flags& f, Source& source, Processing& processing, bool wide) {
  Levels levels(output_format(source, processing));
  Listener* const listeners[] = {&levels};
  run(source, {}, processing, wide, false, listeners);
  processing.gain_db = normalizing_gain(f, levels);
  if (f.verbose)
    cli::complain("talky-transcode", fmt::format("normalized by {:+.2f} dB", processing.gain_db));
}

// --trim-silence. The threshold is meant of what comes out, but for --normalize of what came in. Silence is
// told from what is attenuated already and not yet amplified.
Trim trim_of(const Flags& f, double gain_db) {
  Trim trim;
  trim.threshold_dbfs = f.trim_threshold;
  if (f.normalizes() && gain_db < 0) trim.threshold_dbfs += gain_db;
  if (!f.normalizes() && gain_db > 0) trim.threshold_dbfs -= gain_db;
  trim.keep = seconds_of(f.trim_keep, "trim-keep");
  if (trim.keep > 60) cli::fail_usage("--trim-keep goes up to 60s");
  trim.start = f.trim_at != "end";
  trim.end = f.trim_at != "start";
  trim.inside = f.trim_at == "all";
  return trim;
}

void say_clipped(const Outcome& outcome, const Processing& p, std::uint16_t channels) {
  if (outcome.clipped == 0) return;
  const double share = 100.0 * static_cast<double>(outcome.clipped) /
                       static_cast<double>(std::max<std::uint64_t>(1, outcome.frames_out * channels));
  cli::complain("talky-transcode",
                fmt::format("{} samples clipped ({:.2g} %); {:+.1f} dB would clip none", outcome.clipped,
                            share, std::floor(10 * (p.gain_db - audio::to_dbfs(outcome.loudest))) / 10));
}

// How many bytes of samples a file of regular size will come to, to find room for them on the disk.
std::uint64_t expected_bytes(const std::string& path, const Source& source, const Sink& sink,
                             audio::Format to) {
  struct stat status {};
  if (path == "-" || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  const double frames =
      static_cast<double>(status.st_size) / file::info(*source.samples()).bytes / source.format().channels;
  return static_cast<std::uint64_t>(frames * to.rate / source.format().rate) * to.channels *
         file::info(*sink.samples()).bytes;
}

// More than s16 holds: at the output, where that is what counts.
bool holds_more(const Kind* kind) {
  return kind->wide();
}

// Where the output can only hold some rates and channels and none were asked for, the nearest.
void fit_to(const std::vector<const Kind*>& kinds, const Flags& f, const RtpOutput& rtp, const Source& source,
            Processing& processing) {
  for (const Kind* kind : kinds) {
    audio::Format to = output_format(source, processing);
    if (f.split) to.channels = 1;
    const audio::Format fitting = nearest_format(*kind, rtp.entry(), to);
    if (!processing.rate && fitting.rate != to.rate) processing.rate = fitting.rate;
    if (!processing.channels && !f.split && fitting.channels != to.channels)
      processing.channels = fitting.channels;
  }
}

// From RTP to RTP with nothing asked for that concerns the sound: then the packets are passed on.
bool copies_packets(const Flags& f, const std::vector<const Kind*>& kinds, Source& source) {
  return kinds.size() == 1 && kinds[0]->is_rtp() && source.packets() != nullptr && f.codec.empty() &&
         f.rate.empty() && f.channels.empty() && f.channel.empty() && !f.left && !f.right && f.gain == 0 &&
         !f.normalizes() && !f.trim && f.start.empty() && f.duration.empty() && !f.jitter_buffer;
}

// Of what was read to its end: what is behind damage is missing from the output.
int exit_code(const Source& source) {
  return source.damaged() ? static_cast<int>(cli::ExitCode::data) : 0;
}

// From RTP to RTP.
int pass_packets_on(const Flags& flags, const Paths& paths, Source& source, const Kind& kind, bool live) {
  const auto count = copy_packets(*source.packets(), paths.out[0], kind.container, flags.force, live);
  complain_all(source.remarks());
  if (flags.verbose) {
    cli::complain("talky-transcode",
                  fmt::format("{}: {} packets as they are", cli::output_name(paths.out[0]), count));
  }
  return exit_code(source);
}

// What is to be done, once all that was asked for is known to be possible.
struct Job {
  const Flags& flags;
  const Paths& paths;
  const std::vector<const Kind*>& kinds; // of the outputs
  const RtpOutput& rtp;
  Processing processing;
  audio::Format to;
  bool wide = false, live = false;
};

// --normalize: hears all of it once, and gives the source from which it is read again. `spool` keeps what
// cannot be opened twice.
std::unique_ptr<Source> normalize(Job& job, std::unique_ptr<Source> source, std::unique_ptr<Spool>& spool) {
  if (!can_reopen(job.paths.in)) {
    spool = std::make_unique<Spool>(*source, job.wide);
    source = spool->reader();
  }
  survey(job.flags, *source, job.processing, job.wide);
  job.live = false;
  return spool ? spool->reader() : source_of(job.flags, job.paths);
}

std::vector<std::unique_ptr<Sink>> open_sinks(const Job& job) {
  std::vector<std::unique_ptr<Sink>> sinks;
  const audio::Format each{job.to.rate, job.flags.split ? std::uint16_t{1} : job.to.channels};
  for (std::size_t i = 0; i < job.paths.out.size(); ++i) {
    const std::string& path = job.paths.out[i];
    if (path == "-" && ::isatty(STDOUT_FILENO) != 0)
      cli::fail_usage("samples are not written to a terminal: name an output");
    sinks.push_back(open_sink(path, *job.kinds[i], each, job.flags.force, {job.rtp, job.live}));
    if (job.flags.verbose) say(cli::output_name(path), job.kinds[i]->meaning, each);
  }
  return sinks;
}

void say_outcome(const Job& job, const Outcome& outcome) {
  say_clipped(outcome, job.processing, job.to.channels);
  if (outcome.all_silence) {
    cli::complain("talky-transcode", fmt::format("all is below {} dBFS: nothing is left by --trim-silence",
                                                 job.flags.trim_threshold));
  }
  if (job.flags.verbose) {
    cli::complain("talky-transcode",
                  fmt::format("{} frames read, {} written", outcome.frames_in, outcome.frames_out));
  }
}

int convert(const Job& job, Source& source) {
  const auto sinks = open_sinks(job);
  std::vector<Sink*> targets;
  for (const auto& sink : sinks)
    targets.push_back(sink.get());
  std::unique_ptr<Levels> levels;
  std::unique_ptr<Plot> plot;
  std::vector<Listener*> listeners;
  if (job.flags.level) listeners.push_back((levels = std::make_unique<Levels>(job.to)).get());
  if (!job.flags.plot.empty()) listeners.push_back((plot = std::make_unique<Plot>(job.to)).get());
  Outcome outcome;
  const auto& in = job.paths.in;
  if (targets.size() == 1 && is_direct(source, *targets[0], job.processing, job.wide)) {
    const bool all_of_it = job.flags.start.empty() && job.flags.duration.empty() && in.size() == 1;
    if (all_of_it) targets[0]->expect(expected_bytes(in[0], source, *targets[0], job.to));
    outcome = run_direct(source, *targets[0], job.processing, job.live);
  } else {
    outcome = run(source, targets, job.processing, job.wide, job.live, listeners);
  }
  for (const auto& sink : sinks)
    sink->close();
  complain_all(source.remarks());
  if (plot) plot->draw(job.flags.plot, in.empty() ? source.describe() : cli::input_name(in[0]));
  if (levels) levels->report(job.flags.json);
  say_outcome(job, outcome);
  return exit_code(source);
}

int carry_out(const Flags& flags, const Paths& paths, const Processing& processing) {
  std::vector<const Kind*> kinds; // before anything is opened or made
  for (const auto& path : paths.out)
    kinds.push_back(&output_kind(flags, path));
  if (!flags.plot.empty()) check_plot(flags.plot, flags.force);

  const bool live = is_live(paths.in);
  watch_signals(std::count(paths.in.begin(), paths.in.end(), "-") > 0);
  auto source = source_of(flags, paths);
  if (copies_packets(flags, kinds, *source)) return pass_packets_on(flags, paths, *source, *kinds[0], live);

  const RtpOutput rtp = rtp_output_of(flags);
  Job job{flags, paths, kinds, rtp, processing, {}, false, live};
  fit_to(kinds, flags, rtp, *source, job.processing);
  job.to = output_format(*source, job.processing);
  job.wide = source->wide() && (flags.measures() || std::any_of(kinds.begin(), kinds.end(), holds_more));
  if (flags.verbose)
    say(paths.in.size() == 1 ? cli::input_name(paths.in[0]) : "input", source->describe(), source->format());
  if (flags.split && paths.out.size() != job.to.channels) {
    throw cli::Failure(cli::ExitCode::data,
                       fmt::format("--split: {} outputs for {} channels", paths.out.size(), job.to.channels));
  }
  std::unique_ptr<Spool> spool;
  if (flags.normalizes()) source = normalize(job, std::move(source), spool);
  if (flags.trim) job.processing.trim = trim_of(flags, job.processing.gain_db);
  return convert(job, *source);
}

int body(int argc, char** argv) {
  Flags flags;
  if (const auto code = parse(argc, argv, flags)) return *code;
  if (flags.list) {
    list_formats(flags.json);
    return 0;
  }
  const Processing processing = processing_of(flags);
  const Paths paths = paths_of(flags);
  if (flags.paths.empty() && !flags.generates() && ::isatty(STDIN_FILENO) != 0) {
    cli::fail_usage("no input: name a file, or pipe something in (see --help)");
  }
  return carry_out(flags, paths, processing);
}

} // namespace
} // namespace talky::transcode

int main(int argc, char** argv) {
  return talky::cli::run("talky-transcode", argc, argv, talky::transcode::body);
}
