/* rules.c - how each kind of optimiser turns a gradient into an update, a stretch of one parameter at a time.
 *
 * Formulas and their order are PyTorch's (torch.optim.SGD, Adam, AdamW, RMSprop, Adagrad). */
#include "optim/self.h"
#include <math.h>

typedef struct stretch { /* arrays of one stretch; those that the kind does not have are NULL */
    bool f64;
    size_t n;
    void *w, *m, *v, *b, *g;
    double t; /* updates of this parameter before this one: it may have been frozen for some */
    double lr, gscale, decay;
} stretch;

/* ---- adam, adamw --------------------------------------------------------------------------- */

/* The kernel knows no largest v, which is rare. */
#define LARGEST(S, T)                                                                              \
    static void amsgrad_##S(const stretch *s, const gm__adam *h)                                   \
    {                                                                                              \
        T *w = s->w, *m = s->m, *v = s->v, *b = s->b;                                              \
        const T *g = s->g;                                                                         \
        T b1 = (T)h->beta1, b2 = (T)h->beta2, l2 = h->decoupled ? 0 : (T)h->decay;                 \
        T keep = h->decoupled ? (T)(1 - h->lr * h->decay) : 1, rate = (T)(h->lr / h->bias1);       \
        T root = (T)(1 / sqrt(h->bias2)), eps = (T)h->eps;                                         \
        for (size_t i = 0; i < s->n; i++) {                                                        \
            T d = (T)s->gscale * g[i] + l2 * w[i];                                                 \
            m[i] = b1 * m[i] + (T)(1 - h->beta1) * d;                                              \
            v[i] = b2 * v[i] + (T)(1 - h->beta2) * d * d;                                          \
            if (!(b[i] >= v[i])) b[i] = v[i];                                                      \
            w[i] = w[i] * keep - rate * (m[i] / ((T)sqrt((double)b[i]) * root + eps));             \
        }                                                                                          \
    }
LARGEST(f32, float)
LARGEST(f64, double)

static void adam(const gm__update *u, const stretch *s)
{
    const gm__optim_config *c = &u->o->cfg;
    const gm__kern *k = u->o->ctx->kern;
    gm__adam h = {.lr = s->lr, .beta1 = u->beta1, .beta2 = c->beta2, .eps = c->eps, .decay = s->decay, .bias1 = 1 - pow(u->beta1, s->t + 1),
                  .bias2 = 1 - pow(c->beta2, s->t + 1), .decoupled = u->o->kind == GM__ADAMW};
    if (c->amsgrad && s->f64) amsgrad_f64(s, &h);
    else if (c->amsgrad) amsgrad_f32(s, &h);
    else if (s->f64) k->adam_f64(s->n, s->w, s->m, s->v, s->g, s->gscale, &h);
    else k->adam_f32(s->n, s->w, s->m, s->v, s->g, (float)s->gscale, &h);
}

/* ---- sgd -------------------------------------------------------------------------------------- */

/* The kernel knows no dampening, which is rare: v = mu v + (1-dampening) g', w -= lr v. */
#define DAMPED(S, T)                                                                               \
    static void damped_##S(const stretch *s, T mu, T damp)                                         \
    {                                                                                              \
        T *w = s->w, *v = s->v;                                                                    \
        const T *g = s->g;                                                                         \
        for (size_t i = 0; i < s->n; i++) {                                                        \
            T d = (T)s->gscale * g[i] + (T)s->decay * w[i];                                        \
            v[i] = s->t == 0 ? d : mu * v[i] + (1 - damp) * d;                                     \
            w[i] -= (T)s->lr * v[i];                                                               \
        }                                                                                          \
    }
DAMPED(f32, float)
DAMPED(f64, double)

