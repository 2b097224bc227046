/* Every n-th call on files fails, once or for good, with EIO, ENOSPC, EINTR or by halves, in whatever reads or writes:
 * never a false success, a lost old file, a temporary or an open descriptor left; the next run works. */
#include "fault/folder.h"
#include "fault/io.h"
#include <check.h>
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>

static gm_ctx *ctx;
static gm_dataset *rings;
static gm_model *model;
static gm_trainer *trainer;
static gm_tensor *table, *picture;
static gm_tokenizer *tokens;

#define OK(call) ck_assert_msg((call) == GM_OK, "%s: %s", #call, gm_ctx_message(ctx))

static size_t slurp(const char *name, char *p, size_t cap)
{
    FILE *f = fopen(at(name), "rb");
    if (!f) return 0;
    const size_t n = fread(p, 1, cap, f);
    fclose(f);
    return n;
}

static void put(const char *name, const void *p, size_t n)
{
    FILE *f = fopen(at(name), "wb");
    ck_assert(f && fwrite(p, 1, n, f) == n && !fclose(f));
}

/* ---- what is done: gives its status ----------------------------------------------------------------- */

static uint64_t seen; /* what reading gave, as a number */

static void look(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) seen = (seen ^ ((const uint8_t *)p)[i]) * 1099511628211u;
}

static void look_tensor(gm_tensor *t)
{
    if (t) look(gm_tensor_data(t), (size_t)gm_tensor_size(t) * gm_dtype_size(gm_tensor_dtype(t)));
    gm_tensor_free(t);
}

static gm_status save(void) { return gm_model_save(model, at("out")); }
static gm_status checkpoint(void) { return gm_trainer_save(trainer, at("out")); }
static gm_status npy(void) { return gm_npy_write(table, at("out")); }
static gm_status npz(void) { return gm_npz_write(ctx, at("out"), 1, (const char *const[]){"x"}, &table, 1); }
static gm_status png(void) { return gm_png_write(picture, 1, at("out")); }
static gm_status safetensors(void) { return gm_safetensors_write(ctx, at("out"), 1, (const char *const[]){"x"}, &table); }
static gm_status sample(void) { return gm_sample_png(model, 4, 1, at("out")); }
static gm_status vocabulary(void) { return gm_tokenizer_save_gpt2(tokens, at("out"), at("out2")); }

static gm_status load(void)
{
    gm_model *m = NULL;
    gm_status s = gm_model_load(ctx, at("model"), &m);
    for (int32_t i = 0; !s && i < gm_model_tensor_count(m); i++) {
        gm_tensor *t = gm_model_tensor(m, i);
        look(gm_tensor_data(t), (size_t)gm_tensor_size(t) * gm_dtype_size(gm_tensor_dtype(t)));
    }
    gm_model_free(m);
    return s;
}

static gm_status resume(void)
{
    gm_trainer *tr = NULL;
    gm_status s = gm_trainer_resume(ctx, at("checkpoint"), rings, NULL, NULL, &tr);
    if (!s) seen += gm_trainer_steps(tr);
    gm_trainer_free(tr);
    return s;
}

static gm_status weights(void)
{
    gm_status s = gm_model_load_weights(model, at("model"));
    gm_tensor *t = gm_model_tensor(model, 0);
    look(gm_tensor_data(t), (size_t)gm_tensor_size(t) * 4); /* the same before and after */
    return s;
}

static gm_status read_npy(void)
{
    gm_tensor *t = NULL;
    gm_status s = gm_npy_read(ctx, at("a.npy"), &t);
    look_tensor(t);
    return s;
}

static gm_status read_npz(void)
{
    gm_tensor *t = NULL;
    gm_status s = gm_npz_read(ctx, at("a.npz"), "x", &t);
    look_tensor(t);
    return s;
}

static gm_status read_vocabulary(void)
{
    gm_tokenizer *tk = NULL;
    gm_status s = gm_tokenizer_load_gpt2(ctx, at("v.json"), at("m.txt"), &tk);
    if (!s) seen += (uint64_t)gm_tokenizer_size(tk);
    gm_tokenizer_free(tk);
    return s;
}

static gm_status data(const char *kind, const char *name, const char *rest)
{
    char spec[300];
    gm_dataset *d = NULL;
    gm_batches *b = NULL;
    gm_tensor *x = NULL;
    snprintf(spec, sizeof spec, "%s:%s%s", kind, at(name), rest);
    gm_status s = gm_dataset_open(ctx, spec, &d);
    if (!s) s = gm_batches_new(d, "batch=3 seed=1", &b);
    while (!s && !(s = gm_batches_next(b, &x))) look(gm_tensor_data(x), (size_t)gm_tensor_size(x) * gm_dtype_size(gm_tensor_dtype(x)));
    gm_batches_free(b);
    gm_dataset_free(d);
    return s == GM_END ? GM_OK : s;
}

