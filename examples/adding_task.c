/* adding_task - what a recurrent net can learn about things far apart [Hochreiter & Schmidhuber 1997].
 *
 *   adding_task [STEPS]       default: 1000
 *
 * A sequence of 100 pairs: a number in [0,1], and a mark that is 1 at two places, one in each half. The sum of the two marked
 * numbers is to be told at the end. Whoever says 1 whatever comes has a mean squared error of 1/6. For both cells: the error, and
 * the gradient of the loss by the state so many steps before the end, which is what learning has to go by. */
#include <gm/gm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { T = 100, N = 32, H = 32 };

typedef struct net {
    int lstm;
    gm_tensor *w_ih, *w_hh, *b_ih, *b_hh, *out, *out_b, *x, *y;
} net;

static gm_status leaf(gm_ctx *ctx, int32_t ndim, int64_t rows, int64_t cols, float bound, uint64_t index, gm_tensor **out)
{
    gm_status s = gm_tensor_new(ctx, GM_F32, ndim, (const int64_t[]){rows, cols}, out);
    if (s) return s;
    float *w = gm_tensor_data(*out);
    if ((s = gm_random_uniform(7, index, 0, (size_t)gm_tensor_size(*out), w))) return s;
    for (int64_t i = 0; i < gm_tensor_size(*out); i++) w[i] = (2 * w[i] - 1) * bound;
    return gm_tensor_set_grad(*out, 1);
}

static gm_status net_new(gm_ctx *ctx, net *n, int lstm)
{
    const int64_t g = lstm ? 4 * H : H;
    const float bound = 1 / sqrtf(H);
    *n = (net){.lstm = lstm};
    gm_status s = leaf(ctx, 2, g, 2, bound, 0, &n->w_ih);
    if (!s) s = leaf(ctx, 2, g, H, bound, 1, &n->w_hh);
    if (!s) s = leaf(ctx, 1, g, 0, 0, 2, &n->b_ih);
    if (!s) s = leaf(ctx, 1, g, 0, 0, 3, &n->b_hh);
    if (!s) s = leaf(ctx, 2, 1, H, bound, 4, &n->out);
    if (!s) s = leaf(ctx, 1, 1, 0, 0, 5, &n->out_b);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 3, (const int64_t[]){T, N, 2}, &n->x);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (const int64_t[]){N, 1}, &n->y);
    for (int i = 0; !s && lstm && i < H; i++) { /* unit i remembers for about so many steps, to begin with [Tallec & Ollivier 2018] */
        float *b = gm_tensor_data(n->b_ih), steps = 1 + (float)(T - 2) * ((float)i + 0.5f) / H;
        b[i] = -logf(steps), b[H + i] = logf(steps);
    }
    return s;
}

/* The sequences of a step, always new ones. */
static gm_status draw(net *n, uint64_t step)
{
    static float u[T * N + 2 * N];
    float *x = gm_tensor_data(n->x), *y = gm_tensor_data(n->y);
    gm_status s = gm_random_uniform(1, step, 0, sizeof u / sizeof *u, u);
    for (int l = 0; !s && l < N; l++) {
        int first = (int)(u[T * N + l] * (T / 2)), second = T / 2 + (int)(u[T * N + N + l] * (T / 2));
        for (int t = 0; t < T; t++) {
            x[(t * N + l) * 2] = u[t * N + l];
            x[(t * N + l) * 2 + 1] = t == first || t == second;
        }
        y[l] = u[first * N + l] + u[second * N + l];
    }
    return s;
}

static gm_tensor *run(net *n, gm_tape *t, gm_tensor *x, gm_tensor **h, gm_tensor **c)
{
    return n->lstm ? gm_lstm(t, x, *h, *c, n->w_ih, n->w_hh, n->b_ih, n->b_hh, h, c) : gm_elman(t, x, *h, n->w_ih, n->w_hh, n->b_ih, n->b_hh, h);
}
static gm_tensor *error_of(net *n, gm_tape *t, gm_tensor *h) { return gm_mse(t, gm_linear(t, h, n->out, n->out_b), n->y, GM_MEAN); }

