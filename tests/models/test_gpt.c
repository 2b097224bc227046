/* GPT against PyTorch (tests/vectors/gpt.txt): logits, gradients, ten steps; token by token as all at once; resume, threads, files. */
#include "models/gpt_test.h"

/* ---- the same as PyTorch --------------------------------------------------------------- */

static double number(char **p)
{
    char *end;
    double v = strtod(*p, &end);
    ck_assert_ptr_ne(end, *p);
    *p = end;
    return v;
}

static void close_to(double got, double want, double tol, const char *what)
{
    ck_assert_msg(fabs(got - want) <= tol * fmax(1, fabs(want)), "%s: %.9g, not %.9g", what, got, want);
}

static gm_tensor *tokens(int64_t n, const int64_t *id)
{
    gm_tensor *t = NULL;
    OK(gm_tensor_copy(ctx, GM_I64, 2, (int64_t[]){ 1, n }, id, &t));
    return t;
}

static void check_logits(gm_model *m, char *p)
{
    gm_tensor *ids = tokens(6, (int64_t[]){ 0, 66, 67, 110, 1, 255 }), *y = NULL;
    OK(gm_gpt_logits(m, ids, &y));
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) close_to(gm__f32(y)[(const int[]){ 0, 2, 5 }[i] * 257 + (const int[]){ 0, 1, 97, 256 }[j]], number(&p), 2e-6, "logit");
    gm_tensor_free(ids);
    gm_tensor_free(y);
}

/* Gradients of the batch of all lines. */
static void gradients(gm_model *m, gm_dataset *d)
{
    gm_dataset *rows = NULL;
    gm_batches *b = NULL;
    gm_tape *t = NULL;
    gm_tensor *x, *y;
    for (size_t i = 0; i < m->n_tensors; i++)
        if (m->tensors[i].parameter) OK(gm_tensor_set_grad(m->tensors[i].tensor, 1));
    OK(m->family->feed(m, d, 4, true, &rows));
    OK(gm_batches_new(rows, "batch=4 shuffle=off prefetch=off", &b));
    OK(gm_batches_next(b, &x));
    OK(gm_tape_new(ctx, 0, &t));
    gm__batch batch = gm__model_batch(m, t, x, b);
    batch.training = true;
    OK(m->family->loss(m, &batch, &y));
    OK(gm_tape_backward(t, y));
    gm_tape_free(t);
    gm_batches_free(b);
    gm_dataset_free(rows);
}

static void check_gradient(gm_model *m, const char *name, char *p)
{
    gm_tensor *g = gm_tensor_grad(gm__model_named(m, name));
    double along = 0, square = 0;
    ck_assert_msg(g != NULL, "no gradient of %s", name);
    for (int64_t i = 0; i < g->size; i++) along += gm__f32(g)[i] * cos((double)i), square += (double)gm__f32(g)[i] * (double)gm__f32(g)[i];
    close_to(along, number(&p), 1e-5, name);
    close_to(sqrt(square), number(&p), 1e-5, name);
}

static void check_series(const gm_trainer *tr, const char *name, char *p)
{
    const gm__series *s = gm__trainer_series(tr, name);
    ck_assert_uint_eq(gm__series_points(s), 10);
    for (size_t i = 0; i < 10; i++) close_to(gm__series_point(s, i).value, number(&p), 2e-4, name);
}

