/* The engine's functions under failing memory: contexts, tensors, tapes, nets, optimisers, trainers, families by struct. */
#define FEWEST 4
#include "cases.h"

/* ---- a piece of work each: gives the first failure ------------------------------------------------ */

static void *other_memory(void *p) { return p; }
static void gone(void *data, void *user) { (void)data, ++*(int *)user; }

static gm_status contexts(gm_ctx *ctx, host *h)
{
    gm_memory m = {.struct_size = sizeof m};
    gm_ctx *two = NULL;
    gm_option o = {.struct_size = sizeof o};
    gm_layer l = {.struct_size = sizeof l};
    int64_t v;
    float f[8];
    uint64_t p[8];
    gm_status s = gm_ctx_set_threads(ctx, 2);
    if (!s && (gm_ctx_threads(ctx) != 2 || !*gm_ctx_cpu(ctx))) s = GM_EINTERNAL;
    if (!s) s = gm_ctx_set_threads(ctx, 1);
    if (!s) s = gm_ctx_memory(ctx, &m);
    if (!s && m.live_bytes == 0) s = GM_EINTERNAL;
    if (!s) s = host_ctx(h, &two);
    if (!s) gm_ctx_cancel(two);
    gm_ctx_free(two);
    /* these need no memory and so work without */
    ck_assert_int_eq(gm_constant("GM_ENOMEM", &v), GM_OK);
    ck_assert(v == GM_ENOMEM && *gm_status_text(GM_ENOMEM) && *gm_version_string() && gm_dtype_size(GM_F32) == 4 && *gm_dtype_name(GM_F32));
    ck_assert_int_eq(gm_random_uniform(1, 2, 4, 8, f), GM_OK);
    ck_assert_int_eq(gm_random_normal(1, 2, 4, 8, f), GM_OK);
    ck_assert_int_eq(gm_random_permutation(1, 2, 8, p), GM_OK);
    ck_assert_int_eq(gm_layer_at(0, &l), GM_OK);
    for (int32_t i = 0; i < gm_family_count(); i++) {
        const char *name = gm_family_name(i);
        ck_assert(*gm_family_title(name) && gm_family_training(name) && gm_family_can(name));
        ck_assert_int_eq(gm_option_at(name, 0, &o), GM_OK);
    }
    return s;
}

static gm_status tensors(gm_ctx *ctx, host *h)
{
    (void)h;
    float a[6] = {1, 2, 3, 4, 5, 6};
    gm_tensor *x = NULL, *y = NULL, *item = NULL;
    double v;
    int wrapped, freed = 0;
    gm_status s = gm_tensor_wrap(ctx, GM_F32, 2, (int64_t[]){3, 2}, (int64_t[]){1, 3}, other_memory(a), gone, &freed, &x);
    wrapped = !s;
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){3, 2}, &y);
    if (!s) s = gm_tensor_assign(y, x);
    if (!s) s = gm_tensor_write(y, a, sizeof a);
    if (!s) s = gm_tensor_set_grad(y, 1);
    if (!s && (gm_tensor_dtype(y) != GM_F32 || gm_tensor_ndim(y) != 2 || gm_tensor_dim(y, -1) != 2 || gm_tensor_stride(y, 0) != 2 || gm_tensor_grad(y))) s = GM_EINTERNAL;
    gm_tensor_clear_grad(y);
    if (!s) s = gm_tensor_copy(ctx, GM_F64, 0, NULL, &(double){7}, &item);
    if (!s) s = gm_tensor_item(item, &v);
    gm_tensor_free(x), gm_tensor_free(y), gm_tensor_free(item);
    ck_assert_int_eq(freed, wrapped); /* what was not taken is not freed */
    return s;
}

static gm_tensor *cube(gm_tape *t, gm_tensor *const *in, int32_t n, void *user)
{
    (void)n, (void)user;
    return gm_sum(t, gm_mul(t, in[0], gm_square(t, in[0])), GM_ALL_AXES, 0);
}

