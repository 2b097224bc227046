/* What language models are trained on: windows of one array of tokens that cover a text once, readers that go on where they
 * were, lines with their ends. */
#include "models/texts.h"
#include "models/feed.h"

typedef struct fed { gm_model *m; gm_dataset *text, *rows; gm_tokenizer *tk; } fed;

static fed feed(const char *kind, const char *text, const char *special, gm__feed_how how, gm_status want)
{
    fed f = { 0 };
    char options[100];
    OK(gm_model_new(ctx, "ngram", NULL, &f.m));
    f.text = text_of(kind, text);
    snprintf(options, sizeof options, "kind=byte%s", special);
    OK(gm_tokenizer_train(ctx, options, NULL, 0, &f.tk));
    how.who = "train";
    how.tk = f.tk;
    how.begin = how.end = gm_tokenizer_find(f.tk, "<e>", 3);
    gm_status s = gm__feed(f.m, f.text, &how, &f.rows);
    ck_assert_msg(s == want, "%s", gm_ctx_message(ctx));
    return f;
}

static void done(fed f)
{
    gm_dataset_free(f.rows);
    gm_dataset_free(f.text);
    gm_tokenizer_free(f.tk);
    gm_model_free(f.m);
}

/* Row r as text; the token that ends a line is a '$', padding after `n` tokens is not looked at. */
static const char *row(fed f, uint64_t r, int64_t n)
{
    static char out[100];
    gm_tensor *t = NULL;
    OK(gm_dataset_read(f.rows, "x", r, 1, &t));
    ck_assert_int_eq(t->dtype, GM_I32);
    if (n < 0) n = t->size;
    for (int64_t i = 0; i < n; i++) {
        int64_t id = ((int32_t *)(void *)t->data)[i];
        size_t size;
        const char *p = gm_tokenizer_token(f.tk, id, &size);
        out[i] = size == 1 ? *p : '$';
    }
    out[n] = 0;
    gm_tensor_free(t);
    return out;
}

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz"; /* 26 */

START_TEST(windows_cover_a_text_once)
{
    fed f = feed("text", alphabet, "", (gm__feed_how){ .block = 5 }, GM_OK);
    ck_assert_uint_eq(gm_dataset_rows(f.rows), 5);
    for (uint64_t r = 0; r < 5; r++) ck_assert(!strncmp(row(f, r, -1), alphabet + 5 * r, 6));
    ck_assert_int_eq(strlen(row(f, 0, -1)), 6);
    done(f);
    f = feed("text", alphabet, "", (gm__feed_how){ .block = 5, .slack = true }, GM_OK); /* room to begin up to 4 tokens later */
    ck_assert_uint_eq(gm_dataset_rows(f.rows), 4);
    ck_assert_str_eq(row(f, 3, -1), "pqrstuvwxy");
    done(f);
    f = feed("text", "abcdefg", "", (gm__feed_how){ .block = 5, .slack = true }, GM_OK); /* as far as there is any */
    ck_assert_uint_eq(gm_dataset_rows(f.rows), 1);
    ck_assert_str_eq(row(f, 0, -1), "abcdefg");
    done(f);
    f = feed("text", "abcdef", "", (gm__feed_how){ .block = 5, .slack = true }, GM_OK);
    ck_assert_str_eq(row(f, 0, -1), "abcdef");
    done(f);
    f = feed("text", "abcde", "", (gm__feed_how){ .block = 5 }, GM_EARG);
    ck_assert_str_eq(gm_ctx_message(ctx), "train: the text has 5 tokens, fewer than the block and the token after it, 6: a smaller block is needed");
    done(f);
}
END_TEST

