/* Networks: text in and out, messages, shapes, names, initial weights, running, batch norm's statistics, copies. */
#include "unit/net_test.h"
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- text -------------------------------------------------------------------------------- */

static void round_trip(const char *text, const char *canonical, int64_t cond)
{
    gm_net *a = NULL, *b = NULL;
    OK(gm_net_new_cond(ctx, text, 1, (int64_t[]){12}, cond, 3, &a));
    ck_assert_str_eq(gm_net_text(a), canonical);
    OK(gm_net_new_cond(ctx, gm_net_text(a), 1, (int64_t[]){12}, cond, 3, &b));
    ck_assert_str_eq(gm_net_text(b), canonical);
    ck_assert_int_eq(gm_net_tensor_count(a), gm_net_tensor_count(b));
    for (int32_t i = 0; i < gm_net_tensor_count(a); i++) {
        gm_tensor *p = gm_net_tensor(a, i), *q = gm_net_tensor(b, i);
        ck_assert_str_eq(gm_net_tensor_name(a, i), gm_net_tensor_name(b, i));
        ck_assert(gm__shape_equal(p, q) && memcmp(p->data, q->data, (size_t)p->size * gm__esize(p->dtype)) == 0);
    }
    gm_net_free(a);
    gm_net_free(b);
}

START_TEST(text_round_trips)
{
    round_trip("", "", 0);
    round_trip("  \n", "", 0);
    round_trip("linear 256,relu", "linear 256, relu", 0);
    round_trip("linear nobias 8 init=normal:0.5 ,lrelu 0.2", "linear 8 nobias init=normal:0.5, lrelu 0.2", 0);
    round_trip("linear 8 init=pytorch, lrelu 0.01, elu 1, elu 0.5", "linear 8, lrelu, elu, elu 0.5", 0);
    round_trip("gelu, silu, tanh, sigmoid, softplus, dropout 0.1", "gelu, silu, tanh, sigmoid, softplus, dropout 0.1", 0);
    round_trip("bnorm nostats init=dcgan eps=0.001, bnorm momentum=0.2, lnorm eps=1e-6", "bnorm eps=0.001 init=dcgan nostats, bnorm momentum=0.2, lnorm eps=1e-06", 0);
    round_trip("reshape 3 2 2, flatten", "reshape 3 2 2, flatten", 0);
    round_trip("res(linear 5,res( linear 5 ),linear 12),cat(linear 2|relu|lnorm,tanh)",
               "res( linear 5, res( linear 5 ), linear 12 ), cat( linear 2 | relu | lnorm, tanh )", 0);
    round_trip("linear 4 init=xavier_normal:1 bias=0 spectral, linear 4 init=kaiming-normal:.2, linear 4 bias=-0.5 nobias init=orthogonal:2, lnorm init=zeros",
               "linear 4 init=xavier-normal bias=0 spectral, linear 4 init=kaiming-normal:0.2, linear 4 nobias init=orthogonal:2 bias=-0.5, lnorm init=zeros", 0);
    round_trip("linear 4, cond, linear 2 init=xavier, linear 2 init=kaiming, linear 2 init=dcgan",
               "linear 4, cond, linear 2 init=xavier, linear 2 init=kaiming, linear 2 init=dcgan", 5);
}
END_TEST

