"""The errors of bench_accuracy.c in PyTorch: f32 beside f64, products, convolutions and the losses of two short trainings.

usage: accuracy.py [threads [part of a name]]
The same shapes and distributions, numbers of PyTorch's own.
"""
import json
import math
import os
import sys

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
PART = sys.argv[2] if len(sys.argv) > 2 else ""
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

torch.set_num_threads(THREADS)
torch.manual_seed(1)
STEPS, ROWS, PIXELS, CODE, VOCAB, PLACES, WIDTH, HEADS, TEXTS = 150, 32, 784, 20, 32, 32, 64, 4, 8
DOUBLE = torch.float64


def report(name, error, n):
    print(json.dumps({"workload": name + "_highest", "peer": "torch-" + torch.__version__.split("+")[0], "threads": THREADS, "metric": "error",
                      "value": float("%.5g" % error), "unit": "", "n": n}), flush=True)


def compare(name, fn, *shapes, gradients=False):
    if PART not in name:
        return
    xs = [2 * torch.rand(s) - 1 for s in shapes]

    def run(dtype, way=None):
        leaves = [x.detach().clone().to(dtype).requires_grad_() for x in xs]
        y = fn(*leaves)
        if way is not None:
            y.backward(way.to(dtype))
        return [y.detach()] + [leaf.grad for leaf in leaves if gradients]
    y = run(DOUBLE)[0]
    way = torch.randn(y.shape) if gradients else None
    for what, a, b in zip(("", "_by_data", "_by_weights"), run(torch.float32, way), run(DOUBLE, way)):
        report(name + what, float((a.double() - b).norm() / b.norm()), a.numel())


for m, n, k in ((128, 400, 784), (64, 1024, 1152), (512, 512, 512), (64, 64, 8192)):
    compare("product_%dx%dx%d" % (m, n, k), F.linear, (m, k), (n, k))
for name, x, w in (("conv_64to64_16x16", (8, 64, 16, 16), (64, 64, 3, 3)), ("conv_3to16_32x32", (8, 3, 32, 32), (16, 3, 3, 3))):
    compare(name, lambda a, b: F.conv2d(a, b, padding=1), x, w, gradients=True)


def vae_loss(w, step, noise):
    x = 0.5 + 0.5 * torch.sin(6.28 * (noise["phase"][step] + noise["tilt"])).to(w[0].dtype)
    mean, log_var = F.linear(F.gelu(F.linear(x, w[0], w[1])), w[2], w[3]).chunk(2, 1)
    z = mean + noise["code"][step].to(w[0].dtype) * torch.exp(0.5 * log_var)
    logits = F.linear(F.gelu(F.linear(z, w[4], w[5])), w[6], w[7])
    return (F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + 0.5 * (mean.square() + log_var.exp() - log_var - 1).sum()) / ROWS


def gpt_loss(w, step, noise):
    at = torch.tensor([[7 * step + 5 * i + (1 + (step + i) % 3) * k for k in range(PLACES + 1)] for i in range(TEXTS)]) % VOCAB
    h = F.embedding(at[:, :-1], w[0]) + w[1]
    mask = torch.full((PLACES, PLACES), -math.inf, dtype=h.dtype).triu(1)
    for b in (w[2:10], w[10:18]):
        q, k, v = (x.view(TEXTS, PLACES, HEADS, -1).transpose(1, 2) for x in F.linear(F.layer_norm(h, (WIDTH,), b[0], b[1]), b[2]).split(WIDTH, 2))
        a = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(WIDTH // HEADS) + mask, -1) @ v
        h = h + F.linear(a.transpose(1, 2).reshape(TEXTS, PLACES, WIDTH), b[3])
        h = h + F.linear(F.gelu(F.linear(F.layer_norm(h, (WIDTH,), b[4], b[5]), b[6])), b[7])
    h = F.linear(F.layer_norm(h, (WIDTH,), w[18], w[19]), w[0])
    return F.cross_entropy(h.reshape(-1, VOCAB), at[:, 1:].reshape(-1))


def train(name, fn, scale, shapes):
    if PART not in name:
        return
    start = [scale * (2 * torch.rand(s) - 1) for s in shapes]
    noise = {"phase": torch.rand(STEPS, ROWS, 1), "tilt": torch.rand(1, PIXELS), "code": torch.randn(STEPS, ROWS, CODE)}

    def run(dtype):
        w = [s.clone().to(dtype).requires_grad_() for s in start]
        optimizer, losses = torch.optim.Adam(w, lr=1e-3), []
        for step in range(STEPS):
            optimizer.zero_grad()
            loss = fn(w, step, noise)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses
    report(name, max(abs(a - b) / b for a, b in zip(run(torch.float32), run(DOUBLE))), STEPS)


block = [WIDTH, WIDTH, (3 * WIDTH, WIDTH), (WIDTH, WIDTH), WIDTH, WIDTH, (4 * WIDTH, WIDTH), (WIDTH, 4 * WIDTH)]
train("train_vae", vae_loss, 0.05, [(400, PIXELS), 400, (2 * CODE, 400), 2 * CODE, (400, CODE), 400, (PIXELS, 400), PIXELS])
train("train_gpt", gpt_loss, 0.08, [(VOCAB, WIDTH), (PLACES, WIDTH), *block, *block, WIDTH, WIDTH])
