/* file.c - models in .safetensors files: save, load, weights by name.
 *
 * Metadata: gm.kind (family), gm.config (all options as JSON), gm.net (texts of the nets),
 * gm.version; tensors under their registered names. Whatever lies under gm.* beyond that
 * (a checkpoint's gm.train.*) is not the model's. */
#include "base/json.h"
#include "models/model.h"
#include <string.h>

/* ---- writing -------------------------------------------------------------------- */

static gm_status net_texts(gm_model *m, gm__buf *b)
{
    gm__buf_text(b, "{");
    for (size_t i = 0; i < m->n_nets; i++) {
        const char *text = gm_net_text(m->nets[i].net);
        if (i) gm__buf_text(b, ",");
        gm__json_string(b, m->nets[i].prefix, strlen(m->nets[i].prefix));
        gm__buf_text(b, ":");
        gm__json_string(b, text, strlen(text));
    }
    gm__buf_text(b, "}");
    return b->failed ? GM_ENOMEM : GM_OK;
}

gm_status gm__model_write(gm_model *m, gm__stw *w)
{
    gm__buf nets;
    gm__buf_init(&nets, m->ctx);
    const char *config = gm_model_config(m);
    gm_status s = config ? net_texts(m, &nets) : GM_ENOMEM;
    if (!s) s = gm__stw_meta(w, "format", "pt");
    if (!s) s = gm__stw_meta(w, "gm.version", gm_version_string());
    if (!s) s = gm__stw_meta(w, "gm.kind", m->family->name);
    if (!s) s = gm__stw_meta(w, "gm.config", config);
    if (!s) s = gm__stw_meta(w, "gm.net", nets.data);
    for (size_t i = 0; !s && i < m->n_tensors; i++) s = gm__stw_tensor(w, m->tensors[i].name, m->tensors[i].tensor, true);
    gm__buf_free(&nets);
    return s;
}

gm_status gm_model_save(gm_model *m, const char *path)
{
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    if (!path) return gm__fail_ctx(m->ctx, GM_EARG, "gm_model_save: path is NULL");
    if (!m->built || !m->n_tensors) return gm__fail_ctx(m->ctx, GM_ESTATE, "%s: no weights to save yet: fit the model or give it a shape", m->family->name);
    GM__TRY(gm__model_begin_use(m, m->ctx));
    gm__stw *w = NULL;
    gm_status s = gm__stw_new(m->ctx, &w);
    if (!s) s = gm__model_write(m, w);
    if (!s) s = gm__stw_commit(w, path);
    gm__stw_free(w);
    gm__model_end_use(m);
    return s;
}

/* ---- reading ---------------------------------------------------------------------- */

gm_status gm__blame(gm_ctx *ctx, gm_status s, const char *who, const char *key)
{
    return gm__fail_ctx(ctx, s, "%.160s: %s: %s", who, key, gm_ctx_message(ctx));
}

gm_status gm__load_tensor(gm_ctx *ctx, const gm__st *f, const char *who, const char *name, gm_tensor *dst)
{
    char have[128], want[128];
    const gm__entry *e = gm__st_find(f, name);
    if (!e) return gm__fail_ctx(ctx, GM_ENOTFOUND, "%.160s: no tensor %s", who, name);
    if (e->ndim != dst->ndim || memcmp(e->shape, dst->shape, (size_t)e->ndim * sizeof *e->shape))
        return gm__fail_ctx(ctx, GM_ESHAPE, "%.160s: tensor %s is %s, expected %s", who, name, gm__shape_text(have, e->ndim, e->shape),
                            gm__shape_text(want, dst->ndim, dst->shape));
    gm_status s = gm__st_load(f, e, dst);
    return s ? gm__blame(ctx, s, who, name) : GM_OK;
}

/* A file from a later major version may mean things that this one does not know. */
static gm_status check_version(gm_ctx *ctx, const char *who, const char *version)
{
    uint64_t major;
    const char *end = version + strlen(version);
    const char *p = gm__read_u64(version, end, &major);
    if (!p || *p != '.') return gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: gm.version: expected a version, got '%.32s'", who, version);
    if (major > GM_VERSION_MAJOR)
        return gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: written by libgm %.32s, this is %s", who, version, gm_version_string());
    return GM_OK;
}

/* The weights that a config asks for must be in the file: more memory than a few times the
 * file's size is never needed, so a lying config is stopped before it takes any. */
static gm_status build_capped(gm_ctx *ctx, const gm__family *f, const char *who, const char *config, size_t file_size, gm_model **out)
{
    uint64_t cap = ctx->cfg.max_bytes, room = atomic_load(&ctx->live) + 4 * (uint64_t)file_size + (16u << 20);
    bool ours = !cap || room < cap;
    unsigned refusals = atomic_load(&ctx->cap_refusals);
    if (ours) ctx->cfg.max_bytes = room;
    gm_status s = gm_model_new(ctx, f->name, config, out);
    ctx->cfg.max_bytes = cap;
    if (!s) return GM_OK;
    if (s == GM_ENOMEM && ours && atomic_load(&ctx->cap_refusals) != refusals)
        return gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: gm.config: asks for more weights than the file holds", who);
    return gm__blame(ctx, s == GM_ENOMEM ? s : s == GM_EARG || s == GM_ESHAPE || s == GM_ELIMIT ? GM_EFORMAT : s, who, "gm.config");
}

