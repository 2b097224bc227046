/* synth_digits.c - handwritten digits drawn with strokes, in the manner of MNIST:
 * 28x28, white on black, 20x20 in the middle by centre of mass.
 *
 * A style is a few strokes through control points (Catmull-Rom). A row jitters
 * the points, slants, turns and stretches the figure, draws it with a pen of its
 * own width, and adds light noise to the ink. */
#include "data/synth.h"
#include <math.h>
#include <string.h>

enum { SIDE = 28, MAX_POINTS = 32, STEPS = 6 };
static const double PI = 3.14159265358979323846;

/* Points in hundredths of the height, y downwards. UP ends a stroke; a point that is given twice is a corner. */
typedef struct point { int8_t x, y; } point;
#define UP { -1, -1 }
#define END { -2, -2 }
static const point styles[][MAX_POINTS] = {
    /* 0 */
    { {38,4},{24,1},{8,18},{2,50},{8,82},{28,100},{48,86},{57,52},{51,18},{34,1},{24,4}, END },
    { {42,4},{24,4},{6,34},{3,70},{16,97},{36,95},{54,64},{55,28},{42,5},{28,6}, END },
    { {30,0},{8,12},{-0,48},{8,86},{32,100},{58,86},{64,48},{54,12},{28,0}, END },
    /* 1 */
    { {30,0},{29,50},{28,100}, END },
    { {12,24},{31,0},{31,0},{30,50},{30,100}, END },
    { {14,22},{31,0},{31,0},{31,50},{31,98}, UP, {8,99},{30,98},{54,98}, END },
    { {40,0},{30,50},{20,100}, END },
    /* 2 */
    { {5,24},{13,6},{32,0},{51,10},{52,32},{38,56},{20,78},{3,98},{3,98},{30,97},{60,96}, END },
    { {7,20},{27,0},{50,13},{46,42},{26,74},{9,94},{2,86},{16,78},{36,90},{62,94}, END },
    { {8,12},{30,0},{54,12},{54,36},{32,66},{2,96},{2,96},{28,92},{44,98},{64,92}, END },
    /* 3 */
    { {6,13},{25,0},{48,8},{50,28},{36,43},{20,47},{20,47},{42,51},{56,70},{46,93},{22,100},{3,89}, END },
    { {6,3},{30,3},{53,2},{53,2},{38,22},{25,40},{25,40},{46,46},{56,69},{42,95},{18,99},{2,88}, END },
    { {4,10},{30,0},{52,14},{42,38},{24,46},{46,52},{58,74},{40,98},{16,98},{0,84}, END },
    /* 4 */
    { {14,2},{9,30},{3,57},{3,57},{30,57},{60,54}, UP, {47,10},{44,52},{40,100}, END },
    { {44,0},{22,33},{1,66},{1,66},{30,66},{62,64}, UP, {44,0},{43,50},{42,100}, END },
    { {8,2},{5,26},{14,47},{30,50},{49,40}, UP, {54,0},{50,48},{45,100}, END },
    /* 5 */
    { {53,2},{32,3},{13,3},{13,3},{10,22},{8,43},{8,43},{28,36},{50,46},{56,69},{44,92},{22,100},{2,90}, END },
    { {14,6},{10,43},{10,43},{31,38},{53,51},{54,76},{37,97},{12,98},{-0,88}, UP, {14,6},{34,5},{58,1}, END },
    { {60,0},{38,3},{20,4},{20,4},{13,40},{13,40},{34,42},{46,58},{42,84},{24,99},{4,95}, END },
    /* 6 */
    { {46,1},{24,19},{8,46},{4,73},{16,96},{37,98},{54,82},{50,62},{34,54},{16,62},{6,77}, END },
    { {33,0},{16,34},{6,64},{11,91},{30,100},{50,88},{50,68},{35,58},{17,66},{8,82}, END },
    { {52,4},{26,10},{8,40},{6,78},{26,100},{52,90},{54,66},{34,54},{12,66}, END },
    /* 7 */
    { {3,5},{30,5},{56,4},{56,4},{38,50},{25,100}, END },
    { {4,5},{30,5},{56,4},{56,4},{37,50},{24,100}, UP, {14,54},{32,52},{52,49}, END },
    { {6,16},{8,4},{8,4},{32,4},{57,3},{57,3},{36,48},{28,100}, END },
    { {2,8},{28,9},{54,2},{54,2},{38,40},{32,100}, END },
    /* 8 */
    { {49,12},{30,0},{11,11},{14,32},{32,48},{51,68},{49,90},{29,100},{8,89},{9,67},{30,48},{47,31},{50,13},{40,3}, END },
    { {30,0},{13,9},{13,33},{30,46},{47,33},{48,10},{29,0}, UP, {30,46},{8,60},{6,87},{30,100},{54,87},{52,60},{29,46}, END },
    { {54,8},{34,0},{14,12},{20,36},{42,56},{48,80},{30,100},{10,88},{16,62},{38,42},{54,20},{50,4}, END },
    /* 9 */
    { {50,15},{32,0},{12,8},{6,28},{16,46},{34,46},{48,32},{52,11},{52,11},{50,52},{44,100}, END },
    { {50,16},{32,1},{12,9},{6,29},{16,46},{34,46},{48,33},{52,12},{52,12},{53,50},{45,84},{26,100},{9,93}, END },
    { {48,18},{29,2},{8,14},{8,37},{26,48},{48,36}, UP, {51,3},{48,50},{46,100}, END },
};
static const uint8_t first_style[11] = { 0, 3, 7, 10, 13, 16, 19, 22, 26, 29, 32 };

