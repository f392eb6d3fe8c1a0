#include "file/compressed.hpp"

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>

namespace talky::file {

namespace {

constexpr std::size_t kBlock = 65536;
constexpr int kZstdWindowLog = 27;

// What gzip and Zstandard have in common: compressed bytes are peeked, a decoder turns them into bytes, and
// behind the end of a member another one may begin.
class Decompressor : public ByteSource {
 public:
  Decompressor(Input input, std::shared_ptr<CompressionState> state)
      : input_(std::move(input)), state_(std::move(state)) {}

  Result<std::size_t> read(std::span<std::byte> room) override {
    while (!ended_) {
      if (!inside_ && !begins_member()) {
        ended_ = true;
        break;
      }
      const auto available = input_.peek(1);
      if (!available) return tl::unexpected(available.error());
      // Nothing may be left to read and still something to be written: the decoder holds what found no room.
      const bool dry = available->empty();
      const auto step = decode(available->first(std::min(available->size(), kBlock)), room);
      if (!step) return tl::unexpected(step.error());
      input_.skip(step->used);
      state_->compressed = input_.offset();
      inside_ = !step->end;
      if (step->made > 0) return step->made;
      if (dry && inside_) {
        ended_ = state_->truncated = true;
      } else if (step->used == 0 && inside_) {
        return fail(Errc::malformed, offset(), "compressed data that goes on");
      }
    }
    return 0;
  }

 protected:
  struct Step {
    std::size_t used = 0;
    std::size_t made = 0;
    bool end = false; // of a member
  };
  virtual Result<Step> decode(Bytes in, std::span<std::byte> out) = 0;
  // Called between members: whether another one begins, for which the decoder is then ready.
  virtual bool begins_member() = 0;
  std::size_t offset() const { return static_cast<std::size_t>(input_.offset()); }
  Input& input() { return input_; }

 private:
  Input input_;
  std::shared_ptr<CompressionState> state_;
  bool inside_ = false;
  bool ended_ = false;
};

class Gunzip final : public Decompressor {
 public:
  using Decompressor::Decompressor;
  ~Gunzip() override {
    if (ready_) inflateEnd(&stream_);
  }

 private:
  bool begins_member() override {
    const auto start = input().peek(2);
    if (!start || compression_of(*start) != Compression::gzip) return false;
    constexpr int kGzip = 16 + MAX_WBITS;
    const int done = ready_ ? inflateReset2(&stream_, kGzip) : inflateInit2(&stream_, kGzip);
    ready_ = ready_ || done == Z_OK;
    return done == Z_OK;
  }

  Result<Step> decode(Bytes in, std::span<std::byte> out) override {
    // zlib takes bytes as unsigned char, and promises not to write to its input.
    stream_.next_in = static_cast<Bytef*>(static_cast<void*>(const_cast<std::byte*>(in.data())));
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = static_cast<Bytef*>(static_cast<void*>(out.data()));
    const auto room = static_cast<uInt>(std::min<std::size_t>(out.size(), 1u << 30));
    stream_.avail_out = room;
    const int done = inflate(&stream_, Z_NO_FLUSH);
    Step step{in.size() - stream_.avail_in, room - stream_.avail_out, done == Z_STREAM_END};
    if (done == Z_OK || done == Z_STREAM_END || done == Z_BUF_ERROR) return step;
    if (done == Z_MEM_ERROR) return fail(Errc::too_large, offset(), "memory to decompress gzip");
    return fail(Errc::malformed, offset() + step.used, "sound gzip data");
  }

  z_stream stream_{};
  bool ready_ = false;
};

class Unzstd final : public Decompressor {
 public:
  Unzstd(Input input, std::shared_ptr<CompressionState> state)
      : Decompressor(std::move(input), std::move(state)), stream_(ZSTD_createDStream()) {
    if (stream_) ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kZstdWindowLog);
  }

 private:
  bool begins_member() override {
    const auto start = input().peek(4);
    return start && compression_of(*start) == Compression::zstd;
  }

  Result<Step> decode(Bytes in, std::span<std::byte> out) override {
    if (!stream_) return fail(Errc::too_large, offset(), "memory to decompress zstd");
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    const std::size_t left = ZSTD_decompressStream(stream_.get(), &output, &input);
    if (ZSTD_isError(left) == 0) return Step{input.pos, output.pos, left == 0};
    switch (ZSTD_getErrorCode(left)) {
      case ZSTD_error_frameParameter_windowTooLarge:
        return fail(Errc::unsupported, offset(), "a zstd window of at most 128 MiB");
      case ZSTD_error_dictionary_wrong: return fail(Errc::unsupported, offset(), "zstd without a dictionary");
      case ZSTD_error_memory_allocation: return fail(Errc::too_large, offset(), "memory to decompress zstd");
      default: return fail(Errc::malformed, offset() + input.pos, "sound zstd data");
    }
  }

  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
};

} // namespace

Compression compression_of(Bytes start) {
  const auto is = [&](std::size_t i, unsigned value) { return std::to_integer<unsigned>(start[i]) == value; };
  if (start.size() >= 2 && is(0, 0x1f) && is(1, 0x8b)) return Compression::gzip;
  if (start.size() < 4) return Compression::none;
  if (is(0, 0x28) && is(1, 0xb5) && is(2, 0x2f) && is(3, 0xfd)) return Compression::zstd;
  // A skippable frame: 0x184D2A50 to 5F.
  const bool skippable = (std::to_integer<unsigned>(start[0]) & 0xf0) == 0x50;
  return skippable && is(1, 0x2a) && is(2, 0x4d) && is(3, 0x18) ? Compression::zstd : Compression::none;
}

Result<Decompressed> decompress(Input input) {
  const auto start = input.peek(4);
  if (!start) return tl::unexpected(start.error());
  auto state = std::make_shared<CompressionState>();
  state->kind = compression_of(*start);
  switch (state->kind) {
    case Compression::gzip:
      return Decompressed{Input::wrap(std::make_unique<Gunzip>(std::move(input), state)), state};
    case Compression::zstd:
      return Decompressed{Input::wrap(std::make_unique<Unzstd>(std::move(input), state)), state};
    case Compression::none: break;
  }
  return Decompressed{std::move(input), std::move(state)};
}

} // namespace talky::file
