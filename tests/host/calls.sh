#!/bin/sh
# Makes a C table of every public function from the headers: a caller that takes its arguments from an array, what it returns, and the type
# and name of each parameter. tests/host/test_handles.c includes it.
cat "$@" | grep -v '^ *#' | tr '\n' ' ' | grep -oE 'GM_API [^;]*;' | awk '
function trim(s) { gsub(/^ +| +$/, "", s); return s }
{
    gsub(/  +/, " ")
    s = $0; sub(/^GM_API /, "", s); sub(/;$/, "", s)
    if (match(s, /[a-z0-9_]+ ?\(\*[a-z]+\)\([^)]*\)/)) { # a function pointer without a type name
        before = substr(s, 1, RSTART - 1); after = substr(s, RSTART + RLENGTH); which = substr(s, RSTART, RLENGTH)
        sub(/.*\(\*/, "", which); sub(/\).*/, "", which)
        s = before "host_" which " " which after
    }
    open = index(s, "("); head = trim(substr(s, 1, open - 1)); inside = substr(s, open + 1); sub(/\)[^)]*$/, "", inside)
    name = head; sub(/.*[ *]/, "", name)
    returns = trim(substr(head, 1, length(head) - length(name)))
    n = inside == "void" ? 0 : split(inside, part, /,/)
    call = ""; table = ""
    for (i = 1; i <= n; i++) {
        type = trim(part[i]); array = sub(/\[[^\]]*\]$/, "", type)
        who = type; sub(/.*[ *]/, "", who)
        type = trim(substr(type, 1, length(type) - length(who))) (array ? " *" : "")
        if (type ~ /\*$/) value = "v[" (i - 1) "].p"
        else if (type == "double") value = "v[" (i - 1) "].d"
        else if (type ~ /_fn$|^gm_row_source$|^gm_segment$|^gm_expression$|^host_/) value = "(" type ")v[" (i - 1) "].f"
        else value = "(" type ")v[" (i - 1) "].i"
        call = call (i > 1 ? ", " : "") value
        table = table (i > 1 ? ", " : "") "{\"" type "\", \"" who "\"}"
    }
    to = returns == "void" ? "" : returns ~ /\*$/ ? "r->p = (void *)" : returns == "double" ? "r->d = " : "r->i = (int64_t)"
    printf "static void call_%s(const value *v, value *r) { (void)v, (void)r; %s%s(%s); }\n", name, to, name, call
    rows = rows sprintf("    {\"%s\", call_%s, \"%s\", %d, {%s}},\n", name, name, returns, n, n ? table : "{0}")
}
END { printf "static const function functions[] = {\n%s};\n", rows }'
