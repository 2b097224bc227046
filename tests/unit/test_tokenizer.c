/* Tokenizers: pieces, merges and tokens as Hugging Face's tokenizers make them (tests/vectors/tokenizer.txt), any bytes there
 * and back, files of GPT-2's form, tensors for models, lies in all of them. */
#include "data_test.h"
#include "text/text.h"

enum { LINE = 1 << 15 };
typedef struct bytes { uint8_t p[LINE / 2]; size_t n; } bytes;

static void unhex(const char *s, bytes *b)
{
    unsigned v;
    for (b->n = 0; sscanf(s + 2 * b->n, "%2x", &v) == 1 && s[2 * b->n] != ' '; b->n++) b->p[b->n] = (uint8_t)v;
}

/* The next line of the vectors that starts with `word`: the rest of it. */
static char *line_of(FILE *f, const char *word, char *line)
{
    size_t n = strlen(word);
    while (fgets(line, LINE, f))
        if (!strncmp(line, word, n) && line[n] == ' ') return line + n + 1;
    return NULL;
}

static FILE *vectors(void)
{
    FILE *f = fopen("tests/vectors/tokenizer.txt", "r");
    ck_assert_msg(f != NULL, "run from the top of the project");
    return f;
}

static gm_tokenizer *train(const char *options, const void *text, size_t n)
{
    gm_tokenizer *tk = NULL;
    ck_assert_msg(gm_tokenizer_train(ctx, options, text, n, &tk) == GM_OK, "%s: %s", options, gm_ctx_message(ctx));
    return tk;
}

static gm_tokenizer *reference(void)
{
    static char line[LINE];
    static bytes corpus;
    FILE *f = vectors();
    unhex(line_of(f, "corpus", line), &corpus);
    fclose(f);
    return train("kind=bpe vocab=360 special=<|end|>", corpus.p, corpus.n);
}

START_TEST(pieces)
{
    static char line[LINE];
    static bytes text;
    FILE *f = vectors();
    int cases = 0;
    for (char *p; (p = line_of(f, "split", line)); cases++) {
        unhex(p, &text);
        p += 2 * text.n;
        for (size_t at = 0, n; at < text.n; at += n) {
            n = gm__split(GM__SPLIT_GPT2, text.p + at, text.n - at);
            ck_assert_uint_eq(n, strtoul(p, &p, 10));
        }
        ck_assert_int_eq(*p, '\n');
    }
    ck_assert_int_gt(cases, 50);
    fclose(f);
}
END_TEST

START_TEST(merges)
{
    static char line[LINE];
    static bytes text;
    gm_tokenizer *tk = reference();
    gm_tensor *ids;
    FILE *f = vectors();
    int64_t n = 0;
    for (char *p; (p = line_of(f, "token", line)); n++) {
        size_t size;
        ck_assert_int_eq(strtoll(p, &p, 10), n);
        unhex(p + 1, &text);
        const char *have = gm_tokenizer_token(tk, n, &size);
        ck_assert_msg(have && size == text.n && !memcmp(have, text.p, size), "token %lld", (long long)n);
        ck_assert_int_eq(gm_tokenizer_find(tk, text.p, text.n), n);
    }
    ck_assert_int_eq(n, gm_tokenizer_size(tk));
    rewind(f);
    int cases = 0;
    for (char *p; (p = line_of(f, "ids", line)); cases++) {
        unhex(p, &text);
        p += 2 * text.n;
        OK(gm_tokenizer_encode(tk, text.p, text.n, 0, &ids));
        for (int64_t i = 0; i < ids->size; i++) ck_assert_int_eq(gm__i64(ids)[i], strtoll(p, &p, 10));
        ck_assert_int_eq(*p, '\n');
        gm_tensor_free(ids);
    }
    ck_assert_int_gt(cases, 20);
    fclose(f);
    gm_tokenizer_free(tk);
}
END_TEST

static void there_and_back(gm_tokenizer *tk, const uint8_t *p, size_t n)
{
    gm_tensor *ids;
    size_t size = 0, part = 0;
    uint8_t *back = malloc(n + 1), few[3];
    ck_assert_msg(gm_tokenizer_encode(tk, p, n, 0, &ids) == GM_OK, "%s", gm_ctx_message(ctx));
    OK(gm_tokenizer_decode(tk, ids, 0, (char *)back, n + 1, &size));
    ck_assert_uint_eq(size, n);
    ck_assert(!memcmp(back, p, n));
    OK(gm_tokenizer_decode(tk, ids, 0, (char *)few, sizeof few, &part)); /* what fits */
    ck_assert_uint_eq(part, n);
    ck_assert(!memcmp(few, p, n < 3 ? n : 3));
    free(back);
    gm_tensor_free(ids);
}

