/* Memory that does not come from the context: the C library's folders, threads, OpenBLAS. The test's own malloc refuses
 * the n-th such request; the context's memory is counted beside it and does not fail. */
#include "fault/folder.h"
#include <check.h>
#include <errno.h>
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
int main(void)
{
    puts("skipped: malloc is not ours to replace here");
    return 0;
}
#else

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);

static struct { long calls, fail_at; int forever, armed; } foreign; /* of the thread that arms it */
static __thread int ours;

static int refuse(void)
{
    if (!foreign.armed || !ours) return 0;
    const long n = ++foreign.calls;
    if (!foreign.fail_at || !(n == foreign.fail_at || (foreign.forever && n > foreign.fail_at))) return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n) { return refuse() ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return refuse() ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { return refuse() ? NULL : __libc_realloc(p, n); }

static void *take_here(void *user, size_t n)
{
    ++*(long *)user;
    return __libc_malloc(n);
}

static void drop_here(void *user, void *p)
{
    --*(long *)user;
    free(p);
}

static char message[512];

/* ---- what meets foreign memory: gives the first failure -------------------------------------------- */

static gm_status models(gm_ctx *ctx)
{
    gm_model *m = NULL, *again = NULL;
    gm_dataset *d = NULL;
    gm_trainer *tr = NULL, *back = NULL;
    gm_status s = gm_model_new(ctx, "vae", "{\"hidden\":[3],\"latent\":2,\"shape\":[2]}", &m);
    if (!s) s = gm_dataset_open(ctx, "synth:ring8,n=16,seed=1", &d);
    if (!s) s = gm_trainer_new(m, d, "{\"steps\":2,\"batch\":8}", &tr);
    if (!s) s = gm_trainer_step(tr, NULL);
    if (!s) s = gm_trainer_save(tr, at("c"));
    if (!s) s = gm_trainer_resume(ctx, at("c"), d, NULL, NULL, &back);
    if (!s) s = gm_model_save(m, at("m"));
    if (!s) s = gm_model_load(ctx, at("m"), &again);
    gm_trainer_free(tr), gm_trainer_free(back);
    gm_model_free(m), gm_model_free(again);
    gm_dataset_free(d);
    return s;
}

static gm_status folders(gm_ctx *ctx)
{
    gm_tensor *image = NULL;
    gm_dataset *d = NULL;
    char spec[128];
    snprintf(spec, sizeof spec, "png:%s", folder);
    gm_status s = gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){1, 1, 4, 4}, &image);
    if (!s) s = gm_png_write(image, 1, at("a.png"));
    if (!s) s = gm_dataset_open(ctx, spec, &d);
    gm_tensor_free(image);
    gm_dataset_free(d);
    return s;
}

static gm_status vocabularies(gm_ctx *ctx)
{
    gm_tokenizer *tk = NULL, *again = NULL;
    gm_model *m = NULL, *hf = NULL;
    gm_dataset *d = NULL;
    char spec[128];
    snprintf(spec, sizeof spec, "text:%s", at("text"));
    gm_status s = gm_tokenizer_train(ctx, "kind=bpe vocab=258", "abababab", 8, &tk);
    if (!s) s = gm_tokenizer_save_gpt2(tk, at("v.json"), at("m.txt"));
    if (!s) s = gm_tokenizer_load_gpt2(ctx, at("v.json"), at("m.txt"), &again);
    if (!s) s = gm_dataset_open(ctx, spec, &d);
    if (!s) s = gm_model_new(ctx, "gpt", "depth=1 heads=1 embd=2 block=4", &m);
    if (!s) s = gm_fit(m, d, "steps=1 batch=1");
    if (!s) s = gm_gpt_save_hf(m, at("hf"));
    if (!s) s = gm_gpt_load_hf(ctx, at("hf"), &hf);
    gm_tokenizer_free(tk), gm_tokenizer_free(again);
    gm_model_free(m), gm_model_free(hf);
    gm_dataset_free(d);
    return s;
}

