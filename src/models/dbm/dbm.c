/* dbm.c - the deep Boltzmann machine as a family. */
#include "models/dbm/dbm.h"

static bool joint(const gm_model *m) { return gm__dbm_cfg(m)->conditional != 0; }
static bool ready(const gm_model *m) { return !joint(m) || gm__dbm_cfg(m)->classes > 0; }
static uint32_t needs(const gm_model *m) { return joint(m) ? GM__NEEDS_LABEL : 0; }
static uint32_t cannot(const gm_model *m)
{
    const bool no_z = joint(m) || gm__dbm_of(m)->layer[0].log_var; /* Z cannot be estimated */
    return (joint(m) ? 0 : GM_CAN_PREDICT | GM_CAN_CONDITION) | (no_z ? GM_CAN_LOG_PROB : 0);
}
static int64_t condition(const gm_model *m) { return gm__dbm_of(m)->labels; }
static int32_t layers(const gm_model *m) { return (int32_t)gm__dbm_of(m)->hidden; }

/* ---- building ------------------------------------------------------------------------- */

/* Machine i of the tower, on the one below. */
static gm_status add_machine(gm_model *m, size_t i, int64_t units, const char *prefix)
{
    const gm_dbm_config *c = gm__dbm_cfg(m);
    gm__rbm *r = &gm__dbm_of(m)->layer[i];
    *r = (gm__rbm){.owner = "dbm",
                   .how = {.units = i ? GM_UNITS_BERNOULLI : c->units, .k = 1, .centered = c->centered, .start = c->start && i == 0, .offset_rate = c->offset_rate, .init_std = c->init_std},
                   .nv = i ? r[-1].nh : m->row, .nh = units, .shared = i > 0};
    if (i) r->b = r[-1].c, r->mu = r[-1].lambda;
    GM__TRY(gm__rbm_make(m, r, prefix, gm__model_seed(m), i));
    for (int64_t j = 0; c->pretrain && r->lambda && j < units; j++) gm__f32(r->lambda)[j] = 0;
    return GM_OK;
}

static gm_status build(gm_model *m)
{
    gm__dbm *d = gm__dbm_of(m);
    int64_t sizes[GM__DBM_LAYERS];
    size_t n;
    GM__TRY(gm__dbm_sizes(m->ctx, "layers", gm__dbm_cfg(m)->layers, 1, sizes, &n));
    for (size_t i = 0; i < n; i++) {
        char prefix[16];
        gm__format(prefix, sizeof prefix, "%zu.", i);
        GM__TRY(add_machine(m, i, sizes[i], prefix));
        d->machines = ++d->hidden;
    }
    if (!joint(m)) return GM_OK;
    d->labels = gm__dbm_cfg(m)->classes;
    GM__TRY(add_machine(m, n, d->labels, "label."));
    d->layer[n].one_of = true;
    d->machines++;
    return GM_OK;
}

static void destroy(gm_model *m)
{
    gm__dbm *d = gm__dbm_of(m);
    for (size_t i = 0; i < GM__RBM_STACK; i++) gm__rbm_drop(&d->layer[i]);
    gm_tensor_free(d->fresh);
    gm_tensor_free(d->chain);
}

static gm_status add_params(gm_model *m, gm_optim *o)
{
    const gm__dbm *d = gm__dbm_of(m);
    for (size_t i = 0; i < d->machines; i++) {
        char prefix[16];
        gm__format(prefix, sizeof prefix, "%zu.", i);
        GM__TRY(gm__rbm_add_params(o, &d->layer[i], i < d->hidden ? prefix : "label."));
    }
    return GM_OK;
}

/* ---- posterior -------------------------------------------------------------------------- */

