/* step.c - one step of training, and the run that repeats it. */
#include "models/trainer.h"
#include <math.h>
#include <time.h>

double gm__now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool gm__trainer_complete(const gm_trainer *tr) { return !tr->st.pending && (tr->st.stopped || tr->st.step >= tr->total); }

int64_t gm__trainer_origins(gm_trainer *tr, const gm_dataset *d, gm_batches *b)
{
    size_t n;
    const uint64_t *r = gm_batches_rows(b, &n);
    if (!r || n > tr->row_cap) return 0;
    for (size_t i = 0; i < n; i++) tr->rows[i] = gm__dataset_origin(d, r[i]);
    return (int64_t)n;
}

/* ---- one step ----------------------------------------------------------------------- */

/* The batches of the next update: `first` in its epoch, and the rows that it takes in all. */
static int64_t update_rows(const gm_trainer *tr, int64_t *first)
{
    int64_t all = (int64_t)gm_dataset_rows(tr->feed), most = tr->cfg.batch * tr->cfg.accumulate;
    *first = tr->st.step % tr->epoch_steps * tr->cfg.accumulate;
    int64_t left = all - *first * tr->cfg.batch;
    return left < most ? left : most;
}

/* The next batch; after a failed step the first of that step again. */
static gm_status fetch(gm_trainer *tr, int64_t epoch, int64_t first, gm_tensor **x)
{
    if (tr->reseek) {
        GM__TRY(gm_batches_seek(tr->batches, (uint64_t)epoch, (uint64_t)first));
        tr->reseek = false;
    }
    gm_status s = gm_batches_next(tr->batches, x);
    if (s == GM_END) s = gm_batches_next(tr->batches, x); /* the next epoch */
    return s;
}

/* The value of a loss and the gradients of `share` of it. */
static gm_status descend(gm_trainer *tr, gm_tensor *y, double share, double *loss)
{
    gm_tape *t = tr->tape;
    GM__TRY(gm_tensor_item(y, loss));
    if (!isfinite(*loss))
        return gm__fail_ctx(tr->ctx, GM_ENONFINITE, "train: step %lld: the loss is %g; the weights are as before it (a smaller lr?)",
                            (long long)tr->st.step + 1, *loss);
    gm_status s = gm_tape_backward(t, share == 1 ? y : gm_affine(t, y, share, 0));
    return s && gm_tape_status(t) ? gm__tape_failed(tr->ctx, t) : s;
}

/* Loss and gradients of n rows, which are `share` of the update's. Curves of the family show its last batch: an update
 * that is cut short before leaves nothing in them. */
static gm_status compute(gm_trainer *tr, gm_tensor *x, int64_t n, double share, bool last, double *loss)
{
    gm_tape *t = tr->tape;
    uint64_t epoch = (uint64_t)(tr->st.step / tr->epoch_steps);
    gm_tensor *y = NULL;
    gm__tape_rows(t, tr->cfg.seed, GM__R_FIT, (uint32_t)(epoch & 0xfffffff), tr->rows, (size_t)n);
    gm__batch b = gm__model_batch(tr->m, t, x, tr->batches);
    b.step = (uint64_t)tr->st.step, b.epoch = epoch, b.training = true, b.trainer = last ? tr : NULL;
    gm_status s = b.x ? tr->m->family->loss(tr->m, &b, &y) : GM_EINTERNAL;
    if (gm_tape_status(t)) return gm__tape_failed(tr->ctx, t);
    return s ? s : descend(tr, y, share, loss);
}

static int64_t epoch_batches(const gm_trainer *tr) { return ((int64_t)gm_dataset_rows(tr->feed) + tr->cfg.batch - 1) / tr->cfg.batch; }

static void empty_tape(gm_trainer *tr, int64_t position)
{
    gm_tape_reset(tr->tape);
    gm_tape_recording(tr->tape, 1);
    gm_tape_training(tr->tape, 1);
    tr->tape->steps = (uint64_t)position;
}

