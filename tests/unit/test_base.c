/* The context: options, life, messages, memory, cap, buffers, cancel, log. */
#include "base_test.h"
#include <gm/gm.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- status codes and constants ------------------------------------------------- */

START_TEST(status_names)
{
    int n = 0;
#define ROW(name, value, text_)                                    \
    ck_assert_str_eq(gm_status_name(value), "GM_" #name);         \
    ck_assert_str_eq(gm_status_text(GM_##name), text_);           \
    ck_assert_int_eq(GM_##name, n++);
    GM_STATUS_LIST(ROW)
#undef ROW
    ck_assert_int_eq(n, GM_STATUS_END_);
    ck_assert_str_eq(gm_status_name(-1), "GM_UNKNOWN");
    ck_assert_str_eq(gm_status_name(GM_STATUS_END_), "GM_UNKNOWN");
    ck_assert_ptr_nonnull(gm_status_text(12345));
    char v[32];
    gm__format(v, sizeof v, "%d.%d.%d", GM_VERSION_MAJOR, GM_VERSION_MINOR, GM_VERSION_PATCH);
    ck_assert_str_eq(gm_version_string(), v);
}
END_TEST

START_TEST(constants)
{
    int64_t v = 5;
    ck_assert_int_eq(gm_constant("GM_EARG", &v), GM_OK);
    ck_assert_int_eq(v, GM_EARG);
    ck_assert_int_eq(gm_constant("GM_ALL_AXES", &v), GM_OK);
    ck_assert_int_eq(v, GM_ALL_AXES);
    ck_assert_int_eq(gm_constant("GM_NOPE", &v), GM_ENOTFOUND);
    ck_assert_int_eq(v, 0);
    ck_assert_int_eq(gm_constant(NULL, &v), GM_EARG);
    ck_assert_int_eq(gm_constant("GM_OK", NULL), GM_EARG);
}
END_TEST

/* ---- contexts --------------------------------------------------------------------- */

static gm_ctx_config fresh(void)
{
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    return c;
}

START_TEST(new_and_free)
{
    gm_ctx *ctx = NULL;
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_str_eq(gm_ctx_message(ctx), "success");
    ck_assert_int_ge(gm_ctx_threads(ctx), 1);
    ck_assert_ptr_eq(ctx->kern, gm__kern_table(ctx->cpu));
    ck_assert_ptr_null(ctx->pool);
    gm__retain(ctx); /* as an object of the context does */
    gm_ctx_free(ctx);
    ck_assert_str_eq(gm_ctx_message(ctx), "success");
    gm_ctx_free(ctx);
    gm_ctx_free(NULL);
    ck_assert_int_eq(gm_ctx_new(NULL, NULL), GM_EARG);
    uint32_t other[64] = { GM__TENSOR };
    ck_assert_int_eq(gm_ctx_threads((gm_ctx *)(void *)other), 0);
    ck_assert_int_eq(gm_ctx_threads(NULL), 0);
    ck_assert_int_eq(gm_ctx_set_threads(NULL, 1), GM_EARG);
    ck_assert_ptr_nonnull(strstr(gm_ctx_message(NULL), "no context"));
    gm_ctx_cancel(NULL);
    gm_ctx_free((gm_ctx *)(void *)other);
}
END_TEST

static void *nothing(void *u, size_t n) { GM__UNUSED(u); GM__UNUSED(n); return NULL; }

START_TEST(config_bounds)
{
    gm_ctx *ctx;
    static const struct { int field; int32_t value; gm_status want; } rows[] = {
        { 0, -1, GM_EARG }, { 0, 257, GM_EARG }, { 0, 256, GM_OK }, { 1, 3, GM_EARG }, { 1, -1, GM_EARG }, { 1, 2, GM_OK },
        { 2, 2, GM_EARG }, { 2, 1, GM_OK }, { 3, -1, GM_EARG }, { 3, 1, GM_OK }, { 4, 2, GM_EARG }, { 4, 1, GM_OK },
    };
    for (size_t i = 0; i < GM__COUNT(rows); i++) {
        gm_ctx_config c = fresh();
        int32_t *f[] = { &c.threads, &c.precision, &c.amx, &c.blas_threads, &c.debug };
        *f[rows[i].field] = rows[i].value;
        ck_assert_int_eq(gm_ctx_new(&c, &ctx), rows[i].want);
        ck_assert((ctx != NULL) == (rows[i].want == GM_OK));
        gm_ctx_free(ctx);
    }
    gm_ctx_config c = fresh();
    c.alloc = nothing;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_EARG);
    c = fresh();
    c.cpu = "sse9";
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_EARG);
    static const char *const names[] = { "plain", "avx2", "avx512" };
    for (int i = 0; i < 3; i++) {
        c.cpu = names[i];
        gm_status s = gm_ctx_new(&c, &ctx);
        ck_assert_int_eq(s, i <= gm__cpu_detect() ? GM_OK : GM_EUNSUPPORTED);
        if (!s) ck_assert_str_eq(gm_ctx_cpu(ctx), names[i]);
        gm_ctx_free(ctx);
    }
}
END_TEST

START_TEST(struct_sizes)
{
    gm_ctx *ctx;
    struct { gm_ctx_config c; uint64_t more[2]; } big;
    memset(&big, 0xff, sizeof big);
    gm_ctx_config_init(&big.c, sizeof big);
    ck_assert_uint_eq(big.c.struct_size, sizeof big);
    ck_assert(!big.more[0] && !big.more[1]);
    big.c.threads = 3;
    ck_assert_int_eq(gm_ctx_new(&big.c, &ctx), GM_OK); /* a newer caller that sets nothing new */
    ck_assert_int_eq(gm_ctx_threads(ctx), 3);
    ck_assert_uint_eq(ctx->cfg.struct_size, sizeof(gm_ctx_config));
    gm_ctx_free(ctx);
    big.more[1] = 1;
    ck_assert_int_eq(gm_ctx_new(&big.c, &ctx), GM_EARG);
    ck_assert_ptr_null(ctx);

    gm_ctx_config c = fresh(); /* an older caller: only threads is known, the rest is not read */
    c.struct_size = 8;
    c.threads = 2;
    c.precision = 77;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    ck_assert_int_eq(gm_ctx_threads(ctx), 2);
    ck_assert_int_eq(ctx->cfg.precision, GM_PRECISION_HIGHEST);
    gm_ctx_free(ctx);
    static const uint32_t bad[] = { 0, 4, 7, 4097, 1u << 31 };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        c = fresh();
        c.struct_size = bad[i];
        ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_EARG);
    }
    memset(&c, 0x55, sizeof c);
    gm_ctx_config_init(&c, 8);
    ck_assert(c.struct_size == 8 && c.threads == 0 && c.precision == 0x55555555);
    gm_ctx_config_init(NULL, 8);
}
END_TEST

