/* dbn_mnist.c - deep belief networks on MNIST: what pre-training is good for, and what the stack says of its data.
 *
 *     dbn_mnist DIR [few] [tune] [features] [plane] [generate] [bound] [epochs=N] [out=DIR]
 *
 * DIR holds mnist-{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz. Without names all run; the first three share one network.
 *   few       784-1000-1000 learned from 60,000 images without labels, then tuned on 1,000 labels, against a random start
 *             (published: 93.65 and 88.71 %)
 *   tune      the same network tuned on all labels: test error (published: 1.27 %)
 *   features  its codes as input of logistic regression and of the nearest neighbour at 1,000 labels, against raw pixels
 *   plane     784-1000-500-250-2 unfolded into an autoencoder: 15-NN accuracy of the code of two numbers (PCA: 45.1 %)
 *   generate  500-500-2000 with label units, greedily, then up-down: test error of p(label | image), and whether
 *             samples look like the label that is held
 *   bound     500-2000: lower bound on log p of the test images against log p of its first machine alone
 * On two cores: the shared network 4 minutes, then few 1, tune 4, features 1; plane 4, generate 9, bound 5.
 * Prints target beside reached; exit code 1 if a target is missed. */
#include "experiments/experiment.h"
#include "experiments/neighbours.h"

static const char *how_long(int usual, const char *rest)
{
    static char text[2][256];
    static int k;
    k = !k;
    snprintf(text[k], sizeof text[k], "epochs=%d %s seed=1", epochs ? epochs : usual, rest);
    return text[k];
}

static double accuracy(gm_model *m, const char *which, const char *range)
{
    gm_dataset *test = open_labelled(which, range, 1);
    const double share = measure(m, test, "metric=accuracy");
    gm_dataset_free(test);
    return share;
}

/* ---- one network for three experiments ------------------------------------------------ */

static gm_model *stack;

static gm_model *pretrained(void)
{
    if (stack) return stack;
    gm_dataset *d = open_set("train", "");
    stack = train("stack", "dbn", "layers=1000,1000 layer-epochs=20,15 seed=1", d, "epochs=35 batch=100 lr=0.1 momentum=0.5 weight-decay=0.0002");
    gm_dataset_free(d);
    return stack;
}

/* The network grown from the stack, or with random weights of the same sizes, after training with labels. */
static gm_model *tuned(const char *name, int from_stack, const char *range, const char *net_options, const char *how)
{
    gm_dataset *d = open_labelled("train", range, 1);
    gm_model *net = NULL;
    char options[200];
    snprintf(options, sizeof options, "classes=10 seed=1 %s %s", net_options, from_stack ? "" : "shape=1,28,28 hidden=1000,1000 activation=sigmoid norm=none");
    if (from_stack) must(gm_dbn_unroll(pretrained(), options, &net), "gm_dbn_unroll");
    else must(gm_model_new(ctx, "mlp", options, &net), name);
    must(gm_fit(net, d, how), name);
    gm_dataset_free(d);
    return net;
}

static void few(void)
{
    double share[2];
    for (int i = 0; i < 2; i++) {
        gm_model *net = tuned(i ? "few" : "random", i, "[0:1000]", "", how_long(60, "batch=20 lr=1e-3 schedule=cosine"));
        share[i] = accuracy(net, "t10k", "");
        gm_model_free(net);
    }
    report("1,000 labels, pre-trained: accuracy", share[1], ">=", 0.925);
    report("1,000 labels: above a random start by", share[1] - share[0], ">=", 0.03);
}

static void tune(void)
{
    gm_model *net = tuned("tune", 1, "", "dropout=0.5", how_long(20, "batch=100 lr=1e-3 schedule=cosine"));
    report("all labels, pre-trained: test error", 1 - accuracy(net, "t10k", ""), "<=", 0.015);
    gm_model_free(net);
}

/* ---- codes as features ------------------------------------------------------------------ */

/* Images, or codes of a layer, [n, width], and their labels. */
static gm_dataset *features_of(gm_model *m, int layer, const char *which, const char *range, gm_tensor **x, gm_tensor **label)
{
    gm_dataset *d = open_labelled(which, range, 1), *out = NULL;
    gm_tensor *rows = NULL;
    must(gm_dataset_read(d, "x", 0, gm_dataset_rows(d), &rows), "images");
    must(gm_dataset_read(d, "label", 0, gm_dataset_rows(d), label), "labels");
    *x = rows;
    if (layer) {
        must(gm_encode_layer(m, rows, NULL, layer, x), "gm_encode_layer");
        gm_tensor_free(rows);
    }
    must(gm_dataset_from_tensors(ctx, *x, *label, &out), "features");
    gm_dataset_free(d);
    return out;
}

static void features(void)
{
    double share[2][2];
    for (int i = 0; i < 2; i++) { /* pixels; codes of the second layer */
        gm_tensor *x[2], *label[2];
        gm_dataset *d = features_of(pretrained(), 2 * i, "train", "[0:1000]", &x[0], &label[0]), *test = features_of(pretrained(), 2 * i, "t10k", "", &x[1], &label[1]);
        gm_model *m = train(i ? "logistic-codes" : "logistic-pixels", "mlp", "hidden=none classes=10 seed=1", d, how_long(60, "batch=50 lr=1e-3 schedule=cosine weight-decay=0.001"));
        share[0][i] = measure(m, test, "metric=accuracy");
        share[1][i] = nearest_accuracy(x[0], label[0], x[1], label[1], 3);
        printf("  %s: logistic %.4f, 3-NN %.4f\n", i ? "codes" : "pixels", share[0][i], share[1][i]);
        gm_model_free(m);
        for (int k = 0; k < 2; k++) gm_tensor_free(x[k]), gm_tensor_free(label[k]);
        gm_dataset_free(d);
        gm_dataset_free(test);
    }
    report("1,000 labels, logistic: codes above pixels by", share[0][1] - share[0][0], ">=", 0.02);
    report("1,000 labels, 3-NN: codes above pixels by", share[1][1] - share[1][0], ">=", 0.005);
}

