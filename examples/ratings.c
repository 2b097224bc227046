/* ratings.c - what will users think of what they have not rated? A restricted Boltzmann machine of ratings against the sum of what users and
 * items add to the mean, on ratings that neither has seen. Made-up ratings, or a table of yours:
 * ratings [EPOCHS] [SPEC], say ratings 40 ratings:u1.base,u1.test,table=on for those of MovieLens. */
#include <gm/gm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 40, SHRINK = 5 /* a user or an item counts as if it had this many ratings more, all of them average */ };

typedef struct biases { double mean, *user, *item; } biases;

/* What is left of the ratings of every user (or item) when the mean and the other side are taken away: its average. */
static void average(biases *b, const float *x, int64_t users, int64_t items, int of_items)
{
    double *const to = of_items ? b->item : b->user;
    for (int64_t k = 0; k < (of_items ? items : users); k++) {
        double sum = 0, n = SHRINK;
        for (int64_t other = 0; other < (of_items ? users : items); other++) {
            const float r = of_items ? x[other * items + k] : x[k * items + other];
            if (!isnan(r)) sum += (double)r - b->mean - (of_items ? b->user : b->item)[other], n++;
        }
        to[k] = sum / n;
    }
}

static biases fit_biases(const float *x, int64_t users, int64_t items)
{
    biases b = {0, calloc((size_t)users, sizeof(double)), calloc((size_t)items, sizeof(double))};
    double n = 0;
    for (int64_t i = 0; i < users * items; i++)
        if (!isnan(x[i])) b.mean += (double)x[i], n++;
    b.mean /= n;
    for (int k = 0; b.user && b.item && k < ROUNDS; k++) average(&b, x, users, items, 1), average(&b, x, users, items, 0);
    return b;
}

/* Root of the mean squared error: of the biases, of the RBM's predictions p, and of the mean alone. */
static void compare(const biases *b, const float *x, const float *y, const float *p, int64_t users, int64_t items, double rmse[3])
{
    double sum[3] = {0}, n = 0, lo = INFINITY, hi = -INFINITY;
    for (int64_t i = 0; i < users * items; i++)
        if (!isnan(x[i])) lo = fmin(lo, (double)x[i]), hi = fmax(hi, (double)x[i]);
    for (int64_t i = 0; i < users * items; i++) {
        if (isnan(y[i])) continue;
        const double guess = b->mean + b->user[i / items] + b->item[i % items], said[3] = {b->mean, fmin(hi, fmax(lo, guess)), (double)p[i]};
        for (int k = 0; k < 3; k++) sum[k] += (said[k] - (double)y[i]) * (said[k] - (double)y[i]);
        n++;
    }
    for (int k = 0; k < 3; k++) rmse[k] = sqrt(sum[k] / n);
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *rbm = NULL;
    gm_tensor *x = NULL, *y = NULL, *p = NULL;
    char fit[128];
    double rmse[3] = {0};
    biases b = {0};
    snprintf(fit, sizeof fit, "epochs=%d batch=50 lr=0.5 weight-decay=0.0003 seed=1", argc > 1 ? atoi(argv[1]) : 40);
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, argc > 2 ? argv[2] : "synth:ratings,n=2000,hold=0.1", &d); /* x: what is known, y: what is held out */
    if (!s) s = gm_model_new(ctx, "rbm", "units=softmax levels=1,2,3,4,5 missing=on hidden=20 seed=1", &rbm);
    if (!s) s = gm_fit(rbm, d, fit);
    if (!s) s = gm_dataset_read(d, "x", 0, gm_dataset_rows(d), &x);
    if (!s) s = gm_dataset_read(d, "y", 0, gm_dataset_rows(d), &y);
    if (!s) s = gm_predict(rbm, x, &p);
    if (!s) {
        const int64_t users = gm_tensor_dim(x, 0), items = gm_tensor_dim(x, 1);
        b = fit_biases(gm_tensor_data(x), users, items);
        if (b.user && b.item) compare(&b, gm_tensor_data(x), gm_tensor_data(y), gm_tensor_data(p), users, items, rmse);
        printf("of %lld users and %lld items, ratings held out       rmse\n", (long long)users, (long long)items);
        printf("the mean of all                                   %.4f\n", rmse[0]);
        printf("the mean, and what user and item add to it        %.4f\n", rmse[1]);
        printf("RBM, 20 hidden units                              %.4f\n", rmse[2]);
    } else {
        fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    }
    free(b.user);
    free(b.item);
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_tensor_free(p);
    gm_model_free(rbm);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    return s || !(rmse[2] < rmse[1]);
}
