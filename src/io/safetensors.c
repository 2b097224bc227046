/* safetensors.c - reads .safetensors files and checks every number in them.
 *
 * Format (huggingface/safetensors): 8 bytes little-endian N, N bytes of JSON that
 * start with '{', then the data of all tensors, without holes. Our own files
 * (any gm.* key) carry gm.checksum: CRC-64 of the file with these 16 digits
 * written as zeros. */
#include "io/st_header.h"
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tensors are copied from little-endian files as they are");

static gm_status bad(gm__st *f, const char *who, const char *name, const char *what)
{
    return gm__fail_ctx(f->ctx, GM_EFORMAT, "%s: header: tensor '%s': %s", who, name, what);
}

/* ---- one tensor ------------------------------------------------------------------- */

static int dtype_of(const char *name)
{
    static const struct { const char *name; int dtype; } types[] = {
        { "F32", GM_F32 }, { "F64", GM_F64 }, { "I32", GM_I32 }, { "I64", GM_I64 }, { "U8", GM_U8 }, { "BOOL", GM_U8 }, { "BF16", GM_BF16 },
    };
    for (size_t i = 0; i < GM__COUNT(types); i++)
        if (!strcmp(name, types[i].name)) return types[i].dtype;
    return -1;
}

/* Every type that the format knows; the others are damage. */
static bool known(const char *name)
{
    static const char *const types[] = { "F16", "I8", "I16", "U16", "U32", "U64", "F8_E4M3", "F8_E5M2", "F8_E8M0", "C64", "F4", "F6_E2M3", "F6_E3M2" };
    for (size_t i = 0; i < GM__COUNT(types); i++)
        if (!strcmp(name, types[i])) return true;
    return false;
}

static gm_status check_tensor(gm__st *f, const char *who, const gm__st_row *r, const uint8_t *data, size_t size, gm__entry *e)
{
    e->name = r->name;
    if (!*r->name) return bad(f, who, r->name, "the name is empty");
    e->dtype = dtype_of(r->dtype);
    if (e->dtype < 0)
        return gm__fail_ctx(f->ctx, known(r->dtype) ? GM_EDTYPE : GM_EFORMAT,
                            "%s: header: tensor '%s': type %s is not one of F32 F64 I32 I64 U8 BOOL BF16", who, r->name, r->dtype);
    e->ndim = r->ndim;
    size_t bytes = gm__esize(e->dtype);
    bool fits = true;
    for (int i = 0; i < r->ndim; i++) {
        /* an axis of 0 must not hide the overflow of the others */
        fits = fits && r->shape[i] <= INT64_MAX && (gm__mul(bytes, r->shape[i] ? (size_t)r->shape[i] : 1, &bytes)) && bytes <= INT64_MAX;
        e->shape[i] = fits ? (int64_t)r->shape[i] : 0;
    }
    if (!fits) return bad(f, who, r->name, "the shape is too large");
    for (int i = 0; i < r->ndim; i++)
        if (!r->shape[i]) bytes = 0;
    if (r->begin > r->end || r->end - r->begin != bytes) {
        char shape[128];
        return gm__fail_ctx(f->ctx, GM_EFORMAT, "%s: header: tensor '%s': data_offsets [%llu,%llu) do not fit shape %s of %s (%zu bytes)",
                            who, r->name, (unsigned long long)r->begin, (unsigned long long)r->end,
                            gm__shape_text(shape, e->ndim, e->shape), r->dtype, bytes);
    }
    if (r->end > size)
        return gm__fail_ctx(f->ctx, GM_EFORMAT, "%s: header: tensor '%s': data_offsets [%llu,%llu) lie past the end of the data (%zu bytes)",
                            who, r->name, (unsigned long long)r->begin, (unsigned long long)r->end, size);
    e->data = data + r->begin;
    e->bytes = bytes;
    return GM_OK;
}

/* ---- sorting (heap sort: no recursion, no allocation) -------------------------------- */

typedef bool less_fn(const gm__entry *a, const gm__entry *b);

static bool by_place(const gm__entry *a, const gm__entry *b)
{
    return a->data != b->data ? a->data < b->data : a->bytes < b->bytes;
}

static bool by_name(const gm__entry *a, const gm__entry *b) { return strcmp(a->name, b->name) < 0; }

static void sift(gm__entry *e, size_t i, size_t n, less_fn *less)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && less(&e[child], &e[child + 1])) child++;
        if (!less(&e[i], &e[child])) return;
        gm__entry t = e[i];
        e[i] = e[child];
        e[child] = t;
    }
}

static void sort(gm__entry *e, size_t n, less_fn *less)
{
    for (size_t i = n / 2; i-- > 0;) sift(e, i, n, less);
    while (n > 1) {
        gm__entry t = e[0];
        e[0] = e[--n];
        e[n] = t;
        sift(e, 0, n, less);
    }
}

/* ---- the whole file -------------------------------------------------------------------- */

static gm_status check_layout(gm__st *f, const char *who, const uint8_t *data, size_t size)
{
    const uint8_t *at = data;
    sort(f->entries, f->n, by_place);
    for (size_t i = 0; i < f->n; i++) {
        if (f->entries[i].data != at)
            return gm__fail_ctx(f->ctx, GM_EFORMAT, "%s: header: tensor '%s' starts at byte %zu of the data, the one before ends at %zu",
                                who, f->entries[i].name, (size_t)(f->entries[i].data - data), (size_t)(at - data));
        at += f->entries[i].bytes;
    }
    if (at != data + size)
        return gm__fail_ctx(f->ctx, GM_EFORMAT, "%s: %zu bytes of data belong to no tensor", who, (size_t)(data + size - at));
    sort(f->entries, f->n, by_name);
    for (size_t i = 1; i < f->n; i++)
        if (!strcmp(f->entries[i - 1].name, f->entries[i].name)) return bad(f, who, f->entries[i].name, "the name stands twice");
    return GM_OK;
}

