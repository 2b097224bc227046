/* test_bm.c - the Boltzmann machine against enumeration of all its states. */
#include "models/bm/bm.h"
#include "models/models_test.h"
#include <pthread.h>

enum { N = 4, STATES = 1 << N };

/* A machine of four units, some of them hidden, with weights that matter. */
static gm_model *small(int hidden, const char *more)
{
    static const float w[] = {0.9f, -1.4f, 0.3f, 0.7f, -0.5f, 1.1f}, b[] = {-0.4f, 0.2f, 0.6f, -0.3f}; /* 01 02 03 12 13 23 */
    char options[256];
    gm_model *m = NULL;
    snprintf(options, sizeof options, "shape=%d hidden=%d %s", N - hidden, hidden, more);
    OK(gm_model_new(ctx, "bm", options, &m));
    memcpy(gm__bm_of(m)->w->data, w, sizeof w);
    memcpy(gm__bm_of(m)->b->data, b, sizeof b);
    return m;
}

/* E of a state, straight from the definition; any number of units, w above the diagonal */
static double energy_of(int n, const double *w, const double *b, int s)
{
    double e = 0;
    for (int i = 0; i < n; i++) {
        e -= (s >> i & 1) * b[i];
        for (int j = i + 1; j < n; j++) e -= *w++ * (s >> i & 1) * (s >> j & 1);
    }
    return e;
}
static void weights_of(const gm__bm *m, double *w, double *b)
{
    for (int k = 0; k < m->pairs; k++) w[k] = (double)gm__f32(m->w)[k];
    for (int i = 0; i < m->n; i++) b[i] = (double)gm__f32(m->b)[i];
}

/* p(x) at a temperature; returns log Z */
static double enumerate(const gm__bm *m, double temperature, double *p)
{
    double z = 0, w[64], b[16];
    weights_of(m, w, b);
    for (int s = 0; s < 1 << m->n; s++) z += p[s] = exp(-energy_of((int)m->n, w, b, s) / temperature);
    for (int s = 0; s < 1 << m->n; s++) p[s] /= z;
    return log(z);
}

static void put_state(gm_tensor *x, int64_t row, int s)
{
    for (int64_t i = 0; i < x->shape[1]; i++) gm__f32(x)[row * x->shape[1] + i] = (float)(s >> i & 1);
}
static int state_of(const gm_tensor *x, int64_t row)
{
    int s = 0;
    for (int64_t i = 0; i < x->shape[1]; i++) s |= (gm__f32(x)[row * x->shape[1] + i] > 0.5f) << i;
    return s;
}
/* rows states of n units: 0, 1, 2, .. over and over */
static gm_tensor *states(int64_t rows, int n)
{
    gm_tensor *x = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){rows, n}, &x));
    for (int64_t r = 0; r < rows; r++) put_state(x, r, (int)(r % (1 << n)));
    return x;
}

START_TEST(energies)
{
    gm_model *m = small(0, "");
    gm_tensor *x = states(STATES, N), *e = NULL;
    double w[6], b[N];
    weights_of(gm__bm_of(m), w, b);
    OK(gm_bm_energy(m, x, &e));
    /* by hand: nothing on; units 0 and 1: -(0.9 - 0.4 + 0.2); all on: -(1.1 + 0.1) */
    ck_assert_double_eq(gm__f32(e)[0], 0);
    ck_assert_double_eq_tol(gm__f32(e)[3], -0.7, 1e-6);
    ck_assert_double_eq_tol(gm__f32(e)[15], -1.2, 1e-6);
    for (int s = 0; s < STATES; s++) {
        ck_assert_double_eq_tol(gm__f32(e)[s], energy_of(N, w, b, s), 2e-6);
        for (int i = 0; i < N; i++) { /* turned on, a unit takes off what it receives: b_i + sum_j w_ij x_j */
            double in = b[i];
            for (int j = 0, k = 0; j < N; j++)
                for (int l = j + 1; l < N; l++, k++)
                    if (j == i || l == i) in += w[k] * (s >> (j == i ? l : j) & 1);
            if (!(s >> i & 1)) ck_assert_double_eq_tol((double)gm__f32(e)[s] - (double)gm__f32(e)[s | 1 << i], in, 2e-6);
        }
    }
    gm_tensor_free(x);
    gm_tensor_free(e);
    gm_model_free(m);
}
END_TEST

