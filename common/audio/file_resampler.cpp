#include "audio/file_resampler.hpp"

#include <soxr.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "core/dynamic_library.hpp"

namespace talky::audio {

namespace {

// What is used of libsoxr, which brings a thread pool with it: loaded when the first file needs it.
struct Soxr {
  decltype(&soxr_create) create = nullptr;
  decltype(&soxr_process) process = nullptr;
  decltype(&soxr_delete) destroy = nullptr;
  decltype(&soxr_io_spec) io_spec = nullptr;
  decltype(&soxr_quality_spec) quality_spec = nullptr;
  decltype(&soxr_runtime_spec) runtime_spec = nullptr;

  static Result<Soxr> load() {
    const auto library = DynamicLibrary::load("libsoxr.so.0", "libsoxr to be installed");
    if (!library) return tl::unexpected(library.error());
    Soxr f;
    const bool whole = library->bind(f.create, "soxr_create") && library->bind(f.process, "soxr_process") &&
                       library->bind(f.destroy, "soxr_delete") && library->bind(f.io_spec, "soxr_io_spec") &&
                       library->bind(f.quality_spec, "soxr_quality_spec") &&
                       library->bind(f.runtime_spec, "soxr_runtime_spec");
    if (!whole) return fail(Errc::unsupported, 0, "libsoxr 0.1 or later");
    return f;
  }
};

const Result<Soxr>& soxr_library() {
  static const Result<Soxr> loaded = Soxr::load();
  return loaded;
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
struct FileResampler<Sample>::Impl {
  std::unique_ptr<soxr, FreeSoxr> engine;
  std::size_t channels;
  double ratio; // out / in
};

template <class Sample>
FileResampler<Sample>::FileResampler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
template <class Sample>
FileResampler<Sample>::FileResampler(FileResampler&&) noexcept = default;
template <class Sample>
FileResampler<Sample>& FileResampler<Sample>::operator=(FileResampler&&) noexcept = default;
template <class Sample>
FileResampler<Sample>::~FileResampler() = default;

template <class Sample>
Result<FileResampler<Sample>> FileResampler<Sample>::create(std::uint32_t from, std::uint32_t to,
                                                            std::uint16_t channels, Quality quality) {
  if (from == 0 || to == 0 || channels == 0)
    return fail(Errc::unsupported, 0, "rates and channels above zero");
  if (!soxr_library()) return tl::unexpected(soxr_library().error());
  constexpr auto type = std::is_same_v<Sample, float> ? SOXR_FLOAT32_I : SOXR_INT16_I;
  soxr_io_spec_t io = soxr_library()->io_spec(type, type);
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
  return FileResampler(std::move(impl));
}

template <class Sample>
Result<> FileResampler<Sample>::process(std::span<const Sample> in, std::vector<Sample>& out) {
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
Result<> FileResampler<Sample>::flush(std::vector<Sample>& out) {
  constexpr std::size_t room = 8192;
  for (;;) {
    const std::size_t start = out.size();
    out.resize(start + room * impl_->channels);
    std::size_t made = 0;
    const soxr_error_t error =
        soxr_library()->process(impl_->engine.get(), nullptr, 0, nullptr, out.data() + start, room, &made);
    out.resize(start + made * impl_->channels);
    if (error != nullptr) return fail(Errc::io, 0, "libsoxr to convert");
    if (made == 0) return {};
  }
}

template class FileResampler<std::int16_t>;
template class FileResampler<float>;

} // namespace talky::audio
