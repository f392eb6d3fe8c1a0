# Past calls over HTTP: the list, filtered and page by page, one call, its files and what was said.
load lib
load api

# fill N: rows of calls that never were, made in the database beside the recordings. Call i came i minutes after 2026-01-01.
fill() {
  /usr/bin/python3 - "$T/calls/calls.db" "$1" <<'PY'
import sqlite3, sys, uuid
db = sqlite3.connect(sys.argv[1], timeout=30)
start = 1767225600000
for i in range(int(sys.argv[2])):
    at, answered = start + i * 60000, i % 5 != 0
    row = {"uuid": str(uuid.UUID(int=i + 1)), "sip_call_id": f"call-{i}@test", "direction": "out" if i % 10 == 7 else "in",
           "from_uri": f"sip:{'alice' if i % 2 else 'bob'}@example.com", "from_display": "", "to_uri": f"sip:{i}@example.com", "dialled": str(i),
           "route": "echo", "auth_user": "", "peer": "192.0.2.7:5060", "transport": "UDP", "user_agent": "=formula", "invited_ms": at,
           "answered_ms": at + 1000 if answered else None, "ended_ms": at + 1000 + i * 1000, "cause": "hangup" if answered else "rejected",
           "ended_by": "caller", "reason": "", "status": 200 if answered else 486, "codec": "PCMU" if answered else "", "transcript": ""}
    db.execute(f"INSERT INTO talky_calls ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
db.execute("INSERT INTO talky_utterances (uuid, position, who, begin_ms, said, cut) VALUES (?, 0, 'caller', 500, 'A cut, please.', 0)", [str(uuid.UUID(int=7))])
db.commit()
PY
}
made() { [ -e "$T/calls/calls.db" ] && [ "$(code /api/v1/sip/history)" = 200 ]; }
dialled() { json "$(get "/api/v1/sip/history?$1")" '[int(c["dialled"]) for c in d["calls"]]'; }
recording_is() {
  local is
  is=$(curl -sSI "$API/api/v1/sip/recordings/$CALL" | tr -d '\r' | sed -n 's/^talky-state: //Ip')
  [ "$is" = "$1" ] || { echo "the recording is '$is', not '$1'"; return 1; }
}
listed() { [ "$(json "$(get /api/v1/sip/history)" 'len(d["calls"])')" = "$1" ]; }

@test "the list: order, filters, pages, count, CSV" {
  sipd
  wait_for 10 made
  [ "$(json "$(get /api/v1/sip/history)" 'd')" = "{'calls': [], 'next': None, 'total': None}" ]
  fill 25
  [ "$(dialled limit=3)" = '[24, 23, 22]' ]
  [ "$(dialled 'limit=3&order=asc')" = '[0, 1, 2]' ]
  [ "$(dialled 'sort=duration&order=desc&limit=2')" = '[24, 23]' ]
  [ "$(dialled 'from=bob&limit=2')" = '[24, 22]' ]
  [ "$(dialled 'from=sip:a*&limit=2')" = '[23, 21]' ]
  [ "$(dialled 'direction=out')" = '[17, 7]' ]
  [ "$(dialled 'cause=rejected&order=asc')" = '[0, 5, 10, 15, 20]' ]
  [ "$(dialled 'cause=lost,rejected&order=asc&limit=1')" = '[0]' ]
  [ "$(dialled 'answered=false&order=asc&limit=2')" = '[0, 5]' ]
  [ "$(dialled 'min_duration=22.5')" = '[24, 23]' ]
  [ "$(dialled 'max_duration=2&order=asc')" = '[1, 2]' ]
  [ "$(dialled 'since=2026-01-01T00:22Z')" = '[24, 23, 22]' ]
  [ "$(dialled 'until=2026-01-01T00:02Z')" = '[1, 0]' ]
  [ "$(dialled 'text=CUT')" = '[6]' ]
  [ "$(dialled 'sip_call_id=call-4%40test')" = '[4]' ]
  [ "$(dialled 'to=1?&limit=2')" = '[19, 18]' ]
  # Page by page, each call once, also as the Link field leads.
  run -0 api_client pages "$API/api/v1/sip/history?limit=4&sort=from&count"
  [ "$output" = "25 calls on 7 pages, total 25" ]
  run -0 api_client pages "$API/api/v1/sip/history?limit=25&from=bob"
  [ "$output" = "13 calls on 1 pages, total None" ]
  # For a spreadsheet, without a formula.
  [ "$(code '/api/v1/sip/history?limit=2' -H 'Accept: text/csv')" = 200 ]
  [ "$(/usr/bin/python3 -c 'import csv; r = list(csv.DictReader(open("answer", newline=""))); print([(x["dialled"], x["user_agent"]) for x in r])')" = \
    "[('24', \"'=formula\"), ('23', \"'=formula\")]" ]
  [ "$(code '/api/v1/sip/history?format=csv&limit=1')" = 200 ]
  [ "$(wc -l <answer)" = 2 ]
}

@test "the list: nonsense is told to be so, and costs nothing" {
  sipd
  wait_for 10 made
  for bad in limit=0 limit=1001 limit=x limit= sort=x order=up since=yesterday until=x direction=both answered=perhaps min_duration=-1 \
    min_duration=nan max_duration=1e99 max_duration=x cause=a%20b 'cause=,' after=zz after=00 count=many format=xml unknown=1 'from=%00' 'from=%zz' \
    "from=$(printf '%0300d' 0)" 'text=*a*a*a*a*a*a*a' 'to=%1b%5b2J'; do
    refused 422 "/api/v1/sip/history?$bad" || { echo "$bad"; false; }
  done
  # A cursor of another order.
  fill 3
  next=$(json "$(get '/api/v1/sip/history?limit=1')" 'd["next"]')
  [ "$(dialled "limit=1&after=$next")" = '[1]' ]
  refused 422 "/api/v1/sip/history?limit=1&sort=mos&after=$next"
  for bad in "from='%20OR%201=1--" 'from=%25' 'from=_' 'text=%ff%fe'; do
    [ "$(json "$(get "/api/v1/sip/history?$bad")" 'd["calls"]')" = '[]' ]
  done
  refused 404 /api/v1/sip/history/none
  refused 404 /api/v1/sip/history/00000000-0000-0000-0000-0000000000ff
  refused 404 '/api/v1/sip/history/00000000-0000-0000-0000-0000000000F1'
  refused 405 /api/v1/sip/history -X POST
  stop sipd
  # Without records there are none.
  sipd --cdr '' --record ''
  refused 404 /api/v1/sip/history
  refused 404 /api/v1/sip/history/00000000-0000-0000-0000-000000000001
  refused 404 /api/v1/sip/recordings/00000000-0000-0000-0000-000000000001
  stop sipd
  # A database that is away is one that may come back.
  sipd --cdr postgresql:///nothing?host="$T"
  refused 503 /api/v1/sip/history
}

@test "a call that is over: its record, its files in parts, and what was said" {
  sipd --bridge agent --agent "unix:$T/a.sock" --agent-command "$TALKY_SOURCE/tests/tools/journal_agent.py"
  wait_line sipd 'event=agent.ready'
  call 2 --until over
  # What has been said so far is there while the call is up, and so is the recording so far.
  said() { json "$(get "/api/v1/sip/recordings/$CALL?part=transcript")" '[(s["who"], s["begin_ms"], s["text"], s["cut"]) for s in d["said"]]'; }
  begun() { [ "$(said)" = "[('agent', 20, 'Good', True)]" ]; }
  wait_for 10 begun
  [ "$(json "$(get "/api/v1/sip/recordings/$CALL?part=transcript")" 'd["complete"]')" = False ]
  wait_for 10 test -e "calls/$CALL.wav" # which is made off the media loop
  recording_is recording
  refused 404 "/api/v1/sip/history/$CALL"
  grep -q 'the call goes on' answer
  touch over
  finish phone
  wait_for 60 listed 1
  row=$(get "/api/v1/sip/history/$CALL")
  [ "$(json "$row" '[d[k] for k in ("id", "uuid", "direction", "route", "turns", "barge_ins", "response_p50_ms")]')" = "['$CALL', '$CALL', 'in', 'agent', 2, 1, 400]" ]
  [ "$(said)" = "[('agent', 20, 'Good', True), ('caller', 500, 'A cut, please.', False), ('caller', 2000, 'On Friday.', False)]" ]
  [ "$(json "$row" 'd["said"][1]["text"], "transcript" in d, [f["kind"] for f in d["files"]]')" = "('A cut, please.', False, ['wav', 'pcap', 'journal'])" ]
  [[ $row != *"$T"* ]] # no path of this machine
  [ "$(code "/api/v1/sip/recordings/$CALL?part=transcript" -H 'Accept: text/plain')" = 200 ]
  grep -qx '   0:00.5 caller: A cut, please.' answer
  # Each file is what its hash says.
  for kind in wav pcap journal; do
    url=$(json "$row" "[f['url'] for f in d['files'] if f['kind'] == '$kind'][0]")
    [ "$(code "$url")" = 200 ]
    [ "$(sha256sum <answer | cut -d' ' -f1)" = "$(json "$row" "[f['sha256'] for f in d['files'] if f['kind'] == '$kind'][0]")" ]
  done
  # In parts.
  wav="/api/v1/sip/recordings/$CALL"
  size=$(stat -c %s "calls/$CALL.wav")
  curl -sS -o body -D - -r 100-299 "$API$wav" | tr -d '\r' >header
  grep -q '^HTTP/1.1 206' header
  grep -qix "content-range: bytes 100-299/$size" header
  grep -qix 'content-type: audio/wav' header
  grep -qix 'talky-state: complete' header
  grep -qix "content-disposition: inline; filename=\"$CALL.wav\"" header
  cmp body <(tail -c +101 "calls/$CALL.wav" | head -c 200)
  [ "$(code "$wav" -r -50)" = 206 ]
  cmp answer <(tail -c 50 "calls/$CALL.wav")
  refused 416 "$wav" -r "$size-"
  grep -qix "content-range: bytes \*/$size" <(curl -sS -o body -D - -r "$size-" "$API$wav" | tr -d '\r')
  etag=$(sed -n 's/^ETag: //p' header)
  [ "$(code "$wav" -H "If-None-Match: $etag")" = 304 ]
  [ "$(code "$wav" -r 0-9 -H "If-Range: $etag")" = 206 ]
  [ "$(code "$wav" -r 0-9 -H 'If-Range: "another"')" = 200 ]
  cmp answer "calls/$CALL.wav"
  [ "$(curl -sSI "$API$wav" | tr -d '\r' | sed -n 's/^Content-Length: //p')" = "$size" ]
  grep -qi '^content-disposition: attachment' <(curl -sSI "$API$wav?download")
  refused 422 "$wav?part=secret"
  refused 404 '/api/v1/sip/recordings/calls.db'
  refused 400 '/api/v1/sip/recordings/..%2fcalls.db'
  refused 404 '/api/v1/sip/recordings/00000000-0000-0000-0000-000000000000'
  refused 404 '/api/v1/sip/recordings/00000000-0000-0000-0000-000000000000?part=transcript'
  # A part with a hole is not served for another: what is gone is gone.
  rm "calls/$CALL.pcap"
  refused 404 "$wav?part=pcap"
  # And all of it as the document says.
  run -0 api_client contract "$API" --past "$CALL"
  [[ $output == *operations* ]]
}

@test "a recording whose writer died is marked" {
  sipd
  call 30
  kept() { [ "$(stat -c %s "calls/$CALL.wav")" -gt 60000 ]; }
  wait_for 30 kept
  stop sipd KILL
  printf x >>"calls/$CALL.wav" # half a sample more than its header says
  stop phone
  sipd
  wait_for 60 listed 1
  [ "$(json "$(get "/api/v1/sip/history/$CALL")" 'd["cause"], [f["repaired"] for f in d["files"] if f["kind"] == "wav"]')" = "('interrupted', [True])" ]
  recording_is repaired
}

@test "SIGKILL during a hundred calls: every call that had ended is there, once, and the others are told to be interrupted" {
  need sipp
  sipd --record '' --cdr "$T/calls.db" --max-calls-per-source 300 --rtp-timeout 0 --log-level debug
  sed 's/<nop><action><exec rtp_stream.*//' "$TALKY_SOURCE/tests/tools/phones/call.xml" >call.xml
  port=$(free_port 2)
  # Calls that end all the time, and a hundred that stay.
  start short sipp "127.0.0.1:$PORT" -sf call.xml -i 127.0.0.1 -p "$port" -s 100 -d 300 -r 20 -l 20 -nostdin -m 100000
  port=$(free_port 2)
  start long sipp "127.0.0.1:$PORT" -sf call.xml -i 127.0.0.1 -p "$port" -s 100 -d 600000 -r 50 -l 100 -m 100 -nostdin
  hundred_up() { [ "$(json "$(get /api/v1/sip/status)" 'd["active_calls"] >= 100')" = True ]; }
  wait_for 60 hundred_up
  many_ended() { [ "$(grep -c 'event=cdr.kept .*cause=hangup' sipd.err)" -ge 60 ]; }
  wait_for 60 many_ended
  # Records are written one after the other, behind the calls: once a call is kept that is not among these, all of these are.
  sed -En 's/.*event=call.start .*call=([-0-9a-f]{36}).*/\1/p' sipd.err | sort >started
  later_kept() { sed -En 's/.*event=cdr.kept call=([-0-9a-f]{36}) .*/\1/p' sipd.err | sort | comm -23 - started | grep -q .; }
  wait_for 60 later_kept
  stop sipd KILL
  stop short KILL
  stop long KILL
  # Finished is what the log says to be kept; every call that had been answered has its row, finished or not.
  sed -En 's/.*event=cdr.kept call=([-0-9a-f]{36}) cause=hangup.*/\1/p' sipd.err | sort >ended
  sipd --record '' --cdr "$T/calls.db"
  settled() { api_client causes "$API" >causes && [ -z "$(cut -d' ' -f1 causes | sort | comm -13 - started)" ]; }
  wait_for 60 settled
  [ -z "$(cut -d' ' -f1 causes | sort | uniq -d)" ]
  [ -z "$(grep ' hangup$' causes | cut -d' ' -f1 | sort | comm -13 - ended)" ] || { echo 'lost:'; comm -13 <(grep ' hangup$' causes | cut -d' ' -f1 | sort) ended; false; }
  [ "$(grep -c ' interrupted$' causes)" -ge 100 ]
}
