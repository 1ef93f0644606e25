#!/usr/bin/env bash
# Two hundred sessions with every attack builder of the synthesiser: each run meets its class's description, and the
# labels say so.
# Relies on: the release build.
# Relied on by: ./test.sh --long.
set -euo pipefail
[[ ${1:-} != --help ]] || { sed -n '2,/^set/s/^# //p' "${BASH_SOURCE[0]}"; exit 0; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export SIPCNN_SYNTH_SEEDS=200 CK_DEFAULT_TIMEOUT=3600
build/release/tests/synth/test_synth_attacks
