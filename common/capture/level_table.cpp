#include "capture/level_table.hpp"

#include <spandsp.h>

#include <algorithm>

#include "codec/codec.hpp"
#include "core/ascii.hpp"

namespace talky::capture {

namespace {

constexpr std::uint32_t kToneRate = 8'000; // of the detector
constexpr std::size_t kMaxTones = 1'000;

} // namespace

struct LevelTable::Meter {
  explicit Meter(const Format& format) {
    const codec::Entry* entry = codec_of(format);
    if (entry == nullptr || entry->info.channels != 1) return;
    decoder = entry->make();
    speech.emplace(entry->info.sample_rate);
    a_law = ascii::iequals(format.name, "PCMA");
  }
  ~Meter() {
    if (detector != nullptr) dtmf_rx_free(detector);
  }
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  void listen(std::int64_t time_ns, std::span<const std::int16_t> pcm) {
    if (detector == nullptr) {
      detector = dtmf_rx_init(nullptr, nullptr, nullptr);
      dtmf_rx_set_realtime_callback(detector, &Meter::heard, this);
    }
    now_ns = time_ns;
    dtmf_rx(detector, pcm.data(), static_cast<int>(pcm.size()));
  }
  // `code`: the digit that begins, 0 where one ends.
  static void heard(void* self, int code, int, int) {
    auto& meter = *static_cast<Meter*>(self);
    if (meter.open && !meter.tones.empty()) {
      ToneDigit& last = meter.tones.back();
      last.duration_ms = static_cast<double>(meter.now_ns - last.time_ns) * 1e-6;
    }
    meter.open = code != 0 && meter.tones.size() < kMaxTones;
    if (meter.open) meter.tones.push_back({static_cast<char>(code), meter.now_ns, 0});
  }

  std::unique_ptr<codec::Codec> decoder; // nullptr: cannot be decoded
  std::uint8_t payload_type = 0;
  bool a_law = false;
  std::optional<audio::SpeechLevelMeter> speech;
  audio::LevelMeter level;
  dtmf_rx_state_t* detector = nullptr;
  std::int64_t now_ns = 0;
  bool open = false;
  std::vector<ToneDigit> tones;
};

LevelTable::LevelTable(bool tones) : tones_(tones) {}
LevelTable::~LevelTable() = default;

void LevelTable::add(const Stream& stream, std::int64_t time_ns, std::uint8_t payload_type, Bytes payload) {
  if (payload_type != stream.payload_type()) return; // of the codec that the stream is listed with
  auto& meter = meters_[&stream];
  if (!meter || meter->payload_type != payload_type) {
    meter = std::make_unique<Meter>(stream.format());
    meter->payload_type = payload_type;
  }
  if (!meter->decoder) return;
  pcm_.clear();
  if (!meter->decoder->decode(payload, pcm_)) return;
  meter->speech->add(pcm_);
  meter->level.add(pcm_);
  if (tones_ && meter->decoder->info().sample_rate == kToneRate) meter->listen(time_ns, pcm_);
}

std::optional<Loudness> LevelTable::loudness_of(const Stream& stream) const {
  const auto found = meters_.find(&stream);
  if (found == meters_.end() || !found->second->decoder) return std::nullopt;
  const Meter& meter = *found->second;
  Loudness out;
  out.seconds = static_cast<double>(meter.level.samples()) / meter.decoder->info().sample_rate;
  out.peak_dbfs = meter.level.peak_dbfs();
  out.dbm0_offset = meter.a_law ? 6.15 : 6.18;
  if (const auto speech = meter.speech->result()) {
    out.heard = true;
    out.speech = *speech;
    out.talk_s = speech->activity * out.seconds;
  }
  return out;
}

std::vector<ToneDigit> LevelTable::tones_of(const Stream& stream) const {
  const auto found = meters_.find(&stream);
  return found == meters_.end() ? std::vector<ToneDigit>() : found->second->tones;
}

} // namespace talky::capture
