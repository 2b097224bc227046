/* tape.h - recording, the arena, and what an op is. */
#ifndef GM_TAPE_TAPE_H
#define GM_TAPE_TAPE_H

#include "tensor/tensor.h"
#include <gm/tape.h>

enum { GM__ATTR_INTS = 14, GM__ATTR_REALS = 4 };
typedef struct gm__attr { /* parameters of an op, their meaning is the op's own */
    int64_t i[GM__ATTR_INTS];
    double f[GM__ATTR_REALS];
} gm__attr;

typedef struct gm__node {
    const struct gm__op *op;
    int32_t nin;
    int32_t index;            /* position on the tape */
    gm_tensor *out;
    gm_tensor **in;           /* [nin]; an optional input may be NULL */
    gm__attr attr;
    gm_tensor *saved[3];      /* what forward kept for backward, plain tensors on the tape */
    gm_tensor *gout;          /* gradient of out during backward */
    uint64_t *in_version;     /* [nin]: versions of the inputs when the op ran */
    bool need;                /* gm_tape_grad: leads to one of its xs */
} gm__node;

/* A chain of memory blocks from which the next bytes are taken (arena.c). */
typedef struct gm__area {
    struct gm__block *first, *cur;
} gm__area;

/* A place on the tape to go back to. */
typedef struct gm__mark {
    struct gm__block *block;
    size_t used, n_nodes, n_kept;
    struct gm__header *headers;
} gm__mark;

/* What forward and infer see. infer sets out's dtype, ndim, shape (and, for a view op,
 * data and stride). forward computes out, which is contiguous and allocated. */
typedef struct gm__call {
    struct gm_tape *t;
    gm_ctx *ctx;
    gm__err *err;
    const struct gm__op *op;
    int32_t nin;
    gm_tensor *const *in;
    const gm__attr *attr;
    gm_tensor *out;
    gm__node *node;           /* NULL when not recording: nothing need be saved */
} gm__call;

typedef struct gm__op {
    const char *name;
    int32_t nin;              /* -1: any number */
    uint32_t flags;
    gm_status (*infer)(gm__call *c);
    gm_status (*forward)(gm__call *c);  /* NULL for views */
    /* Gradient as ops on the tape: gx[i] for inputs with want[i]; leave NULL where there is none.
     * Works to any order. A failed op is recorded in the tape as usual. */
    void (*vjp)(struct gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx);
    /* Optional kernel used when nobody differentiates the gradient: obtains its destination by
     * gm__grad_into (which says whether to add) or gm__grad_tmp + gm__grad_give. gy is contiguous. */
    gm_status (*fused_vjp)(struct gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want);
    const char *samples;      /* see ops/ops.h; a row without samples fails the suite */
} gm__op;
enum { GM__OP_VIEW = 1, GM__OP_RANDOM = 2, GM__OP_OPT1 = 4 /* input 1 may be NULL */, GM__OP_OPT2 = 8, GM__OP_OPT3 = 16, GM__OP_OPT4 = 32,
       GM__OP_NOGRAD = 64,
       GM__OP_EW = 128, /* element by element: the order of axes in memory is of no matter */
       GM__OP_PART = 256 /* a view that shows each element of its input at most once, and nothing else */ };

struct gm_tape {
    gm__handle h;
    gm_ctx *ctx;
    gm__err err;
    uint64_t generation, seed;
    bool training, recording, trap;
    uint32_t draws;           /* random ops since reset: the next stream */
    uint64_t steps;           /* resets since the seed was set: the other half of the stream */
    /* rows mode: random ops whose first size is nrows draw row by row, see gm__tape_rows */
    const uint64_t *rows; size_t nrows; uint32_t rows_purpose, rows_b; uint64_t rows_seed;
    gm__area area;            /* op results, nodes: all until reset */
    gm__area grad_area;       /* gradients: all until the end of a backward */
    gm__area spare_area;      /* what outlives a rewind, for a moment */
    bool exploring;           /* a checkpointed segment runs for its values: all else it makes is dropped */
    bool replaying;           /* it runs again for its gradient: what it notes outside the tape is noted already */
    gm__node **nodes; size_t n_nodes, cap_nodes;
    gm_tensor **kept; size_t n_kept, cap_kept;   /* leaves retained until reset or the end of their frame */
    uint32_t kept_slot[256];  /* by a hash of the pointer: where in kept it was put last */
    struct gm__frame *frame;  /* innermost open frame */
    size_t frames;            /* opened since reset */
    struct gm__header *headers; /* debug contexts: headers of op results, newest first */
    struct gm__header *dead, *dead_last; size_t n_dead; /* and those kept back to tell stale handles */
    struct gm__diff *diff;    /* the differentiation in progress */
};

/* The one way an op runs: checks, infer, allocate, forward, record. nin inputs. */
gm_tensor *gm__apply(gm_tape *t, const gm__op *op, gm_tensor *const *in, int32_t nin, const gm__attr *attr);
gm_tensor *gm__apply1(gm_tape *t, const gm__op *op, gm_tensor *x);
gm_tensor *gm__apply2(gm_tape *t, const gm__op *op, gm_tensor *x, gm_tensor *y);
/* Records a failure in the tape, returns NULL. */
gm_tensor *gm__tape_fail(gm_tape *t, gm_status code, const char *format, ...);
static inline bool gm__tape_ok(const gm_tape *t) { return gm__is(t, GM__TAPE) && t->err.status == GM_OK; }

