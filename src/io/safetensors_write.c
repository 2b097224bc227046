/* safetensors_write.c - writes .safetensors files: keys sorted, data 64-aligned,
 * checksum added when there is gm.* metadata. The bytes depend on the entries
 * alone, not on the order in which they came. */
#include "base/json.h"
#include "io/st_header.h"
#include "kernels/kernels.h"
#include <string.h>

typedef struct item {
    char *name;
    const gm_tensor *t; /* borrowed until the file is written */
    bool finite;
    size_t begin, bytes;
} item;

typedef struct pair { char *key, *value; } pair;

struct gm__stw {
    gm_ctx *ctx;
    item *items;
    size_t n, cap;
    pair *meta;
    size_t n_meta, cap_meta;
};

static const char ZEROS[] = "0000000000000000";

gm_status gm__stw_new(gm_ctx *ctx, gm__stw **out)
{
    *out = gm__calloc(ctx, 1, sizeof **out);
    if (!*out) return GM_ENOMEM;
    (*out)->ctx = ctx;
    return GM_OK;
}

void gm__stw_free(gm__stw *w)
{
    if (!w) return;
    for (size_t i = 0; i < w->n; i++) gm__free(w->ctx, w->items[i].name);
    for (size_t i = 0; i < w->n_meta; i++) {
        gm__free(w->ctx, w->meta[i].key);
        gm__free(w->ctx, w->meta[i].value);
    }
    gm__free(w->ctx, w->items);
    gm__free(w->ctx, w->meta);
    gm__free(w->ctx, w);
}

/* Names that our own reader would refuse are refused here. */
static gm_status check_name(gm__stw *w, const char *what, const char *name)
{
    size_t n = strlen(name);
    bool fine = n > 0 && n <= GM__ST_NAME && strcmp(name, "__metadata__");
    for (size_t i = 0; fine && i < n; i++) fine = (uint8_t)name[i] >= 0x20 && name[i] != 0x7f;
    if (!fine) return gm__fail_ctx(w->ctx, GM_EARG, "safetensors: %s '%s': names have 1 to 512 bytes without control characters", what, name);
    return GM_OK;
}

/* Place of a name among n sorted ones, and whether it stands there already. */
#define FIND(array, n, field, want, at, there)                                  \
    do {                                                                        \
        size_t lo_ = 0, hi_ = (n);                                              \
        while (lo_ < hi_) {                                                     \
            size_t mid_ = lo_ + (hi_ - lo_) / 2;                                \
            if (strcmp((array)[mid_].field, (want)) < 0) lo_ = mid_ + 1;        \
            else hi_ = mid_;                                                    \
        }                                                                       \
        (at) = lo_;                                                             \
        (there) = lo_ < (n) && !strcmp((array)[lo_].field, (want));             \
    } while (0)

gm_status gm__stw_meta(gm__stw *w, const char *key, const char *value)
{
    size_t at;
    bool there;
    GM__TRY(check_name(w, "metadata key", key));
    if (!strcmp(key, "gm.checksum")) return gm__fail_ctx(w->ctx, GM_EARG, "safetensors: gm.checksum is added by the writer");
    FIND(w->meta, w->n_meta, key, key, at, there);
    if (there) return gm__fail_ctx(w->ctx, GM_EARG, "safetensors: metadata key '%s' stands twice", key);
    if (w->n_meta == GM__ST_META - 1) return gm__fail_ctx(w->ctx, GM_ELIMIT, "safetensors: more than 1023 metadata keys");
    if (w->n_meta == w->cap_meta) {
        pair *p = gm__realloc(w->ctx, w->meta, 2 * w->cap_meta + 16, sizeof *p);
        if (!p) return GM_ENOMEM;
        w->meta = p;
        w->cap_meta = 2 * w->cap_meta + 16;
    }
    pair m = { gm__strdup(w->ctx, key), gm__strdup(w->ctx, value) };
    if (!m.key || !m.value) {
        gm__free(w->ctx, m.key);
        gm__free(w->ctx, m.value);
        return GM_ENOMEM;
    }
    memmove(w->meta + at + 1, w->meta + at, (w->n_meta++ - at) * sizeof m);
    w->meta[at] = m;
    return GM_OK;
}

