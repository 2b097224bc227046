/* step.c - one update: norm and finiteness of all gradients, clipping, the update in one pass, averages.
 *
 * Formulas and their order are PyTorch's (clip_grad_norm_, clip_grad_value_); those of the update are in rules.c. */
#include "optim/self.h"
#include <math.h>
#include <string.h>

/* A scale of 0 freezes: no update, no average, no part in the norm. */
static bool active(const gm__param_state *p) { return p->w->wants_grad && p->w->has_grad && p->lr_scale > 0; }

static void *at(const gm_tensor *t, int64_t first) { return gm__optim_at(t, first); }

/* ---- passes over the gradients ------------------------------------------------------------- */

static void sum_squares(void *arg, size_t task, size_t worker)
{
    gm_optim *o = arg;
    const gm__kern *k = o->ctx->kern;
    GM__UNUSED(worker);
    for (size_t i = o->tasks.first[task]; i < o->tasks.first[task + 1]; i++) {
        gm__stretch *s = &o->tasks.at[i];
        const gm__param_state *p = &o->p[s->param];
        s->sumsq = 0;
        if (!active(p)) continue;
        const void *g = at(p->w->grad, s->first);
        s->sumsq = p->w->dtype == GM_F64 ? k->sumsq_f64((size_t)s->n, g) : k->sumsq_f32((size_t)s->n, g);
    }
}

static double grad_norm(gm_optim *o)
{
    double sum = 0;
    gm__parallel(o->ctx, o->tasks.tasks, sum_squares, o);
    for (size_t i = 0; i < o->tasks.n; i++) sum += o->tasks.at[i].sumsq;
    return sqrt(sum);
}

static void clamp(void *arg, size_t task, size_t worker)
{
    gm_optim *o = arg;
    const gm__kern *k = o->ctx->kern;
    double c = o->cfg.clip_value;
    GM__UNUSED(worker);
    for (size_t i = o->tasks.first[task]; i < o->tasks.first[task + 1]; i++) {
        const gm__stretch *s = &o->tasks.at[i];
        const gm__param_state *p = &o->p[s->param];
        if (!active(p)) continue;
        void *g = at(p->w->grad, s->first);
        if (p->w->dtype == GM_F64) k->unary_f64[GM__U_CLAMP]((size_t)s->n, g, g, (double[]){-c, c});
        else k->unary_f32[GM__U_CLAMP]((size_t)s->n, g, g, (float[]){(float)-c, (float)c});
    }
}

/* The first tensor whose gradient is not finite; NULL if squares alone overflowed. */
static const gm__param_state *not_finite(const gm_optim *o)
{
    const gm__kern *k = o->ctx->kern;
    for (size_t i = 0; i < o->n; i++) {
        const gm__param_state *p = &o->p[i];
        if (!active(p)) continue;
        size_t n = (size_t)p->w->size;
        if (p->w->dtype == GM_F64 ? !k->finite_f64(n, gm__f64(p->w->grad)) : !k->finite_f32(n, gm__f32(p->w->grad))) return p;
    }
    return NULL;
}

/* ---- the update ----------------------------------------------------------------------------------- */

/* ema = d ema + (1-d) w */
static void average(double d, const gm__param_state *p, const gm__stretch *s)
{
    size_t n = (size_t)s->n;
    if (p->w->dtype == GM_F64) {
        double *e = at(p->ema, s->first), *w = at(p->w, s->first);
        for (size_t i = 0; i < n; i++) e[i] = d * e[i] + (1 - d) * w[i];
    } else {
        float *e = at(p->ema, s->first), *w = at(p->w, s->first), a = (float)d, b = (float)(1 - d);
        for (size_t i = 0; i < n; i++) e[i] = a * e[i] + b * w[i];
    }
}

/* u_t = what the rule takes from w; w -= 2 u_t - u_(t-1) in place of u_t [Daskalakis et al. 2018] */
#define OPTIMISTIC(S, T)                                                                           \
    static void optimistic_##S(size_t n, const T *before, T *w, T *last)                           \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            const T u = before[i] - w[i];                                                          \
            w[i] -= u - last[i];                                                                   \
            last[i] = u;                                                                           \
        }                                                                                          \
    }
OPTIMISTIC(f32, float)
OPTIMISTIC(f64, double)

static void optimistic(const gm__update *u, const gm__param_state *p, const gm__stretch *s)
{
    enum { PART = 256 };
    double before[PART];
    for (int64_t done = 0; done < s->n; done += PART) {
        gm__stretch part = *s;
        part.first += done;
        part.n = s->n - done < PART ? s->n - done : PART;
        const size_t n = (size_t)part.n;
        void *w = at(p->w, part.first), *last = at(p->last, part.first);
        memcpy(before, w, n * gm__esize(p->w->dtype));
        gm__optim_rule(u, p, &part);
        if (p->w->dtype == GM_F64) optimistic_f64(n, before, w, last);
        else optimistic_f32(n, (const float *)(const void *)before, w, last);
    }
}

static void update(void *arg, size_t task, size_t worker)
{
    const gm__update *u = arg;
    gm_optim *o = u->o;
    GM__UNUSED(worker);
    for (size_t i = o->tasks.first[task]; i < o->tasks.first[task + 1]; i++) {
        const gm__stretch *s = &o->tasks.at[i];
        const gm__param_state *p = &o->p[s->param];
        if (active(p) && p->last) optimistic(u, p, s);
        else if (active(p)) gm__optim_rule(u, p, s);
        if (p->ema && p->lr_scale > 0 && !u->look) average(u->ema, p, s);
    }
}

