/* Deep Boltzmann machines under failing memory: the n-th allocation fails, once and from then on, for every n.
 * No crash, no leak, no false success; the next run works. */
#include "cases.h"

static const char *const cases[] = {"layers=3,2 pretrain=on layer-epochs=1,1 burn-in=3", "layers=3,2,2 conditional=on burn-in=2 k=1", "layers=2,3 units=gaussian centered=off burn-in=2 k=1"};

/* What a host does with such a model; gives the first failure. */
static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    gm_dataset *d = NULL;
    gm_model *m = NULL, *again = NULL, *net = NULL;
    gm_tensor *x = NULL, *label = NULL, *out[6] = {NULL};
    gm_measure got[2];
    int32_t n;
    double log_z;
    gm_status s = host_ctx(h, &ctx);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){10, 4}, &x);
    if (!s) s = gm_tensor_new(ctx, GM_I64, 1, (int64_t[]){10}, &label);
    if (!s) ((int64_t *)gm_tensor_data(label))[3] = 1;
    if (!s) s = gm_dataset_from_tensors(ctx, x, label, &d);
    if (!s) s = gm_model_new(ctx, "dbm", cases[which], &m);
    if (!s) s = gm_fit(m, d, "epochs=4 batch=10 seed=1");
    if (!s) s = gm_model_save(m, model_path);
    if (!s) s = gm_model_load(ctx, model_path, &again);
    if (!s) s = gm_eval(again, d, which == 1 ? "metric=recon,accuracy" : "metric=recon", got, 2, &n);
    if (!s) s = gm_sample(again, 3, 1, &out[0]);
    if (!s) s = gm_encode(again, x, &out[1]);
    if (!s) s = gm_reconstruct(again, x, &out[2]);
    if (!s) s = gm_score(again, x, &out[3]);
    if (!s && which == 0) s = gm_log_prob(again, x, NULL, &out[4], NULL);
    if (!s) s = gm_dbm_log_z(again, NULL, NULL, &log_z, NULL);
    if (!s && which == 0) s = gm_dbm_log_z(again, x, "method=reverse-ais temperatures=3 chains=2", &log_z, NULL);
    if (!s) s = gm_dbm_gibbs(again, x, NULL, "steps=2", &out[5]);
    if (!s && which < 2) s = gm_dbn_unroll(again, which ? "" : "classes=2", &net);
    keep_message(ctx, s);
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) gm_tensor_free(out[i]);
    gm_tensor_free(x), gm_tensor_free(label);
    gm_model_free(m), gm_model_free(again), gm_model_free(net);
    gm_dataset_free(d);
    gm_ctx_free(ctx);
    return s;
}

int main(void) { return run_cases("dbm_faults", program, sizeof cases / sizeof *cases); }
