/* test_dbm.c - deep Boltzmann machines against enumeration of all their states. */
#include "models/dbm/dbm.h"
#include "models/models_test.h"
#include <pthread.h>

enum { MOST = 1 << 12 };

static const char *const nets[] = {"layers=3,4", "layers=3,4 centered=off", "layers=3,2,3", "layers=2,3,2,2 centered=off"};
enum { NETS = 4, NV = 3, V = 1 << NV };

static int64_t units(const gm__dbm *d, size_t l) { return l ? d->layer[l - 1].nh : d->layer[0].nv; }
static gm_tensor *biases(const gm__dbm *d, size_t l) { return l ? d->layer[l - 1].c : d->layer[0].b; }
static gm_tensor *means(const gm__dbm *d, size_t l) { return l ? d->layer[l - 1].lambda : d->layer[0].mu; }
static int total(const gm__dbm *d)
{
    int64_t n = 0;
    for (size_t l = 0; l <= d->machines; l++) n += units(d, l);
    return (int)n;
}

/* A model of 3 visible units with weights that matter. */
static gm_model *small(const char *layers, const char *more)
{
    char options[256];
    gm_model *m = NULL;
    snprintf(options, sizeof options, "shape=3 pretrain=off seed=3 mean-field=2000 tolerance=1e-7 %s %s%s", layers, strstr(more, "init-std") ? "" : "init-std=0.8 ", more);
    OK(gm_model_new(ctx, "dbm", options, &m));
    const gm__dbm *d = gm__dbm_of(m);
    for (size_t l = 0; l <= d->machines; l++)
        for (int64_t i = 0; i < units(d, l); i++) {
            gm__f32(biases(d, l))[i] = (float)(0.8 * unit((uint32_t)(l * 10 + (size_t)i)) - 0.5);
            if (means(d, l)) gm__f32(means(d, l))[i] = (float)(0.2 + 0.6 * unit((uint32_t)(l * 10 + (size_t)i + 100)));
        }
    return m;
}

/* -E of a state whose bits are the units from the visible ones upward, straight from the definition */
static double minus_energy(const gm__dbm *d, const double *x)
{
    double e = 0, y[32];
    int at_ = 0;
    for (size_t l = 0; l <= d->machines; l++)
        for (int64_t i = 0; i < units(d, l); i++, at_++) {
            y[at_] = x[at_] - (means(d, l) ? (double)gm__f32(means(d, l))[i] : 0);
            e += y[at_] * (double)gm__f32(biases(d, l))[i];
        }
    at_ = 0;
    for (size_t l = 0; l < d->machines; l++) {
        const int64_t low = units(d, l), high = units(d, l + 1);
        for (int64_t i = 0; i < low; i++)
            for (int64_t j = 0; j < high; j++) e += y[at_ + i] * (double)gm__f32(d->layer[l].w)[i * high + j] * y[at_ + low + j];
        at_ += (int)low;
    }
    return e;
}

/* Probabilities of all states; returns log Z of the energy that is 0 where all units are off. With labels only states count of which one is on. */
static double enumerate(const gm__dbm *d, double temperature, double p[MOST])
{
    const int n = total(d), labels = (int)d->labels;
    double x[32] = {0}, off = minus_energy(d, x), z = 0;
    ck_assert_int_le(n, 12);
    for (int s = 0; s < 1 << n; s++) {
        int on = 0;
        for (int i = 0; i < n; i++) x[i] = s >> i & 1;
        for (int i = n - labels; i < n; i++) on += s >> i & 1;
        p[s] = labels && on != 1 ? 0 : exp((minus_energy(d, x) - off) / temperature);
        z += p[s];
    }
    for (int s = 0; s < 1 << n; s++) p[s] /= z;
    return log(z);
}

static gm_tensor *all_rows(void)
{
    gm_tensor *x = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){V, NV}, &x));
    for (int v = 0; v < V; v++)
        for (int i = 0; i < NV; i++) gm__f32(x)[v * NV + i] = (float)(v >> i & 1);
    return x;
}

static void visible(const double *p, int n, double pv[V])
{
    for (int v = 0; v < V; v++) pv[v] = 0;
    for (int s = 0; s < 1 << n; s++) pv[s % V] += p[s];
}

/* ---- Z, probabilities, posterior ------------------------------------------------------- */

static double p[MOST];

START_TEST(partition_function)
{
    static const char *const how[] = {"method=ais temperatures=300 chains=2000 seed=1", "method=reverse-ais temperatures=300 chains=2000 seed=1"};
    gm_model *m = small(nets[_i], "");
    double want = enumerate(gm__dbm_of(m), 1, p), log_z, error;
    gm_tensor *rows = all_rows();
    OK(gm_dbm_log_z(m, NULL, NULL, &log_z, &error));
    ck_assert_double_eq(error, 0);
    ck_assert_double_eq_tol(log_z, want, 1e-5);
    for (int i = 0; i < 4; i++) {
        OK(gm_dbm_log_z(m, i & 1 ? rows : NULL, how[i / 2], &log_z, &error));
        ck_assert_msg(error > 0 && error < 0.02 && fabs(log_z - want) < 4 * error, "%s %s: %g +- %g, exact %g", nets[_i], how[i / 2], log_z, error, want);
    }
    gm_tensor_free(rows);
    gm_model_free(m);
}
END_TEST

