/* The transformer: torch.nn's layers (tests/vectors/transformer.txt); token by token as all at once; what its kinds promise; a task it must
 * solve; resume, threads, files; bad input. */
#include "models/texts.h"
#include "models/transformer/transformer.h"

/* ---- texts and small models ------------------------------------------------------------------ */

static const char some_pairs[] = "ann\tbob\nelizabeth\tx\n\tchristophe\nbo\t\n";
static const char some_text[] = "The cat sat on the mat; the dog sat on the cat, and the mat lay under the dog. Then the cat ran away from the dog.\n";

/* A model with weights, but not trained. */
static gm_model *fresh(const char *options, const char *kind, const char *text)
{
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    char all[400];
    snprintf(all, sizeof all, "block=12 tokenizer=byte %s", options);
    gm_dataset *d = text_of(kind, text);
    OK(gm_model_new(ctx, "transformer", all, &m));
    OK(gm_trainer_new(m, d, NULL, &tr));
    gm_trainer_free(tr);
    gm_dataset_free(d);
    return m;
}

/* Weights by a formula: tensor k of those that are trained, by name. */
static void fill(gm_model *m)
{
    int k = 0;
    gm__model_sort_tensors(m);
    for (size_t i = 0; i < m->n_tensors; i++) {
        const char *name = m->tensors[i].name;
        gm_tensor *t = m->tensors[i].tensor;
        if (!m->tensors[i].parameter) continue;
        const double base = strstr(name, "norm") && !strcmp(name + strlen(name) - 6, "weight") ? 1 : 0;
        for (int64_t e = 0; e < t->size; e++) gm__f32(t)[e] = (float)(base + 0.3 * sin(0.7 * (double)e + 1.3 * k));
        k++;
    }
    gm__model_changed(m);
}

static void close_to(double got, double want, double tol, const char *what)
{
    ck_assert_msg(fabs(got - want) <= tol * fmax(1, fabs(want)), "%s: %.9g, not %.9g", what, got, want);
}

/* source <end> target <end> of a byte tokenizer */
static int64_t pair_ids(const char *source, const char *target, int64_t *id)
{
    int64_t n = 0;
    for (; *source; source++) id[n++] = (uint8_t)*source + 1;
    id[n++] = 0;
    for (; *target; target++) id[n++] = (uint8_t)*target + 1;
    id[n++] = 0;
    return n;
}
static gm_tensor *log_probs(gm_model *m, const int64_t *id, int64_t n)
{
    gm_tensor *t = NULL, *p = NULL;
    OK(gm_tensor_copy(ctx, GM_I64, 1, &n, id, &t));
    OK(gm_lm_log_prob(m, t, &p));
    gm_tensor_free(t);
    return p;
}

/* ---- the same as torch.nn ------------------------------------------------------------------------ */

static double number(char **p)
{
    char *end;
    double v = strtod(*p, &end);
    ck_assert_ptr_ne(end, *p);
    *p = end;
    return v;
}

/* The loss of the batch of all lines, and its gradients. */
static double gradients(gm_model *m, gm_dataset *d)
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
    double loss = (double)gm__f32(y)[0];
    gm_tape_free(t);
    gm_batches_free(b);
    gm_dataset_free(rows);
    return loss;
}

static void check_gradient(gm_model *m, const char *name, char *p)
{
    gm_tensor *w = gm__model_named(m, name), *g = w ? gm_tensor_grad(w) : NULL;
    double along = 0, square = 0;
    ck_assert_msg(g != NULL, "no gradient of %s", name);
    for (int64_t i = 0; i < g->size; i++) along += gm__f32(g)[i] * cos((double)i), square += (double)gm__f32(g)[i] * (double)gm__f32(g)[i];
    close_to(along, number(&p), 1e-5, name);
    close_to(sqrt(square), number(&p), 1e-5, name);
}

