// Several hands at one queue: each is told of his own samples.
#include <doctest/doctest.h>

#include <rapidcheck.h>

#include <algorithm>
#include <vector>

#include "media/playout_ledger.hpp"

using talky::call::Cleared;
using talky::call::PlayoutLedger;
using Hand = PlayoutLedger::Hand;

TEST_CASE("what was played, by hands") {
  PlayoutLedger ledger;
  ledger.given(Hand::agent, 1000);
  ledger.given(Hand::program, 500);
  ledger.given(Hand::agent, 200);
  CHECK(ledger.played(Hand::agent, 0) == 0);
  CHECK(ledger.played(Hand::agent, 700) == 700);
  CHECK(ledger.played(Hand::agent, 1300) == 1000);
  CHECK(ledger.played(Hand::program, 1300) == 300);
  CHECK(ledger.played(Hand::agent, 1600) == 1100);
  CHECK(ledger.played(Hand::agent, 9999) == 1200); // not more than he gave
}

TEST_CASE("what was cleared, by hands; what follows counts on") {
  PlayoutLedger ledger;
  ledger.given(Hand::agent, 1000);
  ledger.given(Hand::others, 500);
  ledger.given(Hand::agent, 200);
  const auto parts = ledger.cleared({700, 1000});
  CHECK(parts[0].discarded == 200);
  CHECK(parts[0].played == 1000);
  CHECK(parts[1].discarded == 0);
  CHECK(parts[2].discarded == 500);
  CHECK(parts[2].played == 0);
  ledger.given(Hand::program, 300);
  CHECK(ledger.played(Hand::agent, 1100) == 1000);
  CHECK(ledger.played(Hand::program, 1100) == 100);
}

TEST_CASE("an answer to clear() that comes late concerns what was there when it was asked") {
  PlayoutLedger ledger;
  ledger.given(Hand::agent, 1000);
  ledger.clearing();
  ledger.given(Hand::program, 400);
  ledger.given(Hand::agent, 100);
  const auto parts = ledger.cleared({250, 750});
  CHECK(parts[0].discarded == 250);
  CHECK(parts[0].played == 750);
  CHECK(parts[1].discarded == 0);
  CHECK(ledger.played(Hand::agent, 750) == 750);
  CHECK(ledger.played(Hand::program, 900) == 150);
  CHECK(ledger.played(Hand::agent, 1250) == 850);
}

TEST_CASE("against a list of single samples") {
  rc::check([] {
    PlayoutLedger ledger;
    std::vector<Hand> queue; // those given and not discarded
    std::size_t played = 0;
    const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1000));
    for (const int step : steps) {
      const auto hand = static_cast<Hand>(step % 3);
      const auto count = static_cast<std::size_t>(step / 10);
      if (step % 10 < 6) {
        ledger.given(hand, count);
        queue.insert(queue.end(), count, hand);
      } else if (step % 10 < 9) {
        played = std::min(played + count, queue.size());
      } else {
        const auto mine = [&](std::size_t from, std::size_t to) {
          return static_cast<std::uint64_t>(std::count(queue.begin() + static_cast<std::ptrdiff_t>(from),
                                                       queue.begin() + static_cast<std::ptrdiff_t>(to),
                                                       hand));
        };
        const auto parts = ledger.cleared({queue.size() - played, played});
        RC_ASSERT(parts[static_cast<std::size_t>(hand)].discarded == mine(played, queue.size()));
        RC_ASSERT(parts[static_cast<std::size_t>(hand)].played == mine(0, played));
        queue.resize(played);
      }
      RC_ASSERT(ledger.played(hand, played) ==
                static_cast<std::uint64_t>(
                    std::count(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(played), hand)));
    }
  });
}
