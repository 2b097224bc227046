/* markov_text - an n-gram model of a text, order by order: how well it foresees the end of the text, and what it writes.
 *
 *   markov_text [FILE]        default: README.md */
#include <gm/gm.h>
#include <stdio.h>

static int put(const char *bytes, size_t n, void *user) { return fwrite(bytes, 1, n, (FILE *)user) != n; }

static gm_status one_order(gm_ctx *ctx, gm_dataset *train, gm_dataset *test, int order)
{
    char options[40];
    gm_model *m = NULL;
    gm_sampler *s = NULL;
    gm_measure nats;
    int32_t n;
    snprintf(options, sizeof options, "order=%d tokenizer=byte", order);
    gm_status st = gm_model_new(ctx, "ngram", options, &m);
    if (!st) st = gm_fit(m, train, NULL);
    if (!st) st = gm_eval(m, test, "metric=nats_per_token", &nats, 1, &n);
    if (!st) printf("\norder %d: %.3f nats a byte\n", order, nats.value);
    if (!st) st = gm_sampler_new(ctx, m, "seed=1 temperature=0.9", &s);
    if (!st) st = gm_sampler_write(s, 120, put, stdout, NULL);
    putchar('\n');
    gm_sampler_free(s);
    gm_model_free(m);
    return st;
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL;
    gm_dataset *text = NULL, *train = NULL, *test = NULL;
    char spec[1000];
    snprintf(spec, sizeof spec, "text:%s", argc > 1 ? argv[1] : "README.md");
    gm_status st = gm_ctx_new(NULL, &ctx);
    if (!st) st = gm_dataset_open(ctx, spec, &text);
    uint64_t n = gm_dataset_rows(text), cut = n - n / 10;
    if (!st) st = gm_dataset_range(text, 0, cut, 1, &train);
    if (!st) st = gm_dataset_range(text, cut, n, 1, &test);
    for (int order = 1; !st && order <= 6; order++) st = one_order(ctx, train, test, order);
    if (st) fprintf(stderr, "markov_text: %s\n", gm_ctx_message(ctx));
    gm_dataset_free(test);
    gm_dataset_free(train);
    gm_dataset_free(text);
    gm_ctx_free(ctx);
    return st != GM_OK;
}
