/* cmd_use.c - what a trained model is used for: sample, eval, encode, reconstruct, score, predict. */
#include "cli.h"
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1024, MAX_ROWS = 100000000 };

/* Appends the rows of part to a growing f32 array, then frees part. */
typedef struct rows { float *p; int64_t n, width; int32_t ndim; int64_t shape[8]; } rows;

static int rows_add(rows *r, gm_tensor *part, int64_t expect)
{
    int64_t n = gm_tensor_dim(part, 0), width = gm_tensor_size(part) / (n > 0 ? n : 1);
    if (!r->p) {
        if (!(r->p = malloc((size_t)expect * (size_t)width * sizeof *r->p + 1))) return work_error("out of memory for %lld rows", (long long)expect);
        r->width = width;
        r->ndim = gm_tensor_ndim(part);
        for (int32_t i = 0; i < r->ndim; i++) r->shape[i] = gm_tensor_dim(part, i);
    }
    if (gm_tensor_read(part, r->p + r->n * r->width, (size_t)(n * width) * sizeof *r->p)) return work_error("rows of one shape and type were expected");
    r->n += n;
    return 0;
}

static int rows_out(gm_ctx *ctx, rows *r, const char *path, const char *header)
{
    gm_tensor *all = NULL;
    r->shape[0] = r->n;
    int code = app_status(ctx, gm_tensor_wrap(ctx, GM_F32, r->ndim, r->shape, NULL, r->p, NULL, NULL, &all), NULL);
    if (!code) code = output_table(ctx, path, all, header);
    gm_tensor_free(all);
    return code;
}

/* The rows along each axis of the code, an axis a line of the picture. */
static int traverse(gm_ctx *ctx, gm_model *m, gm_tensor *cond, long long steps, double span, const char *out)
{
    gm_tensor *y = NULL;
    int code = app_status(ctx, gm_traverse(m, NULL, (int32_t)steps, span, cond, &y), NULL);
    if (!code) code = output_grid(ctx, out, y, (int32_t)steps);
    gm_tensor_free(y);
    return code;
}

/* One label for all rows; nothing if it is negative. */
static int make_label(gm_ctx *ctx, long long label, gm_tensor **out)
{
    int64_t one = 1, value = label;
    return label < 0 ? 0 : app_status(ctx, gm_tensor_copy(ctx, GM_I64, 1, &one, &value, out), NULL);
}

/* The energies that the chains went through, a line a chain, and what they are worth. */
static int write_trace(args *a, gm_ctx *ctx, gm_sampler *s, const char *path)
{
    gm_tensor *trace = NULL;
    double ess, r_hat;
    int code = app_status(ctx, gm_sampler_trace(s, &trace), NULL);
    if (!code) code = output_rows(ctx, path, trace);
    if (!code && !a->quiet && !gm_effective_samples(ctx, trace, &ess, &r_hat))
        fprintf(stderr, "chains: %lld kept states are worth %.1f independent ones, R-hat %.3f\n", (long long)gm_tensor_size(trace), ess, r_hat);
    gm_tensor_free(trace);
    return code;
}

int cmd_sample(args *a)
{
    gm_ctx *ctx = NULL;
    gm_model *m = NULL;
    gm_sampler *s = NULL;
    gm_tensor *cond = NULL;
    text options = {0};
    rows r = {0};
    long long count = 64, label = -1, steps = 0;
    double span = 2.5;
    const char *out = args_text(a, "out"), *prompt = args_text(a, "prompt"), *trace = args_text(a, "trace");
    text writing = {0};
    int code = args_words(a, 1, "sample FILE [-n N] [--out FILE] [--seed S] [--label K] [--temperature T] [--traverse STEPS] [--span S] [--prompt TEXT] [--chains N] [--trace FILE]");
    if (!out) out = "-";
    if (!code) code = output_check(out, true);
    if (!code) code = args_whole(a, "count", 1, MAX_ROWS, &count);
    if (!code) code = args_whole(a, "label", 0, INT32_MAX, &label);
    if (!code) code = args_whole(a, "traverse", 2, 4096, &steps);
    if (!code) code = args_real(a, "span", 1e-6, 1e6, &span);
    if (!code && trace) code = output_check(trace, false);
    if (trace) text_option(&options, "trace", "on");
    take_options(a, "sample", &options);
    take_options(a, "write", &writing);
    if (!code) code = app_open(a, &ctx);
    if (!code) code = args_unused(a);
    if (!code) code = app_load(ctx, a->words[0], &m);
    bool writes = !code && gm_model_can(m) & GM_CAN_GENERATE;
    if (!code && !writes && (prompt || writing.p)) code = usage_error("sample: --prompt and what belongs to text: a %s does not write text", gm_model_family(m));
    if (writes && (label >= 0 || steps)) code = usage_error("sample: --label, --traverse: a %s writes text", gm_model_family(m));
    if (!code) code = make_label(ctx, label, &cond);
    if (!code && writes) {
        text_more(&options, &writing);
        code = sample_text(ctx, m, options.p, prompt, count, out);
        goto done;
    }
    if (!code && steps) code = traverse(ctx, m, cond, steps, span, out);
    else if (!code) code = app_status(ctx, gm_sampler_new(ctx, m, options.p, &s), NULL);
    for (long long done = 0; s && !code && done < count; done += CHUNK) {
        gm_tensor *part = NULL;
        code = app_status(ctx, gm_sampler_draw(s, count - done < CHUNK ? count - done : CHUNK, cond, &part), NULL);
        if (!code) code = rows_add(&r, part, count);
        gm_tensor_free(part);
    }
    if (s && !code && trace) code = write_trace(a, ctx, s, trace);
    if (s && !code) code = rows_out(ctx, &r, out, NULL);
done:
    free(r.p);
    text_free(&options);
    text_free(&writing);
    gm_tensor_free(cond);
    gm_sampler_free(s);
    gm_model_free(m);
    gm_ctx_free(ctx);
    return code;
}

