"""ops.py - reference values of every op and its gradients. Run by hand with PyTorch 2:

    build/tests/ops/test_ops --samples | python3 tests/vectors/ops.py > tests/vectors/ops.txt

One line a tensor: op sample what count, up to four of its values (evenly spread), a weighted sum of all.
Files ops_*.py beside this one add further ops: each has a dictionary OPS as below, name -> function of (inputs, i, f).
The sample language is in src/ops/ops.h, the hash behind the values in tests/ops/samples.h.
"""
import glob
import importlib.util
import os
import sys

import torch
import torch.nn.functional as F

M = 0xFFFFFFFF


def unit(name, s, j, e):
    x = 2166136261
    for c in name.encode():
        x = ((x ^ c) * 16777619) & M
    x = (x + s * 0x9E3779B9 + j * 0x85EBCA6B + e * 0xC2B2AE35) & M
    x = ((x ^ x >> 16) * 0x7FEB352D) & M
    x = ((x ^ x >> 15) * 0x846CA68B) & M
    x ^= x >> 16
    return ((x >> 9) * 2 + 1) / 16777216.0


def parse(name, s, text):
    ins, i, f = [], [], []
    for w in text.split():
        if w.startswith("i="):
            i = [int(v) for v in w[2:].split(",")]
        elif w.startswith("f="):
            f = [float(v) for v in w[2:].split(",")]
        elif w == "-":
            ins.append(None)
        else:
            shape, _, flags = w.partition(":")
            shape = [] if shape == "." else [int(v) for v in shape.split(",")]
            constant = "c" in flags
            flags = flags.replace("t", "").replace("s", "").replace("c", "")
            n, j = 1, len(ins)
            for v in shape:
                n *= v
            u = torch.tensor([unit(name, s, j, e) for e in range(n)], dtype=torch.float64).reshape(shape)
            if flags == "":
                ins.append((4 * u - 2).requires_grad_(not constant))
            elif flags == "p":
                ins.append((0.5 + 1.5 * u).requires_grad_(not constant))
            elif flags == "u":
                ins.append((0.05 + 0.9 * u).requires_grad_(not constant))
            elif flags == "m":
                a = 4 * u - 2
                ins.append((a @ a.mT + shape[-1] * torch.eye(shape[-1], dtype=torch.float64)).requires_grad_(not constant))
            elif flags == "o":
                ins.append((u < 0.5).to(torch.float64).requires_grad_(not constant))
            elif flags == "b":
                ins.append((u < 0.5).to(torch.uint8))
            else:
                ins.append((u * int(flags[1:])).floor().to(torch.int64 if flags[0] == "k" else torch.int32))
    return ins, i, f


DTYPE = [torch.float32, torch.float64, torch.int32, torch.int64, torch.uint8]


def shape_of(i):
    return i[1:1 + i[0]]


def reduced(fn):
    def run(x, i, f):
        keep = bool(i[1])
        if i[0] == 127:
            y = fn(x[0].reshape(-1), 0)
            return y.reshape([1] * x[0].dim()) if keep else y
        y = fn(x[0], i[0])
        return y.unsqueeze(i[0] if i[0] >= 0 else i[0] + x[0].dim()) if keep else y
    return run


def loss(fn):
    def run(x, i, f):
        y = fn(x[0], x[1])
        return [lambda v: v, torch.mean, torch.sum][i[0]](y)
    return run


def piecewise(x, i, f):
    g, x = x[0], x[1].detach()
    m = [x.sign(), (x > 0).double(), torch.where(x > 0, torch.ones_like(x), torch.full_like(x, f[0] if f else 0)),
         ((x >= (f or [0])[0]) & (x <= (f or [0, 0])[-1])).double()][i[0]]
    return g * m


def lse_axis(x, d):
    if x.shape[d] == 0:
        return x.sum(d) - float("inf")
    return torch.logsumexp(x, d)


def sum_to(x, i, f):
    return x[0].sum_to_size(shape_of(i))


