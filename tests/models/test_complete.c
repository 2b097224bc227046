/* test_complete.c - rows completed by chains: the conditional distribution, known entries untouched, what is refused. */
#include "models/chains_test.h"

/* n rows of which units 0 and 1 are 1 and 0, the others missing */
static gm_tensor *two_known(int64_t n)
{
    gm_tensor *x = NULL;
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){n, NV}, &x));
    for (int64_t i = 0; i < x->size; i++) gm__f32(x)[i] = i % NV == 0 ? 1 : i % NV == 1 ? 0 : NAN;
    return x;
}

static void check_conditional(gm_model *m, const double *p, const char *options)
{
    gm_tensor *x = two_known(8000), *y = NULL;
    OK(gm_complete(m, x, NULL, NULL, options, &y));
    ck_assert(y->ndim == 2 && y->shape[0] == 8000 && y->shape[1] == NV);
    fits_states(y, p, gm_model_family(m));
    gm_tensor_free(x), gm_tensor_free(y);
}

START_TEST(against_enumeration)
{
    static const struct { const char *family, *options; } machines[] = {{"rbm", RBM}, {"dbm", DBM}, {"bm", BM}, {"rbm", RBM " centered=on"}};
    double p[1 << NV];
    for (size_t i = 0; i < GM__COUNT(machines); i++) {
        gm_model *m = tiny(machines[i].family, machines[i].options);
        if (i == 3) /* the energy in v - mean: the plain one with other biases */
            for (int k = 0; k < gm_model_tensor_count(m); k++)
                if (strstr(gm_model_tensor_name(m, k), "mean")) memset(gm_model_tensor(m, k)->data, 0, (size_t)gm_model_tensor(m, k)->size * sizeof(float));
        const net e = net_of(m);
        count_states(&e, NV, 1, p);
        given_two(p);
        check_conditional(m, p, "steps=150 mean=off");
        count_states(&e, NV, 2, p);
        given_two(p);
        check_conditional(m, p, "steps=150 mean=off temperature=2 seed=5");
        count_states(&e, NV, 1, p);
        given_two(p);
        check_conditional(m, p, "steps=150 mean=off anneal=3 temperature=1 seed=6"); /* slow enough */
        gm_model_free(m);
    }
}
END_TEST

/* With the upper machine the lower one turned around the way up is the posterior, and the model the lower machine. */
START_TEST(a_belief_network)
{
    gm_model *r = tiny("rbm", RBM), *m = tiny("dbn", "shape=5 layers=4,5");
    double p[1 << NV];
    const net e = net_of(r);
    OK(gm_tensor_assign(tensor(m, "0.weight"), tensor(r, "weight")));
    OK(gm_tensor_assign(tensor(m, "0.visible_bias"), tensor(r, "visible_bias")));
    OK(gm_tensor_assign(tensor(m, "0.hidden_bias"), tensor(r, "hidden_bias")));
    OK(gm_tensor_assign(tensor(m, "1.visible_bias"), tensor(r, "hidden_bias")));
    OK(gm_tensor_assign(tensor(m, "1.hidden_bias"), tensor(r, "visible_bias")));
    for (int i = 0; i < NV; i++)
        for (int j = 0; j < 4; j++) gm__f32(tensor(m, "1.weight"))[j * NV + i] = gm__f32(tensor(r, "weight"))[i * 4 + j];
    count_states(&e, NV, 1, p);
    given_two(p);
    check_conditional(m, p, "steps=150 mean=off seed=2");
    gm_model_free(r), gm_model_free(m);
}
END_TEST

/* Missing by NaN or by the mask, one mask or one a row, alone or among others, means: all agree. */
START_TEST(ways_to_say_it)
{
    enum { N = 300 };
    gm_model *m = tiny("dbm", DBM);
    gm_tensor *x = two_known(N), *few = two_known(7), *one = NULL, *all = NULL, *y[4] = {NULL};
    OK(gm_tensor_new(ctx, GM_U8, 1, (int64_t[]){NV}, &one));
    OK(gm_tensor_new(ctx, GM_U8, 2, (int64_t[]){N, NV}, &all));
    OK(gm_complete(m, x, NULL, NULL, "steps=120", &y[0]));
    OK(gm_complete(m, few, NULL, NULL, "steps=120", &y[3]));
    for (int64_t i = 0; i < x->size; i++) {
        if (isnan(gm__f32(x)[i])) gm__f32(x)[i] = 0.25f;
        ((uint8_t *)one->data)[i % NV] = ((uint8_t *)all->data)[i] = i % NV < 2;
    }
    OK(gm_complete(m, x, one, NULL, "steps=120", &y[1]));
    OK(gm_complete(m, x, all, NULL, "steps=120", &y[2]));
    ck_assert(furthest(y[0], y[1]) == 0 && furthest(y[0], y[2]) == 0);
    ck_assert(!memcmp(y[3]->data, y[0]->data, (size_t)y[3]->size * sizeof(float)));
    for (int64_t i = 0; i < y[0]->size; i++) { /* means lie between */
        const float v = gm__f32(y[0])[i];
        ck_assert(i % NV == 0 ? v == 1 : i % NV == 1 ? v == 0 : v > 0 && v < 1);
    }
    for (int i = 0; i < 4; i++) gm_tensor_free(y[i]);
    gm_tensor_free(x), gm_tensor_free(few), gm_tensor_free(one), gm_tensor_free(all);
    gm_model_free(m);
}
END_TEST

