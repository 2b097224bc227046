"""The updates of bench_rbm.c in NumPy, PyTorch and scikit-learn, those that this python has, as JSON lines.

usage: rbm.py [threads [part of a name]]; BENCH_CLOCK=cpu as there
The same recipe in f32: means of the hidden units at the data and at the end of the chain, states in between, plain steps.
scikit-learn knows persistent chains only, with one Gibbs step.
"""
import json
import os
import sys
import time
import warnings

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
PART = sys.argv[2] if len(sys.argv) > 2 else ""
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

import numpy as np  # noqa: E402

warnings.simplefilter("ignore")
CLOCK = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter
B, V, H, LR, BATCHES, SECONDS, INNER = 100, 784, 500, 0.01, 50, 1.0, 10
rng = np.random.default_rng(1)
data = (rng.random((BATCHES * B, V)) < 0.3).astype(np.float32)
step = [0]


def batch(of):
    step[0] = (step[0] + 1) % BATCHES
    return of[step[0] * B:(step[0] + 1) * B]


def measure(name, peer, fn):
    if PART not in name:
        return
    for _ in range(INNER):
        fn()
    samples, end = [], CLOCK() + SECONDS
    while len(samples) < 5 or (len(samples) < 400 and CLOCK() < end):
        start = CLOCK()
        for _ in range(INNER):
            fn()
        samples.append((CLOCK() - start) / INNER)
    seconds = sorted(samples)[len(samples) // 2]
    for metric, value, unit in (("time", seconds * 1e3, "ms"), ("updates", 1 / seconds, "update/s")):
        print(json.dumps({"workload": name, "peer": peer, "threads": THREADS, "metric": metric, "value": float("%.5g" % value), "unit": unit,
                          "n": len(samples)}), flush=True)


def with_numpy(k, persistent):
    w = (rng.standard_normal((V, H)) * 0.01).astype(np.float32)
    b, c = np.zeros(V, np.float32), np.zeros(H, np.float32)
    chain = [(rng.random((B, V)) < 0.5).astype(np.float32)]

    def sigmoid(x):
        np.negative(x, out=x)
        np.exp(x, out=x)
        x += 1
        return np.reciprocal(x, out=x)

    def draw(p):
        return (rng.random(p.shape, dtype=np.float32) < p).astype(np.float32)

    def update():
        nonlocal w, b, c
        v = batch(data)
        p0 = sigmoid(v @ w + c)
        p = sigmoid(chain[0] @ w + c) if persistent else p0
        for _ in range(k):
            vk = draw(sigmoid(draw(p) @ w.T + b))
            p = sigmoid(vk @ w + c)
        chain[0] = vk
        s = np.float32(LR / B)
        w += s * (v.T @ p0 - vk.T @ p)
        b += s * (v - vk).sum(0)
        c += s * (p0 - p).sum(0)
    return update


def with_torch(torch, k, persistent):
    torch.set_num_threads(THREADS)
    w = torch.randn(V, H) * 0.01
    b, c = torch.zeros(V), torch.zeros(H)
    x = torch.from_numpy(data)
    chain = [torch.bernoulli(torch.full((B, V), 0.5))]

    def update():
        with torch.no_grad():
            v = batch(x)
            p0 = torch.addmm(c, v, w).sigmoid_()
            p = torch.addmm(c, chain[0], w).sigmoid_() if persistent else p0
            for _ in range(k):
                vk = torch.bernoulli(torch.addmm(b, torch.bernoulli(p), w.t()).sigmoid_())
                p = torch.addmm(c, vk, w).sigmoid_()
            chain[0] = vk
            w.addmm_(v.t(), p0, alpha=LR / B)
            w.addmm_(vk.t(), p, alpha=-LR / B)
            b.add_((v - vk).sum(0), alpha=LR / B)
            c.add_((p0 - p).sum(0), alpha=LR / B)
    return update


def with_sklearn(rbm):
    m = rbm(n_components=H, learning_rate=LR, batch_size=B, random_state=1)
    return lambda: m.partial_fit(batch(data))


WORK = [("rbm_784_500_cd1_b100", 1, False), ("rbm_784_500_cd10_b100", 10, False), ("rbm_784_500_pcd1_b100", 1, True)]
for name, k, persistent in WORK:
    measure(name, "numpy-" + np.__version__, with_numpy(k, persistent))
try:
    import sklearn
    from sklearn.neural_network import BernoulliRBM
    measure(WORK[2][0], "sklearn-" + sklearn.__version__, with_sklearn(BernoulliRBM))
except ImportError:
    pass
try:
    import torch
    for name, k, persistent in WORK:
        measure(name, "torch-" + torch.__version__.split("+")[0], with_torch(torch, k, persistent))
except ImportError:
    pass
