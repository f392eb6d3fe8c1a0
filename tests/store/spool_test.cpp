#include "store/spool.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <rapidcheck.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <csignal>
#include <filesystem>

#include "core/random.hpp"
#include "store/kit.hpp"
#include "store/record.hpp"

using namespace talky;
using namespace talky::store;
using Kind = SpoolEntry::Kind;
namespace fs = std::filesystem;

namespace {

SpoolEntry entry(Kind kind, std::uint64_t number) {
  if (kind == Kind::stored) return {kind, test::uuid(number)};
  return {kind, boost::json::serialize(to_json(test::record(number)))};
}

std::vector<SpoolEntry> some_entries(Random& random) {
  std::vector<SpoolEntry> out;
  for (std::uint64_t n = random.below(8); n > 0; --n)
    out.push_back(entry(static_cast<Kind>(random.below(4)), random.below(1000)));
  return out;
}

std::unique_ptr<Spool> open(const std::string& folder) {
  auto made = Spool::open(folder);
  if (!made) FAIL(made.error().text);
  return std::move(*made);
}

std::size_t logs_in(const std::string& folder) {
  std::size_t count = 0;
  for (const auto& file : fs::directory_iterator(folder))
    count += file.path().extension() == ".spool" ? 1U : 0U;
  return count;
}

// What a process that dies leaves: its log, without the lock.
template <class Body>
void in_a_process_that_dies(const Body& body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    body();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
}

} // namespace

TEST_CASE("the text of an entry is what the manual says") {
  CHECK(to_line({Kind::ended, "{\"a\":1}"}) == "talky1 39867b78 13 ended {\"a\":1}\n");
  const auto read = parse_spool("talky1 39867b78 13 ended {\"a\":1}\n");
  CHECK(read.damaged == 0);
  CHECK(read.entries == std::vector{SpoolEntry{Kind::ended, "{\"a\":1}"}});
}

TEST_CASE("a log that ends anywhere gives every whole entry, and tells of the torn one") {
  Random random(1);
  for (int round = 0; round < 20; ++round) {
    const auto entries = some_entries(random);
    std::string text;
    std::vector<std::size_t> ends;
    for (const SpoolEntry& one : entries) {
      text += to_line(one);
      ends.push_back(text.size() - 1); // the line end may be missing
    }
    for (std::size_t size = 0; size <= text.size(); size += 1 + random.below(40)) {
      const auto read = parse_spool(std::string_view(text).substr(0, size));
      std::size_t whole = 0;
      while (whole < ends.size() && ends[whole] <= size)
        ++whole;
      REQUIRE(read.entries ==
              std::vector(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(whole)));
      const bool torn = size > (whole == 0 ? 0 : ends[whole - 1] + 1);
      REQUIRE(read.damaged == (torn ? 1 : 0));
    }
  }
}

TEST_CASE("one broken byte costs at most the entry it is in") {
  Random random(2);
  for (int round = 0; round < 300; ++round) {
    std::vector<SpoolEntry> entries;
    std::string text;
    std::vector<std::size_t> begins;
    for (std::uint64_t n = 0; n < 5; ++n) {
      entries.push_back(entry(static_cast<Kind>(random.below(4)), n));
      begins.push_back(text.size());
      text += to_line(entries.back());
    }
    const std::size_t at = random.below(text.size());
    text[at] = static_cast<char>(text[at] ^ static_cast<char>(1 + random.below(255)));
    std::size_t hit = 4;
    while (begins[hit] > at)
      --hit;
    const auto read = parse_spool(text);
    CAPTURE(at);
    std::vector<SpoolEntry> expected = entries;
    const bool line_end = at + 1 == (hit == 4 ? text.size() : begins[hit + 1]);
    if (!line_end) expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(hit));
    REQUIRE(read.entries == expected);
    REQUIRE(read.damaged == 1);
  }
}

TEST_CASE("garbage between the entries is passed over; none comes of it") {
  rc::check([](const std::string& before, const std::string& between, const std::string& after) {
    const SpoolEntry first = entry(Kind::began, 1);
    const SpoolEntry second = entry(Kind::ended, 2);
    const auto read = parse_spool(before + "\n" + to_line(first) + between + "\n" + to_line(second) + after);
    RC_ASSERT(read.entries == (std::vector{first, second}));
    RC_ASSERT(parse_spool(before).entries.empty());
  });
}

