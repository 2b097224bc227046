/* GPT in use: texts, files, copies, draws that follow the logits; wrong use. */
#include "models/gpt_test.h"

static gm_model *trained(const char *options, const char *how, const char *kind, const char *text)
{
    gm_model *m = NULL;
    gm_dataset *d = text_of(kind, text);
    OK(gm_model_new(ctx, "gpt", options, &m));
    OK(gm_fit(m, d, how));
    gm_dataset_free(d);
    return m;
}

typedef struct heard { char text[2000]; size_t n; } heard;
static int hear(const char *p, size_t n, void *user)
{
    heard *h = user;
    ck_assert_uint_lt(h->n + n, sizeof h->text);
    memcpy(h->text + h->n, p, n);
    h->n += n;
    h->text[h->n] = 0;
    return 0;
}

static heard written(gm_model *m, const char *options, const char *prompt, int64_t tokens)
{
    gm_sampler *s = NULL;
    heard h = { .n = 0 };
    OK(gm_sampler_new(ctx, m, options, &s));
    OK(gm_sampler_prompt(s, prompt, strlen(prompt)));
    gm_status st = gm_sampler_write(s, tokens, hear, &h, NULL);
    ck_assert(st == GM_OK || st == GM_END);
    gm_sampler_free(s);
    return h;
}

/* Saved, loaded, copied: the same bytes and the same text, past the context, too. */
START_TEST(files_and_copies)
{
    gm_model *m = trained("depth=2 heads=2 embd=16 block=8", "steps=20 batch=4", "text", some_text), *loaded = NULL, *copy = NULL;
    OK(gm_model_save(m, at("a")));
    OK(gm_model_load(ctx, at("a"), &loaded));
    OK(gm_model_copy(m, &copy));
    OK(gm_model_save(loaded, at("b")));
    OK(gm_model_save(copy, at("c")));
    ck_assert(same_files(at("a"), at("b")) && same_files(at("a"), at("c")));
    heard a = written(m, "seed=5", "The cat", 60), b = written(loaded, "seed=5", "The cat", 60), c = written(copy, "seed=5", "The cat", 60);
    ck_assert_uint_ge(a.n, 40); /* <unk> has no text */
    ck_assert_str_eq(a.text, b.text);
    ck_assert_str_eq(a.text, c.text);
    gm_model_free(copy);
    OK(gm_model_load_weights(m, at("b")));
    ck_assert_str_eq(written(m, "seed=5", "The cat", 60).text, a.text);
    gm_model_free(m);
    gm_model_free(loaded);
}
END_TEST

/* A state saved anywhere goes on with the same text, though the reader of the one that goes on read it at once. */
START_TEST(states_go_on)
{
    gm_model *m = trained("depth=1 heads=2 embd=16 block=8", "steps=5 batch=4", "text", some_text);
    uint8_t state[4000];
    heard whole = written(m, "seed=9", "dog", 50);
    for (int64_t first = 1; first < 50; first += 8) {
        gm_sampler *a = NULL, *b = NULL;
        heard h = { .n = 0 };
        size_t size = sizeof state;
        OK(gm_sampler_new(ctx, m, "seed=9", &a));
        OK(gm_sampler_prompt(a, "dog", 3));
        OK(gm_sampler_write(a, first, hear, &h, NULL));
        OK(gm_sampler_state_save(a, state, &size));
        OK(gm_sampler_new(ctx, m, "seed=9", &b));
        OK(gm_sampler_state_load(b, state, size));
        OK(gm_sampler_write(b, 50 - first, hear, &h, NULL));
        ck_assert_str_eq(h.text, whole.text);
        gm_sampler_free(a);
        gm_sampler_free(b);
    }
    gm_model_free(m);
}
END_TEST

START_TEST(lines_end)
{
    gm_model *m = trained("depth=1 heads=2 embd=32 block=16 unk=off", "steps=300 batch=4 lr=5e-3", "lines", some_lines);
    ck_assert_int_ge(gm_lm_end(m), 0);
    int known = 0;
    for (int i = 0; i < 20; i++) {
        char options[32];
        snprintf(options, sizeof options, "seed=%d", i);
        heard h = written(m, options, "", 30);
        ck_assert_uint_lt(h.n, 30);
        known += strstr(some_lines, h.text) != NULL && h.n;
    }
    ck_assert_int_ge(known, 15); /* four names are learned by heart */
    gm_model_free(m);
}
END_TEST