static gm_status idx(void) { return data("idx", "a.idx", ""); }
static gm_status idx_stream(void) { return data("idx", "a.idx", ",stream=on"); }
static gm_status csv(void) { return data("csv", "a.csv", ",label=b"); }
static gm_status text(void) { return data("text", "a.csv", ""); }
static gm_status lines(void) { return data("lines", "a.csv", ""); }
static gm_status ratings(void) { return data("ratings", "r.csv", ""); }
static gm_status npy_data(void) { return data("npy", "a.npy", ""); }
static gm_status npz_data(void) { return data("npz", "a.npz", ""); }
static gm_status pngs(void) { return data("png", "pngs", ""); }

/* A whole fit that writes a report and checkpoints; a report that fails is an event, not an error. */
static gm_status report(void)
{
    char options[300];
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_event e = {.struct_size = sizeof e};
    snprintf(options, sizeof options, "epochs=2 batch=8 report='%s' checkpoint='%s'", at("report"), at("out2"));
    gm_status s = gm_model_new(ctx, "ae", "hidden=3 latent=2", &m);
    if (!s) s = gm_trainer_new(m, rings, options, &tr);
    if (!s) s = gm_trainer_run(tr);
    int32_t told = 0;
    for (int32_t i = 0; !s && i < gm_trainer_event_count(tr); i++) told |= gm_trainer_event(tr, i, &e) == GM_OK && e.kind == GM_EVENT_REPORT;
    if (!s && told) s = GM_EIO;
    gm_trainer_free(tr);
    gm_model_free(m);
    return s;
}

/* ---- the cases ----------------------------------------------------------------------------------------- */

static const struct { const char *name; gm_status (*work)(void); const char *out[3]; int few; } cases[] = {
    {"save", save, {"out"}, 8}, {"checkpoint", checkpoint, {"out"}, 8}, {"npy", npy, {"out"}, 8}, {"npz", npz, {"out"}, 8}, {"png", png, {"out"}, 8},
    {"safetensors", safetensors, {"out"}, 8}, {"sample", sample, {"out"}, 8}, {"vocabulary", vocabulary, {"out", "out2"}, 16}, {"report", report, {"report/report.html", "report/series.csv", "out2"}, 30},
    {"load", load, {NULL}, 4}, {"resume", resume, {NULL}, 4}, {"weights", weights, {NULL}, 4}, {"read npy", read_npy, {NULL}, 4}, {"read npz", read_npz, {NULL}, 4},
    {"read vocabulary", read_vocabulary, {NULL}, 8}, {"idx", idx, {NULL}, 4}, {"idx, streamed", idx_stream, {NULL}, 5}, {"csv", csv, {NULL}, 4}, {"text", text, {NULL}, 4}, {"lines", lines, {NULL}, 4},
    {"ratings", ratings, {NULL}, 4}, {"npy data", npy_data, {NULL}, 4}, {"npz data", npz_data, {NULL}, 4}, {"png data", pngs, {NULL}, 15}};

