#!/usr/bin/env bash
# The full lab: two sessions that training never saw, replayed through the sensor and scored.
# Relies on: tools/lab (root, network namespaces), the release build, models/sipcnn-base.sipcnn.
# Relied on by: ./test.sh --long.
set -euo pipefail
[[ ${1:-} != --help ]] || { sed -n '2,/^set/s/^# //p' "${BASH_SOURCE[0]}"; exit 0; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tools/packages.sh lab
folder=build/lab
rm -rf "$folder"
tools/lab/make_samples.sh heldout "$folder"
sessions=()
for name in mixed benign; do
  session=$folder/$name/$name
  build/release/infer/sipcnn-infer --quiet --model models/sipcnn-base.sipcnn --read "$session.pcap" \
    --verdicts "$session.verdicts.jsonl" --json >"$session.incidents.jsonl"
  sessions+=("$session")
done
build/release/bench/sipcnn-bench accuracy "${sessions[@]}"
