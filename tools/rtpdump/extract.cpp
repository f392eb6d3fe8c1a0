#include "extract.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <system_error>

#include "capture/converter.hpp"
#include "capture/playout.hpp"
#include "capture/stream_clock.hpp"
#include "capture/track.hpp"
#include "cli/exit_code.hpp"
#include "cli/failure.hpp"
#include "codec/codec.hpp"
#include "rtpdump/report/report_parts.hpp"

namespace talky::rtpdump {

namespace {

constexpr std::int64_t kHorizon = 1'000'000'000; // ns: how late a packet may come and still find its place
constexpr std::size_t kFewFiles = 4;             // that may each have a thread to write them
constexpr std::size_t kMaxLayers = 8;            // streams of one side that sound at once

// The highest rate that the stream's codecs give; 0: none of them can be decoded.
std::uint32_t rate_of(const capture::Stream& stream) {
  std::uint32_t rate = 0;
  for (const capture::PayloadUse& use : stream.payload_types()) {
    if (const codec::Entry* entry = capture::codec_of(use.format))
      rate = std::max(rate, entry->info.sample_rate);
  }
  return rate;
}

} // namespace

struct Extractor::Decoder {
  std::uint8_t payload_type = 0;
  const codec::Entry* entry = nullptr; // nullptr: cannot be decoded
  std::unique_ptr<codec::Codec> codec;
  std::optional<capture::Converter> own, mix; // to the rates of the stream's file and the mix's
};

struct Extractor::Waiting {
  std::int64_t time_ns;
  rtp::Header header;
  std::vector<std::byte> payload;
};

struct Extractor::Mix {
  std::string name;
  std::array<std::vector<const capture::Stream*>, 2> legs;
  // Streams of one side that overlap, such as the early media of two telephones that an INVITE was forked to,
  // are laid out apart and added up.
  std::unordered_map<const capture::Stream*, std::size_t> layer_of;
  std::size_t layers = 1;
  std::int64_t start_ns = 0;
  std::uint32_t rate = 0;
  std::optional<capture::Track> track;
  std::array<std::optional<capture::Playout>, 2> playout;
};

struct Extractor::Audio {
  const capture::Stream* stream = nullptr;
  std::string name; // without extension
  std::optional<capture::Track> track;
  std::optional<capture::Playout> playout;
  std::optional<file::Output> payload;
  capture::StreamClock clock{8000};
  std::vector<Decoder> decoders;
  std::vector<Waiting> waiting; // doubtful packets
  bool undecodable = false;
  std::int64_t rate = 8000; // of the clock
  Mix* mix = nullptr;
  std::size_t channel = 0;
  std::size_t layer = 0;
  std::int64_t mix_offset = 0; // samples of the mix from its start to the first packet
};

Extractor::Extractor(const capture::Analysis& analysis, const ExtractOptions& options)
    : analysis_(analysis), options_(options) {
  std::error_code error;
  std::filesystem::create_directories(options_.folder, error);
  if (error) {
    throw cli::Failure(cli::ExitCode::cannot_create,
                       fmt::format("{}: {}", options_.folder.string(), error.message()));
  }
  if (options_.calls) find_pairs();
}

// Closing is finish()'s: what has no name by then disappears with its file::Output.
Extractor::~Extractor() = default;

file::Output::Mode Extractor::mode() const {
  return options_.overwrite ? file::Output::Mode::replace : file::Output::Mode::fresh;
}

std::string Extractor::fresh_path(const std::string& name) const {
  const auto path = options_.folder / name;
  if (!options_.overwrite && std::filesystem::exists(path))
    throw cli::Failure(cli::ExitCode::cannot_create,
                       fmt::format("{}: exists (-f overwrites)", path.string()));
  return path.string();
}

// The legs of every call, and opposite streams that belong to none.
void Extractor::find_pairs() {
  std::map<const capture::Call*, Mix*> by_call;
  std::map<std::pair<Endpoint, Endpoint>, Mix*> by_hosts;
  std::size_t pairs = 0;
  for (const capture::Stream* stream : analysis_.streams.streams()) {
    if (rate_of(*stream) == 0) continue;
    const capture::Call* call = analysis_.calls.call_of(*stream);
    const auto leg = call != nullptr ? call->leg_of(*stream) : capture::Call::Leg::none;
    Mix** slot =
        leg != capture::Call::Leg::none ? &by_call[call] : &by_hosts[std::minmax(stream->from, stream->to)];
    if (*slot == nullptr) *slot = mixes_.emplace_back(std::make_unique<Mix>()).get();
    Mix& mix = **slot;
    if (leg != capture::Call::Leg::none) mix.name = fmt::format("call-{:02}.wav", call->number);
    const bool right = leg != capture::Call::Leg::none
                           ? leg == capture::Call::Leg::from_callee
                           : !mix.legs[0].empty() && mix.legs[0].front()->from != stream->from;
    mix.legs[right ? 1 : 0].push_back(stream);
    mix_of_[stream] = &mix;
    const std::int64_t begins = stream->first_ns() - static_cast<std::int64_t>(stream->first_late_ms() * 1e6);
    if (mix.start_ns == 0 || begins < mix.start_ns) mix.start_ns = begins;
    mix.rate = std::max(mix.rate, rate_of(*stream));
  }
  for (const auto& mix : mixes_)
    stack(*mix);
  for (const auto& mix : mixes_) {
    if (!mix->name.empty()) continue;
    if (!mix->legs[1].empty()) {
      mix->name = fmt::format("pair-{:02}.wav", ++pairs);
      continue;
    }
    for (const capture::Stream* alone : mix->legs[0])
      mix_of_.erase(alone);
  }
}

// Each stream takes the first layer in which the stream before it has ended.
void Extractor::stack(Mix& mix) {
  for (const auto& leg : mix.legs) {
    std::vector<std::int64_t> ends;
    for (const capture::Stream* stream : leg) {
      std::size_t layer = 0;
      while (layer < ends.size() && ends[layer] >= stream->first_ns() && layer + 1 < kMaxLayers)
        ++layer;
      if (layer == ends.size()) ends.push_back(stream->last_ns());
      ends[layer] = std::max(ends[layer], stream->last_ns());
      mix.layer_of.emplace(stream, layer);
      mix.layers = std::max(mix.layers, layer + 1);
    }
  }
}

void Extractor::open_mix(Mix& mix) {
  if (mix.track) return;
  if (options_.jitter_buffer) mix.rate = media::kSampleRate;
  const std::string path = fresh_path(mix.name);
  auto track = capture::Track::create(path, mode(), {mix.rate, 2, options_.jitter_buffer ? 1 : mix.layers});
  if (!track) cli::fail_create(path, track.error());
  mix.track.emplace(std::move(*track));
  std::int64_t end_ns = mix.start_ns;
  for (const auto& leg : mix.legs) {
    for (const capture::Stream* stream : leg)
      end_ns = std::max(end_ns, stream->last_ns());
  }
  if (mixes_.size() <= kFewFiles) mix.track->expect((end_ns - mix.start_ns) / 1'000'000 * mix.rate / 1000);
  if (!options_.jitter_buffer) return;
  for (std::size_t side = 0; side < 2; ++side) {
    auto playout = capture::Playout::create(
        mix.legs[side], mix.start_ns,
        [&mix, side](std::int64_t at, auto samples) { mix.track->place(side, at, samples); });
    if (playout) mix.playout[side].emplace(std::move(*playout));
  }
}

Extractor::Audio& Extractor::audio_of(const capture::Stream& stream) {
  // The legs of a call take turns: the one before the last is likely to be next.
  if (&stream == recent_[0].stream) return *recent_[0].audio;
  std::swap(recent_[0], recent_[1]);
  if (&stream == recent_[0].stream) return *recent_[0].audio;
  auto& slot = streams_[&stream];
  const bool known = slot != nullptr;
  if (!known) slot = std::make_unique<Audio>();
  Audio& audio = *slot;
  recent_[0] = {&stream, &audio};
  if (known) return audio;
  audio.stream = &stream;
  audio.name = fmt::format("{:02}-0x{:08x}", analysis_.number_of(stream), stream.ssrc);
  const std::uint32_t rate = rate_of(stream);
  audio.undecodable = rate == 0;
  if (audio.undecodable)
    remarks_.push_back(
        fmt::format("{}: {} cannot be decoded; its payload is kept", audio.name, codec_of(stream)));
  if (options_.payload || audio.undecodable) {
    const std::string path = fresh_path(audio.name + ".payload");
    auto output = file::Output::create(path, mode());
    if (!output) cli::fail_create(path, output.error());
    audio.payload.emplace(std::move(*output));
  }
  if (audio.undecodable) return audio;
  audio.clock = capture::StreamClock(rate);
  audio.rate = rate;
  const std::int64_t begins = stream.first_ns() - static_cast<std::int64_t>(stream.first_late_ms() * 1e6);
  if (options_.streams) {
    const std::string path = fresh_path(audio.name + ".wav");
    auto track =
        capture::Track::create(path, mode(), {options_.jitter_buffer ? media::kSampleRate : rate, 1});
    if (!track) cli::fail_create(path, track.error());
    audio.track.emplace(std::move(*track));
    if (options_.jitter_buffer) {
      const capture::Stream* one[] = {&stream};
      auto playout = capture::Playout::create(
          one, stream.first_ns(),
          [&audio](std::int64_t at, auto samples) { audio.track->place(0, at, samples); });
      if (playout) audio.playout.emplace(std::move(*playout));
    }
  }
  if (const auto found = mix_of_.find(&stream); found != mix_of_.end()) {
    audio.mix = found->second;
    open_mix(*audio.mix);
    const auto& right = audio.mix->legs[1];
    audio.channel = std::find(right.begin(), right.end(), &stream) != right.end() ? 1 : 0;
    audio.layer = audio.mix->layer_of.at(&stream);
    audio.mix_offset = capture::StreamClock(audio.mix->rate).samples(begins - audio.mix->start_ns);
  }
  return audio;
}

Extractor::Decoder* Extractor::decoder_of(Audio& audio, std::uint8_t payload_type) {
  for (Decoder& known : audio.decoders) {
    if (known.payload_type == payload_type) return &known;
  }
  Decoder& made = audio.decoders.emplace_back();
  made.payload_type = payload_type;
  const capture::Format* format = audio.stream->format_of(payload_type);
  if (format != nullptr) made.entry = capture::codec_of(*format);
  if (made.entry == nullptr) return &made;
  made.codec = made.entry->make();
  const std::uint32_t rate = made.entry->info.sample_rate;
  if (audio.track) made.own.emplace(rate, audio.track->format().rate);
  if (audio.mix != nullptr) made.mix.emplace(rate, audio.mix->rate);
  return &made;
}

void Extractor::add(const file::Segment& segment, const rtp::Header& header, Bytes payload,
                    const capture::Stream& stream) {
  Audio& audio = audio_of(stream);
  if (audio.payload && header.payload_type == stream.payload_type())
    cli::check_written(audio.payload->write(payload), audio.name + ".payload");
  if (audio.undecodable) return;
  if (options_.jitter_buffer) {
    by_playout(audio, segment);
  } else {
    by_timestamp(audio, segment.time_ns, header, payload);
  }
}

void Extractor::by_playout(Audio& audio, const file::Segment& segment) {
  const auto horizon = [](const capture::Track& track, std::int64_t ns) {
    return (ns - kHorizon) / 1'000'000 * (track.format().rate / 1000);
  };
  if (audio.playout) {
    audio.playout->receive(segment);
    cli::check_written(
        audio.track->close_until(horizon(*audio.track, segment.time_ns - audio.stream->first_ns())),
        audio.track->path());
  }
  if (audio.mix == nullptr || !audio.mix->playout[audio.channel]) return;
  Mix& mix = *audio.mix;
  mix.playout[audio.channel]->receive(segment);
  // The other side plays on meanwhile, whether packets come to it or not.
  if (auto& other = mix.playout[1 - audio.channel]) other->advance(segment.time_ns);
  cli::check_written(mix.track->close_until(horizon(*mix.track, segment.time_ns - mix.start_ns)),
                     mix.track->path());
}

void Extractor::by_timestamp(Audio& audio, std::int64_t time_ns, const rtp::Header& header, Bytes payload) {
  if (!audio.waiting.empty() || audio.clock.doubtful(time_ns, header)) {
    audio.waiting.push_back({time_ns, header, {payload.begin(), payload.end()}});
    if (audio.waiting.size() >= capture::StreamClock::kDoubt) resolve(audio);
    return;
  }
  lay(audio, time_ns, header, payload, false);
}

void Extractor::resolve(Audio& audio) {
  if (audio.waiting.empty()) return;
  const Waiting& first = audio.waiting.front();
  const Waiting& last = audio.waiting.back();
  const Decoder* decoder = decoder_of(audio, first.header.payload_type);
  const std::uint32_t clock = decoder->entry != nullptr ? decoder->entry->info.clock_rate : 8000;
  const bool paused =
      capture::StreamClock::paused(last.time_ns - first.time_ns, first.header, last.header, clock);
  const std::vector<Waiting> all = std::move(audio.waiting);
  audio.waiting.clear();
  bool anew = paused;
  for (const Waiting& each : all) {
    lay(audio, each.time_ns, each.header, each.payload, anew);
    anew = false;
  }
}

void Extractor::lay(Audio& audio, std::int64_t time_ns, const rtp::Header& header, Bytes payload, bool anew) {
  Decoder& decoder = *decoder_of(audio, header.payload_type);
  if (decoder.entry == nullptr) return; // events, comfort noise
  pcm_.clear();
  if (!decoder.codec->decode(payload, pcm_)) return;
  const codec::Info& info = decoder.codec->info();
  if (info.channels == 2) { // to one
    for (std::size_t i = 0; i < pcm_.size() / 2; ++i)
      pcm_[i] = static_cast<std::int16_t>((pcm_[2 * i] + pcm_[2 * i + 1]) / 2);
    pcm_.resize(pcm_.size() / 2);
  }
  const std::int64_t rate = audio.rate;
  const auto place = audio.clock.place(time_ns, header, info.clock_rate, anew);
  const auto in_rate = [rate](std::int64_t samples, std::int64_t other) {
    return other == rate ? samples : samples * other / rate;
  };
  const std::int64_t position = in_rate(place.position, info.sample_rate); // of the decoder
  const auto closed = [&](std::int64_t track_rate, std::int64_t offset) {
    return in_rate(place.arrived, track_rate) + offset - kHorizon / 1'000'000 * track_rate / 1000;
  };
  if (audio.track) {
    std::int64_t at = position;
    const auto samples = decoder.own->convert(at, pcm_, other_);
    audio.track->place(0, at, samples);
    cli::check_written(audio.track->close_until(closed(audio.track->format().rate, 0)), audio.track->path());
  }
  if (audio.mix == nullptr) return;
  Mix& mix = *audio.mix;
  std::int64_t at = position;
  const auto samples = decoder.mix->convert(at, pcm_, resampled_);
  mix.track->place(audio.channel, at + audio.mix_offset, samples, audio.layer);
  cli::check_written(mix.track->close_until(closed(mix.rate, audio.mix_offset)), mix.track->path());
}

std::vector<std::string> Extractor::finish() {
  std::vector<std::string> names;
  for (auto& [stream, audio] : streams_) {
    resolve(*audio);
    if (audio->payload) {
      cli::check_written(audio->payload->close(), audio->name + ".payload");
      names.push_back(audio->name + ".payload");
    }
    if (!audio->track) continue;
    if (audio->playout) audio->playout->finish();
    cli::check_written(audio->track->finish(), audio->track->path());
    names.push_back(audio->name + ".wav");
  }
  for (const auto& mix : mixes_) {
    if (!mix->track) continue;
    for (auto& playout : mix->playout) {
      if (playout) playout->finish();
    }
    cli::check_written(mix->track->finish(), mix->track->path());
    names.push_back(mix->name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace talky::rtpdump