START_TEST(equals_pytorch)
{
    char line[1000], name[100];
    int used, seen = 0;
    FILE *f = fopen("tests/vectors/gpt.txt", "r");
    ck_assert_msg(f != NULL, "run from the top of the project");
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_dataset *d = text_of("lines", some_lines);
    while (fgets(line, sizeof line, f)) {
        if (!strncmp(line, "case ", 5)) {
            gm_trainer_free(tr);
            tr = NULL;
            gm_model_free(m);
            line[strcspn(line, "\n")] = 0;
            m = fresh(line + 5, "lines", some_lines);
            fill(m);
            ck_assert_str_eq(line + 5, cases[seen++]);
        } else if (!strncmp(line, "logits ", 7)) {
            check_logits(m, line + 7);
            gradients(m, d);
        } else if (sscanf(line, "grad %99s%n", name, &used) == 1) {
            check_gradient(m, name, line + used);
        } else if (!strncmp(line, "loss ", 5)) {
            for (size_t i = 0; i < m->n_tensors; i++) gm_tensor_set_grad(m->tensors[i].tensor, 0);
            OK(gm_trainer_new(m, d, "steps=10 batch=4 lr=1e-2 schedule=constant warmup=0", &tr));
            OK(gm_trainer_run(tr));
            check_series(tr, "loss", line + 5);
        } else if (!strncmp(line, "norm ", 5)) {
            check_series(tr, "grad-norm", line + 5);
        }
    }
    ck_assert_int_eq(seen, CASES);
    fclose(f);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* ---- token by token --------------------------------------------------------------------------- */

static const int64_t story[] = { 85, 105, 102, 33, 100, 98, 117, 33, 116, 98, 117, 33, 112, 111, 33, 117, 105, 102, 33, 110, 98, 117, 60, 33, 117, 105, 102, 33, 101, 112, 104 };
enum { STORY = GM__COUNT(story) };

/* What a reader knows after n tokens: the window that begins where halves were forgotten. */
START_TEST(cached_is_uncached)
{
    for (int k = 0; k < CASES; k++) {
        gm_model *m = fresh(cases[k], "text", some_text);
        fill(m);
        for (int64_t n = 1; n <= STORY; n++) {
            float by_one[256], at_once[256], in_parts[256];
            int64_t from = n <= 12 ? 0 : (n - 12 + 5) / 6 * 6;
            gm_tensor *ids = tokens(n - from, story + from), *y = NULL;
            OK(gm_gpt_logits(m, ids, &y));
            read_in(m, story, n, 1, by_one);
            read_in(m, story, n, n, at_once);
            read_in(m, story, n, 5, in_parts);
            for (int i = 0; i < 256; i++) close_to(by_one[i], gm__f32(y)[(n - from - 1) * 256 + i], 1e-5, cases[k]);
            ck_assert(!memcmp(by_one, at_once, sizeof by_one)); /* a saved state goes on with the same text */
            ck_assert(!memcmp(by_one, in_parts, sizeof by_one));
            gm_tensor_free(ids);
            gm_tensor_free(y);
        }
        gm_model_free(m);
    }
}
END_TEST

/* gm_lm_log_prob is what a reader says token by token, past the context, too. */
START_TEST(scores_are_what_readers_say)
{
    for (int k = 0; k < 2 * CASES; k++) {
        gm_model *m = fresh(cases[k / 2], k % 2 ? "lines" : "text", some_text);
        const int64_t vocab = gm_tokenizer_size(gm_lm_tokenizer(m));
        gm_tensor *ids = NULL, *p = NULL;
        float logits[300];
        fill(m);
        OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){ STORY }, story, &ids));
        OK(gm_lm_log_prob(m, ids, &p));
        for (int64_t n = 0; n < STORY; n++) {
            read_in(m, story, n, 7, logits);
            gm__log_normalise(logits, vocab);
            close_to(gm__f32(p)[n], logits[story[n]], 1e-5, cases[k / 2]);
        }
        gm_tensor_free(ids);
        gm_tensor_free(p);
        gm_model_free(m);
    }
}
END_TEST

/* What comes later changes nothing before it. */
START_TEST(the_future_is_not_seen)
{
    for (int k = 0; k < CASES; k++) {
        gm_model *m = fresh(cases[k], "text", some_text);
        int64_t other[12];
        gm_tensor *a = tokens(12, story), *y = NULL, *z = NULL;
        memcpy(other, story, sizeof other);
        for (int i = 7; i < 12; i++) other[i] = 200 + i;
        gm_tensor *b = tokens(12, other);
        fill(m);
        OK(gm_gpt_logits(m, a, &y));
        OK(gm_gpt_logits(m, b, &z));
        ck_assert(!memcmp(y->data, z->data, 7 * 256 * sizeof(float)));
        ck_assert(memcmp(y->data, z->data, 8 * 256 * sizeof(float)));
        gm_tensor_free(a), gm_tensor_free(b), gm_tensor_free(y), gm_tensor_free(z);
        gm_model_free(m);
    }
}
END_TEST

/* ---- training ------------------------------------------------------------------------------------- */

static gm_model *trained(gm_ctx *c, const char *options, const char *how, const char *kind)
{
    gm_ctx *was = ctx;
    gm_model *m = NULL;
    ctx = c;
    gm_dataset *d = text_of(kind, some_text);
    OK(gm_model_new(ctx, "gpt", options, &m));
    OK(gm_fit(m, d, how));
    gm_dataset_free(d);
    ctx = was;
    return m;
}

