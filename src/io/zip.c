/* zip.c - the directory of a zip file (PKWARE's APPNOTE): stored and deflated entries, zip64 sizes. Everything is
 * believed only after a comparison with the file: places, sizes, overlaps, names. */
#include "io/io.h"
#include <string.h>

enum { END = 22, LOCATOR = 20, END64 = 56, CENTRAL = 46, LOCAL = 30, MAX_ENTRIES = 1024 };
static const uint64_t MOST_RATIO = 1032; /* deflate cannot expand more */

static uint32_t u16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32(const uint8_t *p) { return u16(p) | u16(p + 2) << 16; }
static uint64_t u64(const uint8_t *p) { return u32(p) | (uint64_t)u32(p + 4) << 32; }

typedef struct directory { uint64_t at, size, count, limit; } directory; /* limit: where the end record starts */

static gm_status bad(const gm__zip *z, const char *what, uint64_t at)
{
    return gm__fail_ctx(z->ctx, GM_EFORMAT, "%s: zip: %s at byte %llu", z->name, what, (unsigned long long)at);
}

/* The end record stands last, before a comment of at most 64 KiB. */
static gm_status find_directory(const gm__zip *z, directory *d)
{
    const uint8_t *b = z->bytes;
    if (z->size < END) return gm__fail_ctx(z->ctx, GM_EFORMAT, "%s: no zip file: %zu bytes", z->name, z->size);
    size_t at = z->size - END, least = z->size - END > 65535 ? z->size - END - 65535 : 0;
    while (at > least && (u32(b + at) != 0x06054b50 || u16(b + at + 20) != z->size - END - at)) at--;
    if (u32(b + at) != 0x06054b50 || u16(b + at + 20) != z->size - END - at) return gm__fail_ctx(z->ctx, GM_EFORMAT, "%s: no zip file, or cut off: it has no directory", z->name);
    if (u16(b + at + 4) || u16(b + at + 6) || u16(b + at + 8) != u16(b + at + 10)) return bad(z, "a file in several volumes", at);
    *d = (directory){ u32(b + at + 16), u32(b + at + 12), u16(b + at + 10), at };
    if (at >= LOCATOR && u32(b + at - LOCATOR) == 0x07064b50) {
        uint64_t end = u64(b + at - LOCATOR + 8);
        if (end > at - LOCATOR || at - LOCATOR - end < END64 || u32(b + end) != 0x06064b50) return bad(z, "a zip64 record that is none", at - LOCATOR);
        *d = (directory){ u64(b + end + 48), u64(b + end + 40), u64(b + end + 32), end };
    }
    if (d->at > d->limit || d->size > d->limit - d->at) return bad(z, "a directory that lies outside of the file", at);
    if (d->count > MAX_ENTRIES) return gm__fail_ctx(z->ctx, GM_ELIMIT, "%s: zip: %llu entries; at most 1024 are read", z->name, (unsigned long long)d->count);
    if (d->count * CENTRAL > d->size) return bad(z, "a directory smaller than its entries", d->at);
    return GM_OK;
}

/* Sizes and place of 0xffffffff stand in the zip64 field of the extra data. */
static bool zip64(const uint8_t *p, size_t n, uint64_t *size, uint64_t *packed, uint64_t *place)
{
    uint64_t *const want[] = { size, packed, place };
    bool any = *size == UINT32_MAX || *packed == UINT32_MAX || *place == UINT32_MAX;
    while (n >= 4 && u16(p + 2) <= n - 4) {
        size_t len = u16(p + 2);
        const uint8_t *q = p + 4;
        if (u16(p) == 1) {
            for (int i = 0; i < 3; i++) {
                if (*want[i] != UINT32_MAX) continue;
                if (len < 8) return false;
                *want[i] = u64(q);
                q += 8, len -= 8;
            }
            return true;
        }
        n -= 4 + len;
        p += 4 + len;
    }
    return !any;
}

