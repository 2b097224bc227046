/* test_tape_life.c - generations, frames, memory, random streams, the print-out, the cost of an op. */
#include "unit/tape_test.h"
#include <stdio.h>
#include <time.h>

START_TEST(stale)
{
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.debug = 1;
    gm_ctx *dctx = NULL;
    gm_tape *d = NULL;
    OK(gm_ctx_new(&c, &dctx));
    OK(gm_tape_new(dctx, 0, &d));
    gm_tensor *x = NULL;
    double v = 2;
    OK(gm_tensor_copy(dctx, GM_F64, 0, NULL, &v, &x));
    gm_tensor *old = t_exp(d, x);
    uint64_t generation = gm_tape_generation(d);
    gm_tape_reset(d);
    ck_assert_uint_eq(gm_tape_generation(d), generation + 1);
    for (int i = 0; i < 5000; i++) {
        ck_assert_ptr_nonnull(t_exp(d, x));
        if (i == 3000) gm_tape_reset(d);
    }
    ck_assert_int_eq(gm_tensor_item(old, &v), GM_ESTALE);
    ck_assert_ptr_null(t_exp(d, old));
    ck_assert_int_eq(gm_tape_status(d), GM_ESTALE);
    ck_assert_str_eq(gm_tape_message(d), "exp: input 0 outlived its tape generation");
    gm_tape_reset(d);
    uint64_t mark = gm_tape_push(d); /* so it is with frames */
    gm_tensor *in = t_exp(d, x), *kept = gm_tape_pop(d, mark, in);
    ck_assert_int_eq(gm_tensor_item(in, &v), GM_ESTALE);
    OK(gm_tensor_item(kept, &v));
    ck_assert(v == exp(2));
    gm_tensor_free(x);
    gm_tape_free(d);
    gm_ctx_free(dctx);
#ifndef __SANITIZE_ADDRESS__ /* which rightly stops at the look into freed arena memory */
    /* without debug a handle of an old generation is refused while its memory is not yet reused */
    gm_tensor *y = leaf(GM_F64, 1, 1), *z = t_exp(t, y);
    z = t_exp(t, y);
    gm_tape_reset(t);
    ck_assert_ptr_null(t_add(t, y, z));
    ck_assert_int_eq(gm_tape_status(t), GM_ESTALE);
    gm_tensor_free(y);
#endif
}
END_TEST

START_TEST(frames)
{
    gm_tensor *x = leaf(GM_F64, 2, 3);
    double first = at(x, 0);
    gm_tensor *before = t_exp(t, x);
    size_t nodes = t->n_nodes;
    for (int kind = 0; kind < 4; kind++) { /* survivors: a result, a view of one, a view of a leaf, an old one */
        uint64_t mark = gm_tape_push(t), inner;
        gm_tensor *a = t_exp(t, x), *b = t_mul(t, a, a), *own = leaf(GM_F64, 2, 3), *c = NULL;
        inner = gm_tape_push(t);
        ck_assert_ptr_nonnull(t_exp(t, b));
        ck_assert_ptr_null(gm_tape_pop(t, inner, NULL));
        if (kind == 0) c = b;
        else if (kind == 1) c = t_trans(t, b);
        else if (kind == 2) c = t_trans(t, own);
        else c = before;
        gm_tensor_free(own); /* the frame alone holds it now */
        c = gm_tape_pop(t, mark, c);
        ck_assert_ptr_nonnull(c);
        ck_assert(!c->node && !c->wants_grad && c->contiguous);
        ck_assert_uint_eq(t->n_nodes, nodes);
        double want = kind < 2 ? exp(2 * at(x, kind ? 3 : 1)) : kind == 2 ? at(x, 3) : at(before, 1);
        NEAR(at(c, 1), want);
        ck_assert_int_eq(gm_tensor_dim(c, 0), kind == 1 || kind == 2 ? 3 : 2);
    }
    /* a large survivor from a later block moves down */
    gm_tensor *big = NULL;
    int64_t n = 200000;
    OK(gm_tensor_new(ctx, GM_F64, 1, &n, &big));
    uint64_t mark = gm_tape_push(t);
    t_exp(t, big);
    gm_tensor *y = gm_tape_pop(t, mark, t_exp(t, t_exp(t, big)));
    for (int64_t i = 0; i < n; i++) ck_assert(gm__f64(y)[i] == exp(1));
    gm_tensor_free(big);

    ck_assert_int_eq(gm_tape_status(t), GM_OK);
    mark = gm_tape_push(t);
    uint64_t inner = gm_tape_push(t);
    ck_assert_ptr_null(gm_tape_pop(t, mark, NULL)); /* not the innermost */
    ck_assert_int_eq(gm_tape_status(t), GM_EARG);
    gm_tape_pop(t, inner, NULL);
    ck_assert_ptr_null(gm_tape_pop(t, mark, x)); /* closes, though nothing survives an error */
    ck_assert_ptr_null(t->frame);
    gm_tape_reset(t);
    mark = gm_tape_push(t);
    ck_assert_ptr_null(gm_tape_pop(t, mark, x)); /* a leaf */
    ck_assert_int_eq(gm_tape_status(t), GM_EARG);
    gm_tape_reset(t);
    ck_assert_ptr_null(gm_tape_pop(t, mark, NULL));
    ck_assert_int_eq(gm_tape_status(t), GM_EARG);
    gm_tape_reset(t);
    OK(gm_tape_backward(t, t_sum(t, x)));
    NEAR(at(gm_tensor_grad(x), 0), 1);
    NEAR(at(x, 0), first);
    gm_tensor_free(x);
}
END_TEST

