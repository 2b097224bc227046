#!/bin/sh
# Every public header compiles alone, as C99 and as C++ without exceptions.
set -eu
for h in include/gm/*.h; do
    echo "#include \"$h\"" | $GM_CC -std=c99 -pedantic -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c -
    if command -v c++ >/dev/null; then
        echo "#include \"$h\"" | c++ -std=c++11 -pedantic -Wall -Wextra -Werror -fno-exceptions -fno-rtti -Iinclude -fsyntax-only -x c++ -
    fi
done
