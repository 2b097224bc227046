/* char_rnn - a recurrent net learns a text character by character, and writes some now and then.
 *
 *   char_rnn [FILE [STEPS [OPTIONS]]]       default: README.md 400 'cell=lstm hidden=128 depth=2' */
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>

static int put(const char *bytes, size_t n, void *user) { return fwrite(bytes, 1, n, (FILE *)user) != n; }

static gm_status write_some(gm_ctx *ctx, gm_model *m)
{
    gm_sampler *s = NULL;
    gm_status st = gm_sampler_new(ctx, m, "seed=1 temperature=0.8", &s);
    if (!st) st = gm_sampler_write(s, 200, put, stdout, NULL);
    printf("\n\n");
    gm_sampler_free(s);
    return st == GM_END ? GM_OK : st;
}

/* How much of the gradient is left, for a text's first tokens. */
static gm_status show_reach(gm_ctx *ctx, gm_model *m, gm_dataset *text)
{
    gm_tensor *bytes = NULL, *ids = NULL, *norm = NULL;
    gm_status s = gm_dataset_read(text, "x", 0, gm_dataset_rows(text) < 100 ? (int64_t)gm_dataset_rows(text) : 100, &bytes);
    if (!s) s = gm_tokenizer_encode(gm_lm_tokenizer(m), gm_tensor_data(bytes), (size_t)gm_tensor_size(bytes), 0, &ids);
    if (!s) s = gm_rnn_gradient_by_lag(m, ids, &norm);
    for (int64_t k = 1; !s && k < gm_tensor_size(norm); k *= 2) printf("gradient %2d characters back: %.1e\n", (int)k, (double)((float *)gm_tensor_data(norm))[k]);
    if (s) fprintf(stderr, "char_rnn: %s\n", gm_ctx_message(ctx));
    gm_tensor_free(norm);
    gm_tensor_free(ids);
    gm_tensor_free(bytes);
    return s;
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL;
    gm_dataset *text = NULL, *train = NULL, *test = NULL;
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_measure nats;
    char spec[1000], options[100];
    int steps = argc > 2 ? atoi(argv[2]) : 400;
    int32_t n;
    snprintf(spec, sizeof spec, "text:%s", argc > 1 ? argv[1] : "README.md");
    snprintf(options, sizeof options, "steps=%d", steps);
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, spec, &text);
    uint64_t rows = gm_dataset_rows(text), cut = rows - rows / 10;
    if (!s) s = gm_dataset_range(text, 0, cut, 1, &train);
    if (!s) s = gm_dataset_range(text, cut, rows, 1, &test);
    if (!s) s = gm_model_new(ctx, "rnn", argc > 3 ? argv[3] : "cell=lstm hidden=128 depth=2 block=32", &m);
    if (!s) s = gm_trainer_new(m, train, options, &tr);
    for (int step = 1; !s && step <= steps; step++) {
        double loss;
        s = gm_trainer_step(tr, &loss);
        if (!s && step % (steps < 4 ? 1 : steps / 4) == 0) {
            printf("---- step %d: %.3f nats a character\n", step, loss);
            s = write_some(ctx, m);
        }
    }
    if (!s) s = gm_eval(m, test, "metric=nats_per_token", &nats, 1, &n);
    if (!s) printf("the last tenth of the text, which was not learned from: %.3f nats a character\n", nats.value);
    if (!s) s = show_reach(ctx, m, train);
    else fprintf(stderr, "char_rnn: %s\n", gm_ctx_message(ctx));
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(test);
    gm_dataset_free(train);
    gm_dataset_free(text);
    gm_ctx_free(ctx);
    return s != GM_OK;
}
