/* gap.c - how far the two are from a balance: what each could still gain by itself. Copies of D and of G take some steps from the
 * present weights, the other one staying as it is [Grnarova et al. 2019]. */
#include "models/gan/health.h"
#include <string.h>

/* ---- weights that come back ----------------------------------------------------------------- */

typedef struct copies { gm_ctx *ctx; gm_tensor **live, **kept; size_t n; } copies;

static bool begins(const char *name, const char *prefix) { return !strncmp(name, prefix, strlen(prefix)); }

static gm_status keep(gm_model *m, const char *side, copies *c)
{
    c->live = gm__calloc(c->ctx, 2 * m->n_tensors, sizeof *c->live);
    if (!c->live) return GM_ENOMEM;
    c->kept = c->live + m->n_tensors;
    for (size_t i = 0; i < m->n_tensors; i++) {
        gm_tensor *t = m->tensors[i].tensor;
        if (!begins(m->tensors[i].name, side)) continue;
        GM__TRY(gm_tensor_new(c->ctx, t->dtype, t->ndim, t->shape, &c->kept[c->n]));
        c->live[c->n] = t;
        GM__TRY(gm_tensor_assign(c->kept[c->n++], t));
    }
    return GM_OK;
}

static void bring_back(copies *c)
{
    for (size_t i = 0; i < c->n; i++) {
        memcpy(c->live[i]->data, c->kept[i]->data, (size_t)c->live[i]->size * gm__esize(c->live[i]->dtype));
        c->live[i]->version++;
    }
}

static void free_copies(copies *c)
{
    for (size_t i = 0; c->live && i < c->n; i++) gm_tensor_free(c->kept[i]);
    gm__free(c->ctx, c->live);
}

/* ---- the game's value ------------------------------------------------------------------------ */

/* V(D,G) = -(what D loses) on the probe, both held. */
static gm_status value(gm_model *m, gm_trainer *tr, double *v)
{
    gm__health *h = gm__health_of(tr);
    const gm_gan_config *c = gm__gan_cfg(m);
    gm__gan *g = gm__gan_of(m);
    const int64_t n = h->x->shape[0] - h->x->shape[0] % c->pack;
    gm_tape *t = h->t;
    gm_tape_reset(t);
    gm_tape_seed(t, tr->cfg.seed);
    gm_tape_recording(t, 0);
    gm__gan_hold_g(g, true), gm__gan_hold_d(g, true);
    gm_tensor *x = gm_slice(t, h->x, 0, 0, n, 1), *cond = h->cond ? gm_slice(t, h->cond, 0, 0, n, 1) : NULL;
    gm_tensor *fake = gm__probe_fakes(m, h, cond, n);
    gm_tensor *r = gm__gan_logit(t, gm__gan_judge(m, t, x, cond)), *f = gm__gan_logit(t, gm__gan_judge(m, t, fake, cond));
    gm_tensor *y = gm_gan_d_loss(t, c->loss, r, f, 0);
    gm__gan_hold_g(g, false), gm__gan_hold_d(g, false);
    if (gm_tape_status(t)) return gm__tape_failed(tr->ctx, t);
    GM__TRY(gm_tensor_item(y, v));
    *v = -*v;
    return GM_OK;
}

/* ---- best responses ---------------------------------------------------------------------------- */