static void plane(void)
{
    gm_dataset *images = open_set("train", "");
    gm_tensor *x[2], *z[2], *label[2];
    gm_model *ae = NULL, *m = train("plane-stack", "dbn", "layers=1000,500,250 layer-epochs=8,8,8 seed=1", images, "epochs=24 batch=100 lr=0.1 momentum=0.5 weight-decay=0.0002");
    must(gm_dbn_autoencoder(m, "latent=2 seed=1", &ae), "gm_dbn_autoencoder");
    must(gm_fit(ae, images, how_long(15, "batch=100 lr=1e-3 schedule=cosine")), "plane");
    for (int i = 0; i < 2; i++) {
        gm_dataset_free(features_of(NULL, 0, i ? "t10k" : "train", "", &x[i], &label[i]));
        must(gm_encode(ae, x[i], &z[i]), "gm_encode");
    }
    report("unfolded, code of two numbers: 15-NN accuracy", nearest_accuracy(z[0], label[0], z[1], label[1], 15), ">=", 0.70);
    for (int i = 0; i < 2; i++) gm_tensor_free(x[i]), gm_tensor_free(z[i]), gm_tensor_free(label[i]);
    gm_model_free(m);
    gm_model_free(ae);
    gm_dataset_free(images);
}

/* ---- what it says of its data ------------------------------------------------------------ */

/* Of 1,000 samples whose labels are held in turn, the share that a network takes for that digit. */
static double looks_like(gm_model *m, gm_dataset *d)
{
    enum { N = 1000, CLASSES = 10 };
    gm_tensor *x = NULL, *p = NULL;
    int right = 0;
    gm_model *judge = train("judge", "mlp", "hidden=300 classes=10 seed=1", d, "epochs=5 batch=100");
    must(gm_sample(m, N, 1, &x), "gm_sample");
    must(gm_predict(judge, x, &p), "gm_predict");
    const float *row = gm_tensor_data(p);
    for (int i = 0; i < N; i++, row += CLASSES) {
        int best = 0;
        for (int k = 1; k < CLASSES; k++) best = row[k] > row[best] ? k : best;
        right += best == i % CLASSES;
    }
    gm_tensor_free(x), gm_tensor_free(p);
    gm_model_free(judge);
    return (double)right / N;
}

/* Ten Gibbs steps in the topmost machine: with one, chains from noise end in pictures without ink, which it never hears of. */
static void generate(void)
{
    gm_dataset *d = open_labelled("train", "", 1), *test = open_labelled("t10k", "", 1);
    gm_model *m = train("generate", "dbn", "layers=500,500,2000 conditional=on layer-epochs=15,15,25 layer-k=1,1,10 layer-lr=0.4,0.4,1 layer-schedule=cosine up-down=20 seed=1", d,
                        "epochs=75 batch=100 lr=0.05 momentum=0.9 weight-decay=0.0002");
    report("500-500-2000 with labels: test error", 1 - measure(m, test, "metric=accuracy"), "<=", 0.025);
    report("samples that look like the label held", looks_like(m, d), ">=", 0.85);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

/* The first machine of a stack as an rbm of its own. */
static gm_model *first_machine(gm_model *m, const char *options)
{
    gm_model *r = NULL;
    char name[80];
    must(gm_model_new(ctx, "rbm", options, &r), "rbm");
    for (int32_t i = 0; i < gm_model_tensor_count(r); i++) {
        snprintf(name, sizeof name, "0.%s", gm_model_tensor_name(r, i));
        for (int32_t k = 0; k < gm_model_tensor_count(m); k++)
            if (!strcmp(gm_model_tensor_name(m, k), name)) must(gm_tensor_assign(gm_model_tensor(r, i), gm_model_tensor(m, k)), name);
    }
    return r;
}

static void bound(void)
{
    gm_dataset *d = open_set("train", ""), *test = open_set("t10k", "");
    gm_model *m = train("bound", "dbn", "layers=500,2000 layer-epochs=15,6 layer-lr=1,0.2 centered=on persistent=on binarize=threshold inputs=draw layer-schedule=cosine init-std=0.005 seed=1", d,
                        "epochs=21 batch=100 lr=0.05");
    gm_model *r = first_machine(m, "shape=1,28,28 hidden=500 centered=on binarize=threshold");
    const double alone = measure(r, test, "metric=ais");
    report("500-2000: bound above the first machine by", measure(m, test, "metric=ais") - alone, ">=", -0.5);
    gm_model_free(r);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(test);
}

int main(int argc, char **argv)
{
    static const experiment all[] = {{"few", few}, {"tune", tune}, {"features", features}, {"plane", plane}, {"generate", generate}, {"bound", bound}};
    const int code = run_experiments("dbn_mnist", all, sizeof all / sizeof *all, argc, argv);
    gm_model_free(stack);
    return code;
}
