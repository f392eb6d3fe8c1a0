# What `cmake --install` puts in place works from there: the programs, the page, manual, completions, figures.
# ctest: busy
load lib
load api

setup_file() {
  export STAGE=$BATS_FILE_TMPDIR/stage
  DESTDIR=$STAGE cmake --install "$TALKY_BUILD" >"$BATS_FILE_TMPDIR/install.log" 2>&1 || { tail -n 20 "$BATS_FILE_TMPDIR/install.log"; return 1; }
  PREFIX=$STAGE$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$TALKY_BUILD/CMakeCache.txt")
  export PREFIX
}
tools=(talky-sipd talky-agent talky-replay talky-transcode talky-rtpdump)

@test "the programs are there, and nothing of the build goes with them" {
  for tool in "${tools[@]}"; do
    [ -x "$PREFIX/bin/$tool" ]
    run -0 env -i PATH=/usr/bin:/bin HOME="$T" "$PREFIX/bin/$tool" --version
    [[ $output == "$tool "* ]]
    # Libraries come from the system.
    run -0 readelf -d "$PREFIX/bin/$tool"
    [[ $output != *"$TALKY_BUILD"* ]]
  done
  [ -z "$(find "$STAGE" -name '*.a' -o -name '*.o' -o -name '*_test' -o -name '*.hpp')" ]
}

@test "manual, completions, dashboards, rules and flows are where they are looked for" {
  for page in "$TALKY_SOURCE"/man/*.scd; do
    name=$(basename "$page" .scd)
    file=$PREFIX/share/man/man${name##*.}/$name
    [ -s "$file" ] || [ -s "$file.gz" ] || { echo "no $file"; false; }
  done
  for tool in "${tools[@]}"; do
    [ -s "$PREFIX/share/bash-completion/completions/$tool" ]
    [ -s "$PREFIX/share/zsh/site-functions/_$tool" ]
    [ -s "$PREFIX/share/fish/vendor_completions.d/$tool.fish" ]
  done
  for file in monitoring/grafana-dashboard.json monitoring/prometheus-alerts.yml flows/front-desk.yaml; do
    cmp "$PREFIX/share/talky/$file" "$TALKY_SOURCE"/tools/*/"$file"
  done
}

@test "the installed daemon serves its page, has the installed agent speak, and a call reaches that" {
  PATH=$PREFIX/bin:$PATH sipd --bridge agent
  [[ $(readlink "/proc/${PIDS[sipd]}/exe") == "$PREFIX/bin/talky-sipd" ]]
  if [ -d "$PREFIX/share/talky/web" ]; then
    [ "$(code /)" = 200 ]
    cmp answer "$PREFIX/share/talky/web/index.html"
    for asset in $(grep -o 'assets/[^"]*' answer | sort -u); do [ "$(code "/$asset" -o asset)" = 200 ]; done
    [ "$(code /calls)" = 200 ]
  else
    echo "the web page was not built: it is not looked for" >&3
    [ "$(code / -H 'Accept: text/html')" = 404 ]
    grep -q 'scripts/run' answer
  fi
  # Its agent is the one beside it, with its models.
  [ "$(code /api/v1/web/voices/Emma/sample)" = 200 ]
  if [ -d "$PREFIX/share/talky/models" ]; then
    call 600
    spoken() { get /metrics | grep -q '^talky_call_first_audio_seconds_count 1$'; }
    wait_for 60 spoken
    [ "$(json "$(get "/api/v1/sip/calls/$CALL")" 'd["bridge"].split(":")[0]')" = agent ]
    [ "$(code "/api/v1/sip/calls/$CALL" -X DELETE)" = 204 ]
    finish phone
  else
    echo "the speech models are not installed: no call is made" >&3
  fi
}