/* Loss of one player, `of_d`, on a batch; the other one is held. */
static gm_tensor *loss_of(gm_model *m, gm_tape *t, const gm__batch *b, bool of_d)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    const int64_t n = b->x->shape[0] - b->x->shape[0] % c->pack;
    gm_tensor *x = gm__gan_rows_in(m, t, gm_slice(t, b->x, 0, 0, n, 1)), *cond = b->cond ? gm_slice(t, b->cond, 0, 0, n, 1) : NULL;
    gm_tape_recording(t, !of_d);
    gm_tensor *fake = gm__gan_generate(m, t, gm__gan_draw_code(m, t, n, 1, 0).z, cond);
    gm_tape_recording(t, 1);
    gm_tensor *f = gm__gan_logit(t, gm__gan_judge(m, t, fake, cond)), *r = NULL;
    if (of_d || c->loss == GM_GAN_RELATIVISTIC) r = gm__gan_logit(t, gm__gan_judge(m, t, x, cond));
    if (!of_d) return gm_gan_g_loss(t, c->loss, r, f);
    gm_tensor *y = gm_gan_d_loss(t, c->loss, r, f, 0), *penalty = gm__gan_penalty(m, t, x, fake, cond);
    return penalty ? gm_add(t, y, penalty) : y;
}

static gm_status one_step(gm_model *m, gm_trainer *tr, gm_optim *o, bool of_d)
{
    gm__health *h = gm__health_of(tr);
    gm_tape *t = h->t;
    gm_tensor *x = NULL;
    GM__TRY(gm__check_cancel(tr->ctx));
    gm_status s = gm_batches_next(h->batches, &x);
    if (s == GM_END) s = gm_batches_next(h->batches, &x);
    if (s) return s;
    gm_tape_reset(t);
    gm_tape_recording(t, 1);
    gm__batch b = gm__model_batch(m, t, x, h->batches);
    gm_tensor *y = b.x ? loss_of(m, t, &b, of_d) : NULL;
    s = y ? gm_tape_backward(t, y) : gm_tape_status(t);
    if (s) return gm_tape_status(t) ? gm__tape_failed(tr->ctx, t) : s;
    gm__optim_set_clock(o, tr->st.step);
    GM__TRY(gm_optim_step(o));
    if (of_d) gm__gan_clip(m);
    return GM_OK;
}

static gm_status respond(gm_model *m, gm_trainer *tr, gm_optim *o, bool of_d, double *best)
{
    gm__gan *g = gm__gan_of(m);
    gm_status s = gm_batches_seek(gm__health_of(tr)->batches, 0, 1);
    (of_d ? gm__gan_hold_g : gm__gan_hold_d)(g, true);
    gm_tape_training(gm__health_of(tr)->t, 1);
    gm_tape_seed(gm__health_of(tr)->t, tr->cfg.seed + 1);
    for (int32_t i = 0; !s && i < gm__gan_cfg(m)->gap_steps; i++) s = one_step(m, tr, o, of_d);
    gm_optim_clear(o);
    (of_d ? gm__gan_hold_g : gm__gan_hold_d)(g, false);
    return s ? s : value(m, tr, best);
}

/* The value after the best response of one side, whose weights come back. */
static gm_status side(gm_model *m, gm_trainer *tr, bool of_d, double *best)
{
    const gm_gan_config *c = gm__gan_cfg(m);
    copies k = {.ctx = tr->ctx};
    gm_optim *o = NULL;
    gm_status s = keep(m, of_d ? "discriminator" : "generator", &k);
    if (!s) s = gm__trainer_optim(tr, of_d ? c->d_optimizer : NULL, of_d ? c->d_lr : 0, &o);
    if (!s) s = of_d ? gm__gan_add_d(m, o) : gm__gan_add_g(m, o);
    if (!s) s = respond(m, tr, o, of_d, best);
    if (o) bring_back(&k);
    gm_optim_free(o);
    free_copies(&k);
    return s == GM_ENONFINITE ? GM_OK : s; /* no better response then */
}

gm_status gm__gan_gap(gm_model *m, gm_trainer *tr, double *gap)
{
    double now, high, low;
    GM__TRY(gm__probe_open(m, tr));
    GM__TRY(value(m, tr, &now));
    high = low = now;
    GM__TRY(side(m, tr, true, &high));
    GM__TRY(side(m, tr, false, &low));
    *gap = (high > now ? high : now) - (low < now ? low : now);
    return GM_OK;
}
