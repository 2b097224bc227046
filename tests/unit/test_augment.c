/* Augmentation: each option against what it must do, draws that depend on (seed, epoch, row) alone, refusals. */
#include "data_test.h"
#include <gm/gm.h>

enum { H = 9, W = 7 };

/* n pictures [2, H, W] of f32; value(row, c, y, x). */
static gm_dataset *pictures(int n, float (*value)(int, int, int, int))
{
    gm_tensor *t;
    gm_dataset *d;
    OK(gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){ n, 2, H, W }, &t));
    for (int i = 0; i < n * 2 * H * W; i++) gm__f32(t)[i] = value(i / (2 * H * W), i / (H * W) % 2, i / W % H, i % W);
    OK(gm_dataset_from_tensors(ctx, t, NULL, &d));
    gm_tensor_free(t);
    return d;
}

static float unlike(int r, int c, int y, int x) { return (float)(r + 1000 * c + 31 * y + 3 * x + 1); } /* no two pixels equal */
static float ramp_x(int r, int c, int y, int x) { (void)r, (void)c, (void)y; return (float)x; }
static float ramp_y(int r, int c, int y, int x) { (void)r, (void)c, (void)x; return (float)y; }
static float half(int r, int c, int y, int x) { (void)r, (void)c, (void)y, (void)x; return 0.5f; }

/* The n rows of an epoch in the order of their numbers, the caller's. */
static float *epoch_of(gm_dataset *d, const char *options, int epoch)
{
    gm_batches *b;
    gm_tensor *x;
    gm_status s;
    size_t n, row = 0;
    float *out = NULL;
    OK(gm_batches_new(d, options, &b));
    OK(gm_batches_seek(b, (uint64_t)epoch, 0));
    while (!(s = gm_batches_next(b, &x))) {
        const uint64_t *rows = gm_batches_rows(b, &n);
        row = (size_t)(x->size / x->shape[0]);
        if (!out) out = malloc(gm_dataset_rows(d) * row * sizeof *out);
        for (size_t i = 0; i < n; i++) memcpy(out + rows[i] * row, gm__f32(x) + i * row, row * sizeof *out);
    }
    ck_assert_int_eq(s, GM_END);
    gm_batches_free(b);
    return out;
}

START_TEST(shifts_and_flips)
{
    enum { N = 400 };
    gm_dataset *d = pictures(N, unlike);
    for (int mode = 0; mode < 3; mode++) {
        float *p = epoch_of(d, mode == 0 ? "augment=shift=2" : mode == 1 ? "augment=shift=2,fill=edge,flip" : "augment=vflip,flip", 0);
        int count[5][5][2][2] = { { { { 0 } } } };
        for (int r = 0; r < N; r++) {
            int found = 0;
            for (int k = 0; k < 100; k++) { /* one of these, and only one */
                int dx = k % 5 - 2, dy = k / 5 % 5 - 2, flip = k / 25 % 2, vflip = k / 50, same = 1;
                if ((mode == 0 && flip) || (mode < 2 && vflip) || (mode == 2 && (dx || dy))) continue;
                for (int i = 0; i < 2 * H * W && same; i++) {
                    int y = i / W % H, x = i % W, sy = (vflip ? H - 1 - y : y) + dy, sx = (flip ? W - 1 - x : x) + dx;
                    int out = sy < 0 || sy >= H || sx < 0 || sx >= W;
                    sy = sy < 0 ? 0 : sy >= H ? H - 1 : sy, sx = sx < 0 ? 0 : sx >= W ? W - 1 : sx;
                    same = p[r * 2 * H * W + i] == (out && mode == 0 ? 0 : unlike(r, i / (H * W), sy, sx));
                }
                found += same;
                count[dy + 2][dx + 2][flip][vflip] += same;
            }
            ck_assert_msg(found == 1, "mode %d row %d: %d ways", mode, r, found);
        }
        for (int k = 0; k < 100; k++) { /* all equally often, within 5 deviations */
            int n = count[k % 5][k / 5 % 5][k / 25 % 2][k / 50], one = k % 25 == 12;
            double want = mode == 0 ? (k < 25) * N / 25.0 : mode == 1 ? (k < 50) * N / 50.0 : one * N / 4.0;
            ck_assert_msg(fabs(n - want) <= 5 * sqrt(want), "mode %d way %d: %d, not %g", mode, k, n, want);
        }
        free(p);
    }
    gm_dataset_free(d);
}
END_TEST

