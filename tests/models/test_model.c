/* test_model.c - life of a model, its options, its files, and the verbs that take rows. */
#include "models_test.h"
#include <pthread.h>

#define SMALL "hidden=8 latent=2 shape=1,4,4 seed=3"

/* ---- families and options ---------------------------------------------------------- */

START_TEST(families_and_tables)
{
    int seen = 0;
    ck_assert_int_ge(gm_family_count(), 2);
    for (int32_t i = 0; i < gm_family_count(); i++) {
        const char *name = gm_family_name(i);
        seen += !strcmp(name, "vae");
        ck_assert_ptr_nonnull(gm_family_title(name));
        ck_assert_uint_ne(gm_family_can(name), 0);
    }
    ck_assert_int_eq(seen, 1);
    ck_assert_ptr_null(gm_family_name(gm_family_count()));
    ck_assert_ptr_null(gm_family_name(-1));
    ck_assert_ptr_null(gm_family_title("nonesuch"));
    ck_assert_ptr_null(gm_family_training("nonesuch"));
    ck_assert_str_eq(gm_family_training("vae"), "");
    ck_assert_ptr_nonnull(strstr(gm_family_training("rbm"), "optimizer=sgd"));
    ck_assert_uint_eq(gm_family_can(NULL), 0);

    static const char *const owners[] = { "vae", "ae", "train", "eval", "sample" };
    for (size_t k = 0; k < GM__COUNT(owners); k++) {
        gm_option o = { .struct_size = sizeof o };
        int32_t i = 0;
        for (gm_status s; (s = gm_option_at(owners[k], i, &o)) != GM_END; i++) {
            ck_assert_int_eq(s, GM_OK);
            ck_assert(o.name[0] && o.type[0] && o.default_text && o.help[0]);
        }
        ck_assert_int_ge(i, 2);
    }
    gm_option o = { .struct_size = sizeof o };
    ck_assert_int_eq(gm_option_at("nonesuch", 0, &o), GM_ENOTFOUND);
    ck_assert_int_eq(gm_option_at("vae", -1, &o), GM_EARG);
    ck_assert_int_eq(gm_option_at(NULL, 0, &o), GM_EARG);
}
END_TEST

START_TEST(wrong_options)
{
    gm_model *m = (gm_model *)&m;
    FAILS(GM_EARG, "ae, vae", gm_model_new(ctx, "nonesuch", NULL, &m));
    ck_assert_ptr_null(m);
    FAILS(GM_EARG, "no option 'latemt' (did you mean 'latent'?)", gm_model_new(ctx, "vae", "latemt=3", &m));
    FAILS(GM_EARG, "latent", gm_model_new(ctx, "vae", "latent=0", &m));
    FAILS(GM_EARG, "shape", gm_model_new(ctx, "vae", "shape=0,4", &m));
    FAILS(GM_ESHAPE, "dimensions", gm_model_new(ctx, "vae", "shape=1,1,1,1,1,1,1,2", &m));
    FAILS(GM_EARG, "NULL", gm_model_new(ctx, NULL, NULL, &m));
    ck_assert_int_eq(gm_model_new(NULL, "vae", NULL, &m), GM_EARG);
    ck_assert_int_eq(gm_model_new(ctx, "vae", NULL, NULL), GM_EARG);
    gm_model_free(NULL);
}
END_TEST

