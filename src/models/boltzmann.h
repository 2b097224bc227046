/* boltzmann.h - what the families of the Boltzmann machine have in common. */
#ifndef GM_MODELS_BOLTZMANN_H
#define GM_MODELS_BOLTZMANN_H

#include <math.h>
#include <stdint.h>

/* Temperature of a step: it falls by equal factors from anneal, at the first, to temperature, at the last; anneal 0: it stays. */
static inline double gm__annealed(double temperature, double anneal, int64_t step, int64_t steps)
{
    if (anneal <= 0 || steps < 2) return temperature;
    return anneal * pow(temperature / anneal, (double)step / (double)(steps - 1));
}

/* The bias under which a unit has this mean when nothing else is known [Hinton 2012]; means near 0 and 1 are taken as 1e-3 from there. */
static inline double gm__bias_of_mean(double mean)
{
    double p = fmin(fmax(mean, 1e-3), 1 - 1e-3);
    return log(p / (1 - p));
}

/* The logarithm of a sum of numbers whose logarithms are added one by one. */
typedef struct gm__log_sum { double top, sum; } gm__log_sum;
static inline gm__log_sum gm__log_nothing(void) { return (gm__log_sum){-INFINITY, 0}; }
static inline void gm__log_add(gm__log_sum *s, double x)
{
    if (x > s->top) s->sum *= exp(s->top - x), s->top = x;
    s->sum += exp(x - s->top);
}
static inline double gm__log_value(const gm__log_sum *s) { return s->top + log(s->sum); }

#endif
