# What holds for the repository as a whole.
# ctest: busy
load lib

setup() {
  common_setup
  cd "$TALKY_SOURCE" || return 1
}

tracked() { git ls-files --cached --others --exclude-standard -- "$@"; }

@test "no path of one machine stands in the sources" {
  # Home folders and mount points of whoever wrote it; the brackets keep this line from finding itself.
  run -1 bash -c 'git grep -nIE "(^|[^a-z0-9_.])/([h]ome|[r]oot|[w]ork|[U]sers)/" -- . ":!*.lock" ":!package-lock.json"'
}

@test "the scripts are clean under shellcheck and can be executed" {
  need shellcheck
  mapfile -t scripts < <(tracked scripts .ci tests | while read -r file; do
    if [ -f "$file" ] && head -n 1 "$file" | grep -qE '^#!.*(ba)?sh'; then echo "$file"; fi
  done)
  [ "${#scripts[@]}" -ge 8 ]
  shellcheck -x "${scripts[@]}"
  for script in "${scripts[@]}"; do [ -x "$script" ] || { echo "$script cannot be executed"; return 1; }; done
  # The shell tests too. What bats does with functions, `run` and pipes into a test looks like a mistake to it.
  # shellcheck disable=SC2046
  shellcheck -x -S warning -e SC1010,SC2030,SC2031,SC2034,SC2153,SC2154,SC2266 -P tests/tools $(tracked 'tests/tools/*.bats' 'tests/tools/*.bash')
}

@test "no assertion of a shell test goes unheard: of [ A ] && [ B ] bash heeds only the last" {
  run -1 grep -nE '^ +\[[^|]*\] && \[[^|]*$' tests/tools/*.bats
}

@test "every tool has a man page that names every flag of its --help-all" {
  local missing=() tool flag page
  for page in man/*.scd; do scdoc <"$page" >"$T/page" || { echo "$page"; return 1; }; done
  for tool in tools/*/; do
    tool=talky-$(basename "$tool")
    [ -f "man/$tool.1.scd" ] || { missing+=("man/$tool.1.scd"); continue; }
    need "$tool"
    "$tool" --help-all >"$T/help"
    grep -oE -- '(^|[ ,])--[a-z][a-z0-9-]*' "$T/help" | tr -d ' ,' | sort -u >"$T/flags"
    [ -s "$T/flags" ]
    while read -r flag; do
      # scdoc sources may escape; the flag stands there in bold.
      grep -qE -- "(^|[^a-z0-9-])$flag([^a-z0-9-]|\$)" <(sed 's/\\//g' "man/$tool.1.scd") || missing+=("$tool $flag")
    done <"$T/flags"
  done
  if ((${#missing[@]})); then printf 'not in the man page: %s\n' "${missing[@]}"; return 1; fi
}

@test "every tool: --help fits a screen of 50 lines" {
  local tool lines
  for tool in tools/*/; do
    tool=talky-$(basename "$tool")
    lines=$("$tool" --help | wc -l)
    [ "$lines" -gt 10 ] && [ "$lines" -le 50 ] || { echo "$tool --help has $lines lines"; return 1; }
  done
}

@test "every tool: --help ends with three examples, --version, an unknown flag is 64, completions are made" {
  local tool shell
  for tool in tools/*/; do
    tool=talky-$(basename "$tool")
    "$tool" --help >"$T/help"
    [ "$(sed -n '/^Examples:/,$p' "$T/help" | grep -c "^  $tool\|^  .*| $tool\|^  [a-z].*")" -ge 3 ]
    run -0 "$tool" --version
    [[ $output == *[0-9].[0-9]* ]]
    run -64 "$tool" --no-such-flag
    [ "${#lines[@]}" -le 2 ]
    for shell in bash zsh fish; do
      "$tool" --completion $shell >"$T/completion"
      [ -s "$T/completion" ]
    done
    "$tool" --completion bash | bash -n
    run -0 bash -c "$tool --help | head -n 1"
  done
}

@test "constants of namespaces and classes are kCamelCase" {
  # All of them, the const ones too, are seen by scripts/lint; is_steady has its name from the standard.
  run -1 bash -c 'git grep -nE "^(inline |static |  static |  inline static )*constexpr [^(=]*[ &*>][a-z][a-z0-9_]*([[][^]]*[]])?( =|[{]|;)" -- "common/*pp" "tools/*pp" "tests/*pp" | grep -v " is_steady = "'
}

@test "no promise of work for later in the sources" {
  run -1 bash -c 'git grep -nE "(^|[^A-Za-z])(TO[D]O|FIX[M]E|X[X]X)([^A-Za-z]|$)" -- common tools tests scripts man "*.md"'
}

@test "the npm of Debian 12 can read the lock files: no override is an alias" {
  # npm 9.2 takes the value of an override for a range of versions, and a lock file with another for none at all.
  mapfile -t manifests < <(tracked '*package.json')
  run -0 /usr/bin/python3 - "${manifests[@]}" <<'PY'
import json, re, sys
for path in sys.argv[1:]:
    for name, value in json.load(open(path)).get("overrides", {}).items():
        assert re.fullmatch(r"[\^~]?\d+\.\d+\.\d+", value), f"{path}: {name}: {value}"
print(len(sys.argv) - 1)
PY
  [ "$output" -ge 2 ]
}
