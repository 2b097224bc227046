/* Recurrent cells and products with a packed matrix, for every instruction set of this machine: steps against the formulas in
 * double, gradients against differences of those, products against a double loop. */
#include "kernels/kernels.h"
#include "base/ctx.h"
#include <check.h>
#include <math.h>
#include <string.h>

enum { ROWS = 3, MOST = 70 };
static const size_t blocks[GM__CELLS] = {1, 3, 4};
static double number(size_t i, double salt) { return 2 * sin(1.3 * (double)i + salt); }
static void near(double a, double b, double tol, const char *what, const gm__kern *k, size_t n)
{
    if (!(fabs(a - b) <= tol * fmax(1, fabs(b)))) ck_abort_msg("%s, %s, n = %zu: %.17g, %.17g expected", k->name, what, n, a, b);
}
static double sig(double x) { return 1 / (1 + exp(-x)); }

/* h and c of unit j of row i; q: gate `at` moved by `by`, in x (which 0), u (1); state moved: 2, memory moved: 3 */
typedef struct move { int which; size_t at; double by; } move;
static double moved(const move *m, int which, size_t at, double v) { return m->which == which && m->at == at ? v + m->by : v; }
static void formula(int cell, size_t n, size_t i, size_t j, const double *x, const double *u, const double *b, const double *h0, const double *c0, const move *m, double *h, double *c)
{
    size_t g = blocks[cell] * n;
    double gx[4], gu[4], before = moved(m, 2, i * n + j, h0[i * n + j]), memory = moved(m, 3, i * n + j, c0[i * n + j]);
    for (size_t q = 0; q < blocks[cell]; q++) {
        size_t at = i * g + q * n + j;
        gx[q] = moved(m, 0, at, x[at]);
        gu[q] = moved(m, 1, at, u[at]) + b[q * n + j];
    }
    *c = 0;
    if (cell == GM__ELMAN) {
        *h = tanh(gx[0] + gu[0]);
    } else if (cell == GM__GRU) {
        double r = sig(gx[0] + gu[0]), z = sig(gx[1] + gu[1]), new = tanh(gx[2] + r * gu[2]);
        *h = (1 - z) * new + z * before;
    } else {
        *c = sig(gx[1] + gu[1]) * memory + sig(gx[0] + gu[0]) * tanh(gx[2] + gu[2]);
        *h = sig(gx[3] + gu[3]) * tanh(*c);
    }
}

static double x[ROWS * 4 * MOST], u[ROWS * 4 * MOST], b[4 * MOST], h0[ROWS * MOST], c0[ROWS * MOST], gy[ROWS * MOST], dh[ROWS * MOST], dc[ROWS * MOST];

static double slope(int cell, size_t n, size_t i, size_t j, int which, size_t at)
{
    double h[2], c[2], eps = 1e-6;
    for (int side = 0; side < 2; side++) formula(cell, n, i, j, x, u, b, h0, c0, &(move){which, at, side ? eps : -eps}, &h[side], &c[side]);
    size_t e = i * n + j;
    return ((gy[e] + dh[e]) * (h[1] - h[0]) + (cell == GM__LSTM ? dc[e] * (c[1] - c[0]) : 0)) / (2 * eps);
}