/* ---- memory --------------------------------------------------------------------------- */

typedef struct host { size_t calls, frees; long left; } host;
static void *host_alloc(void *user, size_t n)
{
    host *h = user;
    if (h->left-- <= 0) return NULL;
    h->calls++;
    char *p = malloc(n + 24); /* not aligned to 16, as a host's may be */
    *(void **)(void *)(p + (h->calls % 2 ? 8 : 16) - 8) = p;
    return p + (h->calls % 2 ? 8 : 16);
}
static void host_free(void *user, void *p)
{
    ((host *)user)->frees++;
    free(((void **)p)[-1]);
}

START_TEST(allocator)
{
    host h = { .left = 1000000 };
    gm_ctx_config c = fresh();
    c.alloc = host_alloc, c.dealloc = host_free, c.alloc_user = &h;
    gm_ctx *ctx;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    gm_memory before = { .struct_size = sizeof before }, m = before;
    ck_assert_int_eq(gm_ctx_memory(ctx, &before), GM_OK);
    ck_assert_uint_gt(before.live_bytes, sizeof(gm_ctx));
    char *p[200];
    for (int i = 0; i < 200; i++) {
        p[i] = gm__alloc(ctx, (size_t)i, 3);
        ck_assert_ptr_nonnull(p[i]);
        ck_assert_uint_eq((uintptr_t)p[i] % 64, 0);
        memset(p[i], i, (size_t)i * 3);
    }
    gm_ctx_memory(ctx, &m);
    ck_assert_uint_eq(m.allocations, before.allocations + 200);
    ck_assert_uint_ge(m.live_bytes, before.live_bytes + 200 * 199 / 2 * 3);
    ck_assert_uint_eq(m.peak_bytes, m.live_bytes);
    for (int i = 0; i < 200; i++) {
        p[i] = gm__realloc(ctx, p[i], 1000, 1);
        for (int k = 0; k < i * 3; k++) ck_assert_int_eq((unsigned char)p[i][k], i);
        char *same = gm__realloc(ctx, p[i], 10, 1);
        ck_assert_ptr_eq(same, p[i]);
        gm__free(ctx, p[i]);
    }
    gm__free(ctx, NULL);
    gm_ctx_memory(ctx, &m);
    ck_assert_uint_eq(m.live_bytes, before.live_bytes);
    ck_assert_uint_gt(m.peak_bytes, m.live_bytes);
    unsigned char *z = gm__calloc(ctx, 100, 7);
    for (int i = 0; i < 700; i++) ck_assert_int_eq(z[i], 0);
    gm__free(ctx, z);
    char *s = gm__strdup(ctx, "text"), *t = gm__strndup(ctx, "text", 2);
    ck_assert_str_eq(s, "text");
    ck_assert_str_eq(t, "te");
    gm__free(ctx, s);
    gm__free(ctx, t);
    gm_ctx_free(ctx);
    ck_assert_uint_eq(h.calls, h.frees);
    for (long n = 0; n < 3; n++) { /* a context of a host without memory */
        host poor = { .left = n };
        c.alloc_user = &poor;
        ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_ENOMEM);
        ck_assert_ptr_null(ctx);
        ck_assert_uint_eq(poor.calls, poor.frees);
    }
    m.struct_size = 16; /* an older caller gets its fields only */
    m.peak_bytes = 4711;
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert_int_eq(gm_ctx_memory(ctx, &m), GM_OK);
    ck_assert(m.struct_size == 16 && m.live_bytes > 0 && m.peak_bytes == 4711);
    m.struct_size = 0;
    ck_assert_int_eq(gm_ctx_memory(ctx, &m), GM_EARG);
    ck_assert_int_eq(gm_ctx_memory(ctx, NULL), GM_EARG);
    gm_ctx_free(ctx);
}
END_TEST