static int hex_digit(uint8_t c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static gm_status check_meta(gm__st *f, const char *who, const uint8_t *digits)
{
    bool own = false;
    for (size_t i = 0; i < f->n_meta; i++) {
        own = own || !strncmp(f->meta[i].key, "gm.", 3);
        for (size_t j = 0; j < i; j++)
            if (!strcmp(f->meta[i].key, f->meta[j].key))
                return gm__fail_ctx(f->ctx, GM_EFORMAT, "%s: header: metadata key '%s' stands twice", who, f->meta[i].key);
    }
    if (!own) return GM_OK;
    uint64_t want = 0;
    bool valid = digits != NULL;
    for (int i = 0; valid && i < 16; i++) {
        valid = hex_digit(digits[i]) >= 0;
        if (valid) want = want << 4 | (uint64_t)hex_digit(digits[i]);
    }
    if (valid) {
        size_t at = (size_t)(digits - f->bytes);
        uint64_t crc = gm__crc64(0, f->bytes, at);
        crc = gm__crc64(crc, "0000000000000000", 16);
        valid = gm__crc64(crc, digits + 16, f->size - at - 16) == want;
    }
    if (!valid) return gm__fail_ctx(f->ctx, GM_EFORMAT, "%s: damaged: gm.checksum is missing or wrong", who);
    return GM_OK;
}

static gm_status parse(gm__st *f, const char *who)
{
    uint64_t n = 0;
    if (f->size < 8) return gm__fail_ctx(f->ctx, GM_EFORMAT, "%s: too short for a safetensors file (%zu bytes)", who, f->size);
    for (int i = 0; i < 8; i++) n |= (uint64_t)f->bytes[i] << 8 * i;
    if (n > f->size - 8)
        return gm__fail_ctx(f->ctx, GM_EFORMAT, "%s: no safetensors file: a header of %llu bytes does not fit in %zu", who, (unsigned long long)n, f->size);
    if (n > GM__ST_HEADER)
        return gm__fail_ctx(f->ctx, GM_ELIMIT, "%s: a header of %llu bytes is over the limit of 16 MiB", who, (unsigned long long)n);
    gm__st_head h = { 0 };
    const uint8_t *data = f->bytes + 8 + n;
    size_t size = f->size - 8 - (size_t)n;
    gm_status s = gm__st_head_read(f->ctx, who, f->bytes + 8, (size_t)n, &h);
    if (!s && h.n && !(f->entries = gm__calloc(f->ctx, h.n, sizeof *f->entries))) s = GM_ENOMEM;
    for (size_t i = 0; !s && i < h.n; i++, f->n++) s = check_tensor(f, who, &h.rows[i], data, size, &f->entries[i]);
    if (!s) s = check_layout(f, who, data, size);
    f->text = h.text;
    f->meta = h.meta;
    f->n_meta = h.n_meta;
    h.text = NULL;
    h.meta = NULL;
    if (!s) s = check_meta(f, who, h.checksum);
    gm__st_head_free(f->ctx, &h);
    return s;
}

static gm_status open_bytes(gm_ctx *ctx, const char *who, uint8_t *bytes, size_t size, gm__map *map, gm__st **out)
{
    gm__st *f = gm__calloc(ctx, 1, sizeof *f);
    *out = NULL;
    if (!f) {
        if (map) gm__map_release(map);
        else gm__free(ctx, bytes);
        return GM_ENOMEM;
    }
    f->ctx = ctx;
    f->bytes = bytes;
    f->size = size;
    f->map = map;
    gm_status s = parse(f, who);
    if (s) gm__st_close(f);
    else *out = f;
    return s;
}

gm_status gm__st_parse(gm_ctx *ctx, const char *who, uint8_t *bytes, size_t size, gm__st **out) { return open_bytes(ctx, who, bytes, size, NULL, out); }

gm_status gm__st_map(gm_ctx *ctx, const char *path, gm__st **out)
{
    gm__map *map;
    *out = NULL;
    GM__TRY(gm__map_open(ctx, path, &map));
    return open_bytes(ctx, path, map->bytes, map->size, map, out);
}

gm_status gm__st_open(gm_ctx *ctx, const char *path, gm__st **out)
{
    uint8_t *bytes;
    size_t size;
    *out = NULL;
    GM__TRY(gm__file_read(ctx, path, UINT64_MAX, &bytes, &size));
    return gm__st_parse(ctx, path, bytes, size, out);
}

void gm__st_close(gm__st *f)
{
    if (!f) return;
    if (f->map) gm__map_release(f->map);
    else gm__free(f->ctx, f->bytes);
    gm__free(f->ctx, f->entries);
    gm__free(f->ctx, f->meta);
    gm__free(f->ctx, f->text);
    gm__free(f->ctx, f);
}

const gm__entry *gm__st_find(const gm__st *f, const char *name)
{
    size_t lo = 0, hi = f->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(f->entries[mid].name, name);
        if (c == 0) return &f->entries[mid];
        if (c < 0) lo = mid + 1;
        else hi = mid;
    }
    return NULL;
}

const char *gm__st_meta(const gm__st *f, const char *key)
{
    for (size_t i = 0; i < f->n_meta; i++)
        if (!strcmp(f->meta[i].key, key)) return f->meta[i].value;
    return NULL;
}