def slice_(x, i, f):
    return x[0][tuple([slice(None)] * (i[0] % x[0].dim()) + [slice(i[1], i[2], i[3])])]


def unslice(x, i, f):
    shape = list(x[0].shape)
    n = shape[i[0]]
    shape[i[0]] = i[3]
    y = torch.zeros(shape, dtype=torch.float64)
    return y.index_add(i[0], torch.arange(n) * i[2] + i[1], x[0])


def act(x, i, f):
    y = F.linear(*x)
    return [None, torch.relu, lambda v: F.leaky_relu(v, f[0]), torch.tanh, torch.sigmoid][i[0]](y)


def layer_norm(x, i, f):
    return F.layer_norm(x[0], x[0].shape[-1:], x[1], x[2], f[0])


def batch_norm(x, i, f):
    x, w, b, mean, var = x
    shape = [1, -1] + [1] * (x.dim() - 2)
    if i[0]:
        axes = [k for k in range(x.dim()) if k != 1]
        var, mean = torch.var_mean(x, axes, unbiased=False)
    else:
        mean, var = mean.detach(), var.detach()
    y = (x - mean.reshape(shape)) / torch.sqrt(var.reshape(shape) + f[0])
    if w is not None:
        y = y * w.reshape(shape)
    return y if b is None else y + b.reshape(shape)


def bce(p, y):
    return -(y * p.log().clamp(min=-100) + (1 - y) * (1 - p).log().clamp(min=-100))


def embedding_sum(x, i, f):
    g, ix = x
    rest = list(g.shape[ix.dim():])
    return torch.zeros([i[0]] + rest, dtype=torch.float64).index_add(0, ix.reshape(-1).long(), g.reshape([ix.numel()] + rest))


def scatter_add(x, i, f):
    shape = list(x[0].shape)
    shape[i[0]] = i[1]
    return torch.zeros(shape, dtype=torch.float64).scatter_add(i[0], x[1].long(), x[0])



def gaussian_log_prob(x, i, f):
    return torch.distributions.Normal(x[1], (x[2] / 2).exp(), validate_args=False).log_prob(x[0]).sum(-1)


def gaussian_kl(x, i, f):
    q = torch.distributions.Normal(x[0], (x[1] / 2).exp(), validate_args=False)
    p = torch.distributions.Normal(torch.zeros_like(x[0]), torch.ones_like(x[0]), validate_args=False)
    return torch.distributions.kl_divergence(q, p).sum(-1)


def one(fn):
    return lambda x, i, f: fn(x[0])


def two(fn):
    return lambda x, i, f: fn(x[0], x[1])


