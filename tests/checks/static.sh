#!/bin/sh
# A program that is static altogether runs in a root that holds nothing else.
set -eu
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
make -s --no-print-directory BUILD="$GM_BUILD" LIBD="$GM_LIB" CC="$GM_CC" PREFIX="$tmp/prefix" STRIP=: install
export PKG_CONFIG_PATH="$tmp/prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
libs=$(pkg-config --static --cflags --libs gm-static)
echo 'int main(void) { return 0; }' >"$tmp/empty.c"
if ! $GM_CC -static "$tmp/empty.c" -o "$tmp/empty" -lopenblas -llapacke -lgfortran -lquadmath -lpng -lz -lm 2>/dev/null; then
    if ! $GM_CC -static "$tmp/empty.c" -o "$tmp/empty" $(pkg-config --libs openblas lapacke libpng zlib) -lgfortran -lquadmath -lm; then
        echo "an archive of libc, OpenBLAS, LAPACKE, libgfortran, libquadmath, libpng or zlib is not here"; exit 0
    fi
fi
cat >"$tmp/program.c" <<'END'
#include <gm/gm.h>
#include <stdio.h>
int main(void)
{
    gm_ctx *ctx = NULL; gm_dataset *digits = NULL; gm_model *vae = NULL; gm_measure m[4]; int32_t n = 0;
    const float spd[4] = {2, 1, 1, 2}; const int64_t shape[2] = {2, 2}; gm_tensor *a = NULL; gm_tape *t = NULL; double trace = 0;
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=128", &digits);
    if (!s) s = gm_model_new(ctx, "vae", "hidden=16 latent=2", &vae);
    if (!s) s = gm_fit(vae, digits, "epochs=4 batch=32");
    if (!s) s = gm_model_save(vae, "vae.safetensors");
    gm_model_free(vae);
    if (!s) s = gm_model_load(ctx, "vae.safetensors", &vae);
    if (!s) s = gm_eval(vae, digits, "metric=elbo", m, 4, &n);
    if (!s) s = gm_sample_png(vae, 4, 1, "digits.png");
    if (!s) s = gm_tape_new(ctx, 0, &t);
    if (!s) s = gm_tensor_copy(ctx, GM_F32, 2, shape, spd, &a);
    if (!s) s = gm_tensor_item(gm_trace(t, gm_cholesky(t, a)), &trace); /* LAPACK */
    if (!s) printf("%s %g, %g = sqrt 2 + sqrt 1.5\n", m[0].name, m[0].value, trace);
    else printf("%s\n", gm_ctx_message(ctx));
    gm_tensor_free(a); gm_tape_free(t); gm_model_free(vae); gm_dataset_free(digits); gm_ctx_free(ctx);
    return s != GM_OK;
}
END
$GM_CC -std=c99 -static "$tmp/program.c" -o "$tmp/program" -Wl,--gc-sections $libs
strip "$tmp/program"
echo "$(stat -c %s "$tmp/program") bytes"
mkdir "$tmp/root"
cp "$tmp/program" "$tmp/root"
if [ "$(id -u)" = 0 ] && chroot "$tmp/root" /program; then :
elif unshare -r true 2>/dev/null; then (cd "$tmp/root" && unshare -r chroot "$tmp/root" /program)
else (cd "$tmp/root" && env -i ./program); fi
ls "$tmp/root"
