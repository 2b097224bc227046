"""Prints where gm_api.py has the fields of structs, as the C program of tests/checks/ffi.sh does."""
import ctypes
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/ffi/python"))
import gm_api as api  # noqa: E402

structs = [s for s in vars(api).values() if isinstance(s, type) and issubclass(s, ctypes.Structure) and hasattr(s, "_fields_")]
for s in dict.fromkeys(structs):
    print(s.__name__, ctypes.sizeof(s))
    for name, _ in s._fields_:
        field = getattr(s, name)
        print("%s.%s %d %d" % (s.__name__, name, field.offset, field.size))
for name, value in api.CONSTANTS.items():
    print(name, value)
