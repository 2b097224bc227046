/* print.c - the net as a table: layer, output shape, parameters. Allocates nothing. */
#include "nn/net.h"
#include <string.h>

typedef struct page {
    char *out;
    size_t cap, len; /* len counts what did not fit too */
    size_t names, shapes; /* widths of the first two columns */
} page;

static void put(page *p, const char *text, size_t width)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n || i < width; i++, p->len++)
        if (p->len + 1 < p->cap) p->out[p->len] = i < n ? text[i] : ' ';
}

static void row(page *p, const char *name, const char *text, const char *shape, const char *numbers)
{
    size_t before = p->len;
    put(p, name, 0);
    if (*name) put(p, " ", 0);
    put(p, text, 0);
    size_t used = p->len - before;
    put(p, "", used < p->names ? p->names - used : 0);
    put(p, "  ", 0);
    put(p, shape, *numbers ? p->shapes + 2 : 0);
    put(p, numbers, 0);
    put(p, "\n", 0);
}

static void widen(page *p, size_t name, const char *text, const char *shape)
{
    size_t w = name + (name ? 1 : 0) + strlen(text), s = strlen(shape);
    if (w > p->names) p->names = w;
    if (s > p->shapes) p->shapes = s;
}

/* Twice over the tree: first for the widths, then to write. */
static void walk(page *p, const gm__seq *s, char path[], size_t at, size_t cap, bool measure)
{
    for (size_t i = 0; i < s->n; i++) {
        const gm__layer *l = &s->layers[i];
        char shape[128], numbers[32] = "";
        size_t n = at + gm__format(path + at, cap - at, "%zu", i);
        gm__row_text(shape, &l->out);
        if (l->n_param) gm__format(numbers, sizeof numbers, "%lld", (long long)l->numbers);
        if (measure) widen(p, n, l->text, shape);
        else row(p, path, l->text, shape, numbers);
        for (size_t j = 0; j < l->n_branch; j++) {
            size_t k = n;
            if (l->n_branch > 1 || l->kind->branches == 2) k += gm__format(path + n, cap - n, ".%zu", j);
            k += gm__format(path + k, cap - k, ".");
            walk(p, &l->branch[j], path, k, cap, measure);
        }
        path[at] = '\0';
    }
}

size_t gm_net_print(const gm_net *net, char *out, size_t cap)
{
    if (!gm__is(net, GM__NET) || (cap && !out)) return 0;
    page p = {.out = out, .cap = cap};
    char path[GM__NET_DEPTH * 16 + 16] = "", in[128], total[32];
    gm__row_text(in, &net->in);
    gm__format(total, sizeof total, "%lld", (long long)net->body.numbers);
    widen(&p, 0, "layer", "output");
    widen(&p, 0, "total", in);
    walk(&p, &net->body.root, path, 0, sizeof path, true);
    row(&p, "", "layer", "output", "parameters");
    row(&p, "", "input", in, "");
    if (net->cond) {
        char cond[32];
        gm__format(cond, sizeof cond, "[%lld]", (long long)net->cond);
        row(&p, "", "condition", cond, "");
    }
    walk(&p, &net->body.root, path, 0, sizeof path, false);
    row(&p, "", "total", "", total);
    if (cap) out[p.len < cap ? p.len : cap - 1] = '\0';
    return p.len;
}
