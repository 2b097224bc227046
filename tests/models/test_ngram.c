/* n-gram models against dictionaries of counts (tests/vectors/ngram.txt), KenLM's figures and exact ratios; what is drawn from them. */
#include "models/texts.h"
#include "models/lm.h"

static gm_model *fitted(const char *options, const char *kind, const char *text)
{
    gm_model *m = NULL;
    gm_dataset *d = bytes_of(kind, text, strlen(text));
    OK(gm_model_new(ctx, "ngram", options, &m));
    OK(gm_fit(m, d, NULL));
    gm_dataset_free(d);
    return m;
}

static gm_tensor *ids_of(gm_model *m, const char *text)
{
    gm_tensor *t = NULL;
    OK(gm_tokenizer_encode(gm_lm_tokenizer(m), text, strlen(text), GM_ENCODE_SPECIAL, &t));
    return t;
}

/* log p(the last token of the text | those before) */
static double last(gm_model *m, const char *text)
{
    gm_tensor *t = ids_of(m, text), *p = NULL;
    OK(gm_lm_log_prob(m, t, &p));
    double v = gm__f32(p)[p->size - 1];
    gm_tensor_free(t);
    gm_tensor_free(p);
    return v;
}

static const char small[] = "abracadabra abracadabra, a bad crab ran; a cab ran back.";

/* ---- values ---------------------------------------------------------------------------- */

static void unhex(const char *s, char *out)
{
    unsigned v;
    for (; sscanf(s, "%2x", &v) == 1 && *s != '\n'; s += 2) *out++ = (char)v;
    *out = 0;
}

START_TEST(equals_dictionaries_of_counts)
{
    static char line[8192], text[4096], test[1024];
    FILE *f = fopen("tests/vectors/ngram.txt", "r");
    ck_assert_msg(f != NULL, "run from the top of the project");
    int cases = 0, order, used;
    char how[32], options[100];
    while (fgets(line, sizeof line, f)) {
        if (!strncmp(line, "text ", 5)) unhex(line + 5, text);
        if (!strncmp(line, "test ", 5)) unhex(line + 5, test);
        if (sscanf(line, "case %d %31s%n", &order, how, &used) != 2) continue;
        snprintf(options, sizeof options, "order=%d smoothing=%s unk=off", order, how);
        gm_model *m = fitted(options, "text", text);
        gm_tensor *t = ids_of(m, test), *p = NULL;
        OK(gm_lm_log_prob(m, t, &p));
        char *at_ = line + used;
        for (int64_t i = 0; i < p->size; i++) ck_assert_double_eq_tol(gm__f32(p)[i], strtod(at_, &at_), 3e-6);
        ck_assert_int_eq(*at_, '\n');
        gm_tensor_free(t);
        gm_tensor_free(p);
        gm_model_free(m);
        cases++;
    }
    ck_assert_int_eq(cases, 8);
    fclose(f);
}
END_TEST

START_TEST(maximum_likelihood_is_a_ratio)
{
    gm_model *m = fitted("order=3 smoothing=mle", "text", "aab aac aab aab");
    ck_assert_double_eq_tol(last(m, "aab"), log(3.0 / 4), 1e-6); /* aab three times, aac once */
    ck_assert_double_eq_tol(last(m, "aac"), log(1.0 / 4), 1e-6);
    ck_assert(isinf(last(m, "aaa")));
    ck_assert_double_eq_tol(last(m, "bb "), 0, 1e-6); /* bb was never seen; after b always came a blank */
    gm_model_free(m);
    m = fitted("order=2 smoothing=add-k add=0.5 unk=off", "text", "aab aac aab aab");
    ck_assert_double_eq_tol(last(m, "aa"), log(4.5 / (8 + 0.5 * 4)), 1e-6); /* a: aa 4, ab 3, ac 1 */
    ck_assert_double_eq_tol(last(m, "ba"), log(0.5 / (2 + 0.5 * 4)), 1e-6); /* never seen */
    gm_model_free(m);
}
END_TEST

