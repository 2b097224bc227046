/* Deep belief networks under failing memory: the n-th allocation fails, once and from then on, for every n.
 * No crash, no leak, no false success; the next run works. */
#include "fault.h"

static char model_path[64], message[512];
static const char *const cases[] = {"layers=3,2 up-down=1 layer-k=1,2 layer-lr=1,0.5 burn-in=2", "layers=4,4,2 centered=on persistent=on conditional=on up-down=1 inputs=draw burn-in=2"};

/* What a host does with such a model; gives the first failure. */
static gm_status program(host *h, int which)
{
    gm_ctx_config c;
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL, *net = NULL, *ae = NULL;
    gm_tensor *x = NULL, *label = NULL, *out[4] = {NULL};
    gm_measure got;
    int32_t n;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    c.alloc = take, c.dealloc = drop, c.alloc_user = h;
    gm_status s = gm_ctx_new(&c, &ctx);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){6, 4}, &x);
    if (!s) s = gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){6}, &label);
    if (!s) s = gm_dataset_from_tensors(ctx, x, label, &d);
    if (!s) s = gm_model_new(ctx, "dbn", cases[which], &m);
    if (!s) s = gm_fit(m, d, "epochs=4 batch=6 seed=1");
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    if (!s) s = gm_eval(again, d, "metric=recon", &got, 1, &n);
    if (!s) s = gm_sample(again, 3, 1, &out[0]);
    if (!s) s = gm_encode_layer(again, x, NULL, 1, &out[1]);
    if (!s) s = gm_reconstruct(again, x, &out[2]);
    if (!s && which) s = gm_predict(again, x, &out[3]);
    if (!s) s = gm_dbn_unroll(again, which ? NULL : "classes=2", &net);
    if (!s) s = gm_dbn_autoencoder(again, "latent=1", &ae);
    ck_assert_msg(!s || !ctx || strlen(gm_ctx_message(ctx)) > 0, "a failure without a message");
    snprintf(message, sizeof message, "%s", gm_ctx_message(ctx));
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) gm_tensor_free(out[i]);
    gm_tensor_free(x), gm_tensor_free(label);
    gm_model_free(m), gm_model_free(again), gm_model_free(net), gm_model_free(ae);
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
        ck_assert_int_gt(total, 100);
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
    snprintf(model_path, sizeof model_path, "/tmp/gm_dbn_faults_%d", (int)getpid());
    Suite *s = suite_create("dbn_faults");
    TCase *c = tcase_create("dbn_faults");
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
