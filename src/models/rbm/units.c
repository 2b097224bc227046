/* units.c - the kinds of units: a row each.
 *
 * Stepped (rectified) units stand for a unit and endless copies of it with biases lower by 0.5, 1.5, ..; the sum of these is
 * close to max(0, x + N(0, sigmoid(x))) [Nair & Hinton 2010]. That is a rule for draws, not an energy: no free energy, no Z. */
#include "models/boltzmann.h"
#include "models/rbm/rbm.h"

static gm_tensor *cooled(gm_tape *t, gm_tensor *in, double temperature) { return temperature == 1 ? in : gm_affine(t, in, 1 / temperature, 0); }

/* ---- 0 or 1 ---------------------------------------------------------------------------- */

static bool unit_interval(double x) { return x >= 0 && x <= 1; }
static gm_tensor *on_mean(gm_tape *t, gm_tensor *in, double temperature) { return gm_sigmoid(t, cooled(t, in, temperature)); }
static gm_tensor *on_draw(gm_tape *t, gm_tensor *in, double temperature) { return gm_bernoulli_logits(t, cooled(t, in, temperature)); }
static gm_tensor *on_log_sum(gm_tape *t, gm_tensor *in) { return gm_sum(t, gm_softplus(t, in), 1, 0); }

static gm_tensor *bernoulli_mean(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature)
{
    GM__UNUSED(r), GM__UNUSED(like);
    return on_mean(t, in, temperature);
}
static gm_tensor *bernoulli_draw(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature)
{
    GM__UNUSED(r), GM__UNUSED(like);
    return on_draw(t, in, temperature);
}
static gm_tensor *bernoulli_gap(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *in)
{
    GM__UNUSED(r);
    return gm_neg(t, gm_bernoulli_log_prob(t, v, in));
}
static double bernoulli_log_states(const gm__rbm *r, const float *b, const float *x)
{
    double sum = 0;
    for (int64_t i = 0; i < r->nv - r->labels; i++) {
        const double in = (double)b[i] + (double)x[i];
        sum += in > 0 ? in + log1p(exp(-in)) : log1p(exp(in));
    }
    return sum;
}

/* ---- real numbers ---------------------------------------------------------------------- */

static bool finite_number(double x) { return isfinite(x); }

static gm_tensor *log_var(const gm__rbm *r, gm_tape *t) { return r->labels ? gm_slice(t, r->log_var, 0, 0, r->nv - r->labels, 1) : r->log_var; }
static gm_tensor *gaussian_signal(const gm__rbm *r, gm_tape *t, gm_tensor *v) { return gm_mul(t, v, gm_exp(t, gm_neg(t, log_var(r, t)))); }
static gm_tensor *gaussian_mean(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature)
{
    GM__UNUSED(r), GM__UNUSED(t), GM__UNUSED(like), GM__UNUSED(temperature);
    return in;
}
/* The energy divided by T multiplies the variance by T. */
static gm_tensor *gaussian_draw(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature)
{
    GM__UNUSED(like);
    return in ? gm_gaussian_draw(t, in, gm_expand(t, gm_affine(t, log_var(r, t), 1, log(temperature)), 2, in->shape)) : NULL;
}
static gm_tensor *gaussian_own(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *b)
{
    return gm_sum(t, gm_affine(t, gaussian_signal(r, t, gm_square(t, gm_sub(t, v, b))), 0.5, 0), 1, 0);
}
static gm_tensor *squared_gap(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *in)
{
    return gm_sum(t, gm_square(t, gm_sub(t, v, r->visible->mean(r, t, in, v, 1))), 1, 0);
}
static double gaussian_log_states(const gm__rbm *r, const float *b, const float *x)
{
    double sum = 0;
    for (int64_t i = 0; i < r->nv - r->labels; i++) {
        const double log_v = (double)gm__f32(r->log_var)[i], in = (double)x[i];
        sum += in * ((double)b[i] + in / 2) * exp(-log_v) + 0.5 * (log(6.28318530717958647692) + log_v);
    }
    return sum;
}
static double same(double mean) { return mean; }

static gm_tensor *normal_mean(gm_tape *t, gm_tensor *in, double temperature) { GM__UNUSED(t), GM__UNUSED(temperature); return in; }
static gm_tensor *normal_draw(gm_tape *t, gm_tensor *in, double temperature)
{
    return in ? gm_add(t, in, gm_normal(t, in->ndim, in->shape, 0, sqrt(temperature))) : NULL;
}
static gm_tensor *normal_own(gm_tape *t, gm_tensor *h) { return gm_affine(t, gm_sum(t, gm_square(t, h), 1, 0), 0.5, 0); }
static gm_tensor *normal_log_sum(gm_tape *t, gm_tensor *in)
{
    return in ? gm_affine(t, gm_sum(t, gm_square(t, in), 1, 0), 0.5, 0.5 * (double)in->shape[1] * log(6.28318530717958647692)) : NULL;
}

/* ---- one of a group -------------------------------------------------------------------- */