/* Distributions add up to 1 after any context, and say what log_prob says. */
START_TEST(distributions)
{
    static const char *const how[] = { "smoothing=mle", "smoothing=add-k add=0.3", "smoothing=witten-bell", "", "prune=0,0,1", "prune=0,1,2 smoothing=witten-bell" };
    for (size_t h = 0; h < GM__COUNT(how); h++) {
        char options[100];
        snprintf(options, sizeof options, "order=4 %s", how[h]);
        gm_model *m = fitted(options, "text", small);
        for (size_t n = 0; n + 1 < sizeof small; n += 3) {
            char before[100] = "", with[100];
            memcpy(before, small, n);
            if (n % 2) before[n / 2] = ';'; /* contexts that were not seen, too */
            gm_tensor *t = ids_of(m, before), *p = NULL;
            OK(gm_lm_next(m, t, &p));
            double sum = 0;
            for (int64_t w = 0; w < p->size; w++) {
                sum += exp((double)gm__f32(p)[w]);
                size_t len;
                const char *token = gm_tokenizer_token(gm_lm_tokenizer(m), w, &len);
                if (len != 1) continue; /* <unk> */
                snprintf(with, sizeof with, "%s%c", before, *token);
                double v = last(m, with);
                if (isinf(v)) ck_assert(isinf(gm__f32(p)[w]));
                else ck_assert_double_eq_tol(v, gm__f32(p)[w], 2e-5);
            }
            ck_assert_double_eq_tol(sum, 1, 1e-5);
            gm_tensor_free(t);
            gm_tensor_free(p);
        }
        gm_model_free(m);
    }
}
END_TEST

static double nats(gm_model *m, const char *kind, const char *text)
{
    gm_measure out[3];
    int32_t n;
    gm_dataset *d = bytes_of(kind, text, strlen(text));
    OK(gm_eval(m, d, NULL, out, 3, &n));
    ck_assert_int_eq(n, 3);
    ck_assert_double_eq_tol(out[1].value, exp(out[0].value), 1e-9);
    gm_dataset_free(d);
    return out[0].value;
}

/* A long text is scored in pieces, side by side, by an index; a reader that goes token by token has none. */
START_TEST(long_texts_equal_short_steps)
{
    static char text[6001];
    for (int i = 0, r = 1; i < 6000; i++) {
        r = (int)((uint32_t)r * 1103515245u + 12345u) & 0x7fffffff;
        text[i] = i % 97 == 96 ? '\n' : (char)('a' + (i % 3 ? (r >> 16) % 7 : i / 3 % 11));
    }
    for (int k = 0; k < 6; k++) {
        static const char *const how[] = { "order=1", "order=2", "order=4", "order=6", "order=5 smoothing=witten-bell prune=0,1", "order=3 smoothing=mle" };
        char options[80];
        snprintf(options, sizeof options, "%s tokenizer=char", how[k]);
        gm_model *m = fitted(options, k % 2 ? "lines" : "text", text);
        gm_tensor *id = ids_of(m, text + 13), *p[2] = { NULL, NULL };
        const int64_t n = id->size;
        float *step = malloc((size_t)n * sizeof *step), logits[32];
        void *reader = NULL;
        OK(m->family->lm->open(m, ctx, &reader));
        for (int64_t i = 0; i < n; i++) {
            OK(m->family->lm->next(m, ctx, reader, logits));
            step[i] = logits[gm__i64(id)[i]];
            OK(m->family->lm->read(m, ctx, reader, gm__i64(id) + i, 1));
        }
        m->family->lm->close(m, ctx, reader);
        for (int twice = 0; twice < 2; twice++) OK(gm_lm_log_prob(m, id, &p[twice]));
        for (int64_t i = 0; i < n; i++) {
            ck_assert(gm__f32(p[0])[i] == gm__f32(p[1])[i]);
            ck_assert_msg(gm__f32(p[0])[i] == step[i] || fabsf(gm__f32(p[0])[i] - step[i]) < 1e-5f, "%s: %lld: %g, %g", options, (long long)i, (double)gm__f32(p[0])[i], (double)step[i]);
        }
        for (int twice = 0; twice < 2; twice++) gm_tensor_free(p[twice]);
        gm_tensor_free(id);
        gm_model_free(m);
        free(step);
    }
}
END_TEST

START_TEST(higher_orders_know_more)
{
    double before = 1e9;
    for (int order = 1; order <= 5; order++) {
        char options[40];
        snprintf(options, sizeof options, "order=%d", order);
        gm_model *m = fitted(options, "text", small);
        double v = nats(m, "text", small);
        ck_assert_double_lt(v, before);
        before = v;
        gm_model_free(m);
    }
}
END_TEST

