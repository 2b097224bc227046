/* trainer.c - options of training and the life of a trainer. */
#include "models/trainer.h"
#include <math.h>
#include <string.h>

/* ---- options --------------------------------------------------------------------- */

#define AT(field) offsetof(gm__train_cfg, optim) + offsetof(gm__optim_config, field)
#define OWN(field) offsetof(gm__train_cfg, field)
static const gm__opt rows[] = {
    {"epochs", GM__O_I64, OWN(epochs), "10", 0, 1e8, NULL, "passes over the data"},
    {"steps", GM__O_I64, OWN(steps), "0", 0, 1e15, NULL, "updates in all; 0: epochs decide"},
    {"batch", GM__O_I64, OWN(batch), "128", 1, 1 << 24, NULL, "rows of one batch"},
    {"accumulate", GM__O_I64, OWN(accumulate), "1", 1, 1 << 20, NULL, "batches of one update, whose gradients are added up as if they were one"},
    {"optimizer", GM__O_CHOICE, OWN(optimizer), "adam", 0, 0, GM__OPTIM_KINDS, "how gradients become updates"},
#include "optim/rows.def"
    {"extragradient", GM__O_FLAG, OWN(extragradient), "off", 0, 0, NULL, "gan: both players step by the gradients found where both would step to"},
    {"groups", GM__O_TEXT, OWN(groups), NULL, 0, 0, NULL, "rates for weights by name: 'decoder: lr-scale=0.1; *.bias: weight-decay=0'; lr-scale=0 freezes"},
    {"seed", GM__O_U64, OWN(seed), "0", 0, 0, NULL, "of order and noise (default: the model's)"},
    {"patience", GM__O_I64, OWN(patience), "0", 0, 1e8, NULL, "stop after so many epochs without better held-out loss; 0: never"},
    {"keep-best", GM__O_FLAG, OWN(keep_best), "off", 0, 0, NULL, "end with the weights of the best held-out loss"},
    {"checkpoint", GM__O_TEXT, OWN(checkpoint), NULL, 0, 0, NULL, "file to go on from, replaced as training proceeds"},
    {"checkpoint-every", GM__O_I64, OWN(checkpoint_every), "0", 0, 1e15, NULL, "steps between checkpoints; 0: at each epoch's end"},
    {"stop-after", GM__O_I64, OWN(stop_after), "0", 0, 1e15, NULL, "stop after so many steps of this trainer; 0: never"},
    {"report", GM__O_TEXT, OWN(report), NULL, 0, 0, NULL, "folder for report.html and series.csv, kept up to date"},
    {"prefetch", GM__O_FLAG, OWN(prefetch), "on", 0, 0, NULL, "prepare the next batch meanwhile"},
    {"augment", GM__O_TEXT, OWN(augment), NULL, 0, 0, NULL, "change training pictures at random: flip,vflip,shift=N,fill=edge,crop=N,contrast=C,brightness=B,noise=S,erase=N"},
};
const gm__opts gm__train_opts = {"train", rows, GM__COUNT(rows)};

static ptrdiff_t row_of(const char *name) { return gm__opts_find(&gm__train_opts, name, strlen(name)); }

/* Defaults that depend on other options or on the model. */
static void settle(gm_trainer *tr, const bool *set, const bool *usual)
{
    gm__train_cfg *c = &tr->cfg;
    if (!set[row_of("seed")]) c->seed = gm__model_seed(tr->m);
    if (set[row_of("epochs")] && !set[row_of("steps")]) c->steps = 0; /* whoever asks for epochs gets them, whatever a family's default */
    tr->warmup_given = set[row_of("warmup")];
    const ptrdiff_t decay = row_of("weight-decay"), eps = row_of("eps");
    gm__optim_settle(c->optimizer, &c->optim, set[decay] || usual[decay], set[eps] || usual[eps]);
}

/* ---- opening what training works with ------------------------------------------------ */

int64_t gm__trainer_total(const gm_trainer *tr)
{
    int64_t n;
    if (tr->cfg.steps) return tr->cfg.steps;
    return __builtin_mul_overflow(tr->cfg.epochs, tr->epoch_steps, &n) ? INT64_MAX : n;
}

