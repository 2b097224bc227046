/* chains.c - where the model's side of the gradient comes from: chains from the data (CD), chains that go on (PCD), chains
 * that fast weights drive from place to place (fast PCD), and chains that exchange places with hotter ones (tempering). */
#include "models/rbm/rbm.h"
#include "models/trainer.h"
#include <math.h>
#include <string.h>

static int64_t replicas(const gm__rbm *r) { return r->how.tempering > 1 ? r->how.tempering : 1; }

/* ---- before the first step -------------------------------------------------------------- */

static gm_status keep_zeros(gm_model *m, gm_trainer *tr, const char *chain, const char *what, const gm_tensor *like, gm_tensor **out)
{
    char name[64];
    gm__format(name, sizeof name, "%s.%s", chain, what);
    gm_tensor_free(*out);
    *out = NULL;
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, like->ndim, like->shape, out));
    return gm__trainer_keep(tr, name, *out);
}

gm_status gm__rbm_start_chains(gm__rbm *r, gm_model *m, gm_trainer *tr, const char *name)
{
    if (!r->how.persistent) return GM_OK;
    const int64_t n = (r->how.chains ? r->how.chains : tr->cfg.batch) * replicas(r);
    gm_tape *t = NULL;
    gm_tensor_free(r->chain);
    r->chain = NULL;
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, 2, (int64_t[]){n, r->nv}, &r->chain));
    GM__TRY(gm_tape_new(m->ctx, tr->cfg.seed, &t));
    gm_tape_recording(t, 0);
    t->steps = UINT32_MAX; /* a stream that no step of training takes */
    gm_tensor *v = gm__rbm_noise(r, t, n, 1);
    gm_status s = v ? gm_tensor_assign(r->chain, v) : gm__tape_failed(m->ctx, t);
    gm_tape_free(t);
    if (!s) s = gm__trainer_keep(tr, name, r->chain);
    if (s || r->how.fast_lr <= 0) return s;
    GM__TRY(keep_zeros(m, tr, name, "fast_weight", r->w, &r->fast_w));
    GM__TRY(keep_zeros(m, tr, name, "fast_visible_bias", r->b, &r->fast_b));
    return keep_zeros(m, tr, name, "fast_hidden_bias", r->c, &r->fast_c);
}

/* ---- fast weights [Tieleman & Hinton 2009] -------------------------------------------------
 *
 * Chains see W + F. F learns quickly from the same gradient and decays: it raises the energy where the chains are, so that
 * they leave, and is soon forgotten. W alone is the model. */

static gm__rbm driven(const gm__rbm *r, gm_tape *t)
{
    gm__rbm f = *r;
    f.w = gm_add(t, r->w, r->fast_w);
    f.b = gm_add(t, r->b, r->fast_b);
    f.c = gm_add(t, r->c, r->fast_c);
    return f;
}

gm_status gm__rbm_drive(gm__rbm *r, gm_tape *t, gm_tensor *gap)
{
    gm_tensor *const of[3] = {r->w, r->b, r->c}, *const fast[3] = {r->fast_w, r->fast_b, r->fast_c};
    gm_tensor *g[3];
    if (!r->fast_w) return GM_OK;
    GM__TRY(gm_tape_status(t));
    GM__TRY(gm_tape_grad(t, gap, of, 3, 0, g));
    for (int i = 0; i < 3; i++) {
        const float decay = (float)r->how.fast_decay, rate = (float)r->how.fast_lr;
        gm_tensor *c = gm__tape_contiguous(t, g[i]);
        if (!c) return gm_tape_status(t);
        for (int64_t k = 0; k < c->size; k++) gm__f32(fast[i])[k] = decay * gm__f32(fast[i])[k] - rate * gm__f32(c)[k];
        fast[i]->version++;
    }
    return GM_OK;
}

/* ---- tempering [Desjardins et al. 2010; Cho, Raiko & Ilin 2010] -----------------------------
 *
 * Replica i has the energy times beta_i, from 1 down to 0; gaussian units, whose variance would have no bound, keep their own
 * term (v-b)^2 / 2s^2 as it is. Replicas one above the other exchange their states with probability
 * min(1, exp(F_i(v_i) + F_j(v_j) - F_i(v_j) - F_j(v_i))), which leaves the distribution of each as it is. Even and odd
 * pairs take turns. Row `i * chains + c` is replica i of chain c. */

typedef struct ladder {
    gm_tape *t;
    const gm__rbm *r;
    int64_t n, chains;
    gm_tensor *beta, *other;     /* [rows, 1]: of each row, and of the replica that it may change places with */
    int64_t tried, done;
} ladder;

static double beta_of(const ladder *l, int64_t i) { return 1 - (double)i / (double)(l->n - 1); }

/* The replica above or below that i is paired with in a round; i itself if there is none. */
static int64_t partner(const ladder *l, int64_t i, int64_t round)
{
    const int64_t j = (i + round) % 2 ? i - 1 : i + 1;
    return j >= 0 && j < l->n ? j : i;
}

