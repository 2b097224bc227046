/* output.c - rows into pictures, arrays and text. */
#include "cli.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool ends(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n > m && !strcmp(s + n - m, end);
}

int output_check(const char *path, bool pictures)
{
    if (!strcmp(path, "-") || ends(path, ".npy") || ends(path, ".npz") || ends(path, ".csv") || ends(path, ".txt")) return 0;
    if (pictures && ends(path, ".png")) return 0;
    return usage_error("--out: '%s' should end in %s.npy, .npz, .csv or .txt, or be -", path, pictures ? ".png, " : "");
}

void json_string(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') fprintf(f, "\\%c", *s);
        else if ((unsigned char)*s < 32) fprintf(f, "\\u%04x", (unsigned)*s);
        else fputc(*s, f);
    }
    fputc('"', f);
}

void json_number(FILE *f, double v)
{
    if (isfinite(v)) fprintf(f, "%.10g", v);
    else fputs("null", f);
}

static void put_value(FILE *f, const void *p, int32_t type, int64_t i)
{
    switch (type) {
    case GM_F64: fprintf(f, "%.17g", ((const double *)p)[i]); break;
    case GM_I32: fprintf(f, "%ld", (long)((const int32_t *)p)[i]); break;
    case GM_I64: fprintf(f, "%lld", (long long)((const int64_t *)p)[i]); break;
    case GM_U8: fprintf(f, "%d", ((const uint8_t *)p)[i]); break;
    default: fprintf(f, "%.9g", (double)((const float *)p)[i]);
    }
}

/* The rows of some tensors of equal length, side by side. */
static int write_lines(FILE *f, int count, const gm_tensor *const *t, const char *header)
{
    enum { MOST = 64 };
    void *v[MOST] = {0};
    int64_t n = gm_tensor_ndim(t[0]) ? gm_tensor_dim(t[0], 0) : 1;
    bool bad = count > MOST;
    for (int k = 0; k < count && !bad; k++) {
        size_t bytes = (size_t)gm_tensor_size(t[k]) * gm_dtype_size(gm_tensor_dtype(t[k]));
        bad = !(v[k] = malloc(bytes + 1)) || gm_tensor_read(t[k], v[k], bytes);
    }
    if (header && !bad) fprintf(f, "%s\n", header);
    for (int64_t i = 0; i < n && !bad; i++) {
        const char *between = "";
        for (int k = 0; k < count; k++) {
            int64_t width = gm_tensor_size(t[k]) / n;
            for (int64_t j = 0; j < width; j++, between = ",") {
                fputs(between, f);
                put_value(f, v[k], gm_tensor_dtype(t[k]), i * width + j);
            }
        }
        fputc('\n', f);
    }
    for (int k = 0; k < count && k < MOST; k++) free(v[k]);
    return bad || ferror(f) != 0;
}

FILE *output_begin(const char *path, char **tmp)
{
    size_t n = strlen(path) + 32;
    if (!(*tmp = malloc(n))) return NULL;
    snprintf(*tmp, n, "%s.%ld.part", path, (long)getpid());
    unlink(*tmp); /* of a process that was killed and had our number */
    return fopen(*tmp, "wx");
}

int output_end(FILE *f, const char *path, char *tmp, int bad)
{
    bad |= !f;
    if (f) bad |= fflush(f) != 0 || fsync(fileno(f)) != 0;
    if (f) bad |= fclose(f) != 0;
    if (!bad) bad = rename(tmp, path) != 0;
    int why = errno;
    if (bad && f) unlink(tmp);
    free(tmp);
    return bad ? work_error("%s: cannot write: %s", path, strerror(why)) : 0;
}

static int write_text(const char *path, int count, const gm_tensor *const *t, const char *header)
{
    char *tmp;
    if (!strcmp(path, "-")) return write_lines(stdout, count, t, header) || fflush(stdout) ? work_error("cannot write to standard output") : 0;
    FILE *f = output_begin(path, &tmp);
    return output_end(f, path, tmp, !f || write_lines(f, count, t, header));
}

