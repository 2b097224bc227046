/* report_pictures.c - what the report shows of a model: samples, reconstructions, codes. Everything is drawn through the
 * public verbs from a fixed seed and the first rows of the data, so that pictures of two runs can be compared. */
#include "models/report.h"
#include <math.h>
#include <string.h>

enum { ROWS = 4, WIDTH = 890, STRIP_WIDTH = 800, SEED = 0, STRIP_BYTES = 4 << 20 };

/* ---- what kind of rows ------------------------------------------------------------------ */

/* Width of a row shown as a picture, 0 if it is none. */
static int64_t picture_width(const gm_model *m)
{
    if (m->ndim == 3 && (m->shape[0] == 1 || m->shape[0] == 3)) return m->shape[2];
    if (m->ndim == 2 && m->shape[0] > 1 && m->shape[1] > 1) return m->shape[1];
    int64_t side = (int64_t)llround(sqrt((double)m->row));
    return m->ndim == 1 && m->row >= 64 && side * side == m->row ? side : 0;
}

static int32_t scale(int64_t width) { return width <= 10 ? 5 : width <= 18 ? 3 : width <= 32 ? 2 : 1; }

/* As many as stand side by side. */
static int32_t columns(int64_t width, int64_t room)
{
    int64_t n = room / ((width + 2) * scale(width));
    return n < 1 ? 1 : n > 16 ? 16 : (int32_t)n;
}

static gm_dataset *shown_data(const gm_trainer *tr) { return tr->valid ? tr->valid : tr->data; }

static gm_status rows_of(const gm_trainer *tr, int64_t n, gm_tensor **x)
{
    uint64_t have = gm_dataset_rows(shown_data(tr));
    return gm_dataset_read(shown_data(tr), "x", 0, (uint64_t)n < have ? (uint64_t)n : have, x);
}

/* The data's rows under the model's shape: pictures in files are often flat. */
static gm_status as_rows(const gm_trainer *tr, gm_tensor *x, gm_tensor **out)
{
    gm_tensor *y = NULL;
    gm_ctx *ctx = tr->ctx;
    int64_t n = x->shape[0];
    *out = NULL;
    if (x->size != n * tr->m->row) return GM_ESHAPE;
    GM__TRY(gm__model_new_rows(ctx, tr->m, n, &y));
    gm_tensor *flat = NULL;
    gm_status s = gm_tensor_wrap(ctx, GM_F32, x->ndim, x->shape, NULL, y->data, NULL, NULL, &flat);
    if (!s && x->dtype == GM_U8) {
        const uint8_t *p = (const uint8_t *)x->data;
        for (int64_t i = 0; i < x->size; i++) gm__f32(y)[i] = (float)p[i] / 255.0f;
    } else if (!s) {
        s = gm_tensor_assign(flat, x);
    }
    gm_tensor_free(flat);
    if (s) gm_tensor_free(y);
    else *out = y;
    return s;
}

/* ---- samples -------------------------------------------------------------------------------- */

static gm_status encode_png(const gm_tensor *images, int32_t across, gm__buf *out)
{
    gm__buf_free(out);
    gm_status s = gm__png_encode(images, across, out);
    if (s) gm__buf_free(out);
    return s;
}

static gm__cloud *fill_cloud(gm_trainer *tr, gm__cloud **c, const gm_tensor *x)
{
    if (!*c) *c = gm__calloc(tr->ctx, 1, sizeof **c);
    if (!*c) return NULL;
    (*c)->n = (size_t)(x->shape[0] < GM__REPORT_CLOUD ? x->shape[0] : GM__REPORT_CLOUD);
    for (size_t i = 0; i < (*c)->n; i++) {
        (*c)->x[i] = gm__f32(x)[2 * i], (*c)->y[i] = gm__f32(x)[2 * i + 1];
        (*c)->class[i] = 0;
    }
    return *c;
}

static void mean_and_sd(const gm_tensor *x, int64_t feature, double *mean, double *sd)
{
    int64_t n = x->shape[0], row = x->size / n;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) sum += gm__f32(x)[i * row + feature];
    *mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) {
        double d = gm__f32(x)[i * row + feature] - *mean;
        squares += d * d;
    }
    *sd = n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
}

static gm_status vectors(gm_trainer *tr, gm__report *r, const gm_tensor *samples, const gm_tensor *data)
{
    int64_t n = tr->m->row < GM__REPORT_FEATURES ? tr->m->row : GM__REPORT_FEATURES;
    if (!r->features) r->features = gm__calloc(tr->ctx, (size_t)n, sizeof *r->features);
    if (!r->features) return GM_ENOMEM;
    for (int64_t i = 0; i < n; i++) {
        gm__feature *f = &r->features[i];
        mean_and_sd(data, i, &f->data_mean, &f->data_sd);
        mean_and_sd(samples, i, &f->mean, &f->sd);
    }
    r->n_features = (size_t)n;
    return GM_OK;
}