START_TEST(tiny_corpora)
{
    static const char four[] = "the cat sat\nthe dog sat\na cat ran\nthe end\n";
    gm_trainer *tr = NULL;
    gm_event e = { .struct_size = sizeof e };
    gm_model *m = NULL;
    gm_dataset *d = bytes_of("lines", four, strlen(four));
    OK(gm_model_new(ctx, "ngram", "tokenizer=word pattern=space order=3", &m));
    OK(gm_trainer_new(m, d, NULL, &tr));
    OK(gm_trainer_run(tr));
    ck_assert_int_eq(gm_trainer_event_count(tr), 1); /* it says that it fell back on fixed discounts */
    OK(gm_trainer_event(tr, 0, &e));
    ck_assert_int_eq(e.kind, GM_EVENT_FALLBACK);
    gm_trainer_free(tr);
    ck_assert_double_gt(nats(m, "lines", four), 0);
    ck_assert_double_gt(last(m, "the cat"), last(m, "the ran"));
    ck_assert(isfinite(last(m, "the zebra"))); /* <unk> */
    gm_dataset_free(d);
    gm_model_free(m);
    m = fitted("order=9", "text", "ab"); /* longer than the text */
    ck_assert(isfinite(nats(m, "text", "ab")));
    gm_model_free(m);
}
END_TEST

/* Probabilities and back-offs of KenLM's lm/test.arpa along one sentence, and what its lm/model_test.cc expects of them. */
static const char arpa[] =
    "\n\\data\\\nngram 1=9\nngram 2=4\nngram 3=3\nngram 4=2\nngram 5=1\n\n"
    "\\1-grams:\n-1.029493\t</s>\n-99\t<s>\t-0.4149733\n-1.995635\t<unk>\t-20\n-1.285941\ta\t-0.69897\n-1.687872\tbiarritz\t-0.30103\n"
    "-1.285941\tlittle\t-0.69897\n-1.285941\tlooking\t-0.4771212\n-1.509559\ton\t-0.4771212\n-1.687872\tthe\t-0.30103\n\n"
    "\\2-grams:\n-0.4846522\t<s> looking\t-0.4771214\n-0.4638903\tlooking on\t-0.4771212\n-0.1649931\ton a\t-0.4771213\n-0.09132547\ta little\t-0.69897\n\n"
    "\\3-grams:\n-0.3488368\t<s> looking on\t-0.4771212\n-0.04835128\tlooking on a\t-0.4771212\n-0.0283603\ton a little\t-0.4771212\n\n"
    "\\4-grams:\n-0.01552657\t<s> looking on a\t-0.4771212\n-0.009249173\tlooking on a little\t-0.4771212\n\n"
    "\\5-grams:\n-0.003061223\t<s> looking on a little\n\n\\end\\\n";

static gm_status read_arpa(const char *text, size_t n, gm_model **m)
{
    FILE *f = fopen(at("a.arpa"), "wb");
    ck_assert_uint_eq(fwrite(text, 1, n, f), n);
    fclose(f);
    return gm_ngram_read_arpa(ctx, at("a.arpa"), m);
}

START_TEST(arpa_files)
{
    static const double want[] = { -.484652, -.348837, -.0155266, -.00306122, -4.04005, -1.9889 };
    gm_model *m = NULL, *again = NULL;
    OK(read_arpa(arpa, sizeof arpa - 1, &m));
    gm_tensor *t = ids_of(m, "looking on a little the biarritz"), *p = NULL, *q = NULL;
    OK(gm_lm_log_prob(m, t, &p));
    for (int i = 0; i < 6; i++) ck_assert_double_eq_tol(gm__f32(p)[i] / log(10), want[i], 1e-5);
    OK(gm_ngram_write_arpa(m, at("b.arpa")));
    OK(gm_ngram_read_arpa(ctx, at("b.arpa"), &again));
    OK(gm_lm_log_prob(again, t, &q));
    for (int i = 0; i < 6; i++) ck_assert_double_eq_tol(gm__f32(p)[i], gm__f32(q)[i], 1e-6);
    gm_tensor_free(t);
    gm_tensor_free(p);
    gm_tensor_free(q);
    gm_model_free(m);
    gm_model_free(again);

    m = fitted("tokenizer=word pattern=space order=4", "lines", "to be or not to be\nthat is the question\nto be is to do\n"); /* one of its own */
    OK(gm_ngram_write_arpa(m, at("c.arpa")));
    OK(gm_ngram_read_arpa(ctx, at("c.arpa"), &again));
    ck_assert_double_eq_tol(nats(m, "lines", "to be is the question\nnot that\n"), nats(again, "lines", "to be is the question\nnot that\n"), 1e-6);
    gm_model_free(again);
    gm_model_free(m);

    /* a pruned file lacks the context "x y" and the suffix "y z" of "x y z" */
    static const char holes[] = "\\data\\\nngram 1=3\nngram 2=0\nngram 3=1\n\\1-grams:\n-0.5\tx\t-0.1\n-0.6\ty\t-0.2\n-0.7\tz\n\\2-grams:\n\\3-grams:\n-0.05\tx y z\n\\end\\\n";
    OK(read_arpa(holes, sizeof holes - 1, &m));
    ck_assert_double_eq_tol(last(m, "x y z") / log(10), -0.05, 1e-6);
    ck_assert_double_eq_tol(last(m, "x y") / log(10), -0.7, 1e-6);
    ck_assert_double_eq_tol(last(m, "y z") / log(10), -0.9, 1e-6);
    gm_model_free(m);
}
END_TEST