typedef struct path {
    int n;
    float x[MAX_POINTS], y[MAX_POINTS], pen[MAX_POINTS]; /* pen: factor of the width */
    bool up[MAX_POINTS];                                 /* the stroke ends after this point */
} path;

static float uniform(gm__rng *r, double lo, double hi) { return (float)(lo + (hi - lo) * gm__rng_unit(r)); }

/* Normal draw, cut off so that no digit is out of shape. */
static float normal(gm__rng *r, double sigma, double most)
{
    double v = sigma * gm__rng_normal(r);
    return (float)(v > most ? most : v < -most ? -most : v);
}

static void jitter(const point *p, gm__rng *r, path *o)
{
    o->n = 0;
    for (int i = 0; p[i].x != -2; i++) {
        int k = o->n;
        if (p[i].x == -1) {
            o->up[k - 1] = true;
            continue;
        }
        o->up[k] = false;
        bool corner = k > 0 && p[i].x == p[i - 1].x && p[i].y == p[i - 1].y;
        o->x[k] = corner ? o->x[k - 1] : (float)p[i].x / 100 + normal(r, 0.022, 0.05);
        o->y[k] = corner ? o->y[k - 1] : (float)p[i].y / 100 + normal(r, 0.022, 0.05);
        o->pen[k] = corner ? o->pen[k - 1] : uniform(r, 0.86, 1.1);
        o->n++;
    }
    o->up[o->n - 1] = true;
}

/* Slant, turn and stretch, then into the 20x20 box. */
static void pose(gm__rng *r, float pen, path *o)
{
    float turn = normal(r, 5, 13) * (float)(PI / 180), slant = 0.12f + normal(r, 0.16, 0.36), wide = uniform(r, 0.82, 1.22);
    float c = cosf(turn), s = sinf(turn), lo[2] = { 1e9f, 1e9f }, hi[2] = { -1e9f, -1e9f };
    for (int i = 0; i < o->n; i++) {
        float y = o->y[i] - 0.5f, x = (o->x[i] - 0.3f) * wide - slant * y;
        o->x[i] = c * x - s * y;
        o->y[i] = s * x + c * y;
        if (o->x[i] < lo[0]) lo[0] = o->x[i];
        if (o->x[i] > hi[0]) hi[0] = o->x[i];
        if (o->y[i] < lo[1]) lo[1] = o->y[i];
        if (o->y[i] > hi[1]) hi[1] = o->y[i];
    }
    float width = hi[0] - lo[0], height = hi[1] - lo[1], most = width > height ? width : height;
    float scale = (20 - 2 * pen) / most * uniform(r, 0.93, 1.03);
    for (int i = 0; i < o->n; i++) {
        o->x[i] *= scale;
        o->y[i] *= scale;
    }
}

typedef struct place { float x, y, pen; } place;

/* Point at t in [0,1] between control points i and i+1. */
static place curve(const path *p, int i, float t)
{
    int a = i > 0 && !p->up[i - 1] ? i - 1 : i, b = i + 1, e = p->up[b] ? b : b + 1;
    float t2 = t * t, t3 = t2 * t;
    float wa = -0.5f * t3 + t2 - 0.5f * t, wi = 1.5f * t3 - 2.5f * t2 + 1, wb = -1.5f * t3 + 2 * t2 + 0.5f * t, we = 0.5f * (t3 - t2);
    return (place){ wa * p->x[a] + wi * p->x[i] + wb * p->x[b] + we * p->x[e],
                    wa * p->y[a] + wi * p->y[i] + wb * p->y[b] + we * p->y[e], p->pen[i] + t * (p->pen[b] - p->pen[i]) };
}