START_TEST(bad_text)
{
    static const struct { const char *text; gm_status status; const char *message; } bad[] = {
        {"relu, , relu", GM_EARG, "net: column 7: expected a layer, got ',' (layers: linear, relu, lrelu,"},
        {"linear 4, lienar 5", GM_EARG, "net: column 11: expected a layer, got 'lienar' (layers: linear, relu, "},
        {"linear 4,", GM_EARG, "net: column 10: expected a layer, got the end"},
        {"linear", GM_EARG, "net: column 7: linear: expected an output size"},
        {"linear 0", GM_EARG, "net: column 8: linear: expected an output size, a whole number in [1,16777216], got '0'"},
        {"linear -3", GM_EARG, "got '-3'"},
        {"linear 2.5", GM_EARG, "got '2.5'"},
        {"linear nan", GM_EARG, "linear has no setting 'nan'"},
        {"linear 1e99", GM_EARG, "got '1e99'"},
        {"linear 4x", GM_EARG, "net: column 8: linear: expected an output size, got '4x'"},
        {"linear 4 5", GM_EARG, "net: column 10: linear: one number too many: '5'"},
        {"linear 4 bias", GM_EARG, "net: column 10: linear has no setting 'bias'"},
        {"linear 4 init=", GM_EARG, "column 10"},
        {"linear 4 init=unit", GM_EARG, "normal:STD, dcgan or zeros, got 'init=unit'"},
        {"linear 4 init=normal", GM_EARG, "normal:STD"},
        {"linear 4 init=normal:x", GM_EARG, "normal:STD"},
        {"linear 4 init=normal:-1", GM_EARG, "normal:STD"},
        {"linear 4 init=zeros:1", GM_EARG, "normal:STD"},
        {"linear 4 init=kaiming:", GM_EARG, "kaiming[:SLOPE]"},
        {"linear 4 init=orthogonal:2000", GM_EARG, "orthogonal[:GAIN]"},
        {"linear 4 bias=x", GM_EARG, "linear: expected a first bias, got 'bias=x'"},
        {"linear 4 init=zeros spectral", GM_EARG, "linear: weights of 0 cannot be spectral"},
        {"relu spectral", GM_EARG, "relu has no setting 'spectral'"},
        {"bnorm init=xavier", GM_EARG, "init is pytorch, dcgan, zeros or normal:STD here"},
        {"lnorm nostats", GM_EARG, "lnorm has no setting 'nostats'"},
        {"relu 1", GM_EARG, "one number too many"},
        {"relu ( linear 4 )", GM_EARG, "net: column 6: expected ',' or the end, got '('"},
        {"linear 4 )", GM_EARG, "net: column 10: expected ',' or the end, got ')'"},
        {"dropout", GM_EARG, "a probability"},
        {"dropout 1", GM_EARG, "got '1'"},
        {"res", GM_EARG, "net: column 4: res: expected '(', got the end"},
        {"res( linear 4", GM_EARG, "res: expected ',' or ')', got the end"},
        {"res( linear 12 | linear 12 )", GM_EARG, "res: expected ',' or ')', got '|'"},
        {"cat( linear 12", GM_EARG, "cat: expected ',', '|' or ')', got the end"},
        {"cat()", GM_EARG, "expected a layer, got ')'"},
        {"cond", GM_EARG, "net: column 1: cond: the net was made without a condition"},
        {"relu, res( linear 5 )", GM_ESHAPE, "net: column 7: res: inner layers turn [12] into [5]; sizes must agree"},
        {"cat( linear 5 | reshape 3 4 )", GM_ESHAPE, "cat: branches of [5] and [3,4] do not join"},
        {"reshape 5 2", GM_ESHAPE, "reshape: a row of [12] does not fill [5,2]"},
        {"reshape 16777216 16777216 16777216 16777216", GM_ESHAPE, "does not fill"},
        {"reshape 1 1 1 1 1 1 1 12", GM_ESHAPE, "more than 7 sizes"},
        {"reshape", GM_EARG, "a size"},
        {"res(res(res(res(res(res(res(res(relu))))))))", GM_ELIMIT, "more than 7 parentheses"},
        {"linear 16777216, linear 16777216, linear 16777216, linear 16777216", GM_ENOMEM, ""},
        {"\x01\xff", GM_EARG, "expected a layer"},
    };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        gm_net *n = (gm_net *)(void *)&ctx;
        gm_status s;
        if (bad[i].status == GM_ENOMEM) { /* under a cap, so that nobody's memory is asked for */
            gm_ctx_config c;
            gm_ctx *small = NULL;
            gm_ctx_config_init(&c, sizeof c);
            c.max_bytes = 1 << 24;
            OK(gm_ctx_new(&c, &small));
            s = gm_net_new(small, bad[i].text, ROW(12), 1, &n);
            gm_ctx_free(small);
        } else {
            s = gm_net_new(ctx, bad[i].text, ROW(12), 1, &n);
            ck_assert_msg(strstr(gm_ctx_message(ctx), bad[i].message) != NULL, "'%s': %s", bad[i].text, gm_ctx_message(ctx));
        }
        ck_assert_msg(s == bad[i].status, "'%s': %s: %s", bad[i].text, gm_status_name(s), gm_ctx_message(ctx));
        ck_assert_ptr_null(n);
    }
}
END_TEST

START_TEST(limits)
{
    gm_net *n = NULL;
    size_t size = 70000;
    char *text = malloc(size);
    text[0] = 0;
    memset(text, ' ', size);
    text[size - 1] = 0;
    ck_assert_int_eq(gm_net_new(ctx, text, ROW(4), 1, &n), GM_ELIMIT);
    for (size_t i = 0; i < 4097; i++) memcpy(text + 5 * i, "relu,", 5);
    text[5 * 4097 - 1] = 0;
    ck_assert_int_eq(gm_net_new(ctx, text, ROW(4), 1, &n), GM_ELIMIT);
    ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), "more than 4096 layers"));
    text[5 * 4096 - 1] = 0;
    OK(gm_net_new(ctx, text, ROW(4), 1, &n));
    gm_net_free(n);
    memcpy(text, "cat(relu", 8);
    for (size_t i = 0; i < 32; i++) memcpy(text + 8 + 5 * i, "|relu", 5);
    memcpy(text + 8 + 5 * 31, ")", 2);
    OK(gm_net_new(ctx, text, ROW(4), 1, &n));
    gm_net_free(n);
    memcpy(text + 8 + 5 * 31, "|relu)", 7);
    ck_assert_int_eq(gm_net_new(ctx, text, ROW(4), 1, &n), GM_ELIMIT);
    free(text);
    int64_t count = 0;
    OK(gm__net_measure(ctx, "linear 1000000, linear 1000000", ROW(10), 0, &count));
    ck_assert_int_eq(count, 11000000 + 1000001000000);
    ck_assert_int_eq(gm_net_new(ctx, NULL, ROW(4), 1, &n), GM_EARG);
    ck_assert_int_eq(gm_net_new(ctx, "relu", 0, NULL, 1, &n), GM_EARG);
    ck_assert_int_eq(gm_net_new(ctx, "relu", ROW(0), 1, &n), GM_ESHAPE);
    ck_assert_int_eq(gm_net_new(ctx, "relu", ROW(-1), 1, &n), GM_ESHAPE);
    ck_assert_int_eq(gm_net_new_cond(ctx, "relu", ROW(4), -1, 1, &n), GM_EARG);
    ck_assert_int_eq(gm_net_new(NULL, "relu", ROW(4), 1, &n), GM_EARG);
    ck_assert_int_eq(gm_net_new(ctx, "relu", ROW(4), 1, NULL), GM_EARG);
    ck_assert_ptr_null(n);
    gm_net_free(NULL);
}
END_TEST

