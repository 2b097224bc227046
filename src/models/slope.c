/* slope.c - what keeps a discriminator smooth: the gradient of its logit by the row, held near 0 or 1 by
 * differentiating it again. */
#include "models/adversarial.h"
#include "ops/ops.h"

/* Rows as a place to differentiate at: all that is computed from them is recorded. */
static gm_tensor *variable(gm_tape *t, gm_tensor *rows)
{
    gm_tensor *x = gm_detach(t, rows);
    if (x) x->wants_grad = true;
    return x;
}

/* Squared norm of d logit / d row, of each row that is judged: [M]. Rows of a pack count as one. */
static gm_tensor *squared_slope(const gm__slope *c, gm_tape *t, gm_tensor *at, gm_tensor *cond)
{
    const bool recording = t->recording;
    gm_tape_recording(t, 1);
    gm_tensor *rows = variable(t, at), *g = NULL, *logit = c->judge(c->who, t, rows, cond);
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
static gm_tensor *share(int64_t pack, gm_tape *t, const gm_tensor *rows)
{
    const int64_t n = rows->shape[0];
    gm_tensor *u = gm_uniform(t, 3, (int64_t[]){n / pack, 1, 1}, 0, 1);
    u = gm_expand(t, gm_cast(t, u, rows->dtype), 3, (int64_t[]){n / pack, pack, 1});
    return gm_reshape(t, u, 2, (int64_t[]){n, 1});
}

/* A point on the line from each real row to a generated one. */
static gm_tensor *between(int64_t pack, gm_tape *t, gm_tensor *real, gm_tensor *fake)
{
    return gm_add(t, fake, gm_mul(t, share(pack, t, real), gm_sub(t, real, fake)));
}

/* Real rows moved by half the data's deviation times uniform noise. */
static gm_tensor *around(gm_tape *t, gm_tensor *real)
{
    gm_tensor *u = gm_cast(t, gm_uniform(t, 2, real->shape, 0, 1), real->dtype);
    gm_tensor *mean = gm_mean(t, real, GM_ALL_AXES, 0), *deviation = gm_sqrt(t, gm_mean(t, gm_square(t, gm_sub(t, real, mean)), GM_ALL_AXES, 0));
    return gm_add(t, real, gm_affine(t, gm_mul(t, u, deviation), 0.5, 0));
}

double gm__slope_weight(int32_t kind, double weight)
{
    static const double usual[] = {[GM_PENALTY_GP] = 10, [GM_PENALTY_R1] = 0.2, [GM_PENALTY_R2] = 0.2, [GM_PENALTY_DRAGAN] = 10, [GM_PENALTY_CLIP] = 0.01};
    return weight > 0 || kind < 0 || (size_t)kind >= GM__COUNT(usual) ? weight : usual[kind];
}

gm_tensor *gm__slope_penalty(const gm__slope *c, gm_tape *t, gm_tensor *real, gm_tensor *fake, gm_tensor *cond)
{
    gm_tensor *p;
    if (!real || !fake) return NULL;
    switch (c->kind) {
    case GM_PENALTY_GP: p = away_from_one(t, squared_slope(c, t, between(c->pack, t, real, fake), cond)); break;
    case GM_PENALTY_DRAGAN: p = away_from_one(t, squared_slope(c, t, around(t, real), cond)); break;
    case GM_PENALTY_R1: p = gm_affine(t, gm_mean(t, squared_slope(c, t, real, cond), GM_ALL_AXES, 0), 0.5, 0); break;
    case GM_PENALTY_R2: { /* one pass over both */
        gm_tensor *both = gm_concat(t, (gm_tensor *[]){real, fake}, 2, 0), *twice = cond ? gm_concat(t, (gm_tensor *[]){cond, cond}, 2, 0) : NULL;
        p = gm_mean(t, squared_slope(c, t, both, twice), GM_ALL_AXES, 0);
        break;
    }
    default: return NULL;
    }
    return gm_affine(t, p, c->weight, 0);
}
