/* epoch.c - what is measured at an epoch's end: held-out loss, the best weights so
 * far, the family's watch. Averages, if there are any, are what is measured. */
#include "models/trainer.h"
#include <math.h>
#include <string.h>

/* ---- which weights are in the model ---------------------------------------------- */

static void exchange(gm_tensor *a, gm_tensor *b)
{
    char tmp[1024];
    size_t left = (size_t)a->size * gm__esize(a->dtype);
    for (char *p = a->data, *q = b->data; left;) {
        size_t n = left < sizeof tmp ? left : sizeof tmp;
        memcpy(tmp, p, n), memcpy(p, q, n), memcpy(q, tmp, n);
        p += n, q += n, left -= n;
    }
    a->version++;
    b->version++;
}

/* Exchanging there is exchanging back. */
static void toggle(gm_trainer *tr, int which)
{
    gm_model *m = tr->m;
    if (which == GM__AVERAGES) gm_optim_swap_ema(tr->optim);
    for (size_t i = 0; which == GM__BEST && i < m->n_tensors; i++) exchange(m->tensors[i].tensor, tr->best[i]);
    if (which != GM__RAW) gm__model_changed(m);
}

void gm__trainer_show(gm_trainer *tr, int which)
{
    bool averages = tr->cfg.optim.ema > 0 && gm_optim_steps(tr->optim) > 0;
    if (which == GM__AVERAGES && !averages) which = GM__RAW;
    if (which == GM__BEST && !tr->best) which = GM__RAW;
    if (which == tr->shown) return;
    toggle(tr, tr->shown);
    toggle(tr, which);
    tr->shown = which;
}

gm_status gm__trainer_best_room(gm_trainer *tr)
{
    gm_model *m = tr->m;
    if (tr->best) return GM_OK;
    tr->best = gm__calloc(tr->ctx, m->n_tensors, sizeof *tr->best);
    if (!tr->best) return GM_ENOMEM;
    gm_status s = GM_OK;
    for (size_t i = 0; !s && i < m->n_tensors; i++) {
        const gm_tensor *t = m->tensors[i].tensor;
        s = gm_tensor_new(tr->ctx, t->dtype, t->ndim, t->shape, &tr->best[i]);
    }
    if (!s) return GM_OK;
    for (size_t i = 0; i < m->n_tensors; i++) gm_tensor_free(tr->best[i]);
    gm__free(tr->ctx, tr->best);
    tr->best = NULL;
    return s;
}

/* ---- held-out loss --------------------------------------------------------------------- */

/* Every row draws the same noise each time, so that epochs can be compared. */
static gm_status held_out(gm_trainer *tr, double *mean)
{
    gm_tape *t = tr->tape;
    uint64_t rows = gm_dataset_rows(tr->valid_feed), seen = 0;
    double sum = 0;
    GM__TRY(gm_batches_seek(tr->valid_batches, 0, 0));
    while (seen < rows) {
        gm_tensor *x = NULL, *y = NULL;
        double loss;
        GM__TRY(gm__check_cancel(tr->ctx));
        GM__TRY(gm_batches_next(tr->valid_batches, &x));
        int64_t n = gm__trainer_origins(tr, tr->valid_feed, tr->valid_batches);
        if (n < 1) return gm__fail_ctx(tr->ctx, GM_EINTERNAL, "valid: a batch without rows");
        gm_tape_reset(t);
        gm__tape_rows(t, tr->cfg.seed, GM__R_EVAL, 0, tr->rows, (size_t)n);
        gm__batch b = gm__model_batch(tr->m, t, x, tr->valid_batches);
        b.step = (uint64_t)tr->st.step, b.epoch = (uint64_t)(tr->st.step / tr->epoch_steps);
        gm_status s = b.x ? tr->m->family->loss(tr->m, &b, &y) : GM_EINTERNAL;
        if (gm_tape_status(t)) return gm__tape_failed(tr->ctx, t);
        if (s || (s = gm_tensor_item(y, &loss))) return s;
        sum += loss * (double)n;
        seen += (uint64_t)n;
    }
    *mean = sum / (double)rows;
    return GM_OK;
}