static gm_status no_strangers(gm_ctx *ctx, const gm_model *m, const gm__st *f, const char *who)
{
    size_t known = 0;
    for (size_t i = 0; i < f->n; i++) known += strncmp(f->entries[i].name, "gm.", 3) != 0;
    if (known == m->n_tensors) return GM_OK; /* every tensor of the model was found */
    for (size_t i = 0; i < f->n; i++) {
        bool found = !strncmp(f->entries[i].name, "gm.", 3);
        for (size_t j = 0; !found && j < m->n_tensors; j++) found = !strcmp(f->entries[i].name, m->tensors[j].name);
        if (!found) return gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: tensor %.100s does not belong to a model %s", who, f->entries[i].name, m->family->name);
    }
    return GM_OK;
}

/* Tensors as the file has them: of families whose sizes are learned. */
static gm_status tensors_of(gm_model *m, const gm__st *f)
{
    for (size_t i = 0; i < f->n; i++) {
        const gm__entry *e = &f->entries[i];
        gm_tensor *t = NULL;
        if (!strncmp(e->name, "gm.", 3)) continue;
        gm_status s = gm__st_tensor(f, e, &t);
        if (!s) s = gm__model_add_tensor(m, e->name, t, e->dtype == GM_F32);
        gm_tensor_free(t);
        if (s) return s;
    }
    return GM_OK;
}

gm_status gm__model_read(gm_ctx *ctx, const gm__st *f, const char *who, gm_model **out)
{
    *out = NULL;
    const char *kind = gm__st_meta(f, "gm.kind"), *config = gm__st_meta(f, "gm.config"), *version = gm__st_meta(f, "gm.version");
    if (!kind) return gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: not a model of libgm (no gm.kind); gm_model_load_weights reads foreign files", who);
    if (!config || !version) return gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: %s is missing", who, config ? "gm.version" : "gm.config");
    GM__TRY(check_version(ctx, who, version));
    const gm__family *family = gm__family_find(kind);
    if (!family) return gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: gm.kind: no family '%.32s' in this library", who, kind);

    gm_model *m = NULL;
    GM__TRY(build_capped(ctx, family, who, config, f->size, &m));
    gm_status s = m->built ? GM_OK : gm__fail_ctx(ctx, GM_EFORMAT, "%.160s: gm.config: no shape", who);
    if (!s && family->filled) s = tensors_of(m, f);
    for (size_t i = 0; !s && i < m->n_tensors; i++) {
        s = gm__load_tensor(ctx, f, who, m->tensors[i].name, m->tensors[i].tensor);
        if (s && s != GM_ENOMEM) s = GM_EFORMAT;
    }
    if (!s) s = no_strangers(ctx, m, f, who);
    if (!s && family->filled && (s = family->filled(m))) s = gm__blame(ctx, s, who, "tensors");
    if (s) {
        gm_model_free(m);
        return s;
    }
    gm__format(m->version, sizeof m->version, "%s", version);
    gm__model_changed(m);
    *out = m;
    return GM_OK;
}

static gm_status load(gm_ctx *ctx, const char *who, const char *path, gm_status open(gm_ctx *, const char *, gm__st **), gm_model **out)
{
    if (out) *out = NULL;
    if (!gm__is(ctx, GM__CTX) || !out) return GM_EARG;
    if (!path) return gm__fail_ctx(ctx, GM_EARG, "%s: path is NULL", who);
    gm__st *f = NULL;
    GM__TRY(open(ctx, path, &f));
    gm_status s = gm__model_read(ctx, f, path, out);
    gm__st_close(f);
    return s;
}

gm_status gm_model_load(gm_ctx *ctx, const char *path, gm_model **out) { return load(ctx, "gm_model_load", path, gm__st_open, out); }
gm_status gm_model_load_mapped(gm_ctx *ctx, const char *path, gm_model **out) { return load(ctx, "gm_model_load_mapped", path, gm__st_map, out); }

/* ---- weights by name ------------------------------------------------------------------ */

/* New tensors like the model's, filled from the file: the model is touched only when all are there. */
static gm_status load_beside(gm_model *m, const gm__st *f, const char *who, gm_tensor **fresh)
{
    for (size_t i = 0; i < m->n_tensors; i++) {
        const gm_tensor *t = m->tensors[i].tensor;
        GM__TRY(gm_tensor_new(m->ctx, t->dtype, t->ndim, t->shape, &fresh[i]));
        GM__TRY(gm__load_tensor(m->ctx, f, who, m->tensors[i].name, fresh[i]));
    }
    return GM_OK;
}

gm_status gm_model_load_weights(gm_model *m, const char *path)
{
    if (!gm__is(m, GM__MODEL)) return GM_EARG;
    gm_ctx *ctx = m->ctx;
    if (!path) return gm__fail_ctx(ctx, GM_EARG, "gm_model_load_weights: path is NULL");
    if (!m->built) return gm__fail_ctx(ctx, GM_ESTATE, "%s: the model has no shape yet, so no tensors to fill", m->family->name);
    GM__TRY(gm__model_begin_train(m, ctx));
    gm__st *f = NULL;
    gm_tensor **fresh = gm__calloc(ctx, m->n_tensors + 1, sizeof *fresh);
    gm_status s = fresh ? gm__st_open(ctx, path, &f) : GM_ENOMEM;
    if (!s) s = load_beside(m, f, path, fresh);
    for (size_t i = 0; !s && i < m->n_tensors; i++) s = gm_tensor_assign(m->tensors[i].tensor, fresh[i]);
    if (!s) gm__model_changed(m);
    for (size_t i = 0; fresh && i < m->n_tensors; i++) gm_tensor_free(fresh[i]);
    gm__free(ctx, fresh);
    gm__st_close(f);
    gm__model_end_train(m);
    return s;
}
