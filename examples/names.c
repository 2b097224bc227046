/* names - new names like those of a list, after makemore: a perceptron that sees three characters, in a loop of its own, and a GPT.
 *
 *   names FILE [STEPS [GPT_STEPS]]        FILE: a name a line. Defaults: 200000 and 12000 (in minutes; fewer are a first look)
 *   names                                 a list of a few towns, for a first look
 *
 * The last 1,000 names of a seeded shuffle (of a short list: a tenth) are held out; nats a character, a name's end included.
 * Bengio et al. 2003; the sizes are those of Karpathy's lectures: 10 numbers a character, 200 tanh units, batches of 32. */
#include <gm/gm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN = 3, EMBD = 10, UNITS = 200, BATCH = 32, KINDS = 27, LONGEST = 64 };

static const char towns[] = "paris\nlondon\nberlin\nmadrid\nrome\nlisbon\nvienna\nprague\nwarsaw\nathens\noslo\nbern\ndublin\nsofia\nriga\ntallinn\nvilnius\nzagreb\nbelgrade\nbudapest\n";

typedef struct list { char (*name)[LONGEST]; int64_t n, held; } list; /* names held .. n-1 are held out */

static gm_status shuffled(gm_ctx *ctx, list *l)
{
    gm_tape *t = NULL;
    gm_status s = gm_tape_new(ctx, 42, &t);
    gm_tensor *order = s ? NULL : gm_randperm(t, l->n);
    char (*to)[LONGEST] = malloc((size_t)l->n * LONGEST);
    for (int64_t i = 0; order && to && i < l->n; i++) memcpy(to[i], l->name[((int64_t *)gm_tensor_data(order))[i]], LONGEST);
    if (order && to) {
        free(l->name);
        l->name = to;
    } else {
        free(to);
    }
    gm_tape_free(t);
    return s ? s : order && to ? GM_OK : GM_ENOMEM;
}

static char *contents(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *p = f ? malloc(1 << 24) : NULL;
    if (p) p[fread(p, 1, (1 << 24) - 1, f)] = 0;
    if (f) fclose(f);
    return p;
}

/* Lines of a to z. */
static int split(const char *p, list *l)
{
    for (int64_t room = 0; *p; p += p[strcspn(p, "\n")] == '\n') {
        const size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz");
        if (!n || n >= LONGEST || (p[n] && p[n] != '\r' && p[n] != '\n')) return 0;
        if (l->n == room) {
            char (*more)[LONGEST] = realloc(l->name, (size_t)(room = room ? 2 * room : 1024) * LONGEST);
            if (!more) return 0;
            l->name = more;
        }
        memset(l->name[l->n], 0, LONGEST);
        memcpy(l->name[l->n++], p, n);
        p += strcspn(p, "\n");
    }
    return 1;
}

static int read_names(const char *path, list *l)
{
    char *text = path ? contents(path) : NULL;
    const int ok = path ? text && split(text, l) : split(towns, l);
    const int64_t out = l->n > 5000 ? 1000 : l->n / 10;
    l->held = l->n - out;
    free(text);
    return ok && out > 0;
}

/* ---- the perceptron: p(next | three characters), 0 for "none yet" and for the end ----------------- */

typedef struct examples { gm_tensor *seen, *next; int64_t n; } examples; /* i64 [n, SEEN], [n] */

static gm_status make_examples(gm_ctx *ctx, const list *l, int64_t first, int64_t last, examples *e)
{
    e->n = 0;
    for (int64_t i = first; i < last; i++) e->n += (int64_t)strlen(l->name[i]) + 1;
    gm_status s = gm_tensor_new(ctx, GM_I64, 2, (int64_t[]){ e->n, SEEN }, &e->seen);
    if (!s) s = gm_tensor_new(ctx, GM_I64, 1, &e->n, &e->next);
    if (s) return s;
    int64_t *seen = gm_tensor_data(e->seen), *next = gm_tensor_data(e->next), before[SEEN];
    for (int64_t i = first; i < last; i++) {
        memset(before, 0, sizeof before);
        for (const char *p = l->name[i];; p++) {
            memcpy(seen, before, sizeof before);
            seen += SEEN;
            *next = *p ? *p - 'a' + 1 : 0;
            memmove(before, before + 1, sizeof before - sizeof *before);
            before[SEEN - 1] = *next++;
            if (!*p) break;
        }
    }
    return GM_OK;
}

