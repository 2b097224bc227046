/* test_handles.c - every public function with every argument wrong in turn: NULL, each handle of another kind, a result that its tape has
 * dropped, numbers and texts out of range. No crash, no hang, the documented code, a message, and out-parameters at NULL. The calls are made
 * from the headers (calls.sh), so a function cannot be forgotten. Each function runs in a process of its own: a crash names it. */
#include "host_test.h"
#include <sys/mman.h>
#include <sys/wait.h>

typedef union value { void *p; int64_t i; double d; void (*f)(void); } value;
typedef struct parameter { const char *type, *name; } parameter;
enum { PARAMETERS = 12 };
typedef struct function {
    const char *name;
    void (*call)(const value *v, value *r);
    const char *returns;
    int n;
    parameter p[PARAMETERS];
} function;
typedef void (*host_deleter)(void *data, void *user);
#include "host/calls.inc" /* by the Makefile, from the headers */

/* ---- live handles of every kind ------------------------------------------------------------------ */

enum { CTX, TENSOR, TAPE, NET, OPTIM, DATASET, BATCHES, MODEL, TRAINER, SAMPLER, TOKENIZER, KINDS };
static const char *const kind_names[KINDS] = {"gm_ctx", "gm_tensor", "gm_tape", "gm_net", "gm_optim", "gm_dataset", "gm_batches", "gm_model", "gm_trainer", "gm_sampler", "gm_tokenizer"};
static void *live[KINDS];
static gm_model *of_family[32];
static gm_trainer *gan_trainer;
static gm_sampler *text_sampler;
static gm_tensor *x, *rows, *whole, *bytes, *stale;
static char folder[64], path[80], long_text[100000];
static unsigned char block[1 << 16];
enum { SLOTS = 16 };
static void *slots[SLOTS]; /* what out-parameters point to */
static char outside[] = "was here before";

static void fill(gm_tensor *t, double scale)
{
    for (int64_t i = 0; i < gm_tensor_size(t); i++) {
        if (gm_tensor_dtype(t) == GM_F32) ((float *)gm_tensor_data(t))[i] = (float)scale * unit((uint32_t)i);
        if (gm_tensor_dtype(t) == GM_I64) ((int64_t *)gm_tensor_data(t))[i] = i % 3;
        if (gm_tensor_dtype(t) == GM_U8) ((uint8_t *)gm_tensor_data(t))[i] = i & 1;
    }
}

static void make_handles(void)
{
    gm_ctx_config c;
    gm_ctx *ctx;
    gm_tape *t;
    gm_tensor *batch;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1, c.debug = 1, c.max_bytes = 64 << 20;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    strcpy(folder, access("/dev/shm", W_OK) ? "/tmp/gm_handles_XXXXXX" : "/dev/shm/gm_handles_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    memset(long_text, 'a', sizeof long_text - 1);
    live[CTX] = ctx;
    OK(ctx, gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){4, 4}, &x));
    OK(ctx, gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){4, PIXELS}, &rows));
    OK(ctx, gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){4}, &whole));
    OK(ctx, gm_tensor_new(ctx, GM_U8, 2, (int64_t[]){4, 4}, &bytes));
    fill(x, 2), fill(rows, 1), fill(whole, 1), fill(bytes, 1);
    live[TENSOR] = x;
    OK(ctx, gm_tape_new(ctx, 1, &t));
    live[TAPE] = t;
    stale = gm_relu(t, x);
    ck_assert_ptr_nonnull(stale);
    gm_tape_reset(t);
    OK(ctx, gm_net_new(ctx, "linear 4, relu", 1, (int64_t[]){4}, 1, (gm_net **)&live[NET]));
    OK(ctx, gm_optim_new(ctx, "adam", "ema=0.9", (gm_optim **)&live[OPTIM]));
    OK(ctx, gm_optim_add_net(live[OPTIM], live[NET], NULL));
    OK(ctx, pictures(ctx, 12, (gm_dataset **)&live[DATASET]));
    OK(ctx, gm_batches_new(live[DATASET], "batch=4", (gm_batches **)&live[BATCHES]));
    OK(ctx, gm_batches_next(live[BATCHES], &batch));
    ck_assert_int_le(gm_family_count(), COUNT(of_family));
    for (int32_t f = 0; f < gm_family_count(); f++) {
        OK(ctx, trained(ctx, gm_family_name(f), "steps=2 batch=4", &of_family[f]));
        if (!strcmp(gm_family_name(f), "vae")) live[MODEL] = of_family[f];
        if (!strcmp(gm_family_name(f), "gan")) OK(ctx, gm_trainer_new(of_family[f], live[DATASET], "batch=4", &gan_trainer));
        if (!strcmp(gm_family_name(f), "gpt")) OK(ctx, gm_sampler_new(ctx, of_family[f], NULL, &text_sampler));
        if (!strcmp(gm_family_name(f), "gpt")) live[TOKENIZER] = gm_lm_tokenizer(of_family[f]);
    }
    OK(ctx, gm_trainer_new(live[MODEL], live[DATASET], "batch=4", (gm_trainer **)&live[TRAINER]));
    OK(ctx, gm_sampler_new(ctx, live[MODEL], NULL, (gm_sampler **)&live[SAMPLER]));
}