OPS = {
    "full": lambda x, i, f: torch.full(shape_of(i), f[0] if f else 0, dtype=torch.float64).to(DTYPE[i[9]]),
    "cast": lambda x, i, f: (x[0].clamp(min=0) if i[0] == 4 else x[0]).to(DTYPE[i[0]]),
    "detach": one(lambda v: v.detach()), "copy": one(torch.clone),
    "neg": one(torch.neg), "abs": one(torch.abs), "exp": one(torch.exp), "log": one(torch.log), "sqrt": one(torch.sqrt), "square": one(torch.square),
    "reciprocal": one(torch.reciprocal), "sin": one(torch.sin), "cos": one(torch.cos), "tanh": one(torch.tanh), "sigmoid": one(torch.sigmoid),
    "relu": one(torch.relu), "softplus": one(F.softplus), "gelu": one(F.gelu), "silu": one(F.silu), "erf": one(torch.erf),
    "leaky_relu": lambda x, i, f: F.leaky_relu(x[0], f[0]), "elu": lambda x, i, f: F.elu(x[0], f[0]),
    "clamp": lambda x, i, f: x[0].clamp(f[0], f[1]), "affine": lambda x, i, f: f[0] * x[0] + f[1],
    "add": two(torch.add), "sub": two(torch.sub), "mul": two(torch.mul), "div": two(torch.div), "pow": two(torch.pow),
    "maximum": two(torch.maximum), "minimum": two(torch.minimum), "piecewise": piecewise,
    "eq": two(torch.eq), "ne": two(torch.ne), "lt": two(torch.lt), "le": two(torch.le), "gt": two(torch.gt), "ge": two(torch.ge),
    "where": lambda x, i, f: torch.where(x[0] != 0, x[1], x[2]),
    "sum": reduced(torch.sum), "mean": reduced(torch.mean), "max": reduced(torch.amax), "min": reduced(torch.amin),
    "logsumexp": reduced(lse_axis), "argmax": reduced(torch.argmax), "sum_to": sum_to,
    "matmul": two(torch.matmul), "linear": lambda x, i, f: F.linear(*x), "linear_act": act,
    "reshape": lambda x, i, f: x[0].reshape(shape_of(i)), "permute": lambda x, i, f: x[0].permute(i[:x[0].dim()]), "slice": slice_, "unslice": unslice,
    "expand": lambda x, i, f: x[0].expand(shape_of(i)), "concat": lambda x, i, f: torch.cat(x, i[0]),
    "embedding": lambda x, i, f: x[0][x[1].long()], "embedding_sum": embedding_sum,
    "gather": lambda x, i, f: torch.gather(x[0], i[0], x[1].long()), "scatter_add": scatter_add,
    "softmax": one(lambda v: v.softmax(-1)), "log_softmax": one(lambda v: v.log_softmax(-1)), "layer_norm": layer_norm, "batch_norm": batch_norm,
    "mse": loss(lambda x, y: (x - y) ** 2), "bce": loss(bce),
    "bce_with_logits": loss(lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction="none")),
    "cross_entropy": lambda x, i, f: F.cross_entropy(x[0], x[1].long(), reduction=["none", "mean", "sum"][i[0]]),
    "gaussian_log_prob": gaussian_log_prob, "gaussian_kl": gaussian_kl,
    "bernoulli_log_prob": two(lambda x, l: torch.distributions.Bernoulli(logits=l, validate_args=False).log_prob(x).sum(-1)),
}


def line(name, s, what, x):
    v = [float(e) for e in x.detach().double().reshape(-1)]
    keep = min(len(v), 4)
    spread = [v[k * (len(v) - 1) // (keep - 1) if keep > 1 else 0] for k in range(keep)]
    total = 0.0
    for e, a in enumerate(v):
        total += a * (2 * unit(name, s, 200, e) - 1)
    print(name, s, what, len(v), *["%.14g" % a for a in spread + [total]])


STEPS = "detach eq ne lt le gt ge sign floor ceil round trunc".split()  # PyTorch gives zeros for some; here they have no gradient


def differentiable(name, j, x, y):
    if x is None or not x.requires_grad or not y.requires_grad or name in STEPS:
        return False
    return not (name == "batch_norm" and j > 2) and not (name == "piecewise" and j == 1)


def load_others():
    for path in sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops_*.py"))):
        spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        OPS.update(module.OPS)


def main():
    load_others()
    print("# op sample what count values.. weighted-sum: made by tests/vectors/ops.py")
    for row in sys.stdin:
        name, _, text = row.rstrip("\n").partition("|")
        for s, sample in enumerate(text.split("|")):
            ins, i, f = parse(name, s, sample)
            y = OPS[name](ins, i, f)
            line(name, s, "y", y)
            if not any(differentiable(name, j, x, y) for j, x in enumerate(ins)):
                continue
            w = torch.tensor([2 * unit(name, s, 100, e) - 1 for e in range(y.numel())], dtype=torch.float64).reshape(y.shape)
            (y * w).sum().backward()
            for j, x in enumerate(ins):
                if differentiable(name, j, x, y):
                    line(name, s, "g%d" % j, torch.zeros_like(x) if x.grad is None else x.grad)


main()
