/* The VAE program under failing memory: the n-th allocation fails, once and from then on,
 * for every n. No crash, no leak, no false success, no file left; the next run works. */
#include "fault.h"

static char model_path[64], png_path[64], message[512];

/* What the README's program does, on little data; gives the first failure. */
static gm_status program(host *h)
{
    gm_ctx_config c;
    gm_ctx *ctx = NULL;
    gm_dataset *digits = NULL, *part = NULL;
    gm_model *vae = NULL, *again = NULL;
    gm_tensor *x = NULL, *z = NULL, *y = NULL;
    gm_measure m[4];
    int32_t n;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    c.alloc = take, c.dealloc = drop, c.alloc_user = h;
    gm_status s = gm_ctx_new(&c, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=24,seed=3", &digits);
    if (!s) s = gm_dataset_range(digits, 0, 8, 1, &part);
    if (!s) s = gm_model_new(ctx, "vae", "hidden=9 latent=3 binarize=dynamic", &vae);
    if (!s) s = gm_fit(vae, digits, "epochs=2 batch=10 seed=1 clip-norm=5 ema=0.9");
    if (!s) s = gm_model_save(vae, model_path);
    if (!s) s = gm_sample_png(vae, 4, 1, png_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    if (!s) s = gm_dataset_read(part, "x", 0, 8, &x);
    if (!s) s = gm_encode(again, x, &z);
    if (!s) s = gm_decode(again, z, &y);
    if (!s) s = gm_eval(again, part, "metric=elbo,recon batch=5", m, 4, &n);
    ck_assert_msg(!s || !ctx || strlen(gm_ctx_message(ctx)) > 0, "a failure without a message");
    snprintf(message, sizeof message, "%s", gm_ctx_message(ctx));
    gm_tensor_free(x), gm_tensor_free(y), gm_tensor_free(z);
    gm_model_free(vae), gm_model_free(again);
    gm_dataset_free(part), gm_dataset_free(digits);
    gm_ctx_free(ctx);
    return s;
}

static void run_all(int forever)
{
    host h = {0};
    ck_assert_int_eq(program(&h), GM_OK);
    ck_assert_int_eq(h.live, 0);
    long total = h.calls, refused = 0;
    ck_assert_int_gt(total, 50);
    for (long n = 1; n <= total; n++) {
        h = (host){.fail_at = n, .forever = forever};
        unlink(model_path);
        unlink(png_path);
        gm_status s = program(&h);
        ck_assert_msg(h.live == 0, "allocation %ld of %ld: %ld blocks leaked", n, total, h.live);
        ck_assert_msg(s == GM_OK || s == GM_ENOMEM, "allocation %ld of %ld: %s: %s", n, total, gm_status_name(s), message);
        ck_assert_msg(!forever || s == GM_ENOMEM, "allocation %ld and all later ones failed, and yet it succeeded", n);
        refused += s != GM_OK;
    }
    ck_assert_int_gt(refused, total * 9 / 10); /* a pool that makes do with fewer threads may go on */
    printf("%s: %ld allocations, %ld refused\n", forever ? "for good" : "once", total, refused);
    h = (host){0};
    ck_assert_int_eq(program(&h), GM_OK);
}

START_TEST(once) { run_all(0); }
END_TEST
START_TEST(for_good) { run_all(1); }
END_TEST

START_TEST(damaged_model)
{
    host h = {0};
    ck_assert_int_eq(program(&h), GM_OK);
    FILE *f = fopen(model_path, "rb");
    ck_assert_ptr_nonnull(f);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    char *bytes = malloc((size_t)size);
    rewind(f);
    ck_assert_uint_eq(fread(bytes, 1, (size_t)size, f), (size_t)size);
    fclose(f);
    gm_ctx *ctx = NULL;
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    gm_model *whole = NULL;
    ck_assert_int_eq(gm_model_load(ctx, model_path, &whole), GM_OK);
    /* every truncation and bit flip near the header, every 61st byte of the numbers */
    long tried = 0;
    for (long at = 0; at < size; at += at < 3000 ? 1 : 61)
        for (int kind = 0; kind < 9; kind++) {
            gm_model *m = NULL;
            f = fopen(model_path, "wb");
            if (kind < 8) bytes[at] ^= (char)(1 << kind);
            fwrite(bytes, 1, (size_t)(kind < 8 ? size : at), f);
            if (kind < 8) bytes[at] ^= (char)(1 << kind);
            fclose(f);
            gm_status s = gm_model_load(ctx, model_path, &m);
            ck_assert_msg(s == GM_EFORMAT || s == GM_ELIMIT, "byte %ld, kind %d: %s", at, kind, gm_status_name(s));
            ck_assert_ptr_null(m);
            ck_assert_ptr_null(strchr(gm_ctx_message(ctx), '\n'));
            ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), model_path));
            /* and into a model that has weights already: it stays as it was */
            if (tried % 97 == 0) {
                double before, after;
                gm_tensor *w = gm_model_tensor(whole, 0);
                float first[1 << 14];
                size_t n = (size_t)gm_tensor_size(w) * sizeof(float);
                ck_assert_uint_le(n, sizeof first);
                ck_assert_int_eq(gm_tensor_read(w, first, n), GM_OK);
                before = first[0] + first[n / sizeof(float) - 1];
                ck_assert_int_ne(gm_model_load_weights(whole, model_path), GM_OK);
                ck_assert_int_eq(gm_tensor_read(w, first, n), GM_OK);
                after = first[0] + first[n / sizeof(float) - 1];
                ck_assert(before == after);
            }
            tried++;
        }
    printf("%ld damaged files refused\n", tried);
    gm_model_free(whole);
    gm_ctx_free(ctx);
    free(bytes);
    unlink(model_path);
    unlink(png_path);
}
END_TEST

int main(void)
{
    const char *dir = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm"; /* thousands of synced files: memory if there is some */
    snprintf(model_path, sizeof model_path, "%s/gm-fault-%d.safetensors", dir, (int)getpid());
    snprintf(png_path, sizeof png_path, "%s/gm-fault-%d.png", dir, (int)getpid());
    Suite *s = suite_create("vae_faults");
    TCase *t = tcase_create("memory");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, once);
    tcase_add_test(t, for_good);
    tcase_add_test(t, damaged_model);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    unlink(model_path);
    unlink(png_path);
    return failed != 0;
}
