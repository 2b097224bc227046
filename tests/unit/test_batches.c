/* Batches: every row once, the same order with and without the thread, positions that can be gone back to,
 * scaling, binarisation, forks, no allocation. */
#include "data_test.h"
#include "data/batches.h"
#include <pthread.h>
#include <sys/wait.h>

static gm_dataset *digits(gm_ctx *c, int n)
{
    gm_dataset *d;
    char spec[64];
    snprintf(spec, sizeof spec, "synth:digits,n=%d,seed=4", n);
    ck_assert_int_eq(gm_dataset_open(c, spec, &d), GM_OK);
    return d;
}

static gm_batches *batches(gm_dataset *d, const char *options)
{
    gm_batches *b;
    OK(gm_batches_new(d, options, &b));
    return b;
}

/* CRC of everything a batch holds. */
static uint64_t crc_of(gm_batches *b, gm_tensor *x)
{
    size_t n;
    const uint64_t *rows = gm_batches_rows(b, &n);
    gm_tensor *l = gm_batches_column(b, "label");
    ck_assert_int_eq(x->shape[0], (int64_t)n);
    ck_assert_int_eq(l->shape[0], (int64_t)n);
    ck_assert_ptr_eq(gm_batches_column(b, "x"), x);
    uint64_t c = gm__crc64(0, x->data, (size_t)x->size * 4);
    c = gm__crc64(c, l->data, (size_t)l->size * 8);
    return gm__crc64(c, rows, n * 8);
}

/* The batches of some epochs, one after the other. */
static int walk(gm_batches *b, int epochs, uint64_t *crc)
{
    int n = 0;
    gm_tensor *x;
    for (int e = 0; e < epochs; e++) {
        gm_status s;
        while (!(s = gm_batches_next(b, &x))) crc[n++] = crc_of(b, x);
        ck_assert_int_eq(s, GM_END);
    }
    return n;
}

START_TEST(every_row_once)
{
    gm_dataset *d = digits(ctx, 103);
    const char *options[] = { "batch=10 shuffle=off", "batch=10 seed=3", "batch=10 drop-last=on", "batch=1000", "batch=103", "batch=1" };
    for (int k = 0; k < 6; k++) {
        gm_batches *b = batches(d, options[k]);
        gm_tensor *x;
        ck_assert(!gm_batches_column(b, "x") && !gm_batches_rows(b, NULL));
        for (uint64_t e = 0; e < 3; e++) {
            int seen[103] = { 0 }, total = 0, in_order = 0;
            uint64_t pos = 0;
            gm_status s;
            while (!(s = gm_batches_next(b, &x))) {
                size_t n;
                const uint64_t *rows = gm_batches_rows(b, &n);
                ck_assert_uint_eq(gm_batches_epoch(b), e);
                ck_assert_uint_eq(gm_batches_position(b), ++pos);
                for (size_t i = 0; i < n; i++, total++) {
                    float want[784];
                    seen[rows[i]]++;
                    in_order += rows[i] == (uint64_t)total;
                    OK(gm__dataset_gather(d, "x", &rows[i], 1, want));
                    ck_assert_mem_eq(gm__f32(x) + 784 * i, want, sizeof want);
                }
            }
            ck_assert_int_eq(s, GM_END);
            ck_assert_int_eq(total, k == 2 ? 100 : 103);
            for (int i = 0; i < 103; i++) ck_assert(seen[i] == 1 || (k == 2 && !seen[i]));
            if (k == 0) ck_assert_int_eq(in_order, 103);
            else ck_assert_int_lt(in_order, 10);
        }
        gm_batches_free(b);
    }
    gm_dataset_free(d);
}
END_TEST

