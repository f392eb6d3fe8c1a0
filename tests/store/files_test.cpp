#include "store/files.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "store/kit.hpp"

using namespace talky;
using namespace talky::store;
using test::uuid;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kNowMs = 1'763'831'109'000;
constexpr std::int64_t kDay = 86'400'000;

std::string le32(std::uint32_t value) {
  std::string out;
  for (int i = 0; i < 4; ++i)
    out += static_cast<char>(value >> 8 * i & 0xFF);
  return out;
}

void make(const std::string& path, std::size_t bytes, std::int64_t age_days) {
  test::write(path, std::string(bytes, 'x'));
  const timespec changed{(kNowMs - age_days * kDay) / 1000, 0};
  const timespec times[2]{changed, changed};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

bool nobody(const std::string& /*uuid*/) {
  return false;
}

} // namespace

TEST_CASE("a file is described by its size and the SHA-256 that sha256sum gives") {
  test::Folder folder;
  test::write(folder / "a", "abc");
  const auto file = describe_file("wav", folder / "a");
  REQUIRE(file);
  CHECK(file->bytes == 3);
  CHECK(file->sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  test::write(folder / "b", std::string(1'000'000, 'a')); // FIPS 180-4's example
  CHECK(describe_file("wav", folder / "b")->sha256 ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK_FALSE(describe_file("wav", folder / "none"));
}

TEST_CASE("a torn line is cut off, whole ones stay") {
  test::Folder folder;
  const std::string path = folder / "j";
  const std::string whole = "{\"a\":1}\n{\"b\":2}\n";
  for (const auto& [text, left] : {std::pair<std::string, std::string>{whole, whole},
                                   {whole + "{\"c\":", whole},
                                   {"{\"c\":", ""},
                                   {"", ""},
                                   {whole + std::string(600'000, 'x'), whole}}) {
    test::write(path, text);
    const auto mended = mend_lines(path);
    REQUIRE(mended);
    CHECK(*mended == (text != left));
    CHECK(test::contents(path) == left);
  }
  CHECK_FALSE(mend_lines(folder / "none"));
}

TEST_CASE("a pcap is cut behind its last whole packet, wherever it was torn") {
  test::Folder folder;
  const std::string path = folder / "p";
  const std::string header = le32(0xA1B23C4D) + std::string(20, '\0');
  const std::string packet = le32(1) + le32(2) + le32(10) + le32(10) + "0123456789";
  const std::string all = header + packet + packet;
  for (std::size_t size = header.size(); size <= all.size(); ++size) {
    test::write(path, all.substr(0, size));
    const auto mended = mend_pcap(path);
    REQUIRE(mended);
    const std::size_t whole = (size - header.size()) / packet.size();
    CHECK(test::contents(path) == all.substr(0, header.size() + whole * packet.size()));
    CHECK(*mended == (size != header.size() + whole * packet.size()));
  }
  test::write(path, "RIFF and so on, no pcap at all");
  CHECK_FALSE(mend_pcap(path));
  CHECK(test::contents(path) == "RIFF and so on, no pcap at all");
}

TEST_CASE("sizes") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("500M") == 500'000'000);
  CHECK(parse_size("1.5G") == 1'500'000'000);
  CHECK(parse_size("10GiB") == 10'737'418'240);
  CHECK(parse_size("2Ki") == 2048);
  CHECK(parse_size("7TB") == 7'000'000'000'000);
  for (const char* bad : {"", "G", "-1", "1X", "1MM", "1i", "ten", "1 G", "1e30"})
    CHECK_FALSE(parse_size(bad));
}

TEST_CASE_TEMPLATE("retention by age: rows and files of old calls go, nothing else", Kit, test::SqliteKit,
                   test::PostgresKit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  const auto opened = open_database(*place, Access::write);
  Database& db = **opened;
  test::Folder folder;
  std::vector<CallRecord> calls;
  for (std::uint64_t n = 1; n <= 4; ++n) {
    calls.push_back(test::record(n));
    calls.back().ended_ms = kNowMs - static_cast<std::int64_t>(n) * 10 * kDay;
    for (const char* ending : {".wav", ".pcap", ".jsonl"})
      make(folder / uuid(n) + ending, 1000, static_cast<std::int64_t>(n) * 10);
  }
  REQUIRE(db.put(calls));
  make(folder / "notes.txt", 10, 99);
  make(folder / "music.wav", 10, 99);
  make(folder / uuid(5) + ".wav.bak", 10, 99);
  fs::create_symlink(folder / "music.wav", folder / uuid(6) + ".wav");
  const auto removed = apply_retention({25, 0, folder.path()}, &db, kNowMs, nobody);
  REQUIRE(removed);
  CHECK(removed->calls == 2);
  CHECK(removed->files == 6);
  CHECK(removed->bytes == 6000);
  CHECK(db.find(uuid(2))->has_value());
  CHECK_FALSE(db.find(uuid(3))->has_value());
  CHECK(fs::exists(folder / uuid(2) + ".wav"));
  CHECK_FALSE(fs::exists(folder / uuid(3) + ".jsonl"));
  for (const char* kept : {"notes.txt", "music.wav"})
    CHECK(fs::exists(folder / kept));
  CHECK(fs::exists(folder / uuid(5) + ".wav.bak"));
  CHECK(fs::is_symlink(folder / uuid(6) + ".wav"));
}

TEST_CASE_TEMPLATE("retention by size: the files of the oldest calls go, their rows stay", Kit,
                   test::SqliteKit, test::PostgresKit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  const auto opened = open_database(*place, Access::write);
  Database& db = **opened;
  test::Folder folder;
  for (std::uint64_t n = 1; n <= 5; ++n) {
    REQUIRE(db.put(std::vector{test::record(n)}));
    make(folder / uuid(n) + ".wav", 1000, static_cast<std::int64_t>(n));
  }
  const auto removed = apply_retention({0, 3500, folder.path()}, &db, kNowMs, nobody);
  REQUIRE(removed);
  CHECK(removed->calls == 0);
  CHECK(removed->files == 2);
  CHECK_FALSE(fs::exists(folder / uuid(5) + ".wav"));
  CHECK_FALSE(fs::exists(folder / uuid(4) + ".wav"));
  CHECK(fs::exists(folder / uuid(3) + ".wav"));
  CHECK((*db.find(uuid(5)))->files.empty());
  CHECK_FALSE((*db.find(uuid(3)))->files.empty());
  CHECK(apply_retention({0, 3500, folder.path()}, &db, kNowMs, nobody)->files == 0);
}

TEST_CASE("retention leaves calls that go on and files that somebody writes, and needs no database") {
  test::Folder folder;
  for (std::uint64_t n = 1; n <= 3; ++n)
    make(folder / uuid(n) + ".wav", 1000, 50);
  const int writer = ::open((folder / uuid(1) + ".wav").c_str(), O_RDWR);
  REQUIRE(::flock(writer, LOCK_EX) == 0);
  const auto busy = [](const std::string& id) { return id == uuid(2); };
  const auto removed = apply_retention({7, 1, folder.path()}, nullptr, kNowMs, busy);
  REQUIRE(removed);
  CHECK(removed->files == 1);
  CHECK(fs::exists(folder / uuid(1) + ".wav"));
  CHECK(fs::exists(folder / uuid(2) + ".wav"));
  ::close(writer);
  CHECK(apply_retention({7, 0, folder.path()}, nullptr, kNowMs, busy)->files == 1);
  CHECK(apply_retention({7, 1, folder / "none"}, nullptr, kNowMs, busy)->files == 0);
}
