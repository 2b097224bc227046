/* test_callbacks.c - hosts whose callbacks do what nobody expects: train within training, free the handles in use, cancel, draw, give back
 * garbage, ask and change everything. A code with a line; the run they came from goes on or stops cleanly. */
#include "host_test.h"

static gm_ctx *ctx;

typedef struct host {
    gm_model *m;
    gm_dataset *data;
    gm_trainer *tr;
    gm_sampler *s;
    int calls, logs;
    gm_status train, step, run, copy, load, save, resume, draw, sample, encode, set;
    uint64_t hash;
} host;

static void start(host *h, const char *options)
{
    OK(ctx, pictures(ctx, 32, &h->data));
    OK(ctx, gm_model_new(ctx, "vae", small("vae"), &h->m));
    OK(ctx, gm_trainer_new(h->m, h->data, options, &h->tr));
}

static void finish(host *h)
{
    gm_sampler_free(h->s);
    gm_trainer_free(h->tr);
    gm_dataset_free(h->data);
    gm_model_free(h->m);
}

/* ---- progress -------------------------------------------------------------------------------------- */

static int reenter(const gm_progress *p, void *user)
{
    host *h = user;
    gm_trainer *another = NULL;
    gm_model *copy = NULL;
    gm_tensor *y = NULL, *x = NULL;
    if (p->step < 2 || h->calls++) return 0;
    h->train = gm_fit(h->m, h->data, "steps=1 batch=8");
    h->step = gm_trainer_step(h->tr, NULL);
    h->run = gm_trainer_run(h->tr);
    h->load = gm_model_load_weights(h->m, "/no/such/file");
    h->copy = gm_model_copy(h->m, &copy);
    h->save = gm_trainer_save(h->tr, temporary("callback"));
    h->resume = gm_trainer_new(h->m, h->data, "steps=1", &another);
    h->sample = gm_sample(h->m, 3, 1, &y);
    gm_tensor_free(y);
    y = NULL;
    if (!gm_dataset_read(h->data, "x", 0, 3, &x)) h->encode = gm_encode(h->m, x, &y);
    gm_tensor_free(y);
    gm_tensor_free(x);
    h->set = gm_ctx_set_threads(ctx, 3);
    h->draw = draw(ctx, h->m, &h->hash);
    gm_trainer_free(another);
    gm_model_free(copy);
    return 0;
}

START_TEST(training_within_training)
{
    host h = {.train = -1, .step = -1, .run = -1};
    start(&h, "steps=6 batch=8 seed=1");
    OK(ctx, gm_trainer_set_progress(h.tr, reenter, &h, 0));
    OK(ctx, gm_trainer_run(h.tr));
    const uint64_t with = weights_hash(h.m);
    ck_assert_int_eq(h.train, GM_EBUSY);
    ck_assert_int_eq(h.step, GM_EBUSY);
    ck_assert_int_eq(h.run, GM_EBUSY);
    ck_assert_int_eq(h.load, GM_EBUSY);
    ck_assert_int_eq(h.draw, GM_OK); /* draws, getters and cancel are what a callback may do */
    ck_assert_int_eq(h.sample, GM_OK);
    ck_assert_int_eq(h.encode, GM_OK);
    ck_assert_int_eq(h.resume, GM_EBUSY);
    ck_assert_int_eq(h.copy, GM_OK);
    ck_assert_int_eq(h.save, GM_OK);
    ck_assert_int_eq(h.set, GM_OK);
    finish(&h);
    host alone = {0};
    start(&alone, "steps=6 batch=8 seed=1");
    OK(ctx, gm_trainer_run(alone.tr));
    ck_assert(weights_hash(alone.m) == with); /* nothing of it shows */
    finish(&alone);
    unlink(temporary("callback"));
}
END_TEST

/* The caller's references go in the midst of the run, that of the trainer alone remains: it keeps what it needs. */
static int free_all(const gm_progress *p, void *user)
{
    host *h = user;
    (void)p;
    gm_model_free(h->m);
    gm_dataset_free(h->data);
    gm_ctx_free(ctx);
    h->m = NULL, h->data = NULL, ctx = NULL;
    return 0;
}

START_TEST(handles_freed_within)
{
    host h = {0};
    start(&h, "steps=5 batch=8 seed=1");
    OK(ctx, gm_trainer_set_progress(h.tr, free_all, &h, 1e9)); /* once: at the end of the first epoch */
    ck_assert_int_eq(gm_trainer_run(h.tr), GM_OK);
    ck_assert_uint_eq(gm_trainer_steps(h.tr), 5);
    ck_assert_ptr_null(ctx);
    gm_trainer_free(h.tr);
}
END_TEST

static int cancel_it(const gm_progress *p, void *user) { return (void)p, (void)user, gm_ctx_cancel(ctx), 0; }
static int garbage(const gm_progress *p, void *user) { return (void)p, ++*(int *)user % 2 ? INT32_MIN : 77; }

