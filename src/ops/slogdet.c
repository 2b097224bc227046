/* slogdet.c - log |det a| and, beside it, the sign of det a: [..., 1, 2]. */
#include "ops/linalg.h"

static gm_status infer(gm__call *c)
{
    GM__TRY(gm__infer_square(c));
    return gm__infer_mats(c, 1, 2);
}
static gm_status forward(gm__call *c)
{
    gm__mats a = gm__mats_copy(c->t, c->in[0], false), y = gm__mats_out(c->t, c->out);
    if (!a.data || !y.data) return gm__recorded(c->t);
    for (size_t i = 0; i < a.count; i++) {
        size_t zero;
        gm_status s = gm__solve(c->ctx, a.rows, 0, a.data + i * a.rows * a.rows, NULL, &zero, &y.data[2 * i + 1], &y.data[2 * i]);
        if (s) return gm__mats_failed(c, s, i);
    }
    gm__mats_store(c->t, c->out, y);
    return GM_OK;
}
/* g a^-T; the sign is constant */
static void vjp(gm_tape *t, const gm__node *n, gm_tensor *gy, const bool *want, gm_tensor **gx)
{
    GM__UNUSED(want);
    gx[0] = gm_mul(t, gm__part(t, gy, 0, 1), gm__t(t, gm_inverse(t, n->in[0])));
}
const gm__op gm__op_slogdet = {"slogdet", 1, 0, infer, forward, vjp, NULL,
    "3,3 | 1,1 | 0,0 | 7,7:m | 17,17:m | 2,3,3 | 3,4,4:mt | 5,5:s | 0,3,3 | 2,0,0 | 2,1,2,2 | 6,1,1 | 4,2,2:t"};

gm_tensor *gm_slogdet(gm_tape *t, gm_tensor *a, gm_tensor **sign)
{
    if (sign) *sign = NULL;
    gm_tensor *both = gm__apply1(t, &gm__op_slogdet, a);
    if (!both) return NULL;
    int32_t nd = both->ndim - 2;
    if (sign) *sign = gm_detach(t, gm_reshape(t, gm__part(t, both, 1, 2), nd, both->shape));
    return gm_reshape(t, gm__part(t, both, 0, 1), nd, both->shape);
}
