#include "codec/codec.hpp"

#include <array>

#include "codec/g711.hpp"
#include "codec/l16.hpp"
#include "core/ascii.hpp"

namespace talky::codec {

bool Codec::conceal(std::size_t, std::vector<std::int16_t>&) {
  return false;
}

namespace {

constexpr Info pcmu{"PCMU", 0, 8000, 8000, 1};
constexpr Info pcma{"PCMA", 8, 8000, 8000, 1};
constexpr Info l16_16k{"L16", std::nullopt, 16000, 16000, 1};
constexpr Info l16_8k{"L16", std::nullopt, 8000, 8000, 1};
constexpr Info l16_44k_stereo{"L16", 10, 44100, 44100, 2};
constexpr Info l16_44k{"L16", 11, 44100, 44100, 1};

template <g711::Law law, const Info& described>
class G711 final : public Codec {
 public:
  const Info& info() const override { return described; }

  void encode(std::span<const std::int16_t> pcm, std::vector<std::byte>& out) override {
    const std::size_t start = out.size();
    out.resize(start + pcm.size());
    g711::encode(law, pcm, std::span(out).subspan(start));
  }

  Result<> decode(Bytes payload, std::vector<std::int16_t>& out) override {
    const std::size_t start = out.size();
    out.resize(start + payload.size());
    g711::decode(law, payload, std::span(out).subspan(start));
    return {};
  }

  std::optional<std::size_t> frames_in(Bytes payload) const override { return payload.size(); }
};

template <const Info& described>
class L16 final : public Codec {
 public:
  const Info& info() const override { return described; }

  void encode(std::span<const std::int16_t> pcm, std::vector<std::byte>& out) override {
    const std::size_t start = out.size();
    out.resize(start + 2 * pcm.size());
    l16::encode(pcm, std::span(out).subspan(start));
  }

  Result<> decode(Bytes payload, std::vector<std::int16_t>& out) override {
    if (payload.size() % frame_bytes != 0) {
      return fail(Errc::malformed, payload.size(), "an L16 payload of whole sample frames");
    }
    const std::size_t start = out.size();
    out.resize(start + payload.size() / 2);
    l16::decode(payload, std::span(out).subspan(start));
    return {};
  }

  std::optional<std::size_t> frames_in(Bytes payload) const override { return payload.size() / frame_bytes; }

 private:
  static constexpr std::size_t frame_bytes = std::size_t{2} * described.channels;
};

template <class T>
std::unique_ptr<Codec> make() {
  return std::make_unique<T>();
}

constexpr std::array table{
    Entry{pcmu, make<G711<g711::Law::mu, pcmu>>},
    Entry{pcma, make<G711<g711::Law::a, pcma>>},
    Entry{l16_16k, make<L16<l16_16k>>},
    Entry{l16_8k, make<L16<l16_8k>>},
    Entry{l16_44k_stereo, make<L16<l16_44k_stereo>>},
    Entry{l16_44k, make<L16<l16_44k>>},
};

template <class Predicate>
const Entry* first(Predicate matches) {
  for (const Entry& entry : table) {
    if (matches(entry.info)) return &entry;
  }
  return nullptr;
}

} // namespace

std::span<const Entry> all() {
  return table;
}

const Entry* find(std::string_view name, std::uint32_t clock_rate, std::uint8_t channels) {
  return first([&](const Info& info) {
    return info.clock_rate == clock_rate && info.channels == channels && ascii::iequals(info.name, name);
  });
}

const Entry* find(std::string_view name) {
  return first([&](const Info& info) { return ascii::iequals(info.name, name); });
}

const Entry* find_static(std::uint8_t payload_type) {
  return first([&](const Info& info) { return info.static_pt == payload_type; });
}

} // namespace talky::codec