void *gm__arena(gm_tape *t, size_t count, size_t size); /* 64-aligned; NULL records GM_ENOMEM */
/* arena.c, for the tape itself */
void *gm__area_take(gm_tape *t, gm__area *a, size_t count, size_t size);
void gm__area_reset(gm_ctx *ctx, gm__area *a); /* empties it; many blocks become one */
void gm__area_free(gm_ctx *ctx, gm__area *a);
size_t gm__area_bytes(const gm__area *a);      /* of its blocks */
gm_tensor *gm__tape_header(gm_tape *t);        /* of an op result, all but dtype, shape and data set */
void gm__tape_mark(const gm_tape *t, gm__mark *m);
void gm__tape_rewind(gm_tape *t, const gm__mark *m); /* drops all nodes, tensors and leaves since */
/* A fresh contiguous op result without a node (temporaries, saved values). */
gm_tensor *gm__tape_tensor(gm_tape *t, int dtype, int ndim, const int64_t *shape);
gm_tensor *gm__tape_contiguous(gm_tape *t, gm_tensor *x); /* x itself if contiguous, else an unrecorded copy */

/* Gradient destinations inside fused_vjp. Fill a destination before you ask for the next one:
 * inputs may be the same tensor. gy may be read until the last of them is filled. */
gm_tensor *gm__grad_into(gm_tape *t, const gm__node *n, int i, bool *add);  /* contiguous, shape of input i; *add: add to it, else overwrite */
gm_tensor *gm__grad_tmp(gm_tape *t, const gm__node *n, int i);              /* contiguous scratch in the shape of input i */
/* The row-major tensor that input i is a part of, through views; NULL if it is none, or if its own gradient was asked for. */
const gm_tensor *gm__grad_whole(const gm_tape *t, const gm__node *n, int i);
/* If it is: the place of its gradient in the whole's, to add to (a header with input i's strides). False after recording a failure. */
bool gm__grad_part(gm_tape *t, const gm__node *n, int i, gm_tensor *part);
gm_status gm__grad_give(gm_tape *t, const gm__node *n, int i, gm_tensor *g);/* adds g (any strides, shape of input i or of the output:
                                                                               summed down to input i's shape) to input i's gradient; may steal a grad_tmp */

/* Rows mode: row j of a random op's [nrows, ...] result draws from (seed, purpose, b, rows[j]), op k since the last reset
 * from block k * 2^20 on, so that draws depend neither on the batch nor on threads. Results of another first size
 * draw from the tape's own stream. rows is borrowed until the mode ends; NULL ends it, a reset does not. */
void gm__tape_rows(gm_tape *t, uint64_t seed, uint32_t purpose, uint32_t b, const uint64_t *rows, size_t n);
/* Where the random streams stand, to go back there. */
typedef struct gm__draws {
    const uint64_t *rows; size_t nrows; uint32_t rows_purpose, rows_b, draws; uint64_t rows_seed, seed, steps;
} gm__draws;
gm__draws gm__draws_of(const gm_tape *t);
void gm__draws_set(gm_tape *t, const gm__draws *d);
/* The next draw as a stream for each row of `row` numbers, for kernels that draw by themselves: the numbers that gm__tape_fill
 * would take, but that rows begin at whole blocks of four. False after recording a failure. */
bool gm__tape_streams(gm_tape *t, size_t rows, size_t row, gm__stream *out);
/* fills y with the next draw; failures are recorded in the tape */
enum { GM__FILL_UNIFORM, GM__FILL_NORMAL, GM__FILL_BERNOULLI, GM__FILL_LOGITS, GM__FILL_DROPOUT };
void gm__tape_fill(gm_tape *t, int kind, gm_tensor *y /* contiguous f32 */, const float *p, float keep);

/* ops fills this so that tape can add and make zeros (declared here, defined in ops). */
typedef struct gm__tape_ops {
    gm_tensor *(*add)(gm_tape *, gm_tensor *, gm_tensor *);
    gm_tensor *(*sum_to)(gm_tape *, gm_tensor *, const gm_tensor *like); /* sums broadcast axes away */
    gm_tensor *(*zeros)(gm_tape *, const gm_tensor *like);
    gm_tensor *(*ones)(gm_tape *, const gm_tensor *like);
    gm_tensor *(*mul)(gm_tape *, gm_tensor *, gm_tensor *);
    gm_tensor *(*sum_all)(gm_tape *, gm_tensor *);
    /* an elementwise op in the memory order of inputs that are channels-last; false if none is */
    bool (*apply_last)(gm_tape *, const gm__op *, gm_tensor *const *, int32_t, const gm__attr *, gm_tensor **out);
} gm__tape_ops;
extern const gm__tape_ops gm__tape_ops_table;

#endif
