/* attention_lookup - attention is a dictionary that can be asked with a key that is not quite there.
 *
 * First a small one, by hand: towns by their place on the map, their values what the weather is like. Then one that is
 * learned: keys and questions are written in two languages of which nothing is known, and a matrix between them is found
 * from examples of right answers, so that any new dictionary can be asked. */
#include <gm/gm.h>
#include <stdio.h>

enum { TOWNS = 5, PAIRS = 8, D = 16, E = 4, BATCH = 64, STEPS = 400 };

static gm_tensor *filled(gm_tape *t, int32_t ndim, const int64_t *shape, const float *v)
{
    gm_tensor *x = gm_zeros(t, GM_F32, ndim, shape);
    for (int64_t i = 0; x && i < gm_tensor_size(x); i++) ((float *)gm_tensor_data(x))[i] = v[i];
    return x;
}

/* The answer is the sum of all values, each by how near its key is to the question. Values that are the rows of a unit
 * matrix give these weights themselves. */
static gm_status by_hand(gm_ctx *ctx)
{
    static const char *const town[TOWNS] = {"Oslo", "Paris", "Rome", "Cairo", "Nairobi"};
    static const float place[TOWNS][2] = {{59.9f, 10.8f}, {48.9f, 2.4f}, {41.9f, 12.5f}, {30.0f, 31.2f}, {-1.3f, 36.8f}};
    static const float mean_c[TOWNS] = {6.3f, 12.3f, 15.9f, 22.1f, 17.8f}, lyon[2] = {45.8f, 4.8f};
    static const int64_t keys[4] = {1, 1, TOWNS, 3}, one[4] = {1, 1, 1, 3}, values[4] = {1, 1, TOWNS, TOWNS + 1};
    float k[TOWNS][3], q[3], v[TOWNS][TOWNS + 1] = {{0}};
    gm_tape *t = NULL;
    gm_status s = gm_tape_new(ctx, 0, &t);
    if (s) return s;
    /* -|k - q|^2 / 2 = q.k - |k|^2/2 - |q|^2/2, the last alike for all: a third number makes distances of products */
    for (int i = 0; i < TOWNS; i++) {
        k[i][0] = place[i][0], k[i][1] = place[i][1];
        k[i][2] = -(place[i][0] * place[i][0] + place[i][1] * place[i][1]) / 2;
        v[i][i] = 1, v[i][TOWNS] = mean_c[i];
    }
    q[0] = lyon[0], q[1] = lyon[1], q[2] = 1;
    gm_tensor *y = gm_attention(t, filled(t, 4, one, q), filled(t, 4, keys, k[0]), filled(t, 4, values, v[0]), NULL, 0.04, 0);
    if (y) {
        const float *p = gm_tensor_data(y);
        printf("how warm is Lyon? places known:\n");
        for (int i = 0; i < TOWNS; i++) printf("  %-8s %5.1f C   weight %.3f\n", town[i], (double)mean_c[i], (double)p[i]);
        printf("  answer   %5.1f C\n\n", (double)p[TOWNS]);
    }
    s = gm_tape_status(t);
    if (s) fprintf(stderr, "%s\n", gm_tape_message(t));
    gm_tape_free(t);
    return s;
}

/* A batch of dictionaries, and a question to each of their keys: q = k R, R the unknown language. */
static gm_tensor *answers(gm_tape *t, gm_tensor *w, gm_tensor *language, gm_tensor **values)
{
    static const int64_t kd[4] = {BATCH, 1, PAIRS, D}, vd[4] = {BATCH, 1, PAIRS, E};
    gm_tensor *k = gm_normal(t, 4, kd, 0, 1), *q = gm_matmul(t, k, language);
    *values = gm_uniform(t, 4, vd, 0, 1);
    return gm_attention(t, gm_linear(t, q, w, NULL), k, *values, NULL, 0, 0);
}

static gm_status learned(gm_ctx *ctx, double *error)
{
    static const int64_t square[2] = {D, D};
    gm_tape *t = NULL;
    gm_optim *adam = NULL;
    gm_tensor *w = NULL, *language = NULL, *values;
    float numbers[2][D * D];
    gm_status s = gm_tape_new(ctx, 1, &t);
    for (uint64_t i = 0; !s && i < 2; i++) s = gm_random_normal(1, i, 0, (size_t)(D * D), numbers[i]);
    for (int i = 0; !s && i < D * D; i++) numbers[0][i] *= 0.25f, numbers[1][i] *= 0.05f;
    if (!s) s = gm_tensor_copy(ctx, GM_F32, 2, square, numbers[0], &language);
    if (!s) s = gm_tensor_copy(ctx, GM_F32, 2, square, numbers[1], &w);
    if (!s) s = gm_optim_new(ctx, "adam", "lr=0.02", &adam);
    if (!s) s = gm_optim_add(adam, w, NULL);
    printf("a dictionary of %d words, asked in an unknown language:\n", PAIRS);
    for (int step = 0; !s && step <= STEPS; step++) {
        gm_tensor *y = answers(t, w, language, &values), *loss = gm_mse(t, y, values, GM_MEAN);
        s = gm_tape_backward(t, loss);
        if (!s) s = gm_tensor_item(loss, error);
        if (!s && step % 100 == 0) printf("  after %3d examples: mean squared error %.4f\n", step, *error);
        if (!s) s = gm_optim_step(adam);
        gm_tape_reset(t);
    }
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    gm_tensor_free(w);
    gm_tensor_free(language);
    gm_optim_free(adam);
    gm_tape_free(t);
    return s;
}

int main(void)
{
    gm_ctx *ctx = NULL;
    double error = 1;
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = by_hand(ctx);
    if (!s) s = learned(ctx, &error);
    gm_ctx_free(ctx);
    return s != GM_OK || error > 0.01;                /* the mean of all values would be off by 0.08 */
}
