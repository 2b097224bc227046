"""gm_core.py - the library, its handles, contexts and tensors; gm.py builds on it."""
import array
import ctypes
import itertools
import json
import os
import sys
import threading
import types
import weakref
from ctypes import byref, c_char_p, c_double, c_int32, c_int64, c_size_t, c_ssize_t, c_void_p, sizeof

import gm_api as api

try:
    import numpy
except ImportError:
    numpy = None

# ---- the library -------------------------------------------------------------------------------


class _Library:
    """Its functions by their C names, bound at first use. GM_LIBRARY names the file to load."""

    def __init__(self):
        here = os.path.dirname(os.path.abspath(__file__))
        near = [os.path.join(here, "libgm.so.0"), os.path.join(here, "../../../lib/libgm.so.0")]
        path = os.environ.get("GM_LIBRARY") or next(filter(os.path.exists, near), "libgm.so.0")
        self._dll = ctypes.CDLL(path)

    def __getattr__(self, name):
        if name not in api.FUNCTIONS:
            raise AttributeError("libgm has no function " + name)
        f = getattr(self._dll, name)
        f.restype, f.argtypes, _ = api.FUNCTIONS[name]
        setattr(self, name, f)
        return f


lib = _Library()
OK, END = 0, 1


class Error(Exception):
    """A failed call: status (a number), name ("GM_ESHAPE"), message (one line)."""

    def __init__(self, status, message):
        self.status, self.name, self.message = status, lib.gm_status_name(status).decode(), message
        super().__init__("%s: %s" % (self.name, message))


def version():
    return lib.gm_version_string().decode()


# ---- handles -----------------------------------------------------------------------------------


def _release(free, pointer, keep):
    free(pointer)


class _Handle:
    """An object of the library. It is freed once: by close(), by the garbage collector or when the interpreter ends, in any
    order and from any thread; the library counts who still needs it."""

    def _adopt(self, ctx, pointer, keep=()):
        # what C may call or read lives until the handle is freed, not until this object is
        self.ctx, self._pointer = ctx, pointer
        self._finalizer = weakref.finalize(self, _release, getattr(lib, self._free), pointer, (ctx and ctx._log, keep))
        return self

    @classmethod
    def _of(cls, ctx, pointer, keep=()):
        return cls.__new__(cls)._adopt(ctx, pointer, keep)

    @classmethod
    def _borrow(cls, ctx, pointer, owner):
        # another handle's, which `owner` keeps alive
        self = cls.__new__(cls)
        self.ctx, self._pointer, self._finalizer, self._owner = ctx, pointer, lambda: None, owner
        return self

    @property
    def _as_parameter_(self):
        if self._pointer is None:
            raise ValueError("this %s is closed" % type(self).__name__)
        return c_void_p(self._pointer)

    def close(self):
        self._pointer = None
        self._finalizer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _addresses(args):
    """Handles as C sees them; one that is closed raises here, under its own name."""
    return [a._as_parameter_ if isinstance(a, _Handle) else a for a in args]


class Context(_Handle):
    """Threads, memory, log and last message. Options are the fields of gm_ctx_config: threads, max_bytes, precision, debug ..;
    log is called with (level, line). Calls on one context wait for one another; for work side by side make one a thread."""
    _free = "gm_ctx_free"

    def __init__(self, log=None, **options):
        config, out = api.gm_ctx_config(), c_void_p()
        lib.gm_ctx_config_init(byref(config), sizeof(config))
        for name, value in options.items():
            if name not in dict(config._fields_):
                raise TypeError("Context: no option " + name)
            setattr(config, name, value.encode() if isinstance(value, str) else value)
        self._log = None
        if log:
            config.log = self._log = api.gm_log_fn(lambda level, line, _: log(level, line.decode(errors="replace")))
        status = lib.gm_ctx_new(byref(config), byref(out))
        if status:
            raise Error(status, lib.gm_status_text(status).decode())
        self.lock = threading.RLock()
        self._adopt(self, out.value)
        self.ctx = weakref.proxy(self)  # no circle

    def call(self, name, *args):
        """Calls an action of the library; OK or END comes back, anything else is raised."""
        with self.lock:
            status = getattr(lib, name)(*_addresses(args))
            if status not in (OK, END):
                message = lib.gm_ctx_message(self) if self._pointer else lib.gm_status_text(status)
                raise Error(status, message.decode(errors="replace"))
        return status

    def make(self, cls, name, *args, keep=()):
        """Calls an action whose last parameter receives a handle; gives that as an object of cls."""
        out = c_void_p()
        self.call(name, *args, byref(out))
        return cls._of(self, out.value, keep)

    def cancel(self):
        """Stops what another thread runs on this context: it raises GM_ECANCELED."""
        lib.gm_ctx_cancel(self)

    def memory(self):
        m = api.gm_memory(struct_size=sizeof(api.gm_memory))
        self.call("gm_ctx_memory", self, byref(m))
        return _fields(m)


