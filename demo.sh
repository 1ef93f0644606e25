#!/usr/bin/env bash
# The whole path in one run: build, learn from the sample captures, watch a capture that training never saw, and
# show the incidents as they arrived at the collector.
# Relies on: tools/packages.sh, data/samples.
# Relied on by: README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

out=demo-out
build=build/demo
collector_pid=''

usage() {
  cat <<END
usage: ./demo.sh

Installs what is missing (Debian packages), builds, trains on data/samples, and runs the sensor on
data/samples/demo.pcap.xz. Everything it makes is in $out/ and $build/. Under 10 minutes on 2 cores; repeatable.
On a terminal the collector stays up at the end, for a look with a browser, until Ctrl-C.

example:
  ./demo.sh
END
}

step() {
  printf '\n== %s  (%d s)\n' "$*" "$SECONDS"
}

stop_collector() {
  [[ -z $collector_pid ]] || kill "$collector_pid" 2>/dev/null || true
  collector_pid=''
}

compile() {
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSIPCNN_TESTS=OFF && cmake --build "$build"
}

build_commands() {
  if ! compile >"$out/build.log" 2>&1; then
    tail -n 40 "$out/build.log"
    return 1
  fi
  PATH=$PWD/$build/tools/data:$PWD/$build/train:$PWD/$build/infer:$PWD/$build/tools/collector:$PATH
}

# Every sample capture but the one that the sensor will watch.
training_captures() {
  find data/samples -name '*.pcap.xz' ! -name 'demo.pcap.xz' | sort
}

# Two whole sessions choose the epoch, the thresholds and k of n; the others are learned from.
import_samples() {
  local captures sides=() name side
  mapfile -t captures < <(training_captures)
  sipcnn-data import --output "$out/samples.h5" "${captures[@]}"
  for name in "${captures[@]}"; do
    name=$(basename "$name" .pcap.xz) side=train
    [[ $name != office-a && $name != callcentre-c ]] || side=validation
    sides+=(--assign "$name=$side")
  done
  sipcnn-data split "$out/samples.h5" --name first --by capture "${sides[@]}"
}

train_model() {
  sipcnn-train fit --dataset "$out/samples.h5" --split first --output "$out/demo.ckpt" --seed 1 \
    --export "$out/demo.sipcnn"
  sipcnn-train evaluate --checkpoint "$out/demo.ckpt" --side validation
}

# Sets url.
start_collector() {
  rm -f "$out"/collector.db*
  sipcnn-collector --port 0 --database "$out/collector.db" >"$out/collector.log" 2>&1 &
  collector_pid=$!
  trap stop_collector EXIT INT TERM
  local _
  for _ in $(seq 100); do
    url=$(grep -o -m 1 'http://[^ ]*' "$out/collector.log" || true)
    [[ -z $url ]] || return 0
    sleep 0.1
  done
  cat "$out/collector.log"
  echo "demo.sh: the collector did not start" >&2
  return 1
}

watch_capture() {
  xz --decompress --stdout data/samples/demo.pcap.xz |
    sipcnn-infer --model "$out/demo.sipcnn" --read - --verdicts "$out/demo.verdicts.jsonl" --json --report "$url" \
      >"$out/demo.incidents.jsonl"
}

# The incidents as the collector lists them, in the order in which they opened.
show_incidents() {
  curl --silent --show-error --fail "${url%/}/v1/incidents?limit=500" | python3 -c '
import json, sys
incidents = [i for i in json.load(sys.stdin)["incidents"] if i["by"] == "model"]
print("%-8s  %-18s %-9s %-26s %8s" % ("opened", "class", "severity", "client (or target)", "messages"))
start = min((i["first"] for i in incidents), default=0)
for i in sorted(incidents, key=lambda i: i["first"]):
    who = i.get("client") or "target " + i.get("target", "")
    print("%7.1fs  %-18s %-9s %-26s %8d" % (i["first"] - start, i["class"], i["severity"], who, i["messages"]))
print("%d incidents by the model" % len(incidents))'
}

main() {
  case ${1:-} in
    '') ;;
    --help) usage; return 0 ;;
    *) usage >&2; return 2 ;;
  esac
  mkdir -p "$out"
  step 'Packages'
  tools/packages.sh build demo
  step 'Build'
  build_commands
  step 'Import the labelled samples into HDF5'
  import_samples
  step 'Train, evaluate, export'
  train_model
  step 'Start the collector'
  start_collector
  echo "collector: $url"
  step 'Watch a capture that training never saw'
  watch_capture
  step 'Incidents as they arrived at the collector'
  show_incidents
  printf '\nDone in %d s. In a browser: %s\n' "$SECONDS" "$url"
  if [[ -t 1 ]]; then
    echo 'The collector runs until Ctrl-C.'
    wait "$collector_pid" || true
  fi
}

main "$@"
