// AU, FLAC and Ogg Opus: what goes in comes out, whatever the pieces, and what is broken is refused where it
// is.
#include <doctest/doctest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "file/au.hpp"
#include "file/flac.hpp"
#include "file/ogg_opus.hpp"

using namespace talky;
using namespace talky::file;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "talky-containers-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::vector<std::byte> contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> chars(std::istreambuf_iterator<char>(in), {});
  const auto bytes = std::as_bytes(std::span(chars));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::int32_t> read_flac(Bytes bytes, std::size_t block) {
  auto reader = FlacReader::create(Input::memory(bytes));
  REQUIRE(reader);
  std::vector<std::int32_t> all, part;
  do {
    REQUIRE(reader->read(block, part));
    all.insert(all.end(), part.begin(), part.end());
  } while (!part.empty());
  CHECK(reader->missing() == 0);
  return all;
}

std::vector<std::int16_t> read_opus(Bytes bytes, std::uint32_t rate, std::size_t block = 1000) {
  auto reader = OggOpusReader::create(Input::memory(bytes), rate);
  REQUIRE(reader);
  std::vector<std::int16_t> all, part;
  do {
    REQUIRE(reader->read(block, part));
    all.insert(all.end(), part.begin(), part.end());
  } while (!part.empty());
  return all;
}

std::vector<std::byte> write_opus(const std::string& path, const std::vector<std::int16_t>& pcm,
                                  audio::Format format, std::size_t block, bool live) {
  auto output = Output::create(path, Output::Mode::replace);
  REQUIRE(output);
  auto writer = OggOpusWriter::create(std::move(*output), {format});
  REQUIRE(writer);
  for (std::size_t at = 0; at < pcm.size(); at += block * format.channels) {
    const auto count = std::min(block * format.channels, pcm.size() - at);
    REQUIRE(writer->write(std::span(pcm).subspan(at, count)));
    if (live) REQUIRE(writer->flush());
  }
  REQUIRE(writer->close());
  return contents(path);
}

std::vector<std::int16_t> tone(std::size_t frames, audio::Format format) {
  std::vector<std::int16_t> pcm;
  for (std::size_t i = 0; i < frames; ++i) {
    for (std::uint16_t c = 0; c < format.channels; ++c)
      pcm.push_back(static_cast<std::int16_t>(
          9000 * std::sin(2 * 3.14159265 * (440 + 200 * c) * static_cast<double>(i) / format.rate)));
  }
  return pcm;
}

} // namespace

TEST_CASE("AU: every encoding's header is read back; what is wrong is named with its place") {
  for (const auto& f : sample_formats()) {
    if (!au_holds(f.format)) continue;
    CAPTURE(f.name);
    const auto bytes = make_au_header(f.format, 44100, 2, 4000);
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      const auto part = parse_au_header(std::span(bytes).first(n));
      REQUIRE(part);
      CHECK_FALSE(*part);
    }
    const auto header = parse_au_header(bytes);
    REQUIRE(header);
    REQUIRE(*header);
    CHECK((*header)->format == f.format);
    CHECK((*header)->rate == 44100);
    CHECK((*header)->channels == 2);
    CHECK((*header)->data_size == 4000);
    CHECK((*header)->data_offset == 28);
  }
  CHECK_FALSE((*parse_au_header(make_au_header(SampleFormat::s16be, 8000, 1, std::nullopt)))->data_size);
  const auto broken = [](std::size_t at, unsigned value) {
    auto bytes = make_au_header(SampleFormat::s16be, 8000, 1, 100);
    bytes[at] = static_cast<std::byte>(value);
    const auto result = parse_au_header(bytes);
    REQUIRE_FALSE(result);
    return result.error();
  };
  CHECK(broken(0, 'x') == Error{Errc::malformed, 0, ""});
  CHECK(broken(7, 23) == Error{Errc::malformed, 4, ""});
  CHECK(broken(4, 1) == Error{Errc::too_large, 4, ""});
  CHECK(broken(15, 23) == Error{Errc::unsupported, 12, ""});
  CHECK(broken(16, 255) == Error{Errc::malformed, 16, ""});
  CHECK(broken(23, 65) == Error{Errc::malformed, 20, ""});
}

