/* build.c - from a tree of layers to shapes, names and tensors.
 *
 * All shapes are worked out and all tensors declared before any memory for weights is
 * asked for, so that a text that does not fit costs nothing. */
#include "nn/net.h"
#include <string.h>

bool gm__row_equal(const gm__row *a, const gm__row *b)
{
    return a->ndim == b->ndim && memcmp(a->dim, b->dim, (size_t)a->ndim * sizeof a->dim[0]) == 0;
}

const char *gm__row_text(char out[128], const gm__row *r) { return gm__shape_text(out, r->ndim, r->dim); }

gm_status gm__build_fail(const gm__build *b, const gm__layer *l, gm_status code, const char *format, ...)
{
    char text[GM__MESSAGE];
    __builtin_va_list ap;
    __builtin_va_start(ap, format);
    gm__vformat(text, sizeof text, format, ap);
    __builtin_va_end(ap);
    return gm__fail_ctx(b->ctx, code, "net: column %zu: %s: %s", l->column, l->kind->name, text);
}

/* ---- declarations ------------------------------------------------------------------ */

static gm_status declare(gm__build *b, const gm__layer *l, gm__slots *s, const char *name, int ndim, const int64_t *shape, int fill,
                         gm__slot **out)
{
    int64_t size = 0;
    char full[sizeof b->path + 32];
    GM__TRY(gm__shape_check(gm__ctx_err(b->ctx), l->kind->name, ndim, shape, &size));
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 8;
        gm__slot *grown = gm__realloc(b->ctx, s->at, cap, sizeof *grown);
        if (!grown) return GM_ENOMEM;
        s->at = grown;
        s->cap = cap;
    }
    gm__slot *slot = &s->at[s->n];
    *slot = (gm__slot){.fill = fill, .shape = {.ndim = ndim}};
    for (int i = 0; i < ndim; i++) slot->shape.dim[i] = shape[i];
    gm__format(full, sizeof full, "%s%s", b->path_len ? b->path : "", name);
    slot->name = gm__strdup(b->ctx, full);
    if (!slot->name) return GM_ENOMEM;
    s->n++;
    *out = slot;
    return GM_OK;
}

gm_status gm__declare(gm__build *b, gm__layer *l, const char *name, int ndim, const int64_t *shape, int fill, double a, double d)
{
    gm__slot *slot = NULL;
    GM__TRY(declare(b, l, &b->body->params, name, ndim, shape, fill, &slot));
    slot->a = a;
    slot->b = d;
    int64_t size = 1;
    for (int i = 0; i < ndim; i++) size *= shape[i]; /* fits: gm__shape_check */
    if (__builtin_add_overflow(b->body->numbers, size, &b->body->numbers)) return gm__build_fail(b, l, GM_ELIMIT, "too many parameters");
    l->numbers += size;
    l->n_param++;
    return GM_OK;
}

gm_status gm__declare_stat(gm__build *b, gm__layer *l, const char *name, int ndim, const int64_t *shape, int fill)
{
    gm__slot *slot = NULL;
    return declare(b, l, &b->body->stats, name, ndim, shape, fill, &slot);
}

/* ---- the tree --------------------------------------------------------------------------- */

gm_status gm__build_enter(gm__build *b, size_t index)
{
    size_t n = gm__format(b->path + b->path_len, sizeof b->path - b->path_len, "%zu.", index);
    GM__ASSERT(gm__ctx_err(b->ctx), n < sizeof b->path - b->path_len);
    b->path_len += n;
    return GM_OK;
}

static gm_status build_layer(gm__build *b, gm__layer *l)
{
    gm__buf text;
    gm__buf_init(&text, b->ctx);
    if (gm__net_layer_text(l, &text) || !(l->text = gm__strdup(b->ctx, text.data))) {
        gm__buf_free(&text);
        return GM_ENOMEM;
    }
    gm__buf_free(&text);
    l->param = b->body->params.n;
    l->stat = b->body->stats.n;
    return l->kind->build ? l->kind->build(b, l) : GM_OK;
}

gm_status gm__build_seq(gm__build *b, gm__seq *s, gm__row *shape)
{
    size_t here = b->path_len;
    for (size_t i = 0; i < s->n; i++) {
        gm__layer *l = &s->layers[i];
        l->in = l->out = *shape;
        GM__TRY(gm__build_enter(b, i));
        GM__TRY(build_layer(b, l));
        b->path_len = here;
        b->path[here] = '\0';
        *shape = l->out;
    }
    return GM_OK;
}

static bool names_cond(const gm__seq *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (s->layers[i].kind == &gm__layer_cond) return true;
        for (size_t j = 0; j < s->layers[i].n_branch; j++)
            if (names_cond(&s->layers[i].branch[j])) return true;
    }
    return false;
}

