/* coder.c - encoder and decoder nets from options, and the likelihood that
 * joins them: the part that autoencoder and VAE have in common. */
#include "models/coder.h"
#include <string.h>

/* ---- options ---------------------------------------------------------------- */

/* One row an activation: its name, its text in a net, and the op for nets that a family applies by hand. */
static gm_tensor *act_lrelu(gm_tape *t, gm_tensor *x) { return gm_leaky_relu(t, x, 0.2); }
static gm_tensor *act_elu(gm_tape *t, gm_tensor *x) { return gm_elu(t, x, 1.0); }
static gm_tensor *act_none(gm_tape *t, gm_tensor *x) { GM__UNUSED(t); return x; }
static const struct activation {
    const char *name, *text;
    gm_tensor *(*op)(gm_tape *t, gm_tensor *x);
} activations[] = {
    {"relu", "relu", gm_relu}, {"lrelu", "lrelu 0.2", act_lrelu}, {"elu", "elu 1", act_elu},
    {"gelu", "gelu", gm_gelu}, {"silu", "silu", gm_silu}, {"tanh", "tanh", gm_tanh},
    {"sigmoid", "sigmoid", gm_sigmoid}, {"softplus", "softplus", gm_softplus}, {"none", NULL, act_none},
};

static const struct activation *find_activation(const char *name)
{
    for (size_t i = 0; i < GM__COUNT(activations); i++)
        if (name && strcmp(activations[i].name, name) == 0) return &activations[i];
    return NULL;
}

gm_tensor *gm__coder_activate(gm_tape *t, const char *activation, gm_tensor *x)
{
    const struct activation *a = find_activation(activation);
    return a ? a->op(t, x) : gm__tape_fail(t, GM_EINTERNAL, "no activation '%s'", activation ? activation : "");
}

gm_status gm__coder_sizes(gm_ctx *ctx, const char *owner, const char *option, const char *text, int64_t out[GM__CODER_LAYERS], size_t *n)
{
    *n = 0;
    if (!text || !*text || strcmp(text, "none") == 0) return GM_OK;
    GM__TRY(gm__ints(ctx, option, text, out, GM__CODER_LAYERS, n));
    for (size_t i = 0; i < *n; i++)
        if (out[i] < 1 || out[i] > 1 << 20)
            return gm__fail_ctx(ctx, GM_EARG, "%s: %s: a layer size must lie in [1, 1048576], found %lld", owner, option, (long long)out[i]);
    return GM_OK;
}

gm_status gm__coder_check_activation(gm_ctx *ctx, const char *owner, const char *activation)
{
    if (find_activation(activation)) return GM_OK;
    return gm__fail_ctx(ctx, GM_EARG, "%s: activation: expected relu, lrelu, elu, gelu, silu, tanh, sigmoid, softplus or none, found '%s'",
                        owner, activation ? activation : "");
}

const char *gm__coder_activation_text(const char *activation) { return find_activation(activation)->text; }

bool gm__coder_on_images(const char *text)
{
    static const char *const layers[] = {"conv", "convt", "dwconv", "maxpool", "avgpool", "gap", "up", "shuffle", "gnorm", "inorm"};
    size_t n;
    do { /* the first layer inside res( or cat( */
        text += strspn(text, " \t\r\n(");
        n = strcspn(text, " \t\r\n,(|)");
        for (size_t i = 0; i < GM__COUNT(layers); i++)
            if (strlen(layers[i]) == n && memcmp(text, layers[i], n) == 0) return true;
        text += n;
        text += strspn(text, " \t\r\n");
    } while (n && *text == '(');
    return false;
}

gm_status gm__coder_check(gm_ctx *ctx, const gm__coder_cfg *c)
{
    int64_t hidden[GM__CODER_LAYERS];
    size_t n;
    GM__TRY(gm__coder_sizes(ctx, c->owner, "hidden", c->hidden, hidden, &n));
    GM__TRY(gm__coder_sizes(ctx, c->owner, "channels", c->channels, hidden, &n));
    if (c->preset == GM_PRESET_CONV && !n) return gm__fail_ctx(ctx, GM_EARG, "%s: preset=conv needs channels", c->owner);
    GM__TRY(gm__coder_check_activation(ctx, c->owner, c->activation));
    if (c->heads == GM_HEADS_OWN && (!c->encoder || !c->decoder))
        return gm__fail_ctx(ctx, GM_EARG, "%s: heads=own needs nets of your own: give both encoder and decoder", c->owner);
    return GM_OK;
}

