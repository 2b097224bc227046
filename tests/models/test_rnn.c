/* Recurrent language models: ten steps of PyTorch's, the state between pieces of text, texts token by token against whole ones, resume and
 * threads bit by bit, files, lines, how far gradients reach, wrong use. */
#include "models/texts.h"
#include "models/rnn/rnn.h"
#include "ops/samples.h"

static const char small[] = "abracadabra, a bad crab ran; a cab ran back to a barn. ";
static const char *const cells[] = { "elman", "gru", "lstm" };

static gm_model *rnn(const char *options)
{
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "rnn", options, &m));
    return m;
}

static gm_model *fitted(const char *options, const char *kind, const char *text, const char *training)
{
    gm_model *m = rnn(options);
    gm_dataset *d = bytes_of(kind, text, strlen(text));
    OK(gm_fit(m, d, training));
    gm_dataset_free(d);
    return m;
}

static gm_tensor *ids_of(gm_model *m, const char *text, size_t n)
{
    gm_tensor *t = NULL;
    OK(gm_tokenizer_encode(gm_lm_tokenizer(m), text, n, 0, &t));
    return t;
}

/* ---- against PyTorch ------------------------------------------------------------------------ */

static void fill(gm_tensor *x, const char *name, double scale)
{
    for (int64_t e = 0; e < x->size; e++) gm__f32(x)[e] = (float)(scale * (2 * hash_unit(name, 0, 0, (unsigned)e) - 1));
}

static double summed(const char *name, const gm_tensor *x)
{
    char salt[80];
    double sum = 0;
    snprintf(salt, sizeof salt, "sum %s", name);
    for (int64_t e = 0; e < x->size; e++) sum += (double)gm__f32(x)[e] * (2 * hash_unit(salt, 0, 0, (unsigned)e) - 1);
    return sum;
}

static void near(const char *what, double have, double want) { ck_assert_msg(fabs(have - want) <= 3e-5 * fmax(1, fabs(want)), "%s: %.9g, PyTorch %.9g", what, have, want); }

/* The gradient of the first piece's loss, as the trainer takes it. */
static void check_gradients(gm_model *m, gm_trainer *tr, FILE *f)
{
    char line[300], name[60];
    gm_tensor *x = NULL, *loss = NULL;
    double want;
    OK(gm_batches_next(tr->batches, &x));
    int64_t n = gm__trainer_origins(tr, tr->feed, tr->batches);
    gm__tape_rows(tr->tape, 0, GM__R_FIT, 0, tr->rows, (size_t)n);
    gm__batch b = gm__model_batch(m, tr->tape, x, tr->batches);
    b.training = true;
    OK(m->family->loss(m, &b, &loss));
    OK(gm_tape_backward(tr->tape, loss));
    for (size_t i = 0, k = 0; k < m->n_tensors; k++) {
        if (!m->tensors[k].parameter) continue;
        ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
        ck_assert_msg(sscanf(line, "grad %59s : %lf", name, &want) == 2, "%s", line);
        for (i = 0; i < m->n_tensors && strcmp(m->tensors[i].name, name); i++) {}
        ck_assert_msg(i < m->n_tensors, "no tensor %s", name);
        near(name, summed(name, gm_tensor_grad(m->tensors[i].tensor)), want);
    }
    gm_optim_clear(tr->optim);
    OK(gm_batches_seek(tr->batches, 0, 0));
}

static void numbers(FILE *f, const char *what, double *out)
{
    char line[300], *s;
    ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
    ck_assert_msg(!strncmp(line, what, strlen(what)), "%s", line);
    s = strchr(line, ':') + 1;
    for (int i = 0; i < 10; i++) out[i] = strtod(s, &s);
}

