/* net.h - the network as src/nn sees it: layers, their settings, building and running.
 *
 * A layer is one gm__kind: a row in layers.def and a table of settings, a rule that gives
 * its output shape and declares its tensors, and a function that runs it. Text becomes a
 * tree of layers (parse.c), the tree gets shapes and tensors (build.c), and runs (apply.c).
 */
#ifndef GM_NN_NET_H
#define GM_NN_NET_H

#include "nn/nn.h"

enum { GM__NET_DEPTH = 8, GM__NET_LAYERS = 4096, GM__NET_TEXT = 65536, GM__NET_SETTINGS = 12, GM__NET_BRANCHES = 32 };

typedef struct gm__row { /* shape of one row: no batch axis */
    int ndim;
    int64_t dim[GM_MAX_DIMS];
} gm__row;

/* ---- settings: how the words after a layer's name are read -------------------- */

enum { GM__S_INT, GM__S_REAL, GM__S_FLAG, GM__S_DIMS /* any number of sizes */, GM__S_INIT };
typedef struct gm__setting {
    const char *key;    /* NULL: by position; one letter: "k4"; else "key=value", for a flag the bare word */
    int type;
    bool required;
    double def, lo, hi; /* bounds are inclusive */
    const char *what;   /* for messages: "an output size" */
} gm__setting;

/* init.c: how first weights are drawn. Some take a number: init=NAME:NUMBER. */
enum { GM__INIT_PYTORCH, GM__INIT_XAVIER, GM__INIT_XAVIER_NORMAL, GM__INIT_KAIMING, GM__INIT_KAIMING_NORMAL, GM__INIT_ORTHOGONAL, GM__INIT_NORMAL,
       GM__INIT_DCGAN, GM__INIT_ZEROS };
#define GM__INIT_NAMES "pytorch, xavier[:GAIN], xavier-normal[:GAIN], kaiming[:SLOPE], kaiming-normal[:SLOPE], orthogonal[:GAIN], normal:STD, dcgan or zeros"
bool gm__init_read(const char *p, const char *end, double *kind, double *number);
void gm__init_text(int kind, double number, gm__buf *b);
/* settings that layers with weights share, as rows of their tables and as values */
#define GM__BIAS_BY_INIT 1e30 /* no bias=V was given */
#define GM__WEIGHT_SETTINGS                                                                 \
    [INIT] = {"init", GM__S_INIT, false, GM__INIT_PYTORCH, 0, 0, "init="},                  \
    [BIAS] = {"bias", GM__S_REAL, false, GM__BIAS_BY_INIT, -1e6, 1e6, "a first bias"},      \
    [SPECTRAL] = {"spectral", GM__S_FLAG, false, 0, 0, 1, "spectral"},                      \
    [POWER] = {"power", GM__S_INT, false, 1, 1, 100, "spectral: steps of the power method"}

/* ---- layers --------------------------------------------------------------------- */

struct gm__kind;
struct gm__layer;
typedef struct gm__seq {
    struct gm__layer *layers;
    size_t n, cap;
} gm__seq;

typedef struct gm__stats { /* running statistics waiting for gm__net_commit */
    double *mean, *var;    /* [channels]; var lies in mean's block */
    int64_t batches;       /* applications since the last commit; 0: nothing waits */
} gm__stats;

typedef struct gm__layer {
    const struct gm__kind *kind;
    size_t column;                /* of its name in the text, from 1 */
    double v[GM__NET_SETTINGS];   /* values in the order of the settings' rows */
    gm__row dims;                 /* of a GM__S_DIMS setting */
    double init_number;           /* of init=NAME:NUMBER */
    gm__seq *branch;              /* what stands in the parentheses */
    size_t n_branch;
    gm__row in, out;
    size_t param, n_param, stat;  /* first parameter and statistic, indices into the body's slots */
    int64_t numbers;              /* parameters of this layer alone */
    int spectral;                 /* weights are divided by their largest singular value (spectral.c): 1 + the axis of their rows; 0: no */
    int power;                    /* its steps an application */
    bool doubles, takes_doubled;  /* repeats each pixel 2x2 and no more; a convolution that can do that itself (set by build) */
    char *text;                   /* canonical, without what is in parentheses */
    gm__stats pending;
} gm__layer;

/* ---- building: shapes and declarations first, memory after ------------------------ */

enum { GM__FILL_ZERO, GM__FILL_ONE, GM__FILL_UNI /* (-a,a) */, GM__FILL_NORM /* mean a, deviation b */, GM__FILL_ORTHO /* times a */, GM__FILL_COUNT /* an i64 */ };
typedef struct gm__slot { /* a declared tensor */
    char *name;
    gm__row shape;
    int fill;
    double a, b;
    gm_tensor *tensor;
} gm__slot;
typedef struct gm__slots {
    gm__slot *at;
    size_t n, cap;
} gm__slots;

typedef struct gm__body { /* all that gm_net_add rebuilds */
    gm__seq root;
    bool has_cond; /* a cond layer stands in the text */
    gm__row out;
    gm__slots params, stats;
    int64_t numbers;
    size_t layers;
    char *text;
} gm__body;

struct gm_net {
    gm__handle h;
    gm_ctx *ctx;
    gm__row in;
    int64_t cond;
    uint64_t seed;
    int dtype;
    bool frozen;
    atomic_bool applied;
    gm__body body;
};