static uint64_t allocations(void)
{
    gm_memory m = {.struct_size = sizeof m};
    gm_ctx_memory(ctx, &m);
    return m.allocations;
}

/* A warm step takes nothing from the allocator, whichever way it differentiates. */
START_TEST(warm_steps)
{
    gm_tensor *x = leaf(GM_F32, 100, 100), *b = leaf(GM_F32, 100, -1), *xs[2] = {x, b}, *g[2];
    uint64_t count = 0;
    for (int step = 0; step < 8; step++) {
        if (step == 3) count = allocations();
        gm_tensor *y = x;
        for (int i = 0; i < 40; i++) y = t_add(t, t_mul(t, y, b), x);
        gm_tensor *loss = t_sum(t, y);
        OK(gm_tape_backward(t, loss));
        gm_tensor_clear_grad(x);
        gm_tensor_clear_grad(b);
        uint64_t mark = gm_tape_push(t);
        t_exp(t, y);
        gm_tape_pop(t, mark, NULL);
        OK(gm_tape_grad(t, loss, xs, 2, step & 1, g));
        gm_tape_reset(t);
    }
    /* the odd steps (with a graph) are the larger: step 1 made room for all */
    ck_assert_uint_eq(allocations(), count);
    gm_tensor_free(x);
    gm_tensor_free(b);
}
END_TEST

/* Every allocation of a step fails once: an error, a clean tape afterwards, nothing lost. */
static struct { long left; } fault;
static void *fault_alloc(void *user, size_t size)
{
    (void)user;
    if (fault.left-- == 0) return NULL;
    return malloc(size);
}
static void fault_free(void *user, void *p) { (void)user, free(p); }

START_TEST(failing_allocations)
{
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.alloc = fault_alloc;
    c.dealloc = fault_free;
    c.debug = _i;
    bool done = false;
    long k = 0, failures = 0;
    for (; !done; k++) {
        gm_ctx *f = NULL;
        gm_tape *ft = NULL;
        gm_tensor *x = NULL, *g[1];
        int64_t shape[2] = {200, 300};
        fault.left = -1;
        OK(gm_ctx_new(&c, &f));
        fault.left = k;
        gm_status s = gm_tape_new(f, 1, &ft);
        if (!s) s = gm_tensor_new(f, GM_F64, 2, shape, &x);
        if (!s) s = gm_tensor_set_grad(x, 1);
        if (!s) {
            uint64_t mark = gm_tape_push(ft);
            gm_tensor *y = t_exp(ft, t_mul(ft, t_trans(ft, t_trans(ft, x)), x));
            s = gm_tape_backward(ft, t_sum(ft, y));
            if (!s) s = gm_tape_grad(ft, y, &x, 1, 1, g);
            y = gm_tape_pop(ft, mark, y);
            if (!s) s = gm_tape_status(ft);
            ck_assert(!y == (s != GM_OK));
        }
        done = fault.left >= 0;
        ck_assert_msg(s == GM_OK || (!done && s == GM_ENOMEM), "%d", s); /* it may do without one block for many */
        failures += s != GM_OK;
        fault.left = -1;
        if (x) { /* and the same tape goes on */
            gm_tape_reset(ft);
            gm_tensor_clear_grad(x);
            ck_assert_int_eq(gm_tape_backward(ft, t_sum(ft, t_exp(ft, x))), GM_OK);
            ck_assert(gm__f64(gm_tensor_grad(x))[7] == 1);
        }
        gm_tensor_free(x);
        gm_tape_free(ft);
        gm_ctx_free(f);
    }
    ck_assert(failures > 5);
}
END_TEST

static float sum_bits(gm_tensor *x)
{
    float s = 0;
    for (int64_t i = 0; i < x->size; i++) s += gm__f32(x)[i] * (float)(i % 7 + 1);
    return s;
}

START_TEST(random_streams)
{
    float a = sum_bits(t_normal(t, 3, 5)), b = sum_bits(t_normal(t, 3, 5));
    ck_assert(a != b);
    gm_tape_seed(t, 1);
    ck_assert(sum_bits(t_normal(t, 3, 5)) == a);
    gm_tape_reset(t); /* the next step draws anew */
    ck_assert(sum_bits(t_normal(t, 3, 5)) != a);
    gm_tape_seed(t, 1);
    gm_tape_reset(t);
    float a2 = sum_bits(t_normal(t, 3, 5));
    gm_tape_seed(t, 2);
    gm_tape_reset(t);
    ck_assert(sum_bits(t_normal(t, 3, 5)) != a2);
    /* many chunks over threads are the single stream */
    OK(gm_ctx_set_threads(ctx, 3));
    gm_tape_seed(t, 9);
    gm_tensor *x = t_normal(t, 700, 301);
    gm__stream s = gm__stream_make(9, GM__R_TAPE, 0, 0);
    float *want = malloc((size_t)x->size * 4);
    ctx->kern->normal_f32(s, (size_t)x->size, want);
    ck_assert_mem_eq(want, x->data, (size_t)x->size * 4);
    free(want);
}
END_TEST

