/* NPZ and the zip files under it: what NumPy wrote, what is written and read back, and lies in every field. */
#include "data_test.h"

static const uint8_t numpy_file[] = { /* numpy.savez_compressed(x=[[1,2,3],[4,5,6]] f4, label=[3,1] i8, y=[.5,-2] f8), NumPy 2.4.6 */
    80, 75, 3, 4, 45, 0, 0, 0, 8, 0, 0, 0, 33, 0, 124, 156, 222, 162, 255, 255, 255, 255, 255, 255, 255, 255, 5, 0, 20, 0, 120, 46,
    110, 112, 121, 1, 0, 16, 0, 152, 0, 0, 0, 0, 0, 0, 0, 88, 0, 0, 0, 0, 0, 0, 0, 155, 236, 23, 234, 27, 16, 201, 200, 80,
    198, 80, 173, 158, 146, 90, 156, 92, 164, 110, 165, 160, 110, 147, 102, 162, 174, 163, 160, 158, 150, 95, 84, 82, 148, 152, 23, 159, 95, 148, 146, 10,
    18, 119, 75, 204, 41, 78, 5, 138, 23, 103, 36, 22, 164, 2, 249, 26, 70, 58, 10, 198, 154, 58, 10, 181, 10, 100, 3, 46, 6, 134, 6, 123,
    6, 6, 6, 7, 32, 2, 226, 6, 32, 94, 0, 196, 7, 28, 0, 80, 75, 3, 4, 45, 0, 0, 0, 8, 0, 0, 0, 33, 0, 140, 222, 51,
    224, 255, 255, 255, 255, 255, 255, 255, 255, 9, 0, 20, 0, 108, 97, 98, 101, 108, 46, 110, 112, 121, 1, 0, 16, 0, 144, 0, 0, 0, 0, 0,
    0, 0, 74, 0, 0, 0, 0, 0, 0, 0, 155, 236, 23, 234, 27, 16, 201, 200, 80, 198, 80, 173, 158, 146, 90, 156, 92, 164, 110, 165, 160, 110,
    147, 105, 161, 174, 163, 160, 158, 150, 95, 84, 82, 148, 152, 23, 159, 95, 148, 146, 10, 18, 119, 75, 204, 41, 78, 5, 138, 23, 103, 36, 22, 164,
    2, 249, 26, 70, 58, 154, 58, 10, 181, 10, 20, 0, 46, 102, 6, 8, 96, 132, 210, 0, 80, 75, 3, 4, 45, 0, 0, 0, 8, 0, 0, 0,
    33, 0, 172, 89, 188, 117, 255, 255, 255, 255, 255, 255, 255, 255, 5, 0, 20, 0, 121, 46, 110, 112, 121, 1, 0, 16, 0, 144, 0, 0, 0, 0,
    0, 0, 0, 77, 0, 0, 0, 0, 0, 0, 0, 155, 236, 23, 234, 27, 16, 201, 200, 80, 198, 80, 173, 158, 146, 90, 156, 92, 164, 110, 165, 160,
    110, 147, 102, 161, 174, 163, 160, 158, 150, 95, 84, 82, 148, 152, 23, 159, 95, 148, 146, 10, 18, 119, 75, 204, 41, 78, 5, 138, 23, 103, 36, 22,
    164, 2, 249, 26, 70, 58, 154, 58, 10, 181, 10, 20, 0, 46, 6, 48, 120, 96, 15, 161, 25, 14, 0, 0, 80, 75, 1, 2, 45, 3, 45, 0,
    0, 0, 8, 0, 0, 0, 33, 0, 124, 156, 222, 162, 88, 0, 0, 0, 152, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    128, 1, 0, 0, 0, 0, 120, 46, 110, 112, 121, 80, 75, 1, 2, 45, 3, 45, 0, 0, 0, 8, 0, 0, 0, 33, 0, 140, 222, 51, 224, 74,
    0, 0, 0, 144, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 1, 143, 0, 0, 0, 108, 97, 98, 101, 108, 46, 110,
    112, 121, 80, 75, 1, 2, 45, 3, 45, 0, 0, 0, 8, 0, 0, 0, 33, 0, 172, 89, 188, 117, 77, 0, 0, 0, 144, 0, 0, 0, 5, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 1, 20, 1, 0, 0, 121, 46, 110, 112, 121, 80, 75, 5, 6, 0, 0, 0, 0, 3, 0, 3,
    0, 157, 0, 0, 0, 152, 1, 0, 0, 0, 0,
};

enum { SIZE = sizeof numpy_file };

static gm_dataset *d;

static gm_status open_npz(const char *rest)
{
    char spec[300];
    snprintf(spec, sizeof spec, "npz:%s%s", at("a.npz"), rest);
    return gm_dataset_open(ctx, spec, &d);
}

