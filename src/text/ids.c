/* ids.c - lists of tokens. */
#include "text/text.h"

void gm__ids_put(gm__ids *v, int64_t id)
{
    if (v->n == v->cap && !v->failed) {
        size_t cap = v->cap ? 2 * v->cap : 256;
        int64_t *more = gm__realloc(v->ctx, v->id, cap, sizeof *more);
        if (!more) v->failed = true;
        else v->id = more, v->cap = cap;
    }
    if (!v->failed) v->id[v->n++] = id;
}
