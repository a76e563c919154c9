#!/usr/bin/env bash
# Long runs of the C surface: soak.sh SEQUENCES FIRST_SEED, 100000 and 0 by default.
#   SANITIZED=1 builds the library itself with AddressSanitizer (nightly Rust) and runs a tenth on it.
set -euo pipefail
cd "$(dirname "$0")/../.."
many=${1:-100000} first=${2:-0}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
out=$target/c-soak
src=tests/c
rm -rf "$out" && mkdir -p "$out/place"
python3 -B $src/sequences_calls.py include/dsrkit.h >"$out/sequences_calls.h"

program() { # what, folder of the library, compiler and its flags: leaves $out/what
  "${@:3}" -std=c99 -g -Iinclude -I$src -I"$out" $src/sequences.c -o "$out/$1" -L"$2" -ldsrkit "-Wl,-rpath,$2" -pthread
}

if [ -n "${SANITIZED:-}" ]; then
  triple=$(rustc -vV | sed -n 's/^host: //p')
  RUSTFLAGS=-Zsanitizer=address cargo +nightly build -q -p dsrkit-ffi --target "$triple" --target-dir "$target/asan"
  mkdir -p "$out/asan"
  cp "$target/asan/$triple/debug/libdsrkit.so" "$out/asan/libdsrkit.so.0"
  ln -sf libdsrkit.so.0 "$out/asan/libdsrkit.so"
  # The runtime of the compiler that built the library: another one's may not fit.
  runtime=$(rustc +nightly --print sysroot)/lib/rustlib/$triple/lib/librustc-nightly_rt.asan.a
  program sequences-asan "$out/asan" gcc -Wl,--whole-archive "$runtime" \
    -Wl,--no-whole-archive,--export-dynamic,--no-as-needed -lm
  # SQLite's globals are registered by its C compiler's sanitizer and by Rust's: not two of them.
  ASAN_OPTIONS=detect_odr_violation=0 "$out/sequences-asan" "$first" $((many / 10)) "$out/place"
fi
cargo build -q -p dsrkit-ffi
cp "$target/debug/libdsrkit.so" "$out/libdsrkit.so.0"
ln -sf libdsrkit.so.0 "$out/libdsrkit.so"
program sequences "$out" gcc -fsanitize=address,undefined -fno-sanitize-recover=all
"$out/sequences" "$first" "$many" "$out/place"