/* |d loss / d state| so many steps before the end: steps one by one, so that each state can be asked for its gradient. */
static gm_status reach(net *n, gm_tape *t)
{
    gm_tensor *h = NULL, *c = NULL, *state[2 * T], *grad[2 * T];
    const int each = n->lstm ? 2 : 1;
    for (int i = 0; i < T; i++) {
        run(n, t, gm_slice(t, n->x, 0, i, i + 1, 1), &h, &c);
        state[each * i] = h;
        if (n->lstm) state[2 * i + 1] = c;
    }
    gm_status s = gm_tape_grad(t, error_of(n, t, h), state, each * T, 0, grad);
    printf("  gradient by steps before the end:");
    for (int lag = 0; !s && lag < T; lag += 11) {
        double sum = 0;
        for (int k = 0; k < each; k++) {
            float g[N * H];
            if ((s = gm_tensor_read(grad[each * (T - 1 - lag) + k], g, sizeof g))) break;
            for (int i = 0; i < N * H; i++) sum += (double)g[i] * (double)g[i];
        }
        printf("  %d: %.1e", lag, sqrt(sum));
    }
    printf("\n");
    gm_tape_reset(t);
    return s;
}

static gm_status learn(gm_ctx *ctx, int lstm, int steps, double *error)
{
    net n;
    gm_tape *t = NULL;
    gm_optim *adam = NULL;
    gm_status s = net_new(ctx, &n, lstm);
    gm_tensor *const all[] = {n.w_ih, n.w_hh, n.b_ih, n.b_hh, n.out, n.out_b};
    if (!s) s = gm_tape_new(ctx, 1, &t);
    if (!s) s = gm_optim_new(ctx, "adam", "lr=1e-2 clip-norm=1", &adam);
    for (int i = 0; !s && i < 6; i++) s = gm_optim_add(adam, all[i], NULL);
    printf("%s\n", lstm ? "lstm" : "elman");
    if (!s) s = draw(&n, 0);
    if (!s) s = reach(&n, t);
    double sum = 0;
    for (int step = 1; !s && step <= steps; step++) {
        gm_tensor *h = NULL, *c = NULL;
        double value;
        if ((s = draw(&n, (uint64_t)step))) break;
        run(&n, t, n.x, &h, &c);
        gm_tensor *loss = error_of(&n, t, h);
        if ((s = gm_tape_backward(t, loss)) || (s = gm_tensor_item(loss, &value)) || (s = gm_optim_step(adam))) break;
        gm_tape_reset(t);
        sum += value;
        if (step % (steps / 10) == 0) printf("  step %5d  mean squared error %.5f\n", step, *error = sum / (steps / 10)), sum = 0;
    }
    if (!s) s = reach(&n, t);
    gm_optim_free(adam);
    gm_tape_free(t);
    for (int i = 0; i < 6; i++) gm_tensor_free(all[i]);
    gm_tensor_free(n.x);
    gm_tensor_free(n.y);
    return s;
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL;
    double error[2] = {0, 0};
    int steps = argc > 1 ? atoi(argv[1]) : 1000;
    if (steps < 10) return fprintf(stderr, "adding_task: 10 steps or more\n"), 2;
    gm_status s = gm_ctx_new(NULL, &ctx);
    for (int lstm = 0; !s && lstm < 2; lstm++) s = learn(ctx, lstm, steps, &error[lstm]);
    if (s) fprintf(stderr, "adding_task: %s\n", gm_ctx_message(ctx));
    else printf("mean squared error of the last tenth: elman %.4f, lstm %.4f\n", error[0], error[1]);
    gm_ctx_free(ctx);
    return s != GM_OK;
}
