/* test_warm.c - a step of training that has been taken before asks nobody for anything: no allocation, no lock, no fresh page of memory.
 * Measurements may: a GAN's look at its health every hundred steps, what an epoch ends with. */
#include "models/texts.h"
#include <dlfcn.h>
#include <pthread.h>
#include <sys/resource.h>

enum { WARM = 40, STEPS = 20, ROUNDS = 6 };

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
enum { CAN_SEE = 0 };
static unsigned locks;
#else
enum { CAN_SEE = 1 };
static unsigned locks; /* taken by this program */
int pthread_mutex_lock(pthread_mutex_t *m)
{
    static int (*real)(pthread_mutex_t *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
    locks++;
    return real(m);
}
#endif

static uint64_t allocations(void)
{
    gm_memory m = {.struct_size = sizeof m};
    OK(gm_ctx_memory(ctx, &m));
    return m.allocations;
}

static long faults(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_minflt;
}

/* Check takes locks of its own at each of its assertions: none in here. */
static gm_status walk(gm_trainer *tr, int steps)
{
    gm_status s = GM_OK;
    for (int i = 0; i < steps && !s; i++) s = gm_trainer_step(tr, NULL);
    return s;
}

/* The system may take a page away in between, once: of some rounds of steps the best counts. */
static void stays_warm(const char *family, const char *options, gm_dataset *d, const char *training)
{
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    long least = STEPS;
    OK(gm_model_new(ctx, family, options, &m));
    OK(gm_trainer_new(m, d, training, &tr));
    OK(walk(tr, WARM));
    const uint64_t had = allocations();
    unsigned took = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const long before = faults();
        const unsigned held = locks;
        const gm_status s = walk(tr, STEPS);
        const long n = faults() - before;
        took += locks - held;
        if (n < least) least = n;
        ck_assert_int_eq(s, GM_OK);
    }
    const uint64_t has = allocations();
    ck_assert_msg(has == had, "%s: %d allocations in %d steps", family, (int)(has - had), ROUNDS * STEPS);
    ck_assert_msg(took == 0, "%s: %u locks in %d steps", family, took, ROUNDS * STEPS);
    ck_assert_msg(!CAN_SEE || least < STEPS, "%s: a page fault in each step, or more", family);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}

START_TEST(warm_steps)
{
    OK(gm_ctx_set_threads(ctx, 1));
    static char text[8192]; /* longer than all steps read: where an epoch ends lanes are laid out anew */
    for (size_t i = 0; i < sizeof text - 1; i++) text[i] = "the cat sat on the mat; the dog lay under it. "[i % 46];
    stays_warm("vae", "hidden=32 latent=4", pictures(64, 1), "steps=100000 batch=16 prefetch=off");
    stays_warm("gan", "generator='linear 32, bnorm, lrelu 0.2, linear 16' discriminator='linear 32, lrelu 0.2, linear 1' noise-dim=8 health=off", pictures(64, 1),
               "steps=100000 batch=16 prefetch=off");
    stays_warm("gan", "generator='linear 32, bnorm, lrelu 0.2, linear 16' discriminator='linear 32, lrelu 0.2, linear 1' noise-dim=8 loss=wasserstein penalty=gp health=off",
               pictures(64, 1), "steps=100000 batch=16 prefetch=off");
    stays_warm("rbm", "hidden=12 k=1", pictures(64, 1), "steps=100000 batch=16 prefetch=off");
    stays_warm("gpt", "depth=2 heads=2 embd=16 block=8 tokenizer=byte", text_of("text", text), "steps=100000 batch=4 prefetch=off");
    stays_warm("rnn", "cell=lstm hidden=16 depth=2 block=8 tokenizer=byte", text_of("text", text), "steps=100000 batch=4 prefetch=off");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("warm");
    TCase *t = tcase_create("warm");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, warm_steps);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
