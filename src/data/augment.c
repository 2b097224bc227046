/* augment.c - rows of pictures changed at random each time they are seen. What happens to a row depends on (seed,
 * epoch, row) alone. Every number is drawn whether or not its option is on, so that one option never moves another. */
#include "data/augment.h"
#include <math.h>
#include <string.h>

#define AT(field) offsetof(gm__augment, field)
static const gm__opt rows[] = {
    { "flip", GM__O_FLAG, AT(flip), "off", 0, 0, NULL, "left to right, every second time" },
    { "vflip", GM__O_FLAG, AT(vflip), "off", 0, 0, NULL, "upside down, every second time" },
    { "shift", GM__O_INT, AT(shift), "0", 0, 4096, NULL, "moved by up to so many pixels each way" },
    { "fill", GM__O_CHOICE, AT(fill), "zero", 0, 0, "zero|edge", "what comes in where pixels move away" },
    { "crop", GM__O_INT, AT(crop), "0", 0, 65536, NULL, "a window of this size, scaled back to the whole" },
    { "contrast", GM__O_REAL, AT(contrast), "0", 0, 1, NULL, "differences from the mean times 1-c to 1+c" },
    { "brightness", GM__O_REAL, AT(brightness), "0", 0, 1, NULL, "-b to b added to all" },
    { "noise", GM__O_REAL, AT(noise), "0", 0, 100, NULL, "normal noise of this deviation" },
    { "erase", GM__O_INT, AT(erase), "0", 0, 65536, NULL, "a square of this size becomes 0" },
};
static const gm__opts table = { "augment", rows, GM__COUNT(rows) };

/* Blocks of a row's stream from here on; binarisation has those from 2^31 on. */
static const uint32_t AUGMENT_BLOCK = (uint32_t)3 << 30, NOISE_BLOCK = ((uint32_t)3 << 30) + 64;

/* The item [p, p+n): a name, or name=value. */
static gm_status item(gm_ctx *ctx, const char *p, size_t n, gm__augment *out, bool *set)
{
    char key[64];
    gm__strs strs = { .ctx = ctx };
    if (n >= sizeof key) return gm__fail_ctx(ctx, GM_EARG, "augment: no option '%.*s'", 40, p);
    memcpy(key, p, n);
    key[n] = 0;
    char *value = strchr(key, '=');
    if (value) *value++ = 0;
    ptrdiff_t i = gm__opts_find(&table, key, strlen(key));
    if (i >= 0 && set[i]) return gm__fail_ctx(ctx, GM_EARG, "augment: '%s' stands twice", key);
    if (i >= 0 && !value && rows[i].type != GM__O_FLAG) return gm__fail_ctx(ctx, GM_EARG, "augment: '%s' needs a value, as %s=2", key, key);
    gm_status s = gm__opts_set(ctx, &table, key, value ? value : "on", out, &strs, set);
    gm__strs_free(&strs);
    return s;
}

static gm_status fits(gm_ctx *ctx, const gm__column *x, gm__augment *a)
{
    char text[128];
    bool places = a->flip || a->vflip || a->shift || a->crop || a->erase;
    a->clamp = x->dtype == GM_U8;
    a->channels = a->height = 1;
    a->width = x->row_elems;
    if (gm__column_out(x) != GM_F32 || x->offset) return gm__fail_ctx(ctx, GM_EDTYPE, "augment: needs rows of real numbers of one length");
    if (!places) return GM_OK;
    if (x->ndim != 2 && x->ndim != 3) return gm__fail_ctx(ctx, GM_ESHAPE, "augment: moves pictures [C,H,W] or [H,W], but x is %s", gm__shape_text(text, x->ndim, x->shape));
    a->channels = x->ndim == 3 ? x->shape[0] : 1;
    a->height = x->shape[x->ndim - 2];
    a->width = x->shape[x->ndim - 1];
    int64_t least = a->height < a->width ? a->height : a->width;
    if (a->crop > least || a->shift >= least)
        return gm__fail_ctx(ctx, GM_ESHAPE, "augment: %s=%d for pictures of %lld x %lld", a->crop > least ? "crop" : "shift",
                            a->crop > least ? (int)a->crop : (int)a->shift, (long long)a->height, (long long)a->width);
    return GM_OK;
}

gm_status gm__augment_make(gm_ctx *ctx, const char *text, const gm__column *x, gm__augment *out)
{
    bool set[GM__COUNT(rows)] = { false };
    *out = (gm__augment){ .on = false };
    if (!text || !*text) return GM_OK;
    for (bool more = true; more;) {
        size_t n = strcspn(text, ",");
        GM__TRY(item(ctx, text, n, out, set));
        more = text[n] == ',';
        text += n + more;
    }
    out->on = true;
    return fits(ctx, x, out);
}

/* ---- one row ---------------------------------------------------------------------- */

typedef struct draws { bool flip, vflip; int64_t dx, dy; double left, top, contrast, brightness; int64_t ex, ey; } draws;

