# api_write.awk - writes what api_read.awk has read.
#
#     awk -v as=json -f tests/checks/api_read.awk -f tests/checks/api_write.awk include/gm/*.h
#
# as: json (the description), python (ctypes), lua (cdef), rust (extern), rows (gm_constant), layout (a C program that prints
# where the fields of structs lie, to hold a binding's own against).

# ---- comments ------------------------------------------------------------------------

# What the comment of k says under a tag, "" for the text before the first one; several stand behind each other.
function tag(k, which,    part, n, i, t, out) {
    n = split(text[k], part, /@/)
    if (which == "") return clean(part[1])
    for (i = 2; i <= n; i++) {
        t = part[i]; sub(/[ \t\n].*/, "", t)
        if (t == which) out = out " " substr(part[i], length(t) + 1)
    }
    out = clean(out)
    sub(/\.$/, "", out)
    return out
}

# What it says of one parameter: "@param a,b text".
function about(k, who,    part, n, i, j, m, t, each) {
    n = split(text[k], part, /@/)
    for (i = 2; i <= n; i++) {
        t = clean(part[i])
        if (t !~ /^param /) continue
        sub(/^param /, "", t); sub(/\.$/, "", t)
        m = split(substr(t, 1, match(t " ", " ") - 1), each, /,/)
        for (j = 1; j <= m; j++) if (each[j] == who) return clean(substr(t, match(t " ", " ")))
    }
    return ""
}

# ---- JSON ----------------------------------------------------------------------------

function quote(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }
function pair(key, s) { return s == "" ? "" : ", " quote(key) ": " quote(s) }

function declarations(k,    i, j, out) {
    for (i = 0; i < many[k]; i++) {
        j = first[k] + i
        out = out (i ? ", " : "") "{\"name\": " quote(name[j]) pair("type", type[j]) (count[j] ? ", \"count\": " count[j] : "") pair("help", k in struct_set ? says[j] : about(k, name[j])) "}"
    }
    return "[" out "]"
}

function write_json(    i, k) {
    printf "{\n\"library\": \"libgm\", \"version\": \"%s\",\n\"handles\": [", version
    for (i = 1; i <= handles; i++) printf "%s%s", (i > 1 ? ", " : ""), quote(handle[i])
    printf "],\n\"aliases\": {"
    for (i = 1; i <= aliases; i++) printf "%s%s: %s", (i > 1 ? ", " : ""), quote(alias[i]), quote(aliased[alias[i]])
    printf "},\n\"constants\": [\n"
    for (i = 1; i <= constants; i++) printf "{\"name\": %s, \"value\": %s%s}%s\n", quote(cname[i]), cvalue[i], pair("header", cheader[i]), (i < constants ? "," : "")
    printf "],\n\"callbacks\": [\n"
    for (i = 1; i <= callbacks; i++) { k = "C" i; printf "{\"name\": %s%s, \"params\": %s%s%s}%s\n", quote(name[k]), pair("returns", type[k]), declarations(k), pair("header", header[k]), pair("summary", tag(k, "")), (i < callbacks ? "," : "") }
    printf "],\n\"structs\": [\n"
    for (i = 1; i <= structs; i++) { k = struct[i]; printf "{\"name\": %s, \"fields\": %s%s}%s\n", quote(k), declarations(k), pair("header", header[k]), (i < structs ? "," : "") }
    printf "],\n\"functions\": [\n"
    for (i = 1; i <= functions; i++) {
        k = "F" i
        printf "{\"name\": %s%s, \"params\": %s%s%s%s%s%s%s%s%s}%s\n", quote(name[k]), pair("returns", type[k]), declarations(k), pair("header", header[k]),
            pair("since", tag(k, "since")), pair("summary", tag(k, "")), pair("result", tag(k, "return")), pair("errors", tag(k, "errors")),
            pair("threads", tag(k, "threads")), pair("gradient", tag(k, "grad")), pair("source", tag(k, "source")), (i < functions ? "," : "")
    }
    print "]\n}"
}

# ---- C types in other languages ----------------------------------------------------------

function stars(t) { return gsub(/\*/, "", t) }
function base(t) { gsub(/\*/, "", t); gsub(/const/, "", t); return clean(t) }
function followed_by_size(j, last) { return j < last && base(type[j + 1]) == "size_t" }

function py_number(b) { return "c_" (b ~ /^u?int[0-9]+_t$/ ? substr(b, 1, length(b) - 2) : b) }

