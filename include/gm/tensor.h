/* gm/tensor.h - typed arrays with shape and strides, zero copy to and from the host.
 *
 *     float x[6] = {1,2,3,4,5,6};
 *     int64_t shape[2] = {2,3};
 *     gm_tensor *t = NULL;
 *     s = gm_tensor_copy(ctx, GM_F32, 2, shape, x, &t);
 *     ...
 *     gm_tensor_free(t);
 *
 * Tensors made here are the caller's and are freed with gm_tensor_free; a tape
 * that still needs one keeps it alive. Results of ops belong to their tape and
 * are never freed by hand. Shapes are row-major, at most 8 dimensions; strides
 * count elements. A tensor of zero dimensions is one number.
 */
#ifndef GM_TENSOR_H
#define GM_TENSOR_H

#include <gm/ctx.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gm_tensor gm_tensor;

/* Element types. bf16 is storage only: cast to compute. u8 holds images and comparisons. */
enum { GM_F32 = 0, GM_F64 = 1, GM_I32 = 2, GM_I64 = 3, GM_U8 = 4, GM_BF16 = 5 };

enum { GM_MAX_DIMS = 8 };

/**
 * New tensor of zeros.
 * @param ctx     context, kept alive by the tensor
 * @param dtype   GM_F32 ..
 * @param ndim    0..8
 * @param shape   ndim sizes >= 0; may be NULL when ndim is 0
 * @param out     receives the tensor, the caller's; NULL on failure
 * @errors    GM_EARG, GM_ESHAPE (negative or too large), GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_tensor_new(gm_ctx *ctx, int32_t dtype, int32_t ndim, const int64_t *shape, gm_tensor **out);

/**
 * New tensor holding a copy of a contiguous array.
 * Arguments as gm_tensor_new.
 * @param data    copied: product(shape) elements of dtype, row-major; may be NULL when there are none
 * @errors    as gm_tensor_new
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_tensor_copy(gm_ctx *ctx, int32_t dtype, int32_t ndim, const int64_t *shape, const void *data, gm_tensor **out);

/** Told once that a wrapped tensor is dead and its memory free to go. Called from any thread. */
typedef void (*gm_deleter_fn)(void *data, void *user);

/**
 * Tensor over the host's memory, no copy. The library writes to it only where
 * the host asks (gm_tensor_assign, an optimiser that was given it).
 * @param data      borrowed until the tensor dies; aligned to its element type
 * @param strides   ndim element strides >= 0, or NULL for row-major
 * @param deleter   called once with (data, user) when the tensor dies, from any thread; may be NULL
 * @param user      passed to deleter
 * @errors    as gm_tensor_new; on failure the deleter is not called
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_tensor_wrap(gm_ctx *ctx, int32_t dtype, int32_t ndim, const int64_t *shape, const int64_t *strides,
                                void *data, gm_deleter_fn deleter, void *user, gm_tensor **out);

/**
 * Drops the caller's reference. An op result is left alone: its tape owns it.
 * @param t   tensor or NULL
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API void gm_tensor_free(gm_tensor *t);

/**
 * Copies the values of src into dst, in place, with broadcasting of src.
 * @param dst   a tensor that was made with new, copy or wrap; float from float
 *              types converts, other types must be equal
 * @param src   any tensor, also an op result
 * @errors    GM_EARG, GM_ESHAPE, GM_EDTYPE
 * @threads   as the tensors' context
 * @since     0.1
 */
GM_API gm_status gm_tensor_assign(gm_tensor *dst, const gm_tensor *src);

/**
 * Copies the elements, row-major, into the host's array.
 * @param out     receives them, of the tensor's dtype
 * @param bytes   size of out; must be exactly gm_tensor_size * element size
 * @errors    GM_EARG, GM_ESHAPE (bytes does not fit), GM_ESTALE
 * @threads   as the tensor's context
 * @since     0.1
 */
GM_API gm_status gm_tensor_read(const gm_tensor *t, void *out, size_t bytes);

/**
 * Replaces the elements from the host's row-major array.
 * @param in      elements of the tensor's dtype, copied
 * @param bytes   exactly gm_tensor_size * element size
 * @errors    GM_EARG, GM_ESHAPE, GM_ESTATE (t is an op result)
 * @threads   as the tensor's context
 * @since     0.1
 */
GM_API gm_status gm_tensor_write(gm_tensor *t, const void *in, size_t bytes);

/**
 * The value of a tensor of one element, as double.
 * @param t     tensor with exactly one element
 * @param out   receives it
 * @errors    GM_EARG, GM_ESHAPE
 * @threads   as the tensor's context
 * @since     0.1
 */
GM_API gm_status gm_tensor_item(const gm_tensor *t, double *out);

/**
 * Pointer to the first element. Use with the strides; writing to it is allowed
 * only for tensors of your own that no tape is using.
 * @return    borrowed; NULL if t is no tensor
 * @errors    none
 * @threads   as the tensor's context
 * @since     0.1
 */
GM_API void *gm_tensor_data(const gm_tensor *t);

/**
 * Element type, GM_F32 ..; -1 if t is no tensor.
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API int32_t gm_tensor_dtype(const gm_tensor *t);

/**
 * Number of dimensions; -1 if t is no tensor.
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API int32_t gm_tensor_ndim(const gm_tensor *t);

/**
 * Size along an axis in [-ndim, ndim); -1 if there is none.
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API int64_t gm_tensor_dim(const gm_tensor *t, int32_t axis);

/**
 * Element stride along an axis in [-ndim, ndim); 0 if there is none.
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API int64_t gm_tensor_stride(const gm_tensor *t, int32_t axis);

/**
 * Number of elements; 0 if t is no tensor.
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API int64_t gm_tensor_size(const gm_tensor *t);

/**
 * Marks a tensor of your own as a leaf that gradients are wanted for.
 * @param t    f32 or f64 tensor made with new, copy or wrap
 * @param on   1 or 0; 0 also drops the gradient it holds
 * @errors    GM_EARG, GM_EDTYPE, GM_ESTATE (t is an op result)
 * @threads   as the tensor's context
 * @since     0.1
 */
GM_API gm_status gm_tensor_set_grad(gm_tensor *t, int32_t on);

/**
 * The gradient that gm_tape_backward has added up for a leaf.
 * @return    borrowed, same shape, row-major; NULL if there is none. gm_optim_step
 *            and gm_tensor_clear_grad clear it
 * @errors    none
 * @threads   as the tensor's context
 * @since     0.1
 */
GM_API gm_tensor *gm_tensor_grad(const gm_tensor *t);

/**
 * Forgets the accumulated gradient of a leaf (its buffer is kept).
 * @errors    none
 * @threads   as the tensor's context
 * @since     0.1
 */
GM_API void gm_tensor_clear_grad(gm_tensor *t);

/**
 * Bytes of one element of a type; 0 for an unknown one.
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API size_t gm_dtype_size(int32_t dtype);

/**
 * Name of a type: "f32", "f64", "i32", "i64", "u8", "bf16"; "?" for an unknown one.
 * @return    static text
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API const char *gm_dtype_name(int32_t dtype);

#ifdef __cplusplus
}
#endif
#endif
