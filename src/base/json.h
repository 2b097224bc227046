/* json.h - JSON in through Jansson, with limits; JSON out into a buffer. */
#ifndef GM_BASE_JSON_H
#define GM_BASE_JSON_H

#include "base/base.h"
#include <jansson.h>

enum { GM__JSON_DEPTH = 8, GM__JSON_BYTES = 1 << 20 };

/* Reads an object or array of at most 1 MiB and depth 8; duplicate keys are
 * refused. Messages start with `what`; bad text gives `code` (GM_EFORMAT,
 * GM_EARG), too much GM_ELIMIT. The caller json_decref()s *out. */
gm_status gm__json_parse(gm_ctx *ctx, gm_status code, const char *what, const char *text, size_t n, json_t **out);

/* "..." with escapes; bytes that are no UTF-8 become U+FFFD. */
bool gm__json_string(gm__buf *b, const char *s, size_t n);
/* Length of the valid UTF-8 character at p, 0 if there is none (also for overlong forms, surrogates and what lies
 * beyond U+10FFFF). */
size_t gm__utf8_length(const unsigned char *p, size_t n);
bool gm__json_double(gm__buf *b, double v); /* null if not finite: JSON has no word for it */

#endif
