/* model.c - life of a model: families, construction, named tensors, copies, and
 * the lock between training and use. */
#include "models/model.h"
#include <pthread.h>
#include <stddef.h>
#include <string.h>

/* ---- families ------------------------------------------------------------------- */

static const gm__family *const families[] = {
#define GM__FAMILY(name) &gm__family_##name,
#include "models/families.def"
#undef GM__FAMILY
};

const gm__family *gm__family_find(const char *name)
{
    for (size_t i = 0; name && i < GM__COUNT(families); i++)
        if (!strcmp(families[i]->name, name)) return families[i];
    return NULL;
}

int32_t gm_family_count(void) { return (int32_t)GM__COUNT(families); }

const char *gm_family_name(int32_t i) { return i >= 0 && (size_t)i < GM__COUNT(families) ? families[i]->name : NULL; }

const char *gm_family_title(const char *family)
{
    const gm__family *f = gm__family_find(family);
    return f ? f->title : NULL;
}

const char *gm_family_training(const char *family)
{
    const gm__family *f = gm__family_find(family);
    return !f ? NULL : f->train ? f->train : "";
}

uint32_t gm_family_can(const char *family)
{
    const gm__family *f = gm__family_find(family);
    return f ? f->can : 0;
}

static gm_status unknown_family(gm_ctx *ctx, const char *name)
{
    gm__buf b;
    gm__buf_init(&b, ctx);
    for (size_t i = 0; i < GM__COUNT(families); i++) gm__buf_format(&b, "%s%s", i ? ", " : "", families[i]->name);
    gm_status s = b.failed ? GM_ENOMEM : gm__fail_ctx(ctx, GM_EARG, "no family '%.64s'; there are %s", name, b.data);
    gm__buf_free(&b);
    return s;
}

/* ---- construction ----------------------------------------------------------------- */

/* Room for one more element of a growing array. */
static gm_status room(gm_ctx *ctx, void **p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) return GM_OK;
    size_t more = *cap ? 2 * *cap : 16;
    void *q = gm__realloc(ctx, *p, more, size);
    if (!q) return GM_ENOMEM;
    *p = q;
    *cap = more;
    return GM_OK;
}

gm_status gm__model_add_tensor(gm_model *m, const char *name, gm_tensor *t, bool parameter)
{
    for (size_t i = 0; i < m->n_tensors; i++)
        if (!strcmp(m->tensors[i].name, name)) return gm__fail_ctx(m->ctx, GM_EINTERNAL, "%s: tensor %s registered twice", m->family->name, name);
    void *p = m->tensors;
    gm_status s = room(m->ctx, &p, m->n_tensors, &m->cap_tensors, sizeof *m->tensors);
    m->tensors = p;
    if (s) return s;
    char *copy = gm__strdup(m->ctx, name);
    if (!copy) return GM_ENOMEM;
    gm__retain(t);
    m->tensors[m->n_tensors++] = (gm__named){ copy, t, parameter };
    return GM_OK;
}

void gm__model_sort_tensors(gm_model *m)
{
    for (size_t i = 1; i < m->n_tensors; i++) { /* few, and nearly in order */
        gm__named t = m->tensors[i];
        size_t j = i;
        for (; j && strcmp(m->tensors[j - 1].name, t.name) > 0; j--) m->tensors[j] = m->tensors[j - 1];
        m->tensors[j] = t;
    }
}

gm_status gm__model_add_net(gm_model *m, const char *prefix, gm_net *net)
{
    void *p = m->nets;
    gm_status s = room(m->ctx, &p, m->n_nets, &m->cap_nets, sizeof *m->nets);
    m->nets = p;
    if (s) return s;
    char *copy = gm__strdup(m->ctx, prefix);
    if (!copy) return GM_ENOMEM;
    m->nets[m->n_nets++] = (gm__model_net){ copy, net };
    for (int32_t i = 0; i < gm_net_tensor_count(net); i++) {
        char name[256];
        if (gm__format(name, sizeof name, "%s.%s", prefix, gm_net_tensor_name(net, i)) >= sizeof name)
            return gm__fail_ctx(m->ctx, GM_ELIMIT, "%s: the name %s is too long", m->family->name, name);
        GM__TRY(gm__model_add_tensor(m, name, gm_net_tensor(net, i), gm_net_tensor_is_parameter(net, i)));
    }
    return GM_OK;
}

