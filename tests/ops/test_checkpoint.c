/* gm_checkpoint: values, gradients, draws and statistics of a plain call, in less memory. */
#include "ops/samples.h"
#include <gm/gm.h>

enum { DEPTH = 6, WIDE = 64, ROWS = 128, BLOCKS = 4, LEAVES = BLOCKS * DEPTH };

static gm_ctx *ctx;
static gm_tape *t;
static gm_tensor *w[LEAVES], *x;

static gm_tensor *leaf(int64_t a, int64_t b, unsigned stream, int dtype)
{
    gm_tensor *y = NULL;
    int64_t shape[2] = {a, b};
    ck_assert_int_eq(gm_tensor_new(ctx, dtype, 2, shape, &y), GM_OK);
    for (int64_t e = 0; e < y->size; e++) {
        double v = (2 * hash_unit("checkpoint", stream, 0, (unsigned)e) - 1) * 0.2;
        if (dtype == GM_F64) gm__f64(y)[e] = v;
        else gm__f32(y)[e] = (float)v;
    }
    gm_tensor_set_grad(y, 1);
    return y;
}
static void setup(void)
{
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_tape_new(ctx, 7, &t), GM_OK);
    for (unsigned k = 0; k < LEAVES; k++) w[k] = leaf(WIDE, WIDE, k, GM_F32);
    x = leaf(ROWS, WIDE, 99, GM_F32);
}
static void teardown(void)
{
    for (int k = 0; k < LEAVES; k++) gm_tensor_free(w[k]);
    gm_tensor_free(x);
    gm_tape_free(t);
    gm_ctx_free(ctx);
}

/* DEPTH layers with dropout; reads its weights through user. A second output: the middle. */
static gm_status block(gm_tape *tape, gm_tensor *const *in, int32_t n, gm_tensor **out, int32_t n_out, void *user)
{
    gm_tensor *const *weight = user, *h = in[0];
    (void)n;
    for (int k = 0; k < DEPTH; k++) {
        h = gm_dropout(tape, gm_tanh(tape, gm_linear(tape, h, weight[k], NULL)), 0.1);
        if (k == DEPTH / 2 && n_out > 1) out[1] = gm_slice(tape, h, 1, 0, 5, 2);
    }
    out[0] = h;
    return GM_OK;
}
/* two blocks, each a segment in the segment */
static gm_status nested(gm_tape *tape, gm_tensor *const *in, int32_t n, gm_tensor **out, int32_t n_out, void *user)
{
    gm_tensor **weight = user, *h;
    gm_status s = gm_checkpoint(tape, block, weight, in, n, &h, 1);
    if (!s) s = gm_checkpoint(tape, block, weight + DEPTH, &h, 1, out, n_out);
    return s;
}

typedef gm_status runner(gm_tape *, gm_segment, void *, gm_tensor *const *, int32_t, gm_tensor **, int32_t);
static gm_status plainly(gm_tape *tape, gm_segment fn, void *user, gm_tensor *const *in, int32_t n, gm_tensor **out, int32_t n_out)
{
    return fn(tape, in, n, out, n_out, user);
}

/* one step over all blocks; how: 0 plain, 1 a segment a block, 2 segments of two blocks with segments in them */
static double step(int how, int n_out, size_t *bytes)
{
    runner *run = how ? gm_checkpoint : plainly;
    gm_tensor *h = x, *out[2] = {NULL, NULL}, *loss = NULL;
    double value = 0;
    for (int k = 0; k < BLOCKS; k += how == 2 ? 2 : 1) {
        ck_assert_msg(!run(t, how == 2 ? nested : block, w + k * DEPTH, &h, 1, out, n_out), "%s", gm_tape_message(t));
        h = out[0];
        if (n_out > 1) loss = loss ? gm_add(t, loss, gm_sum(t, gm_square(t, out[1]), GM_ALL_AXES, 0)) : gm_sum(t, gm_square(t, out[1]), GM_ALL_AXES, 0);
    }
    gm_tensor *last = gm_sum(t, gm_mul(t, h, gm_normal(t, 2, (int64_t[]){ROWS, WIDE}, 0, 1)), GM_ALL_AXES, 0);
    loss = loss ? gm_add(t, loss, last) : last;
    ck_assert_msg(!gm_tape_backward(t, loss), "%s", gm_tape_message(t));
    ck_assert_int_eq(gm_tensor_item(loss, &value), GM_OK);
    gm_tape_reset(t); /* which leaves as much memory as the step took */
    *bytes = gm_tape_bytes(t);
    return value;
}