/* ---- shapes and names ----------------------------------------------------------------------- */

static void expect(const char *text, int64_t cond, int nin, const int64_t *in, const char *out, const char *names)
{
    gm_net *n = NULL;
    int64_t shape[8];
    char got[128], list[512] = "";
    OK(gm_net_new_cond(ctx, text, nin, in, cond, 1, &n));
    int32_t nd = gm_net_output_shape(n, shape);
    ck_assert_str_eq(gm__shape_text(got, nd, shape), out);
    for (int32_t i = 0; i < gm_net_tensor_count(n); i++) {
        const gm_tensor *t = gm_net_tensor(n, i);
        strcat(strcat(list, gm_net_tensor_name(n, i)), gm__shape_text(got, t->ndim, t->shape));
        strcat(list, gm_net_tensor_is_parameter(n, i) ? " " : "* ");
    }
    ck_assert_str_eq(list, names);
    ck_assert_ptr_null(gm_net_tensor(n, gm_net_tensor_count(n)));
    ck_assert_ptr_null(gm_net_tensor_name(n, -1));
    gm_net_free(n);
}

START_TEST(shapes_and_names)
{
    expect("linear 256, relu, linear 10 nobias", 0, ROW(784), "[10]", "0.weight[256,784] 0.bias[256] 2.weight[10,256] ");
    expect("flatten, linear 6, reshape 1 2 3", 0, ROW(1, 2, 2), "[1,2,3]", "1.weight[6,4] 1.bias[6] ");
    expect("linear 5", 0, ROW(3, 4), "[3,5]", "0.weight[5,4] 0.bias[5] ");
    expect("bnorm, linear 2, bnorm nostats, lnorm", 0, ROW(3),
           "[2]", "0.weight[3] 0.bias[3] 1.weight[2,3] 1.bias[2] 2.weight[2] 2.bias[2] 3.weight[2] 3.bias[2] "
           "0.running_mean[3]* 0.running_var[3]* 0.num_batches_tracked[]* ");
    expect("relu, res( linear 4, relu, linear 3 ), cat( relu | linear 2, lnorm )", 0, ROW(3), "[5]",
           "1.0.weight[4,3] 1.0.bias[4] 1.2.weight[3,4] 1.2.bias[3] 2.1.0.weight[2,3] 2.1.0.bias[2] 2.1.1.weight[2] 2.1.1.bias[2] ");
    expect("linear 4 nobias", 10, ROW(1, 2, 3), "[4]", "0.weight[4,16] ");
    expect("linear 4 nobias, cond, linear 2 nobias", 10, ROW(3), "[2]", "0.weight[4,3] 2.weight[2,14] ");
    expect("", 2, ROW(3), "[5]", "");
}
END_TEST

static void check_init(const char *text, double bound, double std, double bias)
{
    gm_net *n = net_of(text, ROW(300));
    const gm_tensor *w = gm_net_tensor(n, 0), *b = gm_net_tensor(n, 1);
    double most = 0, sum = 0, sq = 0, bmost = 0;
    for (int64_t i = 0; i < w->size; i++) {
        most = fmax(most, fabs(get(w, i)));
        sum += get(w, i);
        sq += get(w, i) * get(w, i);
    }
    for (int64_t i = 0; i < b->size; i++) bmost = fmax(bmost, fabs(get(b, i)));
    double m = (double)w->size;
    if (bound > 0) {
        ck_assert_msg(most <= bound && most > 0.999 * bound, "%s: %g", text, most);
        std = bound / sqrt(3);
    }
    ck_assert_msg(fabs(sqrt(sq / m) / std - 1) < 0.02, "%s: deviation %g, expected %g", text, sqrt(sq / m), std);
    ck_assert_msg(fabs(sum / m) < 5 * std / sqrt(m), "%s: mean %g", text, sum / m);
    ck_assert_msg(bias > 0 ? bmost <= bias && bmost > 0.9 * bias : bmost == 0, "%s: bias %g", text, bmost);
    ck_assert(w->wants_grad && b->wants_grad);
    gm_net_free(n);
}