void gm__dbm_posterior(const gm_model *m, gm_tape *t, gm_tensor *v, gm_tensor *label, gm_tensor **x)
{
    const gm__dbm *d = gm__dbm_of(m);
    for (size_t l = 0; l < GM__DBM_LEVELS; l++) x[l] = NULL;
    x[0] = v;
    if (d->labels) x[d->machines] = label;
    gm__dbm_settle(d, t, x, NULL, gm__dbm_cfg(m)->mean_field, gm__dbm_cfg(m)->tolerance);
}

gm_tensor *gm__dbm_bound(const gm_model *m, gm_tape *t, gm_tensor *v, gm_tensor *label)
{
    gm_tensor *x[GM__DBM_LEVELS], *given[GM__DBM_LEVELS] = {v};
    gm__dbm_posterior(m, t, v, label, x);
    if (gm__dbm_of(m)->labels) given[gm__dbm_of(m)->machines] = label;
    return gm_neg(t, gm__dbm_free_energy(gm__dbm_of(m), t, x, given));
}

gm_tensor *gm__dbm_label_bounds(const gm_model *m, gm_tape *t, gm_tensor *v)
{
    const int64_t classes = gm__dbm_of(m)->labels;
    gm_tensor *all = NULL;
    for (int64_t y = 0; v && y < classes && !gm_tape_status(t); y++) {
        gm_tensor *label = gm_zeros(t, GM_F32, 2, (int64_t[]){v->shape[0], classes});
        for (int64_t i = 0; label && i < v->shape[0]; i++) gm__f32(label)[i * classes + y] = 1;
        gm_tensor *bound = gm__dbm_bound(m, t, v, label), *so_far[2] = {all, NULL};
        so_far[1] = bound ? gm_reshape(t, bound, 2, (int64_t[]){bound->size, 1}) : NULL;
        all = all ? gm_concat(t, so_far, 2, 1) : so_far[1];
    }
    return all;
}

static gm_tensor *visible(const gm_model *m, const gm__batch *b) { return gm__rbm_rows(&gm__dbm_of(m)->layer[0], b->t, b->x, true); }

/* ---- use ------------------------------------------------------------------------------ */

/* The mean of p(v|h1) at the end of a chain, which takes a new stream after so many draws as one can give. */
static gm_tensor *draw(gm_model *m, gm_tape *t, int64_t n, double temperature, gm_tensor *cond)
{
    enum { DRAWS = 4000 };
    const gm__dbm *d = gm__dbm_of(m);
    const int64_t stretch = DRAWS / (int64_t)(d->machines + 1);
    const gm__held held = {.cond = cond};
    gm_tensor *mean = NULL, *state = gm__dbm_noise(d, t, n);
    for (int64_t left = gm__dbm_cfg(m)->burn_in; left > 0 && state; left -= stretch) {
        state = gm__dbm_gibbs(d, t, state, left < stretch ? left : stretch, temperature, &held, &mean);
        gm__draws next = gm__draws_of(t);
        next.draws = 0, next.rows_b++;
        gm__draws_set(t, &next);
    }
    return gm__rbm_shaped(m, t, mean);
}

static gm_tensor *noise(const gm_model *m, gm_tape *t, int64_t n, double temperature)
{
    GM__UNUSED(temperature);
    return gm__dbm_noise(gm__dbm_of(m), t, n);
}
static gm_tensor *units(const gm_model *m, gm_tape *t, gm_tensor *x) { return gm__rbm_rows(&gm__dbm_of(m)->layer[0], t, x, true); }
static gm_tensor *walk(const gm_model *m, gm_tape *t, gm_tensor *state, int64_t steps, double temperature, const gm__held *held, bool mean, gm_tensor **rows)
{
    gm_tensor *means = NULL;
    state = gm__dbm_gibbs(gm__dbm_of(m), t, state, steps, temperature, held, rows && mean ? &means : NULL);
    if (rows) *rows = gm__rbm_shaped(m, t, mean ? means : gm_slice(t, state, 1, 0, m->row, 1));
    return state;
}
static gm_tensor *energy(const gm_model *m, gm_tape *t, gm_tensor *state) { return gm__dbm_state_energy(gm__dbm_of(m), t, state); }
static const gm__gibbs gibbs = {.start = noise, .units = units, .step = walk, .energy = energy};

