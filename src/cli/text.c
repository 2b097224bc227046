/* text.c - texts from language models. */
#include "cli.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
        if (ferror(f)) return work_error("the text cannot be written");
        code = app_status(ctx, st == GM_END ? GM_OK : st, NULL);
        if (!code && (lines || f == stdout)) code = fputc('\n', f) < 0;
    }
    return code;
}

int sample_text(gm_ctx *ctx, gm_model *m, const char *options, const char *prompt, long long count, const char *out)
{
    gm_sampler *s = NULL;
    FILE *f = stdout;
    char *tmp = NULL;
    const bool file = strcmp(out, "-") != 0;
    int code = app_status(ctx, gm_sampler_new(ctx, m, options, &s), NULL);
    if (!code && file && strcmp(out + (strlen(out) < 4 ? 0 : strlen(out) - 4), ".txt")) code = usage_error("--out: '%s' should end in .txt, or be -", out);
    if (!code && file && !(f = output_begin(out, &tmp))) code = output_end(f, out, tmp, 1);
    else if (!code) {
        code = put_texts(ctx, m, s, prompt, count, f);
        if (file && !code) code = output_end(f, out, tmp, 0);
        else if (file) fclose(f), unlink(tmp), free(tmp); /* the reason is told already */
    }
    gm_sampler_free(s);
    return code;
}
