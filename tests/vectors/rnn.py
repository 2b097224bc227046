"""rnn.py - ten training steps of small recurrent language models (tests/models/test_rnn.c). Run by hand with PyTorch 2:

    python3 tests/vectors/rnn.py > tests/vectors/rnn.txt

Text is read by two readers side by side in pieces of four characters; the state goes on between pieces. A line is what (a name): numbers;
sums over a tensor have weights of either sign from the hash of ops.py.
"""
import torch
from ops import unit

torch.set_default_dtype(torch.float64)
TEXT = "abracadabra, a bad crab ran; a cab ran back to a barn. "
BLOCK, LANES, LR, CLIP = 4, 2, 0.03, 1.0
symbols = sorted(set(TEXT))
ids = torch.tensor([symbols.index(c) for c in TEXT])
length = (len(ids) - 1) // LANES
pieces = length // BLOCK


def filled(name, shape, scale):
    n = torch.Size(shape).numel()
    return torch.tensor([scale * (2 * unit(name, 0, 0, e) - 1) for e in range(n)]).reshape(shape)


def summed(name, x):
    return (x * filled("sum " + name, x.shape, 1)).sum().item()


class Net(torch.nn.Module):
    def __init__(self, kind, hidden, depth, embd):
        super().__init__()
        v = len(symbols)
        self.table = torch.nn.Parameter(torch.zeros(v, embd)) if embd else None
        self.rnn = getattr(torch.nn, {"elman": "RNN"}.get(kind, kind.upper()))(embd or v, hidden, depth)
        self.head = torch.nn.Linear(hidden, v)
        for name, p in self.named():
            p.data.copy_(filled(name, p.shape, 0.5))

    def named(self):
        return [("tokens.weight" if n == "table" else n, p) for n, p in self.named_parameters()]

    def forward(self, x, state):
        e = self.table[x] if self.table is not None else torch.nn.functional.one_hot(x, len(symbols)).double()
        y, state = self.rnn(e, state)
        return self.head(y), state


for kind, hidden, depth, embd in (("elman", 5, 1, 0), ("gru", 6, 2, 0), ("lstm", 6, 2, 3)):
    net = Net(kind, hidden, depth, embd)
    opt = torch.optim.Adam(net.parameters(), lr=LR)
    print("case", "cell=%s hidden=%d depth=%d embd=%d" % (kind, hidden, depth, embd))
    loss_of, norm_of = [], []
    for step in range(10):
        s = step % pieces
        if s == 0:
            state = None
        at = [lane * length + s * BLOCK for lane in range(LANES)]
        x = torch.stack([ids[a:a + BLOCK] for a in at], 1)
        y = torch.stack([ids[a + 1:a + 1 + BLOCK] for a in at], 1)
        out, state = net(x, state)
        state = tuple(v.detach() for v in state) if kind == "lstm" else state.detach()
        loss = torch.nn.functional.cross_entropy(out.reshape(-1, len(symbols)), y.reshape(-1))
        opt.zero_grad()
        loss.backward()
        if step == 0:
            for name, p in net.named():
                print("grad", name, ": %.12g" % summed(name, p.grad))
        norm_of.append(torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP).item())
        loss_of.append(loss.item())
        opt.step()
    print("loss all :", *["%.12g" % v for v in loss_of])
    print("norm all :", *["%.12g" % v for v in norm_of])
    for name, p in net.named():
        print("weight", name, ": %.12g" % summed(name, p))
