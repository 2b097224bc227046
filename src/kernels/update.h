/* update.h - the body of the one-pass optimiser steps. Included by body.h for
 * each element type. */

static void F(axpy)(size_t n, T *y, T alpha, const T *x)
{
    V a = F(set1)(alpha);
    size_t i = 0;
    for (; i + L <= n; i += L) F(store)(y + i, F(fma)(a, F(load)(x + i), F(load)(y + i)));
    if (i < n) F(storen)(y + i, F(fma)(a, F(loadn)(x + i, n - i), F(loadn)(y + i, n - i)), n - i);
}

/* Where running means end at 0 (fade, simd.h): long after they last moved a weight. Smaller gradients
 * than the root of it would make v denormal. Without eps the smallest v counts, and nothing is cut. */
#define FADED (sizeof(T) == 4 ? (T)1e-30 : (T)1e-280)
#define FADED_ROOT (sizeof(T) == 4 ? (T)1e-17 : (T)1e-140)

/* The constants of one Adam step, spread over vectors. */
typedef struct F(adam_v) { V gscale, l2, keep, b1, c1, b2, c2, step, inv_root2, eps, tiny_m, tiny_g, tiny_v; } F(adam_v);

INLINE void F(adam_one)(const F(adam_v) *c, V *w, V *m, V *v, V g)
{
    g = F(fade)(F(fma)(c->l2, *w, g * c->gscale), c->tiny_m);
    V gv = F(fade)(g, c->tiny_g);
    *w = *w * c->keep;
    *m = F(fade)(F(fma)(c->b1, *m, c->c1 * g), c->tiny_m);
    *v = F(fade)(F(fma)(c->b2, *v, c->c2 * gv * gv), c->tiny_v);
    V denom = F(fma)(F(sqrt)(*v), c->inv_root2, c->eps);
    *w = *w - c->step * (*m / denom);
}

static void F(adam)(size_t n, T *w, T *m, T *v, const T *g, T gscale, const gm__adam *h)
{
    const F(adam_v) c = {
        .gscale = F(set1)(gscale),
        .l2 = F(set1)(h->decoupled ? 0 : (T)h->decay),
        .keep = F(set1)(h->decoupled ? (T)(1 - h->lr * h->decay) : 1),
        .b1 = F(set1)((T)h->beta1), .c1 = F(set1)((T)(1 - h->beta1)),
        .b2 = F(set1)((T)h->beta2), .c2 = F(set1)((T)(1 - h->beta2)),
        .step = F(set1)((T)(h->lr / h->bias1)),
        .inv_root2 = F(set1)((T)(1 / sqrt(h->bias2))), .eps = F(set1)((T)h->eps),
        .tiny_m = F(set1)(h->eps > 0 ? FADED : 0), .tiny_g = F(set1)(h->eps > 0 ? FADED_ROOT : 0), .tiny_v = F(set1)(h->eps > 0 ? FADED : 0),
    };
    size_t i = 0;
    for (; i + L <= n; i += L) {
        V wi = F(load)(w + i), mi = F(load)(m + i), vi = F(load)(v + i);
        F(adam_one)(&c, &wi, &mi, &vi, F(load)(g + i));
        F(store)(w + i, wi), F(store)(m + i, mi), F(store)(v + i, vi);
    }
    if (i < n) {
        size_t r = n - i;
        V wi = F(loadn)(w + i, r), mi = F(loadn)(m + i, r), vi = F(loadn)(v + i, r);
        F(adam_one)(&c, &wi, &mi, &vi, F(loadn)(g + i, r));
        F(storen)(w + i, wi, r), F(storen)(m + i, mi, r), F(storen)(v + i, vi, r);
    }
}

static void F(sgd)(size_t n, T *w, T *v, const T *g, T gscale, T lr, T mu, T decay, bool nesterov, bool first)
{
    V gs = F(set1)(gscale), lrv = F(set1)(-lr), muv = F(set1)(mu), dv = F(set1)(decay);
    for (size_t i = 0; i < n; i += L) {
        size_t r = n - i < L ? n - i : L;
        V wi = F(loadn)(w + i, r), d = F(fma)(dv, wi, gs * F(loadn)(g + i, r));
        if (v) {
            V vi = first ? d : F(fade)(F(fma)(muv, F(loadn)(v + i, r), d), F(set1)(FADED));
            F(storen)(v + i, vi, r);
            d = nesterov ? F(fma)(muv, vi, d) : vi;
        }
        F(storen)(w + i, F(fma)(lrv, d, wi), r);
    }
}

static void F(rmsprop)(size_t n, T *w, T *v, T *m, T *b, const T *g, T gscale, const gm__rmsprop *h)
{
    V gs = F(set1)(gscale), lr = F(set1)((T)-h->lr), a = F(set1)((T)h->alpha), c = F(set1)((T)(1 - h->alpha)), dv = F(set1)((T)h->decay);
    V eps = F(set1)((T)h->eps), mu = F(set1)((T)h->momentum), zero = F(set1)(0);
    V tiny = F(set1)(h->eps > 0 ? FADED : 0), tiny_g = F(set1)(h->eps > 0 ? FADED_ROOT : 0);
    for (size_t i = 0; i < n; i += L) {
        size_t r = n - i < L ? n - i : L;
        V wi = F(loadn)(w + i, r), d = F(fma)(dv, wi, gs * F(loadn)(g + i, r)), gv = F(fade)(d, tiny_g);
        V vi = F(fade)(F(fma)(a, F(loadn)(v + i, r), c * gv * gv), tiny), s = vi;
        F(storen)(v + i, vi, r);
        if (m) {
            V mi = F(loadn)(m + i, r);
            mi = F(fade)(F(fma)(c, gv - mi, mi), tiny);
            F(storen)(m + i, mi, r);
            s = vi - mi * mi;
            s = F(sel)(F(lt)(s, zero), zero, s); /* by rounding */
        }
        d = d / (F(sqrt)(s) + eps);
        if (b) {
            d = F(fade)(F(fma)(mu, F(loadn)(b + i, r), d), tiny);
            F(storen)(b + i, d, r);
        }
        F(storen)(w + i, F(fma)(lr, d, wi), r);
    }
}

static void F(adagrad)(size_t n, T *w, T *v, const T *g, T gscale, T lr, T eps, T decay)
{
    V gs = F(set1)(gscale), lrv = F(set1)(-lr), ev = F(set1)(eps), dv = F(set1)(decay), tiny = F(set1)(eps > 0 ? FADED_ROOT : 0);
    for (size_t i = 0; i < n; i += L) {
        size_t r = n - i < L ? n - i : L;
        V wi = F(loadn)(w + i, r), d = F(fma)(dv, wi, gs * F(loadn)(g + i, r)), gv = F(fade)(d, tiny);
        V vi = F(fma)(gv, gv, F(loadn)(v + i, r));
        F(storen)(v + i, vi, r);
        F(storen)(w + i, F(fma)(lrv, d / (F(sqrt)(vi) + ev), wi), r);
    }
}
#undef FADED
#undef FADED_ROOT
