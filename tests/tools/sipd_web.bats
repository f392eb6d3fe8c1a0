# What talky-sipd serves to a browser: the files of its web page, and the voices of the agent.
load lib
load api

folder() {
  mkdir -p web/assets web/.git
  printf '<!doctype html><title>talky</title>' >web/index.html
  printf '<!doctype html><title>calls</title>' >web/calls.html
  printf 'console.log("a");' >web/assets/index-Bq3vK9aD.js
  printf 'console.log("b");' >web/assets/worklet.js
  printf 'body{}' >web/assets/style.css
  printf 'secret' >web/assets/.hidden
  printf 'secret' >web/.git/config
  printf 'secret' >outside.txt
  ln -s ../../outside.txt web/assets/link.txt
  gzip -kn web/assets/index-Bq3vK9aD.js
}
fields() { curl -sS --max-time 20 -o body -D - "$@" | tr -d '\r'; }

@test "pages and assets: types, validators, safety" {
  folder
  sipd --web web
  fields "$API/" >header
  grep -q '^HTTP/1.1 200' header
  cmp body web/index.html
  grep -qix 'content-type: text/html; charset=utf-8' header
  grep -qix 'x-content-type-options: nosniff' header
  grep -qi "^content-security-policy: default-src 'none'; script-src 'self';.*frame-ancestors 'none'" header
  run -1 grep -i 'unsafe' header
  grep -qix 'cache-control: no-cache' header
  etag=$(sed -n 's/^ETag: //p' header)
  [ "$(code / -H "If-None-Match: $etag")" = 304 ]
  [ ! -s answer ]
  [ "$(code / -H 'If-None-Match: "other"')" = 200 ]
  [ "$(get /calls)" = "$(cat web/calls.html)" ]
  fields "$API/assets/index-Bq3vK9aD.js" >header
  grep -qix 'content-type: text/javascript; charset=utf-8' header
  grep -qix 'cache-control: public, max-age=31536000, immutable' header
  fields "$API/assets/worklet.js" >header
  grep -qix 'cache-control: no-cache' header
  fields "$API/assets/style.css" >header
  grep -qix 'content-type: text/css; charset=utf-8' header
  # Packed beforehand, for who takes it.
  fields -H 'Accept-Encoding: gzip' "$API/assets/index-Bq3vK9aD.js" >header
  grep -qix 'content-encoding: gzip' header
  grep -qix 'vary: accept-encoding' header
  gunzip -c <body | cmp - web/assets/index-Bq3vK9aD.js
  fields -H 'Accept-Encoding: gzip;q=0, br' "$API/assets/index-Bq3vK9aD.js" >header
  run -1 grep -i 'content-encoding' header
  # HEAD has no body.
  grep -q '^Content-Length: 17' <(fields -I "$API/assets/worklet.js")
}

@test "nothing is served but the files of the page" {
  folder
  sipd --web web
  for path in /assets /assets/ /assets/. /assets/.hidden /assets/link.txt /assets/nothing.js /index.html /web/index.html \
    /.git/config /assets/worklet.js%00.css; do
    got=$(code "$path" --path-as-is)
    [[ $got == 40[04] ]] || { echo "$path: $got"; false; }
    run -1 grep -q secret answer
  done
  for path in /assets/../index.html /assets/..%2foutside.txt /assets/%2e%2e/%2e%2e/outside.txt '/assets/..\outside.txt' /../outside.txt //etc/passwd; do
    refused 400 "$path" --path-as-is
  done
  refused 405 / -X POST
  refused 405 /assets/worklet.js -X DELETE
  refused 421 / -H 'Host: rebound.example'
}

@test "without the page: people get a hint, programs a problem" {
  sipd --web ''
  refused 404 /
  refused 404 /calls -H 'Accept: application/json'
  refused 404 /assets/index.js
  [ "$(code / -H 'Accept: text/html,*/*')" = 404 ]
  grep -q '<h1>talky-sipd runs</h1>' answer
  grep -q 'href="/api/v1"' answer
}

