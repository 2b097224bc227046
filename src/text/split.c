/* split.c - UTF-8, classes of characters, and how text is cut before words are counted or merges are made. */
#include "text/text.h"
#include "base/json.h"

typedef struct range { uint32_t first, last; } range;
#include "text/unicode.inc"

enum { LETTER, NUMBER, SPACE, OTHER };

uint32_t gm__utf8_code(const uint8_t *p, size_t n, size_t *length)
{
    size_t len = gm__utf8_length(p, n);
    *length = len ? len : 1;
    if (!len) return 0x110000u + p[0];
    if (len == 1) return p[0];
    uint32_t c = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) c = c << 6 | (p[i] & 0x3f);
    return c;
}

/* Unicode's White_Space */
bool gm__is_space(uint32_t c)
{
    if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool within(const range *r, size_t n, uint32_t c)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (r[mid].last < c) lo = mid + 1;
        else hi = mid;
    }
    return lo < n && r[lo].first <= c;
}

static int class_of(uint32_t c)
{
    if (c < 0x80) return (c | 32) >= 'a' && (c | 32) <= 'z' ? LETTER : c >= '0' && c <= '9' ? NUMBER : gm__is_space(c) ? SPACE : OTHER;
    if (gm__is_space(c)) return SPACE;
    return within(letters, GM__COUNT(letters), c) ? LETTER : within(numbers, GM__COUNT(numbers), c) ? NUMBER : OTHER;
}

/* Bytes of the characters of one class at p. *last: of the last of them. */
static size_t run_of(int wanted, const uint8_t *p, size_t n, size_t *last)
{
    size_t at = 0, len;
    for (; at < n; at += len) {
        len = 1;
        if (class_of(p[at] < 0x80 ? p[at] : gm__utf8_code(p + at, n - at, &len)) != wanted) break;
        *last = len;
    }
    return at;
}

/* 's 't 're 've 'm 'll 'd */
static size_t ending(const uint8_t *p, size_t n)
{
    if (n < 2 || p[0] != '\'') return 0;
    if (p[1] == 's' || p[1] == 't' || p[1] == 'm' || p[1] == 'd') return 2;
    return n > 2 && ((p[1] == 'r' && p[2] == 'e') || (p[1] == 'v' && p[2] == 'e') || (p[1] == 'l' && p[2] == 'l')) ? 3 : 0;
}

static size_t gpt2(const uint8_t *p, size_t n)
{
    size_t len, last = 0, blank = p[0] == ' ' && n > 1;
    len = ending(p, n);
    if (len) return len;
    int class = class_of(gm__utf8_code(p + blank, n - blank, &len));
    if (class != SPACE) return blank + run_of(class, p + blank, n - blank, &last);
    len = run_of(SPACE, p, n, &last);
    /* of several blanks the last one goes with what follows */
    return len < n && len > last ? len - last : len;
}

/* A word up to the next blank; a line end by itself; other blanks are pieces that say nothing. */
static size_t by_space(const uint8_t *p, size_t n)
{
    size_t at = 0, len;
    if (p[0] == '\n') return 1;
    while (at < n && p[at] > ' ' && p[at] < 0x7f) at++; /* most words, to their end */
    if (at && (at == n || p[at] == ' ')) return at;
    bool space = gm__is_space(gm__utf8_code(p, n, &len));
    for (; at < n && p[at] != '\n'; at += len) {
        len = 1;
        if (gm__is_space(p[at] < 0x80 ? p[at] : gm__utf8_code(p + at, n - at, &len)) != space) break;
    }
    return at;
}

size_t gm__split(int32_t pattern, const uint8_t *p, size_t n)
{
    return pattern == GM__SPLIT_GPT2 ? gpt2(p, n) : pattern == GM__SPLIT_SPACE ? by_space(p, n) : n;
}
