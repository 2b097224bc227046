#!/bin/sh
# Size of the libraries without debug information, cost of loading the shared one. usage: footprint.sh BUILD LIBDIR
set -eu
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
size() { # name file
    strip -o "$tmp/stripped" "$2"
    printf '{"workload":"footprint","peer":"libgm","threads":0,"metric":"%s","value":%s,"unit":"bytes","n":1}\n' "$1" "$(stat -c %s "$tmp/stripped")"
}
size libgm.so "$2/libgm.so"
size gm "$1/gm"
strip -o "$tmp/libgm.so.0" "$2/libgm.so"
${GM_CC:-cc} -std=gnu99 -O2 -Iinclude tests/bench/cold_start.c -o "$tmp/cold_start" "$tmp/libgm.so.0" -Wl,-rpath,"$tmp"
"$tmp/cold_start"
