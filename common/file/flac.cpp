#include "file/flac.hpp"

#include <FLAC/stream_decoder.h>
#include <FLAC/stream_encoder.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace talky::file {

namespace {

constexpr unsigned kLevel = 5;
constexpr unsigned kBlock = 4096;

struct DeleteDecoder {
  void operator()(FLAC__StreamDecoder* decoder) const { FLAC__stream_decoder_delete(decoder); }
};
struct DeleteEncoder {
  void operator()(FLAC__StreamEncoder* encoder) const { FLAC__stream_encoder_delete(encoder); }
};

} // namespace

struct FlacReader::Impl {
  explicit Impl(Input from) : input(std::move(from)) {}

  Input input;
  std::unique_ptr<FLAC__StreamDecoder, DeleteDecoder> decoder{FLAC__stream_decoder_new()};
  audio::Format format{0, 0};
  unsigned bits = 0;
  std::uint64_t promised = 0, got = 0; // frames; promised 0: unknown
  std::vector<std::int32_t> queue;
  std::size_t used = 0;
  std::optional<Error> error;
  bool ended = false;

  void refuse(Errc code, const char* what) {
    if (!error) error = Error{code, static_cast<std::size_t>(input.offset()), what};
  }

  FLAC__StreamDecoderReadStatus read(FLAC__byte* room, std::size_t* count) {
    const auto bytes = input.peek(1);
    if (!bytes) {
      error = bytes.error();
      return FLAC__STREAM_DECODER_READ_STATUS_ABORT;
    }
    if (bytes->empty()) {
      *count = 0;
      return FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM;
    }
    *count = std::min(*count, bytes->size());
    std::memcpy(room, bytes->data(), *count);
    input.skip(*count);
    return FLAC__STREAM_DECODER_READ_STATUS_CONTINUE;
  }

  FLAC__StreamDecoderWriteStatus take(const FLAC__Frame& frame, const FLAC__int32* const* planes) {
    const std::size_t channels = frame.header.channels;
    if (frame.header.sample_rate != format.rate || channels != format.channels ||
        frame.header.bits_per_sample != bits) {
      refuse(Errc::unsupported, "one rate, number of channels and width for the whole stream");
      return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
    }
    const std::size_t start = queue.size();
    const unsigned shift = 32 - bits;
    queue.resize(start + frame.header.blocksize * channels);
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t i = 0; i < frame.header.blocksize; ++i)
        queue[start + i * channels + c] =
            static_cast<std::int32_t>(static_cast<std::uint32_t>(planes[c][i]) << shift);
    }
    got += frame.header.blocksize;
    return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
  }

  void read(const FLAC__StreamMetadata& metadata) {
    if (metadata.type != FLAC__METADATA_TYPE_STREAMINFO) return;
    const auto& info = metadata.data.stream_info;
    format = {info.sample_rate, static_cast<std::uint16_t>(info.channels)};
    bits = info.bits_per_sample;
    promised = info.total_samples;
  }

  static Impl& of(void* self) { return *static_cast<Impl*>(self); }
};

FlacReader::FlacReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FlacReader::FlacReader(FlacReader&&) noexcept = default;
FlacReader& FlacReader::operator=(FlacReader&&) noexcept = default;
FlacReader::~FlacReader() = default;

