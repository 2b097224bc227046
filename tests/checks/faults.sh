#!/bin/sh
# Every exported function is called by a program of tests/fault, whose memory fails at the n-th request for every n.
# The preprocessor shows the calls that macros make; what headers declare is left out.
set -u
cc=${GM_CC:-cc}
called=$(for f in tests/fault/*.c; do $cc -E -std=c11 -D_GNU_SOURCE -Iinclude -Isrc -Itests $(pkg-config --cflags check 2>/dev/null) "$f" || echo "BROKEN $f"; done |
    awk '/^# [0-9]+ "/ { ours = $3 ~ /^"tests\/fault\//; next } ours || /^BROKEN/' | grep -oE '\bgm_[a-z0-9_]+|^BROKEN.*' | sort -u)
case "$called" in *BROKEN*) echo "$called" | grep BROKEN; exit 1 ;; esac
missing=$({ echo "$called"; echo "$called"; grep -v '^#' lib/gm.symbols; } | sort | uniq -u)
[ -z "$missing" ] && exit 0
echo "no program of tests/fault calls:"
echo "$missing"
exit 1
