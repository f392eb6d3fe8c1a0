# Helpers for tests that type the examples of a man page as they stand there. `load lib` comes first.
# shellcheck shell=bash

# man_examples PAGE: its commands, one a line. In scdoc they are indented, and "++" joins the lines of one block.
man_examples() {
  awk '/^# /{ inside = /^# EXAMPLES/ } !inside { next }
       /^\t/ || joined { line = $0; joined = sub(/\+\+$/, "", line); sub(/^\t/, "", line); print line }' "$TALKY_SOURCE/man/$1.scd"
}

# type_examples COUNT: runs the lines of standard input, each in a copy of the folder `given`. At least COUNT of them.
type_examples() {
  local command count=0
  while read -r command; do
    echo "\$ $command"
    rm -rf typed
    cp -r given typed
    (cd typed && bash -o pipefail -ec "$command" </dev/null) || { echo "exit $?: $command"; return 1; }
    ((count += 1))
  done
  echo "$count examples"
  [ "$count" -ge "$1" ]
}

# stand_in NAME COMMAND: what an example calls and is not here.
stand_in() {
  mkdir -p stand_ins
  printf '#!/bin/sh\n%s\n' "$2" >"stand_ins/$1"
  chmod +x "stand_ins/$1"
  PATH=$PWD/stand_ins:$PATH
}
