// What each of the two databases does when it is in trouble, and how it is named.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>

#include "store/database.hpp"
#include "store/database_kit.hpp"
#include "store/schema.hpp"

using namespace talky;
using namespace talky::store;
using test::connect;
using test::Numbers;
using test::numbers;
using test::open;
using test::record;

TEST_CASE("SQLite: locked by another process is busy, and passes") {
  test::Folder folder;
  const Location place{SqliteFile{folder / "calls.db"}};
  const auto db = open(place);
  auto other = connect_sqlite(folder / "calls.db", true);
  REQUIRE((*other)->execute("BEGIN IMMEDIATE"));
  CHECK(db->put(std::vector{record(1)}).error().fault == Fault::busy);
  REQUIRE((*other)->execute("COMMIT"));
  CHECK(db->put(std::vector{record(1)}));
}

TEST_CASE("SQLite: full is full, and nothing of the transaction stays") {
  test::Folder folder;
  auto connection = connect_sqlite(folder / "calls.db", true);
  REQUIRE(migrate(**connection, migrations()));
  REQUIRE((*connection)->execute("CREATE TABLE big (x TEXT); PRAGMA max_page_count=30"));
  const auto done =
      (*connection)->run("INSERT INTO big VALUES ($1)", std::vector<Value>{std::string(500'000, 'x')});
  REQUIRE_FALSE(done);
  CHECK(done.error().fault == Fault::full);
}

TEST_CASE("SQLite: a file that was removed or replaced is noticed, not written into the void") {
  test::Folder folder;
  const std::string path = folder / "calls.db";
  const auto db = open(Location{SqliteFile{path}});
  REQUIRE(db->put(std::vector{record(1)}));
  for (const char* end : {"", "-wal", "-shm"})
    std::filesystem::remove(path + end);
  REQUIRE(db->put(std::vector{record(2)}));
  CHECK(numbers(*open(Location{SqliteFile{path}}, Access::read)->list({})) == Numbers{2});
  REQUIRE(open(Location{SqliteFile{folder / "other.db"}})->put(std::vector{record(9)}));
  for (const char* end : {"-wal", "-shm"})
    std::filesystem::remove(path + end);
  std::filesystem::rename(folder / "other.db", path);
  REQUIRE(db->put(std::vector{record(3)}));
  CHECK(numbers(*open(Location{SqliteFile{path}}, Access::read)->list({})) == Numbers{9, 3});
}

TEST_CASE("SQLite: what is no database, or cannot be opened, is away with its path") {
  test::Folder folder;
  test::write(folder / "text.db", std::string(5000, 'x'));
  for (const std::string& path : {folder / "text.db", folder.path(), folder / "text.db/below"}) {
    const auto db = open_database(Location{SqliteFile{path}}, Access::write);
    REQUIRE_FALSE(db);
    CHECK(db.error().fault == Fault::away);
    CHECK(db.error().text.find(path) != std::string::npos);
  }
  CHECK(test::contents(folder / "text.db") == std::string(5000, 'x'));
}

TEST_CASE("PostgreSQL: a server that stops is away; when it is back the same Database goes on") {
  test::PostgresKit kit;
  const auto place = kit.location();
  if (!place) return;
  test::PostgresServer& server = *test::PostgresServer::get();
  const auto db = open(*place);
  REQUIRE(db->put(std::vector{record(1)}));
  server.stop();
  CHECK(db->put(std::vector{record(2)}).error().fault == Fault::away);
  CHECK(db->put(std::vector{record(2)}).error().fault == Fault::away);
  CHECK_FALSE(open_database(*place, Access::write));
  server.start();
  CHECK(db->put(std::vector{record(2)}));
  CHECK(db->list({})->calls.size() == 2);
}

TEST_CASE("PostgreSQL: an idle connection that the server cut is made again at once") {
  test::PostgresKit kit;
  const auto place = kit.location();
  if (!place) return;
  const auto db = open(*place);
  test::PostgresServer::get()->run(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'talky'");
  CHECK(db->put(std::vector{record(1)}));
}

TEST_CASE("PostgreSQL: a locked table is busy") {
  test::PostgresKit kit;
  const auto place = kit.location();
  if (!place) return;
  const auto db = open(*place);
  auto other = connect(*place);
  REQUIRE((*other)->execute("BEGIN"));
  REQUIRE((*other)->execute("LOCK TABLE talky_calls IN ACCESS EXCLUSIVE MODE"));
  CHECK(db->put(std::vector{record(1)}).error().fault == Fault::busy);
  REQUIRE((*other)->execute("COMMIT"));
  CHECK(db->put(std::vector{record(1)}));
}

TEST_CASE("locations, and no password in any of them") {
  const auto path = [](const char* text) { return std::get<SqliteFile>(Location::parse(text)->where).path; };
  CHECK(path("calls.db") == "calls.db");
  CHECK(path("sqlite:/var/lib/talky/calls.db") == "/var/lib/talky/calls.db");
  CHECK(Location::parse("postgresql://talky@db.example:5432/calls?sslmode=require")->to_string() ==
        "postgresql://talky@db.example:5432/calls?sslmode=require");
  CHECK(Location::parse("postgres:///calls"));
  CHECK(Location::parse("postgresql://[::1]:5432/calls"));
  for (const char* bad : {"", "sqlite:", "/a/folder/", "mysql://x/y", "postgresql://talky:secret@host/calls",
                          "postgresql://host/calls?user=a&password=secret", "postgresql://h/c?PassWord=x"}) {
    CAPTURE(bad);
    const auto location = Location::parse(bad);
    REQUIRE_FALSE(location);
    CHECK(location.error().fault == Fault::invalid);
    CHECK(location.error().text.find("secret") == std::string::npos);
  }
}