void gm__model_drop_tensors(gm_model *m)
{
    for (size_t i = 0; i < m->n_tensors; i++) {
        gm__free(m->ctx, m->tensors[i].name);
        gm_tensor_free(m->tensors[i].tensor);
    }
    for (size_t i = 0; i < m->n_nets; i++) gm__free(m->ctx, m->nets[i].prefix);
    gm__free(m->ctx, m->tensors);
    gm__free(m->ctx, m->nets);
    m->tensors = NULL;
    m->nets = NULL;
    m->n_tensors = m->cap_tensors = m->n_nets = m->cap_nets = 0;
}

/* What build made; the model is unbuilt then. */
static void unbuild(gm_model *m)
{
    gm__model_drop_tensors(m);
    gm_tensor_free(m->scale_mul);
    gm_tensor_free(m->scale_add);
    m->scale_mul = m->scale_add = NULL;
    if (m->state) {
        m->family->destroy(m);
        memset(m->state, 0, m->family->state_size);
    }
    m->built = false;
    m->ndim = 0;
    m->row = 0;
}

/* The shape as the config keeps it, "1,28,28". */
static gm_status keep_shape(gm_model *m)
{
    char text[8 * 24];
    size_t at = 0;
    for (int32_t i = 0; i < m->ndim; i++)
        at += gm__format(text + at, sizeof text - at, "%s%lld", i ? "," : "", (long long)m->shape[i]);
    return gm__model_set_text(m, "shape", text);
}

gm_status gm__model_build(gm_model *m, int32_t ndim, const int64_t *shape)
{
    int64_t row;
    GM__ASSERT(&m->ctx->err, !m->built);
    if (ndim < 1 || ndim >= GM_MAX_DIMS)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "%s: a row must have 1 to %d dimensions, not %d", m->family->name, GM_MAX_DIMS - 1, ndim);
    GM__TRY(gm__shape_check(&m->ctx->err, m->family->name, ndim, shape, &row));
    if (row < 1 || row > INT32_MAX)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "%s: a row must have 1 to %d numbers, not %lld", m->family->name, INT32_MAX, (long long)row);
    m->ndim = ndim;
    m->row = row;
    memcpy(m->shape, shape, (size_t)ndim * sizeof *shape);
    gm_status s = m->family->build(m);
    if (!s) s = gm__scale_make(m);
    if (!s) s = keep_shape(m);
    if (s) unbuild(m);
    else m->built = true;
    gm__model_changed(m);
    return s;
}

/* Builds at once if the config has the shape. */
static gm_status build_from_config(gm_model *m)
{
    if (m->family->filled) return gm__model_build(m, 1, &(int64_t){ 1 }); /* nothing depends on a shape */
    const char *const *text = gm__model_option(m, "shape");
    int64_t shape[GM_MAX_DIMS];
    size_t n;
    if (!text || !*text) return GM_OK;
    GM__TRY(gm__ints(m->ctx, "shape", *text, shape, GM_MAX_DIMS, &n));
    if (!n || (m->family->ready && !m->family->ready(m))) return GM_OK;
    return gm__model_build(m, (int32_t)n, shape);
}