START_TEST(ten_steps_of_pytorch)
{
    char line[300], name[60], options[200];
    FILE *f = fopen("tests/vectors/rnn.txt", "r");
    ck_assert_msg(f != NULL, "run from the top of the tree");
    int cases = 0;
    for (; fgets(line, sizeof line, f); cases++) {
        double loss[10], norm[10], want;
        gm_trainer *tr = NULL;
        gm_dataset *d = bytes_of("text", small, strlen(small));
        ck_assert(!strncmp(line, "case ", 5));
        snprintf(options, sizeof options, "block=4 unk=off %.*s", (int)strcspn(line + 5, "\n"), line + 5);
        gm_model *m = rnn(options);
        OK(gm_trainer_new(m, d, "steps=10 batch=2 lr=0.03 clip-norm=1 schedule=constant", &tr));
        for (size_t i = 0; i < m->n_tensors; i++)
            if (m->tensors[i].parameter) fill(m->tensors[i].tensor, m->tensors[i].name, 0.5);
        check_gradients(m, tr, f);
        numbers(f, "loss", loss);
        numbers(f, "norm", norm);
        for (int i = 0; i < 10; i++) {
            double have;
            OK(gm_trainer_step(tr, &have));
            near("loss", have, loss[i]);
            near("norm", gm_optim_grad_norm(tr->optim), norm[i]);
        }
        for (size_t i, k = 0; k < m->n_tensors; k++) {
            if (!m->tensors[k].parameter) continue;
            ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
            ck_assert_msg(sscanf(line, "weight %59s : %lf", name, &want) == 2, "%s", line);
            for (i = 0; i < m->n_tensors && strcmp(m->tensors[i].name, name); i++) {}
            ck_assert_msg(i < m->n_tensors, "no tensor %s", name);
            near(name, summed(name, m->tensors[i].tensor), want);
        }
        gm_trainer_free(tr);
        gm_model_free(m);
        gm_dataset_free(d);
    }
    ck_assert_int_eq(cases, 3);
    fclose(f);
}
END_TEST

/* ---- the state between pieces ------------------------------------------------------------------ */

/* With weights that stand still, pieces one after another cost what the whole text does, token by token. */
START_TEST(pieces_are_the_whole)
{
    enum { BLOCK = 5 };
    for (int batch = 1; batch <= 8; batch *= 8) { /* one piece a batch; all that one reader reads in it */
        char options[100];
        gm_dataset *d = bytes_of("text", small, batch == 1 ? strlen(small) : 2 * BLOCK + 1), *valid = bytes_of("text", small, 33);
        gm_trainer *tr = NULL;
        gm_tensor *t, *p = NULL;
        snprintf(options, sizeof options, "cell=%s hidden=7 block=%d tokenizer=byte", cells[_i], BLOCK);
        gm_model *m = rnn(options);
        snprintf(options, sizeof options, "epochs=2 batch=%d lr=0 schedule=constant", batch);
        OK(gm_trainer_new(m, d, options, &tr));
        OK(gm_trainer_set_valid(tr, valid));
        int64_t lanes = gm__rnn_of(m)->lanes, pieces = (int64_t)gm_dataset_rows(tr->feed) / lanes, length = ((int64_t)gm_dataset_rows(d) - 1) / lanes;
        ck_assert_int_eq(lanes, batch == 1 ? 1 : 2);
        for (int64_t lane = 0; lane < lanes; lane++) ck_assert_int_le(lane * length + pieces * BLOCK, (int64_t)gm_dataset_rows(d) - 1);
        for (int64_t s = 0; s < 2 * pieces; s++) {
            double loss, sum = 0;
            OK(gm_trainer_step(tr, &loss));
            for (int64_t lane = 0; lane < lanes; lane++) {
                int64_t to = (s % pieces + 1) * BLOCK + 1, from = to - BLOCK;
                t = ids_of(m, small + lane * length, (size_t)to);
                OK(gm_lm_log_prob(m, t, &p));
                for (int64_t i = from; i < to; i++) sum -= (double)gm__f32(p)[i];
                gm_tensor_free(t), gm_tensor_free(p);
            }
            ck_assert_double_eq_tol(loss, sum / (double)(lanes * BLOCK), 2e-6);
        }
        gm_trainer_free(tr);
        gm_model_free(m);
        gm_dataset_free(valid);
        gm_dataset_free(d);
    }
}
END_TEST

/* A step that failed is taken again from the same state. */
START_TEST(failed_steps)
{
    char options[100];
    gm_model *m[2];
    gm_dataset *d = bytes_of("text", small, strlen(small));
    for (int k = 0; k < 2; k++) {
        gm_trainer *tr = NULL;
        double loss;
        snprintf(options, sizeof options, "cell=%s hidden=6 block=4", cells[_i]);
        m[k] = rnn(options);
        OK(gm_trainer_new(m[k], d, "steps=9 batch=1 accumulate=2", &tr));
        for (int s = 0; s < 9; s++) {
            if (k) {
                float *w = gm__f32(gm__rnn_of(m[k])->head_b), was = *w;
                *w = NAN;
                ck_assert_int_eq(gm_trainer_step(tr, &loss), GM_ENONFINITE);
                *w = was;
            }
            OK(gm_trainer_step(tr, &loss));
        }
        gm_trainer_free(tr);
    }
    ck_assert(same_weights(m[0], m[1]));
    gm_model_free(m[0]);
    gm_model_free(m[1]);
    gm_dataset_free(d);
}
END_TEST

