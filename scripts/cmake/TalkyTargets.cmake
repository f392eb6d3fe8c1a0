# The kinds of target that talky is made of. Each folder says in one line what it is and what it stands on:
#
#   talky_library(sip DEPENDS core)                  common/sip/*.cpp -> talky::sip
#   talky_tool(sipd DEPENDS call net cli)            tools/sipd/*.cpp -> talky-sipd
#   talky_test(sip)                                  tests/sip/*.cpp  -> sip_test, a ctest of the same name
#   talky_fuzz(sip_message DEPENDS sip)              tests/fuzz/sip_message.cpp -> sip_message_fuzz
#   talky_bench(codec)                               tests/bench/codec.cpp -> codec_bench
#
# The layers: a library may stand only on libraries of a lower number. What is not declared is not linked, and
# tests/layers.py refuses an include that is not declared.
set(TALKY_LAYER_core 0)
foreach(lib net sip sdp rtp codec audio ipc telemetry)
  set(TALKY_LAYER_${lib} 1)
endforeach()
foreach(lib file http)
  set(TALKY_LAYER_${lib} 2)
endforeach()
foreach(lib call voice store)
  set(TALKY_LAYER_${lib} 3)
endforeach()
set(TALKY_LAYER_engine 4)
set(TALKY_LAYER_cli 5)

# One precompiled header, made once; made after the packages are found (see talky_make_pch in the top CMakeLists.txt).
function(talky_make_pch)
  if(NOT TALKY_PCH)
    return()
  endif()
  file(WRITE "${CMAKE_BINARY_DIR}/pch.cpp" "")
  add_library(talky_pch OBJECT "${CMAKE_BINARY_DIR}/pch.cpp")
  target_link_libraries(talky_pch PRIVATE talky_flags fmt::fmt tl::expected)
  target_precompile_headers(talky_pch PRIVATE "${CMAKE_SOURCE_DIR}/scripts/cmake/pch.hpp")
endfunction()

function(talky_common_settings target)
  target_link_libraries(${target} PRIVATE talky_flags)
  if(TALKY_PCH)
    target_precompile_headers(${target} REUSE_FROM talky_pch)
  endif()
endfunction()

