#include "core/dynamic_library.hpp"

#include <dlfcn.h>

namespace talky {

Result<DynamicLibrary> DynamicLibrary::load(const char* soname, const char* expected) {
  void* handle = ::dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) return fail(Errc::not_found, 0, expected);
  return DynamicLibrary(handle);
}

void* DynamicLibrary::find(const char* symbol) const {
  return ::dlsym(handle_, symbol);
}

} // namespace talky
