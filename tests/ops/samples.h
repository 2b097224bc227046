/* samples.h - reads the samples of an op's row (language: src/ops/ops.h) and makes their inputs.
 *
 * Element e of input j of sample s of an op is made from one 32-bit hash, the same in tests/vectors/ops.py:
 *   x = fnv1a(name) + s*0x9E3779B9 + j*0x85EBCA6B + e*0xC2B2AE35, then twice shift-xor-multiply, k = (x >> 9)*2 + 1,
 *   u = k / 2^24 in (0,1), never 1/2: so 4u-2 is never 0.
 */
#ifndef TESTS_OPS_SAMPLES_H
#define TESTS_OPS_SAMPLES_H

#include "ops/ops.h"
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_IN = 8, WEIGHTS = 100, CHECKSUM = 200 };

static inline double hash_unit(const char *name, unsigned s, unsigned j, unsigned e)
{
    uint32_t x = 2166136261u;
    for (; *name; name++) x = (x ^ (uint8_t)*name) * 16777619u;
    x += s * 0x9E3779B9u + j * 0x85EBCA6Bu + e * 0xC2B2AE35u;
    x = (x ^ x >> 16) * 0x7FEB352Du;
    x = (x ^ x >> 15) * 0x846CA68Bu;
    x ^= x >> 16;
    return ((x >> 9) * 2 + 1) / 16777216.0;
}

typedef struct spec { /* one input */
    int ndim;
    int64_t shape[GM_MAX_DIMS];
    char kind;            /* n p u b o k K m, or - for absent */
    long below;           /* of k and K */
    char layout;          /* c, t or s */
    bool constant;        /* no gradient flows into it */
} spec;
typedef struct sample {
    const gm__op *op;
    unsigned index;
    int nin;
    spec in[MAX_IN];
    gm__attr attr;
} sample;

static inline const char *read_word(const char *p, sample *s)
{
    char *end;
    if (p[1] == '=') {
        bool ints = *p == 'i';
        ck_assert_msg(ints || *p == 'f', "%s: bad word at: %s", s->op->name, p);
        p++;
        for (int k = 0; *p == '=' || *p == ','; k++, p = end) {
            ck_assert_int_lt(k, ints ? GM__ATTR_INTS : GM__ATTR_REALS);
            if (ints) s->attr.i[k] = strtol(p + 1, &end, 10);
            else s->attr.f[k] = strtod(p + 1, &end);
        }
        return p;
    }
    ck_assert_int_lt(s->nin, MAX_IN);
    spec *in = &s->in[s->nin++];
    *in = (spec){.kind = 'n', .layout = 'c'};
    if (*p == '-') {
        in->kind = '-';
        return p + 1;
    }
    if (*p == '.') p++;
    else
        for (p--; p[1] >= '0' && p[1] <= '9';) {
            in->shape[in->ndim++] = strtol(p + 1, &end, 10);
            p = end;
            if (*p != ',') break;
        }
    if (*p == ':')
        for (p++; *p && *p != ' '; p++) {
            if (*p == 't' || *p == 's') in->layout = *p;
            else if (*p == 'c') in->constant = true;
            else in->kind = *p;
            if (*p == 'k' || *p == 'K') {
                in->below = strtol(p + 1, &end, 10);
                p = end - 1;
            }
        }
    ck_assert_msg(strchr("npubokKm", in->kind) && (!*p || *p == ' '), "%s: bad sample near: %s", s->op->name, p);
    return p;
}

/* The next sample of op at *text; false at the end. */
static inline bool next_sample(const gm__op *op, const char **text, sample *s, unsigned index)
{
    const char *p = *text;
    if (!p || !*p) return false;
    *s = (sample){.op = op, .index = index};
    while (*p && *p != '|') p = *p == ' ' ? p + 1 : read_word(p, s);
    *text = *p ? p + 1 : p;
    return true;
}

static inline void free_data(void *data, void *user)
{
    (void)user;
    free(data);
}

/* element of A A^T + n, A of numbers in (-2, 2) */
static inline double definite(const sample *s, int j, int64_t e)
{
    int64_t n = s->in[j].shape[s->in[j].ndim - 1], row = e / n % n, col = e % n, first = e - row * n - col;
    double sum = row == col ? (double)n : 0;
    for (int64_t k = 0; k < n; k++)
        sum += (4 * hash_unit(s->op->name, s->index, (unsigned)j, (unsigned)(first + row * n + k)) - 2) *
               (4 * hash_unit(s->op->name, s->index, (unsigned)j, (unsigned)(first + col * n + k)) - 2);
    return sum;
}

