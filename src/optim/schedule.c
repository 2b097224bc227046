/* schedule.c - the course of the learning rate, and of the momentum that moves against it. Formulas are PyTorch's. */
#include "optim/optim.h"
#include <math.h>

/* From a at x = 0 to b at x = 1 along half a cosine. */
static double half_cosine(double a, double b, double x) { return b + (a - b) * (1 + cos(3.14159265358979323846 * x)) / 2; }

/* low -> high over the first pct-start of the run, high -> last over the rest (Smith & Topin 2018). */
static double cycle(const gm__optim_config *c, int64_t step, double low, double high, double last)
{
    double top = c->pct_start * (double)c->horizon - 1, end = (double)c->horizon - 1, s = (double)step;
    if (s <= top) return half_cosine(low, high, top > 0 ? s / top : 1);
    return half_cosine(high, last, s < end ? (s - top) / (end - top) : 1);
}

double gm__schedule_lr(const gm__optim_config *c, const gm__plateau *p, int64_t step)
{
    double lr = c->lr;
    int64_t s = step > c->warmup ? step - c->warmup : 0, length = c->horizon - c->warmup;
    if (step < c->warmup) lr *= (double)(step + 1) / (double)c->warmup;
    switch (c->schedule) {
    case GM__SCHED_STEP: return lr * pow(c->gamma, (double)(step / c->step_size));
    case GM__SCHED_EXPONENTIAL: return lr * pow(c->gamma, (double)step);
    case GM__SCHED_COSINE: return s >= length ? c->lr_min : half_cosine(lr, c->lr_min, (double)s / (double)length);
    case GM__SCHED_LINEAR: return s >= length ? c->lr_min : c->lr_min + (lr - c->lr_min) * (1 - (double)s / (double)length);
    case GM__SCHED_ONECYCLE: return cycle(c, step, lr / c->div_factor, lr, lr / c->div_factor / c->final_div_factor);
    case GM__SCHED_PLATEAU: return p->cuts ? fmax(lr * pow(c->gamma, (double)p->cuts), fmin(lr, c->lr_min)) : lr;
    default: return lr;
    }
}

double gm__schedule_momentum(const gm__optim_config *c, double usual, int64_t step)
{
    if (c->schedule != GM__SCHED_ONECYCLE || !c->cycle_momentum || !(usual > 0)) return usual;
    return cycle(c, step, c->max_momentum, c->base_momentum, c->max_momentum);
}

double gm__momentum_at(const gm__optim_config *c, int64_t step)
{
    return step < c->momentum_steps ? c->momentum_start : gm__schedule_momentum(c, c->momentum, step);
}

void gm__plateau_observe(const gm__optim_config *c, gm__plateau *p, double loss)
{
    if (c->schedule != GM__SCHED_PLATEAU) return;
    bool better = isfinite(loss) && (!p->seen || loss < p->best - c->threshold * fabs(p->best));
    if (better) p->best = loss, p->seen = 1, p->bad = 0;
    else p->bad++;
    if (p->rest > 0) p->rest--, p->bad = 0;
    if (p->bad <= c->plateau_patience) return;
    p->cuts++;
    p->rest = c->cooldown;
    p->bad = 0;
}
