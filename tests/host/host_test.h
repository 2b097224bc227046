/* host_test.h - what the tests of a host's rights share: small data, and every family at work on them. Public headers only. */
#ifndef HOST_TEST_H
#define HOST_TEST_H

#include <check.h>
#include <dirent.h>
#include <gm/gm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define OK(ctx, expr)                                                                                    \
    do {                                                                                                 \
        gm_status ok_ = (expr);                                                                          \
        ck_assert_msg(ok_ == GM_OK, "%s: %s: %s", #expr, gm_status_name(ok_), gm_ctx_message(ctx));      \
    } while (0)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { SIDE = 4, PIXELS = SIDE * SIDE };

/* Every family, as small as it gets. A family without a row gets its defaults. */
static const struct { const char *family, *options; } small_options[] = {
    {"ae", "hidden=6 latent=2"}, {"vae", "hidden=6 latent=2"}, {"mlp", "hidden=6"}, {"cnn", "channels=2 hidden=4"}, {"bm", "hidden=2 burn-in=4"},
    {"rbm", "hidden=5 burn-in=4"}, {"dbn", "layers=5,3 burn-in=4"}, {"dbm", "layers=5,3 burn-in=4"}, {"gan", "preset=mlp hidden=6 noise-dim=3"}, {"lapgan", "levels=1 width=2 noise-dim=2"},
    {"srgan", "blocks=1 width=2"}, {"ngram", "order=3"}, {"rnn", "hidden=5 depth=1"}, {"gpt", "depth=1 heads=2 embd=4 block=8"},
    {"transformer", "depth=1 heads=2 embd=4 block=16"}
};

static inline const char *small(const char *family)
{
    for (int i = 0; i < COUNT(small_options); i++)
        if (!strcmp(small_options[i].family, family)) return small_options[i].options;
    return "";
}

static inline int writes(const char *family) { return (gm_family_can(family) & GM_CAN_GENERATE) != 0; }

/* Numbers in [0,1) that look unordered. */
static inline float unit(uint32_t i)
{
    uint32_t h = i * 2654435761u + 12345u;
    h ^= h >> 15, h *= 2246822519u, h ^= h >> 13;
    return (float)(h >> 8) * 0x1p-24f;
}

/* Grey pictures [n, 1, 4, 4], a bright row in each, whose number is the label. */
static inline gm_status pictures(gm_ctx *ctx, int64_t n, gm_dataset **out)
{
    gm_tensor *x = NULL, *label = NULL;
    gm_status s = gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){n, 1, SIDE, SIDE}, &x);
    if (!s) s = gm_tensor_new(ctx, GM_I64, 1, &n, &label);
    for (int64_t i = 0; i < n && !s; i++) {
        ((int64_t *)gm_tensor_data(label))[i] = i % SIDE;
        for (int j = 0; j < PIXELS; j++)
            ((float *)gm_tensor_data(x))[i * PIXELS + j] = 0.2f * unit((uint32_t)(i * PIXELS + j)) + (j / SIDE == i % SIDE ? 0.8f : 0);
    }
    if (!s) s = gm_dataset_from_tensors(ctx, x, label, out);
    gm_tensor_free(x);
    gm_tensor_free(label);
    return s;
}

/* n lines of a text, each a pair for those who read pairs; an end of line follows all but the last. */
static inline gm_status texts(gm_ctx *ctx, const char *line, int64_t n, gm_dataset **out)
{
    const int64_t length = (int64_t)strlen(line), total = n * length, rows = n + 1;
    gm_tensor *bytes = NULL, *offsets = NULL;
    gm_status s = gm_tensor_new(ctx, GM_U8, 1, &total, &bytes);
    if (!s) s = gm_tensor_new(ctx, GM_I64, 1, &rows, &offsets);
    for (int64_t i = 0; i < n && !s; i++) {
        memcpy((char *)gm_tensor_data(bytes) + i * length, line, (size_t)length);
        ((int64_t *)gm_tensor_data(offsets))[i + 1] = (i + 1) * length;
    }
    if (!s) s = gm_dataset_from_ragged(ctx, bytes, offsets, NULL, out);
    gm_tensor_free(bytes);
    gm_tensor_free(offsets);
    return s;
}

/* Data that this family can learn from. */
static inline gm_status data_for(gm_ctx *ctx, const char *family, gm_dataset **out)
{
    return writes(family) ? texts(ctx, "the cat\ttac eht", 24, out) : pictures(ctx, 24, out);
}

static inline gm_status ctx_of(int32_t threads, gm_ctx **out)
{
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = threads;
    return gm_ctx_new(&c, out);
}

static inline uint64_t hash(uint64_t h, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)p)[i]) * 0x100000001b3u;
    return h;
}

static inline uint64_t tensor_hash(uint64_t h, const gm_tensor *t)
{
    return hash(h, gm_tensor_data(t), (size_t)gm_tensor_size(t) * gm_dtype_size(gm_tensor_dtype(t)));
}

