/* Training goes on in a new process: every family and optimiser, cut within an epoch and at its end, with other numbers of
 * threads, ends with the bytes of a run that nothing stopped. GM_LONG=1: all of them, else a few of each. */
#include "fault/small.h"
#include <check.h>
#include <sys/wait.h>

enum { STEPS = 7, CUTS = 3 }; /* three batches an epoch */
static const int cuts[CUTS] = {1, 3, 5}, threads[] = {1, 2, 3, 8};

static const char *const optimizers[] = {"optimizer=adam clip-norm=5", "optimizer=sgd momentum=0.9 lr=0.01", "optimizer=sgd lr=0.02", "optimizer=adamw weight-decay=0.1",
    "optimizer=adam ema=0.9", "optimizer=adam amsgrad=on", "optimizer=rmsprop", "optimizer=rmsprop momentum=0.5 rms-centered=on", "optimizer=adagrad lr-decay=0.1 lr=0.05"};
enum { OPTIMIZERS = sizeof optimizers / sizeof *optimizers };

/* ---- the process that trains -------------------------------------------------------------------------- */

/* How far (0: to the end), the model, the optimiser, threads; goes on from the checkpoint if there is one to go on from. */
static int part(char **argv)
{
    const int stop = atoi(argv[2]), m = atoi(argv[3]), o = atoi(argv[4]), resume = atoi(argv[6]);
    gm_ctx_config c;
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *model = NULL;
    gm_trainer *tr = NULL;
    char options[300];
    gm_ctx_config_init(&c, sizeof c);
    c.threads = atoi(argv[5]);
    gm_status s = gm_ctx_new(&c, &ctx);
    if (!s) s = gm_dataset_open(ctx, models[m].data, &d);
    if (stop) snprintf(options, sizeof options, "%s steps=%d batch=8 seed=5 stop-after=%d checkpoint=part.ckpt", optimizers[o], STEPS, stop);
    else snprintf(options, sizeof options, "%s steps=%d batch=8 seed=5", optimizers[o], STEPS);
    if (!s && !resume) s = gm_model_new(ctx, models[m].family, models[m].options, &model);
    if (!s) s = resume ? gm_trainer_resume(ctx, "part.ckpt", d, NULL, NULL, &tr) : gm_trainer_new(model, d, options, &tr);
    if (!s) s = gm_trainer_run(tr);
    if (!s && !stop) s = gm_trainer_save(tr, "end.ckpt");
    if (!s && !stop) s = gm_model_save(gm_trainer_model(tr), "end.model");
    if (s) fprintf(stderr, "%s, %s: %s\n", models[m].family, optimizers[o], gm_ctx_message(ctx));
    gm_trainer_free(tr);
    gm_model_free(model);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    return s != GM_OK;
}

/* ---- the test --------------------------------------------------------------------------------------------- */

static char self[400];
static char first[2][1 << 17], again[1 << 17];
static size_t first_size[2];

static void run(int stop, int m, int o, int n, int resume)
{
    char text[5][16];
    const int numbers[5] = {stop, m, o, n, resume};
    for (int i = 0; i < 5; i++) snprintf(text[i], sizeof text[i], "%d", numbers[i]);
    const pid_t child = fork();
    if (!child) {
        if (!chdir(folder)) execl(self, self, "part", text[0], text[1], text[2], text[3], text[4], (char *)NULL);
        _exit(9);
    }
    int how = -1;
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert_msg(how == 0, "%s, %s, stop %d, resume %d: the process ended with %d", models[m].family, optimizers[o], stop, resume, how);
}

static size_t slurp(const char *name, char *p)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "no %s", name);
    const size_t n = fread(p, 1, sizeof again, f);
    fclose(f);
    ck_assert(n > 100 && n < sizeof again);
    remove(path);
    return n;
}

static void keep(void)
{
    first_size[0] = slurp("end.model", first[0]);
    first_size[1] = slurp("end.ckpt", first[1]);
}

static void same(int m, int o, int cut, int n)
{
    for (int k = 0; k < 2; k++) {
        const size_t size = slurp(k ? "end.ckpt" : "end.model", again);
        ck_assert_msg(size == first_size[k] && !memcmp(again, first[k], size), "%s %s, %s, cut at %d, %d threads: another %s", models[m].family, models[m].options, optimizers[o], cut, n, k ? "checkpoint" : "model");
    }
}

START_TEST(goes_on)
{
    const int m = _i, whole = getenv("GM_LONG") != NULL;
    for (int o = whole ? 0 : m % OPTIMIZERS; o < OPTIMIZERS; o++) {
        run(0, m, o, 1, 0);
        keep();
        for (int k = 0; k < CUTS; k++) {
            const int n = threads[(m + o + k) % 4];
            if (!whole && k != m % CUTS) continue;
            run(cuts[k], m, o, threads[(m + o + k + 1) % 4], 0);
            run(0, m, o, n, 1);
            same(m, o, cuts[k], n);
        }
        for (int t = 1; t < 4 && (whole ? o % 3 == 0 : t == 1 + m % 3); t++) { /* nothing stopped, more threads */
            run(0, m, o, threads[t], 0);
            same(m, o, 0, threads[t]);
        }
        if (!whole) break;
    }
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 7 && !strcmp(argv[1], "part")) return part(argv);
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0 || small_begin()) return 1;
    Suite *s = suite_create("resume_process");
    TCase *c = tcase_create("resume_process");
    tcase_set_timeout(c, 600);
    tcase_add_loop_test(c, goes_on, 0, MODELS);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return small_end() || failed;
}