/* Afterwards: one more update, gradients used up. */
static void finish(gm_optim *o, bool look)
{
    for (size_t i = 0; i < o->n; i++) {
        gm__param_state *p = &o->p[i];
        if (p->lr_scale == 0) gm_tensor_clear_grad(p->w);
        if (!active(p)) continue;
        p->w->version++;
        if (p->steps) ++*(int64_t *)(void *)p->steps->data;
        gm_tensor_clear_grad(p->w);
    }
    o->steps += !look;
}

/* From a look ahead to where it began. */
static void come_back(gm_optim *o)
{
    for (size_t i = 0; i < o->n && o->ahead; i++) {
        gm__param_state *p = &o->p[i];
        memcpy(p->w->data, p->anchor->data, (size_t)p->w->size * gm__esize(p->w->dtype));
        p->w->version++;
    }
    o->ahead = false;
}

static gm_status move(gm_optim *o, bool look)
{
    if (o->swapped) return gm__fail_ctx(o->ctx, GM_ESTATE, "optim: the averages are swapped in; swap back before a step");
    GM__TRY(gm__optim_ready(o));
    o->norm = grad_norm(o);
    if (!isfinite(o->norm)) {
        const gm__param_state *bad = not_finite(o);
        if (bad) {
            gm_optim_clear(o); /* the next backward starts afresh */
            return gm__fail_ctx(o->ctx, GM_ENONFINITE, "optim: the gradient of %s is not finite (step %lld)", bad->name, (long long)o->steps + 1);
        }
    }
    for (size_t i = 0; i < o->n_nets && !look; i++)
        if (!gm__net_pending_finite(o->nets[i])) {
            gm_optim_clear(o);
            return gm__fail_ctx(o->ctx, GM_ENONFINITE, "optim: the running statistics of a norm are not finite (step %lld): a smaller lr, or smaller data?", (long long)o->steps + 1);
        }
    const int64_t time = o->clock ? o->clock - 1 : o->steps;
    const double t = (double)o->steps, ema = o->cfg.ema_warmup ? fmin(o->cfg.ema, (1 + t) / (10 + t)) : o->cfg.ema;
    gm__update u = {.o = o, .gscale = 1, .ema = ema, .look = look, .lr = o->scale * gm__schedule_lr(&o->cfg, &o->plateau, time), .beta1 = gm__schedule_momentum(&o->cfg, o->cfg.beta1, time),
                    .momentum = gm__momentum_at(&o->cfg, time)};
    double norm = o->norm;
    if (o->cfg.clip_value > 0) {
        gm__parallel(o->ctx, o->tasks.tasks, clamp, o);
        if (o->cfg.clip_norm > 0) norm = grad_norm(o);
    }
    if (o->cfg.clip_norm > 0) u.gscale = fmin(1, o->cfg.clip_norm / (norm + 1e-6));
    gm__parallel(o->ctx, o->tasks.tasks, update, &u);
    finish(o, look);
    for (size_t i = 0; i < o->n_nets && !look; i++) GM__TRY(gm__net_commit(o->nets[i]));
    return GM_OK;
}

gm_status gm_optim_step(gm_optim *o)
{
    if (!gm__is(o, GM__OPTIM)) return GM_EARG;
    come_back(o);
    return move(o, false);
}

/* ---- a look ahead --------------------------------------------------------------------------------------- */

gm_status gm_optim_extrapolate(gm_optim *o)
{
    if (!gm__is(o, GM__OPTIM)) return GM_EARG;
    if (o->ahead) return gm__fail_ctx(o->ctx, GM_ESTATE, "optim: the weights are ahead already: take the step");
    for (size_t i = 0; i < o->n; i++) {
        gm__param_state *p = &o->p[i];
        if (!p->anchor) GM__TRY(gm_tensor_new(o->ctx, p->w->dtype, p->w->ndim, p->w->shape, &p->anchor));
        GM__TRY(gm_tensor_assign(p->anchor, p->w));
    }
    gm_status s = move(o, true);
    o->ahead = !s;
    for (size_t i = 0; i < o->n_nets; i++) gm__net_drop_pending(o->nets[i]);
    return s;
}


void gm_optim_clear(gm_optim *o)
{
    if (!gm__is(o, GM__OPTIM)) return;
    come_back(o);
    for (size_t i = 0; i < o->n; i++) gm_tensor_clear_grad(o->p[i].w);
    for (size_t i = 0; i < o->n_nets; i++) gm__net_drop_pending(o->nets[i]);
}

/* ---- averages --------------------------------------------------------------------------------------------- */

static void swap(void *arg, size_t task, size_t worker)
{
    gm_optim *o = arg;
    GM__UNUSED(worker);
    for (size_t i = o->tasks.first[task]; i < o->tasks.first[task + 1]; i++) {
        const gm__stretch *s = &o->tasks.at[i];
        const gm__param_state *p = &o->p[s->param];
        if (!p->ema) continue;
        char *a = at(p->w, s->first), *b = at(p->ema, s->first);
        for (size_t n = (size_t)s->n * gm__esize(p->w->dtype), j = 0; j < n; j++) {
            char c = a[j];
            a[j] = b[j];
            b[j] = c;
        }
    }
}

gm_status gm_optim_swap_ema(gm_optim *o)
{
    if (!gm__is(o, GM__OPTIM)) return GM_EARG;
    if (!(o->cfg.ema > 0)) return gm__fail_ctx(o->ctx, GM_ESTATE, "optim: made without ema, there are no averages");
    if (o->steps == 0) return gm__fail_ctx(o->ctx, GM_ESTATE, "optim: no step was taken, there are no averages");
    GM__TRY(gm__optim_ready(o));
    gm__parallel(o->ctx, o->tasks.tasks, swap, o);
    for (size_t i = 0; i < o->n; i++) o->p[i].w->version++;
    o->swapped = !o->swapped;
    return GM_OK;
}
