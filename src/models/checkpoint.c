/* checkpoint.c - training in a file: a loadable model, and beside it under gm.train.* all that
 * the next step depends on. gm.train.options and gm.train.state are JSON, read by the tables
 * that also write them; optimiser and kept weights are tensors. */
#include "models/trainer.h"
#include <string.h>

#define AT(field) offsetof(gm__train_state, field)
static const gm__opt state_rows[] = {
    {"step", GM__O_I64, AT(step), "0", 0, 1e15, NULL, NULL},
    {"pending", GM__O_FLAG, AT(pending), "off", 0, 0, NULL, NULL},
    {"stopped", GM__O_FLAG, AT(stopped), "off", 0, 0, NULL, NULL},
    {"has-best", GM__O_FLAG, AT(has_best), "off", 0, 0, NULL, NULL},
    {"has-valid", GM__O_FLAG, AT(has_valid), "off", 0, 0, NULL, NULL},
    {"best", GM__O_REAL, AT(best), "0", 0, 0, NULL, NULL},
    {"bad-epochs", GM__O_I64, AT(bad_epochs), "0", 0, 1e15, NULL, NULL},
    {"epoch-loss", GM__O_REAL, AT(epoch_loss), "0", 0, 0, NULL, NULL},
    {"epoch-rows", GM__O_REAL, AT(epoch_rows), "0", 0, 1e18, NULL, NULL},
    {"norm-mean", GM__O_REAL, AT(norm_mean), "0", 0, 0, NULL, NULL},
    {"loss-mean", GM__O_REAL, AT(loss_mean), "0", 0, 0, NULL, NULL},
    {"loss-best", GM__O_REAL, AT(loss_best), "0", 0, 0, NULL, NULL},
    {"plateau-seen", GM__O_FLAG, AT(plateau.seen), "off", 0, 0, NULL, NULL},
    {"plateau-best", GM__O_REAL, AT(plateau.best), "0", 0, 0, NULL, NULL},
    {"plateau-bad", GM__O_I64, AT(plateau.bad), "0", 0, 1e15, NULL, NULL},
    {"plateau-rest", GM__O_I64, AT(plateau.rest), "0", 0, 1e15, NULL, NULL},
    {"plateau-cuts", GM__O_I64, AT(plateau.cuts), "0", 0, 1e15, NULL, NULL},
    {"quiet-steps", GM__O_I64, AT(quiet_steps), "0", 0, 1e15, NULL, NULL},
    {"exploded", GM__O_I64, AT(exploded), "-1", -1, 1e15, NULL, NULL},
    {"rows", GM__O_I64, AT(rows), "0", 0, 1e15, NULL, NULL},
    {"valid-rows", GM__O_I64, AT(valid_rows), "0", 0, 1e15, NULL, NULL},
    {"data", GM__O_U64, AT(data), "0", 0, 0, NULL, NULL},
    {"valid", GM__O_U64, AT(valid), "0", 0, 0, NULL, NULL},
    {"precision", GM__O_INT, AT(precision), "0", 0, GM_PRECISION_MEDIUM, NULL, NULL},
    {"amx", GM__O_INT, AT(amx), "0", 0, 1, NULL, NULL},
    {"blas-threads", GM__O_INT, AT(blas_threads), "0", 0, 1, NULL, NULL},
    {"taken", GM__O_I64, AT(taken), "0", 0, 1e15, NULL, NULL},
    {"halves", GM__O_I64, AT(halves), "0", 0, 1e15, NULL, NULL},
    {"played", GM__O_I64, AT(played), "0", 0, 1e15, NULL, NULL},
};
#undef AT
const gm__opts gm__train_state_opts = {"gm.train.state", state_rows, GM__COUNT(state_rows)};

/* ---- writing ---------------------------------------------------------------------- */

static gm_status fingerprints(gm_trainer *tr)
{
    gm__train_state *st = &tr->st;
    if (tr->fingerprinted) return GM_OK;
    GM__TRY(gm__dataset_fingerprint(tr->data, &st->data));
    if (tr->valid) GM__TRY(gm__dataset_fingerprint(tr->valid, &st->valid));
    st->rows = (int64_t)gm_dataset_rows(tr->data);
    st->valid_rows = tr->valid ? (int64_t)gm_dataset_rows(tr->valid) : 0;
    st->precision = tr->ctx->cfg.precision;
    st->amx = tr->ctx->cfg.amx;
    st->blas_threads = tr->ctx->cfg.blas_threads;
    tr->fingerprinted = true;
    return GM_OK;
}

