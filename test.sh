#!/usr/bin/env bash
# Builds and tests everything: Release, sanitizers, fuzz targets, format, scripts, installation.
# Relies on: tools/packages.sh (installs what is missing), CMakePresets.json.
# Relied on by: developers, .ci/run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

logs=build/logs
jobs=$(nproc)
passed=0 failed=0 skipped=0
fuzz_seconds=4

all_parts=(checks release asan tsan fuzz)

usage() {
  cat <<END
usage: ./test.sh [--quick | --long] [--fuzz-seconds N] [PART...]

Installs what is missing (Debian packages), builds and tests everything; about 10 minutes on 2 cores.
Logs are in $logs/. The last line counts; the exit status is 0 if nothing failed.
  --quick           only the parts checks and release
  --long            tests of full size under sanitizers, minutes of fuzzing per target, and the campaigns
  --fuzz-seconds N  seconds for each fuzz target [4; with --long 300]

parts, all of them unless some are named:
  checks     format and scripts
  release    the Release build, its tests and its installation
  asan       tests with AddressSanitizer and UndefinedBehaviorSanitizer
  tsan       tests of what uses threads with ThreadSanitizer
  fuzz       the fuzz targets, as many at a time as there are processors
  campaigns  the scripts in tests/long/, which also run by themselves (only with --long or by name)

examples:
  ./test.sh
  ./test.sh --long asan tsan
  ./test.sh --fuzz-seconds 60 fuzz
  ./test.sh --long 2>&1 | tee long.txt
END
}

say() {
  printf '%s  %s\n' "$(date +%H:%M:%S)" "$*"
}

