#!/bin/sh
# Runs test programs and the project's own checks; prints seconds each and closes with "N passed, N failed".
# usage: run.sh BUILD LIBDIR CC PROGRAM...
build=$1 lib=$2 cc=$3
shift 3
passed=0 failed=0
export GM_BUILD="$build" GM_LIB="$lib" GM_CC="$cc"
one() { # name command...
    name=$1
    shift
    start=$(date +%s%N)
    out="$build/tests/$(echo "$name" | tr '/ ' '__').out"
    mkdir -p "$build/tests"
    if timeout "${GM_TEST_TIMEOUT:-600}" "$@" >"$out" 2>&1; then
        passed=$((passed + 1)) verdict=ok
    else
        failed=$((failed + 1)) verdict=FAILED
    fi
    ms=$((($(date +%s%N) - start) / 1000000))
    printf '%-8s %4d.%03d s  %s\n' "$verdict" $((ms / 1000)) $((ms % 1000)) "$name"
    [ $verdict = ok ] || tail -n 40 "$out"
}
for t in "$@"; do one "${t#"$build"/tests/}" "$t"; done
if [ -z "$ONLY_TESTS" ]; then
    for c in tests/checks/*.sh; do one "${c#tests/}" sh "$c"; done
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
