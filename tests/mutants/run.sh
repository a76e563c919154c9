#!/usr/bin/env bash
# Are the tests worth anything? Each patch here puts one defect into a copy of the sources; the test
# that it names must fail. Say names to try only those: tests/mutants/run.sh ids_changed
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/mutants
place=$(realpath -m "${CARGO_TARGET_DIR:-target}")/mutants
tree=$place/tree
# Never the ordinary place: a build of the same sources elsewhere counts as the same build.
export CARGO_TARGET_DIR=$place/build RUST_BACKTRACE=0
features=${FEATURES:-sandbox,blocking,testing}

# Only what differs is written, so that little is built again.
copy() {
  git ls-files -z | while IFS= read -r -d '' file; do
    cmp -s "$file" "$tree/$file" && continue
    mkdir -p "$tree/$(dirname "$file")"
    cp "$file" "$tree/$file"
  done
}
copy

simulation() { (cd "$tree" && cargo test -q -p dsrkit --features "$features" --test simulation "$@"); }

names=("$@")
if [ $# = 0 ]; then
  for patch in "$here"/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi
caught=0 wrong=()
log=$place/log
for name in "${names[@]}"; do
  patch=$(realpath "$here/$name.patch")
  test=$(sed -n 's/^Caught by: //p' "$patch")
  if ! patch -s -d "$tree" -p1 -F3 --no-backup-if-mismatch <"$patch"; then
    wrong+=("$name: does not fit the sources any more")
    copy
    continue
  fi
  if ! simulation --no-run >"$log" 2>&1; then
    wrong+=("$name: does not build")
  elif simulation "$test" -- --exact --nocapture >"$log" 2>&1; then
    wrong+=("$name: SURVIVED $test")
  else
    caught=$((caught + 1))
    said=$(grep -m1 SEED= "$log" || grep -m1 panicked "$log" || echo)
    printf '%-28s caught: %s\n' "$name" "$said"
  fi
  copy
done
printf '%s of %s mutants caught\n' "$caught" "${#names[@]}"
if [ ${#wrong[@]} -gt 0 ]; then
  printf '%s\n' "${wrong[@]}" >&2
  exit 1
fi