/* Options of one process (paths, when to stop) are not the run's. */
static const char *const free_rows[] = { "epochs", "steps", "checkpoint", "checkpoint-every", "stop-after", "report", "prefetch" };

static gm__train_cfg of_the_run(const gm__train_cfg *c)
{
    gm__train_cfg r = *c;
    r.checkpoint = r.report = NULL;
    r.checkpoint_every = r.stop_after = 0;
    r.prefetch = 1;
    return r;
}

static gm_status put_meta(gm__stw *w, gm_ctx *ctx, const char *key, const gm__opts *o, const void *cfg)
{
    gm__buf b;
    gm__buf_init(&b, ctx);
    gm_status s = gm__opts_json(ctx, o, cfg, &b);
    if (!s) s = b.failed ? GM_ENOMEM : gm__stw_meta(w, key, b.data);
    gm__buf_free(&b);
    return s;
}

/* A walk over the optimiser's tensors, writing or reading them. */
typedef struct walk {
    gm_trainer *tr;
    gm__stw *w;
    const gm__st *f;
    const char *who;
    gm__strs names; /* alive until the file is written, as are the series */
    gm_tensor **series;
} walk;

static const char *long_name(walk *k, const char *group, const char *name)
{
    char text[320];
    size_t n = gm__format(text, sizeof text, "gm.train.%s.%s", group, name);
    return n < sizeof text ? gm__strs_add(&k->names, text, n) : NULL;
}

static gm_status put_tensor(void *user, const char *name, gm_tensor *t)
{
    walk *k = user;
    const char *full = long_name(k, "optim", name);
    return full ? gm__stw_tensor(k->w, full, t, true) : GM_ENOMEM;
}

static gm_status put_all(gm_trainer *tr, walk *k)
{
    gm__train_cfg cfg = of_the_run(&tr->cfg);
    gm_model *m = tr->m;
    GM__TRY(fingerprints(tr));
    GM__TRY(gm__model_write(m, k->w));
    GM__TRY(put_meta(k->w, tr->ctx, "gm.train.options", &gm__train_opts, &cfg));
    GM__TRY(put_meta(k->w, tr->ctx, "gm.train.state", &gm__train_state_opts, &tr->st));
    GM__TRY(gm__events_write(tr, k->w));
    GM__TRY(gm__series_write(tr, k->w, &k->names, k->series));
    GM__TRY(gm__optim_state(tr->optim, put_tensor, k));
    if (tr->rival) GM__TRY(gm__optim_state(tr->rival, put_tensor, k));
    for (size_t i = 0; i < tr->n_kept; i++) {
        const char *full = long_name(k, "model", tr->kept[i].name);
        if (!full) return GM_ENOMEM;
        GM__TRY(gm__stw_tensor(k->w, full, tr->kept[i].tensor, true));
    }
    bool best = tr->cfg.keep_best && tr->st.has_best;
    for (size_t i = 0; best && i < m->n_tensors; i++) {
        const char *full = long_name(k, "best", m->tensors[i].name);
        if (!full) return GM_ENOMEM;
        GM__TRY(gm__stw_tensor(k->w, full, tr->best[i], true));
    }
    return GM_OK;
}

gm_status gm__checkpoint_write(gm_trainer *tr, const char *path)
{
    walk k = { .tr = tr, .names = { .ctx = tr->ctx } };
    int shown = tr->shown;
    gm__trainer_show(tr, GM__RAW);
    k.series = gm__calloc(tr->ctx, tr->n_series + 1, sizeof *k.series);
    gm_status s = k.series ? gm__stw_new(tr->ctx, &k.w) : GM_ENOMEM;
    if (!s) s = put_all(tr, &k);
    if (!s) s = gm__stw_commit(k.w, path);
    gm__stw_free(k.w);
    for (size_t i = 0; k.series && i < tr->n_series; i++) gm_tensor_free(k.series[i]);
    gm__free(tr->ctx, k.series);
    gm__strs_free(&k.names);
    gm__trainer_show(tr, shown);
    return s;
}