gm_status gm__stw_tensor(gm__stw *w, const char *name, const gm_tensor *t, bool finite)
{
    size_t at;
    bool there;
    GM__TRY(check_name(w, "tensor", name));
    FIND(w->items, w->n, name, name, at, there);
    if (there) return gm__fail_ctx(w->ctx, GM_EARG, "safetensors: tensor '%s' stands twice", name);
    if (w->n == GM__ST_TENSORS) return gm__fail_ctx(w->ctx, GM_ELIMIT, "safetensors: more than 65536 tensors");
    if (w->n == w->cap) {
        item *p = gm__realloc(w->ctx, w->items, 2 * w->cap + 16, sizeof *p);
        if (!p) return GM_ENOMEM;
        w->items = p;
        w->cap = 2 * w->cap + 16;
    }
    item i = { gm__strdup(w->ctx, name), t, finite, 0, (size_t)t->size * gm__esize(t->dtype) };
    if (!i.name) return GM_ENOMEM;
    memmove(w->items + at + 1, w->items + at, (w->n++ - at) * sizeof i);
    w->items[at] = i;
    return GM_OK;
}

/* ---- the header ------------------------------------------------------------------ */

/* Wide types first: every tensor is then aligned to its element. */
static gm_status place(gm__stw *w)
{
    size_t at = 0;
    for (size_t size = 8; size; size /= 2)
        for (size_t i = 0; i < w->n; i++) {
            if (gm__esize(w->items[i].t->dtype) != size) continue;
            w->items[i].begin = at;
            if (!gm__add(at, w->items[i].bytes, &at)) return gm__fail_ctx(w->ctx, GM_ELIMIT, "safetensors: more than the address space");
        }
    return GM_OK;
}

static void put_tensor(gm__buf *b, const item *i)
{
    static const char *const type[] = { "F32", "F64", "I32", "I64", "U8", "BF16" };
    gm__json_string(b, i->name, strlen(i->name));
    gm__buf_format(b, ":{\"dtype\":\"%s\",\"shape\":[", type[i->t->dtype]);
    for (int d = 0; d < i->t->ndim; d++) gm__buf_format(b, d ? ",%lld" : "%lld", (long long)i->t->shape[d]);
    gm__buf_format(b, "],\"data_offsets\":[%zu,%zu]}", i->begin, i->begin + i->bytes);
}

/* Gives the offset of the checksum's digits, 0 without. */
static size_t put_meta(gm__buf *b, const gm__stw *w)
{
    size_t digits = 0;
    bool own = false, added = false;
    for (size_t i = 0; i < w->n_meta; i++) own = own || !strncmp(w->meta[i].key, "gm.", 3);
    gm__buf_text(b, "\"__metadata__\":{");
    for (size_t i = 0; i <= w->n_meta; i++) {
        if (own && !added && (i == w->n_meta || strcmp("gm.checksum", w->meta[i].key) < 0)) {
            gm__buf_format(b, "%s\"gm.checksum\":\"", i ? "," : "");
            digits = b->len;
            gm__buf_format(b, "%s\"", ZEROS);
            added = true;
        }
        if (i == w->n_meta) break;
        if (i || added) gm__buf_text(b, ",");
        gm__json_string(b, w->meta[i].key, strlen(w->meta[i].key));
        gm__buf_text(b, ":");
        gm__json_string(b, w->meta[i].value, strlen(w->meta[i].value));
    }
    gm__buf_text(b, "}");
    return digits;
}

/* The 8 bytes of length and the JSON, padded with blanks to a multiple of 64. */
static gm_status header(gm__stw *w, gm__buf *b, size_t *digits)
{
    bool done = w->n_meta == 0, first = true;
    *digits = 0;
    GM__TRY(place(w));
    gm__buf_put(b, "\0\0\0\0\0\0\0\0{", 9);
    for (size_t i = 0; i <= w->n; i++) {
        if (!done && (i == w->n || strcmp("__metadata__", w->items[i].name) < 0)) {
            if (!first) gm__buf_text(b, ",");
            *digits = put_meta(b, w);
            done = true;
            first = false;
        }
        if (i == w->n) break;
        if (!first) gm__buf_text(b, ",");
        put_tensor(b, &w->items[i]);
        first = false;
    }
    gm__buf_text(b, "}");
    while (!b->failed && b->len % 64) gm__buf_text(b, " ");
    if (b->failed) return GM_ENOMEM;
    if (b->len - 8 > GM__ST_HEADER) return gm__fail_ctx(w->ctx, GM_ELIMIT, "safetensors: a header of more than 16 MiB");
    for (int i = 0; i < 8; i++) b->data[i] = (char)((uint64_t)(b->len - 8) >> 8 * i);
    return GM_OK;
}

