#include "dynamic/library.hpp"

#include <dlfcn.h>

namespace talky::dynamic {

tl::expected<Library, std::string> Library::load(const char* name) {
  void* handle = ::dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle != nullptr) return Library(handle);
  const char* reason = ::dlerror();
  return tl::unexpected(reason != nullptr ? std::string(reason) : std::string(name) + ": cannot be loaded");
}

void* Library::find(const char* symbol) const {
  return ::dlsym(handle_, symbol);
}

} // namespace talky::dynamic
