/* texts.h - data sets of texts for the tests of language models. */
#ifndef TEXTS_H
#define TEXTS_H

#include "models/models_test.h"

/* kind: "text" or "lines" */
static inline gm_dataset *bytes_of(const char *kind, const void *text, size_t n)
{
    gm_dataset *d = NULL;
    char spec[200];
    FILE *f = fopen(at("text"), "wb");
    ck_assert_uint_eq(fwrite(text, 1, n, f), n);
    fclose(f);
    snprintf(spec, sizeof spec, "%s:%s", kind, at("text"));
    OK(gm_dataset_open(ctx, spec, &d));
    return d;
}

static inline gm_dataset *text_of(const char *kind, const char *text) { return bytes_of(kind, text, strlen(text)); }

#endif