static const uint8_t *entry(const uint8_t *b, int k) /* of the directory */
{
    for (size_t i = 0; i + 4 < SIZE; i++)
        if (!memcmp(b + i, "PK\1\2", 4) && k-- == 0) return b + i;
    ck_abort();
}

START_TEST(numpy)
{
    int64_t shape[8];
    float x[6], y[2];
    put_file("a.npz", numpy_file, SIZE);
    OK(open_npz(",label=label,y=y"));
    ck_assert(gm_dataset_rows(d) == 2 && gm_dataset_columns(d) == 3 && gm_dataset_classes(d) == 4);
    OK(gm__dataset_gather(d, "x", (uint64_t[]){ 0, 1 }, 2, x));
    OK(gm__dataset_gather(d, "y", (uint64_t[]){ 0, 1 }, 2, y));
    for (int i = 0; i < 6; i++) ck_assert_float_eq(x[i], (float)(i + 1));
    ck_assert(y[0] == 0.5f && y[1] == -2 && gm_dataset_shape(d, "y", shape) == 1 && shape[0] == 1 && gm_dataset_dtype(d, "y") == GM_F32);
    int64_t k[2];
    OK(gm__dataset_gather(d, "label", (uint64_t[]){ 0, 1 }, 2, k));
    ck_assert(k[0] == 3 && k[1] == 1);
    gm_dataset_free(d);
    OK(open_npz(",x=y[1:2]"));
    ck_assert_uint_eq(gm_dataset_rows(d), 1);
    gm_dataset_free(d);
    gm_tensor *t;
    OK(gm_npz_read(ctx, at("a.npz"), "label", &t));
    ck_assert(t->dtype == GM_I64 && t->size == 2);
    gm_tensor_free(t);
    FAILS(GM_ENOTFOUND, "no array 'z'; there are: x label y", open_npz(",x=z"));
    FAILS(GM_ENOTFOUND, "'x.npy'", gm_npz_read(ctx, at("a.npz"), "x.npy", &t));
    FAILS(GM_EDTYPE, "labels must be", open_npz(",label=y"));
    FAILS(GM_EARG, "option 'z'", open_npz(",z=x"));
    FAILS(GM_EARG, "NULL", gm_npz_read(ctx, NULL, "x", &t));
}
END_TEST

START_TEST(round_trip)
{
    gm_tensor *t[4], *back;
    const char *names[] = { "x", "label", "big", "one" };
    uint8_t first[4096], second[4096];
    OK(gm_tensor_new(ctx, GM_U8, 2, (int64_t[]){ 5, 3 }, &t[0]));
    for (int i = 0; i < 15; i++) ((uint8_t *)t[0]->data)[i] = (uint8_t)(i * 17);
    OK(gm_tensor_copy(ctx, GM_I32, 1, (int64_t[]){ 5 }, (int32_t[]){ 0, 1, 2, 1, 0 }, &t[1]));
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){ 300, 400 }, &t[2])); /* zeros pack well */
    double v[6] = { 1, 2, 3, 4, 5, 6 };
    OK(gm_tensor_wrap(ctx, GM_F64, 2, (int64_t[]){ 2, 3 }, (int64_t[]){ 1, 2 }, v, NULL, NULL, &t[3])); /* strided */
    for (int compress = 0; compress < 2; compress++) {
        OK(gm_npz_write(ctx, at("a.npz"), 4, names, t, compress));
        for (int i = 0; i < 4; i++) {
            OK(gm_npz_read(ctx, at("a.npz"), names[i], &back));
            ck_assert(back->dtype == t[i]->dtype && back->ndim == t[i]->ndim && back->size == t[i]->size);
            if (i < 3) ck_assert_mem_eq(back->data, t[i]->data, (size_t)t[i]->size * gm__esize(t[i]->dtype));
            else ck_assert(gm__f64(back)[1] == 3 && gm__f64(back)[3] == 2);
            gm_tensor_free(back);
        }
        OK(open_npz(",label=label"));
        ck_assert(gm_dataset_rows(d) == 5 && gm_dataset_classes(d) == 3);
        gm_dataset_free(d);
    }
    OK(gm_npz_write(ctx, at("a.npz"), 2, names, t, 1));
    size_t n = get_file("a.npz", first, sizeof first);
    OK(gm_npz_write(ctx, at("a.npz"), 2, names, t, 1));
    ck_assert(n < sizeof first && get_file("a.npz", second, sizeof second) == n && !memcmp(first, second, n)); /* no time in it */
    FAILS(GM_EARG, "'x' stands twice", gm_npz_write(ctx, at("b.npz"), 2, (const char *[]){ "x", "x" }, t, 0));
    FAILS(GM_EARG, "1 to 1024 arrays", gm_npz_write(ctx, at("b.npz"), 0, names, t, 0));
    FAILS(GM_EARG, "name", gm_npz_write(ctx, at("b.npz"), 1, (const char *[]){ "" }, t, 0));
    gm_tensor *half;
    OK(gm_tensor_new(ctx, GM_BF16, 1, (int64_t[]){ 2 }, &half));
    FAILS(GM_EDTYPE, "bf16", gm_npz_write(ctx, at("b.npz"), 1, names, &half, 0));
    gm_tensor_free(half);
    ck_assert_int_eq(count_files(), 1);
    for (int i = 0; i < 4; i++) gm_tensor_free(t[i]);
}
END_TEST

