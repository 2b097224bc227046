"""The convolutions of bench_conv.c in PyTorch, channels-last, as JSON lines.

usage: conv.py [threads [part of a name]]; BENCH_CLOCK=cpu as there
Run it with the python that has the torch to be measured; enlarged convolutions run as written, interpolate then convolve.
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

CLOCK = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter
torch.manual_seed(1)
torch.set_num_threads(THREADS)
BATCH, SECONDS = 64, 0.12
SHAPES = [
    ("G1_128to128_16x16", 128, 128, 16, 3, 1, 1, False), ("G2_128to64_32x32", 128, 64, 32, 3, 1, 1, False),
    ("G3_64to1_32x32", 64, 1, 32, 3, 1, 1, False), ("G3_64to3_32x32", 64, 3, 32, 3, 1, 1, False),
    ("D1_1to16_32s2", 1, 16, 32, 3, 2, 1, False), ("D1_3to16_32s2", 3, 16, 32, 3, 2, 1, False),
    ("D2_16to32_16s2", 16, 32, 16, 3, 2, 1, False), ("D3_32to64_8s2", 32, 64, 8, 3, 2, 1, False),
    ("D4_64to128_4s2", 64, 128, 4, 3, 2, 1, False), ("L1_1to6_28x28", 1, 6, 28, 5, 1, 2, False),
    ("L2_6to16_14x14", 6, 16, 14, 5, 1, 0, False), ("L1_1to32_28x28", 1, 32, 28, 5, 1, 2, False),
    ("L2_32to64_14x14", 32, 64, 14, 5, 1, 2, False), ("up_128to128_8to16", 128, 128, 8, 3, 1, 1, True),
    ("up_128to64_16to32", 128, 64, 16, 3, 1, 1, True),
]


def median_of(fn):
    for _ in range(2):
        fn()
    samples, end = [], CLOCK() + SECONDS
    while len(samples) < 5 or (len(samples) < 400 and CLOCK() < end):
        start = CLOCK()
        fn()
        samples.append(CLOCK() - start)
    return sorted(samples)[len(samples) // 2], len(samples)


def emit(name, what, seconds, flops, n):
    for metric, value, unit in (("time", seconds * 1e3, "ms"), ("rate", flops / seconds / 1e9, "GFLOP/s")):
        print(json.dumps({"workload": "conv_%s_%s" % (name, what), "peer": "torch-" + torch.__version__.split("+")[0], "threads": THREADS,
                          "metric": metric, "value": float("%.5g" % value), "unit": unit, "n": n}), flush=True)


for name, c, o, size, k, stride, pad, doubled in SHAPES:
    if PART not in name:
        continue
    conv = torch.nn.Conv2d(c, o, k, stride, pad).to(memory_format=torch.channels_last)
    x = torch.randn(BATCH, c, size, size).to(memory_format=torch.channels_last).requires_grad_()

    def run():
        return conv(F.interpolate(x, scale_factor=2) if doubled else x)

    y = run()
    g = torch.randn_like(y)

    def forward():
        with torch.no_grad():
            run()

    def both():
        x.grad = None
        conv.zero_grad(set_to_none=True)
        run().backward(g)

    flops = 2.0 * y.numel() * c * k * k
    t, n = median_of(forward)
    emit(name, "fwd", t, flops, n)
    t, n = median_of(both)
    emit(name, "fwdbwd", t, 3 * flops, n)
