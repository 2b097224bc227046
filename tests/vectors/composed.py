"""composed.py - reference values of functions composed of ops (tests/ops/test_math.c). Run by hand with PyTorch 2:

    python3 tests/vectors/composed.py > tests/vectors/composed.txt

A case is a line `name p q` (two numbers the function takes), its inputs `in shape : values` (l: labels) and its result `y shape : values`.
"""
import torch
import torch.nn.functional as F

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
R = ["none", "mean", "sum"]


def show(what, x):
    print(what, ",".join(map(str, x.shape)) or ".", ":", *["%.17g" % v for v in x.double().reshape(-1).tolist()])


def case(name, fn, *xs, p=0, q=0):
    print(name, p, q)
    for x in xs:
        show("l" if x.dtype == torch.int64 else "in", x)
    show("y", fn(*xs))


x, y, w, pos = torch.randn(3, 5), torch.randn(3, 5), torch.randn(5), torch.rand(3, 5) + 0.3
unit, prob, label = torch.rand(3, 5) * 0.9 + 0.05, torch.randn(3, 5).softmax(-1), torch.tensor([4, 0, 2])
zero_prob = torch.tensor([[0.5, 0, 0.5, 0, 0], [1, 0, 0, 0, 0]])
case("rsqrt", torch.rsqrt, pos)
case("acosh", torch.acosh, 1 + pos)
case("acosh", torch.acosh, 1 + 1e-9 * pos)
case("logit", torch.logit, unit)
case("digamma", torch.digamma, torch.cat([pos, -pos - 0.05]))
case("hardsigmoid", F.hardsigmoid, 3 * x)
case("selu", F.selu, x)
case("celu", lambda v: F.celu(v, 0.7), x, p=0.7)
case("softsign", F.softsign, x)
case("prelu", F.prelu, x, w)
case("prelu", F.prelu, torch.randn(2, 3, 4), w[:3])
case("prelu", F.prelu, x, w[:1])
case("lerp", torch.lerp, x, y, pos)
for c in (0, 1, 2):
    case("var", lambda v: v.var(1, correction=c), x, p=c, q=1)
    case("std", lambda v: v.std(correction=c), x, p=c, q=127)
case("prod", lambda v: v.prod(1), x, q=1)
case("prod", lambda v: v.prod(0), x, q=-2)
case("prod", lambda v: v.prod(), x, q=127)
case("prod", lambda v: v.prod(1), x * torch.tensor([1, 0, 1, 1, 1]), q=1)
case("prod", lambda v: v.prod(1), x * torch.tensor([1, 0, 1, 0, 1]), q=1)
for p in (0.5, 1, 1.5, 2, 3, float("inf")):
    case("norm", lambda v: torch.linalg.vector_norm(v, p, 1), x, p=p, q=1)
    case("norm", lambda v: torch.linalg.vector_norm(v, p), x, p=p, q=127)
for r in (0, 1, 2):
    case("l1", lambda a, b: F.l1_loss(a, b, reduction=R[r]), x, y, q=r)
    case("huber", lambda a, b: F.huber_loss(a, b, reduction=R[r], delta=0.6), x, y, p=0.6, q=r)
    case("kl_div", lambda a, b: F.kl_div(a, b, reduction=R[r]), x, prob, q=r)
    case("nll", lambda a, b: F.nll_loss(a, b, reduction=R[r]), x, label, q=r)
    case("cross_entropy_smooth", lambda a, b: F.cross_entropy(a, b, reduction=R[r], label_smoothing=0.1), x, label, p=0.1, q=r)
    case("cross_entropy_smooth", lambda a, b, c: F.cross_entropy(a, b, c, reduction=R[r], label_smoothing=0.2), x, label, pos[0], p=0.2, q=r)
    case("bce_weighted", lambda a, b: F.binary_cross_entropy_with_logits(a, 0.7 * b + 0.15, reduction=R[r]), x, unit, p=0.3, q=r)
    case("bce_weighted", lambda a, b, c: F.binary_cross_entropy_with_logits(a, b, pos_weight=c, reduction=R[r]), x, unit, pos[0], q=r)
    case("poisson_nll", lambda a, b: F.poisson_nll_loss(a, b, reduction=R[r]), x, pos, q=r)
    case("gaussian_nll", lambda a, b, c: F.gaussian_nll_loss(b, a, c, reduction=R[r]), x, y, pos, q=r)
case("kl_div", lambda a, b: F.kl_div(a, b, reduction="sum"), x[:2], zero_prob, p=1, q=2)
case("soft_cross_entropy", F.cross_entropy, x, prob, q=1)
case("hinge", lambda a, b: F.hinge_embedding_loss(1 - 0.8 + a * b, torch.full_like(a, -1), reduction="sum"), x, y, p=0.8, q=2)
case("cosine_similarity", lambda a, b: F.cosine_similarity(a, b, 1), x, y, q=1)
case("cosine_similarity", lambda a, b: F.cosine_similarity(a, b, 0), x, y, q=0)