/* ---- reading ------------------------------------------------------------------------- */

static bool is_free(const char *name)
{
    for (size_t i = 0; i < GM__COUNT(free_rows); i++)
        if (!strcmp(free_rows[i], name)) return true;
    return false;
}

/* Texts may be longer than what a message shows of them. */
static bool same_value(const gm__opts *o, size_t i, const gm__train_cfg *a, const gm__train_cfg *b, char shown[64])
{
    char other[64];
    gm__opts_value(o, i, a, shown, 64);
    gm__opts_value(o, i, b, other, sizeof other);
    if (o->rows[i].type != GM__O_TEXT) return strcmp(shown, other) == 0;
    const char *x = *(const char *const *)(const void *)((const char *)a + o->rows[i].offset);
    const char *y = *(const char *const *)(const void *)((const char *)b + o->rows[i].offset);
    return strcmp(x ? x : "", y ? y : "") == 0;
}

/* The stored options with the given ones over them; those that shape the run must agree. */
static gm_status merge_options(gm_trainer *tr, const char *who, const char *stored, const char *given)
{
    enum { ROWS = 64 };
    bool set[ROWS] = { false };
    gm_ctx *ctx = tr->ctx;
    const gm__opts *o = &gm__train_opts;
    gm__train_cfg was;
    GM__ASSERT(&ctx->err, o->n <= ROWS);
    GM__TRY(gm__opts_defaults(ctx, o, &tr->cfg, &tr->strs));
    gm_status s = gm__opts_parse(ctx, o, stored, &tr->cfg, &tr->strs, NULL);
    if (s) return gm__blame(ctx, s == GM_ENOMEM ? s : GM_EFORMAT, who, "gm.train.options");
    tr->cfg = of_the_run(&tr->cfg);
    was = tr->cfg;
    GM__TRY(gm__opts_parse(ctx, o, given, &tr->cfg, &tr->strs, set));
    for (size_t i = 0; i < o->n; i++) {
        char a[64];
        if (!set[i] || is_free(o->rows[i].name) || same_value(o, i, &was, &tr->cfg, a)) continue;
        return gm__fail_ctx(ctx, GM_EARG, "train: %s cannot change on resume: the checkpoint has %s", o->rows[i].name, a);
    }
    /* asking for epochs is asking for the run to end by them */
    if (set[gm__opts_find(o, "epochs", 6)] && !set[gm__opts_find(o, "steps", 5)]) tr->cfg.steps = 0;
    return GM_OK;
}

static gm_status same_data(gm_ctx *ctx, const char *what, gm_dataset *d, int64_t rows, uint64_t fingerprint)
{
    uint64_t now;
    if ((int64_t)gm_dataset_rows(d) != rows)
        return gm__fail_ctx(ctx, GM_EARG, "resume: the %s have %lld rows, those of the checkpoint %lld", what, (long long)gm_dataset_rows(d), (long long)rows);
    GM__TRY(gm__dataset_fingerprint(d, &now));
    return now == fingerprint ? GM_OK : gm__fail_ctx(ctx, GM_EARG, "resume: the %s are not those of the checkpoint", what);
}

static gm_status same_ground(gm_trainer *tr, gm_dataset *valid, const gm__train_state *st)
{
    gm_ctx *ctx = tr->ctx;
    if (st->precision != ctx->cfg.precision || st->amx != ctx->cfg.amx || st->blas_threads != ctx->cfg.blas_threads)
        return gm__fail_ctx(ctx, GM_EARG, "resume: the checkpoint was made with precision %d, amx %d, blas_threads %d in the context, not %d, %d, %d",
                            st->precision, st->amx, st->blas_threads, ctx->cfg.precision, ctx->cfg.amx, ctx->cfg.blas_threads);
    if (st->has_valid && !valid) return gm__fail_ctx(ctx, GM_EARG, "resume: the checkpoint was made with held-out data: give them");
    if (!st->has_valid && valid) return gm__fail_ctx(ctx, GM_EARG, "resume: the checkpoint was made without held-out data");
    GM__TRY(same_data(ctx, "data", tr->data, st->rows, st->data));
    return valid ? same_data(ctx, "held-out data", valid, st->valid_rows, st->valid) : GM_OK;
}