/* Of gaussian visible units: against a sum over the hidden states, each with the integral over v in closed form. */
START_TEST(gaussian_units)
{
    gm_model *m = small("layers=2,3 centered=off", "units=gaussian");
    const gm__dbm *d = gm__dbm_of(m);
    gm_tensor *x = NULL, *lp = NULL;
    double z = 0, log_z;
    for (int i = 0; i < NV; i++) gm__f32(d->layer[0].log_var)[i] = (float)(0.3 * i - 0.4);
    for (int s = 0; s < 32; s++) { /* E = sum (v-b)^2 / 2 s^2 - v W h / s^2 - .. */
        double e = 0;
        for (int j = 0; j < 2; j++) e += (s >> j & 1) * (double)gm__f32(biases(d, 1))[j];
        for (int k = 0; k < 3; k++) e += (s >> (2 + k) & 1) * (double)gm__f32(biases(d, 2))[k];
        for (int j = 0; j < 2; j++)
            for (int k = 0; k < 3; k++) e += (s >> j & 1) * (double)gm__f32(d->layer[1].w)[j * 3 + k] * (s >> (2 + k) & 1);
        for (int i = 0; i < NV; i++) {
            double in = 0, b = (double)gm__f32(biases(d, 0))[i], var = exp((double)gm__f32(d->layer[0].log_var)[i]);
            for (int j = 0; j < 2; j++) in += (double)gm__f32(d->layer[0].w)[i * 2 + j] * (s >> j & 1);
            e += ((b + in) * (b + in) - b * b) / (2 * var) + 0.5 * log(6.283185307179586 * var);
        }
        z += exp(e);
    }
    OK(gm_dbm_log_z(m, NULL, NULL, &log_z, NULL));
    ck_assert_double_eq_tol(log_z, log(z), 1e-5);
    FAILS(GM_EUNSUPPORTED, "bernoulli", gm_dbm_log_z(m, NULL, "method=ais", &log_z, NULL));
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){4, NV}, &x));
    FAILS(GM_EUNSUPPORTED, "log_prob", gm_log_prob(m, x, NULL, &lp, NULL));
    gm_tensor_free(x);
    gm_model_free(m);
}
END_TEST

/* The bound is no more than log p(v), and near it where units hardly interact. */
START_TEST(bound)
{
    for (int weak = 0; weak < 2; weak++) {
        gm_model *m = small(nets[_i], weak ? "init-std=0.01" : "");
        gm_tensor *x = all_rows(), *lp = NULL, *f = NULL;
        double pv[V], gap = 0, log_z = enumerate(gm__dbm_of(m), 1, p);
        int32_t kind;
        visible(p, total(gm__dbm_of(m)), pv);
        OK(gm_log_prob(m, x, NULL, &lp, &kind));
        ck_assert_int_eq(kind, GM_LOG_PROB_LOWER_BOUND);
        OK(gm_score(m, x, &f));
        for (int v = 0; v < V; v++) {
            double below = log(pv[v]) - (double)gm__f32(lp)[v];
            ck_assert_msg(below > -5e-6, "%s: the bound of row %d is %g over log p", nets[_i], v, -below);
            ck_assert_double_eq_tol((double)gm__f32(f)[v], -(double)gm__f32(lp)[v] - log_z, 2e-5);
            gap = fmax(gap, below);
        }
        ck_assert_msg(weak ? gap < 1e-4 : gap < 0.2, "%s: the bound is %g below log p", nets[_i], gap);
        gm__f32(biases(gm__dbm_of(m), 0))[0] += 1; /* other weights, another Z */
        double before = (double)gm__f32(lp)[1];
        gm_tensor_free(lp);
        OK(gm_log_prob(m, x, NULL, &lp, NULL));
        ck_assert(fabs((double)gm__f32(lp)[1] - before) > 0.1);
        gm_tensor_free(x);
        gm_tensor_free(lp);
        gm_tensor_free(f);
        gm_model_free(m);
    }
}
END_TEST

/* Means of the posterior are what the other means say, and those of a row do not depend on the rows beside it. */
START_TEST(mean_field)
{
    gm_model *m = small(nets[_i], "");
    const gm__dbm *d = gm__dbm_of(m);
    gm_tensor *x = all_rows(), *q[8] = {x}, *one = NULL, *alone = NULL;
    ck_assert_int_eq(gm_model_layers(m), (int)d->hidden);
    for (size_t l = 1; l <= d->hidden; l++) OK(gm_encode_layer(m, x, NULL, (int32_t)l, &q[l]));
    for (int v = 0; v < V; v++)
        for (size_t l = 1; l <= d->hidden; l++)
            for (int64_t j = 0; j < units(d, l); j++) {
                double in = (double)gm__f32(biases(d, l))[j];
                for (int64_t i = 0; i < units(d, l - 1); i++)
                    in += ((double)gm__f32(q[l - 1])[v * units(d, l - 1) + i] - (means(d, 0) ? (double)gm__f32(means(d, l - 1))[i] : 0)) * (double)gm__f32(d->layer[l - 1].w)[i * units(d, l) + j];
                for (int64_t k = 0; l < d->hidden && k < units(d, l + 1); k++)
                    in += ((double)gm__f32(q[l + 1])[v * units(d, l + 1) + k] - (means(d, 0) ? (double)gm__f32(means(d, l + 1))[k] : 0)) * (double)gm__f32(d->layer[l].w)[j * units(d, l + 1) + k];
                ck_assert_double_eq_tol((double)gm__f32(q[l])[v * units(d, l) + j], 1 / (1 + exp(-in)), 1e-6);
            }
    OK(gm_encode(m, x, &one));
    ck_assert(furthest(one, q[d->hidden]) == 0);
    gm_tensor_free(one);
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){1, NV}, gm__f32(x) + 5 * NV, &one));
    OK(gm_encode(m, one, &alone));
    ck_assert(!memcmp(alone->data, gm__f32(q[d->hidden]) + 5 * alone->size, (size_t)alone->size * sizeof(float)));
    gm_tensor_free(one);
    gm_tensor_free(alone);
    for (size_t l = 0; l <= d->hidden; l++) gm_tensor_free(q[l]);
    gm_model_free(m);
}
END_TEST

