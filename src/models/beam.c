/* beam.c - the likeliest continuations by beam search. */
#include "models/lm.h"
#include <math.h>
#include <string.h>

typedef struct beam_cfg { uint32_t struct_size; int32_t beams, results; int64_t tokens; double length_penalty; } beam_cfg;

#define AT(field) offsetof(beam_cfg, field)
static const gm__opt rows[] = {
    {"beams", GM__O_INT, AT(beams), "4", 1, 4096, NULL, "continuations kept"},
    {"results", GM__O_INT, AT(results), "1", 1, 4096, NULL, "continuations wanted, at most beams"},
    {"tokens", GM__O_I64, AT(tokens), "32", 1, 1 << 20, NULL, "most tokens of a continuation"},
    {"length-penalty", GM__O_REAL, AT(length_penalty), "0", -10, 10, NULL, "a: the sum of log-probabilities is divided by length^a"},
};
#undef AT
static const gm__opts beam_opts = {"beam", rows, GM__COUNT(rows)};

typedef struct beam { void *reader; double sum; int64_t n; bool over; int64_t *id; } beam;
typedef struct step { double sum, rank; int32_t from; int64_t token; } step; /* token -1: the beam is over and stays as it is */

typedef struct search {
    gm_model *m;
    const gm__lm *lm;
    beam_cfg c;
    int64_t vocab, end;
    beam *now, *then;
    int32_t n;
    step *best; int32_t n_best;  /* sorted, best first */
    float *logits;
} search;

static double rank_of(const search *s, double sum, int64_t n) { return s->c.length_penalty != 0 ? sum / pow((double)(n ? n : 1), s->c.length_penalty) : sum; }

/* Into the list of the best; the first of equals stays ahead. */
static void offer(search *s, step x)
{
    int32_t i = s->n_best;
    if (i == s->c.beams && !(x.rank > s->best[i - 1].rank)) return;
    if (i < s->c.beams) s->n_best++;
    else i--;
    for (; i && x.rank > s->best[i - 1].rank; i--) s->best[i] = s->best[i - 1];
    s->best[i] = x;
}

static void drop(search *s, beam *b)
{
    if (b->reader) s->lm->close(s->m, s->m->ctx, b->reader);
    b->reader = NULL;
}

static gm_status extend(search *s, bool *going)
{
    s->n_best = 0;
    *going = false;
    for (int32_t b = 0; b < s->n; b++) {
        beam *x = &s->now[b];
        if (x->over) {
            offer(s, (step){ x->sum, rank_of(s, x->sum, x->n), b, -1 });
            continue;
        }
        GM__TRY(s->lm->next(s->m, s->m->ctx, x->reader, s->logits));
        gm__log_normalise(s->logits, s->vocab);
        for (int64_t w = 0; w < s->vocab; w++)
            if (s->logits[w] > -INFINITY) {
                double sum = x->sum + (double)s->logits[w];
                offer(s, (step){ sum, rank_of(s, sum, x->n + 1), b, w });
            }
    }
    for (int32_t i = 0; i < s->n_best; i++) {
        const beam *from = &s->now[s->best[i].from];
        beam *to = &s->then[i];
        memcpy(to->id, from->id, (size_t)from->n * sizeof *to->id);
        to->n = from->n, to->sum = s->best[i].sum, to->over = from->over;
        GM__TRY(s->lm->copy(s->m, s->m->ctx, from->reader, &to->reader));
        if (s->best[i].token < 0) continue;
        to->id[to->n++] = s->best[i].token;
        to->over = s->best[i].token == s->end;
        GM__TRY(s->lm->read(s->m, s->m->ctx, to->reader, &s->best[i].token, 1));
        *going = *going || !to->over;
    }
    for (int32_t b = 0; b < s->n; b++) drop(s, &s->now[b]);
    beam *swap = s->now;
    s->now = s->then, s->then = swap;
    s->n = s->n_best;
    return GM_OK;
}

