/* rbm.c - the restricted Boltzmann machine as a family. */
#include "models/rbm/rbm.h"
#include <math.h>

static bool joint(const gm_model *m) { return gm__rbm_cfg(m)->conditional != 0; }
static bool documents(const gm_model *m) { return (gm__rbm_cfg(m)->units & 255) == GM_UNITS_REPLICATED; }
static bool ready(const gm_model *m) { return (!joint(m) || gm__rbm_cfg(m)->classes > 0) && (!documents(m) || gm__rbm_cfg(m)->length > 0); }
static uint32_t needs(const gm_model *m) { return joint(m) ? GM__NEEDS_LABEL : 0; }
static uint32_t cannot(const gm_model *m)
{
    const gm__rbm *r = gm__rbm_of(m);
    uint32_t no = joint(m) ? 0 : GM_CAN_CONDITION;
    if (!joint(m) && !r->how.missing) no |= GM_CAN_PREDICT;
    if (r->how.group || r->visible->has & GM__UNIT_COUNTS) no |= GM_CAN_COMPLETE; /* units that cannot be held one by one */
    if (r->how.missing) no |= GM_CAN_LOG_PROB; /* rows differ in Z */
    if (!(r->visible->has & GM__UNIT_F) || !r->hidden->log_sum) no |= GM_CAN_SCORE | GM_CAN_LOG_PROB;
    return no;
}
static int64_t condition(const gm_model *m) { return gm__rbm_of(m)->labels; }

static gm_status build(gm_model *m)
{
    gm__rbm *r = gm__rbm_of(m);
    const gm_rbm_config *c = gm__rbm_cfg(m);
    *r = (gm__rbm){.owner = "rbm",
                   .how = {.units = c->units, .k = c->k, .persistent = c->persistent, .chains = c->chains, .centered = c->centered, .start = c->start,
                           .offset_rate = c->offset_rate, .sparsity = c->sparsity, .sparsity_cost = c->sparsity_cost, .init_std = c->init_std,
                           .group = c->group, .missing = c->missing, .length = c->length,
                           .gradient = c->gradient, .tempering = c->tempering, .fast_lr = c->fast_lr, .fast_decay = c->fast_decay},
                   .labels = joint(m) ? c->classes : 0, .nh = c->hidden};
    if (c->levels) GM__TRY(gm__rbm_levels(m->ctx, c->levels, r->level, &r->n_levels));
    if (r->n_levels) r->how.group = r->n_levels;
    else if (c->group && m->row % c->group)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "rbm: a row has %lld numbers, not groups of %d", (long long)m->row, (int)c->group);
    r->nv = m->row * (r->n_levels ? r->n_levels : 1) + r->labels;
    GM__TRY(gm__rbm_make(m, r, "", gm__model_seed(m), 0));
    return c->gradient == GM_RBM_EXACT ? gm__rbm_countable(m->ctx, r) : GM_OK;
}

/* Words of a document, on average. */
static gm_status settle(gm_model *m, gm_dataset *d)
{
    char text[24];
    double sum = 0;
    const uint64_t rows = gm_dataset_rows(d);
    if (!documents(m) || gm__rbm_cfg(m)->length > 0) return GM_OK;
    for (uint64_t at = 0; at < rows; at += GM__CHUNK) {
        gm_tensor *x = NULL;
        GM__TRY(gm_dataset_read(d, "x", at, rows - at < GM__CHUNK ? rows - at : GM__CHUNK, &x));
        const bool wide = x->dtype == GM_F64;
        for (int64_t i = 0; i < x->size; i++) sum += wide ? gm__f64(x)[i] : (double)gm__f32(x)[i];
        gm_tensor_free(x);
    }
    const double mean = fmin(fmax(round(sum / (double)rows), 1), GM__RBM_WORDS); /* of numbers that are no counts: 1, and the first step refuses them */
    gm__rbm_of(m)->how.length = mean;
    gm__format(text, sizeof text, "%d", (int)mean);
    return gm__model_set_text(m, "length", text);
}

static void destroy(gm_model *m) { gm__rbm_drop(gm__rbm_of(m)); }
static gm_status add_params(gm_model *m, gm_optim *o) { return gm__rbm_add_params(o, gm__rbm_of(m), ""); }

