"""libgm from Python: the four files gm*.py, nothing compiled. NumPy is used if it is there.

    import gm
    vae = gm.VAE(hidden=400, latent=20).fit(X, epochs=10)      # X: an array [rows, ...], which is not copied
    gm.grid(vae.sample(64), "digits.png")

Results are NumPy arrays over the library's memory, without NumPy gm.Tensor. Failures raise gm.Error. gm.lib has every function of
the C library, gm.MEAN, gm.CAN_SAMPLE .. its constants. Every thread has a context of its own, gm.context(), unless one is given.
"""
import array
import collections
import ctypes
import itertools
import json
import os
import sys
from ctypes import byref, c_double, c_int32, c_int64, c_size_t, c_void_p, sizeof

import gm_api as api
from gm_core import (END, OK, Context, Error, Tensor, _Handle, _copy, _fields, _maybe, _options, _out, _rows, _sized_text, context, lib, numpy, tensor, version)
from gm_tape import Net, Optim, Tape, ops

_C = api.CONSTANTS


# ---- pictures and data ---------------------------------------------------------------------------

def grid(images, path, columns=0):
    """Writes images [N, H, W] or [N, C, H, W] in [0,1] side by side as a PNG."""
    t = tensor(images)
    t.ctx.call("gm_png_write", t, columns, os.fsencode(path))


class Dataset(_Handle):
    """Rows to learn from: Dataset("idx:images.gz,labels.gz") by a SPEC, Dataset(x, label, y=targets) over arrays."""
    _free = "gm_dataset_free"

    def __init__(self, x, label=None, ctx=None, **columns):
        ctx, out = ctx or context(), c_void_p()
        if isinstance(x, str):
            if label is not None or columns:
                raise TypeError("Dataset: columns beside a SPEC")
            ctx.call("gm_dataset_open", ctx, x.encode(), byref(out))
        else:
            ctx.call("gm_dataset_from_tensors", ctx, tensor(x, ctx), _maybe(label, ctx), byref(out))
        self._adopt(ctx, out.value)
        for name, column in columns.items():
            ctx.call("gm_dataset_add", self, name.encode(), tensor(column, ctx))

    def __len__(self):
        return lib.gm_dataset_rows(self)

    @property
    def columns(self):
        return [lib.gm_dataset_column_name(self, i).decode() for i in range(lib.gm_dataset_columns(self))]

    def read(self, column="x", first=0, n=None):
        return _out(self.ctx.make(Tensor, "gm_dataset_read", self, column.encode(), first, len(self) - first if n is None else n))

    def range(self, first, end, stride=1):
        return self.ctx.make(Dataset, "gm_dataset_range", self, first, end, stride)

    def split(self, fraction, seed=0):
        a, b = c_void_p(), c_void_p()
        self.ctx.call("gm_dataset_split", self, fraction, seed, byref(a), byref(b))
        return Dataset._of(self.ctx, a.value), Dataset._of(self.ctx, b.value)

    def batches(self, epochs=1, columns=(), **options):
        """A generator of batches of x, with further columns as tuples (x, label ..)."""
        b = self.ctx.make(_Batches, "gm_batches_new", self, _options(options))
        for _ in range(epochs):
            x = c_void_p()
            while self.ctx.call("gm_batches_next", b, byref(x)) == OK:
                named = [lib.gm_batches_column(b, c.encode()) for c in columns]
                if None in named:
                    raise KeyError(columns[named.index(None)])
                parts = [_out(_copy(self.ctx, c_void_p(p))) for p in [x.value] + named]
                yield tuple(parts) if columns else parts[0]


class _Batches(_Handle):
    _free = "gm_batches_free"


def texts(rows, ctx=None):
    """A data set of texts for language models, from str or bytes."""
    ctx = ctx or context()
    rows = [r.encode() if isinstance(r, str) else bytes(r) for r in rows]
    ends = array.array("q", [0] + list(itertools.accumulate(map(len, rows))))
    return ctx.make(Dataset, "gm_dataset_from_ragged", ctx, tensor(b"".join(rows), ctx), tensor(ends, ctx), None)


def _data(x, label, ctx, columns=()):
    return x if isinstance(x, Dataset) else Dataset(x, label, ctx, **dict(columns))


# ---- models ------------------------------------------------------------------------------------

Measure = collections.namedtuple("Measure", "value error unit note rows")


def families():
    return [lib.gm_family_name(i).decode() for i in range(lib.gm_family_count())]


