/* base_test.h - what the tests of src/base share. They link without the
 * kernels, so that they stand when anything above base is broken. */
#ifndef BASE_TEST_H
#define BASE_TEST_H

#include "base/base.h"
#include <check.h>

const struct gm__kern *gm__kern_table(int level);
const struct gm__kern *gm__kern_table(int level)
{
    static const char tables[3];
    return (const struct gm__kern *)(const void *)&tables[level];
}

/* Runs a list of tests that ends with NULL. */
static int run_tests(const char *name, const TTest *const *tests)
{
    Suite *s = suite_create(name);
    TCase *c = tcase_create(name);
    tcase_set_timeout(c, 120);
    for (; *tests; tests++) tcase_add_test(c, *tests);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

#endif
