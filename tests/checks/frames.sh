#!/bin/sh
# No function of the library takes more than 4 KiB of stack: hosts have threads with small ones. Read from the machine code of x86-64, as it is
# built by default: other levels put other functions into one.
set -eu
grep -q -e ' -O2 ' "$GM_BUILD/flags" || { echo "skipped: not built with -O2"; exit 0; }
command -v objdump >/dev/null || { echo "skipped: no objdump"; exit 0; }
objdump -f "$GM_LIB/libgm.so" | grep -q x86-64 || { echo "skipped: not x86-64"; exit 0; }
objdump -d --no-show-raw-insn "$GM_LIB/libgm.so" >"$GM_BUILD/tests/code"
grep -q 'sub .*,%rsp' "$GM_BUILD/tests/code"
awk '/^[0-9a-f]+ <.*>:$/ { name = $2 }
     /sub +\$0x[0-9a-f]+,%rsp/ { size = $0; sub(/.*\$0x/, "", size); sub(/,.*/, "", size)
                                 if (length(size) > 3 && length(size) < 9) { print "0x" size " bytes of stack: " name; bad = 1 } }
     /sub +%r[a-z0-9]+,%rsp/ { print "stack of a size that is not constant: " name; bad = 1 }
     END { exit bad }' "$GM_BUILD/tests/code"
rm "$GM_BUILD/tests/code"
