/* gpt_shakespeare - a small GPT learns to write like a text, character by character.
 *
 *   gpt_shakespeare [FILE [STEPS]]        default: README.md and 300 steps
 *
 * With tiny Shakespeare and 2,000 steps it is nanoGPT's recipe for a CPU: 4 blocks, 4 heads, 128 numbers a place, contexts of 64,
 * batches of 12. The last tenth of the text is held out. */
#include <gm/gm.h>
#include <stdio.h>

static int put(const char *bytes, size_t n, void *user) { return fwrite(bytes, 1, n, (FILE *)user) != n; }

static int show(const gm_progress *p, void *user)
{
    fprintf((FILE *)user, "step %llu of %llu: %.3f nats a character, %.0f s\n", (unsigned long long)p->step, (unsigned long long)p->steps, p->loss, p->seconds);
    return 0;
}

static gm_status learn(gm_model *m, gm_dataset *data, gm_dataset *valid, const char *steps)
{
    gm_trainer *tr = NULL;
    char options[100];
    snprintf(options, sizeof options, "steps=%s", steps);
    gm_status s = gm_trainer_new(m, data, options, &tr);
    if (!s) s = gm_trainer_set_valid(tr, valid);
    if (!s) s = gm_trainer_set_progress(tr, show, stderr, 5);
    if (!s) s = gm_trainer_run(tr);
    gm_trainer_free(tr);
    return s;
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL;
    gm_dataset *text = NULL, *data = NULL, *valid = NULL;
    gm_model *m = NULL;
    gm_sampler *w = NULL;
    gm_measure nats;
    int32_t n;
    char spec[1000];
    snprintf(spec, sizeof spec, "text:%s", argc > 1 ? argv[1] : "README.md");
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, spec, &text);
    const uint64_t bytes = gm_dataset_rows(text), cut = bytes - bytes / 10;
    if (!s) s = gm_dataset_range(text, 0, cut, 1, &data);
    if (!s) s = gm_dataset_range(text, cut, bytes, 1, &valid);
    if (!s) s = gm_model_new(ctx, "gpt", "depth=4 heads=4 embd=128 block=64 bias=off", &m);
    if (!s) s = learn(m, data, valid, argc > 2 ? argv[2] : "300");
    if (!s) s = gm_eval(m, valid, "metric=nats_per_token", &nats, 1, &n);
    if (!s) printf("held out: %.4f nats a character\n\n", nats.value);
    if (!s) s = gm_sampler_new(ctx, m, "seed=1 temperature=0.8", &w);
    if (!s) s = gm_sampler_write(w, 400, put, stdout, NULL);
    putchar('\n');
    if (s) fprintf(stderr, "gpt_shakespeare: %s\n", gm_ctx_message(ctx));
    gm_sampler_free(w);
    gm_model_free(m);
    gm_dataset_free(valid);
    gm_dataset_free(data);
    gm_dataset_free(text);
    gm_ctx_free(ctx);
    return s != GM_OK;
}