/* One batch of an update. *loss becomes its loss; *n its rows. */
static gm_status one_batch(gm_trainer *tr, int64_t first, int64_t k, int64_t all, int64_t done, int64_t *n, double *loss)
{
    gm_tensor *x = NULL;
    int64_t epoch = tr->st.step / tr->epoch_steps;
    empty_tape(tr, epoch * epoch_batches(tr) + first + k); /* draws that are not by row depend on the position alone, too */
    GM__TRY(fetch(tr, epoch, first, &x));
    *n = gm__trainer_origins(tr, tr->feed, tr->batches);
    if (*n < 1) return gm__fail_ctx(tr->ctx, GM_EINTERNAL, "train: a batch without rows");
    return compute(tr, x, *n, *n == all ? 1 : (double)*n / (double)all, done + *n == all, loss);
}

/* Loss and gradients of all batches of an update, as if they were one. */
static gm_status all_batches(gm_trainer *tr, int64_t first, int64_t all, double *loss)
{
    double sum = 0;
    for (int64_t k = 0, done = 0, n = 0; done < all; k++, done += n) {
        if (k && !tr->n_kept) GM__TRY(gm__check_cancel(tr->ctx)); /* what families keep has moved on and does not go back */
        GM__TRY(one_batch(tr, first, k, all, done, &n, loss));
        if (n == all) return GM_OK;
        sum += *loss * (double)n;
    }
    *loss = sum / (double)all;
    return GM_OK;
}

/* ---- half-steps ----------------------------------------------------------------------- */

gm_status gm__half_begin(gm_trainer *tr, int64_t least, gm__batch *b)
{
    const int64_t batches = epoch_batches(tr);
    gm_tensor *x = NULL;
    int64_t n = 0;
    /* draws depend on the half-steps before this one, and on the looks ahead within it */
    empty_tape(tr, tr->st.halves + (tr->looks << 48));
    gm__tape_rows(tr->tape, 0, 0, 0, NULL, 0);
    *b = (gm__batch){ .t = tr->tape };
    for (int64_t tries = 0; n < least; tries++) { /* what is left at an epoch's end may be too few */
        const int64_t at = tr->st.taken + tr->taking;
        if (tries > batches) return gm__fail_ctx(tr->ctx, GM_EARG, "train: batches of %lld rows or more are wanted", (long long)least);
        GM__TRY(fetch(tr, at / batches, at % batches, &x));
        tr->taking++;
        n = x->shape[0];
    }
    if (least) *b = gm__model_batch(tr->m, tr->tape, x, tr->batches);
    b->step = (uint64_t)tr->st.step, b->epoch = (uint64_t)((tr->st.taken + tr->taking) / batches), b->training = true, b->trainer = tr;
    tr->run_rows += n, tr->own_rows += n;
    return gm_tape_status(tr->tape) ? gm__tape_failed(tr->ctx, tr->tape) : GM_OK;
}

gm_status gm__half_look(gm_trainer *tr, gm_tensor *loss, double *value)
{
    if (gm_tape_status(tr->tape)) return gm__tape_failed(tr->ctx, tr->tape);
    tr->looks++;
    return descend(tr, loss, 1, value);
}

gm_status gm__half_step(gm_trainer *tr, gm_optim *o)
{
    if (o == tr->rival) gm__optim_set_clock(o, tr->st.step);
    GM__TRY(gm_optim_step(o));
    tr->st.taken += tr->taking;
    tr->st.halves++;
    tr->st.played++;
    tr->taking = tr->looks = 0;
    return GM_OK;
}

gm_status gm__half_move(gm_trainer *tr, gm_optim *o, gm_tensor *loss, double *value)
{
    GM__TRY(gm__half_look(tr, loss, value));
    return gm__half_step(tr, o);
}

/* ---- steps -------------------------------------------------------------------------------- */

/* The usual step, and that of families that have their own. */
static gm_status plain(gm_model *m, gm_trainer *tr, double *loss)
{
    int64_t first, n = update_rows(tr, &first);
    if (m->family->update) return m->family->update(m, tr, loss);
    GM__TRY(all_batches(tr, first, n, loss));
    GM__TRY(gm_optim_step(tr->optim));
    tr->run_rows += n;
    tr->own_rows += n;
    return GM_OK;
}

