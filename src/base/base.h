/* base.h - what every other module stands on: errors, memory, threads,
 * random numbers, text. Knows nothing of tensors or models. */
#ifndef GM_BASE_BASE_H
#define GM_BASE_BASE_H

#include <gm/ctx.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GM__UNUSED(x) ((void)(x))
#define GM__COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- errors (error.c) ---------------------------------------------------- */

#define GM__MESSAGE 384
typedef struct gm__err {
    gm_status status;
    char text[GM__MESSAGE];
} gm__err;

/* The one way a failure is made: formats into e (if not NULL), returns code.
 * Control characters in %s arguments are written as '?'. */
gm_status gm__fail(gm__err *e, gm_status code, const char *format, ...);
gm_status gm__fail_ctx(gm_ctx *ctx, gm_status code, const char *format, ...);
gm__err *gm__ctx_err(gm_ctx *ctx); /* NULL for NULL */

/* A violated invariant of our own: fails with GM_EINTERNAL, naming the place. */
#define GM__ASSERT(e, cond)                                                      \
    do {                                                                         \
        if (!(cond)) return gm__fail((e), GM_EINTERNAL, "%s:%d: %s", __func__, __LINE__, #cond); \
    } while (0)
#define GM__TRY(expr)                                                            \
    do {                                                                         \
        gm_status gm__s = (expr);                                                \
        if (gm__s) return gm__s;                                                 \
    } while (0)

/* ---- handles: first member of every public object ------------------------ */

enum { GM__CTX = 0x676d4358, GM__TENSOR = 0x676d5445, GM__TAPE = 0x676d5450, GM__NET = 0x676d4e54,
       GM__OPTIM = 0x676d4f50, GM__DATASET = 0x676d4453, GM__BATCHES = 0x676d4254, GM__MODEL = 0x676d4d44,
       GM__TRAINER = 0x676d5452, GM__SAMPLER = 0x676d534d, GM__TOKENIZER = 0x676d544b, GM__DEAD = 0x64656164 };
typedef struct gm__handle {
    uint32_t magic;
    atomic_int refs;
} gm__handle;
static inline bool gm__is(const void *p, uint32_t magic) { return p && ((const gm__handle *)p)->magic == magic; }
static inline void gm__retain(void *p) { atomic_fetch_add_explicit(&((gm__handle *)p)->refs, 1, memory_order_relaxed); }
/* true when the last reference went: the caller destroys */
static inline bool gm__release(void *p) { return atomic_fetch_sub_explicit(&((gm__handle *)p)->refs, 1, memory_order_acq_rel) == 1; }

/* ---- public structs that begin with uint32_t struct_size (ctx.c) ----------- */

/* Copies the caller's struct over *to, which holds the defaults (size bytes, our
 * sizeof): missing fields keep them, a set field that we do not know is GM_EARG. */
gm_status gm__struct_in(gm__err *e, const char *owner, const void *from, void *to, size_t size);
/* Fills the caller's struct of `given` bytes from one of ours; the rest is zero. NULL is ignored. */
void gm__struct_init(void *to, size_t given, const void *from, size_t size);

/* ---- checked arithmetic: false on overflow ------------------------------- */

static inline bool gm__add(size_t a, size_t b, size_t *r) { return !__builtin_add_overflow(a, b, r); }
static inline bool gm__mul(size_t a, size_t b, size_t *r) { return !__builtin_mul_overflow(a, b, r); }

static inline void gm__put64(uint8_t *p, uint64_t v) /* little-endian */
{
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)(v >> 8 * i);
}
static inline uint64_t gm__get64(const uint8_t *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) v |= (uint64_t)p[i] << 8 * i;
    return v;
}

/* ---- memory (alloc.c): 64-byte aligned, counted against the cap ---------- */

void *gm__alloc(gm_ctx *ctx, size_t count, size_t size);   /* uninitialised; NULL on failure, sets ctx message */
void *gm__alloc_quiet(gm_ctx *ctx, size_t count, size_t size); /* the same without a message: for pool workers, who must not touch ctx's */
void *gm__calloc(gm_ctx *ctx, size_t count, size_t size);
void *gm__realloc(gm_ctx *ctx, void *p, size_t count, size_t size); /* keeps min(old,new); p intact on failure */
void gm__free(gm_ctx *ctx, void *p);
char *gm__strdup(gm_ctx *ctx, const char *s);
char *gm__strndup(gm_ctx *ctx, const char *s, size_t n);

