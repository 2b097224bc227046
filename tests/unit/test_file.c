/* Whole files in, atomic replacement out, every system call failing in turn. */
#include "base/file.h"
#include "base_test.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gm_ctx *ctx;
static char folder[64], path[128];

static void setup(void)
{
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    strcpy(folder, "/tmp/gm_test_file_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.bin", folder);
}

/* Names in the folder apart from `but`; removes all when asked. */
static int others(const char *but, int clean)
{
    DIR *d = opendir(folder);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char p[400];
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        snprintf(p, sizeof p, "%s/%s", folder, e->d_name);
        n += strcmp(e->d_name, but) != 0;
        if (clean && unlink(p)) rmdir(p);
    }
    closedir(d);
    return n;
}

static void finish(void)
{
    others("", 1);
    ck_assert_int_eq(rmdir(folder), 0);
    gm_ctx_free(ctx);
}

static void content_is(const char *want)
{
    uint8_t *p;
    size_t n;
    ck_assert_int_eq(gm__file_read(ctx, path, 1 << 20, &p, &n), GM_OK);
    ck_assert_uint_eq(n, strlen(want));
    ck_assert_str_eq((char *)p, want);
    gm__free(ctx, p);
}

static void message_ends(const char *end)
{
    const char *m = gm_ctx_message(ctx);
    ck_assert_msg(strlen(m) >= strlen(end) && !strcmp(m + strlen(m) - strlen(end), end), "%s", m);
}

START_TEST(writes_and_reads)
{
    setup();
    ck_assert_int_eq(gm__file_write(ctx, path, "one", 3), GM_OK);
    content_is("one");
    ck_assert_int_eq(gm__file_write(ctx, path, "", 0), GM_OK);
    content_is("");
    size_t n = 300001, got;
    uint8_t *big = malloc(n), *back;
    for (size_t i = 0; i < n; i++) big[i] = (uint8_t)(i * 2654435761u >> 13);
    static const size_t pieces[] = { 1, 7, 1000, 65535, 65536, 65537, 300001 };
    for (size_t k = 0; k < GM__COUNT(pieces); k++) {
        gm__out *o;
        ck_assert_int_eq(gm__out_open(ctx, path, &o), GM_OK);
        for (size_t at = 0; at < n; at += pieces[k]) ck_assert_int_eq(gm__out_write(o, big + at, at + pieces[k] < n ? pieces[k] : n - at), GM_OK);
        ck_assert_int_eq(gm__out_commit(o), GM_OK);
        ck_assert_int_eq(gm__file_read(ctx, path, n, &back, &got), GM_OK);
        ck_assert(got == n && !memcmp(back, big, n) && !back[n]);
        gm__free(ctx, back);
    }
    ck_assert_int_eq(gm__file_read(ctx, path, n - 1, &back, &got), GM_ELIMIT);
    message_ends("300001 bytes, more than the limit of 300000");
    ck_assert_ptr_null(back);
    ck_assert_int_eq(others("model.bin", 0), 0);
    free(big);
    finish();
}
END_TEST

START_TEST(relative_and_long_names)
{
    setup();
    char old[1000];
    ck_assert_ptr_nonnull(getcwd(old, sizeof old));
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(gm__file_write(ctx, "plain", "x", 1), GM_OK);
    char name[256];
    memset(name, 'n', 255);
    name[255] = 0;
    ck_assert_int_eq(gm__file_write(ctx, name, "x", 1), GM_OK); /* its temporary must be shorter */
    ck_assert_int_eq(chdir(old), 0);
    ck_assert_int_eq(others("plain", 0), 1);
    finish();
}
END_TEST