START_TEST(any_bytes)
{
    uint8_t p[3000];
    uint32_t x = 1;
    gm_tokenizer *byte = train("kind=byte", NULL, 0), *bpe = reference();
    for (int round = 0; round < 40; round++) {
        size_t n = (size_t)round * 70;
        for (size_t i = 0; i < n; i++) p[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> (round % 3 ? 24 : 28));
        there_and_back(byte, p, n);
        there_and_back(bpe, p, n);
        gm_tokenizer *flat = train("kind=bpe pattern=none vocab=300", p, n), *word = train("kind=word", p, n);
        there_and_back(flat, p, n);
        there_and_back(word, p, n);
        gm_tokenizer_free(flat);
        gm_tokenizer_free(word);
    }
    gm_tokenizer_free(byte);
    gm_tokenizer_free(bpe);
}
END_TEST

#define TEXT(s) s, sizeof s - 1
static void is_ids(gm_tokenizer *tk, const char *text, uint32_t flags, int n, const int64_t *want)
{
    gm_tensor *ids;
    ck_assert_msg(gm_tokenizer_encode(tk, text, strlen(text), flags, &ids) == GM_OK, "%s", gm_ctx_message(ctx));
    ck_assert_int_eq(ids->size, n);
    for (int i = 0; i < n; i++) ck_assert_int_eq(gm__i64(ids)[i], want[i]);
    gm_tensor_free(ids);
}
#define IDS(...) (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / 8), (int64_t[]){ __VA_ARGS__ }

START_TEST(characters)
{
    gm_tokenizer *tk = train("kind=char", TEXT("hel\xc3\xa9lo!"));
    ck_assert_int_eq(gm_tokenizer_size(tk), 6); /* by code: ! e h l o e-acute */
    is_ids(tk, "\xc3\xa9ho", 0, IDS(5, 2, 4));
    gm_tensor *ids;
    ck_assert_int_eq(gm_tokenizer_encode(tk, TEXT("he z"), 0, &ids), GM_EARG);
    ck_assert_str_eq(gm_ctx_message(ctx), "tokenizer: no token for ' ' at byte 2");
    ck_assert_int_eq(gm_tokenizer_encode(tk, TEXT("he\xff"), 0, &ids), GM_EFORMAT);
    gm_tokenizer_free(tk);
    tk = train("kind=char unk=on special=<s>,</s> vocab=6", TEXT("aaabbbccd")); /* the three special ones, and the frequent a b c */
    ck_assert_int_eq(gm_tokenizer_size(tk), 6);
    is_ids(tk, "dab", 0, IDS(2, 3, 4));
    is_ids(tk, "<s>a</s>", GM_ENCODE_SPECIAL, IDS(0, 3, 1));
    is_ids(tk, "<s>a", 0, IDS(2, 2, 2, 3));
    gm_tokenizer_free(tk);
    gm_tokenizer *none = NULL;
    ck_assert_int_eq(gm_tokenizer_train(ctx, "kind=char", TEXT("ab\x80"), &none), GM_EFORMAT);
    ck_assert_str_eq(gm_ctx_message(ctx), "tokenizer: the byte 0x80 at 2 is not UTF-8 (kind=byte takes all)");
    ck_assert_ptr_null(none);
}
END_TEST

START_TEST(words)
{
    gm_tensor *ids;
    char text[40];
    size_t n;
    gm_tokenizer *tk = train("kind=word pattern=space lower=on unk=on special=<s>,</s>", TEXT("The cat  the\tdog\nthe cat\n"));
    ck_assert_int_eq(gm_tokenizer_size(tk), 7); /* <s> </s> <unk>, then by frequency: the (3), \n (2), cat (2), dog */
    is_ids(tk, "THE bird\n", 0, IDS(3, 2, 4));
    OK(gm_tokenizer_encode(tk, TEXT("the   dog \n cat"), 0, &ids));
    OK(gm_tokenizer_decode(tk, ids, 0, text, sizeof text, &n));
    ck_assert_uint_eq(n, 11);
    ck_assert(!memcmp(text, "the dog\ncat", n));
    gm_tensor_free(ids);
    gm_tokenizer_free(tk);
    tk = train("kind=word min-count=2", TEXT("no more no less no more"));
    ck_assert_int_eq(gm_tokenizer_find(tk, TEXT(" more")), 0); /* it and " no" twice, the rest once */
    ck_assert_int_eq(gm_tokenizer_find(tk, TEXT(" less")), -1);
    gm_tokenizer_free(tk);
}
END_TEST

