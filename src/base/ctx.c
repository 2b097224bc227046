/* ctx.c - the context: options, life, cancel, log, counts. */
#include "base/ctx.h"
#include "base/base.h"
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { THREADS_MAX = 256 };

/* ---- structs that begin with their size -------------------------------------- */

gm_status gm__struct_in(gm__err *e, const char *owner, const void *from, void *to, size_t size)
{
    uint32_t given;
    memcpy(&given, from, sizeof given);
    if (given < 2 * sizeof given || given > 4096 || given % sizeof given)
        return gm__fail(e, GM_EARG, "%s: struct_size is %u: fill the struct with its init function first", owner, given);
    for (size_t i = size; i < given; i++) /* fields of a newer caller: only unset ones can be honoured */
        if (((const unsigned char *)from)[i])
            return gm__fail(e, GM_EARG, "%s: this library (%s) does not know a field that is set in the struct", owner, gm_version_string());
    memcpy(to, from, given < size ? given : size);
    memcpy(to, &(uint32_t){ (uint32_t)size }, sizeof given);
    return GM_OK;
}

void gm__struct_init(void *to, size_t given, const void *defaults, size_t size)
{
    if (!to || given < sizeof(uint32_t) || given > 4096) return;
    memset(to, 0, given);
    memcpy(to, defaults, given < size ? given : size);
    memcpy(to, &(uint32_t){ (uint32_t)given }, sizeof(uint32_t));
}

/* ---- making and freeing --------------------------------------------------------- */

static const gm_ctx_config defaults = { .struct_size = sizeof(gm_ctx_config), .cpu = "auto" };

void gm_ctx_config_init(gm_ctx_config *c, size_t size) { gm__struct_init(c, size, &defaults, sizeof defaults); }

int32_t gm__cpus_online(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (int32_t)n;
}

static const char *const cpu_names[] = { "plain", "avx2", "avx512" };

static gm_status choose_cpu(const char *name, int *level)
{
    int best = gm__cpu_detect();
    *level = best;
    if (!name || !strcmp(name, "auto")) return GM_OK;
    for (int i = 0; i < (int)GM__COUNT(cpu_names); i++) {
        if (strcmp(name, cpu_names[i])) continue;
        *level = i;
        return i <= best ? GM_OK : GM_EUNSUPPORTED;
    }
    return GM_EARG;
}

static bool flag_ok(int32_t v) { return v == 0 || v == 1; }

static gm_status check(const gm_ctx_config *c)
{
    bool good = c->threads >= 0 && c->threads <= THREADS_MAX && c->precision >= GM_PRECISION_HIGHEST &&
                c->precision <= GM_PRECISION_MEDIUM && flag_ok(c->amx) && flag_ok(c->blas_threads) && flag_ok(c->debug) &&
                !c->alloc == !c->dealloc;
    return good ? GM_OK : GM_EARG;
}

gm_status gm_ctx_new(const gm_ctx_config *config, gm_ctx **out)
{
    gm_ctx_config c = defaults;
    int level;
    if (!out) return GM_EARG;
    *out = NULL;
    if (config) GM__TRY(gm__struct_in(NULL, "context", config, &c, sizeof c));
    GM__TRY(check(&c));
    GM__TRY(choose_cpu(c.cpu, &level));
    c.cpu = NULL;

    gm_ctx *ctx = gm__raw_alloc(&c, sizeof *ctx);
    if (!ctx) return GM_ENOMEM;
    memset(ctx, 0, sizeof *ctx);
    size_t own = gm__raw_size(ctx);
    ctx->h.magic = GM__CTX;
    atomic_init(&ctx->h.refs, 1);
    atomic_init(&ctx->cancel, 0);
    atomic_init(&ctx->live, own);
    atomic_init(&ctx->peak, own);
    atomic_init(&ctx->count, 1);
    ctx->cfg = c;
    ctx->cpu = level;
    ctx->kern = gm__kern_table(level);
    ctx->threads = c.threads ? c.threads : gm__cpus_online();
    gm__fail_ctx(ctx, GM_OK, "%s", gm_status_text(GM_OK));
    gm_status s = gm__scratch_tables(ctx, ctx->threads);
    if (s) {
        gm_ctx_free(ctx);
        return s;
    }
    *out = ctx;
    return GM_OK;
}

void gm_ctx_free(gm_ctx *ctx)
{
    if (!gm__is(ctx, GM__CTX) || !gm__release(ctx)) return;
    gm__pool_stop(ctx);
    gm__scratch_tables(ctx, 0);
    gm_ctx_config c = ctx->cfg;
    ctx->h.magic = GM__DEAD;
    gm__raw_free(&c, ctx);
}

/* ---- getters and settings --------------------------------------------------------- */

const char *gm_ctx_message(const gm_ctx *ctx)
{
    return gm__is(ctx, GM__CTX) ? ctx->err.text : "no context: an argument was NULL or gm_ctx_new failed";
}

int32_t gm_ctx_threads(const gm_ctx *ctx) { return gm__is(ctx, GM__CTX) ? ctx->threads : 0; }

gm_status gm_ctx_set_threads(gm_ctx *ctx, int32_t threads)
{
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (threads < 0 || threads > THREADS_MAX)
        return gm__fail_ctx(ctx, GM_EARG, "threads: expected 0 to %d, got %d", THREADS_MAX, threads);
    if (!threads) threads = gm__cpus_online();
    if (threads == ctx->threads) return GM_OK;
    gm__pool_stop(ctx);
    GM__TRY(gm__scratch_tables(ctx, threads));
    ctx->threads = threads;
    return GM_OK;
}

const char *gm_ctx_cpu(const gm_ctx *ctx) { return gm__is(ctx, GM__CTX) ? cpu_names[ctx->cpu] : "plain"; }

gm_status gm_ctx_memory(const gm_ctx *ctx, gm_memory *out)
{
    if (!gm__is(ctx, GM__CTX) || !out) return GM_EARG;
    gm_memory m = { .struct_size = sizeof m };
    uint32_t given = out->struct_size;
    if (given < 2 * sizeof given || given > 4096) return GM_EARG;
    m.live_bytes = atomic_load_explicit(&ctx->live, memory_order_relaxed);
    m.peak_bytes = atomic_load_explicit(&ctx->peak, memory_order_relaxed);
    m.allocations = atomic_load_explicit(&ctx->count, memory_order_relaxed);
    gm__struct_init(out, given, &m, sizeof m);
    return GM_OK;
}

/* ---- cancel and log ------------------------------------------------------------------ */

void gm_ctx_cancel(gm_ctx *ctx)
{
    if (gm__is(ctx, GM__CTX)) atomic_store(&ctx->cancel, 1);
}

bool gm__canceled(gm_ctx *ctx)
{
    /* the load spares the common case a locked write */
    return atomic_load_explicit(&ctx->cancel, memory_order_relaxed) && atomic_exchange(&ctx->cancel, 0);
}

gm_status gm__check_cancel(gm_ctx *ctx)
{
    if (!gm__canceled(ctx)) return GM_OK;
    return gm__fail_ctx(ctx, GM_ECANCELED, "canceled by the host");
}

void gm__log(gm_ctx *ctx, int32_t level, const char *format, ...)
{
    if (!ctx || !ctx->cfg.log) return;
    char line[512];
    va_list ap;
    va_start(ap, format);
    gm__vformat(line, sizeof line, format, ap);
    va_end(ap);
    gm__one_line(line);
    ctx->cfg.log(level, line, ctx->cfg.log_user);
}