static gm_status draw_samples(gm_trainer *tr, gm__report *r)
{
    gm_model *m = tr->m;
    gm_tensor *x = NULL, *read = NULL, *data = NULL;
    int64_t width = picture_width(m);
    if (!m->family->draw) return GM_OK;
    int32_t across = width ? columns(width, WIDTH) : 0;
    gm_status s = gm_sample(m, width ? ROWS * across : GM__REPORT_CLOUD, SEED, &x);
    if (!s && width) {
        s = encode_png(x, across, &r->samples);
    } else if (!s) {
        if (!(s = rows_of(tr, GM__REPORT_CLOUD, &read))) s = as_rows(tr, read, &data);
        if (!s && m->row == 2) s = fill_cloud(tr, &r->cloud, x) && fill_cloud(tr, &r->data, data) ? GM_OK : GM_ENOMEM;
        else if (!s) s = vectors(tr, r, x, data);
    }
    gm_tensor_free(x);
    gm_tensor_free(read);
    gm_tensor_free(data);
    return s;
}

/* ---- reconstructions and codes ------------------------------------------------------------------ */

/* A verb over the first rows; a conditional model is told their labels. */
static gm_status told(gm_trainer *tr, uint32_t verb, gm_tensor *x, gm_tensor **out)
{
    gm_tensor *label = NULL;
    gm_status s = GM_OK;
    if (gm__model_condition(tr->m)) s = gm_dataset_read(shown_data(tr), "label", 0, (uint64_t)x->shape[0], &label);
    if (!s) s = gm_model_apply(tr->m, verb, x, label, out);
    gm_tensor_free(label);
    return s;
}

static gm_status draw_pairs(gm_trainer *tr, gm__report *r)
{
    gm_model *m = tr->m;
    gm_tensor *read = NULL, *x = NULL, *y = NULL;
    int64_t width = picture_width(m);
    if (!width || !m->family->encode || !m->family->decode) return GM_OK;
    int32_t n = columns(width, WIDTH);
    gm_status s = rows_of(tr, n, &read);
    if (!s) s = as_rows(tr, read, &x);
    if (!s) s = told(tr, GM_CAN_RECONSTRUCT, read, &y);
    if (!s) s = encode_png(x, n, &r->inputs);
    if (!s) s = encode_png(y, n, &r->outputs);
    if (s) gm__buf_free(&r->inputs);
    gm_tensor_free(read);
    gm_tensor_free(x);
    gm_tensor_free(y);
    return s;
}

static void classes_of(gm_trainer *tr, gm__cloud *c)
{
    gm_tensor *label = NULL;
    int64_t classes = gm_dataset_classes(shown_data(tr));
    if (classes < 2 || classes > GM__HTML_COLORS || gm_dataset_read(shown_data(tr), "label", 0, c->n, &label)) return;
    for (size_t i = 0; i < c->n && label->dtype == GM_I64 && label->size == (int64_t)c->n; i++) {
        int64_t k = ((const int64_t *)label->data)[i];
        c->class[i] = k >= 0 && k < classes ? (int32_t)k : 0;
    }
    gm_tensor_free(label);
}

static gm_status draw_codes(gm_trainer *tr, gm__report *r)
{
    const int32_t *latent = gm__model_option(tr->m, "latent");
    gm_tensor *x = NULL, *z = NULL;
    if (!tr->m->family->encode || !latent || *latent != 2) return GM_OK;
    gm_status s = rows_of(tr, GM__REPORT_CLOUD, &x);
    if (!s) s = told(tr, GM_CAN_ENCODE, x, &z);
    if (!s && z->ndim == 2 && z->shape[1] == 2 && fill_cloud(tr, &r->codes, z)) classes_of(tr, r->codes);
    gm_tensor_free(x);
    gm_tensor_free(z);
    return s;
}

/* ---- the inside ------------------------------------------------------------------------------------- */

static gm_status draw_inside(gm_trainer *tr, gm__report *r)
{
    int64_t width = picture_width(tr->m);
    if (!width || !tr->m->family->inside) return GM_OK;
    for (int32_t i = 0; i < GM__REPORT_INSIDE; i++) {
        gm_tensor *rows = NULL;
        gm_status s = tr->m->family->inside(tr->m, i, &r->inside_title[i], &rows);
        if (!s && rows) s = encode_png(rows, columns(width, WIDTH), &r->inside[i]);
        gm_tensor_free(rows);
        if (s) return s;
    }
    return GM_OK;
}