START_TEST(damaged_arpa_files)
{
    static const struct { const char *text, *says; } bad[] = {
        { "", "no line \\data\\" },
        { "\\data\\\nngram 2=1\n", "a.arpa:2: expected the number" },
        { "\\data\\\nngram 1=x\n", "a.arpa:2: expected the number" },
        { "\\data\\\nngram 1=1\n\\2-grams:\n", "a.arpa:3: expected the n-grams of the next order" },
        { "\\data\\\nngram 1=1\n\\1-grams:\nx\ta\n\\end\\\n", "a.arpa:4: expected a log-probability" },
        { "\\data\\\nngram 1=1\n\\1-grams:\n0.5\ta\n\\end\\\n", "a.arpa:4: expected a log-probability, at most 0" },
        { "\\data\\\nngram 1=1\n\\1-grams:\n-1\n\\end\\\n", "a.arpa:4: too few words" },
        { "\\data\\\nngram 1=1\n\\1-grams:\n-1\ta\tb\n\\end\\\n", "a.arpa:4: expected a back-off" },
        { "\\data\\\nngram 1=1\n\\1-grams:\n-1\ta\t-1\tb\n\\end\\\n", "a.arpa:4: too many words" },
        { "\\data\\\nngram 1=1\n\\1-grams:\n-1\ta\n-1\tb\n\\end\\\n", "a.arpa:5: more n-grams" },
        { "\\data\\\nngram 1=2\n\\1-grams:\n-1\ta\n\\end\\\n", "a.arpa:5: fewer n-grams" },
        { "\\data\\\nngram 1=2\n\\1-grams:\n-1\ta\n-1\ta\n\\end\\\n", "a.arpa:5: a word twice" },
        { "\\data\\\nngram 1=1\nngram 2=1\n\\1-grams:\n-1\ta\n\\2-grams:\n-1\ta b\n\\end\\\n", "a.arpa:7: a word that is not among" },
        { "\\data\\\nngram 1=1\nngram 2=2\n\\1-grams:\n-1\ta\n\\2-grams:\n-1\ta a\n-1\ta a\n\\end\\\n", "is there twice" },
        { "\\data\\\nngram 1=1\n\\1-grams:\n-1\ta\n", "expected \\end\\" },
        { "\\data\\\nngram 1=0\n\\1-grams:\n\\end\\\n", "no 1-grams" },
        { "\\data\\\nngram 1=9223372036854775807\n\\1-grams:\n-1\ta\n\\end\\\n", "fewer n-grams" },
    };
    gm_model *m = NULL;
    for (size_t i = 0; i < GM__COUNT(bad); i++) FAILS(GM_EFORMAT, bad[i].says, read_arpa(bad[i].text, strlen(bad[i].text), &m));
    for (size_t n = 0; n < sizeof arpa - 2; n++) { /* every truncation, every byte changed: refused or sound */
        char copy[sizeof arpa];
        memcpy(copy, arpa, sizeof arpa);
        ck_assert_int_ne(read_arpa(copy, n, &m), GM_OK);
        copy[n] = (char)(copy[n] ^ 1 << n % 7);
        gm_status s = read_arpa(copy, sizeof arpa - 1, &m);
        ck_assert(s == GM_OK || s == GM_EFORMAT || s == GM_ELIMIT);
        if (!s) nats(m, "lines", "looking on\n");
        gm_model_free(m);
    }
}
END_TEST

/* ---- files ------------------------------------------------------------------------------- */

