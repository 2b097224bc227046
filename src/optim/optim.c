/* optim.c - the optimiser object: making, adding parameters, state by name. step.c updates. */
#include "optim/self.h"
#include <string.h>

/* ---- making ------------------------------------------------------------------------------ */

static gm_status read_kind(gm_ctx *ctx, const char *kind, int *out)
{
    const char *p = GM__OPTIM_KINDS;
    for (*out = 0; kind; ++*out) {
        size_t n = strcspn(p, "|");
        if (strlen(kind) == n && strncmp(kind, p, n) == 0) return GM_OK;
        if (!p[n]) break;
        p += n + 1;
    }
    return gm__fail_ctx(ctx, GM_EARG, "optim: expected one of %s, got '%s'", GM__OPTIM_KINDS, kind ? kind : "NULL");
}

static gm_status read_options(gm_ctx *ctx, int kind, const char *options, gm__optim_config *c)
{
    bool set[64] = {false};
    gm__strs strs = {.ctx = ctx};
    GM__ASSERT(gm__ctx_err(ctx), gm__optim_opts.n <= GM__COUNT(set));
    gm_status s = gm__opts_defaults(ctx, &gm__optim_opts, c, &strs);
    if (!s) s = gm__opts_parse(ctx, &gm__optim_opts, options, c, &strs, set);
    gm__strs_free(&strs);
    if (s) return s;
    gm__optim_settle(kind, c, set[gm__opts_find(&gm__optim_opts, "weight-decay", 12)], set[gm__opts_find(&gm__optim_opts, "eps", 3)]);
    if (c->nesterov && (c->momentum == 0 || c->dampening != 0)) /* exactly 0: as written */
        return gm__fail_ctx(ctx, GM_EARG, "optim: nesterov needs momentum above 0 and dampening 0");
    if (c->momentum_steps && c->momentum == 0)
        return gm__fail_ctx(ctx, GM_EARG, "optim: momentum-steps needs momentum above 0");
    if (c->momentum_steps && c->schedule == GM__SCHED_ONECYCLE && c->cycle_momentum)
        return gm__fail_ctx(ctx, GM_EARG, "optim: schedule=onecycle moves the momentum itself: momentum-steps=0 or cycle-momentum=off");
    bool ends = c->schedule == GM__SCHED_COSINE || c->schedule == GM__SCHED_LINEAR || c->schedule == GM__SCHED_ONECYCLE;
    if (ends && c->horizon <= c->warmup)
        return gm__fail_ctx(ctx, GM_EARG, "optim: this schedule needs horizon above warmup (%lld), got %lld", (long long)c->warmup, (long long)c->horizon);
    if (c->schedule == GM__SCHED_ONECYCLE && c->warmup)
        return gm__fail_ctx(ctx, GM_EARG, "optim: schedule=onecycle rises by itself (pct-start): leave out warmup");
    return GM_OK;
}

gm_status gm_optim_new(gm_ctx *ctx, const char *kind, const char *options, gm_optim **out)
{
    gm__optim_config cfg;
    int k = 0;
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!out) return gm__fail_ctx(ctx, GM_EARG, "optim: out is NULL");
    memset(&cfg, 0, sizeof cfg);
    GM__TRY(read_kind(ctx, kind, &k));
    GM__TRY(read_options(ctx, k, options, &cfg));
    gm_optim *o = gm__calloc(ctx, 1, sizeof *o);
    if (!o) return GM_ENOMEM;
    o->h.magic = GM__OPTIM;
    atomic_init(&o->h.refs, 1);
    o->ctx = ctx;
    gm__retain(ctx);
    o->kind = k;
    o->cfg = cfg;
    o->scale = 1;
    *out = o;
    return GM_OK;
}

static void free_param(gm_ctx *ctx, gm__param_state *p)
{
    gm__free(ctx, p->name);
    gm_tensor_free(p->w);
    gm_tensor_free(p->m);
    gm_tensor_free(p->v);
    gm_tensor_free(p->b);
    gm_tensor_free(p->steps);
    gm_tensor_free(p->last);
    gm_tensor_free(p->ema);
    gm_tensor_free(p->anchor);
}