START_TEST(initial_weights)
{
    check_init("linear 200", 1 / sqrt(300), 0, 1 / sqrt(300));
    check_init("linear 200 init=xavier", sqrt(6.0 / 500), 0, 0);
    check_init("linear 200 init=kaiming", sqrt(6.0 / 300), 0, 0);
    check_init("linear 200 init=normal:0.3", 0, 0.3, 0);
    check_init("linear 200 init=dcgan", 0, 0.02, 0);
    check_init("linear 200 init=xavier:0.5", 0.5 * sqrt(6.0 / 500), 0, 0);
    check_init("linear 200 init=xavier-normal", 0, sqrt(2.0 / 500), 0);
    check_init("linear 200 init=xavier-normal:2", 0, 2 * sqrt(2.0 / 500), 0);
    check_init("linear 200 init=kaiming:2", sqrt(6.0 / 5 / 300), 0, 0);
    check_init("linear 200 init=kaiming-normal", 0, sqrt(2.0 / 300), 0);
    check_init("linear 200 init=kaiming-normal:0.2", 0, sqrt(2.0 / 1.04 / 300), 0);
    gm_net *n = net_of("lnorm, bnorm init=dcgan, lnorm init=normal:0", ROW(4));
    for (int64_t i = 0; i < 4; i++) {
        ck_assert(get(gm_net_tensor(n, 0), i) == 1 && get(gm_net_tensor(n, 1), i) == 0);
        double w = get(gm_net_tensor(n, 2), i);
        ck_assert(w != 1 && fabs(w - 1) < 0.12);
        ck_assert(get(gm_net_tensor(n, 4), i) == 1);
        ck_assert(get(gm_net_tensor(n, 6), i) == 0 && get(gm_net_tensor(n, 7), i) == 1);
    }
    gm_net_free(n);
    /* another seed, other weights; a layer's weights do not depend on what follows */
    gm_net *a = NULL, *b = NULL;
    OK(gm_net_new(ctx, "linear 3", ROW(4), 1, &a));
    OK(gm_net_new(ctx, "linear 3, linear 9", ROW(4), 1, &b));
    ck_assert(memcmp(gm_net_tensor(a, 0)->data, gm_net_tensor(b, 0)->data, 48) == 0);
    ck_assert(get(gm_net_tensor(a, 0), 0) != get(gm_net_tensor(a, 1), 0));
    gm_net_free(b);
    OK(gm_net_new(ctx, "linear 3", ROW(4), 2, &b));
    ck_assert(memcmp(gm_net_tensor(a, 0)->data, gm_net_tensor(b, 0)->data, 48) != 0);
    gm_net_free(a);
    gm_net_free(b);
}
END_TEST

/* ---- running ------------------------------------------------------------------------------------ */

static gm_tensor *input(int ndim, const int64_t *shape)
{
    gm_tensor *t = NULL;
    OK(gm_tensor_new(ctx, GM_F32, ndim, shape, &t));
    for (int64_t i = 0; i < t->size; i++) gm__f32(t)[i] = (float)((i * 29 + 3) % 17 - 8) / 8;
    return t;
}

static void same(const gm_tensor *a, const gm_tensor *b)
{
    HAVE(a);
    HAVE(b);
    ck_assert(gm__shape_equal(a, b));
    for (int64_t i = 0; i < a->size; i++) ck_assert_msg(fabs(get(a, i) - get(b, i)) < 1e-5, "%lld: %g, %g", (long long)i, get(a, i), get(b, i));
}

#define P(i) gm_net_tensor(n, i)

START_TEST(runs_as_ops_do)
{
    gm_tape_training(tape, 0);
    gm_tensor *x = input(ROW(2, 6));
    gm_net *n = net_of("linear 5, relu, linear 4 nobias, tanh, sigmoid, linear 3, lrelu 0.3, gelu, linear 3, elu", ROW(6));
    gm_tensor *y = gm_relu(tape, gm_linear(tape, x, P(0), P(1)));
    y = gm_sigmoid(tape, gm_tanh(tape, gm_linear(tape, y, P(2), NULL)));
    y = gm_gelu(tape, gm_leaky_relu(tape, gm_linear(tape, y, P(3), P(4)), 0.3));
    y = gm_elu(tape, gm_linear(tape, y, P(5), P(6)), 1);
    same(gm_net_apply(n, tape, x, NULL), y);
    gm_net_free(n);

    n = net_of("res( linear 6, relu ), cat( linear 2 | silu, softplus | lnorm ), dropout 0.5, reshape 7 2, flatten", ROW(6));
    y = gm_add(tape, x, gm_relu(tape, gm_linear(tape, x, P(0), P(1))));
    gm_tensor *part[3] = {gm_linear(tape, y, P(2), P(3)), gm_softplus(tape, gm_silu(tape, y)), gm_layer_norm(tape, y, P(4), P(5), 1e-5)};
    same(gm_net_apply(n, tape, x, NULL), gm_concat(tape, part, 3, 1));
    gm_net_free(n);

    /* a condition at the input, or where the text says */
    gm_tensor *c = input(ROW(2, 3));
    OK(gm_net_new_cond(ctx, "linear 4", ROW(2, 3), 3, 1, &n));
    gm_tensor *x3 = gm_reshape(tape, x, ROW(2, 2, 3));
    same(gm_net_apply(n, tape, x3, c), gm_linear(tape, gm_concat(tape, (gm_tensor *[]){x, c}, 2, 1), P(0), P(1)));
    gm_net_free(n);
    OK(gm_net_new_cond(ctx, "relu, cond", ROW(6), 3, 1, &n));
    same(gm_net_apply(n, tape, x, c), gm_concat(tape, (gm_tensor *[]){gm_relu(tape, x), c}, 2, 1));
    /* leading axes: [k, B, D] with one condition for all k */
    gm_tensor *many = gm_stack(tape, (gm_tensor *[]){x, x, x}, 3, 0);
    y = gm_net_apply(n, tape, many, c);
    HAVE(y);
    same(gm_reshape(tape, gm_slice(tape, y, 0, 2, 3, 1), ROW(2, 9)), gm_net_apply(n, tape, x, c));
    gm_net_free(n);
    gm_tensor_free(x);
    gm_tensor_free(c);
}
END_TEST

