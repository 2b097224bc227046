/* cli.h - the gm program: a client of the public headers only.
 *
 * Every command parses its arguments first (exit 2), then does its work (exit 1
 * when that fails, 130 when interrupted), and says what went wrong in one line that
 * starts with "gm: ".
 */
#ifndef GM_CLI_CLI_H
#define GM_CLI_CLI_H

#include <gm/gm.h>
#include <stdbool.h>
#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_WORK = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* A flag as given: --name value, or --name alone for quiet, json, help. */
typedef struct flag {
    const char *name;   /* without the dashes */
    const char *value;  /* NULL for a flag without value */
    bool used;
} flag;

typedef struct args {
    const char *command;
    const char **words; /* arguments that are no flags */
    int n_words;
    flag *flags;
    int n_flags;
    bool quiet, json, help;
    int argc;           /* as given, to say how a run is repeated */
    char **argv;
} args;

/* args.c; failures print the line and return an exit code, 0 is success */
int args_parse(args *a, int argc, char **argv);
void args_free(args *a);
const char *args_text(args *a, const char *name);                 /* last value given, NULL if none; marks it used */
int args_whole(args *a, const char *name, long long lo, long long hi, long long *value); /* value stays if not given */
int args_real(args *a, const char *name, double lo, double hi, double *value);
int args_unused(args *a);                                         /* complains about the first flag nobody took */
int args_words(args *a, int n, const char *usage);
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
int work_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool same_key(const char *a, const char *b);                      /* '-' and '_' are the same */

/* Growing text of options: key='value' .. */
typedef struct text { char *p; size_t len, cap; } text;
void text_option(text *t, const char *key, const char *value);    /* quotes the value */
void text_word(text *t, const char *word);                        /* quoted for a shell where it must be */
void text_more(text *t, const text *more);
void text_free(text *t);
/* every flag that nobody took yet and whose name is an option of owner goes into t */
void take_options(args *a, const char *owner, text *t);

/* app.c */
extern gm_ctx *app_ctx;                                           /* for the interrupt handler */
int app_open(args *a, gm_ctx **ctx);                              /* context from --threads --precision, how files are loaded from --map; catches interrupts */
int app_status(gm_ctx *ctx, gm_status s, const char *what);       /* prints the line; EARG gives 2 when what is NULL, else 1 */
int app_work(gm_ctx *ctx, gm_status s);                          /* the same where no argument can be at fault: never 2 */
int app_load(gm_ctx *ctx, const char *path, gm_model **m);
int app_data(gm_ctx *ctx, const char *spec, gm_dataset **d);
bool app_interrupted(void);

/* output.c: [N, ...] to .png .npy .npz .csv .txt or - (comma lines on stdout) */
int output_check(const char *path, bool pictures);                /* an ending nobody can write: exit 2 */
int output_grid(gm_ctx *ctx, const char *path, const gm_tensor *rows, int32_t columns); /* pictures in so many columns */
int output_rows(gm_ctx *ctx, const char *path, const gm_tensor *rows);
int output_columns(gm_ctx *ctx, const char *path, int count, const char *const *names, gm_tensor *const *t); /* .npz, or .csv with a header */
int output_table(gm_ctx *ctx, const char *path, const gm_tensor *rows, const char *header); /* header: a first line of text files; NULL */
FILE *output_begin(const char *path, char **tmp);                 /* a file beside its place; NULL: errno tells */
int output_end(FILE *f, const char *path, char *tmp, int bad);    /* moves it there, or leaves the old one and nothing else */
void json_string(FILE *f, const char *s);
void json_number(FILE *f, double v);                              /* null for what JSON cannot say */

/* text.c: count tokens after the prompt (may be NULL), or so many texts, to a .txt file or - */
int sample_text(gm_ctx *ctx, gm_model *m, const char *options, const char *prompt, long long count, const char *out);

/* progress.c */
typedef struct progress { bool quiet, json, terminal; bool drawn; gm_trainer *trainer; int events_shown; uint64_t first_step; double last_loss, last_valid; } progress;
int progress_show(const gm_progress *p, void *user);
void progress_end(progress *p);

int cmd_models(args *a);
int cmd_help(args *a);
int cmd_train(args *a);
int cmd_sample(args *a);
int cmd_complete(args *a);
int cmd_eval(args *a);
int cmd_rows(args *a);     /* encode, reconstruct, score, predict */
int cmd_info(args *a);
int cmd_data(args *a);

#endif