/* ---- callbacks ------------------------------------------------------------------------------------ */

static int row_source(uint64_t row, float *to, int64_t *label, void *user) { return (void)row, (void)to, (void)label, (void)user, 1; }
static int text_fn(const char *text, size_t n, void *user) { return (void)text, (void)n, (void)user, 1; }
static int logits_fn(float *logits, int64_t n, void *user) { return (void)logits, (void)n, (void)user, 0; }
static int progress_fn(const gm_progress *p, void *user) { return (void)p, (void)user, 0; }
static gm_status segment(gm_tape *t, gm_tensor *const *in, int32_t n, gm_tensor **out, int32_t n_out, void *user)
{
    (void)user;
    for (int32_t i = 0; i < n_out; i++) out[i] = n ? gm_relu(t, in[i % n]) : gm_zeros(t, GM_F32, 0, NULL);
    return gm_tape_status(t);
}
static gm_tensor *expression(gm_tape *t, gm_tensor *const *in, int32_t n, void *user)
{
    return (void)n, (void)user, gm_sum(t, in[0], INT32_MIN, 0);
}
static int32_t forward(void *user, gm_tensor *const *in, int32_t n, gm_tensor *out) { return (void)user, (void)in, (void)n, (void)out, 0; }

static void (*callback(const char *type))(void)
{
    if (!strcmp(type, "gm_row_source")) return (void (*)(void))row_source;
    if (!strcmp(type, "gm_text_fn")) return (void (*)(void))text_fn;
    if (!strcmp(type, "gm_logits_fn")) return (void (*)(void))logits_fn;
    if (!strcmp(type, "gm_progress_fn")) return (void (*)(void))progress_fn;
    if (!strcmp(type, "gm_segment")) return (void (*)(void))segment;
    if (!strcmp(type, "gm_expression")) return (void (*)(void))expression;
    return NULL;
}

/* ---- the values of a parameter ---------------------------------------------------------------------- */

static int is(const char *a, const char *b) { return !strcmp(a, b); }
static int among(const char *list, const char *word) /* words between blanks */
{
    const size_t n = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || !at[n])) return 1;
    return 0;
}

/* "const gm_model *" is a handle of kind MODEL; -1: no handle. */
static int kind_of(const char *type)
{
    if (!strncmp(type, "const ", 6)) type += 6;
    for (int k = 0; k < KINDS; k++) {
        const size_t n = strlen(kind_names[k]);
        if (!strncmp(type, kind_names[k], n) && is(type + n, " *")) return k;
    }
    return -1;
}

