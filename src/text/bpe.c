/* bpe.c - merges of neighbouring tokens, the earliest learned first [Sennrich, Haddow & Birch 2016; over bytes: Radford et al. 2019].
 *
 * The neighbours that may merge wait in a heap by (order of the merge, place in the text): n log n for any text. */
#include "text/text.h"
#include <string.h>

/* ---- which pairs merge ------------------------------------------------------------ */

static size_t merge_slot(const gm_tokenizer *tk, int32_t a, int32_t b)
{
    size_t at = gm__pair_hash(a, b) & tk->merge_mask;
    for (; tk->merge_slot[at]; at = (at + 1) & tk->merge_mask) {
        gm__merge m = tk->merges[tk->merge_slot[at] - 1];
        if (m.a == a && m.b == b) break;
    }
    return at;
}

int64_t gm__merge_find(const gm_tokenizer *tk, int32_t a, int32_t b)
{
    return tk->n_merges ? (int64_t)tk->merge_slot[merge_slot(tk, a, b)] - 1 : -1;
}

bool gm__merge_bytes(const gm_tokenizer *tk, gm__merge m, gm__buf *out)
{
    out->len = 0;
    gm__buf_put(out, gm__vocab_bytes(&tk->vocab, (size_t)m.a), gm__vocab_size(&tk->vocab, (size_t)m.a));
    return gm__buf_put(out, gm__vocab_bytes(&tk->vocab, (size_t)m.b), gm__vocab_size(&tk->vocab, (size_t)m.b));
}

gm_status gm__merges_ready(gm_tokenizer *tk)
{
    size_t slots = 64;
    while (slots < 2 * tk->n_merges) slots *= 2;
    gm__free(tk->ctx, tk->merge_slot);
    gm__free(tk->ctx, tk->merged);
    tk->merged = NULL;
    tk->merge_slot = gm__calloc(tk->ctx, slots, sizeof *tk->merge_slot);
    if (tk->merge_slot) tk->merged = gm__alloc(tk->ctx, tk->n_merges + 1, sizeof *tk->merged);
    if (!tk->merged) return GM_ENOMEM;
    tk->merge_mask = slots - 1;
    gm__buf tmp;
    gm__buf_init(&tmp, tk->ctx);
    gm_status s = GM_OK;
    for (size_t i = 0; !s && i < tk->n_merges; i++) {
        gm__merge m = tk->merges[i];
        bool known = m.a >= 0 && m.b >= 0 && (size_t)m.a < tk->vocab.n && (size_t)m.b < tk->vocab.n;
        int64_t to = known && gm__merge_bytes(tk, m, &tmp) ? gm__vocab_find(&tk->vocab, tmp.data, tmp.len) : -1;
        if (tmp.failed) s = GM_ENOMEM;
        else if (to < 0) s = gm__fail_ctx(tk->ctx, GM_EFORMAT, "tokenizer: merge %zu is of or to a token that is not there", i);
        if (s) break;
        tk->merged[i] = (int32_t)to;
        size_t at = merge_slot(tk, m.a, m.b);
        if (!tk->merge_slot[at]) tk->merge_slot[at] = (uint32_t)i + 1; /* one named twice: the first place counts */
    }
    gm__buf_free(&tmp);
    return s;
}

/* ---- a piece of text ---------------------------------------------------------------- */

typedef struct wish { uint32_t order, at; int32_t a, b; } wish; /* tokens a, b at places at and next[at] would merge */
typedef struct work {
    const gm_tokenizer *tk;
    int32_t *token;              /* -1: merged away */
    uint32_t *next, *prev;
    wish *heap; size_t n;
} work;

static bool before(wish x, wish y) { return x.order != y.order ? x.order < y.order : x.at < y.at; }

static void push(work *w, wish x)
{
    size_t i = w->n++;
    for (; i && before(x, w->heap[(i - 1) / 2]); i = (i - 1) / 2) w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = x;
}

static wish pop(work *w)
{
    wish top = w->heap[0], x = w->heap[--w->n];
    size_t i = 0;
    for (size_t c; (c = 2 * i + 1) < w->n; i = c) {
        if (c + 1 < w->n && before(w->heap[c + 1], w->heap[c])) c++;
        if (!before(w->heap[c], x)) break;
        w->heap[i] = w->heap[c];
    }
    w->heap[i] = x;
    return top;
}

static void consider(work *w, uint32_t at, uint32_t n)
{
    uint32_t to = w->next[at];
    if (to >= n) return;
    int64_t order = gm__merge_find(w->tk, w->token[at], w->token[to]);
    if (order >= 0) push(w, (wish){ (uint32_t)order, at, w->token[at], w->token[to] });
}

static void merge_all(work *w, uint32_t n)
{
    for (uint32_t i = 0; i + 1 < n; i++) consider(w, i, n);
    while (w->n) {
        wish x = pop(w);
        uint32_t to = w->next[x.at];
        if (w->token[x.at] != x.a || to >= n || w->token[to] != x.b) continue; /* one of them has merged elsewhere */
        w->token[x.at] = w->tk->merged[x.order];
        w->token[to] = -1;
        w->next[x.at] = w->next[to];
        if (w->next[to] < n) w->prev[w->next[to]] = x.at;
        consider(w, x.at, n);
        if (x.at) consider(w, w->prev[x.at], n);
    }
}

gm_status gm__bpe_piece(const gm_tokenizer *tk, gm_ctx *ctx, const uint8_t *p, size_t n, gm__ids *v)
{
    enum { SMALL = 64 };
    struct { int32_t token[SMALL]; uint32_t next[SMALL], prev[SMALL]; wish heap[3 * SMALL]; } small;
    if (n > UINT32_MAX / 4) return gm__fail_ctx(ctx, GM_ELIMIT, "tokenizer: a piece of %zu bytes", n);
    void *big = NULL;
    work w = { .tk = tk, .token = small.token, .next = small.next, .prev = small.prev, .heap = small.heap };
    if (n > SMALL) { /* every merge ends one token and makes at most two wishes: 3 n wishes at most */
        big = gm__alloc(ctx, n, sizeof(int32_t) + 2 * sizeof(uint32_t) + 3 * sizeof(wish));
        if (!big) return GM_ENOMEM;
        w.heap = big;
        w.token = (int32_t *)(void *)(w.heap + 3 * n);
        w.next = (uint32_t *)(void *)(w.token + n);
        w.prev = w.next + n;
    }
    for (size_t i = 0; i < n; i++) {
        w.token[i] = tk->byte_token[p[i]];
        w.next[i] = (uint32_t)i + 1;
        w.prev[i] = (uint32_t)i - 1;
    }
    merge_all(&w, (uint32_t)n);
    for (size_t i = 0; i < n; i = w.next[i]) gm__ids_put(v, w.token[i]);
    gm__free(ctx, big);
    return v->failed ? GM_ENOMEM : GM_OK;
}
