#include "net/lifetime.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <optional>
#include <string>

#include "net/loop.hpp"

using namespace talky;

TEST_CASE("what was guarded is called while its object lives, with its arguments, and then no more") {
  std::optional<net::Lifetime> lifetime(std::in_place);
  std::string heard;
  std::function<void(int, std::string)> callback =
      lifetime->guard([&heard](int number, std::string text) { heard += text + std::to_string(number); });
  callback(1, "a");
  CHECK(heard == "a1");
  lifetime->end();
  callback(2, "b");
  lifetime.reset();
  callback(3, "c");
  CHECK(heard == "a1");
}

TEST_CASE("a posted task does not reach an object that has gone meanwhile") {
  net::Loop loop;
  int calls = 0;
  {
    const net::Lifetime lifetime;
    loop.post(lifetime.guard([&calls] { ++calls; }));
  }
  const net::Lifetime other;
  loop.post(other.guard([&calls] { calls += 10; }));
  loop.post([&loop] { loop.stop(); });
  loop.run();
  CHECK(calls == 10);
}