/* encode, reconstruct, score and predict differ in one call */
static const struct row_verb { const char *name; uint32_t can; bool pictures; } row_verbs[] = {
    {"encode", GM_CAN_ENCODE, false}, {"reconstruct", GM_CAN_RECONSTRUCT, true}, {"score", GM_CAN_SCORE, false}, {"predict", GM_CAN_PREDICT, true},
};

/* [N, classes] probabilities with the likeliest class in front of them: [N, 1 + classes] */
static int put_labels(gm_ctx *ctx, gm_tensor **p)
{
    int64_t n = gm_tensor_dim(*p, 0), k = gm_tensor_dim(*p, 1), shape[2] = {n, k + 1};
    gm_tensor *both = NULL;
    int code = app_status(ctx, gm_tensor_new(ctx, GM_F32, 2, shape, &both), NULL);
    if (code) return code;
    const float *from = gm_tensor_data(*p);
    float *to = gm_tensor_data(both);
    for (int64_t i = 0; i < n; i++, from += k, to += k + 1) {
        int64_t best = 0;
        for (int64_t j = 0; j < k; j++) {
            if (from[j] > from[best]) best = j;
            to[1 + j] = from[j];
        }
        to[0] = (float)best;
    }
    gm_tensor_free(*p);
    *p = both;
    return 0;
}

/* Names of the columns of predictions: "label,p0,p1,..", "y" or "y0,y1,.." */
static char *predict_header(int64_t width, bool labels)
{
    size_t cap = (size_t)width * 16 + 16, n = 0;
    char *h = malloc(cap);
    for (int64_t j = 0; h && j < width; j++) {
        if (labels && j == 0) n += (size_t)snprintf(h + n, cap - n, "label");
        else if (!labels && width == 1) n += (size_t)snprintf(h + n, cap - n, "y");
        else n += (size_t)snprintf(h + n, cap - n, "%s%c%lld", j ? "," : "", labels ? 'p' : 'y', (long long)j - labels);
    }
    return h;
}

/* Rows [first, first+n) of the data through the verb; a conditional model is told their labels. */
static int verb_rows(gm_ctx *ctx, gm_model *m, const struct row_verb *v, long long layer, gm_dataset *d, uint64_t first, uint64_t n, gm_tensor **y)
{
    gm_tensor *x = NULL, *label = NULL;
    gm_status s = gm_dataset_read(d, "x", first, n, &x);
    if (!s && gm_model_can(m) & GM_CAN_CONDITION) s = gm_dataset_read(d, "label", first, n, &label);
    if (!s) s = layer ? gm_encode_layer(m, x, label, (int32_t)layer, y) : gm_model_apply(m, v->can, x, label, y);
    gm_tensor_free(x);
    gm_tensor_free(label);
    return app_status(ctx, s, v->name);
}

