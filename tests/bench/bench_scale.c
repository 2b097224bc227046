/* bench_scale.c - how time and memory grow with width, batch, data and length; a data set larger than the memory that is allowed; memory
 * for time by gm_checkpoint. JSON lines.
 * usage: bench_scale [threads [part of a name]]   default: 1 and 2 threads
 * "growth": time over that of x1, divided by the growth of the arithmetic: 1 is linear. With BENCH_CLOCK=cpu, for one thread on a
 * busy machine, processor time is measured. */
#include "bench/bench.h"

enum { TIMES = 4 }; /* x1, x2, x4, x8 */

typedef struct grown { const char *name; int threads; double first, work; } grown;

static void show_grown(grown *g, int x, double seconds, double work, double bytes, int n)
{
    char name[60];
    snprintf(name, sizeof name, "%s_x%d", g->name, x);
    if (x == 1) g->first = seconds, g->work = work;
    show(name, g->threads, "time", seconds * 1e3, "ms", n);
    show(name, g->threads, "memory", bytes / 1048576, "MiB", 1);
    show(name, g->threads, "growth", seconds / g->first / (work / g->work), "of linear", n);
}

static double peak(gm_ctx *ctx)
{
    gm_memory m = {.struct_size = sizeof m};
    NEED(gm_ctx_memory(ctx, &m));
    return (double)m.peak_bytes;
}

/* Steps of a model of this family, `inner` of them at a time. */
static void steps_of(grown *g, int x, const char *family, const char *options, const char *how, int rows, int inner, double work)
{
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    int n;
    gm_ctx *ctx = bench_ctx(g->threads);
    gm_dataset *d = rows ? random_rows(ctx, 4, (const int64_t[]){rows, 1, 28, 28}, 0) : random_text(ctx, 100000, 65);
    NEED(gm_model_new(ctx, family, options, &m));
    NEED(gm_trainer_new(m, d, how, &tr));
    steps s = {.ctx = ctx, .tr = tr, .step = gm_trainer_step, .inner = inner};
    const double t = median_time(take_steps, &s, 0.5, &n);
    show_grown(g, x, t, work, peak(ctx), n);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
}

static void widths(int threads)
{
    grown g = {.name = "scale_vae_width", .threads = threads};
    for (int i = 0, x = 1; i < TIMES; i++, x *= 2) {
        char options[60];
        snprintf(options, sizeof options, "hidden=%d latent=20", 200 * x);
        steps_of(&g, x, "vae", options, "steps=1000000 batch=128 prefetch=off", 1024, 1, x);
    }
}

static void batches(int threads)
{
    grown g = {.name = "scale_vae_batch", .threads = threads};
    for (int i = 0, x = 1; i < TIMES; i++, x *= 2) {
        char how[60];
        snprintf(how, sizeof how, "steps=1000000 batch=%d prefetch=off", 64 * x);
        steps_of(&g, x, "vae", "hidden=400 latent=20", how, 1024, 1, x);
    }
}

/* An epoch. */
static void data(int threads)
{
    grown g = {.name = "scale_vae_data", .threads = threads};
    for (int i = 0, x = 1; i < TIMES; i++, x *= 2)
        steps_of(&g, x, "vae", "hidden=100 latent=20", "steps=1000000 batch=128 prefetch=off", 1024 * x, 8 * x, x);
}

/* The products of a block by length, and those of attention by its square. */
static void lengths(int threads)
{
    grown g = {.name = "scale_gpt_length", .threads = threads};
    for (int i = 0, x = 1; i < TIMES; i++, x *= 2) {
        char options[100];
        const double width = 128, length = 64 * x;
        snprintf(options, sizeof options, "depth=2 heads=4 embd=128 block=%d bias=off unk=off", 64 * x);
        steps_of(&g, x, "gpt", options, "steps=1000000 batch=4 prefetch=off", 0, 1, length * (12 * width * width + length * width));
    }
}

/* ---- data that does not fit ------------------------------------------------------------- */

enum { STREAM_ROWS = 1 << 15, STREAM_WIDTH = 3072, STREAM_LIMIT = 24 }; /* a file of 96 MiB, 24 MiB allowed */

typedef struct stream { gm_batches *b; } stream;

static void epoch(void *arg)
{
    const stream *s = arg;
    gm_tensor *x;
    gm_status e;
    while (!(e = gm_batches_next(s->b, &x))) {}
    if (e != GM_END) NEED(e);
}

