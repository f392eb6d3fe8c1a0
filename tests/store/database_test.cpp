// The same expectations of SQLite and PostgreSQL.
#include "store/database.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

#include "store/database_kit.hpp"
#include "store/schema.hpp"

using namespace talky;
using namespace talky::store;
using test::record;
using test::uuid;

using test::connect;
using test::Numbers;
using test::numbers;
using test::open;

#define EVERY_DATABASE(title, name) TEST_CASE_TEMPLATE(title, name, test::SqliteKit, test::PostgresKit)

EVERY_DATABASE("a record comes back as it was put", Kit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  const auto db = open(*place);
  CallRecord bare;
  bare.uuid = uuid(2);
  const std::vector<CallRecord> all{record(1), bare};
  REQUIRE(db->put(all));
  CHECK(**db->find(uuid(1)) == record(1));
  CHECK(**db->find(uuid(2)) == bare);
  CHECK_FALSE(db->find(uuid(3))->has_value());
  CHECK_FALSE(db->find("' OR 1=1 --")->has_value());
}

EVERY_DATABASE("put twice is put once; the later one counts, with all that belongs to it", Kit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  const auto db = open(*place);
  for (int i = 0; i < 3; ++i)
    REQUIRE(db->put(std::vector{record(1)}));
  CallRecord changed = record(1);
  changed.cause = "interrupted";
  changed.rtt_ms.reset();
  changed.files.pop_back();
  changed.said.clear();
  REQUIRE(db->put(std::vector{changed}));
  CHECK(**db->find(uuid(1)) == changed);
  Query query;
  query.count = true;
  CHECK(db->list(query)->total == 1);
}

