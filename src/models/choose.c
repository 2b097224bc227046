/* choose.c - penalties and truncation: what is left of a distribution before a token is drawn.
 *
 * Order: penalties, temperature, top-k, typical, top-p, min-p. Ties go to the smaller token. */
#include "models/lm.h"
#include <math.h>
#include <string.h>

/* ---- penalties ------------------------------------------------------------------------- */

static void ban_repeats(int64_t n_gram, const int64_t *text, int64_t n, float *logits)
{
    int64_t k = n_gram - 1;
    for (int64_t i = 0; n_gram > 0 && n >= k && i + k < n; i++)
        if (!memcmp(text + i, text + n - k, (size_t)k * sizeof *text)) logits[text[i + k]] = -INFINITY;
}

void gm__penalise(const gm__choice *c, const int64_t *text, int64_t n, float *logits, int64_t vocab)
{
    ban_repeats(c->no_repeat, text, n, logits);
    if (c->repetition == 1 && c->frequency == 0 && c->presence == 0) return;
    int64_t first = c->window && c->window < n ? n - c->window : 0;
    for (int64_t i = first; i < n; i++) {
        int64_t id = text[i], seen = 0, before = 0;
        if (id < 0 || id >= vocab) continue;
        for (int64_t j = first; j < i; j++) before += text[j] == id;
        if (before) continue; /* each token once, with its count */
        for (int64_t j = i; j < n; j++) seen += text[j] == id;
        double v = (double)logits[id];
        v = v > 0 ? v / c->repetition : v * c->repetition; /* [Keskar et al. 2019] */
        logits[id] = (float)(v - c->frequency * (double)seen - c->presence);
    }
}

/* ---- truncation --------------------------------------------------------------------------- */

typedef bool before_fn(const gm__candidate *x, const gm__candidate *y, double h);

static bool likelier(const gm__candidate *x, const gm__candidate *y, double h)
{
    GM__UNUSED(h);
    return x->logit != y->logit ? x->logit > y->logit : x->id < y->id;
}

/* Nearer to the entropy h [Meister et al. 2022]. */
static bool more_typical(const gm__candidate *x, const gm__candidate *y, double h)
{
    double a = fabs(-log(x->p) - h), b = fabs(-log(y->p) - h);
    return a != b ? a < b : x->id < y->id;
}

/* The first `most` of them in order come first (quickselect with a heap for its order: n log most). */
static void sort_first(gm__candidate *v, int64_t n, int64_t most, before_fn *before, double h)
{
    for (int64_t i = 1; i < most; i++) /* a heap of the first `most`, the last in order at its top */
        for (int64_t k = i; k && before(&v[(k - 1) / 2], &v[k], h); k = (k - 1) / 2) {
            gm__candidate x = v[k];
            v[k] = v[(k - 1) / 2], v[(k - 1) / 2] = x;
        }
    for (int64_t i = most, end = most; end > 0; i++) {
        bool taking = i < n;
        if (taking && !before(&v[i], &v[0], h)) continue;
        gm__candidate x = taking ? v[i] : v[--end];
        if (taking) v[i] = v[0];
        else v[end] = v[0];
        int64_t k = 0;
        for (int64_t c; (c = 2 * k + 1) < end; k = c) {
            if (c + 1 < end && before(&v[c], &v[c + 1], h)) c++;
            if (!before(&x, &v[c], h)) break;
            v[k] = v[c];
        }
        if (end) v[k] = x;
    }
}

static void normalise(gm__candidate *v, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += v[i].p;
    for (int64_t i = 0; i < n; i++) v[i].p /= sum;
}

/* The first of those in order whose probabilities reach `mass`. */
static int64_t reach(const gm__candidate *v, int64_t n, double mass)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        if ((sum += v[i].p) >= mass) return i + 1;
    return n;
}

int64_t gm__candidates(const gm__choice *c, const float *logits, int64_t vocab, gm__candidate *v)
{
    int64_t n = 0;
    float top = -INFINITY;
    for (int64_t i = 0; i < vocab; i++) {
        if (logits[i] > top) top = logits[i];
        if (logits[i] > -INFINITY) v[n++] = (gm__candidate){ i, 0, logits[i] }; /* NaN is left out */
    }
    if (!n || top == INFINITY) return 0;
    if (c->temperature <= 0) {
        sort_first(v, n, 1, likelier, 0);
        v[0].p = 1;
        return 1;
    }
    if (c->top_k > 0 && c->top_k < n) {
        sort_first(v, n, c->top_k, likelier, 0);
        n = c->top_k;
    }
    for (int64_t i = 0; i < n; i++) v[i].p = exp(((double)v[i].logit - (double)top) / c->temperature);
    normalise(v, n);
    if (c->typical < 1) {
        double h = 0;
        for (int64_t i = 0; i < n; i++) h -= v[i].p > 0 ? v[i].p * log(v[i].p) : 0;
        sort_first(v, n, n, more_typical, h);
        n = reach(v, n, c->typical);
        normalise(v, n);
    }
    if (c->top_p < 1) {
        sort_first(v, n, n, likelier, 0);
        n = reach(v, n, c->top_p);
    }
    if (c->min_p > 0) {
        double most = 0;
        int64_t kept = 0;
        for (int64_t i = 0; i < n; i++) most = fmax(most, v[i].p);
        for (int64_t i = 0; i < n; i++)
            if (v[i].p >= c->min_p * most) v[kept++] = v[i];
        n = kept;
    }
    normalise(v, n);
    return n;
}
