#include "codec/opus.hpp"

#include <opus.h>

#include <algorithm>
#include <array>

namespace talky::codec::opus {

namespace {

struct FreeEncoder {
  void operator()(OpusEncoder* state) const { opus_encoder_destroy(state); }
};
struct FreeDecoder {
  void operator()(OpusDecoder* state) const { opus_decoder_destroy(state); }
};

// libopus's constants are macros with casts in them.
constexpr int kOk = 0;
constexpr std::size_t kMaxPayload = std::size_t{3} * 1275; // three frames of the largest size

const unsigned char* data_of(Bytes bytes) {
  return static_cast<const unsigned char*>(static_cast<const void*>(bytes.data()));
}

std::int32_t length_of(Bytes bytes) {
  return static_cast<std::int32_t>(bytes.size());
}

int bandwidth_of(std::uint32_t rate) {
  if (rate <= 8000) return OPUS_BANDWIDTH_NARROWBAND;
  if (rate <= 12000) return OPUS_BANDWIDTH_MEDIUMBAND;
  if (rate <= 16000) return OPUS_BANDWIDTH_WIDEBAND;
  if (rate <= 24000) return OPUS_BANDWIDTH_SUPERWIDEBAND;
  return OPUS_BANDWIDTH_FULLBAND;
}

class Opus final : public Codec {
 public:
  Opus(const Info& info, const Options& options) : info_(info), options_(options) {}

  const Info& info() const override { return info_; }
  bool sliceable() const override { return false; }

  bool packs(std::size_t frames) const override {
    const std::size_t step = info_.sample_rate / 400; // 2.5 ms
    constexpr std::array<std::size_t, 9> kLengths{1, 2, 4, 8, 16, 24, 32, 40, 48};
    return frames % step == 0 && std::find(kLengths.begin(), kLengths.end(), frames / step) != kLengths.end();
  }

  Result<> encode(std::span<const std::int16_t> pcm, std::vector<std::byte>& out) override {
    const std::size_t frames = pcm.size() / info_.channels;
    if (!packs(frames) || pcm.size() % info_.channels != 0)
      return fail(Errc::unsupported, 0, "2.5, 5, 10, 20, 40, 60, 80, 100 or 120 ms for Opus");
    if (!prepare_encoder()) return fail(Errc::unsupported, 0, "an Opus encoder");
    const int got = opus_encode(encoder_.get(), pcm.data(), static_cast<int>(frames), packet_.data(),
                                static_cast<std::int32_t>(packet_.size()));
    if (got < 0) return fail(Errc::unsupported, 0, "settings that the Opus encoder takes");
    // With DTX, a packet of up to two bytes need not be sent (opus_encoder.h).
    if (options_.dtx && got <= 2) return {};
    const auto bytes = std::as_bytes(std::span(packet_).first(static_cast<std::size_t>(got)));
    out.insert(out.end(), bytes.begin(), bytes.end());
    return {};
  }

  Result<> decode(Bytes payload, std::vector<std::int16_t>& out) override {
    if (payload.empty()) return {};
    const auto frames = frames_in(payload);
    if (!frames || !run(payload, *frames, false, out))
      return fail(Errc::malformed, 0, "an Opus packet of RFC 6716");
    spare_.clear();
    return {};
  }

  bool recover(Bytes next, std::size_t frames, std::vector<std::int16_t>& out) override {
    const auto length = frames_in(next);
    // The copy is as long as the packet that holds it; a longer gap begins with what is made up.
    if (!length || *length == 0 || frames < *length || !has_fec(next)) return false;
    const std::size_t start = out.size();
    if (frames > *length) conceal(frames - *length, out);
    spare_.clear();
    const bool done = run(next, *length, true, out);
    if (!done) out.resize(start);
    return done;
  }

  bool conceal(std::size_t frames, std::vector<std::int16_t>& out) override {
    std::size_t samples = frames * info_.channels;
    const std::size_t step = info_.sample_rate / 400;
    while (samples > 0) {
      if (spare_.empty()) {
        // Only whole stretches of 2.5 ms can be made, and 120 ms at a time.
        const std::size_t wanted = (samples / info_.channels + step - 1) / step * step;
        if (!run({}, std::min(wanted, 48 * step), false, spare_)) return false;
      }
      const auto taken = static_cast<std::ptrdiff_t>(std::min(samples, spare_.size()));
      out.insert(out.end(), spare_.begin(), spare_.begin() + taken);
      spare_.erase(spare_.begin(), spare_.begin() + taken);
      samples -= static_cast<std::size_t>(taken);
    }
    return true;
  }

  std::optional<std::size_t> frames_in(Bytes payload) const override {
    if (payload.empty()) return 0;
    const auto packet = inspect(payload);
    if (!packet) return std::nullopt;
    return std::size_t{packet->samples} * info_.sample_rate / kClockRate;
  }

