#!/usr/bin/env bash
# All tests of the C surface. Builds what it needs; the last line is "c: N passed, N failed".
#   NO_VALGRIND=1 leaves the slow run out; SCENARIO=part runs some of the scenarios;
#   SEQUENCES=100 runs so many random sequences of calls instead of 1,000;
#   ALL_TOOLS=1: a compiler or language that is not installed is a failure, not skipped.
set -u
cd "$(dirname "$0")/../.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
out=$target/c-tests
src=tests/c
passed=0 failed=0 skipped=()
rm -rf "$out" && mkdir -p "$out/failpoints"

check() { # what, command: one test
  local what=$1
  shift
  if "$@" >"$out/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'failed: %s\n' "$what" >&2
    tail -n 40 "$out/log" >&2
  fi
}

program() { # name, command: a program that counts its own tests in its last line
  local name=$1 line status
  shift
  timeout 900 "$@" >"$out/log" 2>&1
  status=$?
  line=$(grep -E '[0-9]+ passed, [0-9]+ failed$' "$out/log" | tail -n 1)
  if [[ $line =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
    printf '%s\n' "$line"
    [ "$status" = 0 ] && return
    [ "${BASH_REMATCH[2]}" = 0 ] && failed=$((failed + 1))
  else
    failed=$((failed + 1))
  fi
  printf 'failed: %s (status %s)\n' "$name" "$status" >&2
  tail -n 60 "$out/log" >&2
}

tool() { # command, what it is for: whether it is installed
  command -v "$1" >/dev/null && return
  skipped+=("$2")
  [ -z "${ALL_TOOLS:-}" ] || check "$1 is installed" false
  return 1
}

absent() { ! grep -q "$1" "$2"; }

fresh() { rm -rf "$out/place" && mkdir "$out/place" && printf '%s' "$out/place"; }

library() { # folder, cargo arguments: a shared library where the loader looks for it
  cargo build -q -p dsrkit-ffi "${@:2}" || exit 1
  cp "$target/debug/libdsrkit.so" "$1/libdsrkit.so.0"
  ln -sf libdsrkit.so.0 "$1/libdsrkit.so"
}

only_ours() { # everything the library shows is in the header
  nm -D --defined-only "$out/libdsrkit.so.0" | sed 's/.* //' | sort >"$out/shown"
  grep -oE '\bdsr_\w+\(' include/dsrkit.h | tr -d '(' | sort -u >"$out/declared"
  diff "$out/declared" "$out/shown"
}

library "$out/failpoints" --features failpoints
library "$out"
check "the committed header is fresh" cargo run -q -p dsrkit-ffi --example header -- --check
check "the library's own tests" cargo test -q -p dsrkit-ffi --lib
check "the library shows what the header declares" only_ours
check "soname" grep -q 'libdsrkit.so.0' <(readelf -d "$out/libdsrkit.so.0")

warn="-Wall -Wextra -Wpedantic -Werror -g -Iinclude -I$src -I$out"
link() { printf -- '-L%s -ldsrkit -Wl,-rpath,%s -pthread' "$1" "$1"; }
compilers=(gcc)
tool clang "clang: the headers and its sanitizers" && compilers+=(clang)
for cc in "${compilers[@]}"; do
  for std in c99 c11 c17; do
    check "dsrkit.h as $std with $cc" $cc -std=$std $warn -fsyntax-only -x c include/dsrkit.h
  done
  for std in c++11 c++14 c++17 c++20; do
    check "dsrkit.h as $std with $cc" $cc -std=$std $warn -fsyntax-only -x c++ include/dsrkit.h
  done
  for std in c++17 c++20; do
    check "dsrkit.hpp as $std with $cc" $cc -std=$std $warn -fsyntax-only -x c++ include/dsrkit.hpp
  done
done

for made in misuse_calls sequences_calls counted_calls; do
  python3 -B $src/$made.py include/dsrkit.h >"$out/$made.h" || exit 1
done
counted="main_job settings single account threads watching callbacks"
for name in $counted; do
  check "compile $name.c" gcc -std=c99 -DCOUNTED $warn $src/$name.c -o "$out/$name" $(link "$out")
done
for name in forked hangup killed sequences documentation; do
  check "compile $name.c" gcc -std=c99 $warn $src/$name.c -o "$out/$name" $(link "$out")
done
check "compile main_job.cpp as c++20" g++ -std=c++20 $warn -fsyntax-only $src/main_job.cpp
check "compile main_job.cpp" g++ -std=c++17 -DCOUNTED $warn $src/main_job.cpp -o "$out/main_job_cpp" $(link "$out")
check "compile misuse.c" gcc -std=c99 -DFAILPOINTS $warn $src/misuse.c -o "$out/misuse" $(link "$out/failpoints")
check "link the static library" gcc -std=c99 $warn $src/main_job.c -o "$out/main_job_static" "$target/debug/libdsrkit.a" -pthread -ldl -lm

each_works() { # every function has worked in one of the programs above, which look at what it gives
  sort -u "$out/called" | comm -13 - "$out/declared" >"$out/never"
  [ ! -s "$out/never" ] || { echo "has not worked in any test:" && cat "$out/never" && return 1; }
}

export CALLED=$out/called
for name in $counted main_job_cpp; do program "$name" "$out/$name" "$(fresh)"; done
unset CALLED
check "each function of the header has worked" each_works
program main_job_static "$out/main_job_static" "$(fresh)"
program forked "$out/forked"
program hangup "$out/hangup"
program documentation env -C "$(fresh)" "$out/documentation"
program killed python3 -B $src/killed.py "$out/killed" "$out/killed.place" 20
program sequences "$out/sequences" 0 "${SEQUENCES:-1000}" "$(fresh)"
program misuse "$out/misuse" "$(fresh)"
mv "$out/log" "$out/misuse.log"
check "misuse was heard" grep -q '^said: .*journaled is safe' "$out/misuse.log"
check "no secret and no person in what misuse says" bash -c "! grep canary '$out/misuse.log'"
. $src/installed.sh
. $src/languages.sh
. $src/hardened.sh

if [ -z "${NO_VALGRIND:-}" ]; then
  if command -v valgrind >/dev/null; then
    kinds=definite,indirect
    judge="valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=$kinds --errors-for-leak-kinds=$kinds"
    program "main_job under valgrind" $judge "$out/main_job" "$(fresh)"
    program "misuse under valgrind" $judge "$out/misuse" "$(fresh)"
    for name in settings single account; do program "$name under valgrind" $judge "$out/$name" "$(fresh)"; done
    program "threads under valgrind" $judge "$out/threads"
    program "watching under valgrind" $judge "$out/watching"
    program "sequences under valgrind" $judge "$out/sequences" 200000 60 "$(fresh)"
  else
    check "valgrind is installed (or NO_VALGRIND=1)" false
  fi
fi
program scenarios python3 -B $src/scenarios.py "$out/libdsrkit.so.0" ${SCENARIO:-}

[ ${#skipped[@]} = 0 ] || printf 'c: skipped, not installed: %s\n' "${skipped[@]}"
printf 'c: %s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
