#include "file/wav.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <vector>

#include "core/random.hpp"

using namespace talky;
using namespace talky::file;
namespace fs = std::filesystem;

namespace {

using Buffer = std::vector<std::byte>;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("talky-wav-" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

void append(Buffer& to, std::string_view text) {
  const auto bytes = as_bytes(text);
  to.insert(to.end(), bytes.begin(), bytes.end());
}
void put(Buffer& to, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i)
    to.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
}

struct Fmt {
  std::uint16_t tag = 1, channels = 1;
  std::uint32_t rate = 8000;
  std::uint16_t block = 2, bits = 16;
};

Buffer riff(const Fmt& f, std::uint32_t data_size, const Buffer& extra_chunks = {}) {
  Buffer out;
  append(out, "RIFF");
  put(out, 0, 4);
  append(out, "WAVEfmt ");
  put(out, 16, 4);
  put(out, f.tag, 2);
  put(out, f.channels, 2);
  put(out, f.rate, 4);
  put(out, std::uint64_t{f.rate} * f.block, 4);
  put(out, f.block, 2);
  put(out, f.bits, 2);
  out.insert(out.end(), extra_chunks.begin(), extra_chunks.end());
  append(out, "data");
  put(out, data_size, 4);
  return out;
}

WavHeader parsed(const Buffer& bytes) {
  const auto header = parse_wav_header(bytes);
  REQUIRE(header);
  REQUIRE(*header);
  return **header;
}

Error refused(const Buffer& bytes) {
  const auto header = parse_wav_header(bytes);
  REQUIRE_FALSE(header);
  return header.error();
}

std::vector<std::int16_t> ramp(std::size_t samples) {
  std::vector<std::int16_t> pcm(samples);
  for (std::size_t i = 0; i < samples; ++i)
    pcm[i] = static_cast<std::int16_t>(i * 7 % 60000 - 30000);
  return pcm;
}

} // namespace

TEST_CASE("the header of every format that is written is read back") {
  for (const auto& f : sample_formats()) {
    if (!wav_holds(f.format)) continue;
    CAPTURE(f.name);
    const auto bytes = make_wav_header(f.format, 16000, 2, 4000);
    const auto header = parsed(bytes);
    CHECK(header.format == f.format);
    CHECK(header.rate == 16000);
    CHECK(header.channels == 2);
    CHECK(header.data_size == 4000);
    CHECK(header.data_offset == bytes.size());
    // Nothing less than the whole header is enough, and no part of it is refused.
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      const auto part = parse_wav_header(Bytes(bytes).first(n));
      REQUIRE(part);
      CHECK_FALSE(*part);
    }
  }
  CHECK(make_wav_header(SampleFormat::s16le, 8000, 1, std::nullopt).size() == 44);
}

TEST_CASE("sizes of dead writers and of pipes mean: to the end") {
  for (const std::uint32_t size : {0u, 0x7ffff000u, 0x7fffffffu, 0x80000000u, 0xffffffffu, 0xffffffdbu}) {
    CHECK_FALSE(parsed(riff({}, size)).data_size);
  }
  CHECK(parsed(riff({}, 0x7fffefff)).data_size == 0x7fffefff);
  CHECK(parsed(riff({}, 0x90000000)).data_size == 0x90000000); // a real file of 2.25 GiB
  CHECK_FALSE(parsed(make_wav_header(SampleFormat::s16le, 8000, 1, std::nullopt)).data_size);
  CHECK_FALSE(parsed(make_wav_header(SampleFormat::s16le, 8000, 1, std::uint64_t{5} << 32)).data_size);
}

TEST_CASE("chunks in front of the data are passed, padded ones too, up to the limit") {
  Buffer list;
  append(list, "LIST");
  put(list, 3, 4);
  append(list, "abc");
  put(list, 0, 1); // the pad
  const auto header = parsed(riff({}, 100, list));
  CHECK(header.data_size == 100);
  CHECK(header.data_offset == 44 + 12);

  Buffer huge;
  append(huge, "JUNK");
  put(huge, 0xfffffff0, 4);
  CHECK(refused(riff({}, 100, huge)).code == Errc::too_large);
}

TEST_CASE("RF64 tells its length in ds64") {
  Buffer out;
  append(out, "RF64");
  put(out, 0xffffffff, 4);
  append(out, "WAVEds64");
  put(out, 28, 4);
  put(out, 0, 8);
  put(out, std::uint64_t{6} << 30, 8);
  put(out, 0, 8);
  put(out, 0, 4);
  append(out, "fmt ");
  put(out, 16, 4);
  put(out, 1, 2);
  put(out, 1, 2);
  put(out, 8000, 4);
  put(out, 16000, 4);
  put(out, 2, 2);
  put(out, 16, 2);
  append(out, "data");
  put(out, 0xffffffff, 4);
  CHECK(parsed(out).data_size == std::uint64_t{6} << 30);
}

