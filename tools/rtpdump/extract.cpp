#include "extract.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include "cli/exit_code.hpp"

namespace talky::rtpdump {

namespace {

constexpr std::int64_t kHorizon = 1'000'000'000; // how late a packet may come and still find its place
constexpr double kMaxDrift = 5;                  // seconds between timestamp and arrival: more is a new start

[[noreturn]] void refuse(const std::string& name, const Error& error) {
  const int reason = error.code == Errc::io ? errno : 0;
  throw cli::Failure(
      error.code == Errc::io && reason == EEXIST ? cli::ExitCode::cannot_create : cli::ExitCode::io,
      fmt::format("{}: {}{}", name, error.what,
                  reason != 0 ? fmt::format(" ({})", std::strerror(reason)) : ""));
}

} // namespace

void Timeline::place(std::int64_t position, std::span<const std::int16_t> samples) {
  if (position < base_) {
    const auto gone = std::min<std::size_t>(samples.size(), static_cast<std::size_t>(base_ - position));
    late_ += gone;
    samples = samples.subspan(gone);
    position = base_;
  }
  if (samples.empty()) return;
  const auto at = static_cast<std::size_t>(position - base_);
  if (samples_.size() < at + samples.size()) samples_.resize(at + samples.size());
  std::copy(samples.begin(), samples.end(), samples_.begin() + static_cast<std::ptrdiff_t>(at));
}

void Timeline::take(std::int64_t position, std::vector<std::int16_t>& out) {
  if (position <= base_) return;
  const auto count = static_cast<std::size_t>(position - base_);
  const std::size_t held = std::min(count, samples_.size());
  out.insert(out.end(), samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(held));
  out.resize(out.size() + (count - held));
  samples_.erase(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(held));
  base_ = position;
}

struct Extractor::CallAudio {
  std::string name;
  std::filesystem::path part;
  std::optional<file::WavRecorder> recorder;
  std::uint32_t rate = 0;
  std::int64_t start_ns = 0; // of the first packet of either side
  Timeline left, right;
};

struct Extractor::Audio {
  std::string name; // without extension
  std::unique_ptr<codec::Codec> decoder;
  std::uint8_t payload_type = 0;
  std::optional<file::WavRecorder> recorder;
  std::optional<file::Output> payload;
  Timeline timeline;
  std::int64_t start_ns = 0;
  std::int64_t anchor = 0; // position of extended timestamp 0
  std::int64_t extended = 0;
  bool anchored = false;
  CallAudio* call = nullptr;
  bool caller = false;
  std::int64_t call_offset = 0; // position in the call of the stream's position 0
};

Extractor::Extractor(const Analysis& analysis, const ExtractOptions& options)
    : analysis_(analysis), options_(options) {
  std::error_code error;
  std::filesystem::create_directories(options_.folder, error);
  if (error) {
    throw cli::Failure(cli::ExitCode::cannot_create,
                       fmt::format("{}: {}", options_.folder.string(), error.message()));
  }
  for (const Stream* stream : analysis_.streams.streams())
    numbers_.emplace(stream, numbers_.size() + 1);
  for (const Call& call : analysis_.calls.calls())
    call_numbers_.emplace(&call, call_numbers_.size() + 1);
}

Extractor::~Extractor() {
  std::error_code ignored;
  for (const auto& [stream, audio] : streams_)
    std::filesystem::remove(options_.folder / (audio->name + ".wav.part"), ignored);
  for (const auto& [call, audio] : calls_)
    std::filesystem::remove(audio->part, ignored);
}

Extractor::Audio& Extractor::audio_of(const Stream& stream) {
  auto& slot = streams_[&stream];
  if (slot) return *slot;
  slot = std::make_unique<Audio>();
  Audio& audio = *slot;
  audio.name = fmt::format("{:02}-0x{:08x}", numbers_.at(&stream), stream.ssrc);
  audio.payload_type = stream.payload_type();
  const Format& format = stream.format();
  const codec::Entry* entry = codec::find(format.name, format.clock_rate);
  if (entry != nullptr) audio.decoder = entry->make();
  const auto check = [&](const std::string& name) {
    if (!options_.overwrite && std::filesystem::exists(options_.folder / name)) {
      throw cli::Failure(cli::ExitCode::cannot_create,
                         fmt::format("{}: exists (-f overwrites)", (options_.folder / name).string()));
    }
    return (options_.folder / name).string();
  };
  if (!audio.decoder) {
    remarks_.push_back(
        fmt::format("{}: {} cannot be decoded; its payload is kept", audio.name,
                    format.name.empty() ? fmt::format("payload type {}", audio.payload_type) : format.name));
  }
  if (options_.payload || !audio.decoder) {
    const std::string name = check(audio.name + ".payload");
    auto output = file::Output::create(
        name, options_.overwrite ? file::Output::Mode::replace : file::Output::Mode::fresh);
    if (!output) refuse(name, output.error());
    audio.payload.emplace(std::move(*output));
  }
  if (!audio.decoder) return audio;
  const codec::Info& info = audio.decoder->info();
  const std::string name = check(audio.name + ".wav") + ".part";
  std::filesystem::remove(name);
  auto recorder = file::WavRecorder::create(name, {info.sample_rate, info.channels});
  if (!recorder) refuse(name, recorder.error());
  audio.recorder.emplace(std::move(*recorder));
  const Call* call = analysis_.calls.call_of(stream);
  if (call == nullptr || info.channels != 1) return audio;
  auto& call_slot = calls_[call];
  if (!call_slot) {
    call_slot = std::make_unique<CallAudio>();
    call_slot->name = fmt::format("call-{:02}.wav", call_numbers_.at(call));
    call_slot->part = check(call_slot->name) + ".part";
    call_slot->rate = info.sample_rate;
    std::filesystem::remove(call_slot->part);
    auto stereo = file::WavRecorder::create(call_slot->part.string(), {info.sample_rate, 2});
    if (!stereo) refuse(call_slot->part.string(), stereo.error());
    call_slot->recorder.emplace(std::move(*stereo));
    call_slot->start_ns = stream.first_ns();
    for (const Stream* other : analysis_.streams.streams()) {
      if (analysis_.calls.call_of(*other) == call)
        call_slot->start_ns = std::min(call_slot->start_ns, other->first_ns());
    }
  }
  if (call_slot->rate != info.sample_rate) {
    remarks_.push_back(fmt::format("{}: {} Hz, so it is not in {} ({} Hz)", audio.name, info.sample_rate,
                                   call_slot->name, call_slot->rate));
    return audio;
  }
  audio.call = call_slot.get();
  audio.caller = call->leg_of(stream) == Call::Leg::from_caller;
  return audio;
}

void Extractor::write(file::WavRecorder& recorder, std::span<const std::int16_t> samples) {
  if (const auto written = recorder.write(samples); !written) refuse(recorder.path(), written.error());
}

void Extractor::place(Audio& audio, std::int64_t time_ns, std::uint32_t timestamp) {
  const codec::Info& info = audio.decoder->info();
  const auto rate = static_cast<double>(info.sample_rate);
  const auto samples_since = [rate](std::int64_t ns) {
    return static_cast<std::int64_t>(static_cast<double>(ns) * 1e-9 * rate + 0.5);
  };
  if (!audio.anchored) {
    audio.extended = timestamp;
    audio.start_ns = time_ns;
    if (audio.call != nullptr) audio.call_offset = samples_since(time_ns - audio.call->start_ns);
  } else {
    audio.extended += rtp::timestamp_distance(static_cast<std::uint32_t>(audio.extended), timestamp);
  }
  const std::int64_t arrived = samples_since(time_ns - audio.start_ns);
  std::int64_t ticks = audio.extended;
  if (info.sample_rate != info.clock_rate) ticks = ticks * info.sample_rate / info.clock_rate;
  if (!audio.anchored || std::abs(static_cast<double>(audio.anchor + ticks - arrived)) > kMaxDrift * rate) {
    audio.anchor = arrived - ticks; // the first packet, or the sender's clock jumped
    audio.anchored = true;
  }
  const std::int64_t position = audio.anchor + ticks;
  const std::int64_t channels = info.channels;
  audio.timeline.place(position * channels, pcm_);
  chunk_.clear();
  audio.timeline.take((arrived - samples_since(kHorizon)) * channels, chunk_);
  if (!chunk_.empty()) write(*audio.recorder, chunk_);
  if (audio.call == nullptr) return;
  CallAudio& call = *audio.call;
  (audio.caller ? call.left : call.right).place(audio.call_offset + position, pcm_);
  const std::int64_t closed = audio.call_offset + arrived - samples_since(kHorizon);
  if (closed <= call.left.base()) return;
  stereo_left_.clear();
  stereo_right_.clear();
  call.left.take(closed, stereo_left_);
  call.right.take(closed, stereo_right_);
  if (const auto written = call.recorder->write_stereo(stereo_left_, stereo_right_); !written) {
    refuse(call.part.string(), written.error());
  }
}

void Extractor::add(const file::Segment& segment, const rtp::Header& header, Bytes payload,
                    const Stream& stream) {
  Audio& audio = audio_of(stream);
  if (header.payload_type != audio.payload_type) return; // events, comfort noise
  if (audio.payload) {
    if (const auto written = audio.payload->write(payload); !written)
      refuse(audio.name + ".payload", written.error());
  }
  if (!audio.decoder) return;
  pcm_.clear();
  if (!audio.decoder->decode(payload, pcm_)) return;
  place(audio, segment.time_ns, header.timestamp);
}

std::vector<std::string> Extractor::finish() {
  std::vector<std::string> names;
  const auto publish = [&](file::WavRecorder& recorder, const std::filesystem::path& part,
                           const std::string& name) {
    if (const auto closed = recorder.close(); !closed) refuse(name, closed.error());
    std::error_code error;
    std::filesystem::rename(part, options_.folder / name, error);
    if (error) throw cli::Failure(cli::ExitCode::cannot_create, fmt::format("{}: {}", name, error.message()));
    names.push_back(name);
  };
  for (auto& [stream, audio] : streams_) {
    if (audio->payload) {
      if (const auto closed = audio->payload->close(); !closed)
        refuse(audio->name + ".payload", closed.error());
      names.push_back(audio->name + ".payload");
    }
    if (!audio->recorder) continue;
    chunk_.clear();
    audio->timeline.take(audio->timeline.end(), chunk_);
    write(*audio->recorder, chunk_);
    publish(*audio->recorder, options_.folder / (audio->name + ".wav.part"), audio->name + ".wav");
  }
  for (auto& [call, audio] : calls_) {
    stereo_left_.clear();
    stereo_right_.clear();
    const std::int64_t end = std::max(audio->left.end(), audio->right.end());
    audio->left.take(end, stereo_left_);
    audio->right.take(end, stereo_right_);
    if (const auto written = audio->recorder->write_stereo(stereo_left_, stereo_right_); !written) {
      refuse(audio->name, written.error());
    }
    publish(*audio->recorder, audio->part, audio->name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace talky::rtpdump
