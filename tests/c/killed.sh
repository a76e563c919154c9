#!/usr/bin/env bash
# Kills a C program so many times at random moments: tests/c/killed.sh 300
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
out=$target/c-killed
mkdir -p "$out"
cargo build -q -p dsrkit-ffi
cp "$target/debug/libdsrkit.so" "$out/libdsrkit.so.0"
ln -sf libdsrkit.so.0 "$out/libdsrkit.so"
gcc -std=c99 -Iinclude -Itests/c tests/c/killed.c -o "$out/killed" -L"$out" -ldsrkit "-Wl,-rpath,$out" -pthread
python3 -B tests/c/killed.py "$out/killed" "$out/place" "$1"
