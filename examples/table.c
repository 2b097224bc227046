/* A table of six rows: humidity h, temperature outside T and inside T_i, and the heating
 * power y that was needed. A network without hidden layers is linear regression. */
#include <gm/gm.h>
#include <math.h>
#include <stdio.h>

enum { ROWS = 6 };
static const float features[ROWS][3] = { /* h %, T and T_i in degrees */
    {40, -5, 21}, {55, 0, 20}, {60, 5, 21}, {35, 10, 22}, {70, 15, 21}, {50, 20, 21},
};
static const float power[ROWS] = {2.60f, 2.05f, 1.58f, 1.26f, 0.57f, 0.12f}; /* kW */

int main(void) {
    int64_t x_shape[2] = {ROWS, 3}, y_shape[2] = {ROWS, 1};
    float out[ROWS], worst = 0;
    gm_ctx *ctx = NULL; gm_tensor *x = NULL, *y = NULL, *fit = NULL; gm_dataset *table = NULL; gm_model *m = NULL;

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_tensor_copy(ctx, GM_F32, 2, x_shape, features, &x);
    if (!s) s = gm_tensor_copy(ctx, GM_F32, 2, y_shape, power, &y);
    if (!s) s = gm_dataset_from_tensors(ctx, x, NULL, &table);        /* from a file: csv:FILE,y=y */
    if (!s) s = gm_dataset_add(table, "y", y);
    if (!s) s = gm_model_new(ctx, "mlp", "hidden=none", &m);          /* features and target are standardised */
    if (!s) s = gm_fit(m, table, "steps=1000 batch=6 lr=0.05 schedule=cosine");
    if (!s) s = gm_predict(m, x, &fit);
    if (!s) s = gm_tensor_read(fit, out, sizeof out);
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("   h     T   T_i      y   fitted\n");
    for (int i = 0; !s && i < ROWS; i++) {
        printf("%4.0f %5.0f %5.0f %6.2f %8.3f\n", (double)features[i][0], (double)features[i][1], (double)features[i][2], (double)power[i], (double)out[i]);
        worst = fmaxf(worst, fabsf(out[i] - power[i]));
    }
    gm_tensor_free(fit); gm_model_free(m); gm_dataset_free(table); gm_tensor_free(x); gm_tensor_free(y); gm_ctx_free(ctx);
    return s != GM_OK || !(worst < 0.1f);
}
