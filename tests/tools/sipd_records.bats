# The call records of talky-sipd: what a row says, `talky-sipd calls`, and that no record is lost or doubled whatever
# happens to the database, the disk and the daemon itself. On SQLite and on a PostgreSQL server that the test starts.
# ctest: cost=200
load lib
load sipd

# calls [options]: of the database beside the recordings, or of $DB; inside the name space of $IN.
IN=()
calls() { "${IN[@]}" talky-sipd --cdr "${DB:-$T/calls/calls.db}" calls "$@"; }
rows() { json "$(calls --json --limit 0)" 'len(d)'; }
rows_are() { [ "$(rows)" = "$1" ]; }
one() { json "$(calls --json)" "d[0]$1"; }
# A call of so many seconds to the echo, or wherever the number leads.
short_call() { client call "${1:-100}" --tone 500 --seconds "${2:-0.3}" >call.json; }

teardown() {
  [ -z "${PGDATA:-}" ] || as_server "$PGBIN/pg_ctl" -D "$PGDATA" -m immediate stop >/dev/null 2>&1 || true
  common_teardown
}

# A PostgreSQL server of our own on a UNIX socket: in $DB its URL. It refuses to run as root.
as_server() ( # in a folder that its user may enter
  cd / || return 1
  if [ "$(id -u)" = 0 ]; then setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; else "$@"; fi
)
postgres() {
  local initdb
  initdb=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
  [ -x "$initdb" ] || skip "there is no PostgreSQL server here (package postgresql; scripts/setup --test)"
  PGBIN=${initdb%/initdb} PGSOCKETS=$(mktemp -d /tmp/talky-pg-XXXXXX)
  if [ "$(id -u)" = 0 ]; then chown nobody:nogroup "$PGSOCKETS"; fi
  as_server "$PGBIN/initdb" -D "$PGSOCKETS/data" -U talky -A trust -E UTF8 --no-locale --no-sync >initdb.log 2>&1
  PGDATA=$PGSOCKETS/data
  postgres_start
  DB="postgresql:///postgres?host=$PGSOCKETS&user=talky"
}
postgres_start() {
  as_server "$PGBIN/pg_ctl" -D "$PGDATA" -w -t 60 -l "$PGDATA/log" -o "-F -k $PGSOCKETS -c listen_addresses=''" start \
    >/dev/null 3>&- || { cat "$PGDATA/log"; return 1; }
}

@test "a call becomes one row: who, when, how it ended, how it sounded, its files and their hashes" {
  sipd --route '200=tone:440'
  run -0 client --user alice call 200 --tone 500 --seconds 1.5
  wait_for 60 rows_are 1
  row=$(calls --json)
  [ "$(json "$row" '[d[0][k] for k in ("direction", "dialled", "route", "cause", "ended_by", "status", "codec", "transport")]')" = \
    "['in', '200', 'tone:440', 'hangup', 'caller', 200, 'PCMU', 'UDP']" ]
  [[ $(json "$row" 'd[0]["from_uri"]') == sip:alice@* ]]
  uuid=$(json "$row" 'd[0]["uuid"]')
  log_has "event=call.start .*call=$uuid"
  log_has "sip_call_id=\"?$(json "$row" 'd[0]["sip_call_id"]')"
  # In the order in which it happened, and as long as the caller stayed.
  [ "$(json "$row" 'd[0]["invited_ms"] <= d[0]["answered_ms"] <= d[0]["agent_audio_ms"] <= d[0]["ended_ms"]')" = True ]
  [ "$(json "$row" 'd[0]["answered_ms"] <= d[0]["caller_audio_ms"] < d[0]["ended_ms"]')" = True ]
  # (The answer may have left a while before its time is taken: after the INVITE, certainly.)
  [ "$(json "$row" '1400 <= d[0]["ended_ms"] - d[0]["invited_ms"] and 500 <= d[0]["ended_ms"] - d[0]["answered_ms"] < 60000')" = True ]
  wait_for 10 all_ended
  [ "$(json "$row" 'd[0]["in_packets"], d[0]["out_packets"]')" = "($(counted in_packets), $(counted out_packets))" ]
  log_has "event=call.end .*in_packets=[1-9].* in_mos=$(json "$row" 'round(d[0]["in_mos"], 2)') out_packets=[1-9]"
  [ "$(excused in)" -gt 0 ] || [ "$(json "$row" 'd[0]["in_mos"] > 3')" = True ]
  [ "$(json "$row" 'd[0]["turns"]')" = None ]
  [ "$(json "$row" 'sorted(f["kind"] for f in d[0]["files"])')" = "['journal', 'pcap', 'wav']" ]
  [ "$(json "$row" 'sum(f["repaired"] for f in d[0]["files"])')" = 0 ]
  json "$row" '"\n".join(f["sha256"] + "  " + f["path"] for f in d[0]["files"])' >sums
  sha256sum -c sums
  stop sipd
  [ -z "$(ls calls/spool)" ]
}

