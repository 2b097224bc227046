/* gpt_test.h - texts and small GPTs for the tests of the family. */
#ifndef GPT_TEST_H
#define GPT_TEST_H

#include "models/texts.h"
#include "models/gpt/gpt.h"

static const char some_text[] = "The cat sat on the mat; the dog sat on the cat, and the mat lay under the dog. Then the cat ran away from the dog.\n";
static const char some_lines[] = "ann\nelizabeth\nbo\nchristophe\n";
enum { CASES = 4 };
/* as in tests/vectors/gpt.py */
static const char *const cases[CASES] = {
    "depth=2 heads=2 embd=8",
    "depth=2 heads=4 kv-heads=2 embd=16 positions=rotary norm=rms activation=swiglu bias=off tie=off",
    "depth=1 heads=2 embd=6 positions=sinusoidal post=on activation=relu hidden=10",
    "depth=1 heads=1 embd=5 positions=none activation=gelu-erf norm=rms",
};

/* A model with weights, but not trained: of a text (text:), or of lines. */
static inline gm_model *fresh(const char *options, const char *kind, const char *text)
{
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    char all[1200];
    snprintf(all, sizeof all, "block=12 tokenizer=byte %s", options);
    gm_dataset *d = text_of(kind, text);
    OK(gm_model_new(ctx, "gpt", all, &m));
    OK(gm_trainer_new(m, d, NULL, &tr));
    gm_trainer_free(tr);
    gm_dataset_free(d);
    return m;
}

/* Weights by a formula: tensor k of those that are trained, by name. */
static inline void fill(gm_model *m)
{
    int k = 0;
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++) {
        const char *least = NULL;
        gm_tensor *t = NULL;
        for (int32_t j = 0; j < gm_model_tensor_count(m); j++) { /* the (i+1)-th by name */
            int before = 0;
            for (int32_t l = 0; l < gm_model_tensor_count(m); l++) before += strcmp(gm_model_tensor_name(m, l), gm_model_tensor_name(m, j)) < 0;
            if (before == i) least = gm_model_tensor_name(m, j), t = gm_model_tensor(m, j);
        }
        if (t->dtype != GM_F32) continue;
        const size_t n = strlen(least);
        const double base = strstr(least, "norm") && !strcmp(least + n - 6, "weight") ? 1 : 0;
        for (int64_t e = 0; e < t->size; e++) gm__f32(t)[e] = (float)(base + 0.3 * sin(0.7 * (double)e + 1.3 * k));
        k++;
    }
    gm__model_changed(m);
}

/* Logits of the next token from a reader that gets the text in pieces of n tokens. */
static inline void read_in(gm_model *m, const int64_t *id, int64_t count, int64_t piece, float *logits)
{
    const gm__lm *lm = m->family->lm;
    void *r = NULL;
    OK(lm->open(m, ctx, &r));
    for (int64_t i = 0; i < count; i += piece) OK(lm->read(m, ctx, r, id + i, count - i < piece ? count - i : piece));
    OK(lm->next(m, ctx, r, logits));
    lm->close(m, ctx, r);
}

#endif
