# What talky-sipd lets others see: metrics, traces, capture. Against a collector, a capture server and an agent of ours.
# ctest: cost=60
load lib
load api

tests=$BATS_TEST_DIRNAME
metrics() { get /metrics >metrics.txt && /usr/bin/python3 "$tests/metrics.py" "$@"; }
metric() { metrics value metrics.txt "$1"; }
metric_is() { [ "$(metric "$1")" = "$2" ]; }
# What is started says "listening" when it does.
start_listening() { start "$@" && wait_line "$1" '^listening$'; }
agent() {
  AGENT_PORT=$(free_port)
  start_listening agent /usr/bin/python3 "$tests/turn_agent.py" "$AGENT_PORT" "$@"
}
collector() {
  OTLP_PORT=${OTLP_PORT:-$(free_port)}
  start_listening collector /usr/bin/python3 "$tests/otlp_collector.py" "$OTLP_PORT" spans.jsonl "$@"
}
place() { run -0 client call 100 "$@"; }
ended() { wait_for 10 no_calls; }
two_answers() { metric_is talky_response_seconds_count 2; }
spans() { [ "$(grep -c . spans.jsonl 2>/dev/null)" = "$1" ]; }

@test "a call's metrics: turns by stage, pacing, and a format that Prometheus takes" {
  agent
  audio make noise said.wav --seconds 3
  sipd --bridge "tcp:127.0.0.1:$AGENT_PORT,talky" --workers 2
  call 1 --send said.wav --until over
  wait_for 20 two_answers
  paced() { [ "$(metric talky_rtp_pacing_lateness_seconds_count)" -ge 100 ]; }
  wait_for 20 paced
  touch over
  finish phone
  [ "$status" -eq 0 ]
  ended
  metrics lint metrics.txt
  [ "$(metric talky_calls_started_total)" = 1 ]
  [ "$(metric 'talky_calls_total{result="answered",cause="hangup"}')" = 1 ]
  [ "$(metric talky_response_seconds_count)" = 2 ] # the greeting answers nothing
  [ "$(metric talky_call_setup_seconds_count)" = 1 ]
  [ "$(metric talky_call_first_audio_seconds_count)" = 1 ]
  # The agent's parts are as it told them, to the sample: 0.2 + 0.1 s, 0.02 + 0.04 s ...
  [ "$(metric 'talky_response_stage_seconds_sum{stage="endpoint"}')" = 0.3 ]
  [ "$(metric 'talky_response_stage_seconds_sum{stage="stt"}')" = 0.06 ]
  [ "$(metric 'talky_response_stage_seconds_sum{stage="tts"}')" = 0.2 ]
  # All parts together are the whole.
  parts=0
  for stage in endpoint stt dialogue tts out send; do
    parts=$parts+$(metric "talky_response_stage_seconds_sum{stage=\"$stage\"}")
  done
  whole=$(metric talky_response_seconds_sum)
  /usr/bin/python3 -c "assert abs($parts - $whole) < 1e-6, ($parts, $whole); assert $whole >= 0.6"
  [ "$(metric talky_sip_received_total)" -ge 3 ]
  [ "$(metric talky_trace_spans_sent_total)" = 0 ]
}

@test "the call in the API shows its turns while it is up, and events tell of them" {
  agent
  sipd --bridge "tcp:127.0.0.1:$AGENT_PORT,talky"
  start events /usr/bin/python3 "$tests/api_client.py" events "$API" --until call.end
  reads() { metric_is talky_event_readers 1; }
  wait_for 10 reads
  call 30
  both() { [ "$(json "$(get "/api/v1/sip/calls/$CALL")" '[t["turn"] for t in d["turns"]]')" = '[0, 1, 2]' ]; }
  wait_for 10 both
  one=$(get "/api/v1/sip/calls/$CALL")
  [ "$(json "$one" '[t["stages_ms"]["endpoint"] for t in d["turns"]]')" = '[0, 200, 100]' ]
  [ "$(json "$one" 'all(abs(sum(t["stages_ms"].values()) - t["response_ms"]) < 0.1 for t in d["turns"])')" = True ]
  [ "$(code "/api/v1/sip/calls/$CALL" -X DELETE)" = 204 ]
  finish phone
  finish events
  [ "$(grep -c '"type":"call.turn"' events.out)" = 3 ] || { cat events.out events.err; false; }
}

