/* synth.c - built-in data: synth:NAME[,n=..,seed=..,sigma=..]. */
#include "data/synth.h"
#include <math.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

static void place(float *x, double a, double b, double sigma, gm__rng *r)
{
    x[0] = (float)(a + sigma * gm__rng_normal(r));
    x[1] = (float)(b + sigma * gm__rng_normal(r));
}

/* Eight Gaussians on the circle of radius 1, or 25 at (-4,-2,0,2,4) squared. */
static void centre(int modes, int k, double at[2])
{
    const double t = 2 * PI * k / 8;
    at[0] = modes == 8 ? cos(t) : 2.0 * (k % 5 - 2);
    at[1] = modes == 8 ? sin(t) : 2.0 * (k / 5 - 2);
}

void gm__dataset_centre(const gm_dataset *d, int k, double at[2]) { centre(d->modes, k, at); }

static void mixture(int modes, const gm__synth_config *c, gm__rng *r, void *x, int64_t *label)
{
    double at[2];
    *label = (int64_t)gm__rng_below(r, (uint64_t)modes);
    centre(modes, (int)*label, at);
    place(x, at[0], at[1], c->sigma, r);
}

static void ring8(const gm__synth_config *c, gm__rng *r, void *x, int64_t *label) { mixture(8, c, r, x, label); }
static void grid25(const gm__synth_config *c, gm__rng *r, void *x, int64_t *label) { mixture(25, c, r, x, label); }

/* Two half circles that reach into each other (scikit-learn's make_moons). */
static void moons(const gm__synth_config *c, gm__rng *r, void *x, int64_t *label)
{
    *label = (int64_t)gm__rng_below(r, 2);
    double t = PI * gm__rng_unit(r);
    place(x, *label ? 1 - cos(t) : cos(t), *label ? 0.5 - sin(t) : sin(t), c->sigma, r);
}

/* The spiral of the Swiss roll seen from its end (scikit-learn's make_swiss_roll), divided by 10. */
static void swissroll(const gm__synth_config *c, gm__rng *r, void *x, int64_t *label)
{
    double t = 1.5 * PI * (1 + 2 * gm__rng_unit(r));
    *label = 0;
    place(x, t * cos(t) / 10, t * sin(t) / 10, c->sigma, r);
}

/* Bars and stripes: rows on or off, or columns on or off; all on and all off count once
 * (MacKay, "Information theory, inference, and learning algorithms", ch. 43). */
static void bars(const gm__synth_config *c, gm__rng *r, void *x, int64_t *label)
{
    int64_t s = c->size, rows = (int64_t)1 << s;
    int64_t k = (int64_t)gm__rng_below(r, (uint64_t)(2 * rows - 2));
    bool across = k < rows;
    if (!across) k = k - rows + 1;
    *label = 0;
    for (int64_t i = 0; i < s; i++)
        for (int64_t j = 0; j < s; j++) ((float *)x)[i * s + j] = (float)(k >> (across ? i : j) & 1);
}

static const gm__synth kinds[] = {
    { "ring8", 0, 0.01, "sigma", true, 8, GM_F32, 1, { 2 }, ring8 },
    { "grid25", 1, 0.05, "sigma", true, 25, GM_F32, 1, { 2 }, grid25 },
    { "moons", 2, 0.1, "sigma", true, 0, GM_F32, 1, { 2 }, moons },
    { "swissroll", 3, 0.03, "sigma", false, 0, GM_F32, 1, { 2 }, swissroll },
    { "bars", 4, 0, "size", false, 0, GM_F32, 3, { 1, -1, -1 }, bars },
    { "digits", 5, 0.04, "sigma", true, 0, GM_U8, 3, { 1, 28, 28 }, gm__synth_digit },
    { "shapes", 6, 0.02, "sigma", true, 0, GM_U8, 3, { 3, 32, 32 }, gm__synth_shape },
    { "ratings", GM__SYNTH_RATINGS, 0.6, "sigma, items, hold", false, 0, GM_F32, 1, { -2 }, gm__synth_user },
};

static const gm__opt rows[] = {
    { "n", GM__O_I64, offsetof(gm__synth_config, n), "10000", 1, 1e8, NULL, "number of rows" },
    { "seed", GM__O_U64, offsetof(gm__synth_config, seed), "0", 0, 18446744073709551615.0, NULL, "seed of the draws" },
    { "sigma", GM__O_REAL, offsetof(gm__synth_config, sigma), "0", 0, 1000, NULL, "size of the noise" },
    { "size", GM__O_INT, offsetof(gm__synth_config, size), "3", 2, 24, NULL, "side of the picture" },
    { "items", GM__O_I64, offsetof(gm__synth_config, items), "200", 2, 1 << 20, NULL, "columns" },
    { "hold", GM__O_REAL, offsetof(gm__synth_config, hold), "0", 0, 0.99, NULL, "share of the ratings that go to column y" },
};

