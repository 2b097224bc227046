/* Boltzmann machines under failing memory: the n-th allocation fails, once and from then on, for every n.
 * No crash, no leak, no false success; the next run works. */
#include "cases.h"

static const char *const cases[] = {"hidden=3 gradient=exact burn-in=3", "hidden=2 gradient=chains chains=5 k=2 burn-in=3", "hidden=22 gradient=mean-field chains=5 k=1 burn-in=2"};

/* What a host does with such a model; gives the first failure. */
static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL;
    gm_tensor *x = NULL, *all = NULL, *clamp = NULL, *out[5] = {NULL};
    gm_measure got;
    int32_t n;
    double log_z;
    gm_status s = host_ctx(h, &ctx);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){10, 4}, &x);
    if (!s) s = gm_dataset_from_tensors(ctx, x, NULL, &d);
    if (!s) s = gm_model_new(ctx, "bm", cases[which], &m);
    if (!s) s = gm_fit(m, d, "steps=2 batch=10 seed=1");
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    if (!s) s = gm_eval(again, d, "metric=pseudo_log_prob", &got, 1, &n);
    if (!s) s = gm_sample(again, 3, 1, &out[0]);
    if (!s) s = gm_encode(again, x, &out[1]);
    if (!s && which < 2) s = gm_bm_log_z(again, NULL, &log_z);
    if (!s && which < 2) s = gm_bm_log_prob(again, x, NULL, &out[2]);
    const int64_t units = which == 0 ? 7 : which == 1 ? 6 : 26;
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){3, units}, &all);
    if (!s) s = gm_tensor_new(ctx, GM_U8, 1, &units, &clamp);
    if (!s) s = gm_bm_gibbs(again, all, clamp, "steps=2 anneal=3", &out[3]);
    if (!s) s = gm_bm_energy(again, all, &out[4]);
    keep_message(ctx, s);
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) gm_tensor_free(out[i]);
    gm_tensor_free(x), gm_tensor_free(all), gm_tensor_free(clamp);
    gm_model_free(m), gm_model_free(again);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    return s;
}

int main(void) { return run_cases("bm_faults", program, sizeof cases / sizeof *cases); }
