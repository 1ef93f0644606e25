#!/usr/bin/env bash
# Out of core: a training run on a dataset larger than memory may get, and what it needed of memory and time.
# Relies on: the release build (sipcnn-data, sipcnn-train, multiply_dataset), data/samples, /proc; 16 GiB in
# $TMPDIR at the default size.
# Relied on by: ./test.sh --long.
#
#   tests/long/out_of_core.sh [MESSAGES [EPOCHS]]
#
# The dataset is the samples many times over, every copy with runs and clients of its own. Fails if both
# processes together ever needed more than 2 GiB.
set -euo pipefail
[[ ${1:-} != --help ]] || { sed -n '2,/^set/s/^# //p' "${BASH_SOURCE[0]}"; exit 0; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
messages=${1:-50000000} epochs=${2:-1}
build=${SIPCNN_BUILD:-build/release}
limit_kib=$((2 << 20))
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

make_dataset() {
  local samples=data/samples small=$folder/small.h5
  "$build/tools/data/sipcnn-data" import --output "$small" \
    $samples/{benign-e,callcentre-c,campus-d,carrier-b,content-g,fraud-h,office-a,slow-f}.pcap.xz >/dev/null 2>&1
  "$build/tools/data/sipcnn-data" split "$small" --name first --by capture \
    --assign benign-e=train --assign callcentre-c=validation --assign campus-d=train --assign carrier-b=train \
    --assign content-g=train --assign fraud-h=train --assign office-a=validation --assign slow-f=train >/dev/null
  local copies=$(((messages + 114425) / 114426))
  "$build/tests/train/multiply_dataset" "$small" "$copies" "$folder/large.h5"
  "$build/tools/data/sipcnn-data" info "$folder/large.h5" >"$folder/info"
  head -1 "$folder/info"
}

# The most that a process and its children have had resident, each by itself, summed: peak_kib PID.
peak_kib() {
  local sum=0 pid kib
  for pid in "$1" $(pgrep -P "$1" || true); do
    kib=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null || true)
    sum=$((sum + ${kib:-0}))
  done
  echo "$sum"
}

# Runs a command and prints how long it took and its peak; fails with it, or when it needed too much.
measure() {
  local began=$SECONDS peak=0 now pid
  "$@" &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    now=$(peak_kib "$pid")
    ((now <= peak)) || peak=$now
    sleep 0.5
  done
  wait "$pid"
  echo "$((SECONDS - began)) s, at most $((peak >> 10)) MiB resident in both processes"
  ((peak <= limit_kib)) || { echo "more than $((limit_kib >> 10)) MiB"; return 1; }
}

make_dataset
echo "fit, $epochs epochs"
measure "$build/train/sipcnn-train" fit --dataset "$folder/large.h5" --split first --output "$folder/run.ckpt" \
  --epochs "$epochs" --warm-every 0
du -m "$folder"/*.cache | awk '{ print $1 " MiB of feature cache" }'
echo "calibrate on the whole validation side"
measure "$build/train/sipcnn-train" calibrate --checkpoint "$folder/run.ckpt"
echo "evaluate it"
measure "$build/train/sipcnn-train" evaluate --checkpoint "$folder/run.ckpt" --side validation
