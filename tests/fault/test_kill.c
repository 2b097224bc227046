/* A process that saves over and over is killed at any moment: the file is one of its two versions, whole.
 * 30 kills; with GM_LONG=1 1,000 of a model and 1,000 of a checkpoint. */
#include "fault/folder.h"
#include <check.h>
#include <dirent.h>
#include <gm/gm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 1 << 20 };
static char want[2][ROOM], have[ROOM];
static size_t wanted[2];
static gm_ctx *ctx;

#define OK(call) ck_assert_msg((call) == GM_OK, "%s: %s", #call, gm_ctx_message(ctx))

static size_t slurp(const char *name, char *p)
{
    FILE *f = fopen(at(name), "rb");
    ck_assert_msg(f != NULL, "%s is gone", name);
    const size_t n = fread(p, 1, ROOM, f);
    fclose(f);
    ck_assert_uint_lt(n, ROOM);
    return n;
}

/* Two versions of a model or a checkpoint, of different sizes, large enough that a save takes many writes. */
static gm_model *model[2];
static gm_trainer *trainer[2];
static gm_dataset *data;

static gm_status save(int which, int checkpoint, const char *name)
{
    return checkpoint ? gm_trainer_save(trainer[which], at(name)) : gm_model_save(model[which], at(name));
}

static void make(void)
{
    static const char *const options[2] = {"shape=2 hidden=100,100 latent=2 seed=1", "shape=2 hidden=90,110 latent=3 seed=2"};
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    OK(gm_dataset_open(ctx, "synth:ring8,n=16,seed=1", &data));
    for (int i = 0; i < 2; i++) {
        OK(gm_model_new(ctx, "vae", options[i], &model[i]));
        OK(gm_trainer_new(model[i], data, "steps=9 batch=8", &trainer[i]));
        OK(gm_trainer_step(trainer[i], NULL));
    }
}

static void drop(void)
{
    for (int i = 0; i < 2; i++) gm_trainer_free(trainer[i]), gm_model_free(model[i]);
    gm_dataset_free(data);
    gm_ctx_free(ctx);
}

/* Temporaries that dead processes left; removes them. */
static int stale(void)
{
    DIR *d = opendir(folder);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));)
        if (!strncmp(e->d_name, ".file.gm-", 9)) n += unlink(at(e->d_name)) == 0;
    closedir(d);
    return n;
}

static void wait_us(long us) { nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL); }

START_TEST(killed_while_saving)
{
    const int checkpoint = _i, kills = getenv("GM_LONG") ? 1000 : 15;
    int seen[2] = {0, 0}, left = 0;
    unsigned seed = 1;
    make();
    for (int i = 0; i < 2; i++) {
        OK(save(i, checkpoint, "file"));
        wanted[i] = slurp("file", want[i]);
    }
    ck_assert_uint_ne(wanted[0], wanted[1]);
    for (int k = 0; k < kills; k++) {
        int ready[2];
        char byte;
        ck_assert_int_eq(pipe(ready), 0);
        const pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (!child) {
            for (int i = 0;; i = !i) {
                if (save(i, checkpoint, "file")) _exit(1);
                if (i && write(ready[1], "x", 1) != 1) _exit(2);
            }
        }
        close(ready[1]);
        ck_assert_int_eq(read(ready[0], &byte, 1), 1); /* it is at work */
        seed = seed * 1664525u + 1013904223u;
        wait_us((seed >> 8) % 3000);
        int how;
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &how, 0), child);
        ck_assert_msg(WIFSIGNALED(how), "the child ended by itself: %d", how);
        close(ready[0]);
        const size_t n = slurp("file", have);
        int is = -1;
        for (int i = 0; i < 2; i++)
            if (n == wanted[i] && !memcmp(have, want[i], n)) is = i;
        ck_assert_msg(is >= 0, "kill %d: %zu bytes that are neither version", k, n);
        seen[is]++;
        gm_model *m = NULL;
        if (k % 10 == 0) OK(gm_model_load(ctx, at("file"), &m));
        gm_model_free(m);
        const int now = stale();
        ck_assert_int_le(now, 1); /* a process has one temporary at most */
        left += now;
    }
    fprintf(stderr, "%s: %d kills, %d and %d times the one and the other, %d temporaries left\n", checkpoint ? "checkpoint" : "model", kills, seen[0], seen[1], left);
    if (kills >= 1000) ck_assert(seen[0] > 50 && seen[1] > 50 && left > 50); /* it was hit everywhere */
    drop();
}
END_TEST

/* What dead processes have left does not stand in the way, whoever gets their number. */
START_TEST(leftovers)
{
    char name[64];
    make();
    for (int i = 0; i < 150; i++) {
        snprintf(name, sizeof name, ".file.gm-%ld-%d.tmp", (long)getpid(), i);
        FILE *f = fopen(at(name), "w");
        ck_assert(f && !fclose(f));
    }
    OK(save(0, 0, "file"));
    ck_assert_int_eq(stale(), 150);
    drop();
}
END_TEST

int main(void)
{
    make_folder("kill");
    Suite *s = suite_create("kill");
    TCase *c = tcase_create("kill");
    tcase_set_timeout(c, 600);
    tcase_add_loop_test(c, killed_while_saving, 0, 2);
    tcase_add_test(c, leftovers);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    remove_folder();
    return failed;
}
