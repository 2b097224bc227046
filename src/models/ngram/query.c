/* query.c - reading a text along the table, and the distribution of what comes next. */
#include "models/ngram/ngram.h"
#include <math.h>

/* The continuation of a context by a word; -1: it never followed. */
static int32_t find(const gm__ngram *g, int32_t level, int32_t at, int32_t word)
{
    const gm__level *l = &g->level[level];
    const int32_t *w = g->level[level + 1].word;
    int32_t lo = l->first[at], n = l->first[at + 1] - lo;
    if (n < 1) return -1;
    while (n > 1) { /* no branch depends on the word */
        int32_t half = n / 2;
        lo += w[lo + half - 1] < word ? half : 0;
        n -= half;
    }
    return w[lo] == word ? lo : -1;
}

gm__context gm__ngram_start(const gm__ngram *g)
{
    return g->begin >= 0 && g->order > 1 ? (gm__context){ 1, (int32_t)g->begin } : (gm__context){ 0, 0 };
}

float gm__ngram_read(const gm__ngram *g, gm__context *c, int64_t word)
{
    float sum = 0;
    bool over = false; /* the value is known, and only the context is looked for */
    int32_t level = c->level, at = c->at, to = -1;
    while (level > 0 && (to = find(g, level, at, (int32_t)word)) < 0) {
        if (!over) sum = g->final && g->level[level].first[at + 1] > g->level[level].first[at] ? (over = true, g->level[level].back[at]) : sum + g->level[level].back[at];
        at = level > 1 ? g->level[level].suffix[at] : 0;
        level--;
    }
    if (!level) to = (int32_t)word;
    if (!over) sum += g->level[level + 1].log_p[to];
    level++;
    if (level == g->order) {
        to = level > 1 ? g->level[level].suffix[to] : 0;
        level--;
    }
    *c = (gm__context){ level, to };
    return sum < GM__NEVER / 2 ? -INFINITY : sum;
}

void gm__ngram_next(const gm__ngram *g, gm__context c, float *log_p)
{
    int32_t at[GM__NGRAM_ORDER + 1] = { 0 };
    for (int32_t k = c.level, x = c.at; k > 0; k--) {
        at[k] = x;
        x = k > 1 ? g->level[k].suffix[x] : 0;
    }
    for (int64_t w = 0; w < g->vocab; w++) log_p[w] = g->level[1].log_p[w];
    for (int32_t k = 1; k <= c.level; k++) { /* from the shortest context to the longest */
        const gm__level *l = &g->level[k], *up = &g->level[k + 1];
        int32_t from = l->first[at[k]], to = l->first[at[k] + 1];
        float back = l->back[at[k]];
        if (g->final && from == to) continue;
        for (int64_t w = 0; w < g->vocab; w++) log_p[w] = g->final ? back : log_p[w] + back;
        for (int32_t i = from; i < to; i++) log_p[up->word[i]] = up->log_p[i];
    }
    if (g->begin >= 0) log_p[g->begin] = -INFINITY;
    for (int64_t w = 0; w < g->vocab; w++)
        if (log_p[w] < GM__NEVER / 2) log_p[w] = -INFINITY;
}
