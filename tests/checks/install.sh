#!/bin/sh
# A stranger's build: install into a prefix, compile with pkg-config alone, dynamic and static; uninstall leaves nothing.
set -eu
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
make -s --no-print-directory BUILD="$GM_BUILD" LIBD="$GM_LIB" CC="$GM_CC" PREFIX="$tmp/prefix" install
export PKG_CONFIG_PATH="$tmp/prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
$GM_CC -std=c99 examples/sin.c -o "$tmp/dynamic" $(pkg-config --cflags --libs gm) -lm
LD_LIBRARY_PATH="$tmp/prefix/lib" "$tmp/dynamic"
ldd "$tmp/dynamic" | grep -q libgm.so || { LD_LIBRARY_PATH="$tmp/prefix/lib" ldd "$tmp/dynamic"; }
$GM_CC -std=c99 examples/sin.c -o "$tmp/static" $(pkg-config --cflags gm) "$tmp/prefix/lib/libgm.a" $(pkg-config --static --libs-only-l gm | sed 's/-lgm//')
"$tmp/static"
if command -v c++ >/dev/null; then
    printf '#include <gm/gm.h>\nint main() { gm_ctx *c = nullptr; gm_status s = gm_ctx_new(nullptr, &c); gm_ctx_free(c); return s; }\n' >"$tmp/a.cc"
    c++ -fno-exceptions -fno-rtti "$tmp/a.cc" -o "$tmp/cxx" $(pkg-config --cflags --libs gm)
    LD_LIBRARY_PATH="$tmp/prefix/lib" "$tmp/cxx"
fi
"$tmp/prefix/bin/gm" models >/dev/null
make -s --no-print-directory BUILD="$GM_BUILD" LIBD="$GM_LIB" CC="$GM_CC" PREFIX="$tmp/prefix" uninstall
test -z "$(find "$tmp/prefix" -type f -o -type l)"