/* log Z, log p and free energies with 0, 1 and 2 hidden units at three temperatures. */
START_TEST(probabilities)
{
    static const double temperature[] = {0.5, 1, 2};
    const int hidden = _i / 3, nv = N - hidden;
    const double T = temperature[_i % 3];
    gm_model *m = small(hidden, "");
    gm_tensor *v = states(1 << nv, nv), *lp = NULL, *f = NULL, *l1 = NULL, *h = NULL;
    double p[STATES], log_z, z = enumerate(gm__bm_of(m), T, p), bound;
    char options[64];
    int32_t kind;
    snprintf(options, sizeof options, "temperature=%g", T);
    OK(gm_bm_log_z(m, options, &log_z));
    ck_assert_double_eq_tol(log_z, z, 1e-12);
    OK(gm_bm_log_prob(m, v, options, &lp));
    for (int s = 0; s < 1 << nv; s++) {
        double sum = 0;
        for (int k = 0; k < 1 << hidden; k++) sum += p[s | k << nv];
        ck_assert_double_eq_tol(gm__f32(lp)[s], log(sum), 2e-6);
    }
    if (T == 1) { /* the verbs */
        OK(gm_score(m, v, &f));
        OK(gm_log_prob(m, v, NULL, &l1, &kind));
        ck_assert_int_eq(kind, GM_LOG_PROB_EXACT);
        ck_assert(furthest(lp, l1) == 0);
        for (int s = 0; s < 1 << nv; s++) ck_assert_double_eq_tol(-(double)gm__f32(f)[s] - z, gm__f32(lp)[s], 2e-6);
        gm__f32(gm__bm_of(m)->b)[0] += 1; /* other weights, another Z */
        OK(gm_bm_log_z(m, NULL, &bound));
        gm_tensor_free(l1);
        OK(gm_log_prob(m, v, NULL, &l1, &kind));
        double sum = 0;
        for (int s = 0; s < 1 << nv; s++) sum += exp((double)gm__f32(l1)[s]);
        ck_assert_double_eq_tol(sum, 1, 1e-6);
        gm__f32(gm__bm_of(m)->b)[0] -= 1;
    }
    if (T == 1 && hidden) { /* p(h=1|v) */
        gm_tensor_free(f);
        OK(gm_encode(m, v, &h));
        for (int s = 0; s < 1 << nv; s++)
            for (int j = 0; j < hidden; j++) {
                double on = 0, all = 0;
                for (int k = 0; k < 1 << hidden; k++) all += p[s | k << nv], on += (k >> j & 1) * p[s | k << nv];
                ck_assert_double_eq_tol(gm__f32(h)[s * hidden + j], on / all, 1e-6);
            }
        f = NULL;
    }
    gm_tensor *all[] = {v, lp, f, l1, h};
    for (size_t i = 0; i < GM__COUNT(all); i++) gm_tensor_free(all[i]);
    gm_model_free(m);
}
END_TEST

/* ---- chains ------------------------------------------------------------------------------ */

/* Chains at a temperature visit states as often as p says. Chi-square with 15 degrees of freedom exceeds 37.7 once in 1,000
 * times; the seed is fixed, so this cannot fail by chance later. So hot that nothing counts, all states are alike. */