static float *gradients(void) /* of all leaves, and clears them */
{
    float *g = malloc((LEAVES * WIDE + ROWS) * WIDE * sizeof *g), *at = g;
    for (int k = 0; k <= LEAVES; k++) {
        gm_tensor *y = k < LEAVES ? w[k] : x;
        ck_assert_ptr_nonnull(gm_tensor_grad(y));
        memcpy(at, gm_tensor_grad(y)->data, (size_t)y->size * sizeof *g);
        at += y->size;
        gm_tensor_clear_grad(y);
    }
    return g;
}

/* bit-equal to the plain run, and the memory of a step falls */
START_TEST(gradients_and_memory)
{
    for (int n_out = 1; n_out <= 2; n_out++) {
        size_t bytes[3];
        double loss[3];
        float *g[3];
        for (int how = 0; how < 3; how++) {
            if (how == 2 && n_out == 2) continue; /* other outputs */
            gm_tape_free(t);
            ck_assert_int_eq(gm_tape_new(ctx, 7, &t), GM_OK);
            loss[how] = step(how, n_out, &bytes[how]);
            g[how] = gradients();
            if (how == 0) continue;
            ck_assert(loss[how] == loss[0]);
            for (int i = 0; i < (LEAVES * WIDE + ROWS) * WIDE; i++) ck_assert_msg(g[how][i] == g[0][i], "gradient %d: %g, plain %g", i, (double)g[how][i], (double)g[0][i]);
            ck_assert_msg(bytes[how] < bytes[0] / 2, "%zu bytes with segments, %zu plain", bytes[how], bytes[0]);
            free(g[how]);
        }
        free(g[0]);
    }
}
END_TEST

/* warm steps take no memory from the host, and a second step is as good as the first */
START_TEST(steps_go_on)
{
    size_t bytes, before;
    gm_memory m = {.struct_size = sizeof m};
    for (int k = 0; k < 4; k++) {
        if (k == 3) gm_ctx_memory(ctx, &m);
        step(2, 1, &bytes);
        free(gradients());
    }
    before = m.live_bytes;
    gm_ctx_memory(ctx, &m);
    ck_assert_uint_eq(m.live_bytes, before);
}
END_TEST

/* ---- gradients with respect to chosen tensors, of any order ------------------------------ */

static gm_status cubic(gm_tape *tape, gm_tensor *const *in, int32_t n, gm_tensor **out, int32_t n_out, void *user)
{
    gm_tensor *captured = user;
    (void)n;
    for (int32_t i = 0; i < n_out; i++) out[i] = gm_mul(tape, gm_square(tape, in[i]), gm_tanh(tape, gm_mul(tape, in[1 - i], captured)));
    if (n_out == 2) out[1] = gm_add(tape, out[1], in[0]);
    return GM_OK;
}
static gm_tensor *chosen(gm_tape *tape, gm_tensor *const *in, int32_t n, void *user)
{
    gm_tensor *out[2], *both[2];
    (void)n;
    (void)user;
    /* an op result captured too, one output that is an input, one used twice */
    gm_tensor *c = gm_sin(tape, in[2]);
    both[0] = in[0], both[1] = gm_exp(tape, in[1]);
    if (gm_checkpoint(tape, cubic, c, both, 2, out, 2)) return NULL;
    gm_tensor *y = gm_mul(tape, out[0], out[1]);
    if (gm_checkpoint(tape, cubic, in[2], out, 2, both, 1)) return NULL;
    return gm_sum(tape, gm_add(tape, gm_mul(tape, y, both[0]), out[0]), GM_ALL_AXES, 0);
}
START_TEST(any_order)
{
    gm_tensor *in[3];
    double error = 1;
    for (unsigned k = 0; k < 3; k++) in[k] = leaf(2, 3, 200 + k, GM_F64);
    ck_assert_msg(!gm_gradcheck(ctx, chosen, NULL, in, 3, 2, &error), "%s", gm_ctx_message(ctx));
    ck_assert_msg(error < 1e-7, "off by %g", error);
    for (int k = 0; k < 3; k++) gm_tensor_free(in[k]);
}
END_TEST

