/* dbn.c - the deep belief network as a family. train.c and up_down.c train it. */
#include "models/dbn/dbn.h"

static bool joint(const gm_model *m) { return gm__dbn_cfg(m)->conditional != 0; }
static bool ready(const gm_model *m) { return !joint(m) || gm__dbn_cfg(m)->classes > 0; }
static uint32_t needs(const gm_model *m) { return joint(m) ? GM__NEEDS_LABEL : 0; }
static uint32_t cannot(const gm_model *m) { return joint(m) ? 0 : GM_CAN_PREDICT | GM_CAN_CONDITION; }
static int64_t condition(const gm_model *m) { return gm__dbn_top(m)->labels; }

/* ---- building ------------------------------------------------------------------------- */

static const char *prefix_of(const gm__dbn *d, size_t layer, char out[16])
{
    if (d->n == 1) *out = 0; /* the names of an RBM */
    else gm__format(out, 16, "%zu.", layer);
    return out;
}

/* Weights of the way up that can part from those of the way down. */
static gm_status make_up(gm_model *m, size_t i, const char *prefix)
{
    gm__dbn *d = gm__dbn_of(m);
    char name[64];
    gm__format(name, sizeof name, "%srecognition_weight", prefix);
    GM__TRY(gm_tensor_copy(m->ctx, GM_F32, 2, d->layer[i].w->shape, d->layer[i].w->data, &d->up[i]));
    return gm__model_add_tensor(m, name, d->up[i], true);
}

static gm_status build(gm_model *m)
{
    gm__dbn *d = gm__dbn_of(m);
    const gm_dbn_config *c = gm__dbn_cfg(m);
    int64_t sizes[GM__DBN_LAYERS], k[GM__DBN_LAYERS], chains[GM__DBN_LAYERS], below = m->row;
    size_t n_k = 0, n_chains = 0;
    char prefix[16];
    GM__TRY(gm__dbn_sizes(m->ctx, "layers", c->layers, 1, GM__DBN_MOST, sizes, &d->n));
    GM__TRY(gm__dbn_sizes(m->ctx, "layer-k", c->layer_k, 1, GM__DBN_MOST_K, k, &n_k));
    GM__TRY(gm__dbn_sizes(m->ctx, "layer-persistent", c->layer_persistent, 0, 1, chains, &n_chains));
    for (size_t i = 0; i < d->n; i++) {
        const bool top = i + 1 == d->n;
        gm__rbm *r = &d->layer[i];
        *r = (gm__rbm){.owner = "dbn",
                       .how = {.units = i ? GM_UNITS_BERNOULLI : c->units, .k = n_k ? (int32_t)k[i] : c->k, .persistent = n_chains ? chains[i] != 0 : c->persistent, .centered = c->centered,
                               .start = c->start && i == 0, .offset_rate = c->offset_rate, .init_std = c->init_std},
                       .labels = top && joint(m) ? c->classes : 0, .nh = sizes[i]};
        r->nv = below + r->labels;
        GM__TRY(gm__rbm_make(m, r, prefix_of(d, i, prefix), gm__model_seed(m), i));
        if (c->up_down && !top) GM__TRY(make_up(m, i, prefix));
        below = sizes[i];
    }
    return GM_OK;
}

static void destroy(gm_model *m)
{
    gm__dbn *d = gm__dbn_of(m);
    for (size_t i = 0; i < d->n; i++) {
        gm__rbm_drop(&d->layer[i]);
        gm_tensor_free(d->up[i]);
    }
}

static gm_status add_params(gm_model *m, gm_optim *o)
{
    const gm__dbn *d = gm__dbn_of(m);
    char prefix[16], name[64];
    for (size_t i = 0; i < d->n; i++) {
        GM__TRY(gm__rbm_add_params(o, &d->layer[i], prefix_of(d, i, prefix)));
        if (!d->up[i]) continue;
        gm__format(name, sizeof name, "%srecognition_weight", prefix);
        GM__TRY(gm__optim_add_named(o, name, d->up[i], NULL));
    }
    return GM_OK;
}

/* ---- upward --------------------------------------------------------------------------- */

gm_tensor *gm__dbn_receive(const gm__dbn *d, size_t i, gm_tape *t, gm_tensor *v)
{
    gm__rbm r = d->layer[i];
    if (d->up[i]) {
        r.w = d->up[i];
        if (r.log_var) r.log_var = gm_detach(t, r.log_var); /* the way up learns by its own weights, not by the pixels' noise */
    }
    return gm__rbm_up(&r, t, v);
}

