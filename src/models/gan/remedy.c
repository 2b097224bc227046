/* remedy.c - what health=act does when training goes wrong: back to weights that were well, smaller rates, another ratio of steps, or
 * the end. */
#include "models/gan/health.h"
#include <math.h>
#include <string.h>

/* ---- healthy weights ------------------------------------------------------------------------ */

typedef struct walk { gm_trainer *tr; size_t room; } walk;

static gm_status add(walk *w, gm_tensor *live)
{
    gm__health *h = gm__health_of(w->tr);
    gm_ctx *ctx = w->tr->ctx;
    char name[32];
    gm_tensor *copy = NULL;
    if (h->n == w->room) {
        const size_t room = w->room ? 2 * w->room : 32;
        gm_tensor **a = gm__realloc(ctx, h->live, room, sizeof *a);
        if (!a) return GM_ENOMEM;
        h->live = a;
        gm_tensor **b = gm__realloc(ctx, h->kept, room, sizeof *b);
        if (!b) return GM_ENOMEM;
        h->kept = b;
        w->room = room;
    }
    GM__TRY(gm_tensor_new(ctx, live->dtype, live->ndim, live->shape, &copy));
    gm__format(name, sizeof name, "healthy.%zu", h->n);
    gm_status s = gm__trainer_keep(w->tr, name, copy);
    if (s) {
        gm_tensor_free(copy);
        return s;
    }
    gm__retain(live);
    h->live[h->n] = live, h->kept[h->n++] = copy;
    return GM_OK;
}

static gm_status add_state(void *user, const char *name, gm_tensor *t)
{
    GM__UNUSED(name);
    return add(user, t);
}

gm_status gm__remedy_room(gm_model *m, gm_trainer *tr)
{
    walk w = {tr, 0};
    for (size_t i = 0; i < m->n_tensors; i++) GM__TRY(add(&w, m->tensors[i].tensor));
    GM__TRY(gm__optim_state(tr->optim, add_state, &w));
    return gm__optim_state(tr->rival, add_state, &w);
}

static void move_all(gm_tensor *const *from, gm_tensor *const *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(to[i]->data, from[i]->data, (size_t)to[i]->size * gm__esize(to[i]->dtype));
        to[i]->version++;
    }
}

void gm__remedy_keep(gm_trainer *tr)
{
    gm__health *h = gm__health_of(tr);
    move_all(h->live, h->kept, h->n);
    gm__health_state(tr)[GM__H_KEPT] = (double)(1 + tr->st.step);
}

/* ---- what is done ----------------------------------------------------------------------------- */

static void cut(double *v)
{
    const double least = 1.0 / 1024; /* of the rates that were asked for */
    v[GM__H_RATE] = fmax(v[GM__H_RATE] / 2, least);
}

/* Back to the healthy weights; from there the same rates would go the same way. */
static void roll_back(gm_trainer *tr, int ill)
{
    gm__health *h = gm__health_of(tr);
    double *v = gm__health_state(tr);
    const long long step = (long long)v[GM__H_KEPT] - 1;
    move_all(h->kept, h->live, h->n);
    cut(v);
    v[GM__H_G_SEEN] = v[GM__H_D_SEEN] = 0; /* running means begin anew */
    gm__trainer_raise(tr, GM_EVENT_REMEDY, gm__ill_events[ill], "%s: back to the weights of step %lld, rates at %g of what they were at first", gm__ill_names[ill], step, v[GM__H_RATE]);
}

void gm__remedy(gm_model *m, gm_trainer *tr, int ill, double towards_d)
{
    gm__health *h = gm__health_of(tr);
    double *v = gm__health_state(tr);
    const char *why = gm__ill_names[ill];
    if (gm__gan_cfg(m)->health != GM_HEALTH_ACT) return;
    switch (h->cure[ill]) {
    case GM__CURE_ROLLBACK:
    case GM__CURE_LR:
        if (h->cure[ill] == GM__CURE_ROLLBACK && v[GM__H_KEPT] > 0) { /* else nothing was ever well */
            roll_back(tr, ill);
            break;
        }
        cut(v);
        gm__trainer_raise(tr, GM_EVENT_REMEDY, gm__ill_events[ill], "%s: rates at %g of what they were at first", why, v[GM__H_RATE]);
        break;
    case GM__CURE_RATIO:
        v[GM__H_RATIO] = fmin(fmax(towards_d > 0 ? 2 * v[GM__H_RATIO] : v[GM__H_RATIO] / 2, 1.0 / 16), 16);
        gm__trainer_raise(tr, GM_EVENT_REMEDY, gm__ill_events[ill], "%s: %g steps of the discriminator for one of the generator", why, gm__gan_cfg(m)->d_steps * v[GM__H_RATIO]);
        break;
    case GM__CURE_STOP:
        tr->st.stopped = 1;
        gm__trainer_raise(tr, GM_EVENT_REMEDY, gm__ill_events[ill], "%s: training ends here", why);
        break;
    default: break;
    }
}

bool gm__remedy_not_finite(gm_model *m, gm_trainer *tr, double loss)
{
    const gm__health *h = gm__health_of(tr);
    if (gm__gan_cfg(m)->health != GM_HEALTH_ACT || h->cure[GM__ILL_EXPLODING] != GM__CURE_ROLLBACK || !(gm__health_state(tr)[GM__H_KEPT] > 0)) return false;
    gm__trainer_raise(tr, GM_EVENT_NONFINITE, loss, "%s", gm_ctx_message(tr->ctx));
    gm_optim_clear(tr->optim);
    gm_optim_clear(tr->rival);
    tr->taking = tr->looks = 0;
    tr->reseek = true;
    roll_back(tr, GM__ILL_EXPLODING);
    return true;
}
