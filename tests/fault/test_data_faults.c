/* Data sets, files, tokenizers, measures and what is left of the families' own verbs under failing memory. */
#define FEWEST 4
#include "cases.h"
#include <sys/stat.h>

/* Files of the test's own, beside model_path. */
static const char *beside(const char *end)
{
    static char text[8][128];
    static int k;
    k = (k + 1) % 8;
    snprintf(text[k], sizeof text[k], "%s%s", model_path, end);
    return text[k];
}

static void put(const char *end, const void *p, size_t n)
{
    FILE *f = fopen(beside(end), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(p, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

/* ---- data sets ------------------------------------------------------------------------------------ */

/* Whatever one does with a data set, two epochs of it too. */
static gm_status walk(gm_dataset *d, const char *options)
{
    gm_batches *b = NULL;
    gm_tensor *x = NULL;
    int64_t shape[8];
    size_t n;
    gm_status s = gm_dataset_rows(d) && gm_dataset_columns(d) && gm_dataset_column_name(d, 0) && gm_dataset_shape(d, "x", shape) >= 0 ? GM_OK : GM_EINTERNAL;
    gm_dataset_class_name(d, gm_dataset_classes(d) - 1);
    if (!s) s = gm_batches_new(d, options, &b);
    for (int e = 0; e < 2 && !s; e++) {
        while (!(s = gm_batches_next(b, &x)))
            if (!gm_batches_column(b, gm_dataset_column_name(d, 0)) || !gm_batches_rows(b, &n) || !n) s = GM_EINTERNAL;
        if (s == GM_END) s = GM_OK;
    }
    if (!s) s = gm_batches_seek(b, 1, 1);
    if (!s && (gm_batches_epoch(b) != 1 || gm_batches_position(b) != 1 || gm_dataset_dtype(d, "x") < 0)) s = GM_EINTERNAL;
    if (!s) s = gm_batches_next(b, &x);
    gm_batches_free(b);
    return s;
}

/* A data set of a file, by "KIND:END_OF_NAME REST". */
static gm_status of_file(gm_ctx *ctx, const char *kind, const char *end, const char *rest, const char *options)
{
    char spec[400];
    gm_dataset *d = NULL, *one = NULL, *two = NULL;
    snprintf(spec, sizeof spec, "%s:%s%s", kind, beside(end), rest);
    gm_status s = gm_dataset_open(ctx, spec, &d);
    if (!s) s = walk(d, options);
    if (!s) s = gm_dataset_split(d, 0.5, 1, &one, &two);
    gm_dataset_free(d), gm_dataset_free(one), gm_dataset_free(two);
    return s;
}

static gm_status tables(gm_ctx *ctx, host *h)
{
    (void)h;
    static const char csv[] = "a,b,kind\n1,2,dog\n3,,cat\n5,6,dog\n7,8,cow\n", rated[] = "1,7,3\n1,8,4\n2,7,5\n3,9,1\n", lines[] = "one\nof\nthree\nlines\n";
    put(".csv", csv, sizeof csv - 1);
    put(".ratings", rated, sizeof rated - 1);
    put(".txt", lines, sizeof lines - 1);
    gm_status s = of_file(ctx, "csv", ".csv", ",label=kind,missing=mean", "batch=3 scale=standard");
    if (!s) s = of_file(ctx, "csv", ".csv", ",onehot=kind,missing=drop", "batch=2 scale=unit");
    if (!s) s = of_file(ctx, "ratings", ".ratings", ",ids=map", "batch=2");
    if (!s) s = of_file(ctx, "ratings", ".ratings", ",table=on,items=10,hold=0.5", "batch=2");
    if (!s) s = of_file(ctx, "text", ".txt", "", "batch=5");
    if (!s) s = of_file(ctx, "lines", ".txt", "", "batch=3");
    return s;
}

static gm_status pictures(gm_ctx *ctx, host *h)
{
    (void)h;
    char idx[16 + 6 * 16] = "\0\0\x08\3\0\0\0\6\0\0\0\4\0\0\0\4", labels[8 + 6] = "\0\0\x08\1\0\0\0\6\1\2\0\1\2\0", rest[200];
    static char cifar[4 * 3073];
    for (int i = 16; i < (int)sizeof idx; i++) idx[i] = (char)(i * 5);
    put(".idx", idx, sizeof idx);
    put(".labels", labels, sizeof labels);
    put(".cifar", cifar, sizeof cifar);
    mkdir(beside(".png"), 0700);
    gm_tensor *image = NULL;
    gm_status s = gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){1, 1, 4, 4}, &image);
    for (int i = 0; i < 3 && !s; i++) s = gm_png_write(image, 1, beside(i == 0 ? ".png/a.png" : i == 1 ? ".png/b.png" : ".png/c.png"));
    gm_tensor_free(image);
    snprintf(rest, sizeof rest, ",%s", beside(".labels"));
    if (!s) s = of_file(ctx, "idx", ".idx", rest, "batch=4 augment=shift=1,flip binarize=dynamic");
    snprintf(rest, sizeof rest, ",%s,stream=on", beside(".labels"));
    if (!s) s = of_file(ctx, "idx", ".idx", rest, "batch=4");
    if (!s) s = of_file(ctx, "cifar", ".cifar", "[0:3]", "batch=2");
    if (!s) s = of_file(ctx, "png", ".png", "", "batch=2");
    return s;
}

static int source(uint64_t row, float *x, int64_t *label, void *user)
{
    (void)user;
    x[0] = x[1] = (float)row, *label = (int64_t)(row % 2);
    return 0;
}

static gm_status of_the_host(gm_ctx *ctx, host *h)
{
    gm_tensor *values = NULL, *offsets = NULL, *label = NULL, *y = NULL;
    gm_dataset *ragged = NULL, *asked = NULL, *own = NULL;
    gm_status s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){5, 2}, &values);
    if (!s) s = gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){4}, (int64_t[]){0, 2, 2, 5}, &offsets);
    if (!s) s = gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){3}, &label);
    if (!s) s = gm_dataset_from_ragged(ctx, values, offsets, label, &ragged);
    if (!s) s = walk(ragged, "batch=2");
    if (!s) s = gm_dataset_from_callback(ctx, 5, 1, (int64_t[]){2}, 2, source, h, &asked);
    if (!s) s = walk(asked, "batch=3");
    if (!s) s = gm_dataset_from_tensors(ctx, values, NULL, &own);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 1, (int64_t[]){5}, &y);
    if (!s) s = gm_dataset_add(own, "y", y);
    if (!s) s = walk(own, "batch=3");
    gm_dataset_free(ragged), gm_dataset_free(asked), gm_dataset_free(own);
    gm_tensor_free(values), gm_tensor_free(offsets), gm_tensor_free(label), gm_tensor_free(y);
    return s;
}

