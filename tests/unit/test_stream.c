/* Rows that stay in their files: the same bytes as from memory, bounded memory, files that vanish under it. */
#include "data_test.h"
#include <gm/gm.h>

/* The test's own files, too big for the small buffers of the others. */
static void put_rows(const char *name, const void *head, size_t n_head, int rows, int row, uint32_t seed)
{
    FILE *f = fopen(at(name), "wb");
    uint8_t *b = malloc((size_t)row);
    ck_assert(f && b && fwrite(head, 1, n_head, f) == n_head);
    for (int r = 0; r < rows; r++) {
        for (int i = 0; i < row; i++) seed = seed * 1664525u + 1013904223u, b[i] = (uint8_t)(seed >> 24);
        if (row == 3073) b[0] = (uint8_t)(r % 10);
        if (row == 3074) b[0] = (uint8_t)(r % 20), b[1] = (uint8_t)(r % 100);
        ck_assert_uint_eq(fwrite(b, 1, (size_t)row, f), row);
    }
    fclose(f);
    free(b);
}

static size_t npy_head(char *b, const char *dict)
{
    size_t n = strlen(dict);
    memcpy(b, "\x93NUMPY\1\0", 8);
    b[8] = (char)n, b[9] = 0;
    memcpy(b + 10, dict, n);
    return 10 + n;
}

/* CRC of three epochs, whole and last batches, all columns. */
static uint64_t walk(gm_dataset *d, const char *options)
{
    gm_batches *b;
    gm_tensor *x;
    gm_status s;
    uint64_t crc = 0;
    OK(gm_batches_new(d, options, &b));
    for (int e = 0; e < 3; e++) {
        while (!(s = gm_batches_next(b, &x))) {
            for (int32_t i = 0; i < gm_dataset_columns(d); i++) {
                gm_tensor *t = gm_batches_column(b, gm_dataset_column_name(d, i));
                crc = gm__crc64(crc, t->data, (size_t)t->size * gm__esize(t->dtype));
            }
        }
        ck_assert_int_eq(s, GM_END);
    }
    gm_batches_free(b);
    return crc;
}

START_TEST(same_bytes)
{
    char head[200], spec[700], one[300], two[300];
    put_rows("a.bin", "", 0, 37, 3073, 1);
    put_rows("b.bin", "", 0, 12, 3073, 2);
    put_rows("c.bin", "", 0, 9, 3074, 3);
    put_rows("i", "\0\0\x08\3\0\0\0\x29\0\0\0\5\0\0\0\7", 16, 41, 35, 4);
    put_rows("l", "\0\0\x08\1\0\0\0\x29", 8, 1, 41, 5);
    put_rows("u.npy", head, npy_head(head, "{'descr': '|u1', 'fortran_order': False, 'shape': (23, 3, 5)}"), 23, 15, 6);
    put_rows("f8.npy", head, npy_head(head, "{'descr': '<i8', 'fortran_order': False, 'shape': (23, 4)}"), 23, 32, 7);
    put_rows("f4.npy", head, npy_head(head, "{'descr': '<i4', 'fortran_order': True, 'shape': (50,)}"), 50, 4, 8);
    gm_tensor *t; /* finite numbers */
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){ 31, 3 }, &t));
    for (int i = 0; i < 93; i++) gm__f64(t)[i] = 1.0 / (i + 1);
    OK(gm_npy_write(t, at("d.npy")));
    gm_tensor_free(t);
    snprintf(one, sizeof one, "cifar:%s,", at("a.bin")), strcat(one, at("b.bin"));
    snprintf(two, sizeof two, "idx:%s,", at("i")), strcat(two, at("l"));
    const char *const specs[] = { one, two, "cifar:c.bin", "cifar:c.bin,label=coarse", "npy:u.npy", "npy:f8.npy", "npy:f4.npy", "npy:d.npy" };
    static const char *const ranges[] = { "", "[1:9]", "[2:9:3]" }, *const options[] = { "batch=5 seed=3", "batch=4 shuffle=off prefetch=off", "batch=1000" };
    for (size_t i = 0; i < GM__COUNT(specs); i++) {
        for (int r = 0; r < 3; r++) {
            gm_dataset *d[2], *part[2], *rest;
            uint64_t f[2];
            for (int k = 0; k < 2; k++) {
                const char *name = strchr(specs[i], ':') + 1;
                if (i < 2) snprintf(spec, sizeof spec, "%s,stream=%s%s", specs[i], k ? "on" : "0", ranges[r]);
                else snprintf(spec, sizeof spec, "%.*s%s/%s,stream=%s%s", (int)(name - specs[i]), specs[i], folder, name, k ? "1" : "off", ranges[r]);
                OK(gm_dataset_open(ctx, spec, &d[k]));
                ck_assert((gm__dataset_column(d[k], "x")->source != NULL) == k);
                OK(gm__dataset_fingerprint(d[k], &f[k]));
            }
            ck_assert_uint_eq(f[0], f[1]);
            for (int o = 0; o < 3; o++) ck_assert_uint_eq(walk(d[0], options[o]), walk(d[1], options[o]));
            gm_tensor *x[2];
            for (int k = 0; k < 2; k++) {
                OK(gm_dataset_read(d[k], "x", 1, 2, &x[k]));
                OK(gm_dataset_split(d[k], 0.5, 7, &part[k], &rest));
                gm_dataset_free(rest);
                gm_dataset_free(d[k]); /* the part holds the file */
            }
            ck_assert(x[0]->dtype == x[1]->dtype && !memcmp(x[0]->data, x[1]->data, (size_t)x[0]->size * gm__esize(x[0]->dtype)));
            ck_assert_uint_eq(walk(part[0], options[0]), walk(part[1], options[0]));
            for (int k = 0; k < 2; k++) gm_tensor_free(x[k]), gm_dataset_free(part[k]);
        }
    }
}
END_TEST

