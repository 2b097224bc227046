/* test_families.c - what holds for every family: options that a command line can tell apart, and capabilities that are true. */
#include "models/models_test.h"

static int has_option(const char *owner, const char *name)
{
    gm_option o = {.struct_size = sizeof o};
    for (int32_t i = 0; gm_option_at(owner, i, &o) == GM_OK; i++)
        if (!strcmp(o.name, name)) return 1;
    return 0;
}

/* `gm train FAMILY` takes both tables, `gm sample` and `gm eval` theirs: only seed may stand in two, and set both. */
START_TEST(options_stand_apart)
{
    ck_assert_int_ge(gm_family_count(), 2);
    for (int32_t f = 0; f < gm_family_count(); f++) {
        gm_option o = {.struct_size = sizeof o};
        const char *family = gm_family_name(f);
        int n = 0;
        for (; gm_option_at(family, n, &o) == GM_OK; n++) {
            ck_assert_msg(!strcmp(o.name, "seed") || !has_option("train", o.name), "%s: option %s is one of training, too", family, o.name);
            ck_assert_msg(*o.help, "%s: option %s has no help", family, o.name);
        }
        ck_assert_uint_le(gm__family_find(family)->cfg_size, GM__CONFIG_BYTES);
        ck_assert_msg(n > 2 && has_option(family, "seed"), "%s: seed is missing", family);
        ck_assert_msg(has_option(family, "shape") || gm_family_can(family) & GM_CAN_GENERATE, "%s: shape is missing", family); /* text has none */
    }
}
END_TEST

/* A trained model of each family: a verb works where its capability bit is set and is GM_EUNSUPPORTED where it is not. */
static void agree(gm_model *m, const char *verb, uint32_t bit, gm_status s)
{
    if (s && strstr(gm_ctx_message(ctx), "labels are needed")) return; /* it can, given those */
    if (gm_model_can(m) & bit) ck_assert_msg(s == GM_OK, "%s: %s: %s", gm_model_family(m), verb, gm_ctx_message(ctx));
    else ck_assert_msg(s == GM_EUNSUPPORTED, "%s cannot %s but says %s", gm_model_family(m), verb, gm_status_name(s));
}

static gm_dataset *a_text(const char *kind, const char *line)
{
    static char spec[100], path[80];
    gm_dataset *d = NULL;
    snprintf(path, sizeof path, "%s/gm_families_%d.txt", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (int)getpid());
    snprintf(spec, sizeof spec, "%s:%s", kind, path);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 50; i++) fputs(line, f);
    fclose(f);
    OK(gm_dataset_open(ctx, spec, &d));
    remove(path);
    return d;
}

START_TEST(capabilities_are_true)
{
    gm_dataset *d = pictures(40, 1), *text = a_text("text", "the cat sat on the mat. "), *pairs = a_text("lines", "the cat\ttac eht\n");
    gm_tensor *x = NULL;
    OK(gm_dataset_read(d, "x", 0, 6, &x));
    for (int32_t f = 0; f < gm_family_count(); f++) {
        gm_model *m = NULL;
        gm_tensor *y = NULL, *z = NULL;
        OK(gm_model_new(ctx, gm_family_name(f), "", &m));
        const int writes = (gm_model_can(m) & GM_CAN_GENERATE) != 0;
        OK(gm_fit(m, !writes ? d : strcmp(gm_family_name(f), "transformer") ? text : pairs, "steps=3 batch=8"));
        gm_sampler *s = NULL;
        int64_t token;
        if (writes) OK(gm_sampler_new(ctx, m, NULL, &s));
        if (writes) OK(gm_sampler_next(s, &token));
        gm_sampler_free(s);
        agree(m, "sample", GM_CAN_SAMPLE, gm_sample(m, 2, 1, &y));
        gm_tensor_free(y);
        agree(m, "score", GM_CAN_SCORE, gm_score(m, x, &y));
        gm_tensor_free(y);
        agree(m, "log_prob", GM_CAN_LOG_PROB, gm_log_prob(m, x, NULL, &y, NULL));
        gm_tensor_free(y);
        agree(m, "encode", GM_CAN_ENCODE, gm_encode(m, x, &z));
        if (gm_model_can(m) & GM_CAN_DECODE) {
            OK(gm_decode(m, z, &y));
            gm_tensor_free(y);
        }
        y = NULL;
        agree(m, "complete", GM_CAN_COMPLETE, gm_complete(m, x, NULL, NULL, "steps=2", &y));
        gm_tensor_free(y);
        agree(m, "reconstruct", GM_CAN_RECONSTRUCT, gm_reconstruct(m, x, &y));
        gm_tensor_free(y);
        agree(m, "predict", GM_CAN_PREDICT, gm_predict(m, x, &y));
        gm_tensor_free(y);
        gm_tensor_free(z);
        gm_model_free(m);
    }
    gm_tensor_free(x);
    gm_dataset_free(text);
    gm_dataset_free(pairs);
    gm_dataset_free(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("families");
    TCase *c = tcase_create("families");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, options_stand_apart);
    tcase_add_test(c, capabilities_are_true);
    suite_add_tcase(s, c);
    return run_suite(s);
}