START_TEST(without_a_shape)
{
    gm_model *m = model("hidden=8 latent=2");
    gm_tensor *y = NULL, *x = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 2, ROW }, &x));
    ck_assert_int_eq(gm_model_shape(m, NULL), -1);
    ck_assert_int_eq(gm_model_parameters(m), 0);
    FAILS(GM_ESTATE, "fit", gm_model_save(m, at("m")));
    FAILS(GM_ESTATE, "fit", gm_sample(m, 1, 0, &y));
    FAILS(GM_ESTATE, "fit", gm_encode(m, x, &y));
    FAILS(GM_ESTATE, "shape", gm_model_load_weights(m, at("m")));
    ck_assert_int_ne(access(at("m"), F_OK), 0);
    gm_dataset *d = pictures(20, 1);
    OK(gm_fit(m, d, "epochs=1"));
    int64_t shape[8];
    ck_assert_int_eq(gm_model_shape(m, shape), 3);
    ck_assert(shape[0] == 1 && shape[1] == SIDE && shape[2] == SIDE);
    ck_assert_ptr_nonnull(strstr(gm_model_config(m), "\"shape\":\"1,4,4\""));
    ck_assert_ptr_nonnull(strstr(gm_model_config(m), "\"classes\":8"));
    gm_tensor_free(x);
    gm_model_free(m);
    gm_dataset_free(d);
}
END_TEST

START_TEST(description)
{
    char text[4096], cut[16];
    gm_model *m = model(SMALL);
    size_t n = gm_model_print(m, text, sizeof text);
    ck_assert_uint_eq(n, strlen(text));
    static const char *const words[] = { "vae", "[1,4,4]", "a lower bound", "encoder", "decoder", "KL", "latent", "libgm 0." };
    for (size_t i = 0; i < GM__COUNT(words); i++) ck_assert_msg(strstr(text, words[i]) != NULL, "%s is not in\n%s", words[i], text);
    ck_assert_uint_eq(gm_model_print(m, cut, sizeof cut), n);
    ck_assert_uint_eq(strlen(cut), sizeof cut - 1);
    ck_assert_uint_eq(gm_model_print(m, NULL, 0), n);
    int64_t sum = 0;
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++) {
        ck_assert_ptr_nonnull(gm_model_tensor_name(m, i));
        sum += gm_tensor_size(gm_model_tensor(m, i));
    }
    ck_assert_int_eq(sum, gm_model_parameters(m));
    ck_assert_ptr_null(gm_model_tensor(m, -1));
    ck_assert_str_eq(gm_model_family(m), "vae");
    gm_model_free(m);
}
END_TEST

/* ---- files ------------------------------------------------------------------------------ */

START_TEST(saved_and_loaded)
{
    gm_model *m = model("hidden=8 latent=2 shape=1,4,4 beta=0.3 seed=18446744073709551615"), *k = NULL, *c = NULL;
    gm_tensor *a = NULL, *b = NULL;
    OK(gm_model_save(m, at("a")));
    OK(gm_model_load(ctx, at("a"), &k));
    OK(gm_model_save(k, at("b")));
    ck_assert(same_files(at("a"), at("b")));
    ck_assert_str_eq(gm_model_config(m), gm_model_config(k));
    OK(gm_model_copy(k, &c));
    OK(gm_model_save(c, at("c")));
    ck_assert(same_files(at("a"), at("c")));
    OK(gm_sample(m, 5, 9, &a));
    OK(gm_sample(k, 5, 9, &b));
    ck_assert(furthest(a, b) == 0);
    gm_tensor_free(a);
    gm_tensor_free(b);
    gm_model_free(c);
    FAILS(GM_EIO, "nonesuch", gm_model_load(ctx, at("nonesuch"), &c));
    ck_assert_ptr_null(c);
    FAILS(GM_EIO, "", gm_model_save(m, at("no/such/folder")));
    gm__f32(gm_model_tensor(m, 1))[0] = NAN;
    FAILS(GM_ENONFINITE, gm_model_tensor_name(m, 1), gm_model_save(m, at("a")));
    ck_assert(same_files(at("a"), at("b")));
    gm_model_free(m);
    gm_model_free(k);
}
END_TEST

