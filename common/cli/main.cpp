#include "cli/main.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <system_error>

#include "core/log.hpp"

namespace talky::cli {
namespace {

// Controls and bytes that are no text, made visible; quotes and spaces stay as they are.
std::string printable(std::string_view text) {
  std::string out;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != ' ' && text[i] != '"' && text[i] != '\\' && text[i] != '=') continue;
    const std::string word = log::quote(text.substr(start, i - start));
    const bool quoted = word.size() >= 2 && word.front() == '"';
    out += quoted ? word.substr(1, word.size() - 2) : word;
    if (i < text.size()) out += text[i];
    start = i + 1;
  }
  return out;
}

int guarded(const char* tool, int argc, char** argv, int (*body)(int, char**)) {
  try {
    return body(argc, argv);
  } catch (const Failure& failure) {
    complain(tool, failure.what());
    return static_cast<int>(failure.code());
  } catch (const std::bad_alloc&) {
    complain(tool, "out of memory");
    return static_cast<int>(ExitCode::os_error);
  } catch (const std::system_error& error) {
    complain(tool, error.what());
    return static_cast<int>(ExitCode::os_error);
  } catch (const std::exception& error) {
    complain(tool, std::string("internal error: ") + error.what());
    return static_cast<int>(ExitCode::software);
  } catch (...) {
    complain(tool, "internal error");
    return static_cast<int>(ExitCode::software);
  }
}

} // namespace

void complain(std::string_view tool, std::string_view text) {
  const std::string line = std::string(tool) + ": " + printable(text) + "\n";
  std::fputs(line.c_str(), stderr);
}

int run(const char* tool, int argc, char** argv, int (*body)(int, char**)) {
  // A parent that ignores SIGPIPE passes that on, and then `| head` would not end us.
  (void)std::signal(SIGPIPE, SIG_DFL);
  const int code = guarded(tool, argc, argv, body);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    if (code == 0) {
      complain(tool, "cannot write to standard output");
      return static_cast<int>(ExitCode::io);
    }
  }
  return code;
}

void ignore_sigpipe() {
  (void)std::signal(SIGPIPE, SIG_IGN);
}

} // namespace talky::cli
