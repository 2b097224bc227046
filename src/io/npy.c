/* npy.c - NumPy's .npy arrays (NEP 1): magic, version, a Python dict as text, data. */
#include "io/io.h"
#include <string.h>

enum { MAX_HEADER = 1 << 16 };

typedef struct cursor {
    gm__in *in;
    const char *p, *start, *end;
} cursor;

static gm_status wrong(cursor *c, const char *expected)
{
    return gm__fail_ctx(gm__in_ctx(c->in), GM_EFORMAT, "%s: npy: expected %s at byte %zu of the header", gm__in_name(c->in), expected,
                        (size_t)(c->p - c->start));
}

static bool next_is(cursor *c, const char *word)
{
    size_t n = strlen(word);
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n')) c->p++;
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n)) return false;
    c->p += n;
    return true;
}

static gm_status descr(cursor *c, gm__npy_head *h)
{
    static const struct { const char *text; int dtype; } types[] = {
        { "'<f4'", GM_F32 }, { "'<f8'", GM_F64 }, { "'<i4'", GM_I32 }, { "'<i8'", GM_I64 }, { "'|u1'", GM_U8 }, { "'|b1'", GM_U8 },
    };
    char found[24];
    for (size_t i = 0; i < GM__COUNT(types); i++)
        if (next_is(c, types[i].text)) {
            h->dtype = types[i].dtype;
            h->boolean = types[i].text[2] == 'b';
            return GM_OK;
        }
    size_t n = 0;
    while (c->p + n < c->end && n < 20 && c->p[n] != ',') n++;
    memcpy(found, c->p, n);
    found[n] = 0;
    return gm__fail_ctx(gm__in_ctx(c->in), GM_EDTYPE, "%s: npy: type %s is not one of '<f4' '<f8' '<i4' '<i8' '|u1' '|b1'", gm__in_name(c->in), found);
}

static gm_status shape(cursor *c, gm__npy_head *h)
{
    if (!next_is(c, "(")) return wrong(c, "'('");
    while (!next_is(c, ")")) {
        int64_t v;
        next_is(c, "");
        const char *q = c->p < c->end && *c->p >= '0' && *c->p <= '9' ? gm__read_i64(c->p, c->end, &v) : NULL;
        if (!q) return wrong(c, "a size");
        if (h->ndim == GM_MAX_DIMS) return wrong(c, "at most 8 dimensions");
        h->shape[h->ndim++] = v;
        c->p = q;
        if (!next_is(c, ",") && (h->ndim == 1 || (next_is(c, ""), c->p == c->end || *c->p != ')'))) return wrong(c, "','");
    }
    return GM_OK;
}

static gm_status dict(cursor *c, gm__npy_head *h)
{
    enum { DESCR = 1, ORDER = 2, SHAPE = 4 };
    int seen = 0, key;
    if (!next_is(c, "{")) return wrong(c, "'{'");
    while (!next_is(c, "}")) {
        key = next_is(c, "'descr'") ? DESCR : next_is(c, "'fortran_order'") ? ORDER : next_is(c, "'shape'") ? SHAPE : 0;
        if (!key || seen & key) return wrong(c, "one each of 'descr', 'fortran_order', 'shape'");
        seen |= key;
        if (!next_is(c, ":")) return wrong(c, "':'");
        if (key == DESCR) {
            GM__TRY(descr(c, h));
        } else if (key == SHAPE) {
            GM__TRY(shape(c, h));
        } else {
            h->fortran = next_is(c, "True");
            if (!h->fortran && !next_is(c, "False")) return wrong(c, "True or False");
        }
        if (!next_is(c, ",") && (next_is(c, ""), c->p == c->end || *c->p != '}')) return wrong(c, "',' or '}'");
    }
    next_is(c, "");
    if (seen != (DESCR | ORDER | SHAPE)) return wrong(c, "'descr', 'fortran_order' and 'shape'");
    return c->p == c->end ? GM_OK : wrong(c, "nothing but blanks");
}

static gm_status read_head(gm__in *in, gm__npy_head *h)
{
    gm_ctx *ctx = gm__in_ctx(in);
    uint8_t fixed[12] = { 0 };
    size_t got, n, more;
    char *text;
    GM__TRY(gm__in_read(in, fixed, 8, &got));
    if (got < 8 || memcmp(fixed, "\x93NUMPY", 6) || fixed[6] < 1 || fixed[6] > 3 || fixed[7])
        return gm__fail_ctx(ctx, GM_EFORMAT, "%s: no .npy file of version 1 to 3", gm__in_name(in));
    more = fixed[6] == 1 ? 2 : 4;
    GM__TRY(gm__in_read(in, fixed + 8, more, &got));
    n = (size_t)fixed[8] | (size_t)fixed[9] << 8 | (size_t)fixed[10] << 16 | (size_t)fixed[11] << 24;
    if (got < more || n > MAX_HEADER) return gm__fail_ctx(ctx, GM_EFORMAT, "%s: npy: a header of %zu bytes", gm__in_name(in), n);
    GM__TRY(gm__in_take(in, n, (void **)&text));
    *h = (gm__npy_head){ 0 };
    cursor c = { in, text, text, text + n };
    gm_status s = dict(&c, h);
    gm__free(ctx, text);
    return s;
}

