// talky-transcode: a filter from any format, rate and number of channels to any other.
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "cli/json.hpp"
#include "cli/main.hpp"
#include "cli/options.hpp"
#include "core/ascii.hpp"
#include "failure.hpp"
#include "format.hpp"
#include "pipeline.hpp"
#include "sink.hpp"
#include "source.hpp"

namespace talky::transcode {
namespace {

// As typed; every field is the default.
struct Flags {
  std::string from, to;
  std::string rate, in_rate, channels, in_channels, channel;
  bool left = false, right = false, split = false, join = false;
  double gain = 0;
  std::string start, duration, quality = "auto", tone, dtmf;
  bool level = false, json = false, list = false, force = false, verbose = false;
  std::vector<std::string> paths;
};

std::optional<int> parse(int argc, char** argv, Flags& f) {
  cli::Options options("transcode", "turns audio of any format, rate and number of channels into any other");
  options.group("Formats (--list-formats names them)");
  options.add("from", f.from, "FORMAT", "of the input; else its header or its name says it").alias('f');
  options.add("to", f.to, "FORMAT", "of the output; else its name says it, wav for -").alias('t');
  options.add("rate", f.rate, "HZ", "sample rate of the output, 8000 or 8k; else that of the input")
      .alias('r');
  options.add("channels", f.channels, "N", "of the output: 1 mixes, 2 doubles mono").alias('c');
  options.add("in-rate", f.in_rate, "HZ", "of a raw input; else 8k for G.711 and 8 bits, 16k for the rest");
  options.add("in-channels", f.in_channels, "N", "of a raw input; else 1");
  options.group("Processing");
  options.flag("left", f.left, "the first channel only");
  options.flag("right", f.right, "the second channel only");
  options.add("channel", f.channel, "N", "channel N only, counted from 1");
  options.flag("split", f.split, "IN OUT1 OUT2...: each channel to a file of its own");
  options.flag("join", f.join, "IN1 IN2... OUT: inputs side by side as channels");
  options.add("gain", f.gain, "DB", "amplify; saturates");
  options.add("start", f.start, "TIME", "leave out what is before: 1.5, 90s, 200ms, 1:02:03.5");
  options.add("duration", f.duration, "TIME", "stop after so much");
  options.add("quality", f.quality, "NAME", "of rate conversion; auto: own filter for 2:1, else high")
      .choices({"auto", "live", "quick", "low", "medium", "high", "very-high"});
  options.group("Instead of an input");
  options.add("tone", f.tone, "HZ[+HZ]", "sines at -10 dBFS, one second unless --duration");
  options.add("dtmf", f.dtmf, "DIGITS", "100 ms on, 100 ms off; ',' pauses");
  options.group("Other");
  options.flag("level", f.level, "measure instead of writing: RMS, peak, DC, clipping");
  options.flag("json", f.json, "--level and --list-formats as JSON");
  options.flag("list-formats", f.list, "and exit").flag_only();
  options.flag("force", f.force, "overwrite the output");
  options.flag("verbose", f.verbose, "say on stderr what is read and written").alias('v');
  options.positional("FILE", f.paths, "[IN|-] [OUT|-]; - is stdin or stdout");
  options.example("talky-transcode -f mulaw -t s16le -r 16000 <call.ul | talky-agent", "a filter");
  options.example("talky-transcode --split call.wav caller.wav agent.wav", "a stereo call to two files");
  options.example("talky-transcode --tone 440 --duration 2 -r 8000 tone.wav", "two seconds of 440 Hz");
  return options.parse(argc, argv);
}

// "8000", "8k", "44.1k"; 0 for "": not given
std::uint32_t rate_of(const std::string& text, const char* option) {
  std::string_view rest = text;
  if (rest.empty()) return 0;
  const bool kilo = rest.ends_with("k") || rest.ends_with("K");
  if (kilo) rest.remove_suffix(1);
  double hz = 0;
  if (!rest.empty() &&
      rest.find_first_not_of(kilo ? "0123456789." : "0123456789") == std::string_view::npos) {
    hz = std::strtod(std::string(rest).c_str(), nullptr) * (kilo ? 1000 : 1);
  }
  if (!(hz >= 1) || hz > 1e6 || hz != std::floor(hz)) {
    usage(fmt::format("{} {}: expected a rate from 1 to 1000000 Hz, as 8000 or 8k", option, text));
  }
  return static_cast<std::uint32_t>(hz);
}

// 1 to 64; 0 for "": not given
std::uint16_t channels_of(const std::string& text, const char* option) {
  if (text.empty()) return 0;
  const auto count = ascii::to_number<std::uint16_t>(text);
  if (!count || *count < 1 || *count > 64)
    usage(fmt::format("{} {}: expected a number from 1 to 64", option, text));
  return *count;
}

// "1.5", "90s", "200ms", "2:30", "1:02:03.5"
double seconds(const std::string& text, const char* option) {
  const auto bad = [&]() {
    usage(fmt::format("--{} {}: expected a time as 1.5, 90s, 200ms or 1:02:03.5", option, text));
  };
  std::string_view rest = text;
  double scale = 1;
  if (rest.ends_with("ms")) {
    scale = 0.001;
    rest.remove_suffix(2);
  } else if (rest.ends_with("s")) {
    rest.remove_suffix(1);
  }
  double total = 0;
  int parts = 0;
  for (;;) {
    const std::size_t colon = rest.find(':');
    const std::string part(rest.substr(0, colon));
    const bool last = colon == std::string_view::npos;
    if (part.empty() || part.find_first_not_of(last ? "0123456789." : "0123456789") != std::string::npos ||
        ++parts > 3)
      bad();
    try {
      total = total * 60 + std::stod(part);
    } catch (const std::exception&) {
      bad();
    }
    if (last) break;
    rest.remove_prefix(colon + 1);
  }
  total *= scale;
  if (!(total >= 0) || total > 1e7) bad();
  return total;
}

Processing processing_of(const Flags& f) {
  Processing p;
  if (!f.start.empty()) p.start = seconds(f.start, "start");
  if (!f.duration.empty()) p.duration = seconds(f.duration, "duration");
  const int picks = (f.left ? 1 : 0) + (f.right ? 1 : 0) + (f.channel.empty() ? 0 : 1) + (f.split ? 1 : 0);
  if (picks > 1) usage("--left, --right, --channel and --split exclude each other");
  if (f.left) p.pick = std::uint16_t{0};
  if (f.right) p.pick = std::uint16_t{1};
  if (const auto channel = channels_of(f.channel, "--channel"))
    p.pick = static_cast<std::uint16_t>(channel - 1);
  if (const auto channels = channels_of(f.channels, "-c")) p.channels = channels;
  if (const auto rate = rate_of(f.rate, "-r")) p.rate = rate;
  if (!(std::abs(f.gain) <= 200)) usage("--gain goes from -200 to 200 dB");
  p.gain_db = f.gain;
  using Resampling = Processing::Resampling;
  if (f.quality == "live") p.resampling = Resampling::live;
  if (f.quality == "auto" || f.quality == "live") return p;
  p.resampling = Resampling::file;
  if (f.quality == "quick") p.quality = audio::Quality::quick;
  if (f.quality == "low") p.quality = audio::Quality::low;
  if (f.quality == "medium") p.quality = audio::Quality::medium;
  if (f.quality == "very-high") p.quality = audio::Quality::very_high;
  return p;
}

const Kind* named_kind(const std::string& name, const char* option) {
  if (name.empty()) return nullptr;
  const Kind* kind = find_kind(name);
  if (kind == nullptr) usage(fmt::format("{} {}: no such format; --list-formats names them", option, name));
  return kind;
}

const Kind& output_kind(const Flags& f, const std::string& path) {
  if (const Kind* kind = named_kind(f.to, "-t")) return *kind;
  if (path == "-") return *find_kind("wav");
  if (const Kind* kind = kind_of_name(path)) return *kind;
  usage(fmt::format("{}: its name does not say what it shall be; say it with -t FORMAT", path));
}

struct Paths {
  std::vector<std::string> in, out;
};

Paths paths_of(const Flags& f) {
  const bool generated = !f.tone.empty() || !f.dtmf.empty();
  if (!f.tone.empty() && !f.dtmf.empty()) usage("--tone and --dtmf exclude each other");
  if (generated && f.join) usage("--join wants inputs");
  if (f.split && f.join) usage("--split and --join exclude each other");
  if (f.split && f.level) usage("--split and --level exclude each other");
  Paths paths;
  std::vector<std::string> rest = f.paths;
  const auto shift = [&rest]() {
    std::string first = rest.empty() ? "-" : rest.front();
    if (!rest.empty()) rest.erase(rest.begin());
    return first;
  };
  if (f.join) {
    if (rest.size() < (f.level ? 2u : 3u)) usage("--join wants two inputs or more, and an output");
    if (!f.level) {
      paths.out.push_back(rest.back());
      rest.pop_back();
    }
    paths.in = std::move(rest);
    return paths;
  }
  if (!generated) paths.in.push_back(shift());
  if (f.split) {
    if (rest.size() < 2) usage("--split wants an input and two outputs or more");
    paths.out = std::move(rest);
    return paths;
  }
  if (!f.level) paths.out.push_back(shift());
  if (!rest.empty()) usage(fmt::format("{}: one argument too many", rest.front()));
  return paths;
}

std::unique_ptr<Source> source_of(const Flags& f, const Paths& paths) {
  const std::uint32_t in_rate = rate_of(f.in_rate, "--in-rate");
  const std::uint32_t out_rate = rate_of(f.rate, "-r");
  const std::uint32_t rate = in_rate > 0 ? in_rate : out_rate > 0 ? out_rate : 8000;
  if (!f.tone.empty()) {
    return make_tone(f.tone, rate,
                     f.duration.empty() ? std::nullopt : std::optional(seconds(f.duration, "duration")));
  }
  if (!f.dtmf.empty()) return make_dtmf(f.dtmf, rate);
  SourceOptions options;
  options.kind = named_kind(f.from, "-f");
  if (in_rate > 0) options.rate = in_rate;
  if (const auto channels = channels_of(f.in_channels, "--in-channels")) options.channels = channels;
  std::vector<std::unique_ptr<Source>> sources;
  for (const auto& path : paths.in)
    sources.push_back(open_source(path, options));
  return sources.size() == 1 ? std::move(sources.front()) : join_sources(std::move(sources));
}

void say(const std::string& name, const std::string& what, audio::Format format) {
  cli::complain("talky-transcode", fmt::format("{}: {}, {} Hz, {} channel{}", name, what, format.rate,
                                               format.channels, format.channels == 1 ? "" : "s"));
}

void report_levels(const std::vector<audio::LevelMeter>& meters, audio::Format format, bool json) {
  if (json) {
    boost::json::array list;
    for (const auto& meter : meters) {
      list.push_back({{"rms_dbfs", meter.rms_dbfs()},
                      {"peak_dbfs", meter.peak_dbfs()},
                      {"dc", meter.dc()},
                      {"clipped", meter.clipped()}});
    }
    const boost::json::object all{{"rate", format.rate},
                                  {"seconds", static_cast<double>(meters[0].samples()) / format.rate},
                                  {"channels", std::move(list)}};
    fmt::print("{}", cli::json_text(all));
    return;
  }
  fmt::print("{:>7} {:>10} {:>9} {:>9} {:>9} {:>8}\n", "channel", "seconds", "RMS dBFS", "peak dBFS", "DC",
             "clipped");
  for (std::size_t c = 0; c < meters.size(); ++c) {
    const auto& m = meters[c];
    fmt::print("{:>7} {:>10.3f} {:>9.2f} {:>9.2f} {:>9.5f} {:>8}\n", c + 1,
               static_cast<double>(m.samples()) / format.rate, m.rms_dbfs(), m.peak_dbfs(), m.dc(),
               m.clipped());
  }
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

int body(int argc, char** argv) {
  Flags flags;
  if (const auto code = parse(argc, argv, flags)) return *code;
  if (flags.list) {
    list_formats(flags.json);
    return 0;
  }
  const Processing processing = processing_of(flags);
  const Paths paths = paths_of(flags);
  if (flags.paths.empty() && flags.tone.empty() && flags.dtmf.empty() && ::isatty(STDIN_FILENO) != 0) {
    usage("no input: name a file, or pipe something in (see --help)");
  }
  std::vector<const Kind*> kinds; // before anything is opened or made
  for (const auto& path : paths.out)
    kinds.push_back(&output_kind(flags, path));

  const bool live = is_live(paths.in);
  watch_signals(std::count(paths.in.begin(), paths.in.end(), "-") > 0);
  const auto source = source_of(flags, paths);
  const audio::Format to = output_format(*source, processing);
  if (flags.verbose)
    say(paths.in.size() == 1 ? input_name(paths.in[0]) : "input", source->describe(), source->format());
  if (flags.split && paths.out.size() != to.channels) {
    throw cli::Failure(cli::ExitCode::data,
                       fmt::format("--split: {} outputs for {} channels", paths.out.size(), to.channels));
  }

  std::vector<std::unique_ptr<Sink>> sinks;
  std::vector<Sink*> targets;
  const audio::Format each{to.rate, flags.split ? std::uint16_t{1} : to.channels};
  for (std::size_t i = 0; i < paths.out.size(); ++i) {
    if (paths.out[i] == "-" && ::isatty(STDOUT_FILENO) != 0)
      usage("samples are not written to a terminal: name an output");
    sinks.push_back(open_sink(paths.out[i], *kinds[i], each, flags.force));
    targets.push_back(sinks.back().get());
    if (flags.verbose) say(output_name(paths.out[i]), kinds[i]->meaning, each);
  }

  std::vector<audio::LevelMeter> meters(to.channels);
  const auto holds_more = [](const Kind* kind) {
    return kind->container == Kind::Container::sound ? kind->name == "ogg" || kind->name == "opus"
                                                     : file::info(kind->samples).wide;
  };
  const bool wide = source->wide() && (flags.level || std::any_of(kinds.begin(), kinds.end(), holds_more));
  const bool same = targets.size() == 1 && kinds[0]->container != Kind::Container::sound &&
                    source->samples() == kinds[0]->samples && to == source->format() && !processing.pick &&
                    processing.gain_db == 0;
  const Outcome outcome =
      same ? run_copy(*source, *targets[0], processing, live)
           : run(*source, targets, processing, wide, live, flags.level ? &meters : nullptr);
  for (const auto& sink : sinks)
    sink->close();
  if (const auto remark = source->remark(); !remark.empty()) cli::complain("talky-transcode", remark);
  if (flags.level) report_levels(meters, to, flags.json);
  if (flags.verbose) {
    cli::complain("talky-transcode",
                  fmt::format("{} frames read, {} written", outcome.frames_in, outcome.frames_out));
  }
  return 0;
}

} // namespace
} // namespace talky::transcode

int main(int argc, char** argv) {
  return talky::cli::run("talky-transcode", argc, argv, talky::transcode::body);
}
