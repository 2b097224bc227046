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


def diag(x, i, f):
    d, rows, cols = i
    y = torch.zeros(x[0].shape[:-1] + (rows, cols), dtype=x[0].dtype)
    return torch.diagonal_scatter(y, x[0], d, -2, -1) if x[0].numel() else y + 0 * x[0].sum()


def scatter(x, i, f):
    """in the order of the index, so that the last of several wins"""
    base, ix, src = x[0].clone(), x[1].long(), x[2]
    for k in range(ix.shape[i[0]]):
        part = ix.narrow(i[0], k, 1)
        base = base.scatter(i[0], part, src.narrow(i[0], k, 1))
    return base


def scatter_winners(x, i, f):
    g, ix = x[0], x[1].long()
    count = torch.arange(ix.shape[i[0]], dtype=torch.float64).reshape([-1] + [1] * (ix.dim() - 1 - i[0] % ix.dim())).expand(ix.shape)
    last = torch.full(g.shape, -1.0, dtype=torch.float64).scatter_reduce(i[0], ix, count, "amax")
    return torch.gather(g, i[0], ix) * (torch.gather(last, i[0], ix) == count)


def argsort(x, i, f):
    return torch.argsort(x[0], dim=i[0], descending=bool(i[2]), stable=True).narrow(i[0], 0, i[1])


def arange(x, i, f):
    t = [torch.float32, torch.float64, torch.int32, torch.int64, torch.uint8][i[1]]
    if len(i) > 2:
        return torch.linspace(f[0], f[2], i[0], dtype=torch.float64).to(t)
    return (f[0] + f[1] * torch.arange(i[0], dtype=torch.float64)).to(t)


def axes(i, x):
    return [k for k in range(x.dim()) if i[0] >> k & 1]


OPS = {
    "index_select": lambda x, i, f: x[0].index_select(i[0], x[1]), "index_sum": index_sum, "pad": pad,
    "flip": lambda x, i, f: x[0].flip(axes(i, x[0])), "roll": lambda x, i, f: x[0].roll(i[1], i[0]),
    "tril": lambda x, i, f: (x[0].triu if i[1] else x[0].tril)(i[0]), "diagonal": lambda x, i, f: x[0].diagonal(i[0], -2, -1), "diag": diag,
    "scatter": scatter, "scatter_winners": scatter_winners, "argsort": argsort, "arange": arange,
    "one_hot": lambda x, i, f: torch.eye(i[0], dtype=torch.float64)[x[0].long()], "nonzero": lambda x, i, f: (x[0].reshape(-1) != 0).nonzero().reshape(-1),
}