START_TEST(cap)
{
    gm_ctx_config c = fresh();
    c.max_bytes = 1 << 20;
    c.threads = 2;
    gm_ctx *ctx;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    gm_memory m = { .struct_size = sizeof m };
    gm_ctx_memory(ctx, &m);
    uint64_t base = m.live_bytes;
    ck_assert_ptr_null(gm__alloc(ctx, 1, 1 << 20));
    ck_assert_int_eq(ctx->err.status, GM_ENOMEM);
    ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), "out of memory: 1048576 bytes asked, "));
    ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), "cap 1048576"));
    ck_assert_ptr_null(gm__alloc(ctx, SIZE_MAX / 2, 3));
    ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), " x 3 bytes asked"));
    ck_assert_ptr_null(gm__alloc(ctx, SIZE_MAX, 1));
    ck_assert_ptr_null(gm__calloc(ctx, SIZE_MAX, SIZE_MAX));
    char *p = gm__alloc(ctx, 1, 600000);
    ck_assert_ptr_nonnull(p);
    p[599999] = 7;
    ck_assert_ptr_null(gm__realloc(ctx, p, 1, 700000)); /* p lives on */
    ck_assert_int_eq(p[599999], 7);
    ck_assert_ptr_null(gm__realloc(ctx, p, SIZE_MAX, 2));
    gm__fail_ctx(ctx, GM_OK, "quiet");
    ck_assert_ptr_null(gm__alloc_quiet(ctx, 1, 600000));
    ck_assert_str_eq(gm_ctx_message(ctx), "quiet");
    gm__free(ctx, p);
    p = gm__alloc(ctx, 1, 1000000);
    ck_assert_ptr_nonnull(p);
    gm__free(ctx, p);
    gm_ctx_memory(ctx, &m);
    ck_assert_uint_eq(m.live_bytes, base);
    gm_ctx_free(ctx);
    c.max_bytes = 1; /* the context itself is not refused for a cap, its tables are */
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_ENOMEM);
}
END_TEST

static void *churn(void *arg)
{
    gm_ctx *ctx = arg;
    for (int i = 0; i < 2000; i++) {
        void *p = gm__alloc_quiet(ctx, (size_t)i, 5), *q = gm__alloc_quiet(ctx, 1, 100);
        gm__free(ctx, p);
        gm__free(ctx, q);
    }
    gm_ctx_free(ctx);
    return NULL;
}

START_TEST(memory_from_many_threads)
{
    gm_ctx *ctx;
    pthread_t t[4];
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    gm_memory before = { .struct_size = sizeof before }, m = before;
    gm_ctx_memory(ctx, &before);
    for (int i = 0; i < 4; i++) {
        gm__retain(ctx);
        ck_assert_int_eq(pthread_create(&t[i], NULL, churn, ctx), 0);
    }
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    gm_ctx_memory(ctx, &m);
    ck_assert_uint_eq(m.live_bytes, before.live_bytes);
    ck_assert_uint_eq(m.allocations, before.allocations + 4 * 2000 * 2);
    gm_ctx_free(ctx);
}
END_TEST