static int is_pointer(const char *type) { return type[strlen(type) - 1] == '*'; }
static int is_callback(const char *type) { return !is_pointer(type) && (callback(type) || !strncmp(type, "host_", 5)); }
static int is_out_handle(const char *type) { const size_t n = strlen(type); return n > 4 && !strncmp(type, "gm_", 3) && is(type + n - 2, "**"); }
static int returns_status(const function *f) { return is(f->returns, "gm_status"); }
static int is_op(const function *f) { return is(f->returns, "gm_tensor *") && f->n && is(f->p[0].type, "gm_tape *"); }
static const char *family_of(const function *f)
{
    for (int32_t i = 0; i < gm_family_count(); i++) {
        const size_t n = strlen(gm_family_name(i));
        if (!strncmp(f->name + 3, gm_family_name(i), n) && f->name[3 + n] == '_') return gm_family_name(i);
    }
    return strncmp(f->name, "gm_lm_", 6) ? "vae" : "gpt";
}

static void *good_handle(const function *f, const parameter *p, int kind)
{
    if (kind == MODEL)
        for (int32_t i = 0; i < gm_family_count(); i++)
            if (is(gm_family_name(i), family_of(f))) return of_family[i];
    if (kind == TRAINER && is(family_of(f), "gan")) return gan_trainer;
    if (kind == SAMPLER && among("gm_sampler_prompt gm_sampler_next gm_sampler_write gm_sampler_reset gm_sampler_bias gm_sampler_filter", f->name)) return text_sampler;
    if (kind == TENSOR) {
        if (among("label index tokens offsets prompt", p->name)) return whole;
        if (among("mask known", p->name)) return bytes;
        return is(f->p[0].type, "gm_model *") ? rows : x;
    }
    return live[kind];
}

static const char *good_text(const char *name)
{
    static const struct { const char *name, *text; } texts[] = {{"family", "vae"}, {"owner", "vae"}, {"kind", "adam"}, {"options", ""}, {"spec", "synth:moons,n=8"}, {"name", "x"},
                                                                {"column", "x"}, {"text", "linear 4"}, {"layers", "relu"}, {"groups", ""}, {"key", "x"}};
    for (int i = 0; i < COUNT(texts); i++)
        if (is(texts[i].name, name)) return texts[i].text;
    return is(name, "folder") ? folder : path;
}

static gm_custom_op custom;
static const char *const names[] = {"a", "b", "c", "d"};
static int64_t sizes[8] = {4, 4, 1, 1, 1, 1, 1, 1};
static int32_t axes[8] = {0, 1, 0, 0, 0, 0, 0, 0};
static gm_tensor *several[8];

static value good(const function *f, int i)
{
    const parameter *p = &f->p[i];
    const int kind = kind_of(p->type);
    if (kind >= 0) return (value){.p = good_handle(f, p, kind)};
    if (is_callback(p->type)) return (value){.f = callback(p->type)};
    if (is(p->type, "double")) return (value){.d = 0.5};
    if (!is_pointer(p->type)) {
        if (among("n n_out ndim steps columns k rows end stride width", p->name)) return (value){.i = 2};
        if (among("size bytes cap", p->name)) return (value){.i = 64};
        return (value){.i = among("axis dtype i first start epoch position order mark seed reduce", p->name) ? 0 : 1};
    }
    if (is(p->type, "const char *")) return (value){.p = (void *)good_text(p->name)};
    if (is(p->type, "const gm_custom_op *")) return (value){.p = &custom};
    if (strstr(p->type, "_config *") && !strncmp(p->type, "const ", 6)) return (value){.p = NULL};
    if (is(f->name, "gm_tensors_free") && i > 1) return (value){.p = NULL};
    if (is(p->type, "const char *const *")) return (value){.p = (void *)names};
    if (is(p->type, "gm_tensor *const *")) return (value){.p = several};
    if (is(p->type, "const int64_t *")) return (value){.p = sizes};
    if (is(p->type, "const int32_t *")) return (value){.p = axes};
    if (is(p->type, "const void *") && is(p->name, "text")) return (value){.p = (void *)"the cat"};
    if (is(p->name, "user")) return (value){.p = NULL};
    if (p->type[strlen(p->type) - 2] == '*') return (value){.p = slots};
    return (value){.p = block};
}

