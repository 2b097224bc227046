/* Predicting and conditional models under failing memory: the n-th allocation fails, once and
 * from then on, for every n. No crash, no leak, no false success; the next run works. */
#include "fault.h"

static char model_path[64], message[512];

static const struct { const char *family, *options, *train; } cases[] = {
    {"mlp", "hidden=7 norm=batch dropout=0.2", "steps=3 batch=10 seed=1"},
    {"cnn", "channels=2,3 hidden=4", "steps=2 batch=6 seed=1"},
    {"vae", "preset=conv channels=2,3 hidden=5 latent=2 conditional=on", "steps=2 batch=6 seed=1"},
    {"vae", "code=categorical latent=2 categories=3 hidden=6 conditional=on", "steps=2 batch=10 seed=1"},
    {"ae", "hidden=6 latent=3 sparsity=1 l1=0.1 conditional=on", "steps=2 batch=10 seed=1"},
    {"mlp", "task=regress hidden=5", "steps=2 batch=10 seed=1"},
};

/* What a host does with such a model; gives the first failure. */
static gm_status program(host *h, int which)
{
    gm_ctx_config c;
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL;
    gm_sampler *sampler = NULL;
    gm_tensor *x = NULL, *label = NULL, *y = NULL, *z = NULL, *drawn = NULL, *axes = NULL;
    gm_measure got[4];
    int32_t n;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    c.alloc = take, c.dealloc = drop, c.alloc_user = h;
    gm_status s = gm_ctx_new(&c, &ctx);
    gm_dataset *source = NULL;
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=12,seed=3", &source);
    if (!s) s = gm_dataset_read(source, "x", 0, 12, &x);
    if (!s) s = gm_dataset_read(source, "label", 0, 12, &label);
    if (!s) s = gm_dataset_from_tensors(ctx, x, label, &d);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){12, 2}, &y);
    if (!s) s = gm_dataset_add(d, "y", y);
    if (!s) s = gm_model_new(ctx, cases[which].family, cases[which].options, &m);
    if (!s) s = gm_fit(m, d, cases[which].train);
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    const uint32_t can = s ? 0 : gm_model_can(again);
    if (!s) s = gm_model_apply(again, can & GM_CAN_PREDICT ? GM_CAN_PREDICT : GM_CAN_RECONSTRUCT, x, can & GM_CAN_CONDITION ? label : NULL, &z);
    if (!s) s = gm_eval(again, d, NULL, got, 4, &n);
    if (!s && can & GM_CAN_SAMPLE) s = gm_sampler_new(ctx, again, NULL, &sampler);
    if (!s && can & GM_CAN_SAMPLE) s = gm_sampler_draw(sampler, 12, label, &drawn);
    if (!s && can & GM_CAN_DECODE) s = gm_traverse(again, NULL, 3, 1, NULL, &axes);
    ck_assert_msg(!s || !ctx || strlen(gm_ctx_message(ctx)) > 0, "a failure without a message");
    snprintf(message, sizeof message, "%s", gm_ctx_message(ctx));
    gm_tensor *own[] = {x, label, y, z, drawn, axes};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) gm_tensor_free(own[i]);
    gm_sampler_free(sampler);
    gm_model_free(m), gm_model_free(again);
    gm_dataset_free(source), gm_dataset_free(d);
    gm_ctx_free(ctx);
    return s;
}

START_TEST(every_allocation)
{
    for (int forever = 0; forever < 2; forever++) {
        host h = {0};
        ck_assert_msg(program(&h, _i) == GM_OK, "%s", message);
        ck_assert_int_eq(h.live, 0);
        const long total = h.calls;
        long refused = 0;
        ck_assert_int_gt(total, 50);
        for (long n = 1; n <= total; n++) {
            h = (host){.fail_at = n, .forever = forever};
            gm_status s = program(&h, _i);
            ck_assert_msg(h.live == 0, "allocation %ld of %ld: %ld blocks leaked", n, total, h.live);
            ck_assert_msg(s == GM_OK || s == GM_ENOMEM, "allocation %ld of %ld: %s: %s", n, total, gm_status_name(s), message);
            ck_assert_msg(!forever || s == GM_ENOMEM, "allocation %ld and all later ones failed, and yet it succeeded", n);
            refused += s != GM_OK;
        }
        ck_assert_int_gt(refused, total * 9 / 10);
        h = (host){0};
        ck_assert_int_eq(program(&h, _i), GM_OK);
    }
}
END_TEST

int main(void)
{
    snprintf(model_path, sizeof model_path, "/tmp/gm_net_faults_%d", (int)getpid());
    Suite *s = suite_create("net_faults");
    TCase *c = tcase_create("net_faults");
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, every_allocation, 0, sizeof cases / sizeof *cases);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    unlink(model_path);
    return failed != 0;
}