static gm_tensor *grouped(gm_tape *t, gm_tensor *x, int64_t group)
{
    return x ? gm_reshape(t, x, 3, (int64_t[]){x->shape[0], x->shape[1] / group, group}) : NULL;
}
static gm_tensor *flat(gm_tape *t, gm_tensor *x)
{
    return x ? gm_reshape(t, x, 2, (int64_t[]){x->shape[0], x->shape[1] * x->shape[2]}) : NULL;
}
gm_tensor *gm__unit_one_mean(gm_tape *t, gm_tensor *in, int64_t group, double temperature)
{
    return flat(t, gm_softmax(t, cooled(t, grouped(t, in, group), temperature), -1));
}
gm_tensor *gm__unit_one_draw(gm_tape *t, gm_tensor *in, int64_t group, double temperature)
{
    return flat(t, gm_one_hot(t, gm_categorical(t, cooled(t, grouped(t, in, group), temperature)), group, GM_F32));
}
double gm__unit_one_log_states(const float *b, const float *x, int64_t group)
{
    gm__log_sum sum = gm__log_nothing();
    for (int64_t i = 0; i < group; i++) gm__log_add(&sum, (double)b[i] + (double)x[i]);
    return gm__log_value(&sum);
}

static gm_tensor *softmax_mean(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature)
{
    GM__UNUSED(like);
    return gm__unit_one_mean(t, in, r->how.group, temperature);
}
static gm_tensor *softmax_draw(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature)
{
    GM__UNUSED(like);
    return gm__unit_one_draw(t, in, r->how.group, temperature);
}
/* A group without a unit on counts nothing. */
static gm_tensor *softmax_gap(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *in)
{
    return gm_neg(t, gm_sum(t, gm_mul(t, v, flat(t, gm_log_softmax(t, grouped(t, in, r->how.group), -1))), 1, 0));
}
static double softmax_log_states(const gm__rbm *r, const float *b, const float *x)
{
    double sum = 0;
    for (int64_t i = 0; i < r->nv - r->labels; i += r->how.group) sum += gm__unit_one_log_states(b + i, x + i, r->how.group);
    return sum;
}

/* ---- words of a document: every one drawn from one softmax [Salakhutdinov & Hinton 2009] ------- */

static bool whole_count(double x) { return x >= 0 && x <= GM__RBM_WORDS && x == floor(x); }

/* [N,1]: how many words each row has; without rows to be like, as many as a usual document */
static gm_tensor *lengths(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like)
{
    if (like) return gm_sum(t, like, 1, 1);
    return in ? gm_full(t, GM_F32, 2, (int64_t[]){in->shape[0], 1}, r->how.length) : NULL;
}
static gm_tensor *replicated_mean(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature)
{
    return gm_mul(t, gm_softmax(t, cooled(t, in, temperature), 1), lengths(r, t, in, like));
}
/* Each word is where its uniform number falls among the sums of the probabilities. */
static void count_words(const float *p, const float *u, int64_t words, int64_t vocabulary, double *upto, float *count)
{
    double sum = 0;
    for (int64_t k = 0; k < vocabulary; k++) upto[k] = sum += (double)p[k];
    for (int64_t w = 0; w < words; w++) {
        int64_t lo = 0, hi = vocabulary - 1;
        while (lo < hi) {
            const int64_t mid = (lo + hi) / 2;
            if ((double)u[w] * sum < upto[mid]) hi = mid;
            else lo = mid + 1;
        }
        count[lo] += 1;
    }
}
static gm_tensor *replicated_draw(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature)
{
    gm_tensor *p = gm_softmax(t, cooled(t, in, temperature), 1), *words = lengths(r, t, in, like);
    p = p ? gm__tape_contiguous(t, p) : NULL;
    if (!p || !words) return NULL;
    const int64_t n = p->shape[0], k = p->shape[1];
    int64_t most = 1;
    for (int64_t i = 0; i < n; i++) most = gm__f32(words)[i] > (float)most ? (int64_t)gm__f32(words)[i] : most;
    gm_tensor *u = gm_uniform(t, 2, (int64_t[]){n, most}, 0, 1), *y = gm_zeros(t, GM_F32, 2, p->shape), *upto = gm_zeros(t, GM_F64, 1, &k);
    for (int64_t i = 0; u && y && upto && i < n; i++)
        count_words(gm__f32(p) + i * k, gm__f32(u) + i * most, (int64_t)gm__f32(words)[i], k, gm__f64(upto), gm__f32(y) + i * k);
    return u && upto ? y : NULL;
}
static gm_tensor *replicated_gap(const gm__rbm *r, gm_tape *t, gm_tensor *v, gm_tensor *in)
{
    GM__UNUSED(r);
    return gm_neg(t, gm_sum(t, gm_mul(t, v, gm_log_softmax(t, in, 1)), 1, 0));
}
static double replicated_log_states(const gm__rbm *r, const float *b, const float *x)
{
    return r->how.length * gm__unit_one_log_states(b, x, r->nv);
}

/* ---- from 0 on ------------------------------------------------------------------------- */

static bool not_negative(double x) { return x >= 0 && isfinite(x); }