/* Value k of those that a parameter should not have; 0 past the last. *what: what it is. *must: it has to be refused. */
static int bad(const function *f, int i, int k, value *v, const char **what, int *must)
{
    static const int64_t numbers[] = {-1, 0, 7, 100, INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX};
    static const double reals[] = {NAN, INFINITY, -INFINITY, -1, 0, 1e300};
    static const char *const odd[] = {"", "\x01no = such 'thing", long_text, "x=y", "\xff\xfe"};
    const parameter *p = &f->p[i];
    const int kind = kind_of(p->type);
    static char said[40];
    *what = said, *must = 0;
    if (kind >= 0) {
        snprintf(said, sizeof said, "%s", k == 0 ? "NULL" : k > KINDS ? "a result of an earlier generation" : kind_names[k - 1]);
        *v = (value){.p = k == 0 ? NULL : k > KINDS ? stale : live[k - 1]};
        *must = k == 0 ? 1 : 2;
        if (k - 1 == kind) { /* a model, but of a family that has no such function */
            if (kind == MODEL && strcmp(family_of(f), "vae") && strncmp(f->name, "gm_mlp", 6)) return *must = 1;
            *v = good(f, i), *must = 0;
        }
        return k <= KINDS + (kind == TENSOR);
    }
    if (is_pointer(p->type)) {
        const int struct_in = strstr(p->type, "gm_") && !is_out_handle(p->type) && !strstr(p->type, "*const");
        snprintf(said, sizeof said, k ? struct_in ? "a struct of size %d" : "text %d" : "NULL", k);
        *v = (value){.p = NULL}, *must = k == 0;
        if (k && is(p->type, "const char *")) *v = (value){.p = (void *)odd[(k - 1) % COUNT(odd)]};
        if (k && struct_in) memset(block, 0, sizeof block), memcpy(block, &(uint32_t){(uint32_t[]){0, 3, 5000, 0xffffffff}[(k - 1) % 4]}, 4), *v = (value){.p = block};
        return k == 0 || (is(p->type, "const char *") && k <= COUNT(odd)) || (struct_in && k <= 4);
    }
    if (is_callback(p->type)) return *v = (value){.f = NULL}, snprintf(said, sizeof said, "NULL"), *must = 1, k == 0;
    if (is(p->type, "double")) return *v = (value){.d = reals[k % COUNT(reals)]}, snprintf(said, sizeof said, "%g", v->d), k < COUNT(reals);
    *v = (value){.i = numbers[k % COUNT(numbers)]}, snprintf(said, sizeof said, "%lld", (long long)v->i);
    /* how much there is in an array of the caller's: too much is the caller's fault */
    const int counts = among("n n_out cap size bytes", p->name) && !among("gm_linspace gm_randperm gm_sample gm_sample_png gm_sampler_draw gm_gan_noise gm_repeat_interleave gm_lapgan_sample_level", f->name);
    if (counts && !is(p->type, "size_t") && v->i > 2) *v = (value){.i = -2}; /* unsigned ones cannot be negative */
    if (counts && (is(p->type, "size_t") || is(p->type, "uint64_t")) && (v->i < 0 || v->i > 2)) *v = (value){.i = 1};
    return k < COUNT(numbers);
}

/* ---- one function, every argument wrong in turn ------------------------------------------------------- */