START_TEST(threads_change_nothing)
{
    gm_model *first = NULL;
    gm_ctx *own[3];
    for (int k = 0; k < 3; k++) {
        gm_ctx_config c;
        gm_ctx_config_init(&c, sizeof c);
        c.threads = k + 1;
        ck_assert_int_eq(gm_ctx_new(&c, &own[k]), GM_OK);
        gm_model *m = trained(own[k], "depth=2 embd=32 heads=4 block=16 dropout=0.1", "steps=8 batch=5 accumulate=2", "text");
        if (first) {
            ck_assert(same_weights(m, first));
            gm_model_free(m);
        } else {
            first = m;
        }
    }
    gm_model_free(first);
    for (int k = 0; k < 3; k++) gm_ctx_free(own[k]);
}
END_TEST

START_TEST(resume_is_exact)
{
    static const char *const kinds[] = { "text", "lines" };
    for (int k = 0; k < 2; k++) {
        char how[200];
        gm_trainer *tr = NULL;
        gm_dataset *d = text_of(kinds[k], some_text);
        gm_model *whole = trained(ctx, "embd=16 block=8 dropout=0.2", "steps=13 batch=3 ema=0.9", kinds[k]), *m = NULL;
        snprintf(how, sizeof how, "steps=13 batch=3 ema=0.9 checkpoint=%s stop-after=7", at("ckpt"));
        OK(gm_model_new(ctx, "gpt", "embd=16 block=8 dropout=0.2", &m));
        OK(gm_fit(m, d, how));
        gm_model_free(m);
        OK(gm_trainer_resume(ctx, at("ckpt"), d, NULL, "stop-after=0", &tr));
        OK(gm_trainer_run(tr));
        ck_assert_uint_eq(gm_trainer_steps(tr), 13);
        ck_assert(same_weights(gm_trainer_model(tr), whole));
        gm_trainer_free(tr);
        gm_dataset *other = text_of(kinds[k], "another text that has as many characters or not\nand a line");
        FAILS(GM_EARG, "resume", gm_trainer_resume(ctx, at("ckpt"), other, NULL, NULL, &tr));
        gm_dataset_free(other);
        gm_model_free(whole);
        gm_dataset_free(d);
    }
}
END_TEST

/* A text that repeats is learned: what follows is sure. Held-out loss is measured on it, and the best weights stay. */
START_TEST(learns)
{
    char text[2000] = "";
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_measure out[3];
    int32_t n;
    for (int i = 0; i < 60; i++) strcat(text, "the cat sat on the mat. ");
    gm_dataset *d = text_of("text", text);
    OK(gm_model_new(ctx, "gpt", "depth=1 heads=2 embd=32 block=32", &m));
    OK(gm_trainer_new(m, d, "steps=0 epochs=80 batch=8 keep-best=on lr=3e-3", &tr));
    OK(gm_trainer_set_valid(tr, d));
    OK(gm_trainer_run(tr));
    gm_trainer_free(tr);
    OK(gm_eval(m, d, NULL, out, 3, &n));
    ck_assert_double_lt(out[0].value, 0.1);
    ck_assert_double_eq_tol(out[1].value, exp(out[0].value), 1e-9);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

static int stop(const gm_progress *p, void *user) { return p->step >= *(uint64_t *)user; }

START_TEST(cancel)
{
    gm_trainer *tr = NULL;
    gm_model *m = NULL;
    uint64_t when = 3;
    gm_dataset *d = text_of("text", some_text);
    OK(gm_model_new(ctx, "gpt", "depth=1 embd=8 heads=1 block=8", &m));
    OK(gm_trainer_new(m, d, "steps=1000 batch=2", &tr));
    OK(gm_trainer_set_progress(tr, stop, &when, 0));
    FAILS(GM_ECANCELED, "callback", gm_trainer_run(tr));
    ck_assert_uint_eq(gm_trainer_steps(tr), 3);
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gpt");
    TCase *c = tcase_create("gpt");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, setup, teardown);
    const TTest *const tests[] = { equals_pytorch, cached_is_uncached, scores_are_what_readers_say, the_future_is_not_seen, threads_change_nothing,
                                   resume_is_exact, learns, cancel };
    for (size_t i = 0; i < GM__COUNT(tests); i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    return run_suite(s);
}
