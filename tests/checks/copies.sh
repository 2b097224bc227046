#!/bin/sh
# `make one`: an archive of one object with the public names alone; a renamed second copy works beside it in one process.
set -eu
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
one="$GM_BUILD/one"
for prefix in "" foo_; do make -s --no-print-directory BUILD="$GM_BUILD" LIBD="$GM_LIB" CC="$GM_CC" one GM_PREFIX=$prefix; done
sed -e '/^#/d' -e '/^$/d' lib/gm.symbols | sort >"$tmp/names"
names_of() { nm -g --defined-only "$1" | awk 'NF == 3 {print $3}' | sort; }
names_of "$one/libgm.a" | diff "$tmp/names" -
names_of "$one/libfoo_gm.a" | sed 's/^foo_//' | diff "$tmp/names" -

cat >"$tmp/copy.c" <<'END'
#include HEADER
int RUN(float *out, size_t bytes);
int RUN(float *out, size_t bytes)
{
    gm_ctx *ctx = NULL; gm_dataset *rings = NULL; gm_model *vae = NULL; gm_tensor *x = NULL;
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_ctx_set_threads(ctx, 2);
    if (!s) s = gm_dataset_open(ctx, "synth:ring8,n=64", &rings);
    if (!s) s = gm_model_new(ctx, "vae", "hidden=8 latent=2", &vae);
    if (!s) s = gm_fit(vae, rings, "epochs=2 batch=16");
    if (!s) s = gm_sample(vae, 8, 1, &x);
    if (!s) s = gm_tensor_read(x, out, bytes);
    gm_tensor_free(x); gm_model_free(vae); gm_dataset_free(rings); gm_ctx_free(ctx);
    return s;
}
END
cat >"$tmp/main.c" <<'END'
#include <stdio.h>
#include <string.h>
int run_one(float *out, size_t bytes);
int run_foo(float *out, size_t bytes);
int gm_version_string(void);
int foo_gm_version_string(void);
int main(void)
{
    float a[16] = {0}, b[16] = {1};
    if (run_one(a, sizeof a) || run_foo(b, sizeof b)) return 1;
    printf("two copies: %s bytes\n", memcmp(a, b, sizeof a) ? "different" : "the same");
    return memcmp(a, b, sizeof a) || (void *)gm_version_string == (void *)foo_gm_version_string;
}
END
$GM_CC -std=c99 -Iinclude -DHEADER='<gm/gm.h>' -DRUN=run_one -c "$tmp/copy.c" -o "$tmp/one.o"
$GM_CC -std=c99 -Iinclude -I"$one" -DHEADER='"foo_gm.h"' -DRUN=run_foo -c "$tmp/copy.c" -o "$tmp/foo.o"
if command -v c++ >/dev/null; then echo '#include "foo_gm.h"' | c++ -Iinclude -I"$one" -fsyntax-only -x c++ -; fi
$GM_CC -std=c99 "$tmp/main.c" "$tmp/one.o" "$tmp/foo.o" "$one/libgm.a" "$one/libfoo_gm.a" -o "$tmp/two" \
    $(pkg-config --libs openblas lapacke zlib libpng) -lm -lpthread
"$tmp/two"