@test "calls that were refused, cancelled or never answered have their row too" {
  sipd --route '486=reject:486' --route '700=echo' --ring 60000
  run -2 client call 486
  client call 700 --cancel-after 0.5 || true
  wait_for 60 rows_are 2
  [ "$(json "$(calls --json --sort invited)" '[(c["cause"], c["ended_by"], c["status"], c["answered_ms"]) for c in d]')" = \
    "[('cancelled', 'caller', 487, None), ('rejected', 'agent', 486, None)]" ]
  [ "$(json "$(calls --json --cause cancelled)" 'd[0]["ringing_ms"] >= d[0]["invited_ms"]')" = True ]
}

@test "calls: table, one call, JSON, CSV, filters, order, limit" {
  sipd --route '20?=tone:440' --route '603=reject:603'
  short_call 201
  client --user bob call 202 --tone 500 --seconds 1.2 >call.json
  client --user bob call 603 >call.json || true
  wait_for 60 rows_are 3
  run -0 calls
  [ "${#lines[@]}" = 4 ]
  [[ ${lines[0]} == "TIME (UTC)"*FROM*TO*ROUTE*LENGTH*CAUSE*MOS* ]]
  [[ ${lines[1]} == 20[0-9][0-9]-*bob@*"rejected 603"* ]] # the newest first
  ms=$(json "$(calls --json --to 201)" 'd[0]["ended_ms"] - d[0]["answered_ms"]')
  [[ ${lines[3]} == *tester@*201*tone:440*$(printf '%d:%02d' $((ms / 60000)) $((ms / 1000 % 60)))*hangup*caller*PCMU* ]]
  [ "$(calls --json --from BOB | json "$(cat)" 'len(d)')" = 2 ]
  [ "$(json "$(calls --json --from 'sip:b?b@*' --cause hangup)" '[c["dialled"] for c in d]')" = "['202']" ]
  [ "$(json "$(calls --json --to 201)" 'len(d)')" = 1 ]
  [ "$(json "$(calls --json --since 1h --until 1s)" 'len(d)')" -le 3 ]
  [ "$(json "$(calls --json --until 1h)" 'd')" = '[]' ]
  longest=$(json "$(calls --json --cause hangup)" 'max(d, key=lambda c: c["ended_ms"] - c["answered_ms"])["dialled"]')
  [ "$(json "$(calls --json --since 2000-01-01T00:00+01:00 --sort duration --limit 1)" '[c["dialled"] for c in d]')" = "['$longest']" ]
  [ "$(json "$(calls --json --sort to --ascending)" '[c["dialled"] for c in d]')" = "['201', '202', '603']" ]
  calls --csv --limit 0 >all.csv
  /usr/bin/python3 - <<'PY'
import csv
rows = list(csv.DictReader(open("all.csv", newline="")))
assert [r["dialled"] for r in rows] == ["603", "202", "201"], rows
assert all(r["uuid"] and r["invited_ms"].isdigit() for r in rows)
PY
  uuid=$(json "$(calls --json --to 202)" 'd[0]["uuid"]')
  run -0 calls "$uuid"
  [[ $output == *"call            $uuid"* && $output == *"ended by        caller: hangup 200"* && $output == *sha256* ]]
  run -1 calls 00000000-0000-4000-8000-000000000000
  run -64 calls --since yesterday
  [[ $output == *'"yesterday" is not a date'* ]]
  run -64 calls --sort colour
  run -0 bash -c 'talky-sipd --cdr calls/calls.db calls | head -n 1'
  run -0 talky-sipd calls --help
  [[ $output == *"--since WHEN"* && $output == *"Examples:"* && $output != *"--rtp-ports"* ]]
}

