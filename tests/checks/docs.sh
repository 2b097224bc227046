#!/bin/sh
# Every public function stands under a comment with the tags that the manual promises.
set -eu
bad=0
for h in include/gm/*.h; do
    ops=0
    case $h in */ops.h|*/ops_*.h|*/image.h|*/linalg.h|*/attention.h) ops=1;; esac
    awk -v file="$h" -v ops=$ops '
        /^\/\*\*/ { text = ""; inside = 1 }
        inside { text = text "\n" $0 }
        inside && /\*\// { inside = 0; next }
        /^GM_API/ {
            name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
            want = ops ? "@grad @since" : "@errors @threads @since"
            n = split(want, tag, " ")
            for (i = 1; i <= n; i++) if (index(text, tag[i]) == 0) { print file ": " name ": no " tag[i]; bad = 1 }
            text = ""
        }
        END { exit bad }' "$h" || bad=1
done
exit $bad
