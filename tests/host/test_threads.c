/* test_threads.c - many threads, one library: a model drawn from by 200 at once, trainings side by side, who is told that a model is busy,
 * cancel and free from other threads. */
#include "host_test.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { SAMPLERS = 200 };

static void spawn(pthread_t *t, int n, void *(*fn)(void *), void *arg, size_t size)
{
    pthread_attr_t a;
    pthread_attr_init(&a);
    pthread_attr_setstacksize(&a, SANITIZED ? 1 << 20 : 256 << 10);
    for (int i = 0; i < n; i++) ck_assert_int_eq(pthread_create(&t[i], &a, fn, (char *)arg + (size_t)i * size), 0);
    pthread_attr_destroy(&a);
}

static void join(pthread_t *t, int n)
{
    for (int i = 0; i < n; i++) pthread_join(t[i], NULL);
}

/* ---- one model, many samplers --------------------------------------------------------------------- */

typedef struct drawing { gm_model *m; atomic_int *go; uint64_t hash; gm_status status; } drawing;

static void *draw_own(void *arg)
{
    drawing *d = arg;
    gm_ctx *own = NULL;
    while (!atomic_load(d->go)) sched_yield();
    d->status = ctx_of(1, &own);
    if (!d->status) d->status = draw(own, d->m, &d->hash);
    gm_ctx_free(own);
    return NULL;
}

START_TEST(one_model_many_samplers)
{
    static const char *const families[] = {"vae", "rbm", "gpt", "ngram", "gan", "rnn"};
    gm_ctx *ctx = NULL;
    ck_assert_int_eq(ctx_of(1, &ctx), GM_OK);
    for (int f = 0; f < (long_run() ? COUNT(families) : 4); f++) {
        const int n = SANITIZED ? 16 : SAMPLERS;
        gm_model *m = NULL;
        pthread_t t[SAMPLERS];
        drawing d[SAMPLERS];
        atomic_int go = 0;
        uint64_t alone = 0;
        OK(ctx, trained(ctx, families[f], "steps=3 batch=8 seed=1", &m));
        OK(ctx, draw(ctx, m, &alone));
        for (int i = 0; i < n; i++) d[i] = (drawing){.m = m, .go = &go};
        spawn(t, n, draw_own, d, sizeof *d);
        atomic_store(&go, 1);
        join(t, n);
        for (int i = 0; i < n; i++) {
            ck_assert_msg(!d[i].status, "%s, thread %d: %s", families[f], i, gm_status_name(d[i].status));
            ck_assert_msg(d[i].hash == alone, "%s, thread %d: other bytes", families[f], i);
        }
        gm_model_free(m);
    }
    gm_ctx_free(ctx);
}
END_TEST

/* ---- trainings side by side ------------------------------------------------------------------------- */

typedef struct training { uint64_t hash[3]; gm_status status; int rounds; } training;

static void *train_own(void *arg)
{
    static const char *const families[] = {"vae", "rbm", "gpt"};
    training *v = arg;
    for (int i = 0; i < v->rounds && !v->status; i++) {
        gm_ctx *own = NULL;
        gm_model *m = NULL;
        v->status = ctx_of(1 + i % 3, &own);
        if (!v->status) v->status = trained(own, families[i % 3], "steps=8 batch=8 seed=1", &m);
        if (!v->status && v->hash[i % 3] && v->hash[i % 3] != weights_hash(m)) v->status = GM_EINTERNAL;
        if (!v->status) v->hash[i % 3] = weights_hash(m);
        gm_model_free(m);
        gm_ctx_free(own);
    }
    return NULL;
}

START_TEST(trainings_side_by_side)
{
    enum { N = 8 };
    pthread_t t[N];
    training v[N];
    for (int i = 0; i < N; i++) v[i] = (training){.rounds = long_run() ? 300 : 6};
    spawn(t, N, train_own, v, sizeof *v);
    join(t, N);
    for (int i = 0; i < N; i++) {
        ck_assert_msg(!v[i].status, "thread %d: %s", i, gm_status_name(v[i].status));
        ck_assert(!memcmp(v[i].hash, v[0].hash, sizeof v[0].hash));
    }
}
END_TEST

/* ---- who is told that a model is busy ------------------------------------------------------------------ */

/* From the progress callback of a training, in another thread: what is refused, and that the callback's own thread may draw. */
typedef struct busy { gm_model *m; gm_dataset *data; gm_status draw, fit, copy, load, again; int asked; } busy;

