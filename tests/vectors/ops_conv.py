"""Reference functions of the convolutions, on channels-last images; attributes as in src/ops/conv.h."""
import torch
import torch.nn.functional as F

ACT = [lambda y, s: y, lambda y, s: F.relu(y), F.leaky_relu, lambda y, s: torch.tanh(y), lambda y, s: torch.sigmoid(y)]


def act(y, i, f):
    return ACT[i[7] if len(i) > 7 else 0](y, f[0] if f else 0.0).permute(0, 2, 3, 1)


def conv(x, w, b, i):
    return F.conv2d(x.permute(0, 3, 1, 2), w, b, i[0:2], i[2:4], i[4:6], i[6])


def conv2d(x, i, f):
    if x[0].shape[3] == 0:
        return act(x[2][None, :, None, None] + torch.zeros(x[0].shape[0], 1, *x[0].shape[1:3], dtype=torch.float64) + 0 * x[1].sum() + 0 * x[0].sum(), i, f)
    return act(conv(*x, i), i, f)


def conv_transpose2d(x, i, f):
    y, w, b = x
    size, out = i[8:10], []
    for a in (0, 1):
        plain = (y.shape[1 + a] - 1) * i[a] - 2 * i[2 + a] + i[4 + a] * (w.shape[2 + a] - 1) + 1
        out.append(size[a] - plain)
    return act(F.conv_transpose2d(y.permute(0, 3, 1, 2), w, b, i[0:2], i[2:4], out, i[6], i[4:6]), i, f)


def conv2d_weight(x, i, f):
    big, small = x
    w = torch.zeros(small.shape[3], big.shape[3] // i[6], *i[8:10], dtype=torch.float64, requires_grad=True)
    y = conv(big, w, None, i)
    g, = torch.autograd.grad(y, w, small.permute(0, 3, 1, 2), create_graph=True)
    return g


OPS = {"conv2d": conv2d, "conv_transpose2d": conv_transpose2d, "conv2d_weight": conv2d_weight}
