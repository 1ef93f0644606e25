#!/usr/bin/env bash
# The same seed, the same bits: the SIP CNN learns from the samples on 1, 2, 3 and 8 threads, and again interrupted at
# random moments (Ctrl-C and kill -9) and resumed on another number of them; run and model file are compared byte for byte.
# Relies on: the release build (sipcnn-data, sipcnn-train), data/samples.
# Relied on by: ./test.sh --long.
#
#   tests/long/determinism.sh [INTERRUPTIONS [EPOCHS [SEED]]]
set -euo pipefail
[[ ${1:-} != --help ]] || { sed -n '2,/^set/s/^# //p' "${BASH_SOURCE[0]}"; exit 0; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
interruptions=${1:-12} epochs=${2:-4} seed=${3:-1}
build=$(realpath "${SIPCNN_BUILD:-build/release}")
samples=$(realpath data/samples)
threads=(1 2 3 8)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
RANDOM=$seed

# The number of threads goes by the environment: the command line is kept in the run, for provenance.
fit() { OMP_NUM_THREADS=$1 "$build/train/sipcnn-train" fit --dataset ../lab.h5 --split first --output run.ckpt \
  --export run.sipcnn --epochs "$epochs" --seed "$seed" >/dev/null 2>&1; }
resume() { OMP_NUM_THREADS=$1 "$build/train/sipcnn-train" resume run.ckpt --export run.sipcnn >/dev/null 2>&1; }

same() {
  for file in run.ckpt run.sipcnn; do
    cmp "$file" "../whole1/$file" || { echo "$1: another $file"; exit 1; }
  done
  echo "$1: the same bits"
}

# interrupted NUMBER SIGNAL: true when the signal came in time.
interrupted() {
  local first=${threads[$1 % 4]} second=${threads[$((($1 + 1 + $1 / 4 % 3) % 4))]} pid after
  after=$(awk -v took="$took" -v share="$RANDOM" 'BEGIN { print took * (.1 + .9 * share / 32768) }')
  fit "$first" 2>/dev/null & # which would say that it was killed
  pid=$!
  sleep "$after"
  # The function runs in a subshell, the program is its child.
  pkill "-$2" -P "$pid" || true
  wait "$pid" && return 1
  # Before the first epoch there may be nothing to resume yet.
  if [[ -s run.ckpt ]]; then resume "$second"; else fit "$second"; fi
  same "SIG$2 after $after s, $first then $second threads"
}

"$build/tools/data/sipcnn-data" import --output lab.h5 "$samples"/{content-g,office-a,slow-f}.pcap.xz >/dev/null 2>&1
"$build/tools/data/sipcnn-data" split lab.h5 --name first --by capture --assign content-g=train --assign slow-f=train \
  --assign office-a=validation >/dev/null
for n in "${threads[@]}"; do
  mkdir "whole$n"
  cd "whole$n"
  began=$EPOCHREALTIME
  fit "$n"
  took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
  same "$n threads, $took s"
  cd ..
done
took_in_time=0
for ((i = 0; i < interruptions; i++)); do
  mkdir "part$i"
  cd "part$i"
  if ((i % 3 < 2)); then signal=INT; else signal=KILL; fi
  interrupted "$i" "$signal" && took_in_time=$((took_in_time + 1))
  cd ..
done
echo "$took_in_time of $interruptions interruptions came in time"
((took_in_time > 0 || interruptions == 0))