START_TEST(thread_or_not)
{
    gm_ctx *one = new_ctx(1);
    gm_dataset *d[2] = { digits(ctx, 205), digits(one, 205) };
    const char *options[] = { "batch=16 seed=7 prefetch=on binarize=dynamic", "batch=16 seed=7 prefetch=off binarize=dynamic" };
    uint64_t crc[4][60];
    int k = 0;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++, k++) {
            gm_batches *b = batches(d[i], options[j]);
            ck_assert_int_eq(walk(b, 4, crc[k]), 52);
            ck_assert_int_eq(b->fetch.started, i == 0 && j == 0); /* one thread means one */
            gm_batches_free(b);
        }
    for (k = 1; k < 4; k++) ck_assert_mem_eq(crc[0], crc[k], 52 * 8);
    for (k = 1; k < 52; k++) ck_assert_uint_ne(crc[0][k], crc[0][0]);
    gm_dataset_free(d[0]), gm_dataset_free(d[1]);
    gm_ctx_free(one);
}
END_TEST

START_TEST(positions)
{
    gm_dataset *d = digits(ctx, 95);
    uint64_t crc[30], again[30];
    gm_tensor *x;
    gm_batches *b = batches(d, "batch=10 seed=2 binarize=dynamic");
    ck_assert_int_eq(walk(b, 3, crc), 30);
    for (int p = 29; p >= 0; p--) {
        OK(gm_batches_seek(b, (uint64_t)p / 10, (uint64_t)p % 10));
        OK(gm_batches_next(b, &x));
        ck_assert_uint_eq(crc_of(b, x), crc[p]);
        gm_batches *c = batches(d, "batch=10 seed=2 binarize=dynamic"); /* in a new process too */
        OK(gm_batches_seek(c, gm_batches_epoch(b), gm_batches_position(b)));
        gm_status s = gm_batches_next(c, &x);
        if (p % 10 == 9) ck_assert_int_eq(s, GM_END);
        else ck_assert_uint_eq(crc_of(c, x), crc[p + 1]);
        gm_batches_free(c);
    }
    OK(gm_batches_seek(b, 1, 0));
    ck_assert_int_eq(walk(b, 2, again), 20);
    ck_assert_mem_eq(again, crc + 10, 160);
    OK(gm_batches_seek(b, 0, 10));
    ck_assert_int_eq(gm_batches_next(b, &x), GM_END);
    ck_assert(gm_batches_epoch(b) == 1 && gm_batches_position(b) == 0);
    FAILS(GM_EARG, "11 of 10", gm_batches_seek(b, 0, 11));
    gm_batches_free(b);
    gm_dataset_free(d);
}
END_TEST

START_TEST(no_allocation)
{
    gm_dataset *d = digits(ctx, 205);
    gm_batches *b = batches(d, "batch=16 binarize=dynamic scale=standard");
    gm_tensor *x;
    OK(gm_batches_next(b, &x));
    long calls = host.calls;
    for (int k = 0; k < 60; k++) gm_batches_next(b, &x);
    ck_assert_int_eq(host.calls, calls);
    gm_batches_free(b);
    gm_dataset_free(d);
}
END_TEST