START_TEST(frequencies)
{
    enum { ROWS = 20000 };
    static const double temperature[] = {0.5, 1, 2, 1e6};
    const double T = temperature[_i];
    gm_model *m = small(0, "");
    gm_tensor *x = states(ROWS, N), *y = NULL;
    double p[STATES], chi = 0;
    int count[STATES] = {0};
    char options[64];
    enumerate(gm__bm_of(m), T, p);
    if (_i == 3)
        for (int s = 0; s < STATES; s++) p[s] = 1.0 / STATES;
    snprintf(options, sizeof options, "steps=40 temperature=%g seed=5", T);
    OK(gm_bm_gibbs(m, x, NULL, options, &y));
    for (int r = 0; r < ROWS; r++) count[state_of(y, r)]++;
    for (int s = 0; s < STATES; s++) chi += (count[s] - ROWS * p[s]) * (count[s] - ROWS * p[s]) / (ROWS * p[s]);
    ck_assert_msg(chi < 37.7, "T = %g: chi-square %g", T, chi);
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_model_free(m);
}
END_TEST

/* One unit moves, the others are held: from states as frequent as p says, as many chains go from s to s' as back.
 * (a-b)^2/(a+b) over the 32 pairs is chi-square with 32 degrees of freedom: over 62.5 once in 1,000 times; the seed is fixed. */