static void sgd(const gm__update *u, const stretch *s)
{
    const gm__optim_config *c = &u->o->cfg;
    const gm__kern *k = u->o->ctx->kern;
    bool first = s->v && s->t == 0, nesterov = c->nesterov != 0, damped = s->v && c->dampening > 0;
    double mu = u->momentum;
    if (damped && s->f64) damped_f64(s, mu, c->dampening);
    else if (damped) damped_f32(s, (float)mu, (float)c->dampening);
    else if (s->f64) k->sgd_f64(s->n, s->w, s->v, s->g, s->gscale, s->lr, mu, s->decay, nesterov, first);
    else k->sgd_f32(s->n, s->w, s->v, s->g, (float)s->gscale, (float)s->lr, (float)mu, (float)s->decay, nesterov, first);
}

/* ---- rmsprop, adagrad ----------------------------------------------------------------------------- */

static void rmsprop(const gm__update *u, const stretch *s)
{
    const gm__optim_config *c = &u->o->cfg;
    const gm__kern *k = u->o->ctx->kern;
    gm__rmsprop h = {.lr = s->lr, .alpha = c->alpha, .eps = c->eps, .decay = s->decay, .momentum = u->momentum};
    if (s->f64) k->rmsprop_f64(s->n, s->w, s->v, s->m, s->b, s->g, s->gscale, &h);
    else k->rmsprop_f32(s->n, s->w, s->v, s->m, s->b, s->g, (float)s->gscale, &h);
}

static void adagrad(const gm__update *u, const stretch *s)
{
    const gm__optim_config *c = &u->o->cfg;
    const gm__kern *k = u->o->ctx->kern;
    double lr = s->lr / (1 + s->t * c->lr_decay);
    if (s->f64) k->adagrad_f64(s->n, s->w, s->v, s->g, s->gscale, lr, c->eps, s->decay);
    else k->adagrad_f32(s->n, s->w, s->v, s->g, (float)s->gscale, (float)lr, (float)c->eps, (float)s->decay);
}

void gm__optim_rule(const gm__update *u, const gm__param_state *p, const gm__stretch *part)
{
    static void (*const rules[])(const gm__update *, const stretch *) = {
        [GM__SGD] = sgd, [GM__ADAM] = adam, [GM__ADAMW] = adam, [GM__RMSPROP] = rmsprop, [GM__ADAGRAD] = adagrad};
    int64_t first = part->first;
    stretch s = {.f64 = p->w->dtype == GM_F64, .n = (size_t)part->n, .lr = u->lr * p->lr_scale * p->phase, .gscale = u->gscale, .decay = p->decay,
                 .w = gm__optim_at(p->w, first), .g = gm__optim_at(p->w->grad, first)};
    if (p->m) s.m = gm__optim_at(p->m, first);
    if (p->v) s.v = gm__optim_at(p->v, first);
    if (p->b) s.b = gm__optim_at(p->b, first);
    if (p->steps) s.t = (double)*(const int64_t *)(const void *)p->steps->data;
    rules[u->o->kind](u, &s);
}

/* ---- the rate of a step ------------------------------------------------------------------------------- */

static double mean_of(const gm_tensor *t)
{
    double sum = 0;
    for (int64_t i = 0; i < t->size; i++) sum += t->dtype == GM_F64 ? gm__f64(t)[i] : (double)gm__f32(t)[i];
    return t->size ? sum / (double)t->size : 0;
}

double gm__optim_rate(const gm_optim *o, const gm_tensor *leaf)
{
    const gm__optim_config *c = &o->cfg;
    const bool adam = o->kind == GM__ADAM || o->kind == GM__ADAMW;
    const gm__param_state *p = NULL;
    for (size_t i = 0; i < o->n; i++)
        if (o->p[i].w == leaf) p = &o->p[i];
    if (!p) return 0;
    double lr = o->scale * gm__schedule_lr(&o->cfg, &o->plateau, o->clock ? o->clock - 1 : o->steps) * p->lr_scale * p->phase;
    const double t = p->steps ? (double)*(const int64_t *)(const void *)p->steps->data : 0;
    if (o->kind == GM__SGD) return lr;
    if (!p->v || !(t > 0)) return 0;
    if (o->kind == GM__ADAGRAD) lr /= 1 + t * c->lr_decay;
    return lr / (sqrt(mean_of(adam && p->b ? p->b : p->v) / (adam ? 1 - pow(c->beta2, t) : 1)) + c->eps);
}