/* A model file as gm_model_save writes it, with one thing changed. */
static void forge(const char *path, gm_model *m, const char *kind, const char *config, const char *version, const char *extra, const char *drop)
{
    gm__stw *w = NULL;
    OK(gm__stw_new(ctx, &w));
    if (kind) OK(gm__stw_meta(w, "gm.kind", kind));
    if (config) OK(gm__stw_meta(w, "gm.config", config));
    if (version) OK(gm__stw_meta(w, "gm.version", version));
    OK(gm__stw_meta(w, "gm.net", "{}"));
    for (int32_t i = 0; i < gm_model_tensor_count(m); i++)
        if (!drop || strcmp(drop, gm_model_tensor_name(m, i))) OK(gm__stw_tensor(w, gm_model_tensor_name(m, i), gm_model_tensor(m, i), true));
    if (extra) OK(gm__stw_tensor(w, extra, gm_model_tensor(m, 0), true));
    OK(gm__stw_commit(w, path));
    gm__stw_free(w);
}

START_TEST(forged_files)
{
    gm_model *m = model(SMALL), *k = (gm_model *)&k;
    const char *config = gm_model_config(m), *name = gm_model_tensor_name(m, 0), *file = at("f");
    struct { const char *kind, *config, *version, *extra, *drop, *says; } bad[] = {
        { NULL, config, "0.1.0", NULL, NULL, "gm.kind" },
        { "nonesuch", config, "0.1.0", NULL, NULL, "no family 'nonesuch'" },
        { "vae", NULL, "0.1.0", NULL, NULL, "gm.config" },
        { "vae", config, NULL, NULL, NULL, "gm.version" },
        { "vae", config, "7.0.0", NULL, NULL, "written by libgm 7.0.0" },
        { "vae", config, "seven", NULL, NULL, "gm.version" },
        { "vae", config, "0.1.0", "stranger", NULL, "stranger" },
        { "vae", config, "0.1.0", NULL, name, name },
        { "vae", "{\"latent\":0,\"shape\":\"1,4,4\"}", "0.1.0", NULL, NULL, "latent" },
        { "vae", "{\"latent\":2,\"latent\":3}", "0.1.0", NULL, NULL, "gm.config" },
        { "vae", "{\"hidden\":\"8\",\"latent\":2}", "0.1.0", NULL, NULL, "no shape" },
        { "vae", "{\"hidden\":\"9\",\"latent\":2,\"shape\":\"1,4,4\"}", "0.1.0", NULL, NULL, name },
        { "vae", "{\"hidden\":\"60000,60000\",\"latent\":2,\"shape\":\"1,4,4\"}", "0.1.0", NULL, NULL, "more weights than the file holds" },
        { "vae", "{\"hidden\":\"8\",\"latent\":2,\"shape\":\"1000000,1000000,1000000\"}", "0.1.0", NULL, NULL, "gm.config" },
    };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        forge(file, m, bad[i].kind, bad[i].config, bad[i].version, bad[i].extra, bad[i].drop);
        FAILS(GM_EFORMAT, bad[i].says, gm_model_load(ctx, file, &k));
        ck_assert_ptr_null(k);
        ck_assert_ptr_nonnull(strstr(gm_ctx_message(ctx), file));
    }
    ck_assert_uint_eq(ctx->cfg.max_bytes, 0); /* the cap of the load is gone */
    forge(file, m, "vae", config, "0.1.0", "gm.later.thing", NULL); /* what lies under gm. is no stranger */
    OK(gm_model_load(ctx, file, &k));
    ck_assert(same_weights(m, k));
    gm_model_free(k);
    gm_model_free(m);
}
END_TEST

