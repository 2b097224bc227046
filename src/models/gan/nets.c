/* nets.c - the two nets, from a preset or the user's texts, and the small ones that learn vectors of labels. */
#include "models/gan/gan.h"
#include <string.h>

/* ---- which preset ------------------------------------------------------------------------ */

/* How often both sides of an image halve until they are 4 to 7 pixels; 0: they do not get there. */
static int halvings(int64_t h, int64_t w)
{
    int n = 0;
    while ((h > 7 || w > 7) && h % 2 == 0 && w % 2 == 0) h /= 2, w /= 2, n++;
    return h <= 7 && w <= 7 && h >= 4 && w >= 4 ? n : 0;
}

static void picture(int32_t ndim, const int64_t *shape, int64_t image[3])
{
    image[0] = 1;
    memcpy(image + 3 - ndim, shape, (size_t)ndim * sizeof *image);
}

int32_t gm__gan_preset(const gm_gan_config *c, int32_t ndim, const int64_t *shape)
{
    int64_t image[3];
    if (c->preset != GM_GAN_AUTO) return c->preset;
    if (ndim < 2 || ndim > 3) return GM_GAN_MLP;
    picture(ndim, shape, image);
    return image[1] == image[2] && image[1] >= 28 && halvings(image[1], image[2]) ? GM_GAN_DCGAN : GM_GAN_MLP;
}

/* ---- texts ------------------------------------------------------------------------------------ */

typedef struct plan { /* what the texts depend on */
    gm_ctx *ctx;
    const gm_gan_config *c;
    int64_t image[3], row, outs;
    int n;               /* halvings */
    bool pictures, norm; /* D may normalise over the batch: its rows are judged one by one otherwise */
} plan;

static gm_status put_dense(const plan *p, const char *activation, gm__buf *b)
{
    int64_t hidden[GM__CODER_LAYERS];
    size_t n;
    GM__TRY(gm__coder_sizes(p->ctx, "gan", "hidden", p->c->hidden, hidden, &n));
    for (size_t i = 0; i < n; i++) gm__buf_format(b, "linear %lld, %s, ", (long long)hidden[i], activation);
    return GM_OK;
}

static gm_status mlp_g(const plan *p, gm__buf *b)
{
    GM__TRY(put_dense(p, "relu", b));
    gm__buf_format(b, "linear %lld%s", (long long)p->row, p->pictures ? ", tanh" : "");
    return GM_OK;
}

static const char *spread(const plan *p) { return p->c->mbstd ? "mbstd, " : ""; }

static gm_status mlp_d(const plan *p, gm__buf *b)
{
    GM__TRY(put_dense(p, "lrelu 0.2", b));
    gm__buf_format(b, "%slinear %lld", spread(p), (long long)p->outs);
    return GM_OK;
}

/* Strided convolutions, nothing pooled [Radford et al. 2016]; with `dense` a dense layer behind the noise and before the logit, as in
 * InfoGAN [Chen et al. 2016]: in nets this small they say what strokes belong together. */
static gm_status dcgan_g(const plan *p, gm__buf *b)
{
    const long long side = p->image[1] >> p->n, dense = p->c->dense;
    int64_t width = (int64_t)p->c->width << (p->n - 1);
    const long long first = width;
    if (dense) gm__buf_format(b, "linear %lld nobias, bnorm, relu, linear %lld nobias, bnorm, relu, reshape %lld %lld %lld", dense, first * side * side, first, side, side);
    else gm__buf_format(b, "convt %lld k%lld nobias init=dcgan, bnorm, relu", first, side);
    for (int i = 1; i < p->n; i++) gm__buf_format(b, ", convt %lld k4 s2 p1 nobias init=dcgan, bnorm, relu", (long long)(width >>= 1));
    gm__buf_format(b, ", convt %lld k4 s2 p1 init=dcgan, tanh", (long long)p->image[0]);
    return GM_OK;
}