static gm_tensor *encode(gm_model *m, const gm__batch *b)
{
    gm_tensor *x[GM__DBM_LEVELS];
    gm__dbm_posterior(m, b->t, visible(m, b), b->cond, x);
    return x[b->layer ? (size_t)b->layer : gm__dbm_of(m)->hidden];
}

/* The way down: a layer whose lower neighbour is not known yet counts what it hears twice. */
static gm_tensor *decode(gm_model *m, const gm__batch *b)
{
    const gm__dbm *d = gm__dbm_of(m);
    gm_tensor *x[GM__DBM_LEVELS] = {NULL};
    x[d->hidden] = b->x;
    for (size_t l = d->hidden; l-- > 0;) x[l] = gm__dbm_mean(d, b->t, l, gm__dbm_hear(d, b->t, l, x, l > 0), 1);
    return gm__rbm_shaped(m, b->t, x[0]);
}

static gm_tensor *score(gm_model *m, const gm__batch *b) { return gm_neg(b->t, gm__dbm_bound(m, b->t, visible(m, b), b->cond)); }
static gm_tensor *predict(gm_model *m, const gm__batch *b) { return gm_softmax(b->t, gm__dbm_label_bounds(m, b->t, visible(m, b)), 1); }

/* Of all weights; 0 is none. */
static uint64_t checksum(const gm_model *m)
{
    uint64_t crc = 1;
    for (size_t i = 0; i < m->n_tensors; i++) crc = gm__crc64(crc, m->tensors[i].tensor->data, (size_t)m->tensors[i].tensor->size * sizeof(float));
    return crc | 1;
}

/* Z is enumerated where that is possible, else estimated, once for the same weights. */
static gm_tensor *log_prob(gm_model *m, const gm__batch *b, const gm__eval_cfg *c)
{
    gm__dbm *d = gm__dbm_of(m);
    const uint64_t of = checksum(m);
    GM__UNUSED(c);
    if (of != d->kept_of) {
        gm__z_cfg z = {.struct_size = sizeof z, .method = GM__Z_EXACT, .temperatures = 10000, .chains = 100};
        gm_status s = gm__rbm_log_z(m->ctx, d->layer, d->machines, &z, &d->kept_log_z, NULL);
        z.method = GM__Z_AIS;
        if (s == GM_ELIMIT) s = gm__rbm_log_z(m->ctx, d->layer, d->machines, &z, &d->kept_log_z, NULL);
        if (s) return gm__tape_fail(b->t, s, "%s", gm_ctx_message(m->ctx));
    }
    d->kept_of = of;
    return gm_affine(b->t, gm__dbm_bound(m, b->t, visible(m, b), NULL), 1, -d->kept_log_z);
}

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__dbm *d = gm__dbm_of(m);
    const size_t before = out->len;
    gm__buf_format(out, "visible units  %lld, %s\n", (long long)m->row, gm__dbm_cfg(m)->units == GM_UNITS_GAUSSIAN ? "gaussian" : "bernoulli");
    for (size_t i = 0; i < d->hidden; i++) gm__buf_format(out, "layer %zu        %lld units, bernoulli\n", i + 1, (long long)d->layer[i].nh);
    if (d->labels) gm__buf_format(out, "label units    %lld over layer %zu, one of them on\n", (long long)d->labels, d->hidden);
    return out->len - before;
}

static gm_status inside(gm_model *m, int32_t i, const char **title, gm_tensor **rows) { return gm__rbm_inside(m, &gm__dbm_of(m)->layer[0], i, title, rows); }