static void refused(gm_net *n, gm_tensor *x, gm_tensor *c, gm_status want, const char *message)
{
    ck_assert_ptr_null(gm_net_apply(n, tape, x, c));
    ck_assert_msg(gm_tape_status(tape) == want, "%s", gm_tape_message(tape));
    ck_assert_msg(strstr(gm_tape_message(tape), message) != NULL, "%s", gm_tape_message(tape));
    gm_tape_reset(tape);
}

START_TEST(refuses)
{
    gm_net *n = net_of("linear 4", ROW(6));
    gm_tensor *x = input(ROW(2, 6)), *wrong = input(ROW(2, 5)), *flat = input(ROW(6));
    refused(n, NULL, NULL, GM_EARG, "x is NULL");
    refused(NULL, x, NULL, GM_EARG, "not a net");
    refused(n, wrong, NULL, GM_ESHAPE, "x is [2,5], expected rows of [6]");
    refused(n, flat, NULL, GM_ESHAPE, "x is [6]");
    refused(n, x, x, GM_EARG, "takes no condition");
    ck_assert_ptr_null(gm_net_apply(n, NULL, x, NULL));
    gm_net_free(n);
    OK(gm_net_new_cond(ctx, "linear 4", ROW(6), 3, 1, &n));
    refused(n, x, NULL, GM_EARG, "needs a condition");
    refused(n, x, wrong, GM_ESHAPE, "condition is [2,5], expected 3 numbers a row");
    gm_net_free(n);
    gm_tensor_free(x);
    gm_tensor_free(wrong);
    gm_tensor_free(flat);
}
END_TEST

/* ---- batch norm ------------------------------------------------------------------------------------ */

/* mean and unbiased variance of channel c of a contiguous [n, C, s] */
static void moments(const gm_tensor *x, int64_t c, int64_t channels, int64_t s, double *mean, double *var)
{
    double sum = 0, sq = 0;
    int64_t n = x->size / channels / s;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < s; k++) {
                double v = get(x, (i * channels + c) * s + k);
                if (pass) sq += (v - sum) * (v - sum);
                else sum += v / (double)(n * s);
            }
    *mean = sum;
    *var = sq / (double)(n * s - 1);
}

static void check_bnorm(gm_tensor *x, gm_net *n, int64_t channels, int64_t s)
{
    gm_tensor *mean = P(2), *var = P(3), *batches = P(4);
    double m, v, rm[8], rv[8];
    for (int64_t c = 0; c < channels; c++) rm[c] = 0, rv[c] = 1;
    for (int step = 0; step < 2; step++) {
        for (int times = 0; times <= step; times++) { /* the second step applies twice, one after the other */
            gm_tensor *y = gm_net_apply(n, tape, x, NULL);
            HAVE(y);
            for (int64_t c = 0; c < channels; c++) {
                moments(x, c, channels, s, &m, &v);
                double count = (double)(x->size / channels), rstd = 1 / sqrt(v * (count - 1) / count + 1e-5);
                ck_assert(fabs(get(y, c * s) - (get(x, c * s) - m) * rstd) < 1e-5);
                ck_assert(fabs(get(mean, c) - (step ? 0.1 * m : 0)) < 1e-6); /* waits */
                rm[c] = 0.9 * rm[c] + 0.1 * m;
                rv[c] = 0.9 * rv[c] + 0.1 * v;
            }
        }
        OK(gm__net_commit(n));
        for (int64_t c = 0; c < channels; c++) ck_assert(fabs(get(mean, c) - rm[c]) < 1e-6 && fabs(get(var, c) - rv[c]) < 1e-6);
    }
    int64_t tracked;
    OK(gm_tensor_read(batches, &tracked, 8));
    ck_assert_int_eq(tracked, 3);
    OK(gm__net_commit(n)); /* nothing waits any more */
    /* a frozen net, a dropped batch and use leave them alone */
    OK(gm_net_freeze(n, 1));
    HAVE(gm_net_apply(n, tape, x, NULL));
    OK(gm__net_commit(n));
    OK(gm_net_freeze(n, 0));
    HAVE(gm_net_apply(n, tape, x, NULL));
    gm__net_drop_pending(n);
    OK(gm__net_commit(n));
    gm_tape_training(tape, 0);
    gm_tensor *y = gm_net_apply(n, tape, x, NULL);
    HAVE(y);
    OK(gm__net_commit(n));
    for (int64_t c = 0; c < channels; c++) {
        ck_assert(fabs(get(mean, c) - rm[c]) < 1e-6 && fabs(get(var, c) - rv[c]) < 1e-6);
        ck_assert(fabs(get(y, c * s) - (get(x, c * s) - rm[c]) / sqrt(rv[c] + 1e-5)) < 1e-5);
    }
    gm_tape_training(tape, 1);
}