static gm_status dcgan_d(const plan *p, gm__buf *b)
{
    const long long side = p->image[1] >> p->n, dense = p->c->dense;
    int64_t width = p->c->width;
    for (int i = 0; i < p->n; i++, width <<= 1) {
        const bool norm = p->norm && i > 0;
        gm__buf_format(b, "conv %lld k4 s2 p1%s init=dcgan, %slrelu 0.2, ", (long long)width, norm ? " nobias" : "", norm ? "bnorm, " : "");
    }
    if (dense) gm__buf_format(b, "%sflatten, linear %lld%s, %slrelu 0.2, linear %lld", spread(p), dense, p->norm ? " nobias" : "", p->norm ? "bnorm, " : "", (long long)p->outs);
    else gm__buf_format(b, "%sconv %lld k%lld init=dcgan, flatten", spread(p), (long long)p->outs, side);
    return GM_OK;
}

static gm_status resnet_g(const plan *p, gm__buf *b)
{
    int64_t h = p->image[1] >> p->n, w = p->image[2] >> p->n, width = (int64_t)p->c->width << (p->n - 1);
    gm__buf_format(b, "linear %lld, reshape %lld %lld %lld", (long long)(width * h * w), (long long)width, (long long)h, (long long)w);
    for (int i = 0; i < p->n; i++) {
        const long long k = (long long)(i ? width >>= 1 : width);
        gm__buf_format(b, ", up 2, conv %lld k3 p1, res(bnorm, relu, conv %lld k3 p1, bnorm, relu, conv %lld k3 p1)", k, k, k);
    }
    gm__buf_format(b, ", bnorm, relu, conv %lld k3 p1, tanh", (long long)p->image[0]);
    return GM_OK;
}

static gm_status resnet_d(const plan *p, gm__buf *b)
{
    int64_t width = p->c->width;
    for (int i = 0; i < p->n; i++, width <<= 1) {
        const long long k = (long long)width;
        gm__buf_format(b, "conv %lld k3 p1, res(lrelu 0.2, conv %lld k3 p1, lrelu 0.2, conv %lld k3 p1), avgpool 2, ", k, k, k);
    }
    gm__buf_format(b, "lrelu 0.2, %sflatten, linear %lld", spread(p), (long long)p->outs);
    return GM_OK;
}

static bool on_images(const char *text)
{
    text += strspn(text, " \t\r\n");
    while (!strncmp(text, "cond", 4) && strchr(" ,", text[4])) text += 4 + strspn(text + 4, " ,\t\r\n");
    return gm__coder_on_images(text) || !strncmp(text, "unshuffle", 9) || !strncmp(text, "pad", 3);
}

/* ---- making ------------------------------------------------------------------------------------- */

static gm_status too_small(const plan *p, const char *preset)
{
    return gm__fail_ctx(p->ctx, GM_ESHAPE, "gan: preset=%s wants %ssides that halve down to 4 to 7 pixels (28, 32, 64), found %lld x %lld", preset,
                        p->c->preset == GM_GAN_DCGAN ? "equal " : "", (long long)p->image[1], (long long)p->image[2]);
}

static gm_status make_plan(gm_model *m, const gm_gan_config *c, const gm__gan *g, plan *p)
{
    *p = (plan){.ctx = m->ctx, .c = c, .row = m->row, .outs = g->outs, .pictures = m->ndim >= 2, .image = {1, 1, 1}};
    /* a batch norm makes the logit depend on other rows, of which a slope by the row knows nothing */
    p->norm = !c->spectral && (c->penalty == GM_PENALTY_NONE || c->penalty == GM_PENALTY_CLIP);
    if (m->ndim == 2 || m->ndim == 3) picture(m->ndim, m->shape, p->image);
    if (c->preset == GM_GAN_MLP || (c->generator && c->discriminator)) return GM_OK;
    const char *name = c->preset == GM_GAN_DCGAN ? "dcgan" : "resnet";
    GM__TRY(gm__coder_image(m, "gan", p->image));
    p->n = halvings(p->image[1], p->image[2]);
    const bool square = p->image[1] == p->image[2] || c->preset != GM_GAN_DCGAN;
    return p->n && square ? GM_OK : too_small(p, name);
}

