/* cmd_train.c - gm train FAMILY --data SPEC [options] --out FILE */
#include "cli.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct job {
    gm_ctx *ctx;
    gm_dataset *data, *valid;
    gm_model *model;
    gm_trainer *trainer;
    text model_options, train_options;
    const char *family, *data_spec, *valid_spec, *out, *resume, *from;
    bool model_given;         /* options of the family stand on the command line */
    const char *checkpoint, *report;
    char *default_checkpoint; /* OUT.ckpt, for an interrupt or --stop-after without --checkpoint */
} job;

static int read_arguments(args *a, job *j)
{
    int code = args_words(a, 1, "train FAMILY --data SPEC [--OPTION VALUE ..] --out FILE");
    if (code) return code;
    j->family = a->words[0];
    if (!gm_family_title(j->family)) return usage_error("train: no family '%s' (see: gm models)", j->family);
    j->data_spec = args_text(a, "data");
    j->valid_spec = args_text(a, "valid");
    j->out = args_text(a, "out");
    j->resume = args_text(a, "resume");
    j->from = args_text(a, "from");
    if (j->from && j->resume) return usage_error("train: --from starts a run, --resume goes on with one: give one of them");
    j->checkpoint = args_text(a, "checkpoint");
    j->report = args_text(a, "report");
    if (j->report) text_option(&j->train_options, "report", j->report);
    if (!j->data_spec) return usage_error("train: --data SPEC is needed");
    if (!j->out) return usage_error("train: --out FILE is needed");
    size_t n = strlen(j->out) + 8;
    if (!(j->default_checkpoint = malloc(n))) return work_error("out of memory");
    snprintf(j->default_checkpoint, n, "%s.ckpt", j->out);
    const char *stop = args_text(a, "stop-after");
    if (stop) text_option(&j->train_options, "stop-after", stop);
    if (j->checkpoint) text_option(&j->train_options, "checkpoint", j->checkpoint);
    const char *seed = args_text(a, "seed"); /* of the weights and of the training */
    take_options(a, j->family, &j->model_options);
    j->model_given = j->model_options.len > 0;
    if (seed) text_option(&j->model_options, "seed", seed), text_option(&j->train_options, "seed", seed);
    take_options(a, "train", &j->train_options);
    if (!j->checkpoint && stop) text_option(&j->train_options, "checkpoint", j->default_checkpoint);
    return 0;
}

/* Hours of training should not end in a folder that cannot be written to. */
static int check_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == path ? strdup("/") : slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    if (!folder) return work_error("out of memory");
    int code = access(folder, W_OK | X_OK) ? work_error("train: %s: cannot write in folder %s: %s", path, folder, strerror(errno)) : 0;
    free(folder);
    return code;
}

/* The first weights: a new model's, or those of a file: of the same family, or of machines that a network grows from. */
static int make_model(job *j)
{
    gm_model *source = NULL;
    if (!j->from) return app_status(j->ctx, gm_model_new(j->ctx, j->family, j->model_options.p, &j->model), NULL);
    int code = app_load(j->ctx, j->from, &source);
    if (code) return code;
    const char *family = gm_model_family(source);
    if (!strcmp(j->family, "mlp") && strcmp(family, "mlp")) {
        code = app_status(j->ctx, gm_dbn_unroll(source, j->model_options.p, &j->model), NULL);
    } else if (!strcmp(j->family, "ae") && strcmp(family, "ae")) {
        code = app_status(j->ctx, gm_dbn_autoencoder(source, j->model_options.p, &j->model), NULL);
    } else if (strcmp(family, j->family)) {
        code = work_error("train: --from %s: a model of family '%s', not '%s'", j->from, family, j->family);
    } else if (j->model_given) {
        code = usage_error("train: --from %s: the model's options are the file's: give none", j->from);
    } else {
        j->model = source;
        return 0;
    }
    gm_model_free(source);
    return code;
}

static int start(job *j)
{
    gm_status s;
    int code;
    if (!j->resume && (code = make_model(j))) return code;
    if ((code = app_data(j->ctx, j->data_spec, &j->data))) return code;
    if (j->valid_spec && (code = app_data(j->ctx, j->valid_spec, &j->valid))) return code;
    if (j->resume) {
        /* family options given again go with the training options: each must have its stored value */
        if (j->model_options.len) {
            gm_model *stored = NULL, *given = NULL;
            if ((code = app_load(j->ctx, j->resume, &stored))) return code;
            const char *family = gm_model_family(stored);
            if (strcmp(family, j->family)) code = work_error("train: %s holds a model of family '%s', not '%s'", j->resume, family, j->family);
            gm_model_free(stored);
            if (!code) code = app_status(j->ctx, gm_model_new(j->ctx, j->family, j->model_options.p, &given), NULL);
            gm_model_free(given);
            if (code) return code;
        }
        s = gm_trainer_resume(j->ctx, j->resume, j->data, j->valid, j->train_options.p, &j->trainer);
        return s ? (app_status(j->ctx, s, NULL), EXIT_WORK) : 0;
    }
    s = gm_trainer_new(j->model, j->data, j->train_options.p, &j->trainer);
    if (!s && j->valid) s = gm_trainer_set_valid(j->trainer, j->valid);
    return app_status(j->ctx, s, NULL);
}