/* ---- files ------------------------------------------------------------------------------------------ */

static gm_status arrays(gm_ctx *ctx, host *h)
{
    (void)h;
    const char *const names[2] = {"b", "x"};
    gm_tensor *t[2] = {NULL, NULL}, *back[2] = {NULL, NULL}, **many = NULL;
    char **found = NULL;
    int32_t n = 0;
    gm_status s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){5, 7}, &t[0]);
    if (!s) s = gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){5}, &t[1]);
    if (!s) s = gm_npy_write(t[0], beside(".npy"));
    if (!s) s = gm_npy_read(ctx, beside(".npy"), &back[0]);
    if (!s) s = gm_npz_write(ctx, beside(".npz"), 2, names, t, 1);
    if (!s) s = gm_npz_read(ctx, beside(".npz"), "x", &back[1]);
    if (!s) s = gm_safetensors_write(ctx, beside(".st"), 2, names, t);
    if (!s) s = gm_safetensors_read(ctx, beside(".st"), &n, &found, &many);
    if (!s) s = of_file(ctx, "npy", ".npy", "", "batch=2");
    if (!s) s = of_file(ctx, "npz", ".npz", ",x=b,label=x", "batch=2");
    for (int i = 0; i < 2; i++) gm_tensor_free(t[i]), gm_tensor_free(back[i]);
    gm_tensors_free(ctx, n, found, many);
    return s;
}