static gm_status same(gm_tape *tape, gm_tensor *const *in, int32_t n, gm_tensor **out, int32_t n_out, void *user)
{
    (void)tape;
    (void)n;
    (void)user;
    for (int32_t i = 0; i < n_out; i++) out[i] = in[0];
    return GM_OK;
}
START_TEST(outputs_that_are_inputs)
{
    gm_tensor *out[2];
    ck_assert_int_eq(gm_checkpoint(t, same, NULL, &x, 1, out, 2), GM_OK);
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_add(t, out[0], gm_affine(t, out[1], 2, 0)), GM_ALL_AXES, 0)), GM_OK);
    for (int64_t e = 0; e < x->size; e++) ck_assert(gm__f32(gm_tensor_grad(x))[e] == 3);
    gm_tensor *h = x; /* one array for both */
    gm_tensor_clear_grad(x);
    for (int k = 0; k < 3; k++) ck_assert_int_eq(gm_checkpoint(t, same, NULL, &h, 1, &h, 1), GM_OK);
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, h, GM_ALL_AXES, 0)), GM_OK);
    for (int64_t e = 0; e < x->size; e++) ck_assert(gm__f32(gm_tensor_grad(x))[e] == 1);
    gm_tape_reset(t); /* nothing wants a gradient: nothing is recorded */
    gm_tensor_set_grad(x, 0);
    size_t nodes = t->n_nodes;
    ck_assert_int_eq(gm_checkpoint(t, same, NULL, &x, 1, out, 2), GM_OK);
    ck_assert(t->n_nodes == nodes && !out[0]->wants_grad);
    gm_tape_recording(t, 0);
    ck_assert_int_eq(gm_checkpoint(t, block, w, &x, 1, out, 1), GM_OK);
    ck_assert(t->n_nodes == nodes && !out[0]->wants_grad);
}
END_TEST

/* ---- rows mode, statistics of norms --------------------------------------------------------- */

START_TEST(rows_replay)
{
    uint64_t rows[ROWS];
    float *g[2];
    gm_tensor *y;
    for (int how = 0; how < 2; how++) {
        gm_tape_reset(t);
        gm_tape_seed(t, 5);
        for (int i = 0; i < ROWS; i++) rows[i] = (uint64_t)(1000 - i);
        gm__tape_rows(t, 3, 1, 0, rows, ROWS);
        ck_assert_int_eq((how ? gm_checkpoint : plainly)(t, block, w, &x, 1, &y, 1), GM_OK);
        gm__tape_rows(t, 0, 0, 0, NULL, 0); /* the mode ends and its rows go before backward */
        memset(rows, 0, sizeof rows);
        gm_tape_training(t, 0);
        ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, gm_square(t, y), GM_ALL_AXES, 0)), GM_OK);
        gm_tape_training(t, 1);
        g[how] = malloc((size_t)x->size * sizeof **g);
        memcpy(g[how], gm_tensor_grad(x)->data, (size_t)x->size * sizeof **g);
        gm_tensor_clear_grad(x);
    }
    ck_assert_int_eq(memcmp(g[0], g[1], (size_t)x->size * sizeof **g), 0);
    free(g[0]);
    free(g[1]);
}
END_TEST

