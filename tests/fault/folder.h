/* folder.h - a test's own folder, in memory where there is such a place, and names in it. */
#ifndef FOLDER_H
#define FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];

static inline const char *at(const char *name)
{
    static char text[8][4400]; /* names that are too long are among the cases */
    static int k;
    k = (k + 1) % 8;
    snprintf(text[k], sizeof text[k], "%s/%s", folder, name);
    return text[k];
}

static inline void make_folder(const char *name)
{
    snprintf(folder, sizeof folder, "%s/gm_%s_XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", name);
    if (!mkdtemp(folder)) exit(1); /* no ck_assert: main may call this */
}

static inline void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command)) exit(1);
}

#endif