/* Growing byte buffer. Appends after a failure do nothing; check .failed once. */
typedef struct gm__buf {
    gm_ctx *ctx;
    char *data; /* always NUL-terminated when len > 0 */
    size_t len, cap;
    bool failed;
} gm__buf;
void gm__buf_init(gm__buf *b, gm_ctx *ctx);
void gm__buf_free(gm__buf *b);
bool gm__buf_put(gm__buf *b, const void *p, size_t n);
bool gm__buf_text(gm__buf *b, const char *s);
bool gm__buf_format(gm__buf *b, const char *format, ...);

/* ---- text (format.c, number.c): no locale, no printf, no strtod ---------- */

/* %s %d(int) %u %zu %lld(long long) %llu %g(double, shortest that reads back
 * the same) %.Nf (fixed, N digits) %c %x %%, %.*s; widths as in %-12s %6d %03d; truncates,
 * always terminates; returns full length. */
size_t gm__format(char *out, size_t cap, const char *format, ...);
size_t gm__vformat(char *out, size_t cap, const char *format, __builtin_va_list ap);
size_t gm__write_double(char *out, size_t cap, double v);  /* shortest round trip; "nan" "inf" "-inf" */
size_t gm__write_float(char *out, size_t cap, float v);    /* shortest that reads back as the same float */
/* Read from [p,end); return the first byte not used, or NULL if no number stands at p or it overflows. */
const char *gm__read_double(const char *p, const char *end, double *v); /* correctly rounded */
const char *gm__read_i64(const char *p, const char *end, int64_t *v);
const char *gm__read_u64(const char *p, const char *end, uint64_t *v);
bool gm__ieq(const char *a, const char *b, size_t n_b); /* equal keys: a is NUL-terminated, b has n_b bytes; '-' and '_' are the same */

/* ---- options (options.c): one row an option ------------------------------ */

enum { GM__O_INT, GM__O_I64, GM__O_U64, GM__O_REAL, GM__O_FLAG, GM__O_CHOICE, GM__O_PAIR, GM__O_INTS, GM__O_TEXT };
typedef struct gm__opt {
    const char *name;    /* with '-', e.g. "noise-dim" */
    int type;            /* INT: int32_t, I64, U64, REAL: double, FLAG, CHOICE and PAIR: int32_t, INTS and TEXT: const char * */
    size_t offset;       /* in the config struct */
    const char *def;     /* default as text; NULL for TEXT/INTS means NULL */
    double lo, hi;       /* bounds, inclusive (INT, I64, U64, REAL, each of INTS) */
    const char *choices; /* CHOICE: "elbo|iwae", value = index; PAIR: "a|b[,c|d]", value = index + 256 * index of the second, which may be left out */
    const char *help;    /* one line */
} gm__opt;
typedef struct gm__opts {
    const char *owner;   /* for messages: "vae", "train" */
    const gm__opt *rows;
    size_t n;
} gm__opts;
/* Strings that a parsed config points into. */
typedef struct gm__strs { gm_ctx *ctx; struct gm__str *head; } gm__strs;
void gm__strs_free(gm__strs *s);
const char *gm__strs_add(gm__strs *s, const char *text, size_t n); /* NULL on no memory */

gm_status gm__opts_defaults(gm_ctx *ctx, const gm__opts *o, void *cfg, gm__strs *strs);
/* text: key=value pairs separated by blanks, values may be in single quotes;
 * or one JSON object. NULL or "" changes nothing. set: NULL, or n bools marking options that were given. */
gm_status gm__opts_parse(gm_ctx *ctx, const gm__opts *o, const char *text, void *cfg, gm__strs *strs, bool *set);
gm_status gm__opts_set(gm_ctx *ctx, const gm__opts *o, const char *key, const char *value, void *cfg, gm__strs *strs, bool *set);
gm_status gm__opts_check(gm_ctx *ctx, const gm__opts *o, const void *cfg); /* bounds of a config filled by C code */
gm_status gm__opts_copy(gm_ctx *ctx, const gm__opts *o, const void *from, void *to, gm__strs *strs); /* deep */
gm_status gm__opts_json(gm_ctx *ctx, const gm__opts *o, const void *cfg, gm__buf *out); /* {"beta":1,...} in row order; NULL text left out */
void gm__opts_value(const gm__opts *o, size_t i, const void *cfg, char *out, size_t cap); /* one value as text */
ptrdiff_t gm__opts_find(const gm__opts *o, const char *key, size_t n); /* row or -1 */
/* Splits `key=value ...` text or a JSON object into pairs and calls fn for each; stops at the first failure. */
gm_status gm__pairs(gm_ctx *ctx, const char *owner, const char *text,
                    gm_status (*fn)(void *user, const char *key, const char *value), void *user);
