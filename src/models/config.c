/* config.c - options of models, training and evaluation as tables, texts and values. */
#include "models/lm.h"
#include <string.h>

const void *gm__model_option(const gm_model *m, const char *name)
{
    const gm__opts *o = m->family->opts;
    ptrdiff_t i = gm__opts_find(o, name, strlen(name));
    return i < 0 ? NULL : (const char *)m->cfg + o->rows[i].offset;
}

uint64_t gm__model_seed(const gm_model *m)
{
    const uint64_t *seed = gm__model_option(m, "seed");
    return seed ? *seed : 0;
}

const char *gm__model_choice(const gm_model *m, const char *name, char *out, size_t cap)
{
    const gm__opts *o = m->family->opts;
    ptrdiff_t i = gm__opts_find(o, name, strlen(name));
    if (i < 0) return NULL;
    gm__opts_value(o, (size_t)i, m->cfg, out, cap);
    return out;
}

gm_status gm__model_set_text(gm_model *m, const char *name, const char *value)
{
    if (!gm__model_option(m, name)) return GM_OK;
    GM__TRY(gm__opts_set(m->ctx, m->family->opts, name, value, m->cfg, &m->strs, NULL));
    gm__free(m->ctx, m->config_json);
    m->config_json = NULL;
    return GM_OK;
}

const char *gm_model_config(gm_model *m)
{
    if (!gm__is(m, GM__MODEL)) return NULL;
    if (m->config_json) return m->config_json;
    gm__buf b;
    gm__buf_init(&b, m->ctx);
    if (gm__opts_json(m->ctx, m->family->opts, m->cfg, &b) || b.failed) {
        gm__buf_free(&b);
        return NULL;
    }
    m->config_json = b.data;
    return m->config_json;
}

/* ---- the tables ---------------------------------------------------------------------- */

static const char *type_text(const gm__opt *row)
{
    switch (row->type) {
    case GM__O_INT: case GM__O_I64: case GM__O_U64: return "integer";
    case GM__O_REAL: return "number";
    case GM__O_FLAG: return "on|off";
    case GM__O_CHOICE: case GM__O_PAIR: return row->choices;
    case GM__O_INTS: return "integers";
    default: return "text";
    }
}

static const gm__opts *table(const char *owner)
{
    if (!strcmp(owner, "train")) return &gm__train_opts;
    if (!strcmp(owner, "eval")) return &gm__eval_opts;
    if (!strcmp(owner, "sample")) return &gm__sampler_opts;
    if (!strcmp(owner, "complete")) return &gm__complete_opts;
    if (!strcmp(owner, "write")) return &gm__writer_opts;
    const gm__family *f = gm__family_find(owner);
    return f ? f->opts : NULL;
}

gm_status gm_option_at(const char *owner, int32_t i, gm_option *out)
{
    if (!owner || !out || i < 0 || out->struct_size < 2 * sizeof(uint32_t)) return GM_EARG;
    const gm__opts *o = table(owner);
    if (!o) return GM_ENOTFOUND;
    if ((size_t)i >= o->n) return GM_END;
    const gm__opt *row = &o->rows[i];
    gm_option found = { .struct_size = sizeof found, .name = row->name, .type = type_text(row), .default_text = row->def ? row->def : "",
                        .help = row->help ? row->help : "", .lo = row->lo, .hi = row->hi };
    gm__struct_init(out, out->struct_size, &found, sizeof found);
    return GM_OK;
}

/* ---- does a row fit the model? --------------------------------------------------------- */

/* Sizes other than 1, in order. */
static int32_t squeeze(int32_t ndim, const int64_t *shape, int64_t *out)
{
    int32_t n = 0;
    for (int32_t i = 0; i < ndim; i++)
        if (shape[i] != 1) out[n++] = shape[i];
    return n;
}

gm_status gm__model_fits(gm_model *m, const char *who, int32_t ndim, const int64_t *shape)
{
    int64_t a[GM_MAX_DIMS], b[GM_MAX_DIMS], row = 1;
    char want[128], got[128];
    int32_t na = squeeze(m->ndim, m->shape, a), nb = squeeze(ndim, shape, b);
    if (na == nb && !memcmp(a, b, (size_t)na * sizeof *a)) return GM_OK;
    if (na <= 1 || nb <= 1) {
        for (int32_t i = 0; i < nb && row <= m->row; i++)
            if (__builtin_mul_overflow(row, b[i], &row)) row = INT64_MAX;
        if (row == m->row) return GM_OK;
    }
    return gm__fail_ctx(m->ctx, GM_ESHAPE, "%s: a row of the model is %s, got %s", who, gm__shape_text(want, m->ndim, m->shape),
                        gm__shape_text(got, ndim, shape));
}

gm_status gm__model_data_fits(gm_model *m, const char *who, const gm_dataset *d)
{
    const gm__column *c = gm__dataset_column(d, "x");
    if (!c) return gm__fail_ctx(m->ctx, GM_EARG, "%s: the data have no column x", who);
    if (c->dtype != GM_F32 && c->dtype != GM_F64 && c->dtype != GM_U8)
        return gm__fail_ctx(m->ctx, GM_EDTYPE, "%s: column x must be f32, f64 or u8, not %s", who, gm_dtype_name(c->dtype));
    if (m->family->lm) return c->symbols || gm__lm_reads_lines(d) ? GM_OK : gm__fail_ctx(m->ctx, GM_EDTYPE, "%s: a language model reads text:FILE or lines:FILE", who);
    if (c->symbols) return gm__fail_ctx(m->ctx, GM_EDTYPE, "%s: column x is text; this family needs numbers", who);
    return m->built ? gm__model_fits(m, who, c->ndim, c->shape) : GM_OK;
}
