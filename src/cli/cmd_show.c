/* cmd_show.c - models, help, info, data. */
#include "cli.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

int cmd_models(args *a)
{
    int code = args_words(a, 0, "models");
    if (!code) code = args_unused(a);
    for (int32_t i = 0; !code && gm_family_name(i); i++) {
        const char *name = gm_family_name(i);
        if (a->json) {
            printf("{\"name\":\"%s\",\"title\":", name);
            json_string(stdout, gm_family_title(name));
            puts("}");
        } else {
            printf("%-12s %s\n", name, gm_family_title(name));
        }
    }
    return code;
}

/* The value of an option in a text "key=value key=value", which the caller copies; NULL if it is not there. */
static const char *value_in(const char *pairs, const char *key, int *n)
{
    for (const size_t len = strlen(key); pairs && *pairs; pairs += strcspn(pairs, " "), pairs += *pairs == ' ')
        if (!strncmp(pairs, key, len) && pairs[len] == '=') return *n = (int)strcspn(pairs + len + 1, " "), pairs + len + 1;
    return NULL;
}

/* changed: options with another default than their rows say; NULL without */
static void show_options(const char *owner, const char *changed)
{
    gm_option o = {.struct_size = sizeof o};
    for (int32_t i = 0; gm_option_at(owner, i, &o) == GM_OK; i++) {
        char type[96];
        bool whole = !strncmp(o.type, "integer", 7), number = whole || !strcmp(o.type, "number");
        if (!number || o.lo == o.hi) snprintf(type, sizeof type, "%s", o.type);
        else if (whole && o.hi < 1e9) snprintf(type, sizeof type, "%s %.0f..%.0f", o.type, o.lo, o.hi);
        else snprintf(type, sizeof type, "%s %.6g..%.3g", o.type, o.lo, o.hi);
        int n = (int)strlen(o.default_text);
        const char *usual = value_in(changed, o.name, &n);
        if (!usual) usual = n ? o.default_text : (n = 1, "-");
        printf("  --%-17s %-26s %-10.*s %s\n", o.name, type, n, usual, o.help);
    }
}

static void usage(void)
{
    puts("gm - train and sample generative models (libgm)\n\n"
         "gm models                              the families\n"
         "gm help FAMILY                         the options of a family and of training\n"
         "gm help layers                         the layers of a network text and their settings\n"
         "gm train FAMILY --data SPEC [--OPTION VALUE ..] --out FILE\n"
         "gm sample FILE [-n N] [--out PNG|NPY|CSV|TXT|-] [--seed S] [--label K] [--temperature T] [--traverse STEPS] [--chains N]\n"
         "gm eval FILE --data SPEC [--metric NAME ..] [--k N] [--seed S] [--batch B] [--n N] [--features raw|classifier] [--json]\n"
         "gm encode|reconstruct|score|predict FILE --data SPEC --out FILE\n"
         "gm complete FILE --data SPEC [--known 'rows A:B'|'columns A:B'|'units A:B'|SPEC] --out FILE [--steps N] [--label K]\n"
         "gm info FILE                           kind, options, networks, parameters\n"
         "gm data SPEC [--out PNG|NPZ|CSV|NPY]   what a data set is\n\n"
         "SPEC: idx:IMAGES[,LABELS]  cifar:FILE  csv:FILE[,label=COL,y=COL]  tsv:FILE  npy:FILE  npz:FILE,x=KEY[,label=KEY]\n"
         "      png:DIR  text:FILE  lines:FILE  ratings:FILE  synth:NAME[,n=..,seed=..]\n"
         "      .gz anywhere; a range [first:end] or [first:end:stride] may come last\n"
         "--map on: FILE is mapped into memory, not read; it must not be written in place meanwhile");
    printf("\nversion %s\n", gm_version_string());
}