Result<FlacReader> FlacReader::create(Input input) {
  const auto start = input.peek(4);
  if (!start) return tl::unexpected(start.error());
  // Some put an ID3 tag in front.
  if (!as_text(*start).starts_with("fLaC") && !as_text(*start).starts_with("ID3"))
    return fail(start->size() < 4 ? Errc::truncated : Errc::malformed, 0, "fLaC");
  auto impl = std::make_unique<Impl>(std::move(input));
  FLAC__StreamDecoder* decoder = impl->decoder.get();
  if (decoder == nullptr) return fail(Errc::io, 0, "memory", ENOMEM);
  FLAC__stream_decoder_set_md5_checking(decoder, 1);
  const auto status = FLAC__stream_decoder_init_stream(
      decoder,
      [](const FLAC__StreamDecoder*, FLAC__byte* room, std::size_t* count, void* self) {
        return Impl::of(self).read(room, count);
      },
      nullptr, nullptr, nullptr, nullptr,
      [](const FLAC__StreamDecoder*, const FLAC__Frame* frame, const FLAC__int32* const* planes, void* self) {
        return Impl::of(self).take(*frame, planes);
      },
      [](const FLAC__StreamDecoder*, const FLAC__StreamMetadata* metadata, void* self) {
        Impl::of(self).read(*metadata);
      },
      [](const FLAC__StreamDecoder*, FLAC__StreamDecoderErrorStatus, void* self) {
        Impl::of(self).refuse(Errc::malformed, "an undamaged FLAC frame");
      },
      impl.get());
  if (status != FLAC__STREAM_DECODER_INIT_STATUS_OK) return fail(Errc::io, 0, "memory", ENOMEM);
  FLAC__stream_decoder_process_until_end_of_metadata(decoder);
  if (impl->error) return tl::unexpected(*impl->error);
  if (impl->format.rate == 0 || impl->format.channels == 0) {
    return fail(impl->input.offset() == 0 ? Errc::malformed : Errc::truncated,
                static_cast<std::size_t>(impl->input.offset()), "the STREAMINFO of a FLAC stream");
  }
  return FlacReader(std::move(impl));
}

audio::Format FlacReader::format() const {
  return impl_->format;
}

unsigned FlacReader::bits() const {
  return impl_->bits;
}

std::uint64_t FlacReader::missing() const {
  return impl_->promised > impl_->got ? impl_->promised - impl_->got : 0;
}

Result<> FlacReader::read(std::size_t max_frames, std::vector<std::int32_t>& out) {
  Impl& impl = *impl_;
  out.clear();
  FLAC__StreamDecoder* decoder = impl.decoder.get();
  while (impl.used == impl.queue.size() && !impl.ended) {
    impl.queue.clear();
    impl.used = 0;
    const bool fine = FLAC__stream_decoder_process_single(decoder) != 0;
    const bool end = FLAC__stream_decoder_get_state(decoder) == FLAC__STREAM_DECODER_END_OF_STREAM;
    // A last frame that was cut off is no damage: missing() counts it.
    if (impl.error && !(end && impl.error->code == Errc::malformed && missing() > 0))
      return tl::unexpected(*impl.error);
    if (!fine || end) {
      impl.ended = true;
      const bool whole = missing() == 0;
      if (FLAC__stream_decoder_finish(decoder) == 0 && whole)
        return fail(Errc::malformed, static_cast<std::size_t>(impl.input.offset()),
                    "sound that fits the checksum in the header");
    }
  }
  const std::size_t width = impl.format.channels;
  const std::size_t samples = std::min((impl.queue.size() - impl.used), max_frames * width);
  const auto from = impl.queue.begin() + static_cast<std::ptrdiff_t>(impl.used);
  out.assign(from, from + static_cast<std::ptrdiff_t>(samples));
  impl.used += samples;
  return {};
}

struct FlacWriter::Impl {
  Impl(Output to, std::uint16_t width) : output(std::move(to)), channels(width) {}

  Output output;
  std::uint16_t channels;
  std::optional<std::uint64_t> position; // where the next bytes go, if not to the end
  std::optional<Error> error;
  std::unique_ptr<FLAC__StreamEncoder, DeleteEncoder> encoder{FLAC__stream_encoder_new()};

  FLAC__StreamEncoderWriteStatus put(Bytes bytes) {
    const auto done = position ? output.patch(*position, bytes) : output.write(bytes);
    if (!done) {
      error = done.error();
      return FLAC__STREAM_ENCODER_WRITE_STATUS_FATAL_ERROR;
    }
    if (position) *position += bytes.size();
    return FLAC__STREAM_ENCODER_WRITE_STATUS_OK;
  }

