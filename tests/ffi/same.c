/* same.c FOLDER - trains four small models and draws from them; same.py, same.lua and same.rs do the same, and
 * tests/checks/ffi.sh demands the same bytes of all. */
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gm_ctx *ctx;
static const char *folder;

static void ok(gm_status s)
{
    if (!s || s == GM_END) return;
    fprintf(stderr, "%s: %s\n", gm_status_name(s), gm_ctx_message(ctx));
    exit(1);
}

static const char *path(const char *name, const char *ending)
{
    static char out[4096];
    snprintf(out, sizeof out, "%s/%s.%s", folder, name, ending);
    return out;
}

static void write_file(const char *name, const char *ending, const void *data, size_t n)
{
    FILE *f = fopen(path(name, ending), "wb");
    if (!f || fwrite(data, 1, n, f) != n || fclose(f)) exit(1);
}

static gm_model *train(const char *family, const char *options, gm_dataset *data, const char *training)
{
    gm_model *m;
    ok(gm_model_new(ctx, family, options, &m));
    ok(gm_fit(m, data, training));
    ok(gm_model_save(m, path(family, "safetensors")));
    gm_dataset_free(data);
    return m;
}

static void rows(const char *family, const char *options, gm_dataset *data, const char *training)
{
    gm_model *m = train(family, options, data, training);
    gm_tensor *x;
    ok(gm_sample(m, 8, 2, &x));
    write_file(family, "f32", gm_tensor_data(x), (size_t)gm_tensor_size(x) * 4);
    gm_tensor_free(x);
    gm_model_free(m);
}

static int to_file(const char *bytes, size_t n, void *file) { return fwrite(bytes, 1, n, file) != n; }

static void text(void)
{
    static const char line[] = "the cat sat on the mat, the dog sat on the log. ";
    int64_t n = 10 * (int64_t)strlen(line), ends[2] = { 0, n }, two = 2;
    char all[sizeof line * 10] = "";
    for (int i = 0; i < 10; i++) strcat(all, line);
    gm_tensor *bytes, *offsets;
    gm_dataset *data;
    ok(gm_tensor_wrap(ctx, GM_U8, 1, &n, NULL, all, NULL, NULL, &bytes));
    ok(gm_tensor_copy(ctx, GM_I64, 1, &two, ends, &offsets));
    ok(gm_dataset_from_ragged(ctx, bytes, offsets, NULL, &data));
    gm_tensor_free(bytes);
    gm_tensor_free(offsets);

    gm_model *m = train("gpt", "depth=1 heads=2 embd=16 block=16 seed=1", data, "steps=20 batch=4");
    gm_sampler *s;
    FILE *f = fopen(path("gpt", "txt"), "wb");
    if (!f) exit(1);
    ok(gm_sampler_new(ctx, m, "temperature=0.8 seed=7", &s));
    ok(gm_sampler_prompt(s, "the cat", 7));
    ok(gm_sampler_write(s, 40, to_file, f, NULL));
    fclose(f);
    gm_sampler_free(s);
    gm_model_free(m);
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    folder = argv[1];
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 2;
    ok(gm_ctx_new(&c, &ctx));

    gm_dataset *digits, *data;
    gm_tensor *x;
    ok(gm_dataset_open(ctx, "synth:digits,n=200,seed=1", &digits));
    ok(gm_dataset_read(digits, "x", 0, 200, &x));
    ok(gm_dataset_from_tensors(ctx, x, NULL, &data));
    rows("vae", "hidden=16 latent=3 seed=1", data, "epochs=2 batch=50 lr=0.002");
    gm_tensor_free(x);
    gm_dataset_free(digits);
    ok(gm_dataset_open(ctx, "synth:bars,n=200,seed=1", &data));
    rows("rbm", "hidden=12 seed=1", data, "epochs=2");
    ok(gm_dataset_open(ctx, "synth:ring8,n=256,seed=1", &data));
    rows("gan", "hidden=16,16 noise-dim=4 seed=1", data, "steps=20 batch=32");
    text();
    gm_ctx_free(ctx);
    return 0;
}
