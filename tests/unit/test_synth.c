/* Built-in data: laws, seeds, rows that depend on nothing but their number. */
#include "data_test.h"
#include "data/synth.h"

static gm_dataset *open_spec(const char *spec)
{
    gm_dataset *d = NULL;
    OK(gm_dataset_open(ctx, spec, &d));
    return d;
}

static gm_tensor *column(gm_dataset *d, const char *name)
{
    gm_tensor *t = NULL;
    OK(gm_dataset_read(d, name, 0, gm_dataset_rows(d), &t));
    return t;
}

START_TEST(gaussians)
{
    static const struct { const char *spec; int modes; double sigma; } cases[] = {
        { "synth:ring8", 8, 0.01 }, { "synth:grid25", 25, 0.05 }, { "synth:grid25,sigma=.2,n=10000,seed=3", 25, 0.2 } };
    for (int k = 0; k < 3; k++) {
        gm_dataset *d = open_spec(cases[k].spec);
        gm_tensor *x = column(d, "x"), *y = column(d, "label");
        ck_assert_uint_eq(gm_dataset_rows(d), 10000);
        ck_assert_int_eq(gm_dataset_classes(d), cases[k].modes);
        double sum = 0;
        int count[25] = { 0 };
        for (int i = 0; i < 10000; i++) {
            int64_t m = ((int64_t *)(void *)y->data)[i];
            double a = k ? 2.0 * (double)(m % 5 - 2) : cos(2 * 3.141592653589793 * (double)m / 8);
            double b = k ? 2.0 * (double)(m / 5 - 2) : sin(2 * 3.141592653589793 * (double)m / 8);
            double u = ((double)gm__f32(x)[2 * i] - a) / cases[k].sigma, v = ((double)gm__f32(x)[2 * i + 1] - b) / cases[k].sigma;
            ck_assert(fabs(u) < 6 && fabs(v) < 6);
            sum += u * u + v * v;
            count[m]++;
        }
        ck_assert_double_eq_tol(sum / 20000, 1, 0.04); /* 4 standard errors */
        double mean = 10000.0 / cases[k].modes;
        for (int m = 0; m < cases[k].modes; m++) ck_assert_double_eq_tol(count[m], mean, 5 * sqrt(mean));
        gm_tensor_free(x), gm_tensor_free(y);
        gm_dataset_free(d);
    }
}
END_TEST

START_TEST(curves)
{
    gm_dataset *d = open_spec("synth:moons,n=2000,sigma=0");
    gm_tensor *x = column(d, "x"), *y = column(d, "label");
    for (int i = 0; i < 2000; i++) {
        double a = (double)gm__f32(x)[2 * i], b = (double)gm__f32(x)[2 * i + 1];
        if (((int64_t *)(void *)y->data)[i]) a = 1 - a, b = 0.5 - b;
        ck_assert_double_eq_tol(a * a + b * b, 1, 1e-5);
        ck_assert(b > -1e-6);
    }
    gm_tensor_free(x), gm_tensor_free(y), gm_dataset_free(d);
    d = open_spec("synth:swissroll,n=2000,sigma=0");
    x = column(d, "x");
    ck_assert_int_eq(gm_dataset_columns(d), 1);
    ck_assert_int_eq(gm_dataset_classes(d), 0);
    for (int i = 0; i < 2000; i++) {
        double a = (double)gm__f32(x)[2 * i] * 10, b = (double)gm__f32(x)[2 * i + 1] * 10, t = sqrt(a * a + b * b);
        ck_assert(t > 4.71 && t < 14.14);
        ck_assert_double_eq_tol(a, t * cos(t), 1e-4);
        ck_assert_double_eq_tol(b, t * sin(t), 1e-4);
    }
    gm_tensor_free(x), gm_dataset_free(d);
}
END_TEST

