#include "file/sound_pipe.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace talky::file {

namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kStep = 65'536;
constexpr std::uint64_t kEndless = std::uint64_t{1} << 40;

// What WAV and AIFF say of their own length; writers that did not know it say next to nothing or too much.
std::optional<std::uint64_t> length_in(Bytes header) {
  if (header.size() < kHeaderBytes) return std::nullopt;
  const auto magic = as_text(header.first(4));
  std::uint32_t size = *Reader(header.subspan(4)).u32();
  if (magic == "RIFF") {
    size = __builtin_bswap32(size);
  } else if (magic != "FORM" && magic != "RIFX") {
    return std::nullopt;
  }
  const bool unknown = size < 64 || (size >= 0x7f000000 && size <= 0x80000100) || size >= 0xffff0000;
  return unknown ? kEndless : std::uint64_t{size} + kHeaderBytes;
}

SoundPipe& self(void* data) {
  return *static_cast<SoundPipe*>(data);
}

} // namespace

SF_VIRTUAL_IO SoundPipe::functions() {
  SF_VIRTUAL_IO io{};
  io.get_filelen = [](void* data) { return static_cast<sf_count_t>(self(data).length()); };
  io.seek = [](sf_count_t offset, int whence, void* data) { return self(data).seek(offset, whence); };
  io.read = [](void* room, sf_count_t count, void* data) { return self(data).read(room, count); };
  io.write = [](const void*, sf_count_t, void*) { return sf_count_t{0}; };
  io.tell = [](void* data) { return static_cast<sf_count_t>(self(data).at_); };
  return io;
}

bool SoundPipe::fetch(std::uint64_t until) {
  while (kept_.size() < until && !error_) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(until - kept_.size(), kStep));
    const auto bytes = input_.peek(wanted);
    if (!bytes) {
      error_ = bytes.error();
    } else if (bytes->empty()) {
      return false;
    } else {
      const auto part = bytes->first(std::min(bytes->size(), wanted));
      if (const auto kept = kept_.append(part); !kept) error_ = kept.error();
      input_.skip(part.size());
    }
  }
  return !error_;
}

void SoundPipe::settle() {
  fetch(kEndless);
  length_ = kept_.size();
  at_ = 0;
  fell_short_ = false;
}

std::uint64_t SoundPipe::length() {
  if (length_) return *length_;
  std::array<std::byte, kHeaderBytes> start{};
  fetch(start.size());
  const auto got = kept_.read(0, start);
  length_ = length_in(Bytes(start).first(got.value_or(0)));
  if (!length_) {
    fetch(kEndless);
    length_ = kept_.size();
  }
  return *length_;
}

sf_count_t SoundPipe::seek(sf_count_t offset, int whence) {
  const std::uint64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? at_ : length();
  const auto target = static_cast<sf_count_t>(base) + offset;
  if (target < 0) return -1;
  at_ = static_cast<std::uint64_t>(target);
  return target;
}

sf_count_t SoundPipe::read(void* room, sf_count_t count) {
  if (count <= 0) return 0;
  fetch(at_ + static_cast<std::uint64_t>(count));
  const auto got = kept_.read(at_, {static_cast<std::byte*>(room), static_cast<std::size_t>(count)});
  if (!got) {
    error_ = got.error();
    return 0;
  }
  at_ += *got;
  if (static_cast<sf_count_t>(*got) < count && at_ < length_.value_or(0)) fell_short_ = true;
  return static_cast<sf_count_t>(*got);
}

} // namespace talky::file
