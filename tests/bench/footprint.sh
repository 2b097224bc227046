#!/bin/sh
# Size of the libraries, stripped of debug information. usage: footprint.sh BUILD LIBDIR
set -eu
tmp=$(mktemp); trap 'rm -f "$tmp"' EXIT
strip -o "$tmp" "$2/libgm.so"
printf '{"workload":"footprint","peer":"libgm","threads":0,"metric":"libgm.so","value":%s,"unit":"bytes","n":1}\n' "$(stat -c %s "$tmp")"
strip -o "$tmp" "$1/gm"
printf '{"workload":"footprint","peer":"libgm","threads":0,"metric":"gm","value":%s,"unit":"bytes","n":1}\n' "$(stat -c %s "$tmp")"