START_TEST(gpt2_files)
{
    gm_tokenizer *tk = reference(), *again = NULL;
    char vocab[200], merge[200];
    snprintf(vocab, sizeof vocab, "%s", at("vocab.json"));
    snprintf(merge, sizeof merge, "%s", at("merges.txt"));
    OK(gm_tokenizer_save_gpt2(tk, vocab, merge));
    ck_assert_msg(gm_tokenizer_load_gpt2(ctx, vocab, merge, &again) == GM_OK, "%s", gm_ctx_message(ctx));
    ck_assert_int_eq(gm_tokenizer_size(again), gm_tokenizer_size(tk));
    for (int64_t i = 0; i < gm_tokenizer_size(tk); i++) {
        size_t n, m;
        const char *a = gm_tokenizer_token(tk, i, &n), *b = gm_tokenizer_token(again, i, &m);
        ck_assert(n == m && !memcmp(a, b, n));
    }
    is_ids(again, "<|end|>", GM_ENCODE_SPECIAL, IDS(0));
    gm_tensor *x, *y;
    OK(gm_tokenizer_encode(tk, TEXT("the cats' dinner isn't here"), 0, &x));
    OK(gm_tokenizer_encode(again, TEXT("the cats' dinner isn't here"), 0, &y));
    ck_assert_int_eq(x->size, y->size);
    ck_assert(!memcmp(x->data, y->data, (size_t)x->size * 8));
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_tokenizer_free(again);
    static const struct { const char *vocab, *merges; gm_status s; const char *says; } bad[] = {
        { "{\"a\": 0, \"b\": 2}", "", GM_EFORMAT, "not a number of its own below 2" },
        { "{\"a\": 0, \"b\": 0}", "", GM_EFORMAT, "not a number of its own" },
        { "[1]", "", GM_EFORMAT, "not an object of tokens" },
        { "{", "", GM_EFORMAT, "vocab.json" },
        { "{\"a\": 0}", "", GM_EFORMAT, "no token for byte" },
        { NULL, "q zz\n", GM_EFORMAT, "merges.txt:1: not a merge of two tokens" },
        { NULL, "#version: 0.2\nab\n", GM_EFORMAT, "merges.txt:2: not a merge" },
        { NULL, "! \x22\n", GM_EFORMAT, "of or to a token that is not there" },
    };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        if (bad[i].vocab) put_file("vocab.json", bad[i].vocab, strlen(bad[i].vocab));
        else OK(gm_tokenizer_save_gpt2(tk, vocab, merge));
        put_file("merges.txt", bad[i].merges, strlen(bad[i].merges));
        ck_assert_int_eq(gm_tokenizer_load_gpt2(ctx, vocab, merge, &again), bad[i].s);
        ck_assert_msg(strstr(gm_ctx_message(ctx), bad[i].says) != NULL, "%zu: %s", i, gm_ctx_message(ctx));
        ck_assert_ptr_null(again);
    }
    gm_tokenizer_free(tk);
}
END_TEST

START_TEST(tensors)
{
    gm_tokenizer *tk = reference(), *again = NULL;
    gm_tensor *t[GM__TK_TENSORS];
    OK(gm__tokenizer_store(tk, t));
    OK(gm__tokenizer_restore(ctx, t, &again));
    ck_assert_int_eq(gm_tokenizer_size(again), gm_tokenizer_size(tk));
    there_and_back(again, (const uint8_t *)TEXT("we'll see the mat"));
    gm_tokenizer_free(again);
    uint32_t x = 9;
    for (int k = 0; k < 2000; k++) { /* one wrong bit anywhere: refused, or a tokenizer that works */
        gm_tensor *v = t[k % GM__TK_TENSORS];
        size_t bits = (size_t)v->size * gm_dtype_size(v->dtype) * 8, bit = ((x = x * 1664525 + 1013904223) >> 4) % bits;
        v->data[bit / 8] = (char)(v->data[bit / 8] ^ 1 << bit % 8);
        gm_status s = gm__tokenizer_restore(ctx, t, &again);
        ck_assert_msg(s == GM_OK || s == GM_EFORMAT, "%d: %s", s, gm_ctx_message(ctx));
        if (!s && gm_tokenizer_kind(again) == GM_TOKENIZE_BPE) there_and_back(again, (const uint8_t *)TEXT("we'll see the mat"));
        gm_tokenizer_free(again);
        v->data[bit / 8] = (char)(v->data[bit / 8] ^ 1 << bit % 8);
    }
    for (int i = 0; i < GM__TK_TENSORS; i++) gm_tensor_free(t[i]);
    gm_tokenizer_free(tk);
}
END_TEST

