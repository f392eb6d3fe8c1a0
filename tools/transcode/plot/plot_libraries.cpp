#include "transcode/plot/plot_libraries.hpp"

#include <fmt/core.h>

#include <string>

#include "cli/exit_code.hpp"

namespace talky::transcode {

namespace {

template <class Table>
Table load(const char* soname, const char* package, const char* too_old) {
  const auto table = dynamic::load<Table>({soname}, package, too_old);
  if (table) return *table;
  throw cli::Failure(cli::ExitCode::unavailable,
                     table.error().code == Errc::not_found
                         ? fmt::format("--plot needs {}: install {}", soname, package)
                         : std::string(too_old));
}

} // namespace

Cairo load_cairo() {
  return load<Cairo>("libcairo.so.2", "libcairo2", "--plot needs a newer libcairo2");
}

Fft load_fft() {
  return load<Fft>("libkissfft-float.so.131", "libkissfft-float131",
                   "--plot needs a newer libkissfft-float131");
}

} // namespace talky::transcode