  std::size_t delay() const override {
    // As OPUS_GET_LOOKAHEAD says: 2.5 ms of CELT's overlap and 4 ms of delay compensation.
    return info_.sample_rate / 400 + info_.sample_rate / 250;
  }

 private:
  bool prepare_encoder() {
    if (encoder_) return true;
    int error = kOk;
    encoder_.reset(opus_encoder_create(static_cast<std::int32_t>(info_.sample_rate), info_.channels,
                                       options_.music ? OPUS_APPLICATION_AUDIO : OPUS_APPLICATION_VOIP,
                                       &error));
    if (error != kOk) encoder_.reset();
    if (!encoder_) return false;
    OpusEncoder* e = encoder_.get();
    if (options_.bitrate != 0)
      opus_encoder_ctl(e, OPUS_SET_BITRATE(static_cast<std::int32_t>(options_.bitrate)));
    if (options_.constant_bitrate) opus_encoder_ctl(e, OPUS_SET_VBR(0));
    if (options_.fec) opus_encoder_ctl(e, OPUS_SET_INBAND_FEC(1));
    if (options_.dtx) opus_encoder_ctl(e, OPUS_SET_DTX(1));
    if (options_.expected_loss != 0)
      opus_encoder_ctl(e, OPUS_SET_PACKET_LOSS_PERC(std::min<int>(options_.expected_loss, 100)));
    if (options_.max_playback_rate != 0)
      opus_encoder_ctl(e, OPUS_SET_MAX_BANDWIDTH(bandwidth_of(options_.max_playback_rate)));
    return true;
  }

  // RFC 6716 4.2.4: SILK frames say with a bit of their own, behind the voice activity bits, whether a copy
  // follows. CELT alone has none.
  static bool has_fec(Bytes payload) {
    const unsigned char* frames[48];
    std::int16_t sizes[48];
    unsigned char toc = 0;
    const int count = opus_packet_parse(data_of(payload), length_of(payload), &toc, frames, sizes, nullptr);
    if (count < 1 || (toc & 0x80) != 0 || sizes[0] < 1) return false;
    const int ms = std::max(10, opus_packet_get_samples_per_frame(&toc, 48000) / 48);
    const int silk_frames = std::max(1, ms / 20);
    const int first = frames[0][0];
    const bool mid = (first >> (7 - silk_frames) & 1) != 0;
    const bool side = opus_packet_get_nb_channels(&toc) == 2 && (first >> (6 - 2 * silk_frames) & 1) != 0;
    return mid || side;
  }

  // Appends `frames` frames; an empty payload conceals.
  bool run(Bytes payload, std::size_t frames, bool fec, std::vector<std::int16_t>& out) {
    if (!decoder_) {
      int error = kOk;
      decoder_.reset(
          opus_decoder_create(static_cast<std::int32_t>(info_.sample_rate), info_.channels, &error));
      if (error != kOk) decoder_.reset();
      if (!decoder_) return false;
    }
    const std::size_t start = out.size();
    out.resize(start + frames * info_.channels);
    const int got = opus_decode(decoder_.get(), payload.empty() ? nullptr : data_of(payload),
                                length_of(payload), &out[start], static_cast<int>(frames), fec ? 1 : 0);
    const bool whole = got >= 0 && static_cast<std::size_t>(got) == frames;
    if (!whole) out.resize(start);
    return whole;
  }

  Info info_;
  Options options_;
  std::unique_ptr<OpusEncoder, FreeEncoder> encoder_;
  std::unique_ptr<OpusDecoder, FreeDecoder> decoder_;
  std::array<unsigned char, kMaxPayload> packet_{};
  std::vector<std::int16_t> spare_; // made up beyond what was asked for
};

} // namespace

std::unique_ptr<Codec> create(const Info& info, const Options& options) {
  Info actual = info;
  if (options.sample_rate != 0) actual.sample_rate = options.sample_rate;
  if (options.channels != 0) actual.channels = options.channels;
  if (!has_rate(actual.sample_rate) || actual.channels > 2) return nullptr;
  if (options.bitrate != 0 && (options.bitrate < 6000 || options.bitrate > 510000)) return nullptr;
  return std::make_unique<Opus>(actual, options);
}

std::optional<Packet> inspect(Bytes payload) {
  if (payload.empty()) return std::nullopt;
  const int samples = opus_packet_get_nb_samples(data_of(payload), length_of(payload), 48000);
  if (samples <= 0) return std::nullopt;
  constexpr std::array<std::uint32_t, 5> kBandwidths{4000, 6000, 8000, 12000, 20000};
  const int bandwidth = opus_packet_get_bandwidth(data_of(payload)) - OPUS_BANDWIDTH_NARROWBAND;
  return Packet{static_cast<std::uint32_t>(samples),
                kBandwidths.at(static_cast<std::size_t>(std::clamp(bandwidth, 0, 4))),
                opus_packet_get_nb_channels(data_of(payload)) == 2};
}

} // namespace talky::codec::opus
