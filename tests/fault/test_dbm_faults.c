/* Deep Boltzmann machines under failing memory: the n-th allocation fails, once and from then on, for every n.
 * No crash, no leak, no false success; the next run works. */
#include "fault.h"

static char model_path[64], message[512];
static const char *const cases[] = {"layers=3,2 pretrain=on layer-epochs=1,1 burn-in=3", "layers=3,2,2 conditional=on burn-in=2 k=1", "layers=2,3 units=gaussian centered=off burn-in=2 k=1"};

/* What a host does with such a model; gives the first failure. */
static gm_status program(host *h, int which)
{
    gm_ctx_config c;
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL, *net = NULL;
    gm_tensor *x = NULL, *label = NULL, *out[6] = {NULL};
    gm_measure got[2];
    int32_t n;
    double log_z;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    c.alloc = take, c.dealloc = drop, c.alloc_user = h;
    gm_status s = gm_ctx_new(&c, &ctx);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){10, 4}, &x);
    if (!s) s = gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){10}, &label);
    if (!s) ((int64_t *)gm_tensor_data(label))[3] = 1;
    if (!s) s = gm_dataset_from_tensors(ctx, x, label, &d);
    if (!s) s = gm_model_new(ctx, "dbm", cases[which], &m);
    if (!s) s = gm_fit(m, d, "epochs=4 batch=10 seed=1");
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    if (!s) s = gm_eval(again, d, which == 1 ? "metric=recon,accuracy" : "metric=recon", got, 2, &n);
    if (!s) s = gm_sample(again, 3, 1, &out[0]);
    if (!s) s = gm_encode(again, x, &out[1]);
    if (!s) s = gm_reconstruct(again, x, &out[2]);
    if (!s) s = gm_score(again, x, &out[3]);
    if (!s && which == 0) s = gm_log_prob(again, x, NULL, &out[4], NULL);
    if (!s) s = gm_dbm_log_z(again, NULL, NULL, &log_z, NULL);
    if (!s && which == 0) s = gm_dbm_log_z(again, x, "method=reverse-ais temperatures=3 chains=2", &log_z, NULL);
    if (!s) s = gm_dbm_gibbs(again, x, NULL, "steps=2", &out[5]);
    if (!s && which < 2) s = gm_dbn_unroll(again, which ? "" : "classes=2", &net);
    ck_assert_msg(!s || !ctx || strlen(gm_ctx_message(ctx)) > 0, "a failure without a message");
    snprintf(message, sizeof message, "%s", gm_ctx_message(ctx));
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) gm_tensor_free(out[i]);
    gm_tensor_free(x), gm_tensor_free(label);
    gm_model_free(m), gm_model_free(again), gm_model_free(net);
    gm_dataset_free(d);
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
    snprintf(model_path, sizeof model_path, "/tmp/gm_dbm_faults_%d", (int)getpid());
    Suite *s = suite_create("dbm_faults");
    TCase *c = tcase_create("dbm_faults");
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
