/* small.h - a small model of every family that learns step by step, and a folder with data for them. */
#ifndef SMALL_H
#define SMALL_H

#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The data lie in the folder: open them from there. */
static const struct { const char *family, *data, *options; } models[] = {
    {"vae", "npz:pictures.npz,x=x,label=label", "hidden=6 latent=2 binarize=dynamic"},
    {"vae", "npz:pictures.npz,x=x,label=label", "encoder='linear 6 spectral, bnorm, relu, dropout 0.2' decoder='linear 8, relu' latent=2 conditional=on"},
    {"ae", "npz:pictures.npz,x=x,label=label", "hidden=6 latent=2 sparsity=0.1"},
    {"mlp", "npz:pictures.npz,x=x,label=label", "hidden=6 norm=batch dropout=0.2"},
    {"cnn", "npz:pictures.npz,x=x,label=label", "channels=2,3 hidden=4"},
    {"bm", "npz:vectors.npz,x=x,label=label", "hidden=3 gradient=chains chains=4 k=1 burn-in=2"},
    {"rbm", "npz:vectors.npz,x=x,label=label", "hidden=4 persistent=on k=2"},
    {"dbn", "npz:vectors.npz,x=x,label=label", "layers=4,3"},
    {"dbm", "npz:vectors.npz,x=x,label=label", "layers=4,3"},
    {"gan", "npz:vectors.npz,x=x,label=label", "hidden=4 noise-dim=2 loss=wasserstein penalty=gp d-steps=2"},
    {"gan", "npz:vectors.npz,x=x,label=label", "hidden=4 noise-dim=2 conditional=projection spectral=on"},
    {"lapgan", "npz:pictures.npz,x=x,label=label", "levels=1 width=2 noise-dim=2"},
    {"srgan", "npz:pictures.npz,x=x,label=label", "width=2 blocks=1"},
    {"rnn", "text:text", "cell=lstm hidden=4 block=4 dropout=0.1"},
    {"transformer", "lines:lines", "depth=1 heads=2 embd=4 block=8 dropout=0.1"},
    {"gpt", "text:text", "depth=1 heads=2 embd=4 block=4 dropout=0.1"},
};
enum { MODELS = sizeof models / sizeof *models };

static char folder[64];

static int put_text(const char *name, const char *line, int lines)
{
    FILE *f = fopen(name, "w");
    if (!f) return 1;
    for (int i = 0; i < lines; i++) fputs(line, f);
    return fclose(f);
}

static gm_status put_rows(gm_ctx *ctx, const char *path, int32_t ndim, const int64_t *shape)
{
    gm_tensor *t[2] = {NULL, NULL};
    gm_status s = gm_tensor_new(ctx, GM_F32, ndim, shape, &t[0]);
    if (!s) s = gm_tensor_new(ctx, GM_I64, 1, shape, &t[1]);
    for (int64_t i = 0; !s && i < gm_tensor_size(t[0]); i++) ((float *)gm_tensor_data(t[0]))[i] = (float)(i * 37 % 101 > 60);
    for (int64_t i = 0; !s && i < shape[0]; i++) ((int64_t *)gm_tensor_data(t[1]))[i] = i % 3;
    if (!s) s = gm_npz_write(ctx, path, 2, (const char *const[]){"x", "label"}, t, 0);
    gm_tensor_free(t[0]), gm_tensor_free(t[1]);
    return s;
}

/* Makes the folder and the data in it; the caller stays where it is. */
static int small_begin(void)
{
    gm_ctx *ctx = NULL;
    char here[300];
    snprintf(folder, sizeof folder, "%s/gm_small_XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(folder) || !getcwd(here, sizeof here) || chdir(folder)) return 1;
    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = put_rows(ctx, "pictures.npz", 4, (int64_t[]){24, 1, 8, 8});
    if (!s) s = put_rows(ctx, "vectors.npz", 2, (int64_t[]){24, 6});
    gm_ctx_free(ctx);
    return s || put_text("text", "the cat sat on the mat\n", 9) || put_text("lines", "abc\tcba\n", 24) || chdir(here);
}

static int small_end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

#endif
