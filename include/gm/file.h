/* gm/file.h - tensors and pictures in files.
 *
 * Every writer replaces the file at once: a temporary beside it, synced, renamed;
 * a failure leaves the old file as it was and nothing behind. Every reader treats
 * the file as hostile.
 */
#ifndef GM_FILE_H
#define GM_FILE_H

#include <gm/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Reads an array from an .npy file (version 1-3, little-endian, C or Fortran order; f4 f8 i4 i8 u1 b1), .gz too.
 * @errors    GM_EIO, GM_EFORMAT, GM_EDTYPE, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 * @source    NumPy's NEP 1
 */
GM_API gm_status gm_npy_read(gm_ctx *ctx, const char *path, gm_tensor **out);

/** Writes an .npy file. @errors GM_EIO, GM_EDTYPE (bf16), GM_ENOMEM. @threads as the tensor's context. @since 0.1 */
GM_API gm_status gm_npy_write(const gm_tensor *t, const char *path);

/**
 * Reads one array of an .npz file, stored or deflated.
 * @param key   its name, without .npy
 * @errors    GM_EIO, GM_EFORMAT (also a wrong checksum), GM_EDTYPE, GM_ENOTFOUND, GM_ELIMIT (more than 1024 arrays), GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 * @source    NumPy's NEP 1; PKWARE's APPNOTE
 */
GM_API gm_status gm_npz_read(gm_ctx *ctx, const char *path, const char *key, gm_tensor **out);

/**
 * Writes arrays under their names into an .npz file of at most 4 GiB. Equal arrays make equal files.
 * @param compress   0: stored; else deflated
 * @errors    GM_EIO, GM_EARG (a name twice), GM_EDTYPE (bf16), GM_ELIMIT, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_npz_write(gm_ctx *ctx, const char *path, int32_t n, const char *const *names, gm_tensor *const *tensors, int32_t compress);

/**
 * Reads all tensors of a .safetensors file. names[i] belongs to tensors[i]; free with gm_tensors_free.
 * @errors    GM_EIO, GM_EFORMAT, GM_EDTYPE, GM_ELIMIT, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 * @source    huggingface/safetensors, format description
 */
GM_API gm_status gm_safetensors_read(gm_ctx *ctx, const char *path, int32_t *n, char ***names, gm_tensor ***tensors);

/** Writes tensors under their names. @errors GM_EIO, GM_EARG (a name twice), GM_ENOMEM. @threads as ctx. @since 0.1 */
GM_API gm_status gm_safetensors_write(gm_ctx *ctx, const char *path, int32_t n, const char *const *names, gm_tensor *const *tensors);

/** Frees what gm_safetensors_read gave. @errors none. @threads any. @since 0.1 */
GM_API void gm_tensors_free(gm_ctx *ctx, int32_t n, char **names, gm_tensor **tensors);

/**
 * Writes images as one PNG, side by side in rows.
 * @param images    [N, H, W], [N, 1, H, W], [N, 3, H, W] or [N, H*W] (square), f32 or f64 in [0,1] (clamped; NaN is
 *                  written as 0) or u8
 * @param columns   0: near a square
 * @errors    GM_ESHAPE, GM_EDTYPE, GM_EIO, GM_ENOMEM
 * @threads   as the tensor's context
 * @since     0.1
 */
GM_API gm_status gm_png_write(const gm_tensor *images, int32_t columns, const char *path);

#ifdef __cplusplus
}
#endif
#endif
