# optim.py - writes optim.txt: weights after each of five steps of PyTorch 2's optimisers, in double.
# Run by hand:  python tests/vectors/optim.py > tests/vectors/optim.txt
# A case is "case KIND OPTIONS", then for each step "lr norm w[0..3] b[0..1]"; norm is before clipping.
# With "late" the second tensor has no gradient in the first two steps.
import torch
from torch.optim import lr_scheduler as S

torch.set_default_dtype(torch.float64)


def gradient(step, i):
    return ((step * 7 + i * 5) % 11 - 5) / 4


def run(kind, options, make, schedule=None, clip=None, late=False):
    w = torch.nn.Parameter(torch.tensor([0.5, -1.25, 2.0, 0.125]))
    b = torch.nn.Parameter(torch.tensor([-0.75, 1.5]))
    o = make([w, b])
    s = schedule(o) if schedule else None
    print("case", "late" if late else "plain", kind, options)
    for step in range(5):
        o.zero_grad()
        w.grad = torch.tensor([gradient(step, i) for i in range(4)])
        if not (late and step < 2):
            b.grad = torch.tensor([gradient(step, i) for i in range(4, 6)])
        both = [p for p in (w, b) if p.grad is not None]
        norm = torch.linalg.vector_norm(torch.cat([p.grad for p in both]))
        lr = o.param_groups[0]["lr"]
        if clip:
            clip(both)
        o.step()
        if s:
            s.step()
        numbers = [lr, norm.item()] + w.tolist() + b.tolist()
        print(" ".join(f"{v:.15g}" for v in numbers))


SGD, Adam, AdamW = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
run("sgd", "lr=0.1", lambda p: SGD(p, 0.1))
run("sgd", "lr=0.1 weight-decay=0.2", lambda p: SGD(p, 0.1, weight_decay=0.2))
run("sgd", "lr=0.1 momentum=0.9", lambda p: SGD(p, 0.1, momentum=0.9))
run("sgd", "lr=0.1 momentum=0.9 dampening=0.4", lambda p: SGD(p, 0.1, momentum=0.9, dampening=0.4))
run("sgd", "lr=0.1 momentum=0.9 weight-decay=0.2 nesterov=on", lambda p: SGD(p, 0.1, momentum=0.9, weight_decay=0.2, nesterov=True))
run("sgd", "lr=0.1 momentum=0.9", lambda p: SGD(p, 0.1, momentum=0.9), late=True)
run("adam", "lr=0.1", lambda p: Adam(p, 0.1))
run("adam", "lr=0.1", lambda p: Adam(p, 0.1), late=True)
run("adam", "lr=0.1 beta1=0.5 beta2=0.9 eps=0.01 weight-decay=0.2", lambda p: Adam(p, 0.1, (0.5, 0.9), 0.01, 0.2))
run("adamw", "lr=0.1", lambda p: AdamW(p, 0.1))
run("adamw", "lr=0.1 weight-decay=0.3", lambda p: AdamW(p, 0.1, weight_decay=0.3))

makers = [("sgd", lambda p: SGD(p, 0.1)), ("adam", lambda p: Adam(p, 0.1)), ("adamw", lambda p: AdamW(p, 0.1))]
warm = lambda o: S.LinearLR(o, 1 / 3, 1, 2)  # 1/3, 2/3, 1, 1, ...
schedules = [
    ("schedule=step step-size=2 gamma=0.5", lambda o: S.StepLR(o, 2, 0.5)),
    ("schedule=exponential gamma=0.9", lambda o: S.ExponentialLR(o, 0.9)),
    ("schedule=cosine horizon=4 lr-min=0.01", lambda o: S.CosineAnnealingLR(o, 4, 0.01)),
    ("warmup=3", warm),
    ("schedule=cosine warmup=3 horizon=7", lambda o: S.SequentialLR(o, [warm(o), S.CosineAnnealingLR(o, 4)], [3])),
]
for kind, make in makers:
    for options, schedule in schedules:
        run(kind, "lr=0.1 " + options, make, schedule)

norm_ = torch.nn.utils.clip_grad_norm_
value_ = torch.nn.utils.clip_grad_value_
run("sgd", "lr=0.1 clip-norm=1.5", lambda p: SGD(p, 0.1), clip=lambda p: norm_(p, 1.5))
run("sgd", "lr=0.1 clip-norm=100", lambda p: SGD(p, 0.1), clip=lambda p: norm_(p, 100))
run("adam", "lr=0.1 clip-norm=0.5 eps=0.1", lambda p: Adam(p, 0.1, eps=0.1), clip=lambda p: norm_(p, 0.5))
run("sgd", "lr=0.1 clip-value=0.6", lambda p: SGD(p, 0.1), clip=lambda p: value_(p, 0.6))
run("sgd", "lr=0.1 clip-value=0.6 clip-norm=1", lambda p: SGD(p, 0.1), clip=lambda p: (value_(p, 0.6), norm_(p, 1)))