START_TEST(equals_pytorch)
{
    static const char *const pair[][2] = { { "ann", "bob" }, { "elizabeth", "x" }, { "", "christophe" }, { "bo", "" } };
    char line[1000], name[100];
    int used, cases = 0, pairs = 0, seen = 0;
    FILE *f = fopen("tests/vectors/transformer.txt", "r");
    ck_assert_msg(f != NULL, "run from the top of the project");
    gm_model *m = NULL;
    gm_dataset *d = text_of("lines", some_pairs);
    while (fgets(line, sizeof line, f)) {
        if (!strncmp(line, "case ", 5)) {
            gm_model_free(m);
            line[strcspn(line, "\n")] = 0;
            m = fresh(line + 5, "lines", some_pairs);
            fill(m);
            cases++;
            pairs = 0;
        } else if (!strncmp(line, "pair ", 5)) {
            int64_t id[40], n = pair_ids(pair[pairs][0], pair[pairs][1], id), given = (int64_t)strlen(pair[pairs][0]) + 1;
            gm_tensor *p = log_probs(m, id, n);
            char *at_ = line + 5;
            for (int64_t i = 0; i < n; i++) close_to(gm__f32(p)[i], i < given ? 0 : number(&at_), 5e-6, "log p");
            gm_tensor_free(p);
            pairs++;
        } else if (!strncmp(line, "loss ", 5)) {
            close_to(gradients(m, d), atof(line + 5), 1e-6, "loss");
        } else if (sscanf(line, "grad %99s%n", name, &used) == 1) {
            check_gradient(m, name, line + used);
            seen++;
        }
    }
    ck_assert_int_eq(cases, 2);
    ck_assert_int_gt(seen, 100);
    fclose(f);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* A block with cross-attention, f64, against finite differences: the inputs are x, memory, then weights. */
typedef struct checked { gm__block_cfg c; int n_block; } checked;

static gm_tensor *expression(gm_tape *t, gm_tensor *const *in, int32_t n, void *user)
{
    const checked *k = user;
    gm__block b = { { NULL } };
    gm__cross x = { { NULL } };
    (void)n;
    in += 2;
    for (int i = 0; i < GM__BLOCK_TENSORS; i++)
        if (k->c.bias || i % 2 == 0) b.w[i] = *in++;
    for (int i = 0; i < GM__CROSS_TENSORS; i++)
        if (k->c.bias || i % 2 == 0) x.w[i] = *in++;
    in -= n;
    gm_tensor *seen = gm_zeros(t, GM_U8, 4, (int64_t[]){ 2, 1, 1, 4 });
    if (!seen) return NULL;
    memcpy(seen->data, (uint8_t[]){ 1, 1, 1, 1, 1, 1, 0, 0 }, 8);
    gm_tensor *y = gm__block_look(t, &b, &k->c, in[0], NULL);
    y = gm__block_think(t, &b, &k->c, gm__cross_run(t, &x, &k->c, y, in[1], seen));
    return gm_sum(t, gm_square(t, y), GM_ALL_AXES, 0);
}

START_TEST(gradients_by_differences)
{
    static const checked list[] = {
        { .c = { .embd = 8, .heads = 4, .kv_heads = 2, .hidden = 5, .activation = GM__BLOCK_SILU, .norm = GM__NORM_LAYER, .bias = 1, .causal = 1, .eps = 1e-5, .base = 100 } },
        { .c = { .embd = 4, .heads = 1, .kv_heads = 1, .hidden = 6, .activation = GM__BLOCK_SWIGLU, .norm = GM__NORM_RMS, .post = 1, .rotary = 1, .causal = 1, .eps = 1e-5, .base = 100 } },
    };
    for (size_t k = 0; k < GM__COUNT(list); k++) {
        const gm__block_cfg *c = &list[k].c;
        const int64_t d = c->embd / c->heads, g = c->kv_heads * d, e = c->embd, fc = c->activation == GM__BLOCK_SWIGLU ? 2 * c->hidden : c->hidden;
        const int64_t size[][3] = { { 2, 3, e }, { 2, 4, e }, /* block */ { 0, 0, e }, { 0, 0, e }, { 0, e + 2 * g, e }, { 0, 0, e + 2 * g }, { 0, e, e }, { 0, 0, e }, { 0, 0, e }, { 0, 0, e },
                                    { 0, fc, e }, { 0, 0, fc }, { 0, e, c->hidden }, { 0, 0, e },
                                    /* cross */ { 0, 0, e }, { 0, 0, e }, { 0, e, e }, { 0, 0, e }, { 0, 2 * g, e }, { 0, 0, 2 * g }, { 0, e, e }, { 0, 0, e } };
        gm_tensor *in[2 + GM__BLOCK_TENSORS + GM__CROSS_TENSORS];
        int n = 0;
        double error;
        for (size_t i = 0; i < GM__COUNT(size); i++) {
            if (i >= 2 && i % 2 && !c->bias) continue;
            const int nd = size[i][0] ? 3 : size[i][1] ? 2 : 1;
            OK(gm_tensor_new(ctx, GM_F64, nd, size[i] + 3 - nd, &in[n]));
            for (int64_t j = 0; j < in[n]->size; j++) gm__f64(in[n])[j] = 2 * unit((uint32_t)(1000 * i + (size_t)j)) - 1;
            OK(gm_tensor_set_grad(in[n++], 1));
        }
        OK(gm_gradcheck(ctx, expression, (void *)(uintptr_t)&list[k], in, n, 1, &error));
        ck_assert_msg(error < 1e-6, "case %d: off by %g", (int)k, error);
        for (int i = 0; i < n; i++) gm_tensor_free(in[i]);
    }
}
END_TEST

/* ---- token by token ------------------------------------------------------------------------------------ */

static const char *const options[] = {
    "depth=2 heads=2 embd=8",
    "depth=2 heads=4 kv-heads=2 embd=16 positions=rotary norm=rms activation=swiglu bias=off tie=off",
    "depth=1 heads=2 embd=6 positions=learned post=on activation=silu hidden=10",
    "depth=1 heads=1 embd=5 positions=none activation=relu norm=rms",
};
enum { OPTIONS = GM__COUNT(options) };

static void read_in(gm_model *m, const int64_t *id, int64_t count, int64_t piece, float *logits)
{
    const gm__lm *lm = m->family->lm;
    void *r = NULL, *copy = NULL;
    OK(lm->open(m, ctx, &r));
    for (int64_t i = 0; i < count; i += piece) OK(lm->read(m, ctx, r, id + i, count - i < piece ? count - i : piece));
    OK(lm->copy(m, ctx, r, &copy));
    lm->close(m, ctx, r);
    OK(lm->next(m, ctx, copy, logits));
    lm->close(m, ctx, copy);
}

/* gm_lm_log_prob is what readers say, whatever pieces the text came in, past the context, too. */
static void compare(gm_model *m, const int64_t *id, int64_t n, int64_t told)
{
    const int64_t vocab = gm_tokenizer_size(gm_lm_tokenizer(m));
    gm_tensor *p = log_probs(m, id, n);
    float one[300], other[300];
    for (int64_t i = told; i < n; i++) {
        read_in(m, id, i, 1, one);
        read_in(m, id, i, 7, other);
        ck_assert(!memcmp(one, other, (size_t)vocab * sizeof *one));
        gm__log_normalise(one, vocab);
        close_to(gm__f32(p)[i], one[id[i]], 1e-5, "log p");
    }
    gm_tensor_free(p);
}

START_TEST(scores_are_what_readers_say)
{
    for (int k = 0; k < OPTIONS; k++) {
        char decoder[200];
        int64_t id[100], n = pair_ids("elizabeth", "christopherandelizabethweremarriedhere", id);
        gm_model *m = fresh(options[k], "lines", some_pairs);
        fill(m);
        compare(m, id, n, 10);
        n = pair_ids("a source of more tokens than a block", "its last ones count", id);
        compare(m, id, n, 37);
        gm_model_free(m);
        snprintf(decoder, sizeof decoder, "%s kind=decoder", options[k]);
        for (int lines = 0; lines < 2; lines++) {
            m = fresh(decoder, lines ? "lines" : "text", some_text);
            fill(m);
            for (int64_t i = 0; i < 40; i++) id[i] = (uint8_t)some_text[i] + lines;
            compare(m, id, 40, 0);
            gm_model_free(m);
        }
    }
}
END_TEST

/* Later tokens of the target change nothing before them; the source changes all of it. */
START_TEST(what_is_seen)
{
    gm_model *m = fresh(options[0], "lines", some_pairs);
    int64_t a[40], b[40], n = pair_ids("ann", "bobandeli", a);
    fill(m);
    pair_ids("ann", "bobaXYZWV", b);
    gm_tensor *p = log_probs(m, a, n), *q = log_probs(m, b, n);
    ck_assert(!memcmp(p->data, q->data, 8 * sizeof(float)));
    ck_assert(gm__f32(p)[8] != gm__f32(q)[8]);
    gm_tensor_free(q);
    pair_ids("anm", "bobandeli", b);
    q = log_probs(m, b, n);
    for (int i = 0; i < n; i++) ck_assert((gm__f32(p)[i] != gm__f32(q)[i]) == (i > 3));
    gm_tensor_free(p), gm_tensor_free(q);
    gm_model_free(m);
}
END_TEST

/* Without positions an encoder's states go with their tokens, in whatever order they come; padding changes nothing. */
START_TEST(encoders)
{
    static const char *const how[] = { "kind=encoder depth=2 heads=2 embd=8 positions=none", "kind=encoder depth=2 heads=2 embd=8" };
    static const int64_t order[7] = { 3, 0, 6, 2, 5, 1, 4 };
    for (int k = 0; k < 2; k++) {
        gm_model *m = fresh(how[k], "text", some_text);
        gm_tensor *ids = NULL, *length = NULL, *y = NULL, *z = NULL;
        int64_t id[18] = { 0 };
        double off = 0, padded = 0;
        fill(m);
        for (int i = 0; i < 7; i++) id[i] = 60 + 3 * i;
        for (int i = 0; i < 7; i++) id[9 + i] = id[order[i]];
        id[7] = 5, id[16] = 200;
        OK(gm_tensor_copy(ctx, GM_I64, 2, (int64_t[]){ 2, 9 }, id, &ids));
        OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){ 2 }, (int64_t[]){ 7, 7 }, &length));
        OK(gm_transformer_encode(m, ids, length, &y));
        for (int i = 0; i < 7; i++)
            for (int e = 0; e < 8; e++) off = fmax(off, fabs((double)gm__f32(y)[(9 + i) * 8 + e] - (double)gm__f32(y)[order[i] * 8 + e]));
        ck_assert_msg(k ? off > 0.01 : off < 1e-5, "%g", off);
        gm_tensor_free(ids);
        OK(gm_tensor_copy(ctx, GM_I64, 2, (int64_t[]){ 1, 7 }, id, &ids));
        OK(gm_transformer_encode(m, ids, NULL, &z));
        for (int e = 0; e < 56; e++) padded = fmax(padded, fabs((double)gm__f32(y)[e] - (double)gm__f32(z)[e]));
        ck_assert_msg(padded < 1e-6, "%g", padded);
        gm_tensor_free(ids), gm_tensor_free(length), gm_tensor_free(y), gm_tensor_free(z);
        gm_model_free(m);
    }
}
END_TEST