# One check: runs a command, its output in a log that is shown only if it fails.
check() {
  local name=$1 log=$logs/${1// /-}.log start=$SECONDS
  shift
  if "$@" >"$log" 2>&1; then
    passed=$((passed + 1))
    say "passed  $name ($((SECONDS - start)) s)"
    return 0
  fi
  failed=$((failed + 1))
  say "FAILED  $name ($((SECONDS - start)) s); the end of $log:"
  tail -n 60 "$log"
  return 1
}

# An attribute of the first element of a JUnit report that has it.
junit() {
  local value
  value=$(grep -o -m 1 "\b$1=\"[0-9]*\"" "$2" | head -n 1 | tr -dc 0-9)
  echo "${value:-0}"
}

# What the failed tests printed.
show_failures() {
  awk '/ Test +#[0-9]+: .*\*\*\*/ && !/Skipped/ { show = 1; print; next }
       / Test +#[0-9]+: |^ +Start +[0-9]+: |tests passed, / { show = 0 }
       show && shown++ < 400' "$1"
}

# Runs the tests of a preset and adds up its counts.
run_tests() {
  local preset=$1 report=$PWD/$logs/$1.xml start=$SECONDS status=0 total bad left_out
  say "testing $preset"
  rm -f "$report"
  ctest --preset "$preset" --parallel "$jobs" --output-junit "$report" >"$logs/$preset.log" 2>&1 || status=$?
  if [[ ! -s $report ]] || [[ $(junit tests "$report") -eq 0 ]]; then
    failed=$((failed + 1))
    say "FAILED  the $preset tests did not run:"
    tail -n 40 "$logs/$preset.log"
    return 0
  fi
  total=$(junit tests "$report") bad=$(junit failures "$report")
  left_out=$(($(junit skipped "$report") + $(junit disabled "$report")))
  [[ $status -eq 0 || $bad -gt 0 ]] || bad=1
  passed=$((passed + total - bad - left_out)) failed=$((failed + bad)) skipped=$((skipped + left_out))
  grep -E '^ *[0-9]+/[0-9]+ Test ' "$logs/$preset.log" || true
  [[ $bad -eq 0 ]] || show_failures "$logs/$preset.log"
  say "$preset tests: $((total - bad - left_out)) passed, $bad failed, $left_out skipped ($((SECONDS - start)) s)"
}

configure_and_build() {
  cmake --preset "$1" && cmake --build --preset "$1" --parallel "$jobs"
}

# build_and_test PRESET [TESTS]: TESTS is the test preset where it is another.
build_and_test() {
  if check "build $1" configure_and_build "$1"; then
    run_tests "${2:-$1}"
  fi
}

# The project's own files of some kind, with or without git.
files() {
  find . \( -path ./build -o -path ./.git -o -path ./demo-out -o -name 'build-*' \) -prune -o -type f "$@" -print
}

format_check() {
  files -name '*.[ch]' | xargs clang-format --dry-run -Werror
}

script_check() {
  { files -name '*.sh'; files -path './.ci/*'; } | xargs shellcheck
}

install_check() {
  local prefix command help
  prefix=$(mktemp -d)
  cmake --install build/release --strip --prefix "$prefix"
  for command in sipcnn-data sipcnn-train sipcnn-infer sipcnn-bench sipcnn-collector; do
    help=$("$prefix/bin/$command" --help)
    [[ ${help,,} == *example* ]] || { echo "$command --help shows no example"; return 1; }
    [[ -s $prefix/share/man/man1/$command.1 ]] || { echo "$command has no manual page"; return 1; }
  done
  rm -rf "$prefix"
}

# One target, from its seeds; new inputs go to a folder of the build, never to the tree.
fuzz_one() {
  local target=$1 name corpora
  name=$(basename "$target")
  corpora=("$PWD/build/corpus/$name")
  mkdir -p "${corpora[0]}"
  [[ ! -d tests/seeds/$name ]] || corpora+=("$PWD/tests/seeds/$name")
  (cd build/corpus && "$target" -max_total_time="$fuzz_seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -print_final_stats=1 "${corpora[@]}")
}

# Waits for one of the checks in the background and counts it.
count_one() {
  if wait -n; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

fuzz() {
  local target running=0
  check 'build fuzz' configure_and_build fuzz || return 0
  for target in "$PWD"/build/fuzz/fuzzers/fuzz_*; do
    if ((running == jobs)); then count_one; else running=$((running + 1)); fi
    check "fuzz $(basename "$target")" fuzz_one "$target" &
  done
  for (( ; running > 0; running--)); do count_one; done
}

campaigns() {
  local script
  check 'build release' configure_and_build release || return 0
  check 'build asan' configure_and_build asan || return 0
  for script in tests/long/*; do
    check "campaign $(basename "${script%.*}")" "$script" || true
  done
}

# part NAME FULL: FULL is -full where the tests under sanitizers are to be of full size.
part() {
  case $1 in
    checks)
      check 'format' format_check || true
      check 'scripts' script_check || true
      ;;
    release)
      build_and_test release
      check 'install' install_check || true
      ;;
    asan | tsan) build_and_test "$1" "$1$2" ;;
    *) "$1" ;;
  esac
}

# Sets parts, full and fuzz_seconds; fails for words that mean nothing.
parse() {
  local word seconds=
  parts=() full=''
  while (($# > 0)); do
    word=$1
    shift
    case $word in
      --quick) parts+=(checks release) ;;
      --long) full=-full seconds=${seconds:-300} all_parts+=(campaigns) ;;
      --fuzz-seconds)
        [[ ${1:-} =~ ^[1-9][0-9]*$ ]] || return 1
        seconds=$1
        shift
        ;;
      checks | release | asan | tsan | fuzz | campaigns) parts+=("$word") ;;
      *) return 1 ;;
    esac
  done
  fuzz_seconds=${seconds:-$fuzz_seconds}
  ((${#parts[@]} > 0)) || parts=("${all_parts[@]}")
}

main() {
  local start=$SECONDS name
  if [[ ${1:-} == --help ]]; then
    usage
    return 0
  fi
  parse "$@" || {
    usage >&2
    return 2
  }
  mkdir -p "$logs"
  say 'packages'
  tools/packages.sh build test
  for name in "${parts[@]}"; do part "$name" "$full"; done
  say "done in $((SECONDS - start)) s"
  echo "$passed passed, $failed failed, $skipped skipped"
  [[ $failed -eq 0 ]]
}

main "$@"
