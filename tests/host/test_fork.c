/* test_fork.c - a host that forks while others train: each child goes on with what it inherited, or starts anew, and answers in five seconds;
 * it frees what the parent made, and the parent goes on as if nothing had been. */
#include "host_test.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Load: a thread that trains on a context of its own, with a pool, all the time. */
typedef struct load { atomic_int stop; int runs, failed; } load;

static void *train_on(void *arg)
{
    load *l = arg;
    while (!atomic_load(&l->stop)) {
        gm_ctx *ctx = NULL;
        gm_model *m = NULL;
        l->failed |= ctx_of(2, &ctx) || trained(ctx, l->runs % 2 ? "rbm" : "vae", "steps=30 batch=8 seed=1", &m);
        l->runs++;
        gm_model_free(m);
        gm_ctx_free(ctx);
    }
    return NULL;
}

typedef struct inherited { gm_ctx *ctx; gm_model *vae, *gpt; gm_dataset *data; uint64_t sampled, trained, written; } inherited;

/* What a child does; 0 if all is as it was in the parent. */
static int child(inherited *p, int which)
{
    uint64_t h = 0;
    gm_ctx *own = NULL;
    gm_model *m = NULL;
    switch (which % 4) {
    case 0: /* draws from the parent's model on the parent's context, whose pool is the parent's */
        if (draw(p->ctx, p->vae, &h) || h != p->sampled) return 1;
        break;
    case 1: /* trains a copy */
        if (gm_model_copy(p->vae, &m) || gm_fit(m, p->data, "steps=5 batch=8 seed=3") || weights_hash(m) != p->trained) return 2;
        break;
    case 2: /* starts anew */
        if (ctx_of(2, &own) || trained(own, "vae", "steps=5 batch=8 seed=1", &m)) return 3;
        break;
    default: /* writes on a thread count of its own */
        if (gm_ctx_set_threads(p->ctx, 3) || draw(p->ctx, p->gpt, &h) || h != p->written) return 4;
    }
    gm_model_free(m);
    gm_ctx_free(own);
    gm_model_free(p->vae); /* what the parent made */
    gm_model_free(p->gpt);
    gm_dataset_free(p->data);
    gm_ctx_free(p->ctx);
    return 0;
}

START_TEST(forks_under_load)
{
    const int forks = SANITIZED ? 8 : long_run() ? 1000 : 50;
    inherited p = {0};
    gm_model *copy = NULL;
    pthread_t t[2];
    load l[2] = {{0}};
    double slowest = 0;
    ck_assert_int_eq(ctx_of(2, &p.ctx), GM_OK);
    OK(p.ctx, pictures(p.ctx, 40, &p.data));
    OK(p.ctx, trained(p.ctx, "vae", "steps=5 batch=8 seed=1", &p.vae));
    OK(p.ctx, trained(p.ctx, "gpt", "steps=3 batch=4 seed=1", &p.gpt));
    OK(p.ctx, draw(p.ctx, p.vae, &p.sampled));
    OK(p.ctx, draw(p.ctx, p.gpt, &p.written));
    OK(p.ctx, gm_model_copy(p.vae, &copy));
    OK(p.ctx, gm_fit(copy, p.data, "steps=5 batch=8 seed=3"));
    p.trained = weights_hash(copy);
    gm_model_free(copy);
    for (int i = 0; i < COUNT(t); i++) ck_assert_int_eq(pthread_create(&t[i], NULL, train_on, &l[i]), 0);
    for (int i = 0; i < forks; i++) {
        const double start = now();
        const pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (!pid) {
            alarm(SANITIZED ? 60 : 30); /* a hang is an answer, too */
            _exit(child(&p, i));
        }
        int status = -1;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "child %d: status 0x%x", i, (unsigned)status);
        if (now() - start > slowest) slowest = now() - start;
        if (i % 10 == 0) { /* the parent's own work between */
            uint64_t h = 0;
            OK(p.ctx, draw(p.ctx, p.vae, &h));
            ck_assert(h == p.sampled);
        }
    }
    for (int i = 0; i < COUNT(t); i++) atomic_store(&l[i].stop, 1);
    for (int i = 0; i < COUNT(t); i++) pthread_join(t[i], NULL);
    printf("%d forks beside %d trainings: the slowest child answered in %.2f s\n", forks, l[0].runs + l[1].runs, slowest);
    ck_assert_int_eq(l[0].failed + l[1].failed, 0);
    ck_assert_msg(SANITIZED || slowest < 5, "%g s", slowest);
    gm_model_free(p.vae);
    gm_model_free(p.gpt);
    gm_dataset_free(p.data);
    gm_ctx_free(p.ctx);
}
END_TEST

/* From the progress callback, in the midst of a training with a pool and a thread that prepares batches: the child leaves the run where it is and
 * works with another model; the parent's run ends with the bytes of one without a fork. */
typedef struct midst { gm_model *other; gm_ctx *ctx; uint64_t sampled; int forks, bad; } midst;

static int fork_here(const gm_progress *p, void *user)
{
    midst *v = user;
    if (p->step % 4) return 0;
    const pid_t pid = fork();
    if (!pid) {
        uint64_t h = 0;
        alarm(SANITIZED ? 60 : 30);
        _exit(draw(v->ctx, v->other, &h) || h != v->sampled);
    }
    int status = -1;
    v->bad |= pid < 0 || waitpid(pid, &status, 0) != pid || status;
    v->forks++;
    return 0;
}

START_TEST(fork_in_a_callback)
{
    midst v = {0};
    uint64_t alone = 0;
    gm_model *m = NULL;
    gm_dataset *d = NULL;
    gm_trainer *tr = NULL;
    ck_assert_int_eq(ctx_of(2, &v.ctx), GM_OK);
    OK(v.ctx, trained(v.ctx, "rbm", "steps=3 batch=8 seed=1", &v.other));
    OK(v.ctx, draw(v.ctx, v.other, &v.sampled));
    OK(v.ctx, trained(v.ctx, "vae", "steps=12 batch=8 seed=1", &m));
    alone = weights_hash(m);
    gm_model_free(m);
    OK(v.ctx, data_for(v.ctx, "vae", &d));
    OK(v.ctx, gm_model_new(v.ctx, "vae", small("vae"), &m));
    OK(v.ctx, gm_trainer_new(m, d, "steps=12 batch=8 seed=1", &tr));
    OK(v.ctx, gm_trainer_set_progress(tr, fork_here, &v, 0));
    OK(v.ctx, gm_trainer_run(tr));
    ck_assert_int_eq(v.bad, 0);
    ck_assert_int_ge(v.forks, 3);
    ck_assert(weights_hash(m) == alone);
    gm_trainer_free(tr);
    gm_dataset_free(d);
    gm_model_free(m);
    gm_model_free(v.other);
    gm_ctx_free(v.ctx);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {forks_under_load, fork_in_a_callback, NULL};
    return run_tests("fork", tests, 120);
}
