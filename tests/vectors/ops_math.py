"""Reference functions of further elementwise ops and reductions; see ops.py."""
import scipy.special
import torch
import torch.nn.functional as F


class Polygamma(torch.autograd.Function):
    """SciPy's: PyTorch's has errors of 1e-10."""

    @staticmethod
    def forward(ctx, x, n):
        ctx.save_for_backward(x)
        ctx.n = n
        return torch.from_numpy(scipy.special.polygamma(n, x.detach().numpy().copy()).reshape(x.shape))

    @staticmethod
    def backward(ctx, g):
        return g * Polygamma.apply(ctx.saved_tensors[0], ctx.n + 1), None


def one(fn):
    return lambda x, i, f: fn(x[0])


def two(fn):
    return lambda x, i, f: fn(x[0], x[1])


OPS = {
    "mish": one(F.mish), "hardswish": one(F.hardswish), "gelu_tanh": one(lambda v: F.gelu(v, approximate="tanh")), "log_sigmoid": one(F.logsigmoid),
    "sign": one(torch.sign), "floor": one(torch.floor), "ceil": one(torch.ceil), "round": one(torch.round), "trunc": one(torch.trunc),
    "expm1": one(torch.expm1), "log1p": one(torch.log1p), "tan": one(torch.tan), "asin": one(torch.asin), "acos": one(torch.acos),
    "atan": one(torch.atan), "sinh": one(torch.sinh), "cosh": one(torch.cosh), "asinh": one(torch.asinh), "atanh": one(torch.atanh),
    "erfinv": one(torch.erfinv), "lgamma": one(torch.lgamma), "polygamma": lambda x, i, f: Polygamma.apply(x[0], int(f[0])),
    "cumsum": lambda x, i, f: x[0].flip(i[0]).cumsum(i[0]).flip(i[0]) if i[1] else x[0].cumsum(i[0]),
    "atan2": two(torch.atan2), "fmod": two(torch.fmod), "remainder": two(torch.remainder),
}
