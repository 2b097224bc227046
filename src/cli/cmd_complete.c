/* cmd_complete.c - gm complete: rows of which some entries are known are filled in. */
#include "cli.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Entries of a row that `rows A:B`, `columns A:B` or `units A:B` names: 1 in mask. */
static int region_mask(const char *how, const gm_tensor *x, uint8_t *mask)
{
    static const char *const names[] = {"units", "rows", "columns"};
    const int32_t d = gm_tensor_ndim(x);
    const int64_t row = gm_tensor_size(x) / gm_tensor_dim(x, 0), width = d > 2 ? gm_tensor_dim(x, d - 1) : 0, height = d > 2 ? gm_tensor_dim(x, d - 2) : 0;
    const int64_t sizes[] = {row, height, width};
    char name[16];
    long long first, end;
    int used = 0;
    if (sscanf(how, "%15s %lld:%lld%n", name, &first, &end, &used) != 3 || how[used])
        return usage_error("complete: --known: expected 'rows A:B', 'columns A:B', 'units A:B' or the SPEC of a mask, got '%s'", how);
    for (int k = 0; k < 3; k++) {
        if (strcmp(name, names[k])) continue;
        if (k && d < 3) return usage_error("complete: --known: the data are no pictures, so they have no %s (units A:B)", name);
        if (first < 0 || end > sizes[k] || first >= end) return usage_error("complete: --known: %s lie in 0:%lld, not %lld:%lld", name, (long long)sizes[k], first, end);
        for (int64_t i = 0; i < row; i++) {
            const int64_t at = k == 0 ? i : k == 1 ? i / width % height : i % width;
            mask[i] = at >= first && at < end;
        }
        return 0;
    }
    return usage_error("complete: --known: '%s' is none of rows, columns, units", name);
}

static double value(const gm_tensor *x, int64_t i)
{
    const void *p = gm_tensor_data((gm_tensor *)x);
    return gm_tensor_dtype(x) == GM_F64 ? ((const double *)p)[i] : gm_tensor_dtype(x) == GM_U8 ? ((const uint8_t *)p)[i] : (double)((const float *)p)[i];
}

/* A mask from data: one row for all, or as many as x has; above one half is known. */
static int read_mask(gm_ctx *ctx, const char *spec, const gm_tensor *x, gm_tensor **mask)
{
    gm_dataset *d = NULL;
    gm_tensor *m = NULL;
    const int64_t n = gm_tensor_dim(x, 0), row = gm_tensor_size(x) / n;
    int code = app_data(ctx, spec, &d);
    const int64_t rows = code ? 0 : (int64_t)gm_dataset_rows(d);
    if (!code) code = app_status(ctx, gm_dataset_read(d, "x", 0, (uint64_t)rows, &m), "--known");
    if (!code && ((rows != 1 && rows != n) || gm_tensor_size(m) != rows * row))
        code = work_error("complete: --known: a mask of 1 or %lld rows of %lld entries wanted, %s has %lld of %lld", (long long)n, (long long)row, spec, (long long)rows,
                          (long long)(rows ? gm_tensor_size(m) / rows : 0));
    if (!code) code = app_status(ctx, gm_tensor_new(ctx, GM_U8, 2, (int64_t[]){rows, row}, mask), NULL);
    for (int64_t i = 0; !code && i < rows * row; i++) ((uint8_t *)gm_tensor_data(*mask))[i] = value(m, i) > 0.5;
    gm_tensor_free(m);
    gm_dataset_free(d);
    return code;
}

static int make_mask(gm_ctx *ctx, const char *how, const gm_tensor *x, gm_tensor **mask)
{
    const int64_t row = gm_tensor_size(x) / gm_tensor_dim(x, 0);
    const char *colon = strchr(how, ':'), *blank = strchr(how, ' ');
    if (colon && (!blank || colon < blank)) return read_mask(ctx, how, x, mask);
    int code = app_status(ctx, gm_tensor_new(ctx, GM_U8, 1, &row, mask), NULL);
    return code ? code : region_mask(how, x, gm_tensor_data(*mask));
}

/* Every row three times: as it is, what is known of it, completed. What is not known is gray. */
static int pictures(gm_ctx *ctx, const char *path, const gm_tensor *x, const gm_tensor *mask, const gm_tensor *y)
{
    enum { WIDE = 8, COLUMNS = 12 };
    const int64_t n = gm_tensor_dim(y, 0), row = gm_tensor_size(y) / n;
    int64_t shape[8] = {3 * n};
    gm_tensor *all = NULL;
    for (int32_t i = 1; i < gm_tensor_ndim(y); i++) shape[i] = gm_tensor_dim(y, i);
    int code = app_status(ctx, gm_tensor_new(ctx, GM_F32, gm_tensor_ndim(y), shape, &all), NULL);
    float *p = code ? NULL : gm_tensor_data(all);
    for (int64_t i = 0; !code && i < n * row; i++) {
        const int64_t at = i / row * 3 * row + i % row;
        const bool known = !mask || ((const uint8_t *)gm_tensor_data((gm_tensor *)mask))[gm_tensor_size(mask) > row ? i : i % row];
        const float v = (float)value(x, i) / (gm_tensor_dtype(x) == GM_U8 ? 255 : 1);
        p[at] = isnan(v) ? 0.5f : v;
        p[at + row] = known && !isnan(v) ? v : 0.5f;
        p[at + 2 * row] = (float)value(y, i);
    }
    if (!code) code = output_grid(ctx, path, all, n > WIDE ? COLUMNS : 3);
    gm_tensor_free(all);
    return code;
}

int cmd_complete(args *a)
{
    gm_ctx *ctx = NULL;
    gm_model *m = NULL;
    gm_dataset *d = NULL;
    gm_tensor *x = NULL, *mask = NULL, *label = NULL, *y = NULL;
    text options = {0};
    long long k = -1;
    const char *spec = args_text(a, "data"), *out = args_text(a, "out"), *known = args_text(a, "known");
    int code = args_words(a, 1, "complete FILE --data SPEC [--known REGION|SPEC] --out FILE [--steps N] [--anneal T] [--label K] [--seed S]");
    if (!code && !spec) code = usage_error("complete: --data SPEC is needed");
    if (!code && !out) code = usage_error("complete: --out FILE is needed");
    if (!code) code = output_check(out, true);
    if (!code) code = args_whole(a, "label", 0, INT32_MAX, &k);
    take_options(a, "complete", &options);
    if (!code) code = app_open(a, &ctx);
    if (!code) code = args_unused(a);
    if (!code) code = app_load(ctx, a->words[0], &m);
    if (!code) code = app_data(ctx, spec, &d);
    if (!code && !gm_dataset_rows(d)) code = work_error("complete: %s: no rows", spec);
    if (!code) code = app_status(ctx, gm_dataset_read(d, "x", 0, gm_dataset_rows(d), &x), "complete");
    if (!code && known) code = make_mask(ctx, known, x, &mask);
    if (!code && k >= 0) code = app_status(ctx, gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){1}, (int64_t[]){k}, &label), NULL);
    if (!code) code = app_status(ctx, gm_complete(m, x, mask, label, options.p, &y), NULL);
    const size_t length = out ? strlen(out) : 0;
    if (!code) code = length > 4 && !strcmp(out + length - 4, ".png") ? pictures(ctx, out, x, mask, y) : output_rows(ctx, out, y);
    text_free(&options);
    gm_tensor *const all[] = {x, mask, label, y};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) gm_tensor_free(all[i]);
    gm_dataset_free(d);
    gm_model_free(m);
    gm_ctx_free(ctx);
    return code;
}
