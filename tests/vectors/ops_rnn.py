"""Reference functions of the recurrent cells over sequences; inputs as in src/ops/recurrent.h: gates, h0, (c0,) b, w."""
import torch
from torch import _VF


def sequence(kind, gates, h0, c0, b, w):
    n, lanes = w.shape[1], gates.shape[1]
    if lanes == 0 or n == 0:  # PyTorch has neither
        total = sum(v.sum() for v in (gates, h0, c0, b, w) if v is not None)
        return torch.zeros(gates.shape[0] + (kind == "lstm"), lanes, n, dtype=torch.float64) + 0 * total
    zero = torch.zeros(1, lanes, n, dtype=torch.float64)
    h = zero if h0 is None else h0[None]
    params = [torch.eye(w.shape[0], dtype=torch.float64), w, torch.zeros(w.shape[0], dtype=torch.float64),
              torch.zeros(w.shape[0], dtype=torch.float64) if b is None else b]
    rest = (params, True, 1, 0.0, True, False, False)
    if kind == "lstm":
        y, _, c = _VF.lstm(gates, (h, zero if c0 is None else c0[None]), *rest)
        return torch.cat([y, c])
    return {"gru": _VF.gru, "elman": _VF.rnn_tanh}[kind](gates, h, *rest)[0]


OPS = {
    "elman": lambda x, i, f: sequence("elman", x[0], x[1], None, x[2], x[3]),
    "gru": lambda x, i, f: sequence("gru", x[0], x[1], None, x[2], x[3]),
    "lstm": lambda x, i, f: sequence("lstm", *x),
}
