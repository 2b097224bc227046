#!/bin/sh
# make check-long: each part leaves a stamp under BUILD/long and is not run again while that stands.
# usage: long.sh BUILD MAKE FRESH [PART..]
set -eu
build=$1 make="$2 --no-print-directory" fresh=$3
shift 3
[ $# -gt 0 ] || set -- check long asan tsan valgrind variants analyze coverage fuzz
mkdir -p "$build/long"
[ -z "$fresh" ] || rm -f "$build"/long/*.done
failed=
for part in "$@"; do
    [ -e "$build/long/$part.done" ] && { echo "$part: done before"; continue; }
    echo "==== $part"
    case $part in
    check) $make check ;;
    long) $make all && GM_LONG=1 GM_TEST_TIMEOUT=7200 $make run-tests ;; # long versions of the tests: kills, threads, forks
    asan) $make check-asan ;;
    tsan) $make check-tsan ;;
    valgrind) $make check-valgrind ;;
    variants) $make check-variants ;;
    analyze) $make analyze ;;
    coverage) $make coverage ;;
    fuzz) $make fuzz ;;
    *) echo "no part $part"; exit 2 ;;
    esac && : >"$build/long/$part.done" || failed="$failed $part"
done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
