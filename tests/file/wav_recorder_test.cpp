// What is left of a recording when its writer dies, and what becomes of it.
#include "file/wav_recorder.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "file/sound_file.hpp"
#include "file/wav.hpp"

using namespace talky;
using namespace talky::file;
namespace fs = std::filesystem;

namespace {

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("talky-rec-" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const char* name) const { return (path_ / name).string(); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

constexpr audio::Format kStereo{16000, 2};

std::vector<std::int16_t> ramp(std::size_t from, std::size_t samples) {
  std::vector<std::int16_t> pcm(samples);
  for (std::size_t i = 0; i < samples; ++i)
    pcm[i] = static_cast<std::int16_t>((from + i) * 31 % 65521);
  return pcm;
}

// Records `frames` packets of 20 ms in a child, which then kills itself as kill -9 would.
void record_and_die(const std::string& path, std::size_t packets) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto recorder = WavRecorder::create(path, kStereo);
    for (std::size_t i = 0; recorder && i < packets; ++i)
      (void)recorder->write(ramp(i * 640, 640));
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
}

} // namespace

TEST_CASE("a recording is what was written, left and right") {
  const Folder folder;
  auto recorder = WavRecorder::create(folder / "call.wav", kStereo);
  REQUIRE(recorder);
  const std::vector<std::int16_t> left(320, 100);
  const std::vector<std::int16_t> right(320, -100);
  for (int i = 0; i < 130; ++i)
    REQUIRE(recorder->write_stereo(left, right));
  CHECK(recorder->frames() == 130 * 320);
  CHECK(recorder->write_stereo(left, std::span(right).first(319)).error().code == Errc::malformed);
  REQUIRE(recorder->close());
  CHECK(recorder->write(left).error().code == Errc::closed);
  CHECK(recorder->close().error().code == Errc::closed);
  const auto pcm = load_audio(folder / "call.wav");
  REQUIRE(pcm);
  CHECK(pcm->format == kStereo);
  REQUIRE(pcm->samples.size() == 130 * 640);
  for (std::size_t i = 0; i < pcm->samples.size(); ++i)
    CHECK(pcm->samples[i] == (i % 2 == 0 ? 100 : -100));
  CHECK(repair_wav(folder / "call.wav") == Repair::sound);

  const auto taken = WavRecorder::create(folder / "call.wav", kStereo);
  CHECK(taken.error().code == Errc::io);
  CHECK(taken.error().system == EEXIST);
  CHECK(load_audio(folder / "call.wav")->samples.size() == 130 * 640);
}

TEST_CASE("after kill -9 the file plays to within a second of its end, and repair finds the rest") {
  const Folder folder;
  const auto path = folder / "killed.wav";
  record_and_die(path, 173); // 3.46 s
  const auto header_frames = [&] {
    // As a strict reader sees it: what the header promises.
    return SoundFileReader::open(path)->frames();
  };
  const auto before = header_frames();
  CHECK(before >= 16000 * 246 / 100);
  CHECK(before < 173 * 320);
  CHECK(repair_wav(path) == Repair::mended);
  const auto after = header_frames();
  CHECK(after >= 16000 * 320 / 100); // at most a quarter of a second was not yet in the file
  const auto pcm = load_audio(path);
  REQUIRE(pcm);
  CHECK(pcm->samples.size() == 2 * after);
  CHECK(pcm->samples == ramp(0, pcm->samples.size()));
  CHECK(repair_wav(path) == Repair::sound);
}