static gm_status tapes(gm_ctx *ctx, host *h)
{
    (void)h;
    gm_tape *t = NULL;
    gm_tensor *x = NULL, *d = NULL, *g = NULL;
    char text[100];
    double error;
    gm_status s = gm_tensor_new(ctx, GM_F64, 1, (int64_t[]){3}, &x);
    if (!s) s = gm_tensor_set_grad(x, 1);
    if (!s) s = gm_tape_new(ctx, 1, &t);
    if (!s) {
        gm_tape_seed(t, 5), gm_tape_training(t, 1), gm_tape_recording(t, 1), gm_tape_trap(t, 1);
        const uint64_t mark = gm_tape_push(t), generation = gm_tape_generation(t);
        gm_tensor *y = cube(t, &x, 1, NULL);
        if (y) gm_tape_grad(t, y, &x, 1, 1, &g);
        gm_tape_pop(t, mark, y);
        s = gm_tape_status(t);
        if (s) snprintf(message, sizeof message, "%s", gm_tape_message(t));
        gm_tape_print(t, text, sizeof text);
        if (!s && !gm_tape_bytes(t)) s = GM_EINTERNAL;
        gm_tape_reset(t);
        ck_assert_uint_gt(gm_tape_generation(t), generation);
        if (!s) s = gm_tape_backward(t, cube(t, &x, 1, NULL));
    }
    if (!s) s = gm_gradcheck(ctx, cube, NULL, &x, 1, 2, &error);
    gm_tape_free(t);
    gm_tensor_free(x), gm_tensor_free(d);
    return s;
}

static gm_status steps(gm_ctx *ctx, const char *kind, const char *options)
{
    gm_net *net = NULL, *copy = NULL, *plain = NULL;
    gm_optim *o = NULL;
    gm_tape *t = NULL;
    gm_tensor *x = NULL, *c = NULL, *leaf = NULL;
    int64_t shape[8];
    char text[200];
    gm_status s = gm_net_new_cond(ctx, "linear 4, bnorm, relu, dropout 0.1", 1, (int64_t[]){3}, 2, 1, &net);
    if (!s) s = gm_net_add(net, "linear 2 spectral");
    if (!s) s = gm_net_copy(net, &copy);
    if (!s) s = gm_net_new(ctx, "res( linear 3, tanh )", 1, (int64_t[]){3}, 1, &plain);
    if (!s) s = gm_net_freeze(copy, 1);
    if (!s && (gm_net_output_shape(net, shape) != 1 || shape[0] != 2 || !gm_net_tensor_is_parameter(net, 0) || !gm_net_tensor(net, 0) || gm_net_tensor_count(net) < 4)) s = GM_EINTERNAL;
    if (!s && (!*gm_net_tensor_name(net, 0) || gm_net_parameters(net) < 20 || !*gm_net_text(net) || !gm_net_print(net, text, sizeof text))) s = GM_EINTERNAL;
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){5, 3}, &x);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){5, 2}, &c);
    if (!s) s = gm_tensor_new(ctx, GM_F32, 1, (int64_t[]){2}, &leaf);
    if (!s) s = gm_optim_new(ctx, kind, options, &o);
    if (!s) s = gm_optim_add_net(o, net, NULL);
    if (!s) s = gm_optim_add(o, leaf, "lr-scale=0.5");
    if (!s) s = gm_optim_groups(o, "*.bias: weight-decay=0.1");
    if (!s) s = gm_tape_new(ctx, 1, &t);
    for (int i = 0; i < 3 && !s; i++) {
        gm_tensor *y = gm_add(t, gm_net_apply(net, t, x, c), leaf);
        s = gm_tape_backward(t, gm_mse(t, y, gm_net_apply(copy, t, x, c), GM_MEAN));
        if (s) snprintf(message, sizeof message, "%s", gm_tape_message(t));
        if (!s) s = i == 1 ? gm_optim_extrapolate(o) : gm_optim_step(o);
        gm_tape_reset(t);
    }
    if (!s) s = gm_optim_observe(o, 1);
    if (!s) s = gm_optim_swap_ema(o);
    if (!s && (gm_optim_steps(o) != 2 || gm_optim_lr(o) <= 0 || gm_optim_grad_norm(o) < 0)) s = GM_EINTERNAL;
    gm_optim_clear(o);
    gm_optim_free(o);
    gm_tape_free(t);
    gm_tensor_free(x), gm_tensor_free(c), gm_tensor_free(leaf);
    gm_net_free(net), gm_net_free(copy), gm_net_free(plain);
    return s;
}