/* Points in the plane as a picture of 320 x 320 dots, 5 % margin, equal scales. */
static gm_status plot_points(gm_ctx *ctx, const gm_tensor *rows, const char *path)
{
    enum { SIDE = 320 };
    int64_t n = gm_tensor_dim(rows, 0), shape[3] = {1, SIDE, SIDE};
    gm_tensor *image = NULL;
    gm_status s = gm_tensor_new(ctx, GM_F32, 3, shape, &image);
    float *p = malloc((size_t)n * 2 * sizeof *p + 1), *px = s ? NULL : gm_tensor_data(image);
    if (!s && !p) s = GM_ENOMEM;
    if (!s) s = gm_tensor_read(rows, p, (size_t)n * 2 * sizeof *p);
    float lo[2] = {0, 0}, hi[2] = {0, 0};
    for (int64_t i = 0; !s && i < 2 * n; i++) {
        int d = (int)(i & 1);
        if (!isfinite(p[i])) continue;
        if (i < 2 || p[i] < lo[d]) lo[d] = p[i];
        if (i < 2 || p[i] > hi[d]) hi[d] = p[i];
    }
    float span = 1.1f * fmaxf(fmaxf(hi[0] - lo[0], hi[1] - lo[1]), 1e-6f);
    for (int64_t i = 0; !s && i < n; i++) {
        float u = (p[2 * i] - (lo[0] + hi[0]) / 2) / span + 0.5f, v = 0.5f - (p[2 * i + 1] - (lo[1] + hi[1]) / 2) / span;
        if (!(u >= 0 && u < 1 && v >= 0 && v < 1)) continue;
        float *q = &px[(int)(v * SIDE) * SIDE + (int)(u * SIDE)];
        *q = fminf(1, *q + 0.34f);
    }
    if (!s) s = gm_png_write(image, 1, path);
    free(p);
    gm_tensor_free(image);
    return s;
}

int output_grid(gm_ctx *ctx, const char *path, const gm_tensor *rows, int32_t columns)
{
    return ends(path, ".png") ? (app_status(ctx, gm_png_write(rows, columns, path), NULL) ? EXIT_WORK : 0) : output_rows(ctx, path, rows);
}

int output_rows(gm_ctx *ctx, const char *path, const gm_tensor *rows) { return output_table(ctx, path, rows, NULL); }

int output_table(gm_ctx *ctx, const char *path, const gm_tensor *rows, const char *header)
{
    if (ends(path, ".npy")) return app_status(ctx, gm_npy_write(rows, path), NULL) ? EXIT_WORK : 0;
    if (ends(path, ".npz")) return app_status(ctx, gm_npz_write(ctx, path, 1, (const char *const[]){"x"}, (gm_tensor *const[]){(gm_tensor *)rows}, 1), NULL) ? EXIT_WORK : 0;
    if (!ends(path, ".png")) return write_text(path, 1, &rows, header);
    bool points = gm_tensor_ndim(rows) == 2 && gm_tensor_dim(rows, 1) == 2 && gm_tensor_dtype(rows) == GM_F32;
    return app_status(ctx, points ? plot_points(ctx, rows, path) : gm_png_write(rows, 0, path), NULL) ? EXIT_WORK : 0;
}

int output_columns(gm_ctx *ctx, const char *path, int count, const char *const *names, gm_tensor *const *t)
{
    if (ends(path, ".npz")) return app_status(ctx, gm_npz_write(ctx, path, count, names, t, 1), NULL) ? EXIT_WORK : 0;
    char *header = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&header, &size);
    for (int k = 0; f && k < count; k++) {
        int64_t n = gm_tensor_dim(t[k], 0), width = n ? gm_tensor_size(t[k]) / n : 0;
        for (int64_t j = 0; j < width; j++) {
            fprintf(f, "%s%s", k || j ? "," : "", names[k]);
            if (width > 1) fprintf(f, "%lld", (long long)j);
        }
    }
    int code = !f || fclose(f) ? work_error("out of memory") : write_text(path, count, (const gm_tensor *const *)t, header);
    free(header);
    return code;
}
