#include "flags.hpp"

#include <fmt/core.h>

#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "cli/failure.hpp"
#include "cli/options.hpp"
#include "core/ascii.hpp"

namespace talky::transcode {

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
  options.add("gain", f.gain, "DB", "amplify; what is clipped is counted and said");
  options.flag("normalize", f.normalize,
               "amplify until the peak is at -1 dBFS; a pipe is read to its end first");
  options.add("peak", f.peak, "DBFS", "normalize the peak to this");
  options.add("speech-level", f.speech_level, "DBFS",
              "normalize the active speech level (ITU-T P.56) to this");
  options.flag("trim-silence", f.trim, "drop the silence at both ends");
  options.add("trim-threshold", f.trim_threshold, "DBFS", "what is below counts as silence");
  options.add("trim-keep", f.trim_keep, "TIME", "silence that is left at each end");
  options.add("trim-at", f.trim_at, "END", "trim only there; all: long pauses too")
      .choices({"start", "end", "both", "all"});
  options.add("start", f.start, "TIME", "leave out what is before: 1.5, 90s, 200ms, 1:02:03.5");
  options.add("duration", f.duration, "TIME", "stop after so much");
  options.add("quality", f.quality, "NAME", "of rate conversion; auto: own filter for 2:1, else high")
      .choices({"auto", "live", "quick", "low", "medium", "high", "very-high"});
  options.group("RTP (rtpdump and pcap) and codecs");
  options.add("ssrc", f.ssrc, "HEX[,HEX]", "the stream to read, or two side by side; of what is written");
  options.add("payload-type", f.payload_type, "N[=FORMAT]",
              "111=opus/48000/2: what N means; N: to be written");
  options.flag("jitter-buffer", f.jitter_buffer, "as a telephone hears it; else exactly by timestamps");
  options.add("impair", f.impair, "HOW", "loss=2%,burst=3,jitter=30ms,reorder=1%,dup=1%,ppm=50,seed=7");
  options.add("codec", f.codec, "NAME", "of RTP output: PCMU, PCMA, G722, opus, GSM, L16/16000");
  options.add("ptime", f.ptime, "MS", "of RTP output");
  options.add("bitrate", f.bitrate, "BPS", "of Opus, 6k to 510k");
  options.add("fec", f.fec, "PERCENT", "Opus in RTP: protect against so much loss");
  options.flag("dtx", f.dtx, "Opus in RTP: send nothing in silence");
  options.group("Instead of an input");
  options.add("tone", f.tone, "HZ[+HZ]", "sines at -10 dBFS, one second unless --duration");
  options.add("dtmf", f.dtmf, "DIGITS", "100 ms on, 100 ms off; ',' pauses");
  options.group("Instead of an output");
  options.flag("level", f.level, "measure: RMS, peak, DC, clipping, active speech level");
  options.add("plot", f.plot, "FILE", "draw waveform and spectrogram: FILE.png or FILE.svg").files();
  options.group("Other");
  options.flag("json", f.json, "--level and --list-formats as JSON");
  options.flag("list-formats", f.list, "and exit").flag_only();
  options.flag("force", f.force, "overwrite the output");
  options.flag("verbose", f.verbose, "say on stderr what is read and written").alias('v');
  options.positional("FILE", f.paths, "[IN|-] [OUT|-]; - is stdin or stdout");
  options.rare(
      {"json",          "start",          "duration",  "in-rate", "in-channels", "channel", "peak",
       "speech-level",  "trim-threshold", "trim-keep", "trim-at", "quality",     "ssrc",    "payload-type",
       "jitter-buffer", "codec",          "ptime",     "bitrate", "fec",         "dtx",     "dtmf"});
  options.example("talky-transcode -f mulaw -t s16le -r 16000 <call.ul | talky-agent", "a filter");
  options.example("talky-transcode --split call.wav caller.wav agent.wav", "a stereo call to two files");
  options.example("talky-transcode --impair loss=5%,burst=3 call.pcap bad.wav",
                  "a captured call on a bad line");
  return options.parse(argc, argv);
}

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
    cli::fail_usage(fmt::format("{} {}: expected a rate from 1 to 1000000 Hz, as 8000 or 8k", option, text));
  }
  return static_cast<std::uint32_t>(hz);
}

std::uint16_t channels_of(const std::string& text, const char* option) {
  if (text.empty()) return 0;
  const auto count = ascii::to_number<std::uint16_t>(text);
  if (!count || *count < 1 || *count > 64)
    cli::fail_usage(fmt::format("{} {}: expected a number from 1 to 64", option, text));
  return *count;
}

double seconds_of(const std::string& text, const char* option) {
  const auto bad = [&]() {
    cli::fail_usage(fmt::format("--{} {}: expected a time as 1.5, 90s, 200ms or 1:02:03.5", option, text));
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

double decibels_of(const std::string& text, const char* option) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(std::abs(value) <= 200))
    cli::fail_usage(fmt::format("--{} {}: expected decibels from -200 to 200", option, text));
  return value;
}

} // namespace talky::transcode
