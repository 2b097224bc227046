/* likeness.c - psnr and ssim of reconstructions beside their rows: metrics of every family that reconstructs images. */
#include "models/compare.h"
#include <gm/image.h>

/* x in the data's units, as images [N, C, H, W] */
static gm_tensor *images(gm_model *m, gm_tape *t, gm_tensor *x)
{
    const bool flat = m->ndim == 2; /* one channel */
    if (m->ndim != 2 && m->ndim != 3) {
        char text[128];
        return gm__tape_fail(t, GM_ESHAPE, "eval: psnr and ssim want images [channels, height, width], rows are %s", gm__shape_text(text, m->ndim, m->shape));
    }
    x = x ? gm__scale_out(m, t, x) : NULL;
    return x ? gm_reshape(t, x, 4, (int64_t[]){ x->shape[0], flat ? 1 : m->shape[0], m->shape[m->ndim - 2], m->shape[m->ndim - 1] }) : NULL;
}

/* Rows and their reconstructions. */
static void pair(gm_model *m, const gm__batch *b, char *note, gm_tensor *out[2])
{
    gm__batch code = *b;
    char how[32];
    const char *binarize = gm__model_choice(m, "binarize", how, sizeof how);
    if (note) gm__format(note, 96, "range=1%s%s", binarize ? ", binarize=" : "", binarize ? binarize : "");
    code.x = m->family->encode(m, b);
    out[0] = images(m, b->t, b->x);
    out[1] = images(m, b->t, code.x ? m->family->decode(m, &code) : NULL);
}

static gm_tensor *psnr(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    gm_tensor *xy[2];
    GM__UNUSED(c);
    pair(m, b, note, xy);
    return gm_psnr(b->t, xy[0], xy[1], 1);
}

static gm_tensor *ssim(gm_model *m, const gm__batch *b, const gm__eval_cfg *c, char *note)
{
    gm_tensor *xy[2];
    GM__UNUSED(c);
    pair(m, b, note, xy);
    return gm_ssim(b->t, xy[0], xy[1], 1);
}

static const gm__metric metrics[] = { { .name = "psnr", .unit = "dB", .row = psnr }, { .name = "ssim", .unit = "similarity", .row = ssim } };

const gm__metric *gm__likeness_at(const gm_model *m, size_t i)
{
    return gm_model_can(m) & GM_CAN_RECONSTRUCT && m->family->encode && m->family->decode && i < GM__COUNT(metrics) ? &metrics[i] : NULL;
}