START_TEST(scaling)
{
    gm_tensor *x, *t;
    gm_dataset *d;
    const double v[4][3] = { { 1, 5, 1e6 }, { 2, 5, 1e6 + 4 }, { 3, 5, 1e6 + 4 }, { 6, 5, 1e6 } };
    OK(gm_tensor_copy(ctx, GM_F64, 2, (int64_t[]){ 4, 3 }, v, &t));
    OK(gm_dataset_from_tensors(ctx, t, NULL, &d));
    gm_tensor_free(t);
    double mean[3], std[3];
    OK(gm__dataset_moments(d, mean, std));
    ck_assert(mean[0] == 3 && mean[1] == 5 && mean[2] == 1e6 + 2 && std[1] == 1 && std[2] == 2);
    ck_assert_double_eq_tol(std[0], sqrt(3.5), 1e-12);
    gm_batches *b = batches(d, "shuffle=off scale=standard");
    OK(gm_batches_next(b, &x));
    ck_assert_float_eq_tol(gm__f32(x)[0], -2 / sqrtf(3.5f), 1e-6f);
    ck_assert(gm__f32(x)[1] == 0 && gm__f32(x)[2] == -1 && gm__f32(x)[5] == 1);
    gm_batches_free(b);
    b = batches(d, "shuffle=off scale=unit");
    OK(gm_batches_next(b, &x));
    ck_assert(gm__f32(x)[0] == 0 && gm__f32(x)[5] == 1);
    gm_batches_free(b);
    gm_dataset_free(d);
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){ 2, 1 }, (float[]){ 3, 3 }, &t)); /* constant: 0 and no NaN */
    OK(gm_dataset_from_tensors(ctx, t, NULL, &d));
    gm_tensor_free(t);
    const char *options[] = { "scale=unit", "scale=standard" };
    for (int k = 0; k < 2; k++) {
        b = batches(d, options[k]);
        OK(gm_batches_next(b, &x));
        ck_assert(gm__f32(x)[0] == 0 && gm__f32(x)[1] == 0);
        gm_batches_free(b);
    }
    gm_dataset_free(d);
}
END_TEST

START_TEST(binarising)
{
    gm_tensor *x, *t;
    gm_dataset *d, *part;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 50, 100 }, &t));
    for (int i = 0; i < 5000; i++) gm__f32(t)[i] = i % 100 == 0 ? 0.0f : i % 100 == 1 ? 1.0f : 0.3f;
    OK(gm_dataset_from_tensors(ctx, t, NULL, &d));
    gm_tensor_free(t);
    gm_batches *b = batches(d, "batch=50 shuffle=off binarize=dynamic seed=5");
    float first[5000];
    double ones = 0;
    int same = 0;
    for (int e = 0; e < 20; e++) {
        OK(gm_batches_next(b, &x));
        for (int i = 0; i < 5000; i++) {
            float v = gm__f32(x)[i];
            ck_assert((v == 0 || v == 1) && (i % 100 != 0 || v == 0) && (i % 100 != 1 || v == 1));
            if (i % 100 > 1) ones += (double)v, same += e && v == first[i];
        }
        if (!e) memcpy(first, x->data, sizeof first);
        ck_assert_int_eq(gm_batches_next(b, &x), GM_END);
    }
    ck_assert_double_eq_tol(ones / (20 * 4900), 0.3, 4 * sqrt(0.21 / (20 * 4900)));
    ck_assert_double_eq_tol(same / (19 * 4900.0), 0.58, 0.01); /* drawn anew each epoch */
    gm_batches_free(b);
    /* the draws belong to the row of the whole, not to its place in a part or batch */
    OK(gm_dataset_range(d, 7, 50, 3, &part));
    b = batches(part, "batch=4 binarize=dynamic seed=5");
    while (!gm_batches_next(b, &x)) {
        size_t n;
        const uint64_t *rows = gm_batches_rows(b, &n);
        for (size_t i = 0; i < n; i++) ck_assert_mem_eq(gm__f32(x) + 100 * i, first + 100 * gm__dataset_origin(part, rows[i]), 400);
    }
    gm_batches_free(b);
    gm_dataset_free(part);
    b = batches(d, "shuffle=off binarize=threshold");
    OK(gm_batches_next(b, &x));
    ck_assert(gm__f32(x)[0] == 0 && gm__f32(x)[1] == 1 && gm__f32(x)[2] == 0);
    gm_batches_free(b);
    gm_dataset_free(d);
}
END_TEST

START_TEST(last_batch_lives_on)
{
    gm_dataset *d = digits(ctx, 25);
    gm_batches *b = batches(d, "batch=10 shuffle=off");
    gm_tensor *x;
    for (int k = 0; k < 3; k++) OK(gm_batches_next(b, &x));
    ck_assert_int_eq(x->shape[0], 5);
    float v = gm__f32(x)[400];
    gm__retain(x); /* as a tape does */
    gm_batches_free(b);
    gm_dataset_free(d);
    ck_assert_float_eq(gm__f32(x)[400], v);
    gm_tensor_free(x);
}
END_TEST

