/* boltzmann_small.c - a Boltzmann machine of three visible and three hidden units learns a distribution that pairs alone cannot tell.
 *
 * The data: 0 or 1 thrown for two units, the third one on if exactly one of them is (a noisy exclusive or). All pairs of units are
 * independent, so only hidden units can help. All states can be counted, so the table compares probabilities with those of the source.
 * boltzmann_small [STEPS] */
#include <gm/gm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { V = 3, STATES = 1 << V, ROWS = 800, NOISE = 10 /* one row in so many is wrong */ };

/* A row's state: eight states in turn; those that break the rule are as rare as NOISE says. */
static int state_of_row(int r)
{
    int a = r & 1, b = r >> 1 & 1, wrong = r / 4 % NOISE == 0;
    return a | b << 1 | ((a ^ b) ^ wrong) << 2;
}

static gm_status data(gm_ctx *ctx, gm_dataset **out)
{
    static float x[ROWS * V];
    const int64_t shape[] = {ROWS, V};
    gm_tensor *t = NULL;
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < V; i++) x[r * V + i] = (float)(state_of_row(r) >> i & 1);
    gm_status s = gm_tensor_copy(ctx, GM_F32, 2, shape, x, &t);
    if (!s) s = gm_dataset_from_tensors(ctx, t, NULL, out);
    gm_tensor_free(t);
    return s;
}

/* log p of each of the eight states */
static gm_status learned(gm_ctx *ctx, gm_model *bm, const char *options, gm_tensor **log_p)
{
    float x[STATES * V];
    const int64_t shape[] = {STATES, V};
    gm_tensor *v = NULL;
    for (int k = 0; k < STATES * V; k++) x[k] = (float)(k / V >> k % V & 1);
    gm_status s = gm_tensor_copy(ctx, GM_F32, 2, shape, x, &v);
    if (!s) s = gm_bm_log_prob(bm, v, options, log_p);
    gm_tensor_free(v);
    return s;
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *bm = NULL;
    gm_tensor *warm = NULL, *cold = NULL;
    char fit[128];
    double most = 0, log_z = 0;
    snprintf(fit, sizeof fit, "steps=%d batch=%d lr=0.3 momentum=0.9 seed=1", argc > 1 ? atoi(argv[1]) : 2000, ROWS);
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = data(ctx, &d);
    if (!s) s = gm_model_new(ctx, "bm", "hidden=3 init-std=0.5 seed=1", &bm);
    if (!s) s = gm_fit(bm, d, fit);
    if (!s) s = learned(ctx, bm, NULL, &warm);
    if (!s) s = learned(ctx, bm, "temperature=0.5", &cold);
    if (!s) s = gm_bm_log_z(bm, NULL, &log_z);
    if (s) {
        fprintf(stderr, "boltzmann_small: %s\n", gm_ctx_message(ctx));
    } else {
        int count[STATES] = {0};
        for (int r = 0; r < ROWS; r++) count[state_of_row(r)]++;
        printf("state   source  learned  at T=0.5\n");
        for (int k = 0; k < STATES; k++) {
            double want = (double)count[k] / ROWS, p = exp((double)((const float *)gm_tensor_data(warm))[k]);
            most = fmax(most, fabs(want - p));
            printf("%d%d%d    %7.4f  %7.4f   %7.4f\n", k & 1, k >> 1 & 1, k >> 2, want, p, exp((double)((const float *)gm_tensor_data(cold))[k]));
        }
        printf("log Z = %.4f, furthest apart %.4f\n", log_z, most);
    }
    gm_tensor_free(warm);
    gm_tensor_free(cold);
    gm_model_free(bm);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    return s != GM_OK || !(most < 0.02);
}