_threads = threading.local()


def context():
    """The calling thread's own context."""
    if getattr(_threads, "ctx", None) is None or _threads.ctx._pointer is None:
        _threads.ctx = Context()
    return _threads.ctx


def _fields(struct):
    """A copy of a struct's fields, texts as str."""
    values = {name: getattr(struct, name) for name, *_ in struct._fields_ if name not in ("struct_size", "reserved")}
    return types.SimpleNamespace(**{k: v.decode(errors="replace") if isinstance(v, bytes) else v for k, v in values.items()})


def _options(options):
    """Options as the JSON that the library reads; lists become comma lists."""
    def value(v):
        if isinstance(v, (list, tuple)):
            return ",".join(map(str, v))
        return v.item() if hasattr(v, "item") else v
    return json.dumps({k: value(v) for k, v in options.items()}).encode()


def _sized_text(function, *args):
    n = function(*args, None, 0)
    out = ctypes.create_string_buffer(n + 1)
    function(*args, out, n + 1)
    return out.value.decode(errors="replace")


# ---- tensors -----------------------------------------------------------------------------------


class _Buffer(ctypes.Structure):  # Py_buffer
    _fields_ = [("buf", c_void_p), ("obj", c_void_p), ("len", c_ssize_t), ("itemsize", c_ssize_t), ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
                ("format", c_char_p), ("shape", ctypes.POINTER(c_ssize_t)), ("strides", ctypes.POINTER(c_ssize_t)), ("suboffsets", c_void_p), ("internal", c_void_p)]


_get_buffer, _release_buffer = ctypes.pythonapi.PyObject_GetBuffer, ctypes.pythonapi.PyBuffer_Release
_get_buffer.argtypes, _release_buffer.argtypes = [ctypes.py_object, ctypes.POINTER(_Buffer), ctypes.c_int], [ctypes.POINTER(_Buffer)]
_release_buffer.restype = None
_RECORDS_RO = 0x1c  # with format, shape and strides; may be read-only

_C = api.CONSTANTS
_DTYPES = {("f", 4): _C["GM_F32"], ("d", 8): _C["GM_F64"], ("i", 4): _C["GM_I32"], ("l", 4): _C["GM_I32"], ("l", 8): _C["GM_I64"],
           ("q", 8): _C["GM_I64"], ("B", 1): _C["GM_U8"], ("?", 1): _C["GM_U8"]}
_CODES = {_C["GM_F32"]: ("f", "f4"), _C["GM_F64"]: ("d", "f8"), _C["GM_I32"]: ("i", "i4"), _C["GM_I64"]: ("q", "i8"), _C["GM_U8"]: ("B", "u1")}

_lent = {}  # buffers that the library reads: number -> _Buffer
_numbers = itertools.count(1)


@api.gm_deleter_fn
def _returned(data, number):
    _release_buffer(byref(_lent.pop(number)))


def _int64s(values):
    values = [int(v) for v in values]
    return (c_int64 * len(values))(*values)


class Tensor(_Handle):
    """An array of the library's. numpy() is a view of it, tolist() a copy; numpy.asarray(t) works, too."""
    _free = "gm_tensor_free"
    readonly = False

    shape = property(lambda self: tuple(lib.gm_tensor_dim(self, i) for i in range(lib.gm_tensor_ndim(self))))
    strides = property(lambda self: tuple(lib.gm_tensor_stride(self, i) for i in range(lib.gm_tensor_ndim(self))))
    size = property(lambda self: lib.gm_tensor_size(self))
    dtype = property(lambda self: lib.gm_dtype_name(lib.gm_tensor_dtype(self)).decode())

    def _code(self):
        code = _CODES.get(lib.gm_tensor_dtype(self))
        if not code:
            raise TypeError("a tensor of %s has no array type: convert it by gm.ops.cast" % self.dtype)
        return code

    @property
    def __array_interface__(self):
        code, item = self._code()[1], lib.gm_dtype_size(lib.gm_tensor_dtype(self))
        order = "|" if item == 1 else "<" if sys.byteorder == "little" else ">"
        return {"version": 3, "typestr": order + code, "shape": self.shape, "strides": tuple(s * item for s in self.strides),
                "data": (lib.gm_tensor_data(self) or 0, self.readonly)}

    def numpy(self):
        if self.size == 0:
            return numpy.empty(self.shape, self._code()[1])
        return numpy.asarray(self)

    def _bytes(self):
        out = (ctypes.c_char * (self.size * lib.gm_dtype_size(lib.gm_tensor_dtype(self))))()
        self.ctx.call("gm_tensor_read", self, out, len(out))
        return out

    def tolist(self):
        values = iter(array.array(self._code()[0], bytes(self._bytes())))

        def nest(shape):
            return [nest(shape[1:]) for _ in range(shape[0])] if shape else next(values)
        return nest(self.shape)

    def item(self):
        out = c_double()
        self.ctx.call("gm_tensor_item", self, byref(out))
        return out.value

    def __len__(self):
        return self.shape[0]

    def __repr__(self):
        return "gm.%s(%s, %s)" % (type(self).__name__, self.dtype, list(self.shape))

    def _writable(self):
        if self.readonly:
            raise ValueError("the array under this tensor is read-only")

    def assign(self, x):
        """Copies the values of x into this tensor."""
        self._writable()
        self.ctx.call("gm_tensor_assign", self, tensor(x, self.ctx))
        return self

    def want_grad(self, on=True):
        """Marks a leaf that gradients are wanted for; grad has them after Tape.backward."""
        self._writable()
        self.ctx.call("gm_tensor_set_grad", self, int(on))
        return self

    @property
    def grad(self):
        g = lib.gm_tensor_grad(self)
        return g and _out(_copy(self.ctx, c_void_p(g)))