/* How the numbers of the largest matrix of weights are spread. */
static gm_status draw_weights(gm_trainer *tr, gm__report *r)
{
    const gm__named *w = NULL;
    for (size_t i = 0; i < tr->m->n_tensors; i++) {
        const gm__named *t = &tr->m->tensors[i];
        if (t->parameter && t->tensor->ndim > 1 && t->tensor->dtype == GM_F32 && t->tensor->contiguous && (!w || t->tensor->size > w->tensor->size)) w = t;
    }
    double most = 0;
    for (int64_t i = 0; w && i < w->tensor->size; i++) most = fmax(most, fabs((double)gm__f32(w->tensor)[i]));
    r->weights[0] = 0;
    if (!(most > 0) || !isfinite(most)) return GM_OK;
    for (int k = 0; k < GM__REPORT_BINS; k++) r->bin[k] = most * (2.0 * (k + 0.5) / GM__REPORT_BINS - 1), r->count[k] = 0;
    for (int64_t i = 0; i < w->tensor->size; i++) {
        int k = (int)(((double)gm__f32(w->tensor)[i] / most + 1) / 2 * GM__REPORT_BINS);
        r->count[k < GM__REPORT_BINS ? k : GM__REPORT_BINS - 1]++;
    }
    gm__format(r->weights, sizeof r->weights, "%.60s", w->name);
    return GM_OK;
}

gm_status gm__report_draw(gm_trainer *tr, gm__report *r)
{
    static gm_status (*const all[])(gm_trainer *, gm__report *) = { draw_samples, draw_pairs, draw_codes, draw_inside, draw_weights };
    r->scale = scale(picture_width(tr->m));
    for (size_t i = 0; i < GM__COUNT(all); i++)
        if (all[i](tr, r) == GM_ECANCELED) return GM_ECANCELED;
    r->drawn = tr->st.step;
    return GM_OK;
}

/* ---- samples over training ------------------------------------------------------------------------- */

/* Strips stand at multiples of a power of two: small enough for half of GM__REPORT_STRIPS or more up to this step, and not
 * below a sixty-fourth of the run. So they are evenly spaced whenever one looks, and a resumed run knows their steps. */
static int64_t spacing(const gm_trainer *tr, int64_t step)
{
    int64_t every = 1;
    while (step / every > GM__REPORT_STRIPS || tr->total / every > 64) every *= 2;
    return every;
}

bool gm__report_strip_due(const gm_trainer *tr) { return tr->st.step % spacing(tr, tr->st.step) == 0; }

static void thin(gm_trainer *tr, gm__report *r)
{
    int64_t every = spacing(tr, tr->st.step);
    size_t n = 0;
    for (size_t i = 0; i < r->n_strips; i++) {
        if (r->strips[i].step % every || r->strips[i].step >= tr->st.step || n == GM__REPORT_STRIPS - 1) gm__buf_free(&r->strips[i].png);
        else r->strips[n++] = r->strips[i];
    }
    r->n_strips = n;
}

gm_status gm__report_strip(gm_trainer *tr, gm__report *r)
{
    int64_t width = picture_width(tr->m);
    gm_tensor *x = NULL;
    if (!width || !tr->m->family->draw) return GM_OK;
    thin(tr, r);
    gm__strip *p = &r->strips[r->n_strips];
    *p = (gm__strip){ .step = tr->st.step };
    gm__buf_init(&p->png, tr->ctx);
    int32_t n = columns(width, STRIP_WIDTH);
    gm_status s = gm_sample(tr->m, n, SEED, &x);
    if (!s) s = encode_png(x, n, &p->png);
    if (!s) r->n_strips++;
    gm_tensor_free(x);
    return s;
}

static void strip_path(const gm__report *r, int64_t step, char *out, size_t cap)
{
    gm__format(out, cap, "%s/samples-%lld.png", r->dir, (long long)step);
}

gm_status gm__report_strips_save(gm_trainer *tr, gm__report *r)
{
    for (size_t i = 0; i < r->n_strips; i++) {
        gm__strip *p = &r->strips[i];
        char path[1024];
        strip_path(r, p->step, path, sizeof path);
        if (!p->saved) GM__TRY(gm__file_write(tr->ctx, path, p->png.data, p->png.len));
        p->saved = true;
    }
    return GM_OK;
}

void gm__report_strips_load(gm_trainer *tr, gm__report *r)
{
    int64_t every = spacing(tr, tr->st.step);
    gm__err was = *gm__ctx_err(tr->ctx);
    for (int64_t step = every; step <= tr->st.step && r->n_strips < GM__REPORT_STRIPS; step += every) {
        char path[1024];
        uint8_t *p;
        size_t n;
        strip_path(r, step, path, sizeof path);
        if (gm__file_read(tr->ctx, path, STRIP_BYTES, &p, &n)) continue;
        gm__strip *k = &r->strips[r->n_strips++];
        *k = (gm__strip){ .step = step, .saved = true };
        gm__buf_init(&k->png, tr->ctx);
        gm__buf_put(&k->png, p, n);
        gm__free(tr->ctx, p);
    }
    *gm__ctx_err(tr->ctx) = was;
}
