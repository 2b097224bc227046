/* open.c - from a SPEC to a data set. */
#include "data/data.h"
#include <string.h>

static const gm__reader readers[] = {
#define READER(kind, open) { #kind, open },
#include "data/readers.def"
#undef READER
};

static gm_status unknown(gm_ctx *ctx, const char *kind)
{
    char list[128];
    size_t at = 0;
    for (size_t i = 0; i < GM__COUNT(readers); i++)
        at += gm__format(list + at, at < sizeof list ? sizeof list - at : 0, i ? " %s" : "%s", readers[i].kind);
    return gm__fail_ctx(ctx, GM_EARG, "data: no kind '%s'; there are: %s", kind, list);
}

static gm_status cut(gm_ctx *ctx, const gm__spec *spec, gm_dataset **d)
{
    gm_dataset *part;
    uint64_t rows = gm_dataset_rows(*d), end = spec->end < 0 ? rows : (uint64_t)spec->end;
    if (end > rows || (uint64_t)spec->first >= end) /* the text is right, the data are shorter */
        return gm__fail_ctx(ctx, GM_EFORMAT, "data: the range goes past the end: %s:%s has %llu rows", spec->kind, spec->path[0], (unsigned long long)rows);
    GM__TRY(gm_dataset_range(*d, (uint64_t)spec->first, end, (uint64_t)spec->stride, &part));
    gm_dataset_free(*d);
    *d = part;
    return GM_OK;
}

gm_status gm_dataset_open(gm_ctx *ctx, const char *text, gm_dataset **out)
{
    gm__spec spec;
    gm_dataset *d = NULL;
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!text || !out) return gm__fail_ctx(ctx, GM_EARG, "dataset_open: an argument is NULL");
    GM__TRY(gm__spec_parse(ctx, text, &spec));
    size_t i = 0;
    while (i < GM__COUNT(readers) && strcmp(readers[i].kind, spec.kind)) i++;
    gm_status s = i < GM__COUNT(readers) ? gm__dataset_make(ctx, &d) : unknown(ctx, spec.kind);
    if (!s) s = readers[i].open(ctx, &spec, d);
    if (!s && spec.has_range) s = cut(ctx, &spec, &d);
    gm__spec_free(ctx, &spec);
    if (s) gm_dataset_free(d);
    else *out = d;
    return s;
}
