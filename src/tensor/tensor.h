/* tensor.h - the tensor as the library sees it. */
#ifndef GM_TENSOR_TENSOR_H
#define GM_TENSOR_TENSOR_H

#include "base/base.h"
#include <gm/tensor.h>

struct gm__node;
struct gm_tape;

struct gm_tensor {
    gm__handle h;             /* refs unused for op results */
    int8_t dtype, ndim;
    bool contiguous;          /* row-major without gaps */
    bool wants_grad;          /* a leaf with gm_tensor_set_grad, or an op result that depends on one */
    int64_t size;             /* elements */
    char *data;               /* first element */
    struct gm_tape *tape;     /* owner of an op result; NULL for a tensor of the host's */
    struct gm__node *node;    /* op that made it, while recorded */
    gm_ctx *ctx;
    /* leaves only */
    gm_tensor *grad;          /* owned */
    bool has_grad;            /* grad holds a sum since the last clear */
    uint64_t version;         /* grows with every change through the library */
    uint64_t tape_stamp;      /* last (tape, generation) that retained it */
    gm_deleter_fn deleter;
    void *deleter_user;
    void *block;              /* owned memory, or NULL when wrapped */
    int64_t shape[GM_MAX_DIMS], stride[GM_MAX_DIMS];
};

static inline size_t gm__esize(int dtype)
{
    static const uint8_t size[] = {4, 8, 4, 8, 1, 2};
    return size[dtype];
}
static inline bool gm__is_float(int dtype) { return dtype == GM_F32 || dtype == GM_F64; }

/* Checks ndim and shape; gives the number of elements (fits size_t in bytes for any dtype). */
gm_status gm__shape_check(gm__err *e, const char *who, int32_t ndim, const int64_t *shape, int64_t *size);
void gm__shape_strides(int ndim, const int64_t *shape, int64_t *stride); /* row-major */
bool gm__shape_equal(const gm_tensor *a, const gm_tensor *b);
bool gm__is_contiguous(int ndim, const int64_t *shape, const int64_t *stride);
/* NumPy broadcasting of two shapes; false if they do not fit. */
bool gm__broadcast(int na, const int64_t *a, int nb, const int64_t *b, int *nout, int64_t *out);
const char *gm__shape_text(char out[128], int ndim, const int64_t *shape); /* "[32,784]" */

/* A walk over up to 4 operands of one (broadcast) shape, collapsed to as few
 * dimensions as possible; the caller runs the innermost loop itself. Byte strides. */
typedef struct gm__walk {
    int ndim, nops;
    int64_t shape[GM_MAX_DIMS];
    int64_t stride[4][GM_MAX_DIMS];
    char *ptr[4];
    int64_t index[GM_MAX_DIMS];
    int64_t inner, outer;     /* inner loop length, number of inner loops */
    int64_t istride[4];       /* byte stride of the inner loop */
} gm__walk;
/* operands broadcast to shape; ops[i] NULL not allowed */
void gm__walk_init(gm__walk *w, int ndim, const int64_t *shape, int nops, const gm_tensor *const *ops);
bool gm__walk_next(gm__walk *w); /* moves ptr[] to the next inner loop; false at the end */

/* dst := src with broadcasting and type conversion (any to any of the compute types). */
void gm__copy_values(gm_ctx *ctx, const gm_tensor *dst, const gm_tensor *src);
gm_status gm__check_tensor(gm__err *e, const char *who, const char *arg, const gm_tensor *t);
/* leaf gradient buffer, made on first use (zeroed only if has_grad was false and add is wanted by the caller) */
gm_status gm__leaf_grad(gm_tensor *leaf, gm_tensor **grad);
/* internal constructor with the error in e */
gm_status gm__tensor_make(gm_ctx *ctx, gm__err *e, int32_t dtype, int32_t ndim, const int64_t *shape, bool zero, gm_tensor **out);
static inline float *gm__f32(const gm_tensor *t) { return (float *)(void *)t->data; }
static inline int64_t *gm__i64(const gm_tensor *t) { return (int64_t *)(void *)t->data; }
static inline double *gm__f64(const gm_tensor *t) { return (double *)(void *)t->data; }

#endif
