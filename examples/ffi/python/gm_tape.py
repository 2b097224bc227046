"""gm_tape.py - tapes, their operations, networks and optimisers; gm.py has them all.

    w = gm.tensor(W).want_grad()
    with gm.Tape() as t:
        loss = gm.ops.mse(t, gm.ops.linear(t, x, w), y, gm.MEAN)
        t.backward(loss)
"""
import ctypes
from ctypes import byref, c_void_p

import gm_api as api
from gm_core import Error, Tensor, _Handle, _addresses, _copy, _int64s, _maybe, _options, _out, _sized_text, context, lib, tensor

_STALE = api.CONSTANTS["GM_ESTALE"]


class Tape(_Handle):
    """Records operations and differentiates them. What they make is gone after reset()."""
    _free = "gm_tape_free"

    def __init__(self, seed=0, ctx=None):
        ctx, out = ctx or context(), c_void_p()
        ctx.call("gm_tape_new", ctx, seed, byref(out))
        self._adopt(ctx, out.value)

    def _check(self, status):
        if status:
            raise Error(status, lib.gm_tape_message(self).decode(errors="replace"))

    def backward(self, loss):
        with self.ctx.lock:
            self._check(lib.gm_tape_backward(self, loss))

    def grad(self, y, xs, create_graph=False):
        """Gradients of the sum of y with respect to each of xs."""
        xs = [tensor(x, self.ctx) for x in xs]
        out = (c_void_p * len(xs))()
        with self.ctx.lock:
            self._check(lib.gm_tape_grad(self, y, (c_void_p * len(xs))(*[x._as_parameter_.value for x in xs]), len(xs), int(create_graph), out))
        return [Result(self, p) for p in out]

    def reset(self):
        with self.ctx.lock:
            lib.gm_tape_reset(self)

    def training(self, on):
        lib.gm_tape_training(self, int(on))

    def recording(self, on):
        lib.gm_tape_recording(self, int(on))

    def __str__(self):
        return _sized_text(lib.gm_tape_print, self)


class Result(Tensor):
    """What an operation made. It belongs to its tape; numpy() copies it."""

    def __init__(self, tape, pointer):
        self.tape, self.ctx, self._pointer, self._finalizer = tape, tape.ctx, pointer, lambda: None
        self._generation = lib.gm_tape_generation(tape)

    @property
    def _as_parameter_(self):
        if self._generation != lib.gm_tape_generation(self.tape):
            raise Error(_STALE, "this result is of before the tape's reset")
        return c_void_p(self._pointer)

    __array_interface__ = property()  # no view: what NumPy gets is a copy

    def __array__(self, dtype=None, copy=None):
        return self.numpy() if dtype is None else self.numpy().astype(dtype)

    def copy(self):
        return _copy(self.ctx, self)

    def numpy(self):
        return self.copy().numpy()


def _list(value, kind, ctx):
    """Tensors or whole numbers as C reads them; one number stands for both of a pair."""
    if kind == "gm_tensor*[]":
        value = [tensor(v, ctx) for v in value]
        out = (c_void_p * len(value))(*[v._as_parameter_.value for v in value])
        out.kept = value
        return out
    value = [value] * 2 if isinstance(value, int) else list(value)
    return (ctypes.c_int32 * len(value))(*value) if kind.startswith("int32") else _int64s(value)