/* The shape that the first fit builds with: the config's if it has one, else the data's. */
static gm_status build_shape(gm_trainer *tr)
{
    const gm__column *x = gm__dataset_column(tr->data, "x");
    const char *const *text = gm__model_option(tr->m, "shape");
    int64_t shape[GM_MAX_DIMS];
    size_t n = 0;
    if (text && *text) GM__TRY(gm__ints(tr->ctx, "shape", *text, shape, GM_MAX_DIMS, &n));
    if (!n) return gm__model_build(tr->m, x->ndim ? x->ndim : 1, x->ndim ? x->shape : &(int64_t){ 1 });
    GM__TRY(gm__model_build(tr->m, (int32_t)n, shape));
    return gm__model_fits(tr->m, "train", x->ndim, x->shape);
}

/* The first fit tells an unbuilt model its shape, seed, scaling, classes and targets. */
static gm_status build_model(gm_trainer *tr)
{
    gm_model *m = tr->m;
    char text[32];
    const int32_t *classes = gm__model_option(m, "classes");
    int64_t n = gm_dataset_classes(tr->data);
    if (classes && *classes && n > *classes)
        return gm__fail_ctx(tr->ctx, GM_EARG, "train: the data have %lld classes, the model %d", (long long)n, *classes);
    bool learned = m->family->filled && m->family->choose && !m->n_tensors; /* built, but for tensors of sizes that the data decide */
    if (m->built && !learned) return m->family->needs ? gm__needs_met(tr->ctx, "train", m->family->needs(m), tr->data) : GM_OK;
    if (classes && !*classes && n) {
        gm__format(text, sizeof text, "%lld", (long long)n);
        GM__TRY(gm__model_set_text(m, "classes", text));
    }
    if (!m->seed_given && tr->cfg.seed != gm__model_seed(m)) {
        gm__format(text, sizeof text, "%llu", (unsigned long long)tr->cfg.seed);
        GM__TRY(gm__model_set_text(m, "seed", text));
    }
    if (m->family->choose) GM__TRY(m->family->choose(m, tr->data));
    if (m->family->needs) GM__TRY(gm__needs_met(tr->ctx, "train", m->family->needs(m), tr->data));
    if (learned) return GM_OK;
    GM__TRY(build_shape(tr));
    GM__TRY(gm__scale_fit(m, tr->data));
    return m->family->settle ? m->family->settle(m, tr->data) : GM_OK;
}

static bool in_a_net(const gm_model *m, const gm_tensor *t)
{
    for (size_t i = 0; i < m->n_nets; i++)
        for (int32_t j = 0; j < gm_net_tensor_count(m->nets[i].net); j++)
            if (gm_net_tensor(m->nets[i].net, j) == t) return true;
    return false;
}

static gm_status add_params(gm_model *m, gm_optim *o)
{
    if (m->family->add_params) return m->family->add_params(m, o);
    for (size_t i = 0; i < m->n_nets; i++) GM__TRY(gm__optim_add_net_named(o, m->nets[i].prefix, m->nets[i].net, NULL));
    for (size_t i = 0; i < m->n_tensors; i++)
        if (m->tensors[i].parameter && !in_a_net(m, m->tensors[i].tensor))
            GM__TRY(gm__optim_add_named(o, m->tensors[i].name, m->tensors[i].tensor, NULL));
    return GM_OK;
}

/* The optimiser's own options are the trainer's of the same names. */
static gm_status make_optim(gm_trainer *tr, const char *kind, const gm__optim_config *c, gm_optim **out)
{
    char usual[16], value[64];
    gm__buf b;
    gm__buf_init(&b, tr->ctx);
    gm__opts_value(&gm__train_opts, (size_t)row_of("optimizer"), &tr->cfg, usual, sizeof usual);
    for (size_t i = 0; i < gm__optim_opts.n; i++) {
        gm__opts_value(&gm__optim_opts, i, c, value, sizeof value);
        gm__buf_format(&b, "%s=%s ", gm__optim_opts.rows[i].name, value);
    }
    gm_status s = b.failed ? GM_ENOMEM : gm_optim_new(tr->ctx, kind ? kind : usual, b.data, out);
    gm__buf_free(&b);
    return s;
}

static gm_status open_optim(gm_trainer *tr)
{
    GM__TRY(make_optim(tr, NULL, &tr->cfg.optim, &tr->optim));
    return add_params(tr->m, tr->optim);
}

gm_status gm__trainer_optim(gm_trainer *tr, const char *kind, double lr, gm_optim **out)
{
    gm__optim_config c = tr->cfg.optim;
    if (lr > 0) c.lr = lr;
    c.ema = 0;
    return make_optim(tr, kind, &c, out);
}

gm_status gm__trainer_rival(gm_trainer *tr, const char *kind, double lr) { return gm__trainer_optim(tr, kind, lr, &tr->rival); }