/* ---- training ------------------------------------------------------------------------------------------------ */

/* Pairs of a text of letters a to d and the same backwards. */
static void word(uint32_t i, char *s)
{
    int n = 1 + (int)(5 * unit(7 * i));
    for (int k = 0; k < n; k++) s[k] = (char)('a' + (int)(4 * unit(1000003 * i + (uint32_t)k)));
    s[n] = 0;
}
static char *backwards(uint32_t first, int count)
{
    char *text = calloc((size_t)count, 16), *p = text;
    for (int i = 0; i < count; i++) {
        char s[8];
        word(first + (uint32_t)i, s);
        p += sprintf(p, "%s\t", s);
        for (size_t k = strlen(s); k-- > 0;) *p++ = s[k];
        *p++ = '\n';
    }
    return text;
}

static int put(const char *bytes, size_t n, void *user)
{
    strncat(user, bytes, n);
    return 0;
}
static void written(gm_model *m, const char *prompt, char *out)
{
    gm_sampler *s = NULL;
    *out = 0;
    OK(gm_sampler_new(ctx, m, "temperature=0 max-tokens=20", &s));
    OK(gm_sampler_prompt(s, prompt, strlen(prompt)));
    gm_status st = gm_sampler_write(s, 30, put, out, NULL);
    ck_assert(st == GM_OK || st == GM_END);
    gm_sampler_free(s);
}

