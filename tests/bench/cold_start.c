/* cold_start.c - what loading the library and making a context costs a process: this program, started again and again.
 * Prints three JSON lines: processor time (median and least, ms) and resident memory (bytes). */
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STARTS = 41 };

static int ascending(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }
static double ms(struct timeval t) { return 1e3 * (double)t.tv_sec + 1e-3 * (double)t.tv_usec; }
static void line(const char *metric, double value, const char *unit)
{
    printf("{\"workload\":\"footprint\",\"peer\":\"libgm\",\"threads\":0,\"metric\":\"%s\",\"value\":%g,\"unit\":\"%s\",\"n\":%d}\n", metric, value, unit, STARTS);
}

int main(int argc, char **argv)
{
    double t[STARTS], resident = 0;
    if (argc > 1) { /* started by itself */
        gm_ctx *ctx = NULL;
        gm_status s = gm_ctx_new(NULL, &ctx);
        gm_ctx_free(ctx);
        return s != GM_OK;
    }
    for (int i = 0; i < STARTS; i++) {
        struct rusage used;
        int status = 1;
        pid_t child = fork();
        if (child == 0) {
            execl(argv[0], argv[0], "start", (char *)NULL);
            _exit(127);
        }
        if (child < 0 || wait4(child, &status, 0, &used) != child || status) return 1;
        t[i] = ms(used.ru_utime) + ms(used.ru_stime);
        resident = 1024.0 * (double)used.ru_maxrss;
    }
    qsort(t, STARTS, sizeof *t, ascending);
    line("cold start, median", t[STARTS / 2], "ms");
    line("cold start, least", t[0], "ms");
    line("resident", resident, "bytes");
    return 0;
}