gm_status gm__model_make(gm_ctx *ctx, const gm__family *f, const void *cfg, gm_model **out)
{
    *out = NULL;
    gm_model *m = gm__calloc(ctx, 1, sizeof *m);
    if (!m) return GM_ENOMEM;
    m->h.magic = GM__MODEL;
    atomic_init(&m->h.refs, 1);
    atomic_init(&m->use, 0);
    atomic_init(&m->caller, 0);
    atomic_init(&m->changed, 0);
    m->ctx = ctx;
    gm__retain(ctx);
    m->family = f;
    m->strs.ctx = ctx;
    gm__format(m->version, sizeof m->version, "%s", gm_version_string());

    gm_status s = GM_ENOMEM;
    m->cfg = gm__calloc(ctx, 1, f->cfg_size);
    m->state = gm__calloc(ctx, 1, f->state_size ? f->state_size : 1);
    if (!m->cfg || !m->state) goto done;
    memcpy(m->cfg, &(uint32_t){ (uint32_t)f->cfg_size }, sizeof(uint32_t));
    s = gm__opts_defaults(ctx, f->opts, m->cfg, &m->strs);
    if (!s && cfg) s = gm__opts_check(ctx, f->opts, cfg);
    if (!s && cfg) s = gm__opts_copy(ctx, f->opts, cfg, m->cfg, &m->strs);
    if (!s && f->check) s = f->check(ctx, m->cfg);
    /* a struct cannot tell 0 from not given */
    m->seed_given = gm__model_seed(m) != 0;
    if (!s) s = build_from_config(m);
done:
    if (s) gm_model_free(m);
    else *out = m;
    return s;
}

typedef union config { uint32_t struct_size; max_align_t align; char bytes[GM__CONFIG_BYTES]; } config;

static void defaults_of(const gm__family *f, config *d)
{
    memset(d, 0, sizeof *d);
    d->struct_size = (uint32_t)f->cfg_size;
    gm__opts_defaults(NULL, f->opts, d, NULL);
}

void gm__family_config(const gm__family *f, void *c, size_t size)
{
    config d;
    defaults_of(f, &d);
    gm__struct_init(c, size, &d, f->cfg_size);
}

gm_status gm__model_from_config(gm_ctx *ctx, const gm__family *f, const void *c, gm_model **out)
{
    config full;
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX) || !out) return gm__fail_ctx(gm__is(ctx, GM__CTX) ? ctx : NULL, GM_EARG, "%s: ctx and out are required", f->name);
    defaults_of(f, &full);
    if (c) GM__TRY(gm__struct_in(gm__ctx_err(ctx), f->name, c, &full, f->cfg_size));
    return gm__model_make(ctx, f, &full, out);
}

gm_status gm_model_new(gm_ctx *ctx, const char *family, const char *options, gm_model **out)
{
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX) || !out) return GM_EARG;
    if (!family) return gm__fail_ctx(ctx, GM_EARG, "gm_model_new: family is NULL");
    const gm__family *f = gm__family_find(family);
    if (!f) return unknown_family(ctx, family);

    gm__strs strs = { .ctx = ctx };
    gm_status s = GM_ENOMEM;
    ptrdiff_t seed = gm__opts_find(f->opts, "seed", 4);
    void *cfg = gm__calloc(ctx, 1, f->cfg_size);
    bool *set = gm__calloc(ctx, f->opts->n + 1, sizeof *set);
    if (!cfg || !set) goto done;
    s = gm__opts_defaults(ctx, f->opts, cfg, &strs);
    if (!s) s = gm__opts_parse(ctx, f->opts, options, cfg, &strs, set);
    if (!s) s = gm__model_make(ctx, f, cfg, out);
    if (!s && seed >= 0 && set[seed]) (*out)->seed_given = true;
done:
    gm__free(ctx, set);
    gm__free(ctx, cfg);
    gm__strs_free(&strs);
    return s;
}

void gm_model_free(gm_model *m)
{
    if (!gm__is(m, GM__MODEL) || !gm__release(m)) return;
    gm_ctx *ctx = m->ctx;
    unbuild(m);
    gm__free(ctx, m->state);
    gm__free(ctx, m->cfg);
    gm__free(ctx, m->config_json);
    gm__strs_free(&m->strs);
    m->h.magic = GM__DEAD;
    gm__free(ctx, m);
    gm_ctx_free(ctx);
}

/* Tensors of the names, types and sizes of another model's. */
static gm_status like(gm_model *c, const gm_model *m)
{
    for (size_t i = 0; i < m->n_tensors; i++) {
        const gm__named *from = &m->tensors[i];
        gm_tensor *t = NULL;
        gm_status s = gm_tensor_new(c->ctx, from->tensor->dtype, from->tensor->ndim, from->tensor->shape, &t);
        if (!s) s = gm__model_add_tensor(c, from->name, t, from->parameter);
        gm_tensor_free(t);
        if (s) return s;
    }
    return GM_OK;
}