START_TEST(weights_by_name)
{
    gm_model *m = model(SMALL), *other = model("hidden=8 latent=2 shape=1,4,4 seed=4"), *was = NULL;
    enum { MOST = 32 };
    const char *names[MOST];
    gm_tensor *tensors[MOST], *wide = NULL;
    int32_t n = gm_model_tensor_count(m);
    OK(gm_model_copy(m, &was));
    for (int32_t i = 0; i < n; i++) names[i] = gm_model_tensor_name(other, i), tensors[i] = gm_model_tensor(other, i);

    /* all but the last tensor are there: nothing is changed */
    OK(gm_safetensors_write(ctx, at("part"), n - 1, names, tensors));
    FAILS(GM_ENOTFOUND, names[n - 1], gm_model_load_weights(m, at("part")));
    ck_assert(same_weights(m, was));
    /* the last has another shape */
    gm_tensor *last = tensors[n - 1];
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 3, 3 }, &tensors[n - 1]));
    OK(gm_safetensors_write(ctx, at("shape"), n, names, tensors));
    FAILS(GM_ESHAPE, names[n - 1], gm_model_load_weights(m, at("shape")));
    ck_assert(same_weights(m, was));
    gm_tensor_free(tensors[n - 1]);
    tensors[n - 1] = last;
    FAILS(GM_EIO, "", gm_model_load_weights(m, at("nonesuch")));
    /* f64 converts, a foreign tensor more does not matter */
    OK(gm_tensor_new(ctx, GM_F64, tensors[0]->ndim, tensors[0]->shape, &wide));
    OK(gm_tensor_assign(wide, tensors[0]));
    tensors[0] = wide;
    names[n] = "foreign", tensors[n] = wide;
    OK(gm_safetensors_write(ctx, at("all"), n + 1, names, tensors));
    OK(gm_model_load_weights(m, at("all")));
    ck_assert(same_weights(m, other));
    gm_tensor_free(wide);
    gm_model_free(m);
    gm_model_free(other);
    gm_model_free(was);
}
END_TEST

START_TEST(copies_stay)
{
    gm_model *m = model("hidden=8 latent=2"), *empty = NULL, *c = NULL;
    gm_dataset *d = pictures(40, 1);
    OK(gm_model_copy(m, &empty)); /* a copy of what has no weights yet */
    OK(gm_fit(m, d, "epochs=1 batch=10"));
    OK(gm_model_copy(m, &c));
    ck_assert(same_weights(m, c));
    OK(gm_fit(m, d, "epochs=1 batch=10"));
    ck_assert(!same_weights(m, c));
    OK(gm_fit(empty, d, "epochs=1 batch=10"));
    ck_assert(same_weights(empty, c));
    gm_model_free(m);
    gm_model_free(empty);
    gm_model_free(c);
    gm_dataset_free(d);
}
END_TEST

/* ---- rows in, rows out -------------------------------------------------------------------- */

START_TEST(verbs_and_their_shapes)
{
    enum { N = 600 };
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(N, 1);
    gm_tensor *x = NULL, *flat = NULL, *z = NULL, *z2 = NULL, *y = NULL, *y2 = NULL, *one = NULL, *s = NULL, *p = NULL;
    int32_t kind = 0;
    OK(gm_dataset_read(d, "x", 0, N, &x));
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){ N, ROW }, x->data, &flat));
    OK(gm_encode(m, x, &z));
    ck_assert(z->ndim == 2 && z->shape[0] == N && z->shape[1] == 2);
    OK(gm_encode(m, flat, &z2));
    ck_assert(furthest(z, z2) == 0);
    OK(gm_decode(m, z, &y));
    ck_assert(y->ndim == 4 && y->shape[0] == N && y->shape[1] == 1 && y->shape[3] == SIDE);
    OK(gm_reconstruct(m, x, &y2));
    ck_assert(furthest(y, y2) < 1e-6);
    for (int64_t i = 0; i < y->size; i++) ck_assert(gm__f32(y)[i] >= 0 && gm__f32(y)[i] <= 1);
    /* row 599, in the third chunk, alone */
    OK(gm_tensor_copy(ctx, GM_F32, 4, (int64_t[]){ 1, 1, SIDE, SIDE }, gm__f32(x) + (N - 1) * ROW, &one));
    gm_tensor_free(z2);
    OK(gm_encode(m, one, &z2));
    ck_assert(fabsf(gm__f32(z2)[0] - gm__f32(z)[(N - 1) * 2]) < 1e-6f);
    OK(gm_score(m, x, &s));
    ck_assert(s->ndim == 1 && s->size == N);
    OK(gm_log_prob(m, x, NULL, &p, &kind));
    ck_assert_int_eq(kind, GM_LOG_PROB_LOWER_BOUND);
    gm_tensor_free(p);
    OK(gm_log_prob(m, x, "k=3 seed=1 batch=7", &p, &kind));
    ck_assert_int_eq(kind, GM_LOG_PROB_ESTIMATE);
    gm_tensor *p2 = NULL;
    OK(gm_log_prob(m, x, "k=3 seed=1", &p2, NULL)); /* draws do not depend on the batch */
    ck_assert(furthest(p, p2) < 1e-4);
    gm_tensor_free(p2);
    OK(gm_log_prob(m, x, "k=3 seed=2", &p2, NULL));
    ck_assert(furthest(p, p2) > 1e-3);
    gm_tensor *all[] = { flat, z, z2, y, y2, one, s, p, p2, x };
    for (size_t i = 0; i < GM__COUNT(all); i++) gm_tensor_free(all[i]);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