def options(owner):
    """The options of a family, of "train" or of "eval": name, type, default_text, help, lo, hi."""
    rows = []
    while True:
        o = api.gm_option(struct_size=sizeof(api.gm_option))
        status = lib.gm_option_at(owner.encode(), len(rows), byref(o))
        if status == END:
            return rows
        if status:
            raise Error(status, "no options of " + owner)
        rows.append(_fields(o))


class Model(_Handle):
    """A model. gm.VAE, gm.RBM .. are its families: keyword arguments are the family's options."""
    _free = "gm_model_free"
    family = None

    def __init__(self, ctx=None, **options):
        ctx, out = ctx or context(), c_void_p()
        ctx.call("gm_model_new", ctx, (self.family or "").encode(), _options(options), byref(out))
        self._adopt(ctx, out.value)

    def trainer(self, data, label=None, valid=None, y=None, **options):
        data = _data(data, label, self.ctx, {} if y is None else {"y": y})
        t = self.ctx.make(Trainer, "gm_trainer_new", self, data, _options(options))
        if valid is not None:
            self.ctx.call("gm_trainer_set_valid", t, _data(valid, None, self.ctx))
        t.model = self
        return t

    def fit(self, data, label=None, progress=None, seconds=0.1, **options):
        """Trains on arrays, a Dataset or a SPEC; `valid` and `y` as well. progress(p) is called every so many seconds; what it
        raises comes out of fit, and a true result stops it with GM_ECANCELED. Further arguments are options("train")."""
        self.trainer(data, label, **options).run(progress, seconds)
        return self

    def sample(self, n=1, seed=0, cond=None):
        if cond is not None:
            return self.sampler(seed=seed).draw(n, cond)
        return _out(self.ctx.make(Tensor, "gm_sample", self, n, seed))

    def sampler(self, ctx=None, **options):
        """A stream of draws. Another thread gives a context of its own: model.sampler(gm.context())."""
        ctx = ctx or self.ctx
        return ctx.make(Sampler, "gm_sampler_new", ctx, self, _options(options), keep=self.ctx._log)

    def _apply(self, verb, x, cond):
        return _out(self.ctx.make(Tensor, "gm_model_apply", self, verb, _rows(x, self.ctx), _maybe(cond, self.ctx)))

    def encode(self, x, cond=None):
        return self._apply(_C["GM_CAN_ENCODE"], x, cond)

    def decode(self, z, cond=None):
        return self._apply(_C["GM_CAN_DECODE"], z, cond)

    def reconstruct(self, x, cond=None):
        return self._apply(_C["GM_CAN_RECONSTRUCT"], x, cond)

    def score(self, x, cond=None):
        return self._apply(_C["GM_CAN_SCORE"], x, cond)

    def predict(self, x, cond=None):
        return self._apply(_C["GM_CAN_PREDICT"], x, cond)

    def log_prob(self, x, cond=None, **options):
        if cond is not None:
            return self._apply(_C["GM_CAN_LOG_PROB"], x, cond)
        out = c_void_p()
        self.ctx.call("gm_log_prob", self, _rows(x, self.ctx), _options(options), byref(out), None)
        return _out(Tensor._of(self.ctx, out.value))

    def complete(self, x, known=None, cond=None, **options):
        ctx = self.ctx
        return _out(ctx.make(Tensor, "gm_complete", self, _rows(x, ctx), _maybe(known, ctx), _maybe(cond, ctx), _options(options)))

    def eval(self, data, label=None, **options):
        """Measures by name: model.eval(digits, metric="elbo")["elbo"].value."""
        out, n = (api.gm_measure * 64)(), c_int32()
        self.ctx.call("gm_eval", self, _data(data, label, self.ctx), _options(options), out, len(out), byref(n))
        return {m.name.decode(): Measure(m.value, m.error, m.unit.decode(), m.note.decode(), m.rows) for m in out[:n.value]}

    def generate(self, prompt="", tokens=100, **options):
        """Text of a language model behind a prompt."""
        with self.sampler(**options) as s:
            return "".join(s.prompt(prompt).write(tokens))

    def save(self, path):
        self.ctx.call("gm_model_save", self, os.fsencode(path))

    def copy(self):
        return self.ctx.make(type(self), "gm_model_copy", self)

    @property
    def tokenizer(self):
        """A language model's tokenizer."""
        pointer = lib.gm_lm_tokenizer(self)
        return pointer and Tokenizer._borrow(self.ctx, pointer, self)

    def can(self, verb):
        return bool(lib.gm_model_can(self) & _C["GM_CAN_" + verb.upper()])

    @property
    def config(self):
        return json.loads(lib.gm_model_config(self))

    @property
    def parameters(self):
        return lib.gm_model_parameters(self)

    def tensors(self):
        """Copies of the weights by name."""
        count = range(lib.gm_model_tensor_count(self))
        return {lib.gm_model_tensor_name(self, i).decode(): _out(_copy(self.ctx, c_void_p(lib.gm_model_tensor(self, i)))) for i in count}

    def __repr__(self):
        return "gm.%s(%d parameters)" % (type(self).__name__, self.parameters)

    def __str__(self):
        return _sized_text(lib.gm_model_print, self)


