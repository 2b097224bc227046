/* Recurrent language models under failing memory. */
#include "cases.h"

static const char *const cases[] = {"cell=lstm depth=2", "cell=gru embd=3", "cell=elman"};

static int swallow(const char *p, size_t n, void *user) { return (void)p, (void)n, user == NULL; }

static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL, *copy = NULL;
    gm_trainer *tr = NULL;
    gm_sampler *w = NULL;
    gm_tensor *ids = NULL, *p = NULL, *best = NULL, *reach = NULL;
    gm_measure got[3];
    char spec[100], options[100];
    int32_t n;
    const char *kind = which == 2 ? "lines" : "text";
    snprintf(spec, sizeof spec, "%s:%s.txt", kind, model_path);
    const char *file = spec + strlen(kind) + 1;
    FILE *f = fopen(file, "w");
    fputs("the cat sat\non the mat\nthe cat ran\n", f);
    fclose(f);
    snprintf(options, sizeof options, "hidden=3 block=4 %s", cases[which]);
    gm_status s = host_ctx(h, &ctx);
    if (!s) s = gm_dataset_open(ctx, spec, &d);
    if (!s) s = gm_model_new(ctx, "rnn", options, &m);
    if (!s) s = gm_trainer_new(m, d, "steps=3 batch=2", &tr);
    if (!s) s = gm_trainer_set_valid(tr, d);
    if (!s) s = gm_trainer_run(tr);
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    if (!s) s = gm_model_copy(again, &copy);
    if (!s) s = gm_eval(copy, d, NULL, got, 3, &n);
    if (!s) s = gm_tokenizer_encode(gm_lm_tokenizer(m), "the mat", 7, 0, &ids);
    if (!s) s = gm_lm_next(m, ids, &p);
    if (!s) s = gm_lm_beam(m, ids, "beams=2 tokens=2", &best, NULL);
    if (!s) s = gm_rnn_gradient_by_lag(m, ids, &reach);
    if (!s) s = gm_sampler_new(ctx, again, NULL, &w);
    if (!s) s = gm_sampler_prompt(w, "the cat", 7);
    if (!s) s = gm_sampler_write(w, 5, swallow, h, NULL);
    if (s == GM_END) s = GM_OK;
    keep_message(ctx, s);
    gm_tensor_free(ids), gm_tensor_free(p), gm_tensor_free(best), gm_tensor_free(reach);
    gm_sampler_free(w);
    gm_trainer_free(tr);
    gm_model_free(m), gm_model_free(again), gm_model_free(copy);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    unlink(file);
    return s;
}

int main(void) { return run_cases("rnn_faults", program, sizeof cases / sizeof *cases); }
