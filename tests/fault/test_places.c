/* Where files may not go and what may not be read: full disks, folders that take nothing, names that are none, things that
 * are no files. One clear line each, the old file stays, nothing is left. */
#include "fault/folder.h"
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <gm/gm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static gm_ctx *ctx;
static gm_model *model;
static gm_trainer *trainer;
static gm_dataset *rings;
static gm_tensor *table;

#define OK(call) ck_assert_msg((call) == GM_OK, "%s: %s", #call, gm_ctx_message(ctx))

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert(f && fputs(text, f) >= 0 && !fclose(f));
}

static int has(const char *path, const char *text)
{
    char b[100] = "";
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    const size_t n = fread(b, 1, sizeof b - 1, f);
    fclose(f);
    return n == strlen(text) && !strcmp(b, text);
}

static int count(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));) n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(d);
    return n;
}

/* ---- everything that writes, everything that reads -------------------------------------------------------------- */

static gm_status write_model(const char *p) { return gm_model_save(model, p); }
static gm_status write_checkpoint(const char *p) { return gm_trainer_save(trainer, p); }
static gm_status write_npy(const char *p) { return gm_npy_write(table, p); }
static gm_status write_npz(const char *p) { return gm_npz_write(ctx, p, 1, (const char *const[]){"x"}, &table, 0); }
static gm_status write_png(const char *p) { return gm_png_write(table, 1, p); }
static gm_status (*const writers[])(const char *) = {write_model, write_checkpoint, write_npy, write_npz, write_png};

static gm_status read_model(const char *p)
{
    gm_model *m = NULL;
    gm_status s = gm_model_load(ctx, p, &m);
    gm_model_free(m);
    return s;
}

static gm_status read_checkpoint(const char *p)
{
    gm_trainer *tr = NULL;
    gm_status s = gm_trainer_resume(ctx, p, rings, NULL, NULL, &tr);
    gm_trainer_free(tr);
    return s;
}

static gm_status read_npy(const char *p)
{
    gm_tensor *t = NULL;
    gm_status s = gm_npy_read(ctx, p, &t);
    gm_tensor_free(t);
    return s;
}

static gm_status read_csv(const char *p)
{
    char spec[5200];
    gm_dataset *d = NULL;
    snprintf(spec, sizeof spec, "csv:%s", p);
    gm_status s = gm_dataset_open(ctx, spec, &d);
    gm_dataset_free(d);
    return s;
}
static gm_status (*const readers[])(const char *) = {read_model, read_checkpoint, read_npy, read_csv};
enum { WRITERS = sizeof writers / sizeof *writers, READERS = sizeof readers / sizeof *readers };

/* The call fails with GM_EIO and one line that holds the text. */
static void refused(gm_status s, const char *says)
{
    const char *m = gm_ctx_message(ctx);
    ck_assert_msg(s == GM_EIO, "%s: %s", gm_status_name(s), m);
    ck_assert_msg(strstr(m, says) && !strchr(m, '\n'), "message '%s' lacks '%s'", m, says);
}

START_TEST(no_such_place)
{
    char name[4200], link[128];
    memset(name, 'n', 300), name[300] = 0;
    put(at("file"), "old");
    mkdir(at("folder"), 0700);
    ck_assert_int_eq(symlink("loop", at("loop")), 0);
    snprintf(link, sizeof link, "%s", at("file"));
    ck_assert_int_eq(mkfifo(at("fifo"), 0600), 0);
    const int files = count(folder);
    for (int i = 0; i < WRITERS; i++) {
        refused(writers[i](at("missing/file")), "No such file or directory");
        refused(writers[i](at("file/file")), "Not a directory");
        refused(writers[i](at("folder")), "not a regular file");
        refused(writers[i](at("fifo")), "not a regular file");
        refused(writers[i](at("loop/file")), "Too many levels");
        refused(writers[i](at(name)), "File name too long");
        refused(writers[i]("/dev/full"), "not a regular file");
        refused(writers[i]("/dev/null"), "not a regular file");
        ck_assert_int_eq(writers[i](""), GM_EARG);
        ck_assert_int_eq(count(folder), files);
    }
    for (int i = 0; i < READERS; i++) {
        refused(readers[i](at("missing")), "No such file or directory");
        refused(readers[i](at("missing/file")), "No such file or directory");
        refused(readers[i](at("file/file")), "Not a directory");
        refused(readers[i](at("folder")), "not a regular file");
        refused(readers[i](at("fifo")), "not a regular file");
        refused(readers[i](at("loop")), "Too many levels");
        refused(readers[i](at(name)), "File name too long");
        refused(readers[i]("/dev/null"), "not a regular file");
    }
    memset(name, '/', 4100), name[4100] = 0; /* a path too long in all */
    memcpy(name, folder, strlen(folder));
    name[4100 - 1] = 'x';
    for (int i = 0; i < WRITERS; i++) refused(writers[i](name), "File name too long");
}
END_TEST

