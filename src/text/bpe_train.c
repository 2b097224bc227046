/* bpe_train.c - learns merges: the most frequent pair of neighbours becomes a token, again and again.
 *
 * Text is cut into pieces; each different piece is kept once with its count. A pair knows its count and the
 * pieces that it may stand in, so a merge costs what it changes. Ties go to the pair of the earlier tokens. */
#include "text/text.h"
#include <string.h>

typedef struct pair { int32_t a, b; int64_t count; bool more; uint32_t *in; size_t n_in, cap_in; } pair; /* in: pieces, some of them no more */
typedef struct wish { int64_t count; uint32_t pair; } wish;

typedef struct work {
    gm_tokenizer *tk;
    gm__vocab pieces;
    int64_t *count; size_t cap_count;
    int32_t *token;              /* of all pieces, at pieces.at[i]; -1 behind their ends */
    size_t *len;                 /* [pieces] tokens left in each */
    pair *pairs; size_t n_pairs, cap_pairs;
    uint32_t *slot; size_t mask;
    wish *heap; size_t n_heap, cap_heap;
    gm__ids grown;               /* pairs that the merge at work has made more of, marked so */
} work;

/* ---- counting pieces ----------------------------------------------------------------- */

static gm_status count_pieces(work *w, const uint8_t *text, size_t n)
{
    gm_ctx *ctx = w->tk->ctx;
    for (size_t at = 0, len; at < n; at += len) {
        int64_t i;
        len = gm__split(w->tk->pattern, text + at, n - at);
        size_t known = w->pieces.n;
        GM__TRY(gm__vocab_add(&w->pieces, text + at, len, &i));
        if (w->pieces.cap != w->cap_count) {
            int64_t *more = gm__realloc(ctx, w->count, w->pieces.cap, sizeof *more);
            if (!more) return GM_ENOMEM;
            w->count = more;
            w->cap_count = w->pieces.cap;
        }
        if (w->pieces.n > known) {
            w->count[i] = 0;
            if (known % 4096 == 0) GM__TRY(gm__check_cancel(ctx));
        }
        w->count[i]++;
    }
    return GM_OK;
}

static gm_status spell(work *w)
{
    gm_ctx *ctx = w->tk->ctx;
    w->token = gm__alloc(ctx, w->pieces.bytes.len + 1, sizeof *w->token);
    w->len = gm__alloc(ctx, w->pieces.n + 1, sizeof *w->len);
    if (!w->token || !w->len) return GM_ENOMEM;
    for (size_t i = 0; i < w->pieces.n; i++) {
        w->len[i] = gm__vocab_size(&w->pieces, i);
        for (size_t k = 0; k < w->len[i]; k++) w->token[w->pieces.at[i] + k] = w->tk->byte_token[gm__vocab_bytes(&w->pieces, i)[k]];
    }
    return GM_OK;
}

/* ---- pairs ---------------------------------------------------------------------------- */

static size_t slot_of(const work *w, int32_t a, int32_t b)
{
    size_t at = gm__pair_hash(a, b) & w->mask;
    for (; w->slot[at]; at = (at + 1) & w->mask) {
        const pair *p = &w->pairs[w->slot[at] - 1];
        if (p->a == a && p->b == b) break;
    }
    return at;
}

static gm_status grow_pairs(work *w)
{
    gm_ctx *ctx = w->tk->ctx;
    size_t cap = w->cap_pairs ? 2 * w->cap_pairs : 1024;
    pair *more = gm__realloc(ctx, w->pairs, cap, sizeof *more);
    if (!more) return GM_ENOMEM;
    w->pairs = more;
    w->cap_pairs = cap;
    uint32_t *slot = gm__calloc(ctx, 2 * cap, sizeof *slot);
    if (!slot) return GM_ENOMEM;
    gm__free(ctx, w->slot);
    w->slot = slot;
    w->mask = 2 * cap - 1;
    for (size_t i = 0; i < w->n_pairs; i++) slot[slot_of(w, w->pairs[i].a, w->pairs[i].b)] = (uint32_t)i + 1;
    return GM_OK;
}

