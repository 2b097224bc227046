/* svg.c - curves and clouds of points as inline SVG. Ticks stand at 1, 2 or 5 times a power of ten. */
#include "base/number.h"
#include "io/html.h"
#include <math.h>

enum { LEFT = 54, RIGHT = 14, TOP = 10, BOTTOM = 36, TICKS_X = 7, TICKS_Y = 5, DECADES = 5 };

const char gm__html_plot_css[] =
    "svg{display:block;width:100%;height:auto}svg text{font-size:11.5px;fill:var(--muted)}"
    ".grid{stroke:var(--line);stroke-width:1}.axis{stroke:var(--muted);stroke-width:1}"
    ".l{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}.f{fill:none;stroke-width:1;opacity:.34}.m{stroke:none}.d{stroke:none;opacity:.6}"
    ".s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}.s4{stroke:var(--c4)}"
    ".s5{stroke:var(--c5)}.s6{stroke:var(--c6)}.s7{stroke:var(--c7)}.s8{stroke:var(--c8)}.s9{stroke:var(--c9)}"
    ".p0{fill:var(--c0)}.p1{fill:var(--c1)}.p2{fill:var(--c2)}.p3{fill:var(--c3)}.p4{fill:var(--c4)}"
    ".p5{fill:var(--c5)}.p6{fill:var(--c6)}.p7{fill:var(--c7)}.p8{fill:var(--c8)}.p9{fill:var(--c9)}"
    ".key{white-space:nowrap;margin-left:14px;font-weight:400;color:var(--muted)}.key svg{display:inline-block;width:18px;height:10px;margin-right:5px}";

/* One axis: values lo..hi (of the logarithm if log) on pixels from..to. */
typedef struct axis {
    double lo, hi, from, to;
    bool log;
    double step;  /* between ticks; of a logarithmic axis: decades, or 0 for 1-2-5 in each */
} axis;

static double place(const axis *a, double v) { return a->from + ((a->log ? log10(v) : v) - a->lo) / (a->hi - a->lo) * (a->to - a->from); }

static bool shown(const axis *a, double v) { return isfinite(v) && (!a->log || v > 0); }

/* The smallest 1, 2 or 5 times a power of ten that is not below v. */
static double round_step(double v)
{
    double unit = pow(10, floor(log10(v)));
    double m = v / unit;
    return unit * (m <= 1.0000001 ? 1 : m <= 2.0000001 ? 2 : m <= 5.0000001 ? 5 : 10);
}

/* Smallest and largest finite value; least: the smallest above 0. */
static void range(const gm__plot *p, bool y, double *lo, double *hi, double *least)
{
    *lo = HUGE_VAL, *hi = -HUGE_VAL, *least = HUGE_VAL;
    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < p->curves[i].n; k++) {
            double v = y ? p->curves[i].y[k] : p->curves[i].x[k];
            if (!isfinite(v) || fabs(v) > 1e300) continue;
            if (fabs(v) < 1e-300) v = 0;
            *lo = fmin(*lo, v), *hi = fmax(*hi, v);
            if (v > 0) *least = fmin(*least, v);
        }
    if (*lo > *hi) *lo = 0, *hi = 1;
}

static axis make_axis(const gm__plot *p, bool y, int32_t ticks, double from, double to)
{
    axis a = { .from = from, .to = to };
    double least;
    range(p, y, &a.lo, &a.hi, &least);
    if (y && (p->flags & GM__PLOT_LOG) && a.lo > 0 && a.hi > 5 * a.lo) {
        a.log = true;
        a.lo = log10(a.lo), a.hi = log10(a.hi);
        double margin = 0.04 * (a.hi - a.lo);
        a.lo -= margin, a.hi += margin;
        a.step = a.hi - a.lo < 2.5 ? 0 : ceil((a.hi - a.lo) / DECADES);
        return a;
    }
    if (a.hi - a.lo <= 1e-9 * fabs(a.hi)) { /* constant */
        double half = a.hi != 0 ? 0.5 * fabs(a.hi) : 0.5;
        a.lo -= half, a.hi += half;
    }
    a.step = round_step((a.hi - a.lo) / ticks);
    if (y && !(p->flags & GM__PLOT_EQUAL)) { /* ends at ticks */
        a.lo = floor(a.lo / a.step + 1e-9) * a.step;
        a.hi = ceil(a.hi / a.step - 1e-9) * a.step;
    }
    return a;
}

/* The same length of a unit on both axes, the centre kept. */
static void equalise(axis *x, axis *y)
{
    double per = 1.06 * fmax((x->hi - x->lo) / fabs(x->to - x->from), (y->hi - y->lo) / fabs(y->to - y->from));
    for (int i = 0; i < 2; i++) {
        axis *a = i ? y : x;
        double middle = (a->lo + a->hi) / 2, half = per * fabs(a->to - a->from) / 2;
        a->lo = middle - half, a->hi = middle + half;
    }
    x->step = y->step = round_step(fmax(x->hi - x->lo, y->hi - y->lo) / TICKS_Y);
}

/* A tick's number: 0.25, 1500, 20k, 3M, 2e-7, in one notation for an axis whose largest is `most`. */
static void number(gm__buf *b, double v, double step, double most)
{
    char text[GM__FIXED_MAX];
    double size = fabs(v), unit = 1;
    const char *end = "";
    if (fabs(v) < step * 1e-9) v = size = 0;
    if (size > 0 && (most >= 1e10 || step < 0.9e-5)) {
        int e = (int)floor(log10(size) + 1e-9);
        double m = v / pow(10, e), s = step / pow(10, e);
        gm__write_fixed(text, sizeof text, m, s < 0.0999 ? 2 : s < 0.999 ? 1 : 0);
        gm__buf_format(b, "%se%d", text, e);
        return;
    }
    if (size > 0 && most >= 2e6) unit = 1e6, end = "M";
    else if (size > 0 && most >= 2e4) unit = 1e3, end = "k";
    step /= unit;
    int digits = step >= 1 || size == 0 ? 0 : (int)ceil(-log10(step) - 1e-9);
    gm__write_fixed(text, sizeof text, v / unit, digits > 9 ? 9 : (size_t)digits);
    gm__buf_format(b, "%s%s", text, end);
}