static gm_status run(search *s, const int64_t *id, int64_t n)
{
    bool going = true;
    s->n = 1;
    s->now[0].n = 0;
    GM__TRY(s->lm->open(s->m, s->m->ctx, &s->now[0].reader));
    GM__TRY(s->lm->read(s->m, s->m->ctx, s->now[0].reader, id, n));
    for (int64_t t = 0; going && t < s->c.tokens; t++) {
        GM__TRY(gm__check_cancel(s->m->ctx));
        GM__TRY(extend(s, &going));
    }
    return GM_OK;
}

static gm_status make_room(search *s)
{
    gm_ctx *ctx = s->m->ctx;
    size_t n = (size_t)s->c.beams;
    s->now = gm__calloc(ctx, n, sizeof *s->now);
    s->then = gm__calloc(ctx, n, sizeof *s->then);
    s->best = gm__alloc(ctx, n, sizeof *s->best);
    s->logits = gm__alloc(ctx, (size_t)s->vocab, sizeof *s->logits);
    if (!s->now || !s->then || !s->best || !s->logits) return GM_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        s->now[i].id = gm__alloc(ctx, (size_t)s->c.tokens, sizeof(int64_t));
        s->then[i].id = gm__alloc(ctx, (size_t)s->c.tokens, sizeof(int64_t));
        if (!s->now[i].id || !s->then[i].id) return GM_ENOMEM;
    }
    return GM_OK;
}

static gm_status results(const search *s, gm_tensor **out, gm_tensor **scores)
{
    int64_t shape[2] = { s->c.results, s->c.tokens };
    gm_tensor *y = NULL, *v = NULL;
    gm_status st = gm_tensor_new(s->m->ctx, GM_I64, 2, shape, &y);
    if (!st && scores) st = gm_tensor_new(s->m->ctx, GM_F32, 1, shape, &v);
    if (st) {
        gm_tensor_free(y);
        return st;
    }
    for (int32_t b = 0; b < s->c.results; b++) {
        for (int64_t t = 0; t < s->c.tokens; t++) gm__i64(y)[b * s->c.tokens + t] = b < s->n && t < s->now[b].n ? s->now[b].id[t] : -1;
        if (v) gm__f32(v)[b] = b < s->n ? (float)rank_of(s, s->now[b].sum, s->now[b].n) : -INFINITY;
    }
    *out = y;
    if (scores) *scores = v;
    return GM_OK;
}

gm_status gm_lm_beam(gm_model *m, gm_tensor *prompt, const char *options, gm_tensor **out, gm_tensor **scores)
{
    if (out) *out = NULL;
    if (scores) *scores = NULL;
    if (!gm__is(m, GM__MODEL) || !out) return GM_EARG;
    gm_ctx *ctx = m->ctx;
    GM__TRY(gm__lm_able(ctx, m, "generate text"));
    const int64_t *id;
    GM__TRY(gm__lm_tokens(m, "gm_lm_beam", prompt, &id));
    search s = { .m = m, .lm = m->family->lm, .c = { .struct_size = sizeof s.c }, .end = m->family->lm->end(m) };
    gm__strs strs = { .ctx = ctx };
    gm_status st = gm__opts_defaults(ctx, &beam_opts, &s.c, &strs);
    if (!st) st = gm__opts_parse(ctx, &beam_opts, options, &s.c, &strs, NULL);
    gm__strs_free(&strs);
    if (st) return st;
    if (s.c.results > s.c.beams) return gm__fail_ctx(ctx, GM_EARG, "gm_lm_beam: results=%d of beams=%d", s.c.results, s.c.beams);
    s.vocab = gm_tokenizer_size(s.lm->tokenizer(m));
    GM__TRY(gm__model_begin_use(m, ctx));
    st = make_room(&s);
    if (!st) st = run(&s, id, prompt->size);
    if (!st) st = results(&s, out, scores);
    for (int32_t i = 0; i < s.c.beams; i++) {
        if (s.now) drop(&s, &s.now[i]), gm__free(ctx, s.now[i].id);
        if (s.then) drop(&s, &s.then[i]), gm__free(ctx, s.then[i].id);
    }
    gm__free(ctx, s.now);
    gm__free(ctx, s.then);
    gm__free(ctx, s.best);
    gm__free(ctx, s.logits);
    gm__model_end_use(m);
    return st;
}