static void show_layers(void)
{
    gm_layer l = {.struct_size = sizeof l};
    puts("layers of a network text (--net, --encoder, --decoder ..), separated by commas; in brackets: may be left out\n");
    for (int32_t i = 0; gm_layer_at(i, &l) == GM_OK; i++) {
        printf("%s\n    %s\n", l.usage, l.help);
        for (const char *p = l.settings; *p;) {
            int n = (int)strcspn(p, "\n");
            printf("    %.*s\n", n, p);
            p += n + (p[n] == '\n');
        }
    }
}

int cmd_help(args *a)
{
    int code = args_unused(a);
    if (code) return code;
    if (!a->n_words) return usage(), 0;
    if ((code = args_words(a, 1, "help [FAMILY|layers]"))) return code;
    if (!strcmp(a->words[0], "layers")) return show_layers(), 0;
    const char *title = gm_family_title(a->words[0]);
    if (!title) return usage_error("help: no family '%s' (see: gm models)", a->words[0]);
    printf("%s: %s\n\nmodel options: name, type, default, meaning\n", a->words[0], title);
    show_options(a->words[0], NULL);
    const char *own = gm_family_training(a->words[0]);
    if (*own) printf("\ntraining options (of %s: %s)\n", a->words[0], own);
    else puts("\ntraining options");
    show_options("train", own);
    puts("\nalso: --data SPEC --valid SPEC --out FILE --resume FILE --from FILE (first weights: a model of the family, or an rbm, dbn or dbm for mlp and ae) --threads N --precision highest|high|medium --quiet --json");
    return 0;
}

int cmd_info(args *a)
{
    gm_ctx *ctx = NULL;
    gm_model *m = NULL;
    int code = args_words(a, 1, "info FILE");
    if (!code) code = app_open(a, &ctx);
    if (!code) code = args_unused(a);
    if (!code) code = app_load(ctx, a->words[0], &m);
    if (!code && a->json) {
        printf("{\"family\":\"%s\",\"parameters\":%lld,\"config\":%s}\n", gm_model_family(m), (long long)gm_model_parameters(m), gm_model_config(m));
    } else if (!code) {
        size_t n = gm_model_print(m, NULL, 0);
        char *p = malloc(n + 1);
        if (p) gm_model_print(m, p, n + 1), fputs(p, stdout);
        else code = work_error("out of memory");
        free(p);
    }
    gm_model_free(m);
    gm_ctx_free(ctx);
    return code;
}

/* smallest, largest and mean value of a column, and how many numbers are missing (NaN) */
static int column_range(gm_ctx *ctx, gm_dataset *d, const char *name, double *lo, double *hi, double *mean, uint64_t *missing)
{
    enum { CHUNK = 4096 };
    uint64_t n = gm_dataset_rows(d), count = 0;
    double sum = 0;
    *lo = INFINITY, *hi = -INFINITY, *missing = 0;
    for (uint64_t i = 0; i < n; i += CHUNK) {
        gm_tensor *t = NULL;
        int code = app_status(ctx, gm_dataset_read(d, name, i, n - i < CHUNK ? n - i : CHUNK, &t), "data");
        if (code) return code;
        int64_t size = gm_tensor_size(t);
        int32_t type = gm_tensor_dtype(t);
        const void *p = gm_tensor_data(t);
        for (int64_t k = 0; k < size; k++) {
            double v = type == GM_F32 ? (double)((const float *)p)[k] : type == GM_F64 ? ((const double *)p)[k]
                     : type == GM_I64 ? (double)((const int64_t *)p)[k] : type == GM_I32 ? (double)((const int32_t *)p)[k]
                     : (double)((const uint8_t *)p)[k];
            if (v < *lo) *lo = v;
            if (v > *hi) *hi = v;
            if (isnan(v)) ++*missing;
            else sum += v, count++;
        }
        gm_tensor_free(t);
    }
    *mean = count ? sum / (double)count : 0;
    return 0;
}

/* Where the classes have names, the first of them. */
static void show_names(const args *a, const gm_dataset *d)
{
    enum { MOST = 50 };
    if (!gm_dataset_class_name(d, 0)) return;
    fputs(a->json ? ",\"names\":[" : "names   ", stdout);
    for (int64_t k = 0; k < MOST && gm_dataset_class_name(d, k); k++) {
        fputs(a->json ? k ? "," : "" : " ", stdout);
        if (a->json) json_string(stdout, gm_dataset_class_name(d, k));
        else fputs(gm_dataset_class_name(d, k), stdout);
    }
    fputs(a->json ? "]" : gm_dataset_class_name(d, MOST) ? " ..\n" : "\n", stdout);
}