/* ---- chains ------------------------------------------------------------------------------- */

/* States of the even levels as often as p says. The seed is fixed, so this cannot fail by chance later; a false alarm at the choice
 * of it has probability 1/1,000 (Wilson & Hilferty's approximation of the quantile). */
static double quantile(int freedom) { return freedom * pow(1 - 2.0 / (9 * freedom) + 3.09 * sqrt(2.0 / (9 * freedom)), 3); }

START_TEST(chains)
{
    enum { ROWS = 10000 };
    static const double temperature[] = {1, 0.5, 2};
    const double T = temperature[_i / NETS];
    gm_model *m = small(nets[_i % NETS], "");
    const gm__dbm *d = gm__dbm_of(m);
    const int n = total(d);
    static double want[MOST], found[MOST];
    double chi = 0, expected = 0, left = 0, count = 0;
    int bins = 0, width;
    gm_tape *t = NULL;
    enumerate(d, T, p);
    OK(gm_tape_new(ctx, 5, &t));
    gm_tape_recording(t, 0);
    gm_tensor *state = gm__dbm_gibbs(d, t, gm__dbm_noise(d, t, ROWS), 60, T, NULL, NULL);
    ck_assert_ptr_nonnull(state);
    width = (int)state->shape[1];
    memset(want, 0, sizeof want);
    memset(found, 0, sizeof found);
    for (int s = 0; s < 1 << n; s++) { /* bits of the even levels, side by side */
        int bits = 0, k = 0, from = 0;
        for (size_t l = 0; l <= d->machines; from += (int)units(d, l++))
            for (int i = 0; l % 2 == 0 && i < units(d, l); i++) bits |= (s >> (from + i) & 1) << k++;
        ck_assert_int_eq(k, width);
        want[bits] += ROWS * p[s];
    }
    for (int r = 0; r < ROWS; r++) {
        int bits = 0;
        for (int i = 0; i < width; i++) bits |= (gm__f32(state)[r * width + i] > 0.5f) << i;
        found[bits]++;
    }
    for (int s = 0; s < 1 << width; s++) { /* rare states in one bin */
        if (want[s] < 5) left += want[s], count += found[s];
        else chi += (found[s] - want[s]) * (found[s] - want[s]) / want[s], bins++, expected += want[s];
    }
    if (left >= 5) chi += (count - left) * (count - left) / left, bins++;
    ck_assert_msg(chi < quantile(bins - 1), "%s at T=%g: chi-square %g with %d degrees of freedom", nets[_i % NETS], T, chi, bins - 1);
    gm_tape_free(t);
    gm_model_free(m);
}
END_TEST

