/* Model files that are mapped instead of read: the same model, the file's own pages, whatever happens to model and file. */
#include "base/file.h"
#include "models/gpt_test.h"
#include <errno.h>

static gm_model *ngram_of(const char *options)
{
    gm_model *m = NULL;
    gm_dataset *d = text_of("text", some_text);
    OK(gm_model_new(ctx, "ngram", options, &m));
    OK(gm_fit(m, d, NULL));
    gm_dataset_free(d);
    return m;
}

static size_t bytes_of_tensors(gm_model *m)
{
    size_t n = 0;
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++) n += (size_t)gm_model_tensor(m, i)->size * gm__esize(gm_model_tensor(m, i)->dtype);
    return n;
}

static double nats_of(gm_model *m)
{
    gm_measure out[3];
    int32_t n;
    gm_dataset *d = text_of("text", some_text);
    OK(gm_eval(m, d, NULL, out, 3, &n));
    gm_dataset_free(d);
    return out[0].value;
}

static void put_file(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* Tables are no memory of the context's; several owners, freed in any order; a file that was replaced stays what it was to them. */
START_TEST(tables_are_the_files)
{
    gm_model *m = ngram_of("order=6"), *other = ngram_of("order=2"), *a = NULL, *b = NULL, *read = NULL, *copy = NULL;
    const double nats = nats_of(m);
    OK(gm_model_save(m, at("m")));
    const int64_t before = (int64_t)atomic_load(&ctx->live);
    OK(gm_model_load_mapped(ctx, at("m"), &a));
    const int64_t mapped = (int64_t)atomic_load(&ctx->live) - before;
    OK(gm_model_load(ctx, at("m"), &read));
    const int64_t loaded = (int64_t)atomic_load(&ctx->live) - before - mapped;
    ck_assert_int_ge(loaded - mapped, (int64_t)(bytes_of_tensors(m) * 9 / 10));
    OK(gm_model_load_mapped(ctx, at("m"), &b));
    ck_assert(same_weights(a, read) && same_weights(b, read));
    OK(gm_model_save(other, at("m"))); /* replaces the name; the old file lives on */
    gm_model_free(a);
    ck_assert(same_weights(b, read));
    ck_assert_double_eq(nats_of(b), nats);
    OK(gm_model_copy(b, &copy));
    OK(gm_model_save(b, at("n")));
    OK(gm_model_save(m, at("o")));
    ck_assert(same_files(at("n"), at("o")));
    gm_model_free(b);
    ck_assert_double_eq(nats_of(copy), nats);
    gm_model_free(copy), gm_model_free(read), gm_model_free(m), gm_model_free(other);
}
END_TEST

/* A model that is mapped trains on as one that was read does, and the file keeps its bytes. */
START_TEST(training_leaves_the_file)
{
    gm_model *m = fresh("depth=2 heads=2 embd=16", "text", some_text), *a = NULL, *b = NULL;
    gm_dataset *d = text_of("text", some_text);
    OK(gm_model_save(m, at("m")));
    OK(gm_model_save(m, at("same")));
    OK(gm_model_load_mapped(ctx, at("m"), &a));
    OK(gm_model_load(ctx, at("m"), &b));
    OK(gm_fit(a, d, "steps=5 batch=2"));
    OK(gm_fit(b, d, "steps=5 batch=2"));
    ck_assert(same_weights(a, b) && !same_weights(a, m));
    ck_assert(same_files(at("m"), at("same")));
    OK(gm_model_load_weights(a, at("m")));
    ck_assert(same_weights(a, m));
    gm_model_free(a), gm_model_free(b), gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* Families whose sizes their options tell copy what they need. */
START_TEST(other_families_copy)
{
    gm_model *m = model("shape=1,4,4 hidden=8 latent=2"), *a = NULL;
    OK(gm_model_save(m, at("m")));
    OK(gm_model_load_mapped(ctx, at("m"), &a));
    put_file(at("m"), "", 0); /* nothing is left of it */
    ck_assert(same_weights(a, m));
    gm_model_free(a), gm_model_free(m);
}
END_TEST

static int failing_map(int call) { return call == GM__F_MAP ? ENODEV : 0; }

START_TEST(bad_files)
{
    gm_model *m = ngram_of("order=3"), *a = NULL;
    size_t n;
    OK(gm_model_save(m, at("m")));
    char *bytes = slurp(at("m"), &n);
    ck_assert_int_eq(gm_model_load_mapped(NULL, at("m"), &a), GM_EARG);
    ck_assert_int_eq(gm_model_load_mapped(ctx, at("m"), NULL), GM_EARG);
    FAILS(GM_EARG, "gm_model_load_mapped: path is NULL", gm_model_load_mapped(ctx, NULL, &a));
    FAILS(GM_EIO, "No such file", gm_model_load_mapped(ctx, at("none"), &a));
    FAILS(GM_EIO, "not a regular file", gm_model_load_mapped(ctx, dir, &a));
    gm__file_test_hook = failing_map;
    FAILS(GM_EIO, "error 19", gm_model_load_mapped(ctx, at("m"), &a));
    gm__file_test_hook = NULL;
    put_file(at("bad"), "", 0);
    FAILS(GM_EFORMAT, "too short", gm_model_load_mapped(ctx, at("bad"), &a));
    for (size_t i = 1; i < 40; i++) { /* cut short; a bit is another */
        put_file(at("bad"), bytes, n * i / 40);
        FAILS(GM_EFORMAT, "bad", gm_model_load_mapped(ctx, at("bad"), &a));
        ck_assert_ptr_null(a);
        bytes[n * i / 40] = (char)(bytes[n * i / 40] ^ 1 << i % 8);
        put_file(at("bad"), bytes, n);
        gm_status s = gm_model_load_mapped(ctx, at("bad"), &a);
        ck_assert_msg(s == GM_EFORMAT || s == GM_EDTYPE || s == GM_ELIMIT, "byte %zu: %s", n * i / 40, gm_status_name(s));
        bytes[n * i / 40] = (char)(bytes[n * i / 40] ^ 1 << i % 8);
    }
    free(bytes);
    gm_model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mapped");
    TCase *c = tcase_create("mapped");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    const TTest *const tests[] = { tables_are_the_files, training_leaves_the_file, other_families_copy, bad_files };
    for (size_t i = 0; i < GM__COUNT(tests); i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    return run_suite(s);
}