int32_t gm__coder_likelihood(int32_t asked, int32_t ndim)
{
    if (asked != GM_LIKELIHOOD_AUTO) return asked;
    return ndim >= 2 ? GM_LIKELIHOOD_BERNOULLI : GM_LIKELIHOOD_GAUSSIAN;
}

/* ---- nets --------------------------------------------------------------------- */

static void put_layer(gm__buf *b, const char *text)
{
    if (b->len) gm__buf_text(b, ", ");
    gm__buf_text(b, text);
}

static void put_linear(gm__buf *b, int64_t out) { gm__buf_format(b, "%slinear %lld", b->len ? ", " : "", (long long)out); }

/* PyTorch's first weights let a signal fade by a factor of 2.4 a layer: from three hidden layers on each
 * net starts with weights that keep it [Glorot & Bengio 2010, He et al. 2015]. */
static const char *init_text(const gm__coder_cfg *c)
{
    int64_t sizes[GM__CODER_LAYERS];
    size_t hidden = 0, channels = 0;
    gm__coder_sizes(NULL, c->owner, "hidden", c->hidden, sizes, &hidden); /* both have been checked */
    if (c->preset == GM_PRESET_CONV) gm__coder_sizes(NULL, c->owner, "channels", c->channels, sizes, &channels);
    static const char *const saturating[] = {"tanh", "sigmoid", "none"};
    if (hidden + channels < 3) return "";
    for (size_t i = 0; i < GM__COUNT(saturating); i++)
        if (strcmp(c->activation, saturating[i]) == 0) return " init=xavier";
    return " init=kaiming";
}

/* Hidden layers with their activation, the decoder's in the opposite order. */
static gm_status put_hidden(gm_ctx *ctx, const gm__coder_cfg *c, bool mirror, gm__buf *b)
{
    int64_t hidden[GM__CODER_LAYERS];
    const char *act = find_activation(c->activation)->text;
    size_t n;
    GM__TRY(gm__coder_sizes(ctx, c->owner, "hidden", c->hidden, hidden, &n));
    for (size_t i = 0; i < n; i++) {
        put_linear(b, hidden[mirror ? n - 1 - i : i]);
        gm__buf_text(b, init_text(c));
        if (act) put_layer(b, act);
    }
    return GM_OK;
}

gm_status gm__coder_image(const gm_model *m, const char *owner, int64_t image[3])
{
    char text[128];
    if (m->ndim < 2 || m->ndim > 3)
        return gm__fail_ctx(m->ctx, GM_ESHAPE, "%s: convolutions want images [channels, height, width], rows are %s", owner,
                            gm__shape_text(text, m->ndim, m->shape));
    image[0] = 1;
    memcpy(image + 3 - m->ndim, m->shape, (size_t)m->ndim * sizeof *image);
    return GM_OK;
}

/* Strided convolutions, each of which halves the image, then the dense layers; the decoder goes the same way back. */
static gm_status put_conv(gm_ctx *ctx, const gm__coder_cfg *c, const gm__coder *k, bool decoder, int64_t out, gm__buf *b)
{
    int64_t channels[GM__CODER_LAYERS];
    const char *act = find_activation(c->activation)->text;
    size_t n;
    GM__TRY(gm__coder_sizes(ctx, c->owner, "channels", c->channels, channels, &n));
    const int64_t times = n < 32 ? (int64_t)1 << n : 0, h = k->image[1], w = k->image[2];
    if (!n || !times || h % times || w % times)
        return gm__fail_ctx(ctx, GM_ESHAPE, "%s: channels=%s halves an image %zu times, which sides of %lld and %lld do not allow", c->owner,
                            c->channels, n, (long long)h, (long long)w);
    for (size_t i = 0; !decoder && i < n; i++) {
        gm__buf_format(b, "%sconv %lld k4 s2 p1%s", b->len ? ", " : "", (long long)channels[i], init_text(c));
        if (act) put_layer(b, act);
    }
    if (!decoder) put_layer(b, c->cond ? "flatten, cond" : "flatten");
    GM__TRY(put_hidden(ctx, c, decoder, b));
    put_linear(b, decoder ? channels[n - 1] * (h / times) * (w / times) : out);
    if (!decoder) return GM_OK;
    gm__buf_text(b, init_text(c));
    if (act) put_layer(b, act);
    gm__buf_format(b, ", reshape %lld %lld %lld", (long long)channels[n - 1], (long long)(h / times), (long long)(w / times));
    for (size_t i = n; i-- > 0;) {
        gm__buf_format(b, ", convt %lld k4 s2 p1%s", (long long)(i ? channels[i - 1] : k->image[0]), i ? init_text(c) : "");
        if (i && act) put_layer(b, act);
    }
    return GM_OK;
}