START_TEST(wrong_arguments)
{
    gm_tokenizer *tk = NULL;
    size_t n;
    ck_assert_int_eq(gm_tokenizer_train(ctx, "kind=bpe vocab=100", TEXT("abc"), &tk), GM_EARG);
    ck_assert_str_eq(gm_ctx_message(ctx), "tokenizer: vocab=100 is less than the 256 tokens there must be");
    ck_assert_int_eq(gm_tokenizer_train(ctx, "kind=char special=<s>,<s>", TEXT("abc"), &tk), GM_EARG);
    ck_assert_int_eq(gm_tokenizer_train(ctx, "kind=char special=,", TEXT("abc"), &tk), GM_EARG);
    ck_assert_int_eq(gm_tokenizer_train(ctx, "kind=syllable", TEXT("abc"), &tk), GM_EARG);
    ck_assert_int_eq(gm_tokenizer_train(ctx, NULL, NULL, 3, &tk), GM_EARG);
    tk = train("kind=char", TEXT("abc"));
    gm_tensor *t;
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ 1 }, &t));
    gm__i64(t)[0] = 3;
    ck_assert_int_eq(gm_tokenizer_decode(tk, t, 0, NULL, 0, &n), GM_EARG);
    gm__i64(t)[0] = -1;
    ck_assert_int_eq(gm_tokenizer_decode(tk, t, 0, NULL, 0, &n), GM_EARG);
    gm_tensor_free(t);
    OK(gm_tensor_new(ctx, GM_F32, 1, (int64_t[]){ 1 }, &t));
    ck_assert_int_eq(gm_tokenizer_decode(tk, t, 0, NULL, 0, &n), GM_EDTYPE);
    gm_tensor_free(t);
    ck_assert_int_eq(gm_tokenizer_save_gpt2(tk, at("v"), at("m")), GM_EUNSUPPORTED);
    ck_assert_ptr_null(gm_tokenizer_token(tk, 3, &n));
    ck_assert_int_eq(gm_tokenizer_kind(NULL), -1);
    gm_tokenizer_free(tk);
    gm_tokenizer_free(NULL);
}
END_TEST

START_TEST(failing_memory)
{
    char vocab[200], merge[200];
    snprintf(vocab, sizeof vocab, "%s", at("vocab.json"));
    snprintf(merge, sizeof merge, "%s", at("merges.txt"));
    for (long k = 1;; k++) {
        gm_tokenizer *tk = NULL, *word = NULL, *again = NULL;
        gm_tensor *ids = NULL, *t[GM__TK_TENSORS] = { NULL };
        host.calls = 0, host.fail_at = k, host.forever = k % 2;
        gm_status s = gm_tokenizer_train(ctx, "kind=bpe vocab=300 special=<s>", TEXT("the cat sat on the mat, the cat!"), &tk);
        if (!s) s = gm_tokenizer_encode(tk, TEXT("the mat is the longest word of all, withoutanyblanksinitsomewhereforsixtyfourbytesandmoretofollow"), 0, &ids);
        if (!s) s = gm_tokenizer_train(ctx, "kind=word lower=on unk=on", TEXT("The cat sat on the mat"), &word);
        if (!s) s = gm_tokenizer_save_gpt2(tk, vocab, merge);
        if (!s) s = gm_tokenizer_load_gpt2(ctx, vocab, merge, &again);
        if (!s) s = gm__tokenizer_store(tk, t);
        gm_tokenizer_free(again);
        if (!s) s = gm__tokenizer_restore(ctx, t, &again);
        else again = NULL;
        host.fail_at = 0;
        for (int i = 0; i < GM__TK_TENSORS; i++) gm_tensor_free(t[i]);
        gm_tensor_free(ids);
        gm_tokenizer_free(tk);
        gm_tokenizer_free(word);
        gm_tokenizer_free(again);
        if (!s) break;
        ck_assert_int_eq(s, GM_ENOMEM);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { pieces, merges, any_bytes, characters, words, gpt2_files, tensors, wrong_arguments, failing_memory, NULL };
    return run_suite("tokenizer", tests);
}