/* A net that is told the condition and has no place for it: joined to the input. */
static void put_cond(const gm__gan *g, const char *text, gm__buf *b)
{
    if (g->cond && !strstr(text, "cond")) gm__buf_text(b, "cond, ");
}

static gm_status make_g(gm_model *m, const plan *p, gm__gan *g, int64_t cond, uint64_t seed)
{
    static gm_status (*const presets[])(const plan *, gm__buf *) = {[GM_GAN_MLP] = mlp_g, [GM_GAN_DCGAN] = dcgan_g, [GM_GAN_RESNET] = resnet_g};
    const gm_gan_config *c = p->c;
    char text[128];
    int64_t out[GM_MAX_DIMS], size = 1;
    gm__buf b;
    gm__buf_init(&b, m->ctx);
    gm_status s = GM_OK;
    if (c->generator) {
        put_cond(g, c->generator, &b);
        gm__buf_text(&b, c->generator);
    } else {
        if (cond) gm__buf_text(&b, "cond, ");
        if (c->preset == GM_GAN_DCGAN && !c->dense) gm__buf_format(&b, "reshape %lld 1 1, ", (long long)(g->code + cond));
        s = presets[c->preset](p, &b);
    }
    if (!s && b.failed) s = GM_ENOMEM;
    if (!s) s = gm_net_new_cond(m->ctx, b.data, 1, &g->code, cond, seed, &g->g);
    gm__buf_free(&b);
    GM__TRY(s);
    const int32_t ndim = gm_net_output_shape(g->g, out);
    for (int32_t i = 0; i < ndim; i++) size *= out[i];
    if (size == m->row) return gm__model_add_net(m, "generator", g->g);
    char row[128];
    return gm__fail_ctx(m->ctx, GM_ESHAPE, "gan: the generator gives %s, a row of the data is %s", gm__shape_text(text, ndim, out),
                        gm__shape_text(row, m->ndim, m->shape));
}

static gm_status make_d(gm_model *m, const plan *p, gm__gan *g, int64_t cond, uint64_t seed)
{
    static gm_status (*const presets[])(const plan *, gm__buf *) = {[GM_GAN_MLP] = mlp_d, [GM_GAN_DCGAN] = dcgan_d, [GM_GAN_RESNET] = resnet_d};
    const gm_gan_config *c = p->c;
    gm__buf plain, b;
    gm__buf_init(&plain, m->ctx);
    gm__buf_init(&b, m->ctx);
    gm_status s = GM_OK;
    if (c->discriminator) {
        if (cond) put_cond(g, c->discriminator, &plain);
        gm__buf_text(&plain, c->discriminator);
    } else {
        if (cond) gm__buf_text(&plain, "cond, ");
        s = presets[c->preset](p, &plain);
    }
    g->on_images = c->discriminator ? on_images(c->discriminator) : c->preset != GM_GAN_MLP;
    if (!s && g->on_images) s = gm__coder_image(m, "gan", g->image);
    const int64_t flat = m->row * c->pack, stacked[] = {g->image[0] * c->pack, g->image[1], g->image[2]};
    if (!s && plain.failed) s = GM_ENOMEM;
    if (!s && c->spectral) gm__put_spectral(plain.data, &b);
    else if (!s) gm__buf_text(&b, plain.data);
    if (!s && b.failed) s = GM_ENOMEM;
    if (!s) s = gm_net_new_cond(m->ctx, b.data, g->on_images ? 3 : 1, g->on_images ? stacked : &flat, cond, seed, &g->d);
    gm__buf_free(&plain);
    gm__buf_free(&b);
    return s ? s : gm__model_add_net(m, "discriminator", g->d);
}

/* Does D give what is asked of it? */
static gm_status check_d(gm_model *m, const gm__gan *g)
{
    int64_t out[GM_MAX_DIMS], size = 1;
    char text[128];
    const int32_t ndim = gm_net_output_shape(g->d, out);
    for (int32_t i = 0; i < ndim; i++) size *= out[i];
    if (size == g->outs) return GM_OK;
    return gm__fail_ctx(m->ctx, GM_ESHAPE, "gan: the discriminator gives %s, %lld wanted: one logit%s", gm__shape_text(text, ndim, out), (long long)g->outs,
                        g->outs > 1 ? ", then the logits of classes and codes" : "");
}

