/* fault.h - a host whose memory fails at the n-th request, once or from then on. */
#ifndef FAULT_H
#define FAULT_H

#include <check.h>
#include <gm/gm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct host { long calls, live, fail_at; int forever; } host;

static void *take(void *user, size_t size)
{
    host *h = user;
    long n = __atomic_add_fetch(&h->calls, 1, __ATOMIC_RELAXED);
    if (h->fail_at && (n == h->fail_at || (h->forever && n > h->fail_at))) return NULL;
    void *p = malloc(size);
    if (p) __atomic_add_fetch(&h->live, 1, __ATOMIC_RELAXED);
    return p;
}

static void drop(void *user, void *p)
{
    host *h = user;
    __atomic_sub_fetch(&h->live, 1, __ATOMIC_RELAXED);
    free(p);
}

#endif