/* ---- resume, threads ------------------------------------------------------------------------------ */

static const char *const runs[] = { "steps=23 batch=2", "steps=11 batch=4 accumulate=2 ema=0.9", "steps=13 batch=2 keep-best=on" };

static void run(const char *options, const char *how, int cut, int threads, const char *model_to)
{
    char text[400];
    gm_trainer *tr = NULL;
    gm_model *m = rnn(options);
    gm_dataset *d = bytes_of("text", small, strlen(small)), *valid = bytes_of("text", small, 30);
    bool best = strstr(how, "keep-best") != NULL;
    OK(gm_ctx_set_threads(ctx, threads));
    snprintf(text, sizeof text, "%s checkpoint='%s' stop-after=%d", how, at("check"), cut);
    OK(gm_trainer_new(m, d, text, &tr));
    if (best) OK(gm_trainer_set_valid(tr, valid));
    OK(gm_trainer_run(tr));
    if (cut) {
        gm_trainer_free(tr);
        gm_model_free(m);
        OK(gm_ctx_set_threads(ctx, 1 + threads % 3));
        snprintf(text, sizeof text, "checkpoint='%s'", at("check"));
        OK(gm_trainer_resume(ctx, at("check"), d, best ? valid : NULL, text, &tr));
        OK(gm_trainer_run(tr));
        m = gm_trainer_model(tr);
    }
    ck_assert_int_eq(gm_trainer_done(tr), 1);
    OK(gm_model_save(m, model_to));
    gm_trainer_free(tr);
    if (!cut) gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(valid);
}

START_TEST(resumed_bit_by_bit)
{
    static const int cuts[] = { 1, 5, 8 };
    char options[100];
    snprintf(options, sizeof options, "cell=%s hidden=6 block=4 depth=2 dropout=0.3 embd=%d", cells[_i], _i * 2);
    for (size_t k = 0; k < GM__COUNT(runs); k++) {
        run(options, runs[k], 0, 1, at("whole"));
        for (size_t c = 0; c < GM__COUNT(cuts); c++) {
            run(options, runs[k], cuts[c], 1 + (int)c, at("two"));
            ck_assert_msg(same_files(at("whole"), at("two")), "%s, %s, cut at %d", options, runs[k], cuts[c]);
        }
    }
}
END_TEST

/* Sizes whose lanes go over threads. */
START_TEST(threads_do_not_matter)
{
    char options[100], text[1200] = "";
    snprintf(options, sizeof options, "cell=%s hidden=70 block=16 depth=2", cells[_i]);
    for (int i = 0; i < 20; i++) strcat(text, small);
    for (int threads = 1; threads <= 3; threads++) {
        OK(gm_ctx_set_threads(ctx, threads));
        gm_model *m = fitted(options, "text", text, "steps=3 batch=30");
        OK(gm_model_save(m, at(threads == 1 ? "one" : "more")));
        gm_model_free(m);
        if (threads > 1) ck_assert(same_files(at("one"), at("more")));
    }
}
END_TEST

/* ---- token by token ------------------------------------------------------------------------------- */

START_TEST(readers_and_whole_texts)
{
    static const char *const options[] = { "cell=elman depth=1", "cell=gru depth=3 embd=5", "cell=lstm", "cell=lstm tie=on embd=33 dropout=0.2", "cell=gru tokenizer=byte" };
    char text[200];
    snprintf(text, sizeof text, "hidden=33 block=8 %s", options[_i % 5]);
    gm_model *m = fitted(text, _i < 5 ? "text" : "lines", _i < 5 ? small : "anna\nhannah\nnan\nbob\n", "steps=20 batch=2");
    gm_tensor *t = ids_of(m, small + 3, _i < 5 ? 40 : 1), *p = NULL, *all = NULL;
    OK(gm_lm_log_prob(m, t, &all));
    ck_assert_int_eq(gm_lm_context(m), 0);
    for (int64_t n = 0; n < t->size; n++) {
        double sum = 0;
        int64_t id = gm__i64(t)[n];
        gm_tensor *before = NULL;
        OK(gm_tensor_copy(ctx, GM_I64, 1, &n, t->data, &before));
        OK(gm_lm_next(m, before, &p));
        for (int64_t i = 0; i < p->size; i++) sum += exp((double)gm__f32(p)[i]);
        ck_assert_double_eq_tol(sum, 1, 1e-5);
        ck_assert_double_eq_tol(gm__f32(p)[id], gm__f32(all)[n], 1e-5);
        gm_tensor_free(before);
        gm_tensor_free(p);
    }
    gm_tensor_free(t);
    gm_tensor_free(all);
    gm_model_free(m);
}
END_TEST

