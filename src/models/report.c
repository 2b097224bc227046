/* report.c - the report of a run: DIR/report.html, a page that needs nothing but itself, and DIR/series.csv, the same
 * curves for scripts. Both are replaced at once as training goes on; the run never waits long for them (see afford)
 * and its weights do not depend on them. */
#include "models/report.h"
#include <string.h>

static gm__err save_error(gm_trainer *tr) { return *gm__ctx_err(tr->ctx); }
static void restore_error(gm_trainer *tr, const gm__err *e) { *gm__ctx_err(tr->ctx) = *e; }

/* ---- writing --------------------------------------------------------------------------- */

static gm_status write_one(gm_trainer *tr, gm__buf *b, const char *path)
{
    gm_status s = b->failed ? GM_ENOMEM : gm__file_write(tr->ctx, path, b->data, b->len);
    gm__buf_free(b);
    return s;
}

static gm_status write_both(gm_trainer *tr, gm__report *r)
{
    gm__buf b;
    gm__buf_init(&b, tr->ctx);
    GM__TRY(gm__report_strips_save(tr, r));
    gm__report_table(tr, &b);
    GM__TRY(write_one(tr, &b, r->table));
    gm__report_page(tr, r, &b);
    return write_one(tr, &b, r->page);
}

/* A disk that is full for a while costs a line in the log, not the run; what counts is the last time. */
static gm_status write_report(gm_trainer *tr, gm__report *r)
{
    gm__err was = save_error(tr);
    gm_status s = write_both(tr, r);
    if (s) {
        if (!r->failed) gm__log(tr->ctx, GM_LOG_WARN, "report: %s", gm_ctx_message(tr->ctx));
        gm__format(r->why, sizeof r->why, "%s", gm_ctx_message(tr->ctx));
    }
    r->failed = s != GM_OK;
    r->written = gm__now();
    restore_error(tr, &was);
    return s;
}

/* ---- life -------------------------------------------------------------------------------- */

static char *join(gm_ctx *ctx, const char *dir, const char *name)
{
    size_t n = strlen(dir) + strlen(name) + 2;
    char *path = gm__alloc(ctx, n, 1);
    if (path) gm__format(path, n, "%s/%s", dir, name);
    return path;
}

gm_status gm__report_open(gm_trainer *tr)
{
    if (!tr->cfg.report || !*tr->cfg.report) return GM_OK;
    gm_ctx *ctx = tr->ctx;
    gm__report *r = tr->report = gm__calloc(ctx, 1, sizeof *r);
    if (!r) return GM_ENOMEM;
    gm__buf_init(&r->samples, ctx);
    gm__buf_init(&r->inputs, ctx);
    gm__buf_init(&r->outputs, ctx);
    for (int i = 0; i < GM__REPORT_INSIDE; i++) gm__buf_init(&r->inside[i], ctx);
    r->drawn = -1;
    r->state = "running";
    r->first_step = tr->st.step;
    r->dir = gm__strdup(ctx, tr->cfg.report);
    r->page = join(ctx, tr->cfg.report, "report.html");
    r->table = join(ctx, tr->cfg.report, "series.csv");
    if (!r->dir || !r->page || !r->table) return GM_ENOMEM;
    GM__TRY(gm__folder_make(ctx, r->dir));
    gm__report_strips_load(tr, r);
    r->began = r->written = gm__now();
    return write_both(tr, r); /* now, not after hours */
}

void gm__report_free(gm_trainer *tr)
{
    gm__report *r = tr->report;
    gm_ctx *ctx = tr->ctx;
    if (!r) return;
    for (size_t i = 0; i < r->n_strips; i++) gm__buf_free(&r->strips[i].png);
    for (size_t i = 0; i < r->n_notes; i++) gm__free(ctx, r->note_name[i]), gm__free(ctx, r->note[i]);
    gm__buf_free(&r->samples);
    gm__buf_free(&r->inputs);
    gm__buf_free(&r->outputs);
    for (int i = 0; i < GM__REPORT_INSIDE; i++) gm__buf_free(&r->inside[i]);
    gm__free(ctx, r->data);
    gm__free(ctx, r->cloud);
    gm__free(ctx, r->codes);
    gm__free(ctx, r->features);
    gm__free(ctx, r->dir);
    gm__free(ctx, r->page);
    gm__free(ctx, r->table);
    gm__free(ctx, r);
    tr->report = NULL;
}

