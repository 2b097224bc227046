"""The loops of bench_elementwise.c in PyTorch, into tensors that are there where it can, as JSON lines.

usage: elementwise.py [threads [part of a name]]; BENCH_CLOCK=cpu as there
"""
from timing import THREADS, report  # sets the threads before torch is loaded

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402


@torch.no_grad()
def size(n, tag):
    x, z, y = 0.1 + 3.9 * torch.rand(n), torch.rand(n), torch.empty(n)
    rows, raw, calls = x.view(-1, 1024), (255 * z).to(torch.uint8), (1 << 20) // n + 1
    p = torch.rand(n).requires_grad_()
    p.grad = torch.rand(n)
    work = [("relu", lambda: torch.clamp(x, min=0, out=y)), ("tanh", lambda: torch.tanh(x, out=y)), ("gelu", lambda: F.gelu(x)),
            ("exp", lambda: torch.exp(x, out=y)), ("log", lambda: torch.log(x, out=y)), ("sigmoid", lambda: torch.sigmoid(x, out=y)),
            ("silu", lambda: F.silu(x)), ("softplus", lambda: F.softplus(x)), ("add", lambda: torch.add(x, z, out=y)),
            ("bce", lambda: F.binary_cross_entropy_with_logits(x, z, reduction="none")), ("sum", lambda: x.sum())]
    if THREADS == 1:
        try:
            adam = torch.optim.Adam([p], fused=True)
        except (TypeError, RuntimeError):
            adam = torch.optim.Adam([p], foreach=True)
        work += [("adam", adam.step), ("dropout", lambda: F.dropout(x, 0.5, True)), ("uniform", lambda: y.uniform_()), ("normal", lambda: y.normal_()),
                 ("bernoulli", lambda: torch.bernoulli(z, out=y)), ("softmax_rows1024", lambda: torch.softmax(rows, 1)),
                 ("layer_norm_rows1024", lambda: F.layer_norm(rows, (1024,))), ("u8_to_f32", lambda: y.copy_(raw))]
    for name, fn in work:
        report(name + "_" + tag, fn, calls)


for n, tag in ((1 << 10, "1Ki"), (1 << 16, "64Ki"), (1 << 20, "1Mi"), (1 << 24, "16Mi")):
    size(n, tag)
