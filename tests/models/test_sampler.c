/* test_sampler.c - streams of draws: cut anywhere, saved, shared between threads. */
#include "models_test.h"
#include <pthread.h>

#define SMALL "hidden=8 latent=2 shape=1,4,4 seed=3"

static gm_sampler *sampler(gm_model *m, const char *options)
{
    gm_sampler *s = NULL;
    OK(gm_sampler_new(ctx, m, options, &s));
    return s;
}

static gm_tensor *draw(gm_sampler *s, int64_t n)
{
    gm_tensor *y = NULL;
    OK(gm_sampler_draw(s, n, NULL, &y));
    return y;
}

START_TEST(pieces_make_the_whole)
{
    enum { N = 600 };
    gm_model *m = model(SMALL);
    gm_sampler *a = sampler(m, "seed=5"), *b = sampler(m, "seed=5"), *other = sampler(m, "seed=6");
    gm_tensor *whole = draw(a, N), *y, *third = draw(other, N);
    ck_assert(whole->ndim == 4 && whole->shape[0] == N && whole->shape[1] == 1 && whole->shape[2] == SIDE);
    ck_assert(furthest(whole, third) > 0.01);
    int64_t at_row = 0, pieces[] = { 1, 2, 255, 256, 1, 85 };
    for (size_t i = 0; i < GM__COUNT(pieces); i++) {
        y = draw(b, pieces[i]);
        for (int64_t j = 0; j < y->size; j++) ck_assert(fabsf(gm__f32(y)[j] - gm__f32(whole)[at_row * ROW + j]) < 1e-6f);
        at_row += pieces[i];
        gm_tensor_free(y);
    }
    ck_assert_int_eq(at_row, N);
    OK(gm_sample(m, 10, 5, &y)); /* the same stream */
    for (int64_t j = 0; j < y->size; j++) ck_assert(fabsf(gm__f32(y)[j] - gm__f32(whole)[j]) < 1e-6f);
    gm_tensor_free(y);
    gm_tensor_free(whole);
    gm_tensor_free(third);
    gm_sampler_free(a);
    gm_sampler_free(b);
    gm_sampler_free(other);
    gm_model_free(m);
}
END_TEST

START_TEST(temperature)
{
    gm_model *m = model(SMALL);
    gm_sampler *cold = sampler(m, "temperature=0"), *warm = sampler(m, NULL);
    gm_tensor *a = draw(cold, 4), *b = draw(warm, 4);
    for (int j = 0; j < 3 * ROW; j++) ck_assert(gm__f32(a)[j] == gm__f32(a)[j + ROW]);
    ck_assert(furthest(a, b) > 1e-3);
    gm_sampler *s = NULL;
    FAILS(GM_EARG, "temperature", gm_sampler_new(ctx, m, "temperature=-1", &s));
    ck_assert_ptr_null(s);
    gm_tensor_free(a);
    gm_tensor_free(b);
    gm_sampler_free(cold);
    gm_sampler_free(warm);
    gm_model_free(m);
}
END_TEST

START_TEST(state)
{
    gm_model *m = model(SMALL), *other = model("hidden=9 latent=2 shape=1,4,4");
    gm_sampler *a = sampler(m, "seed=18446744073709551615 temperature=0.5"), *b = sampler(m, NULL), *c = sampler(other, NULL);
    gm_tensor_free(draw(a, 37));
    size_t n = 0, few = 10;
    OK(gm_sampler_state_save(a, NULL, &n));
    uint8_t state[64];
    ck_assert_uint_le(n, sizeof state);
    FAILS(GM_ELIMIT, "bytes needed", gm_sampler_state_save(a, state, &few));
    ck_assert_uint_eq(few, n);
    OK(gm_sampler_state_save(a, state, &n));
    OK(gm_sampler_state_load(b, state, n));
    gm_tensor *x = draw(a, 20), *y = draw(b, 20);
    ck_assert(furthest(x, y) == 0);
    gm_tensor_free(x);
    gm_tensor_free(y);
    /* every flipped bit is seen, and changes nothing */
    uint8_t before[64], after[64];
    OK(gm_sampler_state_save(b, before, &n));
    for (size_t bit = 0; bit < 8 * n; bit++) {
        state[bit / 8] ^= (uint8_t)(1u << bit % 8);
        FAILS(GM_EFORMAT, "state", gm_sampler_state_load(b, state, n));
        state[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t k = 0; k < n; k++) FAILS(GM_EFORMAT, "state", gm_sampler_state_load(b, state, k));
    FAILS(GM_EARG, "another model", gm_sampler_state_load(c, state, n));
    FAILS(GM_EARG, "NULL", gm_sampler_state_load(c, NULL, n));
    OK(gm_sampler_state_save(b, after, &n));
    ck_assert(!memcmp(before, after, n));
    gm_sampler_free(a);
    gm_sampler_free(b);
    gm_sampler_free(c);
    gm_model_free(m);
    gm_model_free(other);
}
END_TEST

START_TEST(what_is_refused)
{
    gm_model *m = model(SMALL), *empty = model("hidden=8 latent=2");
    gm_sampler *s = NULL;
    gm_tensor *y = NULL, *cond = NULL;
    FAILS(GM_ESTATE, "fit", gm_sampler_new(ctx, empty, NULL, &s));
    FAILS(GM_EARG, "model", gm_sampler_new(ctx, NULL, NULL, &s));
    FAILS(GM_EARG, "no option 'sead'", gm_sampler_new(ctx, m, "sead=1", &s));
    s = sampler(m, NULL);
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 3, 8 }, &cond));
    FAILS(GM_EUNSUPPORTED, "condition", gm_sampler_draw(s, 3, cond, &y));
    FAILS(GM_EARG, "n must", gm_sampler_draw(s, 0, NULL, &y));
    OK(gm__model_begin_train(m, ctx));
    FAILS(GM_EBUSY, "in training", gm_sampler_draw(s, 3, NULL, &y));
    gm__model_end_train(m);
    gm_ctx_cancel(ctx);
    FAILS(GM_ECANCELED, "", gm_sampler_draw(s, 3, NULL, &y));
    ck_assert_ptr_null(y);
    y = draw(s, 3); /* a failed draw does not move the stream */
    gm_sampler *fresh = sampler(m, NULL);
    gm_tensor *z = draw(fresh, 3);
    ck_assert(furthest(y, z) == 0);
    gm_model_free(m); /* the samplers keep it */
    gm_tensor_free(z);
    z = draw(fresh, 3);
    gm_tensor_free(y);
    gm_tensor_free(z);
    gm_tensor_free(cond);
    gm_sampler_free(fresh);
    gm_sampler_free(s);
    gm_sampler_free(NULL);
    gm_model_free(empty);
}
END_TEST

