/* watch.c - what is looked at when an epoch ends: free energies of training and held-out rows, activity of hidden units.
 *
 * The gap F(held out) - F(training) needs no Z. It is near 0 as long as nothing is learned by heart and grows with
 * overfitting [Hinton 2012]. */
#include "models/rbm/rbm.h"
#include "models/trainer.h"
#include <math.h>

enum { LOOK = 2048 /* rows of each */, GROWING = 5 /* epochs */ };

typedef struct sums { double rows, f, squares, active, units; } sums;

static gm_status add_batch(gm_model *m, gm_tape *t, gm_tensor *x, gm_batches *from, sums *s)
{
    const gm__rbm *r = gm__rbm_of(m);
    gm_tape_reset(t);
    gm__batch b = gm__model_batch(m, t, x, from);
    gm_tensor *v = b.x ? gm__rbm_input(m, &b, false) : NULL;
    gm_tensor *in = v ? gm__rbm_up_states(r, t, v) : NULL, *h = in ? r->hidden->mean(t, in, 1) : NULL;
    gm_tensor *f = in && gm__rbm_has_free_energy(r) ? gm__rbm_free_energy_of(r, t, v, in) : NULL;
    h = h ? gm__tape_contiguous(t, h) : NULL;
    if (!h || gm_tape_status(t)) return gm__tape_failed(m->ctx, t);
    for (int64_t i = 0; i < h->size; i++) s->active += (double)gm__f32(h)[i];
    for (int64_t i = 0; f && i < f->size; i++) s->f += (double)gm__f32(f)[i], s->squares += (double)gm__f32(f)[i] * (double)gm__f32(f)[i];
    s->units += (double)h->size;
    s->rows += (double)h->shape[0];
    return GM_OK;
}

static gm_status look(gm_trainer *tr, gm_tape *t, gm_batches *from, uint64_t rows, sums *s)
{
    *s = (sums){0};
    GM__TRY(gm_batches_seek(from, 0, 0));
    while (s->rows < LOOK && s->rows < (double)rows) {
        gm_tensor *x = NULL;
        GM__TRY(gm__check_cancel(tr->ctx));
        GM__TRY(gm_batches_next(from, &x));
        GM__TRY(add_batch(tr->m, t, x, from, s));
    }
    return GM_OK;
}

static bool told(const gm_trainer *tr)
{
    for (size_t i = 0; i < tr->n_events; i++)
        if (tr->events[i].kind == GM_EVENT_OVERFITTING) return true;
    return false;
}

/* Above the least so far by more than chance makes it, epoch after epoch: said once. */
static void judge(gm_trainer *tr, double chance)
{
    const gm__series *s = gm__trainer_series(tr, "free-energy-gap");
    if (!s || s->every != 1 || s->n <= GROWING || told(tr)) return;
    const gm__point *last = s->points + s->n - 1;
    double least = last->value;
    for (const gm__point *p = s->points; p <= last; p++) least = fmin(least, p->value);
    for (int i = 0; i < GROWING; i++)
        if (!(last[-i].value > least + 3 * chance)) return;
    gm__trainer_raise(tr, GM_EVENT_OVERFITTING, last->value, "held-out rows lie %g nats above training rows in free energy, %g more than at best: overfitting",
                      last->value, last->value - least);
}

gm_status gm__rbm_watch(gm_model *m, gm_trainer *tr, const gm__batch *b)
{
    sums train, held;
    GM__TRY(look(tr, b->t, tr->watch_batches, gm_dataset_rows(tr->data), &train));
    gm__trainer_record(tr, "hidden-activity", train.active / train.units);
    if (!gm__rbm_has_free_energy(gm__rbm_of(m))) return GM_OK;
    gm__trainer_record(tr, "free-energy", train.f / train.rows);
    if (!tr->valid) return GM_OK;
    GM__TRY(look(tr, b->t, tr->valid_batches, gm_dataset_rows(tr->valid), &held));
    const double f = train.f / train.rows, g = held.f / held.rows;
    const double var = (train.squares / train.rows - f * f) / train.rows + (held.squares / held.rows - g * g) / held.rows;
    gm__trainer_record(tr, "free-energy-gap", g - f);
    judge(tr, sqrt(fmax(var, 0)));
    return GM_OK;
}
