"""The step of bench_vae.c in PyTorch, as JSON lines.

usage: vae.py [threads [part of a name]]; BENCH_CLOCK=cpu as there
The same recipe in f32: Bernoulli likelihood from logits, one draw of the code, Adam as the fastest of its three forms.
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
torch.manual_seed(1)
CLOCK = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter
X, H, Z, BATCH, SECONDS = 784, 400, 20, 128, 2.0


class Vae(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.enc, self.code = torch.nn.Linear(X, H), torch.nn.Linear(H, 2 * Z)
        self.dec, self.out = torch.nn.Linear(Z, H), torch.nn.Linear(H, X)

    def loss(self, x):
        mean, log_var = self.code(F.relu(self.enc(x))).chunk(2, 1)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_var)
        logits = self.out(F.relu(self.dec(z)))
        return (F.binary_cross_entropy_with_logits(logits, x, reduction="sum") - 0.5 * torch.sum(1 + log_var - mean.square() - log_var.exp())) / len(x)


data = torch.rand(64 * BATCH, X)


def make(**how):
    net, at = Vae(), [0]
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, **how)

    def step():
        at[0] = (at[0] + 1) % 64
        optimizer.zero_grad(set_to_none=True)
        loss = net.loss(data[at[0] * BATCH:(at[0] + 1) * BATCH])
        loss.backward()
        optimizer.step()
        return loss.item()
    return step


def median_of(fn):
    for _ in range(5):
        fn()
    samples, end = [], CLOCK() + SECONDS
    while len(samples) < 5 or (len(samples) < 2000 and CLOCK() < end):
        start = CLOCK()
        fn()
        samples.append(CLOCK() - start)
    return sorted(samples)[len(samples) // 2], len(samples)


found = []
for how in ({"foreach": False}, {"foreach": True}, {"fused": True}):
    try:
        found.append(median_of(make(**how)))
    except (TypeError, RuntimeError):
        pass  # older than this form
if PART in "vae_step_b128":
    seconds, n = min(found)
    for metric, value, unit in (("time", seconds * 1e3, "ms"), ("steps", 1 / seconds, "step/s")):
        print(json.dumps({"workload": "vae_step_b128", "peer": "torch-" + torch.__version__.split("+")[0], "threads": THREADS, "metric": metric,
                          "value": float("%.5g" % value), "unit": unit, "n": n}), flush=True)