START_TEST(buffers)
{
    gm_ctx *ctx;
    gm_ctx_config c = fresh();
    c.max_bytes = 100000;
    c.threads = 1;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    gm__buf b;
    gm__buf_init(&b, ctx);
    char want[4000] = "";
    for (int i = 0; i < 500; i++) {
        ck_assert(gm__buf_format(&b, "%d,", i));
        gm__format(want + strlen(want), 10, "%d,", i);
        ck_assert_str_eq(b.data, want);
    }
    ck_assert_uint_eq(b.len, strlen(want));
    ck_assert(gm__buf_format(&b, "%s", want)); /* longer than the buffer on the stack */
    ck_assert_str_eq(b.data + strlen(want), want);
    char zeros[3] = { 0 };
    size_t len = b.len;
    ck_assert(gm__buf_put(&b, zeros, 3) && gm__buf_put(&b, "", 0) && gm__buf_text(&b, "end"));
    ck_assert_uint_eq(b.len, len + 6);
    ck_assert(!memcmp(b.data + len, "\0\0\0end", 7));
    ck_assert(!gm__buf_put(&b, want, SIZE_MAX));
    ck_assert(b.failed && b.len == len + 6);
    ck_assert(!gm__buf_text(&b, "x"));
    gm__buf_free(&b);
    ck_assert(!b.failed && !b.data);
    while (gm__buf_put(&b, want, 1000)) {}
    ck_assert(b.failed && b.len < 100000 && !b.data[b.len]);
    ck_assert_int_eq(ctx->err.status, GM_ENOMEM);
    gm__buf_free(&b);
    gm__buf_free(&b);
    gm_ctx_free(ctx);
}
END_TEST

/* ---- messages, cancel, log ---------------------------------------------------------------- */

static gm_status guarded(gm__err *e, int x)
{
    GM__ASSERT(e, x == 1);
    return GM_OK;
}

START_TEST(messages)
{
    gm__err e = { 0 };
    ck_assert_int_eq(gm__fail(&e, GM_EARG, "%s: %d", "a\nb\r\t\033[31m\177c\xc2\x9b\xc3\xa9", 5), GM_EARG);
    ck_assert_int_eq(e.status, GM_EARG);
    ck_assert_str_eq(e.text, "a?b???[31m?c??\xc3\xa9: 5");
    ck_assert_int_eq(gm__fail(&e, GM_EIO, "again: %s", e.text), GM_EIO);
    ck_assert_str_eq(e.text, "again: a?b???[31m?c??\xc3\xa9: 5");
    char big[1000];
    for (int i = 0; i < 998; i += 2) memcpy(big + i, "\xc3\xa9", 2);
    big[998] = 0;
    for (int shift = 0; shift < 2; shift++) { /* cut between characters, not inside */
        gm__fail(&e, GM_EARG, "%s%s", shift ? "x" : "", big);
        size_t n = strlen(e.text);
        ck_assert_uint_lt(n, GM__MESSAGE);
        ck_assert_uint_gt(n, GM__MESSAGE - 8);
        ck_assert_str_eq(e.text + n - 5, "\xc3\xa9...");
    }
    ck_assert_int_eq(gm__fail(NULL, GM_EIO, "x"), GM_EIO);
    ck_assert_int_eq(gm__fail_ctx(NULL, GM_EIO, "x"), GM_EIO);
    ck_assert_ptr_null(gm__ctx_err(NULL));
    ck_assert_int_eq(guarded(&e, 1), GM_OK);
    ck_assert_int_eq(guarded(&e, 2), GM_EINTERNAL);
    ck_assert_ptr_nonnull(strstr(e.text, "guarded:"));
    ck_assert_ptr_nonnull(strstr(e.text, "x == 1"));
}
END_TEST

START_TEST(cancel)
{
    gm_ctx *ctx;
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    ck_assert(!gm__canceled(ctx));
    ck_assert_int_eq(gm__check_cancel(ctx), GM_OK);
    gm_ctx_cancel(ctx);
    gm_ctx_cancel(ctx);
    ck_assert_int_eq(gm__check_cancel(ctx), GM_ECANCELED);
    ck_assert_str_eq(gm_ctx_message(ctx), "canceled by the host");
    ck_assert_int_eq(gm__check_cancel(ctx), GM_OK);
    gm_ctx_free(ctx);
}
END_TEST

static char logged[600];
static int32_t logged_level;
static void on_log(int32_t level, const char *line, void *user)
{
    gm__format(logged, sizeof logged, "%s", line);
    logged_level = level;
    ++*(int *)user;
}

START_TEST(log_callback)
{
    int calls = 0;
    gm_ctx_config c = fresh();
    c.log = on_log, c.log_user = &calls;
    gm_ctx *ctx;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    ck_assert_int_eq(calls, 0);
    gm__log(ctx, GM_LOG_WARN, "epoch %d\n%s", 3, "x");
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(logged_level, GM_LOG_WARN);
    ck_assert_str_eq(logged, "epoch 3?x");
    gm_ctx_free(ctx);
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    gm__log(ctx, GM_LOG_WARN, "nobody listens");
    gm__log(NULL, GM_LOG_WARN, "nobody");
    ck_assert_int_eq(calls, 1);
    gm_ctx_free(ctx);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { status_names, constants, new_and_free, config_bounds, struct_sizes, allocator, cap, memory_from_many_threads, buffers, messages, cancel, log_callback, NULL };
    return run_tests("base", tests);
}