START_TEST(other_types_and_strides)
{
    gm_model *m = model(SMALL);
    gm_tensor *u8 = NULL, *f32 = NULL, *f64 = NULL, *turned = NULL, *want = NULL, *got = NULL;
    uint8_t bytes[3 * ROW];
    float numbers[3 * ROW], columns[ROW * 3];
    for (int i = 0; i < 3 * ROW; i++) {
        bytes[i] = (uint8_t)(unit((uint32_t)i) * 255);
        numbers[i] = (float)bytes[i] / 255;
        columns[i % ROW * 3 + i / ROW] = numbers[i];
    }
    OK(gm_tensor_copy(ctx, GM_U8, 2, (int64_t[]){ 3, ROW }, bytes, &u8));
    OK(gm_tensor_copy(ctx, GM_F32, 2, (int64_t[]){ 3, ROW }, numbers, &f32));
    OK(gm_tensor_new(ctx, GM_F64, 2, (int64_t[]){ 3, ROW }, &f64));
    OK(gm_tensor_assign(f64, f32));
    OK(gm_tensor_wrap(ctx, GM_F32, 2, (int64_t[]){ 3, ROW }, (int64_t[]){ 1, 3 }, columns, NULL, NULL, &turned));
    OK(gm_encode(m, f32, &want));
    gm_tensor *in[] = { u8, f64, turned };
    for (size_t i = 0; i < GM__COUNT(in); i++) {
        OK(gm_encode(m, in[i], &got));
        ck_assert(furthest(want, got) < 1e-6);
        gm_tensor_free(got);
        gm_tensor_free(in[i]);
    }
    gm_tensor_free(want);
    gm_tensor_free(f32);
    gm_model_free(m);
}
END_TEST

START_TEST(rows_that_do_not_fit)
{
    gm_model *m = model(SMALL);
    struct { int32_t dtype, ndim; int64_t shape[4]; gm_status code; const char *says; } bad[] = {
        { GM_F32, 4, { 2, 1, 4, 5 }, GM_ESHAPE, "[1,4,4]" },
        { GM_F32, 3, { 2, 2, 8 }, GM_ESHAPE, "[2,8]" },
        { GM_F32, 2, { 2, 15 }, GM_ESHAPE, "[15]" },
        { GM_F32, 2, { 0, 16 }, GM_ESHAPE, "N >= 1" },
        { GM_F32, 0, { 0 }, GM_ESHAPE, "N >= 1" },
        { GM_I64, 2, { 2, 16 }, GM_EDTYPE, "i64" },
    };
    for (size_t i = 0; i < GM__COUNT(bad); i++) {
        gm_tensor *x = NULL, *y = (gm_tensor *)&y;
        OK(gm_tensor_new(ctx, bad[i].dtype, bad[i].ndim, bad[i].shape, &x));
        FAILS(bad[i].code, bad[i].says, gm_encode(m, x, &y));
        ck_assert_ptr_null(y);
        gm_tensor_free(x);
    }
    gm_tensor *y = NULL, *z = NULL;
    ck_assert_int_eq(gm_encode(m, NULL, &y), GM_EARG);
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ 2, 3 }, &z));
    ck_assert_int_eq(gm_decode(m, z, &y), GM_ESHAPE); /* a code has 2 numbers */
    ck_assert_ptr_null(y);
    gm_tensor_free(z);
    FAILS(GM_EARG, "n must", gm_sample(m, 0, 0, &y));
    FAILS(GM_EARG, "k", gm_log_prob(m, NULL, "k=-1", &y, NULL));
    gm_model_free(m);
}
END_TEST