static void y_tick(gm__buf *b, const gm__plot *p, const axis *y, double v, double step, double most)
{
    double at = place(y, v);
    gm__buf_format(b, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", (int)LEFT, at, (int)(p->width - RIGHT), LEFT - 7, at + 4);
    number(b, v, step, most);
    gm__buf_text(b, "</text>");
}

static void y_ticks(gm__buf *b, const gm__plot *p, const axis *y)
{
    if (!y->log) {
        for (double k = ceil(y->lo / y->step - 1e-6); k * y->step <= y->hi + 1e-6 * y->step; k++) y_tick(b, p, y, k * y->step, y->step, fmax(fabs(y->lo), fabs(y->hi)));
        return;
    }
    static const double within[] = { 1, 2, 5 };
    for (double e = floor(y->lo); e <= y->hi; e++)
        for (int i = 0; i < (y->step != 0 ? 1 : 3); i++) {
            double v = within[i] * pow(10, e);
            if (log10(v) < y->lo || log10(v) > y->hi || (y->step != 0 && fmod(e, y->step) != 0)) continue;
            y_tick(b, p, y, v, v, v);
        }
}

static void x_ticks(gm__buf *b, const gm__plot *p, const axis *x)
{
    int bottom = p->height - BOTTOM;
    gm__buf_format(b, "<path class=\"axis\" d=\"M%d %dH%d\"/>", (int)LEFT, bottom, (int)(p->width - RIGHT));
    for (double k = ceil(x->lo / x->step - 1e-6); k * x->step <= x->hi + 1e-6 * x->step; k++) {
        double at = place(x, k * x->step);
        gm__buf_format(b, "<path class=\"axis\" d=\"M%.1f %dv4\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">", at, bottom, at, bottom + 17);
        number(b, k * x->step, x->step, fmax(fabs(x->lo), fabs(x->hi)));
        gm__buf_text(b, "</text>");
    }
    gm__buf_format(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">", (int)(p->width - RIGHT), p->height - 4);
    gm__html_text(b, p->x_label);
    gm__buf_text(b, "</text>");
}

static void line(gm__buf *b, const gm__curve *c, const axis *x, const axis *y)
{
    bool down = false;
    gm__buf_format(b, "<path class=\"%s s%d\" d=\"", c->style == GM__CURVE_FAINT ? "f" : "l", (int)c->color);
    for (size_t i = 0; i < c->n; i++) {
        bool on = shown(x, c->x[i]) && shown(y, c->y[i]);
        if (on) gm__buf_format(b, "%s%.1f %.1f", down ? "L" : "M", place(x, c->x[i]), place(y, c->y[i]));
        down = on;
    }
    gm__buf_text(b, "\"/>");
}

static void dots(gm__buf *b, const gm__curve *c, const axis *x, const axis *y)
{
    bool cloud = c->style == GM__CURVE_DOTS;
    double radius = cloud ? 2 : c->n > 60 ? 1.6 : 3;
    gm__buf_format(b, "<g class=\"%s p%d\">", cloud ? "d" : "m", (int)c->color);
    for (size_t i = 0; i < c->n; i++)
        if (shown(x, c->x[i]) && shown(y, c->y[i]))
            gm__buf_format(b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>", place(x, c->x[i]), place(y, c->y[i]), radius);
    gm__buf_text(b, "</g>");
}

static void legend(gm__buf *b, const gm__plot *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const gm__curve *c = &p->curves[i];
        if (!c->label) continue;
        gm__buf_text(b, "<span class=\"key\"><svg viewBox=\"0 0 18 10\">");
        if (c->style != GM__CURVE_DOTS) gm__buf_format(b, "<path class=\"%s s%d\" d=\"M1 5H17\"/>", c->style == GM__CURVE_FAINT ? "f" : "l", (int)c->color);
        if (c->style >= GM__CURVE_MARKED) gm__buf_format(b, "<circle class=\"m p%d\" cx=\"9\" cy=\"5\" r=\"3\"/>", (int)c->color);
        gm__buf_text(b, "</svg>");
        gm__html_text(b, c->label);
        gm__buf_text(b, "</span>");
    }
}

void gm__html_plot(gm__buf *b, const gm__plot *p)
{
    axis x = make_axis(p, false, p->width < 600 ? TICKS_Y : TICKS_X, LEFT, p->width - RIGHT);
    axis y = make_axis(p, true, TICKS_Y, p->height - BOTTOM, TOP);
    if (p->flags & GM__PLOT_EQUAL) equalise(&x, &y);
    gm__buf_text(b, "<figure><figcaption>");
    gm__html_text(b, p->title);
    if (y.log) gm__buf_text(b, " <span class=\"key\">logarithmic scale</span>");
    legend(b, p);
    gm__buf_format(b, "</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", (int)p->width, (int)p->height);
    gm__html_text(b, p->title);
    gm__buf_text(b, "\">");
    y_ticks(b, p, &y);
    x_ticks(b, p, &x);
    for (size_t i = 0; i < p->n; i++) {
        const gm__curve *c = &p->curves[i];
        if (c->style != GM__CURVE_DOTS) line(b, c, &x, &y);
        if (c->style >= GM__CURVE_MARKED || c->n == 1) dots(b, c, &x, &y);
    }
    gm__buf_text(b, "</svg></figure>\n");
}