  static Impl& of(void* self) { return *static_cast<Impl*>(self); }
};

FlacWriter::FlacWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FlacWriter::FlacWriter(FlacWriter&&) noexcept = default;
FlacWriter& FlacWriter::operator=(FlacWriter&&) noexcept = default;
FlacWriter::~FlacWriter() = default;

Result<FlacWriter> FlacWriter::create(Output output, const Options& options) {
  if (options.format.channels < 1 || options.format.channels > 8 || options.format.rate < 1 ||
      options.format.rate > 655'350)
    return fail(Errc::unsupported, 0, "1 to 8 channels and a rate of at most 655,350 Hz");
  auto impl = std::make_unique<Impl>(std::move(output), options.format.channels);
  FLAC__StreamEncoder* encoder = impl->encoder.get();
  if (encoder == nullptr) return fail(Errc::io, 0, "memory", ENOMEM);
  FLAC__stream_encoder_set_channels(encoder, options.format.channels);
  FLAC__stream_encoder_set_bits_per_sample(encoder, options.bits);
  FLAC__stream_encoder_set_sample_rate(encoder, options.format.rate);
  FLAC__stream_encoder_set_compression_level(encoder, kLevel);
  FLAC__stream_encoder_set_streamable_subset(encoder, 0); // some rates are outside of it
  FLAC__stream_encoder_set_blocksize(
      encoder, options.live ? std::clamp(options.format.rate / 50, 16U, kBlock) : kBlock);
  const bool seeks = impl->output.patchable();
  const auto seek = [](const FLAC__StreamEncoder*, FLAC__uint64 offset, void* self) {
    Impl& to = Impl::of(self);
    to.position = offset == to.output.offset() ? std::nullopt : std::optional<std::uint64_t>(offset);
    return FLAC__STREAM_ENCODER_SEEK_STATUS_OK;
  };
  const auto tell = [](const FLAC__StreamEncoder*, FLAC__uint64* offset, void* self) {
    const Impl& to = Impl::of(self);
    *offset = to.position.value_or(to.output.offset());
    return FLAC__STREAM_ENCODER_TELL_STATUS_OK;
  };
  const auto status = FLAC__stream_encoder_init_stream(
      encoder,
      [](const FLAC__StreamEncoder*, const FLAC__byte* bytes, std::size_t count, std::uint32_t, std::uint32_t,
         void* self) { return Impl::of(self).put(std::as_bytes(std::span(bytes, count))); },
      seeks ? +seek : nullptr, seeks ? +tell : nullptr, nullptr, impl.get());
  if (impl->error) return tl::unexpected(*impl->error);
  if (status != FLAC__STREAM_ENCODER_INIT_STATUS_OK)
    return fail(Errc::unsupported, 0, "a rate and channels that FLAC can hold");
  return FlacWriter(std::move(impl));
}

Result<> FlacWriter::write(std::span<const std::int32_t> interleaved) {
  const auto frames = static_cast<std::uint32_t>(interleaved.size() / impl_->channels);
  if (frames == 0) return {};
  if (FLAC__stream_encoder_process_interleaved(impl_->encoder.get(), interleaved.data(), frames) == 0)
    return tl::unexpected(impl_->error.value_or(Error{Errc::io, 0, "memory", ENOMEM}));
  return {};
}

Result<> FlacWriter::flush() {
  return impl_->output.flush();
}

Result<> FlacWriter::close() {
  const bool fine = FLAC__stream_encoder_finish(impl_->encoder.get()) != 0;
  if (impl_->error || !fine)
    return tl::unexpected(impl_->error.value_or(Error{Errc::io, 0, "memory", ENOMEM}));
  return impl_->output.close();
}

} // namespace talky::file
