/* map.h - the body of the elementwise kernels. Included once for each element
 * type by body.h, which defines T, S (f32 or f64) and the short names below:
 * V = V_S, F(x) = x_S, L = lanes. */

/* 1 where m, else 0 */
INLINE V F(one_if)(M m) { return F(sel)(m, F(set1)(1), F(set1)(0)); }
INLINE V F(sigmoid)(V x)
{
    /* e^-|x| never overflows; the small side keeps its relative accuracy */
    V e = F(exp)(F(set1)(0) - F(abs)(x)), one = F(set1)(1);
    return F(quot)(F(sel)(F(lt)(x, F(set1)(0)), e, one), one + e);
}
INLINE V F(softplus)(V x)
{
    return F(max)(F(set1)(0), x) + F(log1p01)(F(exp)(F(set1)(0) - F(abs)(x)));
}
/* normal distribution function and density */
INLINE V F(phi_cdf)(V x) { return F(set1)(T_(0.5)) * (F(set1)(1) + F(erf)(x * F(set1)(T_(0.70710678118654752)))); }
INLINE V F(phi_pdf)(V x) { return F(set1)(T_(0.39894228040143268)) * F(exp)(F(set1)(T_(-0.5)) * x * x); }
INLINE V F(sign)(V x)
{
    V zero = F(set1)(0);
    V s = F(one_if)(F(lt)(zero, x)) - F(one_if)(F(lt)(x, zero));
    return F(sel)(F(nan)(x), x, s);
}
/* tanh(softplus(x)) = n/(n+2), n = e^x (e^x + 2); 1 from x = 20 on */
INLINE V F(mish_gate)(V x, V *e)
{
    *e = F(exp)(F(min)(F(set1)(20), x));
    V n = *e * (*e + F(set1)(2));
    return n / (n + F(set1)(2));
}
INLINE V F(hardswish)(V x) { return x * (F(min)(F(set1)(6), F(max)(F(set1)(0), x + F(set1)(3))) / F(set1)(6)); }
/* GELU's form with tanh is x sigmoid(a x + b x^3), a = sqrt(8/pi), b = 0.044715 a */
INLINE V F(gelu_gate)(V x) { return F(sigmoid)(x * F(fma)(F(set1)(T_(0.07135481627260025)), x * x, F(set1)(T_(1.5957691216057308)))); }

#define U(NAME, EXPR) INLINE V F(u_##NAME)(V x, V p, V q) { (void)x, (void)p, (void)q; return EXPR; }
U(NEG, (V)((I)x ^ (I)F(set1)(T_(-0.0))))
U(ABS, F(abs)(x))
U(EXP, F(exp)(x))
U(LOG, F(log)(x))
U(SQRT, F(sqrt)(x))
U(SQUARE, x * x)
U(RECIP, F(set1)(1) / x)
U(SIN, F(sin)(x))
U(COS, F(cos)(x))
U(TANH, F(tanh)(x))
U(SIGMOID, F(sigmoid)(x))
U(RELU, F(max)(F(set1)(0), x))
U(LRELU, F(sel)(F(lt)(F(set1)(0), x), x, p * x))
U(ELU, F(sel)(F(lt)(F(set1)(0), x), x, p * F(expm1)(F(min)(F(set1)(0), x))))
U(SOFTPLUS, F(softplus)(x))
U(GELU, x * F(phi_cdf)(x))
U(SILU, x * F(sigmoid)(x))
U(ERF, F(erf)(x))
U(AFFINE, F(fma)(p, x, q))
U(CLAMP, F(min)(q, F(max)(p, x)))
U(COPY, x)
U(FILL, p)
U(SIGN, F(sign)(x))
U(LOG1P, F(log1p)(x))
U(EXPM1, F(expm1)(x))
U(MISH, x * F(mish_gate)(x, &p))
U(HARDSWISH, F(hardswish)(x))
U(GELU_TANH, x * F(gelu_gate)(x))
U(LOG_SIGMOID, F(min)(F(set1)(0), x) - F(log1p01)(F(exp)(F(set1)(0) - F(abs)(x))))
#undef U