gm_tensor *gm__dbn_up(const gm_model *m, gm_tape *t, gm_tensor *x, size_t layer, bool draw, bool check)
{
    const gm__dbn *d = gm__dbn_of(m);
    gm_tensor *v = gm__rbm_rows(&d->layer[0], t, x, check);
    for (size_t i = 0; i < layer; i++) {
        gm_tensor *in = gm__dbn_receive(d, i, t, v);
        v = (draw ? d->layer[i].hidden->draw : d->layer[i].hidden->mean)(t, in, 1);
    }
    return v;
}

gm_tensor *gm__dbn_join(const gm__rbm *r, const gm__batch *b, gm_tensor *v)
{
    if (!r->labels || !v) return v;
    gm_tensor *both[2] = {v, b->cond ? b->cond : gm_zeros(b->t, GM_F32, 2, (int64_t[]){v->shape[0], r->labels})};
    return gm_concat(b->t, both, 2, 1);
}

gm_tensor *gm__dbn_input(const gm_model *m, const gm__batch *b, size_t layer, bool draw, bool check)
{
    return gm__dbn_join(&gm__dbn_of(m)->layer[layer], b, gm__dbn_up(m, b->t, b->x, layer, draw, check));
}

/* ---- use ------------------------------------------------------------------------------ */

/* One ancestral pass from states v that the topmost machine sees, whose means are these: the mean of p(v|h1), or a state. */
static gm_tensor *down(const gm_model *m, gm_tape *t, gm_tensor *v, gm_tensor *mean, bool state)
{
    const gm__dbn *d = gm__dbn_of(m);
    for (size_t i = d->n - 1; i-- > 0;) {
        gm_tensor *in = gm__rbm_down(&d->layer[i], t, v);
        mean = gm__rbm_visible_mean(&d->layer[i], t, in, 1);
        if (i || state) v = gm__rbm_visible_draw(&d->layer[i], t, in, 1);
    }
    return state ? v : mean;
}

/* Gibbs steps in the topmost machine, then one ancestral pass down; what is given is the mean of p(v|h1). */
static gm_tensor *draw(gm_model *m, gm_tape *t, int64_t n, double temperature, gm_tensor *cond)
{
    gm_tensor *mean = NULL, *v = gm__rbm_dream(gm__dbn_top(m), t, n, gm__dbn_cfg(m)->burn_in, temperature, cond, &mean);
    return gm__rbm_shaped(m, t, down(m, t, v, mean, false));
}

/* States of chains are what the topmost machine sees. */
static gm_tensor *start(const gm_model *m, gm_tape *t, int64_t n, double temperature) { return gm__rbm_noise(gm__dbn_top(m), t, n, temperature); }
static gm_tensor *units(const gm_model *m, gm_tape *t, gm_tensor *x) { return gm__rbm_rows(&gm__dbn_of(m)->layer[0], t, x, true); }

/* With visible units held: a state of the others by the way down, then the way up from all of them, which stands for p(h|v). */
static gm_tensor *up_from_held(const gm_model *m, gm_tape *t, gm_tensor *state, const gm__held *held)
{
    const gm__rbm *top = gm__dbn_top(m);
    gm_tensor *v = down(m, t, gm__rbm_unlabelled(top, t, state), gm__rbm_unlabelled(top, t, state), true);
    v = gm_where(t, held->clamp, held->v, v);
    v = gm__dbn_up(m, t, v, gm__dbn_of(m)->n - 1, true, false);
    gm_tensor *both[2] = {v, top->labels ? gm_slice(t, state, 1, top->nv - top->labels, top->nv, 1) : NULL};
    return top->labels ? gm_concat(t, both, 2, 1) : v;
}

static gm_tensor *step(const gm_model *m, gm_tape *t, gm_tensor *state, int64_t steps, double temperature, const gm__held *held, bool mean, gm_tensor **rows)
{
    const gm__rbm *top = gm__dbn_top(m);
    const gm__held labels = {.cond = held->cond};
    const bool through = held->clamp && gm__dbn_of(m)->n > 1; /* the units held lie below the topmost machine */
    gm_tensor *means = NULL;
    if (!through) state = gm__rbm_walk(top, t, state, steps, temperature, held, &means);
    for (int64_t i = 0; through && i < steps && state; i++) {
        const bool last = i + 1 == steps;
        const uint64_t frame = last ? 0 : gm_tape_push(t); /* the memory of a step is given back after it */
        state = gm__rbm_walk(top, t, up_from_held(m, t, state, held), 1, temperature, &labels, last ? &means : NULL);
        if (!last) state = gm_tape_pop(t, frame, state);
    }
    if (rows) *rows = gm__rbm_shaped(m, t, down(m, t, gm__rbm_unlabelled(top, t, state), gm__rbm_unlabelled(top, t, means), !mean));
    return state;
}
static gm_tensor *energy(const gm_model *m, gm_tape *t, gm_tensor *state) { return gm__rbm_free_energy(gm__dbn_top(m), t, state); }
static const gm__gibbs gibbs = {.start = start, .units = units, .step = step, .energy = energy};

