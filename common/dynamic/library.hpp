// Shared libraries that are loaded when they are first needed: a program that turns mu-law into PCM does not
// wait for the start of codecs, containers and drawing that it will not use. The tables of functions that are
// bound here are made once, at the first use, and are constant from then on.
//
//   #define TALKY_SOXR(symbol) symbol(create, soxr_create) symbol(destroy, soxr_delete)
//   struct Soxr { TALKY_DYNAMIC_TABLE(TALKY_SOXR) };
//   static const auto soxr = dynamic::load<Soxr>({"libsoxr.so.0"}, "libsoxr to be installed", "libsoxr 0.1 or
//   later"); if (soxr) soxr->create(...);
#pragma once
#include <initializer_list>
#include <string>
#include <tl/expected.hpp>

#include "core/error.hpp"

namespace talky::dynamic {

class Library {
 public:
  // By its soname, "libsndfile.so.1", which names its ABI too, or by its path. It is never unloaded, and its
  // symbols stay its own. The error is what the loader says, in one line.
  static tl::expected<Library, std::string> load(const char* name);

  // Points `function` to the symbol: bind(table.open, "sf_open"). False, and nullptr, where there is none.
  template <class Function>
  bool bind(Function*& function, const char* symbol) const {
    // POSIX promises that a function's address survives the way through void*.
    function = reinterpret_cast<Function*>(find(symbol));
    return function != nullptr;
  }

 private:
  explicit Library(void* handle) : handle_(handle) {}
  void* find(const char* symbol) const;

  void* handle_;
};

// The members of a table of functions, from a list that names each once: symbol(member, function of the
// library's header).
#define TALKY_DYNAMIC_MEMBER(member, symbol) decltype(&::symbol) member = nullptr;
#define TALKY_DYNAMIC_BIND(member, symbol) &&library.bind(member, #symbol)
#define TALKY_DYNAMIC_TABLE(list)                                                  \
  list(TALKY_DYNAMIC_MEMBER) bool bind(const ::talky::dynamic::Library& library) { \
    return true list(TALKY_DYNAMIC_BIND);                                          \
  }

// A table from the first of the libraries that is there. Errors: not_found (none is; `what` is `to_install`),
// unsupported (a function is missing; `what` is `too_old`). Both are string literals.
template <class Table>
Result<Table> load(std::initializer_list<const char*> names, const char* to_install, const char* too_old) {
  for (const char* name : names) {
    const auto library = Library::load(name);
    if (!library) continue;
    Table table;
    if (!table.bind(*library)) return fail(Errc::unsupported, 0, too_old);
    return table;
  }
  return fail(Errc::not_found, 0, to_install);
}

} // namespace talky::dynamic
