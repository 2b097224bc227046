/* sort.h - texts in the order of their bytes. */
#ifndef GM_BASE_SORT_H
#define GM_BASE_SORT_H

#include <stddef.h>

void gm__sort_texts(const char **text, size_t n);

#endif
