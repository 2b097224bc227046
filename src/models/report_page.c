/* report_page.c - the page itself: one file without scripts, with its styles, plots and pictures inside. It is well-formed
 * XML as well as HTML. Whatever comes from outside (names, options, notes, messages) goes through gm__html_text. */
#include "models/report.h"
#include <math.h>
#include <string.h>

static const char css[] =
    ":root{--bg:#fff;--card:#f6f8fa;--ink:#1b2430;--muted:#677383;--line:#e1e6ec;--good:#1a7f4b;--bad:#c0362c;"
    "--c0:#2563eb;--c1:#e2632a;--c2:#16935b;--c3:#8b5cf6;--c4:#0e9aa7;--c5:#c2417c;--c6:#b7860b;--c7:#64748b;--c8:#7c4a21;--c9:#111827}"
    "@media (prefers-color-scheme:dark){:root{--bg:#11161d;--card:#1a212b;--ink:#e6ebf1;--muted:#93a0b0;--line:#2b3542;--good:#4cc38a;--bad:#ff7b6e;"
    "--c0:#6ea8ff;--c1:#ff9a62;--c2:#4cc38a;--c3:#b79bff;--c4:#4fd1d9;--c5:#f284b6;--c6:#e5b94e;--c7:#a3b1c2;--c8:#c99a6b;--c9:#f3f4f6}}"
    "*{box-sizing:border-box}html{background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    "body{max-width:1000px;margin:0 auto;padding:32px 20px 64px}h1{font-size:26px;line-height:1.25;margin:0 0 4px}h2{font-size:17px;margin:36px 0 12px}"
    "p{margin:0 0 10px}.muted{color:var(--muted)}.state{display:inline-block;font-size:13px;font-weight:600;border:1px solid;border-radius:99px;padding:1px 11px;margin-left:10px;vertical-align:4px}"
    ".finished{color:var(--good)}.failed,.interrupted{color:var(--bad)}.running,.stopped{color:var(--c0)}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(116px,1fr));gap:10px;margin:20px 0}"
    ".tile{background:var(--card);border-radius:9px;padding:10px 14px}.tile b{display:block;font-size:19px;font-variant-numeric:tabular-nums;white-space:nowrap}.tile span{font-size:12.5px;color:var(--muted)}"
    "figure{margin:0;background:var(--card);border-radius:9px;padding:12px 14px;break-inside:avoid}figcaption{font-size:13.5px;font-weight:600;margin-bottom:6px}"
    ".two{display:grid;grid-template-columns:repeat(auto-fit,minmax(340px,1fr));gap:12px;margin-top:12px}.narrow{max-width:520px}"
    "img{display:block;max-width:100%;height:auto;image-rendering:pixelated;border-radius:3px}.strips{display:grid;grid-template-columns:auto 1fr;gap:5px 14px;align-items:center;font-size:12.5px;color:var(--muted);font-variant-numeric:tabular-nums}"
    "pre{background:var(--card);border-radius:9px;padding:12px 14px;overflow-x:auto;font:12.5px/1.45 ui-monospace,'DejaVu Sans Mono',monospace;margin:0 0 12px;break-inside:avoid}"
    "pre.wrap{white-space:pre-wrap;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%;font-size:13.5px}th{text-align:left;font-weight:600;color:var(--muted)}"
    "th,td{border-bottom:1px solid var(--line);padding:4px 14px 4px 0;vertical-align:top}td.v{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:12.5px;overflow-wrap:anywhere;min-width:92px;max-width:380px}"
    "tr.default td{color:var(--muted);opacity:.72}td.n{font-variant-numeric:tabular-nums;white-space:nowrap}tr{break-inside:avoid}"
    "@media print{@page{size:A4;margin:14mm}:root{--bg:#fff;--card:#fff;--ink:#000;--muted:#555;--line:#ccc;--c0:#2563eb;--c1:#d9480f;--c2:#16803c;--c3:#7c3aed;--c4:#0e7490;--c5:#be185d;--c6:#a16207;--c7:#475569;--c8:#7c4a21;--c9:#111827}"
    "html{font-size:12px}body{max-width:none;padding:0}figure,pre,.tile{border:1px solid var(--line)}h2{break-after:avoid}.two{grid-template-columns:1fr 1fr}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}";

