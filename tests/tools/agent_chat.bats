#!/usr/bin/env bats
# talky-agent chat and test: dialogues that are typed, by people and by scripts.
# shellcheck disable=SC2154 # stderr is set by run --separate-stderr

load lib

flows="$TALKY_SOURCE/tools/agent/flows"

@test "chat: lines in, answers out, until the call ends; --json has state, slots and action" {
  need talky-agent
  run --separate-stderr talky-agent chat --date 2026-11-30 --time 10:15 "$flows/front-desk.yaml" \
    <<<$'A haircut tomorrow at three.\nAnna Smith.\nYes.\nNo, thanks.\nIs anybody there?'
  [ "$status" -eq 0 ]
  [[ "${lines[0]}" == "agent: Good morning."* ]]
  [[ "$output" == *"haircut, tomorrow, Tuesday, December first, at three in the afternoon, for Anna Smith"* ]]
  [ "${lines[-1]}" = "(hangup goodbye)" ]
  run --separate-stderr talky-agent chat --json --date 2026-11-30 <<<$'A haircut on Friday.\n...\n#5'
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 4 ]
  /usr/bin/python3 -c 'import json,sys
a = [json.loads(line) for line in sys.stdin]
assert "said" not in a[0] and a[0]["state"] == "greeting", a[0]
assert a[1]["said"] == "A haircut on Friday." and a[1]["state"] == "ask_time", a[1]
assert a[1]["slots"] == {"service": "haircut", "date": "2026-12-04"} and a[1]["action"] == "", a[1]
assert "there" in a[2]["text"], a[2]' <<<"$output"
  run talky-agent chat --date 2026-02-30
  [ "$status" -eq 64 ]
}

@test "test: 0 and a count, 1 and a difference, 65 and a line" {
  need talky-agent
  printf '%s\n' 'date: 2026-11-30' 'cases:' '  - name: one' '    turns: [{say: A haircut on Friday., state: ask_time}]' >good.yaml
  run --separate-stderr talky-agent test "$flows/front-desk.yaml" good.yaml
  [ "$status" -eq 0 ]
  [[ "$output" == "1 of 1 dialogues are as expected"* ]]
  sed -i 's/ask_time/ask_name/' good.yaml
  run --separate-stderr talky-agent test "$flows/front-desk.yaml" good.yaml
  [ "$status" -eq 1 ]
  [ "${lines[0]}" = "@@ good.yaml:3: one" ]
  [[ "$output" == *$'\n- state: ask_name\n+ state: ask_time\n'* ]]
  run --separate-stderr talky-agent test --json "$flows/front-desk.yaml" good.yaml
  [ "$status" -eq 1 ]
  /usr/bin/python3 -c 'import json,sys; a = json.load(sys.stdin); assert a["case"] == "one" and not a["passed"] and "+ state" in a["report"], a' <<<"$output"
  echo 'cases: 3' >bad.yaml
  run --separate-stderr talky-agent test "$flows/front-desk.yaml" bad.yaml
  [ "$status" -eq 65 ]
  [[ "$stderr" == *bad.yaml* ]]
  run talky-agent test "$flows/front-desk.yaml" nothing.yaml
  [ "$status" -eq 66 ]
}