START_TEST(between_two_rows)
{
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(2, 1);
    gm_tensor *a = NULL, *b = NULL, *line = NULL, *ra = NULL, *rb = NULL;
    OK(gm_dataset_read(d, "x", 0, 1, &a));
    OK(gm_dataset_read(d, "x", 1, 1, &b));
    OK(gm_interpolate(m, a, b, 5, &line));
    ck_assert(line->shape[0] == 5 && line->size == 5 * ROW);
    OK(gm_reconstruct(m, a, &ra));
    OK(gm_reconstruct(m, b, &rb));
    for (int j = 0; j < ROW; j++) {
        ck_assert(fabsf(gm__f32(line)[j] - gm__f32(ra)[j]) < 1e-6f);
        ck_assert(fabsf(gm__f32(line)[4 * ROW + j] - gm__f32(rb)[j]) < 1e-6f);
    }
    gm_tensor *none = NULL;
    FAILS(GM_EARG, "steps", gm_interpolate(m, a, b, 1, &none));
    FAILS(GM_ESHAPE, "one row", gm_interpolate(m, line, b, 3, &none));
    gm_tensor_free(line);
    gm_tensor_free(a);
    gm_tensor_free(b);
    gm_tensor_free(ra);
    gm_tensor_free(rb);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* ---- scaling ---------------------------------------------------------------------------- */

static gm_dataset *vectors(int64_t n)
{
    gm_tensor *x = NULL;
    gm_dataset *d = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){ n, 3 }, &x));
    for (int64_t i = 0; i < n; i++) {
        gm__f32(x)[3 * i] = (float)(100 + 20 * unit((uint32_t)i));
        gm__f32(x)[3 * i + 1] = (float)(-0.001 * unit((uint32_t)i + 777));
        gm__f32(x)[3 * i + 2] = 7; /* constant */
    }
    OK(gm_dataset_from_tensors(ctx, x, NULL, &d));
    gm_tensor_free(x);
    return d;
}

