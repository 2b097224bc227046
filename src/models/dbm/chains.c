/* chains.c - block Gibbs: the odd levels given the even ones, then the even ones given the odd ones. */
#include "models/dbm/dbm.h"

static int64_t units_of(const gm__dbm *d, size_t l) { return l ? d->layer[l - 1].nh : d->layer[0].nv; }

gm_tensor *gm__dbm_join(const gm__dbm *d, gm_tape *t, gm_tensor *const *x)
{
    gm_tensor *even[GM__DBM_LEVELS];
    int32_t n = 0;
    for (size_t l = 0; l <= d->machines; l += 2) even[n++] = x[l];
    return gm_concat(t, even, n, 1);
}

void gm__dbm_open(const gm__dbm *d, gm_tape *t, gm_tensor *state, gm_tensor **x)
{
    int64_t at = 0;
    for (size_t l = 0; l <= d->machines; l += 2) {
        x[l] = gm_slice(t, state, 1, at, at + units_of(d, l), 1);
        at += units_of(d, l);
    }
}

gm_tensor *gm__dbm_noise(const gm__dbm *d, gm_tape *t, int64_t n)
{
    gm_tensor *x[GM__DBM_LEVELS] = {NULL};
    for (size_t l = 0; l <= d->machines; l += 2) {
        gm_tensor *b = l ? d->layer[l - 1].c : d->layer[0].b;
        x[l] = gm__dbm_draw(d, t, l, gm_expand(t, b, 2, (int64_t[]){n, b->size}), 1);
    }
    return gm__dbm_join(d, t, x);
}

static void hold(const gm__dbm *d, gm_tape *t, const gm__dbm_held *held, size_t l, gm_tensor **x)
{
    if (held && held->clamp && l == 0) *x = gm_where(t, held->clamp, held->v, *x);
    if (held && held->label && d->labels && l == d->machines) *x = held->label;
}

gm_tensor *gm__dbm_gibbs(const gm__dbm *d, gm_tape *t, gm_tensor *state, int64_t k, double temperature, const gm__dbm_held *held, gm_tensor **mean)
{
    const bool recording = t->recording;
    t->recording = false;
    for (int64_t i = 0; i < k && state; i++) {
        if (gm__canceled(t->ctx)) state = gm__tape_fail(t, GM_ECANCELED, "canceled by the host");
        const bool last = i + 1 == k;
        const uint64_t frame = last ? 0 : gm_tape_push(t); /* the memory of a step is given back after it */
        gm_tensor *x[GM__DBM_LEVELS] = {NULL}, *in;
        gm__dbm_open(d, t, state, x);
        for (size_t l = 0; l <= d->machines; l += 2) hold(d, t, held, l, &x[l]); /* also at the start */
        for (size_t l = 1; l <= d->machines; l += 2) {
            x[l] = gm__dbm_draw(d, t, l, gm__dbm_hear(d, t, l, x, false), temperature);
            hold(d, t, held, l, &x[l]);
        }
        for (size_t l = 0; l <= d->machines; l += 2) {
            in = gm__dbm_hear(d, t, l, x, false);
            if (last && mean && l == 0) {
                *mean = gm__dbm_mean(d, t, l, in, temperature);
                hold(d, t, held, l, mean);
            }
            x[l] = gm__dbm_draw(d, t, l, in, temperature);
            hold(d, t, held, l, &x[l]);
        }
        state = gm__dbm_join(d, t, x);
        if (!last) state = gm_tape_pop(t, frame, state);
    }
    t->recording = recording;
    return state;
}
