/* compare.h - the measures of gm_eval that no family need have of its own: samples beside data for all that draw, reconstructions beside
 * their rows for all that reconstruct. */
#ifndef GM_MODELS_COMPARE_H
#define GM_MODELS_COMPARE_H

#include "models/model.h"

enum { GM__FEATURES_RAW = 0, GM__FEATURES_CLASSIFIER = 1 };

/* What several measures share: both sets are made once, and so are results that come together. */
typedef struct gm__compare {
    gm_model *m;
    gm_dataset *d;
    const gm__eval_cfg *cfg;
    gm_tensor *data, *samples;        /* [n, ..]: rows, or their features */
    gm_model *classifier;             /* that makes the features, or NULL */
    double prdc[4], prdc_error[4], modes[3];
    int64_t modes_n;                  /* samples that modes were counted of; 0: not yet */
    bool have_prdc;
} gm__compare;

typedef struct gm__versus {
    const char *name, *unit;
    gm_status (*measure)(gm__compare *c, gm_measure *out); /* value, error, note, rows */
} gm__versus;

const gm__versus *gm__versus_find(const char *name, size_t n); /* NULL if unknown */
const gm__versus *gm__versus_at(size_t i);                      /* NULL past the end */
gm_status gm__compare_run(gm__compare *c, const gm__versus *v, gm_measure *out);
void gm__compare_free(gm__compare *c);

const gm__metric *gm__likeness_at(const gm_model *m, size_t i); /* psnr, ssim; NULL past the end, and where the model cannot reconstruct */

#endif