/* ---- the data -------------------------------------------------------------------- */

static bool finite(const gm_ctx *ctx, const gm_tensor *t, const void *p)
{
    if (t->dtype == GM_F32) return ctx->kern->finite_f32((size_t)t->size, p);
    if (t->dtype == GM_F64) return ctx->kern->finite_f64((size_t)t->size, p);
    const uint16_t *h = p;
    if (t->dtype == GM_BF16)
        for (int64_t i = 0; i < t->size; i++)
            if ((h[i] & 0x7f80) == 0x7f80) return false;
    return true;
}

typedef gm_status sink_fn(void *to, const void *p, size_t n);

/* All data in the order of the file; `check` looks for numbers that are not finite. */
static gm_status emit(gm__stw *w, bool check, sink_fn *sink, void *to)
{
    gm_status s = GM_OK;
    for (size_t size = 8; size && !s; size /= 2)
        for (size_t i = 0; i < w->n && !s; i++) {
            const item *it = &w->items[i];
            gm_tensor *copy = NULL;
            if (gm__esize(it->t->dtype) != size || !it->bytes) continue;
            if (!it->t->contiguous) {
                s = gm__tensor_make(w->ctx, gm__ctx_err(w->ctx), it->t->dtype, it->t->ndim, it->t->shape, false, &copy);
                if (s) break;
                gm__copy_values(w->ctx, copy, it->t);
            }
            const void *p = copy ? copy->data : it->t->data;
            if (check && it->finite && !finite(w->ctx, it->t, p))
                s = gm__fail_ctx(w->ctx, GM_ENONFINITE, "tensor '%s' holds a number that is not finite; not saved", it->name);
            if (!s) s = sink(to, p, it->bytes);
            gm_tensor_free(copy);
        }
    return s;
}

static gm_status to_crc(void *to, const void *p, size_t n)
{
    uint64_t *crc = to;
    if (crc) *crc = gm__crc64(*crc, p, n);
    return GM_OK;
}

static gm_status to_file(void *to, const void *p, size_t n) { return gm__out_write(to, p, n); }

static gm_status to_memory(void *to, const void *p, size_t n)
{
    uint8_t **at = to;
    memcpy(*at, p, n);
    *at += n;
    return GM_OK;
}

/* Header with its checksum; every number has been looked at once. */
static gm_status prepare(gm__stw *w, gm__buf *head)
{
    size_t digits;
    GM__TRY(header(w, head, &digits));
    uint64_t crc = gm__crc64(0, head->data, head->len);
    GM__TRY(emit(w, true, to_crc, digits ? &crc : NULL));
    for (int i = 0; digits && i < 16; i++) head->data[digits + (size_t)i] = "0123456789abcdef"[crc >> (60 - 4 * i) & 15];
    return GM_OK;
}

gm_status gm__stw_commit(gm__stw *w, const char *path)
{
    gm__buf head;
    gm__out *out = NULL;
    gm__buf_init(&head, w->ctx);
    gm_status s = prepare(w, &head);
    if (!s) s = gm__out_open(w->ctx, path, &out);
    if (!s) s = gm__out_write(out, head.data, head.len);
    if (!s) s = emit(w, false, to_file, out);
    if (!s) s = gm__out_commit(out);
    else gm__out_abort(out);
    gm__buf_free(&head);
    return s;
}

gm_status gm__stw_bytes(gm__stw *w, uint8_t **bytes, size_t *size)
{
    gm__buf head;
    size_t all;
    *bytes = NULL;
    *size = 0;
    gm__buf_init(&head, w->ctx);
    gm_status s = prepare(w, &head);
    all = head.len;
    for (size_t i = 0; !s && i < w->n; i++)
        if (!gm__add(all, w->items[i].bytes, &all)) s = GM_ENOMEM;
    uint8_t *p = s ? NULL : gm__alloc(w->ctx, all, 1), *at = p;
    if (!s && !p) s = GM_ENOMEM;
    if (!s) {
        to_memory(&at, head.data, head.len);
        s = emit(w, false, to_memory, &at);
    }
    if (!s) {
        *bytes = p;
        *size = all;
    } else {
        gm__free(w->ctx, p);
    }
    gm__buf_free(&head);
    return s;
}
