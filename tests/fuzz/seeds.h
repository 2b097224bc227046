/* seeds.h - the files of tests/fuzz/seeds/NAME, in the order of their names. */
#ifndef FUZZ_SEEDS_H
#define FUZZ_SEEDS_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct fuzz_seed {
    uint8_t *bytes;
    size_t n;
} fuzz_seed;

enum { SEEDS_MOST = 256, SEED_BYTES = 1 << 16 };

static int seed_wanted(const struct dirent *e) { return e->d_name[0] != '.'; }

/* Reads them into s[SEEDS_MOST]; returns how many, 0 if the folder cannot be read. Each lies in memory of its exact size. */
static size_t seeds_read(const char *target, fuzz_seed *s)
{
    char path[400];
    struct dirent **names = NULL;
    snprintf(path, sizeof path, "tests/fuzz/seeds/%s", target);
    int n = scandir(path, &names, seed_wanted, alphasort);
    size_t got = 0;
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "tests/fuzz/seeds/%s/%s", target, names[i]->d_name);
        free(names[i]);
        FILE *f = got < SEEDS_MOST ? fopen(path, "rb") : NULL;
        uint8_t *p = f ? malloc(SEED_BYTES) : NULL;
        if (p) {
            s[got].n = fread(p, 1, SEED_BYTES, f);
            s[got].bytes = realloc(p, s[got].n + !s[got].n);
            got++;
        }
        if (f) fclose(f);
    }
    free(names);
    return got;
}

static void seeds_free(fuzz_seed *s, size_t n)
{
    for (size_t i = 0; i < n; i++) free(s[i].bytes);
}

#endif
