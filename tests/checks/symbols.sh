#!/bin/sh
# The names in the public headers, in lib/gm.symbols and in the built libraries are the same; nothing else leaks out.
set -eu
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
grep -hv '^ *#' include/gm/*.h | tr '\n' ' ' | grep -oE 'GM_API [^;]*;' | sed -E 's/^GM_API [^(]*[ *](gm_[a-z0-9_]+) *\(.*/\1/' | sort >"$tmp/headers"
sed -e '/^#/d' -e '/^$/d' lib/gm.symbols | sort >"$tmp/list"
nm -D --defined-only "$GM_LIB/libgm.so" | awk '$2 ~ /^[TDBR]$/ {print $3}' | sed 's/@.*//' | sort >"$tmp/shared"
nm -g --defined-only "$GM_LIB/libgm.a" 2>/dev/null | awk 'NF == 3 {print $3}' | sort -u >"$tmp/archive"
test -s "$tmp/headers"
echo "headers against lib/gm.symbols:"; diff "$tmp/headers" "$tmp/list"
echo "libgm.so against lib/gm.symbols:"; diff "$tmp/list" "$tmp/shared"
echo "names of the archive without the prefix gm_:"
if grep -vE '^(gm_|__asan|__odr_asan|DW\.ref)' "$tmp/archive"; then exit 1; fi
size=$(stat -L -c %s "$GM_LIB/libgm.so")
echo "libgm.so: $size bytes, with debug information"