static gm_status net_segment(gm_tape *tape, gm_tensor *const *in, int32_t n, gm_tensor **out, int32_t n_out, void *user)
{
    (void)n;
    (void)n_out;
    out[0] = gm_net_apply(user, tape, in[0], NULL);
    return gm_tape_status(tape);
}
START_TEST(statistics_are_noted_once)
{
    int64_t shape[1] = {WIDE};
    gm_net *nets[2];
    double loss[2];
    for (int how = 0; how < 2; how++) {
        gm_net *net = NULL;
        gm_optim *sgd = NULL;
        gm_tensor *y;
        gm_tape_reset(t);
        ck_assert_msg(!gm_net_new(ctx, "linear 64 spectral, bnorm, relu, linear 3", 1, shape, 9, &net), "%s", gm_ctx_message(ctx));
        ck_assert_int_eq(gm_optim_new(ctx, "sgd", "lr=0.1", &sgd), GM_OK);
        ck_assert_int_eq(gm_optim_add_net(sgd, net, NULL), GM_OK);
        for (int k = 0; k < 2; k++) {
            ck_assert_msg(!(how ? gm_checkpoint : plainly)(t, net_segment, net, &x, 1, &y, 1), "%s", gm_tape_message(t));
            gm_tensor *l = gm_sum(t, gm_square(t, y), GM_ALL_AXES, 0);
            ck_assert_msg(!gm_tape_backward(t, l), "%s", gm_tape_message(t));
            ck_assert_int_eq(gm_tensor_item(l, &loss[how]), GM_OK);
            ck_assert_int_eq(gm_optim_step(sgd), GM_OK);
            gm_tape_reset(t);
        }
        nets[how] = net;
        gm_optim_free(sgd);
    }
    ck_assert(loss[0] == loss[1]);
    int32_t n = gm_net_tensor_count(nets[0]);
    ck_assert_int_ge(n, 9); /* weights, running_mean, running_var, num_batches_tracked, the vectors of the spectral norm */
    for (int32_t k = 0; k < n; k++) {
        const gm_tensor *a = gm_net_tensor(nets[0], k), *b = gm_net_tensor(nets[1], k);
        for (int64_t e = 0; e < a->size; e++) ck_assert_msg(element(a, e) == element(b, e), "%s differs", gm_net_tensor_name(nets[0], k));
    }
    gm_net_free(nets[0]);
    gm_net_free(nets[1]);
}
END_TEST

/* ---- failures ----------------------------------------------------------------------------------- */

enum { GOOD, CODE, OPFAIL, NOTHING, FRAME, RESET, BACKWARD, GRAD, MIXED, SECOND };
typedef struct bad { int kind, calls; } bad;
static gm_status failing(gm_tape *tape, gm_tensor *const *in, int32_t n, gm_tensor **out, int32_t n_out, void *user)
{
    bad *b = user;
    (void)n;
    b->calls++;
    for (int32_t i = 0; i < n_out; i++) out[i] = gm_square(tape, in[0]);
    switch (b->kind) {
    case CODE: return GM_ECANCELED;
    case OPFAIL: out[0] = gm_reshape(tape, in[0], 0, NULL); break;
    case NOTHING: out[n_out - 1] = NULL; break;
    case FRAME: gm_tape_push(tape); break;
    case RESET: gm_tape_reset(tape); break;
    case BACKWARD: return gm_tape_backward(tape, gm_sum(tape, out[0], GM_ALL_AXES, 0));
    case GRAD: return gm_tape_grad(tape, gm_sum(tape, out[0], GM_ALL_AXES, 0), in, 1, 0, out);
    case MIXED: out[1] = gm_cast(tape, out[1], GM_F64); break;
    case SECOND:
        if (b->calls > 1) out[0] = gm_slice(tape, out[0], 0, 0, 3, 1);
        break;
    default: break;
    }
    return GM_OK;
}
static void refused(int kind, gm_status s, const char *message)
{
    gm_tensor *out[2];
    bad b = {kind, 0};
    gm_status st = gm_checkpoint(t, failing, &b, &x, 1, out, 2);
    ck_assert_msg(st == s, "%s: %s", gm_status_name(st), gm_tape_message(t));
    ck_assert(!out[0] && !out[1]);
    ck_assert_str_eq(gm_tape_message(t), message);
    gm_tape_reset(t);
    ck_assert_int_eq(gm_checkpoint(t, failing, &(bad){GOOD, 0}, &x, 1, out, 2), GM_OK); /* the tape goes on */
    gm_tape_reset(t);
}
START_TEST(failures)
{
    gm_tensor *out[2];
    refused(CODE, GM_ECANCELED, "checkpoint: the segment returned GM_ECANCELED");
    refused(OPFAIL, GM_ESHAPE, "reshape: [128,64] does not fit []");
    refused(NOTHING, GM_EARG, "checkpoint: the segment gave no output 1");
    refused(FRAME, GM_ESTATE, "checkpoint: the segment left a frame open");
    refused(RESET, GM_ESTATE, "reset: called within a checkpointed segment or the gradient of an op");
    refused(BACKWARD, GM_ESTATE, "backward: called within a checkpointed segment or the gradient of an op");
    refused(GRAD, GM_ESTATE, "grad: called within a checkpointed segment or the gradient of an op");
    refused(MIXED, GM_EDTYPE, "checkpoint: outputs have types f32 and f64");
    bad b = {SECOND, 0};
    ck_assert_int_eq(gm_checkpoint(t, failing, &b, &x, 1, out, 1), GM_OK);
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, out[0], GM_ALL_AXES, 0)), GM_ESTATE);
    ck_assert_str_eq(gm_tape_message(t), "checkpoint: output 0 is another when the segment runs again");
    gm_tape_reset(t);
    for (int kind = CODE; kind < MIXED; kind++) { /* the second time only */
        b = (bad){GOOD, 0};
        ck_assert_int_eq(gm_checkpoint(t, failing, &b, &x, 1, out, 1), GM_OK);
        b.kind = kind;
        ck_assert_int_ne(gm_tape_backward(t, gm_sum(t, out[0], GM_ALL_AXES, 0)), GM_OK);
        ck_assert_int_eq(b.calls, 2);
        gm_tape_reset(t);
    }
    ck_assert_int_eq(gm_checkpoint(t, NULL, NULL, &x, 1, out, 1), GM_EARG);
    gm_tape_reset(t);
    ck_assert_int_eq(gm_checkpoint(t, failing, &b, NULL, 1, out, 1), GM_EARG);
    gm_tape_reset(t);
    ck_assert_int_eq(gm_checkpoint(t, failing, &b, &x, 1, out, 0), GM_EARG);
    gm_tape_reset(t);
    /* a leaf that changes in between */
    b = (bad){GOOD, 0};
    ck_assert_int_eq(gm_checkpoint(t, block, w, &x, 1, out, 1), GM_OK);
    ck_assert_int_eq(gm_tensor_assign(w[0], w[1]), GM_OK);
    ck_assert_int_eq(gm_tape_backward(t, gm_sum(t, out[0], GM_ALL_AXES, 0)), GM_ESTATE);
}
END_TEST