def _operation(name):
    """gm_NAME as f(tape, ...): lists bring their lengths along; further results come behind the first."""
    returns, _, text = api.FUNCTIONS[name]
    params = [p.split(":") for p in text.split()]
    kinds = [kind for _, kind in params]
    counts = {j: i for i, (who, kind) in enumerate(params) if who in ("n", "ndim") and kind == "int32_t"
              for j in (i - 1, i + 1) if 0 < j < len(kinds) and kinds[j].endswith("[]")}  # of which list: where its length goes
    outs = [i for i, kind in enumerate(kinds) if kind == "gm_tensor**"]
    length = next((i for i, (who, _) in enumerate(params) if who == "n"), None)

    def call(t, *args, **named):
        given, values = list(args), [t] + [None] * (len(params) - 1)
        for i, (who, kind) in enumerate(params[1:], 1):
            if i in counts.values() or i in outs:
                continue
            value = named.pop(who) if who in named else given.pop(0) if given else None
            if value is None:
                if "*" not in kind and "[" not in kind:
                    raise TypeError("%s: %s is missing" % (name, who))
            elif kind == "gm_tensor*":
                value = tensor(value, t.ctx)
            elif kind.endswith("]"):
                value = _list(value, kind, t.ctx)
                if i in counts:
                    values[counts[i]] = len(value)
            elif who == "dtype" and isinstance(value, str):
                value = api.CONSTANTS["GM_" + value.upper()]
            values[i] = value
        if given or named:
            raise TypeError("%s: too many arguments: %s" % (name, given or list(named)))
        for i in counts.values():
            values[i] = values[i] or 0
        many = values[length] if returns is ctypes.c_int32 else 1
        for i in outs:
            values[i] = (c_void_p * many)()
        with t.ctx.lock:
            first = getattr(lib, name)(*_addresses(values))
            t._check(lib.gm_tape_status(t))
        rest = [Result(t, p) for i in outs for p in values[i]]
        if returns is ctypes.c_int32:
            return rest
        return (Result(t, first), *rest) if rest else Result(t, first)

    call.__name__, call.__doc__ = name, "%s(%s)" % (name, ", ".join("%s: %s" % (who, kind) for who, kind in params))
    return call


class _Operations:
    """gm.ops.sigmoid(tape, x): every function of the library whose first parameter is a tape."""

    def __getattr__(self, name):
        shape = api.FUNCTIONS.get("gm_" + name, (None, None, ""))[2]
        if not shape.startswith("t:gm_tape*") or name.startswith("tape_"):
            raise AttributeError("no operation gm_" + name)
        setattr(self, name, _operation("gm_" + name))
        return getattr(self, name)


ops = _Operations()


class Net(_Handle):
    """A network from text, for rows of a shape: Net("linear 400, relu, linear 784", (20,)). Called with a tape and rows."""
    _free = "gm_net_free"

    def __init__(self, text, shape, seed=0, cond=0, ctx=None):
        ctx, out = ctx or context(), c_void_p()
        ctx.call("gm_net_new_cond", ctx, text.encode(), len(shape), _int64s(shape), cond, seed, byref(out))
        self._adopt(ctx, out.value)

    def __call__(self, t, x, cond=None):
        with self.ctx.lock:
            y = lib.gm_net_apply(self, t, tensor(x, self.ctx), _maybe(cond, self.ctx))
            t._check(lib.gm_tape_status(t))
        return Result(t, y)

    parameters = property(lambda self: lib.gm_net_parameters(self))
    text = property(lambda self: lib.gm_net_text(self).decode())

    def tensors(self):
        """Copies of the weights by name."""
        count = range(lib.gm_net_tensor_count(self))
        return {lib.gm_net_tensor_name(self, i).decode(): _out(_copy(self.ctx, c_void_p(lib.gm_net_tensor(self, i)))) for i in count}

    def __str__(self):
        return _sized_text(lib.gm_net_print, self)


class Optim(_Handle):
    """An optimiser: Optim("adam", lr=1e-3).add(net)."""
    _free = "gm_optim_free"

    def __init__(self, kind="adam", ctx=None, **options):
        ctx, out = ctx or context(), c_void_p()
        ctx.call("gm_optim_new", ctx, kind.encode(), _options(options), byref(out))
        self._adopt(ctx, out.value)

    def add(self, what, **options):
        """A network, or a leaf: a tensor over an array then changes that array."""
        if isinstance(what, Net):
            self.ctx.call("gm_optim_add_net", self, what, _options(options))
        else:
            what._writable()
            self.ctx.call("gm_optim_add", self, what, _options(options))
        return self

    def step(self):
        self.ctx.call("gm_optim_step", self)

    steps = property(lambda self: lib.gm_optim_steps(self))
    lr = property(lambda self: lib.gm_optim_lr(self))
