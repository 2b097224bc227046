/* ctx.h - what the files of src/base share and nobody else needs. */
#ifndef GM_BASE_CTX_H
#define GM_BASE_CTX_H

#include "base/base.h"

/* The host's allocator below the counts; used for the context itself. */
void *gm__raw_alloc(const gm_ctx_config *cfg, size_t size);
void gm__raw_free(const gm_ctx_config *cfg, void *p);
size_t gm__raw_size(void *p); /* bytes the host gave for p */

/* Joins the workers (drops them in a forked child); the pool starts anew at the next gm__parallel. */
void gm__pool_stop(gm_ctx *ctx);
/* Makes the per-worker scratch tables for n workers, freeing blocks of workers that are no more. */
gm_status gm__scratch_tables(gm_ctx *ctx, int32_t n);
int32_t gm__cpus_online(void);

/* Control characters of a text become '?', in place. */
void gm__one_line(char *text);

#endif