/* Threads with contexts of their own share one model: equal bits, while another tries to train it. */
enum { THREADS = 6, DRAWS = 300 };
typedef struct job { gm_model *m; float *out; int failed; } job;

static void *draw_alone(void *arg)
{
    job *j = arg;
    gm_ctx *own = NULL;
    gm_sampler *s = NULL;
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    j->failed = gm_ctx_new(&c, &own) || gm_sampler_new(own, j->m, "seed=11", &s);
    for (int i = 0; i < DRAWS && !j->failed; i += 100) {
        gm_tensor *y = NULL;
        j->failed = gm_sampler_draw(s, 100, NULL, &y) != GM_OK;
        if (!j->failed) memcpy(j->out + i * ROW, gm_tensor_data(y), 100 * ROW * sizeof(float));
        gm_tensor_free(y);
    }
    gm_sampler_free(s);
    gm_ctx_free(own);
    return NULL;
}

START_TEST(many_threads_one_model)
{
    gm_model *m = model(SMALL);
    pthread_t t[THREADS];
    job j[THREADS];
    for (int i = 0; i < THREADS; i++) {
        j[i] = (job){ .m = m, .out = calloc(DRAWS * ROW, sizeof(float)) };
        ck_assert_int_eq(pthread_create(&t[i], NULL, draw_alone, &j[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(t[i], NULL);
        ck_assert_int_eq(j[i].failed, 0);
        ck_assert(!memcmp(j[i].out, j[0].out, DRAWS * ROW * sizeof(float)));
    }
    for (int i = 0; i < THREADS; i++) free(j[i].out);
    gm_model_free(m);
}
END_TEST

/* One thread trains, another draws: each draw works or is told that the model is in training. */
typedef struct stir { gm_model *m; int ok, busy, other; } stir;

static void *draw_often(void *arg)
{
    stir *v = arg;
    gm_ctx *own = NULL;
    gm_sampler *s = NULL;
    if (gm_ctx_new(NULL, &own) || gm_sampler_new(own, v->m, NULL, &s)) v->other++;
    for (int i = 0; i < 300 && s; i++) {
        gm_tensor *y = NULL;
        gm_status st = gm_sampler_draw(s, 2, NULL, &y);
        if (st == GM_OK) v->ok++;
        else if (st == GM_EBUSY) v->busy++;
        else v->other++;
        gm_tensor_free(y);
    }
    gm_sampler_free(s);
    gm_ctx_free(own);
    return NULL;
}

START_TEST(training_while_others_draw)
{
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(64, 1);
    stir v = { .m = m };
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, draw_often, &v), 0);
    for (int i = 0; i < 50; i++) {
        gm_status s = gm_fit(m, d, "steps=2 batch=16");
        ck_assert_msg(s == GM_OK || s == GM_EBUSY, "%s", gm_ctx_message(ctx));
    }
    pthread_join(t, NULL);
    ck_assert_int_eq(v.other, 0);
    ck_assert_int_eq(v.ok + v.busy, 300);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sampler");
    TCase *c = tcase_create("sampler");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, pieces_make_the_whole);
    tcase_add_test(c, temperature);
    tcase_add_test(c, state);
    tcase_add_test(c, what_is_refused);
    tcase_add_test(c, many_threads_one_model);
    tcase_add_test(c, training_while_others_draw);
    suite_add_tcase(s, c);
    return run_suite(s);
}
