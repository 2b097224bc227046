/* gpt2_generate - goes on with a text by a GPT-2 in Hugging Face's files.
 *
 *   gpt2_generate FOLDER [PROMPT [TOKENS]]       FOLDER holds config.json, model.safetensors, vocab.json, merges.txt
 *   gpt2_generate                                makes such a folder first, ./gpt2-tiny, from what a small model learned of README.md */
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>

static int put(const char *bytes, size_t n, void *user)
{
    size_t written = fwrite(bytes, 1, n, (FILE *)user);
    fflush((FILE *)user);
    return written != n;
}

static gm_status make_one(gm_ctx *ctx, const char *folder)
{
    gm_dataset *text = NULL;
    gm_model *m = NULL;
    gm_status s = gm_dataset_open(ctx, "text:README.md", &text);
    if (!s) s = gm_model_new(ctx, "gpt", "depth=2 heads=2 embd=64 block=64 tokenizer=bpe vocab=512", &m);
    if (!s) s = gm_fit(m, text, "steps=200");
    if (!s) s = gm_gpt_save_hf(m, folder);
    gm_model_free(m);
    gm_dataset_free(text);
    return s;
}

int main(int argc, char **argv)
{
    gm_ctx *ctx = NULL;
    gm_model *m = NULL;
    gm_sampler *w = NULL;
    const char *folder = argc > 1 ? argv[1] : "gpt2-tiny", *prompt = argc > 2 ? argv[2] : "The library";
    size_t n = 0;
    while (prompt[n]) n++;
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s && argc < 2) s = make_one(ctx, folder);
    if (!s) s = gm_gpt_load_hf(ctx, folder, &m);
    if (!s) s = gm_sampler_new(ctx, m, "seed=1 temperature=0.8 top-p=0.95", &w);
    if (!s) s = gm_sampler_prompt(w, prompt, n);
    if (!s) fputs(prompt, stdout);
    if (!s) s = gm_sampler_write(w, argc > 3 ? atoll(argv[3]) : 100, put, stdout, NULL);
    putchar('\n');
    if (s && s != GM_END) fprintf(stderr, "gpt2_generate: %s\n", gm_ctx_message(ctx));
    gm_sampler_free(w);
    gm_model_free(m);
    gm_ctx_free(ctx);
    return s && s != GM_END;
}