static void count_step(gm_trainer *tr, double loss)
{
    int64_t first;
    double rows = tr->m->family->update ? (double)tr->cfg.batch : (double)update_rows(tr, &first), sum = loss * rows;
    tr->st.step++;
    tr->st.played = 0;
    tr->own_steps++;
    tr->loss += sum, tr->loss_rows += rows;
    tr->st.epoch_loss += sum, tr->st.epoch_rows += rows;
    double norm = gm_optim_grad_norm(tr->optim);
    gm__trainer_observe(tr, loss, norm);
    gm__trainer_record(tr, "loss", loss);
    gm__trainer_record(tr, "grad-norm", norm);
    gm__trainer_record(tr, "lr", gm_optim_lr(tr->optim));
    if (tr->st.step % tr->epoch_steps == 0) tr->st.pending = 1;
}

/* All or nothing: after a failure weights, position and counts are as before it. */
static gm_status one_step(gm_trainer *tr, gm__half_fn *play, bool completes, double *loss)
{
    *loss = NAN;
    tr->in_step = 1;
    gm_status s = play(tr->m, tr, loss);
    if (!s && tr->m->family->stepped) s = tr->m->family->stepped(tr->m);
    tr->in_step = 0;
    if (s) {
        if (s == GM_ENONFINITE) gm__trainer_raise(tr, GM_EVENT_NONFINITE, *loss, "%s", gm_ctx_message(tr->ctx));
        gm_optim_clear(tr->optim);
        gm_optim_clear(tr->rival);
        tr->taking = tr->looks = 0;
        tr->reseek = true;
        return s;
    }
    gm__model_changed(tr->m);
    if (completes) count_step(tr, *loss);
    return GM_OK;
}

static gm_status check_start(gm_trainer *tr)
{
    if (tr->st.step || tr->valid || !(tr->cfg.keep_best || tr->cfg.patience)) return GM_OK;
    return gm__fail_ctx(tr->ctx, GM_EARG, "train: %s needs held-out data", tr->cfg.keep_best ? "keep-best" : "patience");
}

/* One step with all that belongs to it, the measurements at an epoch's end included. */
static gm_status advance(gm_trainer *tr, gm__half_fn *play, bool completes, double *loss)
{
    GM__TRY(gm__check_cancel(tr->ctx));
    if (!tr->st.pending) GM__TRY(one_step(tr, play, completes, loss));
    bool epoch_end = tr->st.pending;
    if (epoch_end) GM__TRY(gm__trainer_epoch_end(tr));
    return gm__report_step(tr, epoch_end);
}

gm_status gm__trainer_finish(gm_trainer *tr)
{
    if (tr->finished) return GM_OK;
    if (tr->st.step % tr->epoch_steps && !tr->st.stopped) GM__TRY(gm__trainer_measure(tr)); /* an epoch cut short counts, too */
    if (tr->cfg.keep_best && tr->st.has_best) gm__trainer_show(tr, GM__BEST);
    else gm__trainer_show(tr, GM__AVERAGES);
    tr->finished = true;
    return GM_OK;
}

gm_status gm__trainer_half(gm_trainer *tr, gm__half_fn *half, bool completes, double *loss)
{
    double value = NAN;
    if (!gm__is(tr, GM__TRAINER)) return GM_EARG;
    if (gm__trainer_complete(tr) && tr->finished) return GM_END;
    GM__TRY(gm__model_begin_train(tr->m, tr->ctx));
    gm_status s = check_start(tr);
    if (!s && gm__trainer_complete(tr)) s = GM_END;
    if (!s) s = advance(tr, half, completes, &value);
    if ((!s || s == GM_END) && gm__trainer_complete(tr)) {
        gm_status f = gm__trainer_finish(tr);
        if (f) s = f;
        if (!f) gm__report_end(tr, GM_OK);
    }
    gm__model_end_train(tr->m);
    if (loss) *loss = value;
    return s;
}

gm_status gm_trainer_step(gm_trainer *tr, double *loss) { return gm__trainer_half(tr, plain, true, loss); }

/* ---- a run ------------------------------------------------------------------------------ */