/* The user's text. An encoder that works on images is told the condition behind its convolutions. */
static gm_status put_own(gm_ctx *ctx, const gm__coder_cfg *c, const char *text, bool on_images, gm__buf *b)
{
    gm__buf_text(b, text);
    if (!c->cond || !on_images || strstr(text, "cond")) return GM_OK;
    if (c->heads == GM_HEADS_OWN)
        return gm__fail_ctx(ctx, GM_EARG, "%s: encoder: a conditional net of your own needs a layer cond where the label enters (behind flatten)", c->owner);
    put_layer(b, "flatten, cond");
    return GM_OK;
}

/* One of the two nets: in numbers, or an image, to out numbers. The last linear layer is appended unless heads=own. */
static gm_status make(gm_ctx *ctx, const gm__coder_cfg *c, const gm__coder *k, bool decoder, int64_t in, int64_t out, uint64_t seed, gm_net **net)
{
    const char *text = decoder ? c->decoder : c->encoder;
    const bool conv = !text && c->preset == GM_PRESET_CONV, on_images = !decoder && k->on_images;
    gm__buf b;
    gm__buf_init(&b, ctx);
    gm_status s = text ? put_own(ctx, c, text, on_images, &b) : conv ? put_conv(ctx, c, k, decoder, out, &b) : put_hidden(ctx, c, decoder, &b);
    if (!s && !text && !conv) put_linear(&b, out);
    if (!s && b.failed) s = GM_ENOMEM;
    if (!s) s = gm_net_new_cond(ctx, b.data, on_images ? 3 : 1, on_images ? k->image : &in, c->cond, seed, net);
    gm__buf_free(&b);
    if (s || !text || c->heads == GM_HEADS_OWN) return s;
    int64_t shape[GM_MAX_DIMS];
    char last[40];
    if (gm_net_output_shape(*net, shape) != 1) GM__TRY(gm_net_add(*net, "flatten"));
    gm__format(last, sizeof last, "linear %lld", (long long)out);
    return gm_net_add(*net, last);
}

static int64_t outputs(const gm_net *net)
{
    int64_t shape[GM_MAX_DIMS], size = 1;
    const int32_t ndim = gm_net_output_shape(net, shape);
    for (int32_t i = 0; i < ndim; i++) size *= shape[i];
    return size;
}

/* Does a net's last layer have this name? */
static bool ends_in(const gm_net *net, const char *layer)
{
    const char *text = gm_net_text(net);
    size_t n = strlen(text), k = strlen(layer);
    return n >= k && memcmp(text + n - k, layer, k) == 0 && (n == k || text[n - k - 1] == ' ' || text[n - k - 1] == ',');
}

static gm_status check_encoder(gm_ctx *ctx, const gm__coder_cfg *c, const gm__coder *k)
{
    const int64_t got = outputs(k->encoder), want = k->latent * c->code_factor;
    if (got == want) return GM_OK;
    return gm__fail_ctx(ctx, GM_ESHAPE, "%s: encoder: with heads=own it must end in %lld numbers (%s), it gives %lld", c->owner, (long long)want,
                        c->code_factor == 2 ? "mean and log variance of the code" : "the code", (long long)got);
}

