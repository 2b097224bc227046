"""metrics.py - reference values of include/gm/metrics.h (tests/unit/test_metrics.c) by NumPy, SciPy and scikit-learn. Run by hand:

    python3 tests/vectors/metrics.py > tests/vectors/metrics.txt

A line is `case metric parameter value ..`. The sets of a case come from whole numbers alone (rows below), so both sides make them anew.
"""
import numpy as np
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler


def unit(i):
    """Numbers in [0,1) that look unordered."""
    h = (i * 2654435761 + 12345) & 0xFFFFFFFF
    h ^= h >> 15
    h = (h * 2246822519) & 0xFFFFFFFF
    h ^= h >> 13
    return (h >> 8) * 2.0**-24


def rows(n, d, seed, scale, shift, binary):
    i = 4 * np.arange(n * d, dtype=np.uint64) + np.uint64(seed * 1000003)
    u = [unit(i + np.uint64(k)) for k in range(4)]
    x = (u[0] > 0.5) * 1.0 if binary else scale * (u[0] + u[1] + u[2] + u[3] - 2) + shift
    return x.astype(np.float32).reshape(n, d).astype(np.float64)


# n, m, d, scale and shift of the samples, binary; test_metrics.c has the same table
CASES = [(40, 30, 3, 1.2, 0.1, 0), (150, 150, 17, 1, 0, 0), (60, 60, 7, 1, 0, 1), (20, 30, 40, 1, 0.5, 0), (1500, 2500, 2, 0.7, 100, 0)]


def show(case, metric, parameter, *values):
    print(case, metric, parameter, *["%.15g" % v for v in values])


def prdc(x, y, k):
    d, rx, ry = cdist(x, y), np.sort(cdist(x, x), 1)[:, k], np.sort(cdist(y, y), 1)[:, k]
    inside = d <= rx[:, None]
    return inside.any(0).mean(), (d <= ry[None]).any(1).mean(), inside.sum(0).mean() / k, inside.any(1).mean()


def frechet(x, y):
    a, b = np.cov(x.T), np.cov(y.T)
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b) - 2 * np.trace(sqrtm(a @ b)).real


def mmd(x, y, k):
    n = min(len(x), len(y))
    x, y = x[:n], y[:n]
    h = k(x, x) + k(y, y) - k(x, y) - k(x, y).T
    np.fill_diagonal(h, 0)
    return h.sum() / n / (n - 1)


def logistic(x, y):
    n = min(len(x), len(y))
    z, label, right = np.vstack([x[:n], y[:n]]), np.arange(2 * n) < n, 0
    for fold in (0, 1):
        a, b = np.arange(fold, 2 * n, 2), np.arange(1 - fold, 2 * n, 2)
        scale = StandardScaler().fit(z[a])
        fit = LogisticRegression(C=1, tol=1e-10, max_iter=10000).fit(scale.transform(z[a]), label[a])
        right += (fit.predict(scale.transform(z[b])) == label[b]).sum()
    return right / 2 / n


def nearest_other(x, y):
    n = min(len(x), len(y))
    d, label = cdist(np.vstack([x[:n], y[:n]]), np.vstack([x[:n], y[:n]])), np.arange(2 * n) < n
    np.fill_diagonal(d, np.inf)
    near = d <= d.min(1, keepdims=True)
    return ((near * (label[:, None] == label[None])).sum(1) / near.sum(1)).mean()


def closer(train, fresh, samples):
    d = cdist(train, train)
    np.fill_diagonal(d, np.inf)
    b = d.min(1) if fresh is None else cdist(fresh, train).min(1)
    a = cdist(samples, train).min(1)
    return ((a[:, None] < b).mean() + (a[:, None] <= b).mean()) / 2, (a <= 0.1 * np.sort(b)[len(b) // 2]).mean()


for case, (n, m, d, scale, shift, binary) in enumerate(CASES):
    x, y = rows(n, d, 2 * case + 1, 1, 100 * (case == 4), binary), rows(m, d, 2 * case + 2, scale, shift, binary)
    for k in (1, 3, 5):
        show(case, "prdc", k, *prdc(x, y, k))
    if case != 3:
        show(case, "frechet", 0, frechet(x, y))
    for degree in (2, 3) if case != 4 else ():  # far from 0 this kernel is a large number
        show(case, "mmd", degree, mmd(x, y, lambda a, b: (a @ b.T / d + 1) ** degree))
    show(case, "mmd_gaussian", 1.5, mmd(x, y, lambda a, b: np.exp(-cdist(a, b, "sqeuclidean") / 2 / 1.5**2)))
    if n == m:  # else the rows taken are drawn
        show(case, "c2st", 0, nearest_other(x, y))
    if not binary:
        show(case, "c2st", 1, logistic(x, y))
    if n <= m:  # else the rows taken are drawn
        show(case, "nearest", 0, *closer(x, None, y))
    show(case, "nearest", 1, *closer(x, y[: m // 2], y[m // 2 :]))
    show(case, "wasserstein", 1, wasserstein_distance(x.ravel(), y.ravel()))
    d2, at = NearestNeighbors(n_neighbors=2).fit(x).kneighbors(y)
    if not binary:
        show(case, "neighbours", 2, d2.sum(), at.sum())
