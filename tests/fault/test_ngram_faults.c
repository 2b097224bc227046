/* Language models under failing memory. */
#include "cases.h"

static const char *const cases[] = {"order=3 prune=0,0,1", "order=2 tokenizer=bpe vocab=260 smoothing=witten-bell", "order=3 tokenizer=word pattern=space"};

static int swallow(const char *p, size_t n, void *user) { return (void)p, (void)n, user == NULL; }

static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL, *mapped = NULL, *copy = NULL, *arpa = NULL;
    gm_sampler *w = NULL;
    gm_tensor *ids = NULL, *p = NULL, *best = NULL;
    gm_measure got[3];
    char spec[100], state[2000];
    size_t size = sizeof state;
    int32_t n;
    snprintf(spec, sizeof spec, "%s:%s.txt", which == 2 ? "lines" : "text", model_path);
    FILE *f = fopen(spec + (which == 2 ? 6 : 5), "w");
    fputs("the cat sat\non the mat\nthe cat ran\n", f);
    fclose(f);
    gm_status s = host_ctx(h, &ctx);
    if (!s) s = gm_dataset_open(ctx, spec, &d);
    if (!s) s = gm_model_new(ctx, "ngram", cases[which], &m);
    if (!s) s = gm_fit(m, d, NULL);
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    if (!s) s = gm_model_load_mapped(ctx, model_path, &mapped);
    if (!s) s = gm_model_copy(mapped, &copy);
    if (!s) s = gm_eval(copy, d, NULL, got, 3, &n);
    if (!s) s = gm_tokenizer_encode(gm_lm_tokenizer(m), "the mat", 7, 0, &ids);
    if (!s) s = gm_lm_next(m, ids, &p);
    if (!s) s = gm_lm_beam(m, ids, "beams=2 tokens=2", &best, NULL);
    if (!s) s = gm_sampler_new(ctx, again, "stop=zzz top-k=3 top-p=0.9", &w);
    if (!s) s = gm_sampler_prompt(w, "the cat", 7);
    if (!s) s = gm_sampler_bias(w, 1, 0.5);
    if (!s) s = gm_sampler_write(w, 5, swallow, h, NULL);
    if (s == GM_END) s = GM_OK;
    if (!s) s = gm_sampler_state_save(w, state, &size);
    if (!s) s = gm_sampler_state_load(w, state, size);
    if (!s) s = gm_ngram_write_arpa(m, model_path);
    if (!s && which == 2) s = gm_ngram_read_arpa(ctx, model_path, &arpa);
    keep_message(ctx, s);
    gm_tensor_free(ids), gm_tensor_free(p), gm_tensor_free(best);
    gm_sampler_free(w);
    gm_model_free(m), gm_model_free(again), gm_model_free(copy), gm_model_free(mapped), gm_model_free(arpa);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    unlink(spec + (which == 2 ? 6 : 5));
    return s;
}

int main(void) { return run_cases("ngram_faults", program, sizeof cases / sizeof *cases); }
