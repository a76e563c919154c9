#!/usr/bin/env bash
# A newcomer's first five minutes, with no network at all: tests/first_five_minutes.sh WHEEL [MOST_BYTES]
# Installs the wheel into an empty environment and home; runs the demo, kills it, goes on; looks at
# what a first mistake says. DSRKIT_PYTHON names another interpreter than python3.
set -euo pipefail
wheel=$(realpath "$1")
most=${2:-}
python=${DSRKIT_PYTHON:-python3}
if [ -z "${DSRKIT_ALONE:-}" ]; then
  # Only the loopback of a network of our own. Without the right to make one, the tests' own guard
  # against connections must do.
  if unshare --net --map-root-user true 2>/dev/null; then
    exec env DSRKIT_ALONE=1 unshare --net --map-root-user bash "$0" "$wheel" $most
  fi
  echo "no network of our own can be made here: the machine's is used"
fi
ip link set lo up 2>/dev/null || true
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
fail() { echo "first five minutes: $*" >&2; exit 1; }
export HOME="$place/home" PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH
mkdir "$HOME"
cd "$place"

size=$(stat -c %s "$wheel")
echo "wheel: $size bytes"
if [ -n "$most" ] && [ "$size" -ge "$most" ]; then fail "the wheel is not smaller than $most bytes"; fi

"$python" -m venv fresh
fresh/bin/pip install -q --no-index --no-deps "$wheel"
py=$place/fresh/bin/python
missing=$("$py" -m pip check) || fail "$missing"

# What the import costs, without the start of the interpreter: the best of nine.
"$py" - <<'EOF'
import subprocess, sys
code = "import time; t = time.process_time(); import dsrkit; print(time.process_time() - t)"
best = min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(9))
print(f"import dsrkit: {best * 1000:.0f} ms")
sys.exit(best >= 0.060)
EOF

# Killed at a random moment, started again, and once more.
"$py" -m dsrkit demo > first.txt 2>&1 &
demo=$!
sleep "1.$((RANDOM % 10))"
kill -KILL "$demo" 2>/dev/null || true
wait "$demo" 2>/dev/null || true
timeout 60 "$py" -m dsrkit demo > second.txt || fail "the demo did not go on: $(tail -3 second.txt)"
grep -q "each submitted exactly once" second.txt || fail "somebody was not submitted exactly once"
[ "$(ls demo/packages/subjects | wc -l)" -eq 5000 ] || fail "packages are missing"
timeout 60 "$py" -m dsrkit demo > third.txt
grep -q "Nothing is left to do" third.txt || fail "a further start did not say that nothing is left"

"$py" -c "import dsrkit; c = dsrkit.Client.sandbox(); print(c.retrieve(['a']).wait())" > report.txt
grep -q "1 done" report.txt || grep -q "done" report.txt || fail "no report: $(cat report.txt)"

code=0
"$py" -m dsrkit plan missing.csv > out.txt 2> err.txt || code=$?
[ "$code" -eq 2 ] || fail "a missing file gave $code, not 2"
[ "$(wc -l < err.txt)" -eq 1 ] && [ ! -s out.txt ] || fail "a missing file is not told in one line"
cat err.txt
echo "first five minutes: all well"
