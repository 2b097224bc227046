#!/bin/sh
# The programs of README and tutorial compile and run unchanged: every ```c block with a main() is one program.
set -eu
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
libs="$GM_LIB/libgm.a -Wl,--as-needed $(pkg-config --libs openblas lapacke zlib libpng) -lm -lpthread"
$GM_CC -std=c99 -Iinclude tests/checks/write_idx.c -o "$tmp/write_idx" $libs
programs=0
for doc in README.md docs/tutorial.md; do
    awk -v out="$tmp/$(basename "$doc" .md)" '
        /^```c$/ { code = 1; text = ""; next }
        /^```$/ && code { code = 0; if (text ~ /int main\(/) { n++; printf "%s", text > (out "-" n ".c"); close(out "-" n ".c") } next }
        code { text = text $0 "\n" }' "$doc"
done
for c in "$tmp"/*.c; do
    name=$(basename "$c" .c)
    $GM_CC -std=c99 -Wall -Wextra -Werror -Iinclude "$c" -o "$tmp/$name" $libs
    mkdir "$tmp/run-$name"
    "$tmp/write_idx" synth:digits,n=300 "$tmp/run-$name/train-images-idx3-ubyte.gz"
    (cd "$tmp/run-$name" && "$tmp/$name")
    programs=$((programs + 1))
    echo "$name: ran; wrote $(ls "$tmp/run-$name" | tr '\n' ' ')"
done
test "$programs" -ge 2
test -s "$tmp/run-README-1/digits.png"
test -s "$tmp/run-README-1/vae.safetensors"
diff "$tmp/README-1.c" examples/vae_mnist.c >/dev/null || { sed 1,2d examples/vae_mnist.c | diff "$tmp/README-1.c" -; }