/* Of all weights under their names, in whatever order they stand. */
static inline uint64_t weights_hash(const gm_model *m)
{
    uint64_t sum = 0;
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++) {
        const char *name = gm_model_tensor_name(m, i);
        sum += tensor_hash(hash(14695981039346656037u, name, strlen(name)), gm_model_tensor(m, i));
    }
    return sum;
}

/* Are all floating-point weights numbers? */
static inline int weights_finite(const gm_model *m)
{
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++) {
        const gm_tensor *t = gm_model_tensor(m, i);
        for (int64_t k = 0; k < gm_tensor_size(t); k++)
            if ((gm_tensor_dtype(t) == GM_F32 && !isfinite(((const float *)gm_tensor_data(t))[k])) ||
                (gm_tensor_dtype(t) == GM_F64 && !isfinite(((const double *)gm_tensor_data(t))[k]))) return 0;
    }
    return 1;
}

static inline gm_status trained(gm_ctx *ctx, const char *family, const char *training, gm_model **out)
{
    gm_dataset *d = NULL;
    *out = NULL;
    gm_status s = data_for(ctx, family, &d);
    if (!s) s = gm_model_new(ctx, family, small(family), out);
    if (!s) s = gm_fit(*out, d, training);
    gm_dataset_free(d);
    return s;
}

/* Draws by a sampler: rows, or tokens of a text; pictures made larger by a model that does that. */
static inline gm_status draw(gm_ctx *ctx, gm_model *m, uint64_t *h)
{
    gm_sampler *s = NULL;
    gm_tensor *y = NULL, *x = NULL;
    int64_t token = 0;
    const uint32_t can = gm_model_can(m);
    gm_status st = GM_OK;
    if (!(can & (GM_CAN_GENERATE | GM_CAN_SAMPLE))) { /* classifiers, and those that only encode or enlarge */
        gm_dataset *d = NULL;
        if (!st) st = pictures(ctx, 3, &d);
        if (!st) st = gm_dataset_read(d, "x", 0, 3, &x);
        if (!st) st = can & GM_CAN_PREDICT ? gm_predict(m, x, &y) : gm_reconstruct(m, x, &y);
        if (!st) *h = tensor_hash(*h, y);
        gm_dataset_free(d);
    } else {
        st = gm_sampler_new(ctx, m, "seed=11", &s);
        if (!st && !(can & GM_CAN_GENERATE)) st = gm_sampler_draw(s, 5, NULL, &y);
        if (y) *h = tensor_hash(*h, y);
        for (int i = 0; i < 12 && !st && can & GM_CAN_GENERATE; i++) {
            st = gm_sampler_next(s, &token);
            *h = hash(*h, &token, sizeof token);
        }
        if (st == GM_END) st = GM_OK;
    }
    gm_tensor_free(y);
    gm_tensor_free(x);
    gm_sampler_free(s);
    return st;
}

/* All a host does with one family: train, save, load, draw. *h: weights and draws. */
static inline gm_status whole_life(gm_ctx *ctx, const char *family, const char *path, uint64_t *h)
{
    gm_model *m = NULL, *again = NULL;
    gm_status s = trained(ctx, family, "steps=3 batch=8 seed=1", &m);
    if (!s) s = gm_model_save(m, path);
    if (!s) s = gm_model_load(ctx, path, &again);
    *h = s ? 0 : weights_hash(again);
    if (!s && weights_hash(m) != *h) s = GM_EINTERNAL;
    if (!s) s = draw(ctx, again, h);
    gm_model_free(m);
    gm_model_free(again);
    return s;
}

static inline const char *temporary(const char *name)
{
    static _Thread_local char path[128];
    snprintf(path, sizeof path, "%s/gm_host_%d_%s", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (int)getpid(), name);
    return path;
}

/* Names in a folder, two of which are its own and its parent's; -1: there is none, as /proc on other systems. */
static inline int entries(const char *folder)
{
    int n = 0;
    DIR *d = opendir(folder);
    if (!d) return -1;
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

/* How many threads there are, once those that were joined have gone. */
static inline int tasks_now(int expected)
{
    for (int i = 0; i < 1000 && entries("/proc/self/task") != expected; i++) usleep(1000);
    return entries("/proc/self/task");
}

static inline int long_run(void) { return getenv("GM_LONG") != NULL; }

/* Runs a list of tests that ends with NULL, each between setup and teardown if there are such. */
static inline int run_tests_in(const char *name, const TTest *const *tests, double seconds, void (*setup)(void), void (*teardown)(void))
{
    Suite *s = suite_create(name);
    TCase *c = tcase_create(name);
    tcase_set_timeout(c, long_run() || SANITIZED ? 20 * seconds : seconds);
    if (setup) tcase_add_checked_fixture(c, setup, teardown);
    for (; *tests; tests++) tcase_add_test(c, *tests);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

static inline int run_tests(const char *name, const TTest *const *tests, double seconds) { return run_tests_in(name, tests, seconds, NULL, NULL); }

#endif
