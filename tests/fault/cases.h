/* cases.h - what a host does with a model, repeated with the n-th allocation failing, once and from then on, for every n:
 * no crash, no leak, no false success; the next run works. */
#ifndef CASES_H
#define CASES_H

#include "fault.h"

#ifndef FEWEST
#define FEWEST 50 /* a program that allocates less often does not do what it says */
#endif

static char model_path[64], message[512]; /* a file of the test's own; what the last program said */

typedef gm_status program_fn(host *h, int which); /* gives the first failure */
static program_fn *program_;

START_TEST(every_allocation)
{
    for (int forever = 0; forever < 2; forever++) {
        host h = {0};
        ck_assert_msg(program_(&h, _i) == GM_OK, "%s", message);
        ck_assert_int_eq(h.live, 0);
        const long total = h.calls;
        long refused = 0;
        ck_assert_int_ge(total, FEWEST);
        for (long n = 1; n <= total; n++) {
            h = (host){.fail_at = n, .forever = forever};
            gm_status s = program_(&h, _i);
            ck_assert_msg(h.live == 0, "allocation %ld of %ld: %ld blocks leaked", n, total, h.live);
            ck_assert_msg(s == GM_OK || s == GM_ENOMEM, "allocation %ld of %ld: %s: %s", n, total, gm_status_name(s), message);
            ck_assert_msg(!forever || s == GM_ENOMEM, "allocation %ld and all later ones failed, and yet it succeeded", n);
            refused += s != GM_OK;
        }
        ck_assert_int_gt(refused, total * 9 / 10);
        h = (host){0};
        ck_assert_int_eq(program_(&h, _i), GM_OK);
    }
}
END_TEST

/* Context of one thread whose memory is h's. */
static gm_status host_ctx(host *h, gm_ctx **ctx)
{
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    c.alloc = take, c.dealloc = drop, c.alloc_user = h;
    return gm_ctx_new(&c, ctx);
}

/* Keeps what went wrong; a failure must say it. */
static void keep_message(gm_ctx *ctx, gm_status s)
{
    ck_assert_msg(!s || !ctx || strlen(gm_ctx_message(ctx)) > 0, "a failure without a message");
    snprintf(message, sizeof message, "%s", gm_ctx_message(ctx));
}

static int run_cases(const char *name, program_fn *program, int n)
{
    program_ = program;
    snprintf(model_path, sizeof model_path, "%s/gm_%s_%d", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", name, (int)getpid()); /* thousands of synced files */
    Suite *s = suite_create(name);
    TCase *c = tcase_create(name);
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, every_allocation, 0, n);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    unlink(model_path);
    return failed != 0;
}

#endif
