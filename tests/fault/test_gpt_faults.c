/* GPTs under failing memory. */
#include "cases.h"

static const char *const cases[] = {"depth=1 heads=2 embd=8 block=8", "depth=1 heads=2 kv-heads=1 embd=8 block=6 positions=rotary norm=rms activation=swiglu tie=off dropout=0.1",
                                    "depth=1 heads=1 embd=4 block=8 positions=sinusoidal post=on tokenizer=bpe vocab=258"};

static int swallow(const char *p, size_t n, void *user) { return (void)p, (void)n, user == NULL; }

static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL, *copy = NULL, *hf = NULL;
    gm_sampler *w = NULL;
    gm_tensor *ids = NULL, *best = NULL;
    gm_measure got[3];
    char spec[100], folder[100];
    int32_t n;
    snprintf(spec, sizeof spec, "%s:%s.txt", which == 1 ? "lines" : "text", model_path);
    snprintf(folder, sizeof folder, "%s.hf", model_path);
    FILE *f = fopen(spec + (which == 1 ? 6 : 5), "w");
    fputs("the cat sat\non the mat\nthe cat ran\n", f);
    fclose(f);
    gm_status s = host_ctx(h, &ctx);
    if (!s) s = gm_dataset_open(ctx, spec, &d);
    if (!s) s = gm_model_new(ctx, "gpt", cases[which], &m);
    if (!s) s = gm_fit(m, d, "steps=2 batch=2");
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    if (!s) s = gm_model_copy(again, &copy);
    if (!s) s = gm_eval(copy, d, NULL, got, 3, &n);
    if (!s) s = gm_tokenizer_encode(gm_lm_tokenizer(m), "the mat", 7, 0, &ids);
    if (!s) s = gm_lm_beam(m, ids, "beams=2 tokens=2", &best, NULL);
    if (!s) s = gm_sampler_new(ctx, again, "top-k=3", &w);
    if (!s) s = gm_sampler_prompt(w, "the cat", 7);
    if (!s) s = gm_sampler_write(w, 5, swallow, h, NULL);
    if (s == GM_END) s = GM_OK;
    if (!s && which == 0) s = gm_gpt_save_hf(m, folder);
    if (!s && which == 0) s = gm_gpt_load_hf(ctx, folder, &hf);
    keep_message(ctx, s);
    gm_tensor_free(ids), gm_tensor_free(best);
    gm_sampler_free(w);
    gm_model_free(m), gm_model_free(again), gm_model_free(copy), gm_model_free(hf);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    unlink(spec + (which == 1 ? 6 : 5));
    return s;
}

int main(void)
{
    char command[160];
    int code = run_cases("gpt_faults", program, sizeof cases / sizeof *cases);
    snprintf(command, sizeof command, "rm -rf '%s.hf'", model_path);
    return system(command) || code;
}