START_TEST(refuses)
{
    setup();
    uint8_t *p;
    size_t n;
    gm__out *o;
    ck_assert_int_eq(gm__file_read(ctx, path, 10, &p, &n), GM_EIO);
    message_ends("/model.bin: No such file or directory");
    ck_assert_int_eq(gm__file_read(ctx, folder, 10, &p, &n), GM_EIO);
    message_ends(": not a regular file");
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(gm__file_read(ctx, path, 10, &p, &n), GM_EIO); /* and does not wait for a writer */
    message_ends("/model.bin: not a regular file");
    ck_assert_int_eq(gm__out_open(ctx, path, &o), GM_EIO);
    message_ends("/model.bin: not a regular file");
    ck_assert_int_eq(gm__file_read(ctx, "/dev/zero", 10, &p, &n), GM_EIO);
    ck_assert_int_eq(gm__out_open(ctx, "/dev/null", &o), GM_EIO);
    message_ends("/dev/null: not a regular file");
    ck_assert_int_eq(gm__out_open(ctx, folder, &o), GM_EIO);
    message_ends(": not a regular file");
    ck_assert_int_eq(gm__out_open(ctx, "/nonexistent/dir/file", &o), GM_EIO);
    ck_assert_str_eq(gm_ctx_message(ctx), "/nonexistent/dir/file: No such file or directory");
    ck_assert_int_eq(gm__out_open(ctx, "", &o), GM_EARG);
    ck_assert_int_eq(gm__out_open(ctx, NULL, &o), GM_EARG);
    ck_assert_ptr_null(o);
    gm__out_abort(NULL);
    char tmp[24];
    ck_assert_str_eq(gm__errno_text(ENOSPC, tmp), "No space left on device");
    ck_assert_str_eq(gm__errno_text(12345, tmp), "error 12345");
    finish();
}
END_TEST

START_TEST(mode_and_links)
{
    setup();
    struct stat st;
    mode_t mask = umask(027);
    ck_assert_int_eq(gm__file_write(ctx, path, "a", 1), GM_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0640);
    ck_assert_int_eq(chmod(path, 0604), 0);
    ck_assert_int_eq(gm__file_write(ctx, path, "b", 1), GM_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0604);
    umask(mask);
    char link[128];
    snprintf(link, sizeof link, "%s/link", folder);
    ck_assert_int_eq(symlink(path, link), 0);
    ck_assert_int_eq(gm__file_write(ctx, link, "c", 1), GM_OK);
    content_is("b"); /* the name was replaced, not what it pointed to */
    finish();
}
END_TEST

START_TEST(abort_leaves_the_old_file)
{
    setup();
    ck_assert_int_eq(gm__file_write(ctx, path, "old", 3), GM_OK);
    gm__out *o, *o2;
    ck_assert_int_eq(gm__out_open(ctx, path, &o), GM_OK);
    ck_assert_int_eq(gm__out_open(ctx, path, &o2), GM_OK); /* two writers: two temporaries */
    ck_assert_int_eq(others("model.bin", 0), 2);
    gm__out_write(o, "new", 3);
    gm__out_write(o2, "other", 5);
    gm__out_abort(o);
    content_is("old");
    ck_assert_int_eq(gm__out_commit(o2), GM_OK);
    content_is("other");
    ck_assert_int_eq(others("model.bin", 0), 0);
    finish();
}
END_TEST

/* ---- the n-th call fails -------------------------------------------------------------- */

static int fail_at, fail_how, call_count, for_good;
static int failing(int call)
{
    int n = call_count++;
    if (fail_how < 0 && call != GM__F_READ && call != GM__F_WRITE) return 0;
    return n == fail_at || (for_good && n > fail_at && call != GM__F_UNLINK) ? fail_how : 0;
}

static int open_files(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static gm_status save(const char *text, size_t big)
{
    gm__out *o;
    gm_status s = gm__out_open(ctx, path, &o);
    if (s) return s;
    char *block = calloc(1, big + 1);
    s = gm__out_write(o, text, strlen(text));
    if (big) {
        memset(block, 'x', big);
        gm__out_write(o, block, big); /* a failure here sticks until commit */
    }
    free(block);
    GM__UNUSED(s);
    return gm__out_commit(o);
}

START_TEST(every_call_fails)
{
    setup();
    static const int how[] = { EIO, ENOSPC, EACCES, EINTR, -1 };
    int fds = open_files(), refused = 0;
    for (size_t big = 0; big <= 100000; big += 100000)
        for (for_good = 0; for_good < 2; for_good++)
            for (size_t h = 0; h < GM__COUNT(how); h++) {
                if (for_good && how[h] == EINTR) continue; /* a signal storm without end */
                for (fail_at = 0;; fail_at++) {
                    ck_assert_int_eq(gm__file_write(ctx, path, "old", 3), GM_OK);
                    fail_how = how[h];
                    call_count = 0;
                    gm__file_test_hook = failing;
                    gm_status s = save("new", big);
                    gm__file_test_hook = NULL;
                    bool reached = call_count > fail_at;
                    uint8_t *p;
                    size_t n;
                    ck_assert_int_eq(gm__file_read(ctx, path, 1 << 20, &p, &n), GM_OK);
                    bool is_old = n == 3 && !memcmp(p, "old", 3), is_new = n == 3 + big && !memcmp(p, "new", 3);
                    gm__free(ctx, p);
                    ck_assert_msg(is_old || is_new, "call %d, %d: neither old nor new", fail_at, how[h]);
                    ck_assert_int_eq(others("model.bin", 0), 0);
                    ck_assert_int_eq(open_files(), fds);
                    if (s) ck_assert_int_eq(s, GM_EIO);
                    if (s) refused++;
                    else ck_assert_msg(is_new, "call %d, %d: success, but the old file", fail_at, how[h]);
                    if (how[h] == EINTR || how[h] == -1) ck_assert_int_eq(s, GM_OK);
                    /* only the last, the sync of the folder, may fail with the new file in place */
                    if (s && is_new) ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), "folder could not be synced"));
                    if (!reached) break;
                }
            }
    ck_assert_int_gt(refused, 30);
    finish();
}
END_TEST