static inline double value_of(const sample *s, int j, int64_t e)
{
    const spec *in = &s->in[j];
    if (in->kind == 'm') return definite(s, j, e);
    double u = hash_unit(s->op->name, s->index, (unsigned)j, (unsigned)e);
    switch (in->kind) {
    case 'p': return 0.5 + 1.5 * u;
    case 'u': return 0.05 + 0.9 * u;
    case 'b': case 'o': return u < 0.5;
    case 'k': case 'K': return floor(u * (double)in->below);
    default: return 4 * u - 2;
    }
}

static inline bool is_float_input(const spec *in) { return in->kind == 'n' || in->kind == 'p' || in->kind == 'u' || in->kind == 'm' || in->kind == 'o'; }

/* Input j as a tensor over memory of its own: floats of the given type; layout c, t, s, or 0 as the sample says. */
static inline gm_tensor *make_input(gm_ctx *ctx, const sample *s, int j, int dtype, char layout)
{
    const spec *in = &s->in[j];
    gm_tensor *t = NULL;
    int64_t stride[GM_MAX_DIMS], n = 1, step = 1;
    if (in->kind == '-') return NULL;
    if (!layout) layout = in->layout;
    if (in->kind == 'b') dtype = GM_U8;
    if (in->kind == 'k') dtype = GM_I64;
    if (in->kind == 'K') dtype = GM_I32;
    for (int d = 0; d < in->ndim; d++) n *= in->shape[d];
    if (layout == 's') step = 2;
    for (int k = 0; k < in->ndim; k++) {
        int d = layout == 't' ? k : in->ndim - 1 - k;
        stride[d] = step;
        step *= in->shape[d] ? in->shape[d] : 1;
    }
    size_t es = gm_dtype_size(dtype), count = (size_t)(n ? 2 * n : 1);
    char *data = malloc(count * es);
    memset(data, 0x7f, count * es); /* gaps hold no small number */
    for (int64_t e = 0; e < n; e++) {
        int64_t at = 0, r = e;
        for (int d = in->ndim - 1; d >= 0; d--) {
            at += r % in->shape[d] * stride[d];
            r /= in->shape[d];
        }
        double v = value_of(s, j, e);
        if (dtype == GM_F64) ((double *)(void *)data)[at] = v;
        else if (dtype == GM_F32) ((float *)(void *)data)[at] = (float)v;
        else if (dtype == GM_I64) ((int64_t *)(void *)data)[at] = (int64_t)v;
        else if (dtype == GM_I32) ((int32_t *)(void *)data)[at] = (int32_t)v;
        else data[at] = (char)v;
    }
    ck_assert_int_eq(gm_tensor_wrap(ctx, dtype, in->ndim, in->shape, stride, data, free_data, NULL, &t), GM_OK);
    return t;
}

/* Inputs that have a gradient. */
static inline bool has_gradient(const sample *s, int j)
{
    const char *op = s->op->name;
    if (!is_float_input(&s->in[j]) || s->in[j].constant || s->op->flags & GM__OP_NOGRAD) return false;
    if (!strcmp(op, "batch_norm") && j > 2) return false;  /* statistics from outside */
    if (!strcmp(op, "piecewise") && j == 1) return false;  /* constant almost everywhere */
    return !(!strcmp(op, "cast") && s->attr.i[0] > GM_F64); /* to integers */
}

/* Draws want f32 probabilities and logits. */
static inline bool f32_only(const sample *s) { return (!strncmp(s->op->name, "bernoulli", 9) && strcmp(s->op->name, "bernoulli_log_prob")) || !strcmp(s->op->name, "categorical"); }

static inline gm_tensor *apply_sample(gm_tape *t, const sample *s, gm_tensor *const *in)
{
    if (!strcmp(s->op->name, "reshape")) return gm_reshape(t, in[0], (int32_t)s->attr.i[0], s->attr.i + 1);
    if (s->op->nin == 0) return gm__apply(t, s->op, NULL, 0, &s->attr);
    return gm__apply(t, s->op, in, s->nin, &s->attr);
}

/* Element e (row-major) as a double, any type and strides. */
static inline double element(const gm_tensor *x, int64_t e)
{
    int64_t at = 0;
    for (int d = x->ndim - 1; d >= 0; d--) {
        at += e % x->shape[d] * x->stride[d];
        e /= x->shape[d];
    }
    const void *p = x->data + at * (int64_t)gm_dtype_size(x->dtype);
    switch (x->dtype) {
    case GM_F32: return *(const float *)p;
    case GM_F64: return *(const double *)p;
    case GM_I32: return *(const int32_t *)p;
    case GM_I64: return (double)*(const int64_t *)p;
    case GM_U8: return *(const uint8_t *)p;
    default: return NAN;
    }
}

/* Equal within tol of the larger; NaN equals NaN, infinities equal themselves. */
static inline bool close_to(double a, double b, double tol)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (a == b) return true;
    double scale = fmax(1, fmax(fabs(a), fabs(b)));
    return fabs(a - b) <= tol * scale;
}

#endif
