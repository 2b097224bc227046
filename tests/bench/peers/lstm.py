"""The steps of bench_lstm.c in PyTorch, as JSON lines.

usage: lstm.py [threads [part of a name]]; BENCH_CLOCK=cpu as there
The same recipe in f32: one-hot characters, two layers, cross-entropy, the gradient's norm cut at 5, Adam.
"""
import json
import os
import sys
import time

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
PART = sys.argv[2] if len(sys.argv) > 2 else ""
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

torch.set_num_threads(THREADS)
torch.set_flush_denormal(True)
torch.manual_seed(1)
CLOCK = time.process_time if os.environ.get("BENCH_CLOCK") == "cpu" else time.perf_counter
V, H, LAYERS, STEPS, BATCH, WRITE, SECONDS = 65, 256, 2, 64, 32, 100, 2.0
PEER = "torch-" + torch.__version__.split("+")[0]


def measure(name, tokens, fn):
    if PART not in name:
        return
    for _ in range(3):
        fn()
    samples, end = [], CLOCK() + SECONDS
    while len(samples) < 5 or (len(samples) < 400 and CLOCK() < end):
        start = CLOCK()
        fn()
        samples.append(CLOCK() - start)
    seconds = sorted(samples)[len(samples) // 2]
    for metric, value, unit in (("time", seconds * 1e3, "ms"), ("tokens", tokens / seconds, "token/s")):
        print(json.dumps({"workload": name, "peer": PEER, "threads": THREADS, "metric": metric, "value": float("%.5g" % value), "unit": unit,
                          "n": len(samples)}), flush=True)


rnn, out = torch.nn.LSTM(V, H, LAYERS, batch_first=True), torch.nn.Linear(H, V)
params = [*rnn.parameters(), *out.parameters()]
optimizer = torch.optim.Adam(params, lr=2e-3, foreach=True)
text = torch.randint(0, V, (BATCH, 100 * STEPS + 1))
at = [0]
state = [None]


def train():
    i = at[0] = (at[0] + 1) % 100
    x, y = text[:, i * STEPS:(i + 1) * STEPS], text[:, i * STEPS + 1:(i + 1) * STEPS + 1]
    optimizer.zero_grad()
    h, s = rnn(F.one_hot(x, V).float(), state[0])
    state[0] = tuple(v.detach() for v in s)
    loss = F.cross_entropy(out(h).reshape(-1, V), y.reshape(-1))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(params, 5.0)
    optimizer.step()
    return loss.item()


token = [torch.zeros(1, 1, dtype=torch.long), None]


def write():
    with torch.inference_mode():
        for _ in range(WRITE):
            y, token[1] = rnn(F.one_hot(token[0], V).float(), token[1])
            token[0] = torch.multinomial(torch.softmax(out(y)[:, -1], -1), 1)


measure("char_lstm_2x256_s64_b32_train", BATCH * STEPS, train)
rnn.eval()
measure("char_lstm_2x256_sample_b1", WRITE, write)