/* The task of a reversed text is solved on texts that were not trained on; sampler, beam search, states and prompts agree. */
START_TEST(learns_to_reverse)
{
    gm_model *m = NULL;
    char *text = backwards(0, 3000);
    int right = 0, held = 0;
    gm_dataset *d = text_of("lines", text);
    OK(gm_model_new(ctx, "transformer", "depth=1 heads=2 embd=32 block=8", &m));
    OK(gm_fit(m, d, "steps=500 batch=32 lr=5e-3"));
    gm_dataset_free(d);
    for (uint32_t i = 5000; held < 200; i++) {
        char s[16], out[64], line[20];
        word(i, s);
        snprintf(line, sizeof line, "\n%s\t", s);
        if (strlen(s) < 3 || strstr(text, line)) continue;
        written(m, s, out);
        bool same = strlen(out) == strlen(s);
        for (size_t k = 0; same && k < strlen(s); k++) same = out[k] == s[strlen(s) - 1 - k];
        right += same;
        held++;
    }
    ck_assert_msg(right >= 198, "%d of %d", right, held);
    char one[64], two[64];
    written(m, "abcd", one);
    written(m, "abcd\t", two);
    ck_assert_str_eq(one, two);
    ck_assert_str_eq(one, "dcba");
    written(m, "abcd\tdc", two);
    ck_assert_str_eq(two, "ba");
    /* the likeliest continuation by beam search */
    gm_tensor *prompt = NULL, *best = NULL;
    OK(gm_tokenizer_encode(gm_lm_tokenizer(m), "abcd", 4, 0, &prompt));
    OK(gm_lm_beam(m, prompt, "beams=3 tokens=8", &best, NULL));
    for (int i = 0; i < 4; i++) ck_assert_int_eq(gm__i64(best)[i], gm__i64(prompt)[3 - i]);
    ck_assert_int_eq(gm__i64(best)[4], gm_lm_end(m));
    gm_tensor_free(prompt), gm_tensor_free(best);
    free(text);
    gm_model_free(m);
}
END_TEST

