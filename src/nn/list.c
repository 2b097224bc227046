/* list.c - the layers as help pages show them: how each is written and what its settings mean. */
#include "nn/net.h"
#include <string.h>

typedef struct page { char *out; size_t cap, len; } page;

static void put(page *p, const char *text)
{
    size_t n = strlen(text);
    if (p->len + n + 1 > p->cap) n = p->cap - p->len - 1;
    memcpy(p->out + p->len, text, n);
    p->out[p->len += n] = 0;
}

/* The word that stands for a setting: N, kN, eps=X, nobias. Further numbers by position are M, P. */
static void word(const gm__setting *s, size_t position, char *out, size_t cap)
{
    static const char *const by_position[] = { "N", "M", "P", "Q" };
    const char *value = s->type == GM__S_REAL ? "X" : s->type == GM__S_INIT ? "RULE" : s->key ? "N" : by_position[position & 3];
    if (s->type == GM__S_DIMS) gm__format(out, cap, "N ..");
    else if (s->type == GM__S_FLAG) gm__format(out, cap, "%s", s->key);
    else if (!s->key) gm__format(out, cap, "%s", value);
    else gm__format(out, cap, "%s%s%s", s->key, s->key[1] ? "=" : "", value);
}

static void usage(const gm__kind *k, page *p)
{
    size_t position = 0;
    put(p, k->name);
    for (size_t i = 0; i < k->n_settings; i++) {
        char w[48];
        word(&k->settings[i], position, w, sizeof w);
        position += !k->settings[i].key;
        put(p, k->settings[i].required ? " " : " [");
        put(p, w);
        put(p, k->settings[i].required ? "" : "]");
    }
    put(p, k->branches == 0 ? "" : k->branches == 1 ? "( LAYERS )" : "( LAYERS | LAYERS .. )");
}

static void settings(const gm__kind *k, page *p)
{
    size_t position = 0;
    for (size_t i = 0; i < k->n_settings; i++) {
        const gm__setting *s = &k->settings[i];
        char w[48], text[160];
        word(s, position, w, sizeof w);
        position += !s->key;
        if (s->type == GM__S_FLAG || s->type == GM__S_INIT) continue; /* the word says it */
        gm__format(text, sizeof text, "%s%s: %s, %g to %g", p->len ? "\n" : "", w, s->what, s->lo, s->hi);
        put(p, text);
        if (!s->required && s->def >= s->lo && s->def <= s->hi) gm__format(text, sizeof text, " (%g)", s->def), put(p, text);
    }
}

gm_status gm_layer_at(int32_t i, gm_layer *out)
{
    if (!out || i < 0 || out->struct_size < 2 * sizeof(uint32_t)) return GM_EARG;
    int32_t n = 0;
    while (gm__layers[n] && n < i) n++;
    const gm__kind *k = gm__layers[n];
    if (!k) return GM_END;
    gm_layer found = { .struct_size = sizeof found, .name = k->name, .help = k->help ? k->help : "" };
    page u = { found.usage, sizeof found.usage, 0 }, s = { found.settings, sizeof found.settings, 0 };
    usage(k, &u);
    settings(k, &s);
    gm__struct_init(out, out->struct_size, &found, sizeof found);
    return GM_OK;
}