typedef struct heard { char text[1000]; size_t n; } heard;
static int hear(const char *p, size_t n, void *user)
{
    heard *h = user;
    memcpy(h->text + h->n, p, n);
    h->n += n;
    h->text[h->n] = 0;
    return 0;
}

/* Text of a model, in two parts by two samplers if in_two, the state handed over as bytes. */
static heard written(gm_model *m, bool in_two)
{
    heard h = { .n = 0 };
    gm_sampler *s = NULL, *other = NULL;
    char state[4000];
    size_t size = sizeof state;
    OK(gm_sampler_new(ctx, m, "seed=4", &s));
    OK(gm_sampler_prompt(s, "a b", 3));
    OK(gm_sampler_write(s, in_two ? 31 : 100, hear, &h, NULL));
    if (in_two) {
        OK(gm_sampler_state_save(s, state, &size));
        OK(gm_sampler_new(ctx, m, "seed=4", &other));
        OK(gm_sampler_state_load(other, state, size));
        OK(gm_sampler_write(other, 69, hear, &h, NULL));
    }
    gm_sampler_free(s);
    gm_sampler_free(other);
    return h;
}

START_TEST(files_copies_and_states_tell_the_same)
{
    char options[100];
    snprintf(options, sizeof options, "cell=%s hidden=20 depth=2 block=8 embd=%d", cells[_i], _i == 1 ? 4 : 0);
    gm_model *m = fitted(options, "text", small, "steps=60 batch=2 lr=0.01"), *again = NULL, *copy = NULL;
    heard a = written(m, false);
    OK(gm_model_save(m, at("m")));
    OK(gm_model_load(ctx, at("m"), &again));
    OK(gm_model_copy(m, &copy));
    OK(gm_model_save(again, at("n")));
    ck_assert(same_files(at("m"), at("n")));
    ck_assert_str_eq(a.text, written(again, false).text);
    ck_assert_str_eq(a.text, written(copy, false).text);
    ck_assert_str_eq(a.text, written(m, true).text);
    gm_model_free(m);
    for (size_t i = 0; i < copy->n_tensors; i++) { /* shapes that do not fit the options */
        gm_tensor *t = copy->tensors[i].tensor;
        if (!copy->tensors[i].parameter || t->shape[0] < 2) continue;
        t->shape[0]--, t->size = t->ndim == 2 ? t->size - t->shape[1] : t->size - 1;
        OK(gm_model_save(copy, at("o")));
        t->size = t->ndim == 2 ? t->size + t->shape[1] : t->size + 1, t->shape[0]++;
        gm_model *none = NULL;
        FAILS(GM_EFORMAT, copy->tensors[i].name, gm_model_load(ctx, at("o"), &none));
        ck_assert_ptr_null(none);
    }
    gm_model_free(copy);
    gm_model_free(again);
}
END_TEST

START_TEST(beams)
{
    gm_model *m = fitted("hidden=12 block=8 unk=off", "text", "abacbbacbabc", "steps=30 batch=1 lr=0.02");
    gm_tensor *t = ids_of(m, "ab", 2), *best = NULL, *score = NULL, *whole = NULL, *p = NULL;
    OK(gm_lm_beam(m, t, "beams=27 tokens=3 results=27", &best, &score)); /* as many beams as sequences: all of them */
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ 5 }, &whole));
    double all = 0;
    for (int r = 0; r < 27; r++) {
        memcpy(gm__i64(whole), t->data, 16);
        memcpy(gm__i64(whole) + 2, gm__i64(best) + 3 * r, 24);
        OK(gm_lm_log_prob(m, whole, &p));
        double sum = 0;
        for (int i = 2; i < 5; i++) sum += (double)gm__f32(p)[i];
        ck_assert_double_eq_tol(sum, (double)gm__f32(score)[r], 1e-4);
        all += exp(sum);
        gm_tensor_free(p);
    }
    ck_assert_double_eq_tol(all, 1, 1e-4);
    gm_tensor_free(t), gm_tensor_free(best), gm_tensor_free(score), gm_tensor_free(whole);
    gm_model_free(m);
}
END_TEST