/* What batches go over. */
static gm_status open_feed(gm_trainer *tr, gm_dataset *d, int64_t batch, bool training, gm_dataset **out)
{
    if (tr->m->family->feed) return tr->m->family->feed(tr->m, d, batch, training, out);
    gm__retain(d);
    *out = d;
    return GM_OK;
}

static gm_status open_batches(gm_trainer *tr, gm_dataset *d, int64_t batch, bool shuffle, bool prefetch, gm_batches **out)
{
    char options[400], how[32];
    const char *binarize = gm__model_choice(tr->m, "binarize", how, sizeof how);
    size_t n = gm__format(options, sizeof options, "batch=%lld shuffle=%s prefetch=%s seed=%llu binarize=%s", (long long)batch, shuffle ? "on" : "off",
                          prefetch ? "on" : "off", (unsigned long long)tr->cfg.seed, binarize ? binarize : "none");
    if (shuffle && tr->cfg.augment) n += gm__format(options + n, sizeof options - n, " augment='%s'", tr->cfg.augment); /* what is trained on, only */
    if (n >= sizeof options) return gm__fail_ctx(tr->ctx, GM_EARG, "train: augment: the text is too long");
    return gm_batches_new(d, options, out);
}

gm_status gm__trainer_batches(gm_trainer *tr, int64_t batch, gm_batches **out) { return open_batches(tr, tr->feed, batch, false, false, out); }

gm_status gm__trainer_means(gm_trainer *tr, double *mean)
{
    enum { LOOK = 10000 };
    gm_batches *b = NULL;
    gm_tensor *x = NULL;
    gm_tape *t = NULL;
    double seen = 0;
    gm_status s = gm__trainer_batches(tr, GM__CHUNK, &b);
    if (!s) s = gm__use_tape(tr->ctx, &t);
    for (int64_t j = 0; j < tr->m->row; j++) mean[j] = 0;
    while (!s && seen < LOOK) {
        if ((s = gm__check_cancel(tr->ctx)) || (s = gm_batches_next(b, &x))) break;
        gm_tape_reset(t);
        gm_tensor *v = gm__model_rows(tr->m, t, x);
        v = v ? gm__tape_contiguous(t, v) : NULL;
        if (!v) s = gm__tape_failed(tr->ctx, t);
        for (int64_t i = 0; !s && i < v->size; i++) mean[i % tr->m->row] += (double)gm__f32(v)[i];
        if (!s) seen += (double)v->shape[0];
    }
    if (s == GM_END) s = GM_OK;
    for (int64_t j = 0; j < tr->m->row; j++) mean[j] /= seen;
    gm_tape_free(t);
    gm_batches_free(b);
    return s;
}

gm_status gm__trainer_keep(gm_trainer *tr, const char *name, gm_tensor *t)
{
    struct gm__kept *kept = gm__realloc(tr->ctx, tr->kept, tr->n_kept + 1, sizeof *kept);
    if (!kept) return GM_ENOMEM;
    tr->kept = kept;
    kept[tr->n_kept] = (struct gm__kept){ .name = gm__strs_add(&tr->strs, name, strlen(name)), .tensor = t };
    if (!kept[tr->n_kept].name) return GM_ENOMEM;
    gm__retain(t);
    tr->n_kept++;
    return GM_OK;
}

