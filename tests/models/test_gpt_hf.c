/* GPT-2's files: one that Hugging Face's library wrote (tests/vectors/gpt2.py), names with and without a prefix, there and back, damage. */
#include "models/gpt_test.h"

#define THEIRS "tests/vectors/gpt2"

static void copy_file(const char *from, const char *to)
{
    char command[400];
    snprintf(command, sizeof command, "cp %s %s", from, to);
    ck_assert_int_eq(system(command), 0);
}

static gm_status open_folder(gm_model **m) { return gm_gpt_load_hf(ctx, dir, m); }

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(at(name), "wb");
    fputs(text, f);
    fclose(f);
}

/* The folder of the test, with `from` in config.json replaced. */
static void config_with(const char *from, const char *to)
{
    size_t n;
    char *text = slurp(THEIRS "/config.json", &n), out[4000];
    text[n] = 0;
    char *found = strstr(text, from);
    ck_assert_msg(found != NULL, "no %s in config.json", from);
    snprintf(out, sizeof out, "%.*s%s%s", (int)(found - text), text, to, found + strlen(from));
    write_text("config.json", out);
    free(text);
}

static void check_logits(gm_model *m)
{
    FILE *f = fopen(THEIRS "/logits.txt", "r");
    gm_tensor *ids = NULL, *y = NULL;
    ck_assert_msg(f != NULL, "run from the top of the project");
    OK(gm_tensor_new(ctx, GM_I64, 2, (int64_t[]){ 2, 5 }, &ids));
    for (int i = 0; i < 10; i++) {
        int v;
        ck_assert_int_eq(fscanf(f, "%d", &v), 1);
        gm__i64(ids)[i] = v;
    }
    OK(gm_gpt_logits(m, ids, &y));
    for (int i = 0; i < 70; i++) {
        double v;
        ck_assert_int_eq(fscanf(f, "%lf", &v), 1);
        ck_assert_double_eq_tol(gm__f32(y)[i], v, 1e-4);
    }
    fclose(f);
    gm_tensor_free(ids);
    gm_tensor_free(y);
}

START_TEST(theirs)
{
    gm_model *m = NULL;
    OK(gm_gpt_load_hf(ctx, THEIRS, &m));
    check_logits(m);
    ck_assert_int_eq(gm_lm_context(m), 5);
    ck_assert_int_eq(gm_tokenizer_size(gm_lm_tokenizer(m)), 7);
    gm_tensor *none = NULL, *p = NULL;
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ 0 }, &none));
    OK(gm_lm_next(m, none, &p)); /* without a text to begin with all are alike */
    ck_assert_float_eq(gm__f32(p)[0], gm__f32(p)[6]);
    gm_sampler *s = NULL;
    OK(gm_sampler_new(ctx, m, NULL, &s));
    FAILS(GM_EARG, "no token for", gm_sampler_prompt(s, "to be", 5)); /* there is no vocab.json */
    gm_sampler_free(s);
    gm_tensor_free(none);
    gm_tensor_free(p);
    OK(gm_model_save(m, at("ours.safetensors")));
    gm_model_free(m);
    OK(gm_model_load(ctx, at("ours.safetensors"), &m));
    check_logits(m);
    gm_model_free(m);
}
END_TEST

START_TEST(names_without_prefix_and_masks)
{
    gm_model *m = NULL;
    gm__stw *w = NULL;
    gm__st *st = NULL;
    gm_tensor *kept[40] = { NULL }, *mask = NULL;
    OK(gm__st_open(ctx, THEIRS "/model.safetensors", &st));
    OK(gm__stw_new(ctx, &w));
    for (size_t i = 0; i < st->n; i++) {
        const gm__entry *e = &st->entries[i];
        OK(gm_tensor_new(ctx, GM_F32, e->ndim, e->shape, &kept[i]));
        OK(gm__st_load(st, e, kept[i]));
        ck_assert(!strncmp(e->name, "transformer.", 12));
        OK(gm__stw_tensor(w, e->name + 12, kept[i], true));
    }
    OK(gm_tensor_new(ctx, GM_U8, 4, (int64_t[]){ 1, 1, 5, 5 }, &mask));
    OK(gm__stw_tensor(w, "h.0.attn.bias", mask, false));
    OK(gm__stw_tensor(w, "h.1.attn.masked_bias", mask, false));
    OK(gm__stw_commit(w, at("model.safetensors")));
    gm__stw_free(w);
    copy_file(THEIRS "/config.json", at("config.json"));
    OK(open_folder(&m));
    check_logits(m);
    gm_model_free(m);
    for (size_t i = 0; i < st->n; i++) gm_tensor_free(kept[i]);
    gm_tensor_free(mask);
    gm__st_close(st);
}
END_TEST

static gm_model *trained(const char *options)
{
    gm_model *m = NULL;
    gm_dataset *d = text_of("text", some_text);
    OK(gm_model_new(ctx, "gpt", options, &m));
    OK(gm_fit(m, d, "steps=5 batch=4"));
    gm_dataset_free(d);
    return m;
}

