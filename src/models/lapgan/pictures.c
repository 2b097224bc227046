/* pictures.c - from noise to pictures through the levels, from data to their pyramid, and what a discriminator sees. */
#include "models/lapgan/lapgan.h"
#include "ops/layout.h"
#include <string.h>

static gm_tensor *up_to(gm_tape *t, gm_tensor *coarse, const int64_t image[3]) { return gm_pyramid_up(t, coarse, image[1], image[2]); }

static gm_tensor *beside(gm_tape *t, gm_tensor *a, gm_tensor *b)
{
    if (!a || !b) return NULL;
    gm_tensor *parts[] = {gm__to_last(t, a), gm__to_last(t, b)};
    return gm__from_last(t, gm_concat(t, parts, 2, -1));
}

/* ---- generators --------------------------------------------------------------------------- */

gm_tensor *gm__lapgan_noise(const gm_model *m, gm_tape *t, int32_t k, int64_t n, double temperature)
{
    const gm__lapgan *g = gm__lapgan_of(m);
    const int64_t flat[] = {n, g->noise}, plane[] = {n, 1, g->level[k].image[1], g->level[k].image[2]}, *shape = k ? plane : flat;
    const int32_t ndim = k ? 4 : 2;
    if (gm__lapgan_cfg(m)->noise == GM_NOISE_UNIFORM) return gm_uniform(t, ndim, shape, -temperature, temperature);
    return gm_normal(t, ndim, shape, 0, temperature);
}

static gm_tensor *in_type_of(gm_tape *t, const gm_net *net, gm_tensor *x)
{
    const gm_tensor *w = gm_net_tensor(net, 0);
    return x && w && w->dtype != x->dtype && gm__is_float(w->dtype) ? gm_cast(t, x, w->dtype) : x;
}

gm_tensor *gm__lapgan_generate(const gm_model *m, gm_tape *t, int32_t k, gm_tensor *noise, gm_tensor *enlarged, gm_tensor *cond)
{
    const gm__lapgan *g = gm__lapgan_of(m);
    const gm__lap_level *l = &g->level[k];
    gm_tensor *in = in_type_of(t, l->g, noise);
    if (k) in = beside(t, enlarged, in);
    gm_tensor *y = in ? gm_net_apply(l->g, t, in, g->cond ? cond : NULL) : NULL;
    if (y && y->ndim != 4) y = gm_reshape(t, y, 4, (int64_t[]){y->shape[0], l->image[0], l->image[1], l->image[2]});
    return k ? gm_add(t, enlarged, y) : y;
}

gm_tensor *gm__lapgan_draw(const gm_model *m, gm_tape *t, int32_t k, int64_t n, double temperature, gm_tensor *cond)
{
    gm_tensor *x = gm__lapgan_generate(m, t, 0, gm__lapgan_noise(m, t, 0, n, temperature), NULL, cond);
    for (int32_t i = 1; i <= k; i++)
        x = gm__lapgan_generate(m, t, i, gm__lapgan_noise(m, t, i, n, temperature), up_to(t, x, gm__lapgan_of(m)->level[i].image), cond);
    return x ? gm_clamp(t, gm_affine(t, x, 0.5, 0.5), 0, 1) : NULL;
}

/* ---- discriminators -------------------------------------------------------------------------- */

gm_tensor *gm__lapgan_shown(gm_tape *t, gm_tensor *picture, gm_tensor *enlarged)
{
    gm_tensor *both = enlarged ? beside(t, picture, enlarged) : picture;
    return both ? gm_reshape(t, both, 2, (int64_t[]){both->shape[0], -1}) : NULL;
}

gm_tensor *gm__lapgan_judge(const gm_model *m, gm_tape *t, int32_t k, gm_tensor *shown, gm_tensor *cond)
{
    const gm__lapgan *g = gm__lapgan_of(m);
    const gm__lap_level *l = &g->level[k];
    if (!shown) return NULL;
    const int64_t n = shown->shape[0];
    gm_tensor *x = gm_reshape(t, shown, 4, (int64_t[]){n, k ? 2 * l->image[0] : l->image[0], l->image[1], l->image[2]});
    gm_tensor *y = gm_net_apply(l->d, t, x, g->cond ? cond : NULL);
    return y ? gm_reshape(t, y, 1, &n) : NULL;
}

/* ---- data ---------------------------------------------------------------------------------------- */

gm__lap_pyramid gm__lapgan_pyramid(const gm_model *m, gm_tape *t, gm_tensor *x)
{
    const gm__lapgan *g = gm__lapgan_of(m);
    const int64_t *im = g->level[g->n - 1].image;
    gm__lap_pyramid p = {.picture = {NULL}};
    if (!x) return p;
    p.picture[g->n - 1] = gm_affine(t, gm_reshape(t, x, 4, (int64_t[]){x->shape[0], im[0], im[1], im[2]}), 2, -1);
    for (int32_t k = g->n - 1; k > 0; k--) {
        p.picture[k - 1] = gm_pyramid_down(t, p.picture[k]);
        p.enlarged[k] = up_to(t, p.picture[k - 1], g->level[k].image);
    }
    return p;
}
