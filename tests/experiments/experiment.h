/* experiment.h - what the programs that train on real data share: data, training with progress on stderr,
 * targets beside what was reached. Each is called as PROGRAM DIR [NAME ..] [epochs=N] [out=DIR] [judge=FILE]. */
#ifndef TESTS_EXPERIMENTS_EXPERIMENT_H
#define TESTS_EXPERIMENTS_EXPERIMENT_H

#include <gm/gm.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static gm_ctx *ctx;
static const char *program, *dir, *out_dir, *judge_file;
static int epochs, missed;

static inline void must(gm_status s, const char *what)
{
    if (s == GM_OK) return;
    fprintf(stderr, "%s: %s: %s\n", program, what, gm_ctx_message(ctx));
    exit(1);
}

static inline double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline double processor(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline void report(const char *what, double reached, const char *relation, double target)
{
    int pass = relation[0] == '<' ? reached <= target : reached >= target;
    printf("%-44s target %s %-9g reached %-10.5g %s\n", what, relation, target, reached, pass ? "pass" : "FAIL");
    fflush(stdout);
    missed += !pass;
}

/* MNIST's "train" or "t10k", with labels or without, or a range of it. */
static inline gm_dataset *open_labelled(const char *which, const char *range, int labels)
{
    char spec[2048];
    gm_dataset *d = NULL;
    if (labels)
        snprintf(spec, sizeof spec, "idx:%s/mnist-%s-images-idx3-ubyte.gz,%s/mnist-%s-labels-idx1-ubyte.gz%s", dir, which, dir, which, range);
    else
        snprintf(spec, sizeof spec, "idx:%s/mnist-%s-images-idx3-ubyte.gz%s", dir, which, range);
    must(gm_dataset_open(ctx, spec, &d), spec);
    return d;
}
static inline gm_dataset *open_set(const char *which, const char *range) { return open_labelled(which, range, 0); }

static inline int progress(const gm_progress *p, void *user)
{
    fprintf(stderr, "%s: epoch %llu of %llu, loss %.3f, %.0f rows/s, %.0f s\n", (const char *)user, (unsigned long long)p->epoch,
            (unsigned long long)p->epochs, p->loss, p->rows_per_second, p->seconds);
    return 0;
}

static inline void fit(gm_model *m, const char *name, gm_dataset *data, const char *how)
{
    gm_trainer *tr = NULL;
    const double start = seconds(), busy = processor();
    must(gm_trainer_new(m, data, how, &tr), name);
    must(gm_trainer_set_progress(tr, progress, (void *)(size_t)name, 10), name);
    must(gm_trainer_run(tr), name);
    printf("%s: fit %s: %.0f s, %.0f s of processor time\n", name, how, seconds() - start, processor() - busy);
    fflush(stdout);
    gm_trainer_free(tr);
}

/* With out=DIR a model is kept there, and what it draws. */
static inline void keep(gm_model *m, const char *name)
{
    char path[1024];
    if (!out_dir) return;
    snprintf(path, sizeof path, "%s/%s.safetensors", out_dir, name);
    must(gm_model_save(m, path), path);
    snprintf(path, sizeof path, "%s/%s.png", out_dir, name);
    gm_status s = gm_model_can(m) & GM_CAN_SAMPLE ? gm_sample_png(m, 100, 1, path) : GM_OK;
    if (s != GM_ESHAPE) must(s, path); /* rows that are no pictures */
}

static inline gm_model *train(const char *name, const char *family, const char *options, gm_dataset *data, const char *how)
{
    gm_model *m = NULL;
    must(gm_model_new(ctx, family, options, &m), name);
    printf("%s: %s %s\n", name, family, options);
    fit(m, name, data, how);
    keep(m, name);
    return m;
}

/* Who judges: trained, or with judge=FILE taken from where out=DIR left it. */
static inline gm_model *judge_of(const char *options, gm_dataset *data, const char *how)
{
    gm_model *m = NULL;
    if (!judge_file) return train("judge", "cnn", options, data, how);
    must(gm_model_load(ctx, judge_file, &m), judge_file);
    return m;
}

static inline double measure(gm_model *m, gm_dataset *d, const char *options)
{
    gm_measure e;
    int32_t n = 0;
    must(gm_eval(m, d, options, &e, 1, &n), "gm_eval");
    printf("  %s %.4f +- %.4f %s (%s)\n", e.name, e.value, e.error, e.unit, e.note);
    return e.value;
}

typedef struct experiment { const char *name; void (*run)(void); } experiment;

/* The whole of main: all experiments, or those named. */
static inline int run_experiments(const char *name, const experiment *all, size_t n, int argc, char **argv)
{
    int chosen = 0;
    program = name;
    if (argc < 2) {
        fprintf(stderr, "usage: %s DIR [NAME ..] [epochs=N] [out=DIR] [judge=FILE], NAME one of", program);
        for (size_t k = 0; k < n; k++) fprintf(stderr, " %s", all[k].name);
        fputc('\n', stderr);
        return 2;
    }
    dir = argv[1];
    must(gm_ctx_new(NULL, &ctx), "context");
    for (int pass = 0; pass < 2; pass++) /* settings first, then the runs */
        for (int i = 2; i < argc; i++) {
            size_t k = 0;
            if (strncmp(argv[i], "epochs=", 7) == 0) epochs = atoi(argv[i] + 7);
            else if (strncmp(argv[i], "out=", 4) == 0) out_dir = argv[i] + 4;
            else if (strncmp(argv[i], "judge=", 6) == 0) judge_file = argv[i] + 6;
            else {
                while (k < n && strcmp(all[k].name, argv[i]) != 0) k++;
                if (k == n) {
                    fprintf(stderr, "%s: no experiment '%s'\n", program, argv[i]);
                    return 2;
                }
                chosen++;
                if (pass) all[k].run();
            }
        }
    for (size_t k = 0; !chosen && k < n; k++) all[k].run();
    gm_ctx_free(ctx);
    printf("%d targets missed\n", missed);
    return missed != 0;
}

#endif
