/* test_ratings.c - ratings as a table of users and items. */
#include "data_test.h"

static gm_dataset *d;

static gm_status table(const char *known, const char *held, const char *options)
{
    char spec[500];
    put_file("known", known, strlen(known));
    if (held) put_file("held", held, strlen(held));
    snprintf(spec, sizeof spec, "ratings:%s%s%s%s", at("known"), held ? "," : "", held ? at("held") : "", options);
    return gm_dataset_open(ctx, spec, &d);
}

/* NaN is equal to NaN here. */
static void holds(const char *name, int64_t rows, int64_t width, const float *want)
{
    gm_tensor *t = NULL;
    OK(gm_dataset_read(d, name, 0, gm_dataset_rows(d), &t));
    ck_assert_int_eq(t->shape[0], rows);
    ck_assert_int_eq(t->size, rows * width);
    for (int64_t i = 0; i < t->size; i++)
        ck_assert_msg(isnan(want[i]) ? isnan(gm__f32(t)[i]) : gm__f32(t)[i] == want[i], "%s: number %lld is %g, not %g", name, (long long)i, (double)gm__f32(t)[i], (double)want[i]);
    gm_tensor_free(t);
}

#define _ NAN
START_TEST(tables)
{
    /* numbers are places */
    OK(table("0,2,5\n2,0,3.5\n0,1,1\n", NULL, ",table=on"));
    holds("x", 3, 3, (float[]){ _, 1, 5, _, _, _, 3.5f, _, _ });
    ck_assert_int_eq(gm_dataset_columns(d), 1);
    gm_dataset_free(d);
    OK(table("0,2,5\n2,0,3.5\n0,1,1\n", NULL, ",table=on,items=4"));
    holds("x", 3, 4, (float[]){ _, 1, 5, _, _, _, _, _, 3.5f, _, _, _ });
    gm_dataset_free(d);
    /* others are numbered as they appear, in both files; the later rating counts */
    OK(table("user,item,rating\nann,tea,4\nbob,jam,2\nann,tea,5\n", "bob::tea::1\ncid::nut::3\n", ",table=on"));
    holds("x", 3, 3, (float[]){ 5, _, _, _, 2, _, _, _, _ });
    holds("y", 3, 3, (float[]){ _, _, _, 1, _, _, _, _, 3 });
    gm_dataset_free(d);
    OK(table("7,20,3\n5,21,4\n", NULL, ",table=on,ids=map"));
    holds("x", 2, 2, (float[]){ 3, _, _, 4 });
    gm_dataset_free(d);
}
END_TEST
#undef _

/* A share is taken out of x, the same for the same seed. */
START_TEST(held_out)
{
    enum { USERS = 40, ITEMS = 30 };
    char *text = malloc(USERS * ITEMS * 16), *p = text;
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++) p += sprintf(p, "%d,%d,%d\n", u, i, (u * 7 + i) % 5 + 1);
    int n[3] = { 0 };
    uint64_t f[3];
    for (int k = 0; k < 3; k++) {
        gm_tensor *x = NULL, *y = NULL;
        OK(table(text, NULL, k == 2 ? ",table=on,hold=0.3,seed=5" : ",table=on,hold=0.3"));
        OK(gm_dataset_read(d, "x", 0, USERS, &x));
        OK(gm_dataset_read(d, "y", 0, USERS, &y));
        for (int j = 0; j < USERS * ITEMS; j++) {
            const float want = (float)((j / ITEMS * 7 + j % ITEMS) % 5 + 1);
            ck_assert(isnan(gm__f32(x)[j]) ? gm__f32(y)[j] == want : gm__f32(x)[j] == want && isnan(gm__f32(y)[j]));
            n[k] += !isnan(gm__f32(y)[j]);
        }
        OK(gm__dataset_fingerprint(d, &f[k]));
        gm_tensor_free(x);
        gm_tensor_free(y);
        gm_dataset_free(d);
    }
    ck_assert_double_eq_tol((double)n[0] / (USERS * ITEMS), 0.3, 5 * sqrt(0.21 / (USERS * ITEMS)));
    ck_assert(f[0] == f[1] && f[0] != f[2]);
    free(text);
}
END_TEST

START_TEST(refused)
{
    static const struct { const char *known, *held, *options, *message; int code; } bad[] = {
        { "1,2,3\n", "1,3,4\n", "", "table=on", GM_EARG }, { "1,2,3\n", NULL, ",items=3", "table=on", GM_EARG }, { "1,2,3\n", NULL, ",hold=0.1", "table=on", GM_EARG },
        { "1,2,3\n", "1,3,4\n", ",table=on,hold=0.1", "not both", GM_EARG }, { "1,2,3\n", NULL, ",table=on,hold=1", "hold", GM_EARG },
        { "1,2,3\n", NULL, ",table=maybe", "table", GM_EARG }, { "1,2,3\n", NULL, ",table=on,rows=3", "rows", GM_EARG }, { "1,2,3\n", "", ",table=on", "no ratings", GM_EFORMAT },
        { "1,2,3\n", "1,x,y\n1,2,z\n", ",table=on", "line 2", GM_EFORMAT }, { "1,5,3\n", NULL, ",table=on,items=5", "item 5 is no place in a table of 5", GM_ELIMIT },
        { "70000000,1,3\n", NULL, ",table=on", "user 70000000", GM_ELIMIT }, { "1,2147483640,3\n", NULL, ",table=on", "item 2147483640", GM_ELIMIT },
        { "60000000,60000000,3\n", NULL, ",table=on", "too large", GM_ELIMIT } };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        d = NULL;
        FAILS(bad[i].code, bad[i].message, table(bad[i].known, bad[i].held, bad[i].options));
        ck_assert_ptr_null(d);
    }
    FAILS(GM_EIO, "nowhere", gm_dataset_open(ctx, "ratings:/nowhere,table=on", &d));
}
END_TEST

/* Every allocation of the reading fails once. */
START_TEST(failing_memory)
{
    char spec[400];
    put_file("known", "a,b,3\nc,d,4\n", 12);
    put_file("held", "a,d,1\n", 6);
    snprintf(spec, sizeof spec, "ratings:%s,%s,table=on", at("known"), at("held"));
    for (long k = 1;; k++) {
        host.calls = 0;
        host.fail_at = k;
        gm_status s = gm_dataset_open(ctx, spec, &d);
        host.fail_at = 0;
        if (!s) break;
        ck_assert_int_eq(s, GM_ENOMEM);
        ck_assert_int_lt(k, 1000);
    }
    gm_dataset_free(d);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { tables, held_out, refused, failing_memory, NULL };
    return run_suite("ratings", tests);
}