TEST_CASE("WAVE_FORMAT_EXTENSIBLE is looked into") {
  const auto extensible = [](std::uint16_t sub, bool right_guid) {
    Buffer out;
    append(out, "RIFF");
    put(out, 0, 4);
    append(out, "WAVEfmt ");
    put(out, 40, 4);
    put(out, 0xfffe, 2);
    put(out, 1, 2);
    put(out, 48000, 4);
    put(out, 48000UL * 3, 4);
    put(out, 3, 2);
    put(out, 24, 2);
    put(out, 22, 2);
    put(out, 24, 2);
    put(out, 4, 4);
    put(out, sub, 2);
    for (const int b : {0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, right_guid ? 0x71 : 0x72})
      put(out, static_cast<std::uint64_t>(b), 1);
    append(out, "data");
    put(out, 6, 4);
    return out;
  };
  CHECK(parsed(extensible(1, true)).format == SampleFormat::s24le);
  CHECK(refused(extensible(2, true)).code == Errc::unsupported);
  CHECK(refused(extensible(1, false)).code == Errc::unsupported);
}

TEST_CASE("what is wrong is said, and where") {
  Buffer garbage;
  append(garbage, "MThd....");
  CHECK(refused(garbage) == Error{Errc::malformed, 0, ""});
  Buffer rifx;
  append(rifx, "RIFX");
  CHECK(refused(rifx).code == Errc::unsupported);
  Buffer avi;
  append(avi, "RIFF....AVI ");
  CHECK(refused(avi) == Error{Errc::malformed, 8, ""});
  CHECK(refused(riff({1, 0, 8000, 0, 16}, 10)) == Error{Errc::malformed, 22, ""});
  CHECK(refused(riff({1, 65, 8000, 130, 16}, 10)).code == Errc::malformed);
  CHECK(refused(riff({1, 1, 0, 2, 16}, 10)) == Error{Errc::malformed, 24, ""});
  CHECK(refused(riff({1, 1, 4000000000, 2, 16}, 10)).code == Errc::malformed);
  CHECK(refused(riff({1, 1, 8000, 3, 16}, 10)) == Error{Errc::malformed, 32, ""});
  CHECK(refused(riff({1, 1, 8000, 0, 0}, 10)).code == Errc::unsupported);
  CHECK(refused(riff({0x11, 1, 8000, 256, 4}, 10)) == Error{Errc::unsupported, 20, ""});
  CHECK(parsed(riff({7, 1, 8000, 1, 16}, 10)).format == SampleFormat::mulaw); // some writers mean the PCM
  Buffer no_format;
  append(no_format, "RIFF....WAVEdata....");
  CHECK(refused(no_format) == Error{Errc::malformed, 12, ""});
}

TEST_CASE("files: whole, odd, cut off, and with less than they promise") {
  const Folder folder;
  const auto pcm = ramp(40000);
  REQUIRE(save_wav(folder / "a.wav", {8000, 2}, pcm));
  auto reader = WavReader::open(folder / "a.wav");
  REQUIRE(reader);
  std::vector<std::int16_t> all;
  std::vector<std::int16_t> block;
  do {
    REQUIRE(reader->read(777, block));
    CHECK(block.size() <= 1554);
    all.insert(all.end(), block.begin(), block.end());
  } while (!block.empty());
  CHECK(all == pcm);
  CHECK(reader->cut_off() == 0);
  CHECK(reader->missing() == 0);

  fs::resize_file(folder / "a.wav", 44 + 1003); // 250 frames of 4 bytes, and 3 bytes
  auto cut = load_audio(folder / "a.wav");
  REQUIRE(cut);
  CHECK(cut->samples == std::vector(pcm.begin(), pcm.begin() + 500));
  CHECK(cut->format == audio::Format{8000, 2});
  reader = WavReader::open(folder / "a.wav");
  REQUIRE(reader);
  while (!reader->read_raw(4096)->empty()) {
  }
  CHECK(reader->cut_off() == 3);
  CHECK(reader->missing() == 80000 - 1003);

  // What stands behind the data chunk is no sound.
  REQUIRE(save_wav(folder / "b.wav", {8000, 1}, ramp(100)));
  std::ofstream(folder / "b.wav", std::ios::app | std::ios::binary) << "LIST....and so on";
  CHECK(load_audio(folder / "b.wav")->samples == ramp(100));

  CHECK(WavReader::open(folder / "none.wav").error().code == Errc::io);
  CHECK(WavReader::open(folder / "").error().code == Errc::unsupported);
  CHECK(load_audio(folder / "b.wav", 99).error().code == Errc::too_large);
  fs::resize_file(folder / "b.wav", 30);
  CHECK(WavReader::open(folder / "b.wav").error().code == Errc::truncated);
}