def _out(t):
    return t.numpy() if numpy else t


def _copy(ctx, source, dtype=None):
    """A tensor of the caller's with the values of another, given by its address."""
    shape = _int64s(lib.gm_tensor_dim(source, i) for i in range(lib.gm_tensor_ndim(source)))
    t = ctx.make(Tensor, "gm_tensor_new", ctx, lib.gm_tensor_dtype(source) if dtype is None else dtype, len(shape), shape)
    ctx.call("gm_tensor_assign", t, source)
    return t


def _flatten(x):
    """Nested lists of numbers as (numbers, shape)."""
    if not isinstance(x, (list, tuple)):
        return [x], ()
    parts = [_flatten(v) for v in x]
    if any(shape != parts[0][1] for _, shape in parts):
        raise ValueError("rows differ in length")
    return [v for values, _ in parts for v in values], (len(x),) + (parts[0][1] if parts else ())


def tensor(x, ctx=None):
    """A tensor over an array, without a copy: anything with Python's buffer protocol (NumPy arrays, array.array, bytes, memoryview)
    of float32, float64, int32, int64, uint8 or bool, strided or read-only; it must not move while the library needs it. Lists of
    numbers become int64 or float32."""
    ctx = ctx or context()
    if isinstance(x, Tensor):
        return x
    shape = None
    if isinstance(x, (list, tuple, int, float)):
        values, shape = _flatten(x)
        x = array.array("q" if values and all(isinstance(v, int) for v in values) else "f", values)
    b = _Buffer()
    try:
        _get_buffer(x, byref(b), _RECORDS_RO)
    except (TypeError, BufferError):
        if numpy is None:
            raise TypeError("gm: a %s is not read as an array" % type(x).__name__) from None
        x = numpy.asarray(x)
        _get_buffer(x, byref(b), _RECORDS_RO)
    try:
        form, item = (b.format or b"B").decode(), b.itemsize
        native = form.lstrip("@=" + ("<" if sys.byteorder == "little" else ">"))
        if (native, item) not in _DTYPES:
            raise TypeError("gm: arrays of %s are not read: use float32, float64, int32, int64 or uint8" % getattr(x, "dtype", repr(form)))
        if shape is None:
            shape = [b.shape[i] for i in range(b.ndim)]
        if 0 in shape:  # no elements, wherever they are
            steps, b.buf = None, None
        else:
            steps = [b.strides[i] for i in range(len(shape))] if b.ndim == len(shape) else None
            if (steps and any(s < 0 or s % item for s in steps)) or b.buf % item:
                raise TypeError("gm: an array with strides %s bytes is not read: pass a copy of it" % (tuple(steps),))
            steps = _int64s(s // item for s in steps) if steps else None
        number, out = next(_numbers), c_void_p()
        ctx.call("gm_tensor_wrap", ctx, _DTYPES[native, item], len(shape), _int64s(shape), steps, b.buf, _returned, number, byref(out))
    except BaseException:
        _release_buffer(byref(b))
        raise
    _lent[number] = b
    t = Tensor._of(ctx, out.value)
    t.readonly = bool(b.readonly)
    return t


def _rows(x, ctx):
    """What verbs of models take: float64 becomes float32, as models compute."""
    t = tensor(x, ctx)
    return _copy(ctx, t, _C["GM_F32"]) if t.dtype == "f64" else t


def _maybe(x, ctx):
    return None if x is None else tensor(x, ctx)