void gm_optim_free(gm_optim *o)
{
    if (!gm__is(o, GM__OPTIM) || !gm__release(o)) return;
    gm_ctx *ctx = o->ctx;
    for (size_t i = 0; i < o->n; i++) free_param(ctx, &o->p[i]);
    for (size_t i = 0; i < o->n_nets; i++) gm_net_free(o->nets[i]);
    gm__free(ctx, o->p);
    gm__free(ctx, o->nets);
    gm__free(ctx, o->tasks.at);
    gm__free(ctx, o->tasks.first);
    o->h.magic = GM__DEAD;
    gm__free(ctx, o);
    gm_ctx_free(ctx);
}

/* ---- adding ---------------------------------------------------------------------------------- */

static gm_status check_leaf(const gm_optim *o, const char *name, const gm_tensor *w)
{
    GM__TRY(gm__check_tensor(gm__ctx_err(o->ctx), "optim_add", "leaf", w));
    if (w->tape) return gm__fail_ctx(o->ctx, GM_EARG, "optim_add: the leaf is an op result");
    if (!gm__is_float(w->dtype)) return gm__fail_ctx(o->ctx, GM_EDTYPE, "optim_add: expected f32 or f64, got %s", gm_dtype_name(w->dtype));
    if (!w->contiguous) return gm__fail_ctx(o->ctx, GM_EARG, "optim_add: the leaf must be row-major without gaps");
    for (size_t i = 0; i < o->n; i++) {
        if (o->p[i].w == w) return gm__fail_ctx(o->ctx, GM_EARG, "optim_add: the leaf was already added as %s", o->p[i].name);
        if (name && strcmp(o->p[i].name, name) == 0) return gm__fail_ctx(o->ctx, GM_EARG, "optim_add: the name %s is taken", name);
    }
    return GM_OK;
}

static gm_status add(gm_optim *o, const char *name, gm_tensor *leaf, const gm__group *g)
{
    char index[24];
    GM__TRY(check_leaf(o, name, leaf));
    if (o->swapped) return gm__fail_ctx(o->ctx, GM_ESTATE, "optim_add: the averages are swapped in");
    if (o->n == o->cap) {
        size_t cap = o->cap ? 2 * o->cap : 8;
        gm__param_state *grown = gm__realloc(o->ctx, o->p, cap, sizeof *grown);
        if (!grown) return GM_ENOMEM;
        o->p = grown;
        o->cap = cap;
    }
    gm__format(index, sizeof index, "%zu", o->n);
    char *own = gm__strdup(o->ctx, name ? name : index);
    if (!own) return GM_ENOMEM;
    o->p[o->n++] = (gm__param_state){.name = own, .w = leaf, .base_scale = g->lr_scale, .lr_scale = g->lr_scale, .decay = g->weight_decay, .phase = 1};
    gm__retain(leaf);
    return GM_OK;
}

gm_status gm__optim_add_named(gm_optim *o, const char *name, gm_tensor *leaf, const char *options)
{
    gm__group g;
    if (!gm__is(o, GM__OPTIM)) return GM_EARG;
    GM__TRY(gm__optim_read_group(o, options, &g));
    GM__TRY(add(o, name, leaf, &g));
    return leaf->wants_grad ? GM_OK : gm_tensor_set_grad(leaf, 1);
}

void gm__optim_phase(gm_optim *o, const gm_tensor *leaf, double factor)
{
    for (size_t i = 0; i < o->n; i++)
        if (o->p[i].w == leaf) o->p[i].phase = factor;
}

void gm__optim_scale(gm_optim *o, double factor) { o->scale = factor; }

gm_status gm_optim_add(gm_optim *o, gm_tensor *leaf, const char *options) { return gm__optim_add_named(o, NULL, leaf, options); }