@test "where the records go: beside the recordings, to a file, nowhere; by flag, variable and YAML; no password in a URL" {
  run -69 talky-sipd calls
  [[ $output == *"$T/state/talky/calls/calls.db"* ]]
  sipd --record '' --cdr "$T/own.db"
  short_call
  DB=$T/own.db wait_for 60 rows_are 1
  [ "$(DB=$T/own.db one '["files"]')" = '[]' ]
  stop sipd
  TALKY_SIPD_CDR=$T/own.db run -0 talky-sipd calls
  [ "${#lines[@]}" = 2 ]
  echo "cdr: $T/own.db" >config.yaml
  run -0 talky-sipd --config config.yaml calls
  [ "${#lines[@]}" = 2 ]
  sipd --cdr ''
  short_call
  stop sipd
  [ ! -e calls/calls.db ]
  [ ! -e calls/spool ]
  run -64 talky-sipd --cdr '' calls
  run -64 talky-sipd --check-config --cdr postgresql://talky:secret@localhost/calls
  [[ $output == *passfile* && $output != *secret* ]]
  run -64 talky-sipd --check-config --keep-bytes lots
  run -69 talky-sipd --cdr "postgresql:///calls?host=$T/nowhere" calls
}

@test "what was said is in the record: turns, barge-ins, response times, words with their times" {
  sipd --bridge agent --agent "unix:$T/a.sock" --agent-command "$TALKY_SOURCE/tests/tools/journal_agent.py"
  wait_line sipd 'event=agent.ready'
  short_call 100 0.5
  wait_for 60 rows_are 1
  uuid=$(one '["uuid"]')
  row=$(calls --json "$uuid")
  [ "$(json "$row" '[d[k] for k in ("turns", "barge_ins", "response_p50_ms", "response_p95_ms", "response_max_ms")]')" = \
    "[2, 1, 400, 900, 900]" ] || { echo "$row"; return 1; }
  [ "$(json "$row" '[(s["who"], s["begin_ms"], s["text"], s["cut"]) for s in d["said"]]')" = \
    "[('agent', 20, 'Good', 1), ('caller', 500, 'A cut, please.', 0), ('caller', 2000, 'On Friday.', 0)]" ] || { echo "$row"; return 1; }
  [ "$(json "$row" 'd["transcript"]')" = "$T/calls/$uuid.jsonl" ]
  [ "$(json "$(calls --json --said friday)" 'len(d)')" = 1 ]
  [ "$(json "$(calls --json --said saturday)" 'len(d)')" = 0 ]
  run -0 calls "$uuid"
  [[ $output == *"    0.50 caller: A cut, please."* ]]
}

