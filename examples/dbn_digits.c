/* dbn_digits.c - a deep belief network on built-in digits: layer after layer, then up-down; dreams of every class; its codes as the start of a classifier that has few labels.
 * dbn_digits [EPOCHS] [OUT.png] */
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>

enum { FEW = 40 }; /* labelled rows */

/* Called between steps: says which layer learns. */
static int watch(const gm_progress *p, void *user)
{
    gm_event e = {.struct_size = sizeof e};
    gm_trainer *tr = user;
    for (int32_t i = gm_trainer_event_count(tr) - p->new_events; i < gm_trainer_event_count(tr); i++)
        if (!gm_trainer_event(tr, i, &e) && e.kind == GM_EVENT_LAYER) printf("%s\n", e.text);
    return 0;
}

static gm_status fit(gm_model *dbn, gm_dataset *data, const char *options)
{
    gm_trainer *tr = NULL;
    gm_status s = gm_trainer_new(dbn, data, options, &tr);
    if (!s) s = gm_trainer_set_progress(tr, watch, tr, 3600);
    if (!s) s = gm_trainer_run(tr);
    gm_trainer_free(tr);
    return s;
}

/* Accuracy on test rows of a network tuned on few labels: one grown from the dbn, or one that starts at random. */
static gm_status few_labels(gm_ctx *ctx, gm_model *dbn, gm_dataset *few, gm_dataset *test, double share[2])
{
    gm_status s = GM_OK;
    for (int i = 0; !s && i < 2; i++) {
        gm_model *net = NULL;
        gm_measure e;
        int32_t n;
        if (i) s = gm_dbn_unroll(dbn, "classes=10 seed=1", &net);
        else s = gm_model_new(ctx, "mlp", "shape=1,28,28 hidden=128,96 classes=10 activation=sigmoid norm=none seed=1", &net);
        if (!s) s = gm_fit(net, few, "epochs=60 batch=20 lr=2e-3 schedule=cosine seed=1");
        if (!s) s = gm_eval(net, test, "metric=accuracy", &e, 1, &n);
        if (!s) share[i] = e.value;
        gm_model_free(net);
    }
    return s;
}

int main(int argc, char **argv)
{
    const int epochs = argc > 1 ? atoi(argv[1]) : 12;
    gm_ctx *ctx = NULL;
    gm_dataset *train = NULL, *few = NULL, *test = NULL;
    gm_model *dbn = NULL;
    double share[2] = {0, 0};
    char options[160], how[80];
    snprintf(options, sizeof options, "layers=128,96 layer-epochs=%d,%d up-down=%d conditional=on seed=1", epochs, epochs, epochs / 2);
    snprintf(how, sizeof how, "epochs=%d batch=50 lr=0.1 momentum=0.5 seed=1", 2 * epochs + epochs / 2);
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=4000", &train);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=4000[0:40]", &few);
    if (!s) s = gm_dataset_open(ctx, "synth:digits,n=1000,seed=9", &test);
    if (!s) s = gm_model_new(ctx, "dbn", options, &dbn);
    if (!s) s = fit(dbn, train, how);
    if (!s) s = gm_sample_png(dbn, 100, 1, argc > 2 ? argv[2] : "dbn_digits.png"); /* dream i is of class i mod 10 */
    if (!s) s = few_labels(ctx, dbn, few, test, share);
    if (!s) printf("%d labels: accuracy %.3f from a random start, %.3f from the network\n", FEW, share[0], share[1]);
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    gm_model_free(dbn);
    gm_dataset_free(train);
    gm_dataset_free(few);
    gm_dataset_free(test);
    gm_ctx_free(ctx);
    return s != GM_OK || share[1] < share[0];
}