/* A row's draws depend on its number alone, not on its companions. */
START_TEST(rows)
{
    uint64_t all[6] = {10, 11, 12, 13, 14, 15}, some[2] = {14, 11};
    float first[2][6 * 1000], second[2][6 * 1000];
    for (int k = 0; k < 2; k++) {
        int64_t n = k ? 2 : 6;
        gm_tape_reset(t);
        gm__tape_rows(t, 77, GM__R_SAMPLE, 3, k ? some : all, (size_t)n);
        OK(gm_tensor_read(t_normal(t, n, 1000), first[k], (size_t)n * 4000));
        OK(gm_tensor_read(t_normal(t, n, 1000), second[k], (size_t)n * 4000));
    }
    ck_assert_mem_eq(first[0] + 4000, first[1], 4000);
    ck_assert_mem_eq(second[0] + 1000, second[1] + 1000, 4000);
    ck_assert_mem_ne(first[0], second[0], 4000);
    ck_assert_mem_ne(first[0], first[0] + 1000, 4000);
    gm_tensor *odd = t_normal(t, 3, 4); /* another first size: the tape's own stream */
    float want[12];
    ctx->kern->normal_f32(gm__stream_make(1, GM__R_TAPE, 2, t->steps), 12, want);
    ck_assert_mem_eq(want, odd->data, sizeof want);
    t->draws = 4096;
    ck_assert_ptr_null(t_normal(t, 2, 4));
    ck_assert_int_eq(gm_tape_status(t), GM_ELIMIT);
    gm_tape_reset(t);
    gm__tape_rows(t, 0, 0, 0, NULL, 0);
    ck_assert_ptr_nonnull(t_normal(t, 2, 4));
}
END_TEST

START_TEST(print)
{
    char text[512], small[20];
    gm_tensor *w = leaf(GM_F64, 2, 3), *x = leaf(GM_F64, 3, -1);
    gm_tensor_set_grad(x, 0);
    t_sum(t, t_exp(t, t_mul(t, w, x)));
    size_t n = gm_tape_print(t, text, sizeof text);
    ck_assert_str_eq(text, "w0 = leaf f64 [2,3]\nx1 = leaf f64 [3]\n%0 = mul(w0, x1) f64 [2,3]\n%1 = exp(%0) f64 [2,3]\n%2 = sum(%1) f64 []\n");
    ck_assert_uint_eq(n, strlen(text));
    ck_assert_uint_eq(gm_tape_print(t, small, sizeof small), n);
    ck_assert_uint_eq(strlen(small), sizeof small - 1);
    ck_assert_uint_eq(gm_tape_print(t, NULL, 0), n);
    gm_tensor_free(w);
    gm_tensor_free(x);
}
END_TEST

static double now(void)
{
    struct timespec s;
    clock_gettime(CLOCK_MONOTONIC, &s);
    return (double)s.tv_sec * 1e9 + (double)s.tv_nsec;
}

static gm_status nothing(gm__call *c) { *gm__f32(c->out) = *gm__f32(c->in[0]); return GM_OK; }
static gm_status nothing_fused(gm_tape *tape, const gm__node *n, gm_tensor *gy, const bool *want)
{
    bool add;
    (void)want;
    gm_tensor *g = gm__grad_into(tape, n, 0, &add);
    *gm__f32(g) = *gm__f32(gy) + (add ? *gm__f32(g) : 0);
    return GM_OK;
}
static const gm__op op_nothing = {"nothing", 1, 0, infer_like, nothing, NULL, nothing_fused, ""};

START_TEST(cost_of_an_op)
{
    enum { N = 2000 };
    double best[3] = {1e9, 1e9, 1e9};
    gm_tensor *x = leaf(GM_F32, 1, -1);
    for (int round = 0; round < 30; round++)
        for (int record = 0; record < 2; record++) {
            gm_tape_recording(t, record);
            double from = now();
            gm_tensor *y = x;
            for (int i = 0; i < N; i++) y = gm__apply1(t, &op_nothing, y);
            double ns = (now() - from) / N;
            if (ns < best[record]) best[record] = ns;
            if (record) {
                from = now();
                OK(gm_tape_backward(t, y));
                ns = (now() - from) / N;
                if (ns < best[2]) best[2] = ns;
            }
            gm_tape_reset(t);
        }
    printf("ns an op: %.0f unrecorded, %.0f recorded, %.0f backward\n", best[0], best[1], best[2]);
    ck_assert(best[1] < 5000); /* only a plain mistake fails here; the figure is for reading */
    gm_tensor_free(x);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {stale, frames, warm_steps, random_streams, rows, print, cost_of_an_op};
    return run_tests("tape_life", tests, GM__COUNT(tests), failing_allocations, 2);
}