static gm_status matrices(gm_ctx *ctx)
{
    gm_tape *t = NULL;
    gm_tensor *v, *u;
    gm_status s = gm_tape_new(ctx, 1, &t);
    if (s) return s;
    gm_tensor *x = gm_normal(t, 2, (int64_t[]){70, 70}, 0, 1), *spd = gm_matmul(t, x, gm_transpose(t, x, 0, 1));
    gm_eigh(t, spd, &v);
    gm_svd(t, x, &u, &v);
    gm_qr(t, x, &v);
    gm_cholesky(t, spd);
    gm_solve(t, spd, x);
    s = gm_tape_status(t);
    if (s) snprintf(message, sizeof message, "%s", gm_tape_message(t));
    gm_tape_free(t);
    return s;
}

static gm_status threads(gm_ctx *ctx)
{
    gm_status s = gm_ctx_set_threads(ctx, 4);
    return s ? s : matrices(ctx);
}

static const struct { const char *name; gm_status (*work)(gm_ctx *ctx); int few; } cases[] = {
    {"models", models, 0}, {"folders", folders, 1}, {"vocabularies", vocabularies, 0}, {"matrices", matrices, 0}, {"threads", threads, 0}};

/* Runs one with a context of its own; live counts what the context has left. */
static gm_status run(int which, long *live)
{
    gm_ctx_config c;
    gm_ctx *ctx = NULL;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    c.blas_threads = 1; /* with threads of its own OpenBLAS ends the process: docs/contract.md */
    c.alloc = take_here, c.dealloc = drop_here, c.alloc_user = live;
    *message = 0;
    ours = foreign.armed = 1;
    gm_status s = gm_ctx_new(&c, &ctx);
    if (!s) s = cases[which].work(ctx);
    foreign.armed = 0;
    if (!*message) snprintf(message, sizeof message, "%s", gm_ctx_message(ctx));
    ck_assert_msg(!s || *message, "a failure without a message");
    gm_ctx_free(ctx);
    return s;
}

START_TEST(every_foreign_request)
{
    const char *name = cases[_i].name;
    for (int forever = 0; forever < 2; forever++) {
        long live = 0, refused = 0;
        foreign.calls = foreign.fail_at = 0;
        ck_assert_msg(run(_i, &live) == GM_OK, "%s: %s", name, message);
        foreign.calls = 0; /* what is made once a process is made by now */
        ck_assert_msg(run(_i, &live) == GM_OK, "%s: %s", name, message);
        const long total = foreign.calls;
        ck_assert_int_ge(total, cases[_i].few);
        for (long n = 1; n <= total; n++) {
            foreign.calls = 0, foreign.fail_at = n, foreign.forever = forever;
            gm_status s = run(_i, &live);
            ck_assert_msg(live == 0, "%s: request %ld of %ld: %ld blocks leaked", name, n, total, live);
            ck_assert_msg(s == GM_OK || s == GM_ENOMEM, "%s: request %ld of %ld%s: %s: %s", name, n, total, forever ? " and all later ones" : "", gm_status_name(s), message);
            refused += s != GM_OK;
        }
        ck_assert_msg(refused >= cases[_i].few, "%s: %ld of %ld requests refused and hardly noticed", name, refused, total);
        foreign.fail_at = 0;
        ck_assert_msg(run(_i, &live) == GM_OK, "%s afterwards: %s", name, message);
        fprintf(stderr, "%s, %s: %ld requests, %ld of them cost the call\n", name, forever ? "for good" : "once", total, refused);
    }
}
END_TEST

int main(void)
{
    make_folder("foreign");
    FILE *f = fopen(at("text"), "w");
    if (!f || fputs("abc abc abc abc abc abc\n", f) < 0 || fclose(f)) return 1;
    Suite *s = suite_create("foreign_faults");
    TCase *c = tcase_create("foreign_faults");
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, every_foreign_request, 0, sizeof cases / sizeof *cases);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    remove_folder();
    return failed;
}
#endif
