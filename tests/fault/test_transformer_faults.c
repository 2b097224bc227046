/* Transformers under failing memory. */
#include "cases.h"

static const char *const cases[] = {"", "positions=rotary norm=rms activation=swiglu kv-heads=1 dropout=0.1", "kind=decoder", "kind=encoder positions=learned post=on"};

static int swallow(const char *p, size_t n, void *user) { return (void)p, (void)n, user == NULL; }

/* What a model that writes does beside the rest. */
static gm_status writes(gm_ctx *ctx, gm_model *m, gm_dataset *d, host *h)
{
    gm_sampler *w = NULL;
    gm_tensor *ids = NULL, *p = NULL, *best = NULL;
    gm_measure got[3];
    int32_t n;
    gm_status s = gm_eval(m, d, NULL, got, 3, &n);
    if (!s) s = gm_tokenizer_encode(gm_lm_tokenizer(m), "ab", 2, 0, &ids);
    if (!s) s = gm_lm_next(m, ids, &p);
    if (!s) s = gm_lm_beam(m, ids, "beams=2 tokens=2", &best, NULL);
    if (!s) s = gm_sampler_new(ctx, m, "top-k=3", &w);
    if (!s) s = gm_sampler_prompt(w, "ab", 2);
    if (!s) s = gm_sampler_write(w, 3, swallow, h, NULL);
    gm_tensor_free(ids), gm_tensor_free(p), gm_tensor_free(best);
    gm_sampler_free(w);
    return s == GM_END ? GM_OK : s;
}

static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL, *copy = NULL;
    gm_tensor *ids = NULL, *y = NULL;
    char spec[100], options[200];
    snprintf(spec, sizeof spec, "lines:%s.txt", model_path);
    snprintf(options, sizeof options, "depth=1 heads=2 embd=4 block=8 %s", cases[which]);
    FILE *f = fopen(spec + 6, "w");
    fputs("ab\tba\nb\tb\naab\tbaa\n", f);
    fclose(f);
    gm_status s = host_ctx(h, &ctx);
    if (!s) s = gm_dataset_open(ctx, spec, &d);
    if (!s) s = gm_model_new(ctx, "transformer", options, &m);
    if (!s) s = gm_fit(m, d, "steps=2 batch=2");
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    if (!s) s = gm_model_copy(again, &copy);
    if (!s) s = gm_tensor_copy(ctx, GM_I64, 2, (int64_t[]){1, 3}, (int64_t[]){1, 2, 3}, &ids);
    if (!s && which != 2) s = gm_transformer_encode(copy, ids, NULL, &y);
    if (!s && which != 3) s = writes(ctx, copy, d, h);
    keep_message(ctx, s);
    gm_tensor_free(ids), gm_tensor_free(y);
    gm_model_free(m), gm_model_free(again), gm_model_free(copy);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    unlink(spec + 6);
    return s;
}

int main(void) { return run_cases("transformer_faults", program, sizeof cases / sizeof *cases); }