static gm_status check_decoder(gm_ctx *ctx, const gm__coder_cfg *c, gm__coder *k)
{
    const int64_t got = outputs(k->decoder);
    k->tanh_out = ends_in(k->decoder, "tanh");
    k->variance_out = c->own_variance && k->likelihood == GM_LIKELIHOOD_GAUSSIAN && c->heads == GM_HEADS_OWN && got == 2 * k->row;
    if (got != k->row && !k->variance_out)
        return gm__fail_ctx(ctx, GM_ESHAPE, "%s: decoder: with heads=own it must end in the %lld numbers of a row, it gives %lld", c->owner,
                            (long long)k->row, (long long)got);
    if (k->likelihood == GM_LIKELIHOOD_BERNOULLI && (k->tanh_out || ends_in(k->decoder, "sigmoid")))
        return gm__fail_ctx(ctx, GM_EARG, "%s: decoder: likelihood=bernoulli wants logits: leave out the last %s, or use likelihood=gaussian", c->owner,
                            k->tanh_out ? "tanh" : "sigmoid");
    if (k->tanh_out && k->variance_out)
        return gm__fail_ctx(ctx, GM_EARG, "%s: decoder: one that gives means and log variances cannot end in tanh", c->owner);
    return GM_OK;
}

gm_status gm__coder_build(gm_model *m, const gm__coder_cfg *c, gm__coder *out)
{
    /* two nets from one seed must not draw the same weights */
    const uint64_t seed = gm__model_seed(m), decoder_seed = seed + UINT64_C(0x9e3779b97f4a7c15);
    gm_ctx *ctx = m->ctx;
    out->row = m->row;
    out->latent = c->latent;
    out->cond = c->cond;
    out->likelihood = gm__coder_likelihood(c->likelihood, m->ndim);
    const int64_t code = out->latent * c->code_factor;
    out->on_images = c->encoder ? gm__coder_on_images(c->encoder) : c->preset == GM_PRESET_CONV;
    if (out->on_images || c->preset == GM_PRESET_CONV) GM__TRY(gm__coder_image(m, c->owner, out->image));
    GM__TRY(make(ctx, c, out, false, out->row, code, seed, &out->encoder));
    GM__TRY(check_encoder(ctx, c, out));
    GM__TRY(gm__model_add_net(m, "encoder", out->encoder));
    if (c->no_decoder) return GM_OK;
    GM__TRY(make(ctx, c, out, true, out->latent, out->row, decoder_seed, &out->decoder));
    GM__TRY(check_decoder(ctx, c, out));
    return gm__model_add_net(m, "decoder", out->decoder);
}

void gm__coder_free(gm__coder *c)
{
    gm_net_free(c->encoder);
    gm_net_free(c->decoder);
    c->encoder = c->decoder = NULL;
}

/* ---- on a tape ------------------------------------------------------------------ */

/* Reshapes all but the last axis of `like` in front of a last axis of n. */
static gm_tensor *with_last(gm_tape *t, gm_tensor *x, const gm_tensor *like, int64_t n)
{
    int64_t shape[GM_MAX_DIMS];
    if (!x || !like) return NULL;
    memcpy(shape, like->shape, sizeof shape);
    shape[like->ndim - 1] = n;
    return gm_reshape(t, x, like->ndim, shape);
}

#define SLACK 1e-5f /* what rounding may add when features are scaled to [0,1] */

gm_tensor *gm__coder_rows(const gm__coder *c, gm_tape *t, gm_tensor *x, const char *owner, bool check)
{
    if (!x) return NULL;
    gm_tensor *rows = gm_reshape(t, x, 2, (int64_t[]){x->shape[0], c->row});
    if (!rows || !check || c->likelihood != GM_LIKELIHOOD_BERNOULLI || rows->dtype != GM_F32 || !rows->contiguous) return rows;
    const float *v = gm__f32(rows);
    int64_t i = 0;
    while (i < rows->size && v[i] >= -SLACK && v[i] <= 1.0f + SLACK) i++;
    if (i == rows->size || v[i] != v[i]) return rows; /* a NaN makes the loss one, which is reported by name */
    return gm__tape_fail(t, GM_EARG, "%s: likelihood=bernoulli wants data in [0,1], found %g in row %lld of the batch: use likelihood=gaussian or scale=unit",
                         owner, (double)v[i], (long long)(i / c->row));
}