static gm_status tokens(gm_ctx *ctx, const char *options)
{
    static const char text[] = "the cat sat on the mat, the cat ate the rat";
    gm_tokenizer *tk = NULL, *again = NULL;
    gm_tensor *ids = NULL;
    char back[100];
    size_t size;
    gm_status s = gm_tokenizer_train(ctx, options, text, sizeof text - 1, &tk);
    if (!s) s = gm_tokenizer_encode(tk, text, sizeof text - 1, 0, &ids);
    if (!s) s = gm_tokenizer_decode(tk, ids, 0, back, sizeof back, &size);
    if (!s && (size != sizeof text - 1 || memcmp(back, text, size))) s = GM_EINTERNAL;
    if (!s && (gm_tokenizer_size(tk) < 5 || !gm_tokenizer_token(tk, 0, &size) || gm_tokenizer_find(tk, "t", 1) < -1)) s = GM_EINTERNAL;
    if (!s && gm_tokenizer_kind(tk) == GM_TOKENIZE_BPE) {
        s = gm_tokenizer_save_gpt2(tk, beside(".json"), beside(".merges"));
        if (!s) s = gm_tokenizer_load_gpt2(ctx, beside(".json"), beside(".merges"), &again);
    }
    gm_tensor_free(ids);
    gm_tokenizer_free(tk), gm_tokenizer_free(again);
    return s;
}

static gm_status tokens_bpe(gm_ctx *ctx, host *h) { return (void)h, tokens(ctx, "kind=bpe vocab=262 special=<end>"); }
static gm_status tokens_char(gm_ctx *ctx, host *h) { return (void)h, tokens(ctx, "kind=char unk=on"); }
static gm_status tokens_word(gm_ctx *ctx, host *h) { return (void)h, tokens(ctx, "kind=word"); }
static gm_status tokens_byte(gm_ctx *ctx, host *h) { return (void)h, tokens(ctx, "kind=byte"); }

/* ---- measures and verbs -------------------------------------------------------------------------------- */

static gm_status measures(gm_ctx *ctx, host *h)
{
    (void)h;
    gm_tensor *a = NULL, *b = NULL, *far = NULL, *index = NULL;
    gm_metrics_config c;
    double v[4], e[4];
    gm_metrics_config_init(&c, sizeof c);
    c.projections = 3;
    gm_status s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){12, 3}, &a);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){12, 3}, &b);
    if (!s) s = gm_random_normal(1, 1, 0, 36, gm_tensor_data(a));
    if (!s) s = gm_random_normal(1, 2, 0, 36, gm_tensor_data(b));
    if (!s) s = gm_neighbours(ctx, a, b, 2, &far, &index);
    if (!s) s = gm_prdc(ctx, a, b, &c, v, e);
    if (!s) s = gm_nearest(ctx, a, NULL, b, v, e, NULL);
    if (!s) s = gm_c2st(ctx, a, b, &c, v, e);
    c.judge = GM_JUDGE_LOGISTIC, c.kernel = GM_KERNEL_GAUSSIAN;
    if (!s) s = gm_c2st(ctx, a, b, &c, v, e);
    if (!s) s = gm_frechet(ctx, a, b, v);
    if (!s) s = gm_mmd(ctx, a, b, &c, v, e);
    if (!s) s = gm_sliced_wasserstein(ctx, a, b, &c, v, e);
    if (!s) s = gm_wasserstein(ctx, a, b, &c, v);
    if (!s) s = gm_modes(ctx, a, b, 1, v);
    gm_tensor_free(a), gm_tensor_free(b), gm_tensor_free(far), gm_tensor_free(index);
    return s;
}

static int keep_all(float *logits, int64_t n, void *user) { return (void)logits, n == 0 || user == NULL; }

