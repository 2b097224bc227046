/* tape.c - a tape's life, switches and its first error. */
#include "tape/tape.h"
#include "tape/diff.h"
#include <stdarg.h>
#include <string.h>

gm_status gm_tape_new(gm_ctx *ctx, uint64_t seed, gm_tape **out)
{
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!out) return gm__fail_ctx(ctx, GM_EARG, "tape: out is NULL");
    gm_tape *t = gm__calloc(ctx, 1, sizeof *t);
    if (!t) return gm__fail_ctx(ctx, GM_ENOMEM, "tape: out of memory or over the memory cap");
    t->h.magic = GM__TAPE;
    atomic_init(&t->h.refs, 1);
    t->ctx = ctx;
    gm__retain(ctx);
    t->seed = seed;
    t->generation = 1;
    t->training = t->recording = true;
    *out = t;
    return GM_OK;
}

static void drop_leaves(gm_tape *t)
{
    while (t->n_kept) gm_tensor_free(t->kept[--t->n_kept]);
}

void gm_tape_free(gm_tape *t)
{
    if (!gm__is(t, GM__TAPE) || !gm__release(t)) return;
    gm_ctx *ctx = t->ctx;
    drop_leaves(t);
    gm__tape_free_headers(t);
    gm__area_free(ctx, &t->area);
    gm__area_free(ctx, &t->grad_area);
    gm__area_free(ctx, &t->spare_area);
    gm__free(ctx, t->kept);
    gm__free(ctx, t->nodes);
    t->h.magic = GM__DEAD;
    gm__free(ctx, t);
    gm_ctx_free(ctx);
}

void gm_tape_reset(gm_tape *t)
{
    if (!gm__is(t, GM__TAPE)) return;
    if (t->diff || t->exploring) { /* what is in use would go */
        gm__diff_idle(t, "reset");
        return;
    }
    gm__mark start = {0};
    gm__tape_rewind(t, &start);
    gm__area_reset(t->ctx, &t->area);
    t->frame = NULL;
    t->err.status = GM_OK;
    t->generation++;
    t->draws = 0;
    t->steps++;
}

size_t gm_tape_bytes(const gm_tape *t)
{
    return gm__is(t, GM__TAPE) ? gm__area_bytes(&t->area) + gm__area_bytes(&t->grad_area) + gm__area_bytes(&t->spare_area) : 0;
}

uint64_t gm_tape_generation(const gm_tape *t) { return gm__is(t, GM__TAPE) ? t->generation : 0; }

gm_status gm_tape_status(const gm_tape *t) { return gm__is(t, GM__TAPE) ? t->err.status : GM_EARG; }

const char *gm_tape_message(const gm_tape *t)
{
    if (!gm__is(t, GM__TAPE)) return "no tape: the handle is NULL or no tape";
    return t->err.status ? t->err.text : gm_status_text(GM_OK);
}

void gm_tape_training(gm_tape *t, int32_t on)
{
    if (gm__is(t, GM__TAPE)) t->training = on != 0;
}

void gm_tape_recording(gm_tape *t, int32_t on)
{
    if (gm__is(t, GM__TAPE)) t->recording = on != 0;
}

void gm_tape_trap(gm_tape *t, int32_t on)
{
    if (gm__is(t, GM__TAPE)) t->trap = on != 0;
}

void gm_tape_seed(gm_tape *t, uint64_t seed)
{
    if (!gm__is(t, GM__TAPE)) return;
    t->seed = seed;
    t->draws = 0;
    t->steps = 0;
}

/* The first error stays; the context gets its message too, for the host that looks there. */
gm_tensor *gm__tape_fail(gm_tape *t, gm_status code, const char *format, ...)
{
    if (t->err.status) return NULL;
    char text[GM__MESSAGE];
    va_list ap;
    va_start(ap, format);
    gm__vformat(text, sizeof text, format, ap);
    va_end(ap);
    gm__fail(&t->err, code, "%s", text);
    gm__fail_ctx(t->ctx, code, "%s", t->err.text);
    return NULL;
}
