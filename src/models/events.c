/* events.c - what training notices about itself, kept for the host to read. */
#include "models/trainer.h"
#include "base/json.h"
#include <math.h>
#include <stdarg.h>
#include <string.h>

enum {
    EVENTS_MAX = 1024,
    WARM = 50,        /* steps before a running mean says anything */
    QUIET = 20,       /* steps in a row without gradient */
    PAUSE = 100       /* steps between two alarms of exploding */
};

static gm_status room(gm_trainer *tr)
{
    size_t cap = tr->cap_events ? 2 * tr->cap_events : 16;
    if (tr->n_events < tr->cap_events) return GM_OK;
    gm_event *grown = gm__realloc(tr->ctx, tr->events, cap, sizeof *grown);
    if (!grown) return GM_ENOMEM;
    tr->events = grown;
    tr->cap_events = cap;
    return GM_OK;
}

void gm__trainer_raise(gm_trainer *tr, int32_t kind, double value, const char *format, ...)
{
    char message[GM__MESSAGE];
    gm_status was = tr->ctx->err.status;
    if (tr->n_events == EVENTS_MAX) return;
    gm__format(message, sizeof message, "%s", gm_ctx_message(tr->ctx));
    if (room(tr)) { /* a lost note must not change what the step says */
        gm__fail_ctx(tr->ctx, was, "%s", message);
        return;
    }
    gm_event *e = &tr->events[tr->n_events++];
    *e = (gm_event){ .struct_size = sizeof *e, .kind = kind, .step = (uint64_t)tr->st.step, .value = value };
    va_list ap;
    va_start(ap, format);
    gm__vformat(e->text, sizeof e->text, format, ap);
    va_end(ap);
    tr->new_events++;
    gm__log(tr->ctx, kind == GM_EVENT_BEST || kind == GM_EVENT_LAYER ? GM_LOG_INFO : GM_LOG_WARN, "step %llu: %s", (unsigned long long)e->step, e->text);
}

void gm__trainer_layer(gm_trainer *tr, int32_t layer, const char *text)
{
    for (size_t i = tr->n_events; i-- > 0 && tr->events[i].step == (uint64_t)tr->st.step;)
        if (tr->events[i].kind == GM_EVENT_LAYER) return; /* the step failed and is taken again */
    gm__trainer_raise(tr, GM_EVENT_LAYER, layer, "%s", text);
    tr->layer_began = true;
}

static void exploding(gm_trainer *tr, double loss, double norm)
{
    gm__train_state *st = &tr->st;
    if (st->step <= WARM || (st->exploded >= 0 && st->step - st->exploded < PAUSE)) return;
    bool game = tr->m->family->update != NULL; /* what one player loses is not a measure of how well both do */
    bool grads = norm > 100 * st->norm_mean, losses = !game && loss - st->loss_best > 10 * fmax(1, fabs(st->loss_best));
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

/* ---- in checkpoints: gm.train.events, a JSON array of [kind, step, value, text] ---------- */

gm_status gm__events_write(const gm_trainer *tr, gm__stw *w)
{
    gm__buf b;
    gm__buf_init(&b, tr->ctx);
    gm__buf_text(&b, "[");
    for (size_t i = 0; i < tr->n_events; i++) {
        const gm_event *e = &tr->events[i];
        gm__buf_format(&b, "%s[%d,%llu,", i ? "," : "", (int)e->kind, (unsigned long long)e->step);
        gm__json_double(&b, e->value);
        gm__buf_text(&b, ",");
        gm__json_string(&b, e->text, strlen(e->text));
        gm__buf_text(&b, "]");
    }
    gm__buf_text(&b, "]");
    gm_status s = b.failed ? GM_ENOMEM : gm__stw_meta(w, "gm.train.events", b.data);
    gm__buf_free(&b);
    return s;
}

static bool plain_text(const char *p)
{
    for (; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) return false;
    return true;
}

static gm_status read_event(gm_trainer *tr, const char *who, const gm__json *a)
{
    const gm__json *kind = a->first, *step = kind ? kind->next : NULL, *value = step ? step->next : NULL, *text = value ? value->next : NULL;
    bool ok = a->kind == GM__JSON_LIST && a->n == 4 && kind->kind == GM__JSON_WHOLE && step->kind == GM__JSON_WHOLE && text->kind == GM__JSON_TEXT;
    ok = ok && (value->kind == GM__JSON_WHOLE || value->kind == GM__JSON_REAL || value->kind == GM__JSON_NULL);
    ok = ok && kind->is.whole > 0 && kind->is.whole <= INT32_MAX && step->is.whole >= 0 && step->is.whole <= tr->st.step && plain_text(text->is.text);
    if (!ok || tr->n_events == EVENTS_MAX) return gm__fail_ctx(tr->ctx, GM_EFORMAT, "%.160s: gm.train.events: %s", who, ok ? "too many" : "no event");
    GM__TRY(room(tr));
    gm_event *e = &tr->events[tr->n_events++];
    *e = (gm_event){ .struct_size = sizeof *e, .kind = (int32_t)kind->is.whole, .step = (uint64_t)step->is.whole,
                     .value = value->kind == GM__JSON_NULL ? NAN : gm__json_number(value) };
    gm__format(e->text, sizeof e->text, "%s", text->is.text);
    return GM_OK;
}

gm_status gm__events_read(gm_trainer *tr, const gm__st *f, const char *who)
{
    const char *text = gm__st_meta(f, "gm.train.events");
    gm__json *list = NULL;
    if (!text) return GM_OK; /* an older checkpoint */
    gm_status s = gm__json_parse(tr->ctx, GM_EFORMAT, "gm.train.events", text, strlen(text), &list);
    if (s) return gm__blame(tr->ctx, s == GM_ENOMEM ? s : GM_EFORMAT, who, "gm.train.events");
    if (list->kind != GM__JSON_LIST) s = gm__fail_ctx(tr->ctx, GM_EFORMAT, "%.160s: gm.train.events: no list", who);
    for (const gm__json *a = s ? NULL : list->first; a && !s; a = a->next) s = read_event(tr, who, a);
    gm__free(tr->ctx, list);
    return s;
}

/* ---- for hosts ---------------------------------------------------------------------------- */

int32_t gm_trainer_event_count(const gm_trainer *tr) { return gm__is(tr, GM__TRAINER) ? (int32_t)tr->n_events : 0; }

gm_status gm_trainer_event(const gm_trainer *tr, int32_t i, gm_event *out)
{
    if (!gm__is(tr, GM__TRAINER) || !out) return GM_EARG;
    if (i < 0 || out->struct_size < 2 * sizeof(uint32_t))
        return gm__fail_ctx(tr->m->ctx, GM_EARG, "gm_trainer_event: event %d, struct_size %u", (int)i, out->struct_size);
    if ((size_t)i >= tr->n_events) return GM_END;
    gm__struct_init(out, out->struct_size, &tr->events[i], sizeof tr->events[i]);
    return GM_OK;
}
