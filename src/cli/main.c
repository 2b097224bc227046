/* main.c - the table of commands. */
#include "cli.h"
#include <string.h>

static const struct { const char *name; int (*run)(args *); } commands[] = {
    {"models", cmd_models}, {"help", cmd_help},   {"train", cmd_train},      {"sample", cmd_sample}, {"eval", cmd_eval},
    {"encode", cmd_rows},   {"score", cmd_rows},  {"reconstruct", cmd_rows}, {"predict", cmd_rows}, {"complete", cmd_complete}, {"info", cmd_info},     {"data", cmd_data},
};

int main(int argc, char **argv)
{
    args a;
    int code = args_parse(&a, argc, argv);
    if (!code && argc < 2) code = usage_error("a command is needed (see: gm help)");
    if (!code) {
        if (a.help || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
            /* gm train vae --help is gm help vae */
            if (a.n_words > 1) a.n_words = 1;
            if (a.n_words && !gm_family_title(a.words[0])) a.n_words = 0;
            for (int i = 0; i < a.n_flags; i++) a.flags[i].used = true;
            code = cmd_help(&a);
        } else {
            code = -1;
            for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
                if (!strcmp(argv[1], commands[i].name)) code = commands[i].run(&a);
            if (code < 0) code = usage_error("no command '%s' (see: gm help)", argv[1]);
        }
    }
    if (fflush(stdout) && !code) code = work_error("cannot write to standard output");
    args_free(&a);
    return code;
}