static int open_files(void)
{
    int n = 0;
    for (int fd = 0; fd < 64; fd++) n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static int count_files(const char *where)
{
    DIR *d = opendir(where);
    int n = 0;
    if (!d) return 0;
    for (struct dirent *e; (e = readdir(d));) n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(d);
    return n;
}

enum { ROOM = 1 << 17 };
static char want[3][ROOM], have[ROOM];
static size_t wanted[3];

/* A state of a file that is written again and again: a model that loads, or text to its last line. */
static int is_whole(const char *name, size_t n)
{
    gm_model *m = NULL;
    if (strstr(name, ".html")) return n > 8 && !memcmp(have + n - 8, "</html>\n", 8);
    if (strstr(name, ".csv")) return n > 0 && have[n - 1] == '\n';
    const gm_status s = gm_model_load(ctx, at(name), &m);
    gm_model_free(m);
    return s == GM_OK;
}

/* Is every file of the case as before or as wanted? Counts those that are new. */
static int check_files(int which, const char *label)
{
    int fresh = 0;
    for (int k = 0; k < 3 && cases[which].out[k]; k++) {
        const size_t n = slurp(cases[which].out[k], have, ROOM);
        const int is_new = (n == wanted[k] && !memcmp(have, want[k], n)) || (cases[which].work == report && is_whole(cases[which].out[k], n));
        ck_assert_msg(is_new || (n == 3 && !memcmp(have, "old", 3)), "%s: %s is neither the old file nor the new one", label, cases[which].out[k]);
        fresh += is_new;
    }
    return fresh;
}

static void put_old(int which)
{
    for (int k = 0; k < 3 && cases[which].out[k]; k++) put(cases[which].out[k], "old", 3);
}

START_TEST(every_call)
{
    static const int hows[] = {EIO, ENOSPC, EACCES, EINTR, SHORT};
    const char *name = cases[_i].name;
    char label[200], said[512];
    int outs = 0;
    mkdir(at("report"), 0700);
    put_old(_i);
    OK(cases[_i].work()); /* once without faults */
    for (int k = 0; k < 3 && cases[_i].out[k]; k++, outs++) {
        wanted[k] = slurp(cases[_i].out[k], want[k], ROOM);
        ck_assert_uint_lt(wanted[k], ROOM);
    }
    seen = 0;
    OK(cases[_i].work());
    const uint64_t right = seen;
    const int files = count_files(folder), inside = count_files(at("report")), fds = open_files();
    long most = 0, refused = 0, tried = 0;
    for (int forever = 0; forever < 2; forever++)
        for (size_t h = 0; h < sizeof hows / sizeof *hows; h++) {
            if (forever && hows[h] == EINTR) continue; /* signals without end */
            for (long n = 1;; n++) {
                put_old(_i);
                seen = 0;
                io.calls = 0, io.fail_at = n, io.how = hows[h], io.forever = forever, io.armed = 1, io.last = "nothing";
                const gm_status s = cases[_i].work();
                io.armed = 0;
                snprintf(said, sizeof said, "%s", gm_ctx_message(ctx));
                const int reached = io.calls >= n;
                snprintf(label, sizeof label, "%s, call %ld (%s)%s, %s", name, n, io.last, forever ? " and later" : "", hows[h] == SHORT ? "short" : strerror(hows[h]));
                const int fresh = check_files(_i, label);
                ck_assert_msg(count_files(folder) == files && count_files(at("report")) == inside, "%s: a file is left", label);
                ck_assert_msg(open_files() == fds, "%s: a descriptor is left", label);
                if (s == GM_OK) {
                    ck_assert_msg(fresh == outs, "%s: success, and an old file", label);
                    ck_assert_msg(seen == right, "%s: success, and other data", label);
                } else {
                    ck_assert_msg(s == GM_EIO, "%s: %s: %s", label, gm_status_name(s), said);
                    ck_assert_msg(strstr(said, folder) && !strchr(said, '\n'), "%s: message '%s'", label, said);
                    ck_assert_msg(hows[h] != SHORT, "%s: by halves is no failure: %s", label, said);
                    refused++;
                }
                if (!reached) {
                    ck_assert_msg(s == GM_OK, "%s: nothing failed, and yet: %s", label, said);
                    break;
                }
                tried++;
                if (n > most) most = n;
            }
        }
    ck_assert_msg(most >= cases[_i].few, "%s makes only %ld calls", name, most);
    ck_assert_int_gt(refused, most);
    fprintf(stderr, "%s: %ld calls, %ld faults, %ld told\n", name, most, tried, refused);
    OK(cases[_i].work());
}
END_TEST

/* ---- set-up ------------------------------------------------------------------------------------------------ */

static void setup(void)
{
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    make_folder("io");
    OK(gm_dataset_open(ctx, "synth:ring8,n=16,seed=1", &rings));
    OK(gm_model_new(ctx, "vae", "shape=1,4,4 hidden=3 latent=2", &model));
    OK(gm_model_save(model, at("model")));
    gm_model *m = NULL;
    OK(gm_model_new(ctx, "ae", "hidden=3 latent=2", &m));
    OK(gm_trainer_new(m, rings, "steps=4 batch=8", &trainer));
    OK(gm_trainer_step(trainer, NULL));
    OK(gm_trainer_save(trainer, at("checkpoint")));
    gm_model_free(m);
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){9, 4}, &table));
    OK(gm_tensor_new(ctx, GM_F32, 4, (int64_t[]){1, 1, 4, 4}, &picture));
    for (int i = 0; i < 36; i++) ((float *)gm_tensor_data(table))[i] = (float)i;
    OK(gm_npy_write(table, at("a.npy")));
    OK(gm_npz_write(ctx, at("a.npz"), 1, (const char *const[]){"x"}, &table, 1));
    OK(gm_tokenizer_train(ctx, "kind=bpe vocab=258", "abababab", 8, &tokens));
    OK(gm_tokenizer_save_gpt2(tokens, at("v.json"), at("m.txt")));
    mkdir(at("pngs"), 0700);
    OK(gm_png_write(picture, 1, at("pngs/a.png")));
    OK(gm_png_write(picture, 1, at("pngs/b.png")));
    put("a.csv", "a,b\n1,0\n2,1\n3,0\n", 16);
    put("r.csv", "1,2,3\n2,2,4\n", 12);
    char rows[16 + 5 * 4] = "\0\0\x08\3\0\0\0\5\0\0\0\2\0\0\0\2";
    for (int i = 16; i < (int)sizeof rows; i++) rows[i] = (char)(7 * i);
    put("a.idx", rows, sizeof rows);
}

static void finish(void)
{
    gm_tensor_free(table), gm_tensor_free(picture);
    gm_tokenizer_free(tokens);
    gm_trainer_free(trainer);
    gm_model_free(model);
    gm_dataset_free(rings);
    gm_ctx_free(ctx);
    remove_folder();
}

int main(void)
{
    Suite *s = suite_create("io_faults");
    TCase *c = tcase_create("io_faults");
    tcase_add_checked_fixture(c, setup, finish);
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, every_call, 0, sizeof cases / sizeof *cases);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