/* Arguments that may be NULL, as the headers say, beside those of the names in optional(). */
static const char *const may_be_null =
    " gm_dataset_from_tensors.label gm_dataset_from_ragged.label gm_tensor_wrap.strides gm_sampler_state_save.out gm_sampler_filter.fn gm_trainer_set_progress.fn"
    " gm_tokenizer_decode.out gm_linear.b gm_linear_act.b gm_rms_norm.w gm_cross_entropy_smooth.weight gm_bce_with_logits_weighted.pos_weight gm_gan_g_loss.real"
    " gm_dbm_gibbs.clamp gm_rbm_gibbs.clamp gm_bm_gibbs.clamp gm_rbm_log_z.data gm_dbm_log_z.data gm_nearest.fresh gm_nearest.copied gm_effective_samples.ess"
    " gm_effective_samples.r_hat gm_slogdet.sign gm_eigh.vectors gm_svd.u gm_svd.vt gm_qr.r gm_sort.indices gm_topk.indices gm_neighbours.index gm_lm_beam.scores"
    " gm_complete.known gm_traverse.z gm_transformer_encode.length gm_log_prob.kind gm_tensors_free.names gm_tensors_free.tensors ";

static int optional(const function *f, const parameter *p)
{
    char name[100];
    if (among("options cond user deleter groups loss error", p->name) || (strstr(p->type, "_config *") && !strncmp(p->type, "const ", 6))) return 1;
    snprintf(name, sizeof name, "%s.%s", f->name, p->name);
    return among(may_be_null, name);
}

static struct shared { char where[200]; int works; size_t n; char text[1 << 17]; } *shared; /* parent and child see it; works: with good arguments */

static void complain(const char *why)
{
    const int n = snprintf(shared->text + shared->n, sizeof shared->text - shared->n, "%s: %s\n", shared->where, why);
    if (n > 0 && shared->n + (size_t)n < sizeof shared->text) shared->n += (size_t)n;
}

/* must 1: it has to be refused, with any code; 2: as no such handle, if nothing else is wrong. */
static void judge_status(const char *name, gm_status s, const char *message, int must)
{
    char why[700];
    snprintf(why, sizeof why, "%s: %s", gm_status_name(s), message);
    if (s == GM_EINTERNAL || s < 0 || s >= GM_STATUS_END_) complain(why);
    else if (must && (!s || s == GM_END) && !among("gm_gan_g_loss", name)) complain("accepted"); /* which looks at `real` for some losses only */
    else if (must == 2 && s != GM_EARG && s != GM_ESTALE && shared->works && !among("gm_gan_g_loss", name)) complain(why);
    if (s && s != GM_END && (!*message || strchr(message, '\n'))) complain("no message of one line");
}

static void judge_op(const function *f, int must, const value *v, const value *r)
{
    if (v[0].p != live[TAPE]) {
        if (r->p) complain("a result without a tape");
        return;
    }
    const gm_status s = gm_tape_status(live[TAPE]);
    if (!r->p != !!s) complain("NULL without a failure, or a result with one");
    judge_status(f->name, s, gm_tape_message(live[TAPE]), must);
    if (!s && !must) shared->works = 1;
}

/* Does a failure have a context to leave its message in, one that can be written? */
static int has_place(const function *f, int wrong, const value *v)
{
    const int kind = f->n ? kind_of(f->p[0].type) : -1;
    const int no_room = wrong >= 0 && is_pointer(f->p[wrong].type) && !v[wrong].p && strncmp(f->p[wrong].type, "const", 5) && kind_of(f->p[wrong].type) < 0;
    return kind >= 0 && kind != TAPE && wrong != 0 && !no_room && strncmp(f->p[0].type, "const gm_ctx", 12) && !is("gm_ctx_set_threads", f->name);
}

static void judge(const function *f, int wrong, int must, const value *v, const value *r)
{
    if (wrong >= 0 && (is_pointer(f->p[wrong].type) || is_callback(f->p[wrong].type)) && !v[wrong].p && optional(f, &f->p[wrong])) must = 0;
    if (is_op(f)) judge_op(f, must, v, r);
    if (is(f->returns, "const char *") && r->p && strlen(r->p) > 100000) complain("an endless text");
    if (!returns_status(f) || is("gm_tape_status", f->name)) return;
    const gm_status s = (gm_status)r->i;
    const char *m = gm_ctx_message(live[CTX]);
    judge_status(f->name, s, m, must);
    if (wrong < 0 && !s) shared->works = 1;
    if (!s || s == GM_END) return;
    if (has_place(f, wrong, v) && !strncmp(m, "threads: expected", 17)) complain("no message");
    const int counted = wrong >= 0 && among("n n_out", f->p[wrong].name); /* how many there are to be set is what is wrong */
    for (int i = 0; i < f->n; i++)
        if (is_out_handle(f->p[i].type) && v[i].p && *(void **)v[i].p == outside && !counted) {
            char why[200];
            snprintf(why, sizeof why, "%s left as it was after %s", f->p[i].name, gm_status_name(s));
            complain(why);
        }
}