static gm_status keep(gm_trainer *tr)
{
    GM__TRY(gm__trainer_best_room(tr));
    for (size_t i = 0; i < tr->m->n_tensors; i++) GM__TRY(gm_tensor_assign(tr->best[i], tr->m->tensors[i].tensor));
    return GM_OK;
}

static gm_status watch(gm_trainer *tr)
{
    gm_tensor *x = NULL;
    if (!tr->watch_batches) return GM_OK;
    GM__TRY(gm_batches_seek(tr->watch_batches, 0, 0));
    GM__TRY(gm_batches_next(tr->watch_batches, &x));
    int64_t n = gm__trainer_origins(tr, tr->feed, tr->watch_batches);
    gm_tape_reset(tr->tape);
    gm__tape_rows(tr->tape, tr->cfg.seed, GM__R_EVAL, 1, tr->rows, (size_t)n);
    gm__batch b = gm__model_batch(tr->m, tr->tape, x, tr->watch_batches);
    b.step = (uint64_t)tr->st.step, b.epoch = (uint64_t)(tr->st.step / tr->epoch_steps);
    gm_status s = b.x ? tr->m->family->watch(tr->m, tr, &b) : GM_EINTERNAL;
    return gm_tape_status(tr->tape) ? gm__tape_failed(tr->ctx, tr->tape) : s;
}

/* Averages in, tape for use; both back afterwards whatever happens between. */
static void measuring(gm_trainer *tr, bool on)
{
    gm__trainer_show(tr, on ? GM__AVERAGES : GM__RAW);
    gm_tape_recording(tr->tape, !on);
    gm_tape_training(tr->tape, !on);
    if (!on) gm_tape_reset(tr->tape);
}

static gm_status measure(gm_trainer *tr, bool *better)
{
    gm__train_state *st = &tr->st;
    double loss;
    *better = false;
    if (!tr->valid) return GM_OK;
    GM__TRY(held_out(tr, &loss));
    if (isfinite(loss) && (!st->has_best || loss < st->best)) {
        if (tr->cfg.keep_best) GM__TRY(keep(tr));
        st->has_best = 1;
        st->best = loss;
        *better = true;
        gm__trainer_raise(tr, GM_EVENT_BEST, loss, "best held-out loss so far: %g", loss);
    }
    tr->valid_loss = loss;
    gm__trainer_record(tr, "valid-loss", loss);
    return GM_OK;
}

gm_status gm__trainer_measure(gm_trainer *tr)
{
    bool better;
    measuring(tr, true);
    gm_status s = measure(tr, &better);
    measuring(tr, false);
    return s;
}

gm_status gm__trainer_epoch_end(gm_trainer *tr)
{
    gm__train_state *st = &tr->st;
    bool better;
    size_t events = tr->n_events;
    measuring(tr, true);
    gm_status s = watch(tr);
    if (!s) s = measure(tr, &better);
    measuring(tr, false);
    if (s) { /* what was noticed comes again when the epoch's end does */
        tr->new_events -= (int32_t)(tr->n_events - events);
        tr->n_events = events;
        return s;
    }
    if (tr->valid) st->bad_epochs = better ? 0 : st->bad_epochs + 1;
    if (tr->cfg.patience && st->bad_epochs >= tr->cfg.patience) st->stopped = 1;
    tr->epoch_loss = st->epoch_loss / st->epoch_rows;
    gm__trainer_record(tr, "epoch-loss", tr->epoch_loss);
    gm_optim_observe(tr->optim, tr->valid ? tr->valid_loss : tr->epoch_loss);
    if (tr->rival) gm_optim_observe(tr->rival, tr->valid ? tr->valid_loss : tr->epoch_loss);
    st->plateau = *gm__optim_plateau(tr->optim);
    st->epoch_loss = st->epoch_rows = 0;
    st->pending = 0;
    return GM_OK;
}
