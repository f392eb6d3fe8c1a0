// Several owners share one queue: each sees the count of its own samples only.
#include <doctest/doctest.h>

#include <rapidcheck.h>

#include <algorithm>
#include <vector>

#include "media/playout_ledger.hpp"

using talky::media::Cleared;
using talky::media::PlayoutLedger;
using Owner = PlayoutLedger::Owner;

TEST_CASE("what was played, by owners") {
  PlayoutLedger ledger;
  ledger.given(Owner::agent, 1000);
  ledger.given(Owner::program, 500);
  ledger.given(Owner::agent, 200);
  CHECK(ledger.played(Owner::agent, 0) == 0);
  CHECK(ledger.played(Owner::agent, 700) == 700);
  CHECK(ledger.played(Owner::agent, 1300) == 1000);
  CHECK(ledger.played(Owner::program, 1300) == 300);
  CHECK(ledger.played(Owner::agent, 1600) == 1100);
  CHECK(ledger.played(Owner::agent, 9999) == 1200); // not more than he gave
}

TEST_CASE("what was cleared, by owners; what follows counts on") {
  PlayoutLedger ledger;
  ledger.given(Owner::agent, 1000);
  ledger.given(Owner::others, 500);
  ledger.given(Owner::agent, 200);
  const auto parts = ledger.cleared({700, 1000});
  CHECK(parts[0].discarded == 200);
  CHECK(parts[0].played == 1000);
  CHECK(parts[1].discarded == 0);
  CHECK(parts[2].discarded == 500);
  CHECK(parts[2].played == 0);
  ledger.given(Owner::program, 300);
  CHECK(ledger.played(Owner::agent, 1100) == 1000);
  CHECK(ledger.played(Owner::program, 1100) == 100);
}

TEST_CASE("an answer to clear() that comes late concerns what was there when it was asked") {
  PlayoutLedger ledger;
  ledger.given(Owner::agent, 1000);
  ledger.clearing();
  ledger.given(Owner::program, 400);
  ledger.given(Owner::agent, 100);
  const auto parts = ledger.cleared({250, 750});
  CHECK(parts[0].discarded == 250);
  CHECK(parts[0].played == 750);
  CHECK(parts[1].discarded == 0);
  CHECK(ledger.played(Owner::agent, 750) == 750);
  CHECK(ledger.played(Owner::program, 900) == 150);
  CHECK(ledger.played(Owner::agent, 1250) == 850);
}

TEST_CASE("against a list of single samples") {
  rc::check([] {
    PlayoutLedger ledger;
    std::vector<Owner> queue; // those given and not discarded
    std::size_t played = 0;
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1000));
    for (const int step : steps) {
      const auto owner = static_cast<Owner>(step % 3);
      const auto count = static_cast<std::size_t>(step / 10);
      if (step % 10 < 6) {
        ledger.given(owner, count);
        queue.insert(queue.end(), count, owner);
      } else if (step % 10 < 9) {
        played = std::min(played + count, queue.size());
      } else {
        const auto mine = [&](std::size_t from, std::size_t to) {
          return static_cast<std::uint64_t>(std::count(queue.begin() + static_cast<std::ptrdiff_t>(from),
                                                       queue.begin() + static_cast<std::ptrdiff_t>(to),
                                                       owner));
        };
        const auto parts = ledger.cleared({queue.size() - played, played});
        RC_ASSERT(parts[static_cast<std::size_t>(owner)].discarded == mine(played, queue.size()));
        RC_ASSERT(parts[static_cast<std::size_t>(owner)].played == mine(0, played));
        queue.resize(played);
      }
      RC_ASSERT(ledger.played(owner, played) ==
                static_cast<std::uint64_t>(
                    std::count(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(played), owner)));
    }
  });
}
