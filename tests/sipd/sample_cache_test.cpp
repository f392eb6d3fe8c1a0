#include "sipd/api/sample_cache.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "core/bytes.hpp"
#include "file/wav.hpp"

using namespace talky;
using talky::sipd::SampleCache;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / fmt::format("talky-samples-{}", ::getpid());
  Folder() { fs::remove_all(path); }
  ~Folder() { fs::remove_all(path); }
  std::size_t files() const {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(path))
      ++n;
    return n;
  }
};

std::string wav(std::size_t samples) {
  std::string out(as_text(file::make_wav_header(file::SampleFormat::s16le, 16'000, 1, 2 * samples)));
  out.append(2 * samples, 'x');
  return out;
}

} // namespace

TEST_CASE("a sample is found again for as long as what made it stays the same") {
  const Folder folder;
  const SampleCache cache((folder.path / "deep" / "voices").string());
  CHECK_FALSE(cache.find("Emma", "1"));
  REQUIRE(cache.keep("Emma", "1", wav(100)));
  CHECK(cache.find("Emma", "1") == wav(100));
  CHECK_FALSE(cache.find("Emma", "2"));
  CHECK_FALSE(cache.find("Alex", "1"));
  // Another version takes the place of the first; other voices stay, also one whose name begins the same.
  REQUIRE(cache.keep("Emma.x", "1", wav(10)));
  REQUIRE(cache.keep("Alex", "1", wav(20)));
  REQUIRE(cache.keep("Emma", "2", wav(200)));
  CHECK_FALSE(cache.find("Emma", "1"));
  CHECK(cache.find("Emma", "2") == wav(200));
  CHECK(cache.find("Emma.x", "1") == wav(10));
  CHECK(cache.find("Alex", "1") == wav(20));
}

TEST_CASE("what is damaged, cut off or no sound counts as not there") {
  const Folder folder;
  const SampleCache cache(folder.path.string());
  REQUIRE(cache.keep("Emma", "1", wav(100)));
  REQUIRE(folder.files() == 1);
  const fs::path file = fs::directory_iterator(folder.path)->path();
  for (const std::string& wrong : {wav(100).substr(0, 100), wav(100) + "more", std::string("nonsense"),
                                   std::string(), std::string(1000, '\0')}) {
    std::ofstream(file, std::ios::binary) << wrong;
    CHECK_FALSE(cache.find("Emma", "1"));
  }
  REQUIRE(cache.keep("Emma", "1", wav(100)));
  CHECK(cache.find("Emma", "1") == wav(100));
}

TEST_CASE("names are no ways out of the folder, and without a folder nothing is kept") {
  const Folder folder;
  const SampleCache cache(folder.path.string());
  for (const std::string& name : {std::string("../../x"), std::string("a/b"), std::string("..")}) {
    REQUIRE(cache.keep(name, "1", wav(1)));
    CHECK(cache.find(name, "1"));
  }
  CHECK(folder.files() == 3);
  REQUIRE(cache.keep(std::string(5000, 'n'), "1", wav(1)));
  CHECK(folder.files() == 3);
  const SampleCache none("");
  REQUIRE(none.keep("Emma", "1", wav(1)));
  CHECK_FALSE(none.find("Emma", "1"));
  // A folder that cannot be made is an error, and leaves nothing behind.
  std::ofstream(folder.path / "file") << "x";
  CHECK_FALSE(SampleCache((folder.path / "file" / "below").string()).keep("Emma", "1", wav(1)));
}
