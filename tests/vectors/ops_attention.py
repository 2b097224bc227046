"""ops_attention.py - reference functions of attention and rotary positions, see ops.py."""
import torch
import torch.nn.functional as F


def attention(x, i, f):
    q, k, v = (a.transpose(1, 2) for a in x[:3])
    mask = x[3] if len(x) > 3 else None
    heads, t, s = q.shape[1], q.shape[2], k.shape[2]
    bias = torch.zeros(q.shape[0], heads, t, s, dtype=q.dtype)
    if mask is not None:
        bias = bias + (mask if mask.dtype == q.dtype else torch.where(mask > 0, 0.0, -torch.inf).to(q.dtype))
    if i and i[0]:
        bias = bias + torch.where(torch.arange(s) <= torch.arange(t)[:, None] + s - t, 0.0, -torch.inf).to(q.dtype)
    seen = (bias > -torch.inf).any(-1, keepdim=True)
    if s == 0 or t == 0 or q.shape[0] == 0:
        return (q.sum() + k.sum() + v.sum() + bias.sum()) * 0 + torch.zeros(q.shape[0], t, heads, v.shape[-1], dtype=q.dtype)
    each = heads // k.shape[1]
    k, v = k.repeat_interleave(each, 1), v.repeat_interleave(each, 1)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        y = F.scaled_dot_product_attention(q, k, v, torch.where(seen, bias, 0.0), scale=f[0])
    return torch.where(seen, y, 0.0).transpose(1, 2)


def rope(x, i, f):
    axis, first, back = (list(i) + [0, 0, 0])[:3]
    x = x[0]
    d, n = x.shape[-1], x.shape[axis]
    place = torch.arange(first, first + n, dtype=torch.float64)
    angle = place[:, None] * f[0] ** (-2 * torch.arange(d // 2, dtype=torch.float64) / d)
    angle = angle.reshape([n] + [1] * (x.dim() - axis - 2) + [d // 2]) * (-1 if back else 1)
    a, b = x[..., :d // 2], x[..., d // 2:]
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)


OPS = {"attention": attention, "rope": rope}
