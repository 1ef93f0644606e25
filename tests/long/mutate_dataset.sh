#!/usr/bin/env bash
# Ten thousand mutated dataset files: whatever libhdf5 makes of them, the process that wants the rows lives.
# Relies on: the release build, whose reader is confined as in production.
# Relied on by: ./test.sh --long.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export SIPCNN_MUTATIONS=10000 CK_RUN_CASE=mutations
build/release/tests/dataset/test_dataset
