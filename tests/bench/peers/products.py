"""The products of bench_products.c by torch.mm into a matrix that is there, as JSON lines.

usage: products.py [threads [part of a name]]; BENCH_CLOCK=cpu as there
"""
import json
import os
import sys
import time

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
PART = sys.argv[2] if len(sys.argv) > 2 else ""
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

import torch  # noqa: E402

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


SHAPES = [(n, n, n, 0, 0) for n in (16, 32, 64, 128, 256, 512, 1024)] + [
    (128, 400, 784, 0, 1), (128, 784, 400, 0, 1), (128, 20, 400, 0, 1), (128, 40, 400, 0, 1), (128, 400, 20, 0, 1), (128, 400, 784, 0, 0), (128, 400, 40, 0, 0),
    (128, 20, 400, 0, 0), (400, 784, 128, 1, 0), (784, 400, 128, 1, 0), (40, 400, 128, 1, 0), (400, 20, 128, 1, 0), (64, 1024, 512, 0, 1), (64, 784, 1024, 0, 1),
    (64, 512, 784, 0, 1), (64, 1024, 784, 0, 0), (1024, 512, 64, 1, 0), (784, 1024, 64, 1, 0), (100, 400, 784, 0, 1), (100, 500, 784, 0, 0), (784, 500, 100, 1, 0),
    (32, 1024, 256, 0, 1), (768, 384, 128, 0, 1), (768, 512, 128, 0, 1), (2048, 1536, 384, 0, 1), (2048, 384, 1536, 0, 1), (128, 256, 1152, 0, 0), (64, 1024, 1152, 0, 0),
    (1, 400, 784, 0, 1), (1, 1152, 384, 0, 1), (1, 400, 784, 0, 0), (4, 400, 784, 0, 1), (128, 1, 400, 0, 1)]
for m, n, k, ta, tb in SHAPES:
    a = torch.rand(k, m).t() if ta else torch.rand(m, k)
    b = torch.rand(n, k).t() if tb else torch.rand(k, n)
    c = torch.empty(m, n)
    report("sgemm_%s%s_%dx%dx%d" % ("NT"[ta], "NT"[tb], m, n, k), lambda: torch.mm(a, b, out=c), max(1, int(2e8 / (2 * m * n * k + 1e5))))
