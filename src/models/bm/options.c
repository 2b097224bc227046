/* options.c - the options of the Boltzmann machine: one row each. */
#include "models/bm/bm.h"

enum { AUTO_EXACT = 16 }; /* units in all up to which auto enumerates */

#define ROW(field) offsetof(gm_bm_config, field)
static const gm__opt rows[] = {
    {"shape", GM__O_INTS, ROW(shape), NULL, 1, 1 << 30, NULL, "shape of a row, \"4,4\"; default: from the data at first fit"},
    {"hidden", GM__O_INT, ROW(hidden), "0", 0, 1 << 14, NULL, "number of hidden units; 0: none"},
    {"gradient", GM__O_CHOICE, ROW(gradient), "auto", 0, 0, "auto|exact|chains|mean-field", "states are counted (auto: up to 16 units in all), or drawn by Gibbs chains; mean-field: for hidden units given data"},
    {"k", GM__O_INT, ROW(k), "5", 1, 1000, NULL, "sweeps of the chains in an update"},
    {"chains", GM__O_INT, ROW(chains), "100", 1, 1 << 20, NULL, "number of chains that go on from update to update"},
    {"start", GM__O_CHOICE, ROW(start), "data", 0, 0, "zero|data", "visible biases at first: 0, or such that the means are those of the data"},
    {"init-std", GM__O_REAL, ROW(init_std), "0.01", 0, 1e3, NULL, "deviation of the first weights"},
    {"burn-in", GM__O_INT, ROW(burn_in), "1000", 1, 4000, NULL, "sweeps from noise before a draw"},
    {"binarize", GM__O_CHOICE, ROW(binarize), "none", 0, 0, "none|dynamic|threshold", "grey pixels: kept, drawn anew each time they are seen, or cut at 0.5"},
    {"seed", GM__O_U64, ROW(seed), "0", 0, 0, NULL, "of the first weights, and of training unless it is given one"},
};
const gm__opts gm__bm_opts = {"bm", rows, GM__COUNT(rows)};

int gm__bm_gradient(const gm_model *m)
{
    int way = gm__bm_cfg(m)->gradient;
    if (way != GM_GRADIENT_AUTO) return way;
    return gm__bm_of(m)->n <= AUTO_EXACT ? GM_GRADIENT_EXACT : GM_GRADIENT_CHAINS;
}