gm_status gm_model_copy(gm_model *m, gm_model **out)
{
    if (!out) return GM_EARG;
    *out = NULL;
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm_model *c = NULL;
    gm_status s = gm__model_make(m->ctx, m->family, m->cfg, &c);
    if (!s && m->family->filled) s = like(c, m);
    for (size_t i = 0; !s && i < m->n_tensors; i++) s = gm_tensor_assign(c->tensors[i].tensor, m->tensors[i].tensor);
    if (!s && m->family->filled && m->n_tensors) s = m->family->filled(c);
    gm__model_end_use(m);
    if (s) {
        gm_model_free(c);
        return s;
    }
    c->seed_given = m->seed_given;
    memcpy(c->version, m->version, sizeof c->version);
    *out = c;
    return GM_OK;
}

/* ---- getters ------------------------------------------------------------------------- */

void gm__model_changed(gm_model *m) { atomic_fetch_add_explicit(&m->changed, 1, memory_order_relaxed); }

const char *gm_model_family(const gm_model *m) { return gm__is(m, GM__MODEL) ? m->family->name : NULL; }

/* A family that can be conditioned, say, has models that are not. */
uint32_t gm_model_can(const gm_model *m)
{
    if (!gm__is(m, GM__MODEL)) return 0;
    return m->built && m->family->cannot ? m->family->can & ~m->family->cannot(m) : m->family->can;
}

int32_t gm_model_shape(const gm_model *m, int64_t shape[8])
{
    if (!gm__is(m, GM__MODEL) || !m->built) return -1;
    if (shape) memcpy(shape, m->shape, (size_t)m->ndim * sizeof *shape);
    return m->ndim;
}

int64_t gm_model_parameters(const gm_model *m)
{
    int64_t n = 0;
    if (!gm__is(m, GM__MODEL)) return 0;
    for (size_t i = 0; i < m->n_tensors; i++)
        if (m->tensors[i].parameter) n += m->tensors[i].tensor->size;
    return n;
}

int32_t gm_model_tensor_count(const gm_model *m) { return gm__is(m, GM__MODEL) ? (int32_t)m->n_tensors : 0; }

const char *gm_model_tensor_name(const gm_model *m, int32_t i)
{
    return gm__is(m, GM__MODEL) && i >= 0 && (size_t)i < m->n_tensors ? m->tensors[i].name : NULL;
}

gm_tensor *gm_model_tensor(const gm_model *m, int32_t i)
{
    return gm__is(m, GM__MODEL) && i >= 0 && (size_t)i < m->n_tensors ? m->tensors[i].tensor : NULL;
}

/* ---- the lock: any number of users, or one trainer ------------------------------------- */

static uintptr_t this_thread(void) { return (uintptr_t)pthread_self(); }

bool gm__model_in_callback(const gm_model *m) { return atomic_load(&m->caller) == this_thread(); }

gm_status gm__model_begin_use(gm_model *m, gm_ctx *ctx)
{
    int now = atomic_load(&m->use);
    if (gm__model_in_callback(m)) return GM_OK;
    do {
        if (now < 0) return gm__fail_ctx(ctx, GM_EBUSY, "%s: the model is in training", m->family->name);
    } while (!atomic_compare_exchange_weak(&m->use, &now, now + 1));
    return GM_OK;
}

void gm__model_end_use(gm_model *m)
{
    if (!gm__model_in_callback(m)) atomic_fetch_sub(&m->use, 1);
}

gm_status gm__model_begin_train(gm_model *m, gm_ctx *ctx)
{
    int now = 0;
    if (atomic_compare_exchange_strong(&m->use, &now, -1)) return GM_OK;
    return gm__fail_ctx(ctx, GM_EBUSY, "%s: the model is %s", m->family->name, now < 0 ? "in training" : "in use by another thread");
}

void gm__model_end_train(gm_model *m) { atomic_store(&m->use, 0); }

void gm__model_enter_callback(gm_model *m) { atomic_store(&m->caller, this_thread()); }

void gm__model_leave_callback(gm_model *m) { atomic_store(&m->caller, 0); }