START_TEST(batch_norm)
{
    gm_net *n = net_of("bnorm", ROW(3));
    gm_tensor *x = input(ROW(5, 3)), *images = input(ROW(4, 2, 2, 3)), *leading = input(ROW(2, 5, 3));
    check_bnorm(x, n, 3, 1);
    gm_net_free(n);
    n = net_of("bnorm", ROW(3));
    check_bnorm(leading, n, 3, 1); /* further leading axes belong to the batch */
    gm_net_free(n);
    n = net_of("bnorm", ROW(2, 2, 3));
    check_bnorm(images, n, 2, 6);
    gm_net_free(n);
    /* nostats: the batch is all there is, also in use */
    n = net_of("bnorm nostats", ROW(3));
    gm_tensor *trained = gm_net_apply(n, tape, x, NULL);
    gm_tape_training(tape, 0);
    same(gm_net_apply(n, tape, x, NULL), trained);
    gm_tape_training(tape, 1);
    gm_net_free(n);
    /* one row has no variance: nothing recorded, nothing NaN */
    n = net_of("bnorm", ROW(3));
    gm_tensor *one = input(ROW(1, 3)), *y = gm_net_apply(n, tape, one, NULL);
    HAVE(y);
    OK(gm__net_commit(n));
    for (int64_t c = 0; c < 3; c++) ck_assert(fabs(get(y, c)) < 1e-3 && get(P(2), c) == 0 && get(P(3), c) == 1);
    gm_net_free(n);
    gm_tensor_free(one);
    gm_tensor_free(x);
    gm_tensor_free(images);
    gm_tensor_free(leading);
}
END_TEST

/* ---- changing ------------------------------------------------------------------------------------------ */

START_TEST(freezing)
{
    gm_net *a = net_of("linear 4, relu", ROW(6)), *n = net_of("linear 1", ROW(4));
    gm_tensor *x = input(ROW(2, 6));
    OK(gm_net_freeze(n, 1));
    gm_tensor *loss = gm_sum(tape, gm_net_apply(n, tape, gm_net_apply(a, tape, x, NULL), NULL), GM_ALL_AXES, 0);
    HAVE(loss);
    OK(gm_tape_backward(tape, loss));
    ck_assert_ptr_null(gm_tensor_grad(P(0)));
    ck_assert_ptr_nonnull(gm_tensor_grad(gm_net_tensor(a, 0))); /* flows through */
    OK(gm_net_freeze(n, 0));
    gm_tape_reset(tape);
    loss = gm_sum(tape, gm_net_apply(n, tape, gm_net_apply(a, tape, x, NULL), NULL), GM_ALL_AXES, 0);
    OK(gm_tape_backward(tape, loss));
    ck_assert_ptr_nonnull(gm_tensor_grad(P(0)));
    gm_net_free(a);
    gm_net_free(n);
    gm_tensor_free(x);
}
END_TEST

START_TEST(adding)
{
    gm_net *n = net_of("", ROW(6)), *whole = net_of("linear 4, relu, res( linear 4 )", ROW(6));
    OK(gm_net_add(n, "linear 4"));
    gm_tensor *kept = P(0);
    OK(gm_net_add(n, "relu"));
    OK(gm_net_add(n, "res( linear 4 )"));
    ck_assert_int_eq(gm_net_add(n, "res( linear 5 )"), GM_ESHAPE);
    ck_assert_int_eq(gm_net_add(n, "linaer 5"), GM_EARG);
    ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), "column 1:"));
    ck_assert_int_eq(gm_net_add(n, NULL), GM_EARG);
    ck_assert(P(0) == kept);
    ck_assert_str_eq(gm_net_text(n), gm_net_text(whole));
    gm_tensor *x = input(ROW(2, 6));
    same(gm_net_apply(n, tape, x, NULL), gm_net_apply(whole, tape, x, NULL));
    ck_assert_int_eq(gm_net_add(n, "relu"), GM_ESTATE);
    gm_net_free(n);
    gm_net_free(whole);
    gm_tensor_free(x);
}
END_TEST

