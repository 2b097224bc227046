/* args.c - flags, words, and the lines that complain about them. */
#include "cli.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int complain(int code, const char *format, va_list ap)
{
    fputs("gm: ", stderr);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    return code;
}

int usage_error(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int code = complain(EXIT_USAGE, format, ap);
    va_end(ap);
    return code;
}

int work_error(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int code = complain(EXIT_WORK, format, ap);
    va_end(ap);
    return code;
}

bool same_key(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_'))) return false;
    return *a == *b;
}

static bool is_switch(const char *name) { return same_key(name, "quiet") || same_key(name, "json") || same_key(name, "help"); }

int args_parse(args *a, int argc, char **argv)
{
    memset(a, 0, sizeof *a);
    a->command = argc > 1 ? argv[1] : "";
    a->argc = argc, a->argv = argv;
    a->words = calloc((size_t)argc + 1, sizeof *a->words);
    a->flags = calloc((size_t)argc + 1, sizeof *a->flags);
    if (!a->words || !a->flags) return work_error("out of memory");
    for (int i = 2; i < argc; i++) {
        const char *s = argv[i];
        if (!strcmp(s, "-n")) s = "--count";
        if (!strcmp(s, "-h")) s = "--help";
        if (s[0] != '-' || !strcmp(s, "-")) {
            a->words[a->n_words++] = s;
            continue;
        }
        if (s[1] != '-' || !s[2]) return usage_error("%s: '%s' is no flag: flags are --name value", a->command, s);
        flag *f = &a->flags[a->n_flags++];
        f->name = s + 2;
        if (is_switch(f->name)) {
            f->used = true;
            a->quiet |= same_key(f->name, "quiet");
            a->json |= same_key(f->name, "json");
            a->help |= same_key(f->name, "help");
        } else if (strchr(f->name, '=')) {
            return usage_error("%s: write '--%.*s %s', not '%s'", a->command, (int)strcspn(f->name, "="), f->name, strchr(f->name, '=') + 1, s);
        } else if (i + 1 == argc) {
            return usage_error("%s: --%s needs a value", a->command, f->name);
        } else {
            f->value = argv[++i];
        }
    }
    return 0;
}

void args_free(args *a)
{
    free(a->words);
    free(a->flags);
}

const char *args_text(args *a, const char *name)
{
    const char *value = NULL;
    for (int i = 0; i < a->n_flags; i++)
        if (same_key(a->flags[i].name, name)) a->flags[i].used = true, value = a->flags[i].value;
    return value;
}

int args_whole(args *a, const char *name, long long lo, long long hi, long long *value)
{
    const char *s = args_text(a, name);
    if (!s) return 0;
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || end == s || *end || v < lo || v > hi)
        return usage_error("%s: --%s: expected a whole number from %lld to %lld, got '%s'", a->command, name, lo, hi, s);
    *value = v;
    return 0;
}

int args_real(args *a, const char *name, double lo, double hi, double *value)
{
    const char *s = args_text(a, name);
    if (!s) return 0;
    char *end;
    double v = strtod(s, &end);
    if (end == s || *end || !(v >= lo && v <= hi)) return usage_error("%s: --%s: expected a number from %g to %g, got '%s'", a->command, name, lo, hi, s);
    *value = v;
    return 0;
}

int args_unused(args *a)
{
    for (int i = 0; i < a->n_flags; i++)
        if (!a->flags[i].used) return usage_error("%s: no option '--%s' (see: gm help)", a->command, a->flags[i].name);
    return 0;
}

int args_words(args *a, int n, const char *usage)
{
    if (a->n_words < n) return usage_error("%s: usage: gm %s", a->command, usage);
    if (a->n_words > n) return usage_error("%s: '%s' is one argument too many; usage: gm %s", a->command, a->words[n], usage);
    return 0;
}

static void text_put(text *t, const char *s, size_t n)
{
    if (t->len + n + 1 > t->cap) {
        size_t cap = 2 * (t->len + n + 1);
        char *p = realloc(t->p, cap);
        if (!p) {
            work_error("out of memory");
            exit(EXIT_WORK);
        }
        t->p = p, t->cap = cap;
    }
    memcpy(t->p + t->len, s, n);
    t->p[t->len += n] = 0;
}

void text_option(text *t, const char *key, const char *value)
{
    if (t->len) text_put(t, " ", 1);
    text_put(t, key, strlen(key));
    text_put(t, "='", 2);
    for (; *value; value++) text_put(t, *value == '\'' ? "''" : value, *value == '\'' ? 2 : 1);
    text_put(t, "'", 1);
}

void text_more(text *t, const text *more)
{
    if (!more->len) return;
    if (t->len) text_put(t, " ", 1);
    text_put(t, more->p, more->len);
}

void text_word(text *t, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:,=+@%";
    if (t->len) text_put(t, " ", 1);
    if (*word && strspn(word, plain) == strlen(word)) {
        text_put(t, word, strlen(word));
        return;
    }
    text_put(t, "'", 1);
    for (; *word; word++) text_put(t, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
    text_put(t, "'", 1);
}

void text_free(text *t)
{
    free(t->p);
    memset(t, 0, sizeof *t);
}

void take_options(args *a, const char *owner, text *t)
{
    gm_option o = {.struct_size = sizeof o};
    for (int32_t i = 0; gm_option_at(owner, i, &o) == GM_OK; i++) {
        const char *value = NULL;
        for (int k = 0; k < a->n_flags; k++) {
            flag *f = &a->flags[k];
            if (f->used || !same_key(f->name, o.name)) continue;
            f->used = true, value = f->value;
        }
        if (value) text_option(t, o.name, value);
    }
}