def load(path, ctx=None):
    """A model from its file."""
    ctx = ctx or context()
    m = ctx.make(Model, "gm_model_load", ctx, os.fsencode(path))
    m.__class__ = _family(lib.gm_model_family(m).decode())
    return m


_families = {}


def _family(name):
    if name not in _families:
        rows = ["%s (%s) %s" % (o.name, o.default_text, o.help) for o in options(name)]
        title = name.upper() if len(name) <= 6 else name.title().replace("-", "")
        text = "%s\n\nOptions:\n    %s" % (lib.gm_family_title(name.encode()).decode(), "\n    ".join(rows))
        _families[name] = type(title, (Model,), {"family": name, "__doc__": text, "__module__": __name__})
    return _families[name]


def __getattr__(name):  # gm.VAE, gm.NaiveBayes; gm.MEAN, gm.EARG
    if "GM_" + name in _C:
        return _C["GM_" + name]
    by_letters = {f.replace("-", ""): f for f in families()}
    if name[:1].isupper() and name.lower() in by_letters:
        return _family(by_letters[name.lower()])
    raise AttributeError("module gm has no attribute %r" % name)


class _Guard:
    """Lets what a Python callback raises pass through C: the callback stops the call, and leaving the guard raises it again.
    What a signal's handler raises before the callback's first line goes to sys.unraisablehook and is caught there."""

    def __init__(self):
        self.error = None

    def wrap(self, kind, fn):
        def run(*args):
            try:
                return 1 if self.error or fn(*args) else 0
            except BaseException as e:
                self.error = e
                return 1
        return kind(run)

    def _unraisable(self, what):
        if "_Guard.wrap" in "%r %s" % (what.object, what.err_msg):
            self.error = what.exc_value
        else:
            self._hook(what)

    def __enter__(self):
        self._hook, sys.unraisablehook = sys.unraisablehook, self._unraisable
        return self

    def __exit__(self, *_):
        sys.unraisablehook = self._hook
        if self.error is not None:
            error, self.error = self.error, None
            raise error from None


class Trainer(_Handle):
    """Training step by step, from Model.trainer or resume."""
    _free = "gm_trainer_free"

    def run(self, progress=None, seconds=0.1):
        """Until it is done. A callback is set in any case, so that Ctrl-C gets through."""
        with _Guard() as guard:
            fn = guard.wrap(api.gm_progress_fn, lambda p, _: progress and progress(_fields(p.contents)))
            self.ctx.call("gm_trainer_set_progress", self, fn, None, seconds)
            try:
                self.ctx.call("gm_trainer_run", self)
            except Error:
                if guard.error is None:
                    raise
            finally:
                self.ctx.call("gm_trainer_set_progress", self, api.gm_progress_fn(), None, 0)
        return self

    def step(self):
        """One step; its loss, or None when the run is done."""
        loss = c_double()
        return loss.value if self.ctx.call("gm_trainer_step", self, byref(loss)) == OK else None

    def save(self, path):
        self.ctx.call("gm_trainer_save", self, os.fsencode(path))

    steps = property(lambda self: lib.gm_trainer_steps(self))
    done = property(lambda self: bool(lib.gm_trainer_done(self)))

    def events(self):
        out = []
        for i in range(lib.gm_trainer_event_count(self)):
            e = api.gm_event(struct_size=sizeof(api.gm_event))
            self.ctx.call("gm_trainer_event", self, i, byref(e))
            out.append(_fields(e))
        return out

    def series(self):
        """Curves by name: ([steps], [values])."""
        out = {}
        for i in range(lib.gm_trainer_series_count(self)):
            n = lib.gm_trainer_series_read(self, i, None, None, 0)
            steps, values = (ctypes.c_uint64 * n)(), (c_double * n)()
            lib.gm_trainer_series_read(self, i, steps, values, n)
            out[lib.gm_trainer_series_name(self, i).decode()] = list(steps), list(values)
        return out


