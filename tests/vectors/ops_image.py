"""ops_image.py - reference functions of the ops on images [N,H,W,C]; see ops.py."""
import torch
import torch.nn.functional as F


def last(fn):
    """A function of [N,C,H,W] on [N,H,W,C]; PyTorch takes no empty images everywhere."""
    def run(x, *rest):
        if x.numel() == 0:
            n, h, w, c = x.shape
            like = fn(torch.zeros(1, 1, h, w, dtype=torch.float64), *rest)
            return torch.zeros(n, like.shape[2], like.shape[3], c, dtype=torch.float64) + 0 * x.sum()
        return fn(x.permute(0, 3, 1, 2), *rest).permute(0, 2, 3, 1)
    return run


def matrix_1d(n, fn):
    """The matrix [out, n] of a linear map of one axis."""
    return torch.stack([fn(e) for e in torch.eye(n, dtype=torch.float64)], 1)


def pyramid_down(n):
    k = torch.tensor([1, 4, 6, 4, 1], dtype=torch.float64) / 16

    def one(x):
        at = [fold(i, n) for i in range(-2, n + 2)]
        return F.conv1d(x[at].reshape(1, 1, -1), k.reshape(1, 1, -1), stride=2).reshape(-1)
    return matrix_1d(n, one)


def pyramid_up(n, out):
    k = torch.tensor([1, 4, 6, 4, 1], dtype=torch.float64) / 8

    def one(x):
        wide = torch.zeros(out, dtype=torch.float64)
        wide[::2] = x
        return F.conv1d(wide[[fold(i, out) for i in range(-2, out + 2)]].reshape(1, 1, -1), k.reshape(1, 1, -1)).reshape(-1)
    a = matrix_1d(n, one)
    return a / a.sum(1, keepdim=True)


def fold(p, n):
    if n == 1:
        return 0
    p %= 2 * (n - 1)
    return p if p < n else 2 * (n - 1) - p


WINDOW = torch.exp(-torch.arange(-5, 6, dtype=torch.float64) ** 2 / 4.5)[None, None]
WINDOW = WINDOW / WINDOW.sum()


def forward(mode, h, w):
    size = [h[1], w[1]]
    if mode < 3:
        kind = ["nearest", "bilinear", "bicubic"][mode]
        return lambda x: F.interpolate(x, size, mode=kind, **({} if mode == 0 else {"align_corners": False}))
    if mode == 3 and h[2] == 0:
        return lambda x: F.adaptive_avg_pool2d(x, size)
    if mode < 5:
        return lambda x: F.avg_pool2d(x, (h[2], w[2]), (h[3], w[3]), (h[4], w[4]), count_include_pad=mode == 4)
    if mode == 7:
        return lambda x: F.conv2d(F.conv2d(x.flatten(0, 1)[:, None], WINDOW[..., None]), WINDOW[:, :, None]).unflatten(0, x.shape[:2])[:, :, 0]
    a, b = (pyramid_down(h[0]), pyramid_down(w[0])) if mode == 5 else (pyramid_up(h[0], h[1]), pyramid_up(w[0], w[1]))
    return lambda x: torch.einsum("ih,jw,nchw->ncij", a, b, x)


def resample(x, i, f):
    i = i + [0] * (12 - len(i))
    x, fn = x[0], last(forward(i[0], i[2:7], i[7:12]))
    if not i[1]:
        return fn(x)
    z = torch.zeros(x.shape[0], i[2], i[7], x.shape[3], dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(fn(z), z, x, create_graph=True)[0]


def max_pool(x, i, f):
    if i[2] == 0:
        return last(lambda v: F.adaptive_max_pool2d(v, (i[1], i[6])))(x[0])
    return last(lambda v: F.max_pool2d(v, (i[2], i[7]), (i[3], i[8]), (i[4], i[9])))(x[0])


def flat(x):
    return x.reshape(x.shape[0], x.shape[1] * x.shape[2], x.shape[3])


def pool_put(x, i, f):
    g, at = x
    n, _, _, c = g.shape
    return torch.zeros(n, i[0] * i[1], c, dtype=torch.float64).scatter_add(1, flat(at).long(), flat(g)).reshape(n, i[0], i[1], c)


def pool_pick(x, i, f):
    return torch.gather(flat(x[0]), 1, flat(x[1]).long()).reshape(x[1].shape)


def rms_norm(x, i, f):
    x, w = x
    y = x / torch.sqrt((x ** 2).mean(-1, keepdim=True) + f[0]) if x.shape[-1] else x
    return y if w is None else y * w


def group_norm(x, i, f):
    x, w, b = x
    if x.numel() == 0:
        return x + 0 * (w.sum() + b.sum())
    return F.group_norm(x.permute(0, 2, 1), i[0], w, b, f[0]).permute(0, 2, 1)


OPS = {"resample": resample, "max_pool": max_pool, "pool_put": pool_put, "pool_pick": pool_pick, "rms_norm": rms_norm,
       "group_norm": group_norm}