gm_status gm_trainer_note(gm_trainer *tr, const char *name, const char *text)
{
    if (!gm__is(tr, GM__TRAINER)) return GM_EARG;
    if (!name || !text) return gm__fail_ctx(tr->ctx, GM_EARG, "gm_trainer_note: name and text are required");
    gm__report *r = tr->report;
    if (!r) return GM_OK;
    if (r->n_notes == GM__REPORT_NOTES) return gm__fail_ctx(tr->ctx, GM_ELIMIT, "gm_trainer_note: more than %d notes", GM__REPORT_NOTES);
    char *a = gm__strdup(tr->ctx, name), *b = a ? gm__strdup(tr->ctx, text) : NULL;
    if (!b) {
        gm__free(tr->ctx, a);
        return GM_ENOMEM;
    }
    r->note_name[r->n_notes] = a;
    r->note[r->n_notes++] = b;
    return GM_OK;
}

/* ---- during the run -------------------------------------------------------------------------- */

/* Draws see what validation sees: the averages, if there are any. */
static gm_status with_model(gm_trainer *tr, gm_status (*draw)(gm_trainer *, gm__report *))
{
    int shown = tr->shown;
    gm__err was = save_error(tr);
    if (shown == GM__RAW) gm__trainer_show(tr, GM__AVERAGES);
    gm__model_enter_callback(tr->m);
    gm_status s = draw(tr, tr->report);
    gm__model_leave_callback(tr->m);
    gm__trainer_show(tr, shown);
    if (s != GM_ECANCELED) restore_error(tr, &was);
    return s == GM_ECANCELED ? s : GM_OK;
}

/* The report takes a hundredth of the time: pages wait until two hundred times what the last one cost has gone by, and
 * strips are left out when they would take as much (a quarter of a second is free, so that short runs have some). */
gm_status gm__report_step(gm_trainer *tr, bool epoch_end)
{
    gm__report *r = tr->report;
    if (!r) return GM_OK;
    bool strip = gm__report_strip_due(tr);
    if (!strip && !epoch_end && tr->st.step % 64) return GM_OK; /* not even a look at the clock */
    double now = gm__now();
    gm_status s = GM_OK;
    if (strip && r->strips_cost <= 0.25 + 0.005 * (now - r->began)) {
        s = with_model(tr, gm__report_strip);
        r->strips_cost += gm__now() - now;
    }
    bool page = now - r->written >= (epoch_end ? 0 : 30) + 200 * r->cost;
    if (!page || s) return s;
    now = gm__now();
    s = with_model(tr, gm__report_draw);
    if (!s) write_report(tr, r);
    r->cost = gm__now() - now;
    r->pages += r->cost;
    return s;
}

/* The last page. It was the report that failed, not the run: that is an event. */
void gm__report_end(gm_trainer *tr, gm_status s)
{
    gm__report *r = tr->report;
    if (!r) return;
    r->state = s == GM_ECANCELED ? "interrupted" : s ? "failed" : tr->finished ? "finished" : "stopped";
    gm__format(r->detail, sizeof r->detail, "%s", s && s != GM_ECANCELED ? gm_ctx_message(tr->ctx) : "");
    if (!s && with_model(tr, gm__report_draw)) gm_ctx_cancel(tr->ctx); /* for the next action to hear */
    if (write_report(tr, r)) gm__trainer_raise(tr, GM_EVENT_REPORT, 0, "report: %s", r->why);
}
