#!/bin/sh
# A stranger's build: install into a prefix, compile with pkg-config alone, dynamic and static; uninstall leaves nothing.
set -eu
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
install() { make -s --no-print-directory BUILD="$GM_BUILD" LIBD="$GM_LIB" CC="$GM_CC" "$@"; }
cat >"$tmp/program.c" <<'END'
#include <gm/gm.h>
#include <stdio.h>
int main(void) {
    gm_ctx *ctx = NULL; gm_dataset *rings = NULL; gm_model *vae = NULL;
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:ring8,n=64", &rings);
    if (!s) s = gm_model_new(ctx, "vae", "hidden=8 latent=2", &vae);
    if (!s) s = gm_fit(vae, rings, "epochs=2 batch=16");
    printf("libgm %s: %s\n", gm_version_string(), gm_ctx_message(ctx));
    gm_model_free(vae); gm_dataset_free(rings); gm_ctx_free(ctx);
    return s != GM_OK;
}
END
export PROGRAM_C="$tmp/program.c"
install PREFIX="$tmp/prefix" install
export PKG_CONFIG_PATH="$tmp/prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
$GM_CC -std=c99 "$PROGRAM_C" -o "$tmp/dynamic" $(pkg-config --cflags --libs gm)
LD_LIBRARY_PATH="$tmp/prefix/lib" "$tmp/dynamic"
LD_LIBRARY_PATH="$tmp/prefix/lib" ldd "$tmp/dynamic" | grep libgm.so
$GM_CC -std=c99 -flto "$PROGRAM_C" -o "$tmp/static" $(pkg-config --cflags --libs gm-static)
"$tmp/static"
if ldd "$tmp/static" | grep libgm.so; then exit 1; fi
if command -v c++ >/dev/null; then
    printf '#include <gm/gm.h>\nint main() { gm_ctx *c = nullptr; gm_status s = gm_ctx_new(nullptr, &c); gm_ctx_free(c); return s; }\n' >"$tmp/a.cc"
    c++ -fno-exceptions -fno-rtti "$tmp/a.cc" -o "$tmp/cxx" $(pkg-config --cflags --libs gm)
    LD_LIBRARY_PATH="$tmp/prefix/lib" "$tmp/cxx"
fi
"$tmp/prefix/bin/gm" models >/dev/null
install PREFIX="$tmp/prefix" uninstall
test -z "$(find "$tmp/prefix" -type f -o -type l)"

# Debian's folders, staged; what is installed can be moved.
stage="DESTDIR=$tmp/stage PREFIX=/usr LIBDIR=lib/machine INCLUDEDIR=include/lib BINDIR=libexec PROGRAM=libgm-gm"
install $stage install
mv "$tmp/stage/usr" "$tmp/moved"
$GM_CC -std=c99 "$PROGRAM_C" -o "$tmp/staged" $(PKG_CONFIG_PATH="$tmp/moved/lib/machine/pkgconfig" pkg-config --define-variable=prefix="$tmp/moved" --cflags --libs gm)
LD_LIBRARY_PATH="$tmp/moved/lib/machine" "$tmp/staged"
export MOVED="$tmp/moved"

# CMake, both libraries.
if command -v cmake >/dev/null; then
    mkdir "$tmp/cmake"
    cat >"$tmp/cmake/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.13)
project(stranger C)
set(prefix mine)
find_package(gm 0.1 REQUIRED)
find_package(gm 0.1 REQUIRED) # twice does no harm
foreach(kind gm static)
  add_executable(with_${kind} $ENV{PROGRAM_C})
  target_link_libraries(with_${kind} gm::${kind})
endforeach()
if(NOT prefix STREQUAL mine)
  message(FATAL_ERROR "gmConfig.cmake changed a variable")
endif()
find_package(gm 0.2 QUIET CONFIG)
if(gm_FOUND)
  message(FATAL_ERROR "0.1 stood in for 0.2")
endif()
END
    CC="$GM_CC" cmake -S "$tmp/cmake" -B "$tmp/cmake/build" -Dgm_DIR="$MOVED/lib/machine/cmake/gm"
    cmake --build "$tmp/cmake/build"
    "$tmp/cmake/build/with_gm"
    "$tmp/cmake/build/with_static"
else
    echo "cmake is not here"
fi

# Meson, both libraries.
if command -v meson >/dev/null && command -v ninja >/dev/null; then
    mkdir "$tmp/meson"
    cp "$PROGRAM_C" "$tmp/meson/program.c"
    cat >"$tmp/meson/meson.build" <<'END'
project('stranger', 'c')
executable('with_gm', 'program.c', dependencies: [dependency('gm', version: '>=0.1')])
executable('with_static', 'program.c', dependencies: [dependency('gm-static', version: '>=0.1')])
END
    sed -i "s|^prefix=.*|prefix=$MOVED|" "$MOVED"/lib/machine/pkgconfig/*.pc
    (cd "$tmp/meson" && CC="$GM_CC" PKG_CONFIG_PATH="$MOVED/lib/machine/pkgconfig" meson setup build && ninja -C build)
    LD_LIBRARY_PATH="$MOVED/lib/machine" "$tmp/meson/build/with_gm"
    "$tmp/meson/build/with_static"
else
    echo "meson is not here"
fi
mv "$tmp/moved" "$tmp/stage/usr"
install $stage uninstall
test -z "$(find "$tmp/stage" -type f -o -type l)"
