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

/* ---- reading side by side: while one reader waits for memory others go on ------------------------------ */

enum { READERS = 12, PIECE = 256 };

typedef struct piece { const int64_t *id; int64_t at, end; float *log_p; gm__context c; } piece; /* at < 0: words before it, read for the context */

typedef struct reader { piece p; gm__context c; uint64_t slot; float sum; } reader;

/* Where the next look goes; its memory is asked for now. */
static void aim(const gm__ngram_index *x, reader *r)
{
    int32_t word = (int32_t)r->p.id[r->p.at];
    if (!r->c.level) {
        __builtin_prefetch(&x->log_p[word]);
        return;
    }
    r->slot = place(r->c.at, word) & x->level[r->c.level + 1].mask;
    __builtin_prefetch(&x->level[r->c.level + 1].slots[r->slot]);
    __builtin_prefetch(&x->level[r->c.level].context[r->c.at]);
}

/* One look: a word after one context. False at the piece's end. */
static bool look(const gm__ngram_index *x, reader *r)
{
    int32_t word = (int32_t)r->p.id[r->p.at];
    if (r->c.level) {
        const slot *s = x->level[r->c.level + 1].slots;
        uint64_t mask = x->level[r->c.level + 1].mask, i = r->slot;
        while (s[i].word >= 0 && (s[i].word != word || s[i].context != r->c.at)) i = (i + 1) & mask;
        if (s[i].word < 0) {
            const shorter *c = &x->level[r->c.level].context[r->c.at];
            r->sum += c->back;
            r->c = (gm__context){ r->c.level - 1, c->suffix };
            aim(x, r);
            return true;
        }
        r->sum += s[i].log_p;
        r->c = (gm__context){ r->c.level + 1 < x->order ? r->c.level + 1 : r->c.level, s[i].to };
    } else {
        r->sum += x->log_p[word];
        r->c = (gm__context){ 1, word };
    }
    if (r->p.at >= 0) r->p.log_p[r->p.at] = r->sum < GM__NEVER / 2 ? -INFINITY : r->sum;
    r->sum = 0;
    if (++r->p.at == r->p.end) return false;
    aim(x, r);
    return true;
}

/* The next piece of texts start[*text], ..; after PIECE words a text goes on in another piece, whose context is read anew. */
static bool next_piece(const gm__ngram_index *x, gm__context start, const int64_t *id, const int64_t *from, int64_t texts, float *log_p, int64_t *text, int64_t *at, piece *out)
{
    while (*text < texts && *at == from[*text + 1] - from[*text]) ++*text, *at = 0;
    if (*text == texts) return false;
    const int64_t n = from[*text + 1] - from[*text], left = n - *at, size = left < 2 * PIECE ? left : PIECE, before = *at < x->order - 1 ? *at : x->order - 1;
    *out = (piece){ id + from[*text] + *at, -before, size, log_p + from[*text] + *at, before < *at ? (gm__context){ 0, 0 } : start };
    *at += size;
    return true;
}

void gm__ngram_index_read(const gm__ngram_index *x, gm__context start, const int64_t *id, const int64_t *from, int64_t texts, float *log_p)
{
    reader r[READERS];
    int64_t text = 0, at = 0;
    int n = 0;
    for (; n < READERS && next_piece(x, start, id, from, texts, log_p, &text, &at, &r[n].p); n++) {
        r[n].c = r[n].p.c;
        r[n].sum = 0;
        aim(x, &r[n]);
    }
    for (int i = 0; n; i = i + 1 < n ? i + 1 : 0) {
        if (look(x, &r[i])) continue;
        if (next_piece(x, start, id, from, texts, log_p, &text, &at, &r[i].p)) {
            r[i].c = r[i].p.c;
            aim(x, &r[i]);
        } else r[i] = r[--n];
    }
}