gm_status gm__trainer_open(gm_trainer *tr)
{
    gm__train_cfg *c = &tr->cfg;
    if (!gm_dataset_rows(tr->data)) return gm__fail_ctx(tr->ctx, GM_EARG, "train: the data have no rows");
    if (gm_dataset_rows(tr->data) > INT64_MAX / 2) return gm__fail_ctx(tr->ctx, GM_ELIMIT, "train: too many rows");
    GM__TRY(gm__model_data_fits(tr->m, "train", tr->data));
    GM__TRY(gm__model_begin_train(tr->m, tr->ctx));
    gm_status s = build_model(tr);
    if (!s) s = open_feed(tr, tr->data, c->batch, true, &tr->feed);
    const uint64_t rows_n = s ? 1 : gm_dataset_rows(tr->feed);
    const bool ordered = tr->m->family->ordered && tr->m->family->ordered(tr->m, tr->data);
    tr->epoch_steps = ((int64_t)rows_n + c->batch * c->accumulate - 1) / (c->batch * c->accumulate);
    if (!s && tr->m->family->takes) tr->epoch_steps = (int64_t)fmax(1, ceil((double)tr->epoch_steps / tr->m->family->takes(tr->m)));
    tr->total = gm__trainer_total(tr);
    if (!c->optim.horizon) { /* fixed from the first start on */
        c->optim.horizon = tr->total;
        if (!tr->warmup_given && c->optim.warmup > tr->total / 10) c->optim.warmup = tr->total / 10;
    }
    int64_t watch = (int64_t)rows_n < GM__CHUNK ? (int64_t)rows_n : GM__CHUNK;
    tr->row_cap = (size_t)(c->batch < (int64_t)rows_n ? c->batch : (int64_t)rows_n);
    if (tr->row_cap < GM__CHUNK) tr->row_cap = GM__CHUNK;
    if (!s) tr->rows = gm__alloc(tr->ctx, tr->row_cap, sizeof *tr->rows);
    if (!s && !tr->rows) s = GM_ENOMEM;
    if (!s) s = open_optim(tr);
    if (!s) s = open_batches(tr, tr->feed, c->batch, !ordered, c->prefetch, &tr->batches);
    if (!s && c->extragradient && !tr->m->family->update)
        s = gm__fail_ctx(tr->ctx, GM_EUNSUPPORTED, "train: extragradient is of two players, %s has one", tr->m->family->name);
    if (!s && tr->m->family->watch) s = open_batches(tr, tr->feed, watch, false, false, &tr->watch_batches);
    if (!s) s = gm_tape_new(tr->ctx, c->seed, &tr->tape);
    static const char *const curves[] = { "loss", "epoch-loss", "valid-loss", "grad-norm", "lr" };
    for (size_t i = 0; !s && i < GM__COUNT(curves); i++) s = gm__series_add(tr, curves[i]);
    if (!s && tr->m->family->begin) s = tr->m->family->begin(tr->m, tr);
    if (!s) s = gm__optim_groups(tr->optim, tr->rival, tr->cfg.groups);
    gm__model_end_train(tr->m);
    return s;
}

gm_status gm__trainer_use_valid(gm_trainer *tr, gm_dataset *valid)
{
    gm_batches *b = NULL;
    gm_dataset *feed = NULL;
    if (!gm_dataset_rows(valid)) return gm__fail_ctx(tr->ctx, GM_EARG, "valid: no held-out rows");
    GM__TRY(gm__model_data_fits(tr->m, "valid", valid));
    if (tr->m->family->needs) GM__TRY(gm__needs_met(tr->ctx, "valid", tr->m->family->needs(tr->m), valid));
    int64_t batch = tr->cfg.batch < (int64_t)tr->row_cap ? tr->cfg.batch : (int64_t)tr->row_cap;
    GM__TRY(open_feed(tr, valid, batch, false, &feed));
    gm_status s = open_batches(tr, feed, batch, false, false, &b);
    if (s) {
        gm_dataset_free(feed);
        return s;
    }
    gm__retain(valid);
    gm_batches_free(tr->valid_batches);
    gm_dataset_free(tr->valid_feed);
    gm_dataset_free(tr->valid);
    tr->valid = valid;
    tr->valid_feed = feed;
    tr->valid_batches = b;
    tr->st.has_valid = 1;
    tr->fingerprinted = false;
    return GM_OK;
}

/* ---- life ------------------------------------------------------------------------------- */

gm_status gm__trainer_make(gm_ctx *ctx, gm_model *m, gm_dataset *data, gm_trainer **out)
{
    gm_trainer *tr = gm__calloc(ctx, 1, sizeof *tr);
    if (!tr) return GM_ENOMEM;
    tr->h.magic = GM__TRAINER;
    atomic_init(&tr->h.refs, 1);
    tr->ctx = ctx;
    tr->m = m;
    tr->data = data;
    tr->strs.ctx = ctx;
    tr->st.exploded = -1;
    tr->valid_loss = NAN;
    tr->cfg.struct_size = sizeof tr->cfg;
    gm__retain(ctx);
    gm__retain(m);
    gm__retain(data);
    *out = tr;
    return GM_OK;
}

