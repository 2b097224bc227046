/* nets.c - the levels and their nets, from presets or the user's texts. */
#include "models/lapgan/lapgan.h"
#include <string.h>

/* ---- how many levels --------------------------------------------------------------------- */

enum { LEAST_SIDE = 7 };

static int32_t halvings(const int64_t image[3])
{
    int32_t n = 0;
    for (int64_t h = image[1], w = image[2]; h % 2 == 0 && w % 2 == 0 && h / 2 >= LEAST_SIDE && w / 2 >= LEAST_SIDE; h /= 2, w /= 2) n++;
    return n;
}

gm_status gm__lapgan_levels_for(gm_model *m, gm_lapgan_config *c)
{
    gm__lapgan *g = m->state;
    int64_t image[3];
    GM__TRY(gm__coder_image(m, "lapgan", image));
    if (!c->levels) c->levels = 1 + halvings(image);
    if (c->levels > GM__LAP_LEVELS) c->levels = GM__LAP_LEVELS;
    const int64_t part = (int64_t)1 << (c->levels - 1);
    if (image[1] % part || image[2] % part)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "lapgan: levels=%d wants sides that are multiples of %lld, found %lld x %lld", c->levels, (long long)part,
                            (long long)image[1], (long long)image[2]);
    g->n = c->levels;
    for (int32_t k = 0; k < g->n; k++)
        memcpy(g->level[k].image, (int64_t[]){image[0], image[1] >> (g->n - 1 - k), image[2] >> (g->n - 1 - k)}, sizeof image);
    return GM_OK;
}

void gm__lapgan_learn(gm_model *m)
{
    const int32_t only = gm__lapgan_cfg(m)->level;
    gm__lapgan *g = m->state;
    for (int32_t k = 0; k < g->n; k++) g->level[k].learns = !only || only == k + 1;
}

/* ---- texts ------------------------------------------------------------------------------------- */

/* From half the size where that can be: less to learn than every pixel by itself. Pictures are small, so channels are cheap: twice
 * as many as on finer levels. */
static void coarse_g(const gm__lap_level *l, int64_t width, gm__buf *b)
{
    const bool half = l->image[1] % 2 == 0 && l->image[2] % 2 == 0;
    const long long k = 2 * (long long)width, first = half ? 2 * k : k, h = (long long)l->image[1] >> half, w = (long long)l->image[2] >> half;
    gm__buf_format(b, "linear %lld nobias init=dcgan, reshape %lld %lld %lld, bnorm, relu, ", first * h * w, first, h, w);
    gm__buf_format(b, half ? "convt %lld k4 s2 p1" : "conv %lld k3 p1", k);
    gm__buf_format(b, " nobias init=dcgan, bnorm, relu, conv %lld k3 p1 init=dcgan, tanh", (long long)l->image[0]);
}

static void fine_g(const gm__lap_level *l, int64_t width, gm__buf *b)
{
    for (int i = 0; i < 3; i++) gm__buf_format(b, "conv %lld k3 p1 nobias init=dcgan, bnorm, relu, ", (long long)width);
    gm__buf_format(b, "conv %lld k3 p1 init=dcgan", (long long)l->image[0]);
}

/* ---- making -------------------------------------------------------------------------------------- */

static gm_status gives(gm_model *m, const gm_net *net, int64_t numbers, const char *who, int32_t k, const char *wanted)
{
    int64_t out[GM_MAX_DIMS], size = 1;
    char text[128];
    const int32_t ndim = gm_net_output_shape(net, out);
    for (int32_t i = 0; i < ndim; i++) size *= out[i];
    if (size == numbers) return GM_OK;
    return gm__fail_ctx(m->ctx, GM_ESHAPE, "lapgan: the %s of level %d gives %s, %s wanted", who, k + 1, gm__shape_text(text, ndim, out), wanted);
}

/* The text of a net: the user's, else the preset's, with a place where the label enters. */
static gm_status text_of(gm_model *m, const gm_lapgan_config *c, int32_t k, bool d, gm__buf *b)
{
    const gm__lapgan *g = gm__lapgan_of(m);
    const char *own = d ? (k ? c->discriminator : c->coarse_discriminator) : k ? c->generator : c->coarse_generator;
    const bool norm = !c->spectral && c->penalty == GM_PENALTY_NONE; /* a slope by one row knows nothing of the others */
    gm__buf plain;
    gm__buf_init(&plain, m->ctx);
    if (g->cond && !(own && strstr(own, "cond"))) gm__buf_text(&plain, "cond, ");
    if (own) gm__buf_text(&plain, own);
    else if (d) gm__put_conv_d(g->level[k].image, k ? c->width : 2 * c->width, norm, &plain);
    else if (k) fine_g(&g->level[k], c->width, &plain);
    else coarse_g(&g->level[k], c->width, &plain);
    gm_status s = plain.failed ? GM_ENOMEM : GM_OK;
    if (!s && d && c->spectral) gm__put_spectral(plain.data, b);
    else if (!s) gm__buf_text(b, plain.data);
    gm__buf_free(&plain);
    return !s && b->failed ? GM_ENOMEM : s;
}

static gm_status make(gm_model *m, const gm_lapgan_config *c, int32_t k, bool d, uint64_t seed, gm_net **out)
{
    const gm__lapgan *g = gm__lapgan_of(m);
    const int64_t *im = g->level[k].image, deep = d ? (k ? 2 * im[0] : im[0]) : im[0] + 1, planes[] = {deep, im[1], im[2]};
    const bool flat = !d && !k;
    char prefix[32];
    gm__buf b;
    gm__buf_init(&b, m->ctx);
    gm_status s = text_of(m, c, k, d, &b);
    if (!s) s = gm_net_new_cond(m->ctx, b.data, flat ? 1 : 3, flat ? &g->noise : planes, g->cond, seed, out);
    gm__buf_free(&b);
    GM__TRY(s);
    gm__format(prefix, sizeof prefix, "%s_%d", d ? "discriminator" : "generator", k + 1);
    return gm__model_add_net(m, prefix, *out);
}

gm_status gm__lapgan_build_nets(gm_model *m, const gm_lapgan_config *c)
{
    gm__lapgan *g = m->state;
    const uint64_t seed = gm__model_seed(m), far = UINT64_C(0x9e3779b97f4a7c15);
    if (g->level[0].image[1] < 2 || g->level[0].image[2] < 2)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "lapgan: the coarsest pictures must be 2 x 2 or larger, %d levels make them %lld x %lld", g->n,
                            (long long)g->level[0].image[1], (long long)g->level[0].image[2]);
    for (int32_t k = 0; k < g->n; k++) {
        gm__lap_level *l = &g->level[k];
        char text[128];
        const uint64_t own = seed + far * (uint64_t)(2 * k);
        GM__TRY(make(m, c, k, false, own, &l->g));
        GM__TRY(gives(m, l->g, l->image[0] * l->image[1] * l->image[2], "generator", k, gm__shape_text(text, 3, l->image)));
        GM__TRY(make(m, c, k, true, own + far, &l->d));
        GM__TRY(gives(m, l->d, 1, "discriminator", k, "one logit"));
    }
    return GM_OK;
}