EVERY_DATABASE("texts from the network are stored, whatever they hold", Kit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  const auto db = open(*place);
  CallRecord hostile = record(1);
  hostile.from = std::string("sip:\0\xFF'; DROP TABLE talky_calls; --", 35);
  hostile.said[0].text = std::string(100'000, '\xFE');
  REQUIRE(db->put(std::vector{hostile}));
  tidy(hostile);
  CHECK(**db->find(uuid(1)) == hostile);
}

EVERY_DATABASE("one record that is refused takes the transaction with it, and says so", Kit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  const auto db = open(*place);
  auto connection = connect(*place);
  REQUIRE(connection);
  if (std::is_same_v<Kit, test::SqliteKit>) {
    REQUIRE((*connection)
                ->execute("CREATE TRIGGER refuse BEFORE INSERT ON talky_calls WHEN new.codec = 'bad' "
                          "BEGIN SELECT RAISE(ABORT, 'refused'); END"));
  } else {
    REQUIRE((*connection)->execute("ALTER TABLE talky_calls ADD CONSTRAINT refuse CHECK (codec <> 'bad')"));
  }
  CallRecord bad = record(2);
  bad.codec = "bad";
  const auto done = db->put(std::vector{record(1), bad});
  REQUIRE_FALSE(done);
  CHECK(done.error().fault == Fault::refused);
  CHECK_FALSE(db->find(uuid(1))->has_value());
  CHECK(db->put(std::vector{record(1)}));
}

EVERY_DATABASE("filters", Kit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  const auto db = open(*place);
  std::vector<CallRecord> all;
  for (std::uint64_t n = 1; n <= 12; ++n)
    all.push_back(record(n));
  all[3].answered_ms.reset();
  all[3].cause = "rejected";
  all[4].cause = "lost";
  all[5].from_display = "50%_off!";
  all[6].said[0].text = "Tell me about Lisbon";
  REQUIRE(db->put(all));
  const auto found = [&](const Filter& filter) {
    Query query;
    query.filter = filter;
    query.descending = false;
    query.count = true;
    const auto page = db->list(query);
    REQUIRE(page);
    CHECK(page->total == static_cast<std::int64_t>(page->calls.size()));
    return numbers(*page);
  };
  const auto with = [](auto change) {
    Filter filter;
    change(filter);
    return filter;
  };
  CHECK(found({}).size() == 12);
  CHECK(found(with([&](Filter& f) { f.since_ms = all[9].invited_ms; })) == Numbers{10, 11, 12});
  CHECK(found(with([&](Filter& f) { f.until_ms = all[2].invited_ms; })) == Numbers{1, 2});
  CHECK(found(with([](Filter& f) { f.from = "uSER1"; })) == Numbers{1, 10, 11, 12});
  CHECK(found(with([](Filter& f) { f.from = "sip:user?@*"; })) == Numbers{1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(found(with([](Filter& f) { f.from = "50%_off!"; })) == Numbers{6});
  CHECK(found(with([](Filter& f) { f.to = "112"; })) == Numbers{12});
  CHECK(found(with([](Filter& f) { f.route = "exec:*"; })).size() == 12);
  CHECK(found(with([](Filter& f) { f.causes = {"rejected", "lost"}; })) == Numbers{4, 5});
  CHECK(found(with([](Filter& f) { f.answered = false; })) == Numbers{4});
  CHECK(found(with([](Filter& f) { f.answered = true; })).size() == 11);
  CHECK(found(with([](Filter& f) { f.sip_call_id = "call-7@phone"; })) == Numbers{7});
  CHECK(found(with([](Filter& f) { f.text = "about lisbon"; })) == Numbers{7});
  CHECK(found(with([](Filter& f) { f.min_duration_ms = 4990; })) == Numbers{10, 11, 12});
  CHECK(found(with([](Filter& f) { f.from = "' OR ''='"; })).empty());
  CHECK(found(with([](Filter& f) {
          f.causes = {"hangup"};
          f.from = "user1";
          f.to = "11";
        })) == Numbers{10, 11, 12});
}

EVERY_DATABASE("every order, page by page, gives each call once, also while calls come and go", Kit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  const auto db = open(*place);
  std::vector<CallRecord> all;
  for (std::uint64_t n = 1; n <= 23; ++n) {
    all.push_back(record(n));
    CallRecord& r = all.back();
    if (n % 3 == 0) r.answered_ms.reset(); // many with the same value, and many with none
    if (n % 4 == 0) r.in_mos.reset();
    if (n % 2 == 0) r.response_p50_ms = 1.0 / 3 * static_cast<double>(n % 5);
    r.cause = n % 5 == 0 ? "lost" : "hangup";
  }
  REQUIRE(db->put(all));
  for (const SortKey key : {SortKey::invited, SortKey::ended, SortKey::duration, SortKey::from, SortKey::to,
                            SortKey::cause, SortKey::mos, SortKey::response}) {
    for (const bool descending : {true, false}) {
      Query whole;
      whole.sort = key;
      whole.descending = descending;
      const auto expected = numbers(*db->list(whole));
      REQUIRE(expected.size() == 23);
      Query query = whole;
      query.limit = 5;
      Numbers got;
      for (int pages = 0; pages < 10; ++pages) {
        const auto page = db->list(query);
        REQUIRE(page);
        for (const std::uint64_t n : numbers(*page))
          got.push_back(n);
        query.after = page->next;
        if (query.after.empty()) break;
      }
      CAPTURE(to_string(key));
      CHECK(got == expected);
      CHECK(to_sort_key(to_string(key)) == key);
    }
  }
  // Newest first: what comes in meanwhile is not seen, and moves nothing.
  Query query;
  query.limit = 10;
  const auto first = db->list(query);
  REQUIRE(db->put(std::vector{record(99)}));
  query.after = first->next;
  CHECK(numbers(*db->list(query)) == Numbers{13, 12, 11, 10, 9, 8, 7, 6, 5, 4});
}

EVERY_DATABASE("a page token of another order, or of nobody, is invalid", Kit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  const auto db = open(*place);
  REQUIRE(db->put(std::vector{record(1), record(2)}));
  Query query;
  query.limit = 1;
  const std::string token = db->list(query)->next;
  REQUIRE_FALSE(token.empty());
  query.after = token;
  CHECK(db->list(query));
  query.descending = false;
  CHECK(db->list(query).error().fault == Fault::invalid);
  for (const char* bad : {"x", "00", "abc", "696e76697465642d7c", "696E"}) {
    query.after = bad;
    CHECK(db->list(query).error().fault == Fault::invalid);
  }
  query.after.clear();
  query.limit = 0;
  CHECK(db->list(query).error().fault == Fault::invalid);
  query.limit = Query::kMaxLimit + 1;
  CHECK(db->list(query).error().fault == Fault::invalid);
}

EVERY_DATABASE("old calls are removed with all that belongs to them; files are forgotten", Kit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  const auto db = open(*place);
  REQUIRE(db->put(std::vector{record(1), record(2), record(3)}));
  CHECK(*db->remove_before(record(3).ended_ms) == 2);
  CHECK_FALSE(db->find(uuid(2))->has_value());
  REQUIRE(db->forget_files(std::vector{uuid(3)}));
  const auto left = *db->find(uuid(3));
  CHECK(left->files.empty());
  CHECK(left->said.size() == 3);
  REQUIRE(db->put(std::vector{record(1)})); // no trace of the old one is in the way
  CHECK(**db->find(uuid(1)) == record(1));
}

EVERY_DATABASE("the columns are those of each_field, in a schema that is made once", Kit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  CHECK_FALSE(open_database(*place, Access::read)); // reading makes nothing
  CHECK(*open(*place)->schema_version() == static_cast<std::int64_t>(migrations().size()));
  CHECK(*open(*place)->schema_version() == static_cast<std::int64_t>(migrations().size()));
  const auto reader = open(*place, Access::read);
  CHECK(reader->list({})->calls.empty());
  CHECK_FALSE(reader->put(std::vector{record(1)}));
}

EVERY_DATABASE("a schema of a newer talky is left alone", Kit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  open(*place);
  REQUIRE((*connect(*place))->execute("INSERT INTO talky_schema (version) VALUES (99)"));
  CHECK(open_database(*place, Access::write).error().fault == Fault::newer);
  CHECK(open_database(*place, Access::read).error().fault == Fault::newer);
}

EVERY_DATABASE("migrations: only what is missing, and a step that fails leaves no trace", Kit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  auto connection = connect(*place);
  REQUIRE(connection);
  const std::vector<Migration> steps{{{"CREATE TABLE a (x {text})"}},
                                     {{"ALTER TABLE a ADD COLUMN y BIGINT", "INSERT INTO a (y) VALUES (2)"}},
                                     {{"CREATE TABLE b (x BIGINT)", "INSERT INTO nowhere VALUES (1)"}}};
  REQUIRE(migrate(**connection, std::span(steps).first(1)));
  REQUIRE(migrate(**connection, std::span(steps).first(2)));
  REQUIRE(migrate(**connection, std::span(steps).first(2)));
  CHECK_FALSE(migrate(**connection, steps));
  CHECK(*schema_version(**connection) == 2);
  CHECK((*connection)->run("SELECT y FROM a", {})->rows.size() == 1);
  CHECK_FALSE((*connection)->run("SELECT x FROM b", {}));
}

EVERY_DATABASE("two that start at once make one schema; one writes while others read", Kit) {
  Kit kit;
  const auto place = kit.location();
  if (!place) return;
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (std::uint64_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const auto db = open_database(*place, Access::write);
      if (!db) return;
      for (std::uint64_t n = 0; n < 5; ++n) {
        if ((*db)->put(std::vector{record(i * 100 + n)}) && (*db)->list({})) ++good;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  CHECK(good == 20);
  CHECK(open(*place, Access::read)->list({})->calls.size() == 20);
}
