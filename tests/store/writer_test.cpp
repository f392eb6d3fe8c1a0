#include "store/writer.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <set>

#include "core/random.hpp"
#include "store/kit.hpp"

using namespace talky;
using namespace talky::store;
using namespace std::chrono_literals;
using test::record;
using test::uuid;

namespace {

constexpr auto kPlenty = 60'000ms;

// A log that can be looked at.
class Lines {
 public:
  log::Sink sink() {
    return [this](log::Level, std::string_view line) {
      const std::lock_guard lock(mutex_);
      text_.append(line).append("\n");
    };
  }
  std::size_t count(std::string_view event) const {
    const std::lock_guard lock(mutex_);
    std::size_t found = 0;
    for (std::size_t at = text_.find(event); at != std::string::npos; at = text_.find(event, at + 1))
      ++found;
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

// In memory; fails as it is told to.
struct Faults {
  std::mutex mutex;
  std::optional<Fault> open, put;
  std::string bad; // a uuid that is refused
  std::map<std::string, CallRecord> rows;
  std::size_t puts = 0;

  void set(std::optional<Fault> on_open, std::optional<Fault> on_put) {
    const std::lock_guard lock(mutex);
    open = on_open;
    put = on_put;
  }
  std::size_t size() {
    const std::lock_guard lock(mutex);
    return rows.size();
  }
};
class FaultyDatabase : public Database {
 public:
  explicit FaultyDatabase(Faults& faults) : faults_(faults) {}
  Outcome<> put(std::span<const CallRecord> records) override {
    const std::lock_guard lock(faults_.mutex);
    ++faults_.puts;
    if (faults_.put) return fail(*faults_.put, "as told");
    for (const CallRecord& r : records) {
      if (r.uuid == faults_.bad) return fail(Fault::refused, "as told");
    }
    for (const CallRecord& r : records)
      faults_.rows[r.uuid] = r;
    return {};
  }
  Outcome<std::optional<CallRecord>> find(std::string_view) override { return std::nullopt; }
  Outcome<Page> list(const Query&) override { return Page{}; }
  Outcome<std::int64_t> remove_before(std::int64_t) override { return 0; }
  Outcome<> forget_files(std::span<const std::string>) override { return {}; }
  Outcome<std::int64_t> schema_version() override { return 1; }

 private:
  Faults& faults_;
};

Writer::Options faulty(Faults& faults, const test::Folder& folder, Lines& lines) {
  Writer::Options options;
  options.open = [&faults]() -> Outcome<std::unique_ptr<Database>> {
    const std::lock_guard lock(faults.mutex);
    if (faults.open) return fail(*faults.open, "as told");
    return std::make_unique<FaultyDatabase>(faults);
  };
  options.spool = folder / "spool";
  options.log = lines.sink();
  options.retry_first = 5ms;
  options.retry_max = 20ms;
  options.complete_every = 2ms;
  return options;
}

Writer::Options real(const Location& place, const std::string& spool, Lines& lines) {
  Writer::Options options;
  options.open = [place] { return open_database(place, Access::write); };
  options.spool = spool;
  options.log = lines.sink();
  options.retry_first = 20ms;
  options.retry_max = 200ms;
  options.complete_every = 2ms;
  return options;
}

bool empty_folder(const std::string& path) {
  return std::filesystem::is_empty(path);
}

} // namespace

TEST_CASE("a call becomes one row, and the spool is empty afterwards") {
  test::Folder folder;
  Lines lines;
  Faults faults;
  {
    Writer writer(faulty(faults, folder, lines));
    for (std::uint64_t n = 0; n < 250; ++n) {
      writer.began(record(n));
      writer.ended(record(n), false);
    }
    REQUIRE(writer.wait_until_stored(kPlenty));
    CHECK(writer.status().stored == 250);
    CHECK(writer.status().active == 0);
  }
  CHECK(faults.rows.at(uuid(7)) == record(7));
  CHECK(faults.rows.size() == 250);
  CHECK(empty_folder(folder / "spool"));
  CHECK(lines.count("cdr.") == 250); // nothing but "cdr.kept", at debug
}

TEST_CASE("whatever is wrong with the database, every record arrives once it is well") {
  for (const Fault fault : {Fault::busy, Fault::full, Fault::away, Fault::newer}) {
    for (const bool at_opening : {true, false}) {
      CAPTURE(to_string(fault));
      test::Folder folder;
      Lines lines;
      Faults faults;
      faults.set(at_opening ? std::optional(fault) : std::nullopt, fault);
      Writer writer(faulty(faults, folder, lines));
      for (std::uint64_t n = 0; n < 20; ++n)
        writer.ended(record(n), false);
      while (writer.status().database_trouble.empty() || writer.status().waiting < 20)
        std::this_thread::sleep_for(1ms);
      CHECK_FALSE(writer.wait_until_stored(30ms));
      CHECK(writer.status().waiting == 20);
      CHECK(writer.status().database_trouble.find(to_string(fault)) == 0);
      CHECK(lines.count("cdr.waits") == 1); // once, however often it was tried
      faults.set({}, {});
      REQUIRE(writer.wait_until_stored(kPlenty));
      CHECK(faults.size() == 20);
      CHECK(writer.status().database_trouble.empty());
      CHECK(lines.count("cdr.goes_on") == 1);
    }
  }
}

TEST_CASE("a process that ends with the database away leaves the records to the next one") {
  test::Folder folder;
  Lines lines;
  Faults faults;
  faults.set(Fault::away, Fault::away);
  for (std::uint64_t n = 0; n < 30; ++n) {
    Writer writer(faulty(faults, folder, lines));
    writer.ended(record(n), false);
  }
  faults.set({}, {});
  Writer writer(faulty(faults, folder, lines));
  const auto all_there = [&] {
    for (int i = 0; i < 2000 && faults.size() < 30; ++i)
      std::this_thread::sleep_for(5ms);
    return faults.size() == 30;
  };
  CHECK(all_there());
  CHECK(lines.count("cdr.lost") == 0);
}

TEST_CASE("more than memory should hold wait in the spool alone, and all of them arrive") {
  test::Folder folder;
  Lines lines;
  Faults faults;
  faults.set({}, Fault::away);
  Writer::Options options = faulty(faults, folder, lines);
  options.max_in_memory = 10;
  Writer writer(std::move(options));
  for (std::uint64_t n = 0; n < 200; ++n) {
    writer.ended(record(n), false);
    if (n % 10 == 0) std::this_thread::sleep_for(2ms);
  }
  while (writer.status().waiting < 200)
    std::this_thread::sleep_for(1ms);
  CHECK_FALSE(writer.wait_until_stored(50ms));
  CHECK(writer.status().waiting == 200);
  faults.set({}, {});
  REQUIRE(writer.wait_until_stored(kPlenty));
  CHECK(faults.size() == 200);
  CHECK(writer.status().lost == 0);
}

TEST_CASE("what a database never takes is set aside, and holds nobody up") {
  test::Folder folder;
  Lines lines;
  Faults faults;
  faults.bad = uuid(3);
  Writer writer(faulty(faults, folder, lines));
  for (std::uint64_t n = 0; n < 6; ++n)
    writer.ended(record(n), false);
  REQUIRE(writer.wait_until_stored(kPlenty));
  CHECK(faults.size() == 5);
  CHECK(writer.status().refused == 1);
  CHECK(lines.count("cdr.refused") == 1);
  CHECK(test::contents(folder / "spool/refused.jsonl").find(uuid(3)) != std::string::npos);
}

TEST_CASE("without a spool the database still gets everything, and the log says what is missing") {
  test::Folder folder;
  test::write(folder / "spool", "a file where the folder should be");
  Lines lines;
  Faults faults;
  {
    Writer writer(faulty(faults, folder, lines));
    writer.ended(record(1), false);
    REQUIRE(writer.wait_until_stored(kPlenty));
    CHECK_FALSE(writer.status().spool_trouble.empty());
    faults.set({}, Fault::full); // now neither: the last place is the log
    writer.ended(record(2), false);
    CHECK_FALSE(writer.wait_until_stored(20ms));
  }
  CHECK(faults.size() == 1);
  CHECK(lines.count("cdr.spool") == 1);
  CHECK(lines.count("cdr.lost") == 1);
  CHECK(lines.count(uuid(2)) >= 1);
}

TEST_CASE("the files are waited for, but not for ever") {
  test::Folder folder;
  Lines lines;
  Faults faults;
  std::atomic<int> asked{0};
  const auto options = [&](std::chrono::milliseconds limit) {
    Writer::Options out = faulty(faults, folder, lines);
    out.complete_limit = limit;
    out.complete = [&](const Writer::Completing& c) {
      ++asked;
      CHECK_FALSE(c.recovered);
      c.record.turns = c.last ? -1 : 7;
      return c.record.uuid != uuid(3); // its journal never ends
    };
    return out;
  };
  {
    Writer writer(options(kPlenty));
    writer.ended(record(1), true);
    writer.files_closed(uuid(1));
    writer.files_closed(uuid(99)); // of a call that is unknown
    REQUIRE(writer.wait_until_stored(kPlenty));
    CHECK(faults.rows.at(uuid(1)).turns == 7);
  }
  Writer writer(options(150ms));
  writer.ended(record(2), true); // nobody ever closes its files
  writer.ended(record(3), false);
  REQUIRE(writer.wait_until_stored(kPlenty));
  CHECK(faults.rows.at(uuid(2)).turns == -1);
  CHECK(faults.rows.at(uuid(3)).turns == -1);
  CHECK(asked >= 3);
  CHECK(writer.status().active == 0);
}

TEST_CASE_TEMPLATE("killed at any moment, many times: no record is lost, none doubled", Kit, test::SqliteKit,
                   test::PostgresKit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  test::Folder folder;
  Random random(7);
  std::set<std::string> kept; // the child has said that their end is on the disk
  std::uint64_t next = 1;
  const int rounds = 25;
  for (int round = 0; round < rounds; ++round) {
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(pipe[0]);
      Lines lines;
      Writer::Options options = real(*place, folder / "spool", lines);
      // Writes of this size to a pipe are whole or not at all.
      options.on_spooled = [&](const std::string& id) {
        if (std::stoull(id.substr(24), nullptr, 16) < next)
          return; // of an earlier child, perhaps interrupted
        if (::write(pipe[1], id.data(), id.size()) != static_cast<ssize_t>(id.size())) ::_exit(1);
      };
      Writer writer(std::move(options));
      for (std::uint64_t n = next;; ++n) {
        writer.began(record(n));
        writer.ended(record(n), false);
        ::usleep(static_cast<useconds_t>(n * 7919 % 3000));
      }
    }
    ::close(pipe[1]);
    std::string id(36, ' ');
    const auto keep = [&] {
      if (::read(pipe[0], id.data(), id.size()) != 36) return false;
      kept.insert(id);
      next = std::max<std::uint64_t>(next, std::stoull(id.substr(24), nullptr, 16) + 1);
      return true;
    };
    if (round % 2 == 0) REQUIRE(keep()); // else it may be killed while it starts
    ::usleep(static_cast<useconds_t>(random.below(120'000)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(WTERMSIG(status) == SIGKILL);
    while (keep()) {
    }
    ::close(pipe[0]);
    next += 1000; // those that began and were not told of are not used again
  }
  Lines lines;
  Writer writer(real(*place, folder / "spool", lines));
  writer.ended(record(900'000), false);
  REQUIRE(writer.wait_until_stored(kPlenty));
  CHECK(lines.count("cdr.lost") == 0);

  const auto db = open_database(*place, Access::read);
  REQUIRE(db);
  Query query;
  query.limit = Query::kMaxLimit;
  std::multiset<std::string> rows;
  for (;;) {
    const auto page = (*db)->list(query);
    REQUIRE(page);
    for (const CallRecord& call : page->calls) {
      rows.insert(call.uuid);
      CHECK((call.cause == "hangup" || call.cause == "interrupted"));
      if (kept.contains(call.uuid)) CHECK(call.cause == "hangup");
    }
    query.after = page->next;
    if (query.after.empty()) break;
  }
  MESSAGE(fmt::format("{} kills, {} records said to be safe, {} rows", rounds, kept.size(), rows.size()));
  CHECK(kept.size() >= rounds / 2); // otherwise nothing was tested
  for (const std::string& id : kept)
    CHECK(rows.count(id) == 1);
  CHECK(rows.size() == std::set<std::string>(rows.begin(), rows.end()).size());
}

TEST_CASE("killed in a call: it is found as interrupted, and completed from its files") {
  test::Folder folder;
  Lines lines;
  Faults faults;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    faults.set(Fault::away, {});
    Writer writer(faulty(faults, folder, lines));
    CallRecord begun = record(1);
    begun.ended_ms = 0;
    writer.began(begun);
    while (writer.status().active == 0)
      ::usleep(1000);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  Writer::Options options = faulty(faults, folder, lines);
  options.complete = [](const Writer::Completing& c) {
    c.record.turns = c.recovered ? 2 : 0;
    return true;
  };
  Writer writer(std::move(options));
  for (int i = 0; i < 2000 && faults.size() == 0; ++i)
    std::this_thread::sleep_for(5ms);
  const std::lock_guard lock(faults.mutex);
  REQUIRE(faults.rows.contains(uuid(1)));
  const CallRecord& found = faults.rows.at(uuid(1));
  CHECK(found.cause == "interrupted");
  CHECK(found.ended_by == "system");
  CHECK(found.turns == 2);
  CHECK(found.ended_ms == *record(1).answered_ms);
  CHECK(lines.count("cdr.recovered") == 1);
}

TEST_CASE("PostgreSQL: the server goes and comes back under a writer that goes on") {
  test::PostgresKit kit;
  const auto place = kit.location();
  if (!place) return;
  test::PostgresServer& server = *test::PostgresServer::get();
  test::Folder folder;
  Lines lines;
  Writer writer(real(*place, folder / "spool", lines));
  writer.ended(record(1), false);
  REQUIRE(writer.wait_until_stored(kPlenty));
  server.stop();
  for (std::uint64_t n = 2; n < 30; ++n)
    writer.ended(record(n), false);
  CHECK_FALSE(writer.wait_until_stored(100ms));
  server.start();
  REQUIRE(writer.wait_until_stored(kPlenty));
  Query query;
  query.count = true;
  CHECK((*open_database(*place, Access::read))->list(query)->total == 29);
}
