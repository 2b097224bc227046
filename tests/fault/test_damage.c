/* Model files and checkpoints of every family, damaged: every flipped bit and every truncation is refused; files whose
 * checksum is right and whose contents are not are refused, or are a model. GM_LONG=1: all bits of all files. */
#include "fault/small.h"
#include "io/io.h"
#include <check.h>

static gm_ctx *ctx;
static char path[2][128];

#define OK(call) ck_assert_msg((call) == GM_OK, "%s: %s", #call, gm_ctx_message(ctx))

/* Trains model k for a step, leaves it and its checkpoint. */
static void make(int k)
{
    gm_ctx_config c;
    gm_dataset *d = NULL;
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    char here[300];
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    ck_assert(getcwd(here, sizeof here) && !chdir(folder));
    OK(gm_dataset_open(ctx, models[k].data, &d));
    ck_assert_int_eq(chdir(here), 0);
    OK(gm_model_new(ctx, models[k].family, models[k].options, &m));
    OK(gm_trainer_new(m, d, "steps=2 batch=8 seed=5", &tr));
    OK(gm_trainer_step(tr, NULL));
    for (int i = 0; i < 2; i++) snprintf(path[i], sizeof path[i], "%s/%s", folder, i ? "checkpoint" : "model");
    OK(gm_model_save(m, path[0]));
    OK(gm_trainer_save(tr, path[1]));
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}

static void one_line(const char *what)
{
    const char *m = gm_ctx_message(ctx);
    ck_assert_msg(*m && !strchr(m, '\n'), "%s: message '%s'", what, m);
}

/* ---- every bit and every length --------------------------------------------------------------------- */

static gm_status parse(const uint8_t *p, size_t n)
{
    gm__st *f = NULL;
    uint8_t *copy = gm__alloc(ctx, n, 1);
    ck_assert_ptr_nonnull(copy);
    if (n) memcpy(copy, p, n);
    gm_status s = gm__st_parse(ctx, "file", copy, n, &f);
    ck_assert_msg(!s == (f != NULL), "status %d", s);
    gm__st_close(f);
    return s;
}

START_TEST(bits_and_lengths)
{
    const int whole = getenv("GM_LONG") != NULL;
    long tried = 0;
    make(_i);
    for (int k = 0; k < 2; k++) {
        uint8_t *b;
        size_t n;
        OK(gm__file_read(ctx, path[k], 1 << 24, &b, &n));
        OK(parse(b, n));
        const size_t step = whole ? 1 : 1 + 8 * n / 997; /* bits; a thousand of a file, or all */
        for (size_t bit = (size_t)_i % step; bit < 8 * n; bit += step, tried++) {
            b[bit / 8] ^= (uint8_t)(1 << bit % 8);
            const gm_status s = parse(b, n);
            ck_assert_msg(s == GM_EFORMAT || s == GM_ELIMIT || s == GM_EDTYPE, "%s: bit %zu: %s: %s", path[k], bit, gm_status_name(s), gm_ctx_message(ctx));
            one_line("a bit");
            b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t to = 0; to < n; to += whole || n - to < 9 || to < 9 ? 1 : 1 + n / 97, tried++) {
            ck_assert_msg(parse(b, to) == GM_EFORMAT, "%s: %zu of %zu bytes: %s", path[k], to, n, gm_ctx_message(ctx));
            one_line("a length");
        }
        gm__free(ctx, b);
    }
    gm_ctx_free(ctx);
    if (whole) fprintf(stderr, "%s: %ld damaged files refused\n", models[_i].family, tried);
}
END_TEST

/* ---- right checksums, wrong contents ------------------------------------------------------------------- */

enum { DROP = 1, LONGER, FLATTER, WHOLE, RENAME, EXTRA, CHANGES };

/* The file f again, tensor `which` changed, the metadata `key` with another value (NULL: left out). */
static void forge(const gm__st *f, const char *to, size_t which, int change, const char *key, const char *value)
{
    gm__stw *w = NULL;
    enum { MOST = 400 };
    gm_tensor *t[MOST] = {NULL};
    ck_assert_uint_lt(f->n, MOST);
    OK(gm__stw_new(ctx, &w));
    for (size_t i = 0; i < f->n_meta; i++) {
        const int here = key && !strcmp(f->meta[i].key, key);
        if (!strcmp(f->meta[i].key, "gm.checksum") || (here && !value)) continue;
        OK(gm__stw_meta(w, f->meta[i].key, here ? value : f->meta[i].value));
    }
    for (size_t i = 0; i < f->n; i++) {
        const gm__entry *e = &f->entries[i];
        const int c = i == which ? change : 0;
        int64_t shape[GM_MAX_DIMS];
        int ndim = e->ndim;
        memcpy(shape, e->shape, sizeof shape);
        if (c == DROP) continue;
        if (c == LONGER && ndim) shape[0]++;
        if (c == FLATTER) {
            for (int k = 1; k < ndim; k++) shape[0] *= shape[k];
            shape[0] = ndim ? shape[0] : 1, ndim = ndim == 1 ? 2 : 1, shape[1] = 1;
        }
        OK(gm_tensor_new(ctx, c == WHOLE ? (e->dtype == GM_I32 ? GM_F32 : GM_I32) : e->dtype, ndim, shape, &t[i]));
        if (!c) OK(gm__st_load(f, e, t[i]));
        OK(gm__stw_tensor(w, c == RENAME ? "another.name" : e->name, t[i], false));
        if (c == EXTRA) OK(gm__stw_tensor(w, "one.more", t[i], false));
    }
    OK(gm__stw_commit(w, to));
    gm__stw_free(w);
    for (size_t i = 0; i < f->n; i++) gm_tensor_free(t[i]);
}

