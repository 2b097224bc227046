/* A GAN learns a ring of eight narrow Gaussians. The picture shows its samples over training: noise spreads,
 * finds the ring, and gathers in all eight modes. */
#include <gm/gm.h>
#include <math.h>
#include <stdio.h>

enum { SHOTS = 8, SIDE = 96, STEPS = 5000, N = 2500 };

typedef struct { gm_model *gan; gm_sampler *draws; float picture[SHOTS * SIDE * SIDE]; int taken; } film;

/* One picture: how many of 2,500 samples fall in each square of [-1.5,1.5]^2. */
static gm_status shoot(film *f) {
    gm_tensor *x = NULL;
    float *p = f->picture + f->taken++ * SIDE * SIDE;
    gm_status s = gm_sampler_draw(f->draws, N, NULL, &x);
    for (int i = 0; !s && i < N; i++) {
        const float *row = (const float *)gm_tensor_data(x) + 2 * i;
        int col = (int)((row[0] + 1.5f) / 3 * SIDE), line = (int)((1.5f - row[1]) / 3 * SIDE);
        if (col >= 0 && col < SIDE && line >= 0 && line < SIDE) p[line * SIDE + col] = fminf(1, p[line * SIDE + col] + 0.34f);
    }
    gm_tensor_free(x);
    return s;
}

/* Pictures at steps 0, 1/28, 3/28, 6/28 .. of training: close together at first. Draws see the averaged weights. */
static int progress(const gm_progress *p, void *user) {
    film *f = user;
    return f->taken < SHOTS && p->step >= (uint64_t)(STEPS * f->taken * (f->taken + 1) / (SHOTS * (SHOTS - 1))) && shoot(f);
}

int main(void) {
    static film f;
    gm_ctx *ctx = NULL; gm_dataset *ring = NULL; gm_trainer *tr = NULL; gm_tensor *x = NULL, *picture = NULL, *centres = NULL;
    float c[16];
    double value[3] = {0};
    int64_t shape[4] = {SHOTS, 1, SIDE, SIDE}, modes[2] = {8, 2};
    for (int k = 0; k < 8; k++) c[2 * k] = (float)cos(k * acos(-1) / 4), c[2 * k + 1] = (float)sin(k * acos(-1) / 4);

    gm_status s = gm_ctx_new(NULL, &ctx);
    if (!s) s = gm_dataset_open(ctx, "synth:ring8,n=100000", &ring);
    if (!s) s = gm_model_new(ctx, "gan", "seed=1", &f.gan);
    if (!s) s = gm_trainer_new(f.gan, ring, "steps=5000", &tr);
    if (!s) s = gm_sampler_new(ctx, f.gan, "seed=1", &f.draws);
    if (!s) s = gm_trainer_set_progress(tr, progress, &f, 0);
    if (!s) s = gm_trainer_run(tr);
    if (!s && f.taken < SHOTS) s = shoot(&f);
    if (!s) s = gm_tensor_copy(ctx, GM_F32, 4, shape, f.picture, &picture);
    if (!s) s = gm_png_write(picture, SHOTS, "gan_ring.png");
    if (!s) s = gm_tensor_copy(ctx, GM_F32, 2, modes, c, &centres);
    if (!s) s = gm_sample(f.gan, N, 2, &x);
    if (!s) s = gm_modes(ctx, x, centres, 0.01, value);
    if (s) fprintf(stderr, "%s\n", gm_ctx_message(ctx));
    else printf("%g of 8 modes, %.3f of the samples within 3 sigma of one: gan_ring.png\n", value[0], value[1]);
    gm_tensor_free(x); gm_tensor_free(picture); gm_tensor_free(centres); gm_sampler_free(f.draws);
    gm_trainer_free(tr); gm_model_free(f.gan); gm_dataset_free(ring); gm_ctx_free(ctx);
    return s != GM_OK || value[0] < 8 || value[1] < 0.7;
}
