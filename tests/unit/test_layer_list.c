/* test_layer_list.c - the table of layers as hosts read it: each layer says how it is written and what it does. */
#include <check.h>
#include <gm/gm.h>
#include <string.h>

START_TEST(every_layer_says_what_it_does)
{
    gm_layer l = { .struct_size = sizeof l };
    int32_t n = 0;
    for (; gm_layer_at(n, &l) == GM_OK; n++) {
        ck_assert_msg(strlen(l.help) > 5 && !strchr(l.help, '\n'), "%s: no help", l.name);
        ck_assert_msg(!strncmp(l.usage, l.name, strlen(l.name)), "%s: %s", l.name, l.usage);
        ck_assert_msg(strlen(l.usage) + 1 < sizeof l.usage && strlen(l.settings) + 1 < sizeof l.settings, "%s: no room for its settings", l.name);
        if (!strcmp(l.name, "linear")) ck_assert(!strncmp(l.usage, "linear N [nobias] [init=RULE]", 29) && strstr(l.settings, "N: an output size, 1 to 16777216"));
        if (!strcmp(l.name, "lrelu")) ck_assert(!strcmp(l.usage, "lrelu [X]") && !strcmp(l.settings, "X: a slope, 0 to 1 (0.01)"));
        if (!strcmp(l.name, "cat")) ck_assert_str_eq(l.usage, "cat( LAYERS | LAYERS .. )");
        if (!strcmp(l.name, "reshape")) ck_assert_str_eq(l.usage, "reshape N ..");
        if (!strcmp(l.name, "relu")) ck_assert_str_eq(l.settings, "");
    }
    ck_assert_int_ge(n, 17);
    ck_assert_int_eq(gm_layer_at(n, &l), GM_END);
    ck_assert_int_eq(gm_layer_at(INT32_MAX, &l), GM_END);
    ck_assert_int_eq(gm_layer_at(-1, &l), GM_EARG);
    ck_assert_int_eq(gm_layer_at(0, NULL), GM_EARG);
}
END_TEST

START_TEST(smaller_structs_of_older_hosts)
{
    struct { gm_layer l; char after[8]; } s;
    memset(&s, 0x55, sizeof s);
    s.l.struct_size = offsetof(gm_layer, usage);
    ck_assert_int_eq(gm_layer_at(0, &s.l), GM_OK);
    ck_assert_str_eq(s.l.name, "linear");
    ck_assert_int_eq(s.l.usage[0], 0x55);
    s.l.struct_size = 4;
    ck_assert_int_eq(gm_layer_at(0, &s.l), GM_EARG);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("layer_list");
    TCase *c = tcase_create("layer_list");
    tcase_add_test(c, every_layer_says_what_it_does);
    tcase_add_test(c, smaller_structs_of_older_hosts);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
