/* report.h - the report of a run: report.c decides when it is written and what it shows,
 * report_pictures.c draws from the model, report_page.c writes the page. */
#ifndef GM_MODELS_REPORT_H
#define GM_MODELS_REPORT_H

#include "io/html.h"
#include "models/trainer.h"

enum { GM__REPORT_STRIPS = 8, GM__REPORT_NOTES = 16, GM__REPORT_CLOUD = 600, GM__REPORT_FEATURES = 24, GM__REPORT_INSIDE = 4,
       GM__REPORT_BINS = 61 };

typedef struct gm__strip { int64_t step; bool saved; gm__buf png; } gm__strip; /* a few samples as they were at a step */

/* Points in the plane, and which class each is of. */
typedef struct gm__cloud {
    double x[GM__REPORT_CLOUD], y[GM__REPORT_CLOUD];
    int32_t class[GM__REPORT_CLOUD];
    size_t n;
} gm__cloud;

typedef struct gm__feature { double data_mean, data_sd, mean, sd; } gm__feature;

typedef struct gm__report {
    char *page, *table;          /* DIR/report.html, DIR/series.csv */
    char *dir;
    double began;                /* this process */
    double pages, strips_cost;   /* seconds spent on the report: on pages, on strips */
    double written, cost;        /* the last page: when, seconds it took */
    int64_t first_step;          /* of this process */
    bool failed;                 /* the last writing, with why: */
    char why[GM__MESSAGE];
    const char *state;           /* "running", "finished", .. and more about it in detail */
    char detail[GM__MESSAGE];
    char *note_name[GM__REPORT_NOTES], *note[GM__REPORT_NOTES];
    size_t n_notes;
    /* pictures, as of the last drawing; empty where there are none */
    int64_t drawn;               /* at this step; -1: never */
    gm__buf samples, inputs, outputs;
    int32_t scale;               /* pixels a pixel */
    gm__cloud *data, *cloud, *codes;
    gm__feature *features;       /* [n_features] */
    size_t n_features;
    gm__buf inside[GM__REPORT_INSIDE]; /* pictures of the model's inside, and what they show */
    const char *inside_title[GM__REPORT_INSIDE];
    double bin[GM__REPORT_BINS], count[GM__REPORT_BINS]; /* of the largest matrix of weights: middles, how many */
    char weights[64];            /* its name; "": none */
    gm__strip strips[GM__REPORT_STRIPS];
    size_t n_strips;
} gm__report;

/* report_pictures.c: failures leave a picture out, but for GM_ECANCELED */
gm_status gm__report_draw(gm_trainer *tr, gm__report *r);
gm_status gm__report_strip(gm_trainer *tr, gm__report *r);
bool gm__report_strip_due(const gm_trainer *tr);
/* In files beside the page, where a resumed run finds them. */
gm_status gm__report_strips_save(gm_trainer *tr, gm__report *r);
void gm__report_strips_load(gm_trainer *tr, gm__report *r);

/* report_page.c */
void gm__report_page(const gm_trainer *tr, const gm__report *r, gm__buf *b);
void gm__report_table(const gm_trainer *tr, gm__buf *b);

#endif
