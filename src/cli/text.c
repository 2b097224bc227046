/* text.c - texts from language models. */
#include "cli.h"
#include <string.h>

static int put_text(const char *bytes, size_t n, void *user) { return fwrite(bytes, 1, n, user) != n; }

/* `count` tokens after the prompt, or as many texts if the model knows where a text ends: a line each. */
static int put_texts(gm_ctx *ctx, gm_model *m, gm_sampler *s, const char *prompt, long long count, FILE *f)
{
    bool lines = gm_lm_end(m) >= 0;
    int code = 0;
    size_t n = prompt ? strlen(prompt) : 0;
    for (long long i = 0; !code && i < (lines ? count : 1); i++) {
        gm_status st = gm_sampler_reset(s);
        if (!st && n) st = gm_sampler_prompt(s, prompt, n);
        if (!st && n && fwrite(prompt, 1, n, f) != n) return work_error("the text cannot be written");
        if (!st) st = gm_sampler_write(s, lines ? 100000 : count, put_text, f, NULL);
        code = app_status(ctx, st == GM_END ? GM_OK : st, NULL);
        if (!code && (lines || f == stdout)) code = fputc('\n', f) < 0;
    }
    return code;
}

int sample_text(gm_ctx *ctx, gm_model *m, const char *options, const char *prompt, long long count, const char *out)
{
    gm_sampler *s = NULL;
    FILE *f = stdout;
    int code = app_status(ctx, gm_sampler_new(ctx, m, options, &s), NULL);
    if (!code && strcmp(out, "-") && strcmp(out + (strlen(out) < 4 ? 0 : strlen(out) - 4), ".txt")) code = usage_error("--out: '%s' should end in .txt, or be -", out);
    if (!code && strcmp(out, "-") && !(f = fopen(out, "wb"))) code = work_error("%s: cannot be written", out);
    if (!code) code = put_texts(ctx, m, s, prompt, count, f);
    if (f && f != stdout && fclose(f) && !code) code = work_error("%s: cannot be written", out);
    if (f && f != stdout && code) remove(out);
    gm_sampler_free(s);
    return code;
}
