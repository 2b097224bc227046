/* inside.c - what a report shows of a machine next to the rows: what its hidden units look for, where its chains are. */
#include "models/rbm/rbm.h"
#include <math.h>

enum { MOST = 64 };

/* Weights of the first hidden units, gray where they are 0, each by its own largest. */
static void filters(const gm__rbm *r, int64_t n, int64_t row, float *out)
{
    for (int64_t h = 0; h < n; h++, out += row) {
        float most = 1e-9f;
        for (int64_t i = 0; i < row; i++) most = fmaxf(most, fabsf(gm__f32(r->w)[i * r->nh + h]));
        for (int64_t i = 0; i < row; i++) out[i] = 0.5f + 0.5f * gm__f32(r->w)[i * r->nh + h] / most;
    }
}

static void states(const gm__rbm *r, int64_t n, int64_t row, float *out)
{
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = 0; i < row; i++) out[k * row + i] = fminf(fmaxf(gm__f32(r->chain)[k * r->nv + i], 0), 1);
}

gm_status gm__rbm_inside(gm_model *m, const gm__rbm *r, int32_t i, const char **title, gm_tensor **rows)
{
    const gm_tensor *from = i == 0 ? r->w : i == 1 ? r->chain : NULL;
    *rows = NULL;
    if (!from || r->nv - r->labels != m->row) return GM_OK; /* units that are no pixels: groups of levels */
    int64_t n = i == 0 ? r->nh : from->shape[0];
    n = n < MOST ? n : MOST;
    *title = i == 0 ? "What hidden units look for: their weights, gray is none" : "Persistent chains: where they are now";
    GM__TRY(gm__model_new_rows(m->ctx, m, n, rows));
    if (i == 0) filters(r, n, m->row, gm__f32(*rows));
    else states(r, n, m->row, gm__f32(*rows));
    return GM_OK;
}