/* ---- small pieces -------------------------------------------------------------------------- */

static void tag(gm__buf *b, const char *open, const char *text, const char *close)
{
    gm__buf_text(b, open);
    gm__html_text(b, text);
    gm__buf_text(b, close);
}

/* About five digits: people read it. */
static void number(char *out, size_t cap, double v)
{
    double size = fabs(v);
    if (!isfinite(v)) gm__format(out, cap, "%s", isnan(v) ? "not a number" : v > 0 ? "infinite" : "-infinite");
    else if (size >= 1e7 || (size > 0 && size < 1e-3)) {
        int e = (int)floor(log10(size));
        gm__format(out, cap, "%.3fe%d", v / pow(10, e), e);
    } else if (size >= 1000) gm__format(out, cap, "%.1f", v);
    else if (size >= 10) gm__format(out, cap, "%.3f", v);
    else gm__format(out, cap, "%.4f", v);
}

/* 1,234,567 */
static void count(char *out, size_t cap, int64_t n)
{
    char digits[32];
    size_t len = gm__format(digits, sizeof digits, "%lld", (long long)n), at = 0;
    for (size_t i = 0; i < len && at + 2 < cap; i++) {
        if (i && (len - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
}

static void seconds_text(char *out, size_t cap, double s)
{
    if (s < 100) gm__format(out, cap, "%.1f s", s);
    else if (s < 3600) gm__format(out, cap, "%d:%02d min", (int)(s / 60), (int)s % 60);
    else gm__format(out, cap, "%d:%02d h", (int)(s / 3600), (int)(s / 60) % 60);
}

static void tile(gm__buf *b, const char *name, const char *value)
{
    tag(b, "<div class=\"tile\"><b>", value, "</b><span>");
    tag(b, "", name, "</span></div>");
}

static bool last_of(const gm_trainer *tr, const char *name, double *v)
{
    const gm__series *s = gm__trainer_series(tr, name);
    if (!s || !gm__series_points(s)) return false;
    *v = gm__series_point(s, gm__series_points(s) - 1).value;
    return true;
}

/* ---- head ------------------------------------------------------------------------------------ */

static void head(const gm_trainer *tr, const gm__report *r, gm__buf *b)
{
    const gm__family *f = tr->m->family;
    gm__buf_text(b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"/>");
    if (!strcmp(r->state, "running")) gm__buf_text(b, "<meta http-equiv=\"refresh\" content=\"20\"/>");
    tag(b, "<meta name=\"color-scheme\" content=\"light dark\"/><title>", f->name, " - training report</title>\n<style>");
    gm__buf_text(b, css);
    gm__buf_text(b, gm__html_plot_css);
    tag(b, "</style></head>\n<body>\n<h1>", f->name, "<span class=\"state ");
    gm__buf_format(b, "%s\">%s</span></h1>\n", r->state, r->state);
    tag(b, "<p class=\"muted\">", f->title, "</p>\n");
    if (*r->detail) tag(b, "<p class=\"failed\">", r->detail, "</p>\n");
}

static void tiles(const gm_trainer *tr, const gm__report *r, gm__buf *b)
{
    char text[64];
    double v, own = gm__now() - r->began - r->pages - r->strips_cost;
    gm__buf_text(b, "<div class=\"tiles\">");
    if (last_of(tr, "epoch-loss", &v)) number(text, sizeof text, v), tile(b, "loss of the last epoch", text);
    else if (last_of(tr, "loss", &v)) number(text, sizeof text, v), tile(b, "loss", text);
    if (tr->st.has_best) number(text, sizeof text, tr->st.best), tile(b, "best held-out loss", text);
    count(text, sizeof text, tr->st.step), tile(b, "steps", text);
    count(text, sizeof text, tr->st.step / tr->epoch_steps), tile(b, "epochs", text);
    count(text, sizeof text, gm_model_parameters(tr->m)), tile(b, "parameters", text);
    if (tr->own_rows && own > 0) {
        count(text, sizeof text, (int64_t)((double)tr->own_rows / own)), tile(b, "rows a second", text);
        seconds_text(text, sizeof text, gm__now() - r->began), tile(b, r->first_step ? "since the resume" : "time", text);
    }
    gm__buf_text(b, "</div>\n");
}

/* ---- curves ------------------------------------------------------------------------------------- */

enum { MOST = GM__SERIES_POINTS + 1 };
typedef struct line { double x[MOST], y[MOST]; size_t n; } line;

static void take(const gm__series *s, line *l)
{
    l->n = s ? gm__series_points(s) : 0;
    for (size_t i = 0; i < l->n; i++) {
        gm__point p = gm__series_point(s, i);
        l->x[i] = (double)p.step, l->y[i] = p.value;
    }
}

/* The mean over as many points before as after, up to a fiftieth of all: no lag, and the ends stay. */
static void smooth(const line *from, line *to)
{
    to->n = from->n;
    for (size_t i = 0; i < from->n; i++) {
        size_t half = from->n / 50, n = 0;
        double sum = 0;
        half = half < i ? half : i;
        half = half < from->n - 1 - i ? half : from->n - 1 - i;
        for (size_t k = i - half; k <= i + half; k++)
            if (isfinite(from->y[k])) sum += from->y[k], n++;
        to->x[i] = from->x[i];
        to->y[i] = n ? sum / (double)n : NAN;
    }
}

static void loss_plot(const gm_trainer *tr, gm__buf *b, line *raw, line *smoothed, line *valid)
{
    take(gm__trainer_series(tr, "loss"), raw);
    take(gm__trainer_series(tr, "valid-loss"), valid);
    smooth(raw, smoothed);
    bool few = raw->n < 20;
    gm__curve c[3] = { { few ? "training" : "training, each point", few ? GM__CURVE_LINE : GM__CURVE_FAINT, 0, raw->x, raw->y, raw->n } };
    size_t n = 1;
    if (!few) c[n++] = (gm__curve){ "training, smoothed", GM__CURVE_LINE, 0, smoothed->x, smoothed->y, smoothed->n };
    if (valid->n) c[n++] = (gm__curve){ "held out", GM__CURVE_MARKED, 1, valid->x, valid->y, valid->n };
    gm__html_plot(b, &(gm__plot){ .title = "Loss", .x_label = "step", .curves = c, .n = n, .width = 940, .height = 330, .flags = GM__PLOT_LOG });
}

static void small_plot(gm__buf *b, const char *title, const line *l, int32_t color, int32_t flags)
{
    gm__curve c = { NULL, l->n > 30 ? GM__CURVE_LINE : GM__CURVE_MARKED, color, l->x, l->y, l->n };
    gm__html_plot(b, &(gm__plot){ .title = title, .x_label = "step", .curves = &c, .n = 1, .width = 460, .height = 230, .flags = flags });
}

static void curves(const gm_trainer *tr, gm__buf *b)
{
    static const char *const shown[] = { "loss", "valid-loss", "epoch-loss" };
    line *l = gm__alloc(tr->ctx, 3, sizeof *l);
    if (!l) {
        b->failed = true;
        return;
    }
    gm__buf_text(b, "<h2>Curves</h2>\n");
    loss_plot(tr, b, &l[0], &l[1], &l[2]);
    gm__buf_text(b, "<div class=\"two\">\n");
    for (size_t i = 0; i < tr->n_series; i++) {
        const char *name = tr->series[i].name;
        bool drawn = false;
        for (size_t k = 0; k < GM__COUNT(shown); k++) drawn |= !strcmp(name, shown[k]);
        take(&tr->series[i], &l[0]);
        if (drawn || !l[0].n) continue;
        bool norm = !strcmp(name, "grad-norm"), lr = !strcmp(name, "lr");
        small_plot(b, norm ? "Gradient norm" : lr ? "Learning rate" : name, &l[0], norm ? 3 : lr ? 2 : 4, norm || lr ? GM__PLOT_LOG : 0);
    }
    gm__buf_text(b, "</div>\n");
    gm__free(tr->ctx, l);
}

/* ---- pictures ---------------------------------------------------------------------------------------- */

static void png(gm__buf *b, const char *open, const gm__buf *p, int32_t scale, const char *alt, const char *close)
{
    gm__buf_text(b, open);
    gm__html_png(b, p->data, p->len, scale, alt);
    gm__buf_text(b, close);
}

static void strips(const gm__report *r, gm__buf *b)
{
    if (r->n_strips < 2) return;
    gm__buf_text(b, "<figure style=\"margin-top:12px\"><figcaption>Samples over training, the same noise each time</figcaption><div class=\"strips\">");
    for (size_t i = 0; i < r->n_strips; i++) {
        char open[64];
        gm__format(open, sizeof open, "<span>step %lld</span><div>", (long long)r->strips[i].step);
        png(b, open, &r->strips[i].png, r->scale, "samples", "</div>");
    }
    gm__buf_text(b, "</div></figure>\n");
}

static void features(const gm__report *r, gm__buf *b)
{
    gm__buf_text(b, "<p class=\"muted\">Mean and standard deviation of each number of a row.</p><table><tr><th>number</th><th>data, mean</th><th>deviation</th>"
                    "<th>samples, mean</th><th>deviation</th></tr>\n");
    for (size_t i = 0; i < r->n_features; i++) {
        const double v[] = { r->features[i].data_mean, r->features[i].data_sd, r->features[i].mean, r->features[i].sd };
        gm__buf_format(b, "<tr><td class=\"n\">%zu</td>", i);
        for (size_t k = 0; k < 4; k++) {
            char text[48];
            number(text, sizeof text, v[k]);
            tag(b, "<td class=\"n\">", text, "</td>");
        }
        gm__buf_text(b, "</tr>\n");
    }
    gm__buf_text(b, "</table>\n");
}

static void clouds(gm__buf *b, const char *title, const gm__curve *c, size_t n, const char *x_label)
{
    gm__buf_text(b, "<div class=\"narrow\">");
    gm__html_plot(b, &(gm__plot){ .title = title, .x_label = x_label, .curves = c, .n = n, .width = 520, .height = 500, .flags = GM__PLOT_EQUAL });
    gm__buf_text(b, "</div>\n");
}

/* One cloud a class: the points of others are not finite there. */
static void codes(const gm_trainer *tr, const gm__cloud *c, gm__buf *b)
{
    double (*y)[GM__REPORT_CLOUD] = gm__alloc(tr->ctx, GM__HTML_COLORS, sizeof *y);
    gm__curve curve[GM__HTML_COLORS];
    char label[GM__HTML_COLORS][16];
    size_t n = 0;
    int32_t most = 0;
    if (!y) {
        b->failed = true;
        return;
    }
    for (size_t i = 0; i < c->n; i++) most = c->class[i] > most ? c->class[i] : most;
    for (int32_t k = 0; k <= most; k++, n++) {
        for (size_t i = 0; i < c->n; i++) y[k][i] = c->class[i] == k ? c->y[i] : NAN;
        gm__format(label[n], sizeof label[n], "%d", (int)k);
        curve[n] = (gm__curve){ most ? label[n] : NULL, GM__CURVE_DOTS, k, c->x, y[k], c->n };
    }
    gm__buf_text(b, "<h2>Codes</h2>\n");
    clouds(b, most ? "Codes of the first rows, by class" : "Codes of the first rows", curve, n, "code");
    gm__free(tr->ctx, y);
}

static void inside(const gm__report *r, gm__buf *b)
{
    if (!r->weights[0]) return;
    gm__buf_text(b, "<h2>Inside</h2>\n");
    for (int i = 0; i < GM__REPORT_INSIDE; i++) {
        if (!r->inside[i].len) continue;
        tag(b, "<figure><figcaption>", r->inside_title[i], "</figcaption>");
        png(b, "", &r->inside[i], r->scale, r->inside_title[i], "</figure>\n");
    }
    char title[120];
    gm__format(title, sizeof title, "Weights: how many of %s have which value", r->weights);
    const gm__curve c = { NULL, GM__CURVE_LINE, 0, r->bin, r->count, GM__REPORT_BINS };
    gm__html_plot(b, &(gm__plot){ .title = title, .x_label = "weight", .curves = &c, .n = 1, .width = 860, .height = 220, .flags = GM__PLOT_LOG });
}

static void pictures(const gm_trainer *tr, const gm__report *r, gm__buf *b)
{
    char caption[64];
    gm__format(caption, sizeof caption, "Samples after step %lld", (long long)r->drawn);
    if (r->samples.len || r->cloud || r->n_features) gm__buf_text(b, "<h2>Samples</h2>\n");
    if (r->samples.len) {
        tag(b, "<figure><figcaption>", caption, "</figcaption>");
        png(b, "", &r->samples, r->scale, caption, "</figure>\n");
    }
    if (r->cloud && r->data) {
        const gm__curve c[] = { { "data", GM__CURVE_DOTS, 7, r->data->x, r->data->y, r->data->n }, { "samples", GM__CURVE_DOTS, 0, r->cloud->x, r->cloud->y, r->cloud->n } };
        clouds(b, caption, c, 2, "");
    }
    if (r->n_features) features(r, b);
    strips(r, b);
    if (r->inputs.len && r->outputs.len) {
        gm__buf_format(b, "<h2>Reconstructions</h2>\n<figure><figcaption>First rows of the %s data above, their reconstructions below</figcaption>", tr->valid ? "held-out" : "training");
        png(b, "", &r->inputs, r->scale, "rows of the data", "<div style=\"height:4px\"></div>");
        png(b, "", &r->outputs, r->scale, "reconstructions", "</figure>\n");
    }
    if (r->codes) codes(tr, r->codes, b);
    inside(r, b);
}

/* ---- tables ------------------------------------------------------------------------------------------------ */

static void networks(const gm_trainer *tr, gm__buf *b)
{
    gm__buf text;
    gm__buf_init(&text, tr->ctx);
    gm__model_tables(tr->m, &text);
    if (text.len) tag(b, "<h2>Networks</h2>\n<pre>", text.data, "</pre>\n");
    b->failed |= text.failed;
    gm__buf_free(&text);
}

static void options(const gm_trainer *tr, const char *title, const gm__opts *o, const void *cfg, size_t size, gm__buf *b)
{
    gm__strs strs = { .ctx = tr->ctx };
    void *defaults = gm__calloc(tr->ctx, 1, size);
    if (!defaults || gm__opts_defaults(tr->ctx, o, defaults, &strs)) b->failed = true;
    tag(b, "<h2>", title, "</h2>\n<table><tr><th>option</th><th>value</th><th>meaning</th></tr>\n");
    for (size_t i = 0; i < o->n && !b->failed; i++) {
        char value[1024], usual[1024];
        gm__opts_value(o, i, cfg, value, sizeof value);
        gm__opts_value(o, i, defaults, usual, sizeof usual);
        tag(b, strcmp(value, usual) ? "<tr><td class=\"n\">" : "<tr class=\"default\"><td class=\"n\">", o->rows[i].name, "</td><td class=\"v\">");
        tag(b, "", value, "</td><td>");
        tag(b, "", o->rows[i].help ? o->rows[i].help : "", "</td></tr>\n");
    }
    gm__buf_text(b, "</table>\n");
    gm__strs_free(&strs);
    gm__free(tr->ctx, defaults);
}

static void events(const gm_trainer *tr, gm__buf *b)
{
    if (!tr->n_events) return;
    gm__buf_text(b, "<h2>Events</h2>\n<table><tr><th>step</th><th>what</th></tr>\n");
    for (size_t i = 0; i < tr->n_events; i++) {
        const gm_event *e = &tr->events[i];
        bool last = i + 1 == tr->n_events || tr->events[i + 1].kind != e->kind;
        if (e->kind == GM_EVENT_BEST && !last) continue; /* of bests in a row the last says it all */
        gm__buf_format(b, "<tr><td class=\"n\">%llu</td>", (unsigned long long)e->step);
        tag(b, "<td>", e->text, "</td></tr>\n");
    }
    gm__buf_text(b, "</table>\n");
}

static void fact(gm__buf *b, const char *name, const char *value)
{
    tag(b, "<tr><td class=\"n\">", name, "</td><td class=\"v\">");
    tag(b, "", value, "</td></tr>\n");
}

static void this_run(const gm_trainer *tr, const gm__report *r, gm__buf *b)
{
    static const char *const cpu[] = { "plain", "AVX2", "AVX-512" };
    char text[128];
    double own = gm__now() - r->began;
    gm__buf_text(b, "<h2>This run</h2>\n");
    for (size_t i = 0; i < r->n_notes; i++)
        if (!strcmp(r->note_name[i], "command")) tag(b, "<p>To repeat it:</p><pre class=\"wrap\">", r->note[i], "</pre>\n");
    gm__buf_text(b, "<table>\n");
    for (size_t i = 0; i < r->n_notes; i++)
        if (strcmp(r->note_name[i], "command")) fact(b, r->note_name[i], r->note[i]);
    gm__format(text, sizeof text, "%llu, held out %llu", (unsigned long long)gm_dataset_rows(tr->data), (unsigned long long)(tr->valid ? gm_dataset_rows(tr->valid) : 0));
    fact(b, "rows of data", text);
    gm__format(text, sizeof text, "%s; kernels for %s; %d threads", gm_version_string(), cpu[tr->ctx->cpu], (int)tr->ctx->threads);
    fact(b, "libgm", text);
    gm__format(text, sizeof text, "%lld steps in %.1f s, of which %.2f s for this report", (long long)tr->own_steps, own, r->pages + r->strips_cost);
    fact(b, r->first_step ? "since the resume" : "time", text);
    gm__buf_text(b, "</table>\n");
}

void gm__report_page(const gm_trainer *tr, const gm__report *r, gm__buf *b)
{
    const gm__family *f = tr->m->family;
    head(tr, r, b);
    tiles(tr, r, b);
    curves(tr, b);
    pictures(tr, r, b);
    events(tr, b);
    networks(tr, b);
    options(tr, "Model options", f->opts, tr->m->cfg, f->cfg_size, b);
    options(tr, "Training options", &gm__train_opts, &tr->cfg, sizeof tr->cfg, b);
    this_run(tr, r, b);
    gm__buf_text(b, "</body></html>\n");
}

void gm__report_table(const gm_trainer *tr, gm__buf *b)
{
    gm__buf_text(b, "series,step,value\n");
    for (size_t i = 0; i < tr->n_series; i++)
        for (size_t k = 0; k < gm__series_points(&tr->series[i]); k++) {
            gm__point p = gm__series_point(&tr->series[i], k);
            gm__buf_format(b, "%s,%lld,%g\n", tr->series[i].name, (long long)p.step, p.value);
        }
}