START_TEST(copies_and_casts)
{
    gm_net *n = net_of("linear 4, bnorm, tanh, linear 2", ROW(6)), *copy = NULL;
    gm_tensor *x = input(ROW(5, 6));
    HAVE(gm_net_apply(n, tape, x, NULL));
    OK(gm__net_commit(n));
    gm__f32(P(0))[0] = 0.75f;
    OK(gm_net_copy(n, &copy));
    ck_assert_str_eq(gm_net_text(n), gm_net_text(copy));
    gm_tape_training(tape, 0);
    gm_tensor *y = gm_net_apply(n, tape, x, NULL);
    same(gm_net_apply(copy, tape, x, NULL), y);
    gm__f32(P(0))[0] = 0.5f;
    ck_assert(get(gm_net_tensor(copy, 0), 0) == 0.75);
    OK(gm__net_cast(copy, GM_F64));
    ck_assert_int_eq(gm_tensor_dtype(gm_net_tensor(copy, 0)), GM_F64);
    ck_assert_int_eq(gm_tensor_dtype(gm_net_tensor(copy, gm_net_tensor_count(copy) - 1)), GM_I64);
    ck_assert(get(gm_net_tensor(copy, 0), 0) == 0.75 && gm_net_tensor(copy, 0)->wants_grad);
    gm__f32(P(0))[0] = 0.75f;
    same(gm_cast(tape, gm_net_apply(copy, tape, gm_cast(tape, x, GM_F64), NULL), GM_F32), gm_net_apply(n, tape, x, NULL));
    gm_net *again = NULL;
    OK(gm_net_copy(copy, &again));
    ck_assert_int_eq(gm_tensor_dtype(gm_net_tensor(again, 0)), GM_F64);
    ck_assert_int_eq(gm__net_cast(again, GM_I32), GM_EDTYPE);
    gm_net_free(again);
    ck_assert_int_eq(gm_net_copy(NULL, &again), GM_EARG);
    ck_assert_ptr_null(again);
    gm_tape_training(tape, 1);
    OK(gm_net_copy(n, &again));
    gm_net_free(again);
    gm_net_free(copy);
    gm_net_free(n);
    gm_tensor_free(x);
}
END_TEST

START_TEST(table)
{
    static const char want[] =
        "layer                output   parameters\n"
        "input                [1,2,3]\n"
        "0 flatten            [6]\n"
        "1 linear 400 nobias  [400]    2400\n"
        "2 res                [400]\n"
        "2.0 linear 400       [400]    160400\n"
        "3 cat                [800]\n"
        "3.0.0 relu           [400]\n"
        "3.1.0 lnorm          [400]    800\n"
        "total                         163600\n";
    gm_net *n = net_of("flatten, linear 400 nobias, res( linear 400 ), cat( relu | lnorm )", ROW(1, 2, 3));
    char out[1024], cut[20];
    ck_assert_int_eq(gm_net_parameters(n), 163600);
    size_t len = gm_net_print(n, out, sizeof out);
    ck_assert_str_eq(out, want);
    ck_assert_uint_eq(len, strlen(want));
    ck_assert_uint_eq(gm_net_print(n, cut, sizeof cut), len);
    ck_assert(strlen(cut) == 19 && memcmp(cut, want, 19) == 0);
    ck_assert_uint_eq(gm_net_print(n, NULL, 0), len);
    gm_net_free(n);
    gm__buf b;
    gm__buf_init(&b, ctx);
    gm__net_mlp_text(&b, (int64_t[]){400, 200}, 2, "relu");
    ck_assert_str_eq(b.data, "linear 400, relu, linear 200, relu");
    b.len = 0;
    gm__net_mlp_text(&b, (int64_t[]){400, 200}, 2, "none");
    ck_assert_str_eq(b.data, "linear 400, linear 200");
    gm__buf_free(&b);
}
END_TEST

/* The n-th allocation fails: no leak, no false success, and the next call works. */
static struct { long left; long live; } mem;
static void *failing_alloc(void *user, size_t n)
{
    (void)user;
    if (mem.left-- == 0) return NULL;
    mem.live++;
    return malloc(n);
}
static void counting_free(void *user, void *p)
{
    (void)user;
    if (p) mem.live--;
    free(p);
}

START_TEST(failing_allocations)
{
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.alloc = failing_alloc;
    c.dealloc = counting_free;
    for (long at = 0; at < 1000; at++) {
        gm_ctx *own = NULL;
        gm_net *n = NULL, *copy = NULL;
        mem.left = -1;
        mem.live = 0;
        OK(gm_ctx_new(&c, &own));
        mem.left = at;
        gm_status s = gm_net_new(own, "linear 4 init=orthogonal, bnorm, res( linear 4 spectral ), cat( linear 2 | relu )", ROW(3), 1, &n);
        if (!s) s = gm_net_add(n, "linear 3");
        if (!s) s = gm__net_cast(n, GM_F64);
        if (!s) s = gm_net_copy(n, &copy);
        bool done = mem.left >= 0;
        mem.left = -1;
        ck_assert_int_eq(s, done ? GM_OK : GM_ENOMEM);
        if (n) ck_assert_int_eq(gm_net_add(n, "relu"), GM_OK);
        gm_net_free(n);
        gm_net_free(copy);
        gm_ctx_free(own);
        ck_assert_int_eq(mem.live, 0);
        if (done) return;
    }
    ck_abort_msg("no end");
}
END_TEST