START_TEST(measures_tell_of_targets)
{
    gm_model *m = fresh(options[0], "lines", some_pairs);
    gm_dataset *d = text_of("lines", some_pairs);
    gm_measure out[3];
    int32_t n;
    OK(gm_eval(m, d, NULL, out, 3, &n));
    ck_assert_uint_eq(out[0].rows, 3 + 1 + 10 + 4); /* targets and their ends */
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

START_TEST(masked_tokens_are_learned)
{
    char text[3000] = "";
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    for (int i = 0; i < 100; i++) strcat(text, "the cat sat on the mat. ");
    gm_dataset *d = text_of("text", text);
    OK(gm_model_new(ctx, "transformer", "kind=encoder depth=1 heads=2 embd=32 block=24", &m));
    OK(gm_trainer_new(m, d, "steps=1000 batch=8 lr=3e-3", &tr));
    OK(gm_trainer_run(tr));
    const gm__series *s = gm__trainer_series(tr, "loss");
    const size_t points = gm__series_points(s);
    double loss = 0;
    for (size_t i = points - 50; i < points; i++) loss += gm__series_point(s, i).value / 50;
    ck_assert_msg(loss > 0 && loss < 0.7, "%g", loss); /* 2.1 without looking at others */
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

static const struct { const char *options, *kind, *text; } runs[] = {
    { "depth=2 embd=16 heads=4 block=12 dropout=0.2", "lines", some_pairs },
    { "kind=decoder embd=16 heads=2 block=12 dropout=0.2", "text", some_text },
    { "kind=encoder embd=16 heads=2 block=12 dropout=0.2 masked=0.4", "text", some_text },
    { "kind=encoder embd=16 heads=2 block=12 dropout=0.2 masked=0.4", "lines", some_text },
    { "kind=decoder embd=16 heads=2 block=12 dropout=0.2", "lines", some_text },
};
static gm_model *trained(gm_ctx *c, int k, const char *how)
{
    gm_ctx *was = ctx;
    gm_model *m = NULL;
    ctx = c;
    gm_dataset *d = text_of(runs[k].kind, runs[k].text);
    OK(gm_model_new(ctx, "transformer", runs[k].options, &m));
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
        gm_model *m = trained(own[k], _i, "steps=8 batch=3 accumulate=2");
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
    char how[200];
    gm_trainer *tr = NULL;
    gm_model *m = NULL, *whole = trained(ctx, _i, "steps=13 batch=3 ema=0.9");
    gm_dataset *d = text_of(runs[_i].kind, runs[_i].text);
    snprintf(how, sizeof how, "steps=13 batch=3 ema=0.9 checkpoint=%s stop-after=7", at("ckpt"));
    OK(gm_model_new(ctx, "transformer", runs[_i].options, &m));
    OK(gm_fit(m, d, how));
    gm_model_free(m);
    OK(gm_trainer_resume(ctx, at("ckpt"), d, NULL, "stop-after=0", &tr));
    OK(gm_trainer_run(tr));
    ck_assert_uint_eq(gm_trainer_steps(tr), 13);
    ck_assert(same_weights(gm_trainer_model(tr), whole));
    gm_trainer_free(tr);
    gm_model_free(whole);
    gm_dataset_free(d);
}
END_TEST

/* A file holds all: the loaded model writes the same text; a sampler's state goes on with it. */
START_TEST(files_and_states)
{
    gm_model *m = trained(ctx, 0, "steps=20 batch=4"), *again = NULL;
    gm_sampler *a = NULL, *b = NULL;
    int64_t x[12], y[12];
    size_t size = 0;
    OK(gm_model_save(m, at("model")));
    OK(gm_model_load(ctx, at("model"), &again));
    OK(gm_sampler_new(ctx, m, "seed=3", &a));
    OK(gm_sampler_new(ctx, again, "seed=3", &b));
    OK(gm_sampler_prompt(a, "ann", 3));
    for (int i = 0; i < 2; i++) OK(gm_sampler_next(a, &x[i]));
    OK(gm_sampler_state_save(a, NULL, &size));
    void *state = malloc(size);
    OK(gm_sampler_state_save(a, state, &size));
    OK(gm_sampler_state_load(b, state, size));
    for (int i = 0; i < 10; i++) {
        gm_status s = gm_sampler_next(a, &x[i]), t = gm_sampler_next(b, &y[i]);
        ck_assert_int_eq(s, t);
        ck_assert_int_eq(x[i], y[i]);
    }
    free(state);
    gm_sampler_free(a), gm_sampler_free(b);
    gm_model_free(m), gm_model_free(again);
}
END_TEST

static int stop(const gm_progress *p, void *user) { return p->step >= *(uint64_t *)user; }

START_TEST(cancel)
{
    gm_trainer *tr = NULL;
    gm_model *m = NULL;
    uint64_t when = 3;
    gm_dataset *d = text_of("lines", some_pairs);
    OK(gm_model_new(ctx, "transformer", "depth=1 embd=8 heads=1 block=12", &m));
    OK(gm_trainer_new(m, d, "steps=1000 batch=2", &tr));
    OK(gm_trainer_set_progress(tr, stop, &when, 0));
    FAILS(GM_ECANCELED, "callback", gm_trainer_run(tr));
    ck_assert_uint_eq(gm_trainer_steps(tr), 3);
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* ---- bad input --------------------------------------------------------------------------------------------------- */

static void refused(const char *options_, const char *kind, const char *text, gm_status code, const char *why)
{
    gm_model *m = NULL;
    gm_dataset *d = text_of(kind, text);
    OK(gm_model_new(ctx, "transformer", options_, &m));
    FAILS(code, why, gm_fit(m, d, "steps=1"));
    gm_dataset_free(d);
    gm_model_free(m);
}

START_TEST(bad_input)
{
    gm_model *m = NULL;
    FAILS(GM_EARG, "embd=10 is not divided by heads=4", gm_model_new(ctx, "transformer", "embd=10 heads=4", &m));
    FAILS(GM_EARG, "heads=4 are not divided by kv-heads=3", gm_model_new(ctx, "transformer", "embd=8 heads=4 kv-heads=3", &m));
    FAILS(GM_EARG, "heads of even size, not 3", gm_model_new(ctx, "transformer", "embd=6 heads=2 positions=rotary", &m));
    FAILS(GM_EARG, "kind", gm_model_new(ctx, "transformer", "kind=both", &m));
    refused("", "lines", "one\ttwo\nthree and four\nfive\tsix\n", GM_EARG, "line 2 has no tab between source and target");
    refused("", "text", "one\ttwo\n", GM_EARG, "kind=encoder-decoder reads lines:FILE");
    refused("block=6", "lines", "one\ttwo\na long one\tb\n", GM_EARG, "line 2 has a source of 11 tokens with its end, more than block=6");
    refused("block=6", "lines", "one\ttwo\nb\ta long one\n", GM_EARG, "line 2 has a target of 11 tokens with its end, more than block=6");
    refused("kind=decoder", "text", "short", GM_EARG, "a smaller block is needed");
    refused("kind=encoder", "text", "short", GM_EARG, "a smaller block is needed");
    m = fresh("depth=1 heads=1 embd=4 kind=encoder", "text", some_text);
    gm_sampler *s = NULL;
    gm_tensor *ids = NULL, *flat = NULL, *length = NULL, *y = NULL;
    FAILS(GM_EUNSUPPORTED, "transformer", gm_sampler_new(ctx, m, NULL, &s));
    OK(gm_tensor_copy(ctx, GM_I64, 2, (int64_t[]){ 1, 3 }, (int64_t[]){ 1, 2, 700 }, &ids));
    OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){ 3 }, (int64_t[]){ 1, 2, 3 }, &flat));
    OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){ 1 }, (int64_t[]){ 4 }, &length));
    FAILS(GM_EUNSUPPORTED, "cannot", gm_lm_log_prob(m, flat, &y));
    FAILS(GM_ESHAPE, "tokens are [3]; [rows, 1 to 12] wanted", gm_transformer_encode(m, flat, NULL, &y));
    FAILS(GM_EARG, "700", gm_transformer_encode(m, ids, NULL, &y));
    FAILS(GM_EARG, "length 4 of row 0; 1 to 3 wanted", gm_transformer_encode(m, ids, length, &y));
    FAILS(GM_ESHAPE, "i64 [1] wanted", gm_transformer_encode(m, ids, flat, &y));
    gm_model_free(m);
    m = fresh("depth=1 heads=1 embd=4 kind=decoder", "text", some_text);
    FAILS(GM_EUNSUPPORTED, "without an encoder", gm_transformer_encode(m, ids, NULL, &y));
    gm_model_free(m);
    OK(gm_model_new(ctx, "transformer", "", &m));
    FAILS(GM_ESTATE, "fit the model first", gm_transformer_encode(m, ids, NULL, &y));
    gm_tokenizer *tk = NULL;
    OK(gm_tokenizer_train(ctx, "kind=byte", NULL, 0, &tk));
    OK(gm_lm_set_tokenizer(m, tk));
    gm_dataset *d = text_of("lines", some_pairs);
    FAILS(GM_EARG, "has no token <|endoftext|>", gm_fit(m, d, "steps=1"));
    gm_dataset_free(d);
    gm_tokenizer_free(tk);
    gm_model_free(m);
    m = fresh("depth=1 heads=1 embd=4", "lines", some_pairs);
    d = text_of("lines", "one\ttwo\nno tab\n");
    gm_measure out[3];
    int32_t n;
    FAILS(GM_EARG, "without a tab", gm_eval(m, d, NULL, out, 3, &n));
    gm_dataset_free(d);
    gm_model_free(m);
    gm_tensor_free(ids), gm_tensor_free(flat), gm_tensor_free(length);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("transformer");
    TCase *c = tcase_create("transformer");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, setup, teardown);
    const TTest *const tests[] = { equals_pytorch, gradients_by_differences, scores_are_what_readers_say, what_is_seen, encoders, learns_to_reverse, measures_tell_of_targets,
                                   masked_tokens_are_learned, files_and_states, cancel, bad_input };
    for (size_t i = 0; i < GM__COUNT(tests); i++) tcase_add_test(c, tests[i]);
    tcase_add_loop_test(c, threads_change_nothing, 0, (int)GM__COUNT(runs));
    tcase_add_loop_test(c, resume_is_exact, 0, (int)GM__COUNT(runs));
    suite_add_tcase(s, c);
    return run_suite(s);
}