/* Held units keep their values, the others follow p given those. */
START_TEST(held_units)
{
    enum { ROWS = 10000 };
    gm_model *m = small(nets[_i], "");
    const gm__dbm *d = gm__dbm_of(m);
    double pv[V], on = 0, all = 0, mean = 0;
    gm_tape *t = NULL;
    enumerate(d, 1, p);
    visible(p, total(d), pv);
    for (int v = 0; v < V; v++) /* units 0 and 1 are 1 and 0 */
        if ((v & 3) == 1) all += pv[v], on += v >> 2 & 1 ? pv[v] : 0;
    OK(gm_tape_new(ctx, 6, &t));
    gm_tape_recording(t, 0);
    gm_tensor *v = gm_zeros(t, GM_F32, 2, (int64_t[]){ROWS, NV}), *clamp = gm_zeros(t, GM_U8, 2, (int64_t[]){1, NV});
    for (int r = 0; r < ROWS; r++) gm__f32(v)[r * NV] = 1;
    ((uint8_t *)clamp->data)[0] = ((uint8_t *)clamp->data)[1] = 1;
    gm_tensor *seen = NULL, *state = gm__dbm_gibbs(d, t, gm__dbm_noise(d, t, ROWS), 60, 1, &(gm__held){.v = v, .clamp = clamp}, &seen);
    ck_assert_ptr_nonnull(state);
    for (int r = 0; r < ROWS; r++) {
        const float *x = gm__f32(state) + r * state->shape[1], *y = gm__f32(seen) + r * NV;
        ck_assert(x[0] == 1 && x[1] == 0 && y[0] == 1 && y[1] == 0);
        mean += (double)x[2] / ROWS;
    }
    ck_assert_msg(fabs(mean - on / all) < 4 * 0.5 / sqrt(ROWS), "mean %g, by enumeration %g", mean, on / all);
    gm_tape_free(t);
    /* the same by the public function, from rows whose third unit is 1 */
    gm_tensor *rows = NULL, *held = NULL, *y = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ROWS, NV}, &rows));
    for (int r = 0; r < ROWS; r++) gm__f32(rows)[r * NV] = gm__f32(rows)[r * NV + 2] = 1;
    OK(gm_tensor_copy(ctx, GM_U8, 1, (int64_t[]){NV}, (const uint8_t[]){1, 1, 0}, &held));
    OK(gm_dbm_gibbs(m, rows, held, "steps=60 seed=2", &y));
    mean = 0;
    for (int r = 0; r < ROWS; r++) {
        const float *x = gm__f32(y) + r * NV;
        ck_assert(x[0] == 1 && x[1] == 0 && (x[2] == 0 || x[2] == 1));
        mean += (double)x[2] / ROWS;
    }
    ck_assert_msg(fabs(mean - on / all) < 4 * 0.5 / sqrt(ROWS), "mean %g, by enumeration %g", mean, on / all);
    gm_tensor_free(y);
    OK(gm_dbm_gibbs(m, rows, held, "steps=20 mean=on anneal=3", &y));
    ck_assert(gm__f32(y)[0] == 1 && gm__f32(y)[1] == 0 && gm__f32(y)[2] > 0 && gm__f32(y)[2] < 1);
    gm_tensor_free(y);
    gm_tensor_free(held);
    OK(gm_tensor_new(ctx, GM_U8, 1, (int64_t[]){2}, &held));
    FAILS(GM_ESHAPE, "clamp", gm_dbm_gibbs(m, rows, held, NULL, &y));
    FAILS(GM_EARG, "steps", gm_dbm_gibbs(m, rows, NULL, "steps=0", &y));
    gm_tensor_free(rows);
    gm_tensor_free(held);
    gm_model_free(m);
}
END_TEST

/* gm_sample gives means of p(v|h1): their average is the mean of v; row i depends on the seed and i alone. */
START_TEST(sampling)
{
    enum { ROWS = 5000 };
    gm_model *m = small(nets[_i], "burn-in=50");
    double pv[V];
    gm_tensor *x = NULL, *few = NULL;
    enumerate(gm__dbm_of(m), 1, p);
    visible(p, total(gm__dbm_of(m)), pv);
    OK(gm_sample(m, ROWS, 4, &x));
    OK(gm_sample(m, 5, 4, &few));
    ck_assert(!memcmp(x->data, few->data, 15 * sizeof(float)));
    for (int i = 0; i < NV; i++) {
        double want = 0, found = 0;
        for (int v = 0; v < V; v++) want += v >> i & 1 ? pv[v] : 0;
        for (int r = 0; r < ROWS; r++) found += (double)gm__f32(x)[r * NV + i] / ROWS;
        ck_assert_msg(fabs(found - want) < 4 * 0.5 / sqrt(ROWS), "unit %d: mean %g, by enumeration %g", i, found, want);
    }
    gm_tensor_free(x);
    gm_tensor_free(few);
    gm_model_free(m);
}
END_TEST

/* ---- learning ------------------------------------------------------------------------------ */

static double mean_bound(gm_model *m, gm_tensor *x)
{
    gm_tensor *lp = NULL;
    double sum = 0;
    OK(gm_log_prob(m, x, NULL, &lp, NULL));
    for (int64_t i = 0; i < lp->size; i++) sum += (double)gm__f32(lp)[i] / (double)lp->size;
    gm_tensor_free(lp);
    return sum;
}

/* The gradient of a step comes near that of the bound, Z enumerated, by differences: the means of 20,000 chains have an error of 0.0035. */
START_TEST(gradients)
{
    gm_model *m = small(nets[_i], "k=40 chains=20000");
    gm__dbm *d = gm__dbm_of(m);
    gm_tensor *x = all_rows(), *loss = NULL, *leaf[16], *g[16];
    gm_dataset *data = NULL;
    gm_trainer *tr = NULL;
    gm_tape *t = NULL;
    int32_t n = 0;
    OK(gm_dataset_from_tensors(ctx, x, NULL, &data));
    OK(gm_trainer_new(m, data, "batch=8 seed=1", &tr)); /* chains start */
    for (size_t i = 0; i < d->machines; i++) leaf[n++] = d->layer[i].w;
    for (size_t l = 0; l <= d->machines; l++) leaf[n++] = biases(d, l);
    for (int32_t i = 0; i < n; i++) gm_tensor_set_grad(leaf[i], 1);
    OK(gm_tape_new(ctx, 7, &t));
    OK(gm__dbm_loss(m, &(gm__batch){.t = t, .x = x, .training = true}, &loss));
    OK(gm_tape_grad(t, loss, leaf, n, 0, g));
    for (int32_t i = 0; i < n; i++)
        for (int64_t k = 0; k < leaf[i]->size; k++) {
            float *w = &gm__f32(leaf[i])[k], kept = *w;
            *w = kept + 0.01f;
            double up = mean_bound(m, x);
            *w = kept - 0.01f;
            double down = mean_bound(m, x), want = -(up - down) / 0.02;
            *w = kept;
            ck_assert_msg(fabs((double)gm__f32(g[i])[k] - want) < 0.015, "%s: tensor %d, number %d: %g, differences %g", nets[_i], (int)i, (int)k, (double)gm__f32(g[i])[k], want);
        }
    gm_tape_free(t);
    gm_trainer_free(tr);
    gm_tensor_free(x);
    gm_dataset_free(data);
    gm_model_free(m);
}
END_TEST

