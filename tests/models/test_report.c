/* test_report.c - curves of a run, events in checkpoints, and the page about it. */
#include "models/models_test.h"
#include "models/report.h"
#include <errno.h>
#include <sys/stat.h>

#define SMALL "hidden=12 latent=2 seed=3"
enum { STEPS = 24 };

/* The page as a text; checked to be a tree of tags with nothing from outside. */
static char *page(const char *folder)
{
    char path[200], stack[64][16];
    size_t n, depth = 0;
    snprintf(path, sizeof path, "%s/report.html", at(folder));
    char *text = slurp(path, &n);
    text[n] = 0;
    ck_assert_msg(strlen(text) == n && !strncmp(text, "<!DOCTYPE html>", 15), "no page in %s", path);
    for (const char *p = text + 15; (p = strchr(p, '<')); p++) {
        const char *end = p;
        for (char quote = 0; *end && (quote || *end != '>'); end++) {
            if (quote ? *end == quote : *end == '"') quote = quote ? 0 : '"';
            ck_assert_msg(end == p || *end != '<', "a bare < at byte %zu", (size_t)(end - text));
        }
        ck_assert(*end == '>');
        if (p[1] == '/') {
            size_t len = strlen(stack[depth - 1]);
            ck_assert_msg(depth && !strncmp(p + 2, stack[depth - 1], len) && p[2 + len] == '>', "</%.12s closes <%s", p + 2, stack[depth - 1]);
            depth--;
        } else if (end[-1] != '/') {
            size_t len = strcspn(p + 1, " >");
            ck_assert(depth < 64 && len < 16);
            memcpy(stack[depth], p + 1, len), stack[depth++][len] = 0;
        }
        p = end;
    }
    ck_assert_uint_eq(depth, 0);
    static const char *const never[] = { "<script", "http:", "https:", "//", "<link", "<iframe", "@import", "url(", " href=" };
    for (size_t i = 0; i < GM__COUNT(never); i++) {
        const char *found = strstr(text, never[i]);
        while (found && !strcmp(never[i], "//") && memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", found[-1], 64)) found = strstr(found + 1, "//"); /* base64 */
        ck_assert_msg(!found || strstr(dir, never[i]), "%s: %.60s", never[i], found);
    }
    for (const char *p = text; (p = strstr(p, "src=\"")); p += 5) ck_assert(!strncmp(p + 5, "data:image/png;base64,", 22));
    return text;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (; (text = strstr(text, what)); text += strlen(what)) n++;
    return n;
}

static gm_trainer *trainer(gm_model *m, gm_dataset *d, const char *options, const char *folder)
{
    char text[300];
    gm_trainer *tr = NULL;
    snprintf(text, sizeof text, "%s%s%s%s", options, folder ? " report='" : "", folder ? at(folder) : "", folder ? "'" : "");
    OK(gm_trainer_new(m, d, text, &tr));
    return tr;
}

START_TEST(the_page_of_a_run)
{
    gm_dataset *d = pictures(96, 1), *v = pictures(32, 2);
    gm_model *with = model(SMALL), *without = model(SMALL);
    gm_trainer *a = trainer(with, d, "epochs=4 batch=16", "r"), *b = trainer(without, d, "epochs=4 batch=16", NULL);
    char *text = page("r"); /* there before the first step */
    ck_assert_ptr_nonnull(strstr(text, "state running"));
    free(text);
    OK(gm_trainer_set_valid(a, v));
    OK(gm_trainer_set_valid(b, v));
    OK(gm_trainer_note(a, "command", "gm train vae --out 'a b'"));
    OK(gm_trainer_note(b, "command", "nobody sees it"));
    OK(gm_trainer_run(a));
    OK(gm_trainer_run(b));
    ck_assert(same_weights(with, without));
    text = page("r");
    ck_assert_ptr_nonnull(strstr(text, "<h1>vae<span class=\"state finished\">"));
    ck_assert_ptr_nonnull(strstr(text, "gm train vae --out &#39;a b&#39;"));
    ck_assert_ptr_nonnull(strstr(text, ">Samples after step 24<"));
    ck_assert_int_ge(count(text, "<img "), 3); /* samples, inputs, outputs */
    static const char *const parts[] = { "held out", "Gradient norm", "Learning rate", ">kl<", "Codes of the first rows", "linear 12", "<tr class=\"default\">",
                                         ">latent<", ">epochs<", "best held-out loss", "rows a second", "prefers-color-scheme:dark", "@media print" };
    for (size_t i = 0; i < GM__COUNT(parts); i++) ck_assert_msg(strstr(text, parts[i]) != NULL, "not in the page: %s", parts[i]);
    free(text);
    gm_trainer_free(a), gm_trainer_free(b);
    gm_model_free(with), gm_model_free(without);
    gm_dataset_free(d), gm_dataset_free(v);
}
END_TEST

static const char *const kinds[] = { "synth:ring8,n=64,seed=1", "csv" };
START_TEST(rows_that_are_no_pictures)
{
    gm_dataset *d = NULL;
    gm_model *m = model("hidden=8 latent=3 seed=1");
    if (_i == 0) {
        OK(gm_dataset_open(ctx, kinds[0], &d));
    } else {
        gm_tensor *x = NULL;
        OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 40, 5 }, &x));
        for (uint32_t i = 0; i < 200; i++) gm__f32(x)[i] = (float)unit(i);
        OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
        gm_tensor_free(x);
    }
    gm_trainer *tr = trainer(m, d, "epochs=3 batch=16", "r");
    OK(gm_trainer_run(tr));
    char *text = page("r");
    ck_assert_int_eq(count(text, "<img "), 0);
    ck_assert_ptr_nonnull(strstr(text, _i ? "samples, mean" : "</svg>data<"));
    ck_assert_int_eq(count(text, "Reconstructions"), 0);
    free(text);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

