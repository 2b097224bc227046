/* Every constant of the public headers has a row in gm_constant. Reads the
 * headers, so it runs from the repository root. */
#include "base_test.h"
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Checks each `GM_NAME = ` of a header; macros and struct members have no such form. */
static int check_header(const char *path)
{
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    static char text[1 << 20];
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    int found = 0;
    for (char *p = text; (p = strstr(p, "GM_"));) {
        char name[64] = "", *q = p;
        while (isupper((unsigned char)*q) || isdigit((unsigned char)*q) || *q == '_') q++;
        if (q - p < 60) memcpy(name, p, (size_t)(q - p)), name[q - p] = 0;
        bool own = p == text || strchr(" ,{\n\t", p[-1]);
        p = q;
        while (*q == ' ') q++;
        if (!own || *q != '=' || name[strlen(name) - 1] == '_') continue;
        int64_t v = -1;
        ck_assert_msg(gm_constant(name, &v) == GM_OK, "%s of %s is missing: UPDATE=1 sh tests/checks/api.sh", name, path);
        q++;
        while (*q == ' ') q++;
        char *end;
        long want = strtol(q, &end, 0);
        if (end != q) ck_assert_msg(v == want, "%s is %lld, %s says %ld", name, (long long)v, path, want);
        found++;
    }
    return found;
}

START_TEST(headers)
{
    DIR *d = opendir("include/gm");
    ck_assert_msg(d != NULL, "run from the repository root");
    int found = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char path[300];
        size_t n = strlen(e->d_name);
        if (n < 3 || strcmp(e->d_name + n - 2, ".h")) continue;
        snprintf(path, sizeof path, "include/gm/%s", e->d_name);
        found += check_header(path);
    }
    closedir(d);
    ck_assert_int_gt(found, 30);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { headers, NULL };
    return run_tests("constants", tests);
}