/* ---- lines ------------------------------------------------------------------------------------------ */

static const char names[] = "anna\nhannah\nnan\nbob\notto\neve\nada\nelle\n";

START_TEST(lines_end)
{
    gm_model *m = fitted("hidden=24 depth=1 block=16", "lines", names, "steps=250 batch=8 lr=0.02"), *again = NULL;
    int64_t end = gm_lm_end(m), token;
    gm_sampler *s = NULL;
    ck_assert_int_ge(end, 0);
    OK(gm_model_save(m, at("m")));
    OK(gm_model_load(ctx, at("m"), &again));
    OK(gm_sampler_new(ctx, again, "seed=1", &s));
    int known = 0;
    for (int i = 0; i < 40; i++) {
        heard h = { .n = 0 };
        ck_assert_int_eq(gm_sampler_write(s, 50, hear, &h, NULL), GM_END);
        ck_assert_int_eq(gm_sampler_next(s, &token), GM_END);
        char name[1010];
        snprintf(name, sizeof name, "%s\n", h.text);
        known += strstr(names, name) != NULL;
        OK(gm_sampler_reset(s));
    }
    ck_assert_int_ge(known, 30); /* eight names are learned by heart */
    gm_sampler_free(s);
    gm_model_free(again);
    gm_model_free(m);
}
END_TEST

