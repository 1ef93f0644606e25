#!/usr/bin/env bash
# Four hundred synthesised calls and their registrations at a real Kamailio with SIPp behind it; forty sessions in tshark.
# Relies on: the release build, tests/synth; skipped without kamailio, sipp or tshark.
# Relied on by: ./test.sh --long.
set -euo pipefail
[[ ${1:-} != --help ]] || { sed -n '2,/^set/s/^# //p' "${BASH_SOURCE[0]}"; exit 0; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
status=0
tests/synth/replay.py build/release/tools/data/sipcnn-data 400 || status=$?
[[ $status -eq 77 ]] || [[ $status -eq 0 ]] || exit "$status"
tests/synth/test_tshark.py build/release/tools/data/sipcnn-data 40 2000 || status=$?
[[ $status -eq 77 ]] || exit "$status"