/* A ramp cut to a window and scaled back is the ramp of the window, wherever it lies. */
START_TEST(crops)
{
    enum { N = 200, S = 4 };
    for (int axis = 0; axis < 2; axis++) {
        gm_dataset *d = pictures(N, axis ? ramp_y : ramp_x);
        float *p = epoch_of(d, "augment=crop=4", 3);
        int n = axis ? H : W, seen[8] = { 0 };
        for (int r = 0; r < N; r++) {
            const float *q = p + r * 2 * H * W;
            float first = q[0];
            ck_assert(first == floorf(first) && first >= 0 && first <= n - S);
            seen[(int)first]++;
            for (int i = 0; i < 2 * H * W; i++) {
                double at = ((axis ? i / W % H : i % W) + 0.5) * S / n - 0.5;
                ck_assert_float_eq_tol(q[i], first + (float)fmin(S - 1, fmax(0, at)), 1e-5f);
            }
        }
        for (int k = 0; k <= n - S; k++) ck_assert_double_eq_tol(seen[k], N / (n - S + 1.0), 5 * sqrt(N / (n - S + 1.0)));
        free(p);
        gm_dataset_free(d);
    }
}
END_TEST

START_TEST(shades)
{
    enum { N = 500, SIZE = 2 * H * W };
    gm_dataset *d = pictures(N, half), *e = pictures(N, ramp_x);
    float *bright = epoch_of(d, "augment=brightness=0.25", 0), *contrast = epoch_of(e, "augment=contrast=0.5", 0);
    float *noise = epoch_of(d, "augment=noise=0.1", 0), *erased = epoch_of(d, "augment=erase=3", 0);
    double sum = 0, square = 0, lo = 1, hi = 0, least = 2, most = 0;
    int blank = 0, whole = 0;
    for (int r = 0; r < N; r++) {
        int zeros = 0;
        double factor = (double)(contrast[r * SIZE + 6] - 3) / 3; /* the ramp 0..6 has mean 3 */
        for (int i = 0; i < SIZE; i++) {
            ck_assert_float_eq(bright[r * SIZE + i], bright[r * SIZE]);
            ck_assert_float_eq_tol(contrast[r * SIZE + i], (float)(3 + factor * (i % W - 3)), 1e-5f);
            double v = (double)noise[r * SIZE + i] - 0.5;
            sum += v, square += v * v;
            zeros += erased[r * SIZE + i] == 0;
            ck_assert(erased[r * SIZE + i] == 0 || erased[r * SIZE + i] == 0.5f);
        }
        lo = fmin(lo, bright[r * SIZE]), hi = fmax(hi, bright[r * SIZE]), least = fmin(least, factor), most = fmax(most, factor);
        ck_assert(zeros >= 2 * 2 * 2 && zeros <= 2 * 9); /* cut at corners, where 2 x 2 stay */
        whole += zeros == 18;
        blank += zeros;
    }
    ck_assert(lo > 0.25 && lo < 0.26 && hi < 0.75 && hi > 0.74 && least > 0.5 && least < 0.52 && most < 1.5 && most > 1.48);
    ck_assert_double_eq_tol(sum / (N * SIZE), 0, 5 * 0.1 / sqrt(N * SIZE));
    ck_assert_double_eq_tol(square / (N * SIZE), 0.01, 0.0003);
    ck_assert_double_eq_tol(whole, N * 5 * 7 / (double)(H * W), 5 * sqrt(N * 0.25)); /* 7 x 5 of 9 x 7 places are whole */
    ck_assert_int_gt(blank, 0);
    free(bright), free(contrast), free(noise), free(erased);
    gm_dataset_free(d), gm_dataset_free(e);
}
END_TEST

