/* init.c - how weights are drawn: the rules by name, and the draws, from (seed, INIT, 0, index of the tensor). */
#include "nn/net.h"
#include "kernels/kernels.h"
#include <math.h>
#include <string.h>

enum { CHUNK = 256 }; /* a multiple of 4: whole Philox blocks */

static void store(gm_tensor *w, int64_t first, size_t n, const float *draw, double scale, double shift)
{
    for (size_t i = 0; i < n; i++) {
        double v = shift + scale * (double)draw[i];
        if (w->dtype == GM_F64) gm__f64(w)[first + (int64_t)i] = v;
        else gm__f32(w)[first + (int64_t)i] = (float)v;
    }
}

static void draw_into(gm_tensor *w, bool normal, double scale, double shift, uint64_t seed, uint64_t index)
{
    const gm__kern *kern = w->ctx->kern;
    gm__stream s = gm__stream_make(seed, GM__R_INIT, 0, index);
    float buf[CHUNK];
    for (int64_t at = 0; at < w->size; at += CHUNK) {
        size_t n = w->size - at < CHUNK ? (size_t)(w->size - at) : CHUNK;
        if (scale == 0) for (size_t i = 0; i < n; i++) buf[i] = 0;
        else if (normal) kern->normal_f32(s, n, buf);
        else kern->uniform_f32(s, n, buf);
        store(w, at, n, buf, scale, shift);
        s.ctr[0] += CHUNK / 4;
    }
    w->version++;
}

void gm__init_uniform(gm_tensor *w, double bound, uint64_t seed, uint64_t index) { draw_into(w, false, 2 * bound, -bound, seed, index); }

void gm__init_normal(gm_tensor *w, double mean, double std, uint64_t seed, uint64_t index) { draw_into(w, true, std, mean, seed, index); }

/* Q of a normal matrix, whose signs are made those of a unique factorisation: uniform over orthogonal matrices. */
gm_status gm__init_orthogonal(gm_tensor *w, double gain, uint64_t seed, uint64_t index)
{
    gm_ctx *ctx = w->ctx;
    size_t rows = (size_t)w->shape[0], cols = rows ? (size_t)w->size / rows : 0, m = rows > cols ? rows : cols, n = rows > cols ? cols : rows;
    gm_status s = GM_ENOMEM;
    double *a = gm__alloc(ctx, (size_t)w->size, 2 * sizeof *a), *q = a + w->size;
    if (!a) return s;
    gm__init_normal(w, 0, 1, seed, index);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            size_t k = i * cols + j;
            a[rows < cols ? j * rows + i : k] = w->dtype == GM_F64 ? gm__f64(w)[k] : (double)gm__f32(w)[k];
        }
    s = gm__qr(ctx, m, n, a, q);
    for (size_t i = 0; i < rows && !s; i++)
        for (size_t j = 0; j < cols; j++) {
            size_t at = rows < cols ? j * rows + i : i * cols + j, c = rows < cols ? i : j;
            double v = (a[c * n + c] < 0 ? -gain : gain) * q[at];
            if (w->dtype == GM_F64) gm__f64(w)[i * cols + j] = v;
            else gm__f32(w)[i * cols + j] = (float)v;
        }
    gm__free(ctx, a);
    return s;
}

/* ---- rules --------------------------------------------------------------------------- */

enum { NONE, MAY, MUST };
static const struct { const char *name; int number; double def; } rules[] = {
    [GM__INIT_PYTORCH] = {"pytorch", NONE, 0},
    [GM__INIT_XAVIER] = {"xavier", MAY, 1},
    [GM__INIT_XAVIER_NORMAL] = {"xavier-normal", MAY, 1},
    [GM__INIT_KAIMING] = {"kaiming", MAY, 0},
    [GM__INIT_KAIMING_NORMAL] = {"kaiming-normal", MAY, 0},
    [GM__INIT_ORTHOGONAL] = {"orthogonal", MAY, 1},
    [GM__INIT_NORMAL] = {"normal", MUST, 0},
    [GM__INIT_DCGAN] = {"dcgan", NONE, 0},
    [GM__INIT_ZEROS] = {"zeros", NONE, 0},
};

bool gm__init_read(const char *p, const char *end, double *kind, double *number)
{
    const char *colon = memchr(p, ':', (size_t)(end - p));
    size_t n = (size_t)((colon ? colon : end) - p);
    for (size_t i = 0; i < GM__COUNT(rules); i++) {
        if (!gm__ieq(rules[i].name, p, n)) continue;
        if (rules[i].number == (colon ? NONE : MUST)) return false;
        *kind = (double)i;
        *number = rules[i].def;
        return !colon || (gm__read_double(colon + 1, end, number) == end && *number >= 0 && *number <= 1e3);
    }
    return false;
}

void gm__init_text(int kind, double number, gm__buf *b)
{
    gm__buf_format(b, " init=%s", rules[kind].name);
    if (rules[kind].number == MUST || number != rules[kind].def) gm__buf_format(b, ":%g", number);
}

/* PyTorch's rules: fans count the second and the first axis of the weights; the default is kaiming uniform with a = sqrt(5),
 * the same bound for the bias. */
gm_status gm__declare_weights(gm__build *b, gm__layer *l, int ndim, const int64_t *shape, int64_t out, gm__weights how)
{
    double taps = 1, x = l->init_number;
    for (int i = 2; i < ndim; i++) taps *= (double)shape[i];
    double fan_in = (double)shape[1] * taps, fan_out = (double)shape[0] * taps, bound = 1 / sqrt(fan_in);
    struct { int fill; double a, b; } w = {GM__FILL_NORM, 0, 0}, bias = {GM__FILL_ZERO, 0, 0};
    switch (how.init) {
    case GM__INIT_XAVIER: w.fill = GM__FILL_UNI, w.a = x * sqrt(6 / (fan_in + fan_out)); break; /* Glorot & Bengio 2010 */
    case GM__INIT_XAVIER_NORMAL: w.b = x * sqrt(2 / (fan_in + fan_out)); break;
    case GM__INIT_KAIMING: w.fill = GM__FILL_UNI, w.a = sqrt(6 / ((1 + x * x) * fan_in)); break; /* He et al. 2015 */
    case GM__INIT_KAIMING_NORMAL: w.b = sqrt(2 / ((1 + x * x) * fan_in)); break;
    case GM__INIT_ORTHOGONAL: w.fill = GM__FILL_ORTHO, w.a = x; break; /* Saxe et al. 2014 */
    case GM__INIT_NORMAL: w.b = x; break;
    case GM__INIT_DCGAN: w.b = 0.02; break; /* Radford et al. 2016 */
    case GM__INIT_ZEROS: w.fill = GM__FILL_ZERO; break;
    default: w.fill = bias.fill = GM__FILL_UNI, w.a = bias.a = bound; break;
    }
    if (how.bias != GM__BIAS_BY_INIT) bias.fill = GM__FILL_NORM, bias.a = how.bias; /* without deviation */
    GM__TRY(gm__declare(b, l, "weight", ndim, shape, w.fill, w.a, w.b));
    return how.nobias ? GM_OK : gm__declare(b, l, "bias", 1, &out, bias.fill, bias.a, bias.b);
}