const gm__family gm__family_dbm = {
    .name = "dbm",
    .title = "deep Boltzmann machine: layers of units over one another, all connections undirected",
    .score_formula = "variational free energy E_q[E(v,h)] - H(q), nats: at least -log sum_h exp(-E(v,h))",
    .opts = &gm__dbm_opts,
    .train = "optimizer=sgd lr=0.05 batch=100",
    .cfg_size = sizeof(gm_dbm_config),
    .state_size = sizeof(gm__dbm),
    .can = GM_CAN_SAMPLE | GM_CAN_COMPLETE | GM_CAN_LOG_PROB | GM_CAN_SCORE | GM_CAN_ENCODE | GM_CAN_DECODE | GM_CAN_RECONSTRUCT | GM_CAN_PREDICT | GM_CAN_CONDITION,
    .log_prob_kind = GM_LOG_PROB_LOWER_BOUND,
    .check = gm__dbm_check,
    .ready = ready,
    .needs = needs,
    .cannot = cannot,
    .condition = condition,
    .layers = layers,
    .joint = true,
    .build = build,
    .destroy = destroy,
    .loss = gm__dbm_loss,
    .add_params = add_params,
    .begin = gm__dbm_begin,
    .stepped = gm__dbm_stepped,
    .inside = inside,
    .draw = draw,
    .gibbs = &gibbs,
    .encode = encode,
    .decode = decode,
    .score = score,
    .predict = predict,
    .log_prob = log_prob,
    .metrics = gm__dbm_metrics,
    .n_metrics = GM__DBM_METRICS,
    .print = print,
};

void gm_dbm_config_init(gm_dbm_config *c, size_t size) { gm__family_config(&gm__family_dbm, c, size); }
gm_status gm_dbm_new(gm_ctx *ctx, const gm_dbm_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_dbm, c, out); }

/* ---- beyond the shared verbs ---------------------------------------------------------------- */

static gm_status start(gm_model *m, const char *who)
{
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    if (m->family != &gm__family_dbm) return gm__fail_ctx(m->ctx, GM_EARG, "%s: a model of family dbm wanted, this is %s", who, m->family->name);
    return gm__model_able(m->ctx, m, who, true);
}

gm_status gm_dbm_log_z(gm_model *m, gm_tensor *data, const char *options, double *log_z, double *error)
{
    if (!log_z) return GM_EARG;
    GM__TRY(start(m, "log_z"));
    return gm__rbm_log_z_verb(m, gm__dbm_of(m)->layer, gm__dbm_of(m)->machines, data, options, log_z, error);
}

/* The hidden units as draws from the posterior of v. */
static gm_tensor *first_state(const gm_model *m, gm_tape *t, gm_tensor *v)
{
    gm_tensor *x[GM__DBM_LEVELS];
    gm__dbm_posterior(m, t, v, NULL, x);
    for (size_t l = 2; l <= gm__dbm_of(m)->machines; l += 2) x[l] = gm__dbm_draw(gm__dbm_of(m), t, l, gm__dbm_hear(gm__dbm_of(m), t, l, x, false), 1);
    return gm__dbm_join(gm__dbm_of(m), t, x);
}

static gm_tensor *step(const gm_model *m, gm_tape *t, gm_tensor *state, double temperature, gm_tensor *clamp, gm_tensor **mean)
{
    const gm__held held = {.v = clamp ? gm_slice(t, state, 1, 0, m->row, 1) : NULL, .clamp = clamp};
    return gm__dbm_gibbs(gm__dbm_of(m), t, state, 1, temperature, &held, mean);
}

gm_status gm_dbm_gibbs(gm_model *m, gm_tensor *v, gm_tensor *clamp, const char *options, gm_tensor **out)
{
    if (!out) return GM_EARG;
    *out = NULL;
    GM__TRY(start(m, "gibbs"));
    return gm__rbm_gibbs_verb(m, &(gm__chains){.low = gm__dbm_of(m)->layer, .start = first_state, .step = step}, v, clamp, options, out);
}
