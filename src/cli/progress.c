/* progress.c - a bar on a terminal, plain lines elsewhere, JSON lines on stdout if asked. */
#include "cli.h"
#include <math.h>
#include <string.h>

static void duration(char out[32], double s)
{
    if (!isfinite(s) || s > 360000) snprintf(out, 32, "--:--");
    else if (s >= 3600) snprintf(out, 32, "%d:%02d:%02d", (int)(s / 3600), (int)s / 60 % 60, (int)s % 60);
    else snprintf(out, 32, "%d:%02d", (int)(s / 60), (int)s % 60);
}

static void show_events(progress *p)
{
    gm_event e = {.struct_size = sizeof e};
    for (; p->events_shown < gm_trainer_event_count(p->trainer); p->events_shown++)
        if (!gm_trainer_event(p->trainer, p->events_shown, &e) && e.kind != GM_EVENT_BEST && !p->quiet) {
            progress_end(p);
            fprintf(stderr, "event at step %llu: %s\n", (unsigned long long)e.step, e.text);
        }
}

static void show_json(const gm_progress *g)
{
    printf("{\"epoch\":%llu,\"step\":%llu,\"loss\":", (unsigned long long)g->epoch, (unsigned long long)g->step);
    json_number(stdout, g->epoch_loss);
    if (isfinite(g->valid_loss)) printf(",\"valid_loss\":"), json_number(stdout, g->valid_loss);
    printf(",\"lr\":");
    json_number(stdout, g->lr);
    printf(",\"grad_norm\":");
    json_number(stdout, g->grad_norm);
    printf(",\"rows_per_second\":");
    json_number(stdout, g->rows_per_second);
    puts("}");
    fflush(stdout);
}

int progress_show(const gm_progress *g, void *user)
{
    progress *p = user;
    double done = g->steps ? (double)g->step / (double)g->steps : 0;
    char left[32];
    double loss = g->epoch_end && isfinite(g->epoch_loss) ? g->epoch_loss : g->loss; /* a whole epoch's mean at its end */
    if (isfinite(loss)) p->last_loss = loss;
    if (isfinite(g->valid_loss)) p->last_valid = g->valid_loss;
    show_events(p);
    if (p->json && g->epoch_end) show_json(g);
    if (p->quiet) return app_interrupted();
    uint64_t own = g->step - p->first_step; /* a resumed run began further on */
    duration(left, own ? g->seconds / (double)own * (double)(g->steps - g->step) : INFINITY);
    if (p->terminal) {
        char bar[31];
        int full = (int)(done * 30);
        memset(bar, '.', 30);
        memset(bar, '#', (size_t)(full > 30 ? 30 : full));
        bar[30] = 0;
        fprintf(stderr, "\r[%s] epoch %llu  step %llu/%llu  loss %.4f  %.0f rows/s  %s left ", bar, (unsigned long long)g->epoch,
                (unsigned long long)g->step, (unsigned long long)g->steps, loss, g->rows_per_second, left);
        if (isfinite(g->valid_loss)) fprintf(stderr, " valid %.4f ", g->valid_loss);
        p->drawn = true;
        if (g->epoch_end && isfinite(g->valid_loss)) progress_end(p);
    } else if (g->epoch_end) {
        fprintf(stderr, "epoch %llu  step %llu/%llu  loss %.4f", (unsigned long long)g->epoch, (unsigned long long)g->step, (unsigned long long)g->steps, loss);
        if (isfinite(g->valid_loss)) fprintf(stderr, "  valid %.4f", g->valid_loss);
        fprintf(stderr, "  grad %.3g  %.0f rows/s  %s left\n", g->grad_norm, g->rows_per_second, left);
    }
    return app_interrupted();
}

void progress_end(progress *p)
{
    if (p->drawn) fputc('\n', stderr);
    p->drawn = false;
}
