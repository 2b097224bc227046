# trace.py - writes trace.txt: ten training steps of a small VAE in PyTorch 2, f32: every loss and gradient.
# Run by hand:  python tests/vectors/trace.py > tests/vectors/trace.txt
# First the ten weights ("w NAME numbers..."), then for each step "loss VALUE" and the ten gradients ("g NAME numbers...").
import torch
import torch.nn.functional as F

SIZES = {"enc.weight": (8, 6), "enc.bias": (8,), "mean.weight": (3, 8), "mean.bias": (3,), "logvar.weight": (3, 8), "logvar.bias": (3,),
         "dec.weight": (8, 3), "dec.bias": (8,), "out.weight": (6, 8), "out.bias": (6,)}


def number(k):  # a multiple of 2^-16 in [-1, 1) from a simple hash, the same in any language
    return ((k * 2654435761 + 12345) % 2**32 >> 15) / 65536 - 1


def fill(shape, first, scale):
    n = torch.Size(shape).numel()
    return torch.tensor([number(first + i) * scale for i in range(n)]).reshape(shape)


def show(tag, name, t):
    print(tag, name, " ".join(f"{v:.9g}" for v in t.flatten().tolist()))


p = {}
at = 0
for name, shape in SIZES.items():
    p[name] = fill(shape, at, 0.5).requires_grad_()
    at += 1000
    show("w", name, p[name].detach())
x = (fill((5, 6), 50000, 1) > 0).float()
adam = torch.optim.Adam(p.values(), 1e-2)
for step in range(10):
    eps = fill((5, 3), 60000 + 100 * step, 2)
    h = torch.tanh(F.linear(x, p["enc.weight"], p["enc.bias"]))
    mean = F.linear(h, p["mean.weight"], p["mean.bias"])
    logvar = F.linear(h, p["logvar.weight"], p["logvar.bias"])
    z = mean + torch.exp(0.5 * logvar) * eps
    d = torch.relu(F.linear(z, p["dec.weight"], p["dec.bias"]))
    logits = F.linear(d, p["out.weight"], p["out.bias"])
    kl = 0.5 * (logvar.exp() + mean**2 - 1 - logvar).sum()
    loss = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + kl
    adam.zero_grad()
    loss.backward()
    print("loss", f"{loss.item():.9g}")
    for name in SIZES:
        show("g", name, p[name].grad)
    adam.step()