static gm_status add_net_param(gm_optim *o, const char *prefix, const gm_net *net, int32_t i, const gm__group *g)
{
    gm__buf name;
    gm__buf_init(&name, o->ctx);
    size_t n = strlen(prefix);
    gm__buf_format(&name, "%s%s%s", prefix, n && prefix[n - 1] != '.' ? "." : "", gm_net_tensor_name(net, i));
    gm_status s = name.failed ? GM_ENOMEM : add(o, name.data, gm_net_tensor(net, i), g);
    gm__buf_free(&name);
    return s;
}

gm_status gm__optim_add_net_named(gm_optim *o, const char *prefix, gm_net *net, const char *options)
{
    gm__group g;
    if (!gm__is(o, GM__OPTIM)) return GM_EARG;
    if (!gm__is(net, GM__NET)) return gm__fail_ctx(o->ctx, GM_EARG, "optim_add_net: not a net");
    GM__TRY(gm__optim_read_group(o, options, &g));
    gm_net **nets = gm__realloc(o->ctx, o->nets, o->n_nets + 1, sizeof *nets);
    if (!nets) return GM_ENOMEM;
    o->nets = nets;
    size_t before = o->n;
    gm_status s = GM_OK;
    int32_t count = gm_net_tensor_count(net);
    for (int32_t i = 0; i < count && !s; i++)
        if (gm_net_tensor_is_parameter(net, i)) s = add_net_param(o, prefix ? prefix : "", net, i, &g);
    if (s) {
        while (o->n > before) free_param(o->ctx, &o->p[--o->n]);
        return s;
    }
    gm__retain(net);
    o->nets[o->n_nets++] = net;
    return GM_OK;
}

gm_status gm_optim_add_net(gm_optim *o, gm_net *net, const char *options)
{
    char prefix[24] = "";
    /* names of a second net are told apart by its number */
    if (gm__is(o, GM__OPTIM) && o->n_nets) gm__format(prefix, sizeof prefix, "net%zu", o->n_nets);
    return gm__optim_add_net_named(o, prefix, net, options);
}

/* ---- state --------------------------------------------------------------------------------------- */

enum { TASK = 16384 }; /* numbers in a task, about */

/* Cuts parameters into stretches of at most TASK numbers and gathers these into tasks. */
static gm_status make_tasks(gm_optim *o)
{
    gm__tasks t = {0};
    size_t n = 0, filled = 0;
    for (size_t i = 0; i < o->n; i++) n += (size_t)(o->p[i].w->size + TASK - 1) / TASK;
    t.at = gm__alloc(o->ctx, n + 1, sizeof *t.at);
    t.first = gm__alloc(o->ctx, n + 2, sizeof *t.first);
    if (!t.at || !t.first) {
        gm__free(o->ctx, t.at);
        gm__free(o->ctx, t.first);
        return GM_ENOMEM;
    }
    t.first[0] = 0;
    for (size_t i = 0; i < o->n; i++) {
        int64_t size = o->p[i].w->size;
        for (int64_t at = 0; at < size; at += TASK) {
            int64_t len = size - at < TASK ? size - at : TASK;
            if (filled && filled + (size_t)len > TASK) t.first[++t.tasks] = t.n, filled = 0;
            t.at[t.n++] = (gm__stretch){.param = i, .first = at, .n = len};
            filled += (size_t)len;
        }
    }
    if (filled) t.first[++t.tasks] = t.n;
    gm__free(o->ctx, o->tasks.at);
    gm__free(o->ctx, o->tasks.first);
    o->tasks = t;
    return GM_OK;
}

static gm_status like(const gm_tensor *w, gm_tensor **out)
{
    return *out ? GM_OK : gm_tensor_new(w->ctx, w->dtype, w->ndim, w->shape, out);
}

static void fill(gm_tensor *t, double v)
{
    for (int64_t i = 0; i < t->size; i++) {
        if (t->dtype == GM_F64) gm__f64(t)[i] = v;
        else gm__f32(t)[i] = (float)v;
    }
}

