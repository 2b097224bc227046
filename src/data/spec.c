/* spec.c - the text that names a data set:
 *     KIND:ITEM[,ITEM|,KEY=VALUE]...[[FIRST:END[:STRIDE]]]
 * A backslash takes the meaning from , : [ ] = and itself. */
#include "data/data.h"
#include <string.h>

static gm_status bad(gm_ctx *ctx, const char *text, const char *what)
{
    return gm__fail_ctx(ctx, GM_EARG, "data '%s': %s", text, what);
}

static bool escaped(char c) { return c && strchr(",:[]=\\", c); }

/* The item [p, end) without its backslashes. */
static gm_status unescape(gm_ctx *ctx, const char *text, const char *p, const char *end, char **out)
{
    char *o = gm__alloc(ctx, (size_t)(end - p) + 1, 1);
    *out = o;
    if (!o) return GM_ENOMEM;
    while (p < end) {
        if (*p == '\\' && (p + 1 == end || !escaped(*++p))) return bad(ctx, text, "a backslash may stand before , : [ ] = and \\ only");
        *o++ = *p++;
    }
    *o = 0;
    return GM_OK;
}

/* First unescaped character of set in [p, end), or end. */
static const char *find(const char *p, const char *end, const char *set)
{
    for (; p < end && !strchr(set, *p); p++)
        if (*p == '\\' && p + 1 < end) p++;
    return p;
}

static gm_status item(gm_ctx *ctx, const char *text, const char *p, const char *end, bool first, gm__spec *s)
{
    const char *eq = first ? end : find(p, end, "=");
    if (p == end || eq == p) return bad(ctx, text, "an item is empty");
    if (eq == end) {
        if (s->n_opt || s->n_path == (int)GM__COUNT(s->path)) return bad(ctx, text, "too many files, or a file after an option");
        return unescape(ctx, text, p, end, &s->path[s->n_path++]);
    }
    if (s->n_opt == (int)GM__COUNT(s->opt)) return bad(ctx, text, "too many options");
    int i = s->n_opt++;
    GM__TRY(unescape(ctx, text, p, eq, &s->opt[i].key));
    for (int k = 0; k < i; k++)
        if (!strcmp(s->opt[k].key, s->opt[i].key)) return bad(ctx, text, "an option stands twice");
    return unescape(ctx, text, eq + 1, end, &s->opt[i].value);
}

/* A number of the range, or nothing. */
static bool bound(const char **p, const char *end, int64_t *v, int64_t none)
{
    *v = none;
    if (*p == end || *p[0] == ':' || *p[0] == ']') return true;
    if (*p[0] < '0' || *p[0] > '9') return false;
    const char *q = gm__read_i64(*p, end, v);
    if (!q) return false;
    *p = q;
    return true;
}

/* [p, end) starts with '['. */
static gm_status range(gm_ctx *ctx, const char *text, const char *p, const char *end, gm__spec *s)
{
    p++;
    bool fine = bound(&p, end, &s->first, 0) && p < end && *p++ == ':' && bound(&p, end, &s->end, -1);
    s->stride = 1;
    if (fine && p < end && *p == ':') p++, fine = bound(&p, end, &s->stride, 1);
    if (!fine || p + 1 != end || *p != ']') return bad(ctx, text, "a range is [first:end] or [first:end:stride] and comes last");
    if ((s->end >= 0 && s->first >= s->end) || s->stride < 1) return bad(ctx, text, "the range is empty: first < end and stride >= 1 are needed");
    s->has_range = true;
    return GM_OK;
}

static gm_status parse(gm_ctx *ctx, const char *text, gm__spec *s)
{
    const char *end = text + strlen(text), *p = find(text, end, ":");
    size_t kind = (size_t)(p - text);
    if (p == end || !kind) return bad(ctx, text, "expected KIND:..., as idx:IMAGES,LABELS or synth:digits");
    if (kind >= sizeof s->kind) return bad(ctx, text, "unknown kind");
    memcpy(s->kind, text, kind);
    p++;
    const char *stop = find(p, end, "[");
    if (find(p, stop, "]") != stop) return bad(ctx, text, "']' without '['");
    for (bool first = true; first || p <= stop; first = false) {
        const char *q = find(p, stop, ",");
        GM__TRY(item(ctx, text, p, q, first, s));
        p = q + 1;
    }
    return stop == end ? GM_OK : range(ctx, text, stop, end, s);
}

gm_status gm__spec_parse(gm_ctx *ctx, const char *text, gm__spec *out)
{
    memset(out, 0, sizeof *out);
    out->end = -1;
    out->stride = 1;
    gm_status s = parse(ctx, text, out);
    if (s) gm__spec_free(ctx, out);
    return s;
}

void gm__spec_free(gm_ctx *ctx, gm__spec *s)
{
    for (int i = 0; i < s->n_path; i++) gm__free(ctx, s->path[i]);
    for (int i = 0; i < s->n_opt; i++) {
        gm__free(ctx, s->opt[i].key);
        gm__free(ctx, s->opt[i].value);
    }
    memset(s, 0, sizeof *s);
}

gm_status gm__spec_only(gm_ctx *ctx, const gm__spec *s, int paths, const char *options)
{
    if (s->n_path > paths) return gm__fail_ctx(ctx, GM_EARG, "data: %s takes %d file%s, not '%s'", s->kind, paths, paths == 1 ? "" : "s", s->path[paths]);
    for (int i = 0; i < s->n_opt; i++) {
        const char *p = options;
        size_t n = strlen(s->opt[i].key);
        while (p && (strncmp(p, s->opt[i].key, n) || (p[n] && p[n] != ' '))) p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL;
        if (!p) return gm__fail_ctx(ctx, GM_EARG, "data: %s has no option '%s'%s%s", s->kind, s->opt[i].key, *options ? "; it has: " : "", options);
    }
    return GM_OK;
}

const char *gm__spec_opt(const gm__spec *s, const char *key)
{
    for (int i = 0; i < s->n_opt; i++)
        if (!strcmp(s->opt[i].key, key)) return s->opt[i].value;
    return NULL;
}