/* deviation of the noise; its least value keeps in / deviation finite */
static gm_tensor *noise_std(gm_tape *t, gm_tensor *in, double temperature)
{
    return gm_sqrt(t, gm_affine(t, gm_sigmoid(t, gm_clamp(t, cooled(t, in, temperature), -30, 1e30)), temperature, 0));
}
/* of max(0, x + s N(0,1)): x Phi(x/s) + s phi(x/s) */
static gm_tensor *stepped_mean(gm_tape *t, gm_tensor *in, double temperature)
{
    gm_tensor *s = noise_std(t, in, temperature), *z = gm_clamp(t, gm_div(t, in, s), -30, 30);
    gm_tensor *below = gm_affine(t, gm_erf(t, gm_affine(t, z, 0.70710678118654752440, 0)), 0.5, 0.5);
    gm_tensor *density = gm_affine(t, gm_exp(t, gm_affine(t, gm_square(t, z), -0.5, 0)), 0.39894228040143267794, 0);
    return gm_relu(t, gm_add(t, gm_mul(t, in, below), gm_mul(t, s, density)));
}
static gm_tensor *stepped_draw(gm_tape *t, gm_tensor *in, double temperature)
{
    return in ? gm_relu(t, gm_add(t, in, gm_mul(t, noise_std(t, in, temperature), gm_normal(t, in->ndim, in->shape, 0, 1)))) : NULL;
}
static gm_tensor *rectified_mean(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature)
{
    GM__UNUSED(r), GM__UNUSED(like);
    return stepped_mean(t, in, temperature);
}
static gm_tensor *rectified_draw(const gm__rbm *r, gm_tape *t, gm_tensor *in, gm_tensor *like, double temperature)
{
    GM__UNUSED(r), GM__UNUSED(like);
    return stepped_draw(t, in, temperature);
}
static double inverse_softplus(double mean) { return mean > 30 ? mean : log(expm1(mean)); }

/* ---- the tables -------------------------------------------------------------------------- */

const gm__visible_kind gm__visible_units[] = {
    [GM_UNITS_BERNOULLI] = {.name = "bernoulli", .measure = "cross-entropy, nats", .values = "numbers in [0,1]", .hint = " (units=gaussian, or scale=unit?)", .takes = unit_interval, .least = 1e-3,
                            .most = 1 - 1e-3, .bias = gm__bias_of_mean, .mean = bernoulli_mean, .draw = bernoulli_draw, .gap = bernoulli_gap,
                            .log_states = bernoulli_log_states, .has = GM__UNIT_F | GM__UNIT_AIS | GM__UNIT_CENTRE | GM__UNIT_MISSING, .hidden = GM__WITH_ALL},
    [GM_UNITS_GAUSSIAN] = {.name = "gaussian", .measure = "squared error", .values = "finite numbers", .takes = finite_number, .least = -INFINITY, .most = INFINITY, .bias = same,
                           .mean = gaussian_mean, .draw = gaussian_draw, .signal = gaussian_signal, .own = gaussian_own, .gap = squared_gap,
                           .log_states = gaussian_log_states, .has = GM__UNIT_F | GM__UNIT_STANDARD, .hidden = GM__WITH_BERNOULLI | GM__WITH_RECTIFIED},
    [GM_UNITS_SOFTMAX] = {.name = "softmax", .measure = "cross-entropy, nats", .values = "groups of which one is 1, the others 0", .takes = unit_interval, .least = 1e-3, .most = 1, .bias = log,
                          .mean = softmax_mean, .draw = softmax_draw, .gap = softmax_gap, .log_states = softmax_log_states,
                          .has = GM__UNIT_F | GM__UNIT_CENTRE | GM__UNIT_MISSING, .hidden = GM__WITH_ALL},
    [GM_UNITS_REPLICATED] = {.name = "replicated", .measure = "cross-entropy, nats", .values = "counts, whole numbers from 0 to 1048576", .takes = whole_count, .least = 1e-5, .most = INFINITY,
                             .bias = log, .mean = replicated_mean, .draw = replicated_draw, .gap = replicated_gap, .log_states = replicated_log_states,
                             .has = GM__UNIT_F | GM__UNIT_COUNTS, .hidden = GM__WITH_ALL},
    [GM_UNITS_RECTIFIED] = {.name = "rectified", .measure = "squared error", .values = "finite numbers from 0 on", .takes = not_negative, .least = 1e-3, .most = INFINITY,
                            .bias = inverse_softplus, .mean = rectified_mean, .draw = rectified_draw, .gap = squared_gap, .has = GM__UNIT_MISSING,
                            .hidden = GM__WITH_BERNOULLI},
};

const gm__hidden_kind gm__hidden_units[] = {
    {.name = "bernoulli", .mean = on_mean, .draw = on_draw, .log_sum = on_log_sum, .states = true},
    {.name = "rectified", .mean = stepped_mean, .draw = stepped_draw},
    {.name = "gaussian", .mean = normal_mean, .draw = normal_draw, .own = normal_own, .log_sum = normal_log_sum},
};