/* ---- training ------------------------------------------------------------------------- */

gm_tensor *gm__rbm_input(const gm_model *m, const gm__batch *b, bool check)
{
    const gm__rbm *r = gm__rbm_of(m);
    gm_tensor *x = gm__rbm_rows(r, b->t, b->x, check);
    if (!r->labels || !x) return x;
    gm_tensor *both[2] = {x, b->cond ? b->cond : gm_zeros(b->t, GM_F32, 2, (int64_t[]){x->shape[0], r->labels})};
    return gm_concat(b->t, both, 2, 1);
}

static gm_status begin(gm_model *m, gm_trainer *tr)
{
    GM__TRY(gm__rbm_start_biases(gm__rbm_of(m), m, tr));
    return gm__rbm_start_chains(gm__rbm_of(m), m, tr, "chain");
}

/* log p(label | x), whose gradient is exact [Larochelle & Bengio 2008] */
static gm_tensor *discriminate(gm_model *m, const gm__batch *b)
{
    const gm__rbm *r = gm__rbm_of(m);
    gm_tensor *f = gm__rbm_label_energy(r, b->t, gm__rbm_rows(r, b->t, b->x, b->epoch == 0 || !b->training));
    return gm_cross_entropy(b->t, gm_neg(b->t, f), b->label, GM_MEAN);
}

static gm_status loss(gm_model *m, const gm__batch *b, gm_tensor **out)
{
    gm__rbm *r = gm__rbm_of(m);
    const gm_rbm_config *c = gm__rbm_cfg(m);
    if (c->objective != GM_RBM_GENERATIVE) *out = discriminate(m, b);
    if (c->objective == GM_RBM_DISCRIMINATIVE || (c->objective == GM_RBM_HYBRID && !b->training)) return gm_tape_status(b->t);
    gm_tensor *labels = *out;
    GM__TRY(gm__rbm_learn(r, b, gm__rbm_input(m, b, b->epoch == 0 || !b->training), NULL, out));
    if (c->objective == GM_RBM_HYBRID) *out = gm_add(b->t, labels, gm_affine(b->t, *out, c->generative, 0));
    return gm_tape_status(b->t);
}
static gm_status stepped(gm_model *m) { return gm__rbm_moved(gm__rbm_of(m), m->ctx); }

/* ---- use ------------------------------------------------------------------------------ */

/* The mean of p(v|h) at the end of a chain. */
static gm_tensor *draw(gm_model *m, gm_tape *t, int64_t n, double temperature, gm_tensor *cond)
{
    gm_tensor *mean = NULL;
    gm__rbm_dream(gm__rbm_of(m), t, n, gm__rbm_cfg(m)->burn_in, temperature, cond, &mean);
    return gm__rbm_data(gm__rbm_of(m), m, t, mean);
}

static gm_tensor *start(const gm_model *m, gm_tape *t, int64_t n, double temperature) { return gm__rbm_noise(gm__rbm_of(m), t, n, temperature); }
static gm_tensor *units(const gm_model *m, gm_tape *t, gm_tensor *x)
{
    return gm__rbm_rows(gm__rbm_of(m), t, x, true);
}
static gm_tensor *step(const gm_model *m, gm_tape *t, gm_tensor *state, int64_t steps, double temperature, const gm__held *held, bool mean, gm_tensor **rows)
{
    const gm__rbm *r = gm__rbm_of(m);
    gm_tensor *means = NULL;
    state = gm__rbm_walk(r, t, state, steps, temperature, held, rows && mean ? &means : NULL);
    if (rows) *rows = gm__rbm_data(r, m, t, gm__rbm_unlabelled(r, t, mean ? means : state));
    return state;
}
static gm_tensor *energy(const gm_model *m, gm_tape *t, gm_tensor *state) { return gm__rbm_free_energy(gm__rbm_of(m), t, state); }
static const gm__gibbs gibbs = {.start = start, .units = units, .step = step, .energy = energy};

