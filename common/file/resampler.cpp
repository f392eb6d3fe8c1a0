#include "file/resampler.hpp"

#include <soxr.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "dynamic/library.hpp"

namespace talky::file {

namespace {

// What is used of libsoxr, which brings a thread pool with it: loaded when the first file needs it.
#define TALKY_SOXR(symbol)                                                                       \
  symbol(create, soxr_create) symbol(process, soxr_process) symbol(destroy, soxr_delete) symbol( \
      io_spec, soxr_io_spec) symbol(quality_spec, soxr_quality_spec) symbol(runtime_spec, soxr_runtime_spec)
struct Soxr {
  TALKY_DYNAMIC_TABLE(TALKY_SOXR)
};

const Result<Soxr>& soxr_library() {
  static const auto kLoaded =
      dynamic::load<Soxr>({"libsoxr.so.0"}, "libsoxr to be installed", "libsoxr 0.1 or later");
  return kLoaded;
}

struct FreeSoxr {
  void operator()(soxr_t soxr) const { soxr_library()->destroy(soxr); }
};

unsigned long recipe(Quality quality) {
  switch (quality) {
    case Quality::quick: return SOXR_QQ;
    case Quality::low: return SOXR_LQ;
    case Quality::medium: return SOXR_MQ;
    case Quality::high: return SOXR_HQ;
    case Quality::very_high: return SOXR_VHQ;
  }
  return SOXR_HQ;
}

} // namespace

template <class Sample>
struct Resampler<Sample>::Impl {
  std::unique_ptr<soxr, FreeSoxr> engine;
  std::size_t channels;
  double ratio; // out / in
};

template <class Sample>
Resampler<Sample>::Resampler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
template <class Sample>
Resampler<Sample>::Resampler(Resampler&&) noexcept = default;
template <class Sample>
Resampler<Sample>& Resampler<Sample>::operator=(Resampler&&) noexcept = default;
template <class Sample>
Resampler<Sample>::~Resampler() = default;

template <class Sample>
Result<Resampler<Sample>> Resampler<Sample>::create(std::uint32_t from, std::uint32_t to,
                                                    std::uint16_t channels, Quality quality) {
  if (from == 0 || to == 0 || channels == 0)
    return fail(Errc::unsupported, 0, "rates and channels above zero");
  if (!soxr_library()) return tl::unexpected(soxr_library().error());
  constexpr auto kType = std::is_same_v<Sample, float> ? SOXR_FLOAT32_I : SOXR_INT16_I;
  soxr_io_spec_t io = soxr_library()->io_spec(kType, kType);
  io.flags |= SOXR_NO_DITHER;
  const soxr_quality_spec_t spec = soxr_library()->quality_spec(recipe(quality), 0);
  const soxr_runtime_spec_t runtime = soxr_library()->runtime_spec(1);
  soxr_error_t error = nullptr;
  auto impl = std::make_unique<Impl>();
  impl->engine.reset(soxr_library()->create(from, to, channels, &error, &io, &spec, &runtime));
  if (error != nullptr || !impl->engine) {
    return fail(Errc::unsupported, 0, "a ratio of sample rates that libsoxr can do");
  }
  impl->channels = channels;
  impl->ratio = static_cast<double>(to) / from;
  return Resampler(std::move(impl));
}

template <class Sample>
Result<> Resampler<Sample>::process(std::span<const Sample> in, std::vector<Sample>& out) {
  const std::size_t channels = impl_->channels;
  std::size_t left = in.size() / channels;
  const Sample* from = in.data();
  while (left > 0) { // nullptr would mean the end to libsoxr
    const std::size_t part = std::min<std::size_t>(left, 65536);
    const std::size_t room = static_cast<std::size_t>(static_cast<double>(part) * impl_->ratio) + 1024;
    const std::size_t start = out.size();
    out.resize(start + room * channels);
    std::size_t used = 0;
    std::size_t made = 0;
    const soxr_error_t error =
        soxr_library()->process(impl_->engine.get(), from, part, &used, out.data() + start, room, &made);
    out.resize(start + made * channels);
    if (error != nullptr) return fail(Errc::io, 0, "libsoxr to convert");
    from += used * channels;
    left -= used;
  }
  return {};
}

template <class Sample>
Result<> Resampler<Sample>::flush(std::vector<Sample>& out) {
  constexpr std::size_t kRoom = 8192;
  for (;;) {
    const std::size_t start = out.size();
    out.resize(start + kRoom * impl_->channels);
    std::size_t made = 0;
    const soxr_error_t error =
        soxr_library()->process(impl_->engine.get(), nullptr, 0, nullptr, out.data() + start, kRoom, &made);
    out.resize(start + made * impl_->channels);
    if (error != nullptr) return fail(Errc::io, 0, "libsoxr to convert");
    if (made == 0) return {};
  }
}

template class Resampler<std::int16_t>;
template class Resampler<float>;

} // namespace talky::file
