#include "net/process.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <csignal>

#include <cerrno>
#include <string>

using namespace talky;
using namespace std::chrono_literals;
using net::Process;

namespace {

constexpr auto kPlenty =
    std::chrono::seconds(60); // for what happens at once unless the machine has other things to do

void run_for(net::Loop& loop, Duration limit) {
  ::signal(SIGPIPE, SIG_IGN); // as every program with streams does
  net::Timer timer(loop, [&] { loop.stop(); });
  timer.at(net::now() + limit);
  loop.run();
}

bool no_children() {
  return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

} // namespace

TEST_CASE("a child has its pipes on 0, 1, 3 and 4, and its end is told") {
  net::Loop loop;
  std::string out;
  std::string control;
  std::string exit;
  int open = 3; // the process and its two outputs
  const auto ended = [&] {
    if (--open == 0) loop.stop();
  };
  auto child = Process::spawn(
      loop,
      {.argv = {"/bin/sh", "-c", "head -c 5; read line <&3; echo \"$line!$TALKY_X\" >&4; exit 7"},
       .environment = {"TALKY_X=y"},
       .pipe_stdio = true,
       .pipe_control = true},
      [&](Process::Exit e) {
        exit = e.to_string();
        ended();
      });
  REQUIRE(child);
  (*child)->out()->start(
      {.data = [&](Bytes b) { out += as_text(b); }, .closed = [&](int) { ended(); }, .drained = {}});
  (*child)->control_out()->start(
      {.data = [&](Bytes b) { control += as_text(b); }, .closed = [&](int) { ended(); }, .drained = {}});
  (*child)->in()->start({});
  (*child)->control_in()->start({});
  CHECK((*child)->in()->write(as_bytes("hello")));
  CHECK((*child)->control_in()->write(as_bytes("line\n")));
  run_for(loop, kPlenty);
  CHECK(exit == "exit status 7");
  CHECK(out == "hello");
  CHECK(control == "line!y\n");
  CHECK(no_children());
}

TEST_CASE("SIGTERM, then SIGKILL for the deaf, and the whole group goes") {
  net::Loop loop;
  std::string exit;
  std::string out;
  auto child = Process::spawn(loop,
                              {.argv = {"/bin/sh", "-c", "trap '' TERM; echo up; sleep 100 | cat"},
                               .environment = {},
                               .pipe_stdio = true},
                              [&](Process::Exit e) {
                                exit = e.to_string();
                                loop.stop();
                              });
  REQUIRE(child);
  bool stopped = false;
  (*child)->out()->start({.data =
                              [&](Bytes b) {
                                out += as_text(b);
                                if (!stopped) (*child)->stop(30ms);
                                stopped = true;
                              },
                          .closed = {},
                          .drained = {}});
  run_for(loop, kPlenty);
  CHECK(exit == "signal 9 (SIGKILL)");
  CHECK(out == "up\n");
  CHECK(no_children());
}

TEST_CASE("helpers that ignore SIGTERM go when their leader does") {
  net::Loop loop;
  std::string out;
  bool exited = false;
  bool ended = false;
  auto child = Process::spawn(
      loop,
      {.argv = {"/bin/sh", "-c", "(trap '' TERM; echo up; while :; do sleep 0.01; done) & wait"},
       .environment = {},
       .pipe_stdio = true},
      [&](const Process::Exit&) {
        exited = true;
        if (ended) loop.stop();
      });
  REQUIRE(child);
  (*child)->out()->start({.data =
                              [&](Bytes bytes) {
                                out += as_text(bytes);
                                (*child)->stop(std::chrono::seconds(100));
                              },
                          .closed =
                              [&](int) { // the last holder of the pipe is gone
                                ended = true;
                                if (exited) loop.stop();
                              },
                          .drained = {}});
  run_for(loop, kPlenty);
  CHECK(out == "up\n");
  CHECK(ended);
  CHECK(exited);
}

TEST_CASE("a process that is let go of is killed and reaped") {
  net::Loop loop;
  {
    REQUIRE(
        Process::spawn(loop, {.argv = {"sleep", "100"}, .environment = {}}, [](auto) { FAIL("let go"); }));
  }
  for (int i = 0; i < 10'000 && !no_children(); ++i)
    run_for(loop, 2ms);
  CHECK(no_children());
}

TEST_CASE("a program that is not there") {
  net::Loop loop;
  const auto child = Process::spawn(loop, {.argv = {"/nonexistent/program"}, .environment = {}}, {});
  REQUIRE_FALSE(child);
  CHECK(child.error().code == ENOENT);
}
