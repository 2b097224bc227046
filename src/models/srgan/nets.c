/* nets.c - generator and discriminator, from presets or the user's texts, and the features of a classifier. */
#include "models/classifier/classifier.h"
#include "models/srgan/srgan.h"
#include <string.h>

/* ---- texts ------------------------------------------------------------------------------------ */

/* Residual blocks at the small size, then channels become pixels, by primes. The last layer starts at nothing: the
 * enlargement begins as the bicubic one. */
static void put_g(const gm__srgan *g, const gm_srgan_config *c, gm__buf *b)
{
    const long long k = c->width;
    gm__buf_format(b, "conv %lld k3 p1, ", k);
    if (c->blocks) gm__buf_text(b, "res(");
    for (int i = 0; i < c->blocks; i++) gm__buf_format(b, "res(conv %lld k3 p1, relu, conv %lld k3 p1), ", k, k);
    if (c->blocks) gm__buf_format(b, "conv %lld k3 p1), ", k);
    for (int left = c->factor, p = 2; left > 1; p++)
        for (; left % p == 0; left /= p) gm__buf_format(b, "conv %lld k3 p1, shuffle %d, lrelu 0.2, ", k * p * p, p);
    gm__buf_format(b, "conv %lld k3 p1 init=zeros", (long long)g->large[0]);
}

/* ---- features --------------------------------------------------------------------------------------- */

bool gm__srgan_ready(const gm_model *m)
{
    const gm_srgan_config *c = gm__srgan_cfg(m);
    return !(c->features && *c->features);
}

gm_status gm__srgan_choose(gm_model *m, const gm_dataset *d)
{
    const gm_srgan_config *c = gm__srgan_cfg(m);
    gm__srgan *g = m->state;
    if (gm__srgan_ready(m)) return GM_OK;
    gm_model_free(g->given);
    g->given = NULL;
    GM__TRY(gm_model_load(m->ctx, c->features, &g->given));
    const gm_model *k = g->given;
    if (k->family != &gm__family_mlp && k->family != &gm__family_cnn)
        return gm__fail_ctx(m->ctx, GM_EARG, "srgan: features: an mlp or cnn wanted, the file holds a model of family %s", k->family->name);
    const gm_net *body = k->built ? gm__classifier_of(k)->body : NULL;
    if (!body || k->scale_mul) return gm__fail_ctx(m->ctx, GM_EARG, "srgan: features: the %s has no %s", k->family->name, body ? "way for gradients past its scaling" : "hidden layer");
    GM__TRY(gm__model_data_fits(g->given, "srgan: features", d));
    GM__TRY(gm__model_set_text(m, "feature-net", gm_net_text(body)));
    return gm__model_set_text(m, "features", "");
}

/* Its weights are the model's own from now on: kept, not trained. */
static gm_status make_features(gm_model *m, const gm_srgan_config *c)
{
    gm__srgan *g = m->state;
    const bool planes = gm__coder_on_images(c->feature_net);
    GM__TRY(gm_net_new(m->ctx, c->feature_net, planes ? 3 : 1, planes ? g->large : &m->row, 0, &g->features));
    GM__TRY(gm_net_freeze(g->features, 1));
    for (int32_t i = 0; i < gm_net_tensor_count(g->features); i++) {
        char name[256];
        gm_tensor *w = gm_net_tensor(g->features, i);
        gm__format(name, sizeof name, "features.%s", gm_net_tensor_name(g->features, i));
        if (g->given) GM__TRY(gm_tensor_assign(w, gm_net_tensor(gm__classifier_of(g->given)->body, i)));
        GM__TRY(gm__model_add_tensor(m, name, w, false));
    }
    gm_model_free(g->given);
    g->given = NULL;
    return GM_OK;
}

/* ---- building ------------------------------------------------------------------------------------------ */