/* Calls fn for the pieces of all strokes. */
typedef void piece_fn(void *user, place a, place b);
static void pieces(const path *p, piece_fn *fn, void *user)
{
    for (int i = 0; i + 1 < p->n; i++) {
        if (p->up[i] || (p->x[i] == p->x[i + 1] && p->y[i] == p->y[i + 1])) continue;
        place a = curve(p, i, 0);
        for (int k = 1; k <= STEPS; k++) {
            place b = curve(p, i, (float)k / STEPS);
            fn(user, a, b);
            a = b;
        }
    }
}

typedef struct mass { float x, y, sum; } mass;
static void weigh(void *user, place a, place b)
{
    mass *m = user;
    float dx = b.x - a.x, dy = b.y - a.y, w = sqrtf(dx * dx + dy * dy) * (a.pen + b.pen);
    m->x += w * (a.x + b.x) / 2;
    m->y += w * (a.y + b.y) / 2;
    m->sum += w;
}

typedef struct sheet {
    float pen, dx, dy;
    float edge[SIDE * SIDE]; /* signed distance to the edge of the ink, negative inside */
} sheet;

static int clip(float v) { return v < 0 ? 0 : v > SIDE - 1 ? SIDE - 1 : (int)v; }

static void draw(void *user, place a, place b)
{
    sheet *s = user;
    a.x += s->dx, a.y += s->dy, b.x += s->dx, b.y += s->dy;
    float pen = s->pen * 0.5f * (a.pen + b.pen), reach = pen + 1.5f;
    float ux = b.x - a.x, uy = b.y - a.y, uu = ux * ux + uy * uy, inv = uu > 0 ? 1 / uu : 0;
    int x0 = clip((a.x < b.x ? a.x : b.x) - reach), x1 = clip((a.x > b.x ? a.x : b.x) + reach + 1);
    int y0 = clip((a.y < b.y ? a.y : b.y) - reach), y1 = clip((a.y > b.y ? a.y : b.y) + reach + 1);
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            float px = (float)x + 0.5f - a.x, py = (float)y + 0.5f - a.y, t = (px * ux + py * uy) * inv;
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            float ex = px - t * ux, ey = py - t * uy, d = sqrtf(ex * ex + ey * ey) - pen;
            float *edge = &s->edge[y * SIDE + x];
            if (d < *edge) *edge = d;
        }
}

/* Ink from distances: an edge one and a half pixels wide; noise on the ink only. */
static void develop(const sheet *s, double sigma, gm__rng *r, uint8_t *out)
{
    for (int i = 0; i < SIDE * SIDE; i++) {
        float v = 0.5f - s->edge[i] / 1.5f;
        v = v <= 0 ? 0 : v >= 1 ? 1 : v * v * (3 - 2 * v);
        if (v > 0 && sigma > 0) { /* four bytes make a bell that is normal enough */
            uint32_t w = gm__rng_u32(r);
            float bell = (float)((w & 255) + (w >> 8 & 255) + (w >> 16 & 255) + (w >> 24)) - 510;
            v *= 1 + (float)sigma * bell / 147.8f - (float)sigma;
        }
        out[i] = (uint8_t)(v <= 0 ? 0 : v >= 1 ? 255 : v * 255 + 0.5f);
    }
}

void gm__synth_digit(const gm__synth_config *cfg, gm__rng *r, void *x, int64_t *label)
{
    path p;
    sheet s;
    mass m = { 0, 0, 1e-9f };
    int digit = (int)gm__rng_below(r, 10), first = first_style[digit];
    int style = first + (int)gm__rng_below(r, (uint64_t)(first_style[digit + 1] - first));
    *label = digit;
    s.pen = 1.25f + normal(r, 0.3, 0.45);
    jitter(styles[style], r, &p);
    pose(r, s.pen, &p);
    pieces(&p, weigh, &m);
    s.dx = SIDE / 2.0f - m.x / m.sum + uniform(r, -0.5, 0.5);
    s.dy = SIDE / 2.0f - m.y / m.sum + uniform(r, -0.5, 0.5);
    for (int i = 0; i < SIDE * SIDE; i++) s.edge[i] = 1e9f;
    pieces(&p, draw, &s);
    develop(&s, cfg->sigma, r, x);
}
