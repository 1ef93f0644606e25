#!/usr/bin/env bash
# Every fuzz target's seeds, mutated 100,000 times each, through the sanitized parsers: seeded, so repeatable.
# Relies on: the asan build.
# Relied on by: ./test.sh --long.
set -euo pipefail
[[ ${1:-} != --help ]] || { sed -n '2,/^set/s/^# //p' "${BASH_SOURCE[0]}"; exit 0; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
shopt -s nullglob
for target in build/asan/tests/*/fuzz_*; do
  [[ -f $target && -x $target ]] || continue
  name=$(basename "$target")
  echo "$name"
  "$target" --mutations 100000 --seed 2026 tests/seeds/"$name"/*
done
