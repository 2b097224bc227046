"""ops_binary.py - reference functions of the products made for zeros and ones; see ops.py."""


def binary_linear(x, i, f):
    y = x[0] @ (x[1] if i and i[0] else x[1].mT)
    return y if x[2] is None else y + x[2]


OPS = {"binary_linear": binary_linear}