gm_tensor *gm__coder_encode(const gm__coder *c, gm_tape *t, gm_tensor *x, gm_tensor *cond)
{
    if (c->on_images && x) x = gm_reshape(t, x, 4, (int64_t[]){x->shape[0], c->image[0], c->image[1], c->image[2]});
    gm_tensor *h = gm_net_apply(c->encoder, t, x, c->cond ? cond : NULL);
    return h && h->ndim != 2 ? gm_reshape(t, h, 2, (int64_t[]){h->shape[0], -1}) : h;
}

/* The condition of every code, where a row has several. */
static gm_tensor *cond_of_codes(const gm__coder *c, gm_tape *t, const gm_tensor *z, gm_tensor *cond)
{
    if (!c->cond || !cond || !z || z->ndim == 2) return c->cond ? cond : NULL;
    const int64_t n = z->shape[0], k = z->shape[1];
    gm_tensor *each = gm_expand(t, gm_reshape(t, cond, 3, (int64_t[]){n, 1, c->cond}), 3, (int64_t[]){n, k, c->cond});
    return gm_reshape(t, each, 2, (int64_t[]){n * k, c->cond});
}

gm_tensor *gm__coder_decode(const gm__coder *c, gm_tape *t, gm_tensor *z, gm_tensor *cond)
{
    /* nets see one code a row, however many there are for a row of data */
    gm_tensor *codes = !z || z->ndim == 2 ? z : gm_reshape(t, z, 2, (int64_t[]){-1, c->latent});
    gm_tensor *y = gm_net_apply(c->decoder, t, codes, cond_of_codes(c, t, z, cond));
    if (c->tanh_out) y = gm_affine(t, y, 0.5, 0.5);
    return with_last(t, y, z, c->variance_out ? 2 * c->row : c->row);
}

gm_tensor *gm__coder_mean(const gm_model *m, const gm__coder *c, gm_tape *t, gm_tensor *y)
{
    if (!y) return NULL;
    if (c->variance_out) y = gm_slice(t, y, -1, 0, c->row, 1);
    if (c->likelihood == GM_LIKELIHOOD_BERNOULLI) y = gm_sigmoid(t, y);
    if (!y || m->ndim + 1 > GM_MAX_DIMS) return y;
    int64_t shape[GM_MAX_DIMS] = {y->shape[0]};
    memcpy(shape + 1, m->shape, sizeof(int64_t) * (size_t)m->ndim);
    return gm_reshape(t, y, m->ndim + 1, shape);
}

gm_tensor *gm__coder_error(const gm__coder *c, gm_tape *t, gm_tensor *x, gm_tensor *y)
{
    if (c->variance_out) y = gm_slice(t, y, -1, 0, c->row, 1);
    return gm_sum(t, gm_mse(t, y, x, GM_NONE), -1, 0);
}

gm_tensor *gm__coder_squared_error(const gm_model *m, const gm__coder *c, gm_tape *t, gm_tensor *rows, gm_tensor *y)
{
    gm_tensor *mean = gm__coder_mean(m, c, t, y);
    if (!mean || !rows) return NULL;
    gm_tensor *e = gm_sub(t, gm_reshape(t, mean, 2, (int64_t[]){rows->shape[0], c->row}), rows);
    if (m->scale_mul) e = gm_div(t, e, gm_reshape(t, m->scale_mul, 1, &c->row)); /* in the data's units */
    return gm_sum(t, gm_square(t, e), -1, 0);
}

size_t gm__coder_print(gm_ctx *ctx, const gm_net *const *nets, const char *const *names, size_t n, gm__buf *out)
{
    const size_t before = out->len;
    for (size_t i = 0; i < n; i++) {
        if (!nets[i]) continue;
        const size_t need = gm_net_print(nets[i], NULL, 0) + 1;
        char *table = gm__alloc(ctx, need, 1);
        if (!table) {
            out->failed = true;
            break;
        }
        gm_net_print(nets[i], table, need);
        gm__buf_format(out, "%s\n%s%s", names[i], table, need > 1 && table[need - 2] == '\n' ? "" : "\n");
        gm__free(ctx, table);
    }
    return out->len - before;
}
