/* Fits y = sin(x) on [-pi, pi] with a small network, written with the tape:
 * what an expression, a gradient and an optimiser step look like. */
#include <gm/gm.h>
#include <math.h>
#include <stdio.h>

enum { N = 256, STEPS = 4000 };

int main(void) {
    const double pi = 3.14159265358979323846;
    float xs[N], ys[N], worst = 0;
    int64_t column[2] = {N, 1}, one = 1;
    gm_ctx *ctx = NULL; gm_tape *t = NULL; gm_net *net = NULL; gm_optim *adam = NULL;
    gm_tensor *x = NULL, *y = NULL;

    for (int i = 0; i < N; i++) {
        xs[i] = (float)(-pi + 2 * pi * i / (N - 1));
        ys[i] = sinf(xs[i]);
    }
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_tape_new(ctx, 1, &t);
    if (!s) s = gm_tensor_wrap(ctx, GM_F32, 2, column, NULL, xs, NULL, NULL, &x);   /* no copy */
    if (!s) s = gm_tensor_wrap(ctx, GM_F32, 2, column, NULL, ys, NULL, NULL, &y);
    if (!s) s = gm_net_new(ctx, "linear 64, tanh, linear 64, tanh, linear 1", 1, &one, 1, &net);
    if (!s) s = gm_optim_new(ctx, "adam", "lr=3e-3 schedule=cosine horizon=4000", &adam);
    if (!s) s = gm_optim_add_net(adam, net, NULL);

    for (int step = 0; !s && step < STEPS; step++) {
        gm_tensor *loss = gm_mse(t, gm_net_apply(net, t, x, NULL), y, GM_MEAN);
        s = gm_tape_backward(t, loss);                 /* the first error of the whole chain is here */
        if (!s) s = gm_optim_step(adam);
        double value = 0;
        if (!s && step % 500 == 0 && !gm_tensor_item(loss, &value)) printf("step %4d  mean squared error %.7f\n", step, value);
        if (!s) gm_tape_reset(t);
    }
    if (!s) {
        float fit[N];
        gm_tape_recording(t, 0);
        gm_tensor *out = gm_net_apply(net, t, x, NULL);
        s = out ? gm_tensor_read(out, fit, sizeof fit) : gm_tape_status(t);
        for (int i = 0; !s && i < N; i++) worst = fmaxf(worst, fabsf(fit[i] - ys[i]));
    }
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("largest error on [-pi, pi]: %.5f\n", worst);
    gm_optim_free(adam); gm_net_free(net); gm_tensor_free(x); gm_tensor_free(y); gm_tape_free(t); gm_ctx_free(ctx);
    return s != GM_OK || !(worst < 0.02f);
}