static gm_status ready_param(const gm_optim *o, gm__param_state *p)
{
    const gm__optim_config *c = &o->cfg;
    bool adam = o->kind == GM__ADAM || o->kind == GM__ADAMW, rmsprop = o->kind == GM__RMSPROP, fresh = !p->v;
    if (adam || (rmsprop && c->centered)) GM__TRY(like(p->w, &p->m));
    if (adam ? c->amsgrad != 0 : rmsprop && c->momentum > 0) GM__TRY(like(p->w, &p->b));
    if (o->kind != GM__SGD || c->momentum > 0) {
        GM__TRY(like(p->w, &p->v));
        if (o->kind == GM__ADAGRAD && fresh) fill(p->v, c->initial_accumulator);
        if (!p->steps) GM__TRY(gm_tensor_new(o->ctx, GM_I64, 0, NULL, &p->steps));
    }
    if (c->optimistic) GM__TRY(like(p->w, &p->last));
    if (o->cfg.ema > 0 && !p->ema) {
        gm_tensor *copy = NULL;
        GM__TRY(like(p->w, &copy));
        gm_status s = gm_tensor_assign(copy, p->w);
        if (s) {
            gm_tensor_free(copy);
            return s;
        }
        p->ema = copy;
    }
    return GM_OK;
}

gm_status gm__optim_ready(gm_optim *o)
{
    if (o->ready == o->n && o->tasks.at) return GM_OK;
    for (size_t i = o->ready; i < o->n; i++) GM__TRY(ready_param(o, &o->p[i]));
    GM__TRY(make_tasks(o));
    o->ready = o->n;
    return GM_OK;
}

gm_status gm__optim_state(gm_optim *o, gm__state_fn *fn, void *user)
{
    if (!gm__is(o, GM__OPTIM)) return GM_EARG;
    if (o->swapped) return gm__fail_ctx(o->ctx, GM_ESTATE, "optim: the averages are swapped in");
    GM__TRY(gm__optim_ready(o));
    gm__buf name;
    gm__buf_init(&name, o->ctx);
    gm_status s = GM_OK;
    for (size_t i = 0; i < o->n && !s; i++) {
        gm__param_state *p = &o->p[i];
        gm_tensor *t[] = {p->m, p->v, p->b, p->steps, p->last, p->ema};
        static const char *const suffix[] = {"m", "v", "b", "steps", "last", "ema"};
        for (size_t k = 0; k < GM__COUNT(t) && !s; k++) {
            if (!t[k]) continue;
            name.len = 0;
            if (!gm__buf_format(&name, "%s.%s", p->name, suffix[k])) s = GM_ENOMEM;
            else s = fn(user, name.data, t[k]);
        }
    }
    gm__buf_free(&name);
    return s;
}

gm_status gm__optim_set_steps(gm_optim *o, int64_t steps)
{
    if (!gm__is(o, GM__OPTIM)) return GM_EARG;
    if (steps < 0) return gm__fail_ctx(o->ctx, GM_EARG, "optim: steps must be 0 or more, got %lld", (long long)steps);
    GM__TRY(gm__optim_ready(o));
    o->steps = steps;
    return GM_OK;
}

void gm__optim_set_clock(gm_optim *o, int64_t step) { o->clock = step + 1; }

gm__plateau *gm__optim_plateau(gm_optim *o) { return &o->plateau; }

gm_status gm_optim_observe(gm_optim *o, double loss)
{
    if (!gm__is(o, GM__OPTIM)) return GM_EARG;
    gm__plateau_observe(&o->cfg, &o->plateau, loss);
    return GM_OK;
}

/* ---- asking ------------------------------------------------------------------------------------------ */

int64_t gm_optim_steps(const gm_optim *o) { return gm__is(o, GM__OPTIM) ? o->steps : 0; }

double gm_optim_lr(const gm_optim *o) { return gm__is(o, GM__OPTIM) ? o->scale * gm__schedule_lr(&o->cfg, &o->plateau, o->steps) : 0; }

double gm_optim_grad_norm(const gm_optim *o) { return gm__is(o, GM__OPTIM) ? o->norm : 0; }
