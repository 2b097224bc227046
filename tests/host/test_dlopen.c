/* test_dlopen.c - a host that loads the library, works with it and unloads it, again and again: no thread, no file and no memory stays.
 * This program is not linked with the library: it calls what it finds by name. */
#include "host_test.h"
#include <dlfcn.h>

static long resident(void) /* bytes */
{
    long all = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &all, &pages) != 2) pages = 0;
    if (f) fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

#define FIND(name) __typeof__(gm_##name) *name = (__typeof__(gm_##name) *)dlsym(so, "gm_" #name); ck_assert_msg(name != NULL, "gm_%s is not exported", #name)

static void work(void *so)
{
    FIND(ctx_config_init); FIND(ctx_new); FIND(ctx_message); FIND(ctx_free); FIND(dataset_open); FIND(dataset_free); FIND(model_new); FIND(fit);
    FIND(sample); FIND(eval); FIND(model_save); FIND(model_load); FIND(model_free); FIND(tensor_free); FIND(tensor_size);
    gm_ctx_config c;
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL;
    gm_tensor *y = NULL;
    gm_measure measure[2];
    int32_t n = 0;
    const char *path = temporary("dlopen");
    ctx_config_init(&c, sizeof c);
    c.threads = 2;
    gm_status s = ctx_new(&c, &ctx);
    if (!s) s = dataset_open(ctx, "synth:moons,n=64,seed=1", &d);
    if (!s) s = model_new(ctx, "vae", "hidden=8 latent=2 likelihood=gaussian", &m);
    if (!s) s = fit(m, d, "steps=3 batch=32 seed=1");
    if (!s) s = model_save(m, path);
    if (!s) s = model_load(ctx, path, &again);
    if (!s) s = sample(again, 10, 1, &y);
    if (!s) s = eval(again, d, "metric=frechet n=64", measure, 2, &n); /* LAPACK */
    ck_assert_msg(!s && n == 1 && tensor_size(y) == 20, "%s", ctx_message(ctx));
    tensor_free(y);
    model_free(again);
    model_free(m);
    dataset_free(d);
    ctx_free(ctx);
}

START_TEST(again_and_again)
{
    const int times = long_run() ? 1000 : 50, warm = 10;
    char name[300];
    int tasks = 0, files = 0;
    long memory = 0;
    snprintf(name, sizeof name, "%s/libgm.so", getenv("GM_LIB") ? getenv("GM_LIB") : "lib");
    if (access(name, R_OK)) {
        printf("skipped: no %s\n", name);
        return;
    }
    for (int i = 0; i < times; i++) {
        void *so = dlopen(name, RTLD_NOW | RTLD_LOCAL);
        ck_assert_msg(so != NULL, "%s", dlerror());
        work(so);
        ck_assert_int_eq(dlclose(so), 0);
        ck_assert_msg(SANITIZED || dlopen(name, RTLD_NOW | RTLD_NOLOAD) == NULL, "it is still there");
        if (i == warm) tasks = entries("/proc/self/task"), files = entries("/proc/self/fd"), memory = resident();
    }
    printf("%d times: %ld KiB more\n", times, (resident() - memory) / 1024);
    ck_assert_int_eq(tasks_now(tasks), tasks);
    ck_assert_int_eq(entries("/proc/self/fd"), files);
    ck_assert_msg(SANITIZED || resident() - memory <= 1 << 20, "%ld KiB more", (resident() - memory) / 1024);
    unlink(temporary("dlopen"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {again_and_again, NULL};
    return run_tests("dlopen", tests, 60);
}