/* A name with a line in it is a name; the message stays one line. */
START_TEST(odd_names)
{
    static const char *const names[] = {"two\nlines", "\x01\x1b[31m", "\xff\xfe", "*?[]{}$HOME;rm", "-n", " ", "ends in .", "%s%n%d", "\xc3\xa9.npy"};
    char path[128];
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        snprintf(path, sizeof path, "%s", at(names[k]));
        for (int i = 0; i < WRITERS; i++) OK(writers[i](path));
        OK(write_npy(path));
        OK(read_npy(path));
        OK(write_model(path));
        OK(read_model(path));
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(read_model(path), GM_EIO);
        ck_assert_msg(!strchr(gm_ctx_message(ctx), '\n'), "%s", gm_ctx_message(ctx));
        put(path, "no model, no table");
        ck_assert_int_eq(read_model(path), GM_EFORMAT);
        ck_assert_msg(!strchr(gm_ctx_message(ctx), '\n'), "%s", gm_ctx_message(ctx));
        ck_assert_int_eq(unlink(path), 0);
    }
}
END_TEST

/* A link is replaced by the file, what it pointed to stays; reading goes through it. */
START_TEST(links)
{
    put(at("target"), "old");
    ck_assert_int_eq(symlink(at("target"), at("link")), 0);
    for (int i = 0; i < WRITERS; i++) {
        OK(writers[i](at("link")));
        ck_assert(has(at("target"), "old"));
    }
    OK(write_model(at("target")));
    unlink(at("link"));
    ck_assert_int_eq(symlink(at("target"), at("link")), 0);
    OK(read_model(at("link")));
    ck_assert_int_eq(symlink(at("nowhere"), at("dangling")), 0);
    refused(read_model(at("dangling")), "No such file");
    OK(write_model(at("dangling")));
    OK(read_model(at("dangling")));
}
END_TEST

/* The largest file is of 100 bytes: every write past it fails. */
START_TEST(files_of_a_hundred_bytes)
{
    struct rlimit old, small = {100, 100};
    signal(SIGXFSZ, SIG_IGN); /* the host's business; the library never touches signals */
    for (int i = 0; i < WRITERS; i++) put(at("file"), "old"), OK(writers[i](at("file")));
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    put(at("file"), "old");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < WRITERS; i++)
        if (writers[i] != write_png) refused(writers[i](at("file")), "File too large"); /* the picture has 70 */
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert(has(at("file"), "old") || access(at("file"), F_OK) == 0);
    ck_assert_int_eq(count(folder), 1);
}
END_TEST

/* Who may not write in a folder, or not read a file. */
START_TEST(forbidden)
{
    put(at("secret"), "x");
    mkdir(at("closed"), 0755);
    put(at("closed/file"), "old");
    chmod(folder, 0755);
    chmod(at("closed"), 0555);
    chmod(at("secret"), 0);
    if (geteuid() == 0 && seteuid(65534)) return; /* root may do all: be nobody */
    for (int i = 0; i < WRITERS; i++) {
        refused(writers[i](at("closed/file")), "Permission denied");
        refused(writers[i](at("closed/new")), "Permission denied");
    }
    for (int i = 0; i < READERS; i++) refused(readers[i](at("secret")), "Permission denied");
    ck_assert(has(at("closed/file"), "old"));
    if (getuid() == 0) ck_assert_int_eq(seteuid(0), 0);
    chmod(at("closed"), 0755);
    ck_assert_int_eq(count(at("closed")), 1);
}
END_TEST

/* A disk of 64 KiB, where root may make one. */
START_TEST(full_disk)
{
    char path[128];
    gm_tensor *big = NULL;
    mkdir(at("disk"), 0700);
    if (mount("tmpfs", at("disk"), "tmpfs", 0, "size=65536")) {
        fprintf(stderr, "full_disk: skipped: %s\n", strerror(errno));
        return;
    }
    snprintf(path, sizeof path, "%s", at("disk/file"));
    put(path, "old");
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){256, 128}, &big));
    const gm_status s = gm_npy_write(big, path);
    const int old = has(path, "old"), left = count(at("disk"));
    gm_tensor_free(big);
    umount(at("disk"));
    refused(s, "No space left on device");
    ck_assert(old);
    ck_assert_int_eq(left, 1);
}
END_TEST

static void setup(void)
{
    gm_ctx_config c;
    gm_model *m = NULL;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    ck_assert_int_eq(gm_ctx_new(&c, &ctx), GM_OK);
    make_folder("places");
    OK(gm_dataset_open(ctx, "synth:ring8,n=16,seed=1", &rings));
    OK(gm_model_new(ctx, "vae", "shape=1,4,4 hidden=3 latent=2", &model));
    OK(gm_model_new(ctx, "ae", "hidden=3 latent=2", &m));
    OK(gm_trainer_new(m, rings, "steps=4 batch=8", &trainer));
    OK(gm_trainer_step(trainer, NULL));
    gm_model_free(m);
    OK(gm_tensor_new(ctx, GM_F32, 3, (int64_t[]){1, 5, 4}, &table));
}

static void finish(void)
{
    gm_tensor_free(table);
    gm_trainer_free(trainer);
    gm_model_free(model);
    gm_dataset_free(rings);
    gm_ctx_free(ctx);
    remove_folder();
}

int main(void)
{
    Suite *s = suite_create("places");
    TCase *c = tcase_create("places");
    tcase_add_checked_fixture(c, setup, finish);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, no_such_place);
    tcase_add_test(c, odd_names);
    tcase_add_test(c, links);
    tcase_add_test(c, files_of_a_hundred_bytes);
    tcase_add_test(c, forbidden);
    tcase_add_test(c, full_disk);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL); /* a process each: limits and identities are a process's */
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
