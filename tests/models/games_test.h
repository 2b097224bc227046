/* games_test.h - what families of two players are tested for alike: bytes of their nets, runs cut inside a step, threads and files. */
#ifndef GAMES_TEST_H
#define GAMES_TEST_H

#include "models/models_test.h"

/* All bytes of the tensors whose names begin so. */
typedef struct bytes { char *p; size_t n; } bytes;
static inline bytes bytes_of(const gm_model *m, const char *prefix)
{
    bytes b = {malloc(1 << 22), 0};
    for (size_t i = 0; i < m->n_tensors; i++) {
        const gm_tensor *t = m->tensors[i].tensor;
        const size_t size = (size_t)t->size * gm__esize(t->dtype);
        if (strncmp(m->tensors[i].name, prefix, strlen(prefix))) continue;
        ck_assert_uint_le(b.n + size, 1 << 22);
        memcpy(b.p + b.n, t->data, size);
        b.n += size;
    }
    ck_assert_uint_gt(b.n, 0);
    return b;
}
static inline int same_as(bytes a, const gm_model *m, const char *prefix)
{
    bytes b = bytes_of(m, prefix);
    const int same = a.n == b.n && !memcmp(a.p, b.p, a.n);
    free(b.p);
    return same;
}

/* To the end; tr is freed. */
static inline void run_to(gm_trainer *tr, const char *model, const char *checkpoint)
{
    OK(gm_trainer_run(tr));
    ck_assert_int_eq(gm_trainer_done(tr), 1);
    OK(gm_model_save(gm_trainer_model(tr), at(model)));
    OK(gm_trainer_save(tr, at(checkpoint)));
    gm_trainer_free(tr);
}

/* The run that those of cut_run must equal. */
static inline void whole_run(gm_model *m /* taken */, gm_dataset *d, const char *how)
{
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, d, how, &tr));
    run_to(tr, "m1", "c1");
    gm_model_free(m);
}

/* Cut after so many steps, or half a step later, gone on with from the file by another number of threads: the same model and checkpoint. */
static inline void cut_run(gm_model *m /* taken */, gm_dataset *d, const char *how, int cut, int half, const char *what)
{
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, d, how, &tr));
    for (int k = 0; k < cut; k++) OK(gm_trainer_step(tr, NULL));
    if (half) OK(gm_gan_d_step(tr, NULL));
    OK(gm_trainer_save(tr, at("c")));
    gm_trainer_free(tr);
    gm_model_free(m);
    OK(gm_ctx_set_threads(ctx, 1 + cut % 3));
    OK(gm_trainer_resume(ctx, at("c"), d, NULL, NULL, &tr));
    run_to(tr, "m2", "c2");
    ck_assert_msg(same_files(at("m1"), at("m2")), "model: %s, cut at %d", what, cut);
    ck_assert_msg(same_files(at("c1"), at("c2")), "checkpoint: %s, cut at %d", what, cut);
}

/* A model trained on 1, 2, 3 threads is the same file, and a loaded one does the same. */
static inline void any_threads(const char *family, const char *options, gm_dataset *d, const char *how, gm_tensor *(*use)(gm_model *m))
{
    for (int threads = 1; threads <= 3; threads++) {
        gm_model *m = NULL, *back = NULL;
        OK(gm_model_new(ctx, family, options, &m));
        OK(gm_ctx_set_threads(ctx, threads));
        OK(gm_fit(m, d, how));
        OK(gm_model_save(m, at(threads == 1 ? "first" : "other")));
        if (threads > 1) ck_assert_msg(same_files(at("first"), at("other")), "%s: %d threads", options, threads);
        OK(gm_model_load(ctx, at("first"), &back));
        gm_tensor *a = use(m), *b = use(back);
        ck_assert(a->size == b->size && !memcmp(a->data, b->data, (size_t)a->size * sizeof(float)));
        gm_tensor_free(a), gm_tensor_free(b);
        gm_model_free(m), gm_model_free(back);
    }
}
static inline gm_tensor *eleven_draws(gm_model *m)
{
    gm_tensor *x = NULL;
    OK(gm_sample(m, 11, 5, &x));
    return x;
}

/* For gm_trainer_set_progress: stops after as many steps as the int says. */
static inline int stop_at(const gm_progress *p, void *step) { return p->step == (uint64_t) * (int *)step; }

#endif
