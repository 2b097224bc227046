"""Interpolated modified Kneser-Ney and Witten-Bell from dictionaries of counts, for tests/models/test_ngram.c:
python3 tests/vectors/ngram.py > tests/vectors/ngram.txt  (text, order, then position and ln p of some characters)"""
import math
from collections import Counter, defaultdict

TEXT = ("it was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
        "it was the season of light, it was the season of darkness; we had nothing before us, we had everything before us.")
TEST = "it was the season of wisdom, we had the best season before us"
V = sorted(set(TEXT))


def model(order, smoothing):
    raw = [None] + [Counter(TEXT[i:i + n] for i in range(len(TEXT) - n + 1)) for n in range(1, order + 1)]
    adj = [None] * (order + 1)
    for n in range(1, order + 1):
        if smoothing == "witten-bell" or n == order:
            adj[n] = raw[n]
        else:
            adj[n] = Counter(g[1:] for g in raw[n + 1])
    cut = [None] * (order + 1)
    for n in range(1, order + 1):
        of = Counter(adj[n].values())
        d = [0, .5, 1, 1.5]
        if all(of[k] for k in (1, 2, 3)):
            y = of[1] / (of[1] + 2 * of[2])
            own = [0] + [k - (k + 1) * y * of[k + 1] / of[k] for k in (1, 2, 3)]
            if all(0 <= own[k] <= k for k in (1, 2, 3)):
                d = own
        cut[n] = d
    after = [defaultdict(dict) for _ in range(order + 1)]
    for n in range(1, order + 1):
        for g, c in adj[n].items():
            after[n][g[:-1]][g[-1]] = c

    def p(h, w):
        h = h[-(order - 1):] if order > 1 else ""
        lower = p(h[1:], w) if h else 1 / len(V)
        words = after[len(h) + 1].get(h)
        if not words:
            return lower
        total = sum(words.values())
        if not total:
            return lower
        c = words.get(w, 0)
        if smoothing == "witten-bell":
            return (c + len(words) * lower) / (total + len(words))
        d = cut[len(h) + 1]
        return max(c - d[min(c, 3)], 0) / total + sum(d[min(x, 3)] for x in words.values()) / total * lower
    return p


print("text", TEXT.encode().hex())
print("test", TEST.encode().hex())
for smoothing in "kneser-ney", "witten-bell":
    for order in 1, 2, 3, 5:
        p = model(order, smoothing)
        print("case", order, smoothing, *["%.6f" % math.log(p(TEST[:i], TEST[i])) for i in range(len(TEST))])
