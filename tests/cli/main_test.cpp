#include "cli/main.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <new>
#include <string>
#include <system_error>

#include "cli/logger.hpp"

using namespace talky;

namespace {

struct Ran {
  int code = -1;
  std::string err;
};

// Runs `body` under cli::run in a process of its own.
Ran run(int (*body)(int, char**), const char* out = "/dev/null") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    if (!std::freopen(out, "w", stdout)) ::_exit(99);
    const int code = cli::run("talky-demo", 0, nullptr, body);
    std::fflush(stderr);
    ::_exit(code);
  }
  ::close(ends[1]);
  Ran ran;
  std::array<char, 4096> buffer{};
  for (ssize_t n = ::read(ends[0], buffer.data(), buffer.size()); n > 0;
       n = ::read(ends[0], buffer.data(), buffer.size()))
    ran.err.append(buffer.data(), static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return ran;
}

} // namespace

TEST_CASE("every way out has its exit code and one line") {
  CHECK(run([](int, char**) { return 3; }).code == 3);
  const Ran failure =
      run([](int, char**) -> int { throw cli::Failure(cli::ExitCode::no_input, "x\x1b[1m\n: \"no\" such"); });
  CHECK(failure.code == 66);
  CHECK(failure.err == "talky-demo: x\\x1b[1m\\n: \"no\" such\n");
  CHECK(run([](int, char**) -> int { throw std::bad_alloc(); }).code == 71);
  const Ran system =
      run([](int, char**) -> int { throw std::system_error(EMFILE, std::generic_category(), "pipe"); });
  CHECK(system.code == 71);
  CHECK(system.err == "talky-demo: pipe: Too many open files\n");
  CHECK(run([](int, char**) -> int { throw std::runtime_error("odd"); }).code == 70);
  CHECK(run([](int, char**) -> int { throw 5; }).code == 70);
}

TEST_CASE("output that could not be written is no success") {
  const Ran full = run(
      [](int, char**) {
        std::fputs("data\n", stdout);
        return 0;
      },
      "/dev/full");
  CHECK(full.code == 74);
  CHECK(full.err == "talky-demo: cannot write to standard output\n");
}

TEST_CASE("log lines are whole, in order, at their level, and complete at the end") {
  const Ran ran = run([](int, char**) {
    const cli::Logger logger(log::Level::info);
    logger(log::Level::debug, log::Line("hidden"));
    for (int i = 0; i < 1000; ++i)
      logger(log::Level::info, log::Line("line").add("n", i).add("text", "a\nb"));
    logger.sink()(log::Level::warn, "last");
    return 0;
  });
  CHECK(ran.err.find("hidden") == std::string::npos);
  std::size_t at = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string tail = " level=info event=line n=" + std::to_string(i) + " text=\"a\\nb\"\n";
    const std::size_t end = ran.err.find('\n', at) + 1;
    const std::string line = ran.err.substr(at, end - at);
    REQUIRE(line.size() == 27 + 1 + tail.size() - 1);
    CHECK(line.starts_with("ts=20"));
    CHECK(line.ends_with(tail));
    at = end;
  }
  CHECK(ran.err.substr(at).ends_with("level=warn event=last\n"));
  CHECK(cli::parse_level("warn") == log::Level::warn);
  CHECK_FALSE(cli::parse_level("loud"));
}