static int fixed(float *logits, int64_t n, void *user)
{
    memcpy(logits, user, (size_t)n * sizeof *logits);
    return 0;
}

/* 10^5 draws at fixed logits: chi-square against the distribution; with truncation nothing is ever drawn from outside. */
START_TEST(draws_follow_the_logits)
{
    enum { N = 100000 };
    static const char *const how[] = { "", "temperature=0.5", "top-k=5", "top-p=0.7", "min-p=0.2", "typical=0.6 temperature=1.3" };
    gm_model *m = trained("depth=1 heads=1 embd=4 block=4 unk=off", "steps=2 batch=4", "lines", some_lines);
    const int64_t vocab = gm_tokenizer_size(gm_lm_tokenizer(m));
    float logits[64];
    ck_assert_int_le(vocab, 64);
    for (int64_t i = 0; i < vocab; i++) logits[i] = (float)(3 * unit((uint32_t)i));
    logits[gm_lm_end(m)] = -INFINITY; /* the text goes on */
    for (size_t k = 0; k < GM__COUNT(how); k++) {
        static const gm__choice choices[] = { { .temperature = 1, .top_p = 1, .typical = 1 }, { .temperature = .5, .top_p = 1, .typical = 1 }, { .temperature = 1, .top_p = 1, .typical = 1, .top_k = 5 },
            { .temperature = 1, .top_p = .7, .typical = 1 }, { .temperature = 1, .top_p = 1, .typical = 1, .min_p = .2 }, { .temperature = 1.3, .top_p = 1, .typical = .6 } };
        gm__candidate room[64];
        double p[64] = { 0 }, chi = 0;
        long seen[64] = { 0 };
        char options[100];
        gm_sampler *s = NULL;
        int64_t token, kept = gm__candidates(&choices[k], logits, vocab, room);
        for (int64_t i = 0; i < kept; i++) p[room[i].id] = room[i].p;
        snprintf(options, sizeof options, "seed=%zu %s", k + 1, how[k]);
        OK(gm_sampler_new(ctx, m, options, &s));
        OK(gm_sampler_filter(s, fixed, logits));
        for (int i = 0; i < N; i++) {
            if (i % 1000 == 0) OK(gm_sampler_reset(s));
            OK(gm_sampler_next(s, &token));
            seen[token]++;
        }
        int free_ = -1;
        for (int64_t i = 0; i < vocab; i++) {
            if (p[i] == 0) ck_assert_int_eq(seen[i], 0);
            else chi += ((double)seen[i] - N * p[i]) * ((double)seen[i] - N * p[i]) / (N * p[i]), free_++;
        }
        ck_assert_msg(chi < free_ + 4.9 * sqrt(2.0 * free_) + 8, "%s: chi-square %g of %d", how[k], chi, free_); /* a false alarm in about a million */
        gm_sampler_free(s);
    }
    gm_model_free(m);
}
END_TEST

START_TEST(host_tokenizer_and_beams)
{
    gm_tokenizer *tk = NULL;
    gm_model *m = NULL;
    gm_tensor *ids = NULL, *best = NULL, *score = NULL, *p = NULL;
    gm_dataset *d = text_of("text", some_text);
    OK(gm_tokenizer_train(ctx, "kind=bpe vocab=270", some_text, strlen(some_text), &tk));
    OK(gm_model_new(ctx, "gpt", "depth=1 heads=2 embd=8 block=8", &m));
    OK(gm_lm_set_tokenizer(m, tk));
    OK(gm_fit(m, d, "steps=3 batch=2"));
    ck_assert_int_eq(gm_tokenizer_kind(gm_lm_tokenizer(m)), GM_TOKENIZE_BPE);
    OK(gm_tokenizer_encode(tk, "The cat", 7, 0, &ids));
    OK(gm_lm_beam(m, ids, "beams=3 tokens=12 results=2", &best, &score)); /* past the context, with copies of readers */
    gm_tensor_free(ids);
    gm_tensor_free(best);
    gm_tensor_free(score);
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ 0 }, &ids));
    OK(gm_lm_next(m, ids, &p));
    double sum = 0;
    for (int64_t i = 0; i < p->size; i++) sum += exp((double)gm__f32(p)[i]);
    ck_assert_double_eq_tol(sum, 1, 1e-5);
    gm_tensor_free(p);
    gm_tensor_free(ids);
    gm_model_free(m);
    gm_tokenizer_free(tk);
    gm_dataset_free(d);
}
END_TEST