static gm_tensor *encode(gm_model *m, const gm__batch *b)
{
    return gm__rbm_of(m)->hidden->mean(b->t, gm__rbm_up(gm__rbm_of(m), b->t, gm__rbm_input(m, b, true)), 1);
}
static gm_tensor *decode(gm_model *m, const gm__batch *b)
{
    const gm__rbm *r = gm__rbm_of(m);
    gm_tensor *v = gm__rbm_visible_mean(r, b->t, gm__rbm_down(r, b->t, b->x), 1);
    return gm__rbm_data(r, m, b->t, gm__rbm_unlabelled(r, b->t, v));
}

/* Without a label a joint model sums over all of them. */
static gm_tensor *score(gm_model *m, const gm__batch *b)
{
    const gm__rbm *r = gm__rbm_of(m);
    if (!r->labels || b->cond) return gm__rbm_free_energy(r, b->t, gm__rbm_input(m, b, true));
    return gm_neg(b->t, gm_logsumexp(b->t, gm_neg(b->t, gm__rbm_label_energy(r, b->t, gm__rbm_rows(r, b->t, b->x, true))), 1, 0));
}

/* p(label | x): exact, labels are few. With missing entries: what the entries that are there let expect of all. */
static gm_tensor *predict(gm_model *m, const gm__batch *b)
{
    const gm__rbm *r = gm__rbm_of(m);
    if (r->how.missing) {
        gm__batch code = *b;
        code.x = encode(m, b);
        return decode(m, &code);
    }
    return gm_softmax(b->t, gm_neg(b->t, gm__rbm_label_energy(r, b->t, gm__rbm_rows(r, b->t, b->x, true))), 1);
}
static gm_tensor *log_prob(gm_model *m, const gm__batch *b, const gm__eval_cfg *c)
{
    GM__UNUSED(c);
    return gm_neg(b->t, score(m, b));
}

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__rbm *r = gm__rbm_of(m);
    const size_t before = out->len;
    gm__buf_format(out, "visible units  %lld, %s\n", (long long)m->row, r->visible->name);
    if (r->labels) gm__buf_format(out, "label units    %lld, one of them on\n", (long long)r->labels);
    gm__buf_format(out, "hidden units   %lld, %s\n", (long long)r->nh, r->hidden->name);
    return out->len - before;
}

static gm_status inside(gm_model *m, int32_t i, const char **title, gm_tensor **rows) { return gm__rbm_inside(m, gm__rbm_of(m), i, title, rows); }

const gm__family gm__family_rbm = {
    .name = "rbm",
    .title = "restricted Boltzmann machine: an energy over visible and hidden units, trained by contrastive divergence",
    .score_formula = "free energy F(v) = -log sum_h exp(-E(v,h)), nats; p(v) = exp(-F(v))/Z",
    .opts = &gm__rbm_opts,
    .train = "optimizer=sgd lr=0.05 batch=100",
    .cfg_size = sizeof(gm_rbm_config),
    .state_size = sizeof(gm__rbm_model),
    .can = GM_CAN_SAMPLE | GM_CAN_COMPLETE | GM_CAN_LOG_PROB | GM_CAN_SCORE | GM_CAN_ENCODE | GM_CAN_DECODE | GM_CAN_RECONSTRUCT | GM_CAN_PREDICT | GM_CAN_CONDITION,
    .log_prob_kind = GM_LOG_PROB_UNNORMALISED,
    .check = gm__rbm_check,
    .ready = ready,
    .settle = settle,
    .needs = needs,
    .cannot = cannot,
    .condition = condition,
    .joint = true,
    .build = build,
    .destroy = destroy,
    .loss = loss,
    .add_params = add_params,
    .begin = begin,
    .stepped = stepped,
    .watch = gm__rbm_watch,
    .inside = inside,
    .draw = draw,
    .gibbs = &gibbs,
    .encode = encode,
    .decode = decode,
    .score = score,
    .predict = predict,
    .log_prob = log_prob,
    .metrics = gm__rbm_metrics,
    .n_metrics = GM__RBM_METRICS,
    .print = print,
};

void gm_rbm_config_init(gm_rbm_config *c, size_t size) { gm__family_config(&gm__family_rbm, c, size); }
gm_status gm_rbm_new(gm_ctx *ctx, const gm_rbm_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_rbm, c, out); }