/* When the running means move, the distribution stays. */
START_TEST(means_move)
{
    gm_model *m = small(_i ? "layers=3,2,3" : "layers=3,4", "offset-rate=0.7");
    gm__dbm *d = gm__dbm_of(m);
    static double before[MOST];
    const float was = gm__f32(means(d, 1))[0];
    enumerate(d, 1, before);
    for (size_t l = 0; l <= d->machines; l++) {
        gm_tensor *to = l ? d->layer[l - 1].batch_lambda : d->layer[0].batch_mu;
        for (int64_t i = 0; i < to->size; i++) gm__f32(to)[i] = (float)unit((uint32_t)(l * 7 + (size_t)i + 31));
    }
    d->together = true;
    OK(gm__dbm_stepped(m));
    ck_assert(gm__f32(means(d, 1))[0] != was);
    enumerate(d, 1, p);
    for (int s = 0; s < 1 << total(d); s++) ck_assert_double_eq_tol(p[s], before[s], 1e-6);
    gm_model_free(m);
}
END_TEST

/* Rows of three kinds: the exact log p(v) comes near their negative entropy. */
START_TEST(learns)
{
    static const char *const how[] = {"layers=4,4 pretrain=off", "layers=4,4 pretrain=on", "layers=4,4 pretrain=on centered=off", "layers=4,3,2 pretrain=off", "layers=4,2,3 pretrain=on"};
    enum { ROWS = 120 };
    gm_model *m = NULL;
    gm_tensor *x = NULL;
    gm_dataset *d = NULL;
    char options[160];
    double pv[V], nll = 0, entropy = 0;
    const int kinds[] = {0, 3, 3, 6, 6, 6}; /* nothing, pairs of neighbours */
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ROWS, NV}, &x));
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < NV; i++) gm__f32(x)[r * NV + i] = (float)(kinds[r % 6] >> i & 1);
    for (int k = 1; k < 4; k++) entropy -= k / 6.0 * log(k / 6.0);
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    snprintf(options, sizeof options, "seed=1 k=5 chains=100 init-std=0.1 %s", how[_i]);
    OK(gm_model_new(ctx, "dbm", options, &m));
    OK(gm_fit(m, d, "epochs=500 batch=20 lr=0.6 schedule=cosine seed=1"));
    enumerate(gm__dbm_of(m), 1, p);
    visible(p, total(gm__dbm_of(m)), pv);
    for (int r = 0; r < 6; r++) nll -= log(pv[kinds[r]]) / 6;
    ck_assert_msg(nll - entropy < 0.08, "%s: -log p %g, entropy %g", how[_i], nll, entropy);
    gm_tensor_free(x);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* While a layer learns alone the others keep their bits; then all learn. */
