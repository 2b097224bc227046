/* test_degenerate.c - every family on data that hosts have by accident: none, one row, fewer rows than a batch, a constant, no numbers, labels
 * out of range; and a learning rate a thousand times too high. A code with a line, or the documented value: never weights that are no numbers. */
#include "host_test.h"

static gm_ctx *ctx;
enum { ANY = -1, REFUSED = -2 }; /* what training is to answer, if not one code */

/* n rows of pictures; how: "constant", "nan" (all), "one-nan", "inf", "huge", "negative-label", "far-label" or "" */
static gm_dataset *odd_pictures(int64_t n, const char *how)
{
    gm_tensor *x = NULL, *label = NULL;
    gm_dataset *d = NULL;
    OK(ctx, gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){n, 1, SIDE, SIDE}, &x));
    OK(ctx, gm_tensor_new(ctx, GM_I64, 1, &n, &label));
    float *to = gm_tensor_data(x);
    for (int64_t i = 0; i < n * PIXELS; i++) to[i] = !strcmp(how, "nan") ? NAN : !strcmp(how, "constant") ? 0.5f : !strcmp(how, "huge") ? 1e30f : unit((uint32_t)i);
    if (!strcmp(how, "one-nan")) to[5 * PIXELS + 3] = NAN;
    if (!strcmp(how, "inf")) to[5 * PIXELS + 3] = INFINITY;
    for (int64_t i = 0; i < n; i++) ((int64_t *)gm_tensor_data(label))[i] = i % 3;
    if (!strcmp(how, "negative-label")) ((int64_t *)gm_tensor_data(label))[n - 1] = -1;
    if (!strcmp(how, "far-label")) ((int64_t *)gm_tensor_data(label))[n - 1] = INT64_MAX;
    const int refused = n == 0 || strstr(how, "label"); /* at once; all else is met in training */
    gm_status s = gm_dataset_from_tensors(ctx, x, label, &d);
    ck_assert_msg(refused ? (s == GM_EARG || s == GM_ESHAPE) && strcmp(gm_ctx_message(ctx), "success") : s == GM_OK, "%s: %s: %s", how, gm_status_name(s), gm_ctx_message(ctx));
    ck_assert_int_eq(!d, refused);
    gm_tensor_free(x);
    gm_tensor_free(label);
    return d;
}

/* Trains on them, uses what came out. Gives the code of training. */
static gm_status survive(const char *family, const char *how, gm_dataset *d, const char *training)
{
    gm_model *m = NULL;
    uint64_t h = 0;
    OK(ctx, gm_model_new(ctx, family, small(family), &m));
    gm_status s = gm_fit(m, d, training);
    const char *said = gm_ctx_message(ctx);
    ck_assert_msg(s >= 0 && s < GM_STATUS_END_ && s != GM_EINTERNAL && s != GM_END, "%s, %s: %s: %s", family, how, gm_status_name(s), said);
    ck_assert_msg(!s || (*said && strcmp(said, "success")), "%s, %s: %s without a message", family, how, gm_status_name(s));
    ck_assert_msg(weights_finite(m), "%s, %s: weights that are no numbers after %s: %s", family, how, gm_status_name(s), said);
    printf("%-12s %-14s %-14s %s\n", family, how, gm_status_name(s), s ? said : "");
    if (!s) {
        gm_status used = draw(ctx, m, &h);
        ck_assert_msg(!used || used == GM_ESTATE || used == GM_EARG || used == GM_ESHAPE || used == GM_ENONFINITE, "%s, %s: a draw: %s: %s", family, how, gm_status_name(used), gm_ctx_message(ctx));
    }
    gm_model_free(m);
    return s;
}

static void on_pictures(int64_t n, const char *how, const char *training, gm_status expected)
{
    gm_dataset *d = odd_pictures(n, how);
    for (int32_t f = 0; d && f < gm_family_count(); f++) {
        const char *family = gm_family_name(f);
        if (writes(family)) continue;
        gm_status s = survive(family, how, d, training);
        const int as_expected = expected == REFUSED ? s == GM_ENONFINITE || s == GM_EARG : expected == ANY || s == expected;
        ck_assert_msg(as_expected, "%s, %s: %s: %s", family, how, gm_status_name(s), gm_ctx_message(ctx));
    }
    gm_dataset_free(d);
}

static void on_texts(const char *line, int64_t n, const char *how)
{
    gm_dataset *d = NULL;
    gm_status made = texts(ctx, line, n, &d);
    ck_assert_msg(!made || made == GM_EARG || made == GM_ESHAPE, "%s: %s", how, gm_status_name(made));
    for (int32_t f = 0; !made && f < gm_family_count(); f++) {
        if (!writes(gm_family_name(f))) continue;
        survive(gm_family_name(f), how, d, "steps=3 batch=8 seed=1");
    }
    gm_dataset_free(d);
}

#define SHORT "steps=3 batch=8 seed=1"

START_TEST(few_rows)
{
    on_pictures(0, "empty", SHORT, ANY);
    on_pictures(1, "one row", "steps=3 batch=1 seed=1", ANY);
    on_pictures(3, "batch > rows", "steps=3 batch=100 seed=1", GM_OK);
    on_pictures(9, "a last batch of one", "epochs=2 batch=8 seed=1", GM_OK);
}
END_TEST

START_TEST(odd_values)
{
    on_pictures(16, "constant", SHORT, ANY);
    on_pictures(16, "huge", SHORT, ANY);
}
END_TEST