static gm_status load(const char *file)
{
    gm_model *m = NULL;
    const gm_status s = gm_model_load(ctx, file, &m);
    ck_assert_int_eq(!s, m != NULL);
    gm_model_free(m);
    if (s) one_line("a forged file");
    return s;
}

START_TEST(forged_tensors)
{
    char forged[128];
    gm__st *f = NULL;
    long refused = 0;
    make(_i);
    snprintf(forged, sizeof forged, "%s/forged", folder);
    OK(gm__st_open(ctx, path[0], &f));
    const int learns_sizes = (gm_family_can(models[_i].family) & GM_CAN_GENERATE) != 0;
    forge(f, forged, 0, 0, NULL, NULL);
    OK(load(forged));
    for (size_t i = 0; i < f->n; i++)
        for (int change = 1; change < CHANGES; change++) {
            if (change == LONGER && !f->entries[i].ndim) continue;
            if (change == EXTRA && learns_sizes) continue; /* one more is kept there, and asked for nothing */
            forge(f, forged, i, change, NULL, NULL);
            const gm_status s = load(forged);
            ck_assert_msg(s == GM_EFORMAT, "%s: tensor %s, change %d: %s", models[_i].family, f->entries[i].name, change, gm_status_name(s));
            ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), forged));
            refused++;
        }
    ck_assert_int_gt(refused, 10);
    gm__st_close(f);
    gm_ctx_free(ctx);
}
END_TEST

/* Every value of gm.config in turn becomes something else. */
START_TEST(forged_options)
{
    static const char *const others[] = {"-1", "0", "1", "7", "3.5", "1e300", "9223372036854775807", "\"\"", "\"x\"", "\"2,3\"", "\"1000000,1000000\"", "\"linear 3\"", "true", "null", "[]", "[1,2]", "[-1]", "{}"};
    char forged[128], config[8192];
    gm__st *f = NULL;
    long refused = 0, taken = 0;
    make(_i);
    snprintf(forged, sizeof forged, "%s/forged", folder);
    OK(gm__st_open(ctx, path[0], &f));
    const char *text = gm__st_meta(f, "gm.config");
    int value = 0, quoted = 0;
    for (const char *p = text; *p; p++) {
        if (*p == '"') quoted = !quoted;
        if (quoted || *p != ':') continue;
        const char *end = p + 1;
        for (int q = 0; *end && (q || (*end != ',' && *end != '}')); end++) q ^= *end == '"';
        for (size_t k = 0; k < GM__COUNT(others); k++) {
            if (!getenv("GM_LONG") && (k + (size_t)value) % 6) continue;
            snprintf(config, sizeof config, "%.*s%s%s", (int)(p + 1 - text), text, others[k], end);
            forge(f, forged, 0, 0, "gm.config", config);
            const gm_status s = load(forged);
            ck_assert_msg(s == GM_OK || s == GM_EFORMAT || s == GM_ELIMIT, "%s: %s: %s: %s", models[_i].family, config, gm_status_name(s), gm_ctx_message(ctx));
            refused += s != GM_OK, taken += s == GM_OK;
        }
        value++;
    }
    ck_assert_int_gt(value, 3);
    ck_assert_int_gt(refused, value);
    static const char *const keys[] = {"gm.kind", "gm.config", "gm.version"}, *const values[] = {NULL, "", "x", "{}", "[]", "{", "rbm", "99.0"};
    for (size_t k = 0; k < GM__COUNT(keys); k++)
        for (size_t i = 0; i < GM__COUNT(values); i++) {
            if (values[i] && !strcmp(values[i], models[_i].family)) continue;
            forge(f, forged, 0, 0, keys[k], values[i]);
            const gm_status s = load(forged);
            ck_assert_msg(s == GM_EFORMAT, "%s: %s is '%s': %s", models[_i].family, keys[k], values[i] ? values[i] : "missing", gm_status_name(s));
            refused++;
        }
    gm__st_close(f);
    gm_ctx_free(ctx);
}
END_TEST

int main(void)
{
    if (small_begin()) return 1;
    Suite *s = suite_create("damage");
    TCase *c = tcase_create("damage");
    tcase_set_timeout(c, 600);
    tcase_add_loop_test(c, bits_and_lengths, 0, MODELS);
    tcase_add_loop_test(c, forged_tensors, 0, MODELS);
    tcase_add_loop_test(c, forged_options, 0, MODELS);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return small_end() || failed;
}