START_TEST(every_call_of_reading_fails)
{
    setup();
    ck_assert_int_eq(gm__file_write(ctx, path, "some content", 12), GM_OK);
    int fds = open_files();
    static const int how[] = { EIO, EINTR, -1 };
    for_good = 0;
    for (size_t h = 0; h < 3; h++)
        for (fail_at = 0; fail_at < 5; fail_at++) {
            fail_how = how[h];
            call_count = 0;
            uint8_t *p;
            size_t n;
            gm__file_test_hook = failing;
            gm_status s = gm__file_read(ctx, path, 100, &p, &n);
            gm__file_test_hook = NULL;
            ck_assert_int_eq(open_files(), fds);
            if (how[h] == EIO && fail_at < 3) {
                ck_assert_int_eq(s, GM_EIO);
                message_ends("/model.bin: Input/output error");
                ck_assert_ptr_null(p);
                continue;
            }
            ck_assert_int_eq(s, GM_OK);
            ck_assert(n == 12 && !strcmp((char *)p, "some content"));
            gm__free(ctx, p);
        }
    finish();
}
END_TEST

static int shrink(int call)
{
    if (call == GM__F_READ) ck_assert_int_eq(truncate(path, 5), 0);
    return 0;
}

START_TEST(file_that_shrinks)
{
    setup();
    uint8_t *p;
    size_t n;
    ck_assert_int_eq(gm__file_write(ctx, path, "some content", 12), GM_OK);
    gm__file_test_hook = shrink;
    gm_status s = gm__file_read(ctx, path, 100, &p, &n);
    gm__file_test_hook = NULL;
    ck_assert_int_eq(s, GM_EIO);
    message_ends("became shorter while it was read");
    finish();
}
END_TEST

START_TEST(out_of_memory)
{
    setup();
    uint8_t *p;
    size_t n;
    gm__out *o;
    ck_assert_int_eq(gm__file_write(ctx, path, "old", 3), GM_OK);
    gm_memory m = { .struct_size = sizeof m }, end = m;
    gm_ctx_memory(ctx, &m);
    for (uint64_t room = 0; room < 70000; room = room < 2000 ? room + 50 : room + 65000) {
        ctx->cfg.max_bytes = m.live_bytes + room + 1;
        gm_status s = gm__out_open(ctx, path, &o);
        if (s) ck_assert_int_eq(s, GM_ENOMEM);
        gm__out_abort(o);
        s = gm__file_read(ctx, path, 10, &p, &n);
        if (s) ck_assert_int_eq(s, GM_ENOMEM);
        gm__free(ctx, p);
    }
    ctx->cfg.max_bytes = 0;
    gm_ctx_memory(ctx, &end);
    ck_assert_uint_eq(end.live_bytes, m.live_bytes);
    ck_assert_int_eq(others("model.bin", 0), 0);
    content_is("old");
    finish();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { writes_and_reads, relative_and_long_names, refuses, mode_and_links, abort_leaves_the_old_file,
                                   every_call_fails, every_call_of_reading_fails, file_that_shrinks, out_of_memory, NULL };
    return run_tests("file", tests);
}
