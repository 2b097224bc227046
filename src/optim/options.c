/* options.c - the rows of an optimiser's options, and the schedule of its learning rate. */
#include "optim/optim.h"
#include <math.h>

#define AT(field) offsetof(gm__optim_config, field)
static const gm__opt rows[] = {
    {"lr", GM__O_REAL, AT(lr), "1e-3", 0, 1e6, NULL, "learning rate"},
    {"momentum", GM__O_REAL, AT(momentum), "0", 0, 1, NULL, "sgd: share of the last update that goes on"},
    {"dampening", GM__O_REAL, AT(dampening), "0", 0, 1, NULL, "sgd: share of the gradient kept out of the momentum"},
    {"nesterov", GM__O_FLAG, AT(nesterov), "off", 0, 0, NULL, "sgd: look ahead (needs momentum, no dampening)"},
    {"beta1", GM__O_REAL, AT(beta1), "0.9", 0, 0.9999999, NULL, "adam: decay of the mean of gradients"},
    {"beta2", GM__O_REAL, AT(beta2), "0.999", 0, 0.9999999, NULL, "adam: decay of the mean of squares"},
    {"eps", GM__O_REAL, AT(eps), "1e-8", 0, 1, NULL, "adam: added to the root of the mean of squares"},
    {"weight-decay", GM__O_REAL, AT(weight_decay), "0", 0, 1e3, NULL, "pull of weights towards 0 (adamw: apart from the gradient; default 0.01)"},
    {"clip-norm", GM__O_REAL, AT(clip_norm), "0", 0, 1e30, NULL, "largest norm of all gradients together; 0: any"},
    {"clip-value", GM__O_REAL, AT(clip_value), "0", 0, 1e30, NULL, "largest size of a gradient's element; 0: any"},
    {"ema", GM__O_REAL, AT(ema), "0", 0, 0.9999999, NULL, "decay of the running average of weights; 0: none"},
    {"schedule", GM__O_CHOICE, AT(schedule), "constant", 0, 0, "constant|step|exponential|cosine", "course of the learning rate"},
    {"warmup", GM__O_I64, AT(warmup), "0", 0, 1e15, NULL, "steps over which the learning rate rises to lr"},
    {"horizon", GM__O_I64, AT(horizon), "0", 0, 1e15, NULL, "cosine: step at which lr-min is reached"},
    {"step-size", GM__O_I64, AT(step_size), "1000", 1, 1e15, NULL, "step: steps between reductions"},
    {"gamma", GM__O_REAL, AT(gamma), "0.1", 0, 1, NULL, "step, exponential: factor of a reduction"},
    {"lr-min", GM__O_REAL, AT(lr_min), "0", 0, 1e6, NULL, "cosine: last learning rate"},
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
