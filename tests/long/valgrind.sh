#!/bin/sh
# Tests under valgrind, one process each, with smaller cases where a test has them (GM_SMALL); a report fails.
# usage: valgrind.sh BUILD PROGRAM..
set -eu
build=$1
shift
command -v valgrind >/dev/null || { echo "no valgrind"; exit 0; }
mkdir -p "$build/valgrind"
export CK_FORK=no CK_TIMEOUT_MULTIPLIER=100 GM_SMALL=1 GM_FUZZ_RUNS=5
failed=
for t in "$@"; do
    name=$(basename "$t")
    [ -e "$build/valgrind/$name.done" ] && [ "$build/valgrind/$name.done" -nt "$t" ] && { echo "$name: done before"; continue; }
    start=$(date +%s)
    if timeout "${GM_TEST_TIMEOUT:-1800}" valgrind -q --fair-sched=try --error-exitcode=1 --leak-check=full --errors-for-leak-kinds=definite,possible "$t" >"$build/valgrind/$name.out" 2>&1; then
        : >"$build/valgrind/$name.done"
        echo "$name: silent, $(($(date +%s) - start)) s"
    else
        head -n 60 "$build/valgrind/$name.out"
        echo "$name: FAILED"
        failed=1
    fi
done
[ -z "$failed" ]
