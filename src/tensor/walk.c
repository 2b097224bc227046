/* walk.c - visits the elements of up to four tensors of one shape in row-major order. */
#include "tensor/tensor.h"

/* Axes of one element vanish; two neighbours that every operand steps through as one become one. */
void gm__walk_init(gm__walk *w, int ndim, const int64_t *shape, int nops, const gm_tensor *const *ops)
{
    bool empty = false;
    w->nops = nops;
    w->ndim = 0;
    for (int k = 0; k < nops; k++) w->ptr[k] = ops[k]->data;
    for (int d = 0; d < ndim; d++) {
        int64_t stride[4];
        if (shape[d] == 0) empty = true;
        if (shape[d] == 1) continue;
        for (int k = 0; k < nops; k++) {
            int axis = d - (ndim - ops[k]->ndim); /* shapes are aligned at their last axes */
            bool moves = axis >= 0 && ops[k]->shape[axis] != 1;
            stride[k] = moves ? ops[k]->stride[axis] * (int64_t)gm__esize(ops[k]->dtype) : 0;
        }
        bool merge = w->ndim > 0;
        for (int k = 0; merge && k < nops; k++) merge = w->stride[k][w->ndim - 1] == stride[k] * shape[d];
        if (!merge) w->shape[w->ndim++] = 1;
        w->shape[w->ndim - 1] *= shape[d];
        for (int k = 0; k < nops; k++) w->stride[k][w->ndim - 1] = stride[k];
    }
    w->inner = w->ndim ? w->shape[w->ndim - 1] : 1;
    w->outer = 1;
    for (int d = 0; d < w->ndim; d++) w->index[d] = 0;
    for (int k = 0; k < nops; k++) w->istride[k] = w->ndim ? w->stride[k][w->ndim - 1] : 0;
    for (int d = 0; d + 1 < w->ndim; d++) w->outer *= w->shape[d];
    if (empty) w->inner = w->outer = 0;
}

bool gm__walk_next(gm__walk *w)
{
    if (w->outer == 0) return false;
    for (int d = w->ndim - 2; d >= 0; d--) {
        if (++w->index[d] < w->shape[d]) {
            for (int k = 0; k < w->nops; k++) w->ptr[k] += w->stride[k][d];
            return true;
        }
        w->index[d] = 0;
        for (int k = 0; k < w->nops; k++) w->ptr[k] -= w->stride[k][d] * (w->shape[d] - 1);
    }
    return false;
}