START_TEST(forks)
{
    gm_dataset *d = digits(ctx, 2000);
    uint64_t want[25], got[25];
    gm_tensor *x;
    gm_batches *b = batches(d, "batch=200 seed=1");
    walk(b, 2, want);
    for (int k = 0; k < 10; k++) {
        OK(gm_batches_seek(b, 0, (uint64_t)k));
        OK(gm_batches_next(b, &x));
        fflush(NULL);
        pid_t pid = fork(); /* most likely while the thread fills */
        ck_assert_int_ge(pid, 0);
        if (!pid) {
            alarm(20);
            bool fine = true;
            for (int i = k + 1; i < 10; i++) fine = fine && !gm_batches_next(b, &x) && crc_of(b, x) == want[i];
            fine = fine && gm_batches_next(b, &x) == GM_END;
            fine = fine && walk(b, 1, got) == 10 && !memcmp(got, want + 10, 80);
            gm_batches_free(b);
            _exit(fine ? 0 : 1);
        }
        int status;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "child of batch %d", k);
    }
    OK(gm_batches_seek(b, 0, 0));
    ck_assert_int_eq(walk(b, 2, got), 20); /* the parent's thread is well */
    ck_assert_mem_eq(got, want, 160);
    gm_batches_free(b);
    gm_dataset_free(d);
}
END_TEST

static void *free_it(void *b)
{
    gm_batches_free(b);
    return NULL;
}

START_TEST(freed_elsewhere)
{
    for (int k = 0; k < 20; k++) {
        gm_dataset *d = digits(ctx, 300);
        gm_batches *b = batches(d, "batch=100");
        gm_tensor *x;
        for (int i = 0; i < k % 4; i++) OK(gm_batches_next(b, &x));
        gm_dataset_free(d); /* order does not matter */
        pthread_t t;
        pthread_create(&t, NULL, free_it, b);
        pthread_join(t, NULL);
    }
}
END_TEST

START_TEST(refused)
{
    gm_dataset *d = digits(ctx, 30);
    gm_batches *b;
    gm_tensor *x;
    FAILS(GM_EARG, "batch", gm_batches_new(d, "batch=0", &b));
    FAILS(GM_EARG, "binarize", gm_batches_new(d, "binarize=maybe", &b));
    FAILS(GM_EARG, "no option", gm_batches_new(d, "batches=3", &b));
    FAILS(GM_EARG, "no full batch", gm_batches_new(d, "batch=31 drop-last=on", &b));
    ck_assert_ptr_null(b);
    ck_assert_int_eq(gm_batches_new(NULL, "", &b), GM_EARG);
    ck_assert_int_eq(gm_batches_next(NULL, &x), GM_EARG);
    FAILS(GM_EARG, "out", gm_batches_new(d, "", NULL));
    OK(gm_batches_new(d, NULL, &b));
    FAILS(GM_EARG, "x is NULL", gm_batches_next(b, NULL));
    OK(gm_batches_next(b, &x));
    ck_assert_ptr_null(gm_batches_column(b, "y"));
    ck_assert_int_eq(x->shape[0], 30);
    gm_batches_free(b);
    for (long k = 1;; k++) { /* every allocation fails once */
        host.calls = 0, host.fail_at = k;
        gm_status s = gm_batches_new(d, "batch=7 scale=standard seed=1", &b);
        bool over = host.calls < k;
        host.fail_at = 0;
        ck_assert_int_eq(s, over ? GM_OK : GM_ENOMEM);
        gm_batches_free(b);
        if (over) break;
    }
    gm_dataset_free(d);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { every_row_once, thread_or_not, positions, no_allocation, scaling, binarising, last_batch_lives_on, forks, freed_elsewhere, refused, NULL };
    return run_suite("batches", tests);
}
