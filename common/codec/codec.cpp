#include "codec/codec.hpp"

#include <array>

#include "codec/g711.hpp"
#include "codec/g722.hpp"
#include "codec/gsm.hpp"
#include "codec/l16.hpp"
#include "codec/opus.hpp"
#include "core/ascii.hpp"

namespace talky::codec {

bool Codec::recover(Bytes, std::size_t, std::vector<std::int16_t>&) {
  return false;
}

bool Codec::conceal(std::size_t, std::vector<std::int16_t>&) {
  return false;
}

namespace {

template <g711::Law law>
class G711 final : public Codec {
 public:
  explicit G711(const Info& info) : info_(info) {}
  const Info& info() const override { return info_; }

  Result<> encode(std::span<const std::int16_t> pcm, std::vector<std::byte>& out) override {
    const std::size_t start = out.size();
    out.resize(start + pcm.size());
    g711::encode(law, pcm, std::span(out).subspan(start));
    return {};
  }

  Result<> decode(Bytes payload, std::vector<std::int16_t>& out) override {
    const std::size_t start = out.size();
    out.resize(start + payload.size());
    g711::decode(law, payload, std::span(out).subspan(start));
    return {};
  }

  std::optional<std::size_t> frames_in(Bytes payload) const override { return payload.size(); }

 private:
  Info info_;
};

class L16 final : public Codec {
 public:
  explicit L16(const Info& info) : info_(info) {}
  const Info& info() const override { return info_; }

  Result<> encode(std::span<const std::int16_t> pcm, std::vector<std::byte>& out) override {
    if (pcm.size() % info_.channels != 0) return fail(Errc::unsupported, 0, "whole sample frames");
    const std::size_t start = out.size();
    out.resize(start + 2 * pcm.size());
    l16::encode(pcm, std::span(out).subspan(start));
    return {};
  }

  Result<> decode(Bytes payload, std::vector<std::int16_t>& out) override {
    if (payload.size() % frame_bytes() != 0) {
      return fail(Errc::malformed, payload.size(), "an L16 payload of whole sample frames");
    }
    const std::size_t start = out.size();
    out.resize(start + payload.size() / 2);
    l16::decode(payload, std::span(out).subspan(start));
    return {};
  }

  std::optional<std::size_t> frames_in(Bytes payload) const override {
    if (payload.size() % frame_bytes() != 0) return std::nullopt;
    return payload.size() / frame_bytes();
  }

 private:
  std::size_t frame_bytes() const { return std::size_t{2} * info_.channels; }

  Info info_;
};

// Codecs without a choice of rate and channels.
template <class T>
std::unique_ptr<Codec> create(const Info& info, const Options& options) {
  if (options.sample_rate != 0 && options.sample_rate != info.sample_rate) return nullptr;
  if (options.channels != 0 && options.channels != info.channels) return nullptr;
  return std::make_unique<T>(info);
}

constexpr Entry l16_entry(std::optional<std::uint8_t> static_pt, std::uint32_t rate, std::uint8_t channels) {
  return {{"L16", static_pt, rate, rate, channels, channels}, create<L16>};
}

constexpr std::array kTable{
    Entry{{"PCMU", 0, 8000, 8000, 1, 1}, create<G711<g711::Law::mu>>},
    Entry{{"PCMA", 8, 8000, 8000, 1, 1}, create<G711<g711::Law::a>>},
    Entry{{"G722", 9, 8000, 16000, 1, 1}, g722::create},
    Entry{{"opus", std::nullopt, opus::kClockRate, 16000, 1, 2}, opus::create},
    Entry{{"GSM", 3, 8000, 8000, 1, 1}, gsm::create},
    l16_entry(std::nullopt, 16000, 1),
    l16_entry(std::nullopt, 8000, 1),
    l16_entry(std::nullopt, 24000, 1),
    l16_entry(std::nullopt, 32000, 1),
    l16_entry(std::nullopt, 48000, 1),
    l16_entry(std::nullopt, 8000, 2),
    l16_entry(std::nullopt, 16000, 2),
    l16_entry(std::nullopt, 48000, 2),
    l16_entry(10, 44100, 2),
    l16_entry(11, 44100, 1),
};

template <class Predicate>
const Entry* first(Predicate matches) {
  for (const Entry& entry : kTable) {
    if (matches(entry.info)) return &entry;
  }
  return nullptr;
}

} // namespace

std::span<const Entry> all() {
  return kTable;
}

const Entry* find(std::string_view name, std::uint32_t clock_rate, std::uint8_t channels) {
  return first([&](const Info& info) {
    return info.clock_rate == clock_rate && (info.channels == channels || info.rtpmap_channels == channels) &&
           ascii::iequals(info.name, name);
  });
}

const Entry* find(std::string_view name) {
  return first([&](const Info& info) { return ascii::iequals(info.name, name); });
}

const Entry* find_static(std::uint8_t payload_type) {
  return first([&](const Info& info) { return info.static_pt == payload_type; });
}

} // namespace talky::codec
