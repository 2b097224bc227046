/* boltzmann_mnist.c - Boltzmann machines on MNIST cut at 0.5, against PyDeep's published figures.
 *
 *     boltzmann_mnist DIR [small] [large] [cd] [dbm] [epochs=N] [out=DIR]
 *
 * DIR holds mnist-{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz. Without names all run:
 *   small   784-16, PCD-1, centred, 50 epochs: log p of the test images, Z enumerated (PyDeep: -142.56), and by both ways of AIS;
 *           the same on pictures turned white for black: no worse; four seeds each
 *   large   784-500, PCD-1, centred: log p by AIS and by reverse AIS (PyDeep after 200 epochs: -84.86 and -96.61)
 *   cd      784-500, CD-1, CD-3, CD-25, 10 epochs each: the more steps, the better log p
 *   dbm     deep Boltzmann machine 784-500-1000, centred: lower bound on log p by AIS (Salakhutdinov & Hinton 2009: -84.62)
 * Prints target beside reached; exit code 1 if a target is missed. */
#include "experiments/experiment.h"

/* White for black: the same pictures as their negatives. */
static gm_dataset *inverted(gm_dataset *d)
{
    gm_tensor *x = NULL;
    gm_dataset *out = NULL;
    must(gm_dataset_read(d, "x", 0, gm_dataset_rows(d), &x), "images");
    float *v = gm_tensor_data(x);
    for (int64_t i = 0; i < gm_tensor_size(x); i++) v[i] = v[i] > 0.5f ? 0 : 1;
    must(gm_dataset_from_tensors(ctx, x, NULL, &out), "inverted");
    gm_tensor_free(x);
    return out;
}

static const char *how_long(int usual, const char *rest)
{
    static char text[256];
    snprintf(text, sizeof text, "epochs=%d batch=100 %s seed=1", epochs ? epochs : usual, rest);
    return text;
}

/* Exact log p of the test images, Z enumerated; with check, how far both ways of AIS are from it. */
static double small_machine(gm_dataset *d, gm_dataset *test, const char *name, int seed, int check)
{
    char options[160], how[80];
    snprintf(options, sizeof options, "hidden=16 persistent=on centered=on binarize=threshold init-std=0.1 seed=%d", seed);
    snprintf(how, sizeof how, "epochs=%d batch=100 lr=0.05 schedule=cosine seed=%d", epochs ? epochs : 50, seed);
    gm_model *m = train(name, "rbm", options, d, how);
    const double exact = measure(m, test, "metric=exact_log_prob");
    if (check) {
        report("784-16: AIS off by", fabs(measure(m, test, "metric=ais") - exact), "<=", 1);
        report("784-16: reverse AIS off by", fabs(measure(m, test, "metric=reverse_ais") - exact), "<=", 1);
    }
    gm_model_free(m);
    return exact;
}

static void small(void)
{
    enum { SEEDS = 4 };
    gm_dataset *d[2] = {open_set("train", ""), NULL}, *test[2] = {open_set("t10k", ""), NULL};
    double mean[2] = {0}, square[2] = {0};
    d[1] = inverted(d[0]);
    test[1] = inverted(test[0]);
    for (int i = 0; i < 2; i++)
        for (int seed = 1; seed <= SEEDS; seed++) {
            const double v = small_machine(d[i], test[i], i ? "small-inverted" : "small", seed, !i && seed == 1);
            mean[i] += v / SEEDS;
            square[i] += v * v / SEEDS;
        }
    const double error = sqrt((fmax(0, square[0] - mean[0] * mean[0]) + fmax(0, square[1] - mean[1] * mean[1])) / (SEEDS - 1));
    printf("  784-16, %d seeds: %.3f, inverted %.3f; standard error of the difference %.3f\n", SEEDS, mean[0], mean[1], error);
    report("784-16: exact log p", mean[0], ">=", -143.5);
    report("784-16: inverted images less by, in standard errors", (mean[0] - mean[1]) / error, "<=", 2);
    for (int i = 0; i < 2; i++) {
        gm_dataset_free(d[i]);
        gm_dataset_free(test[i]);
    }
}

static void large(void)
{
    gm_dataset *d = open_set("train", ""), *test = open_set("t10k", "");
    gm_model *m = train("large", "rbm", "hidden=500 persistent=on centered=on binarize=threshold seed=1", d, how_long(40, "lr=0.05 schedule=cosine"));
    report("784-500: log p by AIS", measure(m, test, "metric=ais"), ">=", -95);
    report("784-500: log p by reverse AIS", measure(m, test, "metric=reverse_ais"), ">=", -100);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

static void cd(void)
{
    static const int steps[] = {1, 3, 25};
    gm_dataset *d = open_set("train", ""), *test = open_set("t10k", "");
    double before = 0;
    for (int i = 0; i < 3; i++) {
        char options[128], name[16];
        snprintf(options, sizeof options, "hidden=500 k=%d binarize=threshold seed=1", steps[i]);
        snprintf(name, sizeof name, "cd%d", steps[i]);
        gm_model *m = train(name, "rbm", options, d, how_long(10, "lr=0.05"));
        double lp = measure(m, test, "metric=ais");
        if (i) report(i == 1 ? "CD-3 better than CD-1 by" : "CD-25 better than CD-3 by", lp - before, ">=", 0);
        before = lp;
        gm_model_free(m);
    }
    gm_dataset_free(d);
    gm_dataset_free(test);
}

static void dbm(void)
{
    gm_dataset *d = open_set("train", ""), *test = open_set("t10k", "");
    gm_model *m = train("dbm", "dbm", "layers=500,1000 binarize=threshold seed=1", d, how_long(50, "lr=0.1 schedule=cosine"));
    report("784-500-1000: lower bound by AIS", measure(m, test, "metric=ais"), ">=", -95);
    report("784-500-1000: lower bound by reverse AIS", measure(m, test, "metric=reverse_ais"), ">=", -100);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

int main(int argc, char **argv)
{
    static const experiment all[] = {{"small", small}, {"large", large}, {"cd", cd}, {"dbm", dbm}};
    return run_experiments("boltzmann_mnist", all, sizeof all / sizeof *all, argc, argv);
}