START_TEST(detailed_balance)
{
    enum { ROWS = 100000 };
    gm_model *m = small(0, "");
    gm_tensor *x = states(ROWS, N), *clamp = NULL, *y = NULL;
    double p[STATES], chi = 0;
    enumerate(gm__bm_of(m), 1, p);
    int row = 0;
    double upto = 0;
    for (int s = 0; s < STATES; s++)
        for (upto += p[s] * ROWS; row < ROWS && row < upto; row++) put_state(x, row, s);
    for (int i = 0; i < N; i++) {
        uint8_t held[N] = {1, 1, 1, 1};
        int to[STATES] = {0}; /* chains that left s */
        held[i] = 0;
        OK(gm_tensor_copy(ctx, GM_U8, 1, (int64_t[]){N}, held, &clamp));
        OK(gm_bm_gibbs(m, x, clamp, "seed=3", &y));
        for (int r = 0; r < ROWS; r++) {
            int from = state_of(x, r), now = state_of(y, r);
            ck_assert_int_eq((from ^ now) & ~(1 << i), 0);
            to[from] += from != now;
        }
        for (int s = 0; s < STATES; s++)
            if (!(s >> i & 1)) {
                double a = to[s], b = to[s | 1 << i];
                ck_assert(a > 100 && b > 100);
                chi += (a - b) * (a - b) / (a + b);
            }
        gm_tensor_free(y);
        gm_tensor_free(clamp);
    }
    ck_assert_msg(chi < 62.5, "chi-square %g", chi);
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

/* Twelve units that pull at each other: cooled down, chains end in the state of lowest energy, or next to it. */
START_TEST(annealing)
{
    enum { UNITS = 12, ROWS = 64 };
    gm_model *m = NULL;
    gm_tensor *x = states(ROWS, UNITS), *y = NULL, *e = NULL;
    double w[66], b[UNITS], low = INFINITY;
    int found = 0;
    OK(gm_model_new(ctx, "bm", "shape=12 init-std=2 seed=8", &m));
    weights_of(gm__bm_of(m), w, b);
    for (int s = 0; s < 1 << UNITS; s++) low = fmin(low, energy_of(UNITS, w, b, s));
    OK(gm_bm_gibbs(m, x, NULL, "steps=500 anneal=10 temperature=0.05 seed=1", &y));
    OK(gm_bm_energy(m, y, &e));
    for (int r = 0; r < ROWS; r++) {
        ck_assert((double)gm__f32(e)[r] >= low - 1e-4);
        found += (double)gm__f32(e)[r] < low + 1e-4;
    }
    ck_assert_msg(found >= ROWS / 2, "%d of %d chains at the lowest energy", found, ROWS);
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_tensor_free(e);
    gm_model_free(m);
}
END_TEST

/* Held units stay; a row's chain does not know of the others; seeds differ. */
START_TEST(held_units)
{
    gm_model *m = small(2, "");
    gm_tensor *x = states(40, N), *few = states(7, N), *clamp = NULL, *y = NULL, *z = NULL;
    int moved = 0;
    OK(gm_tensor_new(ctx, GM_U8, 2, (int64_t[]){40, N}, &clamp));
    for (int k = 0; k < 40 * N; k++) ((uint8_t *)gm_tensor_data(clamp))[k] = unit((uint32_t)k) < 0.5;
    OK(gm_bm_gibbs(m, x, clamp, "steps=9 seed=1", &y));
    for (int k = 0; k < 40 * N; k++) {
        ck_assert(gm__f32(y)[k] == 0 || gm__f32(y)[k] == 1);
        if (((uint8_t *)gm_tensor_data(clamp))[k]) ck_assert(gm__f32(y)[k] == gm__f32(x)[k]);
        else moved += gm__f32(y)[k] != gm__f32(x)[k];
    }
    ck_assert_int_gt(moved, 20);
    gm_tensor_free(y);
    OK(gm_bm_gibbs(m, x, NULL, "steps=9 seed=1", &y));
    OK(gm_bm_gibbs(m, few, NULL, "steps=9 seed=1", &z));
    ck_assert(!memcmp(y->data, z->data, 7 * N * sizeof(float)));
    gm_tensor_free(z);
    OK(gm_bm_gibbs(m, x, NULL, "steps=9 seed=2", &z));
    ck_assert(furthest(y, z) == 1);
    gm_tensor *all[] = {x, few, clamp, y, z};
    for (size_t i = 0; i < GM__COUNT(all); i++) gm_tensor_free(all[i]);
    gm_model_free(m);
}
END_TEST

/* gm_sample: states, as frequent as p(v) says; the same at any size of batch. 7 degrees of freedom: over 24.3 once in 1,000 times. */
START_TEST(sampling)
{
    enum { ROWS = 4000 };
    gm_model *m = small(1, "burn-in=40");
    gm_tensor *x = NULL, *few = NULL;
    double p[STATES], chi = 0;
    int count[8] = {0};
    enumerate(gm__bm_of(m), 1, p);
    OK(gm_sample(m, ROWS, 4, &x));
    OK(gm_sample(m, 5, 4, &few));
    ck_assert(!memcmp(x->data, few->data, 15 * sizeof(float)));
    for (int r = 0; r < ROWS; r++) count[state_of(x, r)]++;
    for (int s = 0; s < 8; s++) {
        double want = ROWS * (p[s] + p[s | 8]);
        chi += (count[s] - want) * (count[s] - want) / want;
    }
    ck_assert_msg(chi < 24.3, "chi-square %g", chi);
    gm_tensor_free(x);
    gm_tensor_free(few);
    gm_model_free(m);
}
END_TEST

/* ---- learning ------------------------------------------------------------------------------ */

static gm_dataset *dataset_of(gm_tensor *x)
{
    gm_dataset *d = NULL;
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    return d;
}

/* The gradient of a step on these rows, weights then biases. */
static void gradient(gm_model *m, gm_tensor *x, double *g)
{
    gm__bm *bm = gm__bm_of(m);
    gm_tape *t = NULL;
    gm_tensor *loss = NULL, *of[2];
    OK(gm_tape_new(ctx, 7, &t));
    OK(m->family->loss(m, &(gm__batch){.t = t, .x = x, .training = true}, &loss));
    gm_tensor_set_grad(bm->w, 1);
    gm_tensor_set_grad(bm->b, 1);
    OK(gm_tape_grad(t, loss, (gm_tensor *[]){bm->w, bm->b}, 2, 0, of));
    for (int64_t k = 0; k < bm->pairs; k++) g[k] = (double)gm__f32(of[0])[k];
    for (int64_t i = 0; i < bm->n; i++) g[bm->pairs + i] = (double)gm__f32(of[1])[i];
    gm_tape_free(t);
}

/* mean of -log p(v) over states of nv of n units */
static double exact_loss(int n, int nv, const double *w, const double *b, const gm_tensor *x)
{
    double z = 0, sum = 0;
    for (int s = 0; s < 1 << n; s++) z += exp(-energy_of(n, w, b, s));
    for (int64_t r = 0; r < x->shape[0]; r++) {
        double p = 0;
        for (int h = 0; h < 1 << (n - nv); h++) p += exp(-energy_of(n, w, b, state_of(x, r) | h << nv));
        sum -= log(p / z);
    }
    return sum / (double)x->shape[0];
}

/* The gradient is that of exact log p, by finite differences; by long chains it comes near it. */
START_TEST(gradients)
{
    enum { ROWS = 60 };
    static const char *const how[] = {"gradient=exact", "gradient=chains chains=20000 k=30"};
    const int hidden = _i % 3, nv = N - hidden;
    gm_model *m = small(hidden, how[_i / 3]);
    const gm__bm *bm = gm__bm_of(m);
    gm_tensor *x = NULL;
    gm_trainer *tr = NULL;
    double g[16], w[6], b[N];
    const int64_t rows = _i < 3 ? ROWS : 20 * 500;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){rows, nv}, &x));
    for (int64_t r = 0; r < rows; r++) put_state(x, r, (int)(unit((uint32_t)(r % 20)) * unit((uint32_t)(r % 20) + 99) * (1 << nv)));
    gm_dataset *d = dataset_of(x);
    OK(gm_trainer_new(m, d, "batch=100 seed=1", &tr)); /* chains start */
    weights_of(bm, w, b);
    gradient(m, x, g);
    for (int k = 0; k < bm->pairs + bm->n; k++) {
        double *at_ = k < bm->pairs ? &w[k] : &b[k - bm->pairs], kept = *at_, up, down;
        *at_ = kept + 1e-5, up = exact_loss(N, nv, w, b, x);
        *at_ = kept - 1e-5, down = exact_loss(N, nv, w, b, x);
        *at_ = kept;
        ck_assert_msg(fabs(g[k] - (up - down) / 2e-5) < (_i < 3 ? 1e-6 : 0.02), "%s hidden=%d: %g, differences %g", how[_i / 3], hidden, g[k], (up - down) / 2e-5);
    }
    gm_trainer_free(tr);
    gm_tensor_free(x);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* Fully visible and trained to the end, the model's means of units and pairs are those of the data. */