START_TEST(bars_and_stripes)
{
    gm_dataset *d = open_spec("synth:bars,n=14000");
    gm_tensor *x = column(d, "x");
    int count[512] = { 0 }, kinds = 0;
    ck_assert_int_eq(x->ndim, 4);
    ck_assert(x->shape[1] == 1 && x->shape[2] == 3 && x->shape[3] == 3);
    for (int i = 0; i < 14000; i++) {
        int code = 0;
        for (int k = 0; k < 9; k++) {
            float v = gm__f32(x)[9 * i + k];
            ck_assert(v == 0 || v == 1);
            code |= (int)v << k;
        }
        count[code]++;
    }
    for (int c = 0; c < 512; c++) {
        bool rows = true, cols = true;
        for (int k = 0; k < 9; k++) {
            rows = rows && (c >> k & 1) == (c >> (k - k % 3) & 1);
            cols = cols && (c >> k & 1) == (c >> k % 3 & 1);
        }
        kinds += rows || cols;
        if (rows || cols) ck_assert_double_eq_tol(count[c], 1000, 5 * sqrt(1000));
        else ck_assert_int_eq(count[c], 0);
    }
    ck_assert_int_eq(kinds, 14); /* 2^4 - 2 */
    gm_tensor_free(x), gm_dataset_free(d);
    d = open_spec("synth:bars,n=10,size=24");
    ck_assert_int_eq(gm_dataset_column_name(d, 1) == NULL, 1);
    gm_dataset_free(d);
}
END_TEST

/* Whole numbers from 1 to 5, a tenth of the table or so; what is held out was in x, and what remains is as without it. */
START_TEST(ratings)
{
    gm_dataset *d = open_spec("synth:ratings,n=1000,items=50"), *e = open_spec("synth:ratings,n=1000,items=50,hold=0.25");
    gm_tensor *all = column(d, "x"), *x = column(e, "x"), *y = column(e, "y");
    int n = 0, held = 0, count[6] = { 0 };
    double sum[50] = { 0 }, seen[50] = { 0 }, mean = 0, spread = 0;
    ck_assert_int_eq(gm_dataset_columns(d), 1);
    for (int u = 0; u < 1000; u++) {
        for (int i = u * 50; i < (u + 1) * 50; i++) {
            const float a = gm__f32(all)[i], b = gm__f32(x)[i], c = gm__f32(y)[i];
            ck_assert(isnan(a) ? isnan(b) && isnan(c) : isnan(b) != isnan(c) && (isnan(b) ? c : b) == a);
            if (isnan(a)) continue;
            ck_assert(a >= 1 && a <= 5 && a == floorf(a));
            n++, held += isnan(b), count[(int)a]++;
            sum[i % 50] += (double)a, seen[i % 50]++;
        }
    }
    ck_assert_msg(n > 4000 && n < 7000, "%d ratings", n);
    ck_assert_double_eq_tol((double)held / n, 0.25, 5 * sqrt(0.25 * 0.75 / n));
    for (int k = 1; k < 6; k++) ck_assert_int_gt(count[k], n / 100);
    for (int i = 0; i < 50; i++) mean += sum[i] / seen[i] / 50;
    for (int i = 0; i < 50; i++) spread += pow(sum[i] / seen[i] - mean, 2) / 50;
    ck_assert_msg(sqrt(spread) > 0.3 && sqrt(spread) < 0.8, "means of items differ by %g", sqrt(spread)); /* 0.5, cut at 1 and 5, of 50 */
    gm_tensor_free(all), gm_tensor_free(x), gm_tensor_free(y);
    gm_dataset_free(d), gm_dataset_free(e);
    FAILS(GM_EARG, "items", gm_dataset_open(ctx, "synth:ratings,items=1", &d));
    FAILS(GM_EARG, "hold", gm_dataset_open(ctx, "synth:ratings,hold=1", &d));
    FAILS(GM_EARG, "hold", gm_dataset_open(ctx, "synth:ring8,hold=0.5", &d));
}
END_TEST

