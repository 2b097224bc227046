#!/bin/sh
# The shared library stays small: at most 2 MB, and 8 MiB of memory for a process that loads it and makes a context. With GM_LONG (the
# machine is to be quiet) also: at most 5 ms of processor time for that.
set -eu
sh tests/bench/footprint.sh "$GM_BUILD" "$GM_LIB" | tee "$GM_BUILD/tests/footprint"
at_most() { # metric limit
    awk -v metric="\"metric\":\"$1\"" -v limit="$2" '
        index($0, metric) { seen = 1; match($0, /"value":[0-9.e+]*/); v = substr($0, RSTART + 8, RLENGTH - 8) + 0 }
        END { if (!seen || v > limit) { print metric ": " v " is over " limit; exit 1 } }' "$GM_BUILD/tests/footprint"
}
at_most libgm.so 2000000
at_most resident 8388608
[ -z "${GM_LONG:-}" ] || at_most "cold start, median" 5
