/* gm/dataset.h - data sets as named columns, and batches from them.
 *
 *     gm_dataset *d = NULL; gm_batches *b = NULL; gm_tensor *x;
 *     s = gm_dataset_open(ctx, "idx:train-images-idx3-ubyte.gz,train-labels-idx1-ubyte.gz", &d);
 *     s = gm_batches_new(d, "batch=128 shuffle=on seed=1", &b);
 *     while (!(s = gm_batches_next(b, &x))) ...          x: [<=128, 1, 28, 28] in [0,1]
 *
 * A column is "x" (inputs), "label" (i64 classes), "y" or any name of a CSV file;
 * each is [rows, shape] of one type. u8 images stay u8 in memory and come out of a
 * batch as f32 in [0,1].
 */
#ifndef GM_DATASET_H
#define GM_DATASET_H

#include <gm/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gm_dataset gm_dataset;
typedef struct gm_batches gm_batches;

/**
 * Opens a data set by its SPEC.
 * @param spec   KIND:FILE[,FILE..][,option=value..][[first:end[:stride]]], one of
 *               idx:IMAGES[,LABELS]
 *               cifar:FILE[,FILE..][,label=fine|coarse]    binary files of CIFAR-10 or CIFAR-100; that one has a second
 *                                                          column "coarse"
 *               csv:FILE[,label=COL][,y=COL[+COL..]][,onehot=COL[+COL..]][,missing=error|nan|mean|drop]   tsv:FILE (the same)
 *               npy:FILE   npz:FILE[,x=KEY][,label=KEY][,y=KEY]   x may be left out if it is the name, or the only array
 *               png:DIR         pictures of one size; sub-folders are the labels, in the order of their names; u8, gray if all
 *                               are, else RGB; what is transparent fades to black
 *               text:FILE       a row is a byte, x is i64 in a batch
 *               lines:FILE      a row is a line, ragged, x is i64 in a batch
 *               ratings:FILE[,ids=keep|map]                user, item, rating (also x) and perhaps time
 *               ratings:FILE[,HELD],table=on[,items=N][,hold=F,seed=S]   a row a user, a column an item, NaN where there is no
 *                               rating; y: the ratings of HELD, or a share F of FILE's that x is not told
 *               synth:NAME[,n=..,seed=..,sigma=..]         ring8 grid25 moons swissroll (divided by 10) bars (size=3) digits shapes
 *                               ratings (a table: items=200, hold=F)
 *               idx (bytes), cifar and npy also take stream=on|off|auto: rows stay in the files and are read as batches want
 *               them; auto does so for more than 1 GiB, or than a quarter of the context's max_bytes, and not for gzip.
 *               Files may be gzip (known by content, not name). The range comes last, each number may be left out;
 *               backslash escapes , : [ ] = and itself.
 *               CSV: a first row with a word in it is the header; COL is a name or a number from 0 on; whole numbers
 *               are labels as they are, words are numbered as they appear; y is [rows, columns named]; a column of words
 *               may become one column a word with onehot; all but label and y make x, f32. missing says what an empty
 *               field of x (or NA, nan, null, ?) becomes: an error, NaN, the mean of its column, or a row left out.
 *               Ratings: commas, tabs, semicolons, blanks or :: between values; ids that are whole numbers stay
 *               unless ids=map, others are numbered as they appear. A table has them as numbers of rows and columns;
 *               of two ratings of one item by one user the later one counts
 * @param out    receives the data set, the caller's; NULL on failure
 * @errors    GM_EARG (spec), GM_EIO, GM_EFORMAT (file, and line or offset; a range past its end), GM_EDTYPE,
 *            GM_ENOTFOUND (a named column), GM_ELIMIT, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_dataset_open(gm_ctx *ctx, const char *spec, gm_dataset **out);

/**
 * Data set over the host's arrays (column "x").
 * @param x      [rows, ...] of any type and strides, borrowed through its reference: later changes are seen, so batches
 *               from it are never prepared ahead of the call
 * @param label  [rows] i32 or i64 from 0 on, or NULL
 * @errors    GM_EARG, GM_ESHAPE, GM_EDTYPE, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_dataset_from_tensors(gm_ctx *ctx, gm_tensor *x, gm_tensor *label, gm_dataset **out);

/**
 * Adds a column to a data set over the host's arrays: targets "y", or any name for gm_batches_column.
 * @param t   [rows, ...], borrowed through its reference
 * @errors    GM_EARG (a name it has already, or no such data set), GM_ESHAPE (another number of rows), GM_EDTYPE, GM_ELIMIT
 * @threads   as the data set's context; not while batches over it are used
 * @since     0.1
 */