START_TEST(conditional_models_are_told_labels)
{
    gm_dataset *d = pictures(64, 1);
    gm_model *m = model(SMALL " conditional=on");
    gm_trainer *tr = trainer(m, d, "epochs=2 batch=16", "r");
    OK(gm_trainer_run(tr));
    char *text = page("r");
    ck_assert_ptr_nonnull(strstr(text, "Reconstructions"));
    ck_assert_ptr_nonnull(strstr(text, "Codes of the first rows, by class"));
    free(text);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- curves --------------------------------------------------------------------------------- */

static int series(const gm_trainer *tr, const char *name)
{
    for (int32_t i = 0; i < gm_trainer_series_count(tr); i++)
        if (!strcmp(gm_trainer_series_name(tr, i), name)) return i;
    ck_abort_msg("no series %s", name);
    return -1;
}

START_TEST(curves_are_what_steps_said)
{
    gm_dataset *d = pictures(96, 1);
    gm_model *m = model(SMALL);
    gm_trainer *tr = trainer(m, d, "epochs=4 batch=16", NULL);
    double loss[STEPS], values[STEPS];
    uint64_t steps[STEPS];
    for (int i = 0; i < STEPS; i++) OK(gm_trainer_step(tr, &loss[i]));
    ck_assert_int_eq(gm_trainer_series_read(tr, series(tr, "loss"), steps, values, STEPS), STEPS);
    for (int i = 0; i < STEPS; i++) {
        ck_assert_uint_eq(steps[i], (uint64_t)i + 1);
        ck_assert(values[i] == loss[i]);
    }
    ck_assert_int_eq(gm_trainer_series_read(tr, series(tr, "kl"), NULL, NULL, 0), 4);
    ck_assert_int_eq(gm_trainer_series_read(tr, series(tr, "lr"), NULL, values, 1), STEPS);
    ck_assert(values[0] == 1e-3);
    ck_assert_int_eq(gm_trainer_series_read(tr, -1, NULL, NULL, 0), 0);
    ck_assert_int_eq(gm_trainer_series_read(tr, 99, NULL, NULL, 0), 0);
    ck_assert_ptr_null(gm_trainer_series_name(tr, 99));
    ck_assert_int_eq(gm_trainer_series_count(NULL), 0);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

START_TEST(long_curves_are_thinned)
{
    gm_dataset *d = pictures(16, 1);
    gm_model *m = model(SMALL);
    gm_trainer *tr = trainer(m, d, "epochs=1", NULL);
    enum { MANY = 100003 };
    for (int64_t i = 1; i <= MANY; i++) {
        tr->st.step = i;
        gm__trainer_record(tr, "ramp", (double)i);
    }
    const gm__series *s = gm__trainer_series(tr, "ramp");
    ck_assert_int_eq(s->every, 128); /* 1024 points of 64 each would be 65,536 */
    ck_assert_uint_eq(gm__series_points(s), MANY / 128 + 1);
    for (size_t i = 0; i < s->n; i++) { /* a point is the mean of its numbers, at the step of the last */
        ck_assert_int_eq(s->points[i].step, (int64_t)(i + 1) * 128);
        ck_assert(s->points[i].value == (double)(i * 128) + 64.5);
    }
    ck_assert(gm__series_point(s, s->n).value == (double)(s->n * 128 + 1 + MANY) / 2);
    gm__trainer_record(tr, "ramp", 5); /* the first of a step counts */
    ck_assert_int_eq(s->waiting, MANY % 128);
    gm__trainer_record(tr, "No name", 1);
    gm__trainer_record(tr, "", 1);
    gm__trainer_record(NULL, "x", 1);
    for (int i = 0; i < 100; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%d", i);
        gm__trainer_record(tr, name, 1);
    }
    ck_assert_int_eq(gm_trainer_series_count(tr), 32);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

START_TEST(a_resumed_run_keeps_curves_and_events)
{
    gm_dataset *d = pictures(96, 1), *v = pictures(32, 2);
    gm_model *m = model(SMALL), *n = model(SMALL);
    char options[300], a[200], b[200];
    gm_trainer *whole = trainer(m, d, "epochs=4 batch=16", "whole"), *tr, *back = NULL;
    OK(gm_trainer_set_valid(whole, v));
    OK(gm_trainer_run(whole));
    snprintf(options, sizeof options, "epochs=4 batch=16 stop-after=15 checkpoint='%s'", at("c"));
    tr = trainer(n, d, options, "parts");
    OK(gm_trainer_set_valid(tr, v));
    OK(gm_trainer_run(tr));
    char *text = page("parts");
    ck_assert_ptr_nonnull(strstr(text, "state stopped"));
    free(text);
    snprintf(options, sizeof options, "report='%s'", at("parts"));
    OK(gm_trainer_resume(ctx, at("c"), d, v, options, &back));
    ck_assert_int_eq(gm_trainer_event_count(back), 2);
    OK(gm_trainer_run(back));
    ck_assert(same_weights(m, gm_trainer_model(back)));
    snprintf(a, sizeof a, "%s/series.csv", at("whole"));
    snprintf(b, sizeof b, "%s/series.csv", at("parts"));
    ck_assert(same_files(a, b));
    ck_assert_int_eq(gm_trainer_event_count(whole), gm_trainer_event_count(back));
    for (int32_t i = 0; i < gm_trainer_event_count(whole); i++) {
        gm_event x = { .struct_size = sizeof x }, y = x;
        OK(gm_trainer_event(whole, i, &x));
        OK(gm_trainer_event(back, i, &y));
        ck_assert(x.step == y.step && x.kind == y.kind && x.value == y.value && !strcmp(x.text, y.text));
    }
    text = page("parts");
    ck_assert_ptr_nonnull(strstr(text, "state finished"));
    ck_assert_ptr_nonnull(strstr(text, ">step 8<")); /* a picture from before the stop */
    free(text);
    gm_trainer_free(tr), gm_trainer_free(back), gm_trainer_free(whole);
    gm_model_free(m), gm_model_free(n);
    gm_dataset_free(d), gm_dataset_free(v);
}
END_TEST

/* ---- what can go wrong ------------------------------------------------------------------------ */

START_TEST(hostile_names_and_numbers)
{
    gm_dataset *d = pictures(32, 1);
    gm_model *m = model(SMALL);
    gm_trainer *tr = trainer(m, d, "epochs=2 batch=16", "r");
    static const double odd[] = { NAN, HUGE_VAL, -HUGE_VAL, 1e308, -1e308, 5e-324, 0, -0.0 };
    OK(gm_trainer_note(tr, "<script>alert(1)</script>", "\" onload='x' \xff\xfe\xc0\x80 \x01\x1b[31m &amp; ]]> \xef\xbf\xbf"));
    OK(gm_trainer_note(tr, "command", "</pre><img src=x>"));
    gm__trainer_raise(tr, GM_EVENT_VANISHING, NAN, "%s", "<b>&\xed\xa0\x80");
    for (size_t i = 0; i < GM__COUNT(odd); i++) {
        tr->st.step = (int64_t)i + 1;
        gm__trainer_record(tr, "odd", odd[i]);
        gm__trainer_record(tr, "loss", odd[i]);
    }
    for (size_t i = 0; i < 3; i++) { /* all of them together and a few alone */
        gm__report_end(tr, i ? GM_EINTERNAL : GM_OK);
        char *text = page("r");
        ck_assert_ptr_nonnull(strstr(text, i ? "state failed" : "state stopped"));
        ck_assert_ptr_nonnull(strstr(text, "&lt;script&gt;alert(1)&lt;/script&gt;"));
        ck_assert_ptr_nonnull(strstr(text, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd   [31m &amp;amp; ]]&gt; \xef\xbf\xbd"));
        ck_assert_int_eq(count(text, "nan"), 0);
        ck_assert_int_eq(count(text, "inf "), 0);
        free(text);
        tr->series[0].n = i;
    }
    for (int i = 0; i < 14; i++) OK(gm_trainer_note(tr, "a", "b"));
    FAILS(GM_ELIMIT, "more than 16 notes", gm_trainer_note(tr, "a", "b"));
    FAILS(GM_EARG, "required", gm_trainer_note(tr, NULL, "b"));
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

static int disk_full;
static int full(int call) { return disk_full && call == GM__F_WRITE ? ENOSPC : 0; }

START_TEST(folders_that_cannot_be_written)
{
    gm_dataset *d = pictures(32, 1);
    gm_model *m = model(SMALL);
    gm_trainer *tr = NULL;
    char options[200];
    gm_event e = { .struct_size = sizeof e };
    FILE *f = fopen(at("file"), "w");
    fclose(f);
    snprintf(options, sizeof options, "report='%s'", at("file"));
    FAILS(GM_EIO, "Not a directory", gm_trainer_new(m, d, options, &tr));
    snprintf(options, sizeof options, "report='%s'", at("no/where"));
    FAILS(GM_EIO, "No such file", gm_trainer_new(m, d, options, &tr));
    gm__file_test_hook = full;
    disk_full = 1;
    snprintf(options, sizeof options, "report='%s'", at("r"));
    FAILS(GM_EIO, "No space left", gm_trainer_new(m, d, options, &tr));
    disk_full = 0;

    /* full later: training goes on, and says so at the end */
    gm_model *same = model(SMALL);
    gm_trainer *plain = trainer(same, d, "epochs=2 batch=16", NULL);
    gm_model_free(m);
    m = model(SMALL);
    tr = trainer(m, d, "epochs=2 batch=16", "r");
    disk_full = 1;
    OK(gm_trainer_run(tr));
    OK(gm_trainer_run(plain));
    disk_full = 0;
    gm__file_test_hook = NULL;
    ck_assert(gm_trainer_done(tr) && same_weights(m, same));
    OK(gm_trainer_event(tr, gm_trainer_event_count(tr) - 1, &e));
    ck_assert_int_eq(e.kind, GM_EVENT_REPORT);
    ck_assert_ptr_nonnull(strstr(e.text, "No space left on device"));
    char *text = page("r"); /* the one before is whole */
    ck_assert_ptr_nonnull(strstr(text, "state running"));
    free(text);
    gm_trainer_free(tr), gm_trainer_free(plain);
    gm_model_free(m), gm_model_free(same);
    gm_dataset_free(d);
}
END_TEST

static int stop_at_three(const gm_progress *p, void *user)
{
    GM__UNUSED(user);
    return p->step >= 3;
}

/* Weights as pictures, chains, the spread of weights: of machines that have them. */
START_TEST(shows_the_inside)
{
    static const char *const family[] = { "rbm", "dbn", "vae" }, *const options[] = { "hidden=6 persistent=on", "layers=6,5", "hidden=8 latent=3" };
    for (int i = 0; i < 3; i++) {
        gm_model *m = NULL;
        gm_dataset *d = NULL;
        OK(gm_dataset_open(ctx, "synth:digits,n=40", &d));
        OK(gm_model_new(ctx, family[i], options[i], &m));
        gm_trainer *tr = trainer(m, d, "epochs=2 batch=20", family[i]);
        OK(gm_trainer_run(tr));
        char *text = page(family[i]);
        ck_assert_int_eq(strstr(text, "What hidden units look for") != NULL, i < 2);
        ck_assert_int_eq(strstr(text, "Persistent chains") != NULL, i == 0);
        ck_assert_ptr_nonnull(strstr(text, i == 0 ? "Weights: how many of weight have" : i == 1 ? "Weights: how many of 0.weight have" : "Weights: how many of"));
        free(text);
        gm_trainer_free(tr);
        gm_model_free(m);
        gm_dataset_free(d);
    }
}
END_TEST

START_TEST(interrupted_runs_have_a_page)
{
    gm_dataset *d = pictures(96, 1);
    gm_model *m = model(SMALL);
    gm_trainer *tr = trainer(m, d, "epochs=4 batch=16", "r");
    OK(gm_trainer_set_progress(tr, stop_at_three, NULL, 0));
    FAILS(GM_ECANCELED, "progress callback", gm_trainer_run(tr));
    char *text = page("r");
    ck_assert_ptr_nonnull(strstr(text, "state interrupted"));
    free(text);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

typedef struct heap { long calls, live, fail_at; } heap;

static void *take(void *user, size_t size)
{
    heap *h = user;
    if (++h->calls == h->fail_at) return NULL;
    h->live++;
    return malloc(size);
}

static void drop(void *user, void *p)
{
    ((heap *)user)->live--;
    free(p);
}

static gm_status program(heap *h)
{
    gm_ctx_config c;
    gm_ctx *own = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL;
    char text[200];
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    c.alloc = take, c.dealloc = drop, c.alloc_user = h;
    snprintf(text, sizeof text, "epochs=2 batch=16 prefetch=off report='%s'", at("r"));
    gm_status s = gm_ctx_new(&c, &own);
    if (!s) s = gm_dataset_open(own, "synth:bars,n=24,seed=1", &d);
    if (!s) s = gm_model_new(own, "vae", SMALL, &m);
    if (!s) s = gm_fit(m, d, text);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_ctx_free(own);
    return s;
}

/* A picture or a page may be missing then, never more. */
START_TEST(every_allocation_fails_once)
{
    heap h = { 0 };
    ck_assert_int_eq(program(&h), GM_OK);
    ck_assert_int_eq(h.live, 0);
    long all = h.calls, stride = getenv("GM_LONG") ? 1 : 7; /* each waits for the disk several times */
    for (long n = 1; n <= all; n += stride) {
        h = (heap){ .fail_at = n };
        gm_status s = program(&h);
        ck_assert_msg(s == GM_ENOMEM || s == GM_OK, "allocation %ld of %ld: %s", n, all, gm_status_name(s));
        ck_assert_msg(h.live == 0, "allocation %ld of %ld leaks", n, all);
        if (!s) free(page("r")); /* whole, the one before or the new one */
    }
}
END_TEST

/* Series in a checkpoint that nobody could have recorded. */
START_TEST(forged_series)
{
    static const struct { const char *name; double v[6]; int rows, columns; } bad[] = {
        { "gm.train.series.ok", { 1, 1, 0, 0, 1, 5 }, 3, 2 }, /* this one is fine */
        { "gm.train.series.ok", { 1, 1, 0, 0, 7, 5 }, 3, 2 }, { "gm.train.series.ok", { 0.5, 1, 0, 0, 1, 5 }, 3, 2 },
        { "gm.train.series.ok", { 0, 1, 0, 0, 1, 5 }, 3, 2 }, { "gm.train.series.ok", { 1, 9, 0, 0, 1, 5 }, 3, 2 },
        { "gm.train.series.ok", { 2, 1, 2, 0, 1, 5 }, 3, 2 }, { "gm.train.series.ok", { 1, 1, 0, 0, -1, 5 }, 3, 2 },
        { "gm.train.series.ok", { NAN, 1, 0, 0, 1, 5 }, 3, 2 }, { "gm.train.series.ok", { 1e300, 1, 0, 0, 1, 5 }, 3, 2 },
        { "gm.train.series.ok", { 1, 1, 0, 0, 1, 5 }, 2, 3 }, { "gm.train.series.ok", { 1, 1 }, 1, 2 },
        { "gm.train.series.", { 1, 1, 0, 0, 1, 5 }, 3, 2 }, { "gm.train.series.<b>", { 1, 1, 0, 0, 1, 5 }, 3, 2 },
        { "gm.train.series.a-name-of-more-than-thirty-one-letters", { 1, 1, 0, 0, 1, 5 }, 3, 2 },
    };
    static const char *const lists[] = { "[]", "[[1,1,null,\"ok\"]]", "{}", "[1]", "[[1,1,1]]", "[[1,-1,0,\"\"]]", "[[1,9,0,\"\"]]", "[[0,1,0,\"\"]]", "[[1,1,\"x\",\"\"]]", "[[1,1,0,\"\\u001b\"]]", "[" };
    gm_dataset *d = pictures(32, 1);
    gm_model *m = model(SMALL);
    gm_trainer *tr = trainer(m, d, "epochs=2 batch=16", NULL), *back = NULL;
    gm__st *f = NULL;
    OK(gm_trainer_step(tr, NULL));
    OK(gm_trainer_save(tr, at("good")));
    OK(gm__st_open(ctx, at("good"), &f));
    for (size_t i = 0; i < GM__COUNT(bad) + GM__COUNT(lists); i++) {
        bool tensor = i < GM__COUNT(bad);
        const char *list = tensor ? "[]" : lists[i - GM__COUNT(bad)];
        gm__stw *w = NULL;
        gm_tensor *forged = NULL, *t[64] = { NULL };
        OK(gm__stw_new(ctx, &w));
        for (size_t k = 0; k < f->n_meta; k++)
            if (strcmp(f->meta[k].key, "gm.checksum")) OK(gm__stw_meta(w, f->meta[k].key, strcmp(f->meta[k].key, "gm.train.events") ? f->meta[k].value : list));
        for (size_t k = 0; k < f->n; k++) {
            OK(gm_tensor_new(ctx, f->entries[k].dtype, f->entries[k].ndim, f->entries[k].shape, &t[k]));
            OK(gm__st_load(f, &f->entries[k], t[k]));
            OK(gm__stw_tensor(w, f->entries[k].name, t[k], false));
        }
        if (tensor) OK(gm_tensor_copy(ctx, GM_F64, 2, (int64_t[]){ bad[i].rows, bad[i].columns }, bad[i].v, &forged));
        if (tensor) OK(gm__stw_tensor(w, bad[i].name, forged, false));
        OK(gm__stw_commit(w, at("bad")));
        gm__stw_free(w);
        for (size_t k = 0; k < 64; k++) gm_tensor_free(t[k]);
        gm_tensor_free(forged);
        bool fine = i == 0 || i == GM__COUNT(bad) || i == GM__COUNT(bad) + 1;
        gm_status s = gm_trainer_resume(ctx, at("bad"), d, NULL, NULL, &back);
        ck_assert_msg(s == (fine ? GM_OK : GM_EFORMAT), "forgery %zu: %s: %s", i, gm_status_name(s), gm_ctx_message(ctx));
        if (!fine) ck_assert_msg(strstr(gm_ctx_message(ctx), tensor ? "gm.train.series" : "gm.train.events") != NULL, "%s", gm_ctx_message(ctx));
        gm_trainer_free(back);
        back = NULL;
    }
    gm__st_close(f);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- plots ------------------------------------------------------------------------------------------ */

static void plotted(double lo, double hi, int flags, const char *const *ticks)
{
    double x[] = { 0, 100 }, y[] = { lo, hi };
    gm__curve c = { "a<b", GM__CURVE_LINE, 1, x, y, 2 };
    gm__buf b;
    gm__buf_init(&b, ctx);
    gm__html_plot(&b, &(gm__plot){ .title = "t", .x_label = "x", .curves = &c, .n = 1, .width = 460, .height = 230, .flags = flags });
    for (; *ticks; ticks++) {
        char text[32];
        snprintf(text, sizeof text, ">%s</text>", *ticks);
        ck_assert_msg(strstr(b.data, text) != NULL, "%g..%g: no tick %s in %s", lo, hi, *ticks, b.data);
    }
    ck_assert_ptr_nonnull(strstr(b.data, "a&lt;b"));
    gm__buf_free(&b);
}

START_TEST(ticks_are_round)
{
    plotted(0.3, 9.7, 0, (const char *[]){ "0", "2", "4", "6", "8", "10", "20", "100", NULL });
    plotted(-0.013, 0.021, 0, (const char *[]){ "-0.02", "-0.01", "0", "0.01", "0.02", "0.03", NULL });
    plotted(0, 43000, 0, (const char *[]){ "0", "10k", "20k", "50k", NULL });
    plotted(0, 4.3e6, 0, (const char *[]){ "0", "1M", "5M", NULL });
    plotted(0, 4.3e12, 0, (const char *[]){ "0", "1e12", "5e12", NULL });
    plotted(0, 3e-7, 0, (const char *[]){ "0", "1e-7", NULL });
    plotted(7, 7, 0, (const char *[]){ "4", "6", "8", NULL });
    plotted(0.02, 30, GM__PLOT_LOG, (const char *[]){ "0.1", "1", "10", NULL });
    plotted(3, 100, GM__PLOT_LOG, (const char *[]){ "5", "10", "20", "50", "100", NULL });
    plotted(-1, 100, GM__PLOT_LOG, (const char *[]){ "0", "50", "100", NULL }); /* no logarithm of it */
    plotted(NAN, NAN, 0, (const char *[]){ "0", "1.0", NULL });
    plotted(-1e308, 1e308, 0, (const char *[]){ "0", NULL });
}
END_TEST

int main(void)
{
    Suite *s = suite_create("report");
    TCase *c = tcase_create("report");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 300);
    tcase_add_test(c, the_page_of_a_run);
    tcase_add_loop_test(c, rows_that_are_no_pictures, 0, 2);
    tcase_add_test(c, conditional_models_are_told_labels);
    tcase_add_test(c, curves_are_what_steps_said);
    tcase_add_test(c, long_curves_are_thinned);
    tcase_add_test(c, a_resumed_run_keeps_curves_and_events);
    tcase_add_test(c, hostile_names_and_numbers);
    tcase_add_test(c, folders_that_cannot_be_written);
    tcase_add_test(c, shows_the_inside);
    tcase_add_test(c, interrupted_runs_have_a_page);
    tcase_add_test(c, forged_series);
    tcase_add_test(c, every_allocation_fails_once);
    tcase_add_test(c, ticks_are_round);
    suite_add_tcase(s, c);
    return run_suite(s);
}