START_TEST(rows_stand_alone)
{
    const char *kinds[] = { "ring8", "grid25", "moons", "swissroll", "bars", "digits", "shapes", "ratings,hold=0.2" };
    for (int k = 0; k < 8; k++) {
        char spec[80];
        snprintf(spec, sizeof spec, "synth:%s,n=700,seed=9", kinds[k]);
        gm_dataset *a = open_spec(spec);
        snprintf(spec, sizeof spec, "synth:%s,n=300,seed=9[10:300:2]", kinds[k]);
        gm_dataset *b = open_spec(spec);
        snprintf(spec, sizeof spec, "synth:%s,n=300,seed=10", kinds[k]);
        gm_dataset *c = open_spec(spec);
        gm_tensor *x = column(a, "x"), *y = column(b, "x"), *z = column(c, "x");
        size_t row = (size_t)(x->size / 700) * 4;
        ck_assert_int_eq(y->shape[0], 145);
        for (size_t i = 0; i < 145; i++) ck_assert_mem_eq(y->data + i * row, x->data + (10 + 2 * i) * row, row);
        ck_assert(memcmp(x->data, z->data, 300 * row));
        gm_tensor_free(x), gm_tensor_free(y), gm_tensor_free(z);
        gm_dataset_free(a), gm_dataset_free(b), gm_dataset_free(c);
        gm_ctx *one = new_ctx(1); /* and the number of threads changes nothing */
        uint64_t f, g;
        snprintf(spec, sizeof spec, "synth:%s,n=700,seed=9", kinds[k]);
        a = open_spec(spec);
        OK(gm__dataset_fingerprint(a, &f));
        gm_dataset_free(a);
        ck_assert_int_eq(gm_dataset_open(one, spec, &a), GM_OK);
        ck_assert_int_eq(gm__dataset_fingerprint(a, &g), GM_OK);
        ck_assert_uint_eq(f, g);
        gm_dataset_free(a);
        gm_ctx_free(one);
    }
}
END_TEST

START_TEST(digits)
{
    gm_dataset *d = open_spec("synth:digits,n=3000");
    int64_t shape[8];
    ck_assert_int_eq(gm_dataset_shape(d, "x", shape), 3);
    ck_assert(shape[0] == 1 && shape[1] == 28 && shape[2] == 28);
    ck_assert_int_eq(gm_dataset_dtype(d, "x"), GM_U8);
    ck_assert_int_eq(gm_dataset_classes(d), 10);
    const uint8_t *p = (const uint8_t *)gm__dataset_column(d, "x")->t->data;
    const int64_t *label = (const int64_t *)(const void *)gm__dataset_column(d, "label")->t->data;
    int count[10] = { 0 };
    double mean[10][784] = { { 0 } };
    for (int i = 0; i < 3000; i++, p += 784) {
        double sum = 0, cx = 0, cy = 0;
        int border = 0, full = 0;
        for (int k = 0; k < 784; k++) {
            sum += p[k], cx += p[k] * (k % 28 + 0.5), cy += p[k] * (k / 28 + 0.5);
            border += p[k] && (k % 28 < 2 || k % 28 > 25 || k / 28 < 2 || k / 28 > 25);
            full += p[k] > 200;
            mean[label[i]][k] += p[k];
        }
        ck_assert_msg(sum > 255 * 25 && sum < 255 * 300 && full > 8, "digit %d of label %d has ink %g", i, (int)label[i], sum / 255);
        ck_assert_msg(border <= 20, "digit %d reaches the border in %d pixels", i, border);
        ck_assert(fabs(cx / sum - 14) < 2 && fabs(cy / sum - 14) < 2);
        count[label[i]]++;
    }
    for (int k = 0; k < 10; k++) ck_assert_double_eq_tol(count[k], 300, 90);
    /* The nearest mean knows most of 500 new ones: they are digits and not scribbles. */
    gm_dataset *e = open_spec("synth:digits,n=500,seed=1");
    p = (const uint8_t *)gm__dataset_column(e, "x")->t->data;
    label = (const int64_t *)(const void *)gm__dataset_column(e, "label")->t->data;
    int right = 0;
    for (int i = 0; i < 500; i++, p += 784) {
        int best = 0;
        double least = 1e300;
        for (int c = 0; c < 10; c++) {
            double dist = 0;
            for (int k = 0; k < 784; k++) dist += (p[k] - mean[c][k] / count[c]) * (p[k] - mean[c][k] / count[c]);
            if (dist < least) least = dist, best = c;
        }
        right += best == label[i];
    }
    ck_assert_msg(right > 375, "nearest mean: %d of 500", right);
    gm_dataset_free(d), gm_dataset_free(e);
}
END_TEST