gm_status gm_trainer_new(gm_model *m, gm_dataset *data, const char *options, gm_trainer **out)
{
    if (!out) return GM_EARG;
    *out = NULL;
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    if (!gm__is(data, GM__DATASET)) return gm__fail_ctx(m->ctx, GM_EARG, "train: data is not a data set");
    bool set[GM__COUNT(rows)] = { false }, usual[GM__COUNT(rows)] = { false }; /* by the caller, by the family */
    gm_trainer *tr = NULL;
    GM__TRY(gm__trainer_make(m->ctx, m, data, &tr));
    gm_status s = gm__opts_defaults(tr->ctx, &gm__train_opts, &tr->cfg, &tr->strs);
    if (!s && m->family->train) s = gm__opts_parse(tr->ctx, &gm__train_opts, m->family->train, &tr->cfg, &tr->strs, usual);
    if (!s && m->family->usual) s = gm__opts_parse(tr->ctx, &gm__train_opts, m->family->usual(m, data), &tr->cfg, &tr->strs, usual);
    if (!s) s = gm__opts_parse(tr->ctx, &gm__train_opts, options, &tr->cfg, &tr->strs, set);
    if (!s) settle(tr, set, usual);
    if (!s) s = gm__trainer_open(tr);
    if (!s) s = gm__report_open(tr);
    if (s) gm_trainer_free(tr);
    else *out = tr;
    return s;
}

void gm_trainer_free(gm_trainer *tr)
{
    if (!gm__is(tr, GM__TRAINER) || !gm__release(tr)) return;
    gm_ctx *ctx = tr->ctx;
    for (size_t i = 0; tr->best && i < tr->m->n_tensors; i++) gm_tensor_free(tr->best[i]);
    gm__free(ctx, tr->best);
    for (size_t i = 0; i < tr->n_kept; i++) gm_tensor_free(tr->kept[i].tensor);
    gm__free(ctx, tr->kept);
    if (tr->own) tr->own_free(ctx, tr->own);
    gm__free(ctx, tr->events);
    gm__series_free(tr);
    gm__report_free(tr);
    gm__free(ctx, tr->rows);
    gm_tape_free(tr->tape);
    gm_optim_free(tr->optim);
    gm_optim_free(tr->rival);
    gm_batches_free(tr->batches);
    gm_batches_free(tr->valid_batches);
    gm_batches_free(tr->watch_batches);
    gm_dataset_free(tr->data);
    gm_dataset_free(tr->valid);
    gm_dataset_free(tr->feed);
    gm_dataset_free(tr->valid_feed);
    gm_model_free(tr->m);
    gm__strs_free(&tr->strs);
    tr->h.magic = GM__DEAD;
    gm__free(ctx, tr);
    gm_ctx_free(ctx);
}

gm_status gm_fit(gm_model *m, gm_dataset *data, const char *options)
{
    gm_trainer *tr = NULL;
    GM__TRY(gm_trainer_new(m, data, options, &tr));
    gm_status s = gm_trainer_run(tr);
    gm_trainer_free(tr);
    return s;
}

/* ---- settings and getters ------------------------------------------------------------------ */

gm_model *gm_trainer_model(const gm_trainer *tr) { return gm__is(tr, GM__TRAINER) ? tr->m : NULL; }

gm_status gm_trainer_set_valid(gm_trainer *tr, gm_dataset *valid)
{
    if (!gm__is(tr, GM__TRAINER)) return GM_EARG;
    if (!gm__is(valid, GM__DATASET)) return gm__fail_ctx(tr->ctx, GM_EARG, "gm_trainer_set_valid: valid is not a data set");
    if (tr->st.step) return gm__fail_ctx(tr->ctx, GM_ESTATE, "gm_trainer_set_valid: training has begun");
    return gm__trainer_use_valid(tr, valid);
}

gm_status gm_trainer_set_progress(gm_trainer *tr, gm_progress_fn fn, void *user, double seconds)
{
    if (!gm__is(tr, GM__TRAINER)) return GM_EARG;
    if (!(seconds >= 0)) return gm__fail_ctx(tr->ctx, GM_EARG, "gm_trainer_set_progress: seconds must be 0 or more");
    tr->progress = fn;
    tr->progress_user = user;
    tr->progress_every = seconds;
    return GM_OK;
}

int32_t gm_trainer_done(const gm_trainer *tr) { return gm__is(tr, GM__TRAINER) && gm__trainer_complete(tr); }

uint64_t gm_trainer_steps(const gm_trainer *tr) { return gm__is(tr, GM__TRAINER) ? (uint64_t)tr->st.step : 0; }

gm_status gm_trainer_save(gm_trainer *tr, const char *path)
{
    if (!gm__is(tr, GM__TRAINER)) return GM_EARG;
    if (!path) return gm__fail_ctx(tr->ctx, GM_EARG, "gm_trainer_save: path is NULL");
    if (gm__model_in_callback(tr->m)) return gm__checkpoint_write(tr, path);
    GM__TRY(gm__model_begin_train(tr->m, tr->ctx)); /* averages may have to be exchanged for the raw weights */
    gm_status s = gm__checkpoint_write(tr, path);
    gm__model_end_train(tr->m);
    return s;
}