static gm_status adam(gm_ctx *ctx, host *h) { return (void)h, steps(ctx, "adam", "ema=0.9 amsgrad=on clip-norm=1 schedule=plateau"); }
static gm_status rmsprop(gm_ctx *ctx, host *h) { return (void)h, steps(ctx, "rmsprop", "ema=0.9 momentum=0.5 rms-centered=on optimistic=on"); }
static gm_status sgd(gm_ctx *ctx, host *h) { return (void)h, steps(ctx, "sgd", "ema=0.9 momentum=0.9 nesterov=on"); }
static gm_status adagrad(gm_ctx *ctx, host *h) { return (void)h, steps(ctx, "adagrad", "ema=0.9"); }

static int progress(const gm_progress *p, void *user) { return (void)p, user == NULL; }

static gm_status trainers(gm_ctx *ctx, host *h)
{
    gm_dataset *d = NULL, *one = NULL, *two = NULL;
    gm_model *m = NULL;
    gm_trainer *tr = NULL, *again = NULL;
    gm_event e = {.struct_size = sizeof e};
    uint64_t at[4];
    double v[4], loss;
    char text[300], folder[100];
    snprintf(folder, sizeof folder, "%s.report", model_path);
    snprintf(text, sizeof text, "steps=3 batch=8 lr=1e5 report='%s'", folder); /* a rate that makes events */
    gm_status s = gm_dataset_open(ctx, "synth:ring8,n=16,seed=1", &d);
    if (!s) s = gm_dataset_split(d, 0.5, 1, &one, &two);
    if (!s) s = gm_model_new(ctx, "ae", "hidden=3 latent=2", &m);
    if (!s) s = gm_trainer_new(m, one, text, &tr);
    if (!s) s = gm_trainer_set_valid(tr, two);
    if (!s) s = gm_trainer_set_progress(tr, progress, h, 0);
    if (!s) s = gm_trainer_note(tr, "command", "none");
    if (!s) s = gm_trainer_step(tr, &loss);
    if (!s && gm_trainer_steps(tr) != 1) s = GM_EINTERNAL;
    if (!s) s = gm_trainer_save(tr, model_path);
    if (!s) s = gm_trainer_resume(ctx, model_path, one, two, NULL, &again);
    if (!s && (gm_trainer_done(again) || !gm_trainer_model(again))) s = GM_EINTERNAL;
    for (int32_t i = 0; !s && i < gm_trainer_series_count(again); i++)
        if (!gm_trainer_series_name(again, i) || gm_trainer_series_read(again, i, at, v, 4) < 0) s = GM_EINTERNAL;
    for (int32_t i = 0; !s && i < gm_trainer_event_count(again); i++) s = gm_trainer_event(again, i, &e);
    gm_trainer_free(tr), gm_trainer_free(again);
    gm_model_free(m);
    gm_dataset_free(d), gm_dataset_free(one), gm_dataset_free(two);
    return s;
}

static gm_status game(gm_ctx *ctx, host *h)
{
    (void)h;
    gm_dataset *d = NULL;
    gm_model *m = NULL;
    gm_trainer *tr = NULL;
    gm_tensor *z = NULL, *path = NULL, *between = NULL;
    double loss;
    gm_status s = gm_dataset_open(ctx, "synth:ring8,n=16,seed=1", &d);
    if (!s) s = gm_model_new(ctx, "gan", "hidden=4 noise-dim=2", &m);
    if (!s) s = gm_trainer_new(m, d, "steps=2 batch=8", &tr);
    if (!s) s = gm_gan_d_step(tr, &loss);
    if (!s) s = gm_gan_g_step(tr, &loss);
    if (!s) s = gm_gan_noise(m, 1, 1, 0, &z);
    if (!s) s = gm_gan_path(ctx, z, z, 3, 1, &path);
    gm_tensor_free(z), gm_tensor_free(path), gm_tensor_free(between);
    gm_trainer_free(tr);
    gm_model_free(m);
    gm_dataset_free(d);
    return s;
}

