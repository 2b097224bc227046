/* Readers and writers at corners that other tests do not turn: columns of every type, arrays larger than the first step of
 * memory, values that may not be saved, words of JSON. */
#include "data_test.h"
#include "models/model.h"

/* What a column of y holds, whatever the type it is stored in. */
START_TEST(columns_of_every_type)
{
    static const int32_t types[] = { GM_U8, GM_I32, GM_I64, GM_F32, GM_F64 };
    static const double want[] = { 3, 0, 7 };
    for (size_t k = 0; k < GM__COUNT(types); k++) {
        gm_tensor *x = NULL, *y = NULL, *label = NULL, *got = NULL;
        gm_dataset *d = NULL;
        double v[3] = { 3, 0, 7 };
        uint8_t bytes[24];
        for (int i = 0; i < 3; i++) {
            if (types[k] == GM_U8) bytes[i] = (uint8_t)v[i];
            else if (types[k] == GM_I32) memcpy(bytes + 4 * i, &(int32_t){ (int32_t)v[i] }, 4);
            else if (types[k] == GM_I64) memcpy(bytes + 8 * i, &(int64_t){ (int64_t)v[i] }, 8);
            else if (types[k] == GM_F32) memcpy(bytes + 4 * i, &(float){ (float)v[i] }, 4);
            else memcpy(bytes + 8 * i, &v[i], 8);
        }
        OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 3, 2 }, &x));
        OK(gm_tensor_copy(ctx, types[k], 1, (int64_t[]){ 3 }, bytes, &y));
        OK(gm_tensor_copy(ctx, k < 3 ? types[k] : GM_I64, 1, (int64_t[]){ 3 }, k < 3 ? (void *)bytes : (void *)(int64_t[]){ 3, 0, 7 }, &label));
        OK(gm_npz_write(ctx, at("t.npz"), 3, (const char *[]){ "x", "y", "label" }, (gm_tensor *[]){ x, y, label }, 0));
        char spec[200];
        snprintf(spec, sizeof spec, "npz:%s,y=y,label=label", at("t.npz"));
        OK(gm_dataset_open(ctx, spec, &d));
        OK(gm_dataset_read(d, "y", 0, 3, &got));
        ck_assert_int_eq(gm_tensor_dtype(got), GM_F32);
        for (int i = 0; i < 3; i++) ck_assert_double_eq((double)gm__f32(got)[i], want[i]);
        gm_tensor_free(got);
        OK(gm_dataset_read(d, "label", 0, 3, &got));
        for (int i = 0; i < 3; i++) ck_assert_int_eq(((const int64_t *)gm_tensor_data(got))[i], (int64_t)want[i]);
        gm_tensor_free(got);
        gm_tensor_free(x), gm_tensor_free(y), gm_tensor_free(label);
        gm_dataset_free(d);
    }
}
END_TEST

/* A gzip stream gets memory as it comes, in steps. */
START_TEST(large_arrays_of_gzip)
{
    enum { N = 3 << 20, HEAD = 128 };
    char *file = calloc(1, HEAD + N);
    gm_tensor *t = NULL;
    ck_assert_ptr_nonnull(file);
    memcpy(file, "\x93NUMPY\x01\0\x76\0", 10);
    memset(file + 10, ' ', HEAD - 10);
    char text[100];
    int n = snprintf(text, sizeof text, "{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }", N);
    memcpy(file + 10, text, (size_t)n);
    file[HEAD - 1] = '\n';
    for (int i = 0; i < N; i++) file[HEAD + i] = (char)(i * 7 + i / 1000);
    put_gzip("large.npy.gz", file, HEAD + N);
    OK(gm_npy_read(ctx, at("large.npy.gz"), &t));
    ck_assert_int_eq(gm_tensor_size(t), N);
    ck_assert_int_eq(memcmp(gm_tensor_data(t), file + HEAD, N), 0);
    gm_tensor_free(t);
    put_gzip("short.npy.gz", file, HEAD + N - 5); /* the end is missing after several steps */
    FAILS(GM_EFORMAT, "too early", gm_npy_read(ctx, at("short.npy.gz"), &t));
    free(file);
}
END_TEST

START_TEST(no_infinity_in_half_precision)
{
    static const uint16_t fine[] = { 0x3f80, 0x7f7f, 0x8000 }, wrong[] = { 0x3f80, 0xff80, 0 };
    for (int k = 0; k < 2; k++) {
        gm_tensor *t = NULL;
        gm__stw *w = NULL;
        OK(gm_tensor_copy(ctx, GM_BF16, 1, (int64_t[]){ 3 }, k ? wrong : fine, &t));
        OK(gm__stw_new(ctx, &w));
        gm_status s = gm__stw_tensor(w, "t", t, true);
        if (!s) s = gm__stw_commit(w, at("t.safetensors"));
        ck_assert_int_eq(s, k ? GM_ENONFINITE : GM_OK);
        gm__stw_free(w);
        gm_tensor_free(t);
    }
}
END_TEST

START_TEST(words_of_json)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "vae", "{\"hidden\":[3],\"latent\":2,\"shape\":[2],\"conditional\":false}", &m));
    ck_assert_ptr_nonnull(strstr(gm_model_config(m), "\"conditional\":false"));
    gm_model_free(m);
    OK(gm_model_new(ctx, "rbm", "{\"hidden\":3,\"shape\":[2],\"centered\":true}", &m));
    ck_assert_ptr_nonnull(strstr(gm_model_config(m), "\"centered\":true"));
    gm_model_free(m);
    FAILS(GM_EARG, "rbm", gm_model_new(ctx, "rbm", "{\"hidden\":{\"a\":3}}", &m));
}
END_TEST

/* What is added to a data set later, batches made before do not have. */
START_TEST(batches_before_a_column)
{
    gm_tensor *x = NULL, *y = NULL, *got;
    gm_dataset *d = NULL;
    gm_batches *b = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 3, 2 }, &x));
    OK(gm_tensor_new(ctx, GM_F32, 1, (int64_t[]){ 3 }, &y));
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    OK(gm_batches_new(d, "batch=2", &b));
    OK(gm_dataset_add(d, "y", y));
    OK(gm_batches_next(b, &got));
    ck_assert_ptr_null(gm_batches_column(b, "y"));
    OK(gm_batches_next(b, &got));
    gm_batches_free(b);
    OK(gm_batches_new(d, "batch=2", &b));
    OK(gm_batches_next(b, &got));
    ck_assert_ptr_nonnull(gm_batches_column(b, "y"));
    gm_batches_free(b);
    gm_dataset_free(d);
    gm_tensor_free(x), gm_tensor_free(y);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { columns_of_every_type, large_arrays_of_gzip, no_infinity_in_half_precision, words_of_json, batches_before_a_column, NULL };
    return run_suite("corners", tests);
}
