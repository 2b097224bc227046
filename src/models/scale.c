/* scale.c - the scaling a model learns from its data and keeps: y = x * mul + add,
 * feature by feature, on the way in; x = (y - add) / mul on the way out. */
#include "models/model.h"
#include <math.h>
#include <string.h>

static bool asked(const gm_model *m, const char *kind)
{
    char text[32];
    const char *scale = gm__model_choice(m, "scale", text, sizeof text);
    return scale && !strcmp(scale, kind);
}

gm_status gm__scale_make(gm_model *m)
{
    if (!asked(m, "unit") && !asked(m, "standard")) return GM_OK;
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, m->ndim, m->shape, &m->scale_mul));
    GM__TRY(gm_tensor_new(m->ctx, GM_F32, m->ndim, m->shape, &m->scale_add));
    for (int64_t i = 0; i < m->row; i++) gm__f32(m->scale_mul)[i] = 1;
    GM__TRY(gm__model_add_tensor(m, "scale.mul", m->scale_mul, false));
    return gm__model_add_tensor(m, "scale.add", m->scale_add, false);
}

/* Least and largest value of every feature. */
static gm_status range(gm_model *m, gm_dataset *data, double *lo, double *hi)
{
    uint64_t rows = gm_dataset_rows(data);
    gm_status s = GM_OK;
    for (int64_t j = 0; j < m->row; j++) lo[j] = INFINITY, hi[j] = -INFINITY;
    for (uint64_t at = 0; !s && at < rows; at += GM__CHUNK) {
        gm_tensor *x = NULL;
        uint64_t n = rows - at < GM__CHUNK ? rows - at : GM__CHUNK;
        if ((s = gm__check_cancel(m->ctx)) || (s = gm_dataset_read(data, "x", at, n, &x))) break;
        bool wide = x->dtype == GM_F64;
        for (int64_t i = 0; i < (int64_t)n * m->row; i++) {
            double v = wide ? gm__f64(x)[i] : (double)gm__f32(x)[i];
            int64_t j = i % m->row;
            if (v < lo[j]) lo[j] = v;
            if (v > hi[j]) hi[j] = v;
        }
        gm_tensor_free(x);
    }
    return s;
}

/* "standard": mean 0 and deviation 1. "unit": from 0 to 1. A constant feature is only shifted. */
gm_status gm__scale_fit(gm_model *m, gm_dataset *data)
{
    if (!m->scale_mul) return GM_OK;
    bool unit = asked(m, "unit");
    double *a = gm__alloc(m->ctx, (size_t)m->row, sizeof *a), *b = gm__alloc(m->ctx, (size_t)m->row, sizeof *b);
    gm_status s = !a || !b ? GM_ENOMEM : unit ? range(m, data, a, b) : gm__dataset_moments(data, a, b);
    for (int64_t j = 0; !s && j < m->row; j++) {
        double width = unit ? b[j] - a[j] : b[j], mul = width > 0 ? 1 / width : 1;
        if (!isfinite(mul) || !isfinite(a[j] * mul)) {
            s = gm__fail_ctx(m->ctx, GM_ENONFINITE, "scale: feature %lld of the data is not finite or too small a range", (long long)j);
            break;
        }
        gm__f32(m->scale_mul)[j] = (float)mul;
        gm__f32(m->scale_add)[j] = (float)(-a[j] * mul);
    }
    gm__free(m->ctx, a);
    gm__free(m->ctx, b);
    return s;
}

gm_tensor *gm__scale_in(gm_model *m, gm_tape *t, gm_tensor *x)
{
    return m->scale_mul ? gm_add(t, gm_mul(t, x, m->scale_mul), m->scale_add) : x;
}

gm_tensor *gm__scale_out(gm_model *m, gm_tape *t, gm_tensor *x)
{
    return m->scale_mul ? gm_div(t, gm_sub(t, x, m->scale_add), m->scale_mul) : x;
}

double gm__scale_log_det(const gm_model *m)
{
    double sum = 0;
    for (int64_t j = 0; m->scale_mul && j < m->row; j++) sum += log(fabs((double)gm__f32(m->scale_mul)[j]));
    return sum;
}

gm_tensor *gm__model_rows(gm_model *m, gm_tape *t, gm_tensor *x)
{
    int64_t shape[GM_MAX_DIMS] = { gm_tensor_dim(x, 0) };
    if (m->family->feed) return x; /* tokens */
    memcpy(shape + 1, m->shape, (size_t)m->ndim * sizeof *shape);
    bool same = x && x->ndim == m->ndim + 1 && !memcmp(x->shape, shape, (size_t)x->ndim * sizeof *shape);
    if (!same) x = gm_reshape(t, x, m->ndim + 1, shape);
    return gm__scale_in(m, t, x);
}
