"""The loops of bench_elementwise.c in PyTorch, into tensors that are there where it can, as JSON lines.

usage: elementwise.py [threads [part of a name]]; BENCH_CLOCK=cpu as there
"""
import json
import os
import sys
import time

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
PART = sys.argv[2] if len(sys.argv) > 2 else ""
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
torch.set_num_threads(THREADS)
torch.set_flush_denormal(True)
CLOCK = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter


def report(name, fn, calls, seconds=0.1):
    if PART not in name:
        return
    for _ in range(3):
        fn()
    samples, end = [], CLOCK() + seconds
    while len(samples) < 5 or (len(samples) < 2000 and CLOCK() < end):
        start = CLOCK()
        for _ in range(calls):
            fn()
        samples.append((CLOCK() - start) / calls)
    print(json.dumps({"workload": name, "peer": "torch-" + torch.__version__.split("+")[0], "threads": THREADS, "metric": "time",
                      "value": float("%.5g" % (1e3 * sorted(samples)[len(samples) // 2])), "unit": "ms", "n": len(samples)}), flush=True)


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
