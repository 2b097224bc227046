/* language.c - what language models reach on tiny Shakespeare and on makemore's names.
 *
 *     language DIR [recipe] [ten] [names] [out=DIR]
 *
 * DIR holds tinyshakespeare.txt and names.txt. Without names all run.
 *   recipe  nanoGPT's CPU recipe: 4 blocks, 4 heads, 128 wide, context 64, batch 12, 2,000 steps (its README: 1.88 on random blocks)
 *   ten     a configuration of our choice that trains in ten minutes on two cores
 *   names   a GPT on names, the last 1,000 of a seeded shuffle held out (makemore: 1.92)
 * Shakespeare: the first 1,003,854 characters are trained on, the other 111,540 scored as one stream; beside it what n-grams give.
 * Prints target beside reached; exit code 1 if a target is missed. */
#include "experiments/experiment.h"

static gm_dataset *open_text(const char *kind, const char *file, const char *range)
{
    char spec[2048];
    gm_dataset *d = NULL;
    snprintf(spec, sizeof spec, "%s:%s/%s%s", kind, dir, file, range);
    must(gm_dataset_open(ctx, spec, &d), spec);
    return d;
}

static double nats(gm_model *m, gm_dataset *d) { return measure(m, d, "metric=nats_per_token"); }

static double shakespeare(const char *name, const char *family, const char *options, const char *how)
{
    gm_dataset *d = open_text("text", "tinyshakespeare.txt", "[0:1003854]"), *held = open_text("text", "tinyshakespeare.txt", "[1003854:1115394]");
    gm_model *m = train(name, family, options, d, how);
    const double v = nats(m, held);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(held);
    return v;
}

static void recipe(void)
{
    printf("n-gram of order 3: %.4f, of order 7: %.4f nats a character\n", shakespeare("order-3", "ngram", "order=3", NULL), shakespeare("order-7", "ngram", "order=7", NULL));
    report("nanoGPT's CPU recipe: nats a character", shakespeare("recipe", "gpt", "depth=4 heads=4 embd=128 block=64 bias=off seed=1", "steps=2000 batch=12 lr=1e-3 beta2=0.99"), "<=", 1.90);
}

static void ten(void)
{
    report("ten minutes: nats a character", shakespeare("ten", "gpt", "depth=4 heads=4 embd=192 block=128 positions=rotary norm=rms activation=swiglu bias=off seed=1",
           "steps=1500 batch=24 lr=2e-3 lr-min=1e-4 beta2=0.99"), "<=", 1.70);
}

static void names(void)
{
    gm_dataset *all = open_text("lines", "names.txt", ""), *d = NULL, *held = NULL;
    const double rows = (double)gm_dataset_rows(all);
    must(gm_dataset_split(all, 1 - 1000 / rows, 42, &d, &held), "split");
    gm_model *m = train("names", "gpt", "depth=4 heads=4 embd=64 block=16 dropout=0.05 unk=off seed=1", d, "steps=12000 batch=64 lr=2e-3 lr-min=2e-5");
    report("names, 1,000 held out: nats a character", nats(m, held), "<=", 1.97);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(held);
    gm_dataset_free(all);
}

int main(int argc, char **argv)
{
    static const experiment all[] = {{"recipe", recipe}, {"ten", ten}, {"names", names}};
    return run_experiments("language", all, sizeof all / sizeof *all, argc, argv);
}