/* A label beside the row: p(v | v0, v1, label). Gaussian units and scaled data come back as they were. */
START_TEST(labels_and_numbers)
{
    gm_model *m = tiny("rbm", "shape=5 hidden=3 conditional=on classes=3");
    net e = {.n = NV + 3 + 3};
    double p[1 << (NV + 3)], given[1 << NV];
    gm_tensor *label = NULL, *x = two_known(8000), *y = NULL;
    join(&e, m, "weight", 0, NV + 3), bias(&e, m, "visible_bias", 0), bias(&e, m, "hidden_bias", NV + 3);
    count_states(&e, NV + 3, 1, p);
    OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){1}, (int64_t[]){1}, &label));
    OK(gm_complete(m, x, NULL, label, "steps=150 mean=off", &y));
    for (unsigned v = 0; v < 1u << NV; v++) given[v] = p[v | 2u << NV];
    given_two(given);
    fits_states(y, given, "label 1");
    gm_tensor_free(y);
    OK(gm_complete(m, x, NULL, NULL, "steps=150 mean=off", &y)); /* free */
    for (unsigned v = 0; v < 1u << NV; v++) given[v] = p[v | 1u << NV] + p[v | 2u << NV] + p[v | 4u << NV];
    given_two(given);
    fits_states(y, given, "any label");
    gm_tensor_free(y), gm_tensor_free(x), gm_tensor_free(label);
    gm_model_free(m);
    gm_dataset *d = pictures(40, 3);
    OK(gm_model_new(ctx, "rbm", "hidden=6 units=gaussian scale=standard seed=2", &m));
    OK(gm_fit(m, d, "steps=5 batch=10 lr=0.001"));
    OK(gm_dataset_read(d, "x", 0, 5, &x));
    gm__f32(x)[3] = NAN;
    OK(gm_complete(m, x, NULL, NULL, NULL, &y));
    for (int64_t i = 0; i < x->size; i++) ck_assert(i == 3 ? isfinite(gm__f32(y)[i]) : gm__f32(y)[i] == gm__f32(x)[i]);
    gm_tensor_free(x), gm_tensor_free(y);
    gm_dataset_free(d);
    gm_model_free(m);
}
END_TEST

START_TEST(what_is_refused)
{
    gm_model *m = tiny("rbm", RBM), *groups = tiny("rbm", "shape=6 hidden=2 units=softmax group=3"), *vae = model("hidden=8 latent=2 shape=1,4,4"), *empty = NULL;
    gm_tensor *x = two_known(3), *y = NULL, *wrong = NULL, *label = NULL, *wide = NULL;
    OK(gm_model_new(ctx, "rbm", "hidden=3", &empty));
    FAILS(GM_ESTATE, "fit", gm_complete(empty, x, NULL, NULL, NULL, &y));
    FAILS(GM_EUNSUPPORTED, "complete rows", gm_complete(vae, x, NULL, NULL, NULL, &y));
    FAILS(GM_EUNSUPPORTED, "complete rows", gm_complete(groups, x, NULL, NULL, NULL, &y));
    ck_assert_uint_eq(gm_model_can(groups) & GM_CAN_COMPLETE, 0);
    ck_assert_uint_ne(gm_model_can(m) & GM_CAN_COMPLETE, 0);
    OK(gm_tensor_new(ctx, GM_U8, 1, (int64_t[]){NV + 1}, &wrong));
    OK(gm_tensor_new(ctx, GM_F32, 2, (int64_t[]){3, NV + 1}, &wide));
    FAILS(GM_ESHAPE, "fits neither one row of 5", gm_complete(m, x, wrong, NULL, NULL, &y));
    FAILS(GM_EDTYPE, "known must be u8", gm_complete(m, x, x, NULL, NULL, &y));
    FAILS(GM_ESHAPE, "a row of the model", gm_complete(m, wide, NULL, NULL, NULL, &y));
    FAILS(GM_EARG, "x is NULL", gm_complete(m, NULL, NULL, NULL, NULL, &y));
    FAILS(GM_EARG, "steps", gm_complete(m, x, NULL, NULL, "steps=0", &y));
    FAILS(GM_EARG, "no option 'chains'", gm_complete(m, x, NULL, NULL, "chains=2", &y));
    OK(gm_tensor_copy(ctx, GM_I64, 1, (int64_t[]){1}, (int64_t[]){1}, &label));
    FAILS(GM_EUNSUPPORTED, "no condition", gm_complete(m, x, NULL, label, NULL, &y));
    gm__f32(x)[NV] = 2;
    FAILS(GM_EARG, "found 2 in row 1", gm_complete(m, x, NULL, NULL, NULL, &y));
    gm__f32(x)[NV] = 1;
    gm_ctx_cancel(ctx);
    FAILS(GM_ECANCELED, "", gm_complete(m, x, NULL, NULL, NULL, &y));
    ck_assert_ptr_null(y);
    gm_tensor_free(x), gm_tensor_free(wrong), gm_tensor_free(wide), gm_tensor_free(label);
    gm_model_free(m), gm_model_free(groups), gm_model_free(vae), gm_model_free(empty);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("complete");
    TCase *c = tcase_create("complete");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, against_enumeration);
    tcase_add_test(c, a_belief_network);
    tcase_add_test(c, ways_to_say_it);
    tcase_add_test(c, labels_and_numbers);
    tcase_add_test(c, what_is_refused);
    suite_add_tcase(s, c);
    return run_suite(s);
}
