"""Writes tests/vectors/gpt.txt: small GPTs written out in PyTorch, f64: logits, gradients of one batch, ten steps of AdamW.

    python tests/vectors/gpt.py > tests/vectors/gpt.txt
"""
import math
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
LINES = ["ann", "elizabeth", "bo", "christophe"]
END, VOCAB = 0, 257  # byte b is token b + 1
BLOCK = 12
CASES = {  # options of the family beside block=12 tokenizer=byte; what they mean here
    "depth=2 heads=2 embd=8": dict(depth=2, heads=2, embd=8),
    "depth=2 heads=4 kv-heads=2 embd=16 positions=rotary norm=rms activation=swiglu bias=off tie=off":
        dict(depth=2, heads=4, kv=2, embd=16, positions="rotary", norm="rms", activation="swiglu", bias=False, tie=False),
    "depth=1 heads=2 embd=6 positions=sinusoidal post=on activation=relu hidden=10":
        dict(depth=1, heads=2, embd=6, positions="sinusoidal", post=True, activation="relu", hidden=10),
    "depth=1 heads=1 embd=5 positions=none activation=gelu-erf norm=rms":
        dict(depth=1, heads=1, embd=5, positions="none", activation="gelu-erf", norm="rms"),
}


def fill(n, k, norm):
    """The weights of tensor k: what the test computes, too."""
    i = torch.arange(n)
    return (1 if norm else 0) + 0.3 * torch.sin(0.7 * i + 1.3 * k)


class Gpt:
    def __init__(self, depth, heads, embd, kv=None, positions="learned", norm="layer", activation="gelu", bias=True, tie=True, post=False, hidden=None):
        self.__dict__.update(locals())
        self.kv = kv or heads
        hidden = hidden or (4 * embd if activation != "swiglu" else (8 * embd // 3 + 7) // 8 * 8)
        d = embd // heads
        fc = 2 * hidden if activation == "swiglu" else hidden
        shift = bias and norm == "layer"
        shapes = {"tokens.weight": (VOCAB, embd)}
        if positions == "learned":
            shapes["places.weight"] = (BLOCK, embd)
        if not post:
            shapes["norm.weight"] = (embd,)
            if shift:
                shapes["norm.bias"] = (embd,)
        if not tie:
            shapes["head.weight"] = (VOCAB, embd)
        for i in range(depth):
            p = "block.%d." % i
            for name, shape, wanted in [("norm1.weight", (embd,), True), ("norm1.bias", (embd,), shift),
                                        ("attn.qkv.weight", ((heads + 2 * self.kv) * d, embd), True), ("attn.qkv.bias", ((heads + 2 * self.kv) * d,), bias),
                                        ("attn.proj.weight", (embd, embd), True), ("attn.proj.bias", (embd,), bias),
                                        ("norm2.weight", (embd,), True), ("norm2.bias", (embd,), shift),
                                        ("feed.in.weight", (fc, embd), True), ("feed.in.bias", (fc,), bias),
                                        ("feed.out.weight", (embd, hidden), True), ("feed.out.bias", (embd,), bias)]:
                if wanted:
                    shapes[p + name] = shape
        self.w = {}
        for k, (name, shape) in enumerate(sorted(shapes.items())):
            norm_w = "norm" in name and name.endswith("weight")
            self.w[name] = fill(math.prod(shape), k, norm_w).reshape(shape).requires_grad_()

    def normed(self, x, name):
        w = self.w[name + ".weight"]
        if self.norm == "rms":
            return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-5) * w
        return F.layer_norm(x, w.shape, w, self.w.get(name + ".bias"), 1e-5)

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def turned(self, x):
        t, d = x.shape[-2], x.shape[-1]
        angle = torch.arange(t)[:, None] * 10000.0 ** (-2 * torch.arange(d // 2) / d)
        a, b = x[..., :d // 2], x[..., d // 2:]
        return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], -1)

    def attend(self, x, p):
        b, t, c = x.shape
        d = c // self.heads
        q, k, v = self.linear(x, p + "attn.qkv").split([self.heads * d, self.kv * d, self.kv * d], -1)
        q, k, v = (u.reshape(b, t, -1, d).transpose(1, 2) for u in (q, k, v))
        if self.positions == "rotary":
            q, k = self.turned(q), self.turned(k)
        k, v = (u.repeat_interleave(self.heads // self.kv, 1) for u in (k, v))
        a = q @ k.transpose(-1, -2) / math.sqrt(d)
        a = a.masked_fill(torch.ones(t, t).triu(1).bool(), -math.inf).softmax(-1)
        return self.linear((a @ v).transpose(1, 2).reshape(b, t, c), p + "attn.proj")

    def feed(self, x, p):
        h = self.linear(x, p + "feed.in")
        if self.activation == "swiglu":
            a, b = h.chunk(2, -1)
            h = F.silu(a) * b
        elif self.activation == "relu":
            h = F.relu(h)
        else:
            h = F.gelu(h, approximate="tanh" if self.activation == "gelu" else "none")
        return self.linear(h, p + "feed.out")

    def __call__(self, ids):
        t = ids.shape[1]
        x = self.w["tokens.weight"][ids]
        if self.positions == "learned":
            x = x + self.w["places.weight"][:t]
        if self.positions == "sinusoidal":
            i = torch.arange(self.embd)
            angle = torch.arange(t)[:, None] * 10000.0 ** (-(i - i % 2) / self.embd)
            x = x + torch.where(i % 2 == 0, angle.sin(), angle.cos())
        for i in range(self.depth):
            p = "block.%d." % i
            if self.post:
                x = self.normed(x + self.attend(x, p), p + "norm1")
                x = self.normed(x + self.feed(x, p), p + "norm2")
            else:
                x = x + self.attend(self.normed(x, p + "norm1"), p)
                x = x + self.feed(self.normed(x, p + "norm2"), p)
        if not self.post:
            x = self.normed(x, "norm")
        return F.linear(x, self.w["tokens.weight" if self.tie else "head.weight"])


def batch():
    rows = [[END] + [c + 1 for c in l.encode()] + [END] for l in LINES]
    n = max(map(len, rows))
    ids = torch.tensor([r + [0] * (n - len(r)) for r in rows])
    target = torch.tensor([r[1:] + [-100] * (n - len(r)) for r in rows])
    return ids[:, :-1], target


def show(name, values):
    print(name, *("%.9g" % v for v in values))


x, y = batch()
for options, how in CASES.items():
    g = Gpt(**how)
    print("case", options)
    logits = g(torch.tensor([[0, 66, 67, 110, 1, 255]]))
    show("logits", [logits[0, i, j].item() for i in (0, 2, 5) for j in (0, 1, 97, 256)])
    matrices = [w for w in g.w.values() if w.dim() > 1]
    vectors = [w for w in g.w.values() if w.dim() < 2]
    opt = torch.optim.AdamW([dict(params=matrices, weight_decay=0.1), dict(params=vectors, weight_decay=0)], lr=1e-2, betas=(0.9, 0.95), eps=1e-8)
    losses, norms = [], []
    for step in range(10):
        loss = F.cross_entropy(g(x).reshape(-1, VOCAB), y.reshape(-1))
        opt.zero_grad()
        loss.backward()
        if not step:
            for name, w in sorted(g.w.items()):
                v = w.grad.reshape(-1)
                show("grad " + name, [(v * torch.cos(torch.arange(v.numel()))).sum().item(), (v * v).sum().sqrt().item()])
        losses.append(loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(g.w.values(), 1.0).item())
        opt.step()
    show("loss", losses)
    show("norm", norms)