static draws draw(const gm__augment *a, gm__stream stream)
{
    draws d;
    stream.ctr[0] = AUGMENT_BLOCK;
    gm__rng r = gm__rng_make(stream);
    d.flip = (gm__rng_unit(&r) < 0.5) & (a->flip != 0);
    d.vflip = (gm__rng_unit(&r) < 0.5) & (a->vflip != 0);
    d.dx = (int64_t)(gm__rng_unit(&r) * (2 * a->shift + 1)) - a->shift;
    d.dy = (int64_t)(gm__rng_unit(&r) * (2 * a->shift + 1)) - a->shift;
    d.left = floor(gm__rng_unit(&r) * (double)(a->width - a->crop + 1));
    d.top = floor(gm__rng_unit(&r) * (double)(a->height - a->crop + 1));
    d.contrast = 1 + a->contrast * (2 * gm__rng_unit(&r) - 1);
    d.brightness = a->brightness * (2 * gm__rng_unit(&r) - 1);
    d.ex = (int64_t)(gm__rng_unit(&r) * (double)a->width) - a->erase / 2; /* its middle lies anywhere in the picture */
    d.ey = (int64_t)(gm__rng_unit(&r) * (double)a->height) - a->erase / 2;
    return d;
}

/* Where pixel i of n comes from: turned, moved, and filled at the edge or not at all (-1). */
static int64_t source(int64_t i, int64_t n, bool flip, int64_t by, int fill)
{
    int64_t from = (flip ? n - 1 - i : i) + by;
    if (from >= 0 && from < n) return from;
    return fill != GM__FILL_EDGE ? -1 : from < 0 ? 0 : n - 1;
}

/* Pixel (y, x) of the window of size^2 at (top, left) after scaling it to the whole plane: between its four neighbours. */
static float scaled(const float *plane, const gm__augment *a, const draws *d, int64_t y, int64_t x)
{
    double most = (double)(a->crop - 1);
    double v = fmin(most, fmax(0, ((double)y + 0.5) * a->crop / (double)a->height - 0.5));
    double u = fmin(most, fmax(0, ((double)x + 0.5) * a->crop / (double)a->width - 0.5));
    double v0 = floor(v), u0 = floor(u), fv = v - v0, fu = u - u0;
    int64_t right = u0 < most, down = v0 < most ? a->width : 0;
    const float *p = plane + (int64_t)(d->top + v0) * a->width + (int64_t)(d->left + u0);
    double over = (double)p[0] + fu * ((double)p[right] - (double)p[0]);
    double under = (double)p[down] + fu * ((double)p[down + right] - (double)p[down]);
    return (float)(over + fv * (under - over));
}

static void move(const gm__augment *a, const draws *d, float *x, const float *from)
{
    for (int64_t c = 0; c < a->channels; c++, from += a->height * a->width) {
        for (int64_t i = 0; i < a->height; i++) {
            int64_t y = source(i, a->height, d->vflip, d->dy, a->fill);
            for (int64_t k = 0; k < a->width; k++, x++) {
                int64_t at = source(k, a->width, d->flip, d->dx, a->fill);
                *x = y < 0 || at < 0 ? 0.0f : a->crop ? scaled(from, a, d, y, at) : from[y * a->width + at];
            }
        }
    }
}

static void erase(const gm__augment *a, const draws *d, float *x)
{
    for (int64_t c = 0; c < a->channels; c++)
        for (int64_t y = d->ey < 0 ? 0 : d->ey; y < d->ey + a->erase && y < a->height; y++)
            for (int64_t k = d->ex < 0 ? 0 : d->ex; k < d->ex + a->erase && k < a->width; k++) x[(c * a->height + y) * a->width + k] = 0;
}

void gm__augment_row(const gm__augment *a, const gm__kern *kern, gm__stream stream, float *x, float *work)
{
    size_t n = (size_t)(a->channels * a->height * a->width);
    draws d = draw(a, stream);
    if (d.flip || d.vflip || d.dx || d.dy || a->crop) {
        memcpy(work, x, n * sizeof *x);
        move(a, &d, x, work);
    }
    if (a->contrast > 0) {
        double mean = 0;
        for (size_t i = 0; i < n; i++) mean += (double)x[i];
        mean /= (double)n;
        for (size_t i = 0; i < n; i++) x[i] = (float)(mean + d.contrast * ((double)x[i] - mean));
    }
    if (a->brightness > 0)
        for (size_t i = 0; i < n; i++) x[i] += (float)d.brightness;
    if (a->noise > 0) {
        stream.ctr[0] = NOISE_BLOCK;
        kern->normal_f32(stream, n, work);
        for (size_t i = 0; i < n; i++) x[i] += (float)a->noise * work[i];
    }
    for (size_t i = 0; i < n && a->clamp; i++) x[i] = x[i] < 0 ? 0 : x[i] > 1 ? 1 : x[i];
    if (a->erase) erase(a, &d, x);
}