static int32_t layers(const gm_model *m) { return (int32_t)gm__dbn_of(m)->n; }

/* The mean of every layer given the one below; the topmost is the code. */
static gm_tensor *encode(gm_model *m, const gm__batch *b)
{
    const size_t i = b->layer ? (size_t)b->layer - 1 : gm__dbn_of(m)->n - 1;
    return gm_sigmoid(b->t, gm__dbn_receive(gm__dbn_of(m), i, b->t, gm__dbn_input(m, b, i, false, true)));
}

static gm_tensor *decode(gm_model *m, const gm__batch *b)
{
    const gm__dbn *d = gm__dbn_of(m);
    gm_tensor *h = b->x;
    for (size_t i = d->n; i-- > 0;) h = gm__rbm_unlabelled(&d->layer[i], b->t, gm__rbm_visible_mean(&d->layer[i], b->t, gm__rbm_down(&d->layer[i], b->t, h), 1));
    return gm__rbm_shaped(m, b->t, h);
}

gm_tensor *gm__dbn_label_energy(const gm_model *m, const gm__batch *b)
{
    return gm__rbm_label_energy(gm__dbn_top(m), b->t, gm__dbn_up(m, b->t, b->x, gm__dbn_of(m)->n - 1, false, true));
}
static gm_tensor *predict(gm_model *m, const gm__batch *b)
{
    return gm_softmax(b->t, gm_neg(b->t, gm__dbn_label_energy(m, b)), 1);
}

static size_t print(const gm_model *m, gm__buf *out)
{
    const gm__dbn *d = gm__dbn_of(m);
    const size_t before = out->len;
    gm__buf_format(out, "visible units  %lld, %s\n", (long long)m->row, gm__dbn_cfg(m)->units == GM_UNITS_GAUSSIAN ? "gaussian" : "bernoulli");
    for (size_t i = 0; i < d->n; i++)
        gm__buf_format(out, "layer %zu        %lld units, bernoulli%s\n", i + 1, (long long)d->layer[i].nh, i + 1 == d->n ? ", undirected" : "");
    if (gm__dbn_top(m)->labels) gm__buf_format(out, "label units    %lld beside layer %zu\n", (long long)gm__dbn_top(m)->labels, d->n - 1);
    return out->len - before;
}

static gm_status inside(gm_model *m, int32_t i, const char **title, gm_tensor **rows) { return gm__rbm_inside(m, &gm__dbn_of(m)->layer[0], i, title, rows); }

const gm__family gm__family_dbn = {
    .name = "dbn",
    .title = "deep belief network: restricted Boltzmann machines on one another, trained from the bottom",
    .opts = &gm__dbn_opts,
    .train = "optimizer=sgd lr=0.05 batch=100",
    .cfg_size = sizeof(gm_dbn_config),
    .state_size = sizeof(gm__dbn),
    .can = GM_CAN_SAMPLE | GM_CAN_COMPLETE | GM_CAN_ENCODE | GM_CAN_DECODE | GM_CAN_RECONSTRUCT | GM_CAN_PREDICT | GM_CAN_CONDITION,
    .check = gm__dbn_check,
    .ready = ready,
    .needs = needs,
    .cannot = cannot,
    .condition = condition,
    .joint = true,
    .build = build,
    .destroy = destroy,
    .loss = gm__dbn_loss,
    .add_params = add_params,
    .begin = gm__dbn_begin,
    .stepped = gm__dbn_stepped,
    .inside = inside,
    .draw = draw,
    .gibbs = &gibbs,
    .encode = encode,
    .layers = layers,
    .decode = decode,
    .predict = predict,
    .metrics = gm__dbn_metrics,
    .n_metrics = GM__DBN_METRICS,
    .print = print,
};

void gm_dbn_config_init(gm_dbn_config *c, size_t size) { gm__family_config(&gm__family_dbn, c, size); }
gm_status gm_dbn_new(gm_ctx *ctx, const gm_dbn_config *c, gm_model **out) { return gm__model_from_config(ctx, &gm__family_dbn, c, out); }