START_TEST(same_draws)
{
    gm_dataset *d;
    OK(gm_dataset_open(ctx, "synth:digits,n=60,seed=2", &d));
    const char *all = "augment=flip,shift=3,crop=20,contrast=.3,brightness=.2,noise=.1,erase=5";
    char options[200];
    float *want = NULL;
    for (int k = 0; k < 5; k++) {
        static const char *const how[] = { "batch=1", "batch=7", "batch=60 prefetch=off", "batch=16 shuffle=off", "batch=9 prefetch=off" };
        snprintf(options, sizeof options, "seed=4 %s %s", how[k], all);
        float *p = epoch_of(d, options, 2);
        for (int i = 0; i < 60 * 784; i++) ck_assert(p[i] >= 0 && p[i] <= 1); /* u8: clamped */
        if (want) ck_assert_mem_eq(p, want, 60 * 784 * sizeof *p);
        free(want);
        want = p;
    }
    for (int k = 0; k < 2; k++) {
        snprintf(options, sizeof options, "seed=%d %s", k ? 4 : 5, all);
        float *p = epoch_of(d, options, k ? 3 : 2);
        ck_assert(memcmp(p, want, 60 * 784 * sizeof *p));
        free(p);
    }
    /* one option never moves another: noise is the same with and without a flip, and a flip with and without noise */
    gm_dataset *e = pictures(50, half), *f = pictures(50, ramp_x);
    float *a = epoch_of(e, "augment=noise=0.1", 0), *b = epoch_of(e, "augment=flip,noise=0.1,shift=0,fill=edge", 0);
    ck_assert_mem_eq(a, b, 50 * 2 * H * W * sizeof *a);
    free(a), free(b);
    a = epoch_of(f, "augment=flip", 0), b = epoch_of(f, "augment=contrast=0,flip,noise=0.0001", 0);
    for (int i = 0; i < 50 * 2 * H * W; i++) ck_assert_float_eq_tol(a[i], b[i], 0.001f);
    free(a), free(b), free(want);
    gm_dataset_free(d), gm_dataset_free(e), gm_dataset_free(f);
}
END_TEST

/* Vectors have no places, but values. */
START_TEST(vectors)
{
    gm_dataset *d;
    gm_batches *b;
    OK(gm_dataset_open(ctx, "synth:ring8,n=100", &d));
    float *p = epoch_of(d, "shuffle=off", 0), *q = epoch_of(d, "shuffle=off augment=noise=0.5 binarize=threshold", 0);
    ck_assert(memcmp(p, q, 200 * sizeof *p));
    for (int i = 0; i < 200; i++) ck_assert(q[i] == 0 || q[i] == 1); /* binarised after the noise */
    free(p), free(q);
    FAILS(GM_ESHAPE, "x is [2]", gm_batches_new(d, "augment=flip", &b));
    gm_dataset_free(d);
}
END_TEST

START_TEST(refused)
{
    gm_dataset *d = pictures(5, unlike);
    gm_batches *b;
    static const struct { const char *text, *message; int code; } cases[] = {
        { "turn", "turn", GM_EARG }, { "flip,", "", GM_EARG }, { ",flip", "", GM_EARG }, { "flip,flip", "'flip' stands twice", GM_EARG }, { "shift", "'shift' needs a value", GM_EARG },
        { "shift=x", "shift", GM_EARG }, { "shift=-1", "shift", GM_EARG }, { "noise=nan", "noise", GM_EARG }, { "fill=mirror", "zero|edge", GM_EARG }, { "flip=2", "flip", GM_EARG },
        { "crop=8", "crop=8 for pictures of 9 x 7", GM_ESHAPE }, { "shift=7", "shift=7", GM_ESHAPE },
        { "averyveryveryveryveryveryveryveryveryveryveryveryveryveryverylongname", "no option", GM_EARG } };
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        char options[160];
        snprintf(options, sizeof options, "augment='%s'", cases[i].text);
        FAILS(cases[i].code, cases[i].message, gm_batches_new(d, options, &b));
    }
    gm_dataset_free(d);
    OK(gm_dataset_open(ctx, "synth:digits,n=64,seed=2", &d));
    gm_model *m;
    OK(gm_model_new(ctx, "ae", "hidden=8 latent=2 seed=1", &m));
    FAILS(GM_EARG, "no option 'turn'", gm_fit(m, d, "steps=2 augment=turn"));
    OK(gm_fit(m, d, "steps=2 augment=flip,shift=2,noise=0.1"));
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { shifts_and_flips, crops, shades, same_draws, vectors, refused, NULL };
    return run_suite("augment", tests);
}