/* The entry at *at of the directory; its name goes to *text. */
static gm_status read_entry(gm__zip *z, const directory *d, uint64_t *at, gm__zip_entry *e, char **text)
{
    const uint8_t *p = z->bytes + *at;
    uint64_t left = d->at + d->size - *at, place;
    if (left < CENTRAL || u32(p) != 0x02014b50) return bad(z, "no entry of the directory", *at);
    size_t name = u16(p + 28), extra = u16(p + 30), all = CENTRAL + name + extra + u16(p + 32);
    uint32_t method = u16(p + 10);
    if (all > left) return bad(z, "an entry that goes past the directory", *at);
    if (u16(p + 8) & 1) return bad(z, "an encrypted entry", *at);
    if (method != 0 && method != 8) return bad(z, "an entry packed neither by store nor deflate", *at);
    if (!name || memchr(p + CENTRAL, 0, name)) return bad(z, "an entry without a proper name", *at);
    *e = (gm__zip_entry){ *text, method == 8, u32(p + 16), 0, u32(p + 20), u32(p + 24) };
    place = u32(p + 42);
    if (!zip64(p + CENTRAL + name, extra, &e->size, &e->packed, &place)) return bad(z, "an entry without its zip64 sizes", *at);
    memcpy(*text, p + CENTRAL, name);
    (*text)[name] = 0;
    *text += name + 1;

    if (place > d->at || d->at - place < LOCAL || u32(z->bytes + place) != 0x04034b50) return bad(z, "an entry that points to no file", *at);
    const uint8_t *l = z->bytes + place;
    e->start = place + LOCAL + u16(l + 26) + u16(l + 28);
    if (u16(l + 26) != name || e->start > d->at || memcmp(l + LOCAL, p + CENTRAL, name)) return bad(z, "a file under another name than in the directory", place);
    if (e->packed > d->at - e->start) return bad(z, "a file that goes into the directory", place);
    if (e->deflated ? e->size / MOST_RATIO > e->packed + 64 : e->size != e->packed) return bad(z, "a size that the file cannot have", *at);
    *at += all;
    return GM_OK;
}

static gm_status read_entries(gm__zip *z)
{
    directory d = { 0 };
    GM__TRY(find_directory(z, &d));
    z->entry = gm__calloc(z->ctx, (size_t)d.count + 1, sizeof *z->entry);
    z->text = gm__alloc(z->ctx, (size_t)d.size + 1, 1); /* an entry is longer than its name */
    if (!z->entry || !z->text) return GM_ENOMEM;
    char *text = z->text;
    for (uint64_t at = d.at; z->n < d.count; z->n++) {
        gm__zip_entry *e = &z->entry[z->n];
        GM__TRY(read_entry(z, &d, &at, e, &text));
        for (size_t i = 0; i < z->n; i++) {
            const gm__zip_entry *o = &z->entry[i];
            if (!strcmp(o->name, e->name)) return gm__fail_ctx(z->ctx, GM_EFORMAT, "%s: zip: '%s' stands twice", z->name, e->name);
            if (e->start < o->start + o->packed && o->start < e->start + e->packed)
                return gm__fail_ctx(z->ctx, GM_EFORMAT, "%s: zip: '%s' and '%s' overlap", z->name, o->name, e->name);
        }
    }
    return GM_OK;
}

static gm_status make(gm_ctx *ctx, const char *name, uint8_t *owned, const uint8_t *bytes, size_t size, gm__zip **out)
{
    gm__zip *z = gm__calloc(ctx, 1, sizeof *z);
    *out = NULL;
    if (!z) {
        gm__free(ctx, owned);
        return GM_ENOMEM;
    }
    z->ctx = ctx;
    z->owned = owned;
    z->bytes = bytes;
    z->size = size;
    z->name = gm__strdup(ctx, name);
    gm_status s = z->name ? read_entries(z) : GM_ENOMEM;
    if (s) gm__zip_close(z);
    else *out = z;
    return s;
}

gm_status gm__zip_open(gm_ctx *ctx, const char *path, gm__zip **out)
{
    uint8_t *data;
    size_t size;
    *out = NULL;
    GM__TRY(gm__file_read(ctx, path, UINT64_MAX, &data, &size));
    return make(ctx, path, data, data, size, out);
}

gm_status gm__zip_memory(gm_ctx *ctx, const char *who, const void *bytes, size_t size, gm__zip **out)
{
    return make(ctx, who, NULL, bytes, size, out);
}

void gm__zip_close(gm__zip *z)
{
    if (!z) return;
    gm__free(z->ctx, z->entry);
    gm__free(z->ctx, z->text);
    gm__free(z->ctx, z->owned);
    gm__free(z->ctx, z->name);
    gm__free(z->ctx, z);
}

gm_status gm__zip_in(const gm__zip *z, const gm__zip_entry *e, gm__in **out)
{
    char who[400];
    gm__format(who, sizeof who, "%s: %s", z->name, e->name);
    return gm__in_part(z->ctx, who, z->bytes + e->start, (size_t)e->packed, e->deflated, e->size, e->crc, out);
}