@test "dashboard and alert rules use metrics that exist" {
  sipd
  metrics lint metrics.txt
  /usr/bin/python3 "$tests/metrics.py" names metrics.txt "$TALKY_SOURCE"/tools/sipd/monitoring/*.json \
    "$TALKY_SOURCE"/tools/sipd/monitoring/*.yml
  if command -v promtool >/dev/null; then
    promtool check rules "$TALKY_SOURCE"/tools/sipd/monitoring/prometheus-alerts.yml
    promtool check metrics <metrics.txt
    # What they say of figures of a day that had them all.
    cp "$TALKY_SOURCE"/tools/sipd/monitoring/prometheus-alerts.yml "$tests/prometheus-alerts-test.yml" .
    promtool test rules prometheus-alerts-test.yml
    [ "$(grep -c '^      - alert:' prometheus-alerts.yml)" = "$(grep -o 'alertname: Talky[A-Za-z]*' prometheus-alerts-test.yml | sort -u | wc -l)" ]
  else
    echo "promtool is not installed: the rules are not checked by it" >&3
  fi
}

@test "a bridge that breaks is counted" {
  agent --die-at 30
  sipd --bridge "tcp:127.0.0.1:$AGENT_PORT,talky"
  place --seconds 10
  ended
  [ "$(metric talky_bridge_failures_total)" = 1 ]
}

@test "a call is one trace: a span for each stage of a turn, inside of one another and adding up" {
  agent
  collector --header 'X-Key=secret word'
  echo 'X-Key: secret word' >headers
  OTEL_RESOURCE_ATTRIBUTES=deployment.environment=test OTEL_SERVICE_NAME=desk \
    sipd --bridge "tcp:127.0.0.1:$AGENT_PORT,talky" --route 404=reject:404 \
    --otlp "http://127.0.0.1:$OTLP_PORT" --otlp-headers headers
  call 1 --until over
  wait_for 20 two_answers
  touch over
  finish phone
  ended
  # call, setup, greeting with 2 stages, 2 turns with 3 + 5 stages of the agent's and one of ours
  whole() { /usr/bin/python3 "$tests/traces.py" spans.jsonl 1 2 >checked 2>&1; }
  wait_for 10 whole || { cat checked collector.out; false; }
  grep -q '"service.name": "desk"' spans.jsonl
  grep -q '"deployment.environment": "test"' spans.jsonl
  run client call 404
  two() { /usr/bin/python3 "$tests/traces.py" spans.jsonl 2 >checked 2>&1; }
  wait_for 10 two || { cat checked collector.out; false; }
  run -1 grep wrong collector.out
  sent() { metric_is talky_trace_spans_sent_total "$(grep -c . spans.jsonl)"; }
  wait_for 10 sent
  [ "$(metric talky_trace_queue_spans)" = 0 ]
  # Nothing secret is printed.
  run -0 talky-sipd --otlp "http://127.0.0.1:$OTLP_PORT" --otlp-headers headers --print-config
  [[ $output != *"secret word"* ]]
}

@test "a collector that is away, turns spans away, or stalls, loses none and delays no call" {
  OTLP_PORT=$(free_port)
  sipd --otlp "http://127.0.0.1:$OTLP_PORT"
  place --seconds 0.3
  ended
  away() { [ "$(metric talky_trace_export_failures_total)" -ge 1 ]; }
  wait_for 10 away
  wait_line sipd 'event=otlp.waits'
  collector --answer 503 --retry-after 1 --times 1
  one() { /usr/bin/python3 "$tests/traces.py" spans.jsonl 1 >checked 2>&1; }
  wait_for 60 one || { cat checked collector.out sipd.err; false; }
  grep -q 'refused 503' collector.out
  wait_line sipd 'event=otlp.goes_on'
  [ "$(metric talky_trace_spans_dropped_total)" = 0 ]
  stop collector
  # It takes the connection and says nothing: calls go on meanwhile, and the daemon ends all the same.
  collector --stall 600
  place --seconds 0.3
  ended
  waits() { metric_is talky_trace_queue_spans 2; }
  wait_for 10 waits
  stop sipd
  [ "$status" -eq 0 ]
  grep -q 'event=otlp.undelivered.* spans=2' sipd.err
}

@test "spans that the collector refuses for good are dropped and counted, and no others" {
  collector --answer 400 --times 1
  # A call that is not answered has both its spans at its end: one request takes them.
  sipd --otlp "http://127.0.0.1:$OTLP_PORT/v1/traces" --route 404=reject:404
  run -2 client call 404
  refused_two() { metric_is 'talky_trace_spans_dropped_total{cause="refused"}' 2; }
  wait_for 20 refused_two
  run -2 client call 404
  taken() { metric_is talky_trace_spans_sent_total 2; }
  wait_for 20 taken
  /usr/bin/python3 "$tests/traces.py" spans.jsonl 1
}

@test "a collector behind TLS: its certificate is checked, and bodies may be packed" {
  need openssl
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out request.pem -subj /CN=collector 2>/dev/null
  openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem \
    -extfile <(echo subjectAltName=IP:127.0.0.1) 2>/dev/null
  collector --tls server.pem server.key --coding gzip
  # Nobody vouches for it: nothing is sent, and no call is harmed.
  sipd --otlp "https://127.0.0.1:$OTLP_PORT"
  place --seconds 0.2
  ended
  refuses() { grep -q 'event=otlp.waits.*TLS: ' sipd.err; }
  wait_for 20 refuses
  stop sipd
  [ ! -s spans.jsonl ]
  # The right name is part of it.
  sipd --otlp "https://localhost:$OTLP_PORT" --otlp-ca ca.pem --otlp-compression gzip
  place --seconds 0.2
  wait_for 20 refuses
  stop sipd
  [ ! -s spans.jsonl ]
  OTEL_EXPORTER_OTLP_COMPRESSION=gzip OTEL_EXPORTER_OTLP_CERTIFICATE=ca.pem sipd --otlp "https://127.0.0.1:$OTLP_PORT"
  place --seconds 0.2
  whole() { /usr/bin/python3 "$tests/traces.py" spans.jsonl 1 >checked 2>&1; }
  wait_for 60 whole || { cat checked collector.out sipd.err; false; }
  run -1 grep wrong collector.out
  stop sipd
  # What is for traces alone goes before what is for everything, and its place is taken as it is.
  : >spans.jsonl
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://127.0.0.1:$OTLP_PORT/v1/traces OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1 \
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=gzip OTEL_EXPORTER_OTLP_COMPRESSION=br \
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE=ca.pem OTEL_EXPORTER_OTLP_CERTIFICATE=missing sipd
  place --seconds 0.2
  wait_for 60 whole || { cat checked collector.out sipd.err; false; }
  run -1 grep wrong collector.out
  stop sipd
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://127.0.0.1:$OTLP_PORT/elsewhere OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE=ca.pem \
    sipd --otlp-compression gzip
  place --seconds 0.2
  astray() { grep -q '/elsewhere' collector.out; }
  wait_for 60 astray || { cat collector.out sipd.err; false; }
  run -66 talky-sipd --otlp https://127.0.0.1 --otlp-ca missing --check-config
  run -64 talky-sipd --otlp https://127.0.0.1 --otlp-compression br --check-config
  OTEL_EXPORTER_OTLP_COMPRESSION=br run -64 talky-sipd --otlp https://127.0.0.1 --check-config
}

@test "a capture server is shown every SIP message and the RTCP reports, as HEP3" {
  HEP_PORT=$(free_port)
  start_listening homer /usr/bin/python3 "$tests/hep_listen.py" "$HEP_PORT"
  echo s3cret >key
  sipd --hep "127.0.0.1:$HEP_PORT" --hep-id 77 --hep-key key
  run -0 client --transport tcp call 100 --seconds 1
  ended
  shown() { grep -q '"type": 5,' homer.out && [ "$(metric talky_hep_packets_sent_total)" = "$(grep -c '^{' homer.out)" ]; }
  wait_for 10 shown
  [ "$(metric talky_hep_packets_dropped_total)" = 0 ]
  PORT=$PORT /usr/bin/python3 - homer.out <<'PY'
import json, os, sys
packets = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
port = int(os.environ["PORT"])
assert all(p["capture_id"] == 77 and p["key"] == "s3cret" and p["family"] == 2 for p in packets)
sip = [p for p in packets if p["type"] == 1]
first = [p["payload"].split("\r\n")[0] for p in sip]
assert first[0].startswith("INVITE sip:100@") and sip[0]["to_port"] == port, first
assert any(line == "SIP/2.0 200 OK" for line in first) and any(line.startswith("ACK ") for line in first), first
assert any(line.startswith("BYE ") for line in first), first
for p in sip:
    assert p["protocol"] == 6 and port in (p["from_port"], p["to_port"]), p
    assert p["payload"].endswith(p["payload"].split("\r\n\r\n", 1)[1])
    assert f"Call-ID: {p['correlation']}" in p["payload"] or f"i: {p['correlation']}" in p["payload"], p
times = [p["seconds"] * 10**6 + p["microseconds"] for p in sip]
assert times == sorted(times)
rtcp = [json.loads(p["payload"]) for p in packets if p["type"] == 5]
assert rtcp, "no RTCP report"
assert {p["correlation"] for p in packets} == {sip[0]["correlation"]}
report = rtcp[0]
assert report["type"] in (200, 201) and report["ssrc"] and report["report_count"] == len(report["report_blocks"]), report
if report["type"] == 200:
    assert report["sender_information"]["packets"] > 0, report
PY
}

@test "capture over IPv6, from several workers: nothing twice, nothing missing" {
  HEP_PORT=$(free_port)
  start_listening homer /usr/bin/python3 "$tests/hep_listen.py" "$HEP_PORT" --host ::1
  sipd --hep "[::1]:$HEP_PORT" --workers 3
  for _ in 1 2 3 4 5 6; do
    place --seconds 0.1 --log
    echo "$output" >>calls.out
  done
  ended
  shown() { [ "$(metric talky_hep_packets_sent_total)" = "$(grep -c '^{' homer.out)" ]; }
  wait_for 10 shown
  [ "$(metric talky_hep_packets_dropped_total)" = 0 ]
  # Every SIP message once: as many as the daemon received and sent.
  all=$(($(metric talky_sip_received_total) + $(metric talky_sip_sent_total)))
  /usr/bin/python3 - homer.out "$all" calls.out <<'PY'
import collections, json, sys
packets = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
sip = [p for p in packets if p["type"] == 1]
assert len({p["correlation"] for p in sip}) == 6, sip
assert len(sip) == int(sys.argv[2]), (len(sip), sys.argv[2])
# A caller who was kept from running sends some of them again.
methods = ("INVITE", "ACK", "BYE")
sent = collections.Counter(line.split(" ")[0] for call in open(sys.argv[3]) for _, way, line in json.loads(call)["log"] if way == ">")
seen = collections.Counter(p["payload"].split(" ")[0] for p in sip)
assert [seen[m] for m in methods] == [sent[m] for m in methods], (seen, sent)
for call in {p["correlation"] for p in sip}:
    first = [p["payload"].split(" ")[0] for p in sip if p["correlation"] == call]
    assert all(m in first for m in methods), first
PY
}

@test "what is not a collector's URL, a capture server or a key is refused at once" {
  for url in nonsense ftp://h http:// 'http://u:p@h' 'http://h#x' 'http://h?x=1' http://h:0; do
    run -64 talky-sipd --otlp "$url" --check-config
    [[ $output == *"--otlp"* ]]
  done
  run -64 talky-sipd --hep nonsense:port --check-config
  printf 'X-Key secret\n' >headers
  run -78 talky-sipd --otlp http://127.0.0.1 --otlp-headers headers --check-config
  [[ $output != *secret* ]]
  printf 'Host: x\n' >headers
  run -78 talky-sipd --otlp http://127.0.0.1 --otlp-headers headers --check-config
  : >key
  run -78 talky-sipd --hep 127.0.0.1 --hep-key key --check-config
  run -66 talky-sipd --hep 127.0.0.1 --hep-key missing --check-config
}
