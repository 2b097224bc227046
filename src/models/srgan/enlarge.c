/* enlarge.c - large pictures to small ones, and back: the bicubic enlargement plus what the generator gives. */
#include "models/srgan/srgan.h"

gm_tensor *gm__srgan_pictures(const gm_model *m, gm_tape *t, gm_tensor *x)
{
    const int64_t *im = gm__srgan_of(m)->large;
    return x ? gm_reshape(t, x, 4, (int64_t[]){x->shape[0], im[0], im[1], im[2]}) : NULL;
}

gm_tensor *gm__srgan_reduce(const gm_model *m, gm_tape *t, gm_tensor *large)
{
    const int64_t f = gm__srgan_cfg(m)->factor, k[] = {f, f};
    if (!large) return NULL;
    if (gm__srgan_cfg(m)->reduce == GM_REDUCE_AREA) return gm_avg_pool2d(t, large, k, NULL, NULL, 1);
    return gm_upsample2d(t, large, large->shape[2] / f, large->shape[3] / f, GM_BICUBIC);
}

gm_tensor *gm__srgan_bicubic(const gm_model *m, gm_tape *t, gm_tensor *small)
{
    const int64_t f = gm__srgan_cfg(m)->factor;
    return small ? gm_upsample2d(t, small, small->shape[2] * f, small->shape[3] * f, GM_BICUBIC) : NULL;
}

static gm_tensor *by_net(const gm_model *m, gm_tape *t, gm_net *net, gm_tensor *small)
{
    gm_tensor *up = gm__srgan_bicubic(m, t, small);
    return up ? gm_add(t, up, gm_net_apply(net, t, small, NULL)) : NULL;
}

gm_tensor *gm__srgan_enlarge(const gm_model *m, gm_tape *t, gm_tensor *small) { return by_net(m, t, gm__srgan_of(m)->g, small); }

/* ---- pictures of other sizes ------------------------------------------------------------------ */

/* The generator for pictures of another size: convolutions have the same weights whatever that is. */
static gm_status resized(const gm_model *m, const int64_t *shape, gm_net **out)
{
    const gm_net *g = gm__srgan_of(m)->g;
    GM__TRY(gm_net_new(m->ctx, gm_net_text(g), 3, shape, 0, out));
    for (int32_t i = 0; i < gm_net_tensor_count(g); i++) {
        gm_tensor *to = gm_net_tensor(*out, i), *from = gm_net_tensor(g, i);
        if (!gm__shape_equal(to, from))
            return gm__fail_ctx(m->ctx, GM_ESHAPE, "srgan: this generator takes pictures of %lld x %lld alone, got %lld x %lld", (long long)gm__srgan_of(m)->small[1], (long long)gm__srgan_of(m)->small[2],
                                (long long)shape[1], (long long)shape[2]);
        GM__TRY(gm_tensor_assign(to, from));
    }
    return GM_OK;
}

enum { AT_ONCE = 1 << 16 }; /* pixels of small pictures: what lies between grows with them */

static gm_tensor *in_parts(const gm_model *m, gm_tape *t, gm_net *net, gm_tensor *small)
{
    const int64_t n = small->shape[0], pixels = small->shape[2] * small->shape[3], some = pixels < AT_ONCE ? AT_ONCE / pixels : 1, f = gm__srgan_cfg(m)->factor;
    const int64_t shape[] = {n, small->shape[1], small->shape[2] * f, small->shape[3] * f}, row = shape[1] * shape[2] * shape[3];
    gm_tensor *all = gm__tape_tensor(t, GM_F32, 4, shape);
    for (int64_t at = 0; all && at < n; at += some) {
        const int64_t end = at + some < n ? at + some : n;
        const uint64_t frame = gm_tape_push(t);
        gm_tensor *y = by_net(m, t, net, gm_slice(t, small, 0, at, end, 1));
        y = y ? gm__tape_contiguous(t, gm_clamp(t, y, 0, 1)) : NULL;
        for (int64_t i = 0; y && i < y->size; i++) gm__f32(all)[at * row + i] = gm__f32(y)[i];
        gm_tape_pop(t, frame, NULL);
        if (!y) return NULL;
    }
    return all;
}

gm_tensor *gm__srgan_use(const gm_model *m, gm_tape *t, gm_tensor *small)
{
    const gm__srgan *g = gm__srgan_of(m);
    gm_net *other = NULL;
    char text[128];
    if (!small) return NULL;
    if (small->ndim != 4 || small->shape[1] != g->small[0] || small->size < 1)
        return gm__tape_fail(t, GM_ESHAPE, "srgan: pictures [N,%lld,h,w] wanted, got %s", (long long)g->small[0], gm__shape_text(text, small->ndim, small->shape));
    if (small->shape[2] == g->small[1] && small->shape[3] == g->small[2]) return in_parts(m, t, g->g, small);
    gm_status s = resized(m, small->shape + 1, &other);
    gm_tensor *y = s ? gm__tape_fail(t, s, "%s", gm_ctx_message(m->ctx)) : in_parts(m, t, other, small);
    gm_net_free(other);
    return y;
}
