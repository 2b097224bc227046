"""The games of bench_gan.c in PyTorch, as JSON lines.

usage: gan.py [threads [part of a name]]; BENCH_CLOCK=cpu as there
The nets, losses and optimisers of the usual PyTorch scripts: the rows made in the generator's step are judged again in the
discriminator's. Images are channels-last, Adam has the fastest of its three forms.
"""
import json
import os
import sys
import time

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
PART = sys.argv[2] if len(sys.argv) > 2 else ""
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

import torch  # noqa: E402
from torch import nn  # noqa: E402

CLOCK = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter
torch.manual_seed(1)
torch.set_num_threads(THREADS)
torch.set_flush_denormal(True)
B, Z, SECONDS = 64, 100, 1.5
bce = nn.functional.binary_cross_entropy_with_logits
ONE, ZERO = torch.ones(B, 1), torch.zeros(B, 1)


def dense_g():
    layers, d = [nn.Linear(Z, 128), nn.LeakyReLU(0.2, inplace=True)], 128
    for w in (256, 512, 1024):
        layers += [nn.Linear(d, w), nn.BatchNorm1d(w), nn.LeakyReLU(0.2, inplace=True)]
        d = w
    return nn.Sequential(*layers, nn.Linear(d, 784), nn.Tanh())


def dense_d():
    return nn.Sequential(nn.Linear(784, 512), nn.LeakyReLU(0.2, inplace=True), nn.Linear(512, 256), nn.LeakyReLU(0.2, inplace=True), nn.Linear(256, 1))


def conv_g(ch):
    return nn.Sequential(
        nn.Linear(Z, 8192), nn.Unflatten(1, (128, 8, 8)), nn.BatchNorm2d(128), nn.Upsample(scale_factor=2), nn.Conv2d(128, 128, 3, 1, 1),
        nn.BatchNorm2d(128), nn.LeakyReLU(0.2, inplace=True), nn.Upsample(scale_factor=2), nn.Conv2d(128, 64, 3, 1, 1),
        nn.BatchNorm2d(64), nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(64, ch, 3, 1, 1), nn.Tanh()).to(memory_format=torch.channels_last)


def conv_d(ch):
    layers, d = [], ch
    for w in (16, 32, 64, 128):
        layers += [nn.Conv2d(d, w, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True), nn.Dropout(0.25)]
        if d != ch:
            layers.append(nn.BatchNorm2d(w))
        d = w
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 1)).to(memory_format=torch.channels_last)


def adam(net, form):
    return torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), **({form: True} if form else {"foreach": False}))


def game(g, d, real, form):
    og, od = adam(g, form), adam(d, form)

    def step():
        og.zero_grad()
        fake = g(torch.randn(B, Z))
        lg = bce(d(fake), ONE)
        lg.backward()
        og.step()
        od.zero_grad()
        ld = bce(d(real), ONE) + bce(d(fake.detach()), ZERO)
        ld.backward()
        od.step()
        return lg.item() + ld.item()
    return step


def critic(g, d, real, form):
    od = adam(d, form)

    def step():
        od.zero_grad()
        with torch.no_grad():
            fake = g(torch.randn(B, Z))
        mix = torch.rand(B, 1)
        v = (mix * real + (1 - mix) * fake).requires_grad_(True)
        slope = torch.autograd.grad(d(v).sum(), v, create_graph=True)[0]
        loss = d(fake).mean() - d(real).mean() + 10 * ((slope.norm(2, dim=1) - 1) ** 2).mean()
        loss.backward()
        od.step()
        return loss.item()
    return step


def flat():
    return torch.rand(B, 784) * 2 - 1


def image(ch):
    return (torch.rand(B, ch, 32, 32) * 2 - 1).to(memory_format=torch.channels_last)


def median_of(fn):
    for _ in range(3):
        fn()
    samples, end = [], CLOCK() + SECONDS
    while len(samples) < 5 or (len(samples) < 400 and CLOCK() < end):
        start = CLOCK()
        fn()
        samples.append(CLOCK() - start)
    return sorted(samples)[len(samples) // 2], len(samples)


WORKLOADS = [
    ("gan_mlp_b64", lambda form: game(dense_g(), dense_d(), flat(), form)),
    ("wgan_gp_critic_b64", lambda form: critic(dense_g(), dense_d(), flat(), form)),
    ("dcgan32_ch1_b64", lambda form: game(conv_g(1), conv_d(1), image(1), form)),
    ("dcgan32_ch3_b64", lambda form: game(conv_g(3), conv_d(3), image(3), form)),
]
for name, make in WORKLOADS:
    if PART not in name:
        continue
    found = []
    for form in (None, "foreach", "fused"):
        try:
            found.append(median_of(make(form)))
        except (TypeError, RuntimeError):
            pass  # older than this form
    seconds, n = min(found)
    for metric, value, unit in (("time", seconds * 1e3, "ms"), ("iterations", 1 / seconds, "iter/s")):
        print(json.dumps({"workload": name, "peer": "torch-" + torch.__version__.split("+")[0], "threads": THREADS, "metric": metric,
                          "value": float("%.5g" % value), "unit": unit, "n": n}), flush=True)
