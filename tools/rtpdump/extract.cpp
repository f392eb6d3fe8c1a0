#include "extract.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <system_error>

#include "capture/converter.hpp"
#include "capture/decoder.hpp"
#include "capture/playout.hpp"
#include "capture/stream_clock.hpp"
#include "capture/track.hpp"
#include "cli/exit_code.hpp"
#include "cli/failure.hpp"
#include "codec/codec.hpp"
#include "rtpdump/report/report_parts.hpp"

namespace talky::rtpdump {

namespace {

// ns: how much earlier than a packet that came may the sound be that is still to be laid: the drift that a
// clock may have, the second for which a packet may wait for others, and some for the resamplers.
constexpr std::int64_t kHorizon = (capture::StreamClock::kMaxDriftMs + 1'500) * 1'000'000;
constexpr std::int64_t kPlayoutHorizon = 1'000'000'000; // ns: the same of what a jitter buffer plays
constexpr std::size_t kFewFiles = 4;                    // that may each have a thread to write them
constexpr std::size_t kMaxLayers = 8;                   // streams of one side that sound at once

} // namespace

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
  std::vector<Audio*> parts;
};

struct Extractor::Audio {
  const capture::Stream* stream = nullptr;
  std::string name; // without extension
  std::optional<capture::Track> track;
  std::optional<capture::Playout> playout;
  std::optional<file::Output> payload;
  std::optional<capture::ExactDecoder> decoder; // by the timestamps; nullopt: cannot be decoded
  std::optional<capture::Converter> to_mix;
  bool undecodable = false;
  Mix* mix = nullptr;
  std::size_t channel = 0;
  std::size_t layer = 0;
  std::int64_t mix_offset = 0; // samples of the mix from its start to the first packet
  std::vector<std::int16_t> resampled;
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

// When the first sample was spoken: the first packet may have been late.
std::int64_t Extractor::begin_of(const capture::Stream& stream) const {
  return place(stream.first_ns()) - static_cast<std::int64_t>(stream.first_late_ms() * 1e6);
}

// The legs of every call, and opposite streams that belong to none.
void Extractor::find_pairs() {
  std::map<const capture::Call*, Mix*> by_call;
  std::map<std::pair<Endpoint, Endpoint>, Mix*> by_hosts;
  std::size_t pairs = 0;
  for (const capture::Stream* stream : analysis_.streams.streams()) {
    if (capture::rate_of(*stream) == 0) continue;
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
    const std::int64_t begins = begin_of(*stream);
    if (mix.start_ns == 0 || begins < mix.start_ns) mix.start_ns = begins;
    mix.rate = std::max(mix.rate, capture::rate_of(*stream));
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
      end_ns = std::max(end_ns, place(stream->last_ns()));
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
  audio.undecodable = capture::rate_of(stream) == 0;
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
  if (!options_.jitter_buffer) {
    audio.decoder.emplace(stream, capture::ExactDecoder::Options{{}, true},
                          [&audio](std::int64_t at, auto samples) { lay(audio, at, samples); });
  }
  if (options_.streams) open_stream(audio);
  if (const auto found = mix_of_.find(&stream); found != mix_of_.end()) {
    Mix& mix = *found->second;
    audio.mix = &mix;
    mix.parts.push_back(&audio);
    open_mix(mix);
    const auto& right = mix.legs[1];
    audio.channel = std::find(right.begin(), right.end(), &stream) != right.end() ? 1 : 0;
    audio.layer = mix.layer_of.at(&stream);
    audio.mix_offset = capture::StreamClock(mix.rate).samples(begin_of(stream) - mix.start_ns);
    if (audio.decoder) audio.to_mix.emplace(audio.decoder->format().rate, mix.rate);
  }
  return audio;
}

void Extractor::open_stream(Audio& audio) {
  const std::string path = fresh_path(audio.name + ".wav");
  const std::uint32_t rate = audio.decoder ? audio.decoder->format().rate : media::kSampleRate;
  auto track = capture::Track::create(path, mode(), {rate, 1});
  if (!track) cli::fail_create(path, track.error());
  audio.track.emplace(std::move(*track));
  if (!options_.jitter_buffer) return;
  const capture::Stream* one[] = {audio.stream};
  auto playout = capture::Playout::create(
      one, place(audio.stream->first_ns()),
      [&audio](std::int64_t at, auto samples) { audio.track->place(0, at, samples); });
  if (playout) audio.playout.emplace(std::move(*playout));
}

void Extractor::add(const file::Segment& segment, const rtp::Header& header, Bytes payload,
                    const capture::Stream& stream) {
  Audio& audio = audio_of(stream);
  if (audio.payload && header.payload_type == stream.payload_type())
    cli::check_written(audio.payload->write(payload), audio.name + ".payload");
  // What was cut off when it was captured is as good as lost.
  if (audio.undecodable || segment.payload.size() < segment.payload_length) return;
  if (options_.jitter_buffer) {
    by_playout(audio, segment);
  } else {
    by_timestamp(audio, place(segment.time_ns), header, payload);
  }
}

void Extractor::by_playout(Audio& audio, file::Segment segment) {
  segment.time_ns = place(segment.time_ns);
  const auto horizon = [](const capture::Track& track, std::int64_t ns) {
    return (ns - kPlayoutHorizon) / 1'000'000 * (track.format().rate / 1000);
  };
  if (audio.playout) {
    audio.playout->receive(segment);
    cli::check_written(
        audio.track->close_until(horizon(*audio.track, segment.time_ns - place(audio.stream->first_ns()))),
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
  audio.decoder->receive(time_ns, header, payload);
  const auto closed = [&](const capture::Track& track, std::int64_t start_ns) {
    return (time_ns - start_ns - kHorizon) / 1'000'000 * track.format().rate / 1000;
  };
  if (audio.track) {
    cli::check_written(audio.track->close_until(closed(*audio.track, place(audio.stream->first_ns()))),
                       audio.track->path());
  }
  if (audio.mix == nullptr) return;
  Mix& mix = *audio.mix;
  for (Audio* other : mix.parts) {
    if (other != &audio) other->decoder->advance(time_ns);
  }
  cli::check_written(mix.track->close_until(closed(*mix.track, mix.start_ns)), mix.track->path());
}

// What a decoder has heard, into its own file and that of its call.
void Extractor::lay(Audio& audio, std::int64_t position, std::span<const std::int16_t> samples) {
  if (audio.track) audio.track->place(0, position, samples);
  if (audio.mix == nullptr) return;
  std::int64_t at = position;
  const auto converted = audio.to_mix->convert(at, samples, audio.resampled);
  audio.mix->track->place(audio.channel, at + audio.mix_offset, converted, audio.layer);
}

std::vector<std::string> Extractor::finish() {
  std::vector<std::string> names;
  for (auto& [stream, audio] : streams_) {
    if (audio->decoder) audio->decoder->end();
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