/* "400,200" -> n values; GM_EARG if more than cap or malformed */
gm_status gm__ints(gm_ctx *ctx, const char *what, const char *text, int64_t *out, size_t cap, size_t *n);
gm_status gm__reals(gm_ctx *ctx, const char *what, const char *text, double *out, size_t cap, size_t *n);

/* ---- threads (pool.c) ----------------------------------------------------- */

/* Runs fn(arg, task, worker) for task = 0..n-1. Which worker runs a task is
 * unspecified; results must not depend on it. worker < gm__workers(ctx).
 * Calls from inside a task run serially. Never fails: falls back to the caller. */
typedef void gm__task_fn(void *arg, size_t task, size_t worker);
void gm__parallel(gm_ctx *ctx, size_t n, gm__task_fn *fn, void *arg);
size_t gm__workers(const gm_ctx *ctx);
/* Scratch of one worker, >= bytes, 64-aligned, kept between calls; contents undefined.
 * NULL on failure, without a message: the caller of gm__parallel makes one. */
void *gm__scratch(gm_ctx *ctx, size_t worker, size_t bytes);

/* cancel: true once when the flag is set (clears it) */
bool gm__canceled(gm_ctx *ctx);
gm_status gm__check_cancel(gm_ctx *ctx); /* GM_ECANCELED with message, or GM_OK */
void gm__log(gm_ctx *ctx, int32_t level, const char *format, ...);

/* ---- random numbers (rng.c) ---------------------------------------------- */

/* A stream: key = seed; counter words {block, a_lo, a_hi, purpose<<28 | b}.
 * block counts Philox blocks (4 words each) inside the stream. */
enum { GM__R_USER = 0, GM__R_TAPE = 1, GM__R_DATA = 2, GM__R_SAMPLE = 3, GM__R_INIT = 4, GM__R_SHUFFLE = 5,
       GM__R_EVAL = 6, GM__R_SYNTH = 7, GM__R_FIT = 8, GM__R_GRADCHECK = 9, GM__R_ELEMENT = 10 };
typedef struct gm__stream {
    uint32_t key[2];
    uint32_t ctr[4]; /* ctr[0]: first block */
} gm__stream;
gm__stream gm__stream_make(uint64_t seed, uint32_t purpose, uint32_t b /* < 2^28 */, uint64_t a);
void gm__philox4x32(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]); /* 10 rounds, the reference */

/* A cursor over a stream for scalar draws (layout of data, shuffles). */
typedef struct gm__rng { gm__stream s; uint32_t word[4]; unsigned left; } gm__rng;
gm__rng gm__rng_make(gm__stream s);
uint32_t gm__rng_u32(gm__rng *r);
double gm__rng_unit(gm__rng *r);              /* [0,1), 53 bits */
double gm__rng_normal(gm__rng *r);
uint64_t gm__rng_below(gm__rng *r, uint64_t n); /* unbiased */
size_t gm__rng_categorical(gm__rng *r, const double *weights, size_t n);
void gm__permutation(gm__rng *r, uint64_t *out, size_t n);

/* ---- cpu (cpu.c) ---------------------------------------------------------- */

enum { GM__CPU_PLAIN = 0, GM__CPU_AVX2 = 1, GM__CPU_AVX512 = 2 };
int gm__cpu_detect(void); /* the best level of this machine */

/* ---- the context ---------------------------------------------------------- */

struct gm_ctx {
    gm__handle h;
    gm__err err;
    gm_ctx_config cfg;        /* cfg.cpu is not kept */
    int cpu;                  /* GM__CPU_* */
    int32_t threads;          /* resolved, >= 1 */
    const struct gm__kern *kern; /* kernels of this level, set by gm_ctx_new through gm__kern_table(level) */
    struct gm__pool *pool;    /* lazy */
    void **scratch;           /* one block a worker, lazy */
    size_t *scratch_size;
    atomic_int cancel;
    atomic_ullong live, peak, count;
    atomic_uint cap_refusals;    /* allocations that the cap, not the host, refused */
    bool blas_ready;
};
const struct gm__kern *gm__kern_table(int level); /* in src/kernels */

#endif