/* One field of the file overwritten. */
static gm_status lie(size_t where, const void *p, size_t n)
{
    uint8_t b[SIZE];
    memcpy(b, numpy_file, SIZE);
    memcpy(b + where, p, n);
    put_file("a.npz", b, SIZE);
    return open_npz("");
}

START_TEST(hostile)
{
    size_t c = (size_t)(entry(numpy_file, 0) - numpy_file), e = SIZE - 22, c1 = (size_t)(entry(numpy_file, 1) - numpy_file);
    FAILS(GM_EFORMAT, "no directory", lie(e, "Q", 1));
    FAILS(GM_EFORMAT, "volumes", lie(e + 4, "\1", 1));
    FAILS(GM_EFORMAT, "volumes", lie(e + 8, "\2", 1));
    FAILS(GM_EFORMAT, "smaller than its entries", lie(e + 8, "\xff\3\xff\3", 4));
    FAILS(GM_ELIMIT, "1025 entries", lie(e + 8, "\1\4\1\4", 4));
    FAILS(GM_EFORMAT, "smaller than its", lie(e + 8, "\5\0\5\0", 4));
    FAILS(GM_EFORMAT, "outside", lie(e + 12, "\xff\xff\xff\x7f", 4));
    FAILS(GM_EFORMAT, "outside", lie(e + 16, "\xff\xff\xff\xff", 4));
    FAILS(GM_EFORMAT, "no entry", lie(e + 16, "\0\0", 2));
    FAILS(GM_EFORMAT, "no directory", lie(e + 20, "\1", 1)); /* a comment that is not there */
    FAILS(GM_EFORMAT, "no entry", lie(c, "X", 1));
    FAILS(GM_EFORMAT, "encrypted", lie(c + 8, "\1", 1));
    FAILS(GM_EFORMAT, "store nor deflate", lie(c + 10, "\x0c", 1));
    FAILS(GM_EFORMAT, "checksum", lie(c + 16, "\0\0\0\0", 4));
    FAILS(GM_EFORMAT, "goes into the directory", lie(c + 20, "\xff\xff\xff\x7f", 4));
    FAILS(GM_EFORMAT, "zip64", lie(c + 20, "\xff\xff\xff\xff", 4));
    FAILS(GM_EFORMAT, "overlap", lie(c + 20, "\xff", 1));
    FAILS(GM_EFORMAT, "cannot have", lie(c + 24, "\xff\xff\xff\x7f", 4)); /* a bomb of 2 GiB */
    FAILS(GM_EFORMAT, "", lie(c + 24, "\1", 1));
    FAILS(GM_EFORMAT, "", lie(c + 24, "\xff\1", 2));
    FAILS(GM_EFORMAT, "proper name", lie(c + 28, "\0", 1));
    FAILS(GM_EFORMAT, "past the directory", lie(c + 28, "\xff\xff", 2));
    FAILS(GM_EFORMAT, "past the directory", lie(c + 30, "\xff\xff", 2));
    FAILS(GM_EFORMAT, "past the directory", lie(c + 32, "\xff\xff", 2));
    FAILS(GM_EFORMAT, "points to no file", lie(c + 42, "\1", 1));
    FAILS(GM_EFORMAT, "points to no file", lie(c + 42, "\xff\xff\xff\x7f", 4));
    FAILS(GM_EFORMAT, "another name", lie(c + 46, "z", 1));
    FAILS(GM_EFORMAT, "another name", lie(26, "\4", 1));
    FAILS(GM_EFORMAT, "another name", lie(28, "\xff\xff", 2));
    FAILS(GM_EFORMAT, "points to no file", lie(0, "X", 1));
    uint8_t b[SIZE];
    /* the second entry becomes the first once more */
    memcpy(b, numpy_file, SIZE);
    memcpy(b + c1 + 42, b + c + 42, 4);
    put_file("a.npz", b, SIZE);
    FAILS(GM_EFORMAT, "another name", open_npz(""));
    put_file("a.npz", "", 0);
    FAILS(GM_EFORMAT, "0 bytes", open_npz(""));
}
END_TEST

