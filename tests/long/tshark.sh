#!/usr/bin/env bash
# The SIP messages that wire finds in the third-party captures, frame by frame against tshark's.
# Relies on: the release build, tests/wire/compare_tshark.py; skipped without tshark or the corpus.
# Relied on by: ./test.sh --long.
set -euo pipefail
[[ ${1:-} != --help ]] || { sed -n '2,/^set/s/^# //p' "${BASH_SOURCE[0]}"; exit 0; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
status=0
tests/wire/compare_tshark.py build/release/tests/wire/wire_dump "${SIPCNN_CORPUS:-../shared/corpus}" \
  tests/wire/corpus.tsv || status=$?
[[ $status -eq 77 ]] || exit "$status"
