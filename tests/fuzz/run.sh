#!/bin/sh
# Fuzzes each target, or those named, for so many runs; what was done adds up in BUILD/runs/NAME and goes on from there.
# usage: run.sh BUILD RUNS [TARGET..]
set -eu
build=$1 runs=$2
shift 2
[ $# -gt 0 ] || set -- $(sed -n '/define FUZZ_TARGETS/,/^$/p' tests/fuzz/targets.h | grep -o 'X([a-z0-9_]*)' | tr -d 'X()')
# a small quarantine, else freed memory counts against the limit of 512 MB
export ASAN_OPTIONS=quarantine_size_mb=8:allocator_may_return_null=1:detect_stack_use_after_return=0 UBSAN_OPTIONS=print_stacktrace=1
mkdir -p "$build/runs" "$build/found"
for name in "$@"; do
    [ -d "tests/fuzz/seeds/$name" ] || { echo "no target $name"; exit 1; }
    total=$(cat "$build/runs/$name" 2>/dev/null || echo 0)
    log=$build/found/$name.log
    if [ -x "$build/tests/fuzz/fuzz" ]; then
        mkdir -p "$build/corpus/$name"
        FUZZ_TARGET=$name "$build/tests/fuzz/fuzz" -runs="$runs" -seed=$((total + 1)) -max_len=8192 -timeout=30 -rss_limit_mb=512 \
            -print_final_stats=1 -verbosity=0 -artifact_prefix="$build/found/$name-" "$build/corpus/$name" "tests/fuzz/seeds/$name" >"$log" 2>&1 || bad=$?
    else
        "$build/tests/fuzz/plain" "$name" "$runs" "$((total + 1))" "$build/found/$name-last" >"$log" 2>&1 || bad=$?
    fi
    if [ "${bad:-0}" != 0 ]; then
        grep -m 1 -A 14 -E 'ERROR|runtime error|SUMMARY|limit' "$log" || tail -n 20 "$log"
        echo "$name: a finding after $total runs; the input is in $build/found, and belongs into tests/fuzz/seeds/$name once mended"
        exit 1
    fi
    echo $((total + runs)) >"$build/runs/$name"
    echo "$name: $((total + runs)) runs without a finding"
done