def resume(path, data, label=None, valid=None, ctx=None, **options):
    """A trainer that goes on from a checkpoint, with the same data; its model is trainer.model."""
    ctx = ctx or context()
    held_out = None if valid is None else _data(valid, None, ctx)
    t = ctx.make(Trainer, "gm_trainer_resume", ctx, os.fsencode(path), _data(data, label, ctx), held_out, _options(options))
    pointer = lib.gm_trainer_model(t)
    t.model = _family(lib.gm_model_family(pointer).decode())._borrow(ctx, pointer, t)
    return t


# ---- draws -------------------------------------------------------------------------------------


class Sampler(_Handle):
    """A stream of draws: rows by draw(n) or `for row in sampler`; of a language model text, by prompt, tokens and write."""
    _free = "gm_sampler_free"
    _guard = None

    def draw(self, n=1, cond=None):
        return _out(self.ctx.make(Tensor, "gm_sampler_draw", self, n, _maybe(cond, self.ctx)))

    def __iter__(self):
        while True:
            yield from self.draw(1)

    def prompt(self, text):
        text = text.encode() if isinstance(text, str) else text
        self.ctx.call("gm_sampler_prompt", self, text, len(text))
        return self

    def _call(self, name, *args):
        if self._guard is None:
            return self.ctx.call(name, self, *args)
        with self._guard as guard:  # what a filter raises
            try:
                return self.ctx.call(name, self, *args)
            except Error:
                if guard.error is None:
                    raise

    def tokens(self):
        """Numbers of tokens as they are drawn, until the text ends."""
        token = c_int64()
        while self._call("gm_sampler_next", byref(token)) == OK:
            yield token.value

    def write(self, tokens=100):
        """Pieces of text as they are made, from so many tokens or until the text ends."""
        pieces = []
        take = api.gm_text_fn(lambda p, n, _: pieces.append(ctypes.string_at(p, n)) or 0)
        for _ in range(tokens):
            status = self._call("gm_sampler_write", 1, take, None, None)
            if pieces:
                yield b"".join(pieces).decode(errors="replace")
                pieces.clear()
            if status == END:
                return

    def filter(self, fn):
        """fn(logits) may change the logits of the next token, an array of the library's that lasts for the call; None: no filter.
        What it raises comes out of tokens() and write()."""
        self._guard = guard = _Guard()

        def run(logits, n, _):
            values = ctypes.cast(logits, ctypes.POINTER(ctypes.c_float * n)).contents
            fn(numpy.frombuffer(values, numpy.float32) if numpy else values)

        self._filter = guard.wrap(api.gm_logits_fn, run) if fn else api.gm_logits_fn()
        self.ctx.call("gm_sampler_filter", self, self._filter, None)

    @property
    def state(self):
        """The stream's state as bytes, which another sampler of the same model can be given."""
        n = c_size_t()
        self.ctx.call("gm_sampler_state_save", self, None, byref(n))
        out = ctypes.create_string_buffer(n.value)
        self.ctx.call("gm_sampler_state_save", self, out, byref(n))
        return out.raw[:n.value]

    @state.setter
    def state(self, data):
        self.ctx.call("gm_sampler_state_load", self, data, len(data))


class Tokenizer(_Handle):
    """Text to numbers and back: Tokenizer(text, kind="bpe", vocab=1000), or a language model's own."""
    _free = "gm_tokenizer_free"

    def __init__(self, text=b"", ctx=None, **options):
        ctx, out = ctx or context(), c_void_p()
        text = text.encode() if isinstance(text, str) else text
        ctx.call("gm_tokenizer_train", ctx, _options(options), text, len(text), byref(out))
        self._adopt(ctx, out.value)

    def __len__(self):
        return lib.gm_tokenizer_size(self)

    def encode(self, text):
        text = text.encode() if isinstance(text, str) else text
        return _out(self.ctx.make(Tensor, "gm_tokenizer_encode", self, text, len(text), 0))

    def decode(self, tokens):
        t, n = tensor(tokens, self.ctx), c_size_t()
        self.ctx.call("gm_tokenizer_decode", self, t, 0, None, 0, byref(n))
        out = ctypes.create_string_buffer(n.value)
        self.ctx.call("gm_tokenizer_decode", self, t, 0, out, n.value, byref(n))
        return out.raw[:n.value].decode(errors="replace")
