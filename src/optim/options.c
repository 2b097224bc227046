/* options.c - the rows of an optimiser's options. */
#include "optim/optim.h"

#define AT(field) offsetof(gm__optim_config, field)
static const gm__opt rows[] = {
#include "optim/rows.def"
};
const gm__opts gm__optim_opts = {"optim", rows, GM__COUNT(rows)};

void gm__optim_settle(int kind, gm__optim_config *c, bool decay_given, bool eps_given)
{
    if (kind == GM__ADAMW && !decay_given) c->weight_decay = 0.01;
    if (kind == GM__ADAGRAD && !eps_given) c->eps = 1e-10;
}
