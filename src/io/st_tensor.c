/* st_tensor.c - between the entries of a safetensors file and tensors; the public verbs. */
#include "io/io.h"
#include <string.h>

/* The entry as a tensor, over the file's memory where its alignment permits. */
static gm_status view(const gm__entry *e, gm_ctx *ctx, gm_tensor **out)
{
    static uint64_t none;
    if (!e->bytes) return gm_tensor_wrap(ctx, e->dtype, e->ndim, e->shape, NULL, &none, NULL, NULL, out);
    if ((uintptr_t)e->data % gm__esize(e->dtype)) return gm_tensor_copy(ctx, e->dtype, e->ndim, e->shape, e->data, out);
    return gm_tensor_wrap(ctx, e->dtype, e->ndim, e->shape, NULL, (void *)(uintptr_t)e->data, NULL, NULL, out);
}

static void give_back(void *data, void *map)
{
    GM__UNUSED(data);
    gm__map_release(map);
}

gm_status gm__st_tensor(const gm__st *f, const gm__entry *e, gm_tensor **out)
{
    if (!f->map || !e->bytes || (uintptr_t)e->data % gm__esize(e->dtype)) return gm_tensor_new(f->ctx, e->dtype, e->ndim, e->shape, out);
    gm_status s = gm_tensor_wrap(f->ctx, e->dtype, e->ndim, e->shape, NULL, (void *)(uintptr_t)e->data, give_back, f->map, out);
    if (!s) gm__map_retain(f->map);
    return s;
}

gm_status gm__st_load(const gm__st *f, const gm__entry *e, gm_tensor *dst)
{
    char a[128], b[128];
    bool same = e->ndim == dst->ndim;
    for (int i = 0; same && i < e->ndim; i++) same = e->shape[i] == dst->shape[i];
    if (!same)
        return gm__fail_ctx(f->ctx, GM_ESHAPE, "tensor '%s' has shape %s in the file, %s is needed", e->name,
                            gm__shape_text(a, e->ndim, e->shape), gm__shape_text(b, dst->ndim, dst->shape));
    bool real = (gm__is_float(e->dtype) || e->dtype == GM_BF16) && (gm__is_float(dst->dtype) || dst->dtype == GM_BF16);
    if (!real && e->dtype != dst->dtype)
        return gm__fail_ctx(f->ctx, GM_EDTYPE, "tensor '%s' is %s in the file, %s is needed", e->name, gm_dtype_name(e->dtype), gm_dtype_name(dst->dtype));
    if (e->bytes && (const char *)e->data == dst->data) return GM_OK; /* borrowed: there already */
    gm_tensor *src = NULL;
    GM__TRY(view(e, f->ctx, &src));
    gm_status s = gm_tensor_assign(dst, src);
    gm_tensor_free(src);
    return s;
}

void gm_tensors_free(gm_ctx *ctx, int32_t n, char **names, gm_tensor **tensors)
{
    if (!gm__is(ctx, GM__CTX)) return;
    for (int32_t i = 0; i < n; i++) {
        if (names) gm__free(ctx, names[i]);
        if (tensors) gm_tensor_free(tensors[i]);
    }
    gm__free(ctx, names);
    gm__free(ctx, tensors);
}

gm_status gm_safetensors_read(gm_ctx *ctx, const char *path, int32_t *n, char ***names, gm_tensor ***tensors)
{
    if (n) *n = 0;
    if (names) *names = NULL;
    if (tensors) *tensors = NULL;
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!path || !n || !names || !tensors) return gm__fail_ctx(ctx, GM_EARG, "safetensors_read: an argument is NULL");
    gm__st *f;
    GM__TRY(gm__st_open(ctx, path, &f));
    int32_t count = (int32_t)f->n;
    char **ns = gm__calloc(ctx, f->n, sizeof *ns);
    gm_tensor **ts = gm__calloc(ctx, f->n, sizeof *ts);
    gm_status s = ns && ts ? GM_OK : GM_ENOMEM;
    for (size_t i = 0; !s && i < f->n; i++) {
        const gm__entry *e = &f->entries[i];
        ns[i] = gm__strdup(ctx, e->name);
        s = ns[i] ? gm_tensor_copy(ctx, e->dtype, e->ndim, e->shape, e->bytes ? e->data : NULL, &ts[i]) : GM_ENOMEM;
    }
    gm__st_close(f);
    if (s) {
        gm_tensors_free(ctx, ns && ts ? count : 0, ns, ts);
        return s;
    }
    *n = count;
    *names = ns;
    *tensors = ts;
    return GM_OK;
}

gm_status gm_safetensors_write(gm_ctx *ctx, const char *path, int32_t n, const char *const *names, gm_tensor *const *tensors)
{
    if (!gm__is(ctx, GM__CTX)) return GM_EARG;
    if (!path || n < 0 || (n && (!names || !tensors))) return gm__fail_ctx(ctx, GM_EARG, "safetensors_write: an argument is NULL or negative");
    gm__stw *w;
    GM__TRY(gm__stw_new(ctx, &w));
    gm_status s = GM_OK;
    for (int32_t i = 0; !s && i < n; i++) {
        s = gm__check_tensor(gm__ctx_err(ctx), "safetensors_write", names[i] ? names[i] : "name", tensors[i]);
        if (!s && !names[i]) s = gm__fail_ctx(ctx, GM_EARG, "safetensors_write: name %d is NULL", (int)i);
        if (!s) s = gm__stw_tensor(w, names[i], tensors[i], false);
    }
    if (!s) s = gm__stw_commit(w, path);
    gm__stw_free(w);
    return s;
}