@test "a database that another process has locked: the call ends as ever, the record waits and arrives" {
  sipd
  short_call
  wait_for 60 rows_are 1
  start locker /usr/bin/python3 -c '
import sqlite3, time
db = sqlite3.connect("calls/calls.db", isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(600)'
  wait_line locker locked
  short_call
  short_call
  wait_line sipd 'event=cdr.waits why=busy' 15
  grep -c '^talky1 ' calls/spool/*.spool
  rows_are 1
  stop locker KILL || true
  wait_for 45 rows_are 3
  log_has 'event=cdr.goes_on'
  stop sipd
  [ -z "$(ls calls/spool)" ]
}

@test "a database that cannot be opened: served all the same, and the records arrive once it can, also after a restart" {
  mkdir elsewhere
  echo 'a file, not a folder' >place
  DB=$T/place/calls.db
  sipd --cdr "$DB"
  log_has 'event=cdr.waits why=away error=.*place'
  short_call
  stop sipd
  ls calls/spool/*.spool
  rm place && mkdir place
  sipd --cdr "$DB"
  wait_for 60 rows_are 1
  log_has 'event=cdr.recovered records=1 interrupted=0 damaged=0'
  [ "$(one '["cause"]')" = hangup ]
  stop sipd
  [ -z "$(ls calls/spool)" ]
}

@test "a full disk under the database: the records wait in the spool, and arrive when there is room" {
  if unshare -rm true 2>/dev/null; then
    cat >start.sh <<SH
mount -t tmpfs -o size=600k tmpfs "$T/disk" && exec talky-sipd "\$@"
SH
    mkdir disk
    PORT=$(free_port) SERVER=127.0.0.1:$PORT rtp=$(free_port 100)
    DB=$T/disk/calls.db
    start sipd unshare -rm sh start.sh --listen "$SERVER" --bridge echo --record '' --cdr "$DB" --rtp-ports "$rtp-$((rtp + 99))"
    wait_line sipd 'event=ready'
    IN=(nsenter --preserve-credentials -U -m -t "${PIDS[sipd]}" env -C "$T")
    wait_for 60 rows_are 0
    "${IN[@]}" dd if=/dev/zero of=disk/ballast bs=1k 2>/dev/null || true
    for _ in 1 2 3; do short_call; done
    wait_line sipd 'event=cdr.waits why=full' 20
    "${IN[@]}" rm disk/ballast
    wait_for 45 rows_are 3
    log_has 'event=cdr.goes_on'
  else
    skip "no name space with a file system of our own may be made here; RLIMIT_FSIZE and max_page_count stand for it in store_test"
  fi
}

# What the log says to be safe, and the calls that clients have ended well, are there once.
check_all_there() {
  calls --json --limit 0 >rows.json
  /usr/bin/python3 - "$@" <<'PY'
import glob, json, re, sys
rows = json.load(open("rows.json"))
log = open("all.err").read()
kept = dict(re.findall(r"event=cdr.kept call=(\S+) cause=(\S+)", log))
names = [r["uuid"] for r in rows]
assert len(names) == len(set(names)), "doubled"
ids = [r["sip_call_id"] for r in rows]
assert len(ids) == len(set(ids)), "a call with two rows"
assert set(kept) <= set(names), f"lost: {set(kept) - set(names)}"
# What ended before a call that was kept went to the spool with it or before it; of what ended later, nobody has said so.
for one in log.split("event=ready ")[1:]:
    ended, safe = re.findall(r"event=call.end .* call=(\S+)", one), re.findall(r"event=cdr.kept call=(\S+) cause=hangup", one)
    while ended and ended[-1] not in safe: ended.pop()
    assert set(ended) <= set(names), f"lost: {set(ended) - set(names)}"
causes = {r["uuid"]: r["cause"] for r in rows}
assert all(causes[u] == cause for u, cause in kept.items()), "not as it ended"
for r in rows:
    assert r["cause"] in ("hangup", "interrupted"), r
    assert r["ended_ms"] >= r["invited_ms"] > 0, r
print(len(rows), "rows,", len(kept), "kept,", sum(c == "interrupted" for c in causes.values()), "interrupted")
assert len(kept) >= int(sys.argv[1]), "too few calls to prove anything"
PY
}
# kill_rounds COUNT: daemons on one port, each killed at a random moment of many short calls.
kill_rounds() {
  local round callers pid
  : >all.err
  # One process a caller: none is left to call the next daemon.
  cat >caller.py <<'PY'
import random, sys
sys.path.insert(0, sys.argv[1])
from sip_client import Client, tone
for _ in range(8):
    client = Client(sys.argv[2])
    call = client.call("100", send=tone(500, 1))
    final = call.invite(timeout=5)
    if final and final.status == 200:
        client.pump(random.choice((.1, .2, .3, .4)))
        call.bye()
    call.close()
PY
  for round in $(seq "$1"); do
    start_sipd --cdr "$DB" --listen "127.0.0.1:$FIXED" --log-level debug --no-record-packets
    callers=()
    for _ in 1 2 3; do
      /usr/bin/python3 caller.py "$TALKY_SOURCE/tests/tools" "$SERVER" >/dev/null 2>&1 3>&- &
      callers+=($!)
    done
    # Once some calls are known to be safe, at any moment.
    wait_for 60 some_are_kept || return 1
    sleep "0.$((RANDOM % 10))"
    kill -KILL "${PIDS[sipd]}"
    wait "${PIDS[sipd]}" || true
    unset "PIDS[sipd]"
    for pid in "${callers[@]}"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done
    cat sipd.err >>all.err
  done
  start_sipd --cdr "$DB" --listen "127.0.0.1:$FIXED"
  sleep 1
  wait_for 30 spool_is_empty
  stop sipd
}
# Two of this daemon's own: it keeps again what the one before has left.
some_are_kept() {
  awk 'match($0, / call=[-0-9a-f]+/) { call = substr($0, RSTART, RLENGTH) }
    /event=call.start / { own[call] = 1 }
    /event=cdr.kept .*cause=hangup/ && own[call] { kept += own[call]; own[call] = 0 }
    END { exit kept < 2 }' sipd.err
}
# A call that goes on: its answer is in the spool, and some of it in each of its files.
all_on_disk() {
  local wav
  wav=$(only_recording) && grep -q '"answered_ms":[0-9]' calls/spool/*.spool &&
    [[ $(stat -c %s "$wav") -gt 100000 && -s "${wav%.wav}.pcap" && -s "${wav%.wav}.jsonl" ]]
}
spool_is_empty() { [ "$(cat calls/spool/*.spool 2>/dev/null | wc -c)" = 0 ]; }

@test "kill -9 of the daemon, again and again, in the middle of calls: none is lost, none doubled" {
  FIXED=$(free_port) SERVER=127.0.0.1:$FIXED DB=$T/calls/calls.db
  kill_rounds 10
  check_all_there 20
}

@test "kill -9 with PostgreSQL: none is lost, none doubled" {
  postgres
  FIXED=$(free_port) SERVER=127.0.0.1:$FIXED
  kill_rounds 4
  check_all_there 8
}

@test "kill -9 in a call: its row says interrupted, its files are whole and marked as repaired" {
  sipd
  client call 100 --tone 500 --seconds 60 >call.json 2>&1 3>&- &
  caller=$!
  wait_line sipd 'event=call.start'
  wait_for 10 all_on_disk
  kill -KILL "${PIDS[sipd]}"
  wait "${PIDS[sipd]}" || true
  unset "PIDS[sipd]"
  kill "$caller" 2>/dev/null || true
  wait "$caller" 2>/dev/null || true
  wav=$(only_recording)
  # As if it had died between the samples and the header, and in the middle of a packet and of a line.
  head -c 128000 /dev/zero >>"$wav"
  head -c 7 /dev/zero >>"${wav%.wav}.pcap"
  printf '{"t_ms":99' >>"${wav%.wav}.jsonl"
  sipd
  wait_for 60 rows_are 1
  log_has 'event=cdr.recovered records=1 interrupted=1'
  [ "$(one '["cause"], d[0]["ended_by"], d[0]["status"], d[0]["uuid"]')" = "('interrupted', 'system', None, '$(basename "$wav" .wav)')" ]
  [ "$(one '["ended_ms"] >= d[0]["answered_ms"]')" = True ]
  [ "$(json "$(calls --json)" '[(f["kind"], f["repaired"]) for f in d[0]["files"]]')" = "[('wav', 1), ('pcap', 1), ('journal', 1)]" ]
  json "$(calls --json)" '"\n".join(f["sha256"] + "  " + f["path"] for f in d[0]["files"])' | sha256sum -c
  [ -z "$(tail -c 1 "${wav%.wav}.jsonl" | tr -d '\n')" ]
  sox "$wav" -n stat
}

@test "PostgreSQL: the same row, read by calls; the server stops and comes back, the records arrive" {
  postgres
  sipd --cdr "$DB"
  short_call 100 0.6
  wait_for 60 rows_are 1
  [ "$(one '["cause"], d[0]["ended_by"], d[0]["codec"], len(d[0]["files"])')" = "('hangup', 'caller', 'PCMU', 3)" ]
  as_server "$PGBIN/pg_ctl" -D "$PGDATA" -m immediate -w stop >/dev/null
  short_call
  short_call
  wait_line sipd 'event=cdr.waits why=away' 15
  postgres_start
  wait_for 45 rows_are 3
  stop sipd
  [ ! -e calls/calls.db ]
  [ -z "$(ls calls/spool)" ]
}

@test "retention: old calls go with row and files, and beyond the size the oldest recordings" {
  sipd
  for _ in 1 2 3; do short_call; done
  wait_for 60 rows_are 3
  stop sipd
  mapfile -t uuids < <(json "$(calls --json --ascending)" '"\n".join(c["uuid"] for c in d)')
  old=${uuids[0]}
  touch -d '10 days ago' "calls/$old".*
  touch -d '1 hour ago' "calls/${uuids[1]}".*
  touch -d '10 days ago' calls/notes.txt
  /usr/bin/python3 -c '
import sqlite3, sys
db = sqlite3.connect("calls/calls.db")
db.execute("UPDATE talky_calls SET ended_ms = ended_ms - 864000000 WHERE uuid = ?", [sys.argv[1]])
db.commit()' "$old"
  sipd --keep-days 7
  wait_line sipd 'event=retention calls=1 files=3'
  rows_are 2
  run -1 compgen -G "calls/$old.*"
  [ -e calls/notes.txt ]
  stop sipd
  newest=$(cat "calls/${uuids[2]}".* | wc -c)
  sipd --keep-bytes "$((newest + 10))"
  wait_line sipd 'event=retention calls=0 files=3'
  [ ! -e "calls/${uuids[1]}.wav" ]
  [ -e "calls/${uuids[2]}.wav" ]
  [ "$(json "$(calls --json --ascending)" '[len(c["files"]) for c in d]')" = '[0, 3]' ]
}

@test "files that the disk did not take as a whole are marked" {
  unshare -rm true 2>/dev/null || { echo "no name spaces here: not tried" >&3; skip "unshare is not allowed"; }
  mkdir disk
  echo "mount -t tmpfs -o size=100k tmpfs '$T/disk' && exec talky-sipd \"\$@\"" >start.sh
  PORT=$(free_port)
  SERVER=127.0.0.1:$PORT
  DB=$T/calls.db
  rtp=$(free_port 100)
  start sipd unshare -rm sh "$T/start.sh" --listen "$SERVER" --bridge echo --record "$T/disk" --cdr "$DB" \
    --rtp-ports "$rtp-$((rtp + 99))" --http ''
  wait_line sipd 'event=ready'
  short_call 100 4
  wait_for 20 rows_are 1
  log_has 'event=recording.stopped'
  [ "$(one '["cause"]')" = hangup ]
  [ "$(json "$(calls --json)" '{f["repaired"] for f in d[0]["files"]} in ({1}, {True})')" = True ]
}