START_TEST(saved_copied_and_damaged)
{
    gm_model *m = fitted("order=3", "text", small), *again = NULL, *copy = NULL;
    const double v = nats(m, "text", small);
    OK(gm_model_save(m, at("m.safetensors")));
    OK(gm_model_load(ctx, at("m.safetensors"), &again));
    OK(gm_model_copy(m, &copy));
    ck_assert_double_eq(nats(again, "text", small), v);
    ck_assert_double_eq(nats(copy, "text", small), v);
    OK(gm_model_save(again, at("n.safetensors")));
    char compare[400];
    snprintf(compare, sizeof compare, "cmp -s %s %s", at("m.safetensors"), at("n.safetensors"));
    ck_assert_int_eq(system(compare), 0);
    gm_model_free(again);
    for (size_t i = 0; i < copy->n_tensors; i++) { /* tensors that lie, with a right checksum */
        gm_tensor *t = copy->tensors[i].tensor;
        for (int k = 0; k < 24 && t->size; k++) {
            size_t bytes = (size_t)t->size * gm_dtype_size(t->dtype), where = (size_t)(unit((uint32_t)(i * 100 + (size_t)k)) * (double)bytes);
            char was = t->data[where];
            t->data[where] = (char)(was ^ 1 << k % 8);
            if (gm_model_save(copy, at("o.safetensors")) == GM_OK) {
                gm_status s = gm_model_load(ctx, at("o.safetensors"), &again);
                ck_assert_msg(s == GM_OK || s == GM_EFORMAT || s == GM_EARG, "%s: %s", copy->tensors[i].name, gm_ctx_message(ctx));
                gm_tensor *x, *p = NULL;
                if (!s && gm_tokenizer_encode(gm_lm_tokenizer(again), "a crab", 6, 0, &x) == GM_OK) {
                    OK(gm_lm_next(again, x, &p));
                    gm_tensor_free(x);
                    gm_tensor_free(p);
                }
                gm_model_free(again);
            }
            t->data[where] = was;
        }
    }
    gm_model_free(copy);
    gm_model_free(m);
}
END_TEST

/* ---- drawing -------------------------------------------------------------------------------- */

START_TEST(draws_fit_the_distribution)
{
    enum { N = 100000 };
    gm_model *m = fitted("order=1 unk=off", "text", small);
    gm_sampler *s = NULL;
    int64_t vocab = gm_tokenizer_size(gm_lm_tokenizer(m)), token;
    long seen[64] = { 0 };
    gm_tensor *none, *p;
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ 0 }, &none));
    OK(gm_lm_next(m, none, &p));
    OK(gm_sampler_new(ctx, m, "seed=5", &s));
    for (int i = 0; i < N; i++) {
        OK(gm_sampler_next(s, &token));
        seen[token]++;
    }
    double chi = 0;
    for (int64_t w = 0; w < vocab; w++) {
        double e = N * exp((double)gm__f32(p)[w]);
        chi += ((double)seen[w] - e) * ((double)seen[w] - e) / e;
    }
    ck_assert_double_lt(chi, vocab - 1 + 4.9 * sqrt(2.0 * (double)(vocab - 1)) + 8); /* a false alarm in about a million */
    gm_sampler_free(s);
    gm_tensor_free(none);
    gm_tensor_free(p);
    gm_model_free(m);
}
END_TEST

START_TEST(truncation)
{
    /* p = .4 .3 .15 .1 .05, and its entropy is 1.39: -ln .3 = 1.20 is nearest, then -ln .4 = .92 */
    float logits[5] = { logf(.15f), logf(.4f), logf(.05f), logf(.3f), logf(.1f) };
    static const struct { gm__choice c; int n; double p[5]; } cases[] = {
        { { .temperature = 1, .top_p = 1, .typical = 1 }, 5, { .15, .4, .05, .3, .1 } },
        { { .temperature = 0, .top_p = 1, .typical = 1 }, 1, { 0, 1, 0, 0, 0 } },
        { { .temperature = 1, .top_p = 1, .typical = 1, .top_k = 2 }, 2, { 0, .4 / .7, 0, .3 / .7, 0 } },
        { { .temperature = 1, .top_p = .69, .typical = 1 }, 2, { 0, .4 / .7, 0, .3 / .7, 0 } },
        { { .temperature = 1, .top_p = .71, .typical = 1 }, 3, { .15 / .85, .4 / .85, 0, .3 / .85, 0 } },
        { { .temperature = 1, .top_p = 0, .typical = 1 }, 1, { 0, 1, 0, 0, 0 } },
        { { .temperature = 1, .top_p = 1, .typical = 1, .min_p = .3 }, 3, { .15 / .85, .4 / .85, 0, .3 / .85, 0 } },
        { { .temperature = 1, .top_p = 1, .typical = .29 }, 1, { 0, 0, 0, 1, 0 } },
        { { .temperature = 1, .top_p = 1, .typical = .4 }, 2, { 0, .4 / .7, 0, .3 / .7, 0 } },
        { { .temperature = .5, .top_p = 1, .typical = 1 }, 5, { .0225 / .285, .16 / .285, .0025 / .285, .09 / .285, .01 / .285 } },
    };
    for (size_t i = 0; i < GM__COUNT(cases); i++) {
        gm__candidate v[5];
        ck_assert_int_eq(gm__candidates(&cases[i].c, logits, 5, v), cases[i].n);
        for (int k = 0; k < cases[i].n; k++) ck_assert_double_eq_tol(v[k].p, cases[i].p[v[k].id], 1e-6);
    }
    float many[1000];
    gm__candidate v[1000];
    for (int i = 0; i < 1000; i++) many[i] = (float)unit((uint32_t)i * 3);
    for (int64_t k = 1; k < 1000; k += 83) { /* the k largest, whatever the order */
        gm__choice c = { .temperature = 1, .top_p = 1, .typical = 1, .top_k = k };
        ck_assert_int_eq(gm__candidates(&c, many, 1000, v), k);
        float least = v[0].logit;
        for (int64_t i = 0; i < k; i++) least = v[i].logit < least ? v[i].logit : least;
        int64_t larger = 0;
        for (int i = 0; i < 1000; i++) larger += many[i] > least;
        ck_assert_int_eq(larger, k - 1);
    }
    float l[4] = { 2, -1, 1, 0 };
    gm__choice c = { .repetition = 2, .frequency = .5, .presence = .25, .window = 4 };
    gm__penalise(&c, (int64_t[]){ 3, 0, 1, 0, 1, 1 }, 6, l, 4); /* the window holds 1 0 1 1 */
    ck_assert_float_eq(l[0], 2 / 2.0f - .5f - .25f);
    ck_assert_float_eq(l[1], -2 - 1.5f - .25f);
    ck_assert_float_eq(l[2], 1);
    ck_assert_float_eq(l[3], 0);
    gm__choice ban = { .repetition = 1, .no_repeat = 3 };
    gm__penalise(&ban, (int64_t[]){ 0, 1, 2, 0, 1 }, 5, l, 4); /* 0 1 was followed by 2 */
    ck_assert(isinf(l[2]) && l[2] < 0 && !isinf(l[0]));
}
END_TEST

