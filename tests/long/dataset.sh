#!/usr/bin/env bash
# Datasets under stress: 50 kills of an import, 10,000 mutated files, a file larger than memory may get.
# Relies on: the release build, whose reader is confined as in production; 3 GiB in $TMPDIR at the default size.
# Relied on by: ./test.sh --long.
#
#   tests/long/dataset.sh [KILLS [MUTATIONS [MESSAGES]]]
set -euo pipefail
[[ ${1:-} != --help ]] || { sed -n '2,/^set/s/^# //p' "${BASH_SOURCE[0]}"; exit 0; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
kills=${1:-50} mutations=${2:-10000} messages=${3:-50000000}
build=${SIPCNN_BUILD:-build/release}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

echo "import killed at $kills moments, twice over"
SIPCNN_KILLS=$kills PYTHONPATH=tests/dataset PYTHONDONTWRITEBYTECODE=1 \
  /usr/bin/python3 tests/dataset/kill_import.py "$build/tools/data/sipcnn-data"

echo "$mutations mutated files"
SIPCNN_MUTATIONS=$mutations CK_RUN_CASE=mutations "$build/tests/dataset/test_dataset"

echo "$messages messages written and read"
"$build/tests/dataset/stream_large" "$messages" "$folder/large.h5"
