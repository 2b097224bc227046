/* events.c - what training notices about itself, kept for the host to read. */
#include "models/trainer.h"
#include <math.h>
#include <stdarg.h>

enum {
    EVENTS_MAX = 1024,
    WARM = 50,        /* steps before a running mean says anything */
    QUIET = 20,       /* steps in a row without gradient */
    PAUSE = 100       /* steps between two alarms of exploding */
};

void gm__trainer_raise(gm_trainer *tr, int32_t kind, double value, const char *format, ...)
{
    if (tr->n_events == EVENTS_MAX) return;
    if (tr->n_events == tr->cap_events) {
        char message[GM__MESSAGE];
        size_t cap = tr->cap_events ? 2 * tr->cap_events : 16;
        gm_status was = tr->ctx->err.status;
        gm__format(message, sizeof message, "%s", gm_ctx_message(tr->ctx));
        gm_event *grown = gm__realloc(tr->ctx, tr->events, cap, sizeof *grown);
        if (!grown) { /* a lost note must not change what the step says */
            gm__fail_ctx(tr->ctx, was, "%s", message);
            return;
        }
        tr->events = grown;
        tr->cap_events = cap;
    }
    gm_event *e = &tr->events[tr->n_events++];
    *e = (gm_event){ .struct_size = sizeof *e, .kind = kind, .step = (uint64_t)tr->st.step, .value = value };
    va_list ap;
    va_start(ap, format);
    gm__vformat(e->text, sizeof e->text, format, ap);
    va_end(ap);
    tr->new_events++;
    gm__log(tr->ctx, kind == GM_EVENT_BEST ? GM_LOG_INFO : GM_LOG_WARN, "step %llu: %s", (unsigned long long)e->step, e->text);
}

static void exploding(gm_trainer *tr, double loss, double norm)
{
    gm__train_state *st = &tr->st;
    if (st->step <= WARM || (st->exploded >= 0 && st->step - st->exploded < PAUSE)) return;
    bool grads = norm > 100 * st->norm_mean, losses = loss - st->loss_best > 10 * fmax(1, fabs(st->loss_best));
    if (!grads && !losses) return;
    st->exploded = st->step;
    if (grads) gm__trainer_raise(tr, GM_EVENT_EXPLODING, norm, "gradient norm %g, usually about %g: try a smaller lr or clip-norm", norm, st->norm_mean);
    else gm__trainer_raise(tr, GM_EVENT_EXPLODING, loss, "loss %g after a best of %g: try a smaller lr or clip-norm", loss, st->loss_best);
}

/* After every step. Running means weigh the last fifty steps or so. */
void gm__trainer_observe(gm_trainer *tr, double loss, double norm)
{
    gm__train_state *st = &tr->st;
    exploding(tr, loss, isfinite(norm) ? norm : HUGE_VAL);
    double share = 1.0 / (double)(st->step < WARM ? st->step : WARM);
    if (isfinite(norm)) st->norm_mean += (norm - st->norm_mean) * share;
    st->loss_mean += (loss - st->loss_mean) * share;
    if (st->step == 1 || st->loss_mean < st->loss_best) st->loss_best = st->loss_mean;
    st->quiet_steps = norm < 1e-8 ? st->quiet_steps + 1 : 0;
    if (st->quiet_steps == QUIET) gm__trainer_raise(tr, GM_EVENT_VANISHING, norm, "no gradient for %d steps: nothing is learned", QUIET);
}

int32_t gm_trainer_event_count(const gm_trainer *tr) { return gm__is(tr, GM__TRAINER) ? (int32_t)tr->n_events : 0; }

gm_status gm_trainer_event(const gm_trainer *tr, int32_t i, gm_event *out)
{
    if (!gm__is(tr, GM__TRAINER) || !out || i < 0 || out->struct_size < 2 * sizeof(uint32_t)) return GM_EARG;
    if ((size_t)i >= tr->n_events) return GM_END;
    gm__struct_init(out, out->struct_size, &tr->events[i], sizeof tr->events[i]);
    return GM_OK;
}