/* ---- wrong use -------------------------------------------------------------------------------- */

START_TEST(options)
{
    static const struct { const char *options, *why; } wrong[] = {
        { "embd=10 heads=4", "embd=10 is not divided by heads=4" }, { "heads=4 kv-heads=3", "kv-heads=3" }, { "embd=12 heads=4 positions=rotary", "even size" },
        { "depth=0", "depth" }, { "block=0", "block" }, { "dropout=1", "dropout" }, { "norm=batch", "norm" }, { "tokenizer=morse", "tokenizer" },
    };
    gm_model *m = NULL;
    for (size_t i = 0; i < GM__COUNT(wrong); i++) {
        FAILS(GM_EARG, wrong[i].why, gm_model_new(ctx, "gpt", wrong[i].options, &m));
        ck_assert_ptr_null(m);
    }
    gm_gpt_config c;
    gm_gpt_config_init(&c, sizeof c);
    ck_assert_int_eq(c.depth, 4);
    ck_assert_int_eq(c.tie, 1);
    c.positions = 9;
    FAILS(GM_EARG, "positions", gm_gpt_new(ctx, &c, &m));
    c.positions = GM_GPT_POSITIONS_ROTARY;
    OK(gm_gpt_new(ctx, &c, &m));
    gm_model_free(m);
}
END_TEST

START_TEST(wrong_use)
{
    gm_model *m = NULL;
    gm_tensor *t = NULL, *y = NULL;
    gm_trainer *tr = NULL;
    OK(gm_model_new(ctx, "gpt", "depth=1 embd=8 heads=2 block=8 unk=off", &m));
    OK(gm_tensor_new(ctx, GM_I64, 2, (int64_t[]){ 1, 9 }, &t));
    FAILS(GM_ESTATE, "fit the model first", gm_gpt_logits(m, t, &y));
    FAILS(GM_ESTATE, "no weights to save", gm_model_save(m, at("x")));
    gm_dataset *d = text_of("text", "too few");
    FAILS(GM_EARG, "the text has 7 tokens, fewer than the block and the token after it, 9", gm_fit(m, d, NULL));
    gm_dataset_free(d);
    gm_model_free(m);
    m = NULL;
    OK(gm_model_new(ctx, "gpt", "depth=1 embd=8 heads=2 block=8", &m));
    d = text_of("text", "caf\xc3 not UTF-8 text");
    FAILS(GM_EFORMAT, "is not UTF-8", gm_fit(m, d, NULL));
    gm_dataset_free(d);
    gm_model_free(m);
    m = trained("depth=1 embd=8 heads=2 block=8 unk=off", "steps=2 batch=2", "text", some_text);
    FAILS(GM_ESHAPE, "[1,9]; [rows, 1 to 8] wanted", gm_gpt_logits(m, t, &y));
    gm_tensor_free(t);
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 1, 3 }, &t));
    FAILS(GM_EDTYPE, "tokens are f32", gm_gpt_logits(m, t, &y));
    gm_tensor_free(t);
    OK(gm_tensor_new(ctx, GM_I64, 2, (int64_t[]){ 1, 3 }, &t));
    gm__i64(t)[1] = 999;
    FAILS(GM_EARG, "999", gm_gpt_logits(m, t, &y));
    gm_tensor_free(t);
    gm_sampler *s = NULL;
    OK(gm_sampler_new(ctx, m, NULL, &s));
    FAILS(GM_EARG, "no token for '?'", gm_sampler_prompt(s, "what?", 5));
    OK(gm_sampler_prompt(s, some_text, strlen(some_text))); /* longer than the context: its last tokens count */
    int64_t token;
    OK(gm_sampler_next(s, &token));
    gm_sampler_free(s);
    d = text_of("text", "The cat?");
    gm_measure out[3];
    int32_t n;
    FAILS(GM_EARG, "no token for '?'", gm_eval(m, d, NULL, out, 3, &n));
    gm_dataset_free(d);
    d = text_of("lines", some_lines);
    FAILS(GM_EARG, "a token that ends a line", gm_trainer_new(m, d, NULL, &tr)); /* this tokenizer has none */
    gm_dataset_free(d);
    d = pictures(8, 1);
    FAILS(GM_EDTYPE, "reads text", gm_fit(m, d, NULL));
    gm_dataset_free(d);
    FAILS(GM_EUNSUPPORTED, "cannot sample", gm_sample(m, 1, 1, &y));
    gm_model_free(m);
    m = model(NULL);
    OK(gm_tensor_new(ctx, GM_I64, 2, (int64_t[]){ 1, 3 }, &t));
    FAILS(GM_EARG, "the model is a vae", gm_gpt_logits(m, t, &y));
    gm_tensor_free(t);
    gm_model_free(m);
}
END_TEST

