#!/bin/sh
# clang-tidy by .clang-tidy, and cppcheck by tests/long/cppcheck.txt, over the library and its program: no warning but those of
# tests/long/tidy.txt, which are wrong: file, check, and why.
# usage: analyze.sh BUILD "FLAGS" FILE..    (a file that passed is not read again until it changes)
set -eu
build=$1 flags=$2
shift 2
mkdir -p "$build/analyze/cppcheck"
failed=
sed 's/^\([^ ]*\) \([^ ]*\) .*/\1.*\\[\2/' tests/long/tidy.txt >"$build/analyze/known"
tidy() { # file
    stamp=$build/analyze/$(echo "$1" | tr / _).done
    [ -e "$stamp" ] && [ "$stamp" -nt "$1" ] && [ "$stamp" -nt .clang-tidy ] && return
    grep -qE '^gm_status gm__(fail|tape_failed)\(' "$1" && more= || more="-include tests/long/analyzer.h"
    clang-tidy --quiet "$1" -- $flags $more >"$build/analyze/out" 2>/dev/null || true
    if ! grep -E 'warning:|error:' "$build/analyze/out" | grep -vf "$build/analyze/known"; then : >"$stamp"
    else
        cat "$build/analyze/out"
        failed=1
    fi
}
if command -v clang-tidy >/dev/null; then
    for f in "$@"; do tidy "$f"; done
else echo "skipped: no clang-tidy"; fi
if command -v cppcheck >/dev/null; then
    cppcheck --quiet --std=c11 --enable=warning,performance,portability --cppcheck-build-dir="$build/analyze/cppcheck" --suppressions-list=tests/long/cppcheck.txt \
        --error-exitcode=1 -Iinclude -Isrc "$@" || failed=1
else echo "skipped: no cppcheck"; fi
[ -z "$failed" ]