/* 24 MB are trained on in a context that may hold 6. */
START_TEST(bounded_memory)
{
    char spec[300];
    gm_ctx_config c;
    gm_ctx *small = NULL;
    gm_dataset *d;
    gm_batches *b;
    gm_tensor *x;
    put_rows("big.bin", "", 0, 8000, 3073, 9);
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 2;
    c.max_bytes = 6 << 20;
    ck_assert_int_eq(gm_ctx_new(&c, &small), GM_OK);
    snprintf(spec, sizeof spec, "cifar:%s,stream=off", at("big.bin"));
    ck_assert_int_eq(gm_dataset_open(small, spec, &d), GM_ENOMEM);
    snprintf(spec, sizeof spec, "cifar:%s", at("big.bin")); /* streamed by itself */
    ck_assert_msg(!gm_dataset_open(small, spec, &d), "%s", gm_ctx_message(small));
    ck_assert_uint_eq(gm_dataset_rows(d), 8000);
    ck_assert_int_eq(gm_batches_new(d, "batch=64 seed=1 augment=flip,shift=2", &b), GM_OK);
    int n = 0;
    while (!gm_batches_next(b, &x)) n++;
    ck_assert_int_eq(n, 125);
    gm_batches_free(b);
    gm_model *m;
    ck_assert_int_eq(gm_model_new(small, "ae", "hidden=8 latent=2", &m), GM_OK);
    ck_assert_msg(!gm_fit(m, d, "steps=20 batch=32"), "%s", gm_ctx_message(small));
    gm_model_free(m);
    gm_memory used = { .struct_size = sizeof used };
    gm_ctx_memory(small, &used);
    ck_assert_uint_le(used.peak_bytes, 6 << 20);
    gm_dataset_free(d);
    gm_ctx_free(small);
}
END_TEST

START_TEST(vanishing_files)
{
    char spec[300];
    gm_dataset *d;
    gm_tensor *x;
    gm_batches *b;
    uint64_t mark;
    for (int threads = 1; threads <= 2; threads++) {
        gm_ctx *keep = ctx;
        ctx = new_ctx(threads);
        put_rows("a.bin", "", 0, 20, 3073, 1);
        snprintf(spec, sizeof spec, "cifar:%s,stream=on", at("a.bin"));
        OK(gm_dataset_open(ctx, spec, &d));
        OK(gm_batches_new(d, "batch=5 shuffle=off", &b));
        OK(gm_batches_next(b, &x));
        ck_assert_int_eq(truncate(at("a.bin"), 12 * 3073), 0);
        if (!gm_batches_next(b, &x)) ck_assert_int_eq((int)x->shape[0], 5); /* rows 5 to 9 are there */
        FAILS(GM_EIO, "a.bin: became shorter", gm_batches_next(b, &x));
        FAILS(GM_EIO, "a.bin: became shorter", gm_batches_next(b, &x)); /* and again */
        ck_assert(!x && gm_batches_position(b) == 2);
        FAILS(GM_EIO, "shorter", gm_dataset_read(d, "x", 10, 5, &x));
        FAILS(GM_EIO, "shorter", gm__dataset_fingerprint(d, &mark));
        put_rows("a.bin", "", 0, 20, 3073, 1);
        OK(gm_batches_next(b, &x)); /* it goes on where it stood */
        gm_batches_free(b);
        gm_dataset_free(d);
        gm_ctx_free(ctx);
        ctx = keep;
    }
}
END_TEST