START_TEST(layers_in_turn)
{
    gm_dataset *d = pictures(48, 1);
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    OK(gm_model_new(ctx, "dbm", "layers=10,6,5 pretrain=on layer-epochs=2,1,1 seed=3", &m));
    OK(gm_trainer_new(m, d, "epochs=5 batch=16 seed=7", &tr));
    for (int step = 0; step < 15; step++) {
        float was[3];
        double loss;
        for (int i = 0; i < 3; i++) was[i] = gm__f32(gm__dbm_of(m)->layer[i].w)[1];
        OK(gm_trainer_step(tr, &loss));
        const int layer = step < 6 ? 0 : step < 9 ? 1 : step < 12 ? 2 : 3;
        for (int i = 0; i < 3; i++)
            ck_assert_msg((gm__f32(gm__dbm_of(m)->layer[i].w)[1] != was[i]) == (i == layer || layer == 3), "step %d, layer %d", step, i);
    }
    gm_trainer_free(tr);
    OK(gm_trainer_new(m, d, "epochs=1 batch=16 seed=7", &tr)); /* learned before: together from the start */
    float was = gm__f32(gm__dbm_of(m)->layer[2].w)[1];
    double loss;
    OK(gm_trainer_step(tr, &loss));
    ck_assert(gm__f32(gm__dbm_of(m)->layer[2].w)[1] != was);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

/* A run in two parts, the second on another number of threads, is the whole run byte by byte; so are samples of a saved model. */
START_TEST(goes_on_with_the_same_bytes)
{
    static const char *const kind[] = {"layers=10,6 pretrain=on", "layers=10,6 centered=off chains=7", "layers=8,6,5 conditional=on binarize=dynamic pretrain=on", "layers=9,4 units=gaussian centered=off pretrain=on layer-epochs=3,3"};
    gm_dataset *d;
    gm_trainer *tr = NULL;
    char options[160];
    snprintf(options, sizeof options, "seed=2 burn-in=20 %s", kind[_i]);
    for (int cut = 5; cut < 40; cut += 14) { /* in the first layer, in the second, together */
        gm_model *m[2] = {NULL, NULL}, *again = NULL;
        gm_tensor *x = NULL, *y = NULL;
        d = pictures(50, 1);
        for (int i = 0; i < 2; i++) OK(gm_model_new(ctx, "dbm", options, &m[i]));
        OK(gm_fit(m[0], d, "epochs=12 batch=16 lr=0.05 momentum=0.5 seed=4"));
        OK(gm_model_save(m[0], at("whole.safetensors")));
        char part[96];
        snprintf(part, sizeof part, "epochs=12 batch=16 lr=0.05 momentum=0.5 seed=4 stop-after=%d", cut);
        OK(gm_trainer_new(m[1], d, part, &tr));
        OK(gm_trainer_run(tr));
        OK(gm_trainer_save(tr, at("c.safetensors")));
        gm_trainer_free(tr);
        gm_dataset_free(d);
        gm_ctx *other = NULL, *const kept = ctx;
        gm_ctx_config c;
        gm_ctx_config_init(&c, sizeof c);
        c.threads = cut < 10 ? 1 : 3;
        ck_assert_int_eq(gm_ctx_new(&c, &other), GM_OK);
        ctx = other;
        d = pictures(50, 1);
        OK(gm_trainer_resume(ctx, at("c.safetensors"), d, NULL, NULL, &tr));
        OK(gm_trainer_run(tr));
        OK(gm_model_save(gm_trainer_model(tr), at("parts.safetensors")));
        gm_trainer_free(tr);
        gm_dataset_free(d);
        OK(gm_model_load(ctx, at("whole.safetensors"), &again));
        OK(gm_sample(again, 7, 3, &y));
        gm_model_free(again);
        ctx = kept;
        OK(gm_sample(m[0], 7, 3, &x));
        ck_assert(furthest(x, y) == 0);
        gm_tensor_free(x);
        gm_tensor_free(y);
        gm_ctx_free(other);
        ck_assert_msg(same_files(at("whole.safetensors"), at("parts.safetensors")), "%s, cut at %d", kind[_i], cut);
        for (int i = 0; i < 2; i++) gm_model_free(m[i]);
    }
}
END_TEST

/* ---- labels ------------------------------------------------------------------------------------ */

/* p(label | v) by bounds comes near that by enumeration; chains whose label is held draw from p(v | label). */
START_TEST(label_probabilities)
{
    enum { ROWS = 6000, CLASSES = 3 };
    gm_model *m = small(_i ? "layers=2,3" : "layers=2,2,2", "conditional=on classes=3 burn-in=60 init-std=0.6");
    const gm__dbm *d = gm__dbm_of(m);
    const int n = total(d);
    gm_tensor *x = all_rows(), *q = NULL, *y = NULL, *label = NULL;
    gm_sampler *s = NULL;
    double log_z, want = enumerate(d, 1, p);
    OK(gm_dbm_log_z(m, NULL, NULL, &log_z, NULL));
    ck_assert_double_eq_tol(log_z, want, 1e-5);
    OK(gm_predict(m, x, &q));
    for (int v = 0; v < V; v++)
        for (int k = 0; k < CLASSES; k++) {
            double on = 0, all = 0;
            for (int st = v; st < 1 << n; st += V) all += p[st], on += st >> (n - CLASSES + k) & 1 ? p[st] : 0;
            ck_assert_msg(fabs((double)gm__f32(q)[v * CLASSES + k] - on / all) < 0.03, "p(%d|%d) %g, by enumeration %g", k, v, (double)gm__f32(q)[v * CLASSES + k], on / all);
        }
    OK(gm_sampler_new(ctx, m, "seed=5", &s));
    for (int64_t k = 0; k < CLASSES; k++) {
        OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){1}, &k, &label));
        OK(gm_sampler_draw(s, ROWS, label, &y));
        for (int i = 0; i < NV; i++) {
            double on = 0, all = 0, found = 0;
            for (int st = 0; st < 1 << n; st++)
                if (st >> (n - CLASSES + k) & 1) all += p[st], on += st >> i & 1 ? p[st] : 0;
            for (int r = 0; r < ROWS; r++) found += (double)gm__f32(y)[r * NV + i] / ROWS;
            ck_assert_msg(fabs(found - on / all) < 4 * 0.5 / sqrt(ROWS), "unit %d given label %d: %g, by enumeration %g", i, (int)k, found, on / all);
        }
        gm_tensor_free(y);
        gm_tensor_free(label);
    }
    gm_sampler_free(s);
    gm_tensor_free(x);
    gm_tensor_free(q);
    gm_model_free(m);
}
END_TEST