START_TEST(scaling_is_kept)
{
    static const char *const kinds[] = { "standard", "unit" };
    gm_dataset *d = vectors(200);
    for (size_t k = 0; k < 2; k++) {
        char options[96];
        gm_model *m = NULL, *loaded = NULL;
        gm_tensor *x = NULL, *y = NULL, *y2 = NULL;
        gm_tape *t = NULL;
        snprintf(options, sizeof options, "hidden=16 latent=2 likelihood=gaussian scale=%s", kinds[k]);
        OK(gm_model_new(ctx, "vae", options, &m));
        OK(gm_fit(m, d, "epochs=30 batch=50 lr=0.01"));
        OK(gm_dataset_read(d, "x", 0, 200, &x));
        /* inside: mean 0 and deviation 1, or from 0 to 1; back again outside */
        OK(gm__use_tape(ctx, &t));
        gm_tensor *in = gm__scale_in(m, t, x), *out = gm__scale_out(m, t, in);
        ck_assert_int_eq(gm_tape_status(t), GM_OK);
        for (int j = 0; j < 3; j++) {
            double sum = 0, squares = 0, lo = 1e9, hi = -1e9;
            for (int i = 0; i < 200; i++) {
                double v = gm__f32(in)[3 * i + j];
                sum += v, squares += v * v, lo = fmin(lo, v), hi = fmax(hi, v);
            }
            if (k == 0) {
                ck_assert_msg(fabs(sum / 200) < 1e-3, "mean %g", sum / 200);
                if (j < 2) ck_assert_msg(fabs(squares / 200 - 1) < 1e-2, "variance %g", squares / 200);
            } else {
                ck_assert(fabs(lo) < 1e-4);
                ck_assert(fabs(hi - (j < 2)) < 1e-4);
            }
        }
        ck_assert(furthest(out, x) < 1e-4 * 120);
        gm_tape_free(t);
        OK(gm_reconstruct(m, x, &y));
        for (int i = 0; i < 200; i++) ck_assert(fabsf(gm__f32(y)[3 * i] - 110) < 30 && fabsf(gm__f32(y)[3 * i + 1]) < 0.01f);
        OK(gm_model_save(m, at("scaled")));
        OK(gm_model_load(ctx, at("scaled"), &loaded));
        OK(gm_reconstruct(loaded, x, &y2));
        ck_assert(furthest(y, y2) == 0);
        gm_tensor_free(x);
        gm_tensor_free(y);
        gm_tensor_free(y2);
        gm_model_free(m);
        gm_model_free(loaded);
    }
    gm_dataset_free(d);
}
END_TEST

/* ---- measures ------------------------------------------------------------------------------ */

