#!/bin/sh
# docs/reference/ is what the public headers and the table of layers say; UPDATE=1 writes it anew.
set -eu
out=docs/reference
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT

# Functions of headers with their comments, under the headers' own headings. A comment's tags become lines of a list.
functions() {
    awk '
        function clean(s) { gsub(/[ \t]+/, " ", s); sub(/^ /, "", s); sub(/ $/, "", s); return s }
        function trim_stop(s) { sub(/\.$/, "", s); return s }
        function item(label, s) { if (s != "") printf "- %s: %s\n", label, trim_stop(clean(s)) }
        function escape(s) { gsub(/[|]/, "\\|", s); gsub(/[*]/, "\\*", s); gsub(/_/, "\\_", s); gsub(/</, "\\<", s); return s }
        # text before the first tag, then "@tag text" pieces
        function show(    n, part, i, tag, rest) {
            n = split(text, part, /@/)
            printf "\n### `%s`\n\n```c\n%s\n```\n", name, signature
            if (clean(part[1]) != "") printf "%s\n\n", escape(trim_stop(clean(part[1]))) "."
            for (i = 2; i <= n; i++) {
                tag = part[i]; sub(/[ \t\n].*/, "", tag)
                rest = substr(part[i], length(tag) + 1)
                if (tag == "param") { rest = clean(rest); who = rest; sub(/ .*/, "", who); sub(/^[^ ]* ?/, "", rest); item("`" who "`", escape(rest)) }
                else if (tag == "return") item("returns", escape(rest))
                else if (tag == "grad") item("gradient", escape(rest))
                else if (tag == "source") item("source", escape(rest))
                else if (tag == "errors") item("errors", escape(rest))
                else if (tag == "threads") item("threads", escape(rest))
                else if (tag == "since") item("since", escape(rest))
                else printf "%s: @%s: a tag that nobody knows\n", name, tag > "/dev/stderr"
            }
        }
        FNR == 1 { head = 1; intro = "" }
        # the comment at the top of a header: its name, then what all of it shares
        head && /^\/\*/ { sub(/^\/\* */, ""); title = $0; inhead = 1; head = 0; n = index(title, " - ")
                          printf "\n# %s\n\n%s\n", substr(title, 1, n - 1), toupper(substr(title, n + 3, 1)) substr(title, n + 4); print ""; print "```"; started = 0; next }
        inhead { end = /\*\//; sub(/ *\*\/ *$/, ""); sub(/^ \* ?/, ""); if ($0 != "" || started) { if ($0 != "" || !end) print; started = 1 }
                 if (end) { inhead = 0; print "```" } next }
        /^\/\* ---- / { s = $0; sub(/^\/\* -+ */, "", s); sub(/ *-+ *\*\/$/, "", s); sub(/ *-+$/, "", s); printf "\n## %s\n", toupper(substr(s, 1, 1)) substr(s, 2); next }
        /^\/\*\*/ { comment = 1; text = ""; sub(/^\/\*\*/, "") }
        comment { end = /\*\//; s = $0; sub(/\*\/.*/, "", s); sub(/^ *\* ?/, "", s); text = text " " s; if (end) comment = 0; next }
        /^\/\* [^-].*\*\/$/ && !intype { lead = $0 "\n"; next }
        /^$/ { lead = "" }
        /^(typedef )?(struct|enum) ?.*\{/ && !/;[ ]*$/ || /^(typedef struct|enum).*\{.*\}.*;/ { type = lead; lead = ""; intype = 1 }
        intype { type = type $0 "\n"; if (/^\}.*;/ || /\}.*;$/) { intype = 0; printf "\n```c\n%s```\n", type } next }
        /^typedef .*\(\*/ { printf "\n### `%s`\n\n```c\n%s\n```\n%s\n", substr($0, match($0, /\(\*[a-z_]*/) + 2, RLENGTH - 2), $0, escape(clean(text)); text = ""; next }
        /^GM_API/ { inproto = 1; signature = "" }
        inproto { s = $0; sub(/^GM_API /, "", s); sub(/^ +/, "    ", s); signature = signature (signature == "" ? "" : "\n") s
                  if (/;/) { inproto = 0; name = signature; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name); show(); text = "" } }
    ' "$@"
}

note() { printf '<!-- Made from %s by UPDATE=1 sh tests/checks/reference.sh: edit that, not this. -->\n' "$1"; }
ops="include/gm/ops.h"
for h in image attention linalg; do [ -e include/gm/$h.h ] && ops="$ops include/gm/$h.h"; done
rest=
for h in status ctx tensor tape custom net optim dataset model trainer sampler file; do rest="$rest include/gm/$h.h"; done
for h in include/gm/*.h; do
    case " $ops $rest include/gm/gm.h " in *" $h "*) ;; *) rest="$rest $h";; esac
done
mkdir -p "$tmp/reference"
{ note "the public headers"; functions $ops; } >"$tmp/reference/ops.md" 2>"$tmp/complaints"
{ note "the public headers"; functions $rest; } >"$tmp/reference/api.md" 2>>"$tmp/complaints"
{
    note "the table of layers"
    printf '\n# Layers\n\nWhat a network text may name; the same as `gm help layers`. [networks.md](../networks.md) says how texts are read.\n\n```\n'
    "$GM_BUILD/gm" help layers | sed 1,2d
    printf '```\n'
} >"$tmp/reference/layers.md"
if grep . "$tmp/complaints"; then exit 1; fi

# Nothing may be missing: each function once, each layer with its line of help.
for name in $(sed -e '/^#/d' lib/gm.symbols); do
    n=$(cat "$tmp"/reference/ops.md "$tmp"/reference/api.md | grep -c "^### \`$name\`$") || true
    [ "$n" = 1 ] || { echo "$name: $n times in the reference"; exit 1; }
done
if grep -B1 '^ *$' "$tmp/reference/layers.md" | grep -A1 '^[a-z]' | grep -q '^    $'; then echo "a layer without help"; exit 1; fi
"$GM_BUILD/gm" help layers | awk 'NR > 2 && /^[a-z]/ { last = $0; getline; if ($0 !~ /^    ./) { print last ": no help"; exit 1 } }'

if [ -n "${UPDATE:-}" ]; then
    mkdir -p "$out"
    cp "$tmp"/reference/*.md "$out"
else
    for f in ops layers api; do diff "$out/$f.md" "$tmp/reference/$f.md" >/dev/null || { echo "$out/$f.md is stale: UPDATE=1 GM_BUILD=build sh tests/checks/reference.sh"; exit 1; }; done
fi
