/* data_test.h - what the tests of files and data share: a folder of their own, a
 * host allocator that counts and fails, files out of bytes. */
#ifndef DATA_TEST_H
#define DATA_TEST_H

#include "data/data.h"
#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static gm_ctx *ctx;
static char folder[64];
static struct { long live, calls, fail_at; int forever; } host;

static void *host_alloc(void *user, size_t n)
{
    (void)user;
    long k = __atomic_add_fetch(&host.calls, 1, __ATOMIC_RELAXED);
    if (host.fail_at && (k == host.fail_at || (host.forever && k > host.fail_at))) return NULL;
    void *p = malloc(n);
    if (p) __atomic_add_fetch(&host.live, 1, __ATOMIC_RELAXED);
    return p;
}

static void host_free(void *user, void *p)
{
    (void)user;
    __atomic_sub_fetch(&host.live, 1, __ATOMIC_RELAXED);
    free(p);
}

static gm_ctx *new_ctx(int threads)
{
    gm_ctx_config c;
    gm_ctx *made = NULL;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = threads;
    c.alloc = host_alloc, c.dealloc = host_free;
    ck_assert_int_eq(gm_ctx_new(&c, &made), GM_OK);
    return made;
}

static void setup(void)
{
    memset(&host, 0, sizeof host);
    ctx = new_ctx(2);
    /* in memory where that is possible: thousands of files are synced here */
    snprintf(folder, sizeof folder, "%s/gm_test_data_XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static inline int count_files(void)
{
    DIR *d = opendir(folder);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));) n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(d);
    return n;
}

static void finish(void)
{
    DIR *d = opendir(folder);
    char p[400];
    for (struct dirent *e; (e = readdir(d));) {
        snprintf(p, sizeof p, "%s/%s", folder, e->d_name);
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..")) unlink(p);
    }
    closedir(d);
    ck_assert_int_eq(rmdir(folder), 0);
    gm_ctx_free(ctx);
    ck_assert_int_eq(host.live, 0); /* nothing leaked */
}

/* Path of a name in the test's folder; four at a time. */
static const char *at(const char *name)
{
    static char path[4][160];
    static int k;
    k = (k + 1) % 4;
    snprintf(path[k], sizeof path[k], "%s/%s", folder, name);
    return path[k];
}

static inline void put_file(const char *name, const void *p, size_t n)
{
    FILE *f = fopen(at(name), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(p, 1, n, f), n);
    fclose(f);
}

static inline void put_gzip(const char *name, const void *p, size_t n)
{
    gzFile f = gzopen(at(name), "wb");
    ck_assert_int_eq(gzwrite(f, p, (unsigned)n), (int)n);
    gzclose(f);
}

static inline size_t get_file(const char *name, uint8_t *p, size_t cap)
{
    FILE *f = fopen(at(name), "rb");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(p, 1, cap, f);
    fclose(f);
    return n;
}

#define OK(call) ck_assert_msg((call) == GM_OK, "%s: %s", #call, gm_ctx_message(ctx))
/* The call fails with this code and a message of one line that holds the text. */
#define FAILS(code, text, call)                                                                                   \
    do {                                                                                                          \
        int s_ = (call);                                                                                          \
        const char *m_ = gm_ctx_message(ctx);                                                                     \
        ck_assert_msg(s_ == (code), "%s: %d, not %d: %s", #call, s_, (int)(code), m_);                            \
        ck_assert_msg(strstr(m_, (text)) && !strchr(m_, '\n'), "%s: message '%s' lacks '%s'", #call, m_, (text)); \
    } while (0)

static int run_suite(const char *name, const TTest *const *tests)
{
    Suite *s = suite_create(name);
    TCase *c = tcase_create(name);
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, setup, finish);
    for (; *tests; tests++) tcase_add_test(c, *tests);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

#endif