#define GM__X(NAME)                                                                              \
    static void F(unary_##NAME)(size_t n, T *y, const T *x, const T *par)                        \
    {                                                                                            \
        V p = F(set1)(par ? par[0] : 0), q = F(set1)(par ? par[1] : 0);                          \
        size_t i = 0;                                                                            \
        for (; i + L <= n; i += L)                                                               \
            F(store)(y + i, F(u_##NAME)(GM__U_##NAME == GM__U_FILL ? p : F(load)(x + i), p, q)); \
        if (i < n) {                                                                             \
            V v = GM__U_##NAME == GM__U_FILL ? p : F(loadn)(x + i, n - i);                       \
            F(storen)(y + i, F(u_##NAME)(v, p, q), n - i);                                       \
        }                                                                                        \
    }
GM__UNARY_LIST(GM__X)
#undef GM__X

/* the larger (smaller) of two, NaN if one is */
INLINE V F(max_nan)(V a, V b) { return F(sel)(F(nan)(a), a, F(max)(a, b)); }
INLINE V F(min_nan)(V a, V b) { return F(sel)(F(nan)(a), a, F(min)(a, b)); }
INLINE V F(silu_g)(V g, V x)
{
    V s = F(sigmoid)(x);
    return g * s * F(fma)(x, F(set1)(1) - s, F(set1)(1));
}
/* Far out these slopes are 0 or 1; x is held where no product of 0 and infinity arises. */
INLINE V F(mish_g)(V g, V x)
{
    V e, y = F(mish_gate)(x, &e), n = F(fma)(e, e + F(set1)(2), F(set1)(2));
    return g * F(fma)(F(max)(F(set1)(-800), F(min)(F(set1)(20), x)) * F(set1)(4), e * (e + F(set1)(1)) / n / n, y);
}
INLINE V F(hardswish_g)(V g, V x)
{
    V three = F(set1)(3), s = (x + x + three) / F(set1)(6);
    s = F(sel)(F(lt)(three, x), F(set1)(1), s);
    return g * F(sel)(F(lt)(x, F(set1)(-3)), F(set1)(0), s);
}
INLINE V F(gelu_tanh_g)(V g, V x)
{
    V c = F(min)(F(set1)(100), F(max)(F(set1)(-100), x)), s = F(gelu_gate)(c);
    V u = F(fma)(F(set1)(T_(0.21406444881780076)), c * c, F(set1)(T_(1.5957691216057308)));
    return g * s * F(fma)(c * u, F(set1)(1) - s, F(set1)(1));
}
INLINE V F(bce)(V a, V b)
{
    V e = F(exp)(F(set1)(0) - F(abs)(a));
    return F(max)(F(set1)(0), a) - a * b + F(log1p01)(e);
}

#define B(NAME, EXPR) INLINE V F(b_##NAME)(V a, V b, V p, V q) { (void)p, (void)q; return EXPR; }
B(ADD, a + b)
B(SUB, a - b)
B(MUL, a * b)
B(DIV, a / b)
B(POW, F(pow)(a, b))
B(MAX, F(max_nan)(a, b))
B(MIN, F(min_nan)(a, b))
B(TANH_G, a * (F(set1)(1) - b * b))
B(SIGMOID_G, a * b * (F(set1)(1) - b))
B(RELU_G, F(sel)(F(lt)(F(set1)(0), b), a, F(set1)(0)))
B(LRELU_G, F(sel)(F(lt)(F(set1)(0), b), a, p * a))
B(ELU_G, a * F(sel)(F(lt)(F(set1)(0), b), F(set1)(1), p * F(exp)(F(min)(F(set1)(0), b))))
B(SOFTPLUS_G, a * F(sigmoid)(b))
B(GELU_G, a * F(fma)(b, F(phi_pdf)(b), F(phi_cdf)(b)))
B(SILU_G, F(silu_g)(a, b))
B(EXP_G, a * b)
B(LOG_G, a / b)
B(SQRT_G, a / (b + b))
B(SQUARE_G, (b + b) * a)
B(RECIP_G, F(set1)(0) - a * b * b)
B(SIN_G, a * F(cos)(b))
B(COS_G, F(set1)(0) - a * F(sin)(b))
B(ABS_G, a * F(sign)(b))
B(CLAMP_G, F(sel)(F(both)(F(le)(p, b), F(le)(b, q)), a, F(set1)(0)))
B(BCE, F(bce)(a, b))
B(MISH_G, F(mish_g)(a, b))
B(HARDSWISH_G, F(hardswish_g)(a, b))
B(GELU_TANH_G, F(gelu_tanh_g)(a, b))
B(LOG_SIGMOID_G, a * F(sigmoid)(F(set1)(0) - b))
B(BCE_G, F(fade)(F(sigmoid)(a) - b, F(set1)((T)1e-30)))
#undef B

/* An operand that is one number is spread over a vector and read with step 0. */
#define GM__X(NAME)                                                                              \
    static void F(binary_##NAME)(size_t n, T *y, const T *a, const T *b, int mode, const T *par) \
    {                                                                                            \
        if (!n) return;                                                                          \
        V p = F(set1)(par ? par[0] : 0), q = F(set1)(par ? par[1] : 0);                          \
        T spread[L];                                                                             \
        size_t sa = L, sb = L, i = 0;                                                            \
        if (mode == GM__SV) F(store)(spread, F(set1)(*a)), a = spread, sa = 0;                   \
        if (mode == GM__VS) F(store)(spread, F(set1)(*b)), b = spread, sb = 0;                   \
        for (; i + L <= n; i += L, a += sa, b += sb)                                             \
            F(store)(y + i, F(b_##NAME)(F(load)(a), F(load)(b), p, q));                          \
        if (i < n) F(storen)(y + i, F(b_##NAME)(F(loadn)(a, n - i), F(loadn)(b, n - i), p, q), n - i); \
    }
GM__BINARY_LIST(GM__X)
#undef GM__X

/* Comparisons, choice and tests are exact: the compiler's own vector loops do. They are long as machine code, so that
 * a > b is b < a, and equality with a number does not ask on which side it stands. */
#define EQUALITY(NAME, OP)                                                                       \
    static void F(compare_##NAME)(size_t n, uint8_t *y, const T *a, const T *b, int mode)        \
    {                                                                                            \
        if (mode == GM__SV) { const T *s = a; a = b; b = s; mode = GM__VS; }                     \
        if (mode == GM__VV) for (size_t i = 0; i < n; i++) y[i] = a[i] OP b[i];                  \
        if (mode == GM__VS && n) { T s = *b; for (size_t i = 0; i < n; i++) y[i] = a[i] OP s; }  \
    }
#define ORDER(NAME, OP, OPPOSITE)                                                                \
    static void F(compare_##NAME)(size_t n, uint8_t *y, const T *a, const T *b, int mode)        \
    {                                                                                            \
        if (mode == GM__VV) for (size_t i = 0; i < n; i++) y[i] = a[i] OP b[i];                  \
        if (mode == GM__SV && n) { T s = *a; for (size_t i = 0; i < n; i++) y[i] = s OP b[i]; }  \
        if (mode == GM__VS && n) { T s = *b; for (size_t i = 0; i < n; i++) y[i] = a[i] OP s; }  \
    }                                                                                            \
    static void F(compare_##OPPOSITE)(size_t n, uint8_t *y, const T *a, const T *b, int mode)    \
    {                                                                                            \
        F(compare_##NAME)(n, y, b, a, mode == GM__VV ? GM__VV : mode == GM__SV ? GM__VS : GM__SV); \
    }
EQUALITY(EQ, ==)
EQUALITY(NE, !=)
ORDER(LT, <, GT)
ORDER(LE, <=, GE)
#undef EQUALITY
#undef ORDER

static void F(select)(size_t n, T *y, const uint8_t *c, const T *a, const T *b)
{
    for (size_t i = 0; i < n; i++) y[i] = c[i] ? a[i] : b[i];
}

static bool F(finite)(size_t n, const T *x)
{
    V bad = F(set1)(0);
    size_t i = 0;
    for (; i + L <= n; i += L) {
        V v = F(load)(x + i);
        bad += v - v; /* 0, or NaN for inf and NaN, and NaN stays */
    }
    if (i < n) {
        V v = F(loadn)(x + i, n - i);
        bad += v - v;
    }
    return !F(any)(F(nan)(bad));
}