START_TEST(cancel_and_garbage_codes)
{
    host h = {0};
    int n = 0;
    start(&h, "steps=50 batch=8 seed=1");
    OK(ctx, gm_trainer_set_progress(h.tr, cancel_it, NULL, 0));
    for (int i = 0; i < 3; i++) ck_assert_int_eq(gm_trainer_run(h.tr), GM_ECANCELED);
    OK(ctx, gm_trainer_set_progress(h.tr, garbage, &n, 0));
    for (int i = 0; i < 3; i++) ck_assert_int_eq(gm_trainer_run(h.tr), GM_ECANCELED);
    OK(ctx, gm_trainer_set_progress(h.tr, NULL, NULL, 0));
    gm_status s = gm_trainer_run(h.tr);
    if (s == GM_ECANCELED) s = gm_trainer_run(h.tr); /* the last cancel may not have been seen */
    OK(ctx, s);
    ck_assert_uint_eq(gm_trainer_steps(h.tr), 50);
    ck_assert(weights_finite(h.m));
    finish(&h);
}
END_TEST

/* ---- data -------------------------------------------------------------------------------------------- */

typedef struct source { int kind, rows; gm_model *m; gm_dataset *self; gm_status status; } source;

static int odd_source(uint64_t row, float *x, int64_t *label, void *user)
{
    source *s = user;
    gm_tensor *y = NULL;
    for (int i = 0; i < PIXELS; i++) x[i] = s->kind == 1 && s->rows > 20 ? NAN : unit((uint32_t)row * PIXELS + i);
    if (label) *label = s->kind == 2 && s->rows > 20 ? 99 : (int64_t)(row % 3);
    s->rows++;
    switch (s->kind) {
    case 3: return s->rows > 20 ? -5 : 0;                                       /* stops */
    case 4: if (s->rows == 20) gm_ctx_cancel(ctx); return 0;
    case 5: if (s->rows == 20) gm_dataset_free(s->self); return 0;              /* itself */
    case 6: if (s->rows == 20) s->status = gm_fit(s->m, s->self, "steps=1 batch=4"); return 0;
    case 7: if (s->rows == 20) s->status = gm_dataset_read(s->self, "x", 0, 1, &y); gm_tensor_free(y); return 0;
    default: return 0;
    }
}

START_TEST(odd_data_sources)
{
    static const gm_status expected[] = {GM_OK, GM_ENONFINITE, GM_EARG, GM_ECANCELED, GM_ECANCELED, GM_OK, GM_OK, GM_OK};
    for (int k = 0; k < COUNT(expected); k++) {
        source v = {.kind = k, .status = GM_EBUSY};
        OK(ctx, gm_dataset_from_callback(ctx, 40, 3, (int64_t[]){1, SIDE, SIDE}, 3, odd_source, &v, &v.self));
        OK(ctx, gm_model_new(ctx, k == 2 ? "mlp" : "vae", small(k == 2 ? "mlp" : "vae"), &v.m));
        gm_status s = gm_fit(v.m, v.self, "epochs=2 batch=8 seed=1");
        ck_assert_msg(s == expected[k], "kind %d: %s: %s", k, gm_status_name(s), gm_ctx_message(ctx));
        ck_assert_msg(weights_finite(v.m), "kind %d", k);
        if (k == 6) ck_assert_int_eq(v.status, GM_EBUSY);
        if (k != 5) gm_dataset_free(v.self);
        gm_model_free(v.m);
    }
}
END_TEST

/* ---- text ---------------------------------------------------------------------------------------------- */

typedef struct writer { gm_sampler *s; gm_model *m; int kind, calls; gm_status status; } writer;

static int odd_filter(float *logits, int64_t n, void *user)
{
    writer *w = user;
    int64_t token;
    for (int64_t i = 0; i < n && w->kind < 3; i++) logits[i] = w->kind == 0 ? NAN : w->kind == 1 ? -INFINITY : INFINITY;
    if (w->kind == 3) return 12345;
    if (w->kind == 4) gm_ctx_cancel(ctx);
    if (w->kind == 5 && !w->calls++) w->status = gm_sampler_next(w->s, &token);
    if (w->kind == 6) w->status = gm_sampler_reset(w->s);
    if (w->kind == 7) gm_model_free(w->m), w->m = NULL;
    return 0;
}

START_TEST(odd_filters)
{
    for (int k = 0; k < 8; k++) {
        writer w = {.kind = k};
        int64_t token;
        OK(ctx, trained(ctx, "gpt", "steps=2 batch=4", &w.m));
        OK(ctx, gm_sampler_new(ctx, w.m, NULL, &w.s));
        OK(ctx, gm_sampler_prompt(w.s, "the", 3));
        OK(ctx, gm_sampler_filter(w.s, odd_filter, &w));
        gm_status s = gm_sampler_next(w.s, &token);
        if (k < 3) ck_assert_msg(s == GM_ENONFINITE, "kind %d: %s", k, gm_status_name(s));
        if (k == 3) ck_assert_int_eq(s, GM_ECANCELED);
        OK(ctx, gm_sampler_filter(w.s, NULL, NULL));
        for (s = GM_ECANCELED; s == GM_ECANCELED;) s = gm_sampler_next(w.s, &token);
        ck_assert_msg(!s || s == GM_END, "kind %d: %s: %s", k, gm_status_name(s), gm_ctx_message(ctx));
        gm_sampler_free(w.s);
        gm_model_free(w.m);
    }
}
END_TEST

