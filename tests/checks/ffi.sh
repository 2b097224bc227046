#!/bin/sh
# Other languages: the tests of their bindings, structs where C has them, and the same bytes as from C.
set -eu
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
export GM_LIBRARY="$PWD/$GM_LIB/libgm.so.0"
link="-L$GM_LIB -lgm -Wl,-rpath,$PWD/$GM_LIB"

mkdir "$tmp/c"
$GM_CC -std=c99 -Wall -Wextra -Werror -Iinclude tests/ffi/same.c -o "$tmp/same" $link
"$tmp/same" "$tmp/c"
sums() { (cd "$1" && sha256sum ./*) | sort -k 2; }
sums "$tmp/c" >"$tmp/c.sums"
test "$(wc -l <"$tmp/c.sums")" = 8
same() { # NAME COMMAND...: what it writes into a folder is what the C program wrote
    name=$1; shift
    mkdir "$tmp/$name"
    "$@" "$tmp/$name"
    sums "$tmp/$name" | diff "$tmp/c.sums" -
}

awk -v as=layout -f tests/checks/api_read.awk -f tests/checks/api_write.awk include/gm/*.h >"$tmp/layout.c"
$GM_CC -std=c99 -Iinclude "$tmp/layout.c" -o "$tmp/layout"
"$tmp/layout" >"$tmp/layout.txt"

python=${GM_PYTHON:-python3}
if command -v "$python" >/dev/null && "$python" -c 'import ctypes' 2>/dev/null; then
    export PYTHONDONTWRITEBYTECODE=1
    "$python" tests/ffi/layout.py | diff "$tmp/layout.txt" -
    "$python" tests/ffi/test_gm.py
    same python "$python" tests/ffi/same.py
else
    echo "skipped: Python, $python with ctypes is not here"
fi

if command -v luajit >/dev/null; then
    luajit tests/ffi/test_gm.lua
    same lua luajit tests/ffi/same.lua
else
    echo "skipped: Lua, luajit is not here"
fi

if command -v rustc >/dev/null; then
    rustc --edition 2021 -D warnings tests/ffi/same.rs -o "$tmp/same_rs" -L "$GM_LIB" -l gm -C link-arg=-Wl,-rpath,"$PWD/$GM_LIB"
    same rust "$tmp/same_rs"
else
    echo "skipped: Rust, rustc is not here"
fi
