/* smooth.c - counts become probabilities: maximum likelihood, add-k, Witten-Bell, interpolated modified Kneser-Ney; pruning. */
#include "models/ngram/ngram.h"
#include <math.h>
#include <string.h>

void gm__ngram_clear(gm_ctx *ctx, gm__ngram *g)
{
    for (int32_t k = 1; k <= GM__NGRAM_ORDER; k++) {
        gm__level *l = &g->level[k];
        gm__free(ctx, l->word);
        gm__free(ctx, l->log_p);
        gm__free(ctx, l->back);
        gm__free(ctx, l->first);
        gm__free(ctx, l->suffix);
        *l = (gm__level){ 0 };
    }
}

/* The tables take over what counting found; log_p and back are still plain numbers. */
static gm_status adopt(gm_ctx *ctx, gm__ngram *g, gm__counts *c)
{
    for (int32_t k = 1; k <= g->order; k++) {
        gm__level *l = &g->level[k];
        *l = (gm__level){ .n = c[k].n, .word = c[k].word, .first = c[k].first, .suffix = c[k].suffix };
        c[k].word = c[k].first = c[k].suffix = NULL;
        l->log_p = gm__alloc(ctx, (size_t)l->n + 1, sizeof *l->log_p);
        if (k < g->order) l->back = gm__alloc(ctx, (size_t)l->n + 1, sizeof *l->back);
        if (!l->log_p || (k < g->order && !l->back)) return GM_ENOMEM;
    }
    return GM_OK;
}

/* ---- Kneser-Ney's counts and discounts -------------------------------------------------------- */

/* Below the highest order a sequence counts as often as it was met after different words; after <s> nothing stands before it. */
static gm_status adjusted(gm_ctx *ctx, const gm__ngram *g, const gm__counts *c, int32_t k, int64_t **out)
{
    const gm__level *up = &g->level[k + 1];
    int64_t *a = gm__calloc(ctx, (size_t)c[k].n + 1, sizeof *a), from = g->begin, to = g->begin + 1;
    if (!(*out = a)) return GM_ENOMEM;
    if (k == g->order) memcpy(a, c[k].count, (size_t)c[k].n * sizeof *a);
    if (k == g->order) return GM_OK;
    for (int64_t i = 0; i < up->n; i++) a[up->suffix[i]]++;
    if (g->begin < 0) return GM_OK;
    for (int32_t j = 1; j < k; j++) from = g->level[j].first[from], to = g->level[j].first[to]; /* those that begin with <s> lie together */
    for (int64_t i = from; i < to && k > 1; i++) a[i] = c[k].count[i];
    return GM_OK;
}

/* D(1), D(2), D(3 and more) from how many sequences were counted once, twice, .. [Chen & Goodman 1998, eq. 26]; true if there are
 * too few to tell, then those that KenLM falls back on. */
static bool discounts(const int64_t *count, int64_t n, int64_t skip, double d[4])
{
    double of[5] = { 0 };
    for (int64_t i = 0; i < n; i++)
        if (i != skip && count[i] > 0 && count[i] < 5) of[count[i]]++;
    double y = of[1] / (of[1] + 2 * of[2]);
    bool bad = !(of[1] && of[2] && of[3]);
    d[0] = 0;
    for (int j = 1; j < 4; j++) {
        d[j] = bad ? 0 : j - (j + 1) * y * of[j + 1] / of[j];
        bad = bad || !(d[j] >= 0 && d[j] <= j);
    }
    if (bad) d[1] = 0.5, d[2] = 1, d[3] = 1.5;
    return bad;
}

/* ---- one context ------------------------------------------------------------------------------- */

typedef struct rule { const gm__smooth *how; double d[4], words; } rule; /* words: that can come next */