TEST_CASE("a text from the network that looks like an entry is none, even where its own entry is broken") {
  CallRecord record = test::record(1);
  record.from = "x\n" + to_line(entry(Kind::stored, 2)) + "y";
  const std::string line = to_line({Kind::ended, boost::json::serialize(to_json(record))});
  CHECK(parse_spool(line).entries.size() == 1);
  CHECK(parse_spool(line.substr(3)).entries.empty());
}

TEST_CASE("entries of a process that died are adopted once; those of one that lives are not") {
  test::Folder folder;
  in_a_process_that_dies([&] {
    const auto spool = Spool::open(folder.path());
    if (!(*spool)->append(std::vector{entry(Kind::began, 1), entry(Kind::ended, 2)})) ::_exit(1);
  });
  const auto alive = open(folder.path());
  REQUIRE(alive->append(std::vector{entry(Kind::ended, 3)}));
  {
    const auto next = open(folder.path());
    const auto left = next->adopt();
    CHECK(left.entries == std::vector{entry(Kind::began, 1), entry(Kind::ended, 2)});
    CHECK(left.damaged == 0);
    CHECK(open(folder.path())->adopt().entries.empty()); // a third one does not get them as well
    REQUIRE(next->append(left.entries));
    next->drop_adopted();
    CHECK(logs_in(folder.path()) == 2);
    REQUIRE(next->compact({}));
  }
  CHECK(logs_in(folder.path()) == 1); // an empty log goes with its process
}

TEST_CASE("who adopts and dies before it has written them down leaves them to the next") {
  test::Folder folder;
  in_a_process_that_dies([&] {
    const auto spool = Spool::open(folder.path());
    if (!(*spool)->append(std::vector{entry(Kind::ended, 2)})) ::_exit(1);
  });
  in_a_process_that_dies([&] {
    const auto spool = Spool::open(folder.path());
    if ((*spool)->adopt().entries.size() != 1) ::_exit(1);
  });
  CHECK(open(folder.path())->adopt().entries == std::vector{entry(Kind::ended, 2)});
}

TEST_CASE("compact keeps the last word on each call that is asked for, and the log goes on") {
  test::Folder folder;
  const auto spool = open(folder.path());
  REQUIRE(spool->append(std::vector{entry(Kind::began, 1), entry(Kind::began, 2), entry(Kind::ended, 1),
                                    entry(Kind::stored, 3), entry(Kind::began, 4)}));
  REQUIRE(spool->compact({test::uuid(1), test::uuid(2)}));
  CHECK(spool->read()->entries == std::vector{entry(Kind::ended, 1), entry(Kind::began, 2)});
  REQUIRE(spool->append(std::vector{entry(Kind::ended, 2)}));
  CHECK(spool->read()->entries.size() == 3);
  CHECK(spool->bytes() == test::contents(spool->path()).size());
  CHECK(open(folder.path())->adopt().entries.empty()); // the new log is locked as the old one was
  REQUIRE(spool->compact({}));
  CHECK(spool->bytes() == 0);
  CHECK(test::contents(spool->path()).empty());
  struct stat status {};
  REQUIRE(::stat(folder.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
}

TEST_CASE("no room: the entry is refused as a whole, the log stays sound, and goes on when there is room") {
  test::Folder folder;
  const pid_t child = ::fork(); // for the limit holds for a whole process
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const auto spool = Spool::open(folder.path());
    const std::vector one{entry(Kind::ended, 1)};
    if (!spool || !(*spool)->append(one)) ::_exit(1);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit small{(*spool)->bytes() + 100, limit.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    const std::size_t before = (*spool)->bytes();
    const auto refused = (*spool)->append(one);
    if (refused || refused.error().fault != Fault::full) ::_exit(2);
    if ((*spool)->bytes() != before || (*spool)->read()->entries.size() != 1) ::_exit(3);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    if (!(*spool)->append(one) || (*spool)->read()->entries.size() != 2) ::_exit(4);
    if ((*spool)->read()->damaged != 0) ::_exit(5);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a spool that cannot be made says where and why") {
  test::Folder folder;
  test::write(folder / "file", "x");
  const auto spool = Spool::open(folder / "file/spool");
  REQUIRE_FALSE(spool);
  CHECK(spool.error().text.find(folder / "file/spool") != std::string::npos);
}

TEST_CASE("what no database takes is kept aside") {
  test::Folder folder;
  const auto spool = open(folder.path());
  REQUIRE(spool->set_aside("{\"a\":1}"));
  REQUIRE(spool->set_aside("{\"b\":2}"));
  CHECK(test::contents(folder / "refused.jsonl") == "{\"a\":1}\n{\"b\":2}\n");
}
