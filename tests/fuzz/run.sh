#!/usr/bin/env bash
# Runs a fuzz target for so many seconds, with the address sanitizer: tests/fuzz/run.sh ids 60
# Needs a nightly compiler. What it finds is kept in target/fuzz; a finding belongs into
# tests/fuzz/seeds, where the tests of every change meet it again.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=$1 seconds=$2
place=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz
machine=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares"
RUSTFLAGS="--cfg fuzzing $coverage -Zsanitizer=address -Cdebug-assertions" \
  cargo +nightly build -q --release --manifest-path tests/fuzz/Cargo.toml --target "$machine" \
  --target-dir "$place" --bin "$name"
corpus=$place/corpus/$name
mkdir -p "$corpus" "$place/found"
log=$place/$name.log
# One allocation of more than 8 MiB is a finding: no input is longer than 64 KiB.
if ! "$place/$machine/release/$name" "$corpus" "tests/fuzz/seeds/$name" \
  -max_total_time="$seconds" -max_len=65536 -timeout=2 -malloc_limit_mb=8 -rss_limit_mb=1024 \
  -print_final_stats=1 -artifact_prefix="$place/found/$name-" >"$log" 2>&1; then
  tail -n 60 "$log"
  exit 1
fi
stat() { sed -n "s/^stat::$1: *//p" "$log"; }
printf 'G12: %s: %s inputs in %s s, 0 crashes, 0 hangs, at most %s MiB\n' \
  "$name" "$(stat number_of_executed_units)" "$seconds" "$(stat peak_rss_mb)"