/* Calls the host. Draws of this thread see the averages meanwhile; draws of others stay out. */
static gm_status report(gm_trainer *tr, bool epoch_end)
{
    double now = gm__now(), seconds = now - tr->began;
    gm_progress p = { .struct_size = sizeof p, .new_events = tr->new_events,
        .epoch = (uint64_t)(tr->st.step / tr->epoch_steps), .epochs = tr->cfg.steps ? 0 : (uint64_t)tr->cfg.epochs,
        .step = (uint64_t)tr->st.step, .steps = (uint64_t)tr->total,
        .loss = tr->loss_rows > 0 ? tr->loss / tr->loss_rows : NAN, .valid_loss = tr->valid_loss,
        .lr = gm_optim_lr(tr->optim), .grad_norm = gm_optim_grad_norm(tr->optim), .seconds = seconds,
        .rows_per_second = seconds > 0 ? (double)tr->run_rows / seconds : 0, .epoch_end = epoch_end,
        .epoch_loss = epoch_end ? tr->epoch_loss : tr->st.epoch_rows > 0 ? tr->st.epoch_loss / tr->st.epoch_rows : NAN };
    tr->reported = now;
    tr->new_events = 0;
    tr->layer_began = false;
    tr->loss = tr->loss_rows = 0;
    tr->valid_loss = NAN;
    int shown = tr->shown;
    if (shown == GM__RAW) gm__trainer_show(tr, GM__AVERAGES);
    gm__model_enter_callback(tr->m);
    int stop = tr->progress(&p, tr->progress_user);
    gm__model_leave_callback(tr->m);
    gm__trainer_show(tr, shown);
    return stop ? gm__fail_ctx(tr->ctx, GM_ECANCELED, "canceled by the progress callback") : GM_OK;
}

static bool checkpoint_due(const gm_trainer *tr, bool epoch_end)
{
    if (!tr->cfg.checkpoint) return false;
    return tr->cfg.checkpoint_every ? tr->st.step % tr->cfg.checkpoint_every == 0 : epoch_end;
}

static bool stop_reached(const gm_trainer *tr) { return tr->cfg.stop_after && tr->own_steps >= tr->cfg.stop_after && !tr->st.pending; }

static gm_status run(gm_trainer *tr)
{
    int64_t written = -1;
    double loss;
    gm_status s = check_start(tr);
    while (!s && !gm__trainer_complete(tr) && !stop_reached(tr)) {
        if ((s = advance(tr, plain, true, &loss))) break;
        bool epoch_end = tr->st.step % tr->epoch_steps == 0;
        if (checkpoint_due(tr, epoch_end)) {
            if ((s = gm__checkpoint_write(tr, tr->cfg.checkpoint))) return s;
            written = tr->st.step;
        }
        if (tr->progress && (epoch_end || tr->layer_began || gm__now() - tr->reported >= tr->progress_every)) s = report(tr, epoch_end);
    }
    /* whatever ended the run, the checkpoint holds where it got to */
    if ((!s || s == GM_ECANCELED) && tr->cfg.checkpoint && written != tr->st.step && !tr->finished) {
        char why[GM__MESSAGE];
        gm__format(why, sizeof why, "%s", gm_ctx_message(tr->ctx));
        GM__TRY(gm__checkpoint_write(tr, tr->cfg.checkpoint));
        if (s) gm__fail_ctx(tr->ctx, s, "%s", why);
    }
    if (s || !gm__trainer_complete(tr) || tr->finished) return s;
    s = gm__trainer_finish(tr);
    bool told = tr->loss_rows == 0 && isnan(tr->valid_loss);
    return !s && tr->progress && !told ? report(tr, false) : s;
}

gm_status gm_trainer_run(gm_trainer *tr)
{
    if (!gm__is(tr, GM__TRAINER)) return GM_EARG;
    GM__TRY(gm__model_begin_train(tr->m, tr->ctx));
    gm_model *m = tr->m;
    gm__retain(tr); /* a callback may free it */
    gm__retain(m);
    tr->began = tr->reported = gm__now();
    tr->run_rows = 0;
    gm_status s = run(tr);
    gm__report_end(tr, s);
    gm__model_end_train(m);
    gm_trainer_free(tr);
    gm_model_free(m);
    return s;
}