/* A^2 / (2 pi I), area and polar moment, is a number of the shape alone, whatever its place, size and turn. */
START_TEST(shapes)
{
    const double want[4] = { 1, 3 / 3.14159265, 9 / (2 * 3.14159265 * sqrt(3)), 2.04 * 2.04 / (2 * 3.14159265 * 0.8504) };
    gm_dataset *d = open_spec("synth:shapes,n=400,sigma=0");
    ck_assert(gm_dataset_classes(d) == 4 && gm_dataset_dtype(d, "x") == GM_U8);
    const uint8_t *p = (const uint8_t *)gm__dataset_column(d, "x")->t->data;
    const int64_t *label = (const int64_t *)(const void *)gm__dataset_column(d, "label")->t->data;
    double mean[4] = { 0 };
    int count[4] = { 0 };
    for (int i = 0; i < 400; i++, p += 3072) {
        double area = 0, cx = 0, cy = 0, moment = 0;
        int full = 0, ground = 255;
        for (int k = 0; k < 3072; k++) full = p[k] == 255 ? k / 1024 : full;
        const uint8_t *q = p + 1024 * full; /* the channel in which the shape is 1 */
        for (int k = 0; k < 1024; k++) ground = q[k] < ground ? q[k] : ground;
        for (int k = 0; k < 1024; k++) area += q[k] - ground, cx += (q[k] - ground) * (k % 32), cy += (q[k] - ground) * (k / 32);
        cx /= area, cy /= area;
        for (int k = 0; k < 1024; k++) moment += (q[k] - ground) * ((k % 32 - cx) * (k % 32 - cx) + (k / 32 - cy) * (k / 32 - cy));
        mean[label[i]] += area / (255.0 - ground) * area / (2 * 3.14159265 * moment);
        count[label[i]]++;
    }
    for (int k = 0; k < 4; k++) {
        ck_assert_double_eq_tol(count[k], 100, 40);
        ck_assert_msg(fabs(mean[k] / count[k] - want[k]) < 0.02, "shape %d: %g, not %g", k, mean[k] / count[k], want[k]);
    }
    gm_dataset_free(d);
}
END_TEST

START_TEST(refused)
{
    gm_dataset *d;
    FAILS(GM_EARG, "ring8", gm_dataset_open(ctx, "synth:ring9", &d));
    FAILS(GM_EARG, "n", gm_dataset_open(ctx, "synth:ring8,n=0", &d));
    FAILS(GM_EARG, "n", gm_dataset_open(ctx, "synth:ring8,n=many", &d));
    FAILS(GM_EARG, "size", gm_dataset_open(ctx, "synth:ring8,size=3", &d));
    FAILS(GM_EARG, "sigma", gm_dataset_open(ctx, "synth:bars,sigma=3", &d));
    FAILS(GM_EARG, "sigma", gm_dataset_open(ctx, "synth:ring8,sigma=-1", &d));
    FAILS(GM_EARG, "size", gm_dataset_open(ctx, "synth:bars,size=25", &d));
    FAILS(GM_EARG, "rows", gm_dataset_open(ctx, "synth:ring8,rows=3", &d));
    FAILS(GM_EARG, "one name", gm_dataset_open(ctx, "synth:ring8,moons", &d));
    FAILS(GM_EFORMAT, "10000 rows", gm_dataset_open(ctx, "synth:ring8[0:10001]", &d));
    ck_assert_ptr_null(d);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { gaussians, curves, bars_and_stripes, ratings, rows_stand_alone, digits, shapes, refused, NULL };
    return run_suite("synth", tests);
}
