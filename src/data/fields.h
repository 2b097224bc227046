/* fields.h - rows of text fields, and texts numbered as they appear; inside src/data only. */
#ifndef GM_DATA_FIELDS_H
#define GM_DATA_FIELDS_H

#include "data/data.h"

/* A text file of rows (RFC 4180: quotes, line ends of all kinds) read in one pass; one row is in memory. */
typedef struct gm__fields {
    gm_ctx *ctx;
    gm__in *in;
    char separator;
    uint8_t chunk[2048];
    size_t at, got;
    uint64_t line;        /* of the row being read, from 1 */
    uint64_t lines;       /* line ends so far */
    gm__buf text;         /* the row's fields, each ended by NUL */
    size_t *field;        /* where each starts */
    size_t n, cap;        /* fields of the row */
} gm__fields;
void gm__fields_init(gm__fields *f, gm__in *in, char separator);
void gm__fields_free(gm__fields *f);
gm_status gm__fields_next(gm__fields *f); /* the next row; n is 0 at the end. Blank lines and a byte order mark are skipped */
static inline const char *gm__field(const gm__fields *f, size_t i) { return f->text.data + f->field[i]; }
/* GM_EFORMAT naming line and column (from 0 here, from 1 there); found may be "". */
gm_status gm__fields_bad(const gm__fields *f, size_t column, const char *what, const char *found);
bool gm__field_number(const char *text, double *v); /* the whole field, blanks around it allowed */

/* Number of a text; a new one gets the next. More than `most` different ones: GM_ELIMIT, naming `what`. */
gm_status gm__words_add(gm__words *w, const char *what, const char *text, size_t most, int64_t *number);
/* Every word a whole number from 0 on? Then values[i] becomes what word i says. */
bool gm__words_numbers(const gm__words *w, int64_t *values, uint64_t n);

#endif
