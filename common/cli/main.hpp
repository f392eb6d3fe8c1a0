// The one place where exceptions are caught. A tool's main.cpp:
//
//     #include "cli/main.hpp"
//     #include "cli/options.hpp"
//
//     int body(int argc, char** argv) {
//       std::string in = "-";
//       bool force = false;
//       std::uint32_t rate = 8000;
//       std::vector<std::string> routes;
//       cli::Options options("frobnicate", "turns one thing into another");
//       options.group("What comes out");
//       options.add("rate", rate, "HZ", "sample rate of the output").alias('r');
//       options.add("route", routes, "PATTERN=TARGET", "may be given several times");
//       options.flag("force", force, "overwrite files").alias('f');
//       options.positional("IN", in, "a file, or - for stdin");
//       options.example("talky-frobnicate call.wav", "the usual case");
//       if (const auto code = options.parse(argc, argv)) return *code; // help, version, or an error that was
//       printed if (rate == 0) throw cli::Failure(cli::ExitCode::usage, "--rate must not be 0");
//       ...
//       return 0;
//     }
//
//     int main(int argc, char** argv) { return talky::cli::run("talky-frobnicate", argc, argv, body); }
#pragma once
#include <string_view>

#include "cli/exit_code.hpp"

namespace talky::cli {

// Calls `body` and gives what main returns. A Failure becomes one line on stderr and its code; any other
// exception too (no memory: os_error; the rest: software). stdout is flushed, and a failure to write it (a
// full disk) turns success into `io`. SIGPIPE has its default effect: a filter whose reader went ends
// quietly.
int run(const char* tool, int argc, char** argv, int (*body)(int, char**));

// For servers: a peer that went is an error of one write, not the end of the process.
void ignore_sigpipe();

// "talky-sipd: text" on stderr, controls escaped.
void complain(std::string_view tool, std::string_view text);

} // namespace talky::cli
