#!/bin/sh
# What is made from the public headers is what they say: the description of the API, the tables of the bindings, the rows of
# gm_constant. UPDATE=1 writes them anew.
set -eu
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
make_one() { # KIND FILE
    awk -v as="$1" -f tests/checks/api_read.awk -f tests/checks/api_write.awk include/gm/*.h >"$tmp/made"
    if [ -n "${UPDATE:-}" ]; then
        cmp -s "$tmp/made" "$2" || cp "$tmp/made" "$2"
    else
        cmp "$tmp/made" "$2" || { echo "$2 is stale: UPDATE=1 sh tests/checks/api.sh"; exit 1; }
    fi
}
make_one json docs/reference/api.json
make_one rows src/base/constants.inc
make_one python examples/ffi/python/gm_api.py
make_one lua examples/ffi/lua/gm_api.lua
make_one rust examples/ffi/rust/gm_api.rs

# Nothing is missing: every exported function has a line, with what the manual promises.
grep -c '^{"name": "gm_[a-z0-9_]*", "returns": .*"since": "0\.[0-9]*", ' docs/reference/api.json >"$tmp/lines" || true
names=$(sed -e '/^#/d' -e '/^$/d' lib/gm.symbols | wc -l)
test "$(cat "$tmp/lines")" = "$names" || { echo "docs/reference/api.json: $(cat "$tmp/lines") functions, lib/gm.symbols: $names"; exit 1; }
