/* json.h - JSON in, as a tree in one block of the context's memory; JSON out into a buffer. */
#ifndef GM_BASE_JSON_H
#define GM_BASE_JSON_H

#include "base/base.h"

enum { GM__JSON_DEPTH = 8, GM__JSON_BYTES = 1 << 20 };
enum { GM__JSON_NULL, GM__JSON_FALSE, GM__JSON_TRUE, GM__JSON_WHOLE, GM__JSON_REAL, GM__JSON_TEXT, GM__JSON_LIST, GM__JSON_OBJECT };

/* A value. Those in lists and objects follow one another in the order of the text: for (v = o->first; v; v = v->next). */
typedef struct gm__json gm__json;
struct gm__json {
    int kind;
    size_t n;                     /* values in a list or object, bytes of a text */
    const char *key;              /* of a value in an object */
    const gm__json *first, *next;
    union { int64_t whole; double real; const char *text; } is;
};

/* Reads an object or list of at most 1 MiB and depth 8; keys that stand twice, numbers too large and "\u0000" are
 * refused. Messages start with `what`; bad text gives `code` (GM_EFORMAT, GM_EARG), too much GM_ELIMIT. *out is one
 * block: gm__free(ctx, *out). */
gm_status gm__json_parse(gm_ctx *ctx, gm_status code, const char *what, const char *text, size_t n, gm__json **out);
/* The value of a key; NULL if v is no object or has none. */
const gm__json *gm__json_member(const gm__json *v, const char *key);
bool gm__json_is(const gm__json *v, int kind);   /* false for NULL */
double gm__json_number(const gm__json *v);       /* whole or real; 0 for anything else */

/* "..." with escapes; bytes that are no UTF-8 become U+FFFD. */
bool gm__json_string(gm__buf *b, const char *s, size_t n);
/* Length of the valid UTF-8 character at p, 0 if there is none (also for overlong forms, surrogates and what lies
 * beyond U+10FFFF). */
size_t gm__utf8_length(const unsigned char *p, size_t n);
/* Writes the character c < 0x110000 as UTF-8; gives its length. */
size_t gm__utf8_put(char *out, uint32_t c);
bool gm__json_double(gm__buf *b, double v); /* null if not finite: JSON has no word for it */

#endif