static void *try_all(void *arg)
{
    busy *b = arg;
    gm_ctx *own = NULL;
    gm_model *copy = NULL;
    gm_dataset *d = NULL;
    uint64_t h = 0;
    if (ctx_of(1, &own)) return NULL;
    b->draw = draw(own, b->m, &h);
    b->copy = gm_model_copy(b->m, &copy);
    if (!pictures(own, 8, &d)) b->fit = gm_fit(b->m, d, "steps=1 batch=8");
    b->load = gm_model_load_weights(b->m, "/no/such/file");
    b->asked = 1;
    gm_dataset_free(d);
    gm_model_free(copy);
    gm_ctx_free(own);
    return NULL;
}

static int ask_another(const gm_progress *p, void *user)
{
    busy *b = user;
    pthread_t t;
    uint64_t h = 0;
    gm_ctx *own = NULL;
    if (p->step != 2) return 0;
    if (pthread_create(&t, NULL, try_all, b)) return 1;
    pthread_join(t, NULL);
    if (ctx_of(1, &own)) return 1;
    b->again = draw(own, b->m, &h);
    gm_ctx_free(own);
    return 0;
}

START_TEST(busy_while_training)
{
    gm_ctx *ctx = NULL;
    busy b = {0};
    gm_trainer *tr = NULL;
    ck_assert_int_eq(ctx_of(1, &ctx), GM_OK);
    OK(ctx, data_for(ctx, "vae", &b.data));
    OK(ctx, gm_model_new(ctx, "vae", small("vae"), &b.m));
    OK(ctx, gm_trainer_new(b.m, b.data, "steps=4 batch=8", &tr));
    OK(ctx, gm_trainer_set_progress(tr, ask_another, &b, 0));
    OK(ctx, gm_trainer_run(tr));
    ck_assert_int_eq(b.asked, 1);
    ck_assert_int_eq(b.draw, GM_EBUSY);
    ck_assert_int_eq(b.copy, GM_EBUSY);
    ck_assert_int_eq(b.fit, GM_EBUSY);
    ck_assert_int_eq(b.load, GM_EBUSY);
    ck_assert_int_eq(b.again, GM_OK); /* the callback's own thread */
    gm_trainer_free(tr);
    gm_dataset_free(b.data);
    gm_model_free(b.m);
    gm_ctx_free(ctx);
}
END_TEST

/* The other way round: a text is written by one thread, whose callback has another try to train. */
typedef struct writing { gm_model *m; gm_status fit; } writing;

static void *fit_it(void *arg)
{
    writing *w = arg;
    gm_ctx *own = NULL;
    gm_dataset *d = NULL;
    if (ctx_of(1, &own)) return NULL;
    w->fit = data_for(own, "gpt", &d);
    if (!w->fit) w->fit = gm_fit(w->m, d, "steps=1 batch=2");
    gm_dataset_free(d);
    gm_ctx_free(own);
    return NULL;
}

static int let_another_train(float *logits, int64_t n, void *user)
{
    pthread_t t;
    (void)logits, (void)n;
    if (pthread_create(&t, NULL, fit_it, user)) return 1;
    pthread_join(t, NULL);
    return 0;
}

START_TEST(busy_while_drawing)
{
    gm_ctx *ctx = NULL;
    writing w = {.fit = GM_OK};
    gm_sampler *s = NULL;
    int64_t token;
    ck_assert_int_eq(ctx_of(1, &ctx), GM_OK);
    OK(ctx, trained(ctx, "gpt", "steps=2 batch=4", &w.m));
    OK(ctx, gm_sampler_new(ctx, w.m, NULL, &s));
    OK(ctx, gm_sampler_filter(s, let_another_train, &w));
    OK(ctx, gm_sampler_next(s, &token));
    ck_assert_int_eq(w.fit, GM_EBUSY);
    fit_it(&w); /* and now it may */
    ck_assert_int_eq(w.fit, GM_OK);
    gm_sampler_free(s);
    gm_model_free(w.m);
    gm_ctx_free(ctx);
}
END_TEST

/* ---- cancel and free from other threads -------------------------------------------------------------------- */

static void *cancel_often(void *arg)
{
    for (int i = 0; i < 200; i++) {
        gm_ctx_cancel(arg);
        for (int k = 0; k < 50; k++) sched_yield();
    }
    return NULL;
}

