/* groups.c - learning rate and weight decay for some of the parameters, chosen by name. */
#include "optim/self.h"
#include <string.h>

static const gm__opt rows[] = {
    {"lr-scale", GM__O_REAL, offsetof(gm__group, lr_scale), "1", 0, 1e6, NULL, "factor of the learning rate; 0: frozen"},
    {"weight-decay", GM__O_REAL, offsetof(gm__group, weight_decay), "0", 0, 1e3, NULL, "instead of the optimiser's"},
};
static const gm__opts opts = {"group", rows, GM__COUNT(rows)};

gm_status gm__optim_read_group(const gm_optim *o, const char *options, gm__group *g)
{
    bool set[GM__COUNT(rows)] = {false};
    gm__strs strs = {.ctx = o->ctx};
    gm_status s = gm__opts_defaults(o->ctx, &opts, g, &strs);
    if (!s) s = gm__opts_parse(o->ctx, &opts, options, g, &strs, set);
    gm__strs_free(&strs);
    g->scale_given = set[0];
    g->decay_given = set[1];
    if (!s && !set[1]) g->weight_decay = o->cfg.weight_decay;
    return s;
}

/* ---- names ---------------------------------------------------------------------------- */

/* '*' stands for any characters, '?' for one. */
static bool glob(const char *p, size_t n, const char *name)
{
    const char *end = p + n, *star = NULL, *back = NULL;
    while (*name) {
        if (p < end && *p == '*') star = ++p, back = name;
        else if (p < end && (*p == '?' || *p == *name)) p++, name++;
        else if (star) p = star, name = ++back;
        else return false;
    }
    while (p < end && *p == '*') p++;
    return p == end;
}

/* A pattern without '*' and '?' is a name, or its beginning up to a '.'. */
static bool fits(const char *p, size_t n, const char *name)
{
    if (memchr(p, '*', n) || memchr(p, '?', n)) return glob(p, n, name);
    return strncmp(p, name, n) == 0 && (name[n] == 0 || name[n] == '.');
}

/* ---- the text: PATTERN[,PATTERN]: key=value ..; PATTERN: .. ----------------------------- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }

static void trim(const char **p, const char **end)
{
    while (*p < *end && is_blank(**p)) ++*p;
    while (*end > *p && is_blank((*end)[-1])) --*end;
}

static size_t set(gm_optim *o, const char *p, const char *end, const gm__group *g)
{
    size_t hits = 0;
    for (size_t i = 0; o && i < o->n; i++) {
        gm__param_state *w = &o->p[i];
        if (!fits(p, (size_t)(end - p), w->name)) continue;
        if (g->scale_given) w->lr_scale = w->base_scale * g->lr_scale;
        if (g->decay_given) w->decay = g->weight_decay;
        hits++;
    }
    return hits;
}

static gm_status apply(gm_optim *o, gm_optim *other, const char *p, const char *end, const gm__group *g)
{
    trim(&p, &end);
    if (p == end) return gm__fail_ctx(o->ctx, GM_EARG, "groups: a name is missing before ':' or between commas");
    if (set(o, p, end, g) + set(other, p, end, g)) return GM_OK;
    return gm__fail_ctx(o->ctx, GM_EARG, "groups: no weight is called '%.*s' (the first of %zu is %s)", end - p > 60 ? 60 : (int)(end - p), p, o->n,
                        o->n ? o->p[0].name : "none");
}

/* One clause. Commas between its settings count as blanks. */
static gm_status clause(gm_optim *o, gm_optim *other, const char *p, const char *end)
{
    gm__group g;
    gm__buf text;
    const char *colon = memchr(p, ':', (size_t)(end - p));
    if (!colon) return gm__fail_ctx(o->ctx, GM_EARG, "groups: expected NAMES: lr-scale=X weight-decay=Y, got '%.*s'", end - p > 60 ? 60 : (int)(end - p), p);
    gm__buf_init(&text, o->ctx);
    for (const char *q = colon + 1; q < end; q++) gm__buf_put(&text, *q == ',' ? " " : q, 1);
    gm_status s = text.failed ? GM_ENOMEM : gm__optim_read_group(o, text.data, &g);
    gm__buf_free(&text);
    if (s) return s;
    if (!g.scale_given && !g.decay_given) return gm__fail_ctx(o->ctx, GM_EARG, "groups: nothing is set for '%.*s'", colon - p > 60 ? 60 : (int)(colon - p), p);
    for (;;) {
        const char *comma = memchr(p, ',', (size_t)(colon - p));
        GM__TRY(apply(o, other, p, comma ? comma : colon, &g));
        if (!comma) return GM_OK;
        p = comma + 1;
    }
}

gm_status gm_optim_groups(gm_optim *o, const char *groups) { return gm__optim_groups(o, NULL, groups); }

gm_status gm__optim_groups(gm_optim *o, gm_optim *other, const char *groups)
{
    if (!gm__is(o, GM__OPTIM)) return GM_EARG;
    if (o->steps) return gm__fail_ctx(o->ctx, GM_ESTATE, "groups: %lld steps were taken", (long long)o->steps);
    for (const char *p = groups ? groups : ""; *p;) {
        const char *start = p, *end = p + strcspn(p, ";");
        p = *end ? end + 1 : end;
        trim(&start, &end);
        if (start < end) GM__TRY(clause(o, other, start, end));
    }
    return GM_OK;
}