static gm_status find_pair(work *w, int32_t a, int32_t b, uint32_t *out)
{
    if (w->n_pairs == w->cap_pairs) GM__TRY(grow_pairs(w));
    size_t at = slot_of(w, a, b);
    if (!w->slot[at]) {
        w->pairs[w->n_pairs] = (pair){ .a = a, .b = b };
        w->slot[at] = (uint32_t)++w->n_pairs;
    }
    *out = w->slot[at] - 1;
    return GM_OK;
}

static gm_status stands_in(work *w, pair *p, uint32_t piece)
{
    if (p->n_in && p->in[p->n_in - 1] == piece) return GM_OK;
    if (p->n_in == p->cap_in) {
        size_t cap = p->cap_in ? 2 * p->cap_in : 4;
        uint32_t *more = gm__realloc(w->tk->ctx, p->in, cap, sizeof *more);
        if (!more) return GM_ENOMEM;
        p->in = more;
        p->cap_in = cap;
    }
    p->in[p->n_in++] = piece;
    return GM_OK;
}

/* ---- the most frequent one: a heap whose counts may be old, which is seen when they come up ----------- */

static bool before(const work *w, wish x, wish y)
{
    const pair *p = &w->pairs[x.pair], *q = &w->pairs[y.pair];
    return x.count != y.count ? x.count > y.count : p->a != q->a ? p->a < q->a : p->b < q->b;
}

static gm_status push(work *w, wish x)
{
    if (w->n_heap == w->cap_heap) {
        size_t cap = w->cap_heap ? 2 * w->cap_heap : 1024;
        wish *more = gm__realloc(w->tk->ctx, w->heap, cap, sizeof *more);
        if (!more) return GM_ENOMEM;
        w->heap = more;
        w->cap_heap = cap;
    }
    size_t i = w->n_heap++;
    for (; i && before(w, x, w->heap[(i - 1) / 2]); i = (i - 1) / 2) w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = x;
    return GM_OK;
}

static wish pop(work *w)
{
    wish top = w->heap[0], x = w->heap[--w->n_heap];
    size_t i = 0;
    for (size_t c; (c = 2 * i + 1) < w->n_heap; i = c) {
        if (c + 1 < w->n_heap && before(w, w->heap[c + 1], w->heap[c])) c++;
        if (!before(w, w->heap[c], x)) break;
        w->heap[i] = w->heap[c];
    }
    w->heap[i] = x;
    return top;
}

static gm_status best(work *w, int64_t least, uint32_t *out, bool *any)
{
    *any = false;
    while (w->n_heap && !*any) {
        wish x = pop(w);
        int64_t count = w->pairs[x.pair].count;
        if (count == x.count) *any = count >= least, *out = x.pair;
        else if (count > 0 && count < x.count) GM__TRY(push(w, (wish){ count, x.pair }));
        if (!*any && x.count < least) return GM_OK;
    }
    return GM_OK;
}

/* ---- merging ---------------------------------------------------------------------------- */

/* A pair of neighbours appears in a piece (n > 0) or goes (n < 0). */
static gm_status change(work *w, int32_t a, int32_t b, int64_t n, uint32_t piece)
{
    uint32_t i;
    GM__TRY(find_pair(w, a, b, &i));
    w->pairs[i].count += n;
    if (n < 0) return GM_OK;
    if (!w->pairs[i].more) gm__ids_put(&w->grown, i);
    w->pairs[i].more = true;
    return w->grown.failed ? GM_ENOMEM : stands_in(w, &w->pairs[i], piece);
}

static gm_status merge_in(work *w, uint32_t piece, int32_t a, int32_t b, int32_t to)
{
    int32_t *t = w->token + w->pieces.at[piece];
    size_t n = w->len[piece], k = 0;
    int64_t c = w->count[piece];
    for (size_t i = 0; i < n; i++, k++) {
        if (i + 1 == n || t[i] != a || t[i + 1] != b) {
            t[k] = t[i];
            continue;
        }
        if (k) {
            GM__TRY(change(w, t[k - 1], a, -c, piece));
            GM__TRY(change(w, t[k - 1], to, c, piece));
        }
        if (i + 2 < n) { /* if the next two merge as well, its own turn puts right what is said here */
            GM__TRY(change(w, b, t[i + 2], -c, piece));
            GM__TRY(change(w, to, t[i + 2], c, piece));
        }
        t[k] = to;
        i++;
    }
    w->len[piece] = k;
    return GM_OK;
}

