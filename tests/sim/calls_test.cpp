// A thousand calls between two user agents, over a network that loses, repeats, delays and reorders.
#include <doctest/doctest.h>

#include "sim/calls.hpp"

namespace talky::sim {
namespace {

Scenario rough(std::size_t calls, std::uint64_t seed) {
  Scenario scenario;
  scenario.calls = calls;
  scenario.seed = seed;
  scenario.impairment = {
      .loss = 0.01, .duplicate = 0.01, .reorder = 0.01, .delay = 15ms, .jitter = 8ms, .hold = 25ms};
  return scenario;
}

TEST_CASE(
    "a thousand calls over a rough network, twice: every call ends on both sides, nothing is left, and the "
    "second run is the first to the byte") {
  Simulation first(rough(1000, 1));
  first.run();
  check_invariants(first);
  CHECK(first.network().lost > 1000);
  CHECK(first.network().duplicated > 1000);
  CHECK(first.network().reordered > 1000);
  // The plots happened: glare, ghosts, refreshes, and what the network broke was mended by retransmission.
  for (const std::string_view sight : {"sends SIP/2.0 491", "sends SIP/2.0 487", "sends SIP/2.0 486",
                                       "sends UPDATE", "sends CANCEL", "ends no_ack"}) {
    CAPTURE(sight);
    CHECK(first.log().find(sight) != std::string::npos);
  }
  const Audio audio = listen(first);
  MESSAGE(audio.voices, " voices, ", audio.found, " of ", audio.segments, " segments heard, ", audio.first,
          " firsts, ", audio.last, " lasts, worst ", audio.worst, " of 10");
  CHECK(audio.voices > 1200);
  CHECK(audio.found * 100 > audio.segments * 90);
  CHECK(audio.worst >= 5);

  Simulation second(rough(1000, 1));
  second.run();
  CHECK(first.log().size() == second.log().size());
  CHECK((first.log() == second.log())); // in brackets: megabytes are not to be printed
}

TEST_CASE("another seed is another history") {
  Simulation first(rough(30, 1));
  Simulation again(rough(30, 1));
  Simulation other(rough(30, 2));
  first.run();
  again.run();
  other.run();
  check_invariants(other);
  CHECK((first.log() == again.log()));
  CHECK((first.log() != other.log()));
}

TEST_CASE("on a network that loses nothing, every voice is heard from its first sample to its last") {
  Scenario scenario;
  scenario.calls = 100;
  scenario.impairment.jitter = 5ms;
  Simulation simulation(scenario);
  simulation.run();
  check_invariants(simulation);
  const Audio audio = listen(simulation);
  MESSAGE(audio.found, " of ", audio.segments, " segments heard");
  CHECK(audio.first == audio.voices);
  CHECK(audio.last == audio.voices);
  CHECK(audio.found == audio.segments);
}

TEST_CASE("one packet in eight lost: signalling still settles every call") {
  Scenario scenario = rough(150, 9);
  scenario.impairment.loss = 0.125;
  Simulation simulation(scenario);
  simulation.run();
  CHECK(simulation.caller().agent.calls() == 0);
  CHECK(simulation.callee().agent.calls() == 0);
  CHECK(simulation.caller().agent.dialogs() == 0);
  CHECK(simulation.callee().agent.dialogs() == 0);
  CHECK(simulation.caller().agent.transactions() == 0);
  CHECK(simulation.callee().agent.transactions() == 0);
  for (const Story& story : simulation.stories()) {
    CHECK(story.caller_ends == 1);
    CHECK(story.callee_ends == (story.came ? 1U : 0U));
  }
}

} // namespace
} // namespace talky::sim