TEST_CASE("big-endian samples are their little-endian twins turned round") {
  CHECK(rc::check("all four", [](const std::vector<double>& values) {
    const std::pair<SampleFormat, SampleFormat> twins[] = {{SampleFormat::s24be, SampleFormat::s24le},
                                                           {SampleFormat::s32be, SampleFormat::s32le},
                                                           {SampleFormat::f32be, SampleFormat::f32le},
                                                           {SampleFormat::f64be, SampleFormat::f64le}};
    std::vector<float> pcm;
    pcm.reserve(values.size());
    for (const double value : values)
      pcm.push_back(static_cast<float>(std::sin(value)));
    for (const auto& [big, little] : twins) {
      const std::size_t width = info(big).bytes;
      std::vector<std::byte> a(pcm.size() * width), b(pcm.size() * width);
      from_float(big, pcm, a);
      from_float(little, pcm, b);
      for (std::size_t i = 0; i < pcm.size(); ++i) {
        for (std::size_t k = 0; k < width; ++k)
          RC_ASSERT(a[i * width + k] == b[i * width + width - 1 - k]);
      }
      std::vector<float> x(pcm.size()), y(pcm.size());
      to_float(big, a, x);
      to_float(little, b, y);
      RC_ASSERT(x == y);
      std::vector<std::int16_t> s(pcm.size()), t(pcm.size());
      to_s16(big, a, s);
      to_s16(little, b, t);
      RC_ASSERT(s == t);
    }
  }));
}

TEST_CASE("FLAC is lossless at 16 and 24 bits, in blocks of any size, live or not") {
  const Folder folder;
  CHECK(rc::check("what goes in comes out", [&] {
    const auto channels = static_cast<std::uint16_t>(*rc::gen::inRange(1, 3));
    const unsigned bits = *rc::gen::element(16U, 24U);
    const bool live = *rc::gen::arbitrary<bool>();
    const auto raw = *rc::gen::container<std::vector<std::int32_t>>(rc::gen::arbitrary<std::int32_t>());
    std::vector<std::int32_t> pcm;
    for (std::size_t i = 0; i < raw.size() / channels * channels; ++i)
      pcm.push_back(raw[i] >> (32 - bits));
    auto output = Output::create(folder / "x.flac", Output::Mode::replace);
    RC_ASSERT(output.has_value());
    auto writer = FlacWriter::create(std::move(*output), {{8000, channels}, bits, live});
    RC_ASSERT(writer.has_value());
    RC_ASSERT(writer->write(pcm).has_value());
    RC_ASSERT(writer->close().has_value());
    std::vector<std::int32_t> shifted;
    shifted.reserve(pcm.size());
    for (const std::int32_t x : pcm)
      shifted.push_back(static_cast<std::int32_t>(static_cast<std::uint32_t>(x) << (32 - bits)));
    RC_ASSERT(read_flac(contents(folder / "x.flac"), *rc::gen::inRange<std::size_t>(1, 5000)) == shifted);
  }));
}

TEST_CASE("FLAC: damage is found, a cut is told, noise is refused") {
  const Folder folder;
  std::vector<std::int32_t> pcm(20000);
  for (std::size_t i = 0; i < pcm.size(); ++i)
    pcm[i] = static_cast<std::int32_t>(i * 7919 % 20011) - 10000;
  auto writer =
      FlacWriter::create(*Output::create(folder / "x.flac", Output::Mode::fresh), {{16000, 1}, 16, false});
  REQUIRE(writer);
  REQUIRE(writer->write(pcm));
  REQUIRE(writer->close());
  const auto good = contents(folder / "x.flac");

  auto damaged = good;
  damaged[damaged.size() / 2] ^= std::byte{0x10};
  auto reader = FlacReader::create(Input::memory(damaged));
  REQUIRE(reader);
  std::vector<std::int32_t> part;
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i)
    refused = !reader->read(1000, part);
  CHECK(refused);

  auto cut = FlacReader::create(Input::memory(std::span(good).first(good.size() / 2)));
  REQUIRE(cut);
  std::size_t frames = 0;
  do {
    REQUIRE(cut->read(1000, part));
    frames += part.size();
  } while (!part.empty());
  CHECK(frames > 4000);
  CHECK(frames + cut->missing() == pcm.size());

  const std::vector<std::byte> noise(1000, std::byte{0x5a});
  CHECK_FALSE(FlacReader::create(Input::memory(noise)));
  CHECK_FALSE(FlacReader::create(Input::memory({})));
}