static gm_tensor *betas(const ladder *l, int64_t round, bool others)
{
    gm_tensor *b = gm__tape_tensor(l->t, GM_F32, 2, (int64_t[]){l->n * l->chains, 1});
    for (int64_t i = 0; b && i < b->size; i++) {
        const int64_t k = i / l->chains;
        gm__f32(b)[i] = (float)beta_of(l, others ? partner(l, k, round) : k);
    }
    return b;
}

/* [rows]: -F(v) at beta, but for what is the same at every beta or for every v */
static gm_tensor *favour(const ladder *l, gm_tensor *v, gm_tensor *in, gm_tensor *beta)
{
    gm_tape *t = l->t;
    const gm__rbm *r = l->r;
    gm_tensor *x = gm_mul(t, in, beta), *sum = gm_sum(t, gm_softplus(t, x), 1, 0);
    if (!r->visible->own) sum = gm_add(t, sum, gm_sum(t, gm_mul(t, gm_mul(t, v, r->b), beta), 1, 0));
    return r->lambda ? gm_sub(t, sum, gm_sum(t, gm_mul(t, x, r->lambda), 1, 0)) : sum;
}

static void exchange(gm_tensor *x, int64_t a, int64_t b)
{
    const int64_t n = x->shape[1];
    for (int64_t k = 0; k < n; k++) {
        const float y = gm__f32(x)[a * n + k];
        gm__f32(x)[a * n + k] = gm__f32(x)[b * n + k];
        gm__f32(x)[b * n + k] = y;
    }
}

/* States v and what their hidden units receive change places. */
static void swap(ladder *l, gm_tensor *v, gm_tensor *in, int64_t round)
{
    gm_tensor *own = favour(l, v, in, l->beta), *other = favour(l, v, in, betas(l, round, true));
    gm_tensor *u = gm_uniform(l->t, 1, &(int64_t){l->n * l->chains}, 0, 1);
    if (!own || !other || !u) return;
    for (int64_t i = 0; i < l->n; i++) {
        const int64_t j = partner(l, i, round);
        for (int64_t c = 0; j > i && c < l->chains; c++) {
            const int64_t a = i * l->chains + c, b = j * l->chains + c;
            const double gain = (double)gm__f32(other)[a] + (double)gm__f32(other)[b] - (double)gm__f32(own)[a] - (double)gm__f32(own)[b];
            l->tried++;
            if (!(log((double)gm__f32(u)[a]) < gain)) continue;
            exchange(v, a, b), exchange(in, a, b);
            l->done++;
        }
    }
}

static gm_tensor *colder_and_hotter(ladder *l, gm_tensor *v, int64_t first_round)
{
    const gm__rbm *r = l->r;
    gm_tape *t = l->t;
    gm_tensor *in = gm__rbm_up_states(r, t, v);
    for (int64_t i = 0; i < r->how.k && !gm_tape_status(t); i++) {
        gm_tensor *h = gm_bernoulli_logits(t, gm_mul(t, in, l->beta));
        gm_tensor *x = gm__rbm_down_states(r, t, h);
        x = r->visible->own ? gm_add(t, gm_mul(t, gm_sub(t, x, r->b), l->beta), r->b) : gm_mul(t, x, l->beta);
        v = gm__rbm_visible_draw(r, t, x, 1);
        v = v ? gm__tape_contiguous(t, v) : NULL;
        in = gm__rbm_up_states(r, t, v);
        if (in) swap(l, v, in, first_round + i);
    }
    return v;
}

static gm_tensor *tempered(gm__rbm *r, const gm__batch *b)
{
    gm_tape *t = b->t;
    ladder l = {.t = t, .r = r, .n = r->how.tempering, .chains = r->chain->shape[0] / r->how.tempering};
    l.beta = betas(&l, 0, false);
    gm_tensor *v = colder_and_hotter(&l, gm_detach(t, r->chain), (int64_t)(t->steps % 2) * r->how.k);
    if (!v || gm_tape_status(t) || gm_tensor_assign(r->chain, v)) return NULL;
    if (l.tried) gm__trainer_record(b->trainer, "swap-rate", (double)l.done / (double)l.tried);
    return gm_slice(t, v, 0, 0, l.chains, 1);
}

/* ---- all kinds ------------------------------------------------------------------------------ */

gm_tensor *gm__rbm_negative(gm__rbm *r, const gm__batch *b, gm_tensor *data, gm_tensor *back, gm_tensor **driven_mean)
{
    gm_tape *t = b->t;
    gm__rbm by = r->fast_w ? driven(r, t) : *r;
    gm_tensor *v;
    if (r->how.tempering > 1) {
        v = tempered(r, b);
    } else if (r->how.persistent) {
        v = gm__rbm_gibbs(&by, t, gm_detach(t, r->chain), r->how.k, 1, NULL, NULL);
        if (!v || gm_tensor_assign(r->chain, v)) return NULL;
    } else {
        gm_tensor *absent = gm__rbm_absent(r, t, b->x);
        v = gm__rbm_visible_draw_like(r, t, back, data, 1);
        if (absent) v = gm_where(t, absent, data, v);
        if (r->how.k > 1) v = gm__rbm_gibbs(r, t, v, r->how.k - 1, 1, absent, NULL);
    }
    if (r->fast_w) *driven_mean = r->hidden->mean(t, gm__rbm_up_states(&by, t, v), 1);
    return v;
}
