#!/bin/sh
# Other languages: the tests of their bindings, structs where C has them, and the same bytes as from C.
set -eu
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
lib=$(cd "$GM_LIB" && pwd)
export GM_LIBRARY="$lib/libgm.so.0"

mkdir "$tmp/c"
$GM_CC -std=c99 -Wall -Wextra -Werror -Iinclude tests/ffi/same.c -o "$tmp/same" -L"$lib" -lgm -Wl,-rpath,"$lib"
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

program() { # LANGUAGE FOLDER FILE: the program of docs/ffi.md, beside the binding's files
    mkdir "$tmp/program-$1"
    cp examples/ffi/"$2"/gm* "$tmp/program-$1"
    awk -v fence='```'"$1" '$0 == fence { code = 1; next } /^```$/ { code = 0 } code' docs/ffi.md >"$tmp/program-$1/$3"
    cd "$tmp/program-$1"
}

python=${GM_PYTHON:-python3}
if command -v "$python" >/dev/null && "$python" -c 'import ctypes' 2>/dev/null; then
    export PYTHONDONTWRITEBYTECODE=1
    "$python" tests/ffi/layout.py | diff "$tmp/layout.txt" -
    "$python" tests/ffi/test_gm.py
    same python "$python" tests/ffi/same.py
    if "$python" -c 'import numpy' 2>/dev/null; then (program python python main.py && "$python" main.py && test -s digits.png); fi
else
    echo "skipped: Python, $python with ctypes is not here"
fi

if command -v luajit >/dev/null; then
    luajit tests/ffi/test_gm.lua
    same lua luajit tests/ffi/same.lua
    (program lua lua main.lua && luajit main.lua && test -s digits.png)
else
    echo "skipped: Lua, luajit is not here"
fi

if command -v rustc >/dev/null; then
    build_rust() { rustc --edition 2021 "$@" -L "$lib" -l gm -C link-arg=-Wl,-rpath,"$lib"; }
    build_rust -D warnings tests/ffi/same.rs -o "$tmp/same_rs"
    same rust "$tmp/same_rs"
    (program rust rust main.rs && build_rust -A dead_code main.rs -o main && ./main && test -s digits.png)
else
    echo "skipped: Rust, rustc is not here"
fi