function(talky_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;PACKAGES;PRIVATE_PACKAGES" ${ARGN})
  if(NOT DEFINED TALKY_LAYER_${name})
    message(FATAL_ERROR "common/${name} has no layer: name it in scripts/cmake/TalkyTargets.cmake")
  endif()
  foreach(dep IN LISTS ARG_DEPENDS)
    if(NOT TALKY_LAYER_${dep} LESS TALKY_LAYER_${name})
      message(FATAL_ERROR "common/${name} may not stand on common/${dep}: it is not in a lower layer")
    endif()
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp" "${CMAKE_CURRENT_SOURCE_DIR}/*.hpp")
  add_library(talky_${name} STATIC ${sources})
  set_target_properties(talky_${name} PROPERTIES LINKER_LANGUAGE CXX)
  add_library(talky::${name} ALIAS talky_${name})
  talky_common_settings(talky_${name})
  list(TRANSFORM ARG_DEPENDS PREPEND talky::)
  target_link_libraries(talky_${name} PUBLIC talky_flags ${ARG_DEPENDS} ${ARG_PACKAGES} PRIVATE ${ARG_PRIVATE_PACKAGES})
endfunction()

function(talky_tool name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;PACKAGES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp" "${CMAKE_CURRENT_SOURCE_DIR}/*.hpp")
  add_executable(talky-${name} ${sources})
  talky_common_settings(talky-${name})
  list(TRANSFORM ARG_DEPENDS PREPEND talky::)
  target_link_libraries(talky-${name} PRIVATE ${ARG_DEPENDS} ${ARG_PACKAGES})
  set_target_properties(talky-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
  install(TARGETS talky-${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()

# Filters run by the thousand in shell loops, and half of a short run is the loader's: mapping and relocating the C++
# runtime and the shared libraries above it takes 2 ms of 2.7. So a filter carries the runtime and what it uses of
# yaml-cpp, Boost.JSON and fmt in itself, where the system has archives of them; anything larger is loaded when it is
# needed (core/dynamic_library.hpp). fmt has no archive on Debian 12: scripts/cmake/fmt_inside.cpp stands for it.
function(talky_starts_quickly target)
  if(TALKY_SANITIZE OR TALKY_FUZZ)
    return()
  endif()
  find_library(TALKY_YAML_ARCHIVE libyaml-cpp.a)
  find_library(TALKY_JSON_ARCHIVE libboost_json.a)
  mark_as_advanced(TALKY_YAML_ARCHIVE TALKY_JSON_ARCHIVE)
  if(NOT TALKY_YAML_ARCHIVE OR NOT TALKY_JSON_ARCHIVE OR NOT fmt_VERSION VERSION_LESS 10)
    return()
  endif()
  if(NOT TARGET talky_fmt_inside)
    add_library(talky_fmt_inside STATIC "${CMAKE_SOURCE_DIR}/scripts/cmake/fmt_inside.cpp")
    target_link_libraries(talky_fmt_inside PRIVATE talky_flags fmt::fmt)
  endif()
  # Named before the libraries that use them, so the linker must look at the archives again and again; the shared ones,
  # which follow, are then not needed.
  get_target_property(libraries ${target} LINK_LIBRARIES)
  list(FILTER libraries INCLUDE REGEX "^talky::")
  target_link_libraries(${target} PRIVATE
    "$<LINK_GROUP:RESCAN,${libraries},talky_fmt_inside,${TALKY_YAML_ARCHIVE},${TALKY_JSON_ARCHIVE}>")
  target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc -Wl,--as-needed)
endfunction()

# NAME_test from the *.cpp of the current folder, linked to common/NAME unless DEPENDS says otherwise.
function(talky_test name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;PACKAGES" ${ARGN})
  if(NOT ARG_DEPENDS)
    set(ARG_DEPENDS ${name})
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp" "${CMAKE_CURRENT_SOURCE_DIR}/*.hpp")
  add_executable(${name}_test ${sources})
  talky_common_settings(${name}_test)
  list(TRANSFORM ARG_DEPENDS PREPEND talky::)
  target_include_directories(${name}_test PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  target_compile_definitions(${name}_test PRIVATE TALKY_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data")
  target_link_libraries(${name}_test PRIVATE talky_doctest_main ${ARG_DEPENDS} ${ARG_PACKAGES})
  add_test(NAME ${name} COMMAND ${name}_test --no-version)
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

# One fuzz target: with TALKY_FUZZ a libFuzzer binary; always a ctest that replays tests/fuzz/corpus/NAME.
function(talky_fuzz name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;PACKAGES" ${ARGN})
  list(TRANSFORM ARG_DEPENDS PREPEND talky::)
  add_executable(${name}_fuzz "${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp")
  talky_common_settings(${name}_fuzz)
  target_link_libraries(${name}_fuzz PRIVATE ${ARG_DEPENDS} ${ARG_PACKAGES})
  if(TALKY_FUZZ)
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz.${name} COMMAND ${name}_fuzz -runs=0 "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}")
  else()
    target_link_libraries(${name}_fuzz PRIVATE talky_fuzz_replay)
    add_test(NAME fuzz.${name} COMMAND ${name}_fuzz "${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}")
  endif()
  set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()

function(talky_bench name)
  if(NOT TALKY_BENCH)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "DEPENDS;PACKAGES" ${ARGN})
  find_package(benchmark REQUIRED)
  add_executable(${name}_bench "${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp")
  talky_common_settings(${name}_bench)
  list(TRANSFORM ARG_DEPENDS PREPEND talky::)
  target_link_libraries(${name}_bench PRIVATE benchmark::benchmark_main ${ARG_DEPENDS} ${ARG_PACKAGES})
endfunction()
