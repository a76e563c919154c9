#!/usr/bin/env bash
# Are the tests worth anything? Each patch here puts one defect into a copy of the sources; the test
# that it names must fail. The test's program is `simulation` unless it says another. Say names to try
# only those: tests/mutants/run.sh ids_changed
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/mutants
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
place=$target/mutants
tree=$place/tree
# Never the ordinary place: a build of the same sources elsewhere counts as the same build.
export CARGO_TARGET_DIR=$place/build RUST_BACKTRACE=0
# Built quickly: most fall within a few seeds.
export CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_DEBUG=0
features=${FEATURES:-sandbox,blocking,testing,postgres}
unset DSRKIT_SOAK PIECE

# What others made is built once.
if [ ! -d "$CARGO_TARGET_DIR" ] && [ -d "$target/debug/deps" ]; then
  mkdir -p "$CARGO_TARGET_DIR/debug"
  for part in deps build .fingerprint; do cp -al "$target/debug/$part" "$CARGO_TARGET_DIR/debug/$part"; done
  rm -rf "$CARGO_TARGET_DIR"/debug/{deps,build,.fingerprint}/*dsrkit*
fi

# Only what differs is written, so that little is built again.
copy() {
  git ls-files -z | while IFS= read -r -d '' file; do
    cmp -s "$file" "$tree/$file" && continue
    mkdir -p "$tree/$(dirname "$file")"
    cp "$file" "$tree/$file"
  done
}
copy

tests() { # program, more
  (cd "$tree" && cargo test -q -p dsrkit --features "$features" --test "$@")
}

names=("$@")
if [ $# = 0 ]; then
  for patch in "$here"/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi
caught=0 wrong=()
log=$place/log
for name in "${names[@]}"; do
  patch=$(realpath "$here/$name.patch")
  test=$(sed -n 's/^Caught by: //p' "$patch")
  case $test in
    *' '*) program=${test%% *} test=${test#* } ;;
    *) program=simulation ;;
  esac
  if ! patch -s -d "$tree" -p1 -F3 --no-backup-if-mismatch <"$patch"; then
    wrong+=("$name: does not fit the sources any more")
    copy
    continue
  fi
  if ! tests "$program" --no-run >"$log" 2>&1; then
    wrong+=("$name: does not build")
  elif tests "$program" "$test" -- --exact --nocapture >"$log" 2>&1; then
    wrong+=("$name: SURVIVED $test")
  else
    caught=$((caught + 1))
    said=$(grep -m1 SEED= "$log" || grep -A1 -m1 panicked "$log" | tail -1 || echo)
    # A line of the closing table.
    printf '| %s | %s | `%s` | %s |\n' "$name" "$(head -1 "$patch")" "$test" "${said:0:160}" |
      sed "s/ ($test)//" | tee -a "$place/table"
  fi
  copy
done
printf 'G3: %s of %s mutants caught\n' "$caught" "${#names[@]}"
if [ ${#wrong[@]} -gt 0 ]; then
  printf '%s\n' "${wrong[@]}" >&2
  exit 1
fi