static gm_status merge(work *w, uint32_t which)
{
    gm_tokenizer *tk = w->tk;
    pair p = w->pairs[which];
    int64_t to;
    gm__buf bytes;
    gm__buf_init(&bytes, tk->ctx);
    gm_status s = !gm__merge_bytes(tk, (gm__merge){ p.a, p.b }, &bytes) ? GM_ENOMEM : gm__vocab_add(&tk->vocab, bytes.data, bytes.len, &to);
    gm__buf_free(&bytes);
    if (s) return s;
    tk->merges[tk->n_merges++] = (gm__merge){ p.a, p.b };
    w->pairs[which].in = NULL; /* its pieces are ours now: merging makes no new ones of this pair */
    w->pairs[which].n_in = w->pairs[which].cap_in = 0;
    for (size_t i = 0; !s && i < p.n_in; i++) s = merge_in(w, p.in[i], p.a, p.b, (int32_t)to);
    w->pairs[which].count = 0;
    gm__free(tk->ctx, p.in);
    for (size_t i = 0; !s && i < w->grown.n; i++) {
        pair *q = &w->pairs[w->grown.id[i]];
        q->more = false;
        s = push(w, (wish){ q->count, (uint32_t)w->grown.id[i] });
    }
    w->grown.n = 0;
    return s;
}

static gm_status first_pairs(work *w)
{
    for (uint32_t i = 0; i < w->pieces.n; i++)
        for (size_t k = 0; k + 1 < w->len[i]; k++) {
            uint32_t p;
            const int32_t *t = w->token + w->pieces.at[i] + k;
            GM__TRY(find_pair(w, t[0], t[1], &p));
            w->pairs[p].count += w->count[i];
            GM__TRY(stands_in(w, &w->pairs[p], i));
        }
    for (uint32_t i = 0; i < w->n_pairs; i++) GM__TRY(push(w, (wish){ w->pairs[i].count, i }));
    return GM_OK;
}

static gm_status learn(work *w, const uint8_t *text, size_t n, int64_t tokens, int64_t least)
{
    gm_tokenizer *tk = w->tk;
    GM__TRY(count_pieces(w, text, n));
    GM__TRY(spell(w));
    GM__TRY(first_pairs(w));
    for (bool any = true; (int64_t)tk->vocab.n < tokens;) { /* two merges may make one token: ab+c, a+bc */
        uint32_t p;
        if (tk->n_merges % 64 == 0) {
            GM__TRY(gm__check_cancel(tk->ctx));
            gm__merge *more = gm__realloc(tk->ctx, tk->merges, tk->n_merges + 64, sizeof *more);
            if (!more) return GM_ENOMEM;
            tk->merges = more;
        }
        GM__TRY(best(w, least, &p, &any));
        if (!any) break;
        GM__TRY(merge(w, p));
    }
    return GM_OK;
}

gm_status gm__bpe_train(gm_tokenizer *tk, const uint8_t *text, size_t n, int64_t tokens, int64_t min_count)
{
    work w = { .tk = tk, .grown = { .ctx = tk->ctx } };
    gm__vocab_init(&w.pieces, tk->ctx);
    gm_status s = learn(&w, text, n, tokens, min_count > 1 ? min_count : 1);
    for (size_t i = 0; i < w.n_pairs; i++) gm__free(tk->ctx, w.pairs[i].in);
    gm__free(tk->ctx, w.pairs);
    gm__free(tk->ctx, w.slot);
    gm__free(tk->ctx, w.heap);
    gm__free(tk->ctx, w.grown.id);
    gm__free(tk->ctx, w.count);
    gm__free(tk->ctx, w.token);
    gm__free(tk->ctx, w.len);
    gm__vocab_free(&w.pieces);
    return s;
}