/* ---- families by struct ---------------------------------------------------------------------------- */

/* What every model answers, with or without weights. */
static gm_status ask(gm_model *m)
{
    int64_t shape[8];
    char text[300];
    if (!*gm_model_family(m) || gm_model_shape(m, shape) < -1 || gm_model_tensor_count(m) < 0) return GM_EINTERNAL;
    if (gm_model_tensor_count(m) && (!*gm_model_tensor_name(m, 0) || gm_model_parameters(m) < 1)) return GM_EINTERNAL;
    gm_model_layers(m);
    snprintf(message, sizeof message, "a text is missing");
    return gm_model_print(m, text, sizeof text) && gm_model_config(m) ? GM_OK : GM_ENOMEM;
}

#define FAMILY(name, ...)                                   \
    static gm_status name##_struct(gm_ctx *ctx, host *h)    \
    {                                                       \
        (void)h;                                            \
        gm_##name##_config c;                               \
        gm_model *m = NULL;                                 \
        gm_##name##_config_init(&c, sizeof c);              \
        __VA_ARGS__                                         \
        gm_status s = gm_##name##_new(ctx, &c, &m);         \
        if (!s) s = ask(m);                                 \
        gm_model_free(m);                                   \
        return s;                                           \
    }
FAMILY(vae, c.shape = "6"; c.hidden = "3"; c.latent = 2;)
FAMILY(ae, c.shape = "6"; c.hidden = "3";)
FAMILY(mlp, c.shape = "6"; c.hidden = "3"; c.classes = 2;)
FAMILY(cnn, c.shape = "1,4,4"; c.channels = "2"; c.hidden = "3"; c.classes = 2;)
FAMILY(bm, c.shape = "4"; c.hidden = 2;)
FAMILY(rbm, c.shape = "4"; c.hidden = 2;)
FAMILY(dbn, c.shape = "4"; c.layers = "3,2";)
FAMILY(dbm, c.shape = "4"; c.layers = "3,2";)
FAMILY(gan, c.shape = "2"; c.hidden = "3";)
FAMILY(lapgan, c.shape = "1,4,4"; c.width = 2;)
FAMILY(srgan, c.shape = "1,4,4"; c.width = 2;)
FAMILY(ngram, c.order = 2;)
FAMILY(rnn, c.hidden = 3;)
FAMILY(transformer, c.embd = 4; c.heads = 2; c.depth = 1;)
FAMILY(gpt, c.embd = 4; c.heads = 2; c.depth = 1;)

typedef gm_status work_fn(gm_ctx *ctx, host *h);
static work_fn *const works[] = {contexts, tensors, tapes, adam, rmsprop, sgd, adagrad, trainers, game, vae_struct, ae_struct, mlp_struct, cnn_struct, bm_struct, rbm_struct, dbn_struct,
    dbm_struct, gan_struct, lapgan_struct, srgan_struct, ngram_struct, rnn_struct, transformer_struct, gpt_struct};

static gm_status program(host *h, int which)
{
    gm_ctx *ctx = NULL;
    gm_status s = host_ctx(h, &ctx);
    *message = 0;
    if (!s) s = works[which](ctx, h);
    if (!s || !*message) keep_message(ctx, s);
    gm_ctx_free(ctx);
    return s;
}

int main(void)
{
    char command[160];
    int code = run_cases("core_faults", program, sizeof works / sizeof *works);
    snprintf(command, sizeof command, "rm -rf '%s.report'", model_path);
    return system(command) || code;
}