TEST_CASE("a pipe: what has come is given at once, however the pieces fall") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const int kept = ::dup(STDIN_FILENO);
  ::dup2(ends[0], STDIN_FILENO);
  const auto send = [&](Bytes bytes) {
    return ::write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  };
  const auto header = make_wav_header(SampleFormat::s16le, 8000, 1, std::nullopt);
  const auto pcm = ramp(1000);
  const auto bytes = std::as_bytes(std::span(pcm));
  REQUIRE(send(header));
  REQUIRE(send(bytes.first(320)));
  auto reader = WavReader::open("-");
  REQUIRE(reader);
  std::vector<std::int16_t> block;
  REQUIRE(reader->read(100000, block)); // does not wait for more
  CHECK(block == std::vector(pcm.begin(), pcm.begin() + 160));
  REQUIRE(send(bytes.subspan(320, 3))); // a sample and a half
  REQUIRE(reader->read(100000, block));
  CHECK(block == std::vector(pcm.begin() + 160, pcm.begin() + 161));
  REQUIRE(send(bytes.subspan(323)));
  ::close(ends[1]);
  std::vector<std::int16_t> rest;
  do {
    REQUIRE(reader->read(100000, block));
    rest.insert(rest.end(), block.begin(), block.end());
  } while (!block.empty());
  CHECK(rest == std::vector(pcm.begin() + 161, pcm.end()));
  ::dup2(kept, STDIN_FILENO);
  ::close(kept);
  ::close(ends[0]);
}

TEST_CASE("load_mono mixes down and converts") {
  const Folder folder;
  std::vector<std::int16_t> stereo(2UL * 44100);
  for (std::size_t i = 0; i < stereo.size() / 2; ++i) {
    const double x = std::sin(2 * 3.14159265358979 * 440 / 44100 * static_cast<double>(i));
    stereo[2 * i] = static_cast<std::int16_t>(20000 * x);
    stereo[2 * i + 1] = static_cast<std::int16_t>(10000 * x);
  }
  REQUIRE(save_wav(folder / "s.wav", {44100, 2}, stereo));
  const auto mono = load_mono(folder / "s.wav", 16000);
  REQUIRE(mono);
  CHECK(mono->size() == 16000);
  double power = 0;
  for (const std::int16_t x : *mono)
    power += static_cast<double>(x) * x;
  CHECK(std::sqrt(power / 16000) == doctest::Approx(15000 / std::sqrt(2.0)).epsilon(0.01));
}

TEST_CASE("sample formats: s16 survives every lossless one, the others are rounded and saturate") {
  std::vector<std::int16_t> all;
  for (int x = -32768; x <= 32767; ++x)
    all.push_back(static_cast<std::int16_t>(x));
  for (const auto& f : sample_formats()) {
    CAPTURE(f.name);
    CHECK(sample_format(f.name) == f.format);
    Buffer bytes(all.size() * f.bytes);
    from_s16(f.format, all, bytes);
    std::vector<std::int16_t> back(all.size());
    to_s16(f.format, bytes, back);
    std::vector<float> floats(all.size());
    to_float(f.format, bytes, floats);
    int off = 0;
    double off_float = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      off = std::max(off, std::abs(back[i] - all[i]));
      off_float = std::max(off_float, std::abs(static_cast<double>(floats[i]) * 32768 - back[i]));
    }
    CHECK(off_float == 0);
    if (f.bytes > 1) CHECK(off == 0);
    if (f.format == SampleFormat::u8 || f.format == SampleFormat::s8)
      CHECK(off == 255); // 32767, of which 127 * 256 is left
    Buffer again(bytes.size());
    from_float(f.format, floats, again);
    if (f.format == SampleFormat::mulaw) { // whose second zero is not kept
      std::replace(bytes.begin(), bytes.end(), std::byte{0x7f}, std::byte{0xff});
    }
    CHECK(again == bytes);
  }
  const std::vector<float> wild{2.0F,
                                -2.0F,
                                std::numeric_limits<float>::quiet_NaN(),
                                std::numeric_limits<float>::infinity(),
                                -std::numeric_limits<float>::infinity(),
                                1.5F / 32768};
  Buffer bytes(wild.size() * 4);
  std::memcpy(bytes.data(), wild.data(), bytes.size());
  std::vector<std::int16_t> pcm(wild.size());
  to_s16(SampleFormat::f32le, bytes, pcm);
  CHECK(pcm == std::vector<std::int16_t>{32767, -32768, 0, 32767, -32768, 2});
  Buffer wide(wild.size() * 4);
  from_float(SampleFormat::s32le, wild, wide);
  std::int32_t first = 0;
  std::memcpy(&first, wide.data(), 4);
  CHECK(first == 2147483647);
  CHECK(sample_format("ULAW") == SampleFormat::mulaw);
  CHECK_FALSE(sample_format("mp3"));
}