#define CHECK(S, T, TOL)                                                                                    \
    static void cells_##S(const gm__kern *k, int cell, size_t n)                                            \
    {                                                                                                       \
        static T X[ROWS * 4 * MOST], U[ROWS * 4 * MOST], B[4 * MOST], H0[ROWS * MOST], C0[ROWS * MOST], H[ROWS * MOST + 1], C[ROWS * MOST + 1]; \
        static T K[ROWS * 4 * MOST + 1], GY[ROWS * MOST], DH[ROWS * MOST], DC[ROWS * MOST], GX[ROWS * 4 * MOST + 1], GU[ROWS * 4 * MOST];      \
        size_t g = blocks[cell] * n, all = ROWS * n;                                                        \
        for (size_t e = 0; e < ROWS * g; e++) X[e] = (T)(x[e] = number(e, 0)), U[e] = (T)(u[e] = number(e, 2));                                \
        for (size_t e = 0; e < g; e++) B[e] = (T)(b[e] = number(e, 1));                                     \
        for (size_t e = 0; e < all; e++) {                                                                  \
            H0[e] = (T)(h0[e] = number(e, 3) / 2), C0[e] = (T)(c0[e] = number(e, 4));                       \
            GY[e] = (T)(gy[e] = number(e, 5)), DH[e] = (T)(dh[e] = number(e, 6)), DC[e] = (T)(dc[e] = number(e, 7)); \
        }                                                                                                   \
        H[all] = C[all] = K[ROWS * 4 * n] = GX[ROWS * g] = 77;                                              \
        k->cell_##S[cell](&(gm__cell){.rows = ROWS, .n = n, .x = X, .u = U, .b = B, .h0 = H0, .c0 = C0, .h = H, .c = C, .kept = K}); \
        k->cell_g_##S[cell](&(gm__cell_g){.rows = ROWS, .n = n, .gy = GY, .kept = K, .h0 = H0, .c0 = C0, .h = H, .c = C, .dh = DH, .dc = DC, .gx = GX, .gu = GU}); \
        for (size_t i = 0; i < ROWS; i++)                                                                   \
            for (size_t j = 0; j < n; j++) {                                                                \
                double h, c;                                                                                \
                size_t e = i * n + j;                                                                       \
                formula(cell, n, i, j, x, u, b, h0, c0, &(move){.which = -1}, &h, &c);                      \
                near((double)H[e], h, TOL, "h", k, n);                                                      \
                if (cell == GM__LSTM) near((double)C[e], c, TOL, "c", k, n);                                \
                for (size_t q = 0; q < blocks[cell]; q++) {                                                 \
                    size_t at = i * g + q * n + j;                                                          \
                    near((double)GX[at], slope(cell, n, i, j, 0, at), 1e-5, "gradient of x", k, n);         \
                    if (cell == GM__GRU) near((double)GU[at], slope(cell, n, i, j, 1, at), 1e-5, "gradient of u", k, n); \
                }                                                                                           \
                if (cell == GM__GRU) near((double)DH[e], slope(cell, n, i, j, 2, e), 1e-5, "gradient of h0", k, n); \
                if (cell == GM__LSTM) near((double)DC[e], slope(cell, n, i, j, 3, e), 1e-5, "gradient of c0", k, n); \
            }                                                                                               \
        ck_assert(H[all] > 76 && GX[ROWS * g] > 76 && K[ROWS * 4 * n] > 76 && (cell != GM__LSTM || C[all] > 76)); \
    }
CHECK(f32, float, 2e-6)
CHECK(f64, double, 1e-14)

START_TEST(cells)
{
    for (int level = 0; level <= gm__cpu_detect(); level++)
        for (size_t n = 1; n <= MOST; n += n < 18 ? 1 : 13) cells_f32(gm__kern_table(level), _i, n), cells_f64(gm__kern_table(level), _i, n);
}
END_TEST

/* ---- packed products ----------------------------------------------------------------------- */

START_TEST(packed_products)
{
    enum { M = 14, K = 500, N = 70 };
    static double a[M * K], w[K * N], c[M * N + 1];
    static char packed[K * 96 * 8], room[M * 2 * K * 8];
    static const size_t ks[] = {0, 1, 7, 448, K}, ns[] = {1, 31, 33, N};
    gm_ctx *ctx;
    ck_assert_int_eq(gm_ctx_new(NULL, &ctx), GM_OK);
    const gm__kern *best = ctx->kern;
    for (size_t e = 0; e < M * K; e++) a[e] = number(e, 1);
    for (size_t e = 0; e < K * N; e++) w[e] = number(e, 2);
    for (int level = 0; level <= gm__cpu_detect(); level++)
        for (size_t q = 0; q < sizeof ks / sizeof *ks; q++)
            for (size_t r = 0; r < sizeof ns / sizeof *ns; r++) {
                size_t k = ks[q], n = ns[r], m = 1 + (q * 5 + r) % M;
                bool turned = r % 2, add = q % 2;
                gm__packed p = {.f64 = true, .k = k, .n = n};
                ctx->kern = gm__kern_table(level);
                ck_assert_uint_le(gm__packed_bytes(ctx, true, k, n), sizeof packed);
                ck_assert_uint_le(gm__packed_rows_bytes(ctx, true, m, k), sizeof room);
                gm__pack(ctx, &p, packed, w, turned ? 1 : (ptrdiff_t)n, turned ? (ptrdiff_t)k : 1);
                for (size_t e = 0; e <= m * n; e++) c[e] = 77;
                gm__packed_product(ctx, &p, m, a, K, c, add, room);
                ck_assert(c[m * n] > 76);
                for (size_t e = 0; e < m * n; e++) {
                    double sum = add ? 77 : 0;
                    for (size_t s = 0; s < k; s++) sum += a[e / n * K + s] * w[turned ? e % n * k + s : s * n + e % n];
                    near(c[e], sum, 1e-12, "product", ctx->kern, n);
                }
            }
    ctx->kern = best;
    gm_ctx_free(ctx);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kernels_cells");
    TCase *c = tcase_create("kernels");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, cells, 0, GM__CELLS);
    tcase_add_test(c, packed_products);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
