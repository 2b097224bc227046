"""recurrent.py - reference values of recurrent layers (tests/ops/test_recurrent.c). Run by hand with PyTorch 2:

    python3 tests/vectors/recurrent.py > tests/vectors/recurrent.txt

One line a tensor: layer what : values. Inputs come from the hash of ops.py, input j as the list below names them.
"""
import torch
from ops import unit

torch.set_default_dtype(torch.float64)
T, N, IN, H = 4, 3, 2, 5
KINDS = {"elman": (torch.nn.RNN, 1), "gru": (torch.nn.GRU, 3), "lstm": (torch.nn.LSTM, 4)}


def tensor(name, j, *shape):
    n = torch.Size(shape).numel()
    return torch.tensor([2 * unit(name, 0, j, e) - 1 for e in range(n)]).reshape(shape).requires_grad_()


def show(name, what, x):
    print(name, what, ":", *["%.17g" % v for v in x.detach().reshape(-1).tolist()])


for name, (layer, g) in KINDS.items():
    x, h0, c0 = tensor(name, 0, T, N, IN), tensor(name, 1, N, H), tensor(name, 2, N, H)
    net = layer(IN, H)
    for j, (_, p) in enumerate(net.named_parameters()):
        with torch.no_grad():
            p.copy_(tensor(name, 3 + j, *p.shape))
    y, last = net(x, (h0[None], c0[None]) if name == "lstm" else h0[None])
    h, c = last if name == "lstm" else (last, None)
    show(name, "y", y)
    show(name, "h", h)
    loss = (y * tensor(name, 7, T, N, H)).sum() + (h * tensor(name, 8, N, H)).sum()
    if c is not None:
        show(name, "c", c)
        loss = loss + (c * tensor(name, 9, N, H)).sum()
    loss.backward()
    show(name, "g_x", x.grad)
    show(name, "g_h0", h0.grad)
    if c is not None:
        show(name, "g_c0", c0.grad)
    for p, v in net.named_parameters():
        show(name, "g_" + p[:-3], v.grad)