/* What the report tells about how the run was started. */
static gm_status notes(args *a, job *j)
{
    text command = {0};
    for (int i = 0; i < a->argc; i++) text_word(&command, i ? a->argv[i] : "gm");
    gm_status s = gm_trainer_note(j->trainer, "command", command.p);
    text_free(&command);
    if (!s) s = gm_trainer_note(j->trainer, "data", j->data_spec);
    if (!s && j->valid_spec) s = gm_trainer_note(j->trainer, "held-out data", j->valid_spec);
    if (!s && j->resume) s = gm_trainer_note(j->trainer, "resumed from", j->resume);
    return s;
}

/* Its failure is the trainer's last event. */
static int finish_report(args *a, job *j, int code)
{
    gm_event e = {.struct_size = sizeof e};
    int32_t n = gm_trainer_event_count(j->trainer);
    if (code || !j->report) return code;
    if (n && !gm_trainer_event(j->trainer, n - 1, &e) && e.kind == GM_EVENT_REPORT) return work_error("%s", e.text);
    if (!a->quiet) fprintf(stderr, "report %s/report.html\n", j->report);
    return 0;
}

static int finish(args *a, job *j, progress *p, gm_status s)
{
    if (s == GM_ECANCELED && app_interrupted()) {
        const char *path = j->checkpoint ? j->checkpoint : j->default_checkpoint;
        if (gm_trainer_save(j->trainer, path)) return work_error("interrupted, and the checkpoint failed: %s", gm_ctx_message(j->ctx));
        fprintf(stderr, "gm: interrupted at step %llu; go on with --resume %s\n", (unsigned long long)gm_trainer_steps(j->trainer), path);
        return EXIT_INTERRUPTED;
    }
    if (s) return app_work(j->ctx, s); /* the options were read before: what is wrong now is the data, even a value that no unit takes */
    if (!gm_trainer_done(j->trainer)) {
        if (!a->quiet) fprintf(stderr, "stopped at step %llu; go on with --resume %s\n", (unsigned long long)gm_trainer_steps(j->trainer),
                               j->checkpoint ? j->checkpoint : j->default_checkpoint);
        return 0;
    }
    if ((s = gm_model_save(gm_trainer_model(j->trainer), j->out))) return app_status(j->ctx, s, NULL);
    if (a->json) {
        printf("{\"family\":\"%s\",\"out\":", j->family);
        json_string(stdout, j->out);
        printf(",\"steps\":%llu,\"loss\":", (unsigned long long)gm_trainer_steps(j->trainer));
        json_number(stdout, p->last_loss);
        printf(",\"valid_loss\":");
        json_number(stdout, p->last_valid);
        puts("}");
    } else if (!a->quiet) {
        fprintf(stderr, "saved %s after %llu steps\n", j->out, (unsigned long long)gm_trainer_steps(j->trainer));
    }
    return 0;
}

int cmd_train(args *a)
{
    job j = {0};
    progress p = {.quiet = a->quiet, .json = a->json, .terminal = isatty(2), .last_loss = NAN, .last_valid = NAN};
    int code = read_arguments(a, &j);
    if (!code) code = app_open(a, &j.ctx);
    if (!code) code = args_unused(a);
    if (!code) code = check_folder(j.out);
    if (!code && j.checkpoint) code = check_folder(j.checkpoint);
    if (!code) code = start(&j);
    if (!code) {
        p.trainer = j.trainer;
        p.first_step = gm_trainer_steps(j.trainer);
        p.events_shown = gm_trainer_event_count(j.trainer); /* those of a checkpoint were shown then */
        gm_status s = gm_trainer_set_progress(j.trainer, progress_show, &p, p.terminal ? 0.2 : 5.0);
        if (!s) s = notes(a, &j);
        if (!s) s = gm_trainer_run(j.trainer);
        progress_end(&p);
        code = finish_report(a, &j, finish(a, &j, &p, s));
    }
    gm_trainer_free(j.trainer);
    gm_model_free(j.model);
    gm_dataset_free(j.data);
    gm_dataset_free(j.valid);
    text_free(&j.model_options);
    text_free(&j.train_options);
    free(j.default_checkpoint);
    gm_ctx_free(j.ctx);
    return code;
}