TEST_CASE("Ogg Opus: as many samples come out as went in, at their place, at every rate") {
  const Folder folder;
  for (const std::uint32_t rate : {8000U, 12000U, 16000U, 24000U, 48000U}) {
    for (const std::uint16_t channels : {std::uint16_t{1}, std::uint16_t{2}}) {
      for (const std::size_t frames :
           {std::size_t{0}, std::size_t{1}, std::size_t{rate} / 50, std::size_t{rate} + 7}) {
        CAPTURE(rate);
        CAPTURE(channels);
        CAPTURE(frames);
        const audio::Format format{rate, channels};
        const auto pcm = tone(frames, format);
        const auto file = write_opus(folder / "x.opus", pcm, format, 333, false);
        const auto back = read_opus(file, rate);
        CHECK(back.size() == pcm.size());
        CHECK(read_opus(file, 48000).size() == frames * channels * 48000 / rate);
        if (frames < rate) continue;
        // Nowhere does it fit better than at its own place, give or take the sample by which the resamplers
        // inside SILK miss what the encoder says of its delay.
        const auto error_at = [&](int lag) {
          double error = 0;
          const auto edge = std::size_t{rate} / 10 * channels;
          for (std::size_t i = edge; i < pcm.size() - edge; ++i) {
            const double d = static_cast<double>(pcm[i]) - back[i + static_cast<std::size_t>(lag * channels)];
            error += d * d;
          }
          return error;
        };
        const double best = std::min({error_at(-1), error_at(0), error_at(1)});
        CHECK(best < error_at(2));
        CHECK(best < error_at(-2));
      }
    }
  }
}

TEST_CASE("Ogg Opus: pieces and flushes change no sample; a lost page is filled, a cut is told") {
  const Folder folder;
  const audio::Format format{16000, 1};
  const auto pcm = tone(40000, format);
  const auto whole = write_opus(folder / "a.opus", pcm, format, 40000, false);
  CHECK(write_opus(folder / "b.opus", pcm, format, 77, false) == whole);
  const auto live = write_opus(folder / "c.opus", pcm, format, 320, true);
  CHECK(live != whole); // a page for each packet
  const auto back = read_opus(whole, 16000);
  CHECK(read_opus(live, 16000) == back);
  CHECK(read_opus(whole, 16000, 7) == back);

  // Without the second page of sound: as long as before, and the end is as it was.
  std::vector<std::size_t> pages;
  const auto text = as_text(whole);
  for (std::size_t at = text.find("OggS"); at != std::string_view::npos; at = text.find("OggS", at + 4))
    pages.push_back(at);
  REQUIRE(pages.size() == 5); // two of headers, three of sound
  std::vector<std::byte> holed(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(pages[3]));
  holed.insert(holed.end(), whole.begin() + static_cast<std::ptrdiff_t>(pages[4]), whole.end());
  auto reader = OggOpusReader::create(Input::memory(holed), 16000);
  REQUIRE(reader);
  std::vector<std::int16_t> part;
  std::size_t frames = 0;
  do {
    REQUIRE(reader->read(1000, part));
    frames += part.size();
  } while (!part.empty());
  CHECK(reader->holes() > 0);
  CHECK_FALSE(reader->cut_off());
  CHECK(frames == pcm.size());

  auto cut = OggOpusReader::create(Input::memory(std::span(whole).first(pages[4])), 16000);
  REQUIRE(cut);
  do {
    REQUIRE(cut->read(1000, part));
  } while (!part.empty());
  CHECK(cut->cut_off());
}

TEST_CASE("Ogg Opus: heads") {
  const OpusHead head{2, 312, 44100, -256};
  const auto bytes = make_opus_head(head);
  const auto back = parse_opus_head(bytes);
  REQUIRE(back);
  CHECK(back->channels == 2);
  CHECK(back->pre_skip == 312);
  CHECK(back->input_rate == 44100);
  CHECK(back->gain == -256);
  for (std::size_t n = 0; n < bytes.size(); ++n)
    CHECK_FALSE(parse_opus_head(std::span(bytes).first(n)));
  auto wrong = bytes;
  wrong[8] = std::byte{0x10};
  CHECK(parse_opus_head(wrong).error().code == Errc::unsupported);
  wrong = bytes;
  wrong[18] = std::byte{1};
  CHECK(parse_opus_head(wrong).error().code == Errc::unsupported);
  const std::vector<std::byte> noise(5000, std::byte{0x42});
  CHECK_FALSE(OggOpusReader::create(Input::memory(noise)));
}
