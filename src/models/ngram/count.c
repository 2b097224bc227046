/* count.c - how often each sequence occurs, level by level, without a hash table.
 *
 * The places of a text sorted by word are sorted again, stably, by the sequence before the word: what lies side by side
 * then is one sequence of one word more. Both sorts are counting sorts, so a level takes time in proportion to the text. */
#include "models/ngram/ngram.h"
#include <string.h>

typedef struct work {
    gm_ctx *ctx;
    const int32_t *ids;
    int64_t n;
    int32_t *left;               /* words of the text from here on, at most `order` */
    int32_t *by_word;            /* places sorted by their word */
    int32_t *at;                 /* [n] number of the sequence of the present length that starts here; -1: none */
    int32_t *sorted, *next;      /* [n], [sequences + 1]: places sorted by sequence, where the next of each goes */
} work;

static void free_work(work *w)
{
    gm__free(w->ctx, w->left);
    gm__free(w->ctx, w->by_word);
    gm__free(w->ctx, w->at);
    gm__free(w->ctx, w->sorted);
    gm__free(w->ctx, w->next);
}

void gm__counts_free(gm_ctx *ctx, gm__counts *c)
{
    gm__free(ctx, c->word);
    gm__free(ctx, c->first);
    gm__free(ctx, c->suffix);
    gm__free(ctx, c->count);
    *c = (gm__counts){ 0 };
}

static void texts(work *w, const uint8_t *start, int32_t order)
{
    for (int64_t i = w->n - 1, left = 0; i >= 0; i--) {
        left = left < order ? left + 1 : order;
        w->left[i] = (int32_t)left;
        if (start && start[i]) left = 0;
    }
}

static gm_status words(work *w, int64_t vocab, gm__counts *c)
{
    c->n = vocab;
    c->count = gm__calloc(w->ctx, (size_t)vocab + 1, sizeof *c->count);
    int32_t *next = gm__calloc(w->ctx, (size_t)vocab + 2, sizeof *next);
    if (!c->count || !next) {
        gm__free(w->ctx, next);
        return GM_ENOMEM;
    }
    for (int64_t i = 0; i < w->n; i++) c->count[w->ids[i]]++;
    for (int64_t v = 0, sum = 0; v < vocab; v++) next[v] = (int32_t)sum, sum += c->count[v];
    for (int64_t i = 0; i < w->n; i++) {
        w->by_word[next[w->ids[i]]++] = (int32_t)i;
        w->at[i] = w->ids[i];
    }
    gm__free(w->ctx, next);
    return GM_OK;
}

/* Places where a sequence of length n starts, sorted by (its first n-1 words, its last); in all. */
static int64_t sort_level(work *w, int32_t n, const gm__counts *below)
{
    int64_t all = 0;
    memset(w->next, 0, ((size_t)below->n + 1) * sizeof *w->next);
    for (int64_t i = 0; i < w->n; i++)
        if (w->left[i] >= n) w->next[w->at[i]]++;
    for (int64_t v = 0; v < below->n; v++) {
        int32_t count = w->next[v];
        w->next[v] = (int32_t)all;
        all += count;
    }
    for (int64_t k = 0; k < w->n; k++) {
        int64_t i = (int64_t)w->by_word[k] - (n - 1);
        if (i >= 0 && w->left[i] >= n) w->sorted[w->next[w->at[i]]++] = (int32_t)i;
    }
    return all;
}

/* Do two places, neighbours in the order, start the same sequence? */
static bool same(const work *w, int32_t n, int32_t i, int32_t j) { return w->at[i] == w->at[j] && w->ids[i + n - 1] == w->ids[j + n - 1]; }

static gm_status level(work *w, int32_t n, gm__counts *below, gm__counts *c)
{
    gm__free(w->ctx, w->next);
    w->next = gm__alloc(w->ctx, (size_t)below->n + 1, sizeof *w->next);
    if (!w->next) return GM_ENOMEM;
    int64_t all = sort_level(w, n, below);
    for (int64_t k = 0, before = -1; k < all; k++) { /* the first place of each sequence is marked: ~i in place of i */
        int32_t i = w->sorted[k];
        if (before < 0 || !same(w, n, (int32_t)before, i)) c->n++, w->sorted[k] = ~i;
        before = i;
    }
    c->word = gm__alloc(w->ctx, (size_t)c->n + 1, sizeof *c->word);
    c->suffix = gm__alloc(w->ctx, (size_t)c->n + 1, sizeof *c->suffix);
    c->count = gm__calloc(w->ctx, (size_t)c->n + 1, sizeof *c->count);
    below->first = gm__calloc(w->ctx, (size_t)below->n + 1, sizeof *below->first);
    if (!c->word || !c->suffix || !c->count || !below->first) return GM_ENOMEM;
    int64_t at = -1;
    for (int64_t k = 0; k < all; k++) {
        int32_t i = w->sorted[k];
        if (i < 0) {
            w->sorted[k] = i = ~i;
            c->word[++at] = w->ids[i + n - 1];
            c->suffix[at] = w->at[i + 1];
            below->first[w->at[i] + 1]++;
        }
        c->count[at]++;
    }
    for (int64_t v = 0; v < below->n; v++) below->first[v + 1] += below->first[v];
    return GM_OK;
}

/* Places learn the numbers of their longer sequences, after all of the level were compared by the shorter ones. */
static void renumber(work *w, int32_t n, const gm__counts *c)
{
    int64_t k = 0;
    for (int64_t at = 0; at < c->n; at++)
        for (int64_t end = k + c->count[at]; k < end; k++) w->at[w->sorted[k]] = (int32_t)at;
    for (int64_t i = 0; i < w->n; i++)
        if (w->left[i] < n) w->at[i] = -1;
}

gm_status gm__ngram_count(gm_ctx *ctx, const int32_t *ids, int64_t n, const uint8_t *start, int32_t order, int64_t vocab, gm__counts *out)
{
    if (n > INT32_MAX - 16) return gm__fail_ctx(ctx, GM_ELIMIT, "ngram: a text of %lld tokens; at most 2^31", (long long)n);
    work w = { .ctx = ctx, .ids = ids, .n = n };
    w.left = gm__alloc(ctx, (size_t)n + 1, sizeof *w.left);
    w.by_word = gm__alloc(ctx, (size_t)n + 1, sizeof *w.by_word);
    w.at = gm__alloc(ctx, (size_t)n + 1, sizeof *w.at);
    w.sorted = gm__alloc(ctx, (size_t)n + 1, sizeof *w.sorted);
    gm_status s = w.left && w.by_word && w.at && w.sorted ? GM_OK : GM_ENOMEM;
    if (!s) texts(&w, start, order);
    if (!s) s = words(&w, vocab, &out[1]);
    for (int32_t k = 2; !s && k <= order; k++) {
        s = gm__check_cancel(ctx);
        if (!s) s = level(&w, k, &out[k - 1], &out[k]);
        if (!s) renumber(&w, k, &out[k]);
    }
    free_work(&w);
    if (s)
        for (int32_t k = 1; k <= order; k++) gm__counts_free(ctx, &out[k]);
    return s;
}