static gm_status small_net(gm_model *m, const char *prefix, int64_t in, int64_t out, const char *how, uint64_t seed, gm_net **net)
{
    char text[64];
    gm__format(text, sizeof text, "linear %lld%s", (long long)out, how);
    GM__TRY(gm_net_new(m->ctx, text, 1, &in, seed, net));
    return gm__model_add_net(m, prefix, *net);
}

/* The part of D before its last layer gives features; head and label vectors meet there. */
static gm_status make_projection(gm_model *m, gm__gan *g, const gm_gan_config *c, uint64_t seed)
{
    int64_t out[GM_MAX_DIMS], size = 1;
    const int32_t ndim = gm_net_output_shape(g->d, out);
    for (int32_t i = 0; i < ndim; i++) size *= out[i];
    const char *how = c->spectral ? " spectral" : "";
    GM__TRY(small_net(m, "discriminator_head", size, g->outs, how, seed + 1, &g->d_head));
    return small_net(m, "discriminator_label", g->cond, size, c->spectral ? " nobias spectral" : " nobias", seed + 2, &g->d_label);
}

/* Presets give features in place of a logit when D is a projection: their last layer gives as many as the one before. */
enum { FEATURES = 128 };

gm_status gm__gan_build_nets(gm_model *m, const gm_gan_config *c)
{
    gm__gan *g = m->state;
    plan p;
    const bool vectors = c->conditional == GM_CONDITIONAL_EMBEDDING, projection = c->conditional == GM_CONDITIONAL_PROJECTION;
    const bool told = c->conditional == GM_CONDITIONAL_CONCAT || vectors; /* D at its input */
    const int64_t size = vectors ? c->embedding : g->cond;
    const uint64_t seed = gm__model_seed(m), d_seed = seed + UINT64_C(0x9e3779b97f4a7c15);
    GM__TRY(make_plan(m, c, g, &p));
    if (vectors) GM__TRY(small_net(m, "generator_label", g->cond, c->embedding, " nobias init=normal:1", seed + 3, &g->g_label));
    GM__TRY(make_g(m, &p, g, size, seed));
    if (gm__gan_alone(c)) return GM_OK;
    if (projection) p.outs = FEATURES;
    if (vectors) GM__TRY(small_net(m, "discriminator_label", g->cond, c->embedding, " nobias init=normal:1", d_seed + 3, &g->d_label));
    GM__TRY(make_d(m, &p, g, told ? size : 0, d_seed));
    return projection ? make_projection(m, g, c, d_seed) : check_d(m, g);
}

/* ---- all nets of a side ----------------------------------------------------------------------------- */

void gm__gan_free_nets(gm__gan *g)
{
    gm_net **all[] = {&g->g, &g->d, &g->g_label, &g->d_label, &g->d_head};
    for (size_t i = 0; i < GM__COUNT(all); i++) gm_net_free(*all[i]), *all[i] = NULL;
}

static void hold(gm_net *net, bool on)
{
    if (net) gm__net_hold(net, on);
}
void gm__gan_hold_g(gm__gan *g, bool on) { hold(g->g, on), hold(g->g_label, on); }
void gm__gan_hold_d(gm__gan *g, bool on) { hold(g->d, on), hold(g->d_label, on), hold(g->d_head, on); }

static gm_status add(gm_optim *o, const char *prefix, gm_net *net) { return net ? gm__optim_add_net_named(o, prefix, net, NULL) : GM_OK; }

gm_status gm__gan_add_g(gm_model *m, gm_optim *o)
{
    GM__TRY(add(o, "generator", gm__gan_of(m)->g));
    return add(o, "generator_label", gm__gan_of(m)->g_label);
}

gm_status gm__gan_add_d(gm_model *m, gm_optim *o)
{
    const gm__gan *g = gm__gan_of(m);
    GM__TRY(add(o, "discriminator", g->d));
    GM__TRY(add(o, "discriminator_label", g->d_label));
    return add(o, "discriminator_head", g->d_head);
}