GM_API gm_status gm_dataset_add(gm_dataset *d, const char *name, gm_tensor *t);

/**
 * Data set of rows that differ in length (column "x"). Batches pad with zeros to the longest row of the data and have a
 * column "length" (i64).
 * @param values   [total, ...], contiguous: the rows one after the other, borrowed through its reference; u8 [total] are texts to language models
 * @param offsets  i64 [rows + 1], copied: row r is values[offsets[r] .. offsets[r+1]), a row may be empty
 * @param label    [rows] i32 or i64 from 0 on, or NULL
 * @errors    GM_EARG (offsets that do not rise, or point past the end), GM_ESHAPE, GM_EDTYPE, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_dataset_from_ragged(gm_ctx *ctx, gm_tensor *values, gm_tensor *offsets, gm_tensor *label, gm_dataset **out);

/** Fills row `row` of column "x": f32 numbers of the declared shape. Non-zero stops with GM_ECANCELED. */
typedef int (*gm_row_source)(uint64_t row, float *x, int64_t *label, void *user);

/**
 * Data set from a host callback, asked on the calling thread only, never ahead of need.
 * @param rows      number of rows >= 1
 * @param ndim      dimensions of a row
 * @param shape     their sizes
 * @param classes   0: no labels; else label values lie in [0, classes)
 * @errors    GM_EARG, GM_ENOMEM
 * @threads   as ctx
 * @since     0.1
 */
GM_API gm_status gm_dataset_from_callback(gm_ctx *ctx, uint64_t rows, int32_t ndim, const int64_t *shape, int64_t classes,
                                          gm_row_source fn, void *user, gm_dataset **out);

/**
 * A part of a data set (shares its memory): rows first, first+stride, .. < end.
 * @errors    GM_EARG, GM_ENOMEM
 * @threads   as the data set's context
 * @since     0.1
 */
GM_API gm_status gm_dataset_range(gm_dataset *d, uint64_t first, uint64_t end, uint64_t stride, gm_dataset **out);

/**
 * Splits at random into two parts; the first gets round(fraction * rows).
 * @errors    GM_EARG, GM_ENOMEM
 * @threads   as the data set's context
 * @since     0.1
 */
GM_API gm_status gm_dataset_split(gm_dataset *d, double fraction, uint64_t seed, gm_dataset **first, gm_dataset **second);

/** Number of rows; 0 if d is no data set. @errors none. @threads any. @since 0.1 */
GM_API uint64_t gm_dataset_rows(const gm_dataset *d);
/** Number of columns. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_dataset_columns(const gm_dataset *d);
/** Name of column i; NULL past the end. @return borrowed. @errors none. @threads any. @since 0.1 */
GM_API const char *gm_dataset_column_name(const gm_dataset *d, int32_t i);
/** Shape of one row of a column, of the longest row where they differ. @param shape receives up to 8 sizes. @return its dimensions; -1 if there is no such column. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_dataset_shape(const gm_dataset *d, const char *column, int64_t shape[8]);
/** Stored type of a column; -1 if there is no such column. @errors none. @threads any. @since 0.1 */
GM_API int32_t gm_dataset_dtype(const gm_dataset *d, const char *column);
/** Number of classes of column "label" (largest label + 1); 0 without labels. @errors none. @threads any. @since 0.1 */
GM_API int64_t gm_dataset_classes(const gm_dataset *d);
/** Name of class k where the file gives names (words in a label column, folders of pictures), else NULL. @return borrowed from d. @errors none. @threads any. @since 0.1 */
GM_API const char *gm_dataset_class_name(const gm_dataset *d, int64_t k);