/* Padding does not count: the loss is that of the lines' own tokens, one by one. */
START_TEST(padding_does_not_count)
{
    gm_model *m = rnn("hidden=9 block=16");
    gm_trainer *tr = NULL;
    gm_dataset *d = bytes_of("lines", names, strlen(names));
    double loss, sum = 0, count = 0;
    OK(gm_trainer_new(m, d, "steps=1 batch=100 lr=0", &tr));
    OK(gm_trainer_step(tr, &loss));
    gm_trainer_free(tr);
    gm_measure out[3];
    int32_t n;
    OK(gm_eval(m, d, NULL, out, 3, &n));
    ck_assert_double_eq_tol(out[0].value, loss, 1e-5);
    for (const char *p = names; *p; p += strcspn(p, "\n") + 1) {
        gm_tensor *t = NULL, *q = NULL;
        size_t len = strcspn(p, "\n");
        OK(gm_tensor_new(ctx, GM_I64, 1, &(int64_t){ (int64_t)len + 1 }, &t));
        gm_tensor *ids = ids_of(m, p, len);
        memcpy(t->data, ids->data, len * 8);
        gm__i64(t)[len] = gm_lm_end(m);
        OK(gm_lm_log_prob(m, t, &q));
        for (int64_t i = 0; i < q->size; i++) sum -= (double)gm__f32(q)[i], count++;
        gm_tensor_free(t), gm_tensor_free(ids), gm_tensor_free(q);
    }
    ck_assert_double_eq_tol(loss, sum / count, 1e-5);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* ---- how far gradients reach ------------------------------------------------------------------------- */

/* One unit, one layer: d loss / d h_k is a product of slopes. */
START_TEST(gradient_by_lag_by_hand)
{
    gm_model *m = fitted("cell=elman hidden=1 depth=1 block=8 unk=off", "text", "abbabaabbabbaab", "steps=1 batch=1");
    const gm__rnn *r = gm__rnn_of(m);
    const float *w = gm__f32(r->layer[0].w_ih), u = gm__f32(r->layer[0].w_hh)[0] = 0.7f, *b = gm__f32(r->layer[0].b_ih), *c = gm__f32(r->layer[0].b_hh);
    gm_tensor *t = ids_of(m, "abbaabab", 8), *p = NULL;
    const int64_t *id = gm__i64(t);
    double h[7], z[2], norm;
    OK(gm_rnn_gradient_by_lag(m, t, &p));
    ck_assert_int_eq(p->size, 7);
    for (int k = 0; k < 7; k++) h[k] = tanh((double)w[id[k]] + (double)*b + (double)*c + (double)u * (k ? h[k - 1] : 0));
    for (int v = 0; v < 2; v++) z[v] = (double)gm__f32(r->head)[v] * h[6] + (double)gm__f32(r->head_b)[v];
    double share = 1 / (1 + exp(z[1 - id[7]] - z[id[7]])), step = gm__f32(r->head)[id[7]] - gm__f32(r->head)[1 - id[7]];
    norm = fabs((1 - share) * step);
    for (int k = 0; k < 7; k++) {
        ck_assert_double_eq_tol(gm__f32(p)[k], norm, 1e-6);
        norm *= (double)u * (1 - h[6 - k] * h[6 - k]);
    }
    gm_tensor_free(p);
    gm_tensor_free(t);
    gm_model_free(m);
}
END_TEST

/* |gradient 40 tokens back| / |that 1 back|, weights as they are drawn. */
static double reach(const char *options)
{
    char text[2200] = "";
    for (int i = 0; i < 2; i++) strcat(text, small);
    gm_model *m = fitted(options, "text", text, "steps=1 batch=1 lr=0");
    gm_tensor *t = ids_of(m, text, 42), *p = NULL;
    OK(gm_rnn_gradient_by_lag(m, t, &p));
    double v = (double)gm__f32(p)[40] / (double)gm__f32(p)[1];
    gm_tensor_free(t);
    gm_tensor_free(p);
    gm_model_free(m);
    return v;
}

START_TEST(memory_reaches_further)
{
    char text[300];
    gm_model *m = fitted("cell=elman hidden=16 depth=1 block=20", "text", small, "steps=1 batch=1 lr=0");
    gm_tensor *t = ids_of(m, small, 42), *p = NULL;
    gm_tensor *w = gm__rnn_of(m)->layer[0].w_hh;
    for (int64_t i = 0; i < w->size; i++) gm__f32(w)[i] *= 0.6f; /* orthogonal, and shorter */
    OK(gm_rnn_gradient_by_lag(m, t, &p));
    ck_assert_double_lt((double)gm__f32(p)[40], 1e-7 * (double)gm__f32(p)[1]);
    ck_assert_double_lt((double)gm__f32(p)[20], 1e-3 * (double)gm__f32(p)[1]);
    gm_tensor_free(t), gm_tensor_free(p), gm_model_free(m);
    /* gates that stand open: the same text, the same distance */
    snprintf(text, sizeof text, "cell=lstm hidden=16 depth=1 block=20");
    ck_assert_double_gt(reach(text), 1e-6);
}
END_TEST

/* The report of an epoch's end is a curve. */
START_TEST(reach_is_on_a_curve)
{
    gm_model *m = rnn("hidden=8 block=6");
    gm_dataset *d = bytes_of("text", small, strlen(small));
    gm_trainer *tr = NULL;
    OK(gm_trainer_new(m, d, "epochs=3 batch=2", &tr));
    OK(gm_trainer_run(tr));
    const gm__series *s = gm__trainer_series(tr, "gradient-reach");
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(gm__series_points(s), 3);
    ck_assert_double_gt(gm__series_point(s, 2).value, 0);
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* ---- wrong use ---------------------------------------------------------------------------------------- */

static int stop_at_once(const gm_progress *p, void *user) { return (void)p, (void)user, 1; }

START_TEST(canceled_and_usable)
{
    gm_model *m = rnn("hidden=8 block=4");
    gm_dataset *d = bytes_of("text", small, strlen(small));
    gm_trainer *tr = NULL;
    int64_t token;
    gm_sampler *s = NULL;
    OK(gm_trainer_new(m, d, "epochs=5 batch=2", &tr));
    OK(gm_trainer_set_progress(tr, stop_at_once, NULL, 0));
    FAILS(GM_ECANCELED, "canceled", gm_trainer_run(tr));
    gm_trainer_free(tr);
    OK(gm_sampler_new(ctx, m, NULL, &s));
    OK(gm_sampler_next(s, &token));
    gm_ctx_cancel(ctx);
    ck_assert_int_eq(gm_sampler_next(s, &token), GM_ECANCELED);
    OK(gm_sampler_next(s, &token));
    gm_sampler_free(s);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

static void refuses(const char *options, gm_status code, const char *kind, const void *text, size_t n, const char *says)
{
    gm_model *m = rnn(options);
    gm_dataset *d = bytes_of(kind, text, n);
    FAILS(code, says, gm_fit(m, d, "steps=2"));
    gm_dataset_free(d);
    gm_model_free(m);
}

START_TEST(wrong_use)
{
    gm_model *m = NULL;
    gm_tensor *t = NULL, *p = NULL;
    gm_sampler *s = NULL;
    FAILS(GM_EARG, "cell", gm_model_new(ctx, "rnn", "cell=rnn", &m));
    FAILS(GM_EARG, "hidden", gm_model_new(ctx, "rnn", "hidden=0", &m));
    FAILS(GM_EARG, "depth", gm_model_new(ctx, "rnn", "depth=0", &m));
    FAILS(GM_EARG, "block", gm_model_new(ctx, "rnn", "block=0", &m));
    FAILS(GM_EARG, "tie wants embd=256 as hidden, not 0", gm_model_new(ctx, "rnn", "tie=on", &m));
    refuses("block=10", GM_EARG, "text", "only ten ", 9, "the text has 9 tokens, fewer than the block and the token after it, 11");
    refuses("", GM_EARG, "text", "x", 1, "a text of 1 tokens");
    refuses("", GM_EFORMAT, "text", "caf\xc3", 4, "0xc3 at 3 is not UTF-8");
    gm_dataset *d = pictures(8, 1);
    m = rnn("hidden=5 block=4 unk=off");
    FAILS(GM_EDTYPE, "reads text", gm_fit(m, d, NULL));
    gm_dataset_free(d);
    OK(gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){ 1 }, &t));
    gm__i64(t)[0] = 1000;
    FAILS(GM_ESTATE, "fit the model first", gm_lm_next(m, t, &p));
    FAILS(GM_ESTATE, "fit the model first", gm_sampler_new(ctx, m, NULL, &s));
    FAILS(GM_ESTATE, "fit the model first", gm_rnn_gradient_by_lag(m, t, &p));
    gm_model_free(m);
    m = fitted("hidden=5 block=4 unk=off", "text", "abcabcabc", "steps=1 batch=1");
    FAILS(GM_EARG, "token 1000; there are 3", gm_lm_next(m, t, &p));
    FAILS(GM_EARG, "token 1000; there are 3", gm_rnn_gradient_by_lag(m, t, &p));
    gm__i64(t)[0] = 1;
    FAILS(GM_EARG, "1 tokens, 2 to 4096 wanted", gm_rnn_gradient_by_lag(m, t, &p));
    ck_assert_ptr_null(p);
    OK(gm_sampler_new(ctx, m, NULL, &s));
    FAILS(GM_EARG, "no token for 'x' at byte 1", gm_sampler_prompt(s, "ax", 2));
    gm_sampler_free(s);
    gm_model_free(m);
    OK(gm_model_new(ctx, "ngram", NULL, &m));
    FAILS(GM_EARG, "the model is a ngram", gm_rnn_gradient_by_lag(m, t, &p));
    gm_model_free(m);
    gm_tensor_free(t);
    gm_rnn_config c; /* the same by a struct */
    gm_rnn_config_init(&c, sizeof c);
    ck_assert_int_eq(c.cell, GM_RNN_LSTM);
    c.hidden = 10, c.depth = 1;
    OK(gm_rnn_new(ctx, &c, &m));
    gm_model_free(m);
    c.depth = 0;
    FAILS(GM_EARG, "depth", gm_rnn_new(ctx, &c, &m));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rnn");
    TCase *c = tcase_create("rnn");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, setup, teardown);
    const TTest *const tests[] = { ten_steps_of_pytorch, beams, lines_end, padding_does_not_count, gradient_by_lag_by_hand, memory_reaches_further, reach_is_on_a_curve,
                                   canceled_and_usable, wrong_use };
    const TTest *const each_cell[] = { pieces_are_the_whole, failed_steps, resumed_bit_by_bit, threads_do_not_matter, files_copies_and_states_tell_the_same };
    for (size_t i = 0; i < GM__COUNT(tests); i++) tcase_add_test(c, tests[i]);
    for (size_t i = 0; i < GM__COUNT(each_cell); i++) tcase_add_loop_test(c, each_cell[i], 0, 3);
    tcase_add_loop_test(c, readers_and_whole_texts, 0, 10);
    suite_add_tcase(s, c);
    return run_suite(s);
}
