"""Writes tests/vectors/transformer.txt: small encoder-decoders of torch.nn's layers, f64: log-probabilities of targets, loss and gradients of
a batch of pairs of several lengths.

    python tests/vectors/transformer.py > tests/vectors/transformer.txt
"""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
PAIRS = [("ann", "bob"), ("elizabeth", "x"), ("", "christophe"), ("bo", "")]
END, VOCAB, BLOCK = 0, 257, 12  # byte b is token b + 1
CASES = {
    "depth=2 heads=2 embd=8 activation=gelu-erf": dict(depth=2, heads=2, embd=8, pre=True, activation="gelu", learned=False),
    "depth=2 heads=3 embd=12 activation=relu post=on positions=learned hidden=10":
        dict(depth=2, heads=3, embd=12, pre=False, activation="relu", learned=True, hidden=10),
}


def fill(n, k, norm):
    """The weights of tensor k: what the test computes, too."""
    return (1 if norm else 0) + 0.3 * torch.sin(0.7 * torch.arange(n) + 1.3 * k)


class Pairs(nn.Module):
    def __init__(self, depth, heads, embd, pre, activation, learned, hidden=None):
        super().__init__()
        self.embd, self.pre, self.depth = embd, pre, depth
        args = dict(d_model=embd, nhead=heads, dim_feedforward=hidden or 4 * embd, dropout=0.0, activation=activation, batch_first=True, norm_first=pre)
        encoder = [nn.TransformerEncoderLayer(**args) for _ in range(depth)]
        decoder = [nn.TransformerDecoderLayer(**args) for _ in range(depth)]
        shapes = {"tokens.weight": (VOCAB, embd)}
        if learned:
            shapes["places.weight"] = (BLOCK, embd)
        if pre:
            for side in "encoder", "decoder":
                shapes.update({side + ".norm.weight": (embd,), side + ".norm.bias": (embd,)})
        fc = hidden or 4 * embd
        for side in "encoder", "decoder":
            for i in range(depth):
                p = "%s.%d." % (side, i)
                shapes.update({p + "norm1.weight": (embd,), p + "norm1.bias": (embd,), p + "attn.qkv.weight": (3 * embd, embd), p + "attn.qkv.bias": (3 * embd,),
                               p + "attn.proj.weight": (embd, embd), p + "attn.proj.bias": (embd,), p + "norm2.weight": (embd,), p + "norm2.bias": (embd,),
                               p + "feed.in.weight": (fc, embd), p + "feed.in.bias": (fc,), p + "feed.out.weight": (embd, fc), p + "feed.out.bias": (embd,)})
                if side == "decoder":
                    p += "cross."
                    shapes.update({p + "norm.weight": (embd,), p + "norm.bias": (embd,), p + "q.weight": (embd, embd), p + "q.bias": (embd,),
                                   p + "kv.weight": (2 * embd, embd), p + "kv.bias": (2 * embd,), p + "proj.weight": (embd, embd), p + "proj.bias": (embd,)})
        self.w = {}
        for k, (name, shape) in enumerate(sorted(shapes.items())):
            norm_w = "norm" in name and name.endswith("weight")
            self.w[name] = fill(math.prod(shape), k, norm_w).reshape(shape).requires_grad_()
        self.encoder, self.decoder = encoder, decoder

    def layer(self, module, side, i, *args, **more):
        """torch.nn's layer with our tensors in place of its own."""
        p, w = "%s.%d." % (side, i), self.w
        part = {"self_attn.in_proj_weight": w[p + "attn.qkv.weight"], "self_attn.in_proj_bias": w[p + "attn.qkv.bias"],
                "self_attn.out_proj.weight": w[p + "attn.proj.weight"], "self_attn.out_proj.bias": w[p + "attn.proj.bias"],
                "linear1.weight": w[p + "feed.in.weight"], "linear1.bias": w[p + "feed.in.bias"],
                "linear2.weight": w[p + "feed.out.weight"], "linear2.bias": w[p + "feed.out.bias"], "norm1.weight": w[p + "norm1.weight"], "norm1.bias": w[p + "norm1.bias"]}
        last = "norm2" if side == "encoder" else "norm3"
        part.update({last + ".weight": w[p + "norm2.weight"], last + ".bias": w[p + "norm2.bias"]})
        if side == "decoder":
            part.update({"multihead_attn.in_proj_weight": torch.cat([w[p + "cross.q.weight"], w[p + "cross.kv.weight"]]),
                         "multihead_attn.in_proj_bias": torch.cat([w[p + "cross.q.bias"], w[p + "cross.kv.bias"]]),
                         "multihead_attn.out_proj.weight": w[p + "cross.proj.weight"], "multihead_attn.out_proj.bias": w[p + "cross.proj.bias"],
                         "norm2.weight": w[p + "cross.norm.weight"], "norm2.bias": w[p + "cross.norm.bias"]})
        module.train()  # the plain path, not the fused one
        return torch.func.functional_call(module, part, args, more)

    def embed(self, ids):
        t = ids.shape[1]
        x = math.sqrt(self.embd) * self.w["tokens.weight"][ids]
        if "places.weight" in self.w:
            return x + self.w["places.weight"][:t]
        i = torch.arange(self.embd)
        angle = torch.arange(t)[:, None] * 10000.0 ** (-(i - i % 2) / self.embd)
        return x + torch.where(i % 2 == 0, angle.sin(), angle.cos())

    def normed(self, x, side):
        return F.layer_norm(x, (self.embd,), self.w[side + ".norm.weight"], self.w[side + ".norm.bias"], 1e-5) if self.pre else x

    def forward(self, source, padded, target):
        x = self.embed(source)
        for i in range(self.depth):
            x = self.layer(self.encoder[i], "encoder", i, x, src_key_padding_mask=padded)
        memory, x = self.normed(x, "encoder"), self.embed(target)
        later = torch.ones(target.shape[1], target.shape[1]).triu(1).bool()
        for i in range(self.depth):
            x = self.layer(self.decoder[i], "decoder", i, x, memory, tgt_mask=later, memory_key_padding_mask=padded)
        return F.linear(self.normed(x, "decoder"), self.w["tokens.weight"]).log_softmax(-1)


def ids(text):
    return [b + 1 for b in text.encode()] + [END]


def show(*v):
    print(" ".join(x if isinstance(x, str) else "%.9g" % x for x in v))


for options, how in CASES.items():
    model = Pairs(**how)
    show("case", options)
    for source, target in PAIRS:
        s, t = torch.tensor([ids(source)]), ids(target)
        y = model(s, None, torch.tensor([[END] + t[:-1]]))
        show("pair", *y[0, range(len(t)), t].tolist())
    n, m = max(len(s) for s, _ in PAIRS) + 1, max(len(t) for _, t in PAIRS) + 1
    source = torch.tensor([ids(s) + [0] * (n - len(s) - 1) for s, _ in PAIRS])
    padded = torch.tensor([[False] * (len(s) + 1) + [True] * (n - len(s) - 1) for s, _ in PAIRS])
    begin = torch.tensor([[END] + ids(t)[:-1] + [0] * (m - len(t) - 1) for _, t in PAIRS])
    told = torch.tensor([ids(t) + [-1] * (m - len(t) - 1) for _, t in PAIRS])
    loss = F.nll_loss(model(source, padded, begin).reshape(-1, VOCAB), told.reshape(-1), ignore_index=-1)
    show("loss", loss.item())
    loss.backward()
    for name, w in sorted(model.w.items()):
        g = w.grad.reshape(-1)
        show("grad", name, (g * torch.cos(torch.arange(len(g)))).sum().item(), g.norm().item())
