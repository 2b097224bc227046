/* modes.c - samples of a mixture whose centres are known: modes hit, share near them, evenness. */
#include "metrics/metrics.h"
#include <math.h>

/* The centre nearest to a sample, and its squared distance. */
static size_t nearest(const gm__set *centres, const float *x, double *distance2)
{
    size_t best = 0;
    *distance2 = INFINITY;
    for (size_t k = 0; k < centres->n; k++) {
        const double v = gm__distance2(x, centres->x + k * centres->d, centres->d);
        if (v < *distance2) *distance2 = v, best = k;
    }
    return best;
}

gm_status gm_modes(gm_ctx *ctx, gm_tensor *samples, gm_tensor *centres, double sigma, double value[3])
{
    gm__set s[2];
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!value) return gm__fail_ctx(ctx, GM_EARG, "modes: value is NULL");
    if (!(sigma > 0 && sigma < 1e18)) return gm__fail_ctx(ctx, GM_EARG, "modes: sigma must be above 0, not %g", sigma);
    GM__TRY(gm__sets_open(ctx, "modes", (gm__arg){ "centres", centres }, (gm__arg){ "samples", samples }, 1, GM__SET_RAW, s));
    size_t *hits = gm__calloc(ctx, s[0].n, sizeof *hits), good = 0, modes = 0;
    gm_status st = hits ? GM_OK : GM_ENOMEM;
    for (size_t i = 0; !st && i < s[1].n; i++) {
        double d2;
        const size_t k = nearest(&s[0], s[1].x + i * s[1].d, &d2);
        if (d2 > 9 * sigma * sigma) continue;
        hits[k]++;
        good++;
    }
    double kl = good ? 0 : INFINITY;
    for (size_t k = 0; !st && k < s[0].n; k++) {
        const double q = good ? (double)hits[k] / (double)good : 0;
        modes += hits[k] > 0;
        if (hits[k]) kl += q * log(q * (double)s[0].n);
    }
    if (!st) value[0] = (double)modes, value[1] = (double)good / (double)s[1].n, value[2] = kl < 0 ? 0 : kl;
    gm__free(ctx, hits);
    gm__sets_close(s);
    return st;
}
