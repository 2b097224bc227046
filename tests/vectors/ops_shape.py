"""ops_shape.py - reference functions of the shape and index ops, see ops.py."""
import torch


def pad(x, i, f):
    x, v = x[0], f[0] if f else 0
    for k in range(i[0] if i else 0):
        axis, before, after = i[1 + 3 * k:4 + 3 * k]
        full = lambda n: torch.full(x.shape[:axis] + (n,) + x.shape[axis + 1:], v, dtype=x.dtype)
        x = torch.cat([full(before), x, full(after)], axis)
    return x


def index_sum(x, i, f):
    shape = list(x[0].shape)
    shape[i[0]] = i[1]
    return torch.zeros(shape, dtype=torch.float64).index_add(i[0], x[1].long(), x[0])


OPS = {
    "index_select": lambda x, i, f: x[0].index_select(i[0], x[1]), "index_sum": index_sum, "pad": pad,
}