/* Every damage gives one clear line or, in bytes that mean nothing, the same data. */
START_TEST(damage)
{
    static uint8_t b[SIZE];
    int fine = 0;
    for (size_t i = 0; i < SIZE; i++) {
        put_file("a.npz", numpy_file, i);
        ck_assert_int_eq(open_npz(",label=label,y=y"), GM_EFORMAT);
        for (int bit = 0; bit < 8; bit += 3) {
            memcpy(b, numpy_file, SIZE);
            b[i] ^= (uint8_t)(1 << bit);
            put_file("a.npz", b, SIZE);
            gm_status s = open_npz(",label=label,y=y");
            ck_assert_msg(!s || s == GM_EFORMAT || s == GM_EDTYPE || s == GM_ENOTFOUND || s == GM_ELIMIT, "byte %zu: %d %s", i, s, gm_ctx_message(ctx));
            if (!s) {
                float x[6];
                OK(gm__dataset_gather(d, "x", (uint64_t[]){ 0, 1 }, 2, x));
                for (int k = 0; k < 6; k++) ck_assert_float_eq(x[k], (float)(k + 1));
                gm_dataset_free(d);
                fine++;
            }
        }
    }
    ck_assert_int_lt(fine, SIZE); /* versions, times, attributes: no third of the bits */
}
END_TEST

/* Sizes too big for the 32-bit fields stand elsewhere; here they are small, but stand there all the same. */
START_TEST(zip64)
{
    uint8_t b[400] = { 0 };
    size_t n = 0;
    const char *npy = "\x93NUMPY\1\0\x37\0{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}";
    uint8_t data[67];
    memcpy(data, npy, 65), memcpy(data + 65, "\7\11", 2);
    uint32_t crc = (uint32_t)crc32(0, data, 67);
#define PUT(text, size) (memcpy(b + n, text, size), n += size)
    PUT("PK\3\4\x2d\0\0\0\0\0\0\0\0\0", 14), PUT(&crc, 4), PUT("\xff\xff\xff\xff\xff\xff\xff\xff", 8), PUT("\5\0\0\0x.npy", 9);
    PUT(data, 67);
    size_t dir = n;
    PUT("PK\1\2\x2d\0\x2d\0\0\0\0\0\0\0\0\0", 16), PUT(&crc, 4), PUT("\xff\xff\xff\xff\xff\xff\xff\xff\5\0\x1c\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xffx.npy", 31);
    PUT("\1\0\x18\0\x43\0\0\0\0\0\0\0\x43\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 28);
    size_t dir_size = n - dir, end = n;
    PUT("PK\6\6\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 40), PUT(&dir_size, 8), PUT(&dir, 8);
    PUT("PK\6\7\0\0\0\0", 8), PUT(&end, 8), PUT("\1\0\0\0", 4);
    PUT("PK\5\6\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0", 22);
    put_file("a.npz", b, n);
    OK(open_npz(""));
    float x[2];
    OK(gm__dataset_gather(d, "x", (uint64_t[]){ 0, 1 }, 2, x));
    ck_assert(x[0] == 7 * (1.0f / 255.0f) && x[1] == 9 * (1.0f / 255.0f));
    gm_dataset_free(d);
    for (size_t i = dir; i < n; i++) { /* every byte of the new records, all bits */
        uint8_t keep = b[i];
        b[i] = (uint8_t)~keep;
        put_file("a.npz", b, n);
        if (!open_npz("")) gm_dataset_free(d);
        b[i] = keep;
    }
}
END_TEST

START_TEST(failing_memory)
{
    put_file("a.npz", numpy_file, SIZE);
    for (long k = 1;; k++) {
        host.calls = 0, host.fail_at = k, host.forever = k % 2;
        gm_status s = open_npz(",label=label,y=y");
        host.fail_at = 0;
        if (!s) break;
        ck_assert_int_eq(s, GM_ENOMEM);
    }
    gm_tensor *x;
    OK(gm_dataset_read(d, "x", 0, 2, &x));
    for (long k = 1;; k++) {
        host.calls = 0, host.fail_at = k, host.forever = k % 2;
        gm_status s = gm_npz_write(ctx, at("b.npz"), 1, (const char *[]){ "x" }, &x, 1);
        host.fail_at = 0;
        if (!s) break;
        ck_assert_int_eq(s, GM_ENOMEM);
        ck_assert_int_eq(count_files(), 1);
    }
    gm_tensor_free(x);
    gm_dataset_free(d);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { numpy, round_trip, hostile, damage, zip64, failing_memory, NULL };
    return run_suite("npz", tests);
}