static gm_status writing(gm_ctx *ctx, host *h)
{
    static const char text[] = "the cat sat on the mat, the cat ate the rat";
    gm_tokenizer *tk = NULL;
    gm_model *m = NULL;
    gm_dataset *d = NULL;
    gm_tensor *ids = NULL, *p = NULL, *logits = NULL;
    gm_sampler *w = NULL;
    int64_t token;
    put(".text", text, sizeof text - 1);
    char spec[200];
    snprintf(spec, sizeof spec, "text:%s", beside(".text"));
    gm_status s = gm_tokenizer_train(ctx, "kind=char", text, sizeof text - 1, &tk);
    if (!s) s = gm_model_new(ctx, "gpt", "depth=1 heads=1 embd=4 block=6 tokenizer=char", &m);
    if (!s) s = gm_lm_set_tokenizer(m, tk);
    if (!s) s = gm_dataset_open(ctx, spec, &d);
    if (!s) s = gm_fit(m, d, "steps=1 batch=2");
    if (!s && (gm_lm_context(m) != 6 || gm_lm_end(m) >= gm_tokenizer_size(tk))) s = GM_EINTERNAL;
    if (!s) s = gm_tokenizer_encode(tk, "the mat", 7, 0, &ids);
    if (!s) s = gm_lm_log_prob(m, ids, &p);
    gm_tensor_free(ids), ids = NULL;
    if (!s) s = gm_tensor_new(ctx, GM_I64, 2, (int64_t[]){1, 5}, &ids);
    if (!s) s = gm_gpt_logits(m, ids, &logits);
    if (!s) s = gm_sampler_new(ctx, m, NULL, &w);
    if (!s) s = gm_sampler_filter(w, keep_all, h);
    if (!s) s = gm_sampler_next(w, &token);
    if (!s) s = gm_sampler_reset(w);
    gm_tensor_free(ids), gm_tensor_free(p), gm_tensor_free(logits);
    gm_sampler_free(w);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_tokenizer_free(tk);
    return s;
}

static gm_status boltzmann(gm_ctx *ctx, host *h)
{
    (void)h;
    gm_model *m = NULL, *vae = NULL, *pyramid = NULL;
    gm_tensor *x = NULL, *clamp = NULL, *out[3] = {NULL};
    double z, e;
    gm_status s = gm_model_new(ctx, "rbm", "shape=4 hidden=3", &m);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){3, 4}, &x);
    if (!s) s = gm_tensor_new(ctx, GM_U8, 1, (int64_t[]){4}, &clamp);
    if (!s) s = gm_rbm_free_energy(m, x, &out[0]);
    if (!s) s = gm_rbm_log_z(m, NULL, "method=exact", &z, &e);
    if (!s) s = gm_rbm_log_z(m, x, "method=reverse-ais temperatures=3 chains=2", &z, &e);
    if (!s) s = gm_rbm_gibbs(m, x, clamp, "steps=2", &out[1]);
    if (!s) s = gm_model_new(ctx, "vae", "shape=4 hidden=3 latent=2", &vae);
    if (!s) s = gm_interpolate(vae, x, x, 3, &out[2]);
    if (s == GM_ESHAPE) s = GM_OK; /* it goes between single rows */
    if (!s) s = gm_model_new(ctx, "lapgan", "shape=1,4,4 width=2 levels=1", &pyramid);
    if (!s && gm_lapgan_levels(pyramid) < 1) s = GM_EINTERNAL;
    for (int i = 0; i < 3; i++) gm_tensor_free(out[i]);
    gm_tensor_free(x), gm_tensor_free(clamp);
    gm_model_free(m), gm_model_free(vae), gm_model_free(pyramid);
    return s;
}

typedef gm_status work_fn(gm_ctx *ctx, host *h);
static work_fn *const works[] = {tables, pictures, of_the_host, arrays, tokens_bpe, tokens_char, tokens_word, tokens_byte, measures, writing, boltzmann};

static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    gm_status s = host_ctx(h, &ctx);
    if (!s) s = works[which](ctx, h);
    keep_message(ctx, s);
    gm_ctx_free(ctx);
    return s;
}

int main(void)
{
    char command[160];
    int code = run_cases("data_faults", program, sizeof works / sizeof *works);
    snprintf(command, sizeof command, "rm -rf '%s'.*", model_path);
    return system(command) || code;
}