typedef struct job {
    const gm__synth *kind;
    const gm__synth_config *cfg;
    char *x;
    size_t row_bytes;
    int64_t *label;
} job;

enum { ROWS_A_TASK = 128 };

static void draw_rows(void *arg, size_t task, size_t worker)
{
    const job *j = arg;
    int64_t end = (int64_t)(task + 1) * ROWS_A_TASK, none;
    GM__UNUSED(worker);
    if (end > j->cfg->n) end = j->cfg->n;
    for (int64_t row = (int64_t)task * ROWS_A_TASK; row < end; row++) {
        gm__rng r = gm__rng_make(gm__stream_make(j->cfg->seed, GM__R_SYNTH, j->kind->id, (uint64_t)row));
        j->kind->draw(j->cfg, &r, j->x + (size_t)row * j->row_bytes, j->label ? &j->label[row] : &none);
    }
}

static gm_status options(gm_ctx *ctx, const gm__spec *spec, const gm__synth *kind, gm__synth_config *cfg)
{
    char owner[48];
    bool set[GM__COUNT(rows)] = { false };
    gm__strs strs = { .ctx = ctx };
    gm__format(owner, sizeof owner, "synth:%s", kind->name);
    const gm__opts table = { owner, rows, GM__COUNT(rows) };
    gm_status s = gm__opts_defaults(ctx, &table, cfg, &strs);
    for (int i = 0; i < spec->n_opt && !s; i++) {
        const char *key = spec->opt[i].key;
        if (strcmp(key, "n") && strcmp(key, "seed") && gm__opts_find(&table, key, strlen(key)) >= 0 && !strstr(kind->opts, key))
            s = gm__fail_ctx(ctx, GM_EARG, "%s has no option '%s'; it has n, seed and %s", owner, key, kind->opts);
        else
            s = gm__opts_set(ctx, &table, key, spec->opt[i].value, cfg, &strs, set);
    }
    gm__strs_free(&strs);
    if (!set[2]) cfg->sigma = kind->sigma;
    return s;
}

gm_status gm__open_synth(gm_ctx *ctx, const gm__spec *spec, gm_dataset *d)
{
    gm__synth_config cfg;
    gm_tensor *x = NULL, *label = NULL;
    size_t k = 0;
    if (spec->n_path > 1) return gm__fail_ctx(ctx, GM_EARG, "synth takes one name, not '%s'", spec->path[1]);
    while (k < GM__COUNT(kinds) && strcmp(kinds[k].name, spec->path[0])) k++;
    if (k == GM__COUNT(kinds))
        return gm__fail_ctx(ctx, GM_EARG, "synth: no data '%s'; there are ring8, grid25, moons, swissroll, bars, digits, shapes, ratings", spec->path[0]);
    const gm__synth *kind = &kinds[k];
    GM__TRY(options(ctx, spec, kind, &cfg));

    int64_t shape[4] = { cfg.n, 0, 0, 0 };
    for (int i = 0; i < kind->ndim; i++) shape[i + 1] = kind->shape[i] == -1 ? cfg.size : kind->shape[i] == -2 ? cfg.items : kind->shape[i];
    gm_status s = gm__tensor_make(ctx, gm__ctx_err(ctx), kind->dtype, kind->ndim + 1, shape, false, &x);
    if (!s && kind->labels) s = gm__tensor_make(ctx, gm__ctx_err(ctx), GM_I64, 1, shape, false, &label);
    if (!s) {
        job j = { kind, &cfg, x->data, (size_t)(x->size / cfg.n) * gm__esize(kind->dtype), label ? (int64_t *)(void *)label->data : NULL };
        gm__parallel(ctx, ((size_t)cfg.n + ROWS_A_TASK - 1) / ROWS_A_TASK, draw_rows, &j);
        s = gm__dataset_add(d, "x", x);
        d->modes = kind->modes;
        d->modes_sigma = cfg.sigma;
    }
    if (!s && label) s = gm__dataset_add(d, "label", label);
    if (!s && cfg.hold > 0) s = gm__ratings_hold(d, x, cfg.hold, cfg.seed);
    gm_tensor_free(x);
    gm_tensor_free(label);
    return s;
}
