/* html.h - pieces of a page that needs nothing but itself: escaped text, pictures inside it, plots as SVG.
 * All append to a buffer, whose `failed` says whether memory sufficed. */
#ifndef GM_IO_HTML_H
#define GM_IO_HTML_H

#include "base/base.h"

/* Text between tags or inside a quoted attribute, whatever its bytes. */
void gm__html_text(gm__buf *b, const char *text);
/* <img> of a PNG in memory, as a data: URI; each of its pixels is shown `scale` wide. */
void gm__html_png(gm__buf *b, const void *png, size_t size, int32_t scale, const char *alt);

enum { GM__CURVE_LINE, GM__CURVE_FAINT, GM__CURVE_MARKED /* a line through dots */, GM__CURVE_DOTS };
typedef struct gm__curve {
    const char *label;       /* in the legend; NULL: none */
    int32_t style, color;    /* GM__CURVE_*; colour 0 .. GM__HTML_COLORS-1 */
    const double *x, *y;     /* [n]; what is not finite is left out */
    size_t n;
} gm__curve;
enum { GM__HTML_COLORS = 10, GM__PLOT_LOG = 1 /* y may be shown by its logarithm */, GM__PLOT_EQUAL = 2 /* one scale for x and y */ };
typedef struct gm__plot {
    const char *title, *x_label;
    const gm__curve *curves;
    size_t n;
    int32_t width, height, flags;
} gm__plot;
/* <figure> with title, legend and an inline SVG that fills the width it is given. */
void gm__html_plot(gm__buf *b, const gm__plot *p);
/* The style rules that plots need, from CSS variables --ink --muted --line --c0 .. --c9. */
extern const char gm__html_plot_css[];

#endif
