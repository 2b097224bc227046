/* penalty.c - what keeps the discriminator smooth: the gradient of its logit by the row, held near 0 or 1 by
 * differentiating it again, or a bound on its weights. */
#include "models/gan/gan.h"
#include <math.h>

/* Rows as a place to differentiate at: all that is computed from them is recorded. */
static gm_tensor *variable(gm_tape *t, gm_tensor *rows)
{
    gm_tensor *x = gm_detach(t, rows);
    if (x) x->wants_grad = true;
    return x;
}

/* Squared norm of d logit / d row, of each row that is judged: [M]. Rows of a pack count as one. */
static gm_tensor *squared_slope(const gm_model *m, gm_tape *t, gm_tensor *at, gm_tensor *cond)
{
    const bool recording = t->recording;
    gm_tape_recording(t, 1);
    gm_tensor *rows = variable(t, at), *g = NULL, *logit = gm__gan_logit(t, gm__gan_judge(m, t, rows, cond));
    if (logit) gm_tape_grad(t, logit, &rows, 1, 1, &g);
    gm_tape_recording(t, recording);
    if (!g) return NULL;
    return gm_sum(t, gm_square(t, gm_reshape(t, g, 2, (int64_t[]){logit->shape[0], -1})), 1, 0);
}

/* E (|g| - 1)^2 */
static gm_tensor *away_from_one(gm_tape *t, gm_tensor *squared)
{
    gm_tensor *norm = gm_sqrt(t, gm_affine(t, squared, 1, 1e-12)); /* the root has no slope at 0 */
    return gm_mean(t, gm_square(t, gm_affine(t, norm, 1, -1)), GM_ALL_AXES, 0);
}

/* One number a row, or a pack, in [0,1]. */
static gm_tensor *share(const gm_model *m, gm_tape *t, const gm_tensor *rows)
{
    const int64_t pack = gm__gan_cfg(m)->pack, n = rows->shape[0];
    gm_tensor *u = gm_uniform(t, 3, (int64_t[]){n / pack, 1, 1}, 0, 1);
    u = gm_expand(t, gm_cast(t, u, rows->dtype), 3, (int64_t[]){n / pack, pack, 1});
    return gm_reshape(t, u, 2, (int64_t[]){n, 1});
}

/* A point on the line from each real row to a generated one. */
static gm_tensor *between(const gm_model *m, gm_tape *t, gm_tensor *real, gm_tensor *fake)
{
    return gm_add(t, fake, gm_mul(t, share(m, t, real), gm_sub(t, real, fake)));
}

/* Real rows moved by half the data's deviation times uniform noise. */
static gm_tensor *around(gm_tape *t, gm_tensor *real)
{
    gm_tensor *u = gm_cast(t, gm_uniform(t, 2, real->shape, 0, 1), real->dtype);
    gm_tensor *mean = gm_mean(t, real, GM_ALL_AXES, 0), *deviation = gm_sqrt(t, gm_mean(t, gm_square(t, gm_sub(t, real, mean)), GM_ALL_AXES, 0));
    return gm_add(t, real, gm_affine(t, gm_mul(t, u, deviation), 0.5, 0));
}

gm_tensor *gm__gan_penalty(const gm_model *m, gm_tape *t, gm_tensor *real, gm_tensor *fake, gm_tensor *cond)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    const double weight = c->penalty_weight * c->penalty_every;
    gm_tensor *p;
    if (!real || !fake) return NULL;
    switch (c->penalty) {
    case GM_PENALTY_GP: p = away_from_one(t, squared_slope(m, t, between(m, t, real, fake), cond)); break;
    case GM_PENALTY_DRAGAN: p = away_from_one(t, squared_slope(m, t, around(t, real), cond)); break;
    case GM_PENALTY_R1: p = gm_affine(t, gm_mean(t, squared_slope(m, t, real, cond), GM_ALL_AXES, 0), 0.5, 0); break;
    case GM_PENALTY_R2: { /* one pass over both */
        gm_tensor *both = gm_concat(t, (gm_tensor *[]){real, fake}, 2, 0), *twice = cond ? gm_concat(t, (gm_tensor *[]){cond, cond}, 2, 0) : NULL;
        p = gm_mean(t, squared_slope(m, t, both, twice), GM_ALL_AXES, 0);
        break;
    }
    default: return NULL;
    }
    return gm_affine(t, p, weight, 0);
}

void gm__gan_clip(const gm_model *m)
{
    const float most = (float)gm__gan_cfg(m)->penalty_weight;
    const gm_net *d = gm__gan_of(m)->d;
    if (gm__gan_cfg(m)->penalty != GM_PENALTY_CLIP) return;
    for (int32_t i = 0; i < gm_net_tensor_count(d); i++) {
        gm_tensor *w = gm_net_tensor(d, i);
        if (!gm_net_tensor_is_parameter(d, i)) continue;
        for (int64_t j = 0; j < w->size; j++) gm__f32(w)[j] = fminf(fmaxf(gm__f32(w)[j], -most), most);
        w->version++;
    }
}
