#!/bin/sh
# Each folder under src/ includes only itself and the folders before it in this list.
set -eu
order="base kernels tensor tape ops nn optim io data text metrics models"
bad=0
for f in $(find src -name '*.[ch]' -o -name '*.def'); do
    folder=$(echo "$f" | cut -d/ -f2)
    if [ "$folder" = cli ]; then
        allowed="cli"
    else
        allowed=""
        for d in $order; do
            allowed="$allowed $d"
            [ "$d" = "$folder" ] && break
        done
        case " $allowed " in *" $folder "*) ;; *) echo "$f: folder $folder is not in the list"; bad=1; continue;; esac
    fi
    for inc in $(sed -nE 's/^ *# *include "([a-z_]+)\/.*/\1/p' "$f"); do
        case " $allowed " in *" $inc "*) ;; *) echo "$f: includes $inc/, which stands above $folder"; bad=1;; esac
    done
    if grep -qE 'include [<"](cblas|lapacke)\.h' "$f" && [ "$folder" != kernels ]; then echo "$f: BLAS belongs to src/kernels"; bad=1; fi
done
exit $bad
