#include "codec/gsm.hpp"

#include <spandsp.h>

namespace talky::codec::gsm {

namespace {

struct FreeState {
  void operator()(gsm0610_state_t* state) const { gsm0610_free(state); }
};
using State = std::unique_ptr<gsm0610_state_t, FreeState>;

class Gsm final : public Codec {
 public:
  Gsm(const Info& info, bool wav)
      : info_(info),
        packing_(wav ? GSM0610_PACKING_WAV49 : GSM0610_PACKING_VOIP),
        samples_(wav ? kWavBlockSamples : kFrameSamples),
        bytes_(wav ? kWavBlockBytes : kFrameBytes) {}

  const Info& info() const override { return info_; }
  bool packs(std::size_t frames) const override { return frames > 0 && frames % samples_ == 0; }

  Result<> encode(std::span<const std::int16_t> pcm, std::vector<std::byte>& out) override {
    if (pcm.size() % samples_ != 0) return fail(Errc::unsupported, 0, "whole frames of 20 ms for GSM");
    if (pcm.empty()) return {};
    if (!encoder_) encoder_.reset(gsm0610_init(nullptr, packing_));
    codes_.resize(pcm.size() / samples_ * bytes_);
    gsm0610_encode(encoder_.get(), codes_.data(), pcm.data(), static_cast<int>(pcm.size()));
    const auto bytes = std::as_bytes(std::span(codes_));
    out.insert(out.end(), bytes.begin(), bytes.end());
    return {};
  }

  Result<> decode(Bytes payload, std::vector<std::int16_t>& out) override {
    if (payload.size() % bytes_ != 0)
      return fail(Errc::malformed, payload.size(), "whole GSM frames of 33 bytes");
    if (payload.empty()) return {};
    if (packing_ == GSM0610_PACKING_VOIP) {
      for (std::size_t at = 0; at < payload.size(); at += bytes_) {
        if ((payload[at] & std::byte{0xf0}) != std::byte{0xd0})
          return fail(Errc::malformed, at, "a GSM frame, which begins with 0xd");
      }
    }
    if (!decoder_) decoder_.reset(gsm0610_init(nullptr, packing_));
    codes_.resize(payload.size());
    for (std::size_t i = 0; i < payload.size(); ++i)
      codes_[i] = std::to_integer<std::uint8_t>(payload[i]);
    const std::size_t start = out.size();
    out.resize(start + payload.size() / bytes_ * samples_);
    gsm0610_decode(decoder_.get(), &out[start], codes_.data(), static_cast<int>(codes_.size()));
    return {};
  }

  std::optional<std::size_t> frames_in(Bytes payload) const override {
    if (payload.size() % bytes_ != 0) return std::nullopt;
    return payload.size() / bytes_ * samples_;
  }

 private:
  Info info_;
  int packing_;
  std::size_t samples_, bytes_;
  State encoder_, decoder_;
  std::vector<std::uint8_t> codes_;
};

} // namespace

std::unique_ptr<Codec> create(const Info& info, const Options& options) {
  if (options.sample_rate != 0 && options.sample_rate != info.sample_rate) return nullptr;
  if (options.channels > 1) return nullptr;
  return std::make_unique<Gsm>(info, false);
}

std::unique_ptr<Codec> create_wav(const Info& info) {
  return std::make_unique<Gsm>(info, true);
}

} // namespace talky::codec::gsm
