/* init.c - how weights are drawn: from (seed, INIT, 0, index of the tensor). */
#include "nn/nn.h"
#include "kernels/kernels.h"

enum { CHUNK = 256 }; /* a multiple of 4: whole Philox blocks */

static void store(gm_tensor *w, int64_t first, size_t n, const float *draw, double scale, double shift)
{
    for (size_t i = 0; i < n; i++) {
        double v = shift + scale * (double)draw[i];
        if (w->dtype == GM_F64) gm__f64(w)[first + (int64_t)i] = v;
        else gm__f32(w)[first + (int64_t)i] = (float)v;
    }
}

static void draw_into(gm_tensor *w, bool normal, double scale, double shift, uint64_t seed, uint64_t index)
{
    const gm__kern *kern = w->ctx->kern;
    gm__stream s = gm__stream_make(seed, GM__R_INIT, 0, index);
    float buf[CHUNK];
    for (int64_t at = 0; at < w->size; at += CHUNK) {
        size_t n = w->size - at < CHUNK ? (size_t)(w->size - at) : CHUNK;
        if (scale == 0) for (size_t i = 0; i < n; i++) buf[i] = 0;
        else if (normal) kern->normal_f32(s, n, buf);
        else kern->uniform_f32(s, n, buf);
        store(w, at, n, buf, scale, shift);
        s.ctr[0] += CHUNK / 4;
    }
    w->version++;
}

void gm__init_uniform(gm_tensor *w, double bound, uint64_t seed, uint64_t index) { draw_into(w, false, 2 * bound, -bound, seed, index); }

void gm__init_normal(gm_tensor *w, double mean, double std, uint64_t seed, uint64_t index) { draw_into(w, true, std, mean, seed, index); }