START_TEST(readers_go_on)
{
    fed f = feed("text", alphabet, "", (gm__feed_how){ .block = 3, .lanes = 2 }, GM_OK);
    /* 12 tokens a reader and the one after them: 4 rows each */
    static const char *const want[] = { "abcd", "mnop", "defg", "pqrs", "ghij", "stuv", "jklm", "vwxy" };
    ck_assert_uint_eq(gm_dataset_rows(f.rows), 8);
    for (uint64_t r = 0; r < 8; r++) ck_assert_str_eq(row(f, r, -1), want[r]);
    done(f);
    f = feed("text", "abcdefgh", "", (gm__feed_how){ .block = 3, .lanes = 100 }, GM_OK); /* there is room for 2 */
    ck_assert_uint_eq(gm_dataset_rows(f.rows), 2);
    ck_assert_str_eq(row(f, 1, -1), "defg");
    done(f);
}
END_TEST

START_TEST(lines_have_ends)
{
    fed f = feed("lines", "ann\n\nelizabeth\nb\n", " special=<e>", (gm__feed_how){ .block = 6 }, GM_OK);
    static const char *const want[] = { "$ann$", "$$", "$elizab", "beth$", "$b$" };
    gm_tensor *n = NULL;
    ck_assert_uint_eq(gm_dataset_rows(f.rows), 5);
    OK(gm_dataset_read(f.rows, "length", 0, 5, &n));
    for (uint64_t r = 0; r < 5; r++) {
        ck_assert_int_eq(gm__i64(n)[r], (int64_t)strlen(want[r]));
        ck_assert_str_eq(row(f, r, gm__i64(n)[r]), want[r]);
    }
    gm_tensor_free(n);
    done(f);
    f = feed("lines", "ann\n", "", (gm__feed_how){ .block = 6 }, GM_EARG);
    ck_assert(strstr(gm_ctx_message(ctx), "a token that ends a line") != NULL);
    done(f);
}
END_TEST

/* A batch of rows is the text's bytes, from two threads' order or one; parts of it are no data of their own. */
START_TEST(batches)
{
    fed f = feed("text", alphabet, "", (gm__feed_how){ .block = 2, .lanes = 3 }, GM_OK);
    gm_batches *b = NULL;
    gm_tensor *x;
    char last[3] = { 0 };
    OK(gm_batches_new(f.rows, "batch=3 shuffle=off", &b));
    for (int s = 0; s < 4; s++) {
        OK(gm_batches_next(b, &x));
        ck_assert_int_eq(x->shape[0], 3);
        for (int l = 0; l < 3; l++) {
            const int32_t *p = (const int32_t *)(const void *)x->data + 3 * l;
            if (s) ck_assert_int_eq(p[0], last[l]);
            ck_assert_int_eq(p[2], p[0] + 2);
            last[l] = (char)p[2];
        }
    }
    ck_assert_int_eq(gm_batches_next(b, &x), GM_END);
    gm_batches_free(b);
    done(f);
}
END_TEST

/* Each epoch begins at a place of its own, held-out rows at the first token. */
START_TEST(places)
{
    gm_model *m = NULL;
    gm_tensor *x = NULL;
    bool seen[8] = { false };
    OK(gm_model_new(ctx, "ngram", "seed=3", &m));
    OK(gm_tensor_new(ctx, GM_I32, 2, (int64_t[]){ 1, 16 }, &x)); /* block 8: it may begin at 0 .. 7 */
    for (uint64_t e = 0; e < 100; e++) {
        gm__batch b = { .x = x, .epoch = e, .training = true };
        int64_t from = gm__feed_from(m, &b, 8);
        ck_assert(from >= 0 && from < 8);
        ck_assert_int_eq(from, gm__feed_from(m, &b, 8));
        seen[from] = true;
        b.training = false;
        ck_assert_int_eq(gm__feed_from(m, &b, 8), 0);
    }
    for (int i = 0; i < 8; i++) ck_assert(seen[i]);
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("feed");
    TCase *c = tcase_create("feed");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, windows_cover_a_text_once);
    tcase_add_test(c, readers_go_on);
    tcase_add_test(c, lines_have_ends);
    tcase_add_test(c, batches);
    tcase_add_test(c, places);
    suite_add_tcase(s, c);
    return run_suite(s);
}
