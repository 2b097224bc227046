/* app.c - the context of the program, interrupts, and how statuses become exit codes. */
#include "cli.h"
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

gm_ctx *app_ctx;
static volatile sig_atomic_t interrupted;
static bool maps; /* --map on: model files are mapped, not read */

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
    gm_ctx_cancel(app_ctx);
}

bool app_interrupted(void) { return interrupted != 0; }

int app_open(args *a, gm_ctx **ctx)
{
    static const char *const precisions[] = {"highest", "high", "medium"};
    gm_ctx_config c;
    long long threads = 0;
    gm_ctx_config_init(&c, sizeof c);
    int code = args_whole(a, "threads", 1, 256, &threads);
    if (code) return code;
    c.threads = (int32_t)threads;
    const char *p = args_text(a, "precision");
    if (p) {
        c.precision = -1;
        for (int i = 0; i < 3; i++)
            if (!strcmp(p, precisions[i])) c.precision = i;
        if (c.precision < 0) return usage_error("%s: --precision: expected highest, high or medium, got '%s'", a->command, p);
    }
    const char *map = args_text(a, "map");
    if (map && strcmp(map, "on") && strcmp(map, "off")) return usage_error("%s: --map: expected on or off, got '%s'", a->command, map);
    maps = map && !strcmp(map, "on");
    c.amx = 1;          /* this program owns its process */
    c.blas_threads = 1;
    gm_status s = gm_ctx_new(&c, ctx);
    if (s) return work_error("%s: cannot make a context: %s", a->command, gm_status_text(s));
    app_ctx = *ctx;
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_handler = on_interrupt;
    act.sa_flags = (int)SA_RESETHAND; /* a second interrupt ends the program at once */
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    return 0;
}

int app_status(gm_ctx *ctx, gm_status s, const char *what)
{
    if (s == GM_OK) return 0;
    if (s == GM_ECANCELED && interrupted) {
        work_error("interrupted");
        return EXIT_INTERRUPTED;
    }
    if (what) return work_error("%s: %s", what, gm_ctx_message(ctx));
    work_error("%s", gm_ctx_message(ctx));
    return s == GM_EARG ? EXIT_USAGE : EXIT_WORK;
}

int app_work(gm_ctx *ctx, gm_status s)
{
    const int code = app_status(ctx, s, NULL);
    return code == EXIT_USAGE ? EXIT_WORK : code;
}

int app_load(gm_ctx *ctx, const char *path, gm_model **m)
{
    struct stat st;
    const bool folder = !stat(path, &st) && S_ISDIR(st.st_mode); /* of Hugging Face's: a GPT-2 */
    gm_status s = folder ? gm_gpt_load_hf(ctx, path, m) : maps ? gm_model_load_mapped(ctx, path, m) : gm_model_load(ctx, path, m);
    return app_work(ctx, s); /* a bad file is no bad argument */
}

int app_data(gm_ctx *ctx, const char *spec, gm_dataset **d) { return app_status(ctx, gm_dataset_open(ctx, spec, d), NULL); }