/**
 * Rows [first, first+n) of a column as a new tensor, f32 for u8 images (in [0,1]), i64 for "label", else the stored type.
 * @errors    GM_EARG, GM_ENOTFOUND, GM_ENOMEM, GM_ECANCELED (callback), GM_EIO (streamed)
 * @threads   as the data set's context
 * @since     0.1
 */
GM_API gm_status gm_dataset_read(gm_dataset *d, const char *column, uint64_t first, uint64_t n, gm_tensor **out);

/** Drops the caller's reference. @errors none. @threads any. @since 0.1 */
GM_API void gm_dataset_free(gm_dataset *d);

/**
 * Batches over a data set. One pass is one epoch; gm_batches_next returns GM_END between epochs.
 * @param options   batch (128), shuffle (on), seed (0), drop-last (off), prefetch (on), binarize (none|dynamic|threshold),
 *                  scale (none|unit|standard: the whole to [0,1] by its smallest and largest number, or each feature
 *                  to mean 0 and deviation 1; a constant becomes 0). prefetch needs a context of 2 threads or more.
 *                  augment: a comma list of what happens to a row of pictures [C,H,W] each time it is seen, by (seed, epoch,
 *                  row) alone, in this order: crop=N (a window of N x N, scaled back), shift=N (up to N pixels each way,
 *                  fill=zero|edge), vflip, flip, contrast=C, brightness=B, noise=S (normal), then clamping to [0,1]
 *                  where x is u8, and erase=N (a square of N x N becomes 0); it comes before scale and binarize.
 *                  Floats come as f32, i32 and i64 as they are, labels as i64
 * @errors    GM_EARG, GM_EDTYPE (whole numbers cannot be scaled), GM_ESHAPE (augment), GM_ECANCELED, GM_ENOMEM
 * @threads   as the data set's context
 * @since     0.1
 */
GM_API gm_status gm_batches_new(gm_dataset *d, const char *options, gm_batches **out);

/**
 * The next batch; GM_END after the last of an epoch (the call after it starts the next epoch).
 * @param x   receives column "x", [n, shape] f32, borrowed until the next call
 * @errors    GM_END, GM_ECANCELED, GM_EIO (a streamed file), GM_ENOMEM
 * @threads   as the data set's context
 * @since     0.1
 */
GM_API gm_status gm_batches_next(gm_batches *b, gm_tensor **x);

/** Another column of the present batch, borrowed until the next call; NULL if there is none. @errors none. @threads as the data set's context. @since 0.1 */
GM_API gm_tensor *gm_batches_column(gm_batches *b, const char *name);
/** Rows of the present batch in the data set. @param n receives their number. @return borrowed row numbers. @errors none. @threads as the data set's context. @since 0.1 */
GM_API const uint64_t *gm_batches_rows(gm_batches *b, size_t *n);
/** Present epoch, from 0. @errors none. @threads any. @since 0.1 */
GM_API uint64_t gm_batches_epoch(const gm_batches *b);
/** Batches handed out in this epoch. @errors none. @threads any. @since 0.1 */
GM_API uint64_t gm_batches_position(const gm_batches *b);
/** Moves to a position, as stored from the two calls above: the next batch is the one that followed then. @errors GM_EARG. @threads as the data set's context. @since 0.1 */
GM_API gm_status gm_batches_seek(gm_batches *b, uint64_t epoch, uint64_t position);
/** Drops the caller's reference. @errors none. @threads any. @since 0.1 */
GM_API void gm_batches_free(gm_batches *b);

#ifdef __cplusplus
}
#endif
#endif
