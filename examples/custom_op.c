/* An op of one's own: soft clipping, y = tanh(a x)/tanh(a) (a guitar amplifier's curve), written as two callbacks, checked
 * against finite differences, and trained within a small net: the net finds the gain that another amplifier had. */
#include <gm/gm.h>
#include <math.h>
#include <stdio.h>

typedef struct { int calls; } clipper;

/* in[0]: the signal, any shape; in[1]: the drive a, one number. f32 or f64, as the tensors are. */
static double get(const gm_tensor *x, int64_t i) {
    return gm_tensor_dtype(x) == GM_F64 ? ((const double *)gm_tensor_data(x))[i] : (double)((const float *)gm_tensor_data(x))[i];
}
static void put(gm_tensor *x, int64_t i, double v) {
    if (gm_tensor_dtype(x) == GM_F64) ((double *)gm_tensor_data(x))[i] = v;
    else ((float *)gm_tensor_data(x))[i] = (float)v;
}

static int32_t forward(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out) {
    double a = get(in[1], 0);
    (void)n;
    ((clipper *)user)->calls++;
    for (int64_t i = 0; i < gm_tensor_size(out); i++) put(out, i, tanh(a * get(in[0], i)) / tanh(a));
    return 0;                                         /* anything else makes the op fail */
}

static int32_t backward(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out, gm_tensor *gout, gm_tensor *const *gin) {
    double a = get(in[1], 0), ta = tanh(a), ga = 0;
    (void)user, (void)n, (void)out;
    for (int64_t i = 0; i < gm_tensor_size(gout); i++) {
        double x = get(in[0], i), tx = tanh(a * x), g = get(gout, i);
        if (gin[0]) put(gin[0], i, g * a * (1 - tx * tx) / ta);
        ga += g * (x * (1 - tx * tx) / ta - tx * (1 - ta * ta) / (ta * ta));
    }
    if (gin[1]) put(gin[1], 0, ga);                   /* NULL: nobody wants it */
    return 0;
}

static gm_tensor *soft_clip(gm_tape *t, clipper *c, gm_tensor *x, gm_tensor *drive) {
    gm_tensor *in[2];
    gm_custom_op op;
    gm_custom_op_init(&op, sizeof op);
    op.name = "soft_clip", op.user = c, op.forward = forward, op.backward = backward;
    in[0] = x, in[1] = drive;
    return gm_custom(t, &op, in, 2);
}

/* for gm_gradcheck: one number from the inputs */
static gm_tensor *checked(gm_tape *t, gm_tensor *const *in, int32_t n, void *user) {
    (void)n;
    return gm_sum(t, gm_square(t, soft_clip(t, user, in[0], in[1])), GM_ALL_AXES, 0);
}

static gm_status leaf(gm_ctx *ctx, int32_t dtype, int32_t ndim, int64_t size, const void *v, gm_tensor **out) {
    gm_status s = gm_tensor_copy(ctx, dtype, ndim, &size, v, out);
    return s ? s : gm_tensor_set_grad(*out, 1);
}

int main(void) {
    gm_ctx *ctx = NULL; gm_tape *t = NULL; gm_optim *adam = NULL;
    gm_tensor *xs[2] = {NULL, NULL}, *drive = NULL, *gain = NULL;
    clipper c = {0};
    double signal[5] = {-1.5, -0.3, 0.1, 0.8, 2}, a = 1.3, error = 1, loss = 0, found[2] = {0, 0};
    float one = 1;

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = leaf(ctx, GM_F64, 1, 5, signal, &xs[0]);
    if (!s) s = leaf(ctx, GM_F64, 0, 1, &a, &xs[1]);
    if (!s) s = gm_gradcheck(ctx, checked, &c, xs, 2, 1, &error);
    if (!s) printf("gradients off by %.1e at most (finite differences)\n", error);

    if (!s) s = gm_tape_new(ctx, 1, &t);
    if (!s) s = gm_optim_new(ctx, "adam", "lr=0.05", &adam);
    if (!s) s = leaf(ctx, GM_F32, 0, 1, &one, &drive);
    if (!s) s = leaf(ctx, GM_F32, 0, 1, &one, &gain);
    if (!s) s = gm_optim_add(adam, drive, NULL);
    if (!s) s = gm_optim_add(adam, gain, NULL);
    if (!s) printf(" step      loss     drive      gain   (sought: 3 and 0.5)\n");
    for (int step = 0; !s && step <= 1000; step++) {
        int64_t shape[1] = {256};
        gm_tensor *x = gm_uniform(t, 1, shape, -2, 2);
        gm_tensor *want = gm_affine(t, gm_tanh(t, gm_affine(t, x, 3, 0)), 0.5 / tanh(3), 0);
        gm_tensor *y = gm_mul(t, gain, soft_clip(t, &c, x, drive));
        gm_tensor *l = gm_mse(t, y, want, GM_MEAN);
        if ((s = gm_tape_backward(t, l)) || (s = gm_tensor_item(l, &loss))) break;
        if (step % 200 == 0 && !(s = gm_tensor_item(drive, &found[0])) && !(s = gm_tensor_item(gain, &found[1])))
            printf("%5d  %8.6f  %8.4f  %8.4f\n", step, loss, found[0], found[1]);
        if (!s) s = gm_optim_step(adam);
        gm_tape_reset(t);
    }
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    gm_optim_free(adam); gm_tape_free(t);
    gm_tensor_free(xs[0]); gm_tensor_free(xs[1]); gm_tensor_free(drive); gm_tensor_free(gain);
    gm_ctx_free(ctx);
    return s || error > 1e-6 || fabs(found[0] - 3) > 0.1 || fabs(found[1] - 0.5) > 0.02;
}