START_TEST(labels_are_learned)
{
    gm_dataset *d = NULL, *test = NULL;
    gm_model *m = NULL;
    gm_measure e;
    int32_t n;
    OK(gm_dataset_open(ctx, "synth:digits,n=500", &d));
    OK(gm_dataset_open(ctx, "synth:digits,n=200,seed=2", &test));
    OK(gm_model_new(ctx, "dbm", "layers=30,30 conditional=on pretrain=off seed=1", &m));
    OK(gm_fit(m, d, "epochs=60 batch=20 lr=0.1 seed=1"));
    OK(gm_eval(m, test, "metric=accuracy", &e, 1, &n));
    ck_assert_msg(e.value > 0.85, "accuracy %g", e.value);
    gm_model_free(m);
    gm_dataset_free(d);
    gm_dataset_free(test);
}
END_TEST

/* ---- networks grown from it --------------------------------------------------------------------- */

/* The hidden layers of the network are the first guess of the mean field: each layer takes twice what it hears from below, the topmost once. */
START_TEST(unrolls)
{
    gm_dataset *d = pictures(80, 1);
    gm_model *m = NULL, *net = NULL, *ae = NULL;
    gm_tensor *x = NULL, *code = NULL, *rebuilt = NULL, *decoded = NULL;
    gm_measure e;
    int32_t n;
    OK(gm_model_new(ctx, "dbm", _i ? "layers=12,12,10 seed=3 conditional=on" : "layers=12,9 seed=3 centered=off pretrain=on", &m));
    OK(gm_fit(m, d, "epochs=20 batch=20 lr=0.05"));
    OK(gm_dbn_unroll(m, _i ? "seed=4" : "seed=4 classes=8", &net));
    OK(gm_dbn_autoencoder(m, NULL, &ae));
    OK(gm_dataset_read(d, "x", 0, 20, &x));
    OK(gm_encode(net, x, &code));
    const gm__dbm *g = gm__dbm_of(m);
    for (int r = 0; r < 20; r++) {
        double h[2][ROW];
        for (int i = 0; i < ROW; i++) h[0][i] = (double)gm__f32(x)[r * ROW + i];
        for (size_t l = 1; l <= g->hidden; l++)
            for (int64_t j = 0; j < units(g, l); j++) {
                double in = (double)gm__f32(biases(g, l))[j];
                for (int64_t i = 0; i < units(g, l - 1); i++)
                    in += (l < g->hidden ? 2 : 1) * (h[(l - 1) % 2][i] - (means(g, 0) ? (double)gm__f32(means(g, l - 1))[i] : 0)) * (double)gm__f32(g->layer[l - 1].w)[i * units(g, l) + j];
                h[l % 2][j] = 1 / (1 + exp(-in));
            }
        for (int64_t j = 0; j < units(g, g->hidden); j++) ck_assert_double_eq_tol((double)gm__f32(code)[r * units(g, g->hidden) + j], h[g->hidden % 2][j], 2e-6);
    }
    OK(gm_decode(m, code, &decoded));
    OK(gm_reconstruct(ae, x, &rebuilt));
    ck_assert_msg(furthest(decoded, rebuilt) < 5e-6, "the way down differs by %g", furthest(decoded, rebuilt));
    OK(gm_fit(net, d, "epochs=300 batch=20 lr=2e-2"));
    OK(gm_eval(net, d, "metric=accuracy", &e, 1, &n));
    ck_assert_msg(e.value > 0.95, "accuracy %g", e.value);
    gm_tensor *all[] = {x, code, rebuilt, decoded};
    for (size_t i = 0; i < GM__COUNT(all); i++) gm_tensor_free(all[i]);
    gm_model_free(m);
    gm_model_free(net);
    gm_model_free(ae);
    gm_dataset_free(d);
}
END_TEST

/* ---- the rest -------------------------------------------------------------------------------- */

START_TEST(struct_and_text_agree)
{
    gm_dbm_config c;
    gm_model *a = NULL, *b = NULL;
    gm_dbm_config_init(&c, sizeof c);
    ck_assert(c.struct_size == sizeof c && c.k == 5 && !c.pretrain && c.centered && c.burn_in == 1000 && c.mean_field == 30);
    c.shape = "2,3", c.layers = "5,4", c.seed = 9;
    OK(gm_dbm_new(ctx, &c, &a));
    OK(gm_model_new(ctx, "dbm", "shape=2,3 layers=5,4 seed=9", &b));
    ck_assert(same_weights(a, b));
    ck_assert_str_eq(gm_model_config(a), gm_model_config(b));
    ck_assert_int_eq(gm_model_parameters(a), 6 * 5 + 5 * 4 + 6 + 5 + 4);
    gm_model_free(a);
    gm_model_free(b);
}
END_TEST

static void *cancel_soon(void *arg)
{
    usleep(50000);
    gm_ctx_cancel(arg);
    return NULL;
}