static void call(const function *f, int wrong, int must, value *v)
{
    value r = {.i = 0};
    for (int i = 0; i < SLOTS; i++) slots[i] = outside;
    gm_ctx_set_threads(live[CTX], -1); /* the last message is now this one's */
    f->call(v, &r);
    judge(f, wrong, must, v, &r);
    gm_tape_reset(live[TAPE]);
}

static void try_function(const function *f)
{
    value v[PARAMETERS];
    for (int i = 0; i < f->n; i++)
        for (int k = 0;; k++) {
            const char *what;
            int must;
            memset(block, 0, sizeof block);
            memcpy(block, &(uint32_t){1024}, 4);
            for (int j = 0; j < f->n; j++) v[j] = good(f, j);
            if (!bad(f, i, k, &v[i], &what, &must)) break;
            snprintf(shared->where, sizeof shared->where, "%s(%s%s = %s)", f->name, f->p[i].type, f->p[i].name, what);
            call(f, i, must, v);
        }
}

static void try_good(const function *f)
{
    value v[PARAMETERS];
    memcpy(block, &(uint32_t){1024}, 4);
    for (int j = 0; j < f->n; j++) v[j] = good(f, j);
    snprintf(shared->where, sizeof shared->where, "%s(good arguments)", f->name);
    call(f, -1, 0, v);
}

/* In a process of its own, so that no call sees what another left. */
static void apart(void (*try)(const function *f), const function *f)
{
    char why[60];
    int status = -1;
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (!pid) {
        alarm(SANITIZED ? 120 : 20);
        if (chdir(folder)) _exit(1); /* where paths without a folder end up */
        try(f);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) snprintf(why, sizeof why, "killed by signal %d", WTERMSIG(status)), complain(why);
    else if (WEXITSTATUS(status)) snprintf(why, sizeof why, "exit status %d", WEXITSTATUS(status)), complain(why);
}

START_TEST(every_argument_of_every_function)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    make_handles();
    gm_custom_op_init(&custom, sizeof custom);
    custom.name = "host", custom.forward = forward;
    for (int i = 0; i < COUNT(several); i++) several[i] = x;
    const char *only = getenv("ONLY");
    int works = 0;
    for (int i = 0; i < COUNT(functions); i++) {
        if (only && strcmp(only, functions[i].name)) continue;
        shared->works = 0;
        apart(try_good, &functions[i]);
        works += shared->works;
        if (only && !shared->works) printf("%s: %s\n", shared->where, "not with these arguments");
        apart(try_function, &functions[i]);
    }
    printf("%d functions; %d of those that can fail do not, with the arguments chosen here\n", COUNT(functions), works);
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
    if (shared->n) puts(shared->text);
    ck_assert_msg(!shared->n, "%zu bytes of complaints", shared->n);
}
END_TEST

/* The headers and the list of exported names hold the same functions. */
START_TEST(no_function_is_missing)
{
    char line[200];
    int n = 0;
    FILE *list = fopen("lib/gm.symbols", "r");
    if (!list) return; /* not run from the top of the tree */
    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "gm_", 3)) continue;
        int at = 0;
        while (at < COUNT(functions) && strcmp(functions[at].name, line)) at++;
        ck_assert_msg(at < COUNT(functions), "%s is not called", line);
        n++;
    }
    fclose(list);
    ck_assert_int_eq(n, COUNT(functions));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {no_function_is_missing, every_argument_of_every_function, NULL};
    return run_tests("handles", tests, 240);
}
