/* One's own training loop: a classifier of the built-in digits, written with plain
 * weights, batches and ops. Shows the error rule: check once, after backward. */
#include <gm/gm.h>
#include <stdio.h>

static gm_status weight(gm_ctx *ctx, gm_optim *adam, uint64_t stream, int64_t out, int64_t in, gm_tensor **w) {
    static float init[256 * 784];
    int64_t shape[2];
    size_t n = (size_t)(out * in);
    double bound = in > 1 ? 0.05 : 0;                 /* a bias starts at 0 */
    shape[0] = out, shape[1] = in;
    gm_status s = gm_random_uniform(7, stream, 0, n, init);
    for (size_t i = 0; i < n; i++) init[i] = (float)((2 * init[i] - 1) * bound);
    if (!s) s = gm_tensor_copy(ctx, GM_F32, in > 1 ? 2 : 1, shape, init, w);
    if (!s) s = gm_optim_add(adam, *w, NULL);         /* also marks it as a leaf that wants a gradient */
    return s;
}

int main(void) {
    gm_ctx *ctx = NULL; gm_tape *t = NULL; gm_optim *adam = NULL;
    gm_dataset *digits = NULL, *train = NULL, *held = NULL; gm_batches *batches = NULL;
    gm_tensor *w1 = NULL, *b1 = NULL, *w2 = NULL, *b2 = NULL, *x = NULL;
    int64_t flat[2] = {-1, 784};
    double accuracy = 0;

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_tape_new(ctx, 1, &t);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=6000,seed=1", &digits);
    if (!s) s = gm_dataset_split(digits, 0.9, 1, &train, &held);
    if (!s) s = gm_batches_new(train, "batch=100 seed=1", &batches);
    if (!s) s = gm_optim_new(ctx, "adam", "lr=2e-3", &adam);
    if (!s) s = weight(ctx, adam, 1, 256, 784, &w1);
    if (!s) s = weight(ctx, adam, 2, 256, 1, &b1);
    if (!s) s = weight(ctx, adam, 3, 10, 256, &w2);
    if (!s) s = weight(ctx, adam, 4, 10, 1, &b2);

    for (int epoch = 0; !s && epoch < 5; epoch++) {
        while (!(s = gm_batches_next(batches, &x))) {
            gm_tensor *h    = gm_relu(t, gm_linear(t, gm_reshape(t, x, 2, flat), w1, b1));
            gm_tensor *loss = gm_cross_entropy(t, gm_linear(t, h, w2, b2), gm_batches_column(batches, "label"), GM_MEAN);
            if ((s = gm_tape_backward(t, loss)) || (s = gm_optim_step(adam))) break;   /* the first error of the chain is here */
            gm_tape_reset(t);
        }
        if (s == GM_END) s = GM_OK;                                                    /* anything else is an error */
    }
    if (!s) {                                          /* how many held-out digits are read right? */
        gm_tensor *all = NULL, *label = NULL;
        s = gm_dataset_read(held, "x", 0, gm_dataset_rows(held), &all);
        if (!s) s = gm_dataset_read(held, "label", 0, gm_dataset_rows(held), &label);
        if (!s) {
            gm_tape_recording(t, 0);
            gm_tensor *h = gm_relu(t, gm_linear(t, gm_reshape(t, all, 2, flat), w1, b1));
            gm_tensor *hit = gm_eq(t, gm_argmax(t, gm_linear(t, h, w2, b2), 1, 0), label);
            gm_tensor *mean = gm_mean(t, gm_cast(t, hit, GM_F32), GM_ALL_AXES, 0);
            s = mean ? gm_tensor_item(mean, &accuracy) : gm_tape_status(t);
        }
        gm_tensor_free(all);
        gm_tensor_free(label);
    }
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("accuracy on held-out digits: %.3f\n", accuracy);
    gm_tensor_free(w1); gm_tensor_free(b1); gm_tensor_free(w2); gm_tensor_free(b2);
    gm_optim_free(adam); gm_batches_free(batches); gm_dataset_free(train); gm_dataset_free(held); gm_dataset_free(digits);
    gm_tape_free(t); gm_ctx_free(ctx);
    return s != GM_OK || accuracy < 0.9;
}