@test "with tokens the page loads, and what it asks for needs one" {
  folder
  printf 'read:0123456789abcdef\n' >tokens
  sipd --web web --http-tokens tokens
  [ "$(code /)" = 200 ]
  [ "$(code /assets/worklet.js)" = 200 ]
  refused 401 /api/v1/web/voices
  refused 401 '/api/v1/web/voices?access_token=0123456789abcdef'
  # What a player loads may carry it in its address.
  [ "$(code '/api/v1/web/voices/Emma/sample?access_token=0123456789abcdef')" = 200 ]
  refused 401 /api/v1/web/voices/Emma/sample
}

@test "voices: what the agent has, each with a sample that it speaks itself" {
  sipd
  voices=$(get /api/v1/web/voices)
  [ "$(json "$voices" '[v["name"] for v in d]')" = "['Sophia', 'Emma', 'Alex']" ]
  for name in Sophia Emma Alex; do
    path=$(json "$voices" "[v['sample'] for v in d if v['name'] == '$name'][0]")
    [ "$(code "$path")" = 200 ]
    cp answer "$name.wav"
    [ "$(soxi -r "$name.wav") $(soxi -c "$name.wav") $(soxi -b "$name.wav")" = '16000 1 16' ]
    [ "$(/usr/bin/python3 -c "print($(soxi -D "$name.wav") > 2)")" = True ]
    # Spoken, not silent.
    [ "$(sox "$name.wav" -n stat 2>&1 | awk '/RMS.*amplitude/ { print ($3 > 0.01) }')" = 1 ]
  done
  run -1 cmp -s Sophia.wav Emma.wav
  # Once made it is kept: the same again, by its ETag and in parts.
  [ "$(code /api/v1/web/voices/Alex/sample)" = 200 ]
  cmp answer Alex.wav
  etag=$(fields "$API/api/v1/web/voices/Alex/sample" | sed -n 's/^ETag: //p')
  [ "$(code /api/v1/web/voices/Alex/sample -H "If-None-Match: $etag")" = 304 ]
  [ "$(code /api/v1/web/voices/Alex/sample -r 100-199)" = 206 ]
  cmp answer <(tail -c +101 Alex.wav | head -c 100)
  refused 416 /api/v1/web/voices/Alex/sample -r 99999999-
  refused 404 /api/v1/web/voices/Nobody/sample
}

@test "voices: a sample is spoken once, and kept over restarts for as long as the program stays the same" {
  cat >speaker <<'SH'
#!/bin/sh
cd "$(dirname "$0")" || exit 1
case $1 in
  voices) printf '{"name":"Ann","description":"of a test","version":"%s"}\n' "$(cat version)" ;;
  say) echo run >>runs && head -c 64000 /dev/urandom ;;
esac
SH
  chmod +x speaker
  sample() {
    sipd --agent-command "$PWD/speaker"
    [ "$(code /api/v1/web/voices/Ann/sample)" = 200 ]
    stop sipd
  }
  echo 1 >version
  sample
  mv answer first
  sample
  cmp answer first
  [ "$(wc -l <runs)" = 1 ]
  kept=$(echo state/talky/voices/*)
  cmp "$kept" first
  # What a crash or a full disk left is not taken for a sample.
  truncate -s 5000 "$kept"
  sample
  [ "$(wc -l <runs)" = 2 ]
  run -1 cmp -s answer first
  echo 2 >version
  sample
  [ "$(wc -l <runs)" = 3 ]
  [ "$(find state/talky/voices -type f | wc -l)" = 1 ]
}

@test "voices: a program that does not speak is said to be so, and is not started for each request" {
  printf '#!/bin/sh\necho run >>runs\nexit 3\n' >broken
  chmod +x broken
  sipd --agent-command "$PWD/broken"
  local begin=$SECONDS
  for i in 1 2 3 4 5; do refused 503 /api/v1/web/voices; done
  [ "$(wc -l <runs)" -le $((2 + (SECONDS - begin) / 5)) ] # it is asked again after 5 s
  grep -q 'exit status 3' answer
  stop sipd
  sipd --agent-command ''
  refused 503 /api/v1/web/voices
}
