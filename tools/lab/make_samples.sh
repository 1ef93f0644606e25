#!/bin/bash
# Makes the captures of data/samples (or the held-out ones) again: runs each session and packs the result.
# Relies on: run.py, xz-utils; root.
# Relied on by: data/samples/README.md, evaluation.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
samples="office-a:11 carrier-b:12 callcentre-c:13 campus-d:14 benign-e:15 slow-f:16 content-g:17 fraud-h:18 demo:31"

usage() {
    cat <<'TEXT'
usage: make_samples.sh samples DIRECTORY [NAME ...]    sessions of data/samples as NAME.pcap.xz, NAME.labels.tsv.xz, NAME.runs.tsv
       make_samples.sh heldout DIRECTORY               DIRECTORY/mixed and DIRECTORY/benign, not packed, never trained on

examples:
  tools/lab/make_samples.sh samples data/samples
  tools/lab/make_samples.sh samples /tmp/again office-a demo
  tools/lab/make_samples.sh heldout /tmp/lab-heldout

A session runs in real time, two to three minutes each.
TEXT
}

make_sample() { # name seed directory
    local work
    work=$(mktemp -d)
    "$here/run.py" --preset "$1" --seed "$2" --out "$work"
    xz -9e -c "$work/$1.pcap" > "$3/$1.pcap.xz.new"
    xz -9e -c "$work/$1.labels.tsv" > "$3/$1.labels.tsv.xz.new"
    mv "$3/$1.pcap.xz.new" "$3/$1.pcap.xz"
    mv "$3/$1.labels.tsv.xz.new" "$3/$1.labels.tsv.xz"
    cp "$work/$1.runs.tsv" "$3/$1.runs.tsv"
    rm -r "$work"
}

case "${1:-}" in
samples)
    [ $# -ge 2 ] || { usage >&2; exit 2; }
    directory=$2
    shift 2
    for name in "$@"; do
        if [[ " $samples" != *" $name:"* ]]; then
            echo "make_samples.sh: no sample is named '$name'; there are: $samples (name:seed)" >&2
            exit 2
        fi
    done
    mkdir -p "$directory"
    for pair in $samples; do
        name=${pair%:*}
        if [ $# -eq 0 ] || [[ " $* " == *" $name "* ]]; then
            make_sample "$name" "${pair#*:}" "$directory"
        fi
    done
    ;;
heldout)
    [ $# -eq 2 ] || { usage >&2; exit 2; }
    "$here/run.py" --preset heldout-mixed --seed 71 --name mixed --out "$2/mixed"
    "$here/run.py" --preset heldout-benign --seed 72 --name benign --out "$2/benign"
    ;;
-h | --help)
    usage
    ;;
*)
    usage >&2
    exit 2
    ;;
esac
