/* A convolutional network reads digits. Prints how often a digit (line) is taken for
 * another (column) on digits that it has not seen. */
#include <gm/gm.h>
#include <stdio.h>

int main(void) {
    gm_ctx *ctx = NULL; gm_dataset *train = NULL, *held = NULL; gm_model *cnn = NULL; gm_measure m[2];
    gm_tensor *x = NULL, *label = NULL, *p = NULL;
    int32_t n = 0, table[10][10] = {{0}};

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=2000,seed=1", &train);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=500,seed=2", &held);
    if (!s) s = gm_model_new(ctx, "cnn", "channels=8,16 hidden=64", &cnn);
    if (!s) s = gm_fit(cnn, train, "epochs=3 batch=50 lr=3e-3 schedule=cosine seed=1");
    if (!s) s = gm_eval(cnn, held, "metric=accuracy,cross_entropy", m, 2, &n);
    if (!s) s = gm_dataset_read(held, "x", 0, 500, &x);
    if (!s) s = gm_dataset_read(held, "label", 0, 500, &label);
    if (!s) s = gm_predict(cnn, x, &p);
    for (int i = 0; !s && i < 500; i++) {
        const float *row = (const float *)gm_tensor_data(p) + 10 * i;
        int best = 0;
        for (int k = 1; k < 10; k++) if (row[k] > row[best]) best = k;
        table[((const int64_t *)gm_tensor_data(label))[i]][best]++;
    }
    for (int i = 0; !s && i < 10; i++)
        for (int k = 0; k < 10; k++) printf("%4d%s", table[i][k], k == 9 ? "\n" : "");
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("accuracy %.3f, cross-entropy %.3f nats\n", m[0].value, m[1].value);
    gm_tensor_free(x); gm_tensor_free(label); gm_tensor_free(p);
    gm_model_free(cnn); gm_dataset_free(train); gm_dataset_free(held); gm_ctx_free(ctx);
    return s != GM_OK || m[0].value < 0.95;
}
