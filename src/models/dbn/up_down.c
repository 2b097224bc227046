/* up_down.c - contrastive wake-sleep: all layers learn together [Hinton, Osindero & Teh 2006, section 5 and appendix B].
 *
 * Upward (wake) states are drawn from the data by the recognition weights, and the generative weights learn to make each layer
 * from the one above it. The topmost machine learns by k Gibbs steps from where the way up leads. Downward (sleep) a dream is
 * drawn by the generative weights from where those steps end, and the recognition weights learn to find its causes. */
#include "models/dbn/dbn.h"

static gm_tensor *mean_of(gm_tape *t, gm_tensor *x) { return gm_mean(t, x, GM_ALL_AXES, 0); }

/* States of every layer below the topmost given the data; *v: the last. Of every row -log p(each | the one above), that of the data alone in *data. */
static gm_tensor *wake(const gm__dbn *d, gm_tape *t, gm_tensor **v, gm_tensor **data)
{
    gm_tensor *sum = NULL;
    for (size_t i = 0; i + 1 < d->n; i++) {
        const bool recording = t->recording;
        t->recording = false;
        gm_tensor *h = gm_bernoulli_logits(t, gm__dbn_receive(d, i, t, *v));
        t->recording = recording;
        gm_tensor *part = gm_neg(t, gm__rbm_log_down(&d->layer[i], t, *v, h));
        sum = sum ? gm_add(t, sum, part) : part;
        if (i == 0) *data = part;
        *v = h;
    }
    return sum;
}

/* A dream from states h of the last layer but one: of every row -log q(each layer | the one below). Grey data stand for the
 * means of pixels, and so do the dream's. */
static gm_tensor *sleep(const gm__dbn *d, gm_tape *t, gm_tensor *h, bool grey)
{
    gm_tensor *sum = NULL;
    for (size_t i = d->n - 1; i-- > 0;) {
        const bool recording = t->recording;
        t->recording = false;
        gm_tensor *in = gm__rbm_down(&d->layer[i], t, h);
        gm_tensor *v = i == 0 && grey ? gm__rbm_visible_mean(&d->layer[i], t, in, 1) : gm__rbm_visible_draw(&d->layer[i], t, in, 1);
        t->recording = recording;
        gm_tensor *part = gm_neg(t, gm_bernoulli_log_prob(t, h, gm__dbn_receive(d, i, t, v)));
        sum = sum ? gm_add(t, sum, part) : part;
        h = v;
    }
    return sum;
}

static gm_status record(gm_trainer *tr, const char *name, gm_tensor *x)
{
    double value;
    if (!tr) return GM_OK;
    GM__TRY(gm_tensor_item(x, &value));
    gm__trainer_record(tr, name, value);
    return GM_OK;
}

/* The value shown is the cross-entropy (density of gaussian units) of the data given the layer above them. */
gm_status gm__dbn_up_down(gm_model *m, const gm__batch *b, gm_tensor **out)
{
    gm__dbn *d = gm__dbn_of(m);
    gm__rbm *top = gm__dbn_top(m);
    gm_tape *t = b->t;
    const bool grey = gm__dbn_cfg(m)->units == GM_UNITS_BERNOULLI && gm__dbn_cfg(m)->binarize == GM_BINARIZE_NONE;
    gm_tensor *v = gm__dbn_up(m, t, b->x, 0, false, b->epoch == 0 || !b->training), *data = NULL, *model = NULL, *learn = NULL;
    gm_tensor *awake = wake(d, t, &v, &data), *shown = gm_detach(t, mean_of(t, data));
    if (!b->training) {
        *out = shown;
        return gm_tape_status(t);
    }
    const int32_t k = top->how.k;
    if (gm__dbn_cfg(m)->up_down_k) top->how.k = gm__dbn_cfg(m)->up_down_k;
    gm_status s = gm__rbm_learn(top, b, gm__dbn_join(top, b, v), &model, &learn);
    top->how.k = k;
    if (s) return s;
    gm_tensor *asleep = sleep(d, t, gm__rbm_unlabelled(top, t, model), grey);
    gm_tensor *sum = gm_add(t, gm_add(t, mean_of(t, awake), mean_of(t, asleep)), learn);
    *out = gm_add(t, gm_sub(t, sum, gm_detach(t, sum)), shown); /* this value, that gradient */
    GM__TRY(gm_tape_status(t));
    GM__TRY(record(b->trainer, "wake", mean_of(t, awake)));
    GM__TRY(record(b->trainer, "sleep", mean_of(t, asleep)));
    return record(b->trainer, "top", learn);
}