static gm_status sizes(gm_model *m, const gm_srgan_config *c)
{
    gm__srgan *g = m->state;
    GM__TRY(gm__coder_image(m, "srgan", g->large));
    if (g->large[1] % c->factor || g->large[2] % c->factor)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "srgan: factor=%d wants sides that are multiples of it, found %lld x %lld", c->factor, (long long)g->large[1], (long long)g->large[2]);
    memcpy(g->small, (int64_t[]){g->large[0], g->large[1] / c->factor, g->large[2] / c->factor}, sizeof g->small);
    return GM_OK;
}

static gm_status gives(gm_model *m, const gm_net *net, int32_t ndim, const int64_t *shape, const char *who, bool exact)
{
    int64_t out[GM_MAX_DIMS], size = 1, wanted = 1;
    char text[128], want[128];
    const int32_t n = gm_net_output_shape(net, out);
    for (int32_t i = 0; i < n; i++) size *= out[i];
    for (int32_t i = 0; i < ndim; i++) wanted *= shape[i];
    if (size == wanted && (!exact || (n == ndim && !memcmp(out, shape, (size_t)n * sizeof *out)))) return GM_OK;
    return gm__fail_ctx(m->ctx, GM_ESHAPE, "srgan: the %s gives %s, %s wanted", who, gm__shape_text(text, n, out), gm__shape_text(want, ndim, shape));
}

static gm_status make_g(gm_model *m, const gm_srgan_config *c)
{
    gm__srgan *g = m->state;
    gm__buf b;
    gm__buf_init(&b, m->ctx);
    if (c->generator) gm__buf_text(&b, c->generator);
    else put_g(g, c, &b);
    gm_status s = b.failed ? GM_ENOMEM : gm_net_new(m->ctx, b.data, 3, g->small, gm__model_seed(m), &g->g);
    gm__buf_free(&b);
    GM__TRY(s);
    GM__TRY(gives(m, g->g, 3, g->large, "generator", true));
    return gm__model_add_net(m, "generator", g->g);
}

static gm_status make_d(gm_model *m, const gm_srgan_config *c)
{
    gm__srgan *g = m->state;
    gm__buf plain, b;
    gm__buf_init(&plain, m->ctx);
    gm__buf_init(&b, m->ctx);
    if (c->discriminator) gm__buf_text(&plain, c->discriminator);
    else gm__put_conv_d(g->large, c->width, !c->spectral && c->penalty == GM_PENALTY_NONE, &plain);
    gm_status s = plain.failed ? GM_ENOMEM : GM_OK;
    if (!s && c->spectral) gm__put_spectral(plain.data, &b);
    else if (!s) gm__buf_text(&b, plain.data);
    if (!s && b.failed) s = GM_ENOMEM;
    if (!s) s = gm_net_new(m->ctx, b.data, 3, g->large, gm__model_seed(m) + UINT64_C(0x9e3779b97f4a7c15), &g->d);
    gm__buf_free(&plain);
    gm__buf_free(&b);
    GM__TRY(s);
    GM__TRY(gives(m, g->d, 1, &(int64_t){1}, "discriminator", false));
    return gm__model_add_net(m, "discriminator", g->d);
}

gm_status gm__srgan_build(gm_model *m)
{
    gm_srgan_config c = *gm__srgan_cfg(m);
    c.penalty_weight = gm__slope_weight(c.penalty, c.penalty_weight);
    GM__TRY(sizes(m, &c));
    GM__TRY(make_g(m, &c));
    if (c.pretrain < 1) GM__TRY(make_d(m, &c));
    if (c.content == GM_CONTENT_FEATURES) GM__TRY(make_features(m, &c));
    memcpy(m->cfg, &c, sizeof c); /* what was chosen for these data is stored: a file says it */
    return GM_OK;
}

void gm__srgan_destroy(gm_model *m)
{
    gm__srgan *g = m->state;
    gm_net_free(g->g), gm_net_free(g->d), gm_net_free(g->features);
    gm_model_free(g->given);
}
