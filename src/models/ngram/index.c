/* index.c - hash tables over the levels, for texts long enough to pay for them: a word after a context is one look into memory,
 * where the search through the context's continuations is many. */
#include "models/ngram/ngram.h"
#include <math.h>

typedef struct slot { int32_t context, word, to; float log_p; } slot; /* word -1: free. to: the context after it */
typedef struct shorter { float back; int32_t suffix; } shorter;

struct gm__ngram_index {
    int32_t order;
    const float *log_p;          /* of single words */
    struct {
        slot *slots; uint64_t mask; /* sequences of this level */
        shorter *context;        /* what is left of each when a word did not follow */
    } level[GM__NGRAM_ORDER + 1];
};

static uint64_t place(int32_t context, int32_t word)
{
    uint64_t h = ((uint64_t)(uint32_t)context << 32 | (uint32_t)word) * 0x9e3779b97f4a7c15u;
    return (h ^ h >> 29) * 0xbf58476d1ce4e5b9u >> 20;
}

void gm__ngram_index_free(gm_ctx *ctx, gm__ngram_index *x)
{
    for (int k = 1; x && k <= GM__NGRAM_ORDER; k++) {
        gm__free(ctx, x->level[k].slots);
        gm__free(ctx, x->level[k].context);
    }
    gm__free(ctx, x);
}

/* At most two thirds full. */
static gm_status make_slots(gm_ctx *ctx, gm__ngram_index *x, const gm__ngram *g, int32_t k)
{
    const gm__level *below = &g->level[k - 1], *l = &g->level[k];
    uint64_t size = 4;
    while (size < (uint64_t)l->n + (uint64_t)l->n / 2 + 1) size *= 2;
    slot *s = x->level[k].slots = gm__alloc(ctx, size, sizeof *s);
    if (!s) return GM_ENOMEM;
    x->level[k].mask = size - 1;
    for (uint64_t i = 0; i < size; i++) s[i].word = -1;
    for (int64_t h = 0; h < below->n; h++)
        for (int32_t i = below->first[h]; i < below->first[h + 1]; i++) {
            uint64_t at = place((int32_t)h, l->word[i]) & (size - 1);
            while (s[at].word >= 0) at = (at + 1) & (size - 1);
            s[at] = (slot){ (int32_t)h, l->word[i], k == g->order ? l->suffix[i] : i, l->log_p[i] };
        }
    return GM_OK;
}

static gm_status make_contexts(gm_ctx *ctx, gm__ngram_index *x, const gm__ngram *g, int32_t k)
{
    const gm__level *l = &g->level[k];
    shorter *c = x->level[k].context = gm__alloc(ctx, (size_t)l->n + 1, sizeof *c);
    if (!c) return GM_ENOMEM;
    for (int64_t i = 0; i < l->n; i++) c[i] = (shorter){ l->back[i], k > 1 ? l->suffix[i] : 0 };
    return GM_OK;
}

gm_status gm__ngram_index_make(gm_ctx *ctx, const gm__ngram *g, gm__ngram_index **out)
{
    *out = NULL;
    if (g->final || g->order < 2) return GM_OK; /* nothing to gain, or other rules */
    gm__ngram_index *x = gm__calloc(ctx, 1, sizeof *x);
    if (!x) return GM_ENOMEM;
    x->order = g->order;
    x->log_p = g->level[1].log_p;
    gm_status s = GM_OK;
    for (int32_t k = 1; !s && k < g->order; k++) s = make_contexts(ctx, x, g, k);
    for (int32_t k = 2; !s && k <= g->order; k++) s = make_slots(ctx, x, g, k);
    if (s) gm__ngram_index_free(ctx, x);
    else *out = x;
    return s;
}

float gm__ngram_index_read(const gm__ngram_index *x, gm__context *c, int64_t word)
{
    float sum = 0;
    int32_t level = c->level, at = c->at;
    for (; level > 0; level--) {
        const slot *s = x->level[level + 1].slots;
        uint64_t mask = x->level[level + 1].mask, i = place(at, (int32_t)word) & mask;
        while (s[i].word >= 0 && (s[i].word != (int32_t)word || s[i].context != at)) i = (i + 1) & mask;
        if (s[i].word >= 0) {
            *c = (gm__context){ level + 1 < x->order ? level + 1 : level, s[i].to };
            sum += s[i].log_p;
            return sum < GM__NEVER / 2 ? -INFINITY : sum;
        }
        sum += x->level[level].context[at].back;
        at = x->level[level].context[at].suffix;
    }
    *c = (gm__context){ 1, (int32_t)word };
    sum += x->log_p[word];
    return sum < GM__NEVER / 2 ? -INFINITY : sum;
}