static void streaming(int threads)
{
    const char *folder = getenv("TMPDIR"), dict[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (32768, 3072), }";
    char path[900], spec[1000], head[10] = {(char)0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)(sizeof dict - 1), 0};
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    stream s;
    int n;
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = threads, c.max_bytes = (uint64_t)STREAM_LIMIT << 20;
    NEED(gm_ctx_new(&c, &ctx));
    snprintf(path, sizeof path, "%s/gm_bench_%d.npy", folder ? folder : "/tmp", (int)getpid());
    snprintf(spec, sizeof spec, "npy:%s", path);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(head, 1, sizeof head, f) != sizeof head) exit(1);
    fputs(dict, f);
    for (int i = 0; i < STREAM_ROWS; i++) {
        unsigned char row[STREAM_WIDTH];
        for (int j = 0; j < STREAM_WIDTH; j++) row[j] = (unsigned char)(i * 31 + j * 7);
        if (fwrite(row, 1, sizeof row, f) != sizeof row) exit(1);
    }
    fclose(f);
    NEED(gm_dataset_open(ctx, spec, &d));
    NEED(gm_batches_new(d, "batch=128 shuffle=on seed=1", &s.b));
    const double t = median_time(epoch, &s, 0.5, &n);
    show("scale_stream_96MiB", threads, "time", t * 1e3, "ms", n);
    show("scale_stream_96MiB", threads, "bandwidth", STREAM_ROWS / 1e9 * STREAM_WIDTH / t, "GB/s", n);
    show("scale_stream_96MiB", threads, "memory", peak(ctx) / 1048576, "MiB", 1);
    gm_batches_free(s.b);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    remove(path);
}

/* ---- memory for time ------------------------------------------------------------------------ */

enum { LAYERS = 64, SEGMENT = 8, WIDE = 256, LAYER_ROWS = 512 };
typedef struct deep { gm_tape *t; gm_tensor *x, *w[LAYERS]; int segments; } deep;

static gm_status segment(gm_tape *t, gm_tensor *const *in, int32_t n, gm_tensor **out, int32_t n_out, void *user)
{
    gm_tensor *const *w = user;
    (void)n, (void)n_out;
    out[0] = in[0];
    for (int i = 0; i < SEGMENT; i++) out[0] = gm_tanh(t, gm_linear(t, out[0], w[i], NULL));
    return gm_tape_status(t);
}

static void descend(void *arg)
{
    deep *p = arg;
    gm_tensor *y = p->x, *g[LAYERS];
    gm_tape_reset(p->t);
    for (int i = 0; i < LAYERS; i += SEGMENT) {
        gm_tensor *in = y;
        if (p->segments) NEED(gm_checkpoint(p->t, segment, &p->w[i], &in, 1, &y, 1));
        else NEED(segment(p->t, &in, 1, &y, 1, &p->w[i]));
    }
    NEED(gm_tape_grad(p->t, gm_sum(p->t, y, GM_ALL_AXES, 0), p->w, LAYERS, 0, g));
}

static void checkpoints(int threads)
{
    for (int segments = 0; segments < 2; segments++) {
        deep p = {.segments = segments};
        const char *name = segments ? "scale_checkpoint_on" : "scale_checkpoint_off";
        float *u = malloc(sizeof *u * LAYER_ROWS * WIDE);
        int n;
        gm_ctx *ctx = bench_ctx(threads);
        if (!u) exit(1);
        NEED(gm_tape_new(ctx, 0, &p.t));
        NEED(gm_random_normal(1, 0, 0, LAYER_ROWS * WIDE, u));
        NEED(gm_tensor_copy(ctx, GM_F32, 2, (const int64_t[]){LAYER_ROWS, WIDE}, u, &p.x));
        for (int i = 0; i < LAYERS; i++) {
            NEED(gm_random_normal(1, (uint64_t)i + 1, 0, WIDE * WIDE, u));
            for (int k = 0; k < WIDE * WIDE; k++) u[k] /= 16;
            NEED(gm_tensor_copy(ctx, GM_F32, 2, (const int64_t[]){WIDE, WIDE}, u, &p.w[i]));
            NEED(gm_tensor_set_grad(p.w[i], 1));
        }
        const double t = median_time(descend, &p, 0.5, &n);
        show(name, threads, "time", t * 1e3, "ms", n);
        show(name, threads, "tape", (double)gm_tape_bytes(p.t) / 1048576, "MiB", 1);
        for (int i = 0; i < LAYERS; i++) gm_tensor_free(p.w[i]);
        gm_tensor_free(p.x);
        gm_tape_free(p.t);
        gm_ctx_free(ctx);
        free(u);
    }
}

static void run(int threads, const char *part)
{
    static const struct { const char *name; void (*fn)(int threads); } all[] = {
        {"scale_vae_width", widths}, {"scale_vae_batch", batches}, {"scale_vae_data", data}, {"scale_gpt_length", lengths},
        {"scale_stream", streaming}, {"scale_checkpoint", checkpoints},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strstr(all[i].name, part)) all[i].fn(threads);
}

int main(int argc, char **argv)
{
    for_threads(argc, argv, run);
    return 0;
}
