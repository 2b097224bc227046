/* condition.c - labels, targets and conditions of rows: which columns a batch must have,
 * and how what a caller gives becomes what a family computes with. */
#include "models/model.h"

int64_t gm__model_condition(const gm_model *m) { return m->built && m->family->condition ? m->family->condition(m) : 0; }

gm_status gm__needs_met(gm_ctx *ctx, const char *who, uint32_t needs, const gm_dataset *d)
{
    if (needs & GM__NEEDS_LABEL && !gm__dataset_column(d, "label"))
        return gm__fail_ctx(ctx, GM_ENOTFOUND, "%s: labels are needed, and the data have none (idx:IMAGES,LABELS or csv:FILE,label=COL)", who);
    if (needs & GM__NEEDS_Y && !gm__dataset_column(d, "y"))
        return gm__fail_ctx(ctx, GM_ENOTFOUND, "%s: targets are needed, and the data have none (csv:FILE,y=COL)", who);
    return GM_OK;
}

/* ---- labels as conditions ------------------------------------------------------------------ */

bool gm__labels_in(gm_model *m, gm_tape *t, const gm_tensor *label, int64_t classes)
{
    const int64_t *k = (const int64_t *)(const void *)label->data;
    for (int64_t i = 0; i < label->shape[0]; i++) {
        const int64_t v = k[i * label->stride[0]];
        if (v >= 0 && v < classes) continue;
        gm__tape_fail(t, GM_EARG, "%s: label %lld of row %lld: the model has classes 0 to %lld", m->family->name, (long long)v, (long long)i,
                      (long long)classes - 1);
        return false;
    }
    return true;
}

gm_tensor *gm__model_onehot(gm_model *m, gm_tape *t, gm_tensor *label, int32_t dtype)
{
    const int64_t size = gm__model_condition(m);
    return gm__labels_in(m, t, label, size) ? gm_one_hot(t, label, size, dtype) : NULL;
}

gm_tensor *gm__cond_in_turn(gm_model *m, gm_tape *t, uint64_t first, int64_t n)
{
    gm_tensor *label = gm_zeros(t, GM_I64, 1, &n);
    const uint64_t size = (uint64_t)gm__model_condition(m);
    for (int64_t i = 0; label && i < n; i++) ((int64_t *)(void *)label->data)[i] = (int64_t)((first + (uint64_t)i) % size);
    return label ? gm__model_onehot(m, t, label, GM_F32) : NULL;
}

gm__batch gm__model_batch(gm_model *m, gm_tape *t, gm_tensor *x, gm_batches *from)
{
    gm__batch b = { .t = t, .label = gm_batches_column(from, "label"), .y = gm_batches_column(from, "y"), .length = gm_batches_column(from, "length") };
    b.x = gm__model_rows(m, t, x);
    if (b.x && b.label && gm__model_condition(m)) b.cond = gm__model_onehot(m, t, b.label, b.x->dtype);
    return b;
}

/* ---- from the caller --------------------------------------------------------------- */

static bool whole(const gm_tensor *c) { return c->dtype == GM_I32 || c->dtype == GM_I64; }

/* Can labels be said of a model without a condition: does it predict them? */
static bool predicts(const gm_model *m) { return m->family->predict && m->family->needs && m->family->needs(m) & GM__NEEDS_LABEL; }

gm_status gm__cond_check(gm_ctx *ctx, gm_model *m, const char *who, int64_t n, const gm_tensor *cond)
{
    char text[128];
    if (!cond) return GM_OK;
    const int64_t size = gm__model_condition(m);
    GM__TRY(gm__check_tensor(&ctx->err, who, "cond", cond));
    if (!size && !predicts(m)) return gm__fail_ctx(ctx, GM_EUNSUPPORTED, "%s: this model takes no condition", m->family->name);
    const bool rows = cond->ndim >= 1 && (cond->shape[0] == n || cond->shape[0] == 1);
    if (whole(cond) && rows && cond->ndim == 1) return GM_OK;
    if (size && cond->dtype == GM_F32 && rows && cond->ndim == 2 && cond->shape[1] == size) return GM_OK;
    return gm__fail_ctx(ctx, GM_ESHAPE, "%s: cond must be whole numbers [%lld] or [1]%s, not %s %s", who, (long long)n,
                        size ? ", or f32 with a number a class" : "", gm_dtype_name(cond->dtype), gm__shape_text(text, cond->ndim, cond->shape));
}

void gm__cond_rows(gm_model *m, gm__batch *b, gm_tensor *cond, int64_t at, int64_t n)
{
    int64_t shape[2] = { n, cond->ndim > 1 ? cond->shape[1] : 0 };
    gm_tensor *rows = cond->shape[0] == 1 ? gm_expand(b->t, cond, cond->ndim, shape) : gm_slice(b->t, cond, 0, at, at + n, 1);
    if (whole(cond)) {
        b->label = rows && rows->dtype == GM_I32 ? gm_cast(b->t, rows, GM_I64) : rows;
        if (b->label && gm__model_condition(m)) b->cond = gm__model_onehot(m, b->t, b->label, GM_F32);
    } else {
        b->cond = rows;
    }
}
