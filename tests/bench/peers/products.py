"""The products of bench_products.c by torch.mm into a matrix that is there, as JSON lines.

usage: products.py [threads [part of a name]]; BENCH_CLOCK=cpu as there
"""
from timing import report  # sets the threads before torch is loaded

import torch  # noqa: E402

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