START_TEST(measures)
{
    gm_model *m = model(SMALL);
    gm_dataset *d = pictures(100, 1);
    gm_measure a[4], b[4];
    gm_tensor *x = NULL, *y = NULL;
    int32_t n = 0;
    OK(gm_eval(m, d, "metric=elbo,recon,kl seed=5", a, 4, &n));
    ck_assert_int_eq(n, 3);
    ck_assert_str_eq(a[0].name, "elbo");
    ck_assert_str_eq(a[0].unit, "nats");
    ck_assert_uint_eq(a[0].rows, 100);
    ck_assert_ptr_nonnull(strstr(a[0].note, "n=100"));
    ck_assert_ptr_nonnull(strstr(a[0].note, "binarize=none"));
    ck_assert(a[0].value < 0 && a[0].error > 0);
    /* draws depend on seed and row, not on batch, threads or neighbouring metrics */
    OK(gm_eval(m, d, "metric=elbo seed=5 batch=7 threads=1", b, 4, &n));
    ck_assert(fabs(a[0].value - b[0].value) < 1e-4);
    ck_assert(fabs(a[0].error - b[0].error) < 1e-4);
    ck_assert_int_eq(gm_ctx_threads(ctx), 2);
    OK(gm_eval(m, d, "metric=elbo seed=6", b, 4, &n));
    ck_assert(fabs(a[0].value - b[0].value) > 1e-4);
    /* the mean over rows, and its standard error */
    OK(gm_dataset_read(d, "x", 0, 100, &x));
    OK(gm_log_prob(m, x, "seed=5", &y, NULL));
    double sum = 0, squares = 0;
    for (int i = 0; i < 100; i++) sum += gm__f32(y)[i];
    for (int i = 0; i < 100; i++) squares += pow(gm__f32(y)[i] - sum / 100, 2);
    ck_assert(fabs(sum / 100 - a[0].value) < 1e-4);
    ck_assert(fabs(sqrt(squares / 99 / 100) - a[0].error) < 1e-4);
    /* a part of the data measures as the same rows in the whole */
    gm_dataset *part = NULL;
    OK(gm_dataset_range(d, 50, 51, 1, &part));
    OK(gm_eval(m, part, "metric=elbo seed=5", b, 4, &n));
    ck_assert(fabs(b[0].value - gm__f32(y)[50]) < 1e-4);
    ck_assert(b[0].error == 0);
    FAILS(GM_EARG, "elbo", gm_eval(m, d, "metric=elbow", a, 4, &n));
    FAILS(GM_EARG, "no metric ''", gm_eval(m, d, "metric=elbo,", a, 4, &n));
    FAILS(GM_ELIMIT, "room for 1", gm_eval(m, d, "metric=elbo,kl", a, 1, &n));
    ck_assert_int_eq(n, 0);
    FAILS(GM_EARG, "batch", gm_eval(m, d, "batch=0", a, 1, &n));
    gm_tensor_free(x);
    gm_tensor_free(y);
    gm_dataset_free(part);
    gm_dataset_free(d);
    d = vectors(5);
    FAILS(GM_ESHAPE, "[1,4,4]", gm_eval(m, d, NULL, a, 1, &n));
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

/* ---- the lock ------------------------------------------------------------------------------- */

START_TEST(one_trainer_or_many_users)
{
    gm_model *m = model(SMALL), *c = NULL;
    gm_dataset *d = pictures(20, 1);
    gm_tensor *y = NULL;
    OK(gm__model_begin_train(m, ctx));
    FAILS(GM_EBUSY, "in training", gm_sample(m, 1, 0, &y));
    FAILS(GM_EBUSY, "in training", gm_model_save(m, at("m")));
    FAILS(GM_EBUSY, "in training", gm_model_copy(m, &c));
    FAILS(GM_EBUSY, "in training", gm_fit(m, d, "epochs=1"));
    gm__model_end_train(m);
    OK(gm__model_begin_use(m, ctx));
    OK(gm__model_begin_use(m, ctx));
    FAILS(GM_EBUSY, "in use", gm_fit(m, d, "epochs=1"));
    FAILS(GM_EBUSY, "in use", gm_model_load_weights(m, at("m")));
    gm__model_end_use(m);
    FAILS(GM_EBUSY, "in use", gm_fit(m, d, "epochs=1"));
    gm__model_end_use(m);
    OK(gm_fit(m, d, "epochs=1"));
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

START_TEST(canceled_verbs)
{
    gm_model *m = model(SMALL);
    gm_tensor *y = NULL;
    gm_ctx_cancel(ctx);
    ck_assert_int_eq(gm_sample(m, 10, 0, &y), GM_ECANCELED);
    ck_assert_ptr_null(y);
    OK(gm_sample(m, 10, 0, &y));
    gm_tensor_free(y);
    gm_model_free(m);
}
END_TEST

START_TEST(pictures_of_samples)
{
    gm_model *m = model(SMALL);
    OK(gm_sample_png(m, 9, 1, at("s.png")));
    size_t n;
    char *p = slurp(at("s.png"), &n);
    ck_assert(n > 60 && !memcmp(p, "\x89PNG", 4));
    free(p);
    FAILS(GM_EARG, "NULL", gm_sample_png(m, 9, 1, NULL));
    gm_model_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("model");
    TCase *c = tcase_create("model");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, families_and_tables);
    tcase_add_test(c, wrong_options);
    tcase_add_test(c, without_a_shape);
    tcase_add_test(c, description);
    tcase_add_test(c, saved_and_loaded);
    tcase_add_test(c, forged_files);
    tcase_add_test(c, weights_by_name);
    tcase_add_test(c, copies_stay);
    tcase_add_test(c, verbs_and_their_shapes);
    tcase_add_test(c, other_types_and_strides);
    tcase_add_test(c, rows_that_do_not_fit);
    tcase_add_test(c, between_two_rows);
    tcase_add_test(c, scaling_is_kept);
    tcase_add_test(c, measures);
    tcase_add_test(c, one_trainer_or_many_users);
    tcase_add_test(c, canceled_verbs);
    tcase_add_test(c, pictures_of_samples);
    suite_add_tcase(s, c);
    return run_suite(s);
}