typedef struct heard { char text[4000]; size_t n; int calls, stop_at; } heard;
static int hear(const char *p, size_t n, void *user)
{
    heard *h = user;
    memcpy(h->text + h->n, p, n);
    h->n += n;
    return ++h->calls == h->stop_at;
}

static int hear_euros(const char *p, size_t n, void *user)
{
    ck_assert(n % 3 == 0 && !memcmp(p, "\xe2\x82\xac", 3)); /* characters come whole */
    *(size_t *)user += n;
    return 0;
}

START_TEST(whole_characters)
{
    gm_model *m = fitted("order=2 tokenizer=byte smoothing=mle", "text", "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
    gm_sampler *s = NULL;
    size_t n = 0;
    OK(gm_sampler_new(ctx, m, "", &s));
    OK(gm_sampler_prompt(s, "\xe2\x82\xac", 3));
    OK(gm_sampler_write(s, 100, hear_euros, &n, NULL));
    ck_assert_uint_eq(n, 99); /* the hundredth byte begins one that is not finished */
    gm_sampler_free(s);
    gm_model_free(m);
}
END_TEST

START_TEST(writing)
{
    gm_model *m = fitted("order=4 tokenizer=byte", "text", "na\xc3\xafve \xe2\x82\xac\xe2\x82\xac \xf0\x9f\x98\x80 caf\xc3\xa9 ol\xc3\xa9 stop na\xc3\xafve caf\xc3\xa9");
    gm_sampler *s = NULL, *other = NULL;
    heard a = { .n = 0 }, b = { .n = 0 };
    int64_t done, token;
    uint8_t state[8000];
    size_t size = sizeof state;
    OK(gm_sampler_new(ctx, m, "seed=3 temperature=0.7", &s));
    OK(gm_sampler_prompt(s, "ca", 2));
    OK(gm_sampler_write(s, 300, hear, &a, &done));
    ck_assert_int_eq(done, 300);
    ck_assert_int_gt(a.n, 290);
    OK(gm_sampler_reset(s));
    gm_sampler_free(s);

    OK(gm_sampler_new(ctx, m, "seed=3 temperature=0.7", &s)); /* the same text in two parts, the second by another sampler */
    OK(gm_sampler_prompt(s, "ca", 2));
    OK(gm_sampler_write(s, 117, hear, &b, NULL));
    OK(gm_sampler_state_save(s, NULL, &size));
    ck_assert_uint_lt(size, sizeof state);
    OK(gm_sampler_state_save(s, state, &size));
    OK(gm_sampler_new(ctx, m, "seed=3 temperature=0.7", &other));
    OK(gm_sampler_state_load(other, state, size));
    OK(gm_sampler_write(other, 183, hear, &b, NULL));
    ck_assert_uint_eq(a.n, b.n);
    ck_assert(!memcmp(a.text, b.text, a.n));
    for (size_t i = 0; i < size; i += 7) {
        state[i] ^= 4;
        ck_assert_int_ne(gm_sampler_state_load(other, state, size), GM_OK);
        state[i] ^= 4;
        ck_assert_int_ne(gm_sampler_state_load(other, state, i), GM_OK);
    }
    gm_sampler_free(s);
    gm_sampler_free(other);

    OK(gm_sampler_new(ctx, m, "seed=1 stop=st|zz max-tokens=5000", &s)); /* nothing of a stop text comes out */
    heard c = { .n = 0 };
    OK(gm_sampler_prompt(s, "ol", 2));
    gm_status st = gm_sampler_write(s, 100000, hear, &c, &done);
    ck_assert_int_eq(st, GM_END);
    ck_assert(done < 5000);
    c.text[c.n] = 0;
    ck_assert_ptr_null(strstr(c.text, "st"));
    ck_assert_int_eq(gm_sampler_next(s, &token), GM_END);
    OK(gm_sampler_prompt(s, "o", 1));
    OK(gm_sampler_next(s, &token));
    gm_sampler_free(s);

    OK(gm_sampler_new(ctx, m, "max-tokens=7", &s));
    heard d = { .stop_at = 3 };
    FAILS(GM_ECANCELED, "canceled by the callback", gm_sampler_write(s, 100, hear, &d, NULL));
    while ((st = gm_sampler_next(s, &token)) == GM_OK) {}
    ck_assert_int_eq(st, GM_END);
    gm_sampler_free(s);
    gm_model_free(m);
}
END_TEST

static int only_two(float *logits, int64_t n, void *user)
{
    for (int64_t i = 0; i < n; i++)
        if (i != 2) logits[i] = -INFINITY;
    return user != NULL;
}

START_TEST(bias_and_filter)
{
    gm_model *m = fitted("order=2 unk=off", "text", "abcabcabc");
    gm_sampler *s = NULL;
    int64_t token;
    OK(gm_sampler_new(ctx, m, "", &s));
    OK(gm_sampler_bias(s, 0, -INFINITY));
    for (int i = 0; i < 200; i++) {
        OK(gm_sampler_next(s, &token));
        ck_assert_int_ne(token, 0);
    }
    OK(gm_sampler_bias(s, 0, 50));
    OK(gm_sampler_next(s, &token));
    ck_assert_int_eq(token, 0);
    OK(gm_sampler_filter(s, only_two, NULL));
    OK(gm_sampler_next(s, &token));
    ck_assert_int_eq(token, 2);
    OK(gm_sampler_filter(s, only_two, s));
    FAILS(GM_ECANCELED, "filter", gm_sampler_next(s, &token));
    OK(gm_sampler_filter(s, NULL, NULL));
    FAILS(GM_EARG, "token 3; there are 3", gm_sampler_bias(s, 3, 1));
    FAILS(GM_EARG, "the bias is nan", gm_sampler_bias(s, 0, NAN));
    FAILS(GM_EARG, "no token for 'x' at byte 1", gm_sampler_prompt(s, "ax", 2));
    FAILS(GM_EUNSUPPORTED, "writes text", gm_sampler_draw(s, 1, NULL, (gm_tensor *[1]){ NULL }));
    gm_sampler_free(s);
    FAILS(GM_EARG, "top-p", gm_sampler_new(ctx, m, "top-p=1.5", &s));
    gm_model_free(m);
}
END_TEST

/* With as many beams as there are sequences the search is exhaustive. */
START_TEST(beam_search)
{
    gm_model *m = fitted("order=3 unk=off", "text", "abacbbacbab");
    gm_tensor *none, *best, *score, *t, *p;
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ 0 }, &none));
    OK(gm_lm_beam(m, none, "beams=81 tokens=4 results=5", &best, &score));
    double all[81];
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ 4 }, &t));
    for (int k = 0; k < 81; k++) {
        for (int i = 0, r = k; i < 4; i++, r /= 3) gm__i64(t)[i] = r % 3;
        OK(gm_lm_log_prob(m, t, &p));
        all[k] = 0;
        for (int i = 0; i < 4; i++) all[k] += gm__f32(p)[i];
        gm_tensor_free(p);
    }
    for (int r = 0; r < 5; r++) {
        int larger = 0;
        double v = gm__f32(score)[r];
        for (int k = 0; k < 81; k++) larger += all[k] > v + 1e-5;
        ck_assert_int_le(larger, r);
        memcpy(t->data, gm__i64(best) + 4 * r, 32);
        OK(gm_lm_log_prob(m, t, &p));
        double sum = 0;
        for (int i = 0; i < 4; i++) sum += gm__f32(p)[i];
        ck_assert_double_eq_tol(sum, v, 1e-5);
        gm_tensor_free(p);
    }
    gm_tensor *again;
    FAILS(GM_EARG, "results=3 of beams=2", gm_lm_beam(m, none, "beams=2 results=3", &again, NULL));
    gm_tensor_free(t);
    gm_tensor_free(best);
    gm_tensor_free(score);
    gm_tensor_free(none);
    gm_model_free(m);
}
END_TEST

