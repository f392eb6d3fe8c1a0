// A shared library that is loaded when it is first needed: a program that turns mu-law into PCM does not wait
// for the start of codecs, containers and drawing that it will not use. The tables of functions that are
// bound here are written once, at the first use, and are constant from then on.
#pragma once
#include "core/error.hpp"

namespace talky {

class DynamicLibrary {
 public:
  // By its soname, "libsndfile.so.1", which names its ABI too. It is never unloaded, and its symbols stay its
  // own. Errors: not_found (it is not installed); `what` is then `expected`, a string literal.
  static Result<DynamicLibrary> load(const char* soname, const char* expected);

  // Points `function` to the symbol: bind(table.open, "sf_open"). False, and nullptr, where there is none.
  template <class Function>
  bool bind(Function*& function, const char* symbol) const {
    // POSIX promises that a function's address survives the way through void*.
    function = reinterpret_cast<Function*>(find(symbol));
    return function != nullptr;
  }

 private:
  explicit DynamicLibrary(void* handle) : handle_(handle) {}
  void* find(const char* symbol) const;

  void* handle_;
};

} // namespace talky