static int show_columns(args *a, gm_ctx *ctx, gm_dataset *d)
{
    if (a->json) printf("{\"rows\":%llu,\"classes\":%lld,\"columns\":[", (unsigned long long)gm_dataset_rows(d), (long long)gm_dataset_classes(d));
    else printf("rows     %llu\nclasses  %lld\n", (unsigned long long)gm_dataset_rows(d), (long long)gm_dataset_classes(d));
    for (int32_t i = 0; i < gm_dataset_columns(d); i++) {
        const char *name = gm_dataset_column_name(d, i);
        int64_t shape[8];
        int32_t ndim = gm_dataset_shape(d, name, shape);
        double lo, hi, mean;
        uint64_t missing;
        int code = column_range(ctx, d, name, &lo, &hi, &mean, &missing);
        if (code) return code;
        char dims[128] = "";
        for (int32_t k = 0; k < ndim; k++) snprintf(dims + strlen(dims), sizeof dims - strlen(dims), "%s%lld", k ? "," : "", (long long)shape[k]);
        if (a->json) {
            printf("%s{\"name\":", i ? "," : "");
            json_string(stdout, name);
            printf(",\"type\":\"%s\",\"shape\":[%s],\"min\":", gm_dtype_name(gm_dataset_dtype(d, name)), dims);
            json_number(stdout, lo);
            printf(",\"max\":");
            json_number(stdout, hi);
            printf(",\"mean\":");
            json_number(stdout, mean);
            if (missing) printf(",\"missing\":%llu", (unsigned long long)missing);
            putchar('}');
        } else {
            printf("%-8s %s [%s]  from %.6g to %.6g, mean %.6g", name, gm_dtype_name(gm_dataset_dtype(d, name)), dims, lo, hi, mean);
            if (missing) printf(", %llu missing", (unsigned long long)missing);
            putchar('\n');
        }
    }
    if (a->json) putchar(']');
    show_names(a, d);
    if (a->json) puts("}");
    return 0;
}

static bool ends(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n > m && !strcmp(s + n - m, end);
}

/* Column x; to .npz and .csv all columns. A picture shows the first hundred, or a cloud of points. */
static int write_data(gm_ctx *ctx, gm_dataset *d, const char *out)
{
    enum { MOST = 64 };
    gm_tensor *t[MOST] = {0};
    const char *names[MOST] = {"x"};
    int64_t shape[8];
    uint64_t n = gm_dataset_rows(d);
    bool points = gm_dataset_shape(d, "x", shape) == 1, all = ends(out, ".npz") || ends(out, ".csv");
    int code = 0, count = all ? gm_dataset_columns(d) : 1;
    if (ends(out, ".png") && n > (points ? 20000u : 100u)) n = points ? 20000 : 100;
    for (int i = 0; i < count && !code; i++) {
        if (all) names[i] = gm_dataset_column_name(d, i);
        code = app_status(ctx, gm_dataset_read(d, names[i], 0, n, &t[i]), "data");
    }
    if (!code) code = all ? output_columns(ctx, out, count, names, t) : output_rows(ctx, out, t[0]);
    for (int i = 0; i < count; i++) gm_tensor_free(t[i]);
    return code;
}

int cmd_data(args *a)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    const char *out = args_text(a, "out");
    int code = args_words(a, 1, "data SPEC [--out PNG|NPZ|CSV|NPY]");
    if (!code && out) code = output_check(out, true);
    if (!code) code = app_open(a, &ctx);
    if (!code) code = args_unused(a);
    if (!code) code = app_data(ctx, a->words[0], &d);
    if (!code) code = show_columns(a, ctx, d);
    if (!code && out) code = write_data(ctx, d, out);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    return code;
}