/* ---- allocations that fail ------------------------------------------------------------------------ */

static void *limited(void *user, size_t size)
{
    long *left = user;
    if (*left == 0) return NULL;
    if (*left > 0) --*left;
    return malloc(size);
}
static void give_back(void *user, void *p)
{
    (void)user;
    free(p);
}
START_TEST(failing_allocations)
{
    for (long n = 0;; n++) {
        long left = -1;
        gm_ctx_config c;
        gm_ctx *own = NULL;
        gm_tape *tape = NULL;
        gm_tensor *y, *v = NULL, *u = NULL;
        int64_t shape[2] = {64, 64};
        ck_assert_int_lt(n, 100);
        gm_ctx_config_init(&c, sizeof c);
        c.threads = 1;
        c.alloc = limited;
        c.dealloc = give_back;
        c.alloc_user = &left;
        ck_assert_int_eq(gm_ctx_new(&c, &own), GM_OK);
        ck_assert_int_eq(gm_tape_new(own, 1, &tape), GM_OK);
        ck_assert_int_eq(gm_tensor_new(own, GM_F32, 2, shape, &v), GM_OK);
        ck_assert_int_eq(gm_tensor_new(own, GM_F32, 2, shape, &u), GM_OK);
        gm_tensor_set_grad(u, 1);
        gm_tensor *weights[2 * DEPTH];
        for (int k = 0; k < 2 * DEPTH; k++) weights[k] = u;
        gm_status s = GM_OK;
        for (int round = 0; round < 2; round++) {
            left = round ? -1 : n;
            gm_status st = gm_checkpoint(tape, nested, weights, &v, 1, &y, 1);
            if (!st) st = gm_tape_backward(tape, gm_sum(tape, y, GM_ALL_AXES, 0));
            left = -1;
            ck_assert_msg(st == GM_OK || (st == GM_ENOMEM && !round), "allocation %ld: %s", n, gm_tape_message(tape));
            if (!round) s = st;
            gm_tape_reset(tape);
        }
        gm_tensor_free(u);
        gm_tensor_free(v);
        gm_tape_free(tape);
        gm_ctx_free(own);
        if (s == GM_OK) break;
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {gradients_and_memory, steps_go_on, any_order, outputs_that_are_inputs, rows_replay, statistics_are_noted_once, failures,
                                  failing_allocations};
    Suite *s = suite_create("checkpoint");
    TCase *c = tcase_create("checkpoint");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
