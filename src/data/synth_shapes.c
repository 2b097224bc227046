/* synth_shapes.c - coloured discs, squares, triangles and crosses (labels 0 to 3) on a grey ground, 3 x 32 x 32:
 * place, size, turn and colours are drawn, edges are soft over one pixel. */
#include "data/synth.h"
#include <math.h>

enum { SIDE = 32 };

/* Distance of (x, y) to the edge of a shape of radius r around 0; negative inside. */
static double edge(int64_t kind, double x, double y, double r)
{
    double ax = fabs(x), ay = fabs(y), side = 0.8 * r;
    switch (kind) {
    case 0: return sqrt(x * x + y * y) - r;
    case 1: return fmax(ax, ay) - side;
    case 2: return fmax(0.8660254037844386 * ax + 0.5 * y, -y) - 0.5 * r; /* corners on the circle */
    default: return fmin(fmax(ax - r, ay - 0.3 * r), fmax(ax - 0.3 * r, ay - r));
    }
}

static double between(gm__rng *r, double lo, double hi) { return lo + (hi - lo) * gm__rng_unit(r); }

void gm__synth_shape(const gm__synth_config *c, gm__rng *r, void *x, int64_t *label)
{
    uint8_t *out = x;
    *label = (int64_t)gm__rng_below(r, 4);
    double radius = between(r, 6, 12), turn = between(r, 0, 6.283185307179586), ground = between(r, 0, 0.4), colour[3];
    double cx = between(r, radius, SIDE - radius), cy = between(r, radius, SIDE - radius), cosine = cos(turn), sine = sin(turn);
    for (int k = 0; k < 3; k++) colour[k] = between(r, 0.1, 1);
    colour[gm__rng_below(r, 3)] = 1; /* so that it stands out */
    for (int i = 0; i < SIDE * SIDE; i++) {
        double dx = i % SIDE + 0.5 - cx, dy = i / SIDE + 0.5 - cy;
        double cover = fmin(1, fmax(0, 0.5 - edge(*label, cosine * dx + sine * dy, cosine * dy - sine * dx, radius)));
        for (int k = 0; k < 3; k++) {
            double v = ground + cover * (colour[k] - ground) + c->sigma * gm__rng_normal(r);
            out[k * SIDE * SIDE + i] = (uint8_t)(fmin(1, fmax(0, v)) * 255 + 0.5);
        }
    }
}