typedef struct gm__build {
    gm_ctx *ctx;
    int64_t cond;
    gm__body *body;
    char path[GM__NET_DEPTH * 16 + 16]; /* "3.1." */
    size_t path_len;
} gm__build;

typedef struct gm__run {
    gm_net *net;
    gm_tape *t;
    gm_tensor *cond;
} gm__run;

typedef struct gm__kind {
    const char *name, *help; /* one line */
    const gm__setting *settings;
    size_t n_settings;
    int branches;  /* lists in parentheses: 0 none, 1 one, 2 several between '|' */
    int act;       /* GM_ACT_* of an activation that a product can fuse */
    gm_status (*build)(gm__build *b, gm__layer *l); /* l->out is l->in on entry; NULL: same shape, no tensors */
    gm_tensor *(*apply)(const gm__run *r, gm__layer *l, gm_tensor *x);
    /* a layer that fuses the activation after it */
    gm_tensor *(*apply_act)(const gm__run *r, gm__layer *l, gm_tensor *x, int32_t act, double slope);
    void (*commit)(gm_net *net, gm__layer *l); /* writes waiting statistics to the net's tensors; NULL: it has none */
    /* a layer with takes_doubled: what apply_act gives for x doubled, from x itself */
    gm_tensor *(*apply_doubled)(const gm__run *r, gm__layer *l, gm_tensor *x, int32_t act, double slope);
} gm__kind;

#define GM__LAYER(name) extern const gm__kind gm__layer_##name;
#include "nn/layers.def"
#undef GM__LAYER
extern const gm__kind *const gm__layers[]; /* NULL-terminated */

/* parse.c: appends the layers of a text to seq; *count counts layers over all calls */
gm_status gm__net_parse(gm_ctx *ctx, const char *text, gm__seq *seq, size_t *count);
gm_status gm__net_layer_text(const gm__layer *l, gm__buf *b);
void gm__seq_text(const gm__seq *s, gm__buf *b); /* from the layers' own texts */
void gm__seq_free(gm_ctx *ctx, gm__seq *s);

/* build.c */
gm_status gm__build_seq(gm__build *b, gm__seq *s, gm__row *shape);
gm_status gm__build_enter(gm__build *b, size_t index); /* "index." joins the path of names */
gm_status gm__build_fail(const gm__build *b, const gm__layer *l, gm_status code, const char *format, ...);
gm_status gm__declare(gm__build *b, gm__layer *l, const char *name, int ndim, const int64_t *shape, int fill, double a, double d);
gm_status gm__declare_stat(gm__build *b, gm__layer *l, const char *name, int ndim, const int64_t *shape, int fill);
gm_status gm__body_make(gm_net *net, const char *const *texts, size_t n, gm__body *out); /* no tensors yet */
gm_status gm__body_tensors(gm_net *net, gm__body *body, const gm__body *old, bool draw);
void gm__body_free(gm_ctx *ctx, gm__body *body);
bool gm__row_equal(const gm__row *a, const gm__row *b);
const char *gm__row_text(char out[128], const gm__row *r);

/* apply.c */
gm_tensor *gm__apply_seq(const gm__run *r, gm__seq *s, gm_tensor *x);
gm_tensor *gm__join_cond(const gm__run *r, gm_tensor *x);
/* [lead..., row] for x's leading axes, given the row that x ends in and the row wanted */
gm_tensor *gm__apply_reshape(const gm__run *r, gm_tensor *x, const gm__row *from, const gm__row *to);
/* x with its leading axes made one batch axis, for layers whose ops want that; y with the leading axes of x, which ends in a row of in */
gm_tensor *gm__apply_batch(const gm__run *r, gm_tensor *x, const gm__row *in);
gm_tensor *gm__apply_unbatch(const gm__run *r, gm_tensor *y, const gm_tensor *x, const gm__row *in);
static inline gm_tensor *gm__param(const gm__run *r, const gm__layer *l, size_t i) { return r->net->body.params.at[l->param + i].tensor; }
static inline gm_tensor *gm__stat(const gm__run *r, const gm__layer *l, size_t i) { return r->net->body.stats.at[l->stat + i].tensor; }

/* init.c: declares "weight" [shape] and, unless nobias, "bias" [out] */
typedef struct gm__weights { int init; double bias; bool nobias; } gm__weights;
gm_status gm__declare_weights(gm__build *b, gm__layer *l, int ndim, const int64_t *shape, int64_t out, gm__weights how);

/* spectral.c: weight_u and weight_v wait and are committed as running statistics are */
gm_status gm__spectral_declare(gm__build *b, gm__layer *l, int ndim, const int64_t *shape, int axis, int steps); /* the layer's first statistics */
gm_tensor *gm__spectral_weight(const gm__run *r, gm__layer *l, gm_tensor *w); /* w itself without `spectral` */
void gm__spectral_commit(gm_net *net, gm__layer *l);
gm_status gm__spectral_start(gm_net *net, gm__body *body); /* first vectors, from the first weights */

/* layer_norm.c: declares weight and, if wanted, bias [n] of a norm, by an init= setting */
gm_status gm__declare_scale(gm__build *b, gm__layer *l, int64_t n, int kind, bool bias);

#endif