static gm_status get_tensor(walk *k, const char *group, const char *name, gm_tensor *t)
{
    const char *full = long_name(k, group, name);
    if (!full) return GM_ENOMEM;
    gm_status s = gm__load_tensor(k->tr->ctx, k->f, k->who, full, t);
    return s && s != GM_ENOMEM ? GM_EFORMAT : s;
}

static gm_status get_state(void *user, const char *name, gm_tensor *t) { return get_tensor(user, "optim", name, t); }

static gm_status get_all(gm_trainer *tr, walk *k)
{
    gm__train_state *st = &tr->st;
    gm_model *m = tr->m;
    GM__TRY(gm__optim_set_steps(tr->optim, st->step));
    *gm__optim_plateau(tr->optim) = st->plateau;
    GM__TRY(gm__optim_state(tr->optim, get_state, k));
    if (tr->rival) { /* half-steps that were not of the one are of the other */
        GM__TRY(gm__optim_set_steps(tr->rival, st->halves > st->step ? st->halves - st->step : 0));
        *gm__optim_plateau(tr->rival) = st->plateau;
        GM__TRY(gm__optim_state(tr->rival, get_state, k));
    }
    for (size_t i = 0; i < tr->n_kept; i++) GM__TRY(get_tensor(k, "model", tr->kept[i].name, tr->kept[i].tensor));
    if (!tr->cfg.keep_best || !st->has_best) return GM_OK;
    GM__TRY(gm__trainer_best_room(tr));
    for (size_t i = 0; i < m->n_tensors; i++) GM__TRY(get_tensor(k, "best", m->tensors[i].name, tr->best[i]));
    return GM_OK;
}

static gm_status restore(gm_trainer *tr, const gm__st *f, const char *who, gm_dataset *valid, const char *options)
{
    const char *stored = gm__st_meta(f, "gm.train.options"), *state = gm__st_meta(f, "gm.train.state");
    gm_ctx *ctx = tr->ctx;
    gm__train_state st = tr->st;
    walk k = { .tr = tr, .f = f, .who = who, .names = { .ctx = ctx } };
    if (!stored || !state) return gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: a model, not a checkpoint (no gm.train.state)", who);
    GM__TRY(merge_options(tr, who, stored, options));
    gm_status s = gm__opts_defaults(ctx, &gm__train_state_opts, &st, &tr->strs);
    if (!s) s = gm__opts_parse(ctx, &gm__train_state_opts, state, &st, &tr->strs, NULL);
    if (s) return gm__blame(ctx, s == GM_ENOMEM ? s : GM_EFORMAT, who, "gm.train.state");
    GM__TRY(same_ground(tr, valid, &st));
    GM__TRY(gm__trainer_open(tr));
    if (valid) GM__TRY(gm__trainer_use_valid(tr, valid));
    tr->st = st;
    tr->fingerprinted = true;
    tr->reseek = true; /* the first batch is the one after the last used up */
    s = gm__events_read(tr, f, who);
    if (!s) s = gm__series_read(tr, f, who);
    if (!s) s = get_all(tr, &k);
    gm__strs_free(&k.names);
    if (!s) gm__model_changed(tr->m);
    return s;
}

gm_status gm_trainer_resume(gm_ctx *ctx, const char *path, gm_dataset *data, gm_dataset *valid, const char *options, gm_trainer **out)
{
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX) || !out) return GM_EARG;
    if (!path) return gm__fail_ctx(ctx, GM_EARG, "gm_trainer_resume: path is NULL");
    if (!gm__is(data, GM__DATASET)) return gm__fail_ctx(ctx, GM_EARG, "gm_trainer_resume: data is not a data set");
    if (valid && !gm__is(valid, GM__DATASET)) return gm__fail_ctx(ctx, GM_EARG, "gm_trainer_resume: valid is not a data set");
    gm__st *f = NULL;
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_status s = gm__st_open(ctx, path, &f);
    if (!s) s = gm__model_read(ctx, f, path, &m);
    if (!s) s = gm__trainer_make(ctx, m, data, &tr);
    if (!s) s = restore(tr, f, path, valid, options);
    if (!s) s = gm__report_open(tr);
    if (!s && gm__trainer_complete(tr)) s = gm__trainer_finish(tr);
    gm_model_free(m);
    gm__st_close(f);
    if (s) gm_trainer_free(tr);
    else *out = tr;
    return s;
}
