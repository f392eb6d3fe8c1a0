#include "file/io.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

using namespace talky;
using file::Input;
using file::Output;

namespace {

class Folder {
 public:
  Folder() {
    std::string name =
        fmt::format("{}/talky-io.XXXXXX", std::getenv("TMPDIR") != nullptr ? std::getenv("TMPDIR") : "/tmp");
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() {
    ::unlink(file("out").c_str());
    ::rmdir(path_.c_str());
  }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::byte>((i * 2654435761U) >> 13 & 0xff);
  return bytes;
}

std::vector<std::byte> contents(const std::string& path) {
  auto input = Input::open(path).value();
  std::vector<std::byte> all;
  for (;;) {
    const Bytes bytes = input.peek(1).value();
    if (bytes.empty()) return all;
    all.insert(all.end(), bytes.begin(), bytes.end());
    input.skip(bytes.size());
  }
}

std::uint64_t size_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return static_cast<std::uint64_t>(status.st_size);
}

} // namespace

TEST_CASE("the whole of a file, up to a limit, or why not") {
  const Folder folder;
  const std::string path = folder.file("out");
  auto output = Output::create(path, Output::Mode::fresh).value();
  REQUIRE(output.write(as_bytes("three lines")));
  REQUIRE(output.close());
  CHECK(file::read_whole(path, 11).value() == "three lines");
  CHECK(file::read_whole(path, 10).error().code == Errc::too_large);
  CHECK(file::read_whole(folder.file("none"), 10).error().system == ENOENT);
  const auto directory = file::read_whole(folder.file("."), 10);
  CHECK(directory.error().code == Errc::unsupported);
  CHECK(directory.error().system == EISDIR);
}

TEST_CASE("what is written arrives, whatever the pieces, with and without a thread that writes behind") {
  const auto all = pattern(3'000'001);
  for (const bool behind : {false, true}) {
    for (const std::size_t piece : {1000UL, 70'000UL, 262'144UL, 900'000UL}) {
      CAPTURE(behind);
      CAPTURE(piece);
      const Folder folder;
      auto output = Output::create(folder.file("out"), Output::Mode::fresh).value();
      REQUIRE(output.write(Bytes(all).first(44))); // a header, to be patched
      if (behind) output.write_behind();
      for (std::size_t at = 44; at < all.size(); at += piece)
        REQUIRE(output.write(Bytes(all).subspan(at, std::min(piece, all.size() - at))));
      CHECK(output.offset() == all.size());
      REQUIRE(output.patch(4, Bytes(all).first(4)));
      auto moved = std::move(output);
      REQUIRE(moved.close());
      auto expected = all;
      std::copy_n(all.begin(), 4, expected.begin() + 4);
      CHECK(contents(folder.file("out")) == expected);
    }
  }
}

TEST_CASE("room that was asked for and not used is given back") {
  const Folder folder;
  const auto all = pattern(5'000'000);
  auto output = Output::create(folder.file("out"), Output::Mode::fresh).value();
  output.expect(64'000'000);
  REQUIRE(output.write(all));
  REQUIRE(output.close());
  CHECK(size_of(folder.file("out")) == all.size());
  CHECK(contents(folder.file("out")) == all);
}

TEST_CASE("an output that is not closed leaves no file, not even from behind") {
  const Folder folder;
  {
    auto output = Output::create(folder.file("out"), Output::Mode::fresh).value();
    output.write_behind();
    REQUIRE(output.write(pattern(2'000'000)));
  }
  CHECK(::access(folder.file("out").c_str(), F_OK) != 0);
}

TEST_CASE("peek gives as much as is asked for, beyond the buffer too, and keeps its place") {
  const Folder folder;
  const auto all = pattern(1'000'000);
  auto output = Output::create(folder.file("out"), Output::Mode::fresh).value();
  REQUIRE(output.write(all));
  REQUIRE(output.close());
  auto input = Input::open(folder.file("out")).value();
  input.peek(100).value();
  input.skip(100);
  const Bytes large = input.peek(600'000).value();
  REQUIRE(large.size() >= 600'000);
  CHECK(std::equal(large.begin(), large.begin() + 600'000, all.begin() + 100));
  input.skip(600'000);
  CHECK(input.offset() == 600'100);
  CHECK(input.discard(1'000'000).value() == 399'900);
  CHECK(input.peek(1).value().empty());
}
