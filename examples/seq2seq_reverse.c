/* seq2seq_reverse - a transformer learns to write words backwards: source in, target out, tested on words it has never seen.
 *
 *   seq2seq_reverse [STEPS]        default: 1000 */
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 10000, HELD = 300, LETTERS = 8, LONGEST = 12 };

/* All pairs are one array of bytes, each "word<tab>drow"; offset says where they begin. Words are drawn once. */
static gm_status draw(char *text, int64_t *offset)
{
    static float u[(WORDS + HELD) * (LONGEST + 1)];
    gm_status s = gm_random_uniform(1, 0, 0, sizeof u / sizeof *u, u);
    int64_t at = 0;
    for (int i = 0; i < WORDS + HELD; i++) {
        const float *v = u + i * (LONGEST + 1);
        int n = 4 + (int)(v[LONGEST] * (LONGEST - 3));
        offset[i] = at;
        for (int k = 0; k < n; k++) text[at + k] = text[at + 2 * n - k] = (char)('a' + (int)(v[k] * LETTERS));
        text[at + n] = '\t';
        at += 2 * n + 1;
    }
    offset[WORDS + HELD] = at;
    return s;
}

static int put(const char *bytes, size_t n, void *user)
{
    strncat(user, bytes, n);
    return 0;
}

/* How many of the held-out words come out right. */
static gm_status judge(gm_ctx *ctx, gm_model *m, const char *text, const int64_t *offset, int *right)
{
    gm_sampler *s = NULL;
    gm_status st = gm_sampler_new(ctx, m, "temperature=0", &s);
    for (int i = WORDS; !st && i < WORDS + HELD; i++) {
        char out[64] = "";
        size_t n = (size_t)(offset[i + 1] - offset[i] - 1) / 2;
        const char *word = text + offset[i], *want = word + n + 1;
        st = gm_sampler_reset(s);
        if (!st) st = gm_sampler_prompt(s, word, n);
        if (!st) st = gm_sampler_write(s, 2 * LONGEST, put, out, NULL);
        if (st == GM_END) st = GM_OK;
        int same = strlen(out) == n && !memcmp(out, want, n);
        *right += same;
        if (i < WORDS + 5 || !same) printf("  %.*s -> %s%s\n", (int)n, word, out, same ? "" : "   wrong");
    }
    gm_sampler_free(s);
    return st;
}

int main(int argc, char **argv)
{
    static char text[(WORDS + HELD) * (2 * LONGEST + 1)];
    static int64_t offset[WORDS + HELD + 1];
    gm_ctx *ctx = NULL;
    gm_tensor *bytes = NULL, *at = NULL;
    gm_dataset *pairs = NULL;
    gm_model *m = NULL;
    char how[60];
    int right = 0;
    int64_t ends = WORDS + 1;
    snprintf(how, sizeof how, "steps=%d lr=2e-3 seed=1", argc > 1 ? atoi(argv[1]) : 1000);

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = draw(text, offset);
    if (!s) s = gm_tensor_copy(ctx, GM_U8, 1, &offset[WORDS], text, &bytes);
    if (!s) s = gm_tensor_copy(ctx, GM_I64, 1, &ends, offset, &at);
    if (!s) s = gm_dataset_from_ragged(ctx, bytes, at, NULL, &pairs);
    if (!s) s = gm_model_new(ctx, "transformer", "depth=2 heads=4 embd=64 block=16 seed=1", &m);
    if (!s) s = gm_fit(m, pairs, how);
    if (!s) s = judge(ctx, m, text, offset, &right);
    if (s) fprintf(stderr, "seq2seq_reverse: %s\n", gm_ctx_message(ctx));
    else printf("%d of %d words never seen are written backwards without a mistake\n", right, HELD);
    gm_tensor_free(bytes);
    gm_tensor_free(at);
    gm_model_free(m);
    gm_dataset_free(pairs);
    gm_ctx_free(ctx);
    return s != GM_OK || right < HELD * 99 / 100;
}