/* Shape after the condition joined at the input: one flat axis. */
static gm_status join_input(gm_net *net, gm__row *shape)
{
    int64_t size = net->cond;
    int64_t row = 1;
    for (int d = 0; d < shape->ndim; d++) row *= shape->dim[d];
    if (__builtin_add_overflow(size, row, &size)) return gm__fail_ctx(net->ctx, GM_ESHAPE, "net: input and condition are too large");
    *shape = (gm__row){.ndim = 1, .dim = {size}};
    return GM_OK;
}

gm_status gm__body_make(gm_net *net, const char *const *texts, size_t n, gm__body *out)
{
    gm__body body = {0};
    gm__build b = {.ctx = net->ctx, .cond = net->cond, .body = &body};
    gm__row shape = net->in;
    gm__buf text;
    gm_status s = GM_OK;
    gm__buf_init(&text, net->ctx);
    for (size_t i = 0; i < n && !s; i++) s = gm__net_parse(net->ctx, texts[i], &body.root, &body.layers);
    if (s) goto done;
    body.has_cond = names_cond(&body.root);
    if (net->cond && !body.has_cond) s = join_input(net, &shape);
    if (!s) s = gm__build_seq(&b, &body.root, &shape);
    if (s) goto done;
    body.out = shape;
    gm__seq_text(&body.root, &text);
    body.text = text.failed ? NULL : gm__strdup(net->ctx, text.len ? text.data : "");
    if (!body.text) s = GM_ENOMEM;
    else if (text.len > GM__NET_TEXT) s = gm__fail_ctx(net->ctx, GM_ELIMIT, "net: text longer than %d bytes", GM__NET_TEXT);
done:
    gm__buf_free(&text);
    if (s) {
        gm__body_free(net->ctx, &body);
        return s;
    }
    *out = body;
    return GM_OK;
}

/* ---- tensors ---------------------------------------------------------------------------------- */

static gm_status fill(gm_tensor *t, const gm__slot *s, uint64_t seed, size_t index)
{
    switch (s->fill) {
    case GM__FILL_UNI: gm__init_uniform(t, s->a, seed, index); break;
    case GM__FILL_NORM: gm__init_normal(t, s->a, s->b, seed, index); break;
    case GM__FILL_ONE: gm__init_normal(t, 1, 0, seed, index); break;
    case GM__FILL_ORTHO: return gm__init_orthogonal(t, s->a, seed, index);
    default: break; /* made of zeros */
    }
    return GM_OK;
}

/* Layers are only ever appended: a tensor that stays has the same place, name and shape. */
static gm_tensor *kept_tensor(const gm__slots *old, size_t i, const gm__slot *s)
{
    bool same = old && i < old->n && strcmp(old->at[i].name, s->name) == 0 && gm__row_equal(&old->at[i].shape, &s->shape);
    return same ? old->at[i].tensor : NULL;
}

static gm_status make_slots(gm_net *net, gm__slots *s, const gm__slots *old, bool draw, bool params)
{
    for (size_t i = 0; i < s->n; i++) {
        gm__slot *slot = &s->at[i];
        slot->tensor = kept_tensor(old, i, slot);
        if (slot->tensor) {
            gm__retain(slot->tensor);
            continue;
        }
        int dtype = slot->fill == GM__FILL_COUNT ? GM_I64 : net->dtype;
        GM__TRY(gm_tensor_new(net->ctx, dtype, slot->shape.ndim, slot->shape.dim, &slot->tensor));
        if (draw) GM__TRY(fill(slot->tensor, slot, net->seed, i));
        if (params && !net->frozen) GM__TRY(gm_tensor_set_grad(slot->tensor, 1));
    }
    return GM_OK;
}

/* Gives every declared tensor its memory; those of the same name and shape in old are shared with it. */
gm_status gm__body_tensors(gm_net *net, gm__body *body, const gm__body *old, bool draw)
{
    GM__TRY(make_slots(net, &body->params, old ? &old->params : NULL, draw, true));
    GM__TRY(make_slots(net, &body->stats, old ? &old->stats : NULL, draw, false));
    return draw ? gm__spectral_start(net, body) : GM_OK;
}

static void free_slots(gm_ctx *ctx, gm__slots *s)
{
    for (size_t i = 0; i < s->n; i++) {
        gm_tensor_free(s->at[i].tensor);
        gm__free(ctx, s->at[i].name);
    }
    gm__free(ctx, s->at);
}

void gm__body_free(gm_ctx *ctx, gm__body *body)
{
    gm__seq_free(ctx, &body->root);
    free_slots(ctx, &body->params);
    free_slots(ctx, &body->stats);
    gm__free(ctx, body->text);
    *body = (gm__body){0};
}