START_TEST(cancel_from_another_thread)
{
    static const char *const families[] = {"vae", "rbm", "gpt"};
    for (int f = 0; f < COUNT(families); f++) {
        gm_ctx *ctx = NULL;
        gm_model *m = NULL;
        gm_dataset *d = NULL;
        pthread_t t;
        int stopped = 0;
        uint64_t h = 0;
        ck_assert_int_eq(ctx_of(2, &ctx), GM_OK);
        OK(ctx, data_for(ctx, families[f], &d));
        OK(ctx, gm_model_new(ctx, families[f], small(families[f]), &m));
        ck_assert_int_eq(pthread_create(&t, NULL, cancel_often, ctx), 0);
        for (int i = 0; i < 10; i++) {
            gm_status s = gm_fit(m, d, "steps=40 batch=8");
            ck_assert_msg(s == GM_OK || s == GM_ECANCELED, "%s: %s", families[f], gm_ctx_message(ctx));
            stopped += s == GM_ECANCELED;
            s = draw(ctx, m, &h);
            ck_assert_msg(s == GM_OK || s == GM_ECANCELED || s == GM_ESTATE, "%s: %s", families[f], gm_ctx_message(ctx));
        }
        pthread_join(t, NULL);
        ck_assert_msg(stopped > 0, "%s was never stopped", families[f]);
        for (gm_status s = GM_ECANCELED; s == GM_ECANCELED;) s = gm_fit(m, d, "steps=2 batch=8"); /* one may be left */
        OK(ctx, draw(ctx, m, &h));
        ck_assert(weights_finite(m));
        gm_dataset_free(d);
        gm_model_free(m);
        gm_ctx_free(ctx);
    }
}
END_TEST

/* All handles of a context, each freed by another thread, the context first: what is counted dies with its last owner. */
typedef struct freeing { int kind; void *p; atomic_int *go; } freeing;

static void *free_it(void *arg)
{
    freeing *f = arg;
    while (!atomic_load(f->go)) sched_yield();
    switch (f->kind) {
    case 0: gm_ctx_free(f->p); break;
    case 1: gm_model_free(f->p); break;
    case 2: gm_dataset_free(f->p); break;
    case 3: gm_trainer_free(f->p); break;
    case 4: gm_sampler_free(f->p); break;
    case 5: gm_tensor_free(f->p); break;
    case 6: gm_net_free(f->p); break;
    case 7: gm_optim_free(f->p); break;
    case 8: gm_tape_free(f->p); break;
    default: gm_batches_free(f->p);
    }
    return NULL;
}

typedef struct counts { atomic_long live; } counts;
static void *take(void *user, size_t n)
{
    void *p = malloc(n);
    if (p) atomic_fetch_add(&((counts *)user)->live, 1);
    return p;
}
static void drop(void *user, void *p) { atomic_fetch_sub(&((counts *)user)->live, 1), free(p); }

START_TEST(free_from_any_thread)
{
    for (int round = 0; round < (long_run() ? 500 : 20); round++) {
        counts c = {0};
        gm_ctx_config config;
        gm_ctx *ctx = NULL;
        void *p[10] = {0};
        pthread_t t[10];
        freeing f[10];
        atomic_int go = 0;
        gm_tensor *x;
        gm_ctx_config_init(&config, sizeof config);
        config.threads = 2, config.alloc = take, config.dealloc = drop, config.alloc_user = &c;
        ck_assert_int_eq(gm_ctx_new(&config, &ctx), GM_OK);
        p[0] = ctx;
        OK(ctx, trained(ctx, "vae", "steps=2 batch=8", (gm_model **)&p[1]));
        OK(ctx, pictures(ctx, 20, (gm_dataset **)&p[2]));
        OK(ctx, gm_trainer_new(p[1], p[2], "batch=8", (gm_trainer **)&p[3]));
        OK(ctx, gm_trainer_step(p[3], NULL));
        OK(ctx, gm_sampler_new(ctx, p[1], NULL, (gm_sampler **)&p[4]));
        OK(ctx, gm_sample(p[1], 3, 1, (gm_tensor **)&p[5]));
        OK(ctx, gm_net_new(ctx, "linear 3", 1, (int64_t[]){4}, 1, (gm_net **)&p[6]));
        OK(ctx, gm_optim_new(ctx, "adam", NULL, (gm_optim **)&p[7]));
        OK(ctx, gm_optim_add_net(p[7], p[6], NULL));
        OK(ctx, gm_tape_new(ctx, 1, (gm_tape **)&p[8]));
        gm_relu(p[8], p[5]);
        OK(ctx, gm_batches_new(p[2], "batch=8", (gm_batches **)&p[9]));
        OK(ctx, gm_batches_next(p[9], &x));
        for (int i = 0; i < COUNT(p); i++) f[i] = (freeing){i, p[i], &go};
        spawn(t, COUNT(p), free_it, f, sizeof *f);
        atomic_store(&go, 1);
        join(t, COUNT(p));
        ck_assert_msg(atomic_load(&c.live) == 0, "%ld blocks are left", atomic_load(&c.live));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {one_model_many_samplers, trainings_side_by_side, busy_while_training, busy_while_drawing, cancel_from_another_thread, free_from_any_thread, NULL};
    return run_tests("threads", tests, 120);
}