START_TEST(moments_match)
{
    enum { ROWS = 200 };
    static const char *const how[] = {"gradient=exact", "gradient=chains chains=1000 k=5"};
    static const char *const fit[] = {"steps=3000 batch=200 lr=1 seed=1", "steps=3000 batch=200 lr=0.5 schedule=cosine seed=1"};
    gm_tensor *x = NULL;
    gm_model *m = NULL;
    double p[STATES], most = 0;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ROWS, N}, &x));
    for (int r = 0; r < ROWS; r++) put_state(x, r, (r % 3 ? r : r & 5) % STATES);
    gm_dataset *d = dataset_of(x);
    OK(gm_model_new(ctx, "bm", how[_i], &m));
    OK(gm_fit(m, d, fit[_i]));
    enumerate(gm__bm_of(m), 1, p);
    for (int i = 0; i < N; i++)
        for (int j = i; j < N; j++) {
            double data = 0, model = 0;
            for (int r = 0; r < ROWS; r++) data += (double)(gm__f32(x)[r * N + i] * gm__f32(x)[r * N + j]) / ROWS;
            for (int s = 0; s < STATES; s++) model += (s >> i & s >> j & 1) * p[s];
            most = fmax(most, fabs(data - model));
        }
    ck_assert_msg(most < (_i ? 0.02 : 1e-4), "%s: means differ by %g", how[_i], most);
    gm_tensor_free(x);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* Three units of which an even number is on: no machine without hidden units can know that, for all pairs are independent. */