typedef struct perceptron { gm_tensor *c, *w1, *b1, *w2, *b2; } perceptron;

static gm_tensor *logits(gm_tape *t, const perceptron *p, gm_tensor *seen)
{
    gm_tensor *x = gm_reshape(t, gm_embedding(t, p->c, seen), 2, (int64_t[]){ -1, SEEN * EMBD });
    return gm_linear(t, gm_linear_act(t, x, p->w1, p->b1, GM_ACT_TANH, 0), p->w2, p->b2);
}

static gm_status drawn(gm_ctx *ctx, uint64_t stream, int32_t ndim, int64_t rows, int64_t cols, double std, gm_tensor **out)
{
    gm_status s = gm_tensor_new(ctx, GM_F32, ndim, (int64_t[]){ rows, cols }, out);
    float *w = s ? NULL : gm_tensor_data(*out);
    const size_t n = (size_t)(rows * (ndim > 1 ? cols : 1));
    if (!s) s = gm_random_normal(1, stream, 0, n, w);
    for (size_t i = 0; !s && i < n; i++) w[i] *= (float)std;
    return s;
}

/* Mean over all examples, a few thousand at a time. */
static gm_status held_out(gm_tape *t, const perceptron *p, const examples *e, double *nats)
{
    double sum = 0, one;
    gm_status s = GM_OK;
    gm_tape_recording(t, 0);
    for (int64_t at = 0; !s && at < e->n; at += 4096) {
        const int64_t end = at + 4096 < e->n ? at + 4096 : e->n;
        gm_tape_reset(t);
        gm_tensor *y = logits(t, p, gm_slice(t, e->seen, 0, at, end, 1));
        s = gm_tensor_item(gm_cross_entropy(t, y, gm_slice(t, e->next, 0, at, end, 1), GM_SUM), &one);
        if (gm_tape_status(t)) s = gm_tape_status(t);
        sum += one;
    }
    gm_tape_recording(t, 1);
    gm_tape_reset(t);
    *nats = sum / (double)e->n;
    return s;
}

static gm_status step(gm_tape *t, gm_optim *o, const perceptron *p, const examples *e)
{
    gm_tensor *rows = gm_cast(t, gm_affine(t, gm_uniform(t, 1, (int64_t[]){ BATCH }, 0, 1), (double)e->n, 0), GM_I64);
    gm_tensor *y = logits(t, p, gm_index_select(t, e->seen, 0, rows));
    gm_status s = gm_tape_backward(t, gm_cross_entropy(t, y, gm_index_select(t, e->next, 0, rows), GM_MEAN));
    if (!s) s = gm_optim_step(o);
    gm_tape_reset(t);
    return s;
}

static gm_status perceptron_learns(gm_ctx *ctx, const examples *train, const examples *test, const char *steps)
{
    perceptron p = { 0 };
    gm_tensor **const all[] = { &p.c, &p.w1, &p.b1, &p.w2, &p.b2 };
    gm_tape *t = NULL;
    gm_optim *o = NULL;
    char options[200];
    double nats;
    snprintf(options, sizeof options, "lr=2e-3 schedule=cosine horizon=%s lr-min=2e-5", steps);
    gm_status s = drawn(ctx, 0, 2, KINDS, EMBD, 1, &p.c);
    if (!s) s = drawn(ctx, 1, 2, UNITS, SEEN * EMBD, 5 / (3 * sqrt(SEEN * EMBD)), &p.w1); /* tanh's gain over the root of the inputs */
    if (!s) s = drawn(ctx, 2, 1, UNITS, 0, 0.01, &p.b1);
    if (!s) s = drawn(ctx, 3, 2, KINDS, UNITS, 0.01, &p.w2);
    if (!s) s = drawn(ctx, 4, 1, KINDS, 0, 0, &p.b2);
    if (!s) s = gm_tape_new(ctx, 1, &t);
    if (!s) s = gm_optim_new(ctx, "adam", options, &o);
    for (size_t i = 0; !s && i < sizeof all / sizeof *all; i++) s = gm_optim_add(o, *all[i], NULL);
    for (long i = 0, n = atol(steps); !s && i < n; i++) s = step(t, o, &p, train);
    if (!s) s = held_out(t, &p, test, &nats);
    if (!s) printf("perceptron of 3 characters, %s steps: held out %.4f nats a character\n", steps, nats);
    if (gm_tape_status(t)) fprintf(stderr, "names: %s\n", gm_tape_message(t));
    gm_optim_free(o);
    gm_tape_free(t);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) gm_tensor_free(*all[i]);
    return s;
}

