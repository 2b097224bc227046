"""The training and sampling of bench_gpt.c in PyTorch, as JSON lines.

usage: gpt.py [threads [part of a name]]; BENCH_CLOCK=cpu as there
f32, no dropout, no biases; attention is scaled_dot_product_attention, AdamW fused over all tensors where the release has it.
"""
import json
import os
import sys
import time

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
PART = sys.argv[2] if len(sys.argv) > 2 else ""
os.environ["OMP_NUM_THREADS"] = str(THREADS)

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

torch.set_num_threads(THREADS)
CLOCK = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter
VOCAB, SECONDS = 65, 3.0
SIZES = {"small": (4, 4, 128, 64, 12), "large": (6, 6, 384, 256, 8)}  # blocks, heads, width, context, batch


class Block(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = (torch.nn.LayerNorm(width, bias=False) for _ in range(2))
        self.qkv, self.proj = torch.nn.Linear(width, 3 * width, bias=False), torch.nn.Linear(width, width, bias=False)
        self.fc, self.out = torch.nn.Linear(width, 4 * width, bias=False), torch.nn.Linear(4 * width, width, bias=False)

    def forward(self, x, seen=None, at=0):
        b, t, c = x.shape
        q, k, v = (u.view(b, t, self.heads, -1).transpose(1, 2) for u in self.qkv(self.norm1(x)).split(c, 2))
        if seen is not None:
            seen[0][:, :, at:at + t], seen[1][:, :, at:at + t] = k, v
            k, v = seen[0][:, :, :at + t], seen[1][:, :, :at + t]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=t > 1)
        x = x + self.proj(y.transpose(1, 2).reshape(b, t, c))
        return x + self.out(F.gelu(self.fc(self.norm2(x)), approximate="tanh"))


class Gpt(torch.nn.Module):
    def __init__(self, blocks, heads, width, context):
        super().__init__()
        self.tokens, self.places = torch.nn.Embedding(VOCAB, width), torch.nn.Embedding(context, width)
        self.blocks = torch.nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.norm = torch.nn.LayerNorm(width, bias=False)
        for p in self.parameters():
            if p.dim() > 1:
                torch.nn.init.normal_(p, 0, 0.02)

    def forward(self, ids, seen=None, at=0):
        x = self.tokens(ids) + self.places(torch.arange(at, at + ids.shape[1]))
        for i, block in enumerate(self.blocks):
            x = block(x, seen and seen[i], at)
        return F.linear(self.norm(x), self.tokens.weight)


def report(workload, seconds, tokens, n):
    line = {"workload": workload, "peer": "torch-" + torch.__version__.split("+")[0], "threads": THREADS, "n": n}
    print(json.dumps({**line, "metric": "time", "value": seconds * 1e3, "unit": "ms"}))
    print(json.dumps({**line, "metric": "tokens", "value": tokens / seconds, "unit": "token/s"}), flush=True)


def measure(workload, tokens, per, fn):
    if PART not in workload:
        return
    for _ in range(2):
        fn()
    samples, end = [], CLOCK() + SECONDS
    while len(samples) < 3 or (len(samples) < 400 and CLOCK() < end):
        start = CLOCK()
        fn()
        samples.append((CLOCK() - start) / per)
    report(workload, sorted(samples)[len(samples) // 2], tokens, len(samples))


for name, (blocks, heads, width, context, batch) in SIZES.items():
    net = Gpt(blocks, heads, width, context)
    try:
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1, fused=True)
    except (TypeError, RuntimeError):
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1)
    text = torch.randint(0, VOCAB, (100000,))

    def train():
        at = torch.randint(len(text) - context - 1, (batch,))
        rows = torch.stack([text[i:i + context + 1] for i in at])
        loss = F.cross_entropy(net(rows[:, :-1]).view(-1, VOCAB), rows[:, 1:].reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        loss.item()

    def sample():
        seen = [[torch.zeros(1, heads, context, width // heads) for _ in range(2)] for _ in range(blocks)]
        ids = torch.zeros(1, 1, dtype=torch.long)
        with torch.inference_mode():
            for at in range(context - 1):
                ids = torch.multinomial(F.softmax(net(ids, seen, at)[:, -1] / 0.8, -1), 1)

    measure("gpt_%s_train" % name, batch * context, 1, train)
    measure("gpt_%s_sample" % name, 1, context - 1, sample)
