#!/usr/bin/env bats
# The pages of talky-sipd in a real browser, with the real daemon and the real agent; the driver is tests/web.
# ctest: busy=2
# ctest: cost=150

load lib

# The daemon with its page at $URL, and the options that are given.
serve() {
  HTTP=$(free_port)
  start_sipd --http "127.0.0.1:$HTTP" "$@" || return 1
  URL=http://localhost:$HTTP/
}
have_page() {
  need node chromium talky-sipd talky-agent
  [ -s "$TALKY_BIN/../share/talky/web/index.html" ] || { echo "the page is not built: scripts/web, then build talky-web"; return 1; }
}
have_models() {
  talky-agent hear /dev/null 2>&1 | grep -q 'models' && skip "the speech models are not installed: run scripts/models/install"
  return 0
}
talks_or_ended() { grep -q '^talking' page.out || ! kill -0 "${PIDS[page]}"; }
drive() { node "$TALKY_SOURCE/tests/web/$1" "${@:2}"; }

@test "a conversation: captions, levels, barge-in, waterfall, downloads, /calls; axe is clean and nobody else is asked" {
  have_page
  have_models
  need sox
  # A question whose answer is long, and then the same question into the answer: the microphone plays it in a loop.
  talky-agent say -o said.wav --voice Alex "When are you open on Saturday?"
  sox said.wav microphone.wav pad 2.5 0.4
  serve --bridge agent --agent "unix:$T/agent.sock" --agent-command talky-agent
  drive talk.mjs "$URL" "$T/microphone.wav" saturday || { dump_logs; return 1; }
}

@test "each state is whole and clean under axe: denied, no WebGL, phone, token, lost; sound goes on while the page stands still" {
  have_page
  serve --bridge echo
  local guarded
  guarded=$(free_port)
  (umask 077 && printf 'operate:first-of-two-tokens\nread:second-of-two-tokens\n' >tokens)
  start guarded talky-sipd --listen "127.0.0.1:$(free_port)" --bridge echo --record "$T/guarded" --http "127.0.0.1:$guarded" --http-tokens tokens
  wait_line guarded event=ready
  start page node "$TALKY_SOURCE/tests/web/states.mjs" "$URL" "http://localhost:$guarded/" first-of-two-tokens second-of-two-tokens
  # It may as well have ended before.
  wait_for 120 talks_or_ended
  kill -KILL "${PIDS[sipd]}"
  finish page 120
  cat page.out
  [ "$status" -eq 0 ] || { dump_logs; return 1; }
  # A call whose loop stands still lets sound go by: at most a frame of 20 ms in 10 ms.
  [ "$(sed -n 's/^microphone: .* \([0-9]*\) missing$/\1/p' page.out)" -le $(($(witnessed stalled) / 10)) ]
}

@test "the page is what its policy allows: no script, style or handler stands in the HTML, nothing has another origin" {
  have_page
  local page
  for page in "$TALKY_BIN"/../share/talky/web/*.html; do
    run grep -nE '<script[^>]*>[^<]|<style|style="|[^a-z]on[a-z]+="|(src|href)="(https?:)?//' "$page"
    [ "$status" -eq 1 ] || { echo "$page: $output"; return 1; }
  done
  run grep -rlE '\beval\(|new Function\(' "$TALKY_BIN/../share/talky/web/assets"
  [ "$status" -eq 1 ] || { echo "$output"; return 1; }
}
