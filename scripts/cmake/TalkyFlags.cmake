# Language level, warnings, sanitizers and ccache for every target, in one interface library: talky_flags.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

# Assertions stay on outside Release; line tables are all that a backtrace needs.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
if(TALKY_SANITIZE) # Boost.Beast under two sanitizers takes g++ minutes a file at -O2
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
endif()

find_program(TALKY_CCACHE ccache)
if(TALKY_CCACHE)
  # With precompiled headers ccache must not look at their time stamps.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${TALKY_CCACHE})
endif()

# What g++ keeps of one unit is a few hundred megabytes, and to look for garbage in it takes a tenth of the time.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options("$<$<CONFIG:Release>:--param=ggc-min-heapsize=524288>")
endif()

add_library(talky_flags INTERFACE)
target_include_directories(talky_flags INTERFACE "${CMAKE_SOURCE_DIR}/common")
target_compile_options(talky_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Wformat=2 -Wcast-align -Wunused
  $<$<BOOL:${TALKY_WERROR}>:-Werror>)
target_compile_options(talky_flags INTERFACE -pthread)
target_link_options(talky_flags INTERFACE -pthread)
target_compile_definitions(talky_flags INTERFACE TALKY_VERSION="${PROJECT_VERSION}")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND TALKY_SANITIZE)
  # Under sanitizers g++ 12 reports impossible overflows inside the standard library, and its pass "cp" crashes at -O1.
  add_compile_options(-fno-ipa-cp)
  target_compile_options(talky_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(talky_flags INTERFACE -Wno-restrict) # false positives of g++ 12 on std::string
endif()

if(TALKY_SANITIZE)
  # Not vptr: it asks the kernel through a pipe whether memory is readable, and calls every object invalid in a process
  # that has no descriptor left, which is just what one of the tests brings about.
  add_compile_options(-fsanitize=${TALKY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined
                      -fno-sanitize=vptr)
  add_link_options(-fsanitize=${TALKY_SANITIZE})
endif()
if(TALKY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
