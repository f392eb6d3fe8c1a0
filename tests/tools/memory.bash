# Helpers for tests of what memory a program takes. `load lib` comes first.
# shellcheck shell=bash

# memory_below PROGRAM KB LIMIT: a sanitizer's shadow and quarantine are not the program's. Whether it is built with one
# is read in the program itself, and said.
memory_below() {
  if grep -Eqa '__(asan|tsan|msan)_init' "$(command -v "$1")"; then
    echo "# $BATS_TEST_DESCRIPTION: the memory is not judged, $1 is built with a sanitizer" >&3
    return 0
  fi
  echo "$1 took $2 kB, at most $3 are allowed"
  [ "$2" -lt "$3" ]
}
