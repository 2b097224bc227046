/* sort.c - texts in the order of their bytes. */
#include "base/sort.h"
#include <string.h>

static void sift(const char **text, size_t i, size_t n)
{
    for (size_t k; (k = 2 * i + 1) < n; i = k) {
        if (k + 1 < n && strcmp(text[k + 1], text[k]) > 0) k++;
        if (strcmp(text[k], text[i]) <= 0) return;
        const char *t = text[i];
        text[i] = text[k];
        text[k] = t;
    }
}

/* With a heap: no memory, and never slow. */
void gm__sort_texts(const char **text, size_t n)
{
    for (size_t i = n / 2; i--;) sift(text, i, n);
    for (size_t i = n; i-- > 1;) {
        const char *t = text[0];
        text[0] = text[i];
        text[i] = t;
        sift(text, 0, i);
    }
}
