#!/bin/sh
# The programs of README, tutorial and embedding guide compile and run unchanged: every ```c or ```cpp block with a main() is one program.
set -eu
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
libs="$GM_LIB/libgm.a -Wl,--as-needed $(pkg-config --libs openblas lapacke zlib libpng) -lm -lpthread -ldl"
LD_LIBRARY_PATH="$(cd "$GM_LIB" && pwd)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"; export LD_LIBRARY_PATH
$GM_CC -std=c99 -Iinclude tests/checks/write_idx.c -o "$tmp/write_idx" $libs
programs=0
for doc in README.md docs/tutorial.md docs/embedding.md; do
    awk -v out="$tmp/$(basename "$doc" .md)" '
        /^```(c|cpp)$/ { code = substr($0, 4); text = ""; next }
        /^```$/ && code { if (text ~ /int main\(/) { n++; file = out "-" n "." code; printf "%s", text > file; close(file) } code = ""; next }
        code { text = text $0 "\n" }' "$doc"
done
for source in "$tmp"/*-*.c "$tmp"/*-*.cpp; do
    name=$(basename "${source%.*}")
    case $source in
    *.c) $GM_CC -std=c99 -Wall -Wextra -Werror -Iinclude "$source" -o "$tmp/$name" $libs ;;
    *.cpp) command -v c++ >/dev/null || continue
        c++ -std=c++11 -Wall -Wextra -Werror -fno-exceptions -fno-rtti -Iinclude "$source" -o "$tmp/$name" $libs ;;
    esac
    mkdir "$tmp/run-$name"
    "$tmp/write_idx" synth:digits,n=300 "$tmp/run-$name/train-images-idx3-ubyte.gz"
    (cd "$tmp/run-$name" && "$tmp/$name")
    programs=$((programs + 1))
    echo "$name: ran; wrote $(ls "$tmp/run-$name" | tr '\n' ' ')"
done
test "$programs" -ge 5
test -s "$tmp/run-README-1/digits.png"
test -s "$tmp/run-README-1/vae.safetensors"
diff "$tmp/README-1.c" examples/vae_mnist.c >/dev/null || { sed 1,2d examples/vae_mnist.c | diff "$tmp/README-1.c" -; }