/* Caught in the step that meets them; never learned from. */
START_TEST(no_numbers)
{
    static const char *const how[] = {"nan", "one-nan", "inf"};
    for (int i = 0; i < COUNT(how); i++) on_pictures(16, how[i], "epochs=1 batch=16 seed=1", REFUSED);
}
END_TEST

START_TEST(labels_out_of_range)
{
    on_pictures(16, "negative-label", SHORT, ANY);
    on_pictures(16, "far-label", SHORT, ANY);
}
END_TEST

START_TEST(odd_texts)
{
    on_texts("", 0, "no text");
    on_texts("", 5, "empty lines");
    on_texts("a", 1, "one letter");
    on_texts("\t", 3, "empty pairs");
    on_texts("aaaa\taaaa", 20, "one letter again and again");
    on_texts("\xff\xfe\x80\t\xc0", 8, "bytes that are no UTF-8");
}
END_TEST

/* A thousand times the usual rate: an event, GM_ENONFINITE or numbers that stay finite; never a crash or broken weights. */
START_TEST(rate_times_1000)
{
    for (int32_t f = 0; f < gm_family_count(); f++) {
        const char *family = gm_family_name(f), *usual = strstr(gm_family_training(family), "lr=");
        const double lr = 1000 * (usual && (usual == gm_family_training(family) || usual[-1] == ' ') ? atof(usual + 3) : 1e-3);
        char training[100];
        gm_dataset *d = NULL;
        gm_model *m = NULL;
        gm_trainer *tr = NULL;
        OK(ctx, data_for(ctx, family, &d));
        OK(ctx, gm_model_new(ctx, family, small(family), &m));
        snprintf(training, sizeof training, "steps=%d batch=8 seed=1 lr=%g", long_run() ? 300 : 20, lr);
        OK(ctx, gm_trainer_new(m, d, training, &tr));
        gm_status s = gm_trainer_run(tr);
        ck_assert_msg(s == GM_OK || s == GM_ENONFINITE, "%s: %s: %s", family, gm_status_name(s), gm_ctx_message(ctx));
        ck_assert_msg(weights_finite(m), "%s: weights that are no numbers", family);
        ck_assert_msg(!s || gm_trainer_event_count(tr) > 0, "%s: %s without an event", family, gm_status_name(s));
        printf("%-12s lr=%-6g %-14s %d events\n", family, lr, gm_status_name(s), gm_trainer_event_count(tr));
        gm_trainer_free(tr);
        gm_dataset_free(d);
        gm_model_free(m);
    }
}
END_TEST

/* A weight that is no number is named in the step that meets it, and nothing is changed. */
START_TEST(planted_nan)
{
    for (int32_t f = 0; f < gm_family_count(); f++) {
        const char *family = gm_family_name(f);
        gm_dataset *d = NULL;
        gm_model *m = NULL;
        gm_trainer *tr = NULL;
        if (!strcmp(family, "ngram")) continue; /* counts, no weights that go on from step to step */
        OK(ctx, data_for(ctx, family, &d));
        OK(ctx, gm_model_new(ctx, family, small(family), &m));
        OK(ctx, gm_trainer_new(m, d, "steps=9 batch=8 seed=1", &tr));
        OK(ctx, gm_trainer_step(tr, NULL));
        int planted = 0;
        for (int32_t i = 0; i < gm_model_tensor_count(m) && !planted; i++) {
            gm_tensor *t = gm_model_tensor(m, i);
            if (gm_tensor_dtype(t) != GM_F32 || !strstr(gm_model_tensor_name(m, i), "weight")) continue;
            for (int64_t k = 0; k < gm_tensor_size(t); k++) ((float *)gm_tensor_data(t))[k] = NAN;
            planted = 1;
        }
        for (int32_t i = 0; i < gm_model_tensor_count(m) && !planted; i++) /* no tensor is called weight: the first */
            if (gm_tensor_dtype(gm_model_tensor(m, i)) == GM_F32) ((float *)gm_tensor_data(gm_model_tensor(m, i)))[0] = NAN, planted = 1;
        const uint64_t before = weights_hash(m);
        gm_status s = gm_trainer_step(tr, NULL);
        ck_assert_msg(s == GM_ENONFINITE, "%s: %s: %s", family, gm_status_name(s), gm_ctx_message(ctx));
        ck_assert_msg(weights_hash(m) == before, "%s: weights were changed", family);
        gm_event e = {.struct_size = sizeof e};
        int noticed = 0;
        for (int32_t i = 0; !gm_trainer_event(tr, i, &e); i++) noticed += e.kind == GM_EVENT_NONFINITE;
        ck_assert_msg(noticed == 1, "%s: %d events", family, noticed);
        ck_assert_msg(gm_model_save(m, temporary("nan")) == GM_ENONFINITE, "%s: saved", family);
        gm_trainer_free(tr);
        gm_dataset_free(d);
        gm_model_free(m);
    }
}
END_TEST

static void setup(void) { ck_assert_int_eq(ctx_of(1, &ctx), GM_OK); }
static void teardown(void) { gm_ctx_free(ctx); }

int main(void)
{
    const TTest *const tests[] = {few_rows, odd_values, no_numbers, labels_out_of_range, odd_texts, rate_times_1000, planted_nan, NULL};
    return run_tests_in("degenerate", tests, 60, setup, teardown);
}
