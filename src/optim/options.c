/* options.c - the rows of an optimiser's options, and the schedule of its learning rate. */
#include "optim/optim.h"
#include <math.h>

#define AT(field) offsetof(gm__optim_config, field)
static const gm__opt rows[] = {
#include "optim/rows.def"
};
const gm__opts gm__optim_opts = {"optim", rows, GM__COUNT(rows)};

double gm__schedule_lr(const void *optim_config, int64_t step)
{
    const gm__optim_config *c = optim_config;
    double lr = c->lr;
    if (step < c->warmup) lr *= (double)(step + 1) / (double)c->warmup;
    switch (c->schedule) {
    case GM__SCHED_STEP: return lr * pow(c->gamma, (double)(step / c->step_size));
    case GM__SCHED_EXPONENTIAL: return lr * pow(c->gamma, (double)step);
    case GM__SCHED_COSINE: {
        int64_t s = step > c->warmup ? step - c->warmup : 0, length = c->horizon - c->warmup;
        if (s >= length) return c->lr_min;
        return c->lr_min + (lr - c->lr_min) * (1 + cos(3.14159265358979323846 * (double)s / (double)length)) / 2;
    }
    default: return lr;
    }
}