/* Work that would take minutes stops when another thread says so; the model stays usable. */
START_TEST(cancel)
{
    gm_dataset *d = pictures(200, 1);
    gm_model *m = NULL;
    gm_tensor *y = NULL;
    double log_z;
    pthread_t other;
    OK(gm_model_new(ctx, "dbm", "layers=300,300 burn-in=2000", &m));
    OK(gm_fit(m, d, "steps=2 batch=20"));
    ck_assert_int_eq(pthread_create(&other, NULL, cancel_soon, ctx), 0);
    if (_i == 0) FAILS(GM_ECANCELED, "canceled", gm_sample(m, 2000, 1, &y));
    if (_i == 1) FAILS(GM_ECANCELED, "canceled", gm_dbm_log_z(m, NULL, "method=ais temperatures=1000000", &log_z, NULL));
    if (_i == 2) FAILS(GM_ECANCELED, "canceled", gm_fit(m, d, "epochs=100000"));
    pthread_join(other, NULL);
    ck_assert_ptr_null(y);
    OK(gm_sample(m, 1, 1, &y));
    gm_tensor_free(y);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

START_TEST(wrong_input)
{
    gm_model *m = NULL;
    gm_dataset *d = pictures(20, 1), *bare = NULL;
    gm_tensor *x = NULL, *y = NULL;
    gm_measure e;
    int32_t n;
    double z;
    FAILS(GM_EARG, "layers", gm_model_new(ctx, "dbm", "layers=", &m));
    FAILS(GM_EARG, "one hidden layer is an rbm", gm_model_new(ctx, "dbm", "layers=10", &m));
    FAILS(GM_EARG, "layers", gm_model_new(ctx, "dbm", "layers=10,0", &m));
    FAILS(GM_EARG, "layers", gm_model_new(ctx, "dbm", "layers=1,2,3,4,5,6,7,8", &m));
    FAILS(GM_EARG, "layer-epochs", gm_model_new(ctx, "dbm", "layers=10,5 pretrain=on layer-epochs=1", &m));
    FAILS(GM_EARG, "layer-epochs", gm_model_new(ctx, "dbm", "layers=10,5 layer-epochs=1,1 pretrain=off", &m));
    FAILS(GM_EARG, "centered", gm_model_new(ctx, "dbm", "layers=10,5 units=gaussian", &m));
    FAILS(GM_EARG, "binarize", gm_model_new(ctx, "dbm", "layers=10,5 units=gaussian centered=off binarize=threshold", &m));
    FAILS(GM_EARG, "standard", gm_model_new(ctx, "dbm", "layers=10,5 scale=standard", &m));
    FAILS(GM_EARG, "tolerance", gm_model_new(ctx, "dbm", "layers=10,5 tolerance=-1", &m));
    OK(gm_dataset_read(d, "x", 0, 20, &x));
    OK(gm_dataset_from_tensors(ctx, x, NULL, &bare));
    OK(gm_model_new(ctx, "dbm", "layers=6,4 conditional=on", &m));
    FAILS(GM_ENOTFOUND, "labels", gm_fit(m, bare, "steps=1"));
    gm_model_free(m);
    OK(gm_model_new(ctx, "dbm", "layers=40,30", &m));
    FAILS(GM_ESTATE, "", gm_dbm_log_z(m, NULL, NULL, &z, NULL));
    OK(gm_fit(m, d, "steps=2 batch=10"));
    FAILS(GM_EUNSUPPORTED, "conditional", gm_eval(m, d, "metric=accuracy", &e, 1, &n));
    FAILS(GM_ELIMIT, "40 hidden", gm_dbm_log_z(m, NULL, NULL, &z, NULL));
    FAILS(GM_EARG, "method", gm_dbm_log_z(m, NULL, "method=guess", &z, NULL));
    FAILS(GM_EARG, "layer 3", gm_encode_layer(m, x, NULL, 3, &y));
    gm__f32(x)[3] = NAN;
    FAILS(GM_EARG, "[0,1]", gm_score(m, x, &y));
    gm__f32(x)[3] = 1.5f;
    FAILS(GM_EARG, "[0,1]", gm_fit(m, bare, "steps=1 batch=20"));
    gm__f32(gm__dbm_of(m)->layer[1].w)[0] = INFINITY;
    FAILS(GM_ENONFINITE, "log Z", gm_dbm_log_z(m, NULL, "method=ais temperatures=10 chains=2", &z, NULL));
    gm_model_free(m);
    OK(gm_model_new(ctx, "rbm", "shape=4", &m));
    FAILS(GM_EARG, "dbm wanted", gm_dbm_log_z(m, NULL, NULL, &z, NULL));
    gm_model_free(m);
    gm_tensor_free(x);
    gm_dataset_free(bare);
    gm_dataset_free(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dbm");
    TCase *c = tcase_create("dbm");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, partition_function, 0, NETS);
    tcase_add_test(c, gaussian_units);
    tcase_add_loop_test(c, bound, 0, NETS);
    tcase_add_loop_test(c, mean_field, 0, NETS);
    tcase_add_loop_test(c, chains, 0, 3 * NETS);
    tcase_add_loop_test(c, held_units, 0, NETS);
    tcase_add_loop_test(c, sampling, 0, NETS);
    tcase_add_loop_test(c, gradients, 0, NETS);
    tcase_add_loop_test(c, means_move, 0, 2);
    tcase_add_loop_test(c, learns, 0, 5);
    tcase_add_test(c, layers_in_turn);
    tcase_add_loop_test(c, goes_on_with_the_same_bytes, 0, 4);
    tcase_add_loop_test(c, label_probabilities, 0, 2);
    tcase_add_test(c, labels_are_learned);
    tcase_add_loop_test(c, unrolls, 0, 2);
    tcase_add_test(c, struct_and_text_agree);
    tcase_add_loop_test(c, cancel, 0, 3);
    tcase_add_test(c, wrong_input);
    suite_add_tcase(s, c);
    return run_suite(s);
}
