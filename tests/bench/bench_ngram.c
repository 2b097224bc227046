/* bench_ngram.c - word n-grams of orders 3 and 5: from a text of a million words to an ARPA file, and the text scored, as JSON lines.
 * usage: bench_ngram [threads [part of a name]]   the work is that of one thread
 * The text, whose words are Zipf distributed and half of the time repeat what followed them before, goes to
 * $TMPDIR/gm_bench_zipf.txt, where peers/ngram.py finds it. With BENCH_CLOCK=cpu processor time is measured. */
#include "bench/bench.h"

enum { WORDS = 1000000, VOCAB = 20000, LINE = 20, ROUNDS = 3 };

static int word_at(const double *share, float u)
{
    int lo = 0, hi = VOCAB - 1;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (share[mid] < (double)u) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

static void write_text(const char *path)
{
    static double share[VOCAB];
    static int after[VOCAB];
    float *u = malloc(sizeof *u * (2 * WORDS + VOCAB));
    double sum = 0;
    int word = 0;
    FILE *f = fopen(path, "w");
    if (!f || !u) exit(1);
    NEED(gm_random_uniform(1, 0, 0, 2 * WORDS + VOCAB, u));
    for (int i = 0; i < VOCAB; i++) share[i] = sum += 1.0 / (i + 1);
    for (int i = 0; i < VOCAB; i++) share[i] /= sum;
    for (int i = 0; i < VOCAB; i++) after[i] = (int)(u[2 * WORDS + i] * (VOCAB - 1));
    for (int i = 0; i < WORDS; i++) {
        word = i && u[2 * i] < 0.5f ? after[word] : word_at(share, u[2 * i + 1]);
        fprintf(f, "w%d%c", word, i % LINE == LINE - 1 ? '\n' : ' ');
    }
    fclose(f);
    free(u);
}

static void print(const char *name, double *seconds, int threads)
{
    qsort(seconds, ROUNDS, sizeof *seconds, by_value);
    show(name, threads, "time", 1e3 * seconds[ROUNDS / 2], "ms", ROUNDS);
}

static void measure(int order, int threads, const char *text, const char *arpa, const char *part)
{
    char spec[1100], options[100];
    double train[ROUNDS], query[ROUNDS];
    char trained[64], asked[64];
    snprintf(trained, sizeof trained, "ngram_train_o%d_1Mtok", order);
    snprintf(asked, sizeof asked, "ngram_query_o%d_1Mtok", order);
    if (!strstr(trained, part) && !strstr(asked, part)) return;
    gm_ctx *ctx = bench_ctx(threads);
    snprintf(spec, sizeof spec, "lines:%s", text);
    snprintf(options, sizeof options, "order=%d tokenizer=word pattern=space", order);
    for (int i = 0; i < ROUNDS; i++) {
        gm_model *m = NULL;
        gm_dataset *d = NULL;
        gm_measure out[1];
        int32_t n = 0;
        double from = now();
        NEED(gm_dataset_open(ctx, spec, &d));
        NEED(gm_model_new(ctx, "ngram", options, &m));
        NEED(gm_fit(m, d, NULL));
        NEED(gm_ngram_write_arpa(m, arpa));
        train[i] = now() - from;
        gm_dataset_free(d);
        NEED(gm_dataset_open(ctx, spec, &d));
        NEED(gm_eval(m, d, "metric=nats_per_token", out, 1, &n)); /* makes the model's index, as the peer's build_binary does */
        gm_dataset_free(d);
        from = now();
        NEED(gm_dataset_open(ctx, spec, &d));
        NEED(gm_eval(m, d, "metric=nats_per_token", out, 1, &n));
        query[i] = now() - from;
        gm_dataset_free(d);
        gm_model_free(m);
    }
    if (strstr(trained, part)) print(trained, train, threads);
    if (strstr(asked, part)) print(asked, query, threads);
    gm_ctx_free(ctx);
}

int main(int argc, char **argv)
{
    const int threads = argc > 1 ? atoi(argv[1]) : 1;
    const char *folder = getenv("TMPDIR");
    char text[1000], arpa[1000];
    snprintf(text, sizeof text, "%s/gm_bench_zipf.txt", folder ? folder : "/tmp");
    snprintf(arpa, sizeof arpa, "%s/gm_bench_zipf.arpa", folder ? folder : "/tmp");
    write_text(text);
    for (int order = 3; order <= 5; order += 2) measure(order, threads, text, arpa, argc > 2 ? argv[2] : "");
    remove(arpa);
    return 0;
}
