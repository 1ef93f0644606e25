#!/usr/bin/env bash
# Writes a model with our writer, reads it with the independent Python reader, compares every value.
# Relies on: dump_model, read_model.py, /usr/bin/python3.
# Relied on by: ctest.
set -euo pipefail
dump_model=$1 read_model=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$dump_model" "$folder/model.sipcnn" >"$folder/written"
/usr/bin/python3 "$read_model" "$folder/model.sipcnn" >"$folder/read"
diff "$folder/written" "$folder/read"
[[ $(wc -l <"$folder/read") -gt 1000 ]]