# ctypes. Handles and byte ranges are addresses; a text that ends with a 0 is c_char_p, which takes and gives bytes.
function py(t, n, bytes,    b, s) {
    b = base(t); s = stars(t) + (n ? 1 : 0)
    if (kind[b] == "callback") return b
    if (kind[b] == "alias") b = aliased[b]
    if (s == 0) return b == "void" ? "None" : py_number(b)
    if (b == "char" && t ~ /const/ && !bytes && s <= 2) return s == 1 ? "c_char_p" : "POINTER(c_char_p)"
    if (s == 1 && (b == "void" || b == "char" || kind[b] == "handle")) return "c_void_p"
    if (s > 1) return "POINTER(c_void_p)"
    return "POINTER(" (kind[b] == "struct" ? b : py_number(b)) ")"
}

function write_python(    i, j, k, last, list, shape) {
    print "\"\"\"libgm's constants, structs and prototypes for ctypes. Made from the public headers by\nUPDATE=1 sh tests/checks/api.sh: edit those, not this.\"\"\""
    print "from ctypes import *  # noqa: F403\n"
    print "VERSION = \"" version "\""
    for (i = 1; i <= structs; i++) printf "class %s(Structure): pass\n", struct[i]
    for (i = 1; i <= aliases; i++) if (kind[aliased[alias[i]]] == "struct") printf "%s = %s\n", alias[i], aliased[alias[i]]
    for (i = 1; i <= callbacks; i++) {
        k = "C" i; last = first[k] + many[k] - 1; list = py(type[k])
        for (j = first[k]; j <= last; j++) list = list ", " py(type[j], count[j], followed_by_size(j, last))
        printf "%s = CFUNCTYPE(%s)\n", name[k], list
    }
    for (i = 1; i <= structs; i++) {
        k = struct[i]; printf "%s._fields_ = [", k
        for (j = first[k]; j < first[k] + many[k]; j++) printf "%s(\"%s\", %s%s)", (j > first[k] ? ", " : ""), name[j], py(type[j]), (count[j] ? " * " count[j] : "")
        print "]"
    }
    print "\nCONSTANTS = {"
    for (i = 1; i <= constants; i++) printf "    \"%s\": %s,\n", cname[i], cvalue[i]
    print "}\n\n# name: result, parameters, and their names with C types: [] is read, * is written or a handle\nFUNCTIONS = {"
    for (i = 1; i <= functions; i++) {
        k = "F" i; last = first[k] + many[k] - 1; list = shape = ""
        for (j = first[k]; j <= last; j++) {
            list = list py(type[j], count[j]) ", "
            shape = shape (j > first[k] ? " " : "") name[j] ":" brackets(type[j], count[j])
        }
        printf "    \"%s\": (%s, (%s), \"%s\"),\n", name[k], py(type[k], "", type[k] ~ /const/ && type[last] == "size_t *"), list, shape
    }
    print "}"
}

# "const int64_t *" as "int64_t[]", "gm_tensor *const *" as "gm_tensor*[]", "gm_tensor **" as "gm_tensor**"
function brackets(t, n) {
    if (kind[base(t)] == "handle" && stars(t) == 1) return base(t) "*"
    if (n) return base(t) "[" n "]"
    if (t ~ /\*const \*$/) { sub(/\*const \*$/, "*[]", t); gsub(/const| /, "", t); return t }
    if (t ~ /^const/ && stars(t) == 1 && kind[base(t)] == "") return base(t) "[]"
    gsub(/const| /, "", t)
    return t
}

# A C declaration without the macros of the headers.
function c(k,    t) { t = type[k]; return t (t ~ /\*$/ ? "" : " ") name[k] (count[k] ? "[" count[k] "]" : "") }
function c_list(k,    j, out) {
    for (j = first[k]; j < first[k] + many[k]; j++) out = out (j > first[k] ? ", " : "") c(j)
    return out == "" ? "void" : out
}

function write_lua(    i, j, k) {
    print "-- libgm's prototypes and constants for LuaJIT. Made from the public headers by UPDATE=1 sh tests/checks/api.sh: edit those, not this."
    print "local api = { version = \"" version "\" }\napi.cdef = [["
    for (i = 1; i <= handles; i++) printf "typedef struct %s %s;\n", handle[i], handle[i]
    for (i = 1; i <= structs; i++) printf "typedef struct %s %s;\n", struct[i], struct[i]
    for (i = 1; i <= aliases; i++) printf "typedef %s %s;\n", aliased[alias[i]], alias[i]
    for (i = 1; i <= callbacks; i++) { k = "C" i; printf "typedef %s%s(*%s)(%s);\n", type[k], (type[k] ~ /\*$/ ? "" : " "), name[k], c_list(k) }
    for (i = 1; i <= structs; i++) {
        k = struct[i]; printf "struct %s {", k
        for (j = first[k]; j < first[k] + many[k]; j++) printf " %s;", c(j)
        print " };"
    }
    for (i = 1; i <= functions; i++) { k = "F" i; printf "%s(%s);\n", c(k), c_list(k) }
    print "]]\napi.constants = {"
    for (i = 1; i <= constants; i++) printf "    %s = %s,\n", cname[i], cvalue[i]
    print "}\nreturn api"
}

