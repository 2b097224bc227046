/* read_npy.c - an .npy array as data: the first axis counts rows. */
#include "data/data.h"

gm_status gm__open_npy(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d)
{
    gm__in *in;
    gm_tensor *t = NULL, *real = NULL;
    bool boolean;
    GM__TRY(gm__spec_only(ctx, spec, 1, ""));
    GM__TRY(gm__in_open(ctx, spec->path[0], &in));
    gm_status s = gm__npy_load(in, &t, &boolean);
    gm__in_close(in);
    if (!s && (t->ndim < 1 || !t->size)) s = gm__fail_ctx(ctx, GM_EFORMAT, "%s: npy: no rows", spec->path[0]);
    if (!s && boolean) { /* u8 would mean shades up to 255 */
        s = gm__tensor_make(ctx, gm__ctx_err(ctx), GM_F32, t->ndim, t->shape, false, &real);
        for (int64_t i = 0; !s && i < t->size; i++) gm__f32(real)[i] = (float)((const uint8_t *)t->data)[i];
    }
    if (!s) s = gm__dataset_add(d, "x", real ? real : t);
    gm_tensor_free(t);
    gm_tensor_free(real);
    return s;
}