START_TEST(hidden_units_help)
{
    enum { V = 3 };
    static const char *const how[] = {"hidden=0", "hidden=3 init-std=0.5", "hidden=3 init-std=0.5 gradient=chains chains=500", "hidden=3 init-std=0.5 gradient=mean-field chains=500"};
    const int even[] = {0, 3, 5, 6};
    gm_tensor *x = states(100, V);
    gm_model *m = NULL;
    gm_measure e[4];
    int32_t n;
    for (int r = 0; r < 100; r++) put_state(x, r, even[r % 4]);
    gm_dataset *d = dataset_of(x);
    char options[128];
    snprintf(options, sizeof options, "seed=2 %s", how[_i]);
    OK(gm_model_new(ctx, "bm", options, &m));
    OK(gm_fit(m, d, "steps=4000 batch=100 lr=0.3 momentum=0.5 seed=1"));
    OK(gm_eval(m, d, "metric=exact_log_prob,free_energy,pseudo_log_prob,recon", e, 4, &n));
    ck_assert_int_eq(n, 4);
    if (_i == 0) ck_assert_double_eq_tol(e[0].value, -log(8), 1e-3);
    else ck_assert_msg(e[0].value > -log(4) - 0.2 && e[0].value <= -log(4) + 1e-6, "%s: %g nats, the data's entropy is %g", how[_i], e[0].value, log(4));
    if (_i == 0) ck_assert_double_eq_tol(e[2].value, -3 * log(2), 0.01);
    else ck_assert_double_gt(e[2].value, -0.7); /* units follow from the others */
    ck_assert(isfinite(e[1].value) && e[3].value > 0);
    gm_tensor_free(x);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* pseudo_log_prob by counting: sum_i log p(v_i | the others). Mean field bounds free energies from above. */
START_TEST(metrics)
{
    gm_model *m = small(_i, "");
    const int nv = N - _i, all = 1 << nv;
    gm_tensor *x = states(all, nv);
    gm_dataset *d = dataset_of(x);
    gm_measure e;
    int32_t n;
    double p[STATES], q[STATES] = {0}, sum = 0;
    enumerate(gm__bm_of(m), 1, p);
    for (int s = 0; s < STATES; s++) q[s & (all - 1)] += p[s];
    for (int s = 0; s < all; s++)
        for (int i = 0; i < nv; i++) sum += log(q[s] / (q[s] + q[s ^ 1 << i])) / all;
    OK(gm_eval(m, d, "metric=pseudo_log_prob", &e, 1, &n));
    ck_assert_double_eq_tol(e.value, sum, 1e-5);
    gm_tensor_free(x);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* 21 hidden units go by mean field; those without connections to one another make it exact, and a wire between two a bound. */
START_TEST(mean_field)
{
    gm_model *m = NULL;
    gm_tensor *v = NULL, *f = NULL, *h = NULL;
    OK(gm_model_new(ctx, "bm", "shape=2 hidden=21 seed=4", &m));
    const gm__bm *bm = gm__bm_of(m);
    memset(bm->w->data, 0, (size_t)bm->pairs * sizeof(float));
    for (int k = 0; k < 43; k++) gm__f32(bm->w)[k] = (float)(unit((uint32_t)k) * 2 - 1); /* pairs with a visible unit */
    for (int i = 0; i < bm->n; i++) gm__f32(bm->b)[i] = (float)(unit((uint32_t)i + 50) - 0.5);
    v = states(4, 2);
    OK(gm_score(m, v, &f));
    OK(gm_encode(m, v, &h));
    for (int wire = 0; wire < 2; wire++) {
        if (wire) { /* units 2 and 3, the first two hidden ones: pairs (0,1..22) (1,2..22) (2,3) */
            gm__f32(bm->w)[43] = 1.5f;
            gm_tensor_free(f);
            OK(gm_score(m, v, &f));
        }
        for (int s = 0; s < 4; s++) {
            double a = s & 1, c = s >> 1, exact, in[21];
            const float *w = gm__f32(bm->w), *b = gm__f32(bm->b);
            exact = -(a * c * (double)w[0] + a * (double)b[0] + c * (double)b[1]);
            for (int j = 0; j < 21; j++) in[j] = a * (double)w[1 + j] + c * (double)w[22 + j] + (double)b[2 + j];
            for (int j = 2 * wire; j < 21; j++) exact -= log1p(exp(in[j]));
            if (wire) exact -= log(1 + exp(in[0]) + exp(in[1]) + exp(in[0] + in[1] + 1.5));
            double over = (double)gm__f32(f)[s] - exact;
            if (wire) ck_assert_msg(over > 1e-4 && over < 0.2, "over by %g", over);
            else ck_assert_double_eq_tol(over, 0, 1e-5);
            for (int j = 0; j < 21 && !wire; j++) ck_assert_double_eq_tol(gm__f32(h)[s * 21 + j], 1 / (1 + exp(-in[j])), 1e-5);
        }
    }
    gm_tensor_free(v);
    gm_tensor_free(f);
    gm_tensor_free(h);
    gm_model_free(m);
}
END_TEST

/* 60 steps are 25 in a checkpoint and 35 more, byte by byte, at any number of threads. */
START_TEST(goes_on_with_the_same_bytes)
{
    static const char *const kind[] = {"gradient=chains chains=7", "gradient=mean-field hidden=5", "hidden=3 gradient=chains binarize=dynamic k=2", ""};
    gm_dataset *d = pictures(50, 1);
    gm_model *m[2] = {NULL, NULL};
    gm_trainer *tr = NULL;
    char options[128];
    const char *whole = at("whole.safetensors"), *parts = at("parts.safetensors"), *ckpt = at("c.safetensors");
    snprintf(options, sizeof options, "seed=2 %s", kind[_i]);
    const char *steps = _i == 3 ? "steps=6 batch=16 seed=4" : "steps=60 batch=16 seed=4", *part = _i == 3 ? "steps=6 batch=16 seed=4 stop-after=3" : "steps=60 batch=16 seed=4 stop-after=25";
    for (int i = 0; i < 2; i++) OK(gm_model_new(ctx, "bm", options, &m[i]));
    OK(gm_fit(m[0], d, steps));
    OK(gm_model_save(m[0], whole));
    gm_ctx *other = NULL, *const kept = ctx; /* the second half on one thread */
    gm_ctx_config c;
    gm_ctx_config_init(&c, sizeof c);
    c.threads = 1;
    OK(gm_trainer_new(m[1], d, part, &tr));
    OK(gm_trainer_run(tr));
    OK(gm_trainer_save(tr, ckpt));
    gm_trainer_free(tr);
    gm_dataset_free(d);
    ck_assert_int_eq(gm_ctx_new(&c, &other), GM_OK);
    ctx = other;
    d = pictures(50, 1);
    OK(gm_trainer_resume(ctx, ckpt, d, NULL, NULL, &tr));
    OK(gm_trainer_run(tr));
    OK(gm_model_save(gm_trainer_model(tr), parts));
    gm_trainer_free(tr);
    gm_dataset_free(d);
    ctx = kept;
    gm_ctx_free(other);
    ck_assert(same_files(whole, parts));
    for (int i = 0; i < 2; i++) gm_model_free(m[i]);
}
END_TEST

static void *cancel_soon(void *arg)
{
    usleep(50000);
    gm_ctx_cancel(arg);
    return NULL;
}

/* Chains that would run for minutes stop when another thread says so. */
START_TEST(cancel)
{
    gm_model *m = NULL;
    gm_tensor *x = NULL, *y = NULL;
    pthread_t other;
    OK(gm_model_new(ctx, "bm", "shape=400 burn-in=4000 init-std=0.1", &m));
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){200, 400}, &x));
    ck_assert_int_eq(pthread_create(&other, NULL, cancel_soon, ctx), 0);
    if (_i) FAILS(GM_ECANCELED, "canceled", gm_bm_gibbs(m, x, NULL, "steps=100000", &y));
    else FAILS(GM_ECANCELED, "canceled", gm_sample(m, 200, 1, &y));
    ck_assert_ptr_null(y);
    pthread_join(other, NULL);
    OK(gm_bm_energy(m, x, &y)); /* the model stays usable */
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_model_free(m);
}
END_TEST