static int odd_text(const char *bytes, size_t n, void *user)
{
    writer *w = user;
    (void)bytes, (void)n;
    if (w->kind == 0) return -1;
    if (w->kind == 1) gm_ctx_cancel(ctx);
    if (w->kind == 2 && !w->calls++) w->status = gm_sampler_write(w->s, 3, odd_text, w, NULL);
    if (w->kind == 3) w->status = gm_sampler_prompt(w->s, "cat", 3);
    return 0;
}

START_TEST(odd_writers)
{
    for (int k = 0; k < 4; k++) {
        writer w = {.kind = k};
        int64_t done = -1, token;
        OK(ctx, trained(ctx, "ngram", NULL, &w.m));
        OK(ctx, gm_sampler_new(ctx, w.m, "seed=2", &w.s));
        gm_status s = gm_sampler_write(w.s, 20, odd_text, &w, &done);
        ck_assert_msg(k > 1 ? s == GM_OK || s == GM_END : s == GM_ECANCELED, "kind %d: %s", k, gm_status_name(s));
        ck_assert(done >= 0 && done <= 20);
        for (s = GM_ECANCELED; s == GM_ECANCELED;) s = gm_sampler_next(w.s, &token);
        ck_assert(!s || s == GM_END);
        gm_sampler_free(w.s);
        gm_model_free(w.m);
    }
}
END_TEST

/* ---- log and memory --------------------------------------------------------------------------------------- */

typedef struct memory { gm_ctx *ctx; long live; int asked; } memory;

static void *take(void *user, size_t n)
{
    memory *v = user;
    gm_memory m = {.struct_size = sizeof m};
    if (v->ctx && !gm_ctx_memory(v->ctx, &m) && gm_ctx_threads(v->ctx) && gm_ctx_message(v->ctx)) v->asked++; /* getters of the context it serves */
    void *p = malloc(n);
    v->live += p != NULL;
    if (p) memset(p, 0x5a, n); /* new memory is not zero */
    return p;
}

static void drop(void *user, void *p)
{
    memory *v = user;
    v->live--;
    free(p);
}

static void on_log(int32_t level, const char *line, void *user)
{
    memory *v = user;
    (void)level;
    if (v->ctx && !strchr(line, '\n')) gm_ctx_cancel(NULL), v->asked++;
}

START_TEST(allocators_and_logs_that_ask)
{
    gm_ctx_config c;
    memory v = {0};
    gm_model *m = NULL;
    uint64_t h[2] = {0};
    for (int i = 0; i < 2; i++) { /* the same bytes as from memory that asks nothing */
        gm_ctx *own = NULL;
        gm_ctx_config_init(&c, sizeof c);
        c.threads = 1;
        if (i) c.alloc = take, c.dealloc = drop, c.alloc_user = &v, c.log = on_log, c.log_user = &v;
        ck_assert_int_eq(gm_ctx_new(&c, &own), GM_OK);
        v.ctx = i ? own : NULL;
        for (int32_t f = 0; f < gm_family_count(); f++) {
            OK(own, trained(own, gm_family_name(f), "steps=2 batch=8 seed=1", &m));
            h[i] += weights_hash(m);
            gm_model_free(m);
        }
        v.ctx = NULL; /* not while it dies */
        gm_ctx_free(own);
    }
    ck_assert_int_gt(v.asked, 100);
    ck_assert_int_eq(v.live, 0);
    ck_assert(h[0] == h[1]);
}
END_TEST

/* A deleter that frees further handles of the same context. */
static void free_more(void *data, void *user)
{
    free(data);
    gm_tensor_free(user);
}

START_TEST(deleters)
{
    gm_tensor *x = NULL, *y = NULL;
    OK(ctx, gm_tensor_new(ctx, GM_F32, 1, (int64_t[]){3}, &x));
    OK(ctx, gm_tensor_wrap(ctx, GM_F32, 1, (int64_t[]){3}, NULL, calloc(3, sizeof(float)), free_more, x, &y));
    gm_tensor_free(y);
}
END_TEST

static void setup(void) { ck_assert_int_eq(ctx_of(2, &ctx), GM_OK); }
static void teardown(void) { gm_ctx_free(ctx); }

int main(void)
{
    const TTest *const tests[] = {training_within_training, handles_freed_within, cancel_and_garbage_codes, odd_data_sources, odd_filters, odd_writers, allocators_and_logs_that_ask, deleters, NULL};
    return run_tests_in("callbacks", tests, 60, setup, teardown);
}
