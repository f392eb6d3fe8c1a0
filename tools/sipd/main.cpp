// talky-sipd: SIP registrar and auto-answering bridge between softphones and voice agents.
#include <fmt/format.h>

#include "cli/main.hpp"
#include "sipd/daemon/server.hpp"
#include "sipd/daemon/settings.hpp"

namespace {

int body(int argc, char** argv) {
  using namespace talky;
  sipd::Loaded loaded = sipd::load_settings(argc, argv);
  if (!loaded.settings) return loaded.exit_code;
  if (loaded.command == "explain") {
    fmt::print("{}\n", loaded.settings->routes->explain(loaded.number));
    return 0;
  }
  if (loaded.command == "calls") return sipd::list_calls(loaded.calls, loaded.settings->cdr);
  return sipd::serve(std::move(*loaded.settings), argc, argv);
}

} // namespace

int main(int argc, char** argv) {
  return talky::cli::run("talky-sipd", argc, argv, body);
}
