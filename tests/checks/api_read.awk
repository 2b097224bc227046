# api_read.awk - reads the public headers into tables, for api_write.awk.
#
# A declaration k ("const int64_t *x[2]") is type[k], name[k], count[k]; those of a function or callback k are k itself, its
# result, and first[k] .. first[k] + many[k] - 1, its parameters; a struct's are its fields, explained by says[].
# kind[word] is handle, struct, callback or alias. Comments must stand as tests/checks/docs.sh wants them.

function clean(s) { gsub(/[ \t\n]+/, " ", s); sub(/^ /, "", s); sub(/ $/, "", s); return s }
function here(    s) { s = FILENAME; sub(/.*\//, "", s); return s }
function complain(s) { print FILENAME ":" FNR ": " s > "/dev/stderr"; failed = 1 }

function declare(s, k) {
    s = clean(s)
    count[k] = ""
    if (match(s, /\[[^]]*\]$/)) { count[k] = substr(s, RSTART + 1, RLENGTH - 2); s = clean(substr(s, 1, RSTART - 1)) }
    if (!match(s, /[A-Za-z_][A-Za-z_0-9]*$/)) complain("cannot read '" s "'")
    name[k] = substr(s, RSTART)
    type[k] = clean(substr(s, 1, RSTART - 1))
}

# "result name(parameters)"
function prototype(s, k,    open, part, n, i) {
    open = index(s, "(")
    declare(substr(s, 1, open - 1), k)
    s = substr(s, open + 1)
    sub(/\)[^)]*$/, "", s)
    first[k] = declared + 1
    n = clean(s) == "void" ? 0 : split(s, part, /,/)
    for (i = 1; i <= n; i++) declare(part[i], ++declared)
    many[k] = n; header[k] = here(); text[k] = doc
}

function constant(n, v) {
    if (n ~ /_$/) return
    if (v !~ /^-?[0-9]+$/) complain(n " is no plain number")
    constants++; cname[constants] = n; cvalue[constants] = v; cheader[constants] = here()
}

# One statement outside of structs, comments gone.
function statement(s,    k, n, i, part, value) {
    s = clean(s); sub(/ ?;$/, "", s)
    if (s ~ /^typedef struct /) {
        sub(/.* /, "", s)
        handle[++handles] = s; kind[s] = "handle"
    } else if (s ~ /^enum/) {
        sub(/^[^{]*\{/, "", s); sub(/\}.*/, "", s)
        n = split(s, part, /,/)
        for (i = 1; i <= n; i++) if (part[i] ~ /=/) { value = part[i]; sub(/.*=/, "", value); sub(/=.*/, "", part[i]); constant(clean(part[i]), clean(value)) }
    } else if (s ~ /^typedef [^(]*\(\*/) {
        sub(/^typedef /, "", s); sub(/\(\*/, "", s); sub(/\)/, "", s)
        k = "C" ++callbacks
        prototype(s, k); kind[name[k]] = "callback"
    } else if (s ~ /^typedef/) {
        sub(/^typedef /, "", s)
        value = s; sub(/ .*/, "", value); sub(/^[^ ]* /, "", s)
        n = split(s, part, /,/)
        for (i = 1; i <= n; i++) { alias[++aliases] = clean(part[i]); aliased[alias[aliases]] = value; kind[alias[aliases]] = "alias" }
    } else if (s ~ /^GM_API/) {
        sub(/^GM_API /, "", s)
        prototype(s, "F" ++functions)
    } else if (s != "") complain("cannot read '" s "'")
    doc = ""
}

# The fields of one line of a struct; `say` is the comment that belongs to them.
function members(s, say,    part, each, n, m, i, j, root, marks) {
    n = split(s, part, /;/)
    for (i = 1; i < n; i++) {
        m = split(part[i], each, /,/)
        for (j = 1; j <= m; j++) {
            if (j > 1) { marks = each[j]; gsub(/[^*]/, "", marks); gsub(/\*/, "", each[j]); each[j] = root " " marks each[j] }
            declare(each[j], ++declared)
            if (j == 1) { root = type[declared]; sub(/ ?\**$/, "", root) }
            says[declared] = clean(say)
        }
    }
}

# A line without its comments, which go to `said`; a comment that begins with two stars is the doc of what follows.
function code(s,    out, at) {
    out = ""; said = ""
    while (s != "") {
        at = index(s, comment ? "*/" : "/*")
        if (!comment) {
            if (!at) return out s
            out = out substr(s, 1, at - 1); s = substr(s, at + 2); comment = 1
            isdoc = s ~ /^\*/
            if (isdoc) { doc = ""; s = substr(s, 2) }
        } else {
            sub(/^ +\*( |$)/, "", s); at = index(s, "*/")
            said = said (at ? substr(s, 1, at - 1) : s)
            if (isdoc) doc = doc " " (at ? substr(s, 1, at - 1) : s)
            s = at ? substr(s, at + 2) : ""
            if (at) comment = 0
        }
    }
    return out
}

FNR == 1 { stmt = doc = wait = ""; depth = body = comment = 0 }
/^#ifdef __cplusplus/ { skip = 1 }
skip { if (/^#endif/) skip = 0; next }
/^ +X\([A-Z]+, [0-9]+, "/ { split($0, row, /[(,]/); constant("GM_" clean(row[2]), clean(row[3])); next }
/^#define GM_VERSION_/ { constant($2, $3) }
/^#/ || /^ +GM_STATUS_LIST/ { next }
{
    inside = comment # the line begins in a comment
    s = code($0)
}
s ~ /^typedef struct.*\{/ { body = 1; start = declared + 1; wait = ""; next }
body && s ~ /^\}/ {
    sub(/^\} */, "", s); sub(/ *;.*/, "", s)
    struct[++structs] = s; kind[s] = "struct"
    first[s] = start; many[s] = declared + 1 - start; header[s] = here()
    body = 0; doc = ""; next
}
body && s ~ /;/ { members(s, wait said); wait = ""; next }
body { if (inside && wait == "" && declared >= start) says[declared] = clean(says[declared] " " said); else wait = wait said " "; next }
{
    stmt = stmt " " s
    t = s; depth += gsub(/\{/, "", t); depth -= gsub(/\}/, "", t)
    if (depth == 0 && s ~ /;/) { statement(stmt); stmt = "" }
}
