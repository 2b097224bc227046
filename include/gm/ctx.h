/* gm/ctx.h - the context: allocator, threads, log, cancel flag, last message.
 *
 *     gm_ctx *ctx = NULL;
 *     gm_status s = gm_ctx_new(NULL, &ctx);
 *     ...
 *     gm_ctx_free(ctx);
 *
 * A context is used by one thread at a time. Everything made from it keeps it
 * alive (counted), so free order does not matter. gm_ctx_cancel and every
 * gm_*_free may be called from any thread.
 */
#ifndef GM_CTX_H
#define GM_CTX_H

#include <gm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gm_ctx gm_ctx;

/* Matmul precision: highest is never worse than plain f32 arithmetic. High and medium permit less; today they give the numbers of highest. */
enum { GM_PRECISION_HIGHEST = 0, GM_PRECISION_HIGH = 1, GM_PRECISION_MEDIUM = 2 };

/* Levels of the log callback. */
enum { GM_LOG_DEBUG = 0, GM_LOG_INFO = 1, GM_LOG_WARN = 2, GM_LOG_ERROR = 3 };

/** The host's allocator: size bytes aligned as malloc does, or NULL. Called from any thread. */
typedef void *(*gm_alloc_fn)(void *user, size_t size);
/** Gives back what gm_alloc_fn gave. Called from any thread. */
typedef void (*gm_dealloc_fn)(void *user, void *ptr);
/** Receives a line of the log, without newline; level is GM_LOG_*. */
typedef void (*gm_log_fn)(int32_t level, const char *line, void *user);

/* Options of a context. Fill with gm_ctx_config_init, change what you need. */
typedef struct gm_ctx_config {
    uint32_t struct_size;  /* set by gm_ctx_config_init */
    int32_t  threads;      /* size of the thread pool; 0: processors online; <= 256 */
    uint64_t max_bytes;    /* cap on live memory of this context; 0: none */
    int32_t  precision;    /* GM_PRECISION_* */
    int32_t  amx;          /* 1 permits asking the kernel for AMX (process-wide) */
    int32_t  blas_threads; /* 1 permits setting OpenBLAS to one thread and using its products; 0: never */
    int32_t  debug;        /* 1: op handles are checked against their generation */
    const char *cpu;       /* "auto", "plain", "avx2", "avx512"; borrowed during the call */
    gm_alloc_fn alloc;     /* NULL: malloc */
    gm_dealloc_fn dealloc; /* NULL: free; set both or none */
    void *alloc_user;
    gm_log_fn log;         /* NULL: no log */
    void *log_user;
} gm_ctx_config;

/**
 * Fills a config with the defaults.
 * @param c      config to fill; NULL is ignored
 * @param size   sizeof(gm_ctx_config) as the caller knows it
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API void gm_ctx_config_init(gm_ctx_config *c, size_t size);

/**
 * Makes a context. Starts no thread and touches no other library.
 * @param config   options, copied; NULL for the defaults
 * @param out      receives the context; NULL on failure. Free with gm_ctx_free
 * @errors    GM_EARG (a value out of bounds), GM_EUNSUPPORTED (cpu level not
 *            offered by this machine), GM_ENOMEM
 * @threads   any
 * @since     0.1
 */
GM_API gm_status gm_ctx_new(const gm_ctx_config *config, gm_ctx **out);

/**
 * Drops the caller's reference. Objects made from the context keep it alive.
 * @param ctx   context or NULL
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API void gm_ctx_free(gm_ctx *ctx);

/**
 * One-line message of the last failed action on this context.
 * @param ctx   context, or NULL for a static text
 * @return    text owned by the context, valid until its next action; never NULL
 * @errors    none
 * @threads   as ctx
 * @since     0.1
 */
GM_API const char *gm_ctx_message(const gm_ctx *ctx);

/**
 * Asks the action running on this context to stop with GM_ECANCELED. Sticky
 * until the next action that can be canceled returns it.
 * @param ctx   context; NULL is ignored
 * @errors    none
 * @threads   any, and from signal handlers
 * @since     0.1
 */
GM_API void gm_ctx_cancel(gm_ctx *ctx);

/**
 * Number of threads this context uses, 1 or more.
 * @param ctx   context
 * @return    0 if ctx is no context
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API int32_t gm_ctx_threads(const gm_ctx *ctx);

/**
 * Changes the number of threads. Results do not depend on it.
 * @param ctx       context
 * @param threads   1..256, or 0 for the processors online
 * @errors    GM_EARG
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_ctx_set_threads(gm_ctx *ctx, int32_t threads);

/**
 * The kernel build in use: "plain", "avx2" or "avx512".
 * @param ctx   context
 * @return    static text
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API const char *gm_ctx_cpu(const gm_ctx *ctx);

/* What gm_ctx_memory reports. */
typedef struct gm_memory {
    uint32_t struct_size; /* set by the caller: sizeof(gm_memory) */
    uint32_t reserved;
    uint64_t live_bytes;  /* allocated now */
    uint64_t peak_bytes;  /* most ever allocated at once */
    uint64_t allocations; /* calls of the allocator so far */
} gm_memory;

/**
 * Memory that this context and its objects hold.
 * @param ctx   context
 * @param out   receives the counts; struct_size must be set
 * @errors    GM_EARG
 * @threads   any
 * @since     0.1
 */
GM_API gm_status gm_ctx_memory(const gm_ctx *ctx, gm_memory *out);

/* Draws of the library's counter-based generator (Philox 4x32-10), the same
 * on every machine for integers and uniforms. A stream is named by (seed,
 * stream); element i of a stream never depends on how many are asked for. */

/**
 * n uniform numbers in [0,1), multiples of 2^-24, from element `first` on.
 * @param seed     any
 * @param stream   any; streams with different numbers are independent
 * @param first    index of the first element; a multiple of 4
 * @param out      n floats, written
 * @errors    GM_EARG
 * @threads   any
 * @since     0.1
 * @source    Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11
 */
GM_API gm_status gm_random_uniform(uint64_t seed, uint64_t stream, uint64_t first, size_t n, float *out);

/**
 * n standard normal numbers (Box-Muller) from element `first` on.
 * Same arguments, errors and threads as gm_random_uniform.
 * @errors    GM_EARG
 * @threads   any
 * @since     0.1
 */
GM_API gm_status gm_random_normal(uint64_t seed, uint64_t stream, uint64_t first, size_t n, float *out);

/**
 * A random permutation of 0..n-1.
 * @param seed     any
 * @param stream   any
 * @param n        number of elements
 * @param out      n values, written
 * @errors    GM_EARG
 * @threads   any
 * @since     0.1
 */
GM_API gm_status gm_random_permutation(uint64_t seed, uint64_t stream, size_t n, uint64_t *out);

#ifdef __cplusplus
}
#endif
#endif