/* ---- the GPT ---------------------------------------------------------------------------------- */

static int put(const char *bytes, size_t n, void *user) { return fwrite(bytes, 1, n, (FILE *)user) != n; }

static gm_status lines_of(gm_ctx *ctx, const list *l, int64_t first, int64_t last, const char *file, gm_dataset **out)
{
    char spec[64];
    FILE *f = fopen(file, "w");
    for (int64_t i = first; f && i < last; i++) fprintf(f, "%s\n", l->name[i]);
    if (f) fclose(f);
    snprintf(spec, sizeof spec, "lines:%s", file);
    gm_status s = gm_dataset_open(ctx, spec, out);
    remove(file);
    return s;
}

static gm_status gpt_learns(gm_ctx *ctx, const list *l, const char *steps)
{
    gm_dataset *train = NULL, *test = NULL;
    gm_model *m = NULL;
    gm_sampler *w = NULL;
    gm_measure nats;
    int32_t n;
    char how[200];
    snprintf(how, sizeof how, "steps=%s batch=64 lr=2e-3 lr-min=2e-5", steps);
    gm_status s = lines_of(ctx, l, 0, l->held, "names-train.tmp", &train);
    if (!s) s = lines_of(ctx, l, l->held, l->n, "names-test.tmp", &test);
    if (!s) s = gm_model_new(ctx, "gpt", "depth=4 heads=4 embd=64 block=16 dropout=0.05 unk=off seed=1", &m);
    if (!s) s = gm_fit(m, train, how);
    if (!s) s = gm_eval(m, test, "metric=nats_per_token", &nats, 1, &n);
    if (!s) printf("GPT, %s steps: held out %.4f nats a character (%s)\n\n", steps, nats.value, nats.note);
    if (!s) s = gm_sampler_new(ctx, m, "seed=1", &w);
    for (int i = 0; !s && i < 10; i++) {
        s = gm_sampler_write(w, 40, put, stdout, NULL);
        putchar('\n');
        if (!s || s == GM_END) s = gm_sampler_reset(w);
    }
    if (s) fprintf(stderr, "names: %s\n", gm_ctx_message(ctx));
    gm_sampler_free(w);
    gm_model_free(m);
    gm_dataset_free(test);
    gm_dataset_free(train);
    return s;
}

int main(int argc, char **argv)
{
    list l = { 0 };
    examples train = { 0 }, test = { 0 };
    gm_ctx *ctx = NULL;
    if (!read_names(argc > 1 ? argv[1] : NULL, &l)) return fprintf(stderr, "names: no list of names in a to z\n"), 1;
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = shuffled(ctx, &l);
    if (!s) s = make_examples(ctx, &l, 0, l.held, &train);
    if (!s) s = make_examples(ctx, &l, l.held, l.n, &test);
    if (!s) s = perceptron_learns(ctx, &train, &test, argc > 2 ? argv[2] : argc > 1 ? "200000" : "500");
    if (!s) s = gpt_learns(ctx, &l, argc > 3 ? argv[3] : argc > 1 ? "12000" : "100");
    gm_tensor_free(train.seen), gm_tensor_free(train.next), gm_tensor_free(test.seen), gm_tensor_free(test.next);
    gm_ctx_free(ctx);
    free(l.name);
    return s != GM_OK;
}