/* Share of the shorter context's model after `sum` counts of `kinds` words whose discounts add up to `taken`. */
static double share(const rule *r, double sum, double kinds, double taken)
{
    if (sum <= 0) return 1;
    if (r->how->method == GM_SMOOTHING_WITTEN_BELL) return kinds / (sum + kinds);
    return r->how->method == GM_SMOOTHING_KNESER_NEY ? taken / sum : r->how->add / (sum + r->how->add * r->words); /* of add-k: the probability itself */
}

static double own(const rule *r, int64_t count, double sum, double kinds)
{
    double c = (double)count;
    if (sum <= 0) return 0;
    if (r->how->method == GM_SMOOTHING_WITTEN_BELL) return c / (sum + kinds);
    return r->how->method == GM_SMOOTHING_KNESER_NEY ? fmax(c - r->d[c < 3 ? count : 3], 0) / sum : c / (sum + r->how->add * r->words);
}

/* The words [from, to) after one context: their probabilities, and the share of the shorter context. lower: of level below, NULL: uniform. */
static double context(const gm__ngram *g, gm__level *l, const int64_t *count, int64_t from, int64_t to, int64_t skip, const float *lower, const rule *r)
{
    double sum = 0, kinds = 0, taken = 0;
    for (int64_t i = from; i < to; i++) {
        if (i == skip || !count[i]) continue;
        sum += (double)count[i];
        kinds++;
        taken += r->d[count[i] < 3 ? count[i] : 3];
    }
    double back = share(r, sum, kinds, taken);
    for (int64_t i = from; i < to; i++) {
        double shorter = g->final ? 1 : lower ? (double)lower[l->suffix[i]] : 1 / r->words;
        l->log_p[i] = (float)(own(r, count[i], sum, kinds) + back * shorter);
    }
    return back;
}

static void logarithms(float *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++) v[i] = v[i] > 0 ? logf(v[i]) : GM__NEVER;
}

static gm_status level(gm_ctx *ctx, gm__ngram *g, const gm__counts *c, int32_t k, gm__smooth *how)
{
    gm__level *l = &g->level[k], *below = &g->level[k - 1];
    rule r = { .how = how, .words = (double)(g->vocab - (g->begin >= 0)) };
    int64_t *count = c[k].count, *made = NULL, skip = k == 1 ? g->begin : -1;
    if (how->method == GM_SMOOTHING_KNESER_NEY) {
        GM__TRY(adjusted(ctx, g, c, k, &made));
        count = made;
        how->fallback += discounts(count, l->n, skip, r.d);
    }
    if (k == 1) {
        context(g, l, count, 0, l->n, skip, NULL, &r);
        if (skip >= 0) l->log_p[skip] = 0;
    }
    for (int64_t h = 0; k > 1 && h < below->n; h++)
        below->back[h] = (float)context(g, l, count, below->first[h], below->first[h + 1], -1, below->log_p, &r);
    gm__free(ctx, made);
    return GM_OK;
}

/* ---- pruning --------------------------------------------------------------------------------------- */

/* Which sequences stay: those seen often enough, and what they are reached through. */
static gm_status choose(gm_ctx *ctx, const gm__ngram *g, const gm__counts *c, const gm__smooth *how, uint8_t *keep[])
{
    for (int32_t k = 1; k <= g->order; k++) {
        if (!(keep[k] = gm__calloc(ctx, (size_t)g->level[k].n + 1, 1))) return GM_ENOMEM;
        for (int64_t i = 0; i < g->level[k].n; i++) keep[k][i] = k == 1 || c[k].count[i] > how->prune[k];
    }
    for (int32_t k = g->order; k > 1; k--) {
        const gm__level *below = &g->level[k - 1];
        for (int64_t h = 0; h < below->n; h++)
            for (int64_t i = below->first[h]; i < below->first[h + 1]; i++)
                if (keep[k][i]) keep[k - 1][h] = keep[k - 1][g->level[k].suffix[i]] = 1;
    }
    return GM_OK;
}