int cmd_rows(args *a)
{
    gm_ctx *ctx = NULL;
    gm_model *m = NULL;
    gm_dataset *d = NULL;
    rows r = {0};
    char *header = NULL;
    const struct row_verb *v = row_verbs;
    while (strcmp(v->name, a->command)) v++;
    const char *spec = args_text(a, "data"), *out = args_text(a, "out");
    long long layer = 0; /* encode: the topmost */
    int code = args_words(a, 1, "encode|reconstruct|score|predict FILE --data SPEC --out FILE [--layer N, of encode]");
    if (!code && !spec) code = usage_error("%s: --data SPEC is needed", a->command);
    if (!code && !out) code = usage_error("%s: --out FILE is needed", a->command);
    if (!code) code = output_check(out, v->pictures);
    if (!code && v->can == GM_CAN_ENCODE) code = args_whole(a, "layer", 1, 1000, &layer);
    if (!code) code = app_open(a, &ctx);
    if (!code) code = args_unused(a);
    if (!code) code = app_load(ctx, a->words[0], &m);
    const uint32_t can = code ? 0 : gm_model_can(m);
    const bool enlarges = can & GM_CAN_RECONSTRUCT && !(can & GM_CAN_SAMPLE); /* what it predicts are pictures; of machines that draw rows, labels or entries */
    if (!code && v->can == GM_CAN_PREDICT && !enlarges) code = output_check(out, false);
    if (!code) code = app_data(ctx, spec, &d);
    uint64_t n = code ? 0 : gm_dataset_rows(d);
    if (!code && !n) code = work_error("%s: %s: no rows", a->command, spec);
    const bool labels = !code && v->can == GM_CAN_PREDICT && gm_model_can(m) & GM_CAN_LOG_PROB; /* a classifier knows P(label | row) */
    for (uint64_t done = 0; !code && done < n; done += CHUNK) {
        gm_tensor *y = NULL;
        code = verb_rows(ctx, m, v, layer, d, done, n - done < CHUNK ? n - done : CHUNK, &y);
        if (!code && labels) code = put_labels(ctx, &y);
        if (!code) code = rows_add(&r, y, (int64_t)n);
        gm_tensor_free(y);
    }
    if (!code && v->can == GM_CAN_PREDICT && !enlarges && !(header = predict_header(r.width, labels))) code = work_error("out of memory");
    if (!code) code = rows_out(ctx, &r, out, header);
    free(header);
    free(r.p);
    gm_dataset_free(d);
    gm_model_free(m);
    gm_ctx_free(ctx);
    return code;
}

static int check_metrics(const char *list)
{
    static const char *const known[] = {"elbo", "nll", "log_prob", "exact_log_prob", "ais", "reverse_ais", "pseudo_log_prob", "recon",
        "free_energy", "accuracy", "frechet", "mmd", "precision", "recall", "density", "coverage", "modes", "high_quality", "c2st", "sliced_w",
        "nearest", "perplexity", "nats_per_token", "bits_per_char", "cross_entropy", "rmse", "psnr", "ssim", "psnr_bicubic", "ssim_bicubic", "sharpness", "auroc", "bic", "aic", "kl", "squared_error", NULL};
    while (*list) {
        size_t n = strcspn(list, ",");
        bool found = false;
        for (int i = 0; known[i] && !found; i++) found = strlen(known[i]) == n && !strncmp(known[i], list, n);
        if (!found) return usage_error("eval: --metric: no metric '%.*s'", (int)n, list);
        list += n + (list[n] == ',');
    }
    return 0;
}

/* --metric may be given several times */
static int take_metrics(args *a, text *options)
{
    char list[512] = "";
    for (int i = 0; i < a->n_flags; i++) {
        if (!same_key(a->flags[i].name, "metric")) continue;
        a->flags[i].used = true;
        int code = check_metrics(a->flags[i].value);
        if (code) return code;
        if (strlen(list) + strlen(a->flags[i].value) + 2 > sizeof list) return usage_error("eval: --metric: the list is too long");
        if (*list) strcat(list, ",");
        strcat(list, a->flags[i].value);
    }
    if (*list) text_option(options, "metric", list);
    return 0;
}

int cmd_eval(args *a)
{
    gm_ctx *ctx = NULL;
    gm_model *m = NULL;
    gm_dataset *d = NULL;
    text options = {0};
    gm_measure measure[64];
    int32_t n = 0;
    const char *spec = args_text(a, "data");
    int code = args_words(a, 1, "eval FILE --data SPEC [--metric NAME ..] [--k N] [--seed S] [--batch B] [--n N] [--features raw|classifier] [--json]");
    if (!code && !spec) code = usage_error("eval: --data SPEC is needed");
    if (!code) code = take_metrics(a, &options);
    if (!code) code = app_open(a, &ctx); /* takes --threads */
    if (!code) take_options(a, "eval", &options);
    if (!code) code = args_unused(a);
    if (!code) code = app_load(ctx, a->words[0], &m);
    if (!code) code = app_data(ctx, spec, &d);
    if (!code) {
        gm_status s = gm_eval(m, d, options.p, measure, 64, &n);
        code = app_status(ctx, s, NULL);
    }
    for (int32_t i = 0; !code && i < n; i++) {
        if (a->json) {
            printf("{\"name\":\"%s\",\"value\":", measure[i].name);
            json_number(stdout, measure[i].value);
            printf(",\"error\":");
            json_number(stdout, measure[i].error);
            printf(",\"unit\":\"%s\",\"rows\":%llu,\"note\":", measure[i].unit, (unsigned long long)measure[i].rows);
            json_string(stdout, measure[i].note);
            puts("}");
        } else {
            printf("%s %.6f %s ", measure[i].name, measure[i].value, measure[i].unit);
            if (measure[i].error > 0) printf(measure[i].error < 0.001 ? " s.e.=%.2e" : " s.e.=%.4f", measure[i].error);
            if (*measure[i].note) printf(" %s", measure[i].note);
            putchar('\n');
        }
    }
    text_free(&options);
    gm_dataset_free(d);
    gm_model_free(m);
    gm_ctx_free(ctx);
    return code;
}