START_TEST(refused)
{
    char head[200], spec[300];
    gm_dataset *d;
    static const struct { const char *name, *kind, *message; int code; } cases[] = {
        { "short.bin", "cifar", "not all files are rows", GM_EFORMAT }, { "empty", "cifar", "not all files", GM_EFORMAT }, { "a.gz", "cifar", "gzip", GM_EARG }, { "none", "cifar", "none", GM_EIO },
        { "empty", "idx", "two zero bytes", GM_EFORMAT }, { "long", "idx", "4 bytes of data, the header promises 3", GM_EFORMAT }, { "i2", "idx", "only bytes", GM_EARG },
        { "empty", "npy", "no .npy", GM_EFORMAT }, { "lie.npy", "npy", "3 bytes of data, the header promises 4", GM_EFORMAT }, { "huge.npy", "npy", "too large", GM_EFORMAT },
        { "bool.npy", "npy", "booleans", GM_EARG }, { "order.npy", "npy", "Fortran", GM_EARG }, { "scalar.npy", "npy", "no rows", GM_EFORMAT }, { "cut.npy", "npy", "expected", GM_EFORMAT } };
    put_rows("short.bin", "", 0, 1, 3072, 1);
    put_file("empty", "", 0);
    put_gzip("a.gz", "abc", 3);
    put_file("long", "\0\0\x08\1\0\0\0\3abcd", 12);
    put_file("i2", "\0\0\x0b\1\0\0\0\1ab", 10);
    put_rows("lie.npy", head, npy_head(head, "{'descr': '|u1', 'fortran_order': False, 'shape': (4,)}"), 1, 3, 1);
    put_rows("huge.npy", head, npy_head(head, "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 4611686018427387904)}"), 1, 3, 1);
    put_rows("bool.npy", head, npy_head(head, "{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}"), 1, 3, 1);
    put_rows("order.npy", head, npy_head(head, "{'descr': '|u1', 'fortran_order': True, 'shape': (3, 1)}"), 1, 3, 1);
    put_rows("scalar.npy", head, npy_head(head, "{'descr': '|u1', 'fortran_order': False, 'shape': ()}"), 1, 1, 1);
    put_file("cut.npy", head, npy_head(head, "{'descr': '|u1', 'fortran_order': False"));
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        snprintf(spec, sizeof spec, "%s:%s,stream=on", cases[i].kind, at(cases[i].name));
        FAILS(cases[i].code, cases[i].message, gm_dataset_open(ctx, spec, &d));
        ck_assert_ptr_null(d);
    }
    FAILS(GM_EARG, "on, off or auto, not 'yes'", gm_dataset_open(ctx, "npy:a,stream=yes", &d));
    FAILS(GM_EARG, "no option 'stream'", gm_dataset_open(ctx, "csv:a,stream=on", &d));
}
END_TEST

/* Every n-th allocation fails: nothing is lost, and the next try works. */
START_TEST(failing)
{
    char spec[300];
    gm_dataset *d;
    gm_batches *b;
    gm_tensor *x;
    put_rows("a.bin", "", 0, 6, 3073, 1);
    snprintf(spec, sizeof spec, "cifar:%s,stream=on", at("a.bin"));
    for (long k = 1;; k++) {
        host.calls = 0, host.fail_at = k, host.forever = k % 2;
        gm_status s = gm_dataset_open(ctx, spec, &d);
        if (!s) s = gm_batches_new(d, "batch=2 prefetch=off augment=noise=1", &b);
        else b = NULL;
        if (!s) s = gm_batches_next(b, &x);
        host.fail_at = 0;
        gm_batches_free(b);
        gm_dataset_free(d);
        if (!s) break;
        ck_assert_int_eq(s, GM_ENOMEM);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { same_bytes, bounded_memory, vanishing_files, refused, failing, NULL };
    return run_suite("stream", tests);
}