/* Moves what stays together; where[k] receives the new numbers. */
static void squeeze(gm__ngram *g, uint8_t *keep[], int32_t *where[])
{
    for (int32_t k = 1; k <= g->order; k++) {
        gm__level *l = &g->level[k];
        int64_t n = 0;
        for (int64_t i = 0; i < l->n; i++) {
            where[k][i] = (int32_t)n;
            if (!keep[k][i]) continue;
            l->log_p[n] = l->log_p[i];
            if (l->back) l->back[n] = l->back[i];
            if (k > 1) l->word[n] = l->word[i], l->suffix[n] = where[k - 1][l->suffix[i]];
            n++;
        }
        where[k][l->n] = (int32_t)n;
    }
    for (int32_t k = 1; k <= g->order; k++) {
        gm__level *l = &g->level[k];
        int64_t n = 0;
        for (int64_t i = 0; k < g->order && i < l->n; i++)
            if (keep[k][i]) l->first[n++] = where[k + 1][l->first[i]];
        if (k < g->order) l->first[n] = where[k + 1][g->level[k + 1].n];
    }
    for (int32_t k = 1; k <= g->order; k++) g->level[k].n = where[k][g->level[k].n];
}

/* What a context leaves to the shorter one, so that all words add up to 1 again. Probabilities, not yet logarithms. */
static void rebalance(gm__ngram *g)
{
    for (int32_t k = 1; k < g->order; k++) {
        gm__level *l = &g->level[k], *up = &g->level[k + 1];
        for (int64_t h = 0; h < l->n; h++) {
            double mine = 1, theirs = 1;
            for (int64_t i = l->first[h]; i < l->first[h + 1]; i++) mine -= (double)up->log_p[i], theirs -= (double)l->log_p[up->suffix[i]];
            l->back[h] = theirs > 1e-9 && mine > 0 ? (float)(mine / theirs) : l->first[h] == l->first[h + 1] ? 1 : 0;
        }
    }
}

static gm_status prune(gm_ctx *ctx, gm__ngram *g, const gm__counts *c, const gm__smooth *how)
{
    uint8_t *keep[GM__NGRAM_ORDER + 1] = { NULL };
    int32_t *where[GM__NGRAM_ORDER + 1] = { NULL };
    gm_status s = choose(ctx, g, c, how, keep);
    for (int32_t k = 1; !s && k <= g->order; k++)
        if (!(where[k] = gm__alloc(ctx, (size_t)g->level[k].n + 1, sizeof *where[k]))) s = GM_ENOMEM;
    if (!s) {
        squeeze(g, keep, where);
        rebalance(g);
    }
    for (int32_t k = 1; k <= g->order; k++) {
        gm__free(ctx, keep[k]);
        gm__free(ctx, where[k]);
    }
    return s;
}

/* ------------------------------------------------------------------------------------------------------ */

static gm_status make(gm_ctx *ctx, gm__ngram *g, gm__counts *c, gm__smooth *how)
{
    bool pruned = false;
    GM__TRY(adopt(ctx, g, c));
    for (int32_t k = 1; k <= g->order; k++) {
        GM__TRY(gm__check_cancel(ctx));
        GM__TRY(level(ctx, g, c, k, how));
        pruned = pruned || (k > 1 && how->prune[k] > 0);
    }
    if (pruned) GM__TRY(prune(ctx, g, c, how));
    for (int32_t k = 1; k <= g->order; k++) {
        logarithms(g->level[k].log_p, g->level[k].n);
        if (k < g->order) logarithms(g->level[k].back, g->level[k].n);
    }
    return GM_OK;
}

gm_status gm__ngram_smooth(gm_ctx *ctx, gm__ngram *g, gm__counts *c, gm__smooth *how)
{
    how->fallback = 0;
    g->final = how->method == GM_SMOOTHING_MLE || how->method == GM_SMOOTHING_ADD_K;
    if (how->method == GM_SMOOTHING_MLE) how->add = 0;
    gm_status s = make(ctx, g, c, how);
    for (int32_t k = 1; k <= g->order; k++) gm__counts_free(ctx, &c[k]);
    if (s) gm__ngram_clear(ctx, g);
    return s;
}
