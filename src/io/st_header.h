/* st_header.h - the JSON of a safetensors header, inside src/io only. */
#ifndef GM_IO_ST_HEADER_H
#define GM_IO_ST_HEADER_H

#include "io/io.h"

enum { GM__ST_TENSORS = 65536, GM__ST_META = 1024, GM__ST_NAME = 512 };
#define GM__ST_HEADER ((size_t)16 << 20)

/* One tensor as the header tells it, not yet checked against the data. */
typedef struct gm__st_row {
    const char *name;
    char dtype[16];
    int ndim;
    uint64_t shape[GM_MAX_DIMS];
    uint64_t begin, end;
} gm__st_row;

typedef struct gm__st_head {
    gm__st_row *rows;
    size_t n, cap;
    gm__meta *meta;
    size_t n_meta, cap_meta;
    char *text;              /* storage of all strings; as long as the header is enough */
    size_t used;
    const uint8_t *checksum; /* where the 16 digits of gm.checksum stand, or NULL */
} gm__st_head;

/* Reads the header text [p, p+n). h is zeroed by the caller and freed by gm__st_head_free, also after a failure. */
gm_status gm__st_head_read(gm_ctx *ctx, const char *who, const uint8_t *p, size_t n, gm__st_head *h);
void gm__st_head_free(gm_ctx *ctx, gm__st_head *h);

#endif