TEST_CASE("repair cuts off half a frame, and leaves alone what is in use, foreign, or no file") {
  const Folder folder;
  record_and_die(folder / "a.wav", 60);
  { std::ofstream(folder / "a.wav", std::ios::app | std::ios::binary) << "xyz"; }
  CHECK(repair_wav(folder / "a.wav") == Repair::mended);
  CHECK((fs::file_size(folder / "a.wav") - 44) % 4 == 0);

  auto live = WavRecorder::create(folder / "live.wav", kStereo);
  REQUIRE(live);
  REQUIRE(live->write(ramp(0, 640UL * 20)));
  CHECK(repair_wav(folder / "live.wav") == Repair::in_use);

  // With a chunk behind the data, as other programs write it.
  REQUIRE(save_wav(folder / "foreign.wav", {8000, 1}, ramp(0, 100)));
  const auto header = make_wav_header(SampleFormat::s16le, 8000, 1, 200 + 20);
  std::ofstream foreign(folder / "foreign.wav", std::ios::in | std::ios::out | std::ios::binary);
  foreign.seekp(4);
  foreign.write(as_text(header).data() + 4, 4); // RIFF counts more than the data
  foreign.seekp(0, std::ios::end);
  foreign << "LIST12345678901234567890";
  foreign.close();
  CHECK(repair_wav(folder / "foreign.wav") == Repair::foreign);
  std::ofstream(folder / "text.wav") << "not a sound at all, but long enough to hold a header of 44 bytes";
  CHECK(repair_wav(folder / "text.wav") == Repair::foreign);
  std::ofstream(folder / "empty.wav").close();
  CHECK(repair_wav(folder / "empty.wav") == Repair::foreign);
  CHECK(repair_wav(folder / "none.wav").error().code == Errc::io);

  record_and_die(folder / "b.wav", 75);
  fs::create_directory(folder / "folder.wav");
  const auto report = repair_recordings(folder.path());
  CHECK(report.mended == std::vector<std::string>{folder / "b.wav"});
  CHECK(report.failed == std::vector<std::string>{folder / "folder.wav"});
  CHECK(repair_recordings(folder.path() / "nowhere").mended.empty());
  REQUIRE(live->close());
}

TEST_CASE("a full disk is said at once, in the system's words, and what is there plays") {
  const Folder folder;
  const auto path = folder / "full.wav";
  // A limit on the size of files stands in for the disk: the write is short, as on a full one.
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100001, 100001};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto recorder = WavRecorder::create(path, kStereo);
    std::size_t packets = 0;
    Result<> result;
    while (result && packets < 1000)
      result = recorder->write(ramp(640 * packets++, 640));
    const bool told = !result && result.error().code == Errc::io &&
                      std::string_view(result.error().reason()) == "File too large";
    const bool stays = !recorder->write(ramp(0, 640)) && !recorder->flush() && !recorder->close();
    ::_exit(told && stays && packets <= 91 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  const auto reader = SoundFileReader::open(path);
  REQUIRE(reader);
  CHECK(reader->frames() == (100001 - 44) / 4);
  const auto pcm = load_audio(path);
  CHECK(pcm->samples == ramp(0, pcm->samples.size()));
}

TEST_CASE("libsndfile's formats: written, recognised, read; a wrong rate is refused") {
  const Folder folder;
  const auto pcm = ramp(0, 16000);
  for (const auto& kind : sound_file_kinds()) {
    CAPTURE(kind.name);
    CHECK(sound_file_kind(kind.name) == &kind);
    if (kind.name == "gsm") continue; // raw: nothing recognises it
    const auto path = folder / (std::string(kind.name) + ".x").c_str();
    auto writer = SoundFileWriter::create(path, kind, {8000, 1});
    REQUIRE(writer);
    REQUIRE(writer->write(std::span<const std::int16_t>(pcm)));
    REQUIRE(writer->close());
    CHECK_FALSE(writer->write(std::span<const std::int16_t>(pcm)));
    const auto back = load_audio(path);
    REQUIRE(back);
    CHECK(back->format == audio::Format{8000, 1});
    const bool lossless = kind.name == "flac" || kind.name == "au" || kind.name == "aiff";
    if (lossless) CHECK(back->samples == pcm);
    if (!lossless) CHECK(back->samples.size() >= pcm.size());
    CHECK(SoundFileReader::open(path)->wide() == (kind.name == "ogg" || kind.name == "opus"));
  }
  CHECK(SoundFileWriter::create(folder / "x", *sound_file_kind("opus"), {44100, 1}).error().code ==
        Errc::unsupported);
  CHECK(SoundFileWriter::create(folder / "no/such", *sound_file_kind("flac"), {8000, 1}).error().code ==
        Errc::io);
  CHECK(SoundFileReader::open(folder / "none").error().code == Errc::io);
  CHECK(SoundFileReader::open(folder.path().string()).error().code == Errc::unsupported);
  std::ofstream(folder / "garbage") << "garbage";
  CHECK(SoundFileReader::open(folder / "garbage").error().code == Errc::malformed);
  CHECK(load_audio(folder / "garbage").error().code == Errc::malformed);
}
