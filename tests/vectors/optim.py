# optim.py - writes optim.txt: weights after each of five steps of PyTorch 2's optimisers, in double.
# Run by hand:  python tests/vectors/optim.py > tests/vectors/optim.txt
# A case is "case KIND OPTIONS", then for each step "lr norm w[0..3] b[0..1]"; norm is before clipping.
# With "late" the second tensor has no gradient in the first two steps. schedule=plateau hears LOSS after each step.
import torch
from torch.optim import lr_scheduler as S

torch.set_default_dtype(torch.float64)


def gradient(step, i):
    return ((step * 7 + i * 5) % 11 - 5) / 4


LOSS = [1.0, 0.9, 0.89995, 0.95, 0.2]


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
        if isinstance(s, S.ReduceLROnPlateau):
            s.step(LOSS[step])
        elif s:
            s.step()
        numbers = [lr, norm.item()] + w.tolist() + b.tolist()
        print(" ".join(f"{v:.15g}" for v in numbers))


class Momentum:  # another one in the first steps
    def __init__(self, o, start, steps):
        self.group, self.final, self.left = o.param_groups[0], o.param_groups[0]["momentum"], steps
        self.group["momentum"] = start

    def step(self):
        self.left -= 1
        if self.left == 0:
            self.group["momentum"] = self.final


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

RMSprop, Adagrad = torch.optim.RMSprop, torch.optim.Adagrad
run("rmsprop", "lr=0.1", lambda p: RMSprop(p, 0.1))
run("rmsprop", "lr=0.1 weight-decay=0.2 alpha=0.8 eps=0.01", lambda p: RMSprop(p, 0.1, 0.8, 0.01, 0.2))
run("rmsprop", "lr=0.1 momentum=0.9", lambda p: RMSprop(p, 0.1, momentum=0.9))
run("rmsprop", "lr=0.1 rms-centered=on", lambda p: RMSprop(p, 0.1, centered=True))
run("rmsprop", "lr=0.1 rms-centered=on momentum=0.5 weight-decay=0.1", lambda p: RMSprop(p, 0.1, momentum=0.5, centered=True, weight_decay=0.1))
run("rmsprop", "lr=0.1 momentum=0.9", lambda p: RMSprop(p, 0.1, momentum=0.9), late=True)
run("adagrad", "lr=0.1", lambda p: Adagrad(p, 0.1))
run("adagrad", "lr=0.1 lr-decay=0.5 weight-decay=0.2", lambda p: Adagrad(p, 0.1, 0.5, 0.2))
run("adagrad", "lr=0.1 initial-accumulator=0.3 eps=0.1", lambda p: Adagrad(p, 0.1, initial_accumulator_value=0.3, eps=0.1))
run("adagrad", "lr=0.1 lr-decay=0.5", lambda p: Adagrad(p, 0.1, 0.5), late=True)
run("adam", "lr=0.1 amsgrad=on", lambda p: Adam(p, 0.1, amsgrad=True))
run("adamw", "lr=0.1 amsgrad=on beta2=0.5 weight-decay=0.2", lambda p: AdamW(p, 0.1, (0.9, 0.5), weight_decay=0.2, amsgrad=True))
run("adam", "lr=0.1 amsgrad=on", lambda p: Adam(p, 0.1, amsgrad=True), late=True)

makers = [("rmsprop", lambda p: RMSprop(p, 0.1)), ("adagrad", lambda p: Adagrad(p, 0.1)), ("adam", lambda p: Adam(p, 0.1))]
cycle = lambda o, n=4, **k: S.OneCycleLR(o, 0.1, total_steps=n, **k)
schedules = [
    ("schedule=linear horizon=4 lr-min=0.02", lambda o: S.LinearLR(o, 1, 0.2, 4)),
    ("schedule=linear warmup=2 horizon=5", lambda o: S.SequentialLR(o, [S.LinearLR(o, 1 / 2, 1, 1), S.LinearLR(o, 1, 0, 3)], [2])),
    ("schedule=plateau gamma=0.5 plateau-patience=0", lambda o: S.ReduceLROnPlateau(o, factor=0.5, patience=0)),
    ("schedule=plateau gamma=0.5 plateau-patience=0 cooldown=1 threshold=0", lambda o: S.ReduceLROnPlateau(o, factor=0.5, patience=0, cooldown=1, threshold=0)),
    ("schedule=plateau plateau-patience=1 threshold=0.2 lr-min=0.03", lambda o: S.ReduceLROnPlateau(o, patience=1, threshold=0.2, min_lr=0.03)),
    ("schedule=onecycle horizon=10 cycle-momentum=off", lambda o: cycle(o, 10, cycle_momentum=False)),
]
for kind, make in makers:
    for options, schedule in schedules:
        run(kind, "lr=0.1 " + options, make, schedule)
run("adam", "lr=0.1 schedule=onecycle horizon=5", lambda p: Adam(p, 0.1), lambda o: cycle(o, 5))
run("adamw", "lr=0.1 schedule=onecycle horizon=6 pct-start=0.5 div-factor=10 final-div-factor=100 base-momentum=0.5 max-momentum=0.8",
    lambda p: AdamW(p, 0.1), lambda o: cycle(o, 6, pct_start=0.5, div_factor=10, final_div_factor=100, base_momentum=0.5, max_momentum=0.8))
run("sgd", "lr=0.1 momentum=0.9 schedule=onecycle horizon=7", lambda p: SGD(p, 0.1, momentum=0.9), lambda o: cycle(o, 7))
run("rmsprop", "lr=0.1 momentum=0.9 schedule=onecycle horizon=7", lambda p: RMSprop(p, 0.1, momentum=0.9), lambda o: cycle(o, 7))

run("sgd", "lr=0.1 momentum=0.9 momentum-start=0.5 momentum-steps=3", lambda p: SGD(p, 0.1, momentum=0.9), lambda o: Momentum(o, 0.5, 3))
run("sgd", "lr=0.1 momentum=0.9 nesterov=on momentum-start=0.2 momentum-steps=2", lambda p: SGD(p, 0.1, momentum=0.9, nesterov=True), lambda o: Momentum(o, 0.2, 2))
run("rmsprop", "lr=0.1 momentum=0.8 momentum-start=0.3 momentum-steps=1", lambda p: RMSprop(p, 0.1, momentum=0.8), lambda o: Momentum(o, 0.3, 1))