/* Files whose tensors do not fit their options, and files cut short. */
START_TEST(damaged_files)
{
    static const struct { const char *from, *to; } wrong[] = { { "\"depth\":1", "\"depth\":2" }, { "\"embd\":8", "\"embd\":4" }, { "\"block\":8", "\"block\":9" },
        { "\"tie\":true", "\"tie\":false" }, { "\"heads\":2", "\"heads\":4" /* the same sizes: fits */ }, { "\"lines\":false", "\"lines\":true" }, { "\"depth\":1", "\"depth\":900" } };
    gm_model *m = trained("depth=1 embd=8 heads=2 block=8", "steps=2 batch=2", "text", some_text), *back = NULL;
    OK(gm_model_save(m, at("good")));
    size_t n;
    char *bytes = slurp(at("good"), &n);
    for (size_t i = 0; i < GM__COUNT(wrong); i++) {
        gm__stw *w = NULL;
        char config[2000];
        const char *json = gm_model_config(m), *found = strstr(json, wrong[i].from);
        ck_assert_msg(found != NULL, "no %s in %s", wrong[i].from, json);
        snprintf(config, sizeof config, "%.*s%s%s", (int)(found - json), json, wrong[i].to, found + strlen(wrong[i].from));
        OK(gm__stw_new(ctx, &w));
        OK(gm__stw_meta(w, "format", "pt"));
        OK(gm__stw_meta(w, "gm.kind", "gpt"));
        OK(gm__stw_meta(w, "gm.config", config));
        OK(gm__stw_meta(w, "gm.version", gm_version_string()));
        for (size_t k = 0; k < m->n_tensors; k++) OK(gm__stw_tensor(w, m->tensors[k].name, m->tensors[k].tensor, true));
        OK(gm__stw_commit(w, at("bad")));
        gm__stw_free(w);
        gm_status s = gm_model_load(ctx, at("bad"), &back);
        ck_assert_msg(s == (strstr(wrong[i].from, "heads") ? GM_OK : GM_EFORMAT), "%s: %s: %s", wrong[i].to, gm_status_name(s), gm_ctx_message(ctx));
        gm_model_free(back);
        back = NULL;
    }
    for (size_t cut = 0; cut < n; cut += n / 30 + 1) {
        FILE *f = fopen(at("bad"), "wb");
        fwrite(bytes, 1, cut, f);
        fclose(f);
        ck_assert_int_ne(gm_model_load(ctx, at("bad"), &back), GM_OK);
    }
    free(bytes);
    gm_model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gpt_use");
    TCase *c = tcase_create("gpt_use");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, setup, teardown);
    const TTest *const tests[] = { files_and_copies, states_go_on, lines_end, draws_follow_the_logits, host_tokenizer_and_beams, options, wrong_use, damaged_files };
    for (size_t i = 0; i < GM__COUNT(tests); i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    return run_suite(s);
}