START_TEST(wrong_input)
{
    gm_model *m = NULL;
    gm_tensor *x = NULL, *y = NULL, *clamp = NULL;
    double z;
    FAILS(GM_EARG, "hidden", gm_model_new(ctx, "bm", "hidden=-1", &m));
    FAILS(GM_EARG, "gradient", gm_model_new(ctx, "bm", "gradient=guess", &m));
    FAILS(GM_ELIMIT, "1 visible", gm_model_new(ctx, "bm", "shape=1", &m));
    FAILS(GM_ELIMIT, "16384", gm_model_new(ctx, "bm", "shape=16384 hidden=1", &m));
    FAILS(GM_ELIMIT, "gradient=exact", gm_model_new(ctx, "bm", "shape=20 hidden=1 gradient=exact", &m));
    m = small(1, "");
    FAILS(GM_EARG, "NULL", gm_bm_energy(m, NULL, &y));
    x = states(2, 3);
    FAILS(GM_ESHAPE, "[2,3]", gm_bm_energy(m, x, &y));
    FAILS(GM_ESHAPE, "[N,4]", gm_bm_gibbs(m, x, NULL, NULL, &y));
    gm_tensor_free(x);
    x = states(2, N);
    FAILS(GM_ESHAPE, "[3]", gm_bm_log_prob(m, x, NULL, &y));
    FAILS(GM_EDTYPE, "u8", gm_bm_gibbs(m, x, x, NULL, &y));
    OK(gm_tensor_new(ctx, GM_U8, 1, (int64_t[]){3}, &clamp));
    FAILS(GM_ESHAPE, "clamp [3]", gm_bm_gibbs(m, x, clamp, NULL, &y));
    FAILS(GM_EARG, "temperature", gm_bm_gibbs(m, x, NULL, "temperature=0", &y));
    FAILS(GM_EARG, "temperature", gm_bm_gibbs(m, x, NULL, "temperature=-1", &y));
    FAILS(GM_EARG, "temperature", gm_bm_log_z(m, "temperature=0", &z));
    FAILS(GM_EARG, "steps", gm_bm_gibbs(m, x, NULL, "steps=0", &y));
    gm__f32(x)[5] = NAN;
    FAILS(GM_EARG, "row 1", gm_bm_gibbs(m, x, NULL, NULL, &y));
    FAILS(GM_EARG, "[0,1]", gm_bm_energy(m, x, &y));
    gm__f32(x)[5] = 2;
    FAILS(GM_EARG, "found 2", gm_bm_energy(m, x, &y));
    ck_assert_ptr_null(y);
    gm_model_free(m);
    OK(gm_model_new(ctx, "bm", "shape=24 hidden=1", &m));
    FAILS(GM_ELIMIT, "25 units", gm_bm_log_z(m, NULL, &z));
    gm_tensor_free(x);
    x = states(1, 24);
    FAILS(GM_ELIMIT, "25 units", gm_bm_log_prob(m, x, NULL, &y));
    FAILS(GM_EUNSUPPORTED, "log_prob", gm_log_prob(m, x, NULL, &y, NULL));
    gm_model_free(m);
    OK(gm_model_new(ctx, "vae", "shape=4", &m));
    FAILS(GM_EARG, "bm wanted", gm_bm_log_z(m, NULL, &z));
    gm_model_free(m);
    gm_tensor_free(x);
    gm_tensor_free(clamp);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bm");
    TCase *c = tcase_create("bm");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, energies);
    tcase_add_loop_test(c, probabilities, 0, 9);
    tcase_add_loop_test(c, frequencies, 0, 4);
    tcase_add_test(c, detailed_balance);
    tcase_add_test(c, annealing);
    tcase_add_test(c, held_units);
    tcase_add_test(c, sampling);
    tcase_add_loop_test(c, gradients, 0, 6);
    tcase_add_loop_test(c, moments_match, 0, 2);
    tcase_add_loop_test(c, hidden_units_help, 0, 4);
    tcase_add_loop_test(c, metrics, 0, 3);
    tcase_add_test(c, mean_field);
    tcase_add_loop_test(c, goes_on_with_the_same_bytes, 0, 4);
    tcase_add_loop_test(c, cancel, 0, 2);
    tcase_add_test(c, wrong_input);
    suite_add_tcase(s, c);
    return run_suite(s);
}
