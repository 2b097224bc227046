/* test_trainer.c - steps, runs, held-out loss, averages, callbacks, cancel, events. */
#include "models_test.h"
#include <pthread.h>

#define SMALL "hidden=8 latent=2 seed=3"

static gm_trainer *trainer(gm_model *m, gm_dataset *d, const char *options)
{
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, d, options, &tr));
    return tr;
}

START_TEST(counts_of_steps)
{
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(50, 1);
    gm_trainer *tr = trainer(m, d, "epochs=2 batch=16"); /* 4 batches an epoch, the last short */
    double loss = 0, first = 0;
    for (int i = 0; i < 8; i++) {
        ck_assert_uint_eq(gm_trainer_steps(tr), i);
        ck_assert_int_eq(gm_trainer_done(tr), 0);
        OK(gm_trainer_step(tr, &loss));
        ck_assert(isfinite(loss));
        if (!i) first = loss;
    }
    ck_assert_int_eq(gm_trainer_done(tr), 1);
    ck_assert_int_eq(gm_trainer_step(tr, NULL), GM_END);
    OK(gm_trainer_run(tr));
    ck_assert_uint_eq(gm_trainer_steps(tr), 8);
    ck_assert(loss < first);
    ck_assert_ptr_eq(gm_trainer_model(tr), m);
    gm_trainer_free(tr);

    tr = trainer(m, d, "steps=3 epochs=100"); /* steps win */
    OK(gm_trainer_run(tr));
    ck_assert_uint_eq(gm_trainer_steps(tr), 3);
    gm_trainer_free(tr);
    tr = trainer(m, d, "epochs=0");
    ck_assert_int_eq(gm_trainer_done(tr), 1);
    OK(gm_trainer_run(tr));
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

START_TEST(wrong_arguments)
{
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(20, 1);
    gm_trainer *tr = (gm_trainer *)&tr;
    FAILS(GM_EARG, "no option 'epoch' (did you mean 'epochs'?)", gm_trainer_new(m, d, "epoch=2", &tr));
    ck_assert_ptr_null(tr);
    FAILS(GM_EARG, "lr", gm_trainer_new(m, d, "lr=-1", &tr));
    FAILS(GM_EARG, "batch", gm_trainer_new(m, d, "batch=0", &tr));
    FAILS(GM_EARG, "sgd|adam|adamw", gm_trainer_new(m, d, "optimizer=rprop", &tr));
    FAILS(GM_EARG, "nesterov", gm_trainer_new(m, d, "optimizer=sgd nesterov=on", &tr));
    FAILS(GM_EARG, "data", gm_trainer_new(m, NULL, NULL, &tr));
    ck_assert_int_eq(gm_trainer_new(NULL, d, NULL, &tr), GM_EARG);
    FAILS(GM_EARG, "keep-best needs held-out data", gm_fit(m, d, "keep-best=on"));
    FAILS(GM_EARG, "patience needs held-out data", gm_fit(m, d, "patience=3"));

    gm_model *wide = model("hidden=8 latent=2 shape=1,4,5"), *few = model("hidden=8 latent=2 classes=2");
    FAILS(GM_ESHAPE, "[1,4,5]", gm_fit(wide, d, "epochs=1"));
    FAILS(GM_EARG, "classes", gm_fit(few, d, "epochs=1"));
    gm_dataset *bad = NULL;
    gm_tensor *words = NULL;
    OK(gm_tensor_new(ctx, GM_I64, 2, (int64_t[]){ 4, 16 }, &words));
    OK(gm_dataset_from_tensors(ctx, words, NULL, &bad));
    FAILS(GM_EDTYPE, "i64", gm_fit(m, bad, "epochs=1"));
    gm_tensor_free(words);
    gm_dataset_free(bad);
    gm_model_free(wide);
    gm_model_free(few);
    gm_trainer_free(NULL);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* ---- the same bytes ------------------------------------------------------------------ */

START_TEST(threads_and_prefetch_do_not_matter)
{
    static const char *const options[] = { "steps=30 batch=64 seed=5 prefetch=off", "steps=30 batch=64 seed=5 prefetch=on" };
    char name[2][16] = { "first", "next" };
    gm_dataset *d = pictures(300, 1);
    for (int i = 0; i < 6; i++) {
        gm_model *m = model("hidden=64,32 latent=8 binarize=dynamic");
        OK(gm_ctx_set_threads(ctx, 1 + i / 2));
        OK(gm_fit(m, d, options[i % 2]));
        OK(gm_model_save(m, at(name[i > 0])));
        gm_model_free(m);
        if (i) ck_assert_msg(same_files(at("first"), at("next")), "%d threads, %s", 1 + i / 2, options[i % 2]);
    }
    gm_dataset_free(d);
}
END_TEST

START_TEST(steps_are_a_run)
{
    gm_dataset *d = pictures(50, 1);
    gm_model *a = model("hidden=8 latent=2"), *b = model("hidden=8 latent=2 seed=7"), *c = model("hidden=8 latent=2 seed=8");
    OK(gm_fit(a, d, "epochs=2 batch=16 seed=7 ema=0.9")); /* the fit's seed draws the weights: none was given to the model */
    gm_trainer *tr = trainer(b, d, "epochs=2 batch=16 ema=0.9");
    gm_status s;
    while (!(s = gm_trainer_step(tr, NULL)))
        ;
    ck_assert_int_eq(s, GM_END);
    gm_trainer_free(tr);
    OK(gm_model_save(a, at("a")));
    OK(gm_model_save(b, at("b")));
    ck_assert(same_files(at("a"), at("b")));
    OK(gm_fit(c, d, "epochs=2 batch=16 seed=7 ema=0.9")); /* a given seed stays */
    ck_assert(!same_weights(a, c));
    gm_model_free(a);
    gm_model_free(b);
    gm_model_free(c);
    gm_dataset_free(d);
}
END_TEST

START_TEST(warm_steps_allocate_nothing)
{
    gm_memory a = { .struct_size = sizeof a }, b = a;
    gm_model *m = model("hidden=32,16 latent=4");
    gm_dataset *d = pictures(128, 1);
    gm_trainer *tr = trainer(m, d, "steps=1000 batch=64 ema=0.9 clip-norm=1 prefetch=off");
    for (int i = 0; i < 6; i++) OK(gm_trainer_step(tr, NULL));
    OK(gm_ctx_memory(ctx, &a));
    for (int i = 0; i < 20; i++) OK(gm_trainer_step(tr, NULL));
    OK(gm_ctx_memory(ctx, &b));
    ck_assert_uint_eq(a.allocations, b.allocations);
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* ---- held-out data, averages --------------------------------------------------------------- */

typedef struct seen {
    gm_trainer *tr;
    gm_model *m;
    int calls, ends, stop_at, busy, draws;
    double valid[64], last_loss;
    int n_valid;
    gm_tensor *weights; /* copy of tensor 0 as the callback saw it */
} seen;

static int note(const gm_progress *p, void *user)
{
    seen *v = user;
    v->calls++;
    v->ends += p->epoch_end;
    v->last_loss = p->loss;
    if (!isnan(p->valid_loss) && v->n_valid < 64) v->valid[v->n_valid++] = p->valid_loss;
    if (v->weights) gm_tensor_assign(v->weights, gm_model_tensor(v->m, 0));
    if (v->busy) {
        gm_tensor *y = NULL;
        gm_sampler *s = NULL;
        v->busy = gm_trainer_run(v->tr) == GM_EBUSY && gm_trainer_step(v->tr, NULL) == GM_EBUSY;
        v->draws += gm_sampler_new(ctx, v->m, NULL, &s) == GM_OK && gm_sampler_draw(s, 3, NULL, &y) == GM_OK;
        gm_tensor_free(y);
        gm_sampler_free(s);
    }
    return v->stop_at && v->calls >= v->stop_at;
}

START_TEST(progress_is_told)
{
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(50, 1);
    gm_trainer *tr = trainer(m, d, "epochs=3 batch=16");
    seen v = { .tr = tr, .m = m, .busy = 1 };
    FAILS(GM_EARG, "seconds", gm_trainer_set_progress(tr, note, &v, -1));
    OK(gm_trainer_set_progress(tr, note, &v, 0));
    OK(gm_trainer_run(tr));
    ck_assert_int_eq(v.calls, 12);
    ck_assert_int_eq(v.ends, 3);
    ck_assert_int_eq(v.draws, 12);
    ck_assert_int_eq(v.busy, 1); /* training from inside was refused each time */
    ck_assert_int_eq(v.n_valid, 0);
    gm_trainer_free(tr);
    tr = trainer(m, d, "epochs=3 batch=16");
    v = (seen){ .tr = tr, .m = m };
    OK(gm_trainer_set_progress(tr, note, &v, 3600)); /* only epochs' ends */
    OK(gm_trainer_run(tr));
    ck_assert_int_eq(v.calls, 3);
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

START_TEST(held_out_loss_and_the_best)
{
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(64, 1), *valid = pictures(30, 2);
    gm_trainer *tr = trainer(m, d, "epochs=12 batch=16 lr=0.08 keep-best=on"); /* a rate at which epochs go up and down */
    seen v = { .tr = tr, .m = m };
    OK(gm_trainer_set_valid(tr, valid));
    OK(gm_trainer_set_progress(tr, note, &v, 3600));
    OK(gm_trainer_run(tr));
    ck_assert_int_eq(v.n_valid, 12);
    double best = v.valid[0];
    for (int i = 1; i < 12; i++) best = fmin(best, v.valid[i]);
    ck_assert_msg(best < v.valid[11], "the last epoch is the best: the test shows nothing");
    /* measured again, the model has the best loss: rows and draws are those of each epoch */
    double again;
    gm_trainer *probe = trainer(m, d, "steps=1 batch=16 lr=0 seed=3"); /* a step that changes nothing */
    seen w = { .tr = probe, .m = m };
    OK(gm_trainer_set_valid(probe, valid));
    OK(gm_trainer_set_progress(probe, note, &w, 3600));
    OK(gm_trainer_run(probe));
    ck_assert_int_eq(w.n_valid, 1);
    again = w.valid[0];
    ck_assert_msg(fabs(again - best) < 1e-6, "%g, not %g", again, best);
    FAILS(GM_ESTATE, "begun", gm_trainer_set_valid(tr, valid));
    /* every best was an event */
    int bests = 0;
    for (int32_t i = 0; i < gm_trainer_event_count(tr); i++) {
        gm_event e = { .struct_size = sizeof e };
        OK(gm_trainer_event(tr, i, &e));
        if (e.kind == GM_EVENT_BEST && e.value == best) bests++;
    }
    ck_assert_int_eq(bests, 1);
    gm_trainer_free(tr);
    gm_trainer_free(probe);

    tr = trainer(m, d, "epochs=100 batch=16 lr=0 patience=3");
    OK(gm_trainer_set_valid(tr, valid));
    OK(gm_trainer_run(tr));
    ck_assert_uint_eq(gm_trainer_steps(tr), 16); /* one epoch to be the best, three no better */
    ck_assert_int_eq(gm_trainer_done(tr), 1);
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_dataset_free(valid);
    gm_model_free(m);
}
END_TEST

/* Stopping and keeping by hand: of the held-out losses of a run without patience, the stop and the best follow. */
START_TEST(patience_by_hand)
{
    enum { EPOCHS = 30, PATIENCE = 3 };
    char options[128];
    gm_dataset *d = pictures(64, 1), *valid = pictures(30, 2);
    gm_model *m = model(SMALL);
    gm_trainer *tr = trainer(m, d, "epochs=30 batch=16 lr=0.08");
    seen v = { .tr = tr, .m = m };
    OK(gm_trainer_set_valid(tr, valid));
    OK(gm_trainer_set_progress(tr, note, &v, 3600));
    OK(gm_trainer_run(tr));
    ck_assert_int_eq(v.n_valid, EPOCHS);
    int best = 0, stop = 0;
    for (stop = 0; stop < EPOCHS && stop - best <= PATIENCE; stop++)
        if (v.valid[stop] < v.valid[best]) best = stop;
    stop = best + PATIENCE;
    ck_assert_msg(stop + 1 < EPOCHS, "the run never loses patience: the test shows nothing");
    gm_trainer_free(tr);
    gm_model_free(m);

    m = model(SMALL);
    tr = trainer(m, d, "epochs=30 batch=16 lr=0.08 patience=3 keep-best=on");
    OK(gm_trainer_set_valid(tr, valid));
    OK(gm_trainer_run(tr));
    ck_assert_uint_eq(gm_trainer_steps(tr), 4 * (stop + 1));
    gm_trainer_free(tr);
    gm_model *want = model(SMALL); /* the weights are those after the best epoch */
    snprintf(options, sizeof options, "epochs=%d batch=16 lr=0.08", best + 1);
    OK(gm_fit(want, d, options));
    ck_assert(same_weights(m, want));
    gm_model_free(m);
    gm_model_free(want);
    gm_dataset_free(d);
    gm_dataset_free(valid);
}
END_TEST

/* Batches accumulated are one batch: the same rows, the same draws, the same mean. */
START_TEST(accumulating_is_a_larger_batch)
{
    gm_dataset *d = pictures(100, 1);
    gm_model *one = model(SMALL), *many = model(SMALL);
    gm_trainer *a = trainer(one, d, "steps=8 batch=48 optimizer=sgd lr=0.02"), *b = trainer(many, d, "steps=8 batch=16 accumulate=3 optimizer=sgd lr=0.02");
    for (int step = 0; step < 8; step++) { /* 48, 48, 4 rows an epoch */
        double x, y;
        OK(gm_trainer_step(a, &x));
        OK(gm_trainer_step(b, &y));
        ck_assert_msg(fabs(x - y) < 1e-5 * fabs(x), "step %d: %.9g and %.9g", step, x, y);
    }
    ck_assert_uint_eq(gm_trainer_steps(b), 8);
    for (int32_t i = 0; i < gm_model_tensor_count(one); i++) ck_assert(furthest(gm_model_tensor(one, i), gm_model_tensor(many, i)) < 1e-5);
    gm_trainer_free(a);
    gm_trainer_free(b);
    gm_model_free(one);
    gm_model_free(many);
    /* epochs count updates of a whole group, the last one smaller */
    many = model(SMALL);
    b = trainer(many, d, "epochs=2 batch=16 accumulate=3");
    OK(gm_trainer_run(b));
    ck_assert_uint_eq(gm_trainer_steps(b), 6);
    gm_trainer_free(b);
    b = trainer(many, d, "epochs=2 batch=16 accumulate=1000");
    OK(gm_trainer_run(b));
    ck_assert_uint_eq(gm_trainer_steps(b), 2);
    gm_trainer_free(b);
    gm_model_free(many);
    gm_dataset_free(d);
}
END_TEST

START_TEST(groups_of_weights)
{
    gm_dataset *d = pictures(40, 1);
    gm_model *m = model(SMALL), *first = model(SMALL);
    gm_trainer *tr = NULL;
    FAILS(GM_EARG, "groups: no weight is called 'decode'", gm_trainer_new(m, d, "groups='decode: lr-scale=0'", &tr));
    FAILS(GM_EARG, "groups: expected", gm_trainer_new(m, d, "groups=decoder", &tr));
    FAILS(GM_EARG, "no option 'lr-scal'", gm_trainer_new(m, d, "groups='decoder: lr-scal=0'", &tr));
    OK(gm_fit(first, d, "epochs=0"));
    OK(gm_fit(m, d, "epochs=2 batch=8 weight-decay=0.1 ema=0.9 groups='decoder: lr-scale=0'"));
    int frozen = 0, moved = 0;
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++) {
        gm_tensor *x = gm_model_tensor(first, i), *y = gm_model_tensor(m, i);
        bool same = memcmp(x->data, y->data, (size_t)x->size * 4) == 0, decoder = strncmp(gm_model_tensor_name(m, i), "decoder", 7) == 0;
        ck_assert_msg(same == decoder, "%s", gm_model_tensor_name(m, i));
        frozen += decoder, moved += !decoder;
    }
    ck_assert(frozen > 0 && moved > 0);
    gm_model_free(m);
    gm_model_free(first);
    gm_dataset_free(d);
}
END_TEST

/* The rate falls when the held-out loss does not. */
START_TEST(rate_on_a_plateau)
{
    gm_dataset *d = pictures(32, 1), *valid = pictures(20, 2);
    gm_model *m = model(SMALL);
    gm_trainer *tr = trainer(m, d, "epochs=9 batch=16 lr=0.5 optimizer=sgd groups='*: lr-scale=0' schedule=plateau gamma=0.5 plateau-patience=2 cooldown=1");
    OK(gm_trainer_set_valid(tr, valid));
    OK(gm_trainer_run(tr)); /* nothing moves: epoch 1 is the best, 2 3 4 are borne and one too many, 5 rests, 6 7 8, 9 rests */
    ck_assert(gm_optim_lr(tr->optim) == 0.125);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(valid);
}
END_TEST

START_TEST(averages_are_shown_and_kept)
{
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(64, 1);
    gm_trainer *tr = trainer(m, d, "steps=8 batch=16 ema=0.9"), *plain;
    seen v = { .tr = tr, .m = m };
    OK(gm_trainer_step(tr, NULL));
    gm_tensor *w = gm_model_tensor(m, 0), *raw = NULL;
    OK(gm_tensor_new(ctx, GM_F32, w->ndim, w->shape, &v.weights));
    OK(gm_tensor_new(ctx, GM_F32, w->ndim, w->shape, &raw));
    OK(gm_tensor_assign(raw, w));
    OK(gm_trainer_set_progress(tr, note, &v, 3600));
    OK(gm_trainer_run(tr));
    ck_assert(furthest(v.weights, w) == 0); /* what the callback saw at the end is what stays: the averages */
    /* the raw weights of the same run are others */
    gm_model *r = model(SMALL);
    plain = trainer(r, d, "steps=8 batch=16");
    OK(gm_trainer_step(plain, NULL));
    ck_assert(furthest(raw, gm_model_tensor(r, 0)) == 0);
    OK(gm_trainer_run(plain));
    ck_assert(furthest(w, gm_model_tensor(r, 0)) > 1e-5);
    /* the checkpoint of the finished run holds these as its plain tensors */
    gm_model *loaded = NULL;
    OK(gm_trainer_save(tr, at("c")));
    OK(gm_model_load(ctx, at("c"), &loaded));
    ck_assert(same_weights(loaded, r));
    ck_assert(furthest(v.weights, w) == 0);
    gm_tensor_free(raw);
    gm_tensor_free(v.weights);
    gm_model_free(loaded);
    gm_model_free(r);
    gm_trainer_free(plain);
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* ---- cancel --------------------------------------------------------------------------------- */

START_TEST(canceled_by_the_callback)
{
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(64, 1);
    char options[200];
    snprintf(options, sizeof options, "epochs=50 batch=16 checkpoint='%s'", at("c"));
    gm_trainer *tr = trainer(m, d, options);
    seen v = { .tr = tr, .m = m, .stop_at = 6 };
    OK(gm_trainer_set_progress(tr, note, &v, 0));
    FAILS(GM_ECANCELED, "callback", gm_trainer_run(tr));
    ck_assert_uint_eq(gm_trainer_steps(tr), 6);
    ck_assert_int_eq(access(at("c"), R_OK), 0);
    OK(gm_model_save(m, at("m")));
    v.stop_at = 0;
    OK(gm_trainer_run(tr)); /* and on */
    ck_assert_uint_eq(gm_trainer_steps(tr), 200);
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

static void *cancel_soon(void *arg)
{
    usleep(50000);
    gm_ctx_cancel(arg);
    return NULL;
}

START_TEST(canceled_by_another_thread)
{
    pthread_t t;
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(64, 1);
    gm_trainer *tr = trainer(m, d, "epochs=10000000 batch=16");
    ck_assert_int_eq(pthread_create(&t, NULL, cancel_soon, ctx), 0);
    FAILS(GM_ECANCELED, "canceled", gm_trainer_run(tr));
    pthread_join(t, NULL);
    ck_assert_uint_gt(gm_trainer_steps(tr), 0);
    OK(gm_trainer_step(tr, NULL));
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* ---- events ----------------------------------------------------------------------------------- */

START_TEST(a_loss_that_is_no_number)
{
    gm_model *m = model(SMALL), *before = NULL;
    gm_dataset *d = pictures(64, 1);
    gm_trainer *tr = trainer(m, d, "epochs=2 batch=16");
    OK(gm_trainer_step(tr, NULL));
    gm_tensor *w = gm_model_tensor(m, 0);
    float was = gm__f32(w)[0];
    gm__f32(w)[0] = INFINITY;
    OK(gm_model_copy(m, &before));
    FAILS(GM_ENONFINITE, "step 2", gm_trainer_step(tr, NULL));
    ck_assert(same_weights(m, before)); /* untouched */
    ck_assert_uint_eq(gm_trainer_steps(tr), 1);
    gm_event e = { .struct_size = sizeof e };
    OK(gm_trainer_event(tr, 0, &e));
    ck_assert_int_eq(e.kind, GM_EVENT_NONFINITE);
    ck_assert_int_eq(gm_trainer_event(tr, 1, &e), GM_END);
    ck_assert_int_eq(gm_trainer_event(tr, -1, &e), GM_EARG);
    /* repaired, training goes on with the batch that failed, as if nothing had been */
    gm__f32(w)[0] = was;
    OK(gm_trainer_run(tr));
    gm_model *clean = model(SMALL);
    OK(gm_fit(clean, d, "epochs=2 batch=16"));
    ck_assert(same_weights(m, clean));
    gm_model_free(clean);
    gm_model_free(before);
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

START_TEST(a_rate_far_too_large)
{
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(64, 1);
    gm_trainer *tr = trainer(m, d, "epochs=100 batch=16 optimizer=sgd lr=1e5");
    gm_status s = gm_trainer_run(tr);
    ck_assert_int_eq(s, GM_ENONFINITE);
    ck_assert_int_ge(gm_trainer_event_count(tr), 1);
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++) {
        gm_tensor *w = gm_model_tensor(m, i);
        for (int64_t j = 0; j < w->size; j++) ck_assert(isfinite(gm__f32(w)[j]));
    }
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

static int32_t kinds(gm_trainer *tr, int32_t kind)
{
    int32_t n = 0;
    for (int32_t i = 0; i < gm_trainer_event_count(tr); i++) {
        gm_event e = { .struct_size = sizeof e };
        OK(gm_trainer_event(tr, i, &e));
        n += e.kind == kind;
    }
    return n;
}

START_TEST(gradients_that_explode_or_vanish)
{
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(64, 1);
    gm_trainer *tr = trainer(m, d, NULL);
    for (tr->st.step = 1; tr->st.step <= 200; tr->st.step++) gm__trainer_observe(tr, 5 + unit((uint32_t)tr->st.step), 1 + unit((uint32_t)tr->st.step));
    ck_assert_int_eq(gm_trainer_event_count(tr), 0); /* a healthy run */
    gm__trainer_observe(tr, 5, 500);
    tr->st.step++;
    gm__trainer_observe(tr, 5, 5e6);
    ck_assert_int_eq(kinds(tr, GM_EVENT_EXPLODING), 1); /* once for one blast */
    tr->st.step += 200;
    gm__trainer_observe(tr, 5000, 1);
    ck_assert_int_eq(kinds(tr, GM_EVENT_EXPLODING), 2); /* the loss, too */
    for (int i = 0; i < 19; i++) gm__trainer_observe(tr, 5, 1e-12);
    ck_assert_int_eq(kinds(tr, GM_EVENT_VANISHING), 0);
    for (int i = 0; i < 19; i++) gm__trainer_observe(tr, 5, 1e-12);
    ck_assert_int_eq(kinds(tr, GM_EVENT_VANISHING), 1);
    for (int i = 0; i < 3000; i++) gm__trainer_raise(tr, GM_EVENT_BEST, i, "event %d", i);
    ck_assert_int_eq(gm_trainer_event_count(tr), 1024);
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

START_TEST(a_collapsed_posterior)
{
    gm_model *m = model("hidden=8 latent=2 seed=3 beta=1000"), *ok = model("hidden=32 latent=2 seed=3 beta=0.1");
    gm_dataset *d = pictures(256, 1);
    gm_trainer *tr = trainer(m, d, "epochs=30 batch=16 lr=0.01"), *good = trainer(ok, d, "epochs=30 batch=16 lr=0.01");
    OK(gm_trainer_run(tr));
    ck_assert_int_ge(kinds(tr, GM_EVENT_POSTERIOR_COLLAPSE), 1);
    OK(gm_trainer_run(good));
    gm_event e = { .struct_size = sizeof e };
    for (int32_t i = 0; i < gm_trainer_event_count(good); i++) {
        OK(gm_trainer_event(good, i, &e));
        ck_assert_msg(e.kind != GM_EVENT_POSTERIOR_COLLAPSE || e.step < 16 * 10, "a false alarm at step %d", (int)e.step);
    }
    gm_trainer_free(tr);
    gm_trainer_free(good);
    gm_dataset_free(d);
    gm_model_free(m);
    gm_model_free(ok);
}
END_TEST

/* ---- odd data --------------------------------------------------------------------------------- */

START_TEST(one_row_and_flat_rows)
{
    gm_model *m = model("hidden=8 latent=2 seed=3 shape=1,4,4");
    gm_dataset *one = pictures(1, 1), *d = pictures(10, 1), *flat = NULL;
    gm_tensor *x = NULL, *y = NULL;
    OK(gm_fit(m, one, "epochs=2 batch=1000"));
    OK(gm_dataset_read(d, "x", 0, 10, &x));
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){ 10, ROW }, x->data, &y));
    OK(gm_dataset_from_tensors(ctx, y, NULL, &flat));
    OK(gm_fit(m, flat, "epochs=1"));
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_dataset_free(one);
    gm_dataset_free(d);
    gm_dataset_free(flat);
    gm_model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("trainer");
    TCase *c = tcase_create("trainer");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, counts_of_steps);
    tcase_add_test(c, wrong_arguments);
    tcase_add_test(c, threads_and_prefetch_do_not_matter);
    tcase_add_test(c, steps_are_a_run);
    tcase_add_test(c, warm_steps_allocate_nothing);
    tcase_add_test(c, progress_is_told);
    tcase_add_test(c, held_out_loss_and_the_best);
    tcase_add_test(c, patience_by_hand);
    tcase_add_test(c, accumulating_is_a_larger_batch);
    tcase_add_test(c, groups_of_weights);
    tcase_add_test(c, rate_on_a_plateau);
    tcase_add_test(c, averages_are_shown_and_kept);
    tcase_add_test(c, canceled_by_the_callback);
    tcase_add_test(c, canceled_by_another_thread);
    tcase_add_test(c, a_loss_that_is_no_number);
    tcase_add_test(c, a_rate_far_too_large);
    tcase_add_test(c, gradients_that_explode_or_vanish);
    tcase_add_test(c, a_collapsed_posterior);
    tcase_add_test(c, one_row_and_flat_rows);
    suite_add_tcase(s, c);
    return run_suite(s);
}