/* Texts cut, spliced and with changed bytes: refused with a message, or read and written to the same text. */
START_TEST(mutated_text)
{
    static const char *const seeds[] = {
        "linear 25, relu, res( linear 4, lrelu 0.2, linear 25 ), cat( linear 3 | bnorm momentum=0.5, tanh )",
        "flatten, cond, dropout 0.5, lnorm eps=1e-3, reshape 2 7, linear 4 nobias init=normal:0.1",
    };
    static const char bytes[] = " ,|()=.:-+0123456789abcdefklnorstuxe\x80";
    gm_ctx_config c;
    gm_ctx *own = NULL;
    gm_ctx_config_init(&c, sizeof c);
    c.max_bytes = 1 << 24;
    OK(gm_ctx_new(&c, &own));
    uint32_t state = 1;
    int good = 0;
    for (int round = 0; round < 20000; round++) {
        char text[256];
#define DRAW(n) ((state = state * 1664525u + 1013904223u), (state >> 8) % (uint32_t)(n))
        strcpy(text, seeds[DRAW(2)]);
        size_t len = strlen(text);
        for (uint32_t k = DRAW(4) + 1; k > 0; k--) {
            size_t at = DRAW(len);
            if (DRAW(4) == 0) text[len = at] = 0;
            else if (DRAW(2)) text[at] = bytes[DRAW(sizeof bytes - 1)];
            else memmove(text + at, text + at + 1, len-- - at);
            if (len == 0) break;
        }
        gm_net *n = NULL, *again = NULL;
        gm_status s = gm_net_new_cond(own, text, ROW(14), 3, 1, &n);
        if (s) {
            ck_assert(n == NULL && gm_ctx_message(own)[0] != 0 && strchr(gm_ctx_message(own), '\n') == NULL);
            continue;
        }
        good++;
        s = gm_net_new_cond(own, gm_net_text(n), ROW(14), 3, 1, &again);
        ck_assert_msg(s == GM_OK, "'%s' written as '%s': %s", text, gm_net_text(n), gm_ctx_message(own));
        ck_assert_str_eq(gm_net_text(n), gm_net_text(again));
        gm_net_free(n);
        gm_net_free(again);
    }
    ck_assert_int_gt(good, 500);
    gm_ctx_free(own);
}
END_TEST

/* One net, many threads, each with its own context and tape: nothing of the net is written. */
typedef struct reader { gm_net *net; float out[2 * 5]; gm_status status; } reader;
static void *read_net(void *arg)
{
    reader *r = arg;
    gm_ctx *own = NULL;
    gm_tape *t = NULL;
    gm_tensor *x = NULL;
    r->status = gm_ctx_new(NULL, &own);
    if (!r->status) r->status = gm_tape_new(own, 1, &t);
    if (!r->status) r->status = gm_tensor_new(own, GM_F32, 2, (int64_t[]){2, 3}, &x);
    for (int i = 0; i < 50 && !r->status; i++) {
        gm_tape_training(t, 0);
        gm_tape_recording(t, 0);
        gm__f32(x)[1] = 1;
        gm_tensor *y = gm_net_apply(r->net, t, x, NULL);
        r->status = y ? gm_tensor_read(y, r->out, sizeof r->out) : gm_tape_status(t);
        gm_tape_reset(t);
    }
    gm_tensor_free(x);
    gm_tape_free(t);
    gm_ctx_free(own);
    return NULL;
}

START_TEST(threads_share_a_net)
{
    enum { N = 6 };
    gm_net *n = net_of("linear 4, bnorm, relu, res( linear 4, tanh ), dropout 0.5, linear 5", ROW(3));
    pthread_t thread[N];
    reader r[N];
    for (int i = 0; i < N; i++) {
        r[i] = (reader){.net = n};
        ck_assert_int_eq(pthread_create(&thread[i], NULL, read_net, &r[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(thread[i], NULL);
        ck_assert_int_eq(r[i].status, GM_OK);
        ck_assert(memcmp(r[i].out, r[0].out, sizeof r[0].out) == 0);
    }
    ck_assert(r[0].out[0] != 0);
    gm_net_free(n);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("net");
    TCase *c = tcase_create("net");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, text_round_trips);
    tcase_add_test(c, bad_text);
    tcase_add_test(c, limits);
    tcase_add_test(c, shapes_and_names);
    tcase_add_test(c, initial_weights);
    tcase_add_test(c, runs_as_ops_do);
    tcase_add_test(c, refuses);
    tcase_add_test(c, batch_norm);
    tcase_add_test(c, freezing);
    tcase_add_test(c, adding);
    tcase_add_test(c, copies_and_casts);
    tcase_add_test(c, table);
    tcase_add_test(c, failing_allocations);
    tcase_add_test(c, mutated_text);
    tcase_add_test(c, threads_share_a_net);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