function rust_base(b) {
    if (kind[b] == "alias" && kind[aliased[b]] == "") b = aliased[b]
    if (b == "void") return "c_void"
    if (b == "int") return "c_int"
    if (b == "char") return "c_char"
    if (b == "float") return "f32"
    if (b == "double") return "f64"
    if (b == "size_t") return "usize"
    if (b ~ /^u?int[0-9]+_t$/) { sub(/_t$/, "", b); if (b ~ /^u/) sub(/int/, "", b); else sub(/int/, "i", b); return b }
    return b
}
function rust(t, n,    b, s, out, i, part) { # from the left: [const] base, then stars, each perhaps followed by const
    b = t ~ /^const /
    out = rust_base(base(t))
    sub(/^[^*]*/, "", t); gsub(/ /, "", t)
    s = split(t (n ? "*" : ""), part, /\*/)
    for (i = 2; i <= s; i++) { out = (b ? "*const " : "*mut ") out; b = part[i] == "const" }
    return out
}
function rust_name(n) { return n ~ /^(in|fn|type|loop|match|move|ref|where|use|mod)$/ ? n "_" : n }
function rust_list(k,    j, out) {
    for (j = first[k]; j < first[k] + many[k]; j++) out = out (j > first[k] ? ", " : "") rust_name(name[j]) ": " rust(type[j], count[j])
    return "(" out ")" (type[k] == "void" ? "" : " -> " rust(type[k]))
}

function write_rust(    i, j, k) {
    print "// libgm's prototypes and constants for Rust. Made from the public headers by UPDATE=1 sh tests/checks/api.sh: edit those, not this."
    print "#![allow(non_camel_case_types, dead_code)]\nuse std::os::raw::{c_char, c_int, c_void};\n"
    for (i = 1; i <= handles; i++) printf "#[repr(C)] pub struct %s { _opaque: [u8; 0] }\n", handle[i]
    for (i = 1; i <= aliases; i++) printf "pub type %s = %s;\n", alias[i], rust_base(aliased[alias[i]])
    for (i = 1; i <= callbacks; i++) { k = "C" i; printf "pub type %s = Option<unsafe extern \"C\" fn%s>;\n", name[k], rust_list(k) }
    for (i = 1; i <= structs; i++) {
        k = struct[i]; printf "#[repr(C)] #[derive(Clone, Copy)] pub struct %s {", k
        for (j = first[k]; j < first[k] + many[k]; j++) printf " pub %s: %s,", rust_name(name[j]), count[j] ? "[" rust(type[j]) "; " count[j] "]" : rust(type[j])
        print " }"
    }
    for (i = 1; i <= constants; i++) printf "pub const %s: i32 = %s;\n", cname[i], cvalue[i]
    print "\nextern \"C\" {"
    for (i = 1; i <= functions; i++) { k = "F" i; printf "    pub fn %s%s;\n", name[k], rust_list(k) }
    print "}"
}

# ---- C ---------------------------------------------------------------------------------

function write_rows(    i) {
    print "/* Made from the public headers by UPDATE=1 sh tests/checks/api.sh: edit those, not this. */"
    for (i = 1; i <= constants; i++) printf "ROW(%s)\n", cname[i]
}

function write_layout(    i, j, k) {
    print "#include <gm/gm.h>\n#include <stdio.h>\nint main(void)\n{"
    for (i = 1; i <= structs; i++) {
        k = struct[i]; printf "    printf(\"%s %%zu\\n\", sizeof(%s));\n", k, k
        for (j = first[k]; j < first[k] + many[k]; j++) printf "    printf(\"%s.%s %%zu %%zu\\n\", offsetof(%s, %s), sizeof ((%s *)0)->%s);\n", k, name[j], k, name[j], k, name[j]
    }
    for (i = 1; i <= constants; i++) printf "    printf(\"%s %%d\\n\", %s);\n", cname[i], cname[i]
    print "    return 0;\n}"
}

END {
    if (failed) exit 1
    for (i = 1; i <= structs; i++) struct_set[struct[i]] = 1
    for (i = 1; i <= constants; i++) if (cname[i] ~ /^GM_VERSION_/) version = version (version == "" ? "" : ".") cvalue[i]
    if (as == "json") write_json()
    else if (as == "python") write_python()
    else if (as == "lua") write_lua()
    else if (as == "rust") write_rust()
    else if (as == "rows") write_rows()
    else if (as == "layout") write_layout()
    else { print "api_write.awk: as=" as "?" > "/dev/stderr"; exit 1 }
}