/* ---- wrong use -------------------------------------------------------------------------------- */

START_TEST(wrong_use)
{
    gm_model *m = NULL;
    gm_tensor *t = NULL, *p = NULL;
    gm_sampler *s = NULL;
    FAILS(GM_EARG, "order", gm_model_new(ctx, "ngram", "order=0", &m));
    FAILS(GM_EARG, "order", gm_model_new(ctx, "ngram", "order=17", &m));
    FAILS(GM_EARG, "single tokens stay", gm_model_new(ctx, "ngram", "prune=1,1", &m));
    FAILS(GM_EARG, "must not fall", gm_model_new(ctx, "ngram", "prune=0,2,1", &m));
    FAILS(GM_EARG, "backs off", gm_model_new(ctx, "ngram", "prune=0,1 smoothing=mle", &m));
    OK(gm_model_new(ctx, "ngram", "", &m));
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ 1 }, &t));
    gm__i64(t)[0] = 1000;
    FAILS(GM_ESTATE, "fit the model first", gm_lm_next(m, t, &p));
    FAILS(GM_ESTATE, "fit the model first", gm_sampler_new(ctx, m, NULL, &s));
    FAILS(GM_ESTATE, "no weights to save", gm_model_save(m, at("x")));
    FAILS(GM_ESTATE, "fit the model first", gm_ngram_write_arpa(m, at("x")));
    gm_dataset *d = pictures(8, 1);
    FAILS(GM_EDTYPE, "reads text", gm_fit(m, d, NULL));
    gm_dataset_free(d);
    d = bytes_of("text", "x", 1);
    FAILS(GM_EARG, "a text of 1 tokens", gm_fit(m, d, NULL));
    gm_dataset_free(d);
    d = bytes_of("text", "caf\xc3", 4);
    FAILS(GM_EFORMAT, "0xc3 at 3 is not UTF-8", gm_fit(m, d, NULL));
    gm_dataset_free(d);
    gm_model_free(m);
    m = fitted("order=2 unk=off", "text", "abcabc");
    FAILS(GM_EARG, "token 1000; there are 3", gm_lm_next(m, t, &p));
    d = bytes_of("text", "abd", 3);
    gm_measure out[3];
    int32_t n;
    FAILS(GM_EARG, "no token for 'd' at byte 2", gm_eval(m, d, NULL, out, 3, &n));
    gm_dataset_free(d);
    d = bytes_of("text", "ab", 2);
    FAILS(GM_EARG, "it has nats_per_token", gm_eval(m, d, "metric=elbo", out, 3, &n));
    FAILS(GM_ELIMIT, "more metrics", gm_eval(m, d, NULL, out, 2, &n));
    gm_dataset_free(d);
    FAILS(GM_EUNSUPPORTED, "cannot sample", gm_sample(m, 1, 1, &p));
    gm_tokenizer *tk = NULL;
    OK(gm_tokenizer_train(ctx, "kind=byte", NULL, 0, &tk));
    FAILS(GM_ESTATE, "has weights", gm_lm_set_tokenizer(m, tk));
    gm_model_free(m);
    OK(gm_model_new(ctx, "ngram", "order=2", &m)); /* a tokenizer of the host's */
    OK(gm_lm_set_tokenizer(m, tk));
    d = bytes_of("text", "ab\xff" "ab\xff", 6);
    OK(gm_fit(m, d, NULL));
    ck_assert_int_eq(gm_tokenizer_kind(gm_lm_tokenizer(m)), GM_TOKENIZE_BYTE);
    gm_dataset_free(d);
    gm_tokenizer_free(tk);
    gm_model_free(m);
    gm_tensor_free(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ngram");
    TCase *c = tcase_create("ngram");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, setup, teardown);
    const TTest *const tests[] = { equals_dictionaries_of_counts, maximum_likelihood_is_a_ratio, distributions, long_texts_equal_short_steps, higher_orders_know_more, tiny_corpora, arpa_files,
                                   damaged_arpa_files, saved_copied_and_damaged, draws_fit_the_distribution, truncation, whole_characters, writing, bias_and_filter, beam_search, wrong_use };
    for (size_t i = 0; i < GM__COUNT(tests); i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    return run_suite(s);
}
