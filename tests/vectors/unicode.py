"""Ranges of Unicode's letters and numbers (general categories L* and N*) for src/text/split.c:
python3 tests/vectors/unicode.py > src/text/unicode.inc"""
import unicodedata


def ranges(category):
    inside = [c for c in range(0x110000) if unicodedata.category(chr(c))[0] == category]
    first = [c for i, c in enumerate(inside) if i == 0 or inside[i - 1] != c - 1]
    last = [c for i, c in enumerate(inside) if i + 1 == len(inside) or inside[i + 1] != c + 1]
    return list(zip(first, last))


print("/* unicode.inc - made by tests/vectors/unicode.py from Unicode %s. */" % unicodedata.unidata_version)
for name, category in ("letters", "L"), ("numbers", "N"):
    cells = ["{0x%x,0x%x}" % r for r in ranges(category)]
    print("static const range %s[] = {" % name)
    for i in range(0, len(cells), 8):
        print("    " + ", ".join(cells[i:i + 8]) + ",")
    print("};")