gm_status gm__npy_header(gm__in *in, gm__npy_head *h, int64_t *size)
{
    gm_ctx *ctx = gm__in_ctx(in);
    GM__TRY(read_head(in, h));
    gm_status s = gm__shape_check(gm__ctx_err(ctx), gm__in_name(in), h->ndim, h->shape, size);
    return s == GM_ESHAPE ? gm__fail_ctx(ctx, GM_EFORMAT, "%s: npy: the shape is too large", gm__in_name(in)) : s;
}

gm_status gm__npy_load(gm__in *in, gm_tensor **out, bool *boolean)
{
    gm_ctx *ctx = gm__in_ctx(in);
    gm__npy_head h;
    int64_t size;
    void *data;
    *out = NULL;
    *boolean = false;
    GM__TRY(gm__npy_header(in, &h, &size));
    GM__TRY(gm__in_take(in, (size_t)size * gm__esize(h.dtype), &data));
    gm_status s = gm__in_end(in);
    if (s) {
        gm__free(ctx, data);
        return s;
    }
    uint8_t *b = data;
    for (int64_t i = 0; h.boolean && i < size; i++) b[i] = b[i] != 0;
    *boolean = h.boolean;
    if (!h.fortran || h.ndim < 2) return gm__own_tensor(ctx, data, h.dtype, h.ndim, h.shape, out);

    /* Columns first: a view with such strides, copied row-major. */
    gm_tensor view = { .dtype = (int8_t)h.dtype, .ndim = (int8_t)h.ndim, .size = size, .data = data, .ctx = ctx };
    int64_t stride = 1;
    for (int i = 0; i < h.ndim; i++) {
        view.shape[i] = h.shape[i];
        view.stride[i] = stride;
        if (h.shape[i]) stride *= h.shape[i];
    }
    s = gm__tensor_make(ctx, gm__ctx_err(ctx), h.dtype, h.ndim, h.shape, false, out);
    if (!s && size) gm__copy_values(ctx, *out, &view);
    gm__free(ctx, data);
    return s;
}

gm_status gm_npy_read(gm_ctx *ctx, const char *path, gm_tensor **out)
{
    gm__in *in;
    bool boolean;
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!path || !out) return gm__fail_ctx(ctx, GM_EARG, "npy_read: an argument is NULL");
    GM__TRY(gm__in_open(ctx, path, &in));
    gm_status s = gm__npy_load(in, out, &boolean);
    gm__in_close(in);
    return s;
}

gm_status gm__npy_start(const char *who, const gm_tensor *t, gm__buf *b, gm_tensor **copy)
{
    static const char *const type[] = { "<f4", "<f8", "<i4", "<i8", "|u1" };
    size_t first = b->len;
    *copy = NULL;
    if (t->dtype == GM_BF16) return gm__fail_ctx(t->ctx, GM_EDTYPE, "%s: NumPy has no bf16; cast first", who);
    gm__buf_put(b, "\x93NUMPY\x01\x00\x00\x00", 10);
    gm__buf_format(b, "{'descr': '%s', 'fortran_order': False, 'shape': (", type[t->dtype]);
    for (int i = 0; i < t->ndim; i++) gm__buf_format(b, i ? ", %lld" : "%lld", (long long)t->shape[i]);
    gm__buf_text(b, t->ndim == 1 ? ",), }" : "), }");
    while (!b->failed && (b->len - first) % 64 != 63) gm__buf_text(b, " ");
    gm__buf_text(b, "\n");
    if (b->failed) return GM_ENOMEM;
    b->data[first + 8] = (char)((b->len - first - 10) & 255);
    b->data[first + 9] = (char)((b->len - first - 10) >> 8);
    if (t->contiguous || !t->size) return GM_OK;
    GM__TRY(gm__tensor_make(t->ctx, gm__ctx_err(t->ctx), t->dtype, t->ndim, t->shape, false, copy));
    gm__copy_values(t->ctx, *copy, t);
    return GM_OK;
}

gm_status gm_npy_write(const gm_tensor *t, const char *path)
{
    if (!gm__is(t, GM__TENSOR)) return GM_EARG;
    gm_ctx *ctx = t->ctx;
    if (!path) return gm__fail_ctx(ctx, GM_EARG, "npy_write: path is NULL");
    gm_tensor *copy = NULL;
    gm__out *out = NULL;
    gm__buf b;
    gm__buf_init(&b, ctx);
    gm_status s = gm__npy_start("npy_write", t, &b, &copy);
    if (!s) s = gm__out_open(ctx, path, &out);
    if (!s) s = gm__out_write(out, b.data, b.len);
    if (!s && t->size) s = gm__out_write(out, copy ? copy->data : t->data, (size_t)t->size * gm__esize(t->dtype));
    if (!s) s = gm__out_commit(out);
    else gm__out_abort(out);
    gm_tensor_free(copy);
    gm__buf_free(&b);
    return s;
}
