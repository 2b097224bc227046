/* unroll.c - a generator that looks ahead: its loss is taken against the discriminator as it would be after some steps, which are
 * differentiated, too, so that the generator minds how D will answer [Metz et al. 2017]. The steps go by the rates of D's own
 * optimiser: for each weight matrix the mean of its second moments, without momentum. */
#include "models/gan/unroll.h"

static int32_t count(const gm_net *net)
{
    int32_t n = 0;
    for (int32_t i = 0; net && i < gm_net_tensor_count(net); i++) n += gm_net_tensor_is_parameter(net, i);
    return n;
}

/* D's nets take the present point of the way, or their own weights again. */
static void put(const gm__unroll *u, gm_tensor **from)
{
    const gm__gan *g = gm__gan_of(u->m);
    gm_net *const nets[] = {g->d, g->d_label, g->d_head};
    for (size_t k = 0; k < GM__COUNT(nets); k++)
        if (nets[k]) from += gm__net_put(nets[k], from);
}

gm_status gm__unroll_begin(gm_model *m, gm_trainer *tr, gm__unroll *u)
{
    const gm__gan *g = gm__gan_of(m);
    gm_net *const nets[] = {g->d, g->d_label, g->d_head};
    gm_tape *t = tr->tape;
    int32_t all = 0;
    *u = (gm__unroll){.m = m, .t = t, .d = tr->rival};
    for (size_t k = 0; k < GM__COUNT(nets); k++) all += count(nets[k]);
    u->own = gm__arena(t, 2 * (size_t)all, sizeof *u->own);
    if (!u->own) return gm__tape_failed(tr->ctx, t);
    u->now = u->own + all;
    for (size_t k = 0; k < GM__COUNT(nets); k++)
        for (int32_t i = 0; nets[k] && i < gm_net_tensor_count(nets[k]); i++) {
            gm_tensor *w = gm_net_tensor(nets[k], i);
            if (!gm_net_tensor_is_parameter(nets[k], i)) continue;
            u->own[u->n++] = w;
        }
    gm__optim_set_clock(tr->rival, tr->st.step);
    for (int32_t i = 0; i < u->n; i++) {
        u->now[i] = gm_detach(t, u->own[i]);
        if (!u->now[i]) return gm__tape_failed(tr->ctx, t);
        u->now[i]->wants_grad = true;
    }
    put(u, u->now);
    return GM_OK;
}

void gm__unroll_end(const gm__unroll *u)
{
    if (u->own) put(u, u->own);
}

gm_status gm__unroll_step(gm__unroll *u, gm_tensor *loss)
{
    gm_tape *t = u->t;
    gm_tensor **g = gm__arena(t, (size_t)u->n, sizeof *g);
    if (!g || !loss || gm_tape_grad(t, loss, u->now, u->n, 1, g)) return gm__tape_failed(u->m->ctx, t);
    for (int32_t i = 0; i < u->n; i++) u->now[i] = gm_sub(t, u->now[i], gm_affine(t, g[i], gm__optim_rate(u->d, u->own[i]), 0));
    if (gm_tape_status(t)) return gm__tape_failed(u->m->ctx, t);
    put(u, u->now);
    return GM_OK;
}