START_TEST(there_and_back)
{
    static const char *const how[] = { "block=10 embd=8 heads=2 depth=2 tokenizer=bpe vocab=280", "block=10 embd=6 heads=1 depth=1 tokenizer=bpe vocab=270 tie=off activation=gelu-erf hidden=10" };
    for (int k = 0; k < 2; k++) {
        gm_model *m = trained(how[k]), *back = NULL;
        gm_tensor *ids = NULL, *a = NULL, *b = NULL;
        OK(gm_gpt_save_hf(m, at("hf")));
        OK(gm_gpt_load_hf(ctx, at("hf/"), &back));
        OK(gm_tokenizer_encode(gm_lm_tokenizer(back), "the cat sat", 11, 0, &ids));
        OK(gm_lm_log_prob(m, ids, &a));
        OK(gm_lm_log_prob(back, ids, &b));
        ck_assert(a->size == b->size && !memcmp(a->data, b->data, (size_t)a->size * 4));
        ck_assert_int_eq(gm_lm_end(back), -1);
        gm_tensor_free(ids), gm_tensor_free(a), gm_tensor_free(b);
        gm_model_free(m), gm_model_free(back);
    }
}
END_TEST

START_TEST(no_gpt2)
{
    static const struct { const char *options, *why; } cases_[] = {
        { "positions=rotary", "no positions" }, { "norm=rms", "no norm" }, { "kv-heads=1", "no kv-heads" }, { "post=on", "no post" },
        { "bias=off", "no bias=off" }, { "activation=swiglu", "no activation=swiglu" },
    };
    for (size_t i = 0; i < GM__COUNT(cases_); i++) {
        char options[100];
        snprintf(options, sizeof options, "block=8 embd=8 heads=2 depth=1 tokenizer=byte %s", cases_[i].options);
        gm_model *m = trained(options);
        FAILS(GM_EUNSUPPORTED, cases_[i].why, gm_gpt_save_hf(m, at("hf")));
        gm_model_free(m);
    }
    gm_model *m = model(NULL);
    FAILS(GM_EARG, "the model is a vae", gm_gpt_save_hf(m, at("hf")));
    gm_model_free(m);
    OK(gm_model_new(ctx, "gpt", NULL, &m));
    FAILS(GM_ESTATE, "no weights yet", gm_gpt_save_hf(m, at("hf")));
    gm_model_free(m);
}
END_TEST

START_TEST(damaged)
{
    static const struct { const char *from, *to, *why; } wrong[] = {
        { "\"n_embd\": 4", "\"n_embd\": 6", "is [4], expected [6]" },
        { "\"n_layer\": 2", "\"n_layer\": 3", "no tensor h.2." },
        { "\"n_layer\": 2", "\"n_layer\": 1", "does not belong" },
        { "\"n_head\": 2", "\"n_head\": 3", "heads=3" },
        { "\"n_positions\": 5", "\"n_positions\": 6", "wpe.weight" },
        { "\"vocab_size\": 7", "\"vocab_size\": 8", "wte.weight" },
        { "\"vocab_size\": 7", "\"vocab_size\": 7000000", "more weights than" },
        { "\"vocab_size\": 7", "\"vocab\": 7", "vocab_size is missing" },
        { "\"n_layer\": 2", "\"n_layer\": \"2\"", "whole number" },
        { "\"n_layer\": 2", "\"n_layer\": 0", "whole number" },
        { "\"gpt2\"", "\"llama\"", "gpt2 wanted" },
        { "gelu_new", "quick_gelu", "quick_gelu" },
        { "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", "lm_head.weight" },
        { "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": 3", "true or false" },
        { "\"scale_attn_weights\": true", "\"scale_attn_weights\": false", "are known" },
        { "1e-05", "0.1", "are known" },
        { "{", "[", "config.json" },
    };
    gm_model *m = NULL;
    FAILS(GM_EIO, "config.json", open_folder(&m));
    copy_file(THEIRS "/config.json", at("config.json"));
    FAILS(GM_EIO, "model.safetensors", open_folder(&m));
    copy_file(THEIRS "/model.safetensors", at("model.safetensors"));
    for (size_t i = 0; i < GM__COUNT(wrong); i++) {
        config_with(wrong[i].from, wrong[i].to);
        FAILS(GM_EFORMAT, wrong[i].why, open_folder(&m));
        ck_assert_ptr_null(m);
        ck_assert_ptr_null(strchr(gm_ctx_message(ctx), '\n'));
    }
    copy_file(THEIRS "/config.json", at("config.json"));
    write_text("vocab.json", "{\"a\": 0}");
    FAILS(GM_EIO, "merges.txt", open_folder(&m));
    write_text("merges.txt", "#version: 0.2\n");
    ck_assert_int_ne(open_folder(&m), GM_OK);
    remove(at("vocab.json"));
    size_t n;
    char *bytes = slurp(THEIRS "/model.safetensors", &n);
    for (size_t cut = 0; cut < n; cut += n / 40 + 1) {
        FILE *f = fopen(at("model.safetensors"), "wb");
        fwrite(bytes, 1, cut, f);
        fclose(f);
        ck_assert_int_ne(open_folder(&m), GM_OK);
    }
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gpt_hf");
    TCase *c = tcase_create("gpt_hf");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    const TTest *const tests[] = { theirs, names_without_prefix_and_masks, there_and_back, no_gpt2, damaged };
    for (size_t i = 0; i < GM__COUNT(tests); i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    return run_suite(s);
}
